import { assertEquals } from "@std/assert";
import { type InProcessServer, PENDING, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

function withGroup(): InProcessServer {
  const s = startInProcess();
  s.client().send("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM");
  s.propagated();
  return s;
}

Deno.test("XREAD replies pairs in RESP2 and a map in RESP3", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("XADD", "a", "1", "f", "v");
  c.send("XADD", "b", "1", "f", "v");
  c.send("XADD", "b", "2", "f", "w");
  const a = [["1-0", ["f", "v"]]], b = [["2-0", ["f", "w"]]];
  assertEquals(c.send("XREAD", "STREAMS", "a", "none", "b", "0", "0", "1"), [["a", a], ["b", b]]);
  assertEquals(c.send("XREAD", "STREAMS", "a", "1"), null);
  c.client.reply.resp = 3;
  assertEquals(c.send("XREAD", "COUNT", "1", "STREAMS", "a", "b", "0", "1"), new Map([["a", a], ["b", b]]));
});

Deno.test("XREAD + reads the last entry that is there", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("XREAD", "STREAMS", "s", "+"), null);
  for (const id of ["1", "2", "3"]) c.send("XADD", "s", id, "f", id);
  assertEquals(c.send("XREAD", "STREAMS", "s", "+"), [["s", [["3-0", ["f", "3"]]]]]);
  c.send("XDEL", "s", "3");
  assertEquals(c.send("XREAD", "STREAMS", "s", "+"), [["s", [["2-0", ["f", "2"]]]]]);
});

Deno.test("XREAD BLOCK with $ is served with what comes after it began to wait", () => {
  using s = startInProcess();
  const c = s.client(), waiting = s.client(), later = s.client();
  c.send("XADD", "s", "1", "f", "old");
  assertEquals(waiting.send("XREAD", "BLOCK", "0", "STREAMS", "none", "s", "$", "$"), PENDING);
  assertEquals(later.send("XREAD", "BLOCK", "0", "STREAMS", "s", "1"), PENDING);
  c.send("XGROUP", "CREATE", "s", "g", "0");
  c.send("XDEL", "s", "1");
  assertEquals(waiting.received(), []);
  c.send("XADD", "s", "2", "f", "new");
  const reply = [["s", [["2-0", ["f", "new"]]]]];
  assertEquals([waiting.received(), later.received()], [[reply], [reply]]);
  c.send("XADD", "s", "3", "f", "newer");
  assertEquals(waiting.received(), []);
});

Deno.test("XREAD BLOCK gives up in time and waits on through a key of another type", () => {
  using s = startInProcess();
  const c = s.client(), waiting = s.client();
  assertEquals(waiting.send("XREAD", "BLOCK", "100", "STREAMS", "s", "$"), PENDING);
  c.send("SET", "s", "text");
  s.advance(99);
  assertEquals(waiting.received(), []);
  s.advance(1);
  assertEquals(waiting.received(), [null]);
});

Deno.test("XREADGROUP delivers new entries once, shows each consumer its history, and propagates claims", () => {
  using s = withGroup();
  const c = s.client(), now = s.clock.nowMs();
  for (const id of ["1", "2", "3"]) c.send("XADD", "s", id, "f", id);
  const read = (consumer: string, id: string, ...options: string[]) =>
    c.send("XREADGROUP", "GROUP", "g", consumer, ...options, "STREAMS", "s", id);
  s.propagated();
  assertEquals(read("alice", ">", "COUNT", "1"), [["s", [["1-0", ["f", "1"]]]]]);
  assertEquals(read("bob", ">"), [["s", [["2-0", ["f", "2"]], ["3-0", ["f", "3"]]]]]);
  assertEquals(read("bob", ">"), null);
  assertEquals(s.propagated(), [
    "MULTI",
    `XCLAIM s g alice 0 1-0 TIME ${now} RETRYCOUNT 1 FORCE JUSTID LASTID 1-0`,
    "XGROUP SETID s g 1-0 ENTRIESREAD 1",
    "EXEC",
    "MULTI",
    `XCLAIM s g bob 0 2-0 TIME ${now} RETRYCOUNT 1 FORCE JUSTID LASTID 2-0`,
    `XCLAIM s g bob 0 3-0 TIME ${now} RETRYCOUNT 1 FORCE JUSTID LASTID 3-0`,
    "XGROUP SETID s g 3-0 ENTRIESREAD 3",
    "EXEC",
  ]);
  c.send("XDEL", "s", "2");
  assertEquals(read("bob", "0"), [["s", [["2-0", null], ["3-0", ["f", "3"]]]]]);
  assertEquals(read("alice", "1"), [["s", []]]);
  assertEquals(c.send("XPENDING", "s", "g", "-", "+", "10", "bob"), [["2-0", "bob", 0, 1], [
    "3-0",
    "bob",
    0,
    2,
  ]]);
});

Deno.test("XREADGROUP NOACK leaves nothing pending and propagates the consumer and the group's id", () => {
  using s = withGroup();
  const c = s.client();
  c.send("XADD", "s", "1", "f", "v");
  s.propagated();
  c.send("XREADGROUP", "GROUP", "g", "alice", "NOACK", "STREAMS", "s", ">");
  assertEquals(s.propagated(), [
    "MULTI",
    "XGROUP CREATECONSUMER s g alice",
    "XGROUP SETID s g 1-0 ENTRIESREAD 1",
    "EXEC",
  ]);
  assertEquals(c.send("XPENDING", "s", "g"), [0, null, null, null]);
});

Deno.test("XREADGROUP BLOCK serves the client that has waited longest", () => {
  using s = withGroup();
  const c = s.client(), first = s.client(), second = s.client();
  assertEquals(first.send("XREADGROUP", "GROUP", "g", "alice", "BLOCK", "0", "STREAMS", "s", ">"), PENDING);
  assertEquals(second.send("XREADGROUP", "GROUP", "g", "bob", "BLOCK", "0", "STREAMS", "s", ">"), PENDING);
  c.send("XADD", "s", "1", "f", "v");
  assertEquals([first.received(), second.received()], [[[["s", [["1-0", ["f", "v"]]]]]], []]);
  c.send("XADD", "s", "2", "f", "v");
  assertEquals(second.received(), [[["s", [["2-0", ["f", "v"]]]]]]);
});

Deno.test("XREADGROUP BLOCK ends with an error when the group, the key or its type goes", () => {
  using s = withGroup();
  const c = s.client(), waiting = s.client();
  const wait = () => waiting.send("XREADGROUP", "GROUP", "g", "alice", "BLOCK", "0", "STREAMS", "s", ">");
  assertEquals(wait(), PENDING);
  c.send("XGROUP", "DESTROY", "s", "g");
  const group = new ReplyFailure(
    "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
  );
  assertEquals(waiting.received(), [group]);
  c.send("XGROUP", "CREATE", "s", "g", "0");
  assertEquals(wait(), PENDING);
  c.send("SET", "s", "text");
  assertEquals(waiting.received(), [
    new ReplyFailure("WRONGTYPE Operation against a key holding the wrong kind of value"),
  ]);
  assertEquals(
    c.send("XREADGROUP", "GROUP", "g", "alice", "STREAMS", "none", ">"),
    new ReplyFailure("NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option"),
  );
});

Deno.test("XREAD and XREADGROUP name what is wrong with their arguments", () => {
  using s = withGroup();
  const c = s.client();
  const failures: [string, string][] = [
    [
      "XREAD COUNT 1 STREAMS s",
      "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified.",
    ],
    ["XREAD COUNT 1 s 0", "ERR syntax error"],
    ["XREAD BLOCK x STREAMS s 0", "ERR timeout is not an integer or out of range"],
    ["XREAD BLOCK -1 STREAMS s 0", "ERR timeout is negative"],
    [
      "XREAD NOACK STREAMS s 0",
      "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
    ],
    [
      "XREAD STREAMS s >",
      "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
    ],
    ["XREADGROUP COUNT 1 NOACK STREAMS s >", "ERR Missing GROUP option for XREADGROUP"],
    [
      "XREADGROUP GROUP g c STREAMS s $",
      "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by " +
      "specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
    ],
  ];
  for (const [call, message] of failures) {
    assertEquals(c.send(...call.split(" ")), new ReplyFailure(message), call);
  }
});
