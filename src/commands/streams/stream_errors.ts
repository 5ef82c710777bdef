/** The error texts of the stream commands, worded as Redis words them. */
import { ReplyError } from "../../protocol/errors.ts";

export const INVALID_ID = new ReplyError("ERR Invalid stream ID specified as stream command argument");
export const INVALID_START = new ReplyError("ERR invalid start ID for the interval");
export const INVALID_END = new ReplyError("ERR invalid end ID for the interval");
export const ZERO_ID = new ReplyError("ERR The ID specified in XADD must be greater than 0-0");
export const ID_TOO_SMALL = new ReplyError(
  "ERR The ID specified in XADD is equal or smaller than the target stream top item",
);
export const EXHAUSTED = new ReplyError(
  "ERR The stream has exhausted the last possible ID, unable to add more items",
);
export const ENTRY_TOO_LARGE = new ReplyError("ERR Elements are too large to be stored");
export const TWO_STRATEGIES = new ReplyError(
  "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
);
export const NO_STRATEGY = new ReplyError("ERR syntax error, XTRIM must be called with a trimming strategy");
export const LIMIT_WITHOUT_STRATEGY = new ReplyError(
  "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
);
export const LIMIT_WITHOUT_APPROXIMATION = new ReplyError(
  "ERR syntax error, LIMIT cannot be used without the special ~ option",
);
export const NEGATIVE_MAXLEN = new ReplyError("ERR The MAXLEN argument must be >= 0.");
export const NEGATIVE_LIMIT = new ReplyError("ERR The LIMIT argument must be >= 0.");

export const SETID_BELOW_TOP = new ReplyError(
  "ERR The ID specified in XSETID is smaller than the target stream top item",
);
export const SETID_BELOW_DELETED = new ReplyError(
  "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
);
export const SETID_BELOW_OWN_DELETED = new ReplyError(
  "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
);
export const ENTRIES_ADDED_NEGATIVE = new ReplyError("ERR entries_added must be positive");
export const ENTRIES_ADDED_BELOW_LENGTH = new ReplyError(
  "ERR The entries_added specified in XSETID is smaller than the target stream length",
);

export const UNBALANCED_XREAD = new ReplyError(
  "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified.",
);
export const UNBALANCED_XREADGROUP = new ReplyError(
  "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
);
export const GROUP_NEEDS_XREADGROUP = new ReplyError(
  "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
);
export const NOACK_NEEDS_XREADGROUP = new ReplyError(
  "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
);
export const MISSING_GROUP = new ReplyError("ERR Missing GROUP option for XREADGROUP");
export const NEW_NEEDS_XREADGROUP = new ReplyError(
  "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
);
export const TIMEOUT_NOT_INTEGER = new ReplyError("ERR timeout is not an integer or out of range");

export const KEY_REQUIRED = new ReplyError(
  "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option " +
    "to create an empty stream automatically.",
);
export const BUSY_GROUP = new ReplyError("BUSYGROUP Consumer Group name already exists");
export const ENTRIES_READ_NEGATIVE = new ReplyError("ERR value for ENTRIESREAD must be positive or -1");
export const COUNT_NOT_POSITIVE = new ReplyError("ERR COUNT must be > 0");

/** @param id `$` or `+` */
export function meaninglessId(id: string): ReplyError {
  return new ReplyError(
    `ERR The ${id} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by ` +
      `specifying a proper ID, or use the > ID to get new messages. The ${id} ID would just return an empty result set.`,
  );
}

/** @param context what follows the names; XREADGROUP says more than the others */
export function noGroup(key: string, group: string, context = ""): ReplyError {
  return new ReplyError(`NOGROUP No such key '${key}' or consumer group '${group}'${context}`);
}

/** The key is a stream, but has no such group. */
export function noGroupOfKey(key: string, group: string): ReplyError {
  return new ReplyError(`NOGROUP No such consumer group '${group}' for key name '${key}'`);
}

/** A script would have to wait. */
export function blockInScript(command: string): ReplyError {
  return new ReplyError(`ERR ${command} command is not allowed with BLOCK option from scripts`);
}

/** A number behind an option of XCLAIM is none. */
export function invalidClaimOption(option: "IDLE" | "TIME" | "RETRYCOUNT"): ReplyError {
  return new ReplyError(`ERR Invalid ${option} option argument for XCLAIM`);
}

/** The least idle time is no number. */
export function invalidMinIdle(command: "XCLAIM" | "XAUTOCLAIM"): ReplyError {
  return new ReplyError(`ERR Invalid min-idle-time argument for ${command}`);
}

/** What stands behind the ids of XCLAIM is none of its options. */
export function unknownClaimOption(option: string): ReplyError {
  return new ReplyError(`ERR Unrecognized XCLAIM option '${option}'`);
}
