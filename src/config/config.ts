/**
 * The configuration of a server.
 *
 * Values live in one plain object, {@linkcode Config.values}, which all code reads directly:
 * `config.values.maxmemory`. They are set at the start from files, environment and command line
 * (`load.ts`), later by CONFIG SET, all or nothing. Code that must act on a change registers a
 * hook; hooks run only for CONFIG SET and only for values that changed, and a hook that throws
 * reverts the whole command. A value that changes by other means (REPLICAOF) is simply assigned:
 * always a new value, never the old object changed in place.
 */
import { resolve } from "node:path";
import { LOADING, NO_CONFIG_FILE, ReplyError } from "../protocol/errors.ts";
import { globMatch } from "../util/glob.ts";
import type { CommandLine } from "./command_line.ts";
import { ConfigError } from "./errors.ts";
import { type ConfigHost, denoHost, reasonOf, toLatin1 } from "./host.ts";
import { Flag } from "./kinds.ts";
import { ConfigLoader, type KeptDirective } from "./load.ts";
import type { ConfigValues } from "./parameters.ts";
import { ALL_PARAMETERS, findParameter, type NamedParameter, PARAMETERS_BY_NAME } from "./registry.ts";
import { rewriteText } from "./rewrite.ts";

/** The conditions of a CONFIG SET. */
export interface SetOptions {
  /** True if the caller may change protected parameters. */
  readonly mayChangeProtected: boolean;
  /** True while data are being loaded. */
  readonly isLoading: boolean;
}

/** The configuration of one server; see the head of this file. */
export class Config {
  /** All values under their names in camel case; text values are latin1. */
  readonly values: ConfigValues;
  /** The absolute path of the configuration file, or "". */
  filePath = "";
  /**
   * Supplies the present users to CONFIG REWRITE, as `name rule ...`; without it the `user` lines
   * stay as they are.
   */
  describeUsers: (() => readonly string[]) | undefined = undefined;

  /** The same object as `values`, by field name. */
  readonly #fields: Record<string, unknown>;
  readonly #host: ConfigHost;
  readonly #loader: ConfigLoader;
  readonly #hooks = new Map<string, (() => void)[]>();
  /** Names of the parameters set so far during this start. */
  readonly #seen = new Set<string>();

  /** The defaults; only `dir` depends on the process. */
  constructor(host: ConfigHost = denoHost) {
    this.#host = host;
    this.#loader = new ConfigLoader((parameter, words) => this.#take(parameter, words), host);
    this.values = initialValues();
    this.values.dir = toLatin1(host.workingDirectory());
    this.#fields = this.values;
  }

  /** Directives without effect here that were given a value other than their neutral one. */
  get ignored(): string[] {
    return [...this.#loader.ignored].filter((name) => {
      const parameter = findParameter(name);
      return parameter !== undefined && this.#print(parameter) !== parameter.print(parameter.initial);
    });
  }

  /** Paths of the files that were read, and of folders searched for them; latin1. */
  get filesRead(): readonly string[] {
    return this.#loader.filesRead;
  }

  /** The `user` lines: a name and rules. */
  get users(): readonly KeptDirective[] {
    return this.#loader.users;
  }

  /** The `rename-command` lines: a command and its new name, empty to remove it. */
  get renamedCommands(): readonly KeptDirective[] {
    return this.#loader.renamedCommands;
  }

  /** Reads the configuration from every source of a start; throws {@linkcode ConfigLoadError}. */
  load(commandLine: CommandLine, environment: Readonly<Record<string, string>>): void {
    const { configFile } = commandLine;
    if (configFile !== "") this.filePath = resolve(this.#host.workingDirectory(), configFile);
    this.#loader.load(commandLine, environment);
  }

  /** The value of a parameter as CONFIG GET prints it. */
  get(name: string): string | undefined {
    const parameter = findParameter(name);
    return parameter && this.#print(parameter);
  }

  /**
   * Names and values for CONFIG GET: a name as given, or all names that match a glob, older names
   * included.
   */
  match(patterns: readonly string[]): [name: string, value: string][] {
    const found = new Map<string, string>();
    for (const pattern of patterns) {
      const exact = /[[*?]/.test(pattern) ? undefined : findParameter(pattern);
      if (exact !== undefined) found.set(pattern, this.#print(exact));
      else this.#matchGlob(pattern, found);
    }
    return [...found];
  }

  #matchGlob(pattern: string, found: Map<string, string>): void {
    for (const [name, parameter] of PARAMETERS_BY_NAME) {
      if ((parameter.flags & Flag.Hidden) === 0 && globMatch(pattern, name, true)) {
        found.set(name, this.#print(parameter));
      }
    }
  }

  /**
   * Runs `hook` with the new value when CONFIG SET changes it. A hook must throw before it changes
   * anything.
   */
  onApply<Field extends keyof ConfigValues>(field: Field, hook: (value: ConfigValues[Field]) => void): void {
    const hooks = this.#hooks.get(field) ?? [];
    hooks.push(() => hook(this.values[field]));
    this.#hooks.set(field, hooks);
  }

  /** CONFIG SET: all pairs or none; throws {@linkcode ReplyError}. */
  set(pairs: readonly (readonly [name: string, value: string])[], options: SetOptions): void {
    const settings = checkedSettings(pairs, options);
    // values first, then hooks, so that each hook sees all new values
    const undo: (() => void)[] = [];
    let current = "";
    try {
      const changed: Setting[] = [];
      for (const setting of settings) {
        current = setting.name;
        if (this.#change(setting, undo)) changed.push(setting);
      }
      for (const { name, parameter } of changed) {
        current = name;
        this.#runHooks(parameter, undo);
      }
    } catch (error) {
      for (const step of undo) step();
      throw error instanceof ConfigError ? setFailed(current, error.message) : error;
    }
  }

  /**
   * CONFIG REWRITE; throws {@linkcode ReplyError}.
   * @param forceAll writes every parameter, defaults included
   */
  rewrite(forceAll = false): void {
    if (this.filePath === "") throw NO_CONFIG_FILE;
    try {
      const valueOf = (field: string) => this.#fields[field];
      const text = rewriteText(this.#oldText(), { valueOf, users: this.describeUsers?.(), forceAll });
      this.#host.replaceFile(this.filePath, text);
    } catch (error) {
      throw new ReplyError(`ERR Rewriting config file: ${reasonOf(error)}`);
    }
  }

  #oldText(): string {
    try {
      return this.#host.readFile(this.filePath);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  #print(parameter: NamedParameter): string {
    return parameter.print(this.#fields[parameter.field]);
  }

  /** Applies a value at the start. */
  #take(parameter: NamedParameter, words: readonly string[]): void {
    const seen = this.#seen.has(parameter.name);
    const current = this.#fields[parameter.field];
    this.#keep(parameter, parameter.parse(words, { current, loading: true, seen, host: this.#host }));
    this.#seen.add(parameter.name);
  }

  /** Applies a value of CONFIG SET; false if it equals the old one. */
  #change({ parameter, words }: Setting, undo: (() => void)[]): boolean {
    const before = this.#fields[parameter.field];
    const context = { current: before, loading: false, seen: false, host: this.#host };
    const value = parameter.parse(words, context);
    if (parameter.print(value) === parameter.print(before)) return false;
    this.#keep(parameter, value);
    undo.push(() => this.#keep(parameter, before));
    return true;
  }

  #keep(parameter: NamedParameter, value: unknown): void {
    this.#fields[parameter.field] = parameter.enact === undefined
      ? value
      : parameter.enact(value, this.#host);
  }

  #runHooks(parameter: NamedParameter, undo: (() => void)[]): void {
    for (const hook of this.#hooks.get(parameter.field) ?? []) {
      hook();
      undo.push(hook);
    }
  }
}

function initialValues(): ConfigValues {
  const fields: Record<string, unknown> = Object.fromEntries(
    ALL_PARAMETERS.map(({ field, initial }) => [field, initial]),
  );
  if (!hasAllFields(fields)) throw new Error("a parameter has no value");
  return fields;
}

/** The declarations that produce the fields also produce their type. */
function hasAllFields(fields: Record<string, unknown>): fields is ConfigValues {
  return ALL_PARAMETERS.every(({ field }) => Object.hasOwn(fields, field));
}

interface Setting {
  /** The name as the client wrote it. */
  readonly name: string;
  readonly parameter: NamedParameter;
  readonly words: readonly string[];
}

/** The settings of a CONFIG SET; throws for the first name that may not be set. */
function checkedSettings(
  pairs: readonly (readonly [name: string, value: string])[],
  { mayChangeProtected, isLoading }: SetOptions,
): Setting[] {
  const settings: Setting[] = [];
  for (const [name, value] of pairs) {
    const parameter = findParameter(name);
    if (parameter === undefined) {
      throw new ReplyError(`ERR Unknown option or number of arguments for CONFIG SET - '${name}'`);
    }
    const has = (flag: number) => (parameter.flags & flag) !== 0;
    if (has(Flag.Immutable)) throw setFailed(name, "can't set immutable config");
    if (has(Flag.Protected) && !mayChangeProtected) throw setFailed(name, "can't set protected config");
    if (has(Flag.DenyLoading) && isLoading) throw LOADING;
    if (settings.some((other) => other.parameter === parameter)) throw setFailed(name, "duplicate parameter");
    const isEmptyList = has(Flag.Multi) && value === "";
    settings.push({
      name,
      parameter,
      words: isEmptyList ? [] : has(Flag.Multi) ? value.split(" ") : [value],
    });
  }
  return settings;
}

function setFailed(name: string, reason: string): ReplyError {
  return new ReplyError(`ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`);
}
