/**
 * The command line: `redeno [redis.conf] [--directive value ...] [-]`, parsed Redis's way, since a
 * directive may have several values and a value may start with dashes. The tool's own flags, which
 * come first if at all, are ordinary flags.
 */
import { parseArgs } from "@std/cli";
import { nearest } from "../util/nearest.ts";
import { quoteArg, splitArgs } from "../util/sds_split.ts";
import { REDENO_VERSION, REDIS_VERSION } from "../util/version.ts";
import { toLatin1 } from "./host.ts";
import { findParameter, PARAMETERS_BY_NAME } from "./registry.ts";

/** The sources of the server's configuration. */
export interface CommandLine {
  /** The path of the configuration file, or "". */
  readonly configFile: string;
  /** True if directives come from standard input. */
  readonly readsStandardInput: boolean;
  /** The directives among the arguments, one per line, as a latin1 string. */
  readonly options: string;
}

/** The action the command line asks for. */
export type Command =
  | { readonly kind: "version" }
  | { readonly kind: "help"; readonly topic: string | undefined }
  | { readonly kind: "cli" | "check-rdb" | "check-aof"; readonly args: readonly string[] }
  | { readonly kind: "server" | "permissions"; readonly commandLine: CommandLine };

/** The answer to `--version`. */
export const VERSION_TEXT =
  `Redeno server v=${REDENO_VERSION} redis=${REDIS_VERSION} deno=${Deno.version.deno} bits=64`;

/** The answer to `--help`. */
export const HELP_TEXT = `Usage: redeno [/path/to/redis.conf] [--directive value ...] [-]
       redeno - (read the configuration from standard input)
       redeno cli [-h host] [-p port] [-a password] [-n db] [-3] [command ...]
       redeno permissions [/path/to/redis.conf] [--directive value ...] [-]
       redeno check-rdb FILE
       redeno check-aof [--fix | --truncate-to-timestamp SECONDS] FILE|MANIFEST|DIR
       redeno help [PAGE | DIRECTIVE]
       redeno -v or --version
       redeno -h or --help

Every directive of redis.conf is also an environment variable: REDENO_<DIRECTIVE>, dashes as underscores.
The command line goes over the environment, and the environment over the file.

Examples:
       redeno (run the server with its defaults)
       echo 'maxmemory 128mb' | redeno -
       redeno /etc/redis/6379.conf
       redeno --port 7777
       redeno --port 7777 --replicaof 127.0.0.1 8888
       redeno /etc/myredis.conf --loglevel verbose
       redeno --load-snapshot data.json
       REDENO_PORT=7777 REDENO_MAXMEMORY=1gb redeno
       deno run $(redeno permissions redis.conf) main.ts redis.conf
`;

/** Words that a command line may begin with instead of a configuration file. */
export const COMMANDS = ["cli", "permissions", "check-rdb", "check-aof", "help"] as const;

/**
 * Advice for a first word that was taken for a configuration file but does not exist: the nearest
 * command or directive. Empty for a word that is clearly a path.
 */
export function adviceFor(word: string): string {
  if (/[./\\]/.test(word)) return "";
  const name = word.toLowerCase(), directives = [...PARAMETERS_BY_NAME.keys()];
  const command = nearest(name, COMMANDS);
  const directive = findParameter(name)?.name ?? nearest(name, directives);
  const meant = command !== undefined ? `redeno ${command}` : directive && `redeno --${directive}`;
  const question = meant === undefined ? "" : ` Did you mean '${meant}'?`;
  return `\n'${word}' is neither a configuration file nor a command.${question} 'redeno help' lists what there is.`;
}

/** Reads the arguments of the process. */
export function parseCommandLine(args: readonly string[]): Command {
  const [first] = args;
  if (first === "cli" || first === "check-rdb" || first === "check-aof") {
    return { kind: first, args: args.slice(1) };
  }
  if (first === "help") return { kind: "help", topic: args[1] };
  const own = parseArgs(args.slice(0, 1), {
    boolean: ["version", "help"],
    alias: { version: "v", help: "h" },
  });
  if (own.version) return { kind: "version" };
  if (own.help) return { kind: "help", topic: undefined };
  if (first === "permissions") {
    return { kind: "permissions", commandLine: parseServerArguments(args.slice(1)) };
  }
  return { kind: "server", commandLine: parseServerArguments(args) };
}

function parseServerArguments(args: readonly string[]): CommandLine {
  const [first] = args;
  const hasFile = first !== undefined && !first.startsWith("-");
  const directives = parseDirectives(args.slice(hasFile ? 1 : 0), hasFile);
  return { configFile: hasFile ? first : "", ...directives };
}

/**
 * Joins arguments into directives. `--name` starts one, unless the previous one still lacks its
 * value, so that values may start with dashes; other arguments are values. `"--name value"` may be
 * one argument. `--save` may lack its value, which is then empty.
 */
function parseDirectives(args: readonly string[], hasFile: boolean): Omit<CommandLine, "configFile"> {
  let readsStandardInput = false;
  let lacksValue = false;
  let options = "";
  for (const [i, arg] of args.entries()) {
    const next = args[i + 1];
    if (arg === "-" && (next === undefined || (i === 0 && !hasFile))) {
      readsStandardInput = true;
    } else if (!lacksValue && arg.startsWith("--")) {
      options += (options === "" ? "" : "\n") + toLatin1(arg.slice(2)) + " ";
      const isEmptySave = arg.toLowerCase() === "--save" && (next?.startsWith("--") ?? true);
      if (isEmptySave) options += '"" ';
      lacksValue = !isEmptySave && splitArgs(arg)?.length === 1;
    } else {
      options += quoteArg(toLatin1(arg)) + " ";
      lacksValue = false;
    }
  }
  return { readsStandardInput, options };
}
