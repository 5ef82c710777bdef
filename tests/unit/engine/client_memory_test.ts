import { assert, assertEquals } from "@std/assert";
import { clientMemory } from "../../../src/engine/client_memory.ts";
import { type InProcessServer, startInProcess } from "../../support/in_process.ts";

const KB = 1024;

/** A client that holds about `bytes` in a transaction not yet run. */
function holding(s: InProcessServer, bytes: number) {
  const c = s.client();
  c.send("MULTI");
  c.send("SET", "k", "v".repeat(bytes));
  return c;
}

Deno.test("maxmemory-clients closes the clients that take most, until the rest are within it", () => {
  using s = startInProcess();
  const control = s.client();
  const sizes = [100, 400, 200, 300].map((kb) => holding(s, kb * KB));
  control.send("CONFIG", "SET", "maxmemory-clients", "1600kb");
  assertEquals(sizes.map((c) => c.closed), [false, true, false, false]);
  control.send("CONFIG", "SET", "maxmemory-clients", "800kb");
  assertEquals(sizes.map((c) => c.closed), [false, true, false, true]);
  assertEquals(s.engine.stats.evictedClients, 2);
  assertEquals(control.send("PING"), "PONG");
});

Deno.test("maxmemory-clients spares clients that said CLIENT NO-EVICT ON, and counts them", () => {
  using s = startInProcess({ config: { "maxmemory-clients": "500kb" } });
  const spared = s.client();
  spared.send("CLIENT", "NO-EVICT", "ON");
  spared.send("MULTI");
  spared.send("SET", "k", "v".repeat(600 * KB));
  assertEquals(spared.closed, false);
  const other = s.client();
  other.send("PING");
  assertEquals(other.closed, true);
});

Deno.test("maxmemory-clients in percent is a share of maxmemory, and nothing without it", () => {
  using s = startInProcess({ config: { "maxmemory-clients": "10%" } });
  const c = holding(s, 2000 * KB);
  assertEquals(c.closed, false);
  s.client().send("CONFIG", "SET", "maxmemory", "10mb");
  assertEquals(c.closed, true);
});

Deno.test("what clients hold counts against maxmemory, and no more when they have gone", () => {
  using s = startInProcess({ config: { maxmemory: "100mb" } });
  const before = s.engine.memory.usedBytes;
  const c = holding(s, 1000 * KB);
  const grown = s.engine.memory.usedBytes - before;
  assert(grown > 1000 * KB && grown < 3000 * KB, String(grown));
  c.close(false);
  assertEquals(s.engine.memory.usedBytes, before);
});

Deno.test("watched keys and subscriptions count", () => {
  using s = startInProcess({ config: { "maxmemory-clients": "100kb" } });
  const watcher = s.client(), subscriber = s.client();
  for (let i = 0; i < 2000 && !watcher.closed; i++) watcher.send("WATCH", `k${i}`);
  for (let i = 0; i < 2000 && !subscriber.closed; i++) subscriber.send("PSUBSCRIBE", `p${i}`);
  assertEquals([watcher.closed, subscriber.closed], [true, true]);
});

Deno.test("clientMemory counts the query buffer, queued commands, names, and output of its own only", () => {
  using s = startInProcess();
  const { client } = s.client();
  const sized = (queryCapacity: number, outputBytes: number) =>
    Object.assign(client, { transport: { queryCapacity, outputBytes, address: "", close() {} } }) &&
    clientMemory(s.engine, client);
  const pooled = client.reply.capacity - client.reply.length;
  assertEquals([sized(0, 0), sized(1000, 0)], [0, 1000]);
  assertEquals([sized(0, 16_384 - pooled), sized(0, 16_385 - pooled)], [0, 16_385]);
  client.queueBytes = 7;
  assertEquals(sized(1000, 0), 1007);
  const other = s.client();
  const before = clientMemory(s.engine, other.client);
  other.send("SUBSCRIBE", "a", "b");
  other.received();
  assertEquals(clientMemory(s.engine, other.client) - before >= 2 * 96, true);
});
