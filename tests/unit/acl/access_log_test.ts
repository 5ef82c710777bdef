import { assertEquals } from "@std/assert";
import { type AccessEvent, AccessLog } from "../../../src/acl/access_log.ts";

const event: AccessEvent = {
  reason: "key",
  context: "toplevel",
  object: "k",
  userName: "u",
  clientInfo: "id=1",
  atMs: 1000,
};

function objects(log: AccessLog): string[] {
  return log.newest(100).map(({ object, count }) => `${object} ${count}`);
}

Deno.test("AccessLog counts what happens again within a minute, with the last client and time", () => {
  const log = new AccessLog();
  log.add(event, 10);
  log.add({ ...event, object: "other" }, 10);
  log.add({ ...event, clientInfo: "id=2", atMs: 61_000 }, 10);
  assertEquals(objects(log), ["k 2", "other 1"]);
  assertEquals(log.newest(1)[0], {
    ...event,
    clientInfo: "id=2",
    atMs: 61_000,
    id: 0,
    createdAtMs: 1000,
    count: 2,
  });
  log.add({ ...event, atMs: 121_001 }, 10);
  assertEquals(objects(log), ["k 1", "k 2", "other 1"]);
  assertEquals(log.newest(3).map(({ id }) => id), [2, 0, 1]);
  log.clear();
  log.add(event, 10);
  assertEquals(log.newest(1)[0]?.id, 3);
});

Deno.test("AccessLog keeps apart reasons, contexts, objects and users", () => {
  const log = new AccessLog();
  const others: Partial<AccessEvent>[] = [
    { reason: "command" },
    { context: "multi" },
    { object: "x" },
    { userName: "v" },
  ];
  log.add(event, 10);
  for (const difference of others) log.add({ ...event, ...difference }, 10);
  assertEquals(log.length, 5);
});

Deno.test("AccessLog looks back ten entries and keeps as many as it is told", () => {
  const log = new AccessLog();
  log.add(event, 100);
  for (let i = 0; i < 10; i++) log.add({ ...event, object: `x${i}` }, 100);
  log.add(event, 100);
  assertEquals(objects(log).filter((line) => line.startsWith("k")), ["k 1", "k 1"]);
  log.add({ ...event, object: "last" }, 3);
  assertEquals(objects(log), ["last 1", "k 1", "x9 1"]);
  log.clear();
  assertEquals(log.length, 0);
});
