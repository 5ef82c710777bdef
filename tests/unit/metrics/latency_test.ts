import { assertEquals } from "@std/assert";
import { type InProcessServer, startInProcess } from "../../support/in_process.ts";

/** Lets each deletion of a record take five milliseconds. */
function slowDeletion(s: InProcessServer): void {
  const database = s.engine.databases[0]!, remove = database.delete.bind(database);
  database.delete = (ref) => {
    s.clock.advance(5);
    return remove(ref);
  };
}

/** The events that have been taken down, with the longest of each. */
function events(s: InProcessServer): string[] {
  const latest = s.client().send("LATENCY", "LATEST");
  if (!Array.isArray(latest)) throw new Error("no list");
  return latest.map((row) => Array.isArray(row) ? `${row[0]} ${row[3]}` : "").sort();
}

Deno.test("deletions of expired and of evicted keys are events, not those that commands do", () => {
  using s = startInProcess({ config: { "latency-monitor-threshold": "3" } });
  const c = s.client();
  slowDeletion(s);
  c.send("SET", "k", "v");
  c.send("DEL", "k");
  assertEquals(events(s), ["command 5"]);
  c.send("SET", "k", "v", "PX", "1");
  s.advance(2);
  c.send("CONFIG", "SET", "latency-monitor-threshold", "5");
  c.send("GET", "k");
  assertEquals(events(s).filter((event) => event.startsWith("expire")), ["expire-del 5"]);
  c.send("SET", "k", "v");
  c.send("CONFIG", "SET", "maxmemory-policy", "allkeys-random", "maxmemory", "1");
  assertEquals(events(s).filter((event) => event.startsWith("evict")), [
    "eviction-cycle 5",
    "eviction-del 5",
  ]);
});

Deno.test("nothing is taken down while the threshold is 0", () => {
  using s = startInProcess();
  const c = s.client();
  slowDeletion(s);
  c.send("SET", "k", "v", "PX", "1");
  s.advance(2);
  c.send("GET", "k");
  assertEquals(events(s), []);
});
