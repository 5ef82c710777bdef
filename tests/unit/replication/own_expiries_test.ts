import { assertEquals } from "@std/assert";
import { OwnExpiries } from "../../../src/replication/own_expiries.ts";
import { ClientFlag } from "../../../src/engine/client.ts";
import { startInProcess } from "../../support/in_process.ts";

/** A writable replica's memory of the keys that its own clients have made. */
function start() {
  const s = startInProcess(), own = new OwnExpiries(s.engine), client = s.client();
  s.engine.isReplica = true;
  own.watch(true);
  return { s, own, client };
}

Deno.test("OwnExpiries deletes a client's key at its time and not before", () => {
  const { s, own, client } = start();
  client.send("SET", "k", "v", "PX", "100");
  client.send("SET", "lasting", "v");
  assertEquals(own.size, 1);
  s.advance(99);
  own.expire();
  assertEquals([own.size, client.send("DBSIZE")], [1, 2]);
  s.advance(1);
  own.expire();
  assertEquals([own.size, client.send("DBSIZE")], [0, 1]);
});

Deno.test("OwnExpiries knows keys by their database, and forgets them with a flush", () => {
  const { s, own, client } = start();
  for (const database of ["0", "1", "2"]) {
    client.send("SELECT", database);
    for (const key of ["a", "b"]) client.send("SET", key, "v", "PX", "100");
  }
  assertEquals(own.size, 6);
  client.send("SELECT", "1");
  client.send("FLUSHDB");
  assertEquals(own.size, 4);
  s.advance(100);
  own.expire();
  assertEquals([own.size, s.engine.databases.map(({ size }) => size).slice(0, 3)], [0, [0, 0, 0]]);
  client.send("SET", "a", "v", "PX", "100");
  client.send("FLUSHALL");
  assertEquals(own.size, 0);
});

Deno.test("OwnExpiries leaves alone what has got another time since, or none", () => {
  const { s, own, client } = start();
  client.send("SET", "later", "v", "PX", "100");
  client.send("SET", "lasting", "v", "PX", "100");
  const primary = s.client();
  primary.client.set(ClientFlag.Primary);
  primary.client.guards = 0;
  primary.send("PEXPIRE", "later", "500");
  primary.send("PERSIST", "lasting");
  primary.send("SET", "theirs", "v", "PX", "100");
  assertEquals(own.size, 2);
  s.advance(200);
  own.expire();
  assertEquals([own.size, s.engine.databases[0]!.size], [0, 3]);
});

Deno.test("OwnExpiries watches while it is on, once, and forgets all keys afterwards", () => {
  const { s, own, client } = start();
  const observers = s.engine.keys.observers.length;
  own.watch(true);
  assertEquals(s.engine.keys.observers.length, observers);
  client.send("SET", "k", "v", "PX", "100");
  own.watch(false);
  assertEquals([own.size, s.engine.keys.observers.length], [0, observers - 1]);
  own.watch(false);
  client.send("SET", "k", "v", "PX", "100");
  assertEquals([own.size, s.engine.keys.observers.length], [0, observers - 1]);
});
