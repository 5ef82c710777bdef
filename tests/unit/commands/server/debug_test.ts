import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { noServer } from "../../../../src/engine/ports.ts";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const allowed = { config: {} };

function start() {
  const s = startInProcess(allowed);
  s.engine.config.values.enableDebugCommand = "yes";
  return s;
}

function fill(s: ReturnType<typeof start>, backwards: boolean) {
  const c = s.client();
  const commands = [
    ["SET", "text", "value"],
    ["SADD", "set", "1", "2", "3"],
    ["HSET", "hash", "a", "1", "b", "2"],
    ["ZADD", "zset", "1", "a", "2.5", "b"],
    ["RPUSH", "list", "a", "b"],
    ["XADD", "stream", "1-1", "f", "v"],
    ["SET", "volatile", "v", "PX", "100000"],
  ];
  for (const words of backwards ? commands.reverse() : commands) c.send(...words);
  return c;
}

Deno.test("DEBUG is refused unless enable-debug-command allows it", () => {
  using s = startInProcess();
  const reply = s.client().send("DEBUG", "DIGEST");
  assert(reply instanceof ReplyFailure);
  assertMatch(
    reply.message,
    /^ERR DEBUG command not allowed\. If the enable-debug-command option is set to "local"/,
  );
});

Deno.test("DEBUG DIGEST tells equal data from unequal, whatever the order and the encoding", () => {
  using s = start();
  using t = start();
  assertEquals(s.client().send("DEBUG", "DIGEST"), "0".repeat(40));
  const c = fill(s, false), d = fill(t, true);
  d.send("DEL", "hash");
  d.send("CONFIG", "SET", "hash-max-listpack-entries", "0");
  d.send("HSET", "hash", "b", "2", "a", "1");
  assertEquals(c.send("DEBUG", "DIGEST"), d.send("DEBUG", "DIGEST"));
  for (
    const change of [
      ["RPUSH", "list", "x"],
      ["SADD", "set", "4"],
      ["HSET", "hash", "a", "2"],
      ["ZADD", "zset", "3", "b"],
      ["XADD", "stream", "2-1", "f", "v"],
      ["PERSIST", "volatile"],
      ["RENAME", "text", "other"],
      ["MOVE", "set", "1"],
    ]
  ) {
    const before = d.send("DEBUG", "DIGEST");
    d.send(...change);
    assertNotEquals(d.send("DEBUG", "DIGEST"), before, change.join(" "));
  }
});

Deno.test("DEBUG DIGEST is redis-server's digest of the same data", () => {
  using s = start();
  // Taken from redis-server 7.0.15 after the same commands.
  assertEquals(fill(s, false).send("DEBUG", "DIGEST"), "06907d13ef62d570fd0ef22b06b6f5e4a06ef24a");
});

Deno.test("DEBUG DIGEST-VALUE ignores the key's name and is all zeros for a missing key", () => {
  using s = start();
  const c = s.client();
  c.send("RPUSH", "a", "x", "y");
  c.send("RPUSH", "b", "x", "y");
  c.send("RPUSH", "c", "y", "x");
  const [a, b, other, missing] = c.send("DEBUG", "DIGEST-VALUE", "a", "b", "c", "none") as string[];
  assertEquals(a, b);
  assertNotEquals(a, other);
  assertEquals(missing, "0".repeat(40));
});

Deno.test("DEBUG POPULATE makes keys that are not propagated and leaves those alone that are there", () => {
  using s = start();
  const c = s.client();
  c.send("SET", "k:1", "mine");
  s.propagated();
  assertEquals(c.send("DEBUG", "POPULATE", "3", "k", "10"), "OK");
  assertEquals(c.send("GET", "k:0"), "value:0\0\0\0");
  assertEquals(c.send("GET", "k:1"), "mine");
  assertEquals(c.send("DEBUG", "POPULATE", "2"), "OK");
  assertEquals(c.send("GET", "key:1"), "value:1");
  assertEquals(c.send("DBSIZE"), 5);
  assertEquals(c.send("DEBUG", "POPULATE", "1", "s", "3"), "OK");
  assertEquals(c.send("GET", "s:0"), "val");
  assertEquals(s.propagated(), []);
});

Deno.test("DEBUG OBJECT, HTSTATS and HTSTATS-KEY describe what is there", () => {
  using s = start();
  const c = fill(s, false);
  assertMatch(
    c.send("DEBUG", "OBJECT", "text") as string,
    /^Value at:0x\w+ refcount:1 encoding:embstr serializedlength:6 lru:\d+ lru_seconds_idle:0$/,
  );
  assertMatch(
    c.send("DEBUG", "OBJECT", "list") as string,
    / encoding:quicklist .* ql_nodes:1 ql_avg_node:2.00 /,
  );
  assertEquals(c.send("DEBUG", "OBJECT", "none"), new ReplyFailure("ERR no such key"));
  assertMatch(
    c.send("DEBUG", "HTSTATS", "0") as string,
    /number of elements: 7\n\[Expires HT\]\n[^]*number of elements: 1\n$/,
  );
  assertEquals(c.send("DEBUG", "HTSTATS", "16"), new ReplyFailure("ERR DB index is out of range"));
  assertEquals(
    c.send("DEBUG", "HTSTATS-KEY", "text"),
    new ReplyFailure("ERR The value stored at the specified key is not represented using an hash table"),
  );
});

Deno.test("DEBUG PROTOCOL replies each type in both protocols", () => {
  using s = start();
  const c = s.client();
  assertEquals(c.send("DEBUG", "PROTOCOL", "map"), [0, 0, 1, 1, 2, 0]);
  assertEquals(c.send("DEBUG", "PROTOCOL", "attrib"), "Some real reply following the attribute");
  assertEquals(
    c.send("DEBUG", "PROTOCOL", "push"),
    new ReplyFailure("ERR RESP2 is not supported by this command"),
  );
  c.client.reply.resp = 3;
  assertEquals(c.send("DEBUG", "PROTOCOL", "map"), new Map([[0, false], [1, true], [2, false]]));
  c.send("CLIENT", "REPLY", "ON");
});

Deno.test("DEBUG switches, logs, repeats errors and crashes as it is told", () => {
  using s = start();
  const c = s.client();
  c.send("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  assertEquals(s.engine.activeExpire, false);
  c.send("DEBUG", "SET-ACTIVE-EXPIRE", "1");
  assertEquals(s.engine.activeExpire, true);
  c.send("DEBUG", "PAUSE-CRON", "1");
  assertEquals(s.engine.debug.pauseCron, true);
  assertEquals(c.send("DEBUG", "LOG", "hello"), "OK");
  assertEquals(s.log.at(-1), "DEBUG LOG: hello");
  assertEquals(c.send("DEBUG", "ERROR", "MY error"), new ReplyFailure("MY error"));
  assertEquals(c.send("DEBUG", "STRINGMATCH-LEN", "a*", "abc"), 1);
  let reason = "";
  s.engine.server = { ...noServer, crash: (text) => void (reason = text) };
  c.raw(new TextEncoder().encode("DEBUG SEGFAULT\r\n"));
  assertEquals(reason, "crashed by signal: 11");
  const id = s.engine.identity.replicationId;
  c.send("DEBUG", "CHANGE-REPL-ID");
  assertNotEquals(s.engine.identity.replicationId, id);
});

Deno.test("DEBUG REPLICATE propagates what is not run", () => {
  using s = start();
  const c = s.client();
  assertEquals(c.send("DEBUG", "REPLICATE", "SET", "k", "v"), "OK");
  assertEquals(s.propagated(), ["SET k v"]);
  assertEquals(c.send("EXISTS", "k"), 0);
});

Deno.test("DEBUG refuses unknown sub-commands and wrong numbers of arguments", () => {
  using s = start();
  const c = s.client();
  assertEquals(
    c.send("DEBUG", "NOSUCH"),
    new ReplyFailure("ERR unknown subcommand or wrong number of arguments for 'NOSUCH'. Try DEBUG HELP."),
  );
  assertEquals(
    c.send("DEBUG", "SLEEP"),
    new ReplyFailure("ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG HELP."),
  );
  assertEquals(
    c.send("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "9gb"),
    new ReplyFailure("ERR argument must be a memory value bigger than 1 and smaller than 4gb"),
  );
});

Deno.test("DEBUG LISTPACK takes a hash with fields that expire", () => {
  using s = startInProcess({ lines: ["enable-debug-command yes"] });
  const c = s.client();
  c.send("HSET", "h", "f", "v");
  c.send("HEXPIRE", "h", "100", "FIELDS", "1", "f");
  assertEquals(c.send("OBJECT", "ENCODING", "h"), "listpackex");
  assertEquals(c.send("DEBUG", "LISTPACK", "h"), "Listpack structure printed on stdout");
  c.send("SET", "s", "v");
  assertEquals(c.send("DEBUG", "LISTPACK", "s"), new ReplyFailure("ERR Not a listpack encoded object."));
});
