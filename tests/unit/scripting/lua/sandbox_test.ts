/** What a script cannot do: reach the process, change what others see, take the server with it. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { memoryLimit } from "../../../../src/scripting/lua/lua_library.ts";
import { encodeCommand, type InProcessClient, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** The error with which a command is answered. */
function failureOf(c: InProcessClient, ...words: string[]): string {
  const reply = c.send(...words);
  assert(reply instanceof ReplyFailure, `${words.join(" ").slice(0, 80)}: ${Deno.inspect(reply)}`);
  return reply.message;
}

/** Names of everything that can be reached from the globals, with the type of what is neither table nor function. */
const REACHABLE = `
local names, seen = {}, {}
local function visit(value, path, depth)
  local kind = type(value)
  if kind ~= 'table' then
    names[#names + 1] = kind == 'function' and path or path .. ': ' .. kind
    return
  end
  if seen[value] or depth > 3 then return end
  seen[value] = true
  for key, inner in pairs(value) do visit(inner, path .. (path == '' and '' or '.') .. tostring(key), depth + 1) end
end
visit(_G, '', 0)
table.sort(names)
return names`;

Deno.test("a script reaches the functions of Lua and Redis, and no others", () => {
  using s = startInProcess();
  const names = s.client().send("EVAL", REACHABLE, "0");
  const expected = Deno.readTextFileSync(new URL("reachable.txt", import.meta.url)).trim().split("\n");
  assertEquals(names, expected);
});

Deno.test("compiled code is source that cannot be read, for EVAL, SCRIPT LOAD, FUNCTION LOAD and loadstring", () => {
  using s = startInProcess();
  const c = s.client();
  const dumped = String(c.send("EVAL", "return string.dump(function() return 'compiled' end)", "0"));
  assertEquals(dumped[0], "\x1b");
  for (const command of [["EVAL", dumped, "0"], ["SCRIPT", "LOAD", dumped]]) {
    assertStringIncludes(failureOf(c, ...command), "unexpected symbol near 'char(27)'");
  }
  assertStringIncludes(failureOf(c, "FUNCTION", "LOAD", dumped), "Missing library metadata");
  const refused = c.send("EVAL", "return {loadstring(ARGV[1])}", "0", dumped);
  assertEquals(refused, []);
  const piecemeal =
    "local i = 0 local f, e = load(function() i = i + 1 return ARGV[1]:sub(i, i) end) return e";
  assertStringIncludes(String(c.send("EVAL", piecemeal, "0", dumped)), "unexpected symbol near 'char(27)'");
});

/** Interpreters have so little memory until the end of the test. */
function lessMemory(bytes: number): Disposable {
  const usual = memoryLimit.bytes;
  memoryLimit.bytes = bytes;
  return { [Symbol.dispose]: () => memoryLimit.bytes = usual };
}

/** Scripts that want more than there is, and what they are told. */
const greedy: readonly (readonly [script: string, answer: RegExp])[] = [
  ["return string.rep('x', 2000000000)", /not enough memory/],
  ["local s = string.rep('x', 1e6) local t = {} for i = 1, 100 do t[i] = s .. i end", /not enough memory/],
  ["local t = {} for i = 1, 1e9 do t[i] = {i} end", /not enough memory/],
  [
    "local s = string.rep('x', 1e6) return cmsgpack.pack(unpack({s, s, s, s, s, s, s, s, s, s, s, s}))",
    /not enough memory/,
  ],
  ["local function f() return 1 + f() end return f()", /stack overflow/],
  ["local function f() error(f()) end return f()", /stack overflow/],
  ["local f f = function() return string.gsub('a', 'a', f) end return f()", /C stack overflow/],
  ["local f f = function() return (select(2, pcall(f))) end return {err=tostring(f())}", /stack overflow/],
  [
    "local t t = setmetatable({}, {__index = function(_, k) return t[k + 1] end}) return t[1]",
    /C stack overflow/,
  ],
  ["local c c = function() return coroutine.wrap(c)() end return c()", /C stack overflow/],
  [
    "local t = {3, 2, 1} local f f = function(a, b) table.sort(t, f) return a < b end table.sort(t, f)",
    /stack overflow/,
  ],
  ["return unpack({}, 1, 10000000)", /too many results to unpack/],
  ["local t = {} for i = 1, 3000 do t = {t} end return cjson.encode(t)", /excessive nesting/],
  ["return cjson.decode(string.rep('[', 100000))", /too many nested/],
  ["return cmsgpack.unpack(string.rep('\\145', 100000))", /stack overflow|Missing bytes/],
  ["return loadstring('return ' .. string.rep('(', 10000) .. '1')()", /attempt to call a nil value/],
  ["return string.find('x', string.rep('(', 100))", /too many captures/],
];

Deno.test("too much memory and too deep a recursion end a script with an error, and the server lives on", () => {
  using _less = lessMemory(12 << 20);
  using s = startInProcess();
  const c = s.client(), hash = String(c.send("SCRIPT", "LOAD", "return 'still there'"));
  c.send("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('here', function() return 'here' end)");
  for (const [script, answer] of greedy) {
    assertMatch(failureOf(c, "EVAL", script, "0"), answer);
    assertEquals(c.send("EVALSHA", hash, "0"), "still there", script);
    assertEquals(c.send("FCALL", "here", "0"), "here");
  }
  const circular = c.raw(encodeCommand("EVAL", "local t = {} t[1] = t return t", "0"));
  assertMatch(circular, /^(?:\*1\r\n)+-ERR reached lua stack limit\r\n$/);
});

Deno.test("globals, libraries and metatables cannot be changed, whatever way a script tries", () => {
  using s = startInProcess();
  const c = s.client();
  const attempts = [
    "x = 1",
    "_G.x = 1",
    "_G['redis'] = nil",
    "redis.call = nil",
    "string.upper = nil",
    "getmetatable('').__index = nil",
    "getmetatable(_G).__newindex = nil",
    "rawset(_G, 'x', 1)",
    "rawset(string, 'upper', nil)",
    "setmetatable(_G, {})",
    "setmetatable(math, {})",
    "setmetatable(redis, nil)",
    "local f = loadstring('x = 1') f()",
    "coroutine.wrap(function() x = 1 end)()",
    "pcall = nil",
  ];
  for (const script of attempts) {
    assertMatch(failureOf(c, "EVAL", script, "0"), /Attempt to modify a readonly table|nil value/);
  }
  const untouched = "return {type(x), type(redis.call), ('a'):upper(), type(pcall)}";
  const found = c.send("EVAL", untouched.replace("type(x)", "tostring(rawget(_G, 'x'))"), "0");
  assertEquals(found, ["nil", "function", "A", "function"]);
});

Deno.test("what table.insert and its kin leave in a shared table is gone with the script", () => {
  using s = startInProcess();
  const c = s.client();
  for (const name of ["redis", "string", "cjson", "_G"]) {
    c.send("EVAL", `table.insert(${name}, 'left') return 1`, "0");
    assertEquals(c.send("EVAL", `return tostring(rawget(${name}, 1))`, "0"), "nil");
  }
});

Deno.test("a library is loaded with little more than redis.register_function, and for half a second at most", () => {
  using s = startInProcess();
  const c = s.client();
  const refused = (code: string) => failureOf(c, "FUNCTION", "LOAD", `#!lua name=lib\n${code}`);
  for (const name of ["KEYS", "string", "pcall", "redis.call", "redis.sha1hex", "cjson", "tostring"]) {
    assertStringIncludes(
      refused(`local x = ${name}`),
      "Script attempted to access nonexistent global variable",
    );
  }
  assertStringIncludes(refused("redis.register_function = nil"), "Attempt to modify a readonly table");
  s.engine.log.debug = () => s.clock.advance(501);
  assertStringIncludes(refused("redis.log(redis.LOG_DEBUG, 'x') while true do end"), "FUNCTION LOAD timeout");
  const library = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
  assertEquals(c.send("FUNCTION", "LOAD", library), "lib");
});

Deno.test("KEYS and ARGV are the call's own, and a script may write into them", () => {
  using s = startInProcess();
  const c = s.client(), script = "KEYS[#KEYS + 1] = 'more' ARGV.x = 'y' return {KEYS, ARGV, ARGV.x}";
  for (let i = 0; i < 2; i++) {
    assertEquals(c.send("EVAL", script, "1", "k", "a"), [["k", "more"], ["a"], "y"]);
  }
});
