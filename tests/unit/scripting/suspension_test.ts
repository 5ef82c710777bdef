/** Scripts that run long: the server answers others meanwhile, and the unit they are in stays whole. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EngineGuard } from "../../../src/engine/refusals.ts";
import { socketsAreAsked } from "../../../src/util/event_loop.ts";
import {
  type InProcessClient,
  type InProcessServer,
  PENDING,
  startInProcess,
} from "../../support/in_process.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";

const BUSY = new ReplyFailure(
  "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
);
const BUSY_FUNCTION = new ReplyFailure(
  "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
);

/** A server on which a script has run for a second each time it logs `tick`. */
function startTicking(): InProcessServer {
  const s = startInProcess({ config: { "busy-reply-threshold": "100" } });
  s.engine.log.debug = () => s.clock.advance(1000);
  return s;
}

/** Instructions for some looks at the clock, behind which a long script is suspended. */
const TICK = "redis.log(redis.LOG_DEBUG, 'tick') for i = 1, 250000 do end ";
const FOREVER = "redis.log(redis.LOG_DEBUG, 'tick') while true do end";

function isBusy(s: InProcessServer): boolean {
  return (s.engine.guards & EngineGuard.Busy) !== 0;
}

/** Lets suspended scripts come to their end. */
async function ended(s: InProcessServer): Promise<void> {
  while (isBusy(s)) await socketsAreAsked();
}

function transaction(c: InProcessClient, ...commands: string[][]): void {
  c.send("MULTI");
  for (const words of commands) assertEquals(c.send(...words), "QUEUED");
}

Deno.test("a script over busy-reply-threshold is suspended: others get BUSY, its client the result at last", async () => {
  using s = startTicking();
  const c = s.client(), other = s.client();
  assertEquals(c.send("EVAL", TICK + "return redis.call('INCR', KEYS[1])", "1", "n"), PENDING);
  assertEquals(other.send("GET", "n"), BUSY);
  assertEquals(s.propagated(), []);
  await ended(s);
  assertEquals(c.received(), [1]);
  assertEquals(other.send("GET", "n"), "1");
  assertEquals(s.propagated(), ["INCR n"]);
  assertStringIncludes(s.log.join("\n"), "Slow script detected: still in execution after");
});

Deno.test("a suspended script is suspended wherever it is: pcall, gsub, sort, metamethods, coroutines", async () => {
  using s = startTicking();
  const c = s.client();
  const places = [
    `return {pcall(function() ${TICK} return 'x' end)}`,
    `return (string.gsub('a', 'a', function() ${TICK} return 'x' end))`,
    `local t = {2, 1} table.sort(t, function(a, b) ${TICK} return a < b end) return t[1]`,
    `return setmetatable({}, {__index = function() ${TICK} return 'x' end}).field`,
    `return coroutine.wrap(function() ${TICK} coroutine.yield('x') end)()`,
    `return loadstring([[ ${TICK} return 'x' ]])()`,
  ];
  for (const place of places) {
    assertEquals(c.send("EVAL", place, "0"), PENDING, place);
    await ended(s);
    const [reply] = c.received();
    assert(["x", 1].includes(reply as string) || Array.isArray(reply), `${place}: ${Deno.inspect(reply)}`);
  }
});

Deno.test("SCRIPT KILL ends a script that has written nothing, pcall or not, and not one that has", async () => {
  using s = startTicking();
  const c = s.client(), other = s.client();
  for (const script of [FOREVER, `while true do pcall(function() ${FOREVER} end) end`]) {
    assertEquals(c.send("EVAL", script, "0"), PENDING);
    assertEquals(other.send("FUNCTION", "KILL"), BUSY);
    assertEquals(other.send("SCRIPT", "KILL"), "OK");
    await ended(s);
    const [reply] = c.received();
    assert(reply instanceof ReplyFailure);
    assertStringIncludes(reply.message, "ERR Script killed by user with SCRIPT KILL... script: ");
  }
  assertEquals(c.send("EVAL", "redis.call('SET', 'k', 'v') " + TICK + "return 1", "0"), PENDING);
  const refused = other.send("SCRIPT", "KILL");
  assert(refused instanceof ReplyFailure);
  assertStringIncludes(refused.message, "UNKILLABLE ");
  await ended(s);
  assertEquals(c.received(), [1]);
});

Deno.test("FUNCTION KILL and FUNCTION STATS while a function runs; SCRIPT KILL does not end it", async () => {
  using s = startTicking();
  const c = s.client(), other = s.client();
  c.send("FUNCTION", "LOAD", `#!lua name=lib\nredis.register_function('spin', function() ${FOREVER} end)`);
  assertEquals(c.send("FCALL", "spin", "0", "word"), PENDING);
  assertEquals(other.send("PING"), BUSY_FUNCTION);
  assertEquals(other.send("SCRIPT", "KILL"), BUSY_FUNCTION);
  const stats = other.send("FUNCTION", "STATS");
  assert(Array.isArray(stats));
  assertEquals(stats[1], ["name", "spin", "command", ["FCALL", "spin", "0", "word"], "duration_ms", 1000]);
  assertEquals(other.send("FUNCTION", "KILL"), "OK");
  await ended(s);
  assert(c.received()[0] instanceof ReplyFailure);
  assertEquals((other.send("FUNCTION", "STATS") as unknown[])[1], null);
});

Deno.test("a script inside EXEC is suspended, and the rest of the transaction follows it in the same unit", async () => {
  using s = startTicking();
  const c = s.client(), other = s.client();
  transaction(
    c,
    ["RPUSH", "l", "a"],
    ["EVAL", TICK + "return redis.call('RPUSH', 'l', 'b')", "0"],
    ["LLEN", "l"],
    ["EVAL", TICK + "return 'second'", "0"],
    ["RPUSH", "l", "c"],
  );
  let bytes = c.raw(new TextEncoder().encode("*1\r\n$4\r\nEXEC\r\n"));
  assertEquals(isBusy(s), true);
  assertEquals(other.send("LLEN", "l"), BUSY);
  await ended(s);
  bytes += c.takeBytes();
  assertEquals(bytes, "*5\r\n:1\r\n:2\r\n:2\r\n$6\r\nsecond\r\n:3\r\n");
  assertEquals(s.propagated(), ["MULTI", "RPUSH l a", "RPUSH l b", "RPUSH l c", "EXEC"]);
  assertStringIncludes(String(other.send("INFO", "commandstats")), "cmdstat_exec:calls=1,");
  assertEquals(c.send("BLPOP", "none", "0"), PENDING);
});

Deno.test("SCRIPT KILL inside EXEC ends the script alone", async () => {
  using s = startTicking();
  const c = s.client(), other = s.client();
  transaction(c, ["EVAL", FOREVER, "0"], ["INCR", "n"]);
  const bytes = c.raw(new TextEncoder().encode("*1\r\n$4\r\nEXEC\r\n"));
  assertEquals(other.send("SCRIPT", "KILL"), "OK");
  await ended(s);
  const rest = c.takeBytes();
  assertEquals((bytes + rest).startsWith("*2\r\n-ERR Script killed by user"), true, bytes + rest);
  assertEquals(rest.endsWith(":1\r\n"), true);
});

Deno.test("a client that goes while its EXEC is suspended leaves a whole transaction", async () => {
  using s = startTicking();
  const c = s.client(), other = s.client();
  transaction(c, ["SET", "k", "1"], ["EVAL", TICK, "0"], ["EVAL", TICK, "0"], ["INCR", "k"]);
  c.raw(new TextEncoder().encode("*1\r\n$4\r\nEXEC\r\n"));
  c.close(false);
  await ended(s);
  assertEquals(other.send("GET", "k"), "2");
  assertEquals(s.engine.waiting.all.size, 0);
  assertEquals(s.propagated(), ["MULTI", "SET k 1", "INCR k", "EXEC"]);
});

Deno.test("CLIENT REPLY OFF and SKIP hold for what a suspended script replies", async () => {
  using s = startTicking();
  const c = s.client();
  c.send("CLIENT", "REPLY", "OFF");
  c.send("EVAL", TICK + "return 'unheard'", "0");
  await ended(s);
  transaction(s.client());
  c.send("MULTI");
  c.send("EVAL", TICK + "return 'unheard'", "0");
  c.send("EXEC");
  await ended(s);
  assertEquals(c.send("CLIENT", "REPLY", "ON"), "OK");
  assertEquals(c.send("PING"), "PONG");
});

Deno.test("those who wait for a key that a suspended script has written are served when it ends", async () => {
  using s = startTicking();
  const c = s.client(), waiting = s.client();
  assertEquals(waiting.send("BLPOP", "q", "0"), PENDING);
  assertEquals(c.send("EVAL", "redis.call('RPUSH', 'q', 'a') " + TICK, "0"), PENDING);
  assertEquals(waiting.received(), []);
  await ended(s);
  assertEquals(waiting.received(), [["q", "a"]]);
  assertEquals(s.propagated(), ["RPUSH q a", "LPOP q"]);
});

Deno.test("messages to the client of a suspended EXEC come behind its reply", async () => {
  using s = startTicking();
  const c = s.client(), other = s.client();
  c.send("HELLO", "3");
  c.send("SUBSCRIBE", "news");
  c.received();
  transaction(c, ["EVAL", "redis.call('PUBLISH', 'news', 'x') " + TICK + "return 1", "0"], ["PING"]);
  let bytes = c.raw(new TextEncoder().encode("*1\r\n$4\r\nEXEC\r\n"));
  other.send("SCRIPT", "KILL");
  await ended(s);
  bytes += c.takeBytes();
  const push = bytes.indexOf(">3\r\n");
  assertEquals(push > bytes.indexOf("+PONG"), true, bytes);
});

Deno.test("with busy-reply-threshold 0 a script is never suspended", () => {
  using s = startInProcess({ config: { "lua-time-limit": "0" } });
  s.engine.log.debug = () => s.clock.advance(1000);
  assertEquals(s.client().send("EVAL", TICK + "return 1", "0"), 1);
});
