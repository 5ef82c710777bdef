import { assertEquals } from "@std/assert";
import { startInProcess } from "../../../support/in_process.ts";
import { type Reply, ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** A RESP3 map whose keys are strings, as an object. */
function fields(reply: unknown): Record<string, Reply> {
  if (!(reply instanceof Map)) throw new Error(`not a map: ${String(reply)}`);
  return Object.fromEntries(reply as Map<string, Reply>);
}

Deno.test("XINFO STREAM shows counters and both ends", () => {
  using s = startInProcess({ config: { "stream-node-max-entries": "2" } });
  const c = s.client();
  c.client.reply.resp = 3;
  for (const id of ["1", "2", "3"]) c.send("XADD", "s", id, "f", id);
  c.send("XDEL", "s", "2");
  assertEquals(fields(c.send("XINFO", "STREAM", "s")), {
    "length": 2,
    "radix-tree-keys": 2,
    "radix-tree-nodes": 6,
    "last-generated-id": "3-0",
    "max-deleted-entry-id": "2-0",
    "entries-added": 3,
    "recorded-first-entry-id": "1-0",
    "groups": 0,
    "first-entry": ["1-0", ["f", "1"]],
    "last-entry": ["3-0", ["f", "3"]],
  });
  c.send("XTRIM", "s", "MAXLEN", "0");
  assertEquals(fields(c.send("XINFO", "STREAM", "s"))["last-entry"], null);
});

Deno.test("XINFO STREAM FULL, GROUPS and CONSUMERS show who has read what and when", () => {
  using s = startInProcess();
  const c = s.client(), start = s.clock.nowMs();
  c.client.reply.resp = 3;
  for (const id of ["1", "2", "3"]) c.send("XADD", "s", id, "f", id);
  c.send("XGROUP", "CREATE", "s", "g", "0");
  c.send("XGROUP", "CREATECONSUMER", "s", "g", "bob");
  c.send("XREADGROUP", "GROUP", "g", "alice", "COUNT", "2", "STREAMS", "s", ">");
  s.advance(500);
  c.send("XREADGROUP", "GROUP", "g", "alice", "STREAMS", "s", "99");
  s.advance(100);
  const [group] = fields(c.send("XINFO", "STREAM", "s", "FULL", "COUNT", "1")).groups as Reply[];
  const { consumers, ...progress } = fields(group);
  assertEquals(progress, {
    "name": "g",
    "last-delivered-id": "2-0",
    "entries-read": 2,
    "lag": 1,
    "pel-count": 2,
    "pending": [["1-0", "alice", start, 1]],
  });
  assertEquals((consumers as Reply[]).map(fields), [
    {
      "name": "alice",
      "seen-time": start + 500,
      "active-time": start,
      "pel-count": 2,
      "pending": [["1-0", start, 1]],
    },
    { "name": "bob", "seen-time": start, "active-time": -1, "pel-count": 0, "pending": [] },
  ]);
  assertEquals((c.send("XINFO", "CONSUMERS", "s", "g") as Reply[]).map(fields), [
    { name: "alice", pending: 2, idle: 100, inactive: 600 },
    { name: "bob", pending: 0, idle: 600, inactive: -1 },
  ]);
  assertEquals((c.send("XINFO", "GROUPS", "s") as Reply[]).map(fields), [
    { "name": "g", "consumers": 2, "pending": 2, "last-delivered-id": "2-0", "entries-read": 2, "lag": 1 },
  ]);
});

Deno.test("XINFO names missing keys, groups and wrong arguments", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("XADD", "s", "1", "f", "v");
  assertEquals(c.send("XINFO", "STREAM", "none"), new ReplyFailure("ERR no such key"));
  assertEquals(
    c.send("XINFO", "CONSUMERS", "s", "g"),
    new ReplyFailure("NOGROUP No such consumer group 'g' for key name 's'"),
  );
  assertEquals(
    c.send("XINFO", "STREAM", "s", "FULL", "COUNT"),
    new ReplyFailure("ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP."),
  );
  assertEquals((c.send("XINFO", "HELP") as string[]).at(-2), "HELP");
});
