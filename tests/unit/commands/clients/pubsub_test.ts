import { assertEquals } from "@std/assert";
import { startInProcess } from "../../../support/in_process.ts";
import { PushMessage, ReplyFailure } from "../../../../src/protocol/reply_values.ts";

Deno.test("SUBSCRIBE and UNSUBSCRIBE reply once per channel with the number of subscriptions", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("SUBSCRIBE", "a", "b"), ["subscribe", "a", 1]);
  assertEquals(
    c.raw(new TextEncoder().encode("SUBSCRIBE a c\r\n")),
    "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n" +
      "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:3\r\n",
  );
  assertEquals(c.send("PSUBSCRIBE", "x*"), ["psubscribe", "x*", 4]);
  assertEquals(c.send("SSUBSCRIBE", "s"), ["ssubscribe", "s", 1]);
  assertEquals(c.send("UNSUBSCRIBE", "nosuch"), ["unsubscribe", "nosuch", 4]);
  assertEquals(
    c.raw(new TextEncoder().encode("UNSUBSCRIBE\r\n")),
    ["a", "b", "c"].map((name, i) => `*3\r\n$11\r\nunsubscribe\r\n$1\r\n${name}\r\n:${3 - i}\r\n`).join(""),
  );
  assertEquals(c.send("UNSUBSCRIBE"), ["unsubscribe", null, 1]);
  assertEquals(c.send("PUNSUBSCRIBE"), ["punsubscribe", "x*", 0]);
  assertEquals(c.send("PUNSUBSCRIBE"), ["punsubscribe", null, 0]);
  assertEquals(c.send("SUNSUBSCRIBE"), ["sunsubscribe", "s", 0]);
  assertEquals(c.send("SUNSUBSCRIBE"), ["sunsubscribe", null, 0]);
});

Deno.test("SUBSCRIBE in RESP2 leaves only a few commands until the last subscription ends; RESP3 all", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SSUBSCRIBE", "s");
  assertEquals(
    c.send("GET", "k"),
    new ReplyFailure(
      "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
    ),
  );
  c.send("SUNSUBSCRIBE");
  assertEquals(c.send("GET", "k"), null);
  c.client.reply.resp = 3;
  assertEquals(c.send("SUBSCRIBE", "a"), new PushMessage(["subscribe", "a", 1]));
  assertEquals(c.send("GET", "k"), null);
});

Deno.test("SUBSCRIBE in a transaction confirms in its place and leaves the queued rest alone", () => {
  using s = startInProcess();
  const c = s.client();
  c.raw(new TextEncoder().encode("MULTI\r\nSUBSCRIBE a\r\nGET k\r\nPUBLISH a x\r\n"));
  assertEquals(
    c.raw(new TextEncoder().encode("EXEC\r\n")),
    "*3\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n$-1\r\n:1\r\n" +
      "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n",
  );
});

Deno.test("PUBLISH reaches channel and pattern subscribers and counts deliveries", () => {
  using s = startInProcess();
  const [two, three, sender] = [s.client(), s.client(), s.client()];
  two.send("SUBSCRIBE", "news");
  three.client.reply.resp = 3;
  three.send("PSUBSCRIBE", "n*");
  assertEquals(sender.send("PUBLISH", "news", "\x00\xff"), 2);
  assertEquals(two.received(), [["message", "news", "\x00\xff"]]);
  assertEquals(three.received(), [new PushMessage(["pmessage", "n*", "news", "\x00\xff"])]);
  assertEquals(sender.send("PUBLISH", "other", "x"), 0);
  two.close(false);
  assertEquals(sender.send("PUBLISH", "news", "x"), 1);
});

Deno.test("PUBLISH to oneself arrives behind the reply", () => {
  using s = startInProcess();
  const c = s.client();
  c.client.reply.resp = 3;
  c.send("SUBSCRIBE", "a");
  assertEquals(
    c.raw(new TextEncoder().encode("PUBLISH a x\r\n")),
    ":1\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n",
  );
});

Deno.test("CLIENT REPLY OFF and SKIP silence replies, not subscriptions and messages", () => {
  using s = startInProcess();
  const c = s.client();
  c.client.reply.resp = 3;
  const raw = (line: string) => c.raw(new TextEncoder().encode(line + "\r\n"));
  assertEquals(raw("CLIENT REPLY OFF"), "");
  assertEquals(raw("GET k"), "");
  assertEquals(raw("NOSUCH"), "");
  assertEquals(raw("SUBSCRIBE a"), ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
  assertEquals(raw("PUBLISH a x"), ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n");
  assertEquals(raw("CLIENT REPLY ON"), "+OK\r\n");
  assertEquals(raw("CLIENT REPLY SKIP"), "");
  assertEquals(raw("GET k"), "");
  assertEquals(raw("GET k"), "_\r\n");
});

Deno.test("SPUBLISH reaches shard subscribers alone, PUBLISH never does", () => {
  using s = startInProcess();
  const [shard, all, sender] = [s.client(), s.client(), s.client()];
  shard.send("SSUBSCRIBE", "c");
  all.send("PSUBSCRIBE", "*");
  assertEquals([sender.send("SPUBLISH", "c", "m"), sender.send("PUBLISH", "c", "n")], [1, 1]);
  assertEquals(shard.received(), [["smessage", "c", "m"]]);
  assertEquals(all.received(), [["pmessage", "*", "c", "n"]]);
});

Deno.test("PUBSUB lists and counts what has subscribers", () => {
  using s = startInProcess();
  const [a, b, asker] = [s.client(), s.client(), s.client()];
  a.send("SUBSCRIBE", "one");
  b.send("SUBSCRIBE", "one");
  a.send("SUBSCRIBE", "two");
  a.send("PSUBSCRIBE", "t*");
  b.send("PSUBSCRIBE", "t*");
  b.send("SSUBSCRIBE", "shard");
  assertEquals(asker.send("PUBSUB", "CHANNELS"), ["one", "two"]);
  assertEquals(asker.send("PUBSUB", "CHANNELS", "t*"), ["two"]);
  assertEquals(asker.send("PUBSUB", "NUMSUB", "one", "two", "none"), ["one", 2, "two", 1, "none", 0]);
  assertEquals(asker.send("PUBSUB", "NUMSUB"), []);
  assertEquals(asker.send("PUBSUB", "NUMPAT"), 1);
  assertEquals(asker.send("PUBSUB", "SHARDCHANNELS"), ["shard"]);
  assertEquals(asker.send("PUBSUB", "SHARDNUMSUB", "shard", "one"), ["shard", 1, "one", 0]);
  assertEquals(
    asker.send("PUBSUB", "CHANNELS", "a", "b"),
    new ReplyFailure("ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP."),
  );
  a.close(false);
  assertEquals(asker.send("PUBSUB", "NUMSUB", "one", "two"), ["one", 1, "two", 0]);
});

Deno.test("notify-keyspace-events publishes under key and event names, for the classes asked for", () => {
  using s = startInProcess({ config: { "notify-keyspace-events": "KE$sx" } });
  const [listener, c] = [s.client(), s.client()];
  listener.send("PSUBSCRIBE", "__key*");
  c.send("SET", "k", "v");
  assertEquals(listener.received(), [
    ["pmessage", "__key*", "__keyspace@0__:k", "set"],
    ["pmessage", "__key*", "__keyevent@0__:set", "k"],
  ]);
  c.send("HSET", "h", "f", "v");
  assertEquals(listener.received(), []);
  c.send("SET", "k", "v", "PX", "10");
  listener.received();
  s.advance(11);
  c.send("GET", "k");
  assertEquals(listener.received(), [
    ["pmessage", "__key*", "__keyspace@0__:k", "expired"],
    ["pmessage", "__key*", "__keyevent@0__:expired", "k"],
  ]);
});

Deno.test("notify-keyspace-events tells of keys evicted by a lower maxmemory at once", () => {
  using s = startInProcess({ config: { "notify-keyspace-events": "Ee", "maxmemory-policy": "allkeys-lru" } });
  const [listener, c] = [s.client(), s.client()];
  listener.send("SUBSCRIBE", "__keyevent@0__:evicted");
  c.send("SET", "k", "v");
  assertEquals(c.send("CONFIG", "SET", "maxmemory", "1"), "OK");
  assertEquals(listener.received(), [["message", "__keyevent@0__:evicted", "k"]]);
});

Deno.test("MONITOR shows commands as they ran, failed ones too, and not its own silence", () => {
  using s = startInProcess();
  const [watcher, c] = [s.client(), s.client()];
  assertEquals(watcher.send("MONITOR"), "OK");
  c.send("SET", "k", 'a"\n\x00');
  c.send("APPEND", "k");
  c.send("HGET", "k", "f");
  assertEquals(watcher.received(), [
    '1700000000.000000 [0 127.0.0.1:50000] "SET" "k" "a\\"\\n\\x00"',
    '1700000000.000000 [0 127.0.0.1:50000] "HGET" "k" "f"',
  ]);
  watcher.close(false);
  assertEquals(s.engine.monitors.count, 0);
});
