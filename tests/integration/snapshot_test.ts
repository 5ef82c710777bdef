import { assert, assertEquals } from "@std/assert";
import { startRedeno } from "../support/oracle.ts";

Deno.test("clients are served between the slices of a BGSAVE", async () => {
  await using server = await startRedeno(["--enable-debug-command", "yes"]);
  using c = await server.connect();
  assertEquals(await c.send("DEBUG", "POPULATE", "400000"), "+OK\r\n");
  assertEquals(await c.send("BGSAVE"), "+Background saving started\r\n");
  let served = 0;
  while ((await c.send("INFO", "persistence")).includes("rdb_bgsave_in_progress:1")) served++;
  // Some 300 slices. While callbacks kept the event loop busy, it would look for requests once in 61 of them.
  assert(served > 12, `${served} requests`);
  assert((await c.send("INFO", "persistence")).includes("rdb_last_bgsave_status:ok"));
});
