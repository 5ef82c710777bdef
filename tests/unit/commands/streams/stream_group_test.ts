import { assertEquals } from "@std/assert";
import { ClientFlag } from "../../../../src/engine/client.ts";
import { type InProcessClient, type InProcessServer, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** A stream of entries 1-0 … 5-0, all delivered to alice a second ago, and a client. */
function delivered(s: InProcessServer): InProcessClient {
  const c = s.client();
  for (let id = 1; id <= 5; id++) c.send("XADD", "s", String(id), "f", String(id));
  c.send("XGROUP", "CREATE", "s", "g", "0");
  c.send("XREADGROUP", "GROUP", "g", "alice", "STREAMS", "s", ">");
  s.advance(1000);
  s.propagated();
  return c;
}

const owners = (c: InProcessClient) =>
  (c.send("XPENDING", "s", "g", "-", "+", "100") as [string, string, number, number][])
    .map(([id, owner, , count]) => `${id} ${owner} ${count}`);

Deno.test("XGROUP CREATE needs the key or MKSTREAM, and a new name", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(
    c.send("XGROUP", "CREATE", "s", "g", "$"),
    new ReplyFailure(
      "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM " +
        "option to create an empty stream automatically.",
    ),
  );
  assertEquals(c.send("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"), "OK");
  assertEquals(
    c.send("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"),
    new ReplyFailure("BUSYGROUP Consumer Group name already exists"),
  );
  assertEquals(
    c.send("XGROUP", "CREATE", "s", "h", "0", "BAD"),
    new ReplyFailure("ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP."),
  );
  assertEquals(
    c.send("XGROUP", "SETID", "s", "none", "0"),
    new ReplyFailure("NOGROUP No such consumer group 'none' for key name 's'"),
  );
  assertEquals(
    (c.send("XGROUP", "HELP") as string[])[0],
    "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  );
});

Deno.test("XGROUP makes and removes consumers and groups, counting what was there", () => {
  using s = startInProcess();
  const c = delivered(s);
  assertEquals(c.send("XGROUP", "CREATECONSUMER", "s", "g", "alice"), 0);
  assertEquals(c.send("XGROUP", "CREATECONSUMER", "s", "g", "bob"), 1);
  assertEquals(c.send("XGROUP", "DELCONSUMER", "s", "g", "bob"), 0);
  assertEquals(c.send("XGROUP", "DELCONSUMER", "s", "g", "alice"), 5);
  assertEquals(c.send("XPENDING", "s", "g"), [0, null, null, null]);
  assertEquals(c.send("XGROUP", "DESTROY", "s", "g"), 1);
  assertEquals(c.send("XGROUP", "DESTROY", "s", "g"), 0);
  assertEquals(s.propagated(), [
    "XGROUP CREATECONSUMER s g bob",
    "XGROUP DELCONSUMER s g bob",
    "XGROUP DELCONSUMER s g alice",
    "XGROUP DESTROY s g",
  ]);
});

Deno.test("XGROUP SETID back lets entries be delivered again, to another consumer", () => {
  using s = startInProcess();
  const c = delivered(s);
  assertEquals(c.send("XGROUP", "SETID", "s", "g", "3"), "OK");
  c.send("XREADGROUP", "GROUP", "g", "bob", "STREAMS", "s", ">");
  assertEquals(owners(c), ["1-0 alice 1", "2-0 alice 1", "3-0 alice 1", "4-0 bob 1", "5-0 bob 1"]);
});

Deno.test("XACK counts what was pending and checks all ids first", () => {
  using s = startInProcess();
  const c = delivered(s);
  assertEquals(
    c.send("XACK", "s", "g", "1", "x"),
    new ReplyFailure("ERR Invalid stream ID specified as stream command argument"),
  );
  assertEquals(c.send("XACK", "s", "g", "1", "1", "2", "9"), 2);
  assertEquals(c.send("XACK", "s", "none", "3"), 0);
  assertEquals(s.propagated(), ["XACK s g 1 1 2 9"]);
  assertEquals(owners(c), ["3-0 alice 1", "4-0 alice 1", "5-0 alice 1"]);
});

Deno.test("XPENDING filters by range, idle time and consumer", () => {
  using s = startInProcess();
  const c = delivered(s);
  c.send("XCLAIM", "s", "g", "bob", "0", "2");
  assertEquals(c.send("XPENDING", "s", "g"), [5, "1-0", "5-0", [["alice", "4"], ["bob", "1"]]]);
  assertEquals(c.send("XPENDING", "s", "g", "(1", "3", "10"), [["2-0", "bob", 0, 2], [
    "3-0",
    "alice",
    1000,
    1,
  ]]);
  assertEquals(c.send("XPENDING", "s", "g", "IDLE", "1000", "-", "+", "1"), [["1-0", "alice", 1000, 1]]);
  assertEquals(c.send("XPENDING", "s", "g", "-", "+", "10", "bob"), [["2-0", "bob", 0, 2]]);
  assertEquals(c.send("XPENDING", "s", "g", "-", "+", "10", "nobody"), []);
  assertEquals(c.send("XPENDING", "s", "g", "-"), new ReplyFailure("ERR syntax error"));
});

Deno.test("XCLAIM hands over what has been idle long enough, and forgets what was deleted", () => {
  using s = startInProcess();
  const c = delivered(s), now = s.clock.nowMs();
  c.send("XDEL", "s", "2");
  c.send("XCLAIM", "s", "g", "carl", "0", "3");
  s.propagated();
  assertEquals(c.send("XCLAIM", "s", "g", "bob", "500", "1", "2", "3", "9"), [["1-0", ["f", "1"]]]);
  assertEquals(s.propagated(), [
    "MULTI",
    `XCLAIM s g bob 0 1-0 TIME ${now} RETRYCOUNT 2 FORCE JUSTID LASTID 5-0`,
    `XCLAIM s g alice 0 2-0 TIME ${now - 1000} RETRYCOUNT 1 FORCE JUSTID LASTID 5-0`,
    "EXEC",
  ]);
  assertEquals(owners(c), ["1-0 bob 2", "3-0 carl 2", "4-0 alice 1", "5-0 alice 1"]);
});

Deno.test("XCLAIM takes JUSTID, RETRYCOUNT, IDLE, TIME, FORCE and LASTID", () => {
  using s = startInProcess();
  const c = delivered(s), now = s.clock.nowMs();
  const pending = (id: string) => c.send("XPENDING", "s", "g", id, id, "1");
  c.send("XACK", "s", "g", "1");
  assertEquals(c.send("XCLAIM", "s", "g", "bob", "0", "1"), []);
  assertEquals(c.send("XCLAIM", "s", "g", "bob", "0", "1", "FORCE", "JUSTID"), ["1-0"]);
  assertEquals(pending("1"), [["1-0", "bob", 0, 1]]);
  c.send("XCLAIM", "s", "g", "bob", "0", "3", "RETRYCOUNT", "7", "IDLE", "300");
  assertEquals(pending("3"), [["3-0", "bob", 300, 7]]);
  c.send("XCLAIM", "s", "g", "bob", "0", "4", "TIME", String(now + 5000));
  assertEquals(pending("4"), [["4-0", "bob", 0, 2]]);
  s.propagated();
  assertEquals(c.send("XCLAIM", "s", "g", "bob", "0", "99", "LASTID", "50"), []);
  assertEquals(s.propagated(), ["XGROUP SETID s g 50-0 ENTRIESREAD 5"]);
  assertEquals(
    c.send("XCLAIM", "s", "g", "bob", "0", "1", "WAT"),
    new ReplyFailure("ERR Unrecognized XCLAIM option 'WAT'"),
  );
  assertEquals(
    c.send("XCLAIM", "s", "g", "bob", "x", "1"),
    new ReplyFailure("ERR Invalid min-idle-time argument for XCLAIM"),
  );
});

Deno.test("what XREADGROUP and XCLAIM propagate rebuilds the same pending entries", () => {
  using s = startInProcess();
  using copy = startInProcess();
  const c = s.client(), twin = copy.client();
  const calls = [
    "XADD s 1 f v",
    "XADD s 2 f v",
    "XADD s 3 f v",
    "XGROUP CREATE s g 0",
    "XREADGROUP GROUP g alice COUNT 2 STREAMS s >",
    "XREADGROUP GROUP g bob NOACK STREAMS s >",
    "XDEL s 1",
    "XCLAIM s g carl 0 1 2",
    "XAUTOCLAIM s g dora 0 0",
  ];
  for (const call of calls) c.send(...call.split(" "));
  copy.clock.advance(s.clock.nowMs() - copy.clock.nowMs());
  for (const line of s.propagated()) if (line !== "MULTI" && line !== "EXEC") twin.send(...line.split(" "));
  assertEquals(owners(twin), owners(c));
  assertEquals(owners(c), ["2-0 dora 3"]);
  assertEquals(twin.send("XINFO", "GROUPS", "s"), c.send("XINFO", "GROUPS", "s"));
});

Deno.test("XAUTOCLAIM goes on where it stopped and reports deleted entries", () => {
  using s = startInProcess();
  const c = delivered(s);
  c.send("XDEL", "s", "1");
  assertEquals(c.send("XAUTOCLAIM", "s", "g", "bob", "500", "-", "COUNT", "2"), [
    "3-0",
    [["2-0", ["f", "2"]]],
    ["1-0"],
  ]);
  assertEquals(c.send("XAUTOCLAIM", "s", "g", "bob", "500", "(3", "JUSTID"), ["0-0", ["4-0", "5-0"], []]);
  assertEquals(owners(c), ["2-0 bob 2", "3-0 alice 1", "4-0 bob 1", "5-0 bob 1"]);
  assertEquals(
    c.send("XAUTOCLAIM", "s", "g", "bob", "0", "-", "COUNT", "0"),
    new ReplyFailure("ERR COUNT must be > 0"),
  );
  assertEquals(
    c.send("XAUTOCLAIM", "none", "g", "bob", "0", "-"),
    new ReplyFailure("NOGROUP No such key 'none' or consumer group 'g'"),
  );
});

Deno.test("group bookkeeping leaves WATCH alone, new entries do not", () => {
  using s = startInProcess();
  const c = delivered(s), watcher = s.client();
  watcher.send("WATCH", "s");
  for (const call of ["XACK s g 1", "XCLAIM s g bob 0 2", "XGROUP SETID s g 0", "XSETID s 9"]) {
    c.send(...call.split(" "));
  }
  assertEquals(watcher.client.has(ClientFlag.DirtyCas), false);
  c.send("XADD", "s", "10", "f", "v");
  assertEquals(watcher.client.has(ClientFlag.DirtyCas), true);
});

Deno.test("XGROUP SETID takes $ for the last entry, and ENTRIESREAD for how many are read by then", () => {
  using s = startInProcess();
  const c = delivered(s), read = () => c.send("XREADGROUP", "GROUP", "g", "bob", "STREAMS", "s", ">");
  assertEquals(c.send("XGROUP", "SETID", "s", "g", "0"), "OK");
  assertEquals(c.send("XGROUP", "SETID", "s", "g", "$"), "OK");
  assertEquals(read(), null);
  assertEquals(c.send("XGROUP", "SETID", "s", "g", "4", "ENTRIESREAD", "4"), "OK");
  assertEquals(read(), [["s", [["5-0", ["f", "5"]]]]]);
});

Deno.test("XAUTOCLAIM takes a COUNT as far as redis-server does, and XGROUP looks at the key before it counts its options", () => {
  using s = startInProcess();
  const c = s.client(),
    wrong = new ReplyFailure("WRONGTYPE Operation against a key holding the wrong kind of value");
  c.send("SET", "text", "1");
  const claim = (count: string) => c.send("XAUTOCLAIM", "text", "g", "c", "0", "0", "COUNT", count);
  assertEquals(claim("576460752303423487"), wrong);
  assertEquals(claim("576460752303423488"), new ReplyFailure("ERR COUNT must be > 0"));
  const twice = ["ENTRIESREAD", "1", "ENTRIESREAD", "2"];
  assertEquals(c.send("XGROUP", "CREATE", "text", "g", "0", ...twice), wrong);
  c.send("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM");
  const counted = new ReplyFailure(
    "ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
  );
  assertEquals(c.send("XGROUP", "CREATE", "s", "h", "0", ...twice), counted);
});
