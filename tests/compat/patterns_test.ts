/**
 * Random patterns on random texts, through `string.find`, `match`, `gmatch` and `gsub`, in Redeno
 * and in redis-server: the results must be the same, errors included. PATTERNS_SEED and
 * PATTERNS_COUNT in the environment set the seed and the number.
 */
import { assertEquals } from "@std/assert";
import { Random } from "../../src/util/random.ts";
import { redisServer, startRedeno, startRedis } from "../support/oracle.ts";

const seed = Number(Deno.env.get("PATTERNS_SEED") ?? 20261129);
const count = Number(Deno.env.get("PATTERNS_COUNT") ?? 4000);

/** Calls the function named by the first argument and returns all its results. */
const SCRIPT = `
local name, text, pattern, extra = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local told = {}
local function tell(...)
  for i = 1, select('#', ...) do told[#told + 1] = tostring((select(i, ...))) end
  told[#told + 1] = ';'
  return #told < 200 and (...)
end
local replacements = {
  text = extra,
  fn = function(a, b) told[#told + 1] = tostring(a) .. tostring(b) if a == 'b' then return nil end return extra end,
  map = setmetatable({ a = 'A', b = false, ab = 7 }, { __index = function(t, k) return tostring(k) .. extra end }),
  plain = { a = 'A', b = false, [''] = 'e' },
}
local function run()
  if name == 'find' then tell(string.find(text, pattern, tonumber(extra)))
  elseif name == 'plain' then tell(string.find(text, pattern, tonumber(extra), true))
  elseif name == 'match' then tell(string.match(text, pattern, tonumber(extra)))
  elseif name == 'gmatch' then for a, b, c in string.gmatch(text, pattern) do if not tell(a, b, c) then break end end
  else tell(string.gsub(text, pattern, replacements[name], tonumber(ARGV[5]))) end
end
local ok, problem = pcall(run)
if not ok then tell('error', problem) end
return told
`;

const NAMES = ["find", "plain", "match", "gmatch", "text", "fn", "map", "plain"];
const LETTERS = [
  "a",
  "b",
  "ab",
  "A",
  "1",
  " ",
  "-",
  "%",
  "(",
  ")",
  ".",
  "[",
  "]",
  "^",
  "$",
  "\0",
  "\xe9",
  "_",
];

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)]!;
}

/** Text made of the letters in the patterns. */
function randomText(random: Random): string {
  const letters = random.below(3) === 0 ? LETTERS : LETTERS.slice(0, 6);
  return Array.from({ length: random.below(14) }, () => pick(random, letters)).join("");
}

const SINGLES = [
  "a",
  "b",
  ".",
  "%a",
  "%d",
  "%s",
  "%w",
  "%W",
  "%x",
  "%p",
  "%c",
  "%l",
  "%u",
  "%z",
  "%Z",
  "%%",
  "%.",
];
const SETS = [
  "[ab]",
  "[^a]",
  "[a-c]",
  "[%a_]",
  "[]a]",
  "[^%s]",
  "[a-]",
  "[%a-z]",
  "[",
  "[a",
  "[^",
  "[%",
  "[]",
];
const OTHERS = [
  "(",
  ")",
  "()",
  "(a",
  "%1",
  "%2",
  "%0",
  "%b()",
  "%bab",
  "%ba",
  "%f[%a]",
  "%f[ab]",
  "%f",
  "^",
  "$",
  "%",
];
const AMOUNTS = ["", "", "", "*", "+", "-", "?"];

function randomPattern(random: Random): string {
  let pattern = random.below(5) === 0 ? "^" : "", amounts = 0;
  for (let items = random.below(6); items >= 0; items--) {
    const item = random.below(4);
    if (item === 3) pattern += pick(random, OTHERS);
    else {
      const amount = amounts < 3 ? pick(random, AMOUNTS) : "";
      if (amount !== "") amounts++;
      const single = pick(random, random.below(3) === 0 ? SETS : SINGLES);
      pattern += random.below(4) === 0 ? `(${single}${amount})` : single + amount;
    }
  }
  return pattern + (random.below(5) === 0 ? "$" : "");
}

Deno.test({
  name: "random patterns match in Redeno what they match in redis-server",
  ignore: redisServer === undefined,
  fn: async () => {
    const random = new Random(seed);
    const commands = Array.from({ length: count }, () => {
      const name = pick(random, NAMES), isText = name === "text" || name === "fn" || name === "map";
      const numbers = ["", "1", "0", "-1", "3", "-100", "100", "1e300", "-1e300", "2.7"];
      const extra = isText ? pick(random, ["x", "%0", "<%1>", "%2%%", "%", "", "7"]) : pick(random, numbers);
      return [
        "EVAL",
        SCRIPT,
        "0",
        name,
        randomText(random),
        randomPattern(random),
        extra,
        pick(random, numbers),
      ];
    });
    await using redeno = await startRedeno();
    await using redis = await startRedis();
    using ours = await redeno.connect();
    using theirs = await redis.connect();
    const [ourReplies, theirReplies] = await Promise.all([
      ours.pipeline(commands),
      theirs.pipeline(commands),
    ]);
    const different = commands.flatMap((command, i) =>
      ourReplies[i] === theirReplies[i]
        ? []
        : [{ call: command.slice(3), ours: ourReplies[i], theirs: theirReplies[i] }]
    );
    assertEquals(different.slice(0, 5), [], `seed ${seed}, ${different.length} differ`);
  },
});
