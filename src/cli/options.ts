/** The flags of `redeno cli`, named as redis-cli's are. */
import { parseArgs } from "@std/cli";
import type { Address } from "./connection.ts";
import { latin1FromText } from "./text.ts";

/** What the command line asks for. */
export interface CliOptions {
  readonly address: Address;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly askPassword: boolean;
  readonly noAuthWarning: boolean;
  readonly database: number;
  readonly resp3: boolean;
  /** Replies as bytes instead of for people. */
  readonly raw: boolean;
  /** What stands between the items of a raw reply, and behind a raw reply. */
  readonly itemDelimiter: string;
  readonly replyDelimiter: string;
  /** How often the command is sent, without end when negative, and the pause between. */
  readonly repeat: number;
  readonly intervalMs: number;
  readonly lastArgFromStdin: boolean;
  readonly failOnErrorReply: boolean;
  readonly showPushes: boolean;
  readonly wantsHelp: boolean;
  readonly wantsVersion: boolean;
  /** The command as latin1 strings; empty for a session. */
  readonly command: readonly string[];
}

/** A flag that is not known or lacks its value. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What `redeno cli --help` prints. */
export const USAGE = `redeno cli: talks to a Redis-compatible server

Usage: redeno cli [OPTIONS] [cmd [arg [arg ...]]]
  -h <hostname>      Host of the server (default: 127.0.0.1).
  -p <port>          Its port (default: 6379).
  -s <socket>        Its Unix socket; overrides host and port.
  -a, --pass <pass>  Password. Safer: the environment variable REDISCLI_AUTH.
  --user <username>  The user the password belongs to.
  --askpass          Ask for the password without showing it.
  --no-auth-warning  Do not warn of a password on the command line.
  -n <db>            Database number.
  -2, -3             Protocol: RESP2 (default), RESP3.
  -r <repeat>        Send the command so many times.
  -i <interval>      Wait so many seconds between them (0.1 is fine).
  -x                 Read the last argument from standard input.
  -e                 Exit with status 1 when the reply is an error.
  --raw              Print replies as they are (default when output is no terminal).
  --no-raw           Print replies with types and quotes.
  -d <delimiter>     What parts the items of a raw reply (default: line feed).
  -D <delimiter>     What ends a raw reply (default: line feed).
  --show-pushes <yn> Print push messages that come unasked (default: on a terminal).
  -v, --version      Print the version.
  --help             Print this.

Without a command it starts a session: type "help" there.
`;

const VALUES = ["h", "p", "s", "a", "user", "n", "r", "i", "d", "D", "show-pushes"] as const;
const SWITCHES = ["askpass", "no-auth-warning", "2", "3", "x", "e", "raw", "help", "version"] as const;
const TAKES_VALUE: ReadonlySet<string> = new Set(["pass", ...VALUES]);

/**
 * Reads the command line.
 * @param isTerminal whether standard output is a terminal, which decides what `--raw` is when not given
 * @throws {UsageError}
 */
export function parseOptions(args: readonly string[], isTerminal: boolean): CliOptions {
  const [flagArgs, command] = splitCommandLine(args);
  const flags = parseArgs(flagArgs, {
    string: VALUES,
    boolean: SWITCHES,
    alias: { a: "pass", version: "v" },
    negatable: ["raw"],
    default: { raw: !isTerminal },
    unknown: refuseFlag,
  });
  const asksHelp = args.at(-1) === "-h" && flags.h === "";
  for (const name of VALUES) {
    const mayBeEmpty = name === "d" || name === "D" || asksHelp;
    if (flags[name] === "" && !mayBeEmpty) throw missingValue(name);
  }
  return {
    address: flags.s === undefined
      ? { hostname: flags.h ?? "127.0.0.1", port: integer("p", flags.p, 6379) }
      : { socketPath: flags.s },
    username: flags.user,
    password: flags.a,
    askPassword: flags.askpass,
    noAuthWarning: flags["no-auth-warning"],
    database: integer("n", flags.n, 0),
    resp3: flags["3"] && !flags["2"],
    raw: flags.raw === true,
    itemDelimiter: latin1FromText(flags.d ?? "\n"),
    replyDelimiter: latin1FromText(flags.D ?? "\n"),
    repeat: integer("r", flags.r, 1),
    intervalMs: Math.round(Number(flags.i ?? 0) * 1000),
    lastArgFromStdin: flags.x,
    failOnErrorReply: flags.e,
    showPushes: flags["show-pushes"] === undefined ? isTerminal : /^y/i.test(flags["show-pushes"]),
    wantsHelp: flags.help || asksHelp,
    wantsVersion: flags.version,
    command: command.map(latin1FromText),
  };
}

/**
 * Parts the flags from the command, which begins at the first word that is neither a flag nor its value
 * and goes to the server as it is. A value that looks like a flag is tied to its flag.
 */
function splitCommandLine(args: readonly string[]): [flags: string[], command: readonly string[]] {
  const flags: string[] = [];
  let at = 0;
  while (at < args.length && args[at]!.startsWith("-")) {
    const flag = args[at++]!;
    const value = TAKES_VALUE.has(flag.replace(/^--?/, "")) ? args[at++] : undefined;
    if (value?.startsWith("-")) flags.push(`${flag}=${value}`);
    else flags.push(flag, ...(value ? [value] : []));
  }
  return [flags, args.slice(at)];
}

function refuseFlag(arg: string): boolean {
  throw new UsageError(`Unrecognized option or bad number of args for: '${arg}'`);
}

function missingValue(name: string): UsageError {
  return new UsageError(
    `Unrecognized option or bad number of args for: '${name.length > 1 ? "--" : "-"}${name}'`,
  );
}

function integer(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (!/^-?\d+$/.test(text)) throw new UsageError(`Invalid number for -${name}: '${text}'`);
  return Number(text);
}
