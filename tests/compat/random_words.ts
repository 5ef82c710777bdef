/**
 * The words of random commands: for each argument in COMMAND DOCS, values of its type and meaning,
 * extreme ones, and occasionally an invalid one. They avoid values that make both servers wait,
 * fill memory or differ by the clock.
 */
import type { ArgSpec } from "../../src/engine/command.ts";
import type { Random } from "../../src/util/random.ts";

/** Keys are few, so that commands collide. The last ones are unusual. */
export const keys = ["k1", "k2", "k3", "k4", "k5", "k6", "k7", "", "\0", "k\r\n\xff"];

/** Some moments far outside the duration of the test. */
const farMs = Date.now() + 1e12;

const integers = "0 1 2 3 5 10 -1 -2 -3 -5 -10 100 65536".split(" ");
const extremeIntegers =
  "2147483647 2147483648 -2147483649 4294967296 9007199254740991 9007199254740993 -9007199254740993 9223372036854775807 -9223372036854775807 -9223372036854775808 9223372036854775808 18446744073709551615 99999999999999999999"
    .split(" ");
const noIntegers = ["", " 1", "1 ", "+1", "01", "0x10", "1.0", "1e3", "abc", "1\0", "--1", "\xff"];
// No -0: if a score keeps its sign depends on the encoding, which SORT changes in Redis.
const doubles = "0 1 -1 0.5 -2.25 3.0e3 1e17 100.125 0x1p3 .5 5. 12345678.9".split(" ");
const extremeDoubles =
  "inf -inf +inf 1e308 -1e308 1.7976931348623157e308 5e-324 1e400 1e-400 9007199254740993 infinity 0x1p-1080"
    .split(" ");
const noDoubles = ["", "nan", " 1", "1 ", "1e", "abc", "1,5", "--1", "1\0", "0x"];
const texts = [
  "a",
  "b",
  "c",
  "",
  "1",
  "2",
  "10",
  "-5",
  "3.5",
  "007",
  "\0",
  "a\0b",
  "\r\n",
  "\xff\xfe",
  "hello world",
  "x".repeat(70),
  "9223372036854775807",
];
const patterns = [
  "*",
  "k*",
  "k?",
  "[a-c]*",
  "[^a]",
  "\\*",
  "[",
  "[a-",
  "",
  "**",
  "\0*",
  "k[1-3]",
  "?",
  "a*b*c",
];
const scoreBounds = [
  "0",
  "1",
  "-1",
  "(1",
  "(0",
  "-inf",
  "+inf",
  "(inf",
  "5",
  "(5.5",
  "1e308",
  "nan",
  "(",
  "a",
  "",
];
const lexBounds = ["-", "+", "[a", "(a", "[b", "(c", "[", "(", "a", "", "[\0"];
const streamBounds = [
  "-",
  "+",
  "0",
  "1-1",
  "(1-1",
  "3",
  "(3",
  "5-*",
  "18446744073709551615-18446744073709551615",
  "(",
  "a",
];
const ids = [
  "0",
  "0-0",
  "0-1",
  "1-1",
  "1-2",
  "2-1",
  "3",
  "5-3",
  "7-*",
  "9-9",
  "$",
  ">",
  "-",
  "+",
  "a-b",
  "1-1-1",
  "-1",
  "18446744073709551615-18446744073709551615",
  "18446744073709551616-0",
];
const scripts = [
  "return 1",
  "return KEYS",
  "return {ARGV, #KEYS}",
  "return redis.call('SET', KEYS[1], ARGV[1] or 'x')",
  "return redis.pcall('INCR', KEYS[1])",
  "return redis.call('LPUSH', KEYS[1], 'a')",
  "return redis.error_reply('BAD thing')",
  "return {1, 2.9, 'x', false, true, {ok='fine'}}",
  "return redis.sha1hex(ARGV[1] or '')",
  "return",
  "syntax error here",
];

/** Values for arguments by name; other arguments get values by type. */
const byName: Readonly<Record<string, readonly string[]>> = {
  index: ["0", "1", "-1", "5", "-9223372036854775808", "9223372036854775807", "x"],
  pivot: texts,
  id: ids,
  "last-id": ids,
  lastid: ids,
  "max-deleted-id": ids,
  group: ["g1", "g1", "g2", "", "none"],
  consumer: ["c1", "c2", ""],
  cursor: ["0", "0", "0", "1", "x", "-1", "18446744073709551615", "18446744073709551616"],
  script: scripts,
  sha1: ["e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "nosuch", ""],
  function: ["f", "g", "none"],
  "function-code": [
    "#!lua name=l\nredis.register_function('f', function(k, a) return {k, a} end)",
    "#!lua name=m\nredis.register_function{function_name='g', callback=function() return redis.call('PING') end, flags={'no-writes'}}",
    "#!lua name=l\nreturn",
    "return 1",
    "",
  ],
  "library-name": ["l", "m", "none"],
  "library-name-pattern": ["*", "l"],
  encoding: ["u8", "i8", "i64", "u63", "u1", "u64", "i65", "i0", "u", "8", ""],
  offset: ["0", "1", "7", "8", "100", "#0", "#3", "-1", "4294967296", "9223372036854775807", "x"],
  bit: ["0", "1", "2", "-1", "x"],
  timeout: ["0.001", "0.001", "0.002", "1e-400", "-1", "1e400", "x", "nan", "0x1p-10"],
  "min-idle-time": ["0", "0", "-1", "100000000", "x", "9223372036854775807"],
  ms: ["0", "100000000", "-1", "x"],
  longitude: ["0", "13.361389", "15.087269", "-180", "181", "x", "nan", "1e400"],
  latitude: ["0", "38.115556", "37.502669", "85.05", "86", "x"],
  radius: ["0", "100", "200000", "1e10", "-1", "x"],
  width: ["0", "100", "1e7", "-1", "x"],
  height: ["0", "100", "1e7", "-1", "x"],
  weight: ["1", "2", "0", "-1.5", "inf", "nan", "x"],
  len: integers,
  destination: keys,
  host: ["127.0.0.1"],
  db: ["0", "1", "1", "99", "-1", "x"],
  index1: ["0", "1", "99", "x"],
  index2: ["0", "1", "99", "x"],
  "destination-db": ["0", "1", "2", "99", "x"],
  entriesadded: integers,
  freq: ["0", "5", "255", "256", "-1", "x"],
  username: ["someone", "none"],
  category: ["read", "hash", "none", ""],
  protover: ["2", "3", "4", "x"],
  operation: ["AND", "OR", "XOR", "NOT", "NAND"],
  numreplicas: ["0", "0", "x", "-1"],
  numlocal: ["0", "2", "x"],
};

/** Values for argument names that have another meaning in certain commands. */
const byCommand: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  select: { index: ["0", "0", "1", "99", "x"] },
  zrangebylex: { min: lexBounds, max: lexBounds },
  zrevrangebylex: { min: lexBounds, max: lexBounds },
  zlexcount: { min: lexBounds, max: lexBounds },
  zremrangebylex: { min: lexBounds, max: lexBounds },
  zrangebyscore: { min: scoreBounds, max: scoreBounds },
  zrevrangebyscore: { min: scoreBounds, max: scoreBounds },
  zcount: { min: scoreBounds, max: scoreBounds },
  zremrangebyscore: { min: scoreBounds, max: scoreBounds },
  zrange: { start: [...scoreBounds, ...lexBounds], stop: [...scoreBounds, ...lexBounds] },
  zrangestore: { min: [...scoreBounds, ...lexBounds], max: [...scoreBounds, ...lexBounds] },
  xrange: { start: streamBounds, end: streamBounds },
  xrevrange: { start: streamBounds, end: streamBounds },
  xpending: { start: streamBounds, end: streamBounds },
  xautoclaim: { start: streamBounds },
  xread: { milliseconds: ["1", "1", "-1", "x"] },
  xreadgroup: { milliseconds: ["1", "1", "-1", "x"], id: [">", ">", ">", "0", "$", "1-1", "x"] },
  xadd: { id: ["1-1", "2-*", "3-1", "7-7", "9", "0-0", "5-*", "x"], threshold: [...integers, ...ids] },
  xtrim: { threshold: [...integers, ...ids] },
  // In Redis, a sum that overflows is in the past: the key is gone. Here it is the latest possible
  // time.
  restore: { ttl: ["0", "0", "1000000000", "4611686018427387904", "-1", "x"] },
  wait: { timeout: ["1", "-1", "x"] },
  waitaof: { timeout: ["1", "-1", "x"] },
};

/** Numbers of elements to choose: a very low one would produce a very long reply. */
const fewElements = [
  "0",
  "1",
  "2",
  "5",
  "-1",
  "-3",
  "-9223372036854775808",
  "9223372036854775807",
  "x",
  "1.5",
];
const choosesElements = /^(srandmember|hrandfield|zrandmember|spop)$/;

/** Chooses values for the arguments of one command. */
export class Words {
  constructor(readonly random: Random, readonly payloads: readonly string[]) {}

  pick<T>(items: readonly T[]): T {
    return items[this.random.below(items.length)]!;
  }

  key(): string {
    return this.random.below(20) === 0 ? this.pick(keys) : this.pick(keys.slice(0, 7));
  }

  value(command: string, arg: ArgSpec): string {
    const mayBeAny = !/^(timeout|milliseconds|ttl)$/.test(arg.name);
    if (mayBeAny && this.random.below(60) === 0) {
      return this.pick([...texts, ...noIntegers, ...extremeIntegers]);
    }
    const own = byCommand[command]?.[arg.name];
    if (own !== undefined) return this.pick(own);
    if (arg.name === "count" && choosesElements.test(command)) return this.pick(fewElements);
    if (arg.name === "serialized-value") return this.pick(this.payloads);
    const named = byName[arg.name];
    if (named !== undefined) return this.pick(named);
    if (arg.type !== "unix-time" && /seconds$|^ttl$/.test(arg.name)) return this.#duration();
    switch (arg.type) {
      case "integer":
        return this.#one(integers, extremeIntegers, noIntegers);
      case "double":
        return this.#one(doubles, extremeDoubles, noDoubles);
      case "unix-time":
        return this.#moment();
      case "pattern":
        return this.pick(patterns);
      default:
        return this.pick(texts);
    }
  }

  #one(usual: readonly string[], extreme: readonly string[], wrong: readonly string[]): string {
    const draw = this.random.below(20);
    return this.pick(draw === 0 ? wrong : draw < 4 ? extreme : usual);
  }

  #duration(): string {
    return this.random.below(3) > 0
      ? String(1e9 + this.random.below(1e6))
      : this.#one(["-1", "0"], extremeIntegers, noIntegers);
  }

  /** In milliseconds: as seconds it is even farther away. */
  #moment(): string {
    return this.random.below(3) > 0
      ? String(farMs + this.random.below(1e9))
      : this.#one(["1", "-1", "0"], extremeIntegers, noIntegers);
  }
}
