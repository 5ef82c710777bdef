import { assertEquals } from "@std/assert";
import { Args } from "../../../src/engine/args.ts";
import { HashValue } from "../../../src/data/hash.ts";
import { defaultLimits } from "../../../src/data/limits.ts";
import { LOOK_AHEAD, LookAhead } from "../../../src/engine/look_ahead.ts";
import { Database, NO_EXPIRY } from "../../../src/keyspace/database.ts";
import { Key } from "../../../src/keyspace/key.ts";
import type { CommandBatch } from "../../../src/protocol/command_batch.ts";
import { RequestDecoder } from "../../../src/protocol/request_decoder.ts";
import { bytesOf, latin1 } from "../../../src/util/bytes.ts";
import { encodeCommand, type InProcessServer, startInProcess } from "../../support/in_process.ts";

const MANY_KEYS = 20_001;

/** Notes the hashes that are touched. */
class WatchedDatabase extends Database {
  readonly touched: number[][] = [];

  override touch(hashes: Int32Array, count: number): void {
    this.touched.push([...hashes.subarray(0, count)]);
    super.touch(hashes, count);
  }
}

function fill(database: Database, keys: number): void {
  const value = bytesOf("value");
  for (let i = 0; i < keys; i++) {
    database.setString(Key.of(`key:${i}`), 0, value, 0, value.length, { expiresAtMs: NO_EXPIRY, clock: 0 });
  }
}

function batchOf(commands: readonly string[][]): CommandBatch {
  const decoder = new RequestDecoder({ maxBulkBytes: 1 << 20, maxQueryBytes: 1 << 20 });
  for (const words of commands) decoder.append(encodeCommand(...words));
  decoder.decode();
  return decoder.batch;
}

Deno.test("LookAhead touches the keys of the next commands, if there are several and the keyspace is large", () => {
  const database = new WatchedDatabase(defaultLimits()), ahead = new LookAhead();
  const others = Array.from({ length: LOOK_AHEAD }, () => ["GET", "key:2"]);
  const batch = batchOf([
    ["GET", "key:1"],
    ["PING"],
    ["ECHO", "x".repeat(200)],
    ["SET", "absent", "1"],
    ...others,
  ]);
  fill(database, 100);
  ahead.touch(database, batch, 0);
  assertEquals(database.touched, []);
  fill(database, MANY_KEYS);
  ahead.touch(database, batch, 0);
  ahead.touch(database, batch, LOOK_AHEAD);
  ahead.touch(database, batch, batch.count - 1);
  const [first, absent, other] = ["key:1", "absent", "key:2"].map((text) => Key.of(text).hash);
  const otherHashes = others.map(() => other);
  assertEquals(database.touched, [[first, absent, ...otherHashes.slice(4)], otherHashes.slice(0, 4)]);
});

Deno.test("LookAhead touches the parts of a large collection that the next commands are for", () => {
  const touched: string[] = [];
  class WatchedHash extends HashValue {
    override touch(buf: Uint8Array, names: Int32Array, count: number): void {
      for (let i = 0; i < count; i++) touched.push(latin1(buf, names[2 * i]!, names[2 * i + 1]!));
      super.touch(buf, names, count);
    }
  }
  const database = new Database(defaultLimits()),
    ahead = new LookAhead(),
    hash = new WatchedHash(defaultLimits());
  for (let i = 0; i < MANY_KEYS; i++) hash.set(`f${i}`, "value");
  database.setCollection(Key.of("hash"), 0, hash, { expiresAtMs: NO_EXPIRY, clock: 0 });
  ahead.touch(
    database,
    batchOf([["HSET", "hash", "f1", "v"], ["HLEN", "hash"], ["HGET", "hash", "absent"]]),
    0,
  );
  assertEquals(touched, ["f1", "absent"]);
  ahead.touch(database, batchOf([["HSET", "hash", "f1", "v"], ["HGET", "hush", "f2"]]), 0);
  ahead.touch(database, batchOf([["GET", "hash"], ["GET", "hash"]]), 0);
  ahead.touch(database, batchOf([["HGET", "none", "f1"], ["HGET", "none", "f2"]]), 0);
  assertEquals(touched.length, 2);
});

Deno.test("LookAhead touches the keys of a command that has many", () => {
  const database = new WatchedDatabase(defaultLimits()), ahead = new LookAhead();
  fill(database, MANY_KEYS);
  ahead.touchKeys(database, Args.of(["GET", "a"]), 1, 1);
  const words = Array.from({ length: LOOK_AHEAD + 2 }, (_, i) => [`k${i}`, "value"]).flat();
  const args = Args.of(["MSET", ...words]);
  ahead.touchKeys(database, args, 1, 2);
  ahead.touchKeys(database, args, 1 + 2 * LOOK_AHEAD, 2);
  const hashes = words.filter((_, i) => i % 2 === 0).map((key) => Key.of(key).hash);
  assertEquals(database.touched, [hashes.slice(0, LOOK_AHEAD), hashes.slice(LOOK_AHEAD)]);
});

Deno.test("a pipeline over a large hash is answered as commands are that come one by one", () => {
  const commands = Array.from({ length: 400 }, (_, i) => {
    const field = `f${(i * 97) % 300}`;
    return [["HGET", "hash", field], ["HDEL", "hash", field], ["HSET", "hash", field, "new"]][i % 3]!;
  });
  const answers = (atOnce: number): string => {
    using server = startInProcess();
    const client = server.client();
    for (let i = 0; i < MANY_KEYS; i++) client.send("HSET", "hash", `f${i}`, "value");
    let text = "";
    for (let i = 0; i < commands.length; i += atOnce) {
      const some = commands.slice(i, i + atOnce);
      text += client.raw(bytesOf(some.map((words) => latin1(encodeCommand(...words))).join("")));
    }
    return text;
  };
  assertEquals(answers(40), answers(1));
});

Deno.test("a pipeline over a large keyspace is answered as commands are that come one by one", () => {
  const commands = Array.from({ length: 400 }, (_, i) => {
    const key = `key:${(i * 97) % 300}`;
    return [["GET", key], ["DEL", key], ["EXISTS", key], ["APPEND", key, "x"]][i % 4]!;
  });
  const answers = (run: (server: InProcessServer) => string): string => {
    using server = startInProcess();
    fill(server.engine.databases[0]!, MANY_KEYS);
    return run(server);
  };
  const alone = answers((server) => {
    const client = server.client();
    return commands.map((words) => client.raw(encodeCommand(...words))).join("");
  });
  const together = answers((server) =>
    server.client().raw(bytesOf(commands.map((words) => latin1(encodeCommand(...words))).join("")))
  );
  assertEquals(together, alone);
});
