/**
 * Scripts that call functions of Lua's library, and of those beside it, with sizes, depths, counts
 * and texts that no sensible script would use: each is answered, and values that functions keep in
 * variables still exist afterwards, which they would not if the interpreter had broken.
 */
import { ReplyFailure } from "../../src/protocol/reply_values.ts";
import { Random } from "../../src/util/random.ts";
import { startInProcess } from "../support/in_process.ts";

/** The findings of {@linkcode hostileScripts}. */
export interface ScriptReport {
  scripts: number;
  /** Number of scripts answered with an error. */
  refused: number;
  problems: string[];
}

const COUNTER = "#!lua name=counter\nlocal n = 0\n" +
  "redis.register_function('counter', function() n = n + 1 return n end)";

/**
 * Functions that take sizes, depths, counts or texts. `table.insert` is left out: at a position
 * 2^31 below the end it moves as many elements, here as in redis-server, and nothing in this test
 * would stop it.
 */
const FUNCTIONS = [
  ...[
    "byte",
    "char",
    "find",
    "format",
    "gmatch",
    "gsub",
    "len",
    "lower",
    "match",
    "rep",
    "reverse",
    "sub",
    "upper",
  ]
    .map((name) => `string.${name}`),
  ...["concat", "remove", "sort", "maxn", "getn"].map((name) => `table.${name}`),
  ...[
    "unpack",
    "select",
    "tonumber",
    "tostring",
    "loadstring",
    "rawset",
    "rawget",
    "next",
    "ipairs",
    "pairs",
  ],
  ...["cjson.encode", "cjson.decode", "cmsgpack.pack", "cmsgpack.unpack", "cmsgpack.unpack_one"],
  ...["cmsgpack.unpack_limit", "struct.pack", "struct.unpack", "struct.size"],
  ...["bit.lshift", "bit.tohex", "bit.band", "math.random", "math.ldexp", "math.fmod"],
];

const NUMBERS = [
  ...[
    "0",
    "1",
    "-1",
    "2",
    "31",
    "32",
    "64",
    "255",
    "256",
    "8000",
    "65536",
    "100000",
    "2.5",
    "1/0",
    "-1/0",
    "0/0",
  ],
  ...[
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "1e15",
    "1e300",
    "-1e300",
  ],
];
const TEXTS = [
  ...[
    "''",
    "'x'",
    "'%'",
    "'%d'",
    "'%99.99f'",
    "'%-100s'",
    "'%s%s%s'",
    "'%q'",
    "'%c'",
    "'%1'",
    "'%b()'",
    "'%f[%a]'",
  ],
  ...[
    "'['",
    "'[^'",
    "'(()'",
    "'.-.-.-x'",
    "'(.*)(.*)'",
    "'>i8'",
    "'i200'",
    "'s'",
    "'>!8bLc0'",
    "'c99999'",
    "'\\0\\255'",
  ],
  ...["'[1,2'", "'{\"a\":1}'", "'[1e999]'", "'\"\\\\u00'", "'\\220\\255'", "'\\221\\255\\255\\255\\255'"],
  ...["('x'):rep(100000)", "('['):rep(50000)", "('('):rep(40)", "('(a?)'):rep(33)", "('{'):rep(3000)"],
  ...[
    "('a?'):rep(5000)",
    "('%s'):rep(300)",
    "('\\145'):rep(3000)",
    "('[[1],'):rep(2000)",
    "('{\"a\":'):rep(2000)",
  ],
  ...[
    "'return ' .. ('('):rep(300) .. '1' .. (')'):rep(300)",
    "'return ' .. ('{'):rep(300) .. ('}'):rep(300)",
  ],
  ...["('do '):rep(300) .. ('end '):rep(300)", "('function f() '):rep(250) .. ('end '):rep(250)"],
  ...[
    "'local ' .. ('a,'):rep(250) .. 'a'",
    "'return ' .. ('-'):rep(3000) .. '1'",
    "'return ' .. ('a..'):rep(300) .. 'a'",
  ],
  ...["('if x then else'):rep(250)", "'return 0' .. ('x'):rep(2000)", "('a.'):rep(3000) .. 'a()'"],
];
const TABLES = [
  ...["{}", "{1,2,3}", "{1,nil,3}", "{'a','b'}", "{[1]=1,[1000000]=2}", "{[-2147483648]=1,[2147483647]=2}"],
  ...["{3,1,2,'x'}", "{{},{}}", "setmetatable({}, {__index = function() return 1 end})", "KEYS", "ARGV"],
  ...["(function() local t = {} for i = 1, 1200 do t = {t} end return t end)()"],
  ...["(function() local t = {} for i = 1, 9000 do t[i] = i % 7 end return t end)()"],
  ...["(function() local t = {} t[1] = t return t end)()"],
];
const OTHERS = [
  "nil",
  "true",
  "false",
  "print",
  "tostring",
  "function(a, b) return a end",
  "coroutine.create(tostring)",
];

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)]!;
}

function randomArgument(random: Random): string {
  const kind = random.below(10);
  return pick(random, kind < 4 ? NUMBERS : kind < 7 ? TEXTS : kind < 9 ? TABLES : OTHERS);
}

/** Calls one or two functions. */
export function hostileScript(random: Random): string {
  const call = () => {
    const args = Array.from({ length: random.below(5) }, () => randomArgument(random));
    return [pick(random, FUNCTIONS), ...args].join(", ");
  };
  const first = `local r = {pcall(${call()})} `;
  if (random.below(3) > 0) return `${first}return {#r, type(r[2])}`;
  return `${first}local s = {pcall(${pick(random, FUNCTIONS)}, r[2], ${
    randomArgument(random)
  })} return {#s, type(s[2])}`;
}

/** Runs `count` scripts generated from `seed`. */
export function hostileScripts(count: number, seed: number): ScriptReport {
  const report: ScriptReport = { scripts: 0, refused: 0, problems: [] };
  const random = new Random(seed);
  using server = startInProcess();
  const c = server.client();
  c.send("FUNCTION", "LOAD", COUNTER);
  for (let calls = 1; report.scripts < count && report.problems.length < 10; report.scripts++) {
    const script = hostileScript(random);
    const reply = c.send("EVAL", script, "1", "key", "arg");
    if (reply instanceof ReplyFailure) report.refused++;
    else if (!Array.isArray(reply)) report.problems.push(`${script}: ${Deno.inspect(reply)}`);
    const broken = server.log.find((line) => line.includes("broken its interpreter"));
    server.log.splice(0);
    if (broken !== undefined) report.problems.push(`${script}: ${broken}`);
    // Functions have an interpreter of their own, which must hold as well.
    if (report.scripts % 200 === 0) c.send("FUNCTION", "LOAD", "REPLACE", functionOf(script));
    if (report.scripts % 200 === 0) c.send("FCALL", "hostile", "0");
    if (report.scripts % 200 !== 0 || c.send("FCALL", "counter", "0") === calls++) continue;
    report.problems.push(`${script}: as a function, it has made others forget`);
  }
  return report;
}

function functionOf(script: string): string {
  return `#!lua name=hostile\nlocal KEYS, ARGV = {}, {}\nredis.register_function('hostile', function() ${script} end)`;
}
