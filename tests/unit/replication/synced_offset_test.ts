import { assertEquals } from "@std/assert";
import { SyncedOffset } from "../../../src/replication/synced_offset.ts";

Deno.test("SyncedOffset is the last offset noted whose changes are all on the disk", () => {
  const counts = { position: 0, durablePosition: 0 }, synced = new SyncedOffset(counts);
  assertEquals(synced.offset, -1);
  counts.position = 3;
  synced.mark(100);
  synced.mark(137); // bytes that change nothing
  counts.position = 5;
  synced.mark(200);
  assertEquals(synced.offset, -1);
  counts.durablePosition = 4;
  assertEquals(synced.offset, 137);
  counts.durablePosition = 5;
  assertEquals(synced.offset, 200);
  synced.mark(237);
  assertEquals(synced.offset, 237);
});
