/**
 * Random writes of every type for servers that replicate: with short and renewed times, in
 * transactions and scripts, across databases.
 */
import type { Random } from "../../src/util/random.ts";

/** Number of databases written to. */
export const DATABASES = 4;
const NAMES = 6;
const TYPES = ["str", "num", "list", "set", "zset", "hash", "stream", "hll"] as const;

/** All possible keys of a database. */
export const keyNames: readonly string[] = TYPES.flatMap((type) =>
  Array.from({ length: NAMES }, (_, i) => `${type}${i}`)
);

/** All possible fields of a hash. */
export const fieldNames: readonly string[] = ["n", ...Array.from({ length: 8 }, (_, i) => `f${i}`)];

const SCRIPT =
  "for _, key in ipairs(KEYS) do redis.call('INCR', key) redis.call('PEXPIRE', key, ARGV[2]) end " +
  "redis.call('SELECT', ARGV[1]) redis.call('RPUSH', 'list0', ARGV[2]) " +
  "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('SPOP', 'set0') end return redis.call('TIME')";
const FUNCTION = "#!lua name=links\nredis.register_function('links', function(keys, args) " +
  "redis.call('SET', keys[1], args[1], 'PX', args[2]) return redis.call('INCR', keys[1]) end)";

/** Generates random commands. */
export class LinkWriter {
  #serial = 0;

  /**
   * @param isRedenoOnly true for behaviour that redis-server 7.0 lacks: fields of hashes expire,
   * and a PFCOUNT on a replica changes nothing there
   */
  constructor(readonly random: Random, readonly isRedenoOnly: boolean) {}

  #below(limit: number): number {
    return this.random.below(limit);
  }

  #key(type: typeof TYPES[number]): string {
    return `${type}${this.#below(NAMES)}`;
  }

  /** Milliseconds: past at once, soon, or not in this round. */
  #ttl(): string {
    return String([1, 1 + this.#below(60), 50 + this.#below(1500), 100_000][this.#below(4)]);
  }

  #value(): string {
    return `${++this.#serial}:${"x".repeat(this.#below(this.#below(30) === 0 ? 9000 : 30))}`;
  }

  /** One step of a client: commands that belong together. */
  step(): string[][] {
    const kind = this.#below(20);
    if (kind === 0) return [["SELECT", String(this.#below(DATABASES))]];
    if (kind < 4) return this.#transaction();
    if (kind === 4) return [this.#script()];
    if (kind === 5) return [this.#acrossKeys()];
    return [this.#command()];
  }

  #transaction(): string[][] {
    const inside = Array.from(
      { length: 1 + this.#below(6) },
      () => this.#below(8) === 0 ? ["SELECT", String(this.#below(DATABASES))] : this.#command(),
    );
    return [["MULTI"], ...inside, [this.#below(12) === 0 ? "DISCARD" : "EXEC"]];
  }

  #script(): string[] {
    if (this.#below(3) === 0) return ["FUNCTION", "LOAD", "REPLACE", FUNCTION];
    if (this.#below(2) === 0) return ["FCALL", "links", "1", this.#key("num"), "7", this.#ttl()];
    return [
      "EVAL",
      SCRIPT,
      "2",
      this.#key("num"),
      this.#key("num"),
      String(this.#below(DATABASES)),
      this.#ttl(),
    ];
  }

  #acrossKeys(): string[] {
    const type = TYPES[this.#below(TYPES.length)]!, from = this.#key(type), to = this.#key(type);
    const database = String(this.#below(DATABASES));
    return [
      ["RENAME", from, to],
      ["COPY", from, to, "REPLACE"],
      ["COPY", from, from, "DB", database, "REPLACE"],
      ["MOVE", from, database],
      ["DEL", from],
      ["UNLINK", from, to],
      ["PERSIST", from],
      ["PEXPIRE", from, this.#ttl()],
      ["PEXPIRE", from, "200000", "GT"],
      ["EXPIRE", from, "1", "NX"],
      ["PEXPIREAT", from, "1"],
      this.#below(12) === 0 ? ["FLUSHDB"] : ["EXISTS", from],
      this.#below(8) === 0 ? ["SWAPDB", "0", database] : ["TYPE", from],
      ["PUBLISH", "channel", "message"],
    ][this.#below(14)]!;
  }

  #command(): string[] {
    const makers = [
      this.#text,
      this.#text,
      this.#number,
      this.#list,
      this.#set,
      this.#zset,
      this.#hash,
      this.#stream,
      this.#log,
    ];
    return makers[this.#below(makers.length)]!.call(this);
  }

  #text(): string[] {
    const key = this.#key("str");
    return [
      ["SET", key, this.#value(), "PX", this.#ttl()],
      ["SET", key, this.#value(), "PXAT", String(Date.now() + Number(this.#ttl()))],
      ["SET", key, this.#value(), "KEEPTTL"],
      ["SET", key, this.#value(), "PX", this.#ttl(), "NX"],
      ["SET", key, this.#value(), "XX", "GET", "PX", this.#ttl()],
      ["GETEX", key, "PX", this.#ttl()],
      ["GETEX", key, "PERSIST"],
      ["APPEND", key, "y"],
      ["SETRANGE", key, "3", "z"],
      ["GETDEL", key],
      ["SETBIT", key, "40", "1"],
      ["GET", key],
      ["PSETEX", key, this.#ttl(), this.#value()],
      ["BITOP", "NOT", key, this.#key("str")],
    ][this.#below(14)]!;
  }

  #number(): string[] {
    const key = this.#key("num");
    return [
      ["INCR", key],
      ["INCR", key],
      ["DECRBY", key, "3"],
      ["SET", key, "10", "PX", this.#ttl()],
      ["PEXPIRE", key, this.#ttl()],
    ][this.#below(5)]!;
  }

  #list(): string[] {
    const key = this.#key("list"), other = this.#key("list");
    return [
      ["RPUSH", key, this.#value()],
      ["LPUSH", key, this.#value(), this.#value()],
      ["LPOP", key],
      ["LMOVE", key, other, "LEFT", "RIGHT"],
      ["BLMOVE", key, other, "RIGHT", "LEFT", this.#below(8) === 0 ? "0.3" : "0.01"],
      ["BLPOP", key, "0.01"],
      ["LMPOP", "2", key, other, "LEFT", "COUNT", "2"],
      ["LTRIM", key, "-5", "-1"],
      ["LINSERT", key, "BEFORE", "1", this.#value()],
      ["SORT", key, "ALPHA", "STORE", other],
    ][this.#below(10)]!;
  }

  #set(): string[] {
    const key = this.#key("set"), other = this.#key("set");
    return [
      ["SADD", key, this.#value(), String(this.#below(50))],
      ["SADD", key, String(this.#below(50))],
      ["SPOP", key],
      ["SPOP", key, "3"],
      ["SMOVE", key, other, String(this.#below(50))],
      ["SUNIONSTORE", key, other, this.#key("set")],
      ["SDIFFSTORE", key, other, this.#key("set")],
      ["PEXPIRE", key, this.#ttl()],
    ][this.#below(8)]!;
  }

  #zset(): string[] {
    const key = this.#key("zset"), other = this.#key("zset"), member = String(this.#below(40));
    return [
      ["ZADD", key, String(this.#below(100) / 8), member],
      ["ZADD", key, "GT", String(this.#below(100)), member],
      ["ZINCRBY", key, "0.3", member],
      ["ZPOPMIN", key],
      ["BZPOPMAX", key, "0.01"],
      ["ZRANGESTORE", key, other, "0", "5"],
      ["ZUNIONSTORE", key, "2", other, this.#key("zset")],
      ["ZREMRANGEBYRANK", key, "0", "0"],
      ["PEXPIRE", key, this.#ttl()],
    ][this.#below(9)]!;
  }

  #hash(): string[] {
    const key = this.#key("hash"), field = `f${this.#below(8)}`;
    const commands = [
      ["HSET", key, field, this.#value()],
      ["HSET", key, "n", String(this.#below(9))],
      ["HINCRBY", key, "n", "2"],
      ["HINCRBYFLOAT", key, "n", "0.1"],
      ["HSETNX", key, field, this.#value()],
      ["HDEL", key, field],
      ["PEXPIRE", key, this.#ttl()],
    ];
    if (this.isRedenoOnly) {
      commands.push(
        ["HPEXPIRE", key, this.#ttl(), "FIELDS", "2", field, "n"],
        ["HPEXPIRE", key, this.#ttl(), "GT", "FIELDS", "1", field],
        ["HPERSIST", key, "FIELDS", "2", field, "n"],
        ["HGET", key, field],
      );
    }
    return commands[this.#below(commands.length)]!;
  }

  #stream(): string[] {
    const key = this.#key("stream");
    return [
      ["XADD", key, "*", "f", this.#value()],
      ["XADD", key, "MAXLEN", "~", "20", "*", "f", this.#value()],
      ["XTRIM", key, "MAXLEN", "5"],
      ["XGROUP", "CREATE", key, "g", "0", "MKSTREAM"],
      ["XREADGROUP", "GROUP", "g", "c", "COUNT", "2", "STREAMS", key, ">"],
      ["XREADGROUP", "GROUP", "g", "d", "BLOCK", "10", "STREAMS", key, ">"],
      ["XAUTOCLAIM", key, "g", "d", "0", "0", "COUNT", "1"],
      ["PEXPIRE", key, this.#ttl()],
    ][this.#below(8)]!;
  }

  #log(): string[] {
    const key = this.#key("hll");
    return [["PFADD", key, this.#value()], [this.isRedenoOnly ? "PFCOUNT" : "EXISTS", key], [
      "PFMERGE",
      key,
      this.#key("hll"),
    ], [
      "PEXPIRE",
      key,
      this.#ttl(),
    ]][
      this.#below(4)
    ]!;
  }
}
