/**
 * The flags of `redeno cli`, each declared once: its names, its line in `--help`, and its effect.
 */
import { splitArgs } from "../util/sds_split.ts";
import type { Draft, ModeName } from "./options.ts";
import { latin1FromText } from "./text.ts";
import { parseRedisUri } from "./uri.ts";
import { exclusive, UsageError } from "./usage_error.ts";

/** A flag. */
export interface FlagDeclaration {
  readonly names: readonly string[];
  /** Name of its value in the help; undefined for a flag without a value. */
  readonly value?: string;
  /** Its help; further lines are printed below the first. */
  readonly help: string;
  /**
   * Changes the options.
   * @param word the flag as written
   * @throws {UsageError}
   */
  readonly apply: (draft: Draft, value: string, word: string) => void;
}

/** All flags, in the order of the help text. */
export const FLAGS: readonly FlagDeclaration[] = [
  { names: ["-h"], value: "hostname", help: "Host (default: 127.0.0.1).", apply: (o, v) => o.hostname = v },
  {
    names: ["-p"],
    value: "port",
    help: "Port (default: 6379).",
    apply: (o, v, word) => o.port = integer(word, v),
  },
  {
    names: ["-s"],
    value: "socket",
    help: "Unix socket; overrides host and port.",
    apply: (o, v) => o.socketPath = v,
  },
  {
    names: ["-u"],
    value: "uri",
    help: "redis://user:password@host:port/database, or rediss:// for TLS.",
    apply: applyUri,
  },
  {
    names: ["-a", "--pass"],
    value: "password",
    help: "Password. Safer: the environment variable REDISCLI_AUTH.",
    apply: (o, v) => o.password = v,
  },
  {
    names: ["--user"],
    value: "username",
    help: "User of the password.",
    apply: (o, v) => o.username = v,
  },
  {
    names: ["--askpass"],
    help: "Ask for the password without showing it.",
    apply: (o) => o.askPassword = true,
  },
  {
    names: ["--no-auth-warning"],
    help: "No warning about a password on the command line.",
    apply: (o) => o.noAuthWarning = true,
  },
  {
    names: ["-n"],
    value: "db",
    help: "Database number.",
    apply: (o, v, word) => o.database = integer(word, v),
  },
  { names: ["-2"], help: "RESP2 (default).", apply: (o) => o.asksResp2 = true },
  { names: ["-3"], help: "RESP3.", apply: (o) => o.asksResp3 = true },
  { names: ["--tls"], help: "Connect by TLS.", apply: (o) => o.isTls = true },
  {
    names: ["--sni"],
    value: "name",
    help: "Server name sent by TLS (default: the host).",
    apply: (o, v) => o.tls.serverName = v,
  },
  {
    names: ["--cacert"],
    value: "file",
    help: "Certificate authority to trust (default: those of the system).",
    apply: (o, v) => o.tls.caCertFile = v,
  },
  {
    names: ["--cacertdir"],
    value: "folder",
    help: "Folder of such certificates.",
    apply: (o, v) => o.tls.caCertFolder = v,
  },
  {
    names: ["--cert"],
    value: "file",
    help: "Certificate of this client; needs --key.",
    apply: (o, v) => o.tls.certFile = v,
  },
  {
    names: ["--key"],
    value: "file",
    help: "Private key of that certificate.",
    apply: (o, v) => o.tls.keyFile = v,
  },
  {
    names: ["--insecure"],
    help: "Accept any certificate of the server.",
    apply: (o) => o.tls.isInsecure = true,
  },
  {
    names: ["-r"],
    value: "repeat",
    help: "Send the command so many times.",
    apply: (o, v, word) => o.repeat = integer(word, v),
  },
  {
    names: ["-i"],
    value: "seconds",
    help: "Pause between them (0.1 is fine); interval of --stat, --latency and --scan,\n" +
      "pause after 100 steps of --bigkeys, --memkeys and --hotkeys.",
    apply: (o, v, word) => o.intervalMs = seconds(word, v) * 1000,
  },
  {
    names: ["-x"],
    help: "Read the last argument from standard input.",
    apply: (o) => o.lastArgFromStdin = true,
  },
  {
    names: ["-X"],
    value: "tag",
    help: "Read the argument that says <tag> from standard input.",
    apply: (o, v) => o.stdinTag = latin1FromText(v),
  },
  {
    names: ["--quoted-input"],
    help: "Take arguments as quoted strings.",
    apply: (o) => o.isQuotedInput = true,
  },
  {
    names: ["-c"],
    help: "Go to the node of a cluster that MOVED and ASK name.",
    apply: (o) => o.followsCluster = true,
  },
  {
    names: ["-e"],
    help: "Exit with status 1 when the reply is an error.",
    apply: (o) => o.failOnErrorReply = true,
  },
  {
    names: ["--raw"],
    help: "Print replies as they are (default when output is no terminal).",
    apply: (o) => o.format = "raw",
  },
  {
    names: ["--no-raw"],
    help: "Print replies with types and quotes.",
    apply: (o) => o.format = "people",
  },
  { names: ["--csv"], help: "Print replies as CSV.", apply: (o) => o.format = "csv" },
  { names: ["--json"], help: "Print replies as JSON (RESP3 unless -2).", apply: (o) => o.format = "json" },
  {
    names: ["--quoted-json"],
    help: "The same, with everything but ASCII escaped.",
    apply: (o) => o.format = "quoted-json",
  },
  {
    names: ["-d"],
    value: "delimiter",
    help: "Between the items of a raw reply (default: line feed).",
    apply: (o, v) => o.itemDelimiter = latin1FromText(v),
  },
  {
    names: ["-D"],
    value: "delimiter",
    help: "Behind a raw reply (default: line feed).",
    apply: (o, v) => o.replyDelimiter = latin1FromText(v),
  },
  {
    names: ["--show-pushes"],
    value: "yn",
    help: "Print push messages that come unasked (default: on a terminal).",
    apply: (o, v) => o.showPushes = /^y/i.test(v),
  },
  { names: ["--stat"], help: "Print the server's figures again and again.", apply: mode("stat") },
  {
    names: ["--latency"],
    help: "Measure the time of a PING: on a terminal for ever, else for a second (-i).",
    apply: mode("latency"),
  },
  {
    names: ["--latency-history"],
    help: "The same, begun anew every 15 seconds (-i).",
    apply: (o, v, word) => {
      mode("latency")(o, v, word);
      o.latencyHistory = true;
    },
  },
  {
    names: ["--latency-dist"],
    help: "The same as a spectrum, for a terminal of 256 colours.",
    apply: mode("latency-dist"),
  },
  { names: ["--mono"], help: "Its colours in grey.", apply: (o) => o.isMonochrome = true },
  {
    names: ["--intrinsic-latency"],
    value: "seconds",
    help: "Measure the pauses of this machine; no server is needed.",
    apply: (o, v, word) => {
      mode("intrinsic-latency")(o, v, word);
      o.durationS = integer(word, v);
    },
  },
  { names: ["--scan"], help: "List all keys.", apply: mode("scan") },
  {
    names: ["--bigkeys"],
    help: "Find the keys with the most elements.",
    apply: mode("bigkeys"),
  },
  { names: ["--memkeys"], help: "Find the keys that take most memory.", apply: mode("memkeys") },
  {
    names: ["--memkeys-samples"],
    value: "n",
    help: "The same, looking at n elements of a key.",
    apply: (o, v, word) => {
      mode("memkeys")(o, v, word);
      o.memorySamples = integer(word, v);
    },
  },
  {
    names: ["--hotkeys"],
    help: "Find the keys used most; needs a maxmemory-policy that says lfu.",
    apply: mode("hotkeys"),
  },
  {
    names: ["--pattern"],
    value: "pattern",
    help: "Only keys like this, in the four modes above.",
    apply: (o, v) => o.pattern = latin1FromText(v),
  },
  {
    names: ["--quoted-pattern"],
    value: "pattern",
    help: "The same, as a quoted string.",
    apply: (o, v) => o.pattern = unquoted(v),
  },
  {
    names: ["--count"],
    value: "n",
    help: "COUNT of their SCAN.",
    apply: (o, v, word) => o.scanCount = integer(word, v),
  },
  {
    names: ["--lru-test"],
    value: "keys",
    help: "Use the server as a cache of so many keys, and count hits; it writes.",
    apply: (o, v, word) => {
      mode("lru-test")(o, v, word);
      o.sampleSize = integer(word, v);
    },
  },
  {
    names: ["--eval"],
    value: "file",
    help: "Run a script: --eval file key key , arg arg",
    apply: file("eval"),
  },
  {
    names: ["--pipe"],
    help: "Send standard input, which holds the protocol, and count the replies.",
    apply: mode("pipe"),
  },
  {
    names: ["--pipe-timeout"],
    value: "seconds",
    help: "Longest wait for the last reply (default: 30; 0: for ever).",
    apply: (o, v, word) => o.pipeTimeoutS = integer(word, v),
  },
  {
    names: ["--rdb"],
    value: "file",
    help: "Fetch an RDB file of all data; - is standard output.",
    apply: file("rdb"),
  },
  {
    names: ["--functions-rdb"],
    value: "file",
    help: "Fetch one of the function libraries alone.",
    apply: file("functions-rdb"),
  },
  {
    names: ["--replica", "--slave"],
    help: "Print the commands that a replica would get.",
    apply: mode("replica"),
  },
  { names: ["--verbose"], help: "Accepted; there is nothing to add.", apply: () => {} },
  { names: ["-v", "--version"], help: "Print the version.", apply: (o) => o.wantsVersion = true },
  { names: ["--help"], help: "Print this.", apply: (o) => o.wantsHelp = true },
];

function mode(name: ModeName): FlagDeclaration["apply"] {
  return (draft) => {
    if (draft.mode !== undefined && draft.mode !== name) {
      throw exclusive(`--${draft.mode}`, `--${name}`);
    }
    draft.mode = name;
  };
}

function file(name: ModeName): FlagDeclaration["apply"] {
  return (draft, value, word) => {
    mode(name)(draft, value, word);
    draft.file = value;
  };
}

function applyUri(draft: Draft, value: string): void {
  const uri = parseRedisUri(value);
  draft.isTls ||= uri.isTls;
  draft.username = uri.username ?? draft.username;
  draft.password = uri.password ?? draft.password;
  draft.hostname = uri.hostname ?? draft.hostname;
  draft.port = uri.port ?? draft.port;
  draft.database = uri.database ?? draft.database;
}

function unquoted(text: string): string {
  const words = splitArgs(latin1FromText(text));
  if (words?.length !== 1) throw new UsageError("Invalid quoted string specified for --quoted-pattern.");
  return words[0]!;
}

function integer(word: string, text: string): number {
  if (!/^-?\d+$/.test(text)) throw new UsageError(`Invalid number for ${word}: '${text}'`);
  return Number(text);
}

function seconds(word: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0)) throw new UsageError(`Invalid number for ${word}: '${text}'`);
  return value;
}
