import { assertEquals } from "@std/assert";
import { StoreServer } from "../../../support/data_store.ts";

/** A server whose rewrites fail and that has grown enough for one at every look. */
async function failing() {
  const config = { appendonly: "yes", "auto-aof-rewrite-percentage": "1", "auto-aof-rewrite-min-size": "0" };
  const server = await StoreServer.start(undefined, { ...config, appendfsync: "no" });
  const { rewriter } = server.store;
  for (let i = 0; i < 10; i++) server.client().send("SET", "k", "v");
  server.disk.failure = (operation, path) =>
    operation === "write" && path.includes("temp-rewriteaof") ? "No space" : undefined;
  const look = async (ms: number) => {
    server.advance(ms);
    if (!rewriter.isRunning) rewriter.startIfDue();
    await server.finishJobs();
    return rewriter.failures;
  };
  return { server, rewriter, look };
}

Deno.test("automatic rewrites wait twice as long after each failure from the third on, an hour at most", async () => {
  const { look } = await failing();
  assertEquals([await look(0), await look(0), await look(0)], [1, 2, 3]);
  let waitMs = 60_000;
  for (let failures = 3; failures < 12; failures++) {
    assertEquals(await look(waitMs - 5), failures, `${waitMs} ms after ${failures} failures`);
    assertEquals(await look(10), failures + 1, `${waitMs} ms after ${failures} failures`);
    waitMs = Math.min(waitMs * 2, 3_600_000);
  }
});

Deno.test("BGREWRITEAOF does not wait, and lets automatic rewrites begin anew", async () => {
  const { server, rewriter, look } = await failing();
  for (let i = 0; i < 4; i++) await look(0);
  assertEquals(rewriter.failures, 3);
  server.client().send("BGREWRITEAOF");
  await server.finishJobs();
  assertEquals([rewriter.failures, await look(0)], [1, 2]);
  server.disk.failure = undefined;
  assertEquals([await look(0), rewriter.lastSucceeded], [0, true]);
});
