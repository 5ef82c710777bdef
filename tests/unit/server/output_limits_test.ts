import { assertEquals } from "@std/assert";
import { ClientFlag } from "../../../src/engine/client.ts";
import { OutputLimits, UnreadLimit } from "../../../src/server/output_limits.ts";
import { type InProcessServer, startInProcess } from "../../support/in_process.ts";

function start(setting: string) {
  const server: InProcessServer = startInProcess({ config: { "client-output-buffer-limit": setting } });
  const { client } = server.client();
  return { server, client, limits: new OutputLimits(server.engine) };
}

Deno.test("OutputLimits lets normal clients wait without a limit unless one is set", () => {
  const { client, limits } = start("pubsub 100 50 10");
  assertEquals([limits.applies(client), limits.exceeded(client, 1e12)], [false, null]);
});

Deno.test("OutputLimits cuts off at the hard limit at once", () => {
  const { client, limits } = start("normal 1000 0 0");
  assertEquals(limits.applies(client), true);
  assertEquals([limits.exceeded(client, 999), limits.exceeded(client, 1000)], [null, "hard limit"]);
});

Deno.test("OutputLimits cuts off who stays over the soft limit for longer than its time, in whole seconds", () => {
  const { server, client, limits } = start("normal 0 1000 10");
  assertEquals(limits.exceeded(client, 1000), null);
  server.advance(10_000);
  assertEquals(limits.exceeded(client, 1000), null);
  server.advance(999 - server.engine.nowMs % 1000);
  assertEquals(limits.exceeded(client, 1000), null, "the last millisecond of the last second");
  server.advance(1);
  assertEquals(limits.exceeded(client, 1000), "soft limit");
  assertEquals(limits.exceeded(client, 999), null, "who has caught up begins anew");
  assertEquals(limits.exceeded(client, 1000), null);
  server.advance(11_000);
  assertEquals(limits.exceeded(client, 1000), "soft limit");
});

Deno.test("OutputLimits goes by a client's class, which may change", () => {
  const { server, client, limits } = start("normal 100 0 0 pubsub 200 0 0 replica 300 0 0");
  server.engine.config.values.replBacklogSize = 250;
  const hardLimit = () => [100, 200, 300].find((bytes) => limits.exceeded(client, bytes) !== null);
  assertEquals(hardLimit(), 100);
  client.set(ClientFlag.PubSub);
  assertEquals(hardLimit(), 200);
  client.set(ClientFlag.Replica);
  assertEquals(hardLimit(), 300);
  server.engine.config.values.replBacklogSize = 301;
  assertEquals(hardLimit(), undefined, "a replica may be sent the whole backlog");
});

Deno.test("OutputLimits lets a client that has not authenticated leave little unread", () => {
  const { client, limits } = start("normal 0 0 0");
  client.authenticated = false;
  assertEquals([limits.exceeded(client, 17_408), limits.exceeded(client, 17_409)], [null, "hard limit"]);
});

Deno.test("OutputLimits.check looks at every client that has output", () => {
  const { server, client, limits } = start("normal 100 0 0");
  client.reply.ok();
  limits.check(server.engine.clients.values());
  assertEquals(client.inOutbox, true);
});

Deno.test("UnreadLimit lets one client leave much unread, and each less the more all leave", () => {
  const server = startInProcess(), limit = new UnreadLimit(server.engine);
  assertEquals([limit.bytes, server.engine.largestBatchReply], [1 << 25, 1 << 18]);
  let total = 0, clients = 0;
  for (; limit.bytes > 1 << 14; clients++) {
    total += limit.bytes;
    limit.add(limit.bytes);
  }
  assertEquals(total <= 1 << 28, true, `${total} bytes`);
  assertEquals(clients > 50, true, `${clients} clients`);
  assertEquals(server.engine.largestBatchReply, 1 << 14);
  limit.add(1 << 30);
  assertEquals(limit.bytes, 1 << 14);
});

Deno.test("UnreadLimit gives back what has been read", () => {
  const server = startInProcess(), limit = new UnreadLimit(server.engine);
  limit.add(1 << 27);
  assertEquals(limit.bytes, 1 << 24);
  limit.add(-(1 << 27));
  assertEquals([limit.bytes, server.engine.largestBatchReply], [1 << 25, 1 << 18]);
});
