import { assertEquals, assertRejects } from "@std/assert";
import { Config } from "../../../src/config/config.ts";
import { type Reply, ReplyFailure } from "../../../src/protocol/reply_values.ts";
import { ClosedError, encodeWords, LocalClient } from "../../../src/server/local_client.ts";
import { Redeno } from "../../../src/server/redeno.ts";
import { VirtualClock } from "../../../src/util/clock.ts";
import { Random } from "../../../src/util/random.ts";

const quiet = { role: "M", debug() {}, verbose() {}, notice() {}, warning() {} };

/** Local clients of one server; deadlines are not armed, so nothing outlives the test. */
function startServer() {
  const { engine } = new Redeno({
    config: new Config(),
    log: quiet,
    clock: new VirtualClock(),
    random: new Random(1),
  });
  const host = {
    engine,
    requestLimits: { maxBulkBytes: 1 << 20, maxQueryBytes: 1 << 20 },
    endBatch: () => engine.endBatch(),
  };
  return { engine, client: () => new LocalClient(host) };
}

Deno.test("LocalClient.command resolves with values, and with a failure for an error reply", async () => {
  const c = startServer().client();
  assertEquals(await c.command("SET", "k", "\xff\x00"), "OK");
  assertEquals(await c.command("GET", "k"), "\xff\x00");
  assertEquals(
    await c.command("LPUSH", "k", "x"),
    new ReplyFailure("WRONGTYPE Operation against a key holding the wrong kind of value"),
  );
});

Deno.test("LocalClient runs what was sent behind a waiting command once that has been answered", async () => {
  const s = startServer(), c = s.client();
  const popped = c.command("BLPOP", "q", "0"), counted = c.command("INCR", "n");
  assertEquals(await s.client().command("GET", "n"), null);
  await s.client().command("RPUSH", "q", "x");
  assertEquals(await popped, ["q", "x"]);
  assertEquals(await counted, 1);
});

Deno.test("LocalClient hands RESP3 pushes to onPush, between the replies", async () => {
  const s = startServer(), c = s.client();
  const pushes: (readonly Reply[])[] = [];
  c.onPush = (message) => pushes.push(message);
  await c.command("HELLO", "3");
  c.run(encodeWords(["SUBSCRIBE", "news"]));
  await s.client().command("PUBLISH", "news", "today");
  assertEquals(await c.command("PING"), "PONG");
  assertEquals(pushes, [["subscribe", "news", 1], ["message", "news", "today"]]);
});

Deno.test("LocalClient.close rejects what has not been answered, and leaves no client behind", async () => {
  const s = startServer(), c = s.client();
  const popped = c.command("BLPOP", "q", "0");
  c.close(false);
  await assertRejects(() => popped, ClosedError);
  await assertRejects(() => c.command("PING"), ClosedError);
  assertEquals(s.engine.clients.size, 0);
});

Deno.test("LocalClient answers bytes that are no request and is closed behind the answer", () => {
  const s = startServer(), c = s.client();
  let received = "";
  c.onBytes = (bytes) => received += bytes;
  c.run(new TextEncoder().encode("PING\r\n*x\r\nPING\r\n"));
  assertEquals(received, "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n");
  assertEquals(c.closed, true);
});

Deno.test("LocalClient runs every command of a long inline pipeline", () => {
  const c = startServer().client();
  let received = "";
  c.onBytes = (bytes) => received += bytes;
  c.run(new TextEncoder().encode("PING\r\n".repeat(1000)));
  assertEquals(received, "+PONG\r\n".repeat(1000));
});
