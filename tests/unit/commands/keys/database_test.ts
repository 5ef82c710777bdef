import { assert, assertEquals } from "@std/assert";
import { type InProcessClient, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** The text of an error reply. */
function failure(c: InProcessClient, ...words: string[]): string {
  const reply = c.send(...words);
  assert(reply instanceof ReplyFailure, `${words.join(" ")}: not an error`);
  return reply.message;
}

/** How many keys each of the first databases has. */
function sizes(c: InProcessClient, count = 3): unknown[] {
  return Array.from({ length: count }, (_, id) => {
    c.send("SELECT", String(id));
    return c.send("DBSIZE");
  });
}

function filled(c: InProcessClient): void {
  for (const [id, keys] of [["0", ["a", "b"]], ["1", ["c"]]] as const) {
    c.send("SELECT", id);
    for (const key of keys) c.send("RPUSH", key, "v");
  }
  c.send("SELECT", "0");
}

Deno.test("SELECT chooses one of the configured databases", () => {
  using s = startInProcess({ lines: ["databases 4"] });
  const c = s.client();
  assertEquals([c.send("SELECT", "3"), c.send("SET", "k", "v")], ["OK", "OK"]);
  assertEquals(sizes(c, 4), [0, 0, 0, 1]);
  for (const id of ["4", "-1"]) assertEquals(failure(c, "SELECT", id), "ERR DB index is out of range");
  assertEquals(failure(c, "SELECT", "one"), "ERR value is not an integer or out of range");
  assertEquals(c.send("DBSIZE"), 1);
  assertEquals(s.propagated(), ["SELECT 3", "SET k v"]);
});

Deno.test("FLUSHDB empties the database, FLUSHALL all of them, at once with SYNC and ASYNC alike", () => {
  for (const words of [["FLUSHDB"], ["FLUSHDB", "ASYNC"], ["FLUSHDB", "SYNC"]]) {
    using s = startInProcess();
    const c = s.client();
    filled(c);
    s.propagated();
    assertEquals(c.send(...words), "OK");
    assertEquals(s.propagated(), ["SELECT 0", words.join(" ")]);
    assertEquals(sizes(c), [0, 1, 0], words.join(" "));
  }
  for (const words of [["FLUSHALL"], ["FLUSHALL", "ASYNC"], ["FLUSHALL", "SYNC"]]) {
    using s = startInProcess();
    const c = s.client();
    filled(c);
    s.propagated();
    assertEquals([c.send(...words), sizes(c)], ["OK", [0, 0, 0]], words.join(" "));
    assertEquals(s.propagated(), ["SELECT 0", words.join(" ")]);
  }
  using s = startInProcess();
  for (const name of ["FLUSHDB", "FLUSHALL"]) {
    assertEquals(failure(s.client(), name, "LATER"), "ERR syntax error");
    assertEquals(failure(s.client(), name, "SYNC", "ASYNC"), "ERR syntax error");
  }
});

Deno.test("FLUSHDB and FLUSHALL are propagated though nothing was there, and spoil transactions that watch keys", () => {
  for (const name of ["FLUSHDB", "FLUSHALL"]) {
    using s = startInProcess();
    const c = s.client(), watcher = s.client();
    assertEquals([c.send(name), s.propagated()], ["OK", [name]]);
    c.send("SET", "k", "v");
    watcher.send("WATCH", "k");
    c.send(name);
    watcher.send("MULTI");
    watcher.send("PING");
    assertEquals(watcher.send("EXEC"), null, name);
  }
});

Deno.test("SWAPDB exchanges two databases for all clients, waiting ones included", () => {
  using s = startInProcess();
  const c = s.client(), waiting = s.client(), other = s.client();
  filled(c);
  other.send("SELECT", "1");
  waiting.send("BLPOP", "c", "0");
  s.propagated();
  assertEquals(c.send("SWAPDB", "0", "1"), "OK");
  assertEquals(waiting.received(), [["c", "v"]]);
  assertEquals([c.send("DBSIZE"), other.send("KEYS", "a")], [0, ["a"]]);
  assertEquals(s.propagated(), ["SELECT 0", "SWAPDB 0 1", "LPOP c"]);
  assertEquals([c.send("SWAPDB", "1", "1"), other.send("DBSIZE")], ["OK", 2]);
  assertEquals(failure(c, "SWAPDB", "x", "1"), "ERR invalid first DB index");
  assertEquals(failure(c, "SWAPDB", "1", "x"), "ERR invalid second DB index");
  assertEquals(failure(c, "SWAPDB", "1", "16"), "ERR DB index is out of range");
});
