import { assertEquals } from "@std/assert";
import { type InProcessClient, type InProcessServer, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** Whether a transaction that only pings runs. */
function runs(client: InProcessClient): boolean {
  client.send("MULTI");
  client.send("PING");
  return client.send("EXEC") !== null;
}

/** A key in database 0 whose time is over, still there. */
function leaveStale(s: InProcessServer, key: string): void {
  s.client().send("SET", key, "v", "PX", "1");
  s.advance(2);
}

Deno.test("EXEC runs what was queued, in order, errors and all, and propagates it as one", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals([c.send("MULTI"), c.send("SET", "k", "v"), c.send("INCR", "k"), c.send("APPEND", "k", "w")], [
    "OK",
    "QUEUED",
    "QUEUED",
    "QUEUED",
  ]);
  assertEquals(c.send("EXEC"), ["OK", new ReplyFailure("ERR value is not an integer or out of range"), 2]);
  assertEquals(s.propagated(), ["MULTI", "SET k v", "APPEND k w", "EXEC"]);
});

Deno.test("EXEC aborts after a command that could not be queued", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("MULTI");
  c.send("SET", "k");
  assertEquals(
    c.send("EXEC"),
    new ReplyFailure("EXECABORT Transaction discarded because of previous errors."),
  );
  assertEquals(c.send("EXEC"), new ReplyFailure("ERR EXEC without MULTI"));
});

Deno.test("WATCH aborts EXEC when a key changes, once, and UNWATCH or DISCARD forget", () => {
  using s = startInProcess();
  const [c, other] = [s.client(), s.client()];
  c.send("WATCH", "a", "b");
  other.send("SET", "b", "1");
  assertEquals([runs(c), runs(c)], [false, true]);
  c.send("WATCH", "a");
  other.send("SET", "a", "1");
  c.send("UNWATCH");
  assertEquals(runs(c), true);
  c.send("WATCH", "a");
  c.send("MULTI");
  c.send("DISCARD");
  other.send("SET", "a", "2");
  assertEquals(runs(c), true);
});

Deno.test("WATCH takes a key that expires for changed, noticed or not", () => {
  using s = startInProcess();
  const c = s.client();
  for (const notice of [() => {}, () => c.send("EXISTS", "k"), () => s.expireCycle()]) {
    c.send("SET", "k", "v", "PX", "10");
    c.send("WATCH", "k");
    s.advance(11);
    notice();
    assertEquals(runs(c), false);
  }
});

Deno.test("WATCH takes a stale key for missing: its deletion is no change, a new value is one", () => {
  using s = startInProcess();
  const c = s.client();
  const deletions = [() => c.send("EXISTS", "k"), () => c.send("FLUSHDB"), () => c.send("DEL", "k")];
  for (const remove of deletions) {
    leaveStale(s, "k");
    c.send("WATCH", "k");
    remove();
    assertEquals(runs(c), true);
  }
  leaveStale(s, "k");
  c.send("WATCH", "k");
  s.client().send("SET", "k", "new");
  assertEquals(runs(c), false);
});

Deno.test("WATCH and SWAPDB: a key changes unless it is missing or stale on both sides", () => {
  const states = ["missing", "stale", "present"] as const;
  for (const before of states) {
    for (const after of states) {
      using s = startInProcess();
      const c = s.client();
      const prepare = (state: typeof states[number]) => {
        if (state === "stale") leaveStale(s, "k");
        if (state === "present") c.send("SET", "k", "v");
      };
      prepare(after);
      c.send("SWAPDB", "0", "1");
      prepare(before);
      c.send("WATCH", "k");
      s.client().send("SWAPDB", "0", "1");
      assertEquals(runs(c), before !== "present" && after !== "present", `${before} -> ${after}`);
    }
  }
});

Deno.test("min-replicas-to-write refuses writes, queued ones at EXEC, and lets reads pass", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("MULTI");
  c.send("SET", "k", "v");
  s.client().send("CONFIG", "SET", "min-replicas-to-write", "1");
  assertEquals(
    c.send("EXEC"),
    new ReplyFailure(
      "EXECABORT Transaction discarded because of: NOREPLICAS Not enough good replicas to write.",
    ),
  );
  assertEquals([c.send("SET", "k", "v"), c.send("GET", "k")], [
    new ReplyFailure("NOREPLICAS Not enough good replicas to write."),
    null,
  ]);
  s.client().send("CONFIG", "SET", "min-replicas-to-write", "0");
  assertEquals(c.send("SET", "k", "v"), "OK");
});

Deno.test("EXEC with arguments ends the transaction, as redis-server does", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("MULTI");
  c.send("SET", "k", "v");
  assertEquals(
    c.send("EXEC", "now"),
    new ReplyFailure(
      "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
    ),
  );
  assertEquals(c.send("EXEC"), new ReplyFailure("ERR EXEC without MULTI"));
  assertEquals(c.send("GET", "k"), null);
});
