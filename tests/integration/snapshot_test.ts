import { assert, assertEquals } from "@std/assert";
import { encodeCommand, startRedeno } from "../support/oracle.ts";

/** Requests, each of more bytes than one read takes, that lie ready before the snapshot begins. */
const REQUESTS = 40, REQUEST_BYTES = 60_000;

Deno.test("clients are served between the slices of a BGSAVE", async () => {
  await using server = await startRedeno(["--enable-debug-command", "yes"]);
  using c = await server.connect();
  using waiting = await server.connect();
  assertEquals(await c.send("DEBUG", "POPULATE", "400000"), "+OK\r\n");
  const request = encodeCommand(["EXISTS", "x".repeat(REQUEST_BYTES)]) +
    encodeCommand(["INFO", "persistence"]);
  const written = waiting.write(encodeCommand(["BLPOP", "gate", "0"]) + request.repeat(REQUESTS));
  if (Deno.build.os === "linux") await written; // its sockets hold all of that
  const begun = await c.pipeline([["BGSAVE"], ["RPUSH", "gate", "open"]]);
  assertEquals(begun, ["+Background saving started\r\n", ":1\r\n"]);
  assertEquals(await waiting.read(), "*2\r\n$4\r\ngate\r\n$4\r\nopen\r\n");
  let served = 0;
  for (let i = 0; i < REQUESTS; i++) {
    assertEquals(await waiting.read(), ":0\r\n");
    if ((await waiting.read()).includes("rdb_bgsave_in_progress:1")) served++;
  }
  await written;
  // Some 300 slices. While callbacks kept the event loop busy, it would look for requests once in 61 of them.
  assert(served > 12, `${served} requests`);
  while ((await c.send("INFO", "persistence")).includes("rdb_bgsave_in_progress:1"));
  assert((await c.send("INFO", "persistence")).includes("rdb_last_bgsave_status:ok"));
});
