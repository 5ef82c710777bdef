import { assertEquals, assertRejects } from "@std/assert";
import {
  Deadline,
  LinkError,
  MigrateLink,
  MigrateLinks,
  migrateLinksOf,
} from "../../../src/replication/migrate_links.ts";
import { bytesOf, latin1 } from "../../../src/util/bytes.ts";

/** A connection that takes and gives at most three bytes at once; `null` in `replies` is its end. */
function connectionOf(replies: (string | null)[] = []) {
  const state = { written: "", isClosed: false, closings: 0 };
  const conn = {
    read: (into: Uint8Array) => {
      const piece = replies.shift();
      if (piece === undefined) return new Promise<number | null>(() => {});
      if (piece === null) return Promise.resolve(null);
      into.set(bytesOf(piece));
      return Promise.resolve(piece.length);
    },
    write: (bytes: Uint8Array) => {
      const count = Math.min(3, bytes.length);
      state.written += latin1(bytes, 0, count);
      return Promise.resolve(count);
    },
    close: () => {
      state.closings++;
      if (state.isClosed) throw new Error("closed already");
      state.isClosed = true;
    },
  } as unknown as Deno.Conn;
  return { conn, state };
}

const later = () => new Deadline({ steadyMs: 0 }, 100_000);

Deno.test("MigrateLink writes everything and reads replies a line at a time", async () => {
  const { conn, state } = connectionOf(["+OK\r\n-ER", "R no\r", "\n+", "\r\n", null]);
  const link = new MigrateLink(conn);
  assertEquals(link.databaseId, 0);
  await link.write(bytesOf("1234567"), later());
  assertEquals(state.written, "1234567");
  assertEquals([await link.readLine(later()), await link.readLine(later())], ["+OK", "-ERR no"]);
  assertEquals(await link.readLine(later()), "+");
  const error = await assertRejects(() => link.readLine(later()), LinkError, "error or timeout reading");
  assertEquals([error.step, error.isForbidden], ["reading", false]);
});

Deno.test("MigrateLink gives up at the deadline", async () => {
  const link = new MigrateLink(connectionOf().conn);
  const error = await assertRejects(() => link.readLine(new Deadline({ steadyMs: 0 }, 0)), LinkError);
  assertEquals(error.step, "reading");
});

Deno.test("MigrateLink may be closed twice", () => {
  const { conn, state } = connectionOf(), link = new MigrateLink(conn);
  link.close();
  link.close();
  assertEquals([state.isClosed, state.closings], [true, 2]);
});

Deno.test("MigrateLinks gives back the link it keeps for a server, once", async () => {
  const links = new MigrateLinks(), { conn } = connectionOf(), link = new MigrateLink(conn);
  links.keep("host", 1, link);
  assertEquals(links.size, 1);
  assertEquals(await links.open("host", 1, later()), { link, isFresh: false });
  assertEquals(links.size, 0);
});

Deno.test("MigrateLinks connects where it keeps nothing, or says that it cannot", async () => {
  const links = new MigrateLinks();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }), { port } = listener.addr;
  const [{ link, isFresh }, accepted] = await Promise.all([
    links.open("127.0.0.1", port, later()),
    listener.accept(),
  ]);
  assertEquals([isFresh, links.size], [true, 0]);
  link.close();
  accepted.close();
  listener.close();
  const error = await assertRejects(() => links.open("127.0.0.1", port, later()), LinkError);
  assertEquals([error.step, error.isForbidden], ["connecting", false]);
});

Deno.test("MigrateLinks keeps 64 servers' links and drops the oldest, and a link that is replaced", () => {
  const links = new MigrateLinks(), kept = Array.from({ length: 66 }, () => connectionOf());
  const keep = (host: string, at: number) => links.keep(host, 1, new MigrateLink(kept[at]!.conn));
  const closed = () => kept.flatMap(({ state }, at) => state.isClosed ? [at] : []);
  for (let at = 0; at < 64; at++) keep(`host${at}`, at);
  assertEquals([links.size, closed()], [64, []]);
  keep("host64", 64);
  assertEquals([links.size, closed()], [64, [0]]);
  keep("host64", 65);
  assertEquals([links.size, closed().includes(64)], [63, true]);
});

Deno.test("MigrateLinks drops a link that has been kept for ten seconds", () => {
  const { setTimeout: original } = globalThis, timers: { callback: () => void; ms: number }[] = [];
  const links = new MigrateLinks(), { conn, state } = connectionOf();
  Object.assign(globalThis, {
    setTimeout: (callback: () => void, ms: number) => {
      timers.push({ callback, ms });
      return original(() => {}, 0);
    },
  });
  try {
    links.keep("host", 1, new MigrateLink(conn));
  } finally {
    Object.assign(globalThis, { setTimeout: original });
  }
  assertEquals([timers.length, timers[0]?.ms, links.size], [1, 10_000, 1]);
  timers[0]?.callback();
  assertEquals([state.isClosed, links.size], [true, 0]);
});

Deno.test("migrateLinksOf gives each server links of its own", () => {
  const [one, other] = [{}, {}];
  assertEquals([migrateLinksOf(one) === migrateLinksOf(one), migrateLinksOf(one) === migrateLinksOf(other)], [
    true,
    false,
  ]);
});
