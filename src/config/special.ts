/** Parameters whose values have a form of their own. Their error texts are Redis's. */
import { parseDouble, parseMemory } from "../util/numbers.ts";
import { quoteArg } from "../util/sds_split.ts";
import { ConfigError } from "./errors.ts";
import { fromLatin1, reasonOf, toLatin1 } from "./host.ts";
import { formatNotifyClasses, parseNotifyClasses } from "./keyspace_events.ts";
import { type Common, common, Flag, formatMemory, type Parameter, single } from "./kinds.ts";

/** A snapshot is due after `seconds` if there were at least `changes`. */
export interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

/**
 * `save`: points from several lines add up at the start, and the first line replaces the defaults.
 */
export function savePoints(initial: readonly SavePoint[]): Parameter<readonly SavePoint[]> {
  const printPoint = (point: SavePoint) => `${point.seconds} ${point.changes}`;
  return {
    ...common({ flags: Flag.Multi }),
    initial,
    parse(words, { current, loading, seen }) {
      if (words.length === 0 || (words.length === 1 && words[0] === "")) return [];
      const points = parseSavePoints(words);
      return loading && seen ? [...current, ...points] : points;
    },
    print: (points) => points.map(printPoint).join(" "),
    rewrite: (name, points) =>
      points.length === 0
        ? [{ text: `${name} ""`, force: true }]
        : points.map((point) => ({ text: `${name} ${printPoint(point)}`, force: true })),
  };
}

function parseSavePoints(words: readonly string[]): SavePoint[] {
  const points: SavePoint[] = [];
  for (let i = 0; i < words.length; i += 2) {
    const seconds = looseInteger(words[i]);
    const changes = looseInteger(words[i + 1]);
    if (seconds === undefined || changes === undefined || seconds < 1 || changes < 0) {
      throw new ConfigError("Invalid save parameters");
    }
    points.push({ seconds, changes });
  }
  return points;
}

/**
 * An integer as C's strtoll reads it: leading spaces, a plus, leading zeros, and an empty text as
 * 0.
 */
function looseInteger(word: string | undefined): number | undefined {
  return word !== undefined && /^\s*[+-]?\d+$|^$/.test(word) ? Number(word) : undefined;
}

/** Limits on the output waiting for a slow client, in bytes; 0: no limit. */
export interface OutputLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  readonly softSeconds: number;
}

/** The limits of each class of clients. */
export interface OutputLimits {
  readonly normal: OutputLimit;
  readonly replica: OutputLimit;
  readonly pubsub: OutputLimit;
}

const CLIENT_CLASSES = ["normal", "replica", "pubsub"] as const;

/** `client-output-buffer-limit`: classes not named in a value keep their limits. */
export function outputLimits(initial: OutputLimits): Parameter<OutputLimits> {
  return {
    ...common({ flags: Flag.Multi }),
    initial,
    parse: (words, { current }) => parseOutputLimits(words, current),
    print: (limits) =>
      CLIENT_CLASSES.map((name) => {
        const { hardBytes, softBytes, softSeconds } = limits[name];
        return `${name === "replica" ? "slave" : name} ${hardBytes} ${softBytes} ${softSeconds}`;
      }).join(" "),
    rewrite: (option, limits) =>
      CLIENT_CLASSES.map((name) => ({
        text: `${option} ${name} ${writeLimit(limits[name])}`,
        force: writeLimit(limits[name]) !== writeLimit(initial[name]),
      })),
  };
}

function writeLimit({ hardBytes, softBytes, softSeconds }: OutputLimit): string {
  return `${formatMemory(hardBytes)} ${formatMemory(softBytes)} ${softSeconds}`;
}

function parseOutputLimits(words: readonly string[], current: OutputLimits): OutputLimits {
  if (words.length % 4 !== 0) {
    throw new ConfigError("Wrong number of arguments in buffer limit configuration.");
  }
  let limits = current;
  for (let i = 0; i < words.length; i += 4) {
    const given = words[i]?.toLowerCase();
    const name = CLIENT_CLASSES.find((name) => name === (given === "slave" ? "replica" : given));
    if (name === undefined) {
      throw new ConfigError("Invalid client class specified in buffer limit configuration.");
    }
    limits = { ...limits, [name]: parseLimit(words[i + 1], words[i + 2], words[i + 3]) };
  }
  return limits;
}

function parseLimit(hard = "", soft = "", seconds = ""): OutputLimit {
  const hardBytes = parseMemory(hard);
  const softBytes = parseMemory(soft);
  const softSeconds = looseInteger(seconds);
  if (hardBytes === undefined || softBytes === undefined || softSeconds === undefined || softSeconds < 0) {
    throw new ConfigError("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
  }
  return { hardBytes, softBytes, softSeconds };
}

/** `oom-score-adj-values`: three integers, for primary, replica and child process. */
export function oomScores(initial: readonly number[], options: Common): Parameter<readonly number[]> {
  const print = (values: readonly number[]) => values.join(" ");
  return {
    ...common(options),
    initial,
    parse(words) {
      if (words.length !== initial.length) throw new ConfigError("wrong number of arguments");
      return words.map((word) => {
        const value = looseInteger(word);
        if (value === undefined || Math.abs(value) > 2000) {
          throw new ConfigError("Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
        }
        return value;
      });
    },
    print,
    rewrite: (
      name,
      values,
    ) => [{ text: `${name} ${print(values)}`, force: print(values) !== print(initial) }],
  };
}

/** `notify-keyspace-events`: the bits of {@linkcode Notify}. */
export function notifyClasses(): Parameter<number> {
  return {
    ...common({}),
    initial: 0,
    parse(words) {
      const bits = parseNotifyClasses(single(words));
      if (bits === undefined) {
        throw new ConfigError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
      }
      return bits;
    },
    print: formatNotifyClasses,
    rewrite: (name, bits) => [{ text: `${name} ${quoteArg(formatNotifyClasses(bits))}`, force: bits !== 0 }],
  };
}

const MAX_ADDRESSES = 16;

/** `bind`: addresses to listen on; one with a leading `-` may be missing. */
export function addresses(initial: readonly string[]): Parameter<readonly string[]> {
  const print = (value: readonly string[]) => value.join(" ");
  return {
    ...common({ flags: Flag.Multi }),
    initial,
    parse(words) {
      if (words.length > MAX_ADDRESSES) throw new ConfigError("Too many bind addresses specified.");
      return words.length === 1 && words[0] === "" ? [] : [...words];
    },
    print,
    rewrite: (name, value) =>
      print(value) === print(initial) ? [] : [{ text: `${name} ${print(value) || '""'}`, force: true }],
  };
}

/** The address of this server's primary. */
export interface PrimaryAddress {
  readonly host: string;
  readonly port: number;
}

/** `replicaof`: a host and a port, or `no one`. */
export function primaryAddress(options: Common): Parameter<PrimaryAddress | undefined> {
  const print = (value: PrimaryAddress | undefined) =>
    value === undefined ? "" : `${value.host} ${value.port}`;
  return {
    ...common(options),
    initial: undefined,
    parse(words) {
      const [host, port] = words;
      if (host === undefined || port === undefined || words.length !== 2) {
        throw new ConfigError("wrong number of arguments");
      }
      if (host.toLowerCase() === "no" && port.toLowerCase() === "one") return undefined;
      const number = looseInteger(port);
      if (number === undefined || number < 0 || number > 65535) throw new ConfigError("Invalid master port");
      return { host, port: number };
    },
    print,
    rewrite: (name, value) => value === undefined ? [] : [{ text: `${name} ${print(value)}`, force: true }],
  };
}

/** `latency-tracking-info-percentiles`: numbers from 0 to 100. */
export function percentiles(initial: readonly number[]): Parameter<readonly number[]> {
  const print = (value: readonly number[]) =>
    value.map((percent) => String(Number(percent.toFixed(6)))).join(" ");
  return {
    ...common({ flags: Flag.Multi }),
    initial,
    parse: (words) => words.length === 1 && words[0] === "" ? [] : words.map(parsePercentile),
    print,
    rewrite: (name, value) => [{ text: `${name} ${print(value) || '""'}`, force: true }],
  };
}

function parsePercentile(word: string): number {
  const value = parseDouble(word);
  if (value === undefined) throw new ConfigError("Invalid latency-tracking-info-percentiles parameters");
  if (value > 100 || value < 0) {
    throw new ConfigError("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
  }
  return value;
}

/**
 * `dir`: the working directory; changing to it is part of setting it, as later directives may be
 * relative to it.
 */
export function workingDirectory(): Parameter<string> {
  return {
    ...common({ flags: Flag.Protected | Flag.DenyLoading }),
    initial: ".",
    parse(words, { loading, host }) {
      const path = single(words);
      if (!loading && !host.mayWrite(fromLatin1(path))) throw new ConfigError("Permission denied");
      return path;
    },
    print: (value) => value,
    rewrite: (name, value) => [{ text: `${name} ${quoteArg(value)}`, force: true }],
    enact(value, host) {
      try {
        host.changeDirectory(fromLatin1(value));
      } catch (error) {
        throw new ConfigError(reasonOf(error));
      }
      return toLatin1(host.workingDirectory());
    },
  };
}
