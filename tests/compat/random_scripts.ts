/**
 * Random scripts from a seed: values of all kinds, passed through Lua, its libraries, commands and
 * replies.
 */
import type { Random } from "../../src/util/random.ts";

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[random.below(choices.length)]!;
}

function times<T>(random: Random, most: number, make: () => T): T[] {
  return Array.from({ length: random.below(most + 1) }, make);
}

/** Numbers of all sizes, many of them at the limits of integers. */
function randomNumber(random: Random): string {
  const sign = pick(random, ["", "-"]);
  switch (random.below(6)) {
    case 0:
      return `${sign}${random.below(300)}`;
    case 1:
      return `(${sign}2^${random.below(66)}${pick(random, ["", "+1", "-1"])})`;
    case 2:
      return `${sign}${random.below(1e6)}.${random.below(1000)}`;
    case 3:
      return `${sign}${random.below(1000)}e${random.below(40) - 20}`;
    case 4:
      return `${sign}${random.below(2 ** 53)}`;
    default:
      return `(${sign}${1 + random.below(99)}/${1 + random.below(99)})`;
  }
}

/** A string of any bytes, in Lua's notation. */
function randomString(random: Random): string {
  const part = () =>
    pick(random, ["a", "key", " ", "\\r\\n", "\\0", `\\${random.below(256)}`, "%d", '\\"', "/", "é"]);
  return `'${times(random, 6, part).join("").replaceAll("é", "\xc3\xa9")}'`;
}

function randomScalar(random: Random): string {
  switch (random.below(5)) {
    case 0:
    case 1:
      return randomNumber(random);
    case 2:
    case 3:
      return randomString(random);
    default:
      return pick(random, ["true", "false", "nil"]);
  }
}

/** Maps have one key: the order of several depends on the interpreter. */
function randomValue(random: Random, depth: number): string {
  const inner = () => randomValue(random, depth - 1);
  if (depth === 0 || random.below(3) === 0) return randomScalar(random);
  switch (random.below(8)) {
    case 0:
      return `{ok=${randomString(random)}}`;
    case 1:
      return `{err=${randomString(random)}}`;
    case 2:
      return `{map={[${randomString(random)}]=${inner()}}}`;
    case 3:
      return `{set={[${randomString(random)}]=true}}`;
    case 4:
      return `{double=${randomNumber(random)}}`;
    case 5:
      return pick(random, [`{[${randomString(random)}]=${inner()}}`, "{}"]);
    default:
      return `{${times(random, 4, inner).join(",")}}`;
  }
}

/** Values that JSON and MessagePack can express. */
function plainValue(random: Random, depth: number): string {
  if (depth === 0 || random.below(3) === 0) return randomScalar(random);
  if (random.below(4) === 0) return `{[${randomString(random)}]=${plainValue(random, depth - 1)}}`;
  return `{${times(random, 4, () => plainValue(random, depth - 1)).join(",")}}`;
}

const COMMANDS: readonly ((random: Random) => string[])[] = [
  (r) => ["'SET'", "'k'", randomScalar(r)],
  () => ["'GET'", "'k'"],
  (r) => ["'APPEND'", "'k'", randomString(r)],
  (r) => ["'INCRBY'", pick(r, ["'k'", "'n'"]), randomNumber(r)],
  (r) => ["'INCRBYFLOAT'", "'n'", randomNumber(r)],
  (r) => ["'RPUSH'", "'l'", randomString(r), randomNumber(r)],
  () => ["'LRANGE'", "'l'", "0", "-1"],
  (r) => ["'LPOP'", pick(r, ["'l'", "'k'"])],
  (r) => ["'HSET'", "'h'", "'f'", randomScalar(r)],
  () => ["'HGETALL'", "'h'"],
  (r) => ["'SADD'", "'s'", randomString(r)],
  (r) => ["'SISMEMBER'", "'s'", randomString(r)],
  (r) => ["'ZADD'", "'z'", randomNumber(r), "'m'"],
  () => ["'ZSCORE'", "'z'", "'m'"],
  () => ["'ZRANGE'", "'z'", "0", "-1", "'WITHSCORES'"],
  (r) => ["'EXISTS'", randomString(r), "'k'"],
  (r) => [randomString(r)],
  (r) => ["'PING'", ...times(r, 2, () => randomScalar(r))],
];

function randomCall(random: Random): string {
  return `redis.${pick(random, ["call", "pcall", "pcall"])}(${pick(random, COMMANDS)(random).join(",")})`;
}

function callScript(random: Random): string {
  const calls = times(random, 3, () => randomCall(random));
  const resp = pick(random, ["", "", "redis.setresp(3) "]);
  return `${resp}local t = {} ${calls.map((call) => `t[#t+1] = ${call} `).join("")}return {#t,t,${
    randomCall(random)
  }}`;
}

const INTEGERS = "bBhHiIlLT";

function structScript(random: Random): string {
  const count = 1 + random.below(4), options: string[] = [], values: string[] = [];
  for (let i = 0; i < count; i++) {
    const option = pick(random, [...INTEGERS, "i3", "I7", "f", "d", "s", "c3"]);
    options.push(pick(random, ["", ">", "<", "!4", " ", "x"]) + option);
    const isText = option === "s" || option.startsWith("c");
    values.push(isText ? pick(random, ["'abc'", "'a b'", "'xyzzy'"]) : randomNumber(random));
  }
  const format = options.join("");
  const packed = `struct.pack('${format}',${values.join(",")})`;
  return `local p = ${packed} local t = {struct.unpack('${format}',p)} for i, v in ipairs(t) do t[i] = tostring(v) end ` +
    `return {p,struct.size('b${format.replace(/s/g, "b")}'),t}`;
}

const FORMATS = [
  "%d",
  "%5d",
  "%-8d|",
  "%+d",
  "%05d",
  "%x",
  "%X",
  "%o",
  "%u",
  "%g",
  "%.3f",
  "%e",
  "%10.4g",
  "%c",
  "%s",
  "%i",
];

function formatScript(random: Random): string {
  const formats = times(random, 3, () => pick(random, FORMATS));
  const values = formats.map((format) =>
    format === "%c" ? String(1 + random.below(255)) : randomNumber(random)
  );
  return `return string.format(${[`'${formats.join(" ")}'`, ...values].join(",")})`;
}

function bitScript(random: Random): string {
  const args = [randomNumber(random), ...times(random, 2, () => randomNumber(random))].join(",");
  const name = pick(random, ["tobit", "bnot", "bswap", "band", "bor", "bxor"]);
  const shift = pick(random, ["lshift", "rshift", "arshift", "rol", "ror", "tohex"]);
  return `return {bit.${name}(${args}),bit.${shift}(${randomNumber(random)},${random.below(70) - 35})}`;
}

const KINDS: readonly ((random: Random) => string)[] = [
  (r) => `return ${randomValue(r, 4)}`,
  (r) => `redis.setresp(3) return ${randomValue(r, 3)}`,
  (r) => `return {tostring(${randomNumber(r)}),${randomNumber(r)},tostring(tonumber(${randomString(r)}))}`,
  (r) => `return cjson.encode(${plainValue(r, 4)})`,
  (r) => `return cjson.encode(cjson.decode(cjson.encode({${plainValue(r, 3)}})))`,
  (r) => `return cmsgpack.pack(${plainValue(r, 4)},${plainValue(r, 1)})`,
  (r) => `return {cmsgpack.unpack(cmsgpack.pack(${plainValue(r, 3)}))}`,
  (r) =>
    `local ok, e = pcall(cmsgpack.unpack, ${
      randomString(r)
    }) return {tostring(ok), type(e), tostring(e):sub(1, 6)}`,
  (r) => `error(${pick(r, [randomString(r), `{err=${randomString(r)}}`])})`,
  (r) => `return redis.${pick(r, ["error_reply", "status_reply", "sha1hex"])}(${randomScalar(r)})`,
  callScript,
  callScript,
  structScript,
  formatScript,
  bitScript,
];

/** One script. */
export function randomScript(random: Random): string {
  return pick(random, KINDS)(random);
}

/** Keys or arguments of any bytes. */
export function randomWords(random: Random): string[] {
  const char = () => String.fromCharCode(random.below(256));
  return times(random, 3, () => times(random, 8, char).join(""));
}
