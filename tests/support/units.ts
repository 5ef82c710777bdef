/**
 * Commands whose effects reach a replica as units of every kind: alone, in transactions, from
 * scripts, across databases.
 */

/** One command. */
export interface Step {
  readonly words: readonly string[];
  /** The one of two clients that sends it. */
  readonly by?: 0 | 1;
  /** Time that passes on the clock before it. */
  readonly afterMs?: number;
}

const SCRIPT = "for _, key in ipairs(KEYS) do redis.call('INCR', key) end redis.call('SELECT', 6) " +
  "redis.call('RPUSH', 'from a script', ARGV[1]) return redis.call('SET', 'short', 1, 'PX', 50)";

/** See the head of this file. */
export const units: readonly Step[] = [
  { words: ["INCR", "n"] },
  { words: ["RPUSH", "l", "x"] },
  { words: ["MULTI"] },
  { words: ["INCR", "n"] },
  { words: ["SELECT", "2"] },
  { words: ["RPUSH", "l", "in another database"] },
  { words: ["EXEC"] },
  { words: ["INCR", "n"] },
  { words: ["INCR", "n"], by: 1 },
  { words: ["EVAL", SCRIPT, "2", "n", "m", "x".repeat(40)], by: 1 },
  { words: ["SET", "k", "v", "PX", "100"] },
  { words: ["PEXPIRE", "k", "500"] },
  { words: ["GETEX", "k", "PX", "300"] },
  { words: ["SADD", "set", "a", "b", "c"] },
  { words: ["SPOP", "set", "2"] },
  { words: ["SELECT", "5"] },
  { words: ["BLMOVE", "from", "to", "LEFT", "RIGHT", "0"] },
  { words: ["SELECT", "5"], by: 1 },
  { words: ["RPUSH", "from", "1", "2"], by: 1 },
  { words: ["HSET", "h", "f", "1", "g", "2"], by: 1 },
  { words: ["HPEXPIRE", "h", "50", "FIELDS", "1", "f"], by: 1 },
  { words: ["XADD", "s", "*", "f", "v"], by: 1 },
  { words: ["XGROUP", "CREATE", "s", "g", "0"], by: 1 },
  { words: ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"], by: 1 },
  { words: ["MULTI"], by: 1 },
  { words: ["GET", "nothing"], by: 1 },
  { words: ["INCRBYFLOAT", "float", "0.5"], by: 1 },
  { words: ["EXEC"], by: 1 },
  { words: ["MULTI"], by: 1 },
  { words: ["COPY", "float", "float", "DB", "7"], by: 1 },
  { words: ["MOVE", "h", "7"], by: 1 },
  { words: ["HGET", "h", "f"], by: 1 },
  { words: ["SWAPDB", "5", "7"], by: 1 },
  { words: ["INCR", "n"], by: 1 },
  { words: ["EXEC"], by: 1 },
  { words: ["SELECT", "2"], afterMs: 400 },
  { words: ["INCR", "k"] },
  { words: ["SELECT", "6"] },
  { words: ["MULTI"] },
  { words: ["EXISTS", "short"] },
  { words: ["RENAME", "from a script", "renamed"] },
  { words: ["EXPIRE", "renamed", "1"] },
  { words: ["EXEC"] },
  { words: ["PUBLISH", "channel", "message"] },
  { words: ["SELECT", "2"] },
  { words: ["SORT", "l", "ALPHA", "STORE", "sorted"] },
  { words: ["FLUSHDB"] },
  { words: ["SETEX", "last", "1", "v"] },
  { words: ["SELECT", "0"] },
  { words: ["MSET", "a", "1", "b", "2"] },
];
