/** Every error text a client can see, worded exactly as Redis words it. */

/**
 * An error reply on its way to the client: a handler throws it, `call()` catches it once. It carries no stack on
 * purpose: it is an answer, not a fault, and must cost no more than one.
 */
export class ReplyError {
  /** @param text the reply without the leading `-`; its first word is the error code */
  constructor(readonly text: string) {}

  /** The error's code, as INFO errorstats counts it. */
  get code(): string {
    const space = this.text.indexOf(" ");
    return space < 0 ? this.text : this.text.slice(0, space);
  }
}

export const WRONGTYPE = new ReplyError("WRONGTYPE Operation against a key holding the wrong kind of value");
export const SYNTAX = new ReplyError("ERR syntax error");
export const NOT_INTEGER = new ReplyError("ERR value is not an integer or out of range");
export const NOT_INT32 = new ReplyError(
  "ERR value is out of range, value must between -2147483648 and 2147483647",
);
export const OUT_OF_RANGE = new ReplyError("ERR value is out of range");
export const MUST_BE_POSITIVE = new ReplyError("ERR value is out of range, must be positive");
export const NOT_FLOAT = new ReplyError("ERR value is not a valid float");
export const OVERFLOW = new ReplyError("ERR increment or decrement would overflow");
export const NAN_OR_INFINITY = new ReplyError("ERR increment would produce NaN or Infinity");
export const NO_SUCH_KEY = new ReplyError("ERR no such key");
export const INDEX_OUT_OF_RANGE = new ReplyError("ERR index out of range");
export const STRING_TOO_LONG = new ReplyError("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
export const ELEMENT_TOO_LONG = new ReplyError(
  "ERR a key, or an element of a collection, cannot be longer than 536870888 bytes",
);
export const OFFSET_OUT_OF_RANGE = new ReplyError("ERR offset is out of range");
export const INVALID_CURSOR = new ReplyError("ERR invalid cursor");
export const DB_OUT_OF_RANGE = new ReplyError("ERR DB index is out of range");
export const SAME_OBJECT = new ReplyError("ERR source and destination objects are the same");
export const TIMEOUT_NOT_FLOAT = new ReplyError("ERR timeout is not a float or out of range");
export const TIMEOUT_NOT_INTEGER = new ReplyError("ERR timeout is not an integer or out of range");
export const TIMEOUT_NEGATIVE = new ReplyError("ERR timeout is negative");
export const TIMEOUT_OUT_OF_RANGE = new ReplyError("ERR timeout is out of range");
export const NUMKEYS_NOT_POSITIVE = new ReplyError("ERR numkeys should be greater than 0");
export const COUNT_NOT_POSITIVE = new ReplyError("ERR count should be greater than 0");
export const COUNT_NEGATIVE = new ReplyError("ERR COUNT can't be negative");
export const MAXLEN_NEGATIVE = new ReplyError("ERR MAXLEN can't be negative");
export const RANK_ZERO = new ReplyError(
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
);
export const SORT_SCORES = new ReplyError("ERR One or more scores can't be converted into double");
export const OUT_OF_MEMORY = new ReplyError("OOM command not allowed when used memory > 'maxmemory'.");
export const HEAP_FULL = new ReplyError("OOM command not allowed when the server's heap is nearly full.");
export const STORE_FULL = new ReplyError("OOM command not allowed when no more memory can be addressed.");
export const LOADING = new ReplyError("LOADING Redis is loading the dataset in memory");
export const NOAUTH = new ReplyError("NOAUTH Authentication required.");
export const WRONGPASS = new ReplyError("WRONGPASS invalid username-password pair or user is disabled.");
export const KEY_DENIED = new ReplyError(
  "NOPERM this user has no permissions to access one of the keys used as arguments",
);
export const CHANNEL_DENIED = new ReplyError(
  "NOPERM this user has no permissions to access one of the channels used as arguments",
);
export const READONLY = new ReplyError("READONLY You can't write against a read only replica.");
export const NOREPLICAS = new ReplyError("NOREPLICAS Not enough good replicas to write.");
export const MASTERDOWN = new ReplyError(
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
);
export const REPLICA_ASKS = new ReplyError("ERR Replica can't interact with the keyspace");
export const UNKNOWN_IN_SCRIPT = new ReplyError("ERR Unknown Redis command called from script");
export const WRONG_ARITY_IN_SCRIPT = new ReplyError(
  "ERR Wrong number of args calling Redis command from script",
);
export const NOT_IN_SCRIPTS = new ReplyError("ERR This Redis command is not allowed from script");
export const STALE_IN_SCRIPT = new ReplyError("ERR Can not execute the command on a stale replica");
export const READ_ONLY_SCRIPT = new ReplyError("ERR Write commands are not allowed from read-only scripts.");
export const BUSY_SCRIPT = new ReplyError(
  "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
);
export const BUSY_FUNCTION = new ReplyError(
  "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
);
export const EXEC_ABORT = new ReplyError("EXECABORT Transaction discarded because of previous errors.");
export const NESTED_MULTI = new ReplyError("ERR MULTI calls can not be nested");
export const EXEC_WITHOUT_MULTI = new ReplyError("ERR EXEC without MULTI");
export const DISCARD_WITHOUT_MULTI = new ReplyError("ERR DISCARD without MULTI");
export const WATCH_IN_MULTI = new ReplyError("ERR WATCH inside MULTI is not allowed");
export const NOPROTO = new ReplyError("NOPROTO unsupported protocol version");
export const NO_SUCH_CLIENT = new ReplyError("ERR No such client");
export const UNBLOCKED = new ReplyError("UNBLOCKED client unblocked via CLIENT UNBLOCK");
export const MISCONF_RDB = new ReplyError(
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
);

/** The reply to writes while the append only file cannot be written. */
export function misconfAof(reason: string): ReplyError {
  return new ReplyError(`MISCONF Errors writing to the AOF file: ${reason}`);
}

/** Where a name is quoted in an error, Redis cuts it at 128 bytes and takes line breaks out. */
function quoted(text: string): string {
  return text.slice(0, 128).replace(/[\r\n]/g, " ");
}

/** There is no such command; the reply quotes its first arguments. */
export function unknownCommand(name: string, args: readonly string[]): ReplyError {
  let listed = "";
  for (const arg of args) {
    if (listed.length >= 128) break;
    listed += `'${arg.slice(0, 128 - listed.length)}' `;
  }
  return new ReplyError(
    `ERR unknown command '${quoted(name)}', with args beginning with: ${listed.replace(/[\r\n]/g, " ")}`,
  );
}

/** A container has no such sub-command. */
export function unknownSubcommand(name: string, container: string): ReplyError {
  return new ReplyError(`ERR unknown subcommand '${quoted(name)}'. Try ${container.toUpperCase()} HELP.`);
}

/** @param name the full name; a sub-command's is `container|name` */
export function wrongArity(name: string): ReplyError {
  return new ReplyError(`ERR wrong number of arguments for '${name}' command`);
}

/** @param name the full name */
export function deniedCommand(name: string): ReplyError {
  return new ReplyError(`NOPERM this user has no permissions to run the '${name}' command`);
}

/** Reasons of access control: what a user lacks the permission for. */
export type DenialReason = "command" | "key" | "channel";

const execReasons: Readonly<Record<DenialReason, string>> = {
  command: "no permission to execute the command or subcommand",
  key: "no permission to touch the specified keys",
  channel: "no permission to access one of the channels used as arguments",
};

/** The user has lost a permission between the queueing of a command and EXEC. */
export function deniedInExec(reason: DenialReason): ReplyError {
  return new ReplyError(
    "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. " +
      `This command is no longer allowed for the following reason: ${execReasons[reason]}`,
  );
}

const scriptReasons: Readonly<Record<DenialReason, string>> = {
  command: "can't run this command or subcommand",
  key: "can't access at least one of the keys mentioned in the command arguments",
  channel: "can't publish to the channel mentioned in the command",
};

/** The user of a script lacks the permission for a command that the script calls. */
export function deniedInScript(reason: DenialReason): ReplyError {
  return new ReplyError(`ERR The user executing the script ${scriptReasons[reason]}`);
}

/** A time to live that is not above zero, or lies too far ahead. */
export function invalidExpire(command: string): ReplyError {
  return new ReplyError(`ERR invalid expire time in '${command}' command`);
}
