/** Functions of Lua's library that can take long, in one call: others are answered meanwhile, and SCRIPT KILL ends them. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { EngineGuard } from "../../../src/engine/refusals.ts";
import { memoryLimit } from "../../../src/scripting/lua/lua_library.ts";
import { socketsAreAsked } from "../../../src/util/event_loop.ts";
import { type InProcessServer, PENDING, startInProcess } from "../../support/in_process.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";

/** A server on which a script has run for a second when it logs `tick`. */
function startTicking(): InProcessServer {
  const s = startInProcess({ config: { "busy-reply-threshold": "100" } });
  s.engine.log.debug = () => s.clock.advance(1000);
  return s;
}

async function ended(s: InProcessServer): Promise<void> {
  while ((s.engine.guards & EngineGuard.Busy) !== 0) await socketsAreAsked();
}

const TICK = "redis.log(redis.LOG_DEBUG, 'tick') ";
/** A text and a pattern that does not match it, as it turns out when the sun has burnt out. */
const ENDLESS = "local s, p = ('x'):rep(100), ('.-'):rep(50) .. 'y' ";

const endless = {
  find: "return s:find(p)",
  match: "return s:match(p)",
  gmatch: "return s:gmatch(p)()",
  gsub: "return s:gsub(p, '')",
  gfind: "return string.gfind(s, p)()",
  "gsub inside gsub": "return s:gsub('x', function() return s:gsub(p, '') end)",
  "find in a coroutine": "return coroutine.wrap(function() return s:find(p) end)()",
  "find in an endless pcall": "while true do pcall(string.find, s, p) end",
};

for (const [name, call] of Object.entries(endless)) {
  Deno.test(`a script in an endless match can be killed: ${name}`, async () => {
    using s = startTicking();
    const c = s.client(), other = s.client();
    assertEquals(c.send("EVAL", ENDLESS + TICK + call, "0"), PENDING);
    assertEquals(other.send("SCRIPT", "KILL"), "OK");
    await ended(s);
    const [reply] = c.received();
    assertStringIncludes((reply as ReplyFailure).message, "Script killed by user with SCRIPT KILL");
    assertEquals(c.send("EVAL", "return {('key=value'):match('(%w+)=(%w+)')}", "0"), ["key", "value"]);
  });
}

const long = {
  "a long match": ["return {('x'):rep(50):find(('.-'):rep(4) .. 'y')}", []],
  "a search for text": [
    "local a = ('a'):rep(1000) return {(a:rep(1000)):find(a .. 'b', 1, true)}",
    [],
  ],
  "a long gsub": [
    "return {#('ab'):rep(100000):gsub('a(b)', '%1%1'), select(2, ('a'):rep(9):gsub('a', ''))}",
    [200_000, 9],
  ],
  "table.insert far below": ["local t = {1} table.insert(t, -100000, 'x') return {t[-100000], t[2]}", [
    "x",
    1,
  ]],
  "table.sort of numbers": [
    "local t = {} for i = 1, 90000 do t[i] = i * 7919 % 90001 end " + TICK +
    "table.sort(t) for i = 2, #t do if t[i] < t[i - 1] then return 'unsorted' end end return {t[1], t[90000]}",
    [1, 90_000],
  ],
  "table.sort of strings": [
    "local t = {} for i = 1, 9000 do t[i] = ('x'):rep(500) .. i * 7919 % 9001 end " + TICK +
    "table.sort(t) for i = 2, #t do if t[i] < t[i - 1] then return 'unsorted' end end return {#t}",
    [9000],
  ],
} as const;

for (const [name, [script, result]] of Object.entries(long)) {
  Deno.test(`a script is suspended in the middle and comes to its right end: ${name}`, async () => {
    using s = startTicking();
    const c = s.client(), other = s.client();
    assertEquals(c.send("EVAL", TICK + script, "0"), PENDING);
    assertEquals((other.send("PING") as ReplyFailure).message.slice(0, 4), "BUSY");
    await ended(s);
    assertEquals(c.received(), [[...result]]);
  });
}

Deno.test("errors inside callbacks of gsub leave the functions around them as they were", () => {
  using s = startInProcess();
  const c = s.client();
  const script = "local n = 0 local out = ('abc'):gsub('%w', function(x) " +
    "pcall(string.gsub, x, '.', function() error('x') end) n = n + 1 return x:gsub('.', {[x] = x .. n}) end) return out";
  assertEquals(c.send("EVAL", script, "0"), "a1b2c3");
  const raised = c.send("EVAL", "return ('abc'):gsub('%w', function(x) error({err='MINE ' .. x}) end)", "0");
  assertStringIncludes((raised as ReplyFailure).message, "MINE a");
});

Deno.test("a pattern of very many items is answered, and one that is too deep is an error", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("EVAL", "return {('a'):rep(50000):find(('a?'):rep(50000))}", "0"), [1, 50_000]);
  const deep = c.send("EVAL", "return ('a'):rep(2000000):find(('a?'):rep(2000000))", "0");
  assertStringIncludes((deep as ReplyFailure).message, "pattern too complex");
  assertEquals(c.send("EVAL", "return 1", "0"), 1);
});

Deno.test("sizes that scripts give are refused before the interpreter's memory suffers", () => {
  using s = startInProcess();
  const c = s.client();
  const library =
    "#!lua name=cnt\nlocal n = 0\nredis.register_function('cnt', function() n = n + 1 return n end)\n" +
    "redis.register_function('brk', function() return {unpack({0, 2, 3}, 0, 2147483647)} end)";
  assertEquals(c.send("FUNCTION", "LOAD", library), "cnt");
  assertEquals([c.send("FCALL", "cnt", "0"), c.send("FCALL", "cnt", "0")], [1, 2]);
  const failed = c.send("FCALL", "brk", "0") as ReplyFailure;
  assertStringIncludes(failed.message, "too many results to unpack");
  assertEquals(c.send("FCALL", "cnt", "0"), 3);
  const text = "return select(2, pcall(unpack, {}, ARGV[1], ARGV[2]))";
  for (
    const [from, to] of [["0", "2147483647"], ["-2147483648", "2147483647"], ["1", "9000"], [
      "-1",
      "2147483646",
    ]]
  ) {
    assertEquals(c.send("EVAL", text, "0", from!, to!), "too many results to unpack");
  }
  assertEquals(c.send("EVAL", "return {unpack({1, 2, 3}, 2, 2147483650)}", "0"), []);
  assertEquals(c.send("EVAL", "return {unpack({1, 2, 3}, -1, 2)}", "0"), []);
  assertEquals(c.send("EVAL", "return {select('#', unpack({1, 2, 3}, 2147483646, 2147483647))}", "0"), [2]);
});

Deno.test("table.insert at a position that is no number, or beyond 32 bits, takes it as redis-server does", () => {
  using s = startInProcess();
  const c = s.client();
  const at = (position: string) =>
    c.send(
      "EVAL",
      `local t = {'a', 'b'} table.insert(t, ${position}, 'x') return {t[0] or '-', t[1], t[2], t[3]}`,
      "0",
    );
  for (const position of ["0/0", "1e300", "-1e300", "4294967296"]) assertEquals(at(position), ["x"]);
  assertEquals(at("4294967297"), ["-", "x", "a", "b"]);
  assertEquals(at("4294967300"), ["-", "a", "b"]);
});

Deno.test("string.rep takes the time of its result, and no more memory than there is", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("EVAL", "return #(''):rep(2147483647) + #('ab'):rep(3) + #('x'):rep(-5)", "0"), 6);
  assertEquals(c.send("EVAL", "return ('abc'):rep(4) .. ('x'):rep(1) .. ('y'):rep(0)", "0"), "abcabcabcabcx");
  const tooLarge = c.send("EVAL", `return #('x'):rep(${memoryLimit.bytes})`, "0") as ReplyFailure;
  assertStringIncludes(tooLarge.message, "not enough memory");
});
