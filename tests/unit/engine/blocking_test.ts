import { assertEquals } from "@std/assert";
import { bytesOf } from "../../../src/util/bytes.ts";
import { PENDING, startInProcess } from "../../support/in_process.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";

Deno.test("LPUSH and LLEN in one write answer 1 and 0 while somebody waits", () => {
  using s = startInProcess();
  const waiter = s.client();
  assertEquals(waiter.send("BLPOP", "q", "0"), PENDING);
  assertEquals(s.client().raw(bytesOf("LPUSH q x\r\nLLEN q\r\n")), ":1\r\n:0\r\n");
  assertEquals(waiter.received(), [["q", "x"]]);
});

Deno.test("inside a transaction nobody is served before its end", () => {
  using s = startInProcess();
  const [waiter, other] = [s.client(), s.client()];
  waiter.send("BLPOP", "q", "0");
  for (const line of ["MULTI", "RPUSH q a b", "LLEN q"]) other.send(...line.split(" "));
  assertEquals(other.send("EXEC"), [2, 2]);
  assertEquals([waiter.received(), other.send("LLEN", "q")], [[["q", "a"]], 1]);
});

Deno.test("those who have waited longest are served first, across keys in the order these became ready", () => {
  using s = startInProcess();
  const [a, b, c, other] = [s.client(), s.client(), s.client(), s.client()];
  a.send("BLPOP", "p", "q", "0");
  b.send("BLPOP", "q", "0");
  c.send("BLPOP", "q", "p", "0");
  other.send("RPUSH", "q", "1", "2");
  assertEquals([a.received(), b.received(), c.received()], [[["q", "1"]], [["q", "2"]], []]);
  other.send("RPUSH", "p", "3");
  assertEquals(c.received(), [["p", "3"]]);
  assertEquals([s.engine.waiting.all.size, s.engine.waiting.keyCount], [0, 0]);
});

Deno.test("who is served may serve the next: a chain of BLMOVE", () => {
  using s = startInProcess();
  const [a, b, c, other] = [s.client(), s.client(), s.client(), s.client()];
  c.send("BLPOP", "r", "0");
  b.send("BLMOVE", "q", "r", "LEFT", "LEFT", "0");
  a.send("BLMOVE", "p", "q", "LEFT", "LEFT", "0");
  other.send("RPUSH", "p", "x");
  assertEquals([a.received(), b.received(), c.received()], [["x"], ["x"], [["r", "x"]]]);
  assertEquals(other.send("EXISTS", "p", "q", "r"), 0);
});

Deno.test("a client that cannot be served stays in its place with its deadline", () => {
  using s = startInProcess();
  const [first, second, other] = [s.client(), s.client(), s.client()];
  first.send("BLPOP", "q", "1");
  second.send("BLPOP", "q", "0");
  other.send("SET", "q", "a string");
  s.advance(500);
  other.send("DEL", "q");
  other.raw(bytesOf("MULTI\r\nRPUSH q x\r\nDEL q\r\nEXEC\r\n"));
  assertEquals([first.received(), second.received()], [[], []]);
  s.advance(499);
  assertEquals(first.received(), []);
  s.advance(1);
  assertEquals([first.received(), second.received()], [[null], []]);
  other.send("RPUSH", "q", "y");
  assertEquals(second.received(), [["q", "y"]]);
});

Deno.test("deadlines come in their order, also those set later for earlier", () => {
  using s = startInProcess();
  const [a, b, c] = [s.client(), s.client(), s.client()];
  a.send("BLPOP", "q", "3");
  b.send("BLPOP", "q", "1");
  c.send("BLPOP", "q", "2");
  assertEquals(s.engine.waiting.nextDeadlineMs - s.engine.nowMs, 1000);
  s.advance(1000);
  assertEquals([a.received(), b.received(), c.received()], [[], [null], []]);
  assertEquals(s.engine.waiting.nextDeadlineMs - s.engine.nowMs, 1000);
  s.advance(5000);
  assertEquals([a.received(), c.received()], [[null], [null]]);
  assertEquals(s.engine.waiting.nextDeadlineMs, Infinity);
});

Deno.test("what makes a list in any way serves who waits for it", () => {
  const ways: [line: string, reply: unknown][] = [
    ["RENAME other q", "OK"],
    ["COPY other q", 1],
    ["LMOVE other q LEFT LEFT", "a"],
    ["SORT other STORE q ALPHA", 1],
    ["SWAPDB 0 1", "OK"],
  ];
  for (const [line, reply] of ways) {
    using s = startInProcess();
    const [waiter, other] = [s.client(), s.client()];
    waiter.send("BLPOP", "q", "0");
    if (line.startsWith("SWAPDB")) other.send("SELECT", "1");
    other.send("RPUSH", line.startsWith("SWAPDB") ? "q" : "other", "a");
    other.send("SELECT", "0");
    assertEquals(other.send(...line.split(" ")), reply, line);
    assertEquals(waiter.received(), [["q", "a"]], line);
  }
});

Deno.test("MOVE serves who waits in the other database", () => {
  using s = startInProcess();
  const [waiter, other] = [s.client(), s.client()];
  waiter.send("SELECT", "5");
  waiter.send("BLPOP", "q", "0");
  other.send("RPUSH", "q", "a");
  assertEquals(waiter.received(), []);
  other.send("MOVE", "q", "5");
  assertEquals(waiter.received(), [["q", "a"]]);
});

Deno.test("CLIENT UNBLOCK ends a wait as its time would, or with an error", () => {
  using s = startInProcess();
  const [waiter, other] = [s.client(), s.client()], id = String(waiter.client.id);
  assertEquals(other.send("CLIENT", "UNBLOCK", id), 0);
  waiter.send("BLPOP", "q", "0");
  assertEquals([other.send("CLIENT", "UNBLOCK", id), waiter.received()], [1, [null]]);
  waiter.send("BLMOVE", "q", "r", "LEFT", "LEFT", "0");
  assertEquals(other.send("CLIENT", "UNBLOCK", id, "ERROR"), 1);
  const failure = new ReplyFailure("UNBLOCKED client unblocked via CLIENT UNBLOCK");
  assertEquals(waiter.received(), [failure]);
  assertEquals(other.send("CLIENT", "UNBLOCK", "99999"), 0);
  assertEquals(waiter.send("PING"), "PONG");
});

Deno.test("a client that is closed while it waits is passed over", () => {
  using s = startInProcess();
  const [first, second, other] = [s.client(), s.client(), s.client()];
  first.send("BLPOP", "q", "0");
  second.send("BLPOP", "q", "0");
  other.send("CLIENT", "KILL", "ID", String(first.client.id));
  other.send("RPUSH", "q", "a");
  assertEquals([second.received(), first.closed], [[["q", "a"]], true]);
});

Deno.test("one who waits for the same key twice is served once", () => {
  using s = startInProcess();
  const [waiter, other] = [s.client(), s.client()];
  waiter.send("BLPOP", "q", "q", "0");
  other.send("RPUSH", "q", "a", "b");
  assertEquals([waiter.received(), other.send("LLEN", "q")], [[["q", "a"]], 1]);
  assertEquals(s.engine.waiting.keyCount, 0);
});

Deno.test("a blocking command inside EXEC answers at once", () => {
  using s = startInProcess();
  const client = s.client();
  client.send("MULTI");
  client.send("BLPOP", "q", "0");
  assertEquals(client.send("EXEC"), [null]);
  assertEquals(client.send("BLPOP", "q", "0"), PENDING, "and waits again outside");
});

Deno.test("commands behind a blocking one run when it has ended, before anybody else's", () => {
  using s = startInProcess();
  const [waiter, other] = [s.client(), s.client()];
  assertEquals(waiter.raw(bytesOf("BLPOP q 0\r\nLPUSH q again\r\nLLEN q\r\n")), "");
  other.send("RPUSH", "q", "x");
  assertEquals(waiter.received(), [["q", "x"], 1, 1]);
});
