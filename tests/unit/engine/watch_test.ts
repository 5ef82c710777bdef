import { assertEquals } from "@std/assert";
import { type InProcessClient, startInProcess } from "../../support/in_process.ts";

/** Whether a transaction of `client` would run. */
function wouldRun(client: InProcessClient): boolean {
  client.send("MULTI");
  client.send("PING");
  return client.send("EXEC") !== null;
}

/** Whether a transaction runs of a client that watches `k` while another sends `lines`. */
function runsAfter(lines: string[], before: string[] = ["SET k v"]): boolean {
  using s = startInProcess();
  const [watcher, other] = [s.client(), s.client()];
  for (const line of before) other.send(...line.split(" "));
  watcher.send("WATCH", "k");
  for (const line of lines) other.send(...line.split(" "));
  return wouldRun(watcher);
}

Deno.test("WATCH notices every kind of change", () => {
  const lines = [
    ...["SET k w", "SET k v", "APPEND k x", "DEL k", "EXPIRE k 100", "GETEX k EX 5", "RENAME k l"],
    ...[
      "GETDEL k",
      "SETRANGE k 0 x",
      "MSET a 1 k 2",
      "UNLINK k",
      "FLUSHALL",
      "FLUSHDB",
      "MOVE k 1",
      "SWAPDB 0 1",
    ],
    ...["PEXPIREAT k 1", "SORT nokey STORE k", "BITOP NOT k k", "RESTORE k 0 x REPLACE"],
  ];
  // The last one fails, for its payload is none: nothing changes.
  assertEquals(lines.filter((line) => runsAfter([line])), ["RESTORE k 0 x REPLACE"]);
});

Deno.test("WATCH does not mind what leaves the key alone", () => {
  const lines = [
    ...["GET k", "SET other v", "SETNX k w", "PERSIST k", "EXPIRE k 100 XX", "TOUCH k", "OBJECT ENCODING k"],
    ...["COPY k other", "RENAME k k", "DEL other", "SETRANGE k 9 ", "INCR k"],
  ];
  assertEquals(lines.filter((line) => !runsAfter([line])), []);
});

Deno.test("WATCH of a missing key notices that it is made, and FLUSHALL leaves it missing", () => {
  assertEquals(runsAfter(["SET k v"], []), false);
  assertEquals([runsAfter(["FLUSHALL"], []), runsAfter(["FLUSHALL"], ["SET other v"])], [true, true]);
  assertEquals([runsAfter(["SELECT 1", "SET k v"], []), runsAfter(["SELECT 1", "FLUSHDB"])], [true, true]);
  assertEquals(runsAfter(["SET k v", "DEL k"], []), false);
});

Deno.test("WATCH notices an exchange of databases where the key is on either side", () => {
  assertEquals(runsAfter(["SWAPDB 0 1"], []), true);
  assertEquals(runsAfter(["SWAPDB 0 1"], ["SELECT 1", "SET k v"]), false);
  assertEquals(runsAfter(["SWAPDB 1 2"], ["SELECT 1", "SET k v"]), true);
});

Deno.test("WATCH notices that its key expires, whether anybody looks or not", () => {
  for (const looks of ["nobody", "somebody", "the cycle"]) {
    using s = startInProcess();
    const [watcher, other] = [s.client(), s.client()];
    other.send("SET", "k", "v", "PX", "10");
    watcher.send("WATCH", "k");
    s.advance(10);
    if (looks === "somebody") other.send("GET", "k");
    if (looks === "the cycle") s.expireCycle();
    assertEquals(wouldRun(watcher), false, looks);
  }
});

Deno.test("the client's own commands count, and EXEC, DISCARD and UNWATCH begin anew", () => {
  using s = startInProcess();
  const client = s.client();
  client.send("WATCH", "k");
  client.send("SET", "k", "v");
  assertEquals([wouldRun(client), wouldRun(client)], [false, true]);
  for (const forget of ["UNWATCH", "DISCARD"]) {
    client.send("WATCH", "k");
    client.send("SET", "k", "w");
    if (forget === "DISCARD") client.send("MULTI");
    client.send(forget);
    assertEquals(wouldRun(client), true, forget);
  }
  client.send("WATCH", "k");
  client.send("MULTI");
  client.send("SET", "k", "x");
  assertEquals(client.send("EXEC"), ["OK"], "what the transaction itself changes is no obstacle");
});

Deno.test("nothing is kept for watchers that have gone", () => {
  using s = startInProcess();
  const [a, b] = [s.client(), s.client()];
  a.send("WATCH", "k", "l", "k");
  b.send("WATCH", "k");
  assertEquals([a.client.watched?.size, s.engine.watchers.active], [2, true]);
  a.close(false);
  assertEquals(s.engine.watchers.active, true);
  b.send("UNWATCH");
  assertEquals(s.engine.watchers.active, false);
});
