/** The command line of `redeno cli`, parsed: its flags are redis-cli's, declared in `flags.ts`. */
import type { Address } from "./connection.ts";
import { FLAGS } from "./flags.ts";
import { latin1FromText } from "./text.ts";
import { exclusive, UsageError } from "./usage_error.ts";

/** Forms of a printed reply. */
export type OutputFormat = "people" | "raw" | "csv" | "json" | "quoted-json";

/** Uses of a connection other than sending the commands of a user. */
export type ModeName =
  | "bigkeys"
  | "eval"
  | "functions-rdb"
  | "hotkeys"
  | "intrinsic-latency"
  | "latency"
  | "latency-dist"
  | "lru-test"
  | "memkeys"
  | "pipe"
  | "rdb"
  | "replica"
  | "scan"
  | "stat";

/** The TLS settings of a connection. */
export interface TlsOptions {
  readonly caCertFile: string | undefined;
  /** Folder whose files are all trusted. */
  readonly caCertFolder: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  /** Name sent to the server; undefined for the host name. */
  readonly serverName: string | undefined;
  /** True to accept any certificate. */
  readonly isInsecure: boolean;
}

/** A parsed command line. */
export interface CliOptions {
  readonly address: Address;
  /** Undefined without TLS. */
  readonly tls: TlsOptions | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly askPassword: boolean;
  readonly noAuthWarning: boolean;
  readonly database: number;
  readonly resp3: boolean;
  /** True if RESP2 is used silently with a server without RESP3, as for JSON. */
  readonly mayFallBack: boolean;
  readonly format: OutputFormat;
  /** The separator between the items of a raw reply, and the end behind it. */
  readonly itemDelimiter: string;
  readonly replyDelimiter: string;
  /** Number of times the command is sent (negative: forever), and the pause between. */
  readonly repeat: number;
  readonly intervalMs: number;
  readonly lastArgFromStdin: boolean;
  /** The argument that standard input replaces. */
  readonly stdinTag: string | undefined;
  readonly isQuotedInput: boolean;
  readonly failOnErrorReply: boolean;
  /** True to follow MOVED and ASK. */
  readonly followsCluster: boolean;
  readonly showPushes: boolean;
  readonly wantsHelp: boolean;
  readonly wantsVersion: boolean;
  /** Undefined for plain commands. */
  readonly mode: ModeName | undefined;
  readonly latencyHistory: boolean;
  readonly isMonochrome: boolean;
  /** Keys for the modes that scan, as a glob in latin1. */
  readonly pattern: string | undefined;
  /** COUNT for the modes that scan. */
  readonly scanCount: number | undefined;
  /** Elements of a collection that MEMORY USAGE samples; undefined for the server's default. */
  readonly memorySamples: number | undefined;
  /** Keys of the simulated cache. */
  readonly sampleSize: number;
  /** Duration of the intrinsic latency test. */
  readonly durationS: number;
  /** Longest wait for a reply at the end of a transfer; 0: no limit. */
  readonly pipeTimeoutS: number;
  /** File of the modes `eval`, `rdb` and `functions-rdb`. */
  readonly file: string;
  /** The command as latin1 strings; empty for a session. */
  readonly command: readonly string[];
}

type Changeable<T> = { -readonly [K in keyof T]: T[K] };

/** A command line being parsed. */
export interface Draft extends Changeable<Omit<CliOptions, "address" | "tls">> {
  hostname: string;
  port: number;
  socketPath: string | undefined;
  isTls: boolean;
  tls: Changeable<TlsOptions>;
  asksResp2: boolean;
  asksResp3: boolean;
}

const COLUMN = 25;

/** The text of `redeno cli --help`. */
export const USAGE = `redeno cli: talks to a Redis-compatible server

Usage: redeno cli [OPTIONS] [cmd [arg [arg ...]]]
${FLAGS.map(({ names, value, help }) => usageLines(names, value, help)).join("")}
Without a command it starts a session: type "help" there.
`;

function usageLines(names: readonly string[], value: string | undefined, help: string): string {
  const flag = `  ${names.join(", ")}${value === undefined ? "" : ` <${value}>`}`;
  const [first = "", ...rest] = help.split("\n");
  const head = flag.length < COLUMN ? flag.padEnd(COLUMN) : `${flag}  `;
  return [head + first, ...rest.map((line) => " ".repeat(COLUMN) + line)].map((line) => line + "\n").join("");
}

/**
 * Parses the command line. The command begins at the first word that is neither a flag nor its
 * value and goes to the server as it is.
 * @param isTerminal true if standard output is a terminal, which decides the format in the absence
 * of a flag
 * @throws {UsageError}
 */
export function parseOptions(args: readonly string[], isTerminal: boolean): CliOptions {
  const draft = emptyDraft(isTerminal);
  let at = 0;
  while (at < args.length && args[at]!.startsWith("-")) {
    const word = args[at++]!;
    const flag = FLAGS.find(({ names }) => names.includes(word));
    if (word === "-h" && at === args.length) draft.wantsHelp = true;
    else if (flag?.value === undefined) apply(flag?.apply, draft, word, "");
    else apply(flag.apply, draft, word, args[at++]);
  }
  draft.command = args.slice(at).map(latin1FromText);
  return finish(draft);
}

function apply(
  change: ((draft: Draft, value: string, word: string) => void) | undefined,
  draft: Draft,
  word: string,
  value: string | undefined,
): void {
  if (change === undefined || value === undefined) {
    throw new UsageError(`Unrecognized option or bad number of args for: '${word}'`);
  }
  change(draft, value, word);
}

function emptyDraft(isTerminal: boolean): Draft {
  return {
    hostname: "127.0.0.1",
    port: 6379,
    socketPath: undefined,
    isTls: false,
    tls: {
      caCertFile: undefined,
      caCertFolder: undefined,
      certFile: undefined,
      keyFile: undefined,
      serverName: undefined,
      isInsecure: false,
    },
    asksResp2: false,
    asksResp3: false,
    username: undefined,
    password: undefined,
    askPassword: false,
    noAuthWarning: false,
    database: 0,
    resp3: false,
    mayFallBack: false,
    format: isTerminal ? "people" : "raw",
    itemDelimiter: "\n",
    replyDelimiter: "\n",
    repeat: 1,
    intervalMs: 0,
    lastArgFromStdin: false,
    stdinTag: undefined,
    isQuotedInput: false,
    failOnErrorReply: false,
    followsCluster: false,
    showPushes: isTerminal,
    wantsHelp: false,
    wantsVersion: false,
    mode: undefined,
    latencyHistory: false,
    isMonochrome: false,
    pattern: undefined,
    scanCount: undefined,
    memorySamples: undefined,
    sampleSize: 0,
    durationS: 0,
    pipeTimeoutS: 30,
    file: "",
    command: [],
  };
}

/** Resolves the settings that depend on several flags. */
function finish(draft: Draft): CliOptions {
  const { hostname, port, socketPath, isTls, tls, asksResp2, asksResp3, ...rest } = draft;
  if (asksResp2 && asksResp3) throw exclusive("-2", "-3");
  if (draft.lastArgFromStdin && draft.stdinTag !== undefined) throw exclusive("-x", "-X");
  if (draft.followsCluster && socketPath !== undefined) throw exclusive("-c", "-s");
  const isJson = draft.format === "json" || draft.format === "quoted-json";
  return {
    ...rest,
    address: socketPath === undefined ? { hostname, port } : { socketPath },
    tls: isTls ? tls : undefined,
    resp3: asksResp3 || (isJson && !asksResp2),
    mayFallBack: !asksResp3,
  };
}
