/**
 * The kinds of configuration parameters: how each parses its words, prints its value and is written
 * to a file. The error texts are Redis's. Parameters with a form of their own are in `special.ts`;
 * all of them are declared in `parameters.ts`.
 */
import { quoteArg } from "../util/sds_split.ts";
import { parseInteger, parseMemory } from "../util/numbers.ts";
import { ConfigError } from "./errors.ts";
import type { ConfigHost } from "./host.ts";

/** Properties of a parameter, as bits. */
export const Flag = {
  /** CONFIG SET refuses it. */
  Immutable: 1 << 0,
  /** CONFIG SET needs `enable-protected-configs`. */
  Protected: 1 << 1,
  /** Hidden from patterns of CONFIG GET. */
  Hidden: 1 << 2,
  /** Its value is kept out of logs. */
  Sensitive: 1 << 3,
  /** CONFIG SET refuses it while data are being loaded. */
  DenyLoading: 1 << 4,
  /** Its value may be several words. */
  Multi: 1 << 5,
  /** Accepted, printed and kept, but without effect here. */
  Meaningless: 1 << 6,
} as const;

/** The context in which a parameter parses a value. */
export interface ParseContext<T> {
  /** The present value. */
  readonly current: T;
  /** True at the start (file, environment, command line), false for CONFIG SET. */
  readonly loading: boolean;
  /** True if this start has set the parameter before. */
  readonly seen: boolean;
  readonly host: ConfigHost;
}

/** A line for the configuration file; without `force` it only replaces an existing line. */
export interface RewriteLine {
  readonly text: string;
  readonly force: boolean;
}

/** One parameter. Values are never changed in place: a new one replaces the old. */
export interface Parameter<T> {
  readonly initial: T;
  readonly flags: number;
  readonly aliases: readonly string[];
  /** Reads the words of a value; throws {@linkcode ConfigError}. */
  parse(words: readonly string[], context: ParseContext<T>): T;
  /** The value as CONFIG GET shows it; equal texts are equal values. */
  print(value: T): string;
  /** The value as lines of a file; none if their absence means the same. */
  rewrite(name: string, value: T): RewriteLine[];
  /**
   * Makes a new value take effect before it is kept, if that can fail; returns the resulting value.
   */
  enact?(value: T, host: ConfigHost): T;
}

/** The options common to all kinds. */
export interface Common {
  readonly flags?: number;
  /** Older names. */
  readonly aliases?: readonly string[];
}

/** The only word of a value; kinds with several words parse them themselves. */
export function single(words: readonly string[]): string {
  const [word] = words;
  if (word === undefined || words.length !== 1) throw new ConfigError("wrong number of arguments");
  return word;
}

/** The name, flags and aliases of a parameter. */
export function common({ flags = 0, aliases = [] }: Common): Pick<Parameter<unknown>, "flags" | "aliases"> {
  return { flags, aliases };
}

/** Further options of {@linkcode bool}. */
export interface BoolOptions extends Common {
  /** The reason why CONFIG SET cannot set `yes`. */
  readonly neverYes?: string;
}

/** `yes` or `no`. */
export function bool(initial: boolean, options: BoolOptions = {}): Parameter<boolean> {
  const print = (value: boolean) => value ? "yes" : "no";
  return {
    ...common(options),
    initial,
    parse(words, { loading }) {
      const word = single(words).toLowerCase();
      if (word !== "yes" && word !== "no") throw new ConfigError("argument must be 'yes' or 'no'");
      if (word === "yes" && !loading && options.neverYes !== undefined) {
        throw new ConfigError(options.neverYes);
      }
      return word === "yes";
    },
    print,
    rewrite: (name, value) => [{ text: `${name} ${print(value)}`, force: value !== initial }],
  };
}

/** The largest value of a C int and of a 64-bit integer, as bounds. */
export const INT_MAX = 2147483647;
/** The largest signed 64-bit integer. */
export const INT64_MAX = 9223372036854775807n;

interface NumberForm {
  parse(text: string): number | bigint;
  print(value: number): string;
  /** The form written to a file. */
  write(value: number): string;
  readonly low: number;
  readonly high: number | bigint;
  /** The error for values below `low`, in place of the bounds. */
  readonly tooLow?: string;
}

/**
 * A number of some form within bounds. A value beyond 2^53 - 1 is stored, and shown, as 2^53 - 1.
 */
function numeric(initial: number, form: NumberForm, options: Common): Parameter<number> {
  return {
    ...common(options),
    initial,
    parse(words) {
      const value = form.parse(single(words));
      if (value < form.low || value > form.high) throw outOfBounds(form, value);
      return Number(value > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : value);
    },
    print: (value) => form.print(value),
    rewrite: (name, value) => [{ text: `${name} ${form.write(value)}`, force: value !== initial }],
  };
}

function outOfBounds(form: NumberForm, value: number | bigint): ConfigError {
  if (value < form.low && form.tooLow !== undefined) return new ConfigError(form.tooLow);
  const low = form.print(form.low);
  const high = typeof form.high === "bigint" ? String(form.high) : form.print(form.high);
  return new ConfigError(`argument must be between ${low} and ${high} inclusive`);
}

/** A decimal integer. */
export function integer(
  initial: number,
  low: number,
  high: number | bigint,
  options: Common = {},
): Parameter<number> {
  return numeric(initial, { parse: parseDecimal, print: String, write: String, low, high }, options);
}

/** Bytes, with or without a unit; files get the largest unit that fits. */
export function memory(
  initial: number,
  low: number,
  high: number | bigint,
  options: Common = {},
): Parameter<number> {
  const parse = (text: string) => {
    const bytes = parseMemory(text);
    if (bytes === undefined) throw new ConfigError("argument must be a memory value");
    return bytes;
  };
  return numeric(initial, { parse, print: String, write: formatMemory, low, high }, options);
}

/** Bytes, or a percentage, which is stored as a negative number of percent. */
export function memoryOrPercent(initial: number, options: Common = {}): Parameter<number> {
  const print = (value: number) => value < 0 ? `${-value}%` : String(value);
  const write = (value: number) => value < 0 ? print(value) : formatMemory(value);
  const form = { parse: parseMemoryOrPercent, print, write, low: -100, high: INT64_MAX };
  const tooLow = "percentage argument must be less or equal to 100";
  return numeric(initial, { ...form, tooLow }, options);
}

function parseMemoryOrPercent(text: string): number {
  const bytes = parseMemory(text);
  if (bytes !== undefined) return bytes;
  const percent = text.endsWith("%") ? parseInteger(text.slice(0, -1)) : undefined;
  if (percent === undefined || percent < 0) {
    throw new ConfigError("argument must be a memory or percent value");
  }
  return -Number(percent);
}

/** An octal number, such as the mode of a file. */
export function octal(initial: number, high: number, options: Common = {}): Parameter<number> {
  const parse = (text: string) => {
    if (!/^\s*[+-]?[0-7]+$|^$/.test(text)) {
      throw new ConfigError("argument couldn't be parsed as an octal number");
    }
    const value = parseInt(text, 8);
    return Number.isNaN(value) ? 0 : value;
  };
  const print = (value: number) => value.toString(8);
  return numeric(initial, { parse, print, write: print, low: 0, high }, options);
}

function parseDecimal(text: string): number | bigint {
  const value = parseInteger(text);
  if (value === undefined) throw new ConfigError("argument couldn't be parsed into an integer");
  return value;
}

/** Bytes in the form written to files: in gb, mb or kb if that is exact. */
export function formatMemory(bytes: number): string {
  for (const [unit, size] of [["gb", 1024 ** 3], ["mb", 1024 ** 2], ["kb", 1024]] as const) {
    if (bytes !== 0 && bytes % size === 0) return bytes / size + unit;
  }
  return String(bytes);
}

/** Further options of {@linkcode text}. */
export interface TextOptions extends Common {
  /** The reason for refusing a value, or undefined. */
  readonly refuse?: (value: string) => string | undefined;
}

/** Any text, `""` if not set. */
export function text(initial: string, options: TextOptions = {}): Parameter<string> {
  return {
    ...common(options),
    initial,
    parse(words) {
      const value = single(words);
      const reason = options.refuse?.(value);
      if (reason !== undefined) throw new ConfigError(reason);
      return value;
    },
    print: (value) => value,
    rewrite: (name, value) =>
      value === "" && initial === ""
        ? []
        : [{ text: `${name} ${quoteArg(value)}`, force: value !== initial }],
  };
}

/** One of several words; `synonyms` map to other words. */
export function choice<const Word extends string>(
  initial: NoInfer<Word>,
  choices: readonly Word[],
  options: Common & { readonly synonyms?: Readonly<Record<string, Word>> } = {},
): Parameter<Word> {
  return {
    ...common(options),
    initial,
    parse: (words) => pick(choices, single(words), options.synonyms),
    print: (value) => value,
    rewrite: (name, value) => [{ text: `${name} ${value}`, force: value !== initial }],
  };
}

/**
 * Any number of the given words, or the word `none` alone for nothing; kept in the order of
 * `choices`.
 */
export function choices<const Word extends string>(
  none: string,
  words: readonly Word[],
  refuse: (value: readonly Word[]) => string | undefined,
  options: Common = {},
): Parameter<readonly Word[]> {
  const all = [none, ...words];
  const print = (value: readonly Word[]) => value.length === 0 ? none : value.join(" ");
  return {
    ...common({ ...options, flags: (options.flags ?? 0) | Flag.Multi }),
    initial: [],
    parse(given) {
      if (given.length === 0) throw notOneOf(all);
      const picked = new Set<string>(given.map((word) => pick(all, word)));
      const value = words.filter((word) => picked.has(word));
      const reason = refuse(value);
      if (reason !== undefined) throw new ConfigError(reason);
      return value;
    },
    print,
    rewrite: (name, value) => [{ text: `${name} ${print(value)}`, force: value.length > 0 }],
  };
}

function pick<Word extends string>(
  choices: readonly Word[],
  given: string,
  synonyms: Readonly<Record<string, Word>> = {},
): Word {
  const word = given.toLowerCase();
  const found = synonyms[word] ?? choices.find((choice) => choice === word);
  if (found === undefined) throw notOneOf(choices);
  return found;
}

function notOneOf(choices: readonly string[]): ConfigError {
  return new ConfigError(`argument(s) must be one of the following: ${choices.join(", ")}`);
}
