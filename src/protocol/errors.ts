/** Every error text a client can receive, worded exactly as in Redis. */

/**
 * An error reply on its way to the client: a handler throws it, `call()` catches it once. It
 * deliberately carries no stack: it is an answer, not a fault, and must be as cheap as one.
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

/** Quotes a name: Redis cuts it at 128 bytes and removes line breaks. */
function quoted(text: string): string {
  return text.slice(0, 128).replace(/[\r\n]/g, " ");
}

/** The command does not exist; the reply quotes its first arguments. */
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

/** Reasons of access control: the kind of permission that is missing. */
export type DenialReason = "command" | "key" | "channel";

const execReasons: Readonly<Record<DenialReason, string>> = {
  command: "no permission to execute the command or subcommand",
  key: "no permission to touch the specified keys",
  channel: "no permission to access one of the channels used as arguments",
};

/** The user has lost a permission between queueing a command and EXEC. */
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

/** The user of a script lacks permission for a command that the script calls. */
export function deniedInScript(reason: DenialReason): ReplyError {
  return new ReplyError(`ERR The user executing the script ${scriptReasons[reason]}`);
}

/** A time to live that is not positive, or too far ahead. */
export function invalidExpire(command: string): ReplyError {
  return new ReplyError(`ERR invalid expire time in '${command}' command`);
}

// ---- Connections, clients, publishing -----------------------------------------------------------

export const BAD_NAME = new ReplyError(
  "ERR Client names cannot contain spaces, newlines or special characters.",
);
export const SSUBSCRIBE_DENIED = new ReplyError("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
export const ONE_REDIRECT = new ReplyError("ERR A client can only redirect to a single other client");
export const NO_REDIRECT_TARGET = new ReplyError("ERR The client ID you want redirect to does not exist");
export const CACHING_WITHOUT_TRACKING = new ReplyError(
  "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
);
export const CACHING_YES = new ReplyError(
  "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
);
export const CACHING_NO = new ReplyError(
  "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
);
export const MONITOR_DENIED = new ReplyError("ERR MONITOR isn't allowed for DENY BLOCKING client");
export const INVALID_CLIENT_ID = new ReplyError("ERR Invalid client ID");
export const CLIENT_ID_NOT_POSITIVE = new ReplyError("ERR client-id should be greater than 0");
export const MAXAGE_NOT_INTEGER = new ReplyError("ERR maxage is not an integer or out of range");
export const PAUSE_MODE = new ReplyError("ERR CLIENT PAUSE mode must be WRITE or ALL");
export const UNBLOCK_REASON = new ReplyError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
export const PROTOVER_NOT_INTEGER = new ReplyError("ERR Protocol version is not an integer or out of range");
export const NO_PASSWORD_CONFIGURED = new ReplyError(
  "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
);
export const HELLO_NOAUTH = new ReplyError(
  "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
);

// ---- Keys ---------------------------------------------------------------------------------------

export const BUSYKEY = new ReplyError("BUSYKEY Target key name already exists.");
export const INVALID_TTL = new ReplyError("ERR Invalid TTL value, must be >= 0");
export const INVALID_IDLETIME = new ReplyError("ERR Invalid IDLETIME value, must be >= 0");
export const INVALID_FREQ = new ReplyError("ERR Invalid FREQ value, must be >= 0 and <= 255");
export const WRONG_FOOTER = new ReplyError("ERR DUMP payload version or checksum are wrong");
export const BAD_DATA = new ReplyError("ERR Bad data format");
export const KEYS_AND_KEY = new ReplyError(
  "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
);
export const CANNOT_WAIT = new ReplyError(
  "ERR MIGRATE cannot wait for the other server inside a transaction or script",
);
export const FIRST_DB_INDEX = new ReplyError("ERR invalid first DB index");
export const SECOND_DB_INDEX = new ReplyError("ERR invalid second DB index");
export const NX_WITH_OTHERS = new ReplyError(
  "ERR NX and XX, GT or LT options at the same time are not compatible",
);
export const GT_AND_LT = new ReplyError("ERR GT and LT options at the same time are not compatible");
export const IDLE_NOT_TRACKED = new ReplyError(
  "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
);
export const FREQUENCY_NOT_TRACKED = new ReplyError(
  "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
);

// ---- Script commands ----------------------------------------------------------------------------

export const NOT_FOUND = new ReplyError("ERR Function not found");
export const BAD_KEY_COUNT = new ReplyError("ERR Bad number of keys provided");
export const LIBRARY_NOT_FOUND = new ReplyError("ERR Library not found");
export const NAME_MISSING = new ReplyError("ERR library name argument was not given");
export const FUNCTION_FLUSH_MODE = new ReplyError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
export const WRONG_POLICY = new ReplyError(
  "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
);
export const NOSCRIPT = new ReplyError("NOSCRIPT No matching script. Please use EVAL.");
export const NO_DEBUGGER = new ReplyError("ERR The Lua debugger is not supported");
export const SCRIPT_FLUSH_MODE = new ReplyError("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
export const SCRIPT_DEBUG_MODE = new ReplyError("ERR Use SCRIPT DEBUG YES/SYNC/NO");

// ---- Server -------------------------------------------------------------------------------------

export const NO_FILE = new ReplyError(
  "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER " +
    "command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store " +
    "users in the Redis configuration.",
);
export const NOT_SAVED = new ReplyError(
  "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
);
export const BAD_USER_NAME = new ReplyError("ERR Usernames can't contain spaces or null characters");
export const DEFAULT_STAYS = new ReplyError("ERR The 'default' user cannot be removed");
export const NO_CLUSTER = new ReplyError("ERR This instance has cluster support disabled");
export const INVALID_COMMAND = new ReplyError("ERR Invalid command specified");
export const INVALID_COUNT = new ReplyError("ERR Invalid number of arguments specified for command");
export const INVALID_ARGUMENTS = new ReplyError("ERR Invalid arguments specified for command");
export const NO_KEY_ARGUMENTS = new ReplyError("ERR The command has no key arguments");
export const NOT_A_HASH_TABLE = new ReplyError(
  "ERR The value stored at the specified key is not represented using an hash table",
);
export const BAD_THRESHOLD = new ReplyError(
  "ERR argument must be a memory value bigger than 1 and smaller than 4gb",
);
export const RELOAD_OPTIONS = new ReplyError(
  "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
);
export const UNKNOWN_TYPE = new ReplyError(
  "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
);
export const PUSH_IN_RESP2 = new ReplyError("ERR RESP2 is not supported by this command");
export const NOT_LOADED = new ReplyError("ERR Error loading the extension. Please check the server logs.");
export const NOT_UNLOADED = new ReplyError("ERR Error unloading module: no such module with that name");
export const NO_DISK = new ReplyError("ERR This server has no disk to save to");
export const WAIT_ON_REPLICA = new ReplyError(
  "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to " +
    "be writable (which is not the default) writes to replicas are just local and are not propagated.",
);
export const WAITAOF_ON_REPLICA = new ReplyError(
  "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are " +
    "not propagated.",
);
export const NO_APPEND_ONLY_FILE = new ReplyError(
  "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
);
export const LOCAL_OUT_OF_RANGE = new ReplyError("ERR value is out of range, value must between 0 and 1");
export const INVALID_FOR_REPLICA = new ReplyError("ERR Command is not valid when client is a replica.");
export const BAD_PORT = new ReplyError("ERR Invalid master port");
export const FAILING_OVER = new ReplyError("ERR REPLICAOF not allowed while failing over.");
export const NOT_A_REPLICA = new ReplyError("ERR PSYNC FAILOVER can't be sent to a master.");
export const OTHER_HISTORY = new ReplyError("ERR PSYNC FAILOVER replid must match my replid.");
export const BAD_TIMEOUT = new ReplyError("ERR FAILOVER timeout must be greater than 0");
/** SHUTDOWN did not end the server. */
export const SHUTDOWN_FAILED = new ReplyError("ERR Errors trying to SHUTDOWN. Check logs.");
export const NO_SHUTDOWN = new ReplyError("ERR No shutdown in progress.");
export const SHUTDOWN_IN_UNIT = new ReplyError(
  "ERR SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client",
);
export const BAD_COUNT = new ReplyError("ERR count should be greater than or equal to -1");
export const NO_FILTER_VALUES = new ReplyError("ERR Missing rdb-filter-only values");

// ---- Sorted sets --------------------------------------------------------------------------------

export const UNKNOWN_UNIT = new ReplyError("ERR unsupported unit provided. please use M, KM, FT, MI");
export const NO_SUCH_PLACE = new ReplyError("ERR could not decode requested zset member");
export const RADIUS_NOT_NUMERIC = new ReplyError("ERR need numeric radius");
export const RADIUS_NEGATIVE = new ReplyError("ERR radius cannot be negative");
export const WIDTH_NOT_NUMERIC = new ReplyError("ERR need numeric width");
export const HEIGHT_NOT_NUMERIC = new ReplyError("ERR need numeric height");
export const BOX_NEGATIVE = new ReplyError("ERR height or width cannot be negative");
export const COUNT_OPTION_NOT_POSITIVE = new ReplyError("ERR COUNT must be > 0");
export const ANY_WITHOUT_COUNT = new ReplyError("ERR the ANY argument requires COUNT argument");
export const NX_AND_XX = new ReplyError("ERR XX and NX options at the same time are not compatible");
export const GT_LT_NX = new ReplyError("ERR GT, LT, and/or NX options at the same time are not compatible");
export const INCR_OF_SEVERAL = new ReplyError("ERR INCR option supports a single increment-element pair");
export const SCORE_IS_NAN = new ReplyError("ERR resulting score is not a number (NaN)");
export const WEIGHT_NOT_FLOAT = new ReplyError("ERR weight value is not a float");
export const LIMIT_NEGATIVE = new ReplyError("ERR LIMIT can't be negative");
export const LIMIT_BY_RANK = new ReplyError(
  "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);
export const SCORES_BY_LEX = new ReplyError(
  "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
);
export const NOT_SCORE_RANGE = new ReplyError("ERR min or max is not a float");
export const NOT_LEX_RANGE = new ReplyError("ERR min or max not valid string range item");

// ---- Streams ------------------------------------------------------------------------------------

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
export const KEY_REQUIRED = new ReplyError(
  "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option " +
    "to create an empty stream automatically.",
);
export const BUSY_GROUP = new ReplyError("BUSYGROUP Consumer Group name already exists");
export const ENTRIES_READ_NEGATIVE = new ReplyError("ERR value for ENTRIESREAD must be positive or -1");

/** @param id `$` or `+` */
export function meaninglessId(id: string): ReplyError {
  return new ReplyError(
    `ERR The ${id} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by ` +
      `specifying a proper ID, or use the > ID to get new messages. The ${id} ID would just return an empty result set.`,
  );
}

/** @param context the text after the names; XREADGROUP says more than the others */
export function noGroup(key: string, group: string, context = ""): ReplyError {
  return new ReplyError(`NOGROUP No such key '${key}' or consumer group '${group}'${context}`);
}

/** The key is a stream, but has no such group. */
export function noGroupOfKey(key: string, group: string): ReplyError {
  return new ReplyError(`NOGROUP No such consumer group '${group}' for key name '${key}'`);
}

/** A script cannot wait. */
export function blockInScript(command: string): ReplyError {
  return new ReplyError(`ERR ${command} command is not allowed with BLOCK option from scripts`);
}

/** The value of an option of XCLAIM is not a number. */
export function invalidClaimOption(option: "IDLE" | "TIME" | "RETRYCOUNT"): ReplyError {
  return new ReplyError(`ERR Invalid ${option} option argument for XCLAIM`);
}

/** The minimum idle time is not a number. */
export function invalidMinIdle(command: "XCLAIM" | "XAUTOCLAIM"): ReplyError {
  return new ReplyError(`ERR Invalid min-idle-time argument for ${command}`);
}

/** The word behind the ids of XCLAIM is not an option. */
export function unknownClaimOption(option: string): ReplyError {
  return new ReplyError(`ERR Unrecognized XCLAIM option '${option}'`);
}

// ---- Strings ------------------------------------------------------------------------------------

export const BAD_OFFSET = new ReplyError("ERR bit offset is not an integer or out of range");
export const BAD_BIT = new ReplyError("ERR bit is not an integer or out of range");
export const BAD_SEARCHED_BIT = new ReplyError("ERR The bit argument must be 1 or 0.");
export const ONE_SOURCE = new ReplyError("ERR BITOP NOT must be called with a single source key.");
export const BAD_OVERFLOW = new ReplyError("ERR Invalid OVERFLOW type specified");
export const ONLY_GET = new ReplyError("ERR BITFIELD_RO only supports the GET subcommand");
export const BAD_TYPE = new ReplyError(
  "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
);
export const NOT_A_SKETCH = new ReplyError("WRONGTYPE Key is not a valid HyperLogLog string value.");
export const CORRUPT = new ReplyError("INVALIDOBJ Corrupted HLL object detected");
export const NO_KEY = new ReplyError("ERR The specified key does not exist");
export const NOT_SPARSE = new ReplyError("ERR HLL encoding is not sparse");
export const DECREMENT_OVERFLOW = new ReplyError("ERR decrement would overflow");
export const LCS_LEN_AND_IDX = new ReplyError(
  "ERR If you want both the length and indexes, please just use IDX.",
);
export const LCS_NOT_STRINGS = new ReplyError("ERR The specified keys must contain string values");
export const LCS_TOO_LARGE = new ReplyError(
  "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
);

// ---- Persistence --------------------------------------------------------------------------------

export const REWRITE_IN_PROGRESS = new ReplyError(
  "ERR Background append only file rewriting already in progress",
);
export const REWRITE_FAILED = new ReplyError(
  "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
);
export const OUTSIDE = new ReplyError("ERR The snapshot's path is outside the data directory");
export const RESERVED = new ReplyError(
  "ERR The snapshot's path is that of a file the server keeps its data in",
);
export const SAVE_IN_PROGRESS = new ReplyError("ERR Background save already in progress");
export const OTHER_JOB = new ReplyError(
  "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a " +
    "BGSAVE whenever possible.",
);
export const SAVE_FAILED = new ReplyError("ERR");
export const RELOAD_FAILED = new ReplyError("ERR Error trying to load the RDB dump, check server logs.");

// ---- Replication --------------------------------------------------------------------------------

export const NONE = new ReplyError("ERR No failover in progress.");
export const FAILOVER_IN_PROGRESS = new ReplyError("ERR FAILOVER already in progress.");
export const ON_REPLICA = new ReplyError("ERR FAILOVER is not valid when server is a replica.");
export const NO_REPLICAS = new ReplyError("ERR FAILOVER requires connected replicas.");
export const FORCE_NEEDS_MORE = new ReplyError(
  "ERR FAILOVER with force option requires both a timeout and target HOST and IP.",
);
export const UNKNOWN_TARGET = new ReplyError("ERR FAILOVER target HOST and PORT is not a replica.");
export const TARGET_NOT_READY = new ReplyError("ERR FAILOVER target replica is not online.");
export const SYNC_SAVE_FAILED = new ReplyError("ERR BGSAVE failed, replication can't continue");
export const PENDING_OUTPUT = new ReplyError("ERR SYNC and PSYNC are invalid with pending output");
export const FILTER_NEEDS_EOF = new ReplyError("ERR Filtered replica requires EOF capability");
export const ROLE_CHANGED = new ReplyError(
  "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
);

// ---- Scripts ------------------------------------------------------------------------------------

export const NOT_BUSY = new ReplyError("NOTBUSY No scripts in execution right now.");
export const SENT_BY_PRIMARY = new ReplyError(
  "UNKILLABLE The busy script was sent by a master instance in the context of replication and cannot be killed.",
);
export const HAS_WRITTEN = new ReplyError(
  "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.",
);
export const KEYS_TOO_MANY = new ReplyError("ERR Number of keys can't be greater than number of args");
export const KEYS_NEGATIVE = new ReplyError("ERR Number of keys can't be negative");
export const NOT_A_FUNCTION = new ReplyError("ERR given type is not a function");
export const BAD_FUNCTIONS_PAYLOAD = new ReplyError("ERR failed loading the given functions payload");
export const LUA_STACK_LIMIT = new ReplyError("ERR reached lua stack limit");
export const STALE_SCRIPT = new ReplyError(
  "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set on the script.",
);
export const OOM_SCRIPT = new ReplyError(
  "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
);
export const READONLY_SCRIPT = new ReplyError(
  "READONLY Can not run script with write flag on readonly replica",
);
export const WRITING_SCRIPT_IN_RO = new ReplyError(
  "ERR Can not execute a script with write flag using *_ro command.",
);

// ---- Hashes -------------------------------------------------------------------------------------

export const HASH_NOT_INTEGER = new ReplyError("ERR hash value is not an integer");
export const NOT_FINITE = new ReplyError("ERR value is NaN or Infinity");
export const HASH_NOT_FLOAT = new ReplyError("ERR hash value is not a float");
export const NO_FIELDS = new ReplyError(
  "ERR Mandatory argument FIELDS is missing or not at the right position",
);
export const FIELD_COUNT_MISMATCH = new ReplyError(
  "ERR The `numfields` parameter must match the number of arguments",
);
export const EXPIRY_NEGATIVE = new ReplyError("ERR invalid expire time, must be >= 0");
export const FIELD_COUNT_NOT_POSITIVE = new ReplyError("ERR Number of fields must be a positive integer");
export const NUMFIELDS_NOT_POSITIVE = new ReplyError("ERR Parameter `numFields` should be greater than 0");

// ---- Configuration ------------------------------------------------------------------------------

export const NO_CONFIG_FILE = new ReplyError("ERR The server is running without a config file");

// ---- Engine -------------------------------------------------------------------------------------

export const NOT_IN_MULTI = new ReplyError("ERR Command not allowed inside a transaction");
export const PREFIX_NEEDS_BCAST = new ReplyError("ERR PREFIX option requires BCAST mode to be enabled");
export const OPT_WITH_BCAST = new ReplyError("ERR OPTIN and OPTOUT are not compatible with BCAST");
export const OPTIN_AND_OPTOUT = new ReplyError("ERR You can't specify both OPTIN mode and OPTOUT mode");

// ---- Several groups -----------------------------------------------------------------------------

export const NOVALUES_OUTSIDE_HSCAN = new ReplyError("ERR NOVALUES option can only be used in HSCAN");
export const REPLY_TOO_LARGE = new ReplyError("ERR the reply would be larger than 1 GiB");
