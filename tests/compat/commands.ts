/**
 * Random commands for the differential test. A template is a command with slots:
 *
 *     {name}      the vocabulary's words for that name, one or several
 *     {name*}     one to four of them
 *     {a|b|c}     one of the words
 *     [ ... ]     present or absent
 *
 * One command in forty is spoiled (a word is dropped, doubled or replaced), for the error texts.
 */
import type { Random } from "../../src/util/random.ts";

/**
 * The normalization of two replies to a command before they are compared, if their bytes may
 * differ.
 */
export type Normalization = "exact" | "sorted" | "sortedPairs" | "time" | "streamInfo";

/** A family of commands. */
export interface CommandGroup {
  /** Commands that prepare both servers. */
  setup: string[];
  templates: string[];
  /** Queries compared at the end for every key of the vocabulary. */
  audit: string[];
}

/** Keys are few, so that commands collide; the last ones hold other types, for WRONGTYPE. */
export const keys = ["k1", "k2", "k3", "k4", "text", "nums"];

/** Every expiry is at this moment plus 1000 s times a whole number, plus half of that. */
export const epochMs = Date.now();

type Slot = (random: Random) => string[];

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

const oneOf = (...words: string[]): Slot => (random) => [pick(random, words)];
const number = (from: number, to: number): Slot => (random) => [String(from + random.below(to - from + 1))];
const several = (slot: Slot, most: number): Slot => (random) =>
  Array.from({ length: 1 + random.below(most) }, () => slot(random)).flat();
const counted = (slot: Slot, most: number): Slot => (random) => {
  const words = several(slot, most)(random);
  return [String(words.length), ...words];
};

/** Seconds after {@linkcode epochMs}, never near a boundary at which two servers could differ. */
const expirySeconds = (random: Random) => 1000 * (1 + random.below(100_000)) + 500;

const key: Slot = (
  random,
) => [random.below(25) === 0 ? pick(random, ["text", "nums"]) : pick(random, keys.slice(0, 4))];
const bytes: Slot = (random) => [
  Array.from({ length: random.below(24) }, () => String.fromCharCode(random.below(256))).join(""),
];
const member = oneOf(
  "a",
  "b",
  "c",
  "d",
  "e",
  "f",
  "g",
  "1",
  "2",
  "3",
  "10",
  "-5",
  "007",
  "",
  "a\r\nb",
  "\xff\x00",
  "long".repeat(20),
);
const float = oneOf(
  "1",
  "-1",
  "0.1",
  "3.14159",
  "1e3",
  "-2.5e-3",
  "0",
  "1e17",
  "0.30000000000000004",
  "100.25",
);
const score: Slot = (random) =>
  random.below(12) === 0
    ? oneOf("inf", "-inf", "1e300", "0.1", "1e21", "123456789.123456789")(random)
    : number(-6, 12)(random);
const scoreBound: Slot = (
  random,
) => [
  pick(random, ["", "", "("]) + (random.below(8) === 0 ? pick(random, ["-inf", "+inf"]) : score(random)[0]),
];
const lexBound: Slot = (random) =>
  random.below(4) === 0
    ? [pick(random, ["-", "+"])]
    : [pick(random, ["[", "("]) + pick(random, "abcdefg1".split(""))];
const coordinate = (limit: number): Slot => (random) => [((random.float() * 2 - 1) * limit).toFixed(6)];

/** The slots that templates name. */
const vocabulary: Record<string, Slot> = {
  key,
  keys: several(key, 3),
  numkeys: counted(key, 3),
  any: (random) => [pick(random, keys)],
  value: (random) => random.below(3) === 0 ? bytes(random) : member(random),
  member,
  field: member,
  int: (random) =>
    random.below(10) === 0
      ? oneOf("9223372036854775807", "-9223372036854775808", "4611686018427387904")(random)
      : number(-20, 20)(random),
  index: number(-8, 8),
  count: number(0, 6),
  float,
  score,
  weight: oneOf("1", "2", "0.1", "3.5"),
  scoreBound,
  lexBound,
  offset: number(0, 40),
  bit: oneOf("0", "1"),
  seconds: (random) => [String(expirySeconds(random))],
  milliseconds: (random) => [String(expirySeconds(random) * 1000)],
  at: (random) => [String(Math.floor(epochMs / 1000) + expirySeconds(random))],
  atMs: (random) => [String(epochMs + expirySeconds(random) * 1000)],
  pair: (random) => [...key(random), ...bytes(random)],
  fieldValue: (random) => [...member(random), ...bytes(random)],
  fieldNumber: (random) => [...oneOf("n1", "n2")(random), ...number(-9, 9)(random)],
  scoreMember: (random) => [...score(random), ...member(random)],
  pattern: oneOf("*", "k*", "k?", "[a-f]", "[^a]*", "\\*", "?", "k[1-2]"),
  id: (random) => [`${random.below(60)}-${random.below(3)}`],
  newId: (
    random,
  ) => [random.below(3) === 0 ? `${random.below(60)}-*` : `${random.below(60)}-${random.below(3)}`],
  edge: (
    random,
  ) => [random.below(4) === 0 ? pick(random, ["-", "+"]) : pick(random, ["", "", "("]) + random.below(60)],
  group: oneOf("g1", "g2"),
  consumer: oneOf("alice", "bob", "carol"),
  place: (random) => [...coordinate(180)(random), ...coordinate(85)(random), ...member(random)],
  spot: (random) => [...coordinate(180)(random), ...coordinate(85)(random)],
  radius: oneOf("1", "500", "5000", "20000"),
  unit: oneOf("m", "km", "mi", "ft"),
  bitType: oneOf("u1", "i8", "u8", "i16", "u32", "i64", "u63", "i5"),
  bitOffset: oneOf("0", "1", "7", "8", "100", "#0", "#1", "#3"),
  aggregate: oneOf("SUM", "MIN", "MAX"),
  element: (random) => [String(random.below(5000))],
};

const junk = ["", "x", "-1", "1.5", "9223372036854775807", "9223372036854775808", "(1", "nan", "LIMIT", "k1"];

function spoil(words: string[], random: Random): string[] {
  const at = 1 + random.below(words.length);
  const copy = [...words];
  if (random.below(3) === 0) copy.splice(at, 1);
  else if (random.below(2) === 0) copy.splice(at, 0, copy[at - 1] ?? "");
  else copy[Math.min(at, copy.length - 1) || 1] = pick(random, junk);
  return copy;
}

function fill(token: string, random: Random): string[] {
  const slot = /^\{(.*)\}$/.exec(token)?.[1];
  if (slot === undefined) return [token];
  if (slot.includes("|")) return [pick(random, slot.split("|"))];
  const [, name = "", star] = /^(\w+)(\*?)$/.exec(slot) ?? [];
  const words = vocabulary[name];
  if (!words) throw new Error(`no slot ${slot}`);
  return star ? several(words, 4)(random) : words(random);
}

/**
 * Commands that could wait forever, choose at random, have a new meaning in 7.4, or give a time
 * beyond 2^53 ms, if one of their words is changed.
 */
const unspoiled =
  /^(B|\{B|CONFIG|XREAD|MULTI|EXEC|SORT|SPOP|\{ZRANK|\w+RAND|\w*SCAN|PEXPIREAT|.*PXAT|.* 0 \{member)/;

/** A random command from a template. */
export function expand(template: string, random: Random): string[] {
  const chosen = template.replace(/\[ (.*?) \] ?/g, (_, part: string) => random.below(2) ? `${part} ` : "");
  const words = chosen.trim().split(" ").flatMap((token) => fill(token, random));
  return random.below(40) === 0 && !unspoiled.test(template) ? spoil(words, random) : words;
}

const unordered = new Set([
  "SMEMBERS",
  "SINTER",
  "SUNION",
  "SDIFF",
  "HKEYS",
  "HVALS",
  "KEYS",
  "SPOP",
  "SRANDMEMBER",
  "SCAN",
  "SSCAN",
]);
const unorderedPairs = new Set(["HGETALL", "HRANDFIELD", "ZRANDMEMBER", "HSCAN", "ZSCAN"]);
const timed = new Set(["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"]);

/** The comparison used for the replies to a command. */
export function normalizationOf(words: readonly string[]): Normalization {
  const name = (words[0] ?? "").toUpperCase();
  if (unordered.has(name)) return "sorted";
  if (unorderedPairs.has(name)) return name !== "HRANDFIELD" || words.length > 3 ? "sortedPairs" : "sorted";
  if (timed.has(name)) return "time";
  return name === "XINFO" || name === "XPENDING" ? "streamInfo" : "exact";
}

const common = [
  "DEL {key}",
  "EXISTS {keys}",
  "TYPE {key}",
  "COPY {key} {key} [ REPLACE ]",
  "RENAME {key} {key}",
];

/** The families of commands, each with its own keys on both servers. */
export const groups: Record<string, CommandGroup> = {
  strings: {
    setup: ["RPUSH nums 1 2 3", "SET text hello"],
    audit: ["GET", "OBJECT ENCODING", "PTTL"],
    templates: [
      "DEL {key}",
      "EXISTS {keys}",
      "SET {key} {value} [ {NX|XX} ] [ GET ] [ {KEEPTTL|GET} ]",
      "SET {key} {int}",
      "SET {key} {value} {EX|PX} {milliseconds} [ {NX|XX|GET} ]",
      "SET {key} {value} {EXAT|PXAT} {atMs}",
      "GET {key}",
      "GETSET {key} {value}",
      "GETDEL {key}",
      "GETEX {key} [ PERSIST ]",
      "GETEX {key} EX {seconds}",
      "GETEX {key} PX {milliseconds}",
      "GETEX {key} EXAT {at}",
      "GETEX {key} PXAT {atMs}",
      "SETNX {key} {value}",
      "SETEX {key} {seconds} {value}",
      "PSETEX {key} {milliseconds} {value}",
      "MGET {keys}",
      "MSET {pair*}",
      "MSETNX {pair*}",
      "APPEND {key} {value}",
      "STRLEN {key}",
      "SETRANGE {key} {offset} {value}",
      "GETRANGE {key} {index} {index}",
      "SUBSTR {key} {index} {index}",
      "INCR {key}",
      "DECR {key}",
      "INCRBY {key} {int}",
      "DECRBY {key} {int}",
      "LCS {key} {key} [ LEN ]",
      "LCS {key} {key} IDX [ MINMATCHLEN {count} ] [ WITHMATCHLEN ]",
      "OBJECT ENCODING {key}",
    ],
  },
  floats: {
    setup: ["RPUSH nums 1 2 3", "SET text hello"],
    audit: ["GET", "OBJECT ENCODING"],
    templates: [
      "SET {key} {float}",
      "SET {key} {int}",
      "SET {key} {member}",
      "INCRBYFLOAT {key} {float}",
      "INCRBYFLOAT {key} {int}",
      "INCR {key}",
      "GET {key}",
      "COPY {key} {key} REPLACE",
      "RENAME {key} {key}",
      "EXPIREAT {key} {at}",
      "PERSIST {key}",
      "OBJECT ENCODING {key}",
      "DEL {key}",
    ],
  },
  keyspace: {
    setup: ["RPUSH nums 1 2 3", "SET text hello"],
    audit: ["TYPE", "PEXPIRETIME", "OBJECT ENCODING"],
    templates: [
      ...common,
      "SET {key} {value} [ KEEPTTL ]",
      "RPUSH {key} {value}",
      "HSET {key} {fieldValue}",
      "UNLINK {keys}",
      "TOUCH {keys}",
      "KEYS {pattern}",
      "SCAN 0 COUNT 1000 [ MATCH {pattern} ] [ TYPE {string|list|hash|set} ]",
      "RENAMENX {key} {key}",
      "COPY {key} {key} DB {0|9|x}",
      "MOVE {key} {0|9|8}",
      "EXPIRE {key} {seconds} [ {NX|XX|GT|LT} ]",
      "PEXPIRE {key} {milliseconds} [ {NX|XX|GT|LT} ]",
      "EXPIREAT {key} {at} [ {NX|XX|GT|LT} ]",
      "PEXPIREAT {key} {atMs} [ {NX|XX|GT|LT} ] [ {NX|GT|LT} ]",
      "EXPIRE {key} {-1|0}",
      "TTL {key}",
      "PTTL {key}",
      "EXPIRETIME {key}",
      "PEXPIRETIME {key}",
      "PERSIST {key}",
      "DBSIZE",
      "SWAPDB {9|8} {9|8}",
      "OBJECT ENCODING {key}",
      "OBJECT {WHAT|ENCODING}",
      "OBJECT FREQ {key}",
      "SADD {key} {int*}",
      "ZADD {key} {scoreMember*}",
      "XADD {key} {newId} {fieldValue}",
      "FLUSHDB [ {ASYNC|SYNC} ]",
    ],
  },
  hashes: {
    setup: [
      "CONFIG SET hash-max-listpack-entries 6 hash-max-listpack-value 40",
      "RPUSH nums 1 2",
      "SET text hello",
    ],
    audit: ["HGETALL", "OBJECT ENCODING", "HLEN"],
    templates: [
      ...common,
      "HSET {key} {fieldValue*}",
      "HSET {key} {fieldNumber*}",
      "HMSET {key} {fieldValue*}",
      "HSETNX {key} {fieldValue}",
      "HGET {key} {field}",
      "HMGET {key} {field*}",
      "HDEL {key} {field*}",
      "HLEN {key}",
      "HSTRLEN {key} {field}",
      "HEXISTS {key} {field}",
      "HKEYS {key}",
      "HVALS {key}",
      "HGETALL {key}",
      "HINCRBY {key} {n1|n2|a} {int}",
      "HINCRBYFLOAT {key} {n1|n2|a} {float}",
      "HRANDFIELD {key} {1000|0|-0} [ WITHVALUES ]",
      "HSCAN {key} 0 COUNT 1000 [ MATCH {pattern} ]",
      "OBJECT ENCODING {key}",
      "CONFIG SET hash-max-listpack-entries {3|6|9} hash-max-listpack-value {10|40|100}",
    ],
  },
  lists: {
    setup: ["CONFIG SET list-max-listpack-size 4", "HSET nums a 1", "SET text hello"],
    audit: ["LRANGE 0 -1", "OBJECT ENCODING"],
    templates: [
      ...common,
      "{LPUSH|RPUSH} {key} {value*}",
      "{LPUSHX|RPUSHX} {key} {value*}",
      "{LPOP|RPOP} {key} [ {count} ]",
      "LLEN {key}",
      "LINDEX {key} {index}",
      "LSET {key} {index} {value}",
      "LRANGE {key} {index} {index}",
      "LTRIM {key} {index} {index}",
      "LINSERT {key} {BEFORE|AFTER} {member} {value}",
      "LREM {key} {index} {member}",
      "LPOS {key} {member} [ RANK {index} ] [ COUNT {count} ] [ MAXLEN {count} ]",
      "LMOVE {key} {key} {LEFT|RIGHT} {LEFT|RIGHT}",
      "RPOPLPUSH {key} {key}",
      "LMPOP {numkeys} {LEFT|RIGHT} [ COUNT {count} ]",
      "{BLPOP|BRPOP} {keys} text 0.001",
      "BLMOVE {key} {key} {LEFT|RIGHT} {LEFT|RIGHT} 0.001",
      "BRPOPLPUSH {key} {key} 0.001",
      "BLMPOP 0.001 {numkeys} {LEFT|RIGHT} [ COUNT {count} ]",
      "OBJECT ENCODING {key}",
      "CONFIG SET list-max-listpack-size {1|4|100|-1|-2} list-compress-depth {0|1}",
    ],
  },
  sets: {
    setup: ["CONFIG SET set-max-intset-entries 6", "RPUSH nums 1 2", "SET text hello"],
    audit: ["SMEMBERS", "SCARD", "OBJECT ENCODING"],
    templates: [
      ...common,
      "SADD {key} {member*}",
      "SADD {key} {int*}",
      "SREM {key} {member*}",
      "SISMEMBER {key} {member}",
      "SMISMEMBER {key} {member*}",
      "SCARD {key}",
      "SMEMBERS {key}",
      "SMOVE {key} {key} {member}",
      "SPOP {key} 1000",
      "SRANDMEMBER {key} 1000",
      "{SINTER|SUNION|SDIFF} {keys}",
      "{SINTERSTORE|SUNIONSTORE|SDIFFSTORE} {key} {keys}",
      "SINTERCARD {numkeys} [ LIMIT {count} ]",
      "SSCAN {key} 0 COUNT 1000 [ MATCH {pattern} ]",
      "SORT {key} [ LIMIT {count} {count} ] ALPHA [ {ASC|DESC} ]",
      "OBJECT ENCODING {key}",
      "CONFIG SET set-max-intset-entries {2|6|9}",
    ],
  },
  zsets: {
    setup: [
      "CONFIG SET zset-max-listpack-entries 6 zset-max-listpack-value 40",
      "SADD nums 1 2 a b",
      "SET text hello",
    ],
    audit: ["ZRANGE 0 -1 WITHSCORES", "OBJECT ENCODING"],
    templates: [
      ...common,
      "ZADD {key} [ {NX|XX|GT|LT} ] [ CH ] {scoreMember*}",
      "ZADD {key} [ {NX|XX|GT|LT} ] [ {NX|XX|CH} ] INCR {scoreMember}",
      "ZADD {key} {scoreMember*}",
      "ZINCRBY {key} {float} {member}",
      "ZREM {key} {member*}",
      "ZCARD {key}",
      "ZSCORE {key} {member}",
      "ZMSCORE {key} {member*}",
      "{ZRANK|ZREVRANK} {key} {member}",
      "ZCOUNT {key} {scoreBound} {scoreBound}",
      "{ZRANGE|ZREVRANGE} {key} {index} {index} [ WITHSCORES ]",
      "ZRANGE {key} {index} {index} REV [ WITHSCORES ]",
      "ZRANGE {key} {scoreBound} {scoreBound} BYSCORE [ REV ] [ LIMIT {count} {index} ] [ WITHSCORES ]",
      "{ZRANGEBYSCORE|ZREVRANGEBYSCORE} {key} {scoreBound} {scoreBound} [ WITHSCORES ] [ LIMIT {count} {index} ]",
      "ZRANGESTORE {key} {key} {index} {index} [ REV ]",
      "ZRANGESTORE {key} {key} {scoreBound} {scoreBound} BYSCORE [ LIMIT {count} {index} ]",
      "ZREMRANGEBYRANK {key} {index} {index}",
      "ZREMRANGEBYSCORE {key} {scoreBound} {scoreBound}",
      "{ZPOPMIN|ZPOPMAX} {key} [ {count} ]",
      "{BZPOPMIN|BZPOPMAX} {keys} 0.001",
      "ZMPOP {numkeys} {MIN|MAX} [ COUNT {count} ]",
      "BZMPOP 0.001 {numkeys} {MIN|MAX} [ COUNT {count} ]",
      "{ZUNION|ZINTER} {numkeys} [ AGGREGATE {aggregate} ] [ WITHSCORES ]",
      "{ZUNION|ZINTER} 2 {key} {key} WEIGHTS {weight} {weight} [ WITHSCORES ]",
      "ZDIFF {numkeys} [ WITHSCORES ]",
      "{ZUNIONSTORE|ZINTERSTORE} {key} {numkeys} [ AGGREGATE {aggregate} ]",
      "{ZUNIONSTORE|ZINTERSTORE} {key} 2 {key} {key} WEIGHTS {weight} {weight} [ AGGREGATE {aggregate} ]",
      "ZDIFFSTORE {key} {numkeys}",
      "ZINTERCARD {numkeys} [ LIMIT {count} ]",
      "ZRANDMEMBER {key} {1000|0} WITHSCORES",
      "ZSCAN {key} 0 COUNT 1000 [ MATCH {pattern} ]",
      "OBJECT ENCODING {key}",
      "CONFIG SET zset-max-listpack-entries {3|6|9} zset-max-listpack-value {10|40|100}",
    ],
  },
  sameScores: {
    setup: [
      "CONFIG SET zset-max-listpack-entries 6 zset-max-listpack-value 40",
      "SADD nums 1 2 a b",
      "SET text hello",
    ],
    audit: ["ZRANGE 0 -1 WITHSCORES", "OBJECT ENCODING"],
    templates: [
      "ZADD {key} [ {NX|XX|CH} ] 0 {member}",
      "ZADD {key} 0 {member} 0 {member} 0 {member}",
      "ZREM {key} {member}",
      "DEL {key}",
      "{ZRANK|ZREVRANK} {key} {member}",
      "ZLEXCOUNT {key} {lexBound} {lexBound}",
      "ZRANGE {key} {lexBound} {lexBound} BYLEX [ REV ] [ LIMIT {count} {index} ]",
      "{ZRANGEBYLEX|ZREVRANGEBYLEX} {key} {lexBound} {lexBound} [ LIMIT {count} {index} ]",
      "ZREMRANGEBYLEX {key} {lexBound} {lexBound}",
      "ZRANGESTORE {key} {key} {lexBound} {lexBound} BYLEX [ REV ] [ LIMIT {count} {index} ]",
      "OBJECT ENCODING {key}",
      "CONFIG SET zset-max-listpack-entries {3|6|9}",
    ],
  },
  streams: {
    setup: ["CONFIG SET stream-node-max-entries 4", "SADD nums 1 2", "SET text hello"],
    audit: ["XRANGE - +", "XLEN"],
    templates: [
      ...common,
      "XADD {key} [ NOMKSTREAM ] {newId} {fieldValue*}",
      "XADD {key} MAXLEN [ {=|~} ] {count} {newId} {fieldValue}",
      "XADD {key} MINID [ {=|~} ] {id} {newId} {fieldValue}",
      "XADD {key} {newId} {fieldValue*}",
      "XLEN {key}",
      "XRANGE {key} {edge} {edge} [ COUNT {count} ]",
      "XREVRANGE {key} {edge} {edge} [ COUNT {count} ]",
      "XADD {key} {MAXLEN|MINID} ~ {count} LIMIT {count} {newId} {fieldValue}",
      "XADD {key} MAXLEN = {count} LIMIT {count} {newId} {fieldValue}",
      "XDEL {key} {id*}",
      "XTRIM {key} {MAXLEN|MINID} {count}",
      "XTRIM {key} {MAXLEN|MINID} ~ {count} LIMIT {count}",
      "XREAD COUNT {count} STREAMS {key} {id}",
      "XREAD BLOCK 1 STREAMS {key} {key} {id} $",
      "XREAD [ COUNT {count} ] STREAMS {key} {key} {key} {id} {id} {id}",
      "XSETID {key} 60-1 [ ENTRIESADDED {count} MAXDELETEDID {id} ]",
      "XGROUP CREATE {key} {group} {id} [ MKSTREAM ] [ ENTRIESREAD {count} ]",
      "XGROUP CREATE {key} {group} $ MKSTREAM",
      "XGROUP SETID {key} {group} {id}",
      "XGROUP DESTROY {key} {group}",
      "XGROUP DELCONSUMER {key} {group} {consumer}",
      "XREADGROUP GROUP {group} {consumer} COUNT {count} [ NOACK ] STREAMS {key} >",
      "XREADGROUP GROUP {group} {consumer} COUNT {count} STREAMS {key} {id}",
      "XREADGROUP GROUP {group} {consumer} [ COUNT {count} ] [ BLOCK 1 ] STREAMS {key} {key} > >",
      "XREADGROUP GROUP {group} {consumer} STREAMS {key} {key} {>|0} {id}",
      "XACK {key} {group} {id*}",
      "XPENDING {key} {group}",
      "XPENDING {key} {group} [ IDLE 0 ] {edge} {edge} {count} [ {consumer} ]",
      "XCLAIM {key} {group} {consumer} 0 {id*} [ FORCE ] [ JUSTID ] [ RETRYCOUNT {count} ]",
      "XCLAIM {key} {group} {consumer} 0 {id*} [ IDLE 0 ] [ FORCE ] [ LASTID {id} ]",
      "XCLAIM {key} {group} {consumer} 0 {id} TIME {atMs} [ JUSTID ]",
      "XAUTOCLAIM {key} {group} {consumer} 0 {id} [ COUNT {count} ] [ JUSTID ]",
      "XINFO GROUPS {key}",
      "XINFO CONSUMERS {key} {group}",
      "XINFO STREAM {key}",
      "XINFO STREAM {key} FULL [ COUNT {count} ]",
      "CONFIG SET stream-node-max-entries {1|4|100}",
      "CONFIG SET stream-node-max-bytes {0|60|4096}",
    ],
  },
  bits: {
    setup: ["RPUSH nums 1 2", "SET text hello"],
    audit: ["GET"],
    templates: [
      ...common,
      "SET {key} {value}",
      "SETBIT {key} {offset} {bit}",
      "GETBIT {key} {offset}",
      "BITCOUNT {key}",
      "BITCOUNT {key} {index} {index} [ {BYTE|BIT} ]",
      "BITPOS {key} {bit} [ {index} ]",
      "BITPOS {key} {bit} {index} {index} [ {BYTE|BIT} ]",
      "BITOP {AND|OR|XOR} {key} {keys}",
      "BITOP NOT {key} {key}",
      "BITFIELD {key} GET {bitType} {bitOffset} SET {bitType} {bitOffset} {int}",
      "BITFIELD {key} OVERFLOW {WRAP|SAT|FAIL} INCRBY {bitType} {bitOffset} {int} GET {bitType} {bitOffset}",
      "BITFIELD_RO {key} GET {bitType} {bitOffset}",
      "BITFIELD {key} SET {u64|i65|u0|q8} 0 1",
      "BITFIELD {key} SET {bitType} {bitOffset} {int} OVERFLOW {WRAP|SAT|FAIL|NONE} INCRBY {bitType} {bitOffset} {int} INCRBY {bitType} {bitOffset} {int}",
      "OBJECT ENCODING {key}",
    ],
  },
  hyperloglog: {
    setup: ["CONFIG SET hll-sparse-max-bytes 300", "RPUSH nums 1 2", "SET text hello"],
    audit: ["GET", "PFCOUNT"],
    templates: [
      "PFADD {key} {element*}",
      "PFADD {key} {element*} {element*} {element*} {element*}",
      "PFADD {key}",
      "PFCOUNT {keys}",
      "PFMERGE {key} {keys}",
      "GET {key}",
      "STRLEN {key}",
      "OBJECT ENCODING {key}",
      "DEL {k1|k2}",
      "PFDEBUG {ENCODING|TODENSE} {key}",
      "PFDEBUG DECODE {key}",
      "CONFIG SET hll-sparse-max-bytes {100|300|3000}",
    ],
  },
  geo: {
    setup: ["RPUSH nums 1 2", "SET text hello"],
    audit: ["ZRANGE 0 -1 WITHSCORES"],
    templates: [
      ...common,
      "GEOADD {key} [ {NX|XX} ] [ CH ] {place*}",
      "GEOADD {key} {place*}",
      "GEODIST {key} {member} {member} [ {unit} ]",
      "GEOHASH {key} {member*}",
      "GEOPOS {key} {member*}",
      "GEOSEARCH {key} FROMMEMBER {member} BYRADIUS {radius} {unit} ASC [ COUNT {count} ] [ WITHDIST ] [ WITHCOORD ]",
      "GEOSEARCH {key} FROMLONLAT {spot} BYBOX {radius} {radius} {unit} DESC [ WITHHASH ] [ WITHDIST ]",
      "GEOSEARCHSTORE {key} {key} FROMLONLAT {spot} BYRADIUS {radius} {unit} ASC [ COUNT {count} ] [ STOREDIST ]",
      "GEORADIUS {key} {spot} {radius} {unit} [ WITHDIST ] ASC",
      "GEORADIUSBYMEMBER {key} {member} {radius} {unit} [ WITHCOORD ] [ COUNT {count} ] DESC",
      "GEORADIUS_RO {key} {spot} {radius} {unit} ASC",
      "GEORADIUSBYMEMBER_RO {key} {member} {radius} {unit} [ COUNT {count} ] DESC",
      "GEORADIUS {key} {spot} {radius} {unit} [ COUNT {count} ] {STORE|STOREDIST} {key}",
      "GEORADIUSBYMEMBER {key} {member} {radius} {unit} {STORE|STOREDIST} {key}",
      "GEOSEARCH {key} FROMMEMBER {member} BYBOX {radius} {radius} {unit} [ COUNT {count} ANY ] [ WITHDIST ]",
      "GEOSEARCHSTORE {key} {key} FROMMEMBER {member} BYBOX {radius} {radius} {unit} DESC [ COUNT {count} ] [ STOREDIST ]",
      "ZREM {key} {member}",
      "OBJECT ENCODING {key}",
    ],
  },
  transactions: {
    setup: ["SADD nums 1 2", "SET text hello"],
    audit: ["TYPE", "GET"],
    templates: [
      "MULTI",
      "MULTI",
      "EXEC",
      "EXEC",
      "DISCARD",
      "WATCH {keys}",
      "UNWATCH",
      "SET {key} {value}",
      "INCR {key}",
      "GET {key}",
      "RPUSH {key} {value}",
      "LRANGE {key} 0 -1",
      "BLPOP {key} 0.001",
      "NOSUCH {key}",
      "GET {key} {key}",
      "DEL {keys}",
      "PING",
      "ECHO {value}",
    ],
  },
  sorting: {
    setup: [
      "CONFIG SET list-max-listpack-size 4 set-max-intset-entries 512",
      "MSET w_1 3 w_2 1 w_3 2 w_a 9 w_b -1 text hello",
      "HSET h_1 f one g 5",
      "HSET h_2 f two",
      "RPUSH nums 3 1 2 10",
    ],
    audit: ["TYPE", "LRANGE 0 -1"],
    templates: [
      "DEL {key}",
      "RPUSH {key} {1|2|3|10|-4|1.5} {1|2|3|a|b}",
      "RPUSH {key} {member*}",
      "SADD {key} {1|2|3|10|7} {1|2|3}",
      "ZADD {key} {scoreMember*}",
      "SORT {any} [ LIMIT {index} {index} ] [ {ASC|DESC} ] [ ALPHA ]",
      "SORT {any} BY {w_*|h_*->g} [ GET # ] [ GET {w_*|h_*->f|none_*} ] [ STORE {key} ]",
      "SORT nums BY {nosort|w_1} [ LIMIT {count} {index} ] [ GET h_*->f ] [ DESC ]",
      "SORT_RO {any} BY {w_*|h_*->g} [ LIMIT {count} {count} ] GET {w_*|#} [ DESC ]",
      "SORT {any} ALPHA STORE {key}",
      "SORT {any} BY nosort [ {ASC|DESC} ] [ LIMIT {count} {index} ] [ STORE {key} ]",
      "SORT_RO {any} ALPHA [ LIMIT {count} {count} ] [ {ASC|DESC} ]",
    ],
  },
};
