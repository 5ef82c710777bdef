/**
 * Collections that have runs in the store: whatever commands, expiry, flushes, snapshots and
 * compactions do to keys, every run has one owner, the account is right, and the members are those
 * of a plain model.
 */
import { assertEquals } from "@std/assert";
import { NO_EXPIRY } from "../../../src/keyspace/database.ts";
import { RdbWriter } from "../../../src/persistence/rdb/rdb_writer.ts";
import { Snapshot } from "../../../src/persistence/snapshot/snapshot.ts";
import { storeFaults } from "../../../src/store/check.ts";
import { Random } from "../../../src/util/random.ts";
import { type InProcessClient, type InProcessServer, startInProcess } from "../../support/in_process.ts";

type Keys = Map<string, Set<string>>;

function faultsOf({ engine }: InProcessServer): string[] {
  while (engine.limits.store.freeSome(100));
  return storeFaults(
    engine.limits.store,
    engine.databases.map((database) => (visit) => database.forEachRun(visit)),
  );
}

/** A field's value and the time it expires at. */
type Fields = Map<string, { value: string; atMs: number }>;

type Scores = Map<string, number>;

/** Members and scores as a sorted set orders them. */
function inOrder(scores: Scores): [string, number][] {
  return [...scores].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
}

/**
 * A server with sets, hashes and sorted sets in databases of their own, and the model beside it.
 */
class World {
  readonly server = startInProcess({ lines: ["enable-debug-command yes"] });
  readonly client: InProcessClient = this.server.client();
  readonly databases: [Keys, Keys] = [new Map(), new Map()];
  readonly hashes = new Map<string, Fields>();
  readonly zsets = new Map<string, Scores>();
  #snapshot: Snapshot | null = null;
  snapshots = 0;

  constructor(readonly random: Random) {}

  #members(): string[] {
    const { random } = this, from = random.below(3000), count = [3, 40, 200, 1500][random.below(4)]!;
    return Array.from({ length: count }, (_, i) => `member:${from + i}`);
  }

  change(): void {
    const { client, random } = this, id = random.below(2), keys = this.databases[id]!;
    const key = `k${random.below(5)}`,
      other = `k${random.below(5)}`,
      set = keys.get(key) ?? new Set<string>();
    client.send("SELECT", String(id));
    switch (random.below(14)) {
      case 0:
        return void (client.send("DEL", key), keys.delete(key));
      case 1:
        if (!keys.has(key) || key === other) return;
        return void (client.send("RENAME", key, other), keys.delete(key), keys.set(other, set));
      case 2:
        if (!keys.has(key) || key === other) return;
        return void (client.send("COPY", key, other, "REPLACE"), keys.set(other, new Set(set)));
      case 3:
        if (client.send("MOVE", key, String(1 - id)) === 1) {
          keys.delete(key);
          this.databases[1 - id]!.set(key, set);
        }
        return;
      case 4:
        return void (client.send("SWAPDB", "0", "1"), this.databases.reverse());
      case 5:
        return this.#store(keys, "SUNIONSTORE", key, other, (a, b) => a.union(b));
      case 6:
        return this.#store(keys, "SINTERSTORE", key, other, (a, b) => a.intersection(b));
      case 7:
        return this.#store(keys, "SDIFFSTORE", key, other, (a, b) => a.difference(b));
      case 8:
        return this.#pop(keys, key, set);
      case 9:
        return this.#overwrite(keys, key, other, set);
      case 10:
        return this.#remove(keys, key, set);
      default:
        for (const member of this.#members()) client.send("SADD", key, member), set.add(member);
        keys.set(key, set);
    }
  }

  #store(
    keys: Keys,
    command: string,
    key: string,
    other: string,
    join: (a: Set<string>, b: Set<string>) => Set<string>,
  ) {
    const result = join(keys.get(key) ?? new Set(), keys.get(other) ?? new Set()),
      target = `k${this.random.below(5)}`;
    assertEquals(this.client.send(command, target, key, other), result.size);
    if (result.size > 0) keys.set(target, result);
    else keys.delete(target);
  }

  /** Changes a hash of one to a few thousand fields, some of which expire. */
  changeHash(): void {
    const { client, random, hashes } = this, key = `h${random.below(4)}`, other = `h${random.below(4)}`;
    const fields: Fields = hashes.get(key) ?? new Map();
    const from = random.below(2000), count = [1, 5, 90, 600, 2500][random.below(5)]!;
    const names = Array.from({ length: count }, (_, i) => `field:${from + i}`),
      block = ["FIELDS", `${count}`, ...names];
    const setTimes = (atMs: number) =>
      names.forEach((name) => fields.has(name) && (fields.get(name)!.atMs = atMs));
    client.send("SELECT", "9");
    const kind = random.below(12);
    if (kind < 5) {
      const value = "v".repeat(random.below(60));
      client.send("HSET", key, ...names.flatMap((name) => [name, value]));
      for (const name of names) fields.set(name, { value, atMs: Infinity });
      hashes.set(key, fields);
    } else if (kind < 8) {
      const atMs = this.server.engine.nowMs + 1 + random.below(4000);
      client.send("HPEXPIREAT", key, String(atMs), ...block);
      setTimes(atMs);
    } else if (kind === 8) {
      client.send("HPERSIST", key, ...block);
      setTimes(Infinity);
    } else if (kind === 9) {
      client.send("HDEL", key, ...names);
      for (const name of names) fields.delete(name);
    } else if (fields.size > 0 && other !== key) {
      client.send(...(kind === 10 ? ["COPY", key, other, "REPLACE"] : ["RENAME", key, other]));
      hashes.set(other, new Map([...fields].map(([name, field]) => [name, { ...field }])));
      if (kind === 11) hashes.delete(key);
    }
    if (fields.size === 0) hashes.delete(key);
  }

  /** Changes a sorted set of one to a few thousand members. */
  changeZset(): void {
    const { client, random, zsets } = this, key = `z${random.below(4)}`, other = `z${random.below(4)}`;
    const zset: Scores = zsets.get(key) ?? new Map(), target = `z${random.below(4)}`, keyed = new Map(zset);
    const from = random.below(2000), count = [1, 5, 150, 600, 2500][random.below(5)]!;
    const names = Array.from({ length: count }, (_, i) => `member:${from + i}`), score = random.below(40) / 4;
    const put = (at: string, scores: Scores) => scores.size === 0 ? zsets.delete(at) : zsets.set(at, scores);
    client.send("SELECT", "8");
    const kind = random.below(12);
    if (kind < 5) {
      client.send("ZADD", key, ...names.flatMap((name, i) => [String(score + i % 7), name]));
      names.forEach((name, i) => zset.set(name, score + i % 7));
      put(key, zset);
    } else if (kind < 7) {
      client.send("ZREM", key, ...names);
      for (const name of names) zset.delete(name);
      put(key, zset);
    } else if (kind === 7) {
      client.send(
        ...(score < 5 ? ["ZPOPMIN", key, `${count}`] : ["ZREMRANGEBYRANK", key, "0", `${count - 1}`]),
      );
      for (const [name] of inOrder(zset).slice(0, count)) zset.delete(name);
      put(key, zset);
    } else if (kind === 8) {
      client.send("ZUNIONSTORE", target, "2", key, other, "AGGREGATE", "MAX");
      for (const [name, of] of zsets.get(other) ?? []) keyed.set(name, Math.max(of, keyed.get(name) ?? of));
      put(target, keyed);
    } else if (kind === 9) {
      client.send("ZRANGESTORE", target, key, "0", `${count - 1}`);
      put(target, new Map(inOrder(zset).slice(0, count)));
    } else if (kind === 10) {
      client.send("ZINTERSTORE", target, "2", key, other, "AGGREGATE", "MIN");
      const both = inOrder(zset).filter(([name]) => zsets.get(other)?.has(name));
      put(target, new Map(both.map(([name, of]) => [name, Math.min(of, zsets.get(other)!.get(name)!)])));
    } else if (zset.size > 0 && other !== key) {
      client.send("COPY", key, other, "REPLACE");
      put(other, keyed);
    }
  }

  #checkZsets(message: string): void {
    this.client.send("SELECT", "8");
    assertEquals(this.client.send("DBSIZE"), this.zsets.size, message);
    for (const [key, zset] of this.zsets) {
      const members = this.client.send("ZRANGE", key, "0", "-1", "WITHSCORES");
      assertEquals(
        members,
        inOrder(zset).flatMap(([name, score]) => [name, String(score)]),
        `${message}, ${key}`,
      );
    }
  }

  /**
   * Advances the clock so that fields expire: by the active cycle, or when a command reads them.
   */
  passTime(): void {
    const { random, hashes, server, client } = this;
    server.advance(random.below(600));
    client.send("SELECT", "9");
    for (const [key, fields] of [...hashes]) {
      for (const [name, { atMs }] of [...fields]) {
        if (atMs > server.engine.nowMs) continue;
        if (random.below(50) === 0) assertEquals(client.send("HMGET", key, name, name), [null, null]);
        fields.delete(name);
      }
      if (fields.size === 0) hashes.delete(key);
    }
    server.expireCycle();
  }

  #checkHashes(message: string): void {
    this.client.send("SELECT", "9");
    assertEquals(this.client.send("DBSIZE"), this.hashes.size, message);
    for (const [key, fields] of this.hashes) {
      const found = this.client.send("HGETALL", key) as string[], seen = new Map<string, string>();
      for (let i = 0; i < found.length; i += 2) seen.set(found[i]!, found[i + 1]!);
      assertEquals(seen, new Map([...fields].map(([name, { value }]) => [name, value])), message);
      const names = [...fields.keys()].slice(0, 50), times = names.map((name) => fields.get(name)!.atMs);
      const shown = times.map((atMs) => atMs === Infinity ? -1 : atMs);
      assertEquals(
        this.client.send("HPEXPIRETIME", key, "FIELDS", String(names.length), ...names),
        shown,
        message,
      );
    }
  }

  #pop(keys: Keys, key: string, set: Set<string>): void {
    const popped = this.client.send("SPOP", key, String(1 + this.random.below(1500))) as string[];
    for (const member of popped) set.delete(member);
    if (set.size === 0) keys.delete(key);
  }

  #remove(keys: Keys, key: string, set: Set<string>): void {
    const members = this.#members();
    this.client.send("MULTI");
    this.client.send("SREM", key, ...members);
    this.client.send("EXEC");
    for (const member of members) set.delete(member);
    if (set.size === 0) keys.delete(key);
  }

  #overwrite(keys: Keys, key: string, other: string, set: Set<string>): void {
    const { client, random } = this;
    if (!keys.has(key)) return;
    if (random.below(2) === 0) {
      client.send("SET", other, "x");
      client.send("DEL", other);
      return void keys.delete(other);
    }
    if (random.below(8) === 0) return void (client.send("FLUSHDB"), keys.clear());
    if (random.below(3) === 0) {
      client.send("PEXPIRE", key, "5");
      this.server.advance(10);
      this.server.expireCycle();
      return void keys.delete(key);
    }
    client.send("RESTORE", other, "0", client.send("DUMP", key) as string, "REPLACE");
    keys.set(other, new Set(set));
  }

  stepSnapshot(): void {
    if (this.#snapshot === null) {
      const facts = { aux: [], libraries: [], hasFieldExpiry: false, compress: false, checksum: false };
      this.#snapshot = new Snapshot(this.server.engine.databases, new RdbWriter(facts), { write: () => {} });
      this.#snapshot.watch();
    } else if (this.#snapshot.step(() => this.random.below(40) === 0)) {
      this.#snapshot = null;
      this.snapshots++;
    }
  }

  endSnapshot(): void {
    while (this.#snapshot !== null) this.stepSnapshot();
  }

  check(message: string): void {
    this.#checkHashes(message);
    this.#checkZsets(message);
    for (const [id, keys] of this.databases.entries()) {
      this.client.send("SELECT", String(id));
      assertEquals(this.client.send("DBSIZE"), keys.size, message);
      for (const [key, set] of keys) {
        const members = this.client.send("SMEMBERS", key) as string[];
        assertEquals(members.sort(), [...set].sort(), `${message}, ${key} in ${id}`);
      }
      const database = this.server.engine.databases[id]!;
      let records = 0;
      database.forEach((ref) => {
        records += database.memoryOf(ref) - (database.expiryOf(ref) === NO_EXPIRY ? 12 : 24);
      });
      assertEquals(database.memoryBytes, records + database.overheadBytes, message);
    }
  }
}

Deno.test("collections in the store own each run once, whatever happens to their keys", () => {
  let snapshots = 0;
  for (let seed = 0; seed < 3; seed++) {
    const world = new World(new Random(seed)), { engine } = world.server, message = `seed ${seed}`;
    for (let step = 0; step < 300; step++) {
      world.change();
      world.changeHash();
      world.changeZset();
      if (world.random.below(5) === 0) world.passTime();
      if (world.random.below(4) === 0) world.stepSnapshot();
      if (world.random.below(6) === 0) engine.compaction.step(1 + world.random.below(3000));
      if (step % 100 === 99) {
        world.check(message);
        world.endSnapshot();
        assertEquals(faultsOf(world.server), [], message);
      }
    }
    world.client.send("FLUSHALL");
    assertEquals([faultsOf(world.server), engine.limits.store.liveBytes], [[], 0], message);
    snapshots += world.snapshots;
  }
  assertEquals(snapshots > 5, true);
});

Deno.test("StoreCompaction gives memory back while a large set stays in use", () => {
  using server = startInProcess();
  const client = server.client(), { engine } = server, { store } = engine.limits;
  for (let i = 0; i < 150_000; i++) {
    client.send("SADD", i % 10 === 0 ? "kept" : `dropped:${i % 7}`, `member:${i}`);
  }
  for (let i = 0; i < 7; i++) client.send("DEL", `dropped:${i}`);
  while (store.freeSome(1000));
  const before = store.heldBytes;
  client.send("SREM", "kept", "member:0");
  let steps = 0;
  while (engine.compaction.step(500)) {
    if (++steps % 5 === 0) client.send("SADD", "kept", `new:${steps}`);
  }
  assertEquals(client.send("SCARD", "kept"), 14_999 + Math.floor(steps / 5));
  assertEquals(client.send("SISMEMBER", "kept", "member:149990"), 1);
  assertEquals(faultsOf(server), []);
  assertEquals(store.heldBytes < before / 2, true, `${before} → ${store.heldBytes}, live ${store.liveBytes}`);
});

Deno.test("SUNION and SDIFF leave nothing in the store", () => {
  using server = startInProcess();
  const client = server.client(), { store } = server.engine.limits;
  for (let i = 0; i < 500; i++) client.send("SADD", "a", `a${i}`), client.send("SADD", "b", `b${i}`);
  const before = store.liveBytes;
  assertEquals((client.send("SUNION", "a", "b") as string[]).length, 1000);
  assertEquals((client.send("SDIFF", "a", "b") as string[]).length, 500);
  assertEquals([faultsOf(server), store.liveBytes], [[], before]);
});

Deno.test("a large collection and a flushed database are freed in slices, and are no longer counted at once", () => {
  using server = startInProcess();
  const client = server.client(),
    { engine } = server,
    { store } = engine.limits,
    database = engine.databases[0]!;
  const empty = database.memoryBytes;
  for (const command of [["DEL", "large"], ["FLUSHALL"]]) {
    for (let i = 0; i < 5000; i++) client.send("SADD", "large", `member:${i}`);
    for (let i = 0; i < 2000; i++) client.send("SADD", `medium:${i % 20}`, `member:${i}`);
    const live = store.liveBytes;
    client.send(...command);
    assertEquals(store.owesFrees, true);
    let slices = 0;
    while (store.freeSome(100)) {
      slices++;
      if (slices % 10 === 0) client.send("SADD", "new", `member:${slices}`);
    }
    assertEquals(slices > 20, true, String(slices));
    assertEquals(faultsOf(server), []);
    assertEquals(store.liveBytes < live / 2, true, `${live} → ${store.liveBytes}`);
  }
  client.send("DEL", "new");
  assertEquals([faultsOf(server), store.liveBytes, database.memoryBytes], [[], 0, empty]);
});

/** The commands applied to a list and to the array it must equal. */
class ListWorld {
  readonly server = startInProcess({ lines: ["enable-debug-command yes"] });
  readonly client: InProcessClient = this.server.client();
  readonly lists = new Map<string, string[]>();

  constructor(readonly random: Random) {}

  change(): void {
    const { client, random, lists } = this, key = `k${random.below(4)}`, other = `k${random.below(4)}`;
    const list = lists.get(key) ?? [];
    const texts = Array.from(
      { length: 1 + random.below([3, 40, 1500][random.below(3)]!) },
      () => this.#text(),
    );
    switch (random.below(12)) {
      case 0:
        return void (client.send("DEL", key), lists.delete(key));
      case 1:
        if (list.length === 0 || key === other) return;
        return void (client.send("RENAME", key, other), lists.delete(key), lists.set(other, list));
      case 2:
        if (list.length === 0 || key === other) return;
        return void (client.send("COPY", key, other, "REPLACE"), lists.set(other, [...list]));
      case 3:
        if (list.length === 0) return;
        client.send("RESTORE", other, "0", client.send("DUMP", key) as string, "REPLACE");
        return void lists.set(other, [...list]);
      case 4:
        if (list.length === 0) return;
        client.send("SORT", key, "ALPHA", "STORE", other);
        return void lists.set(other, [...list].sort());
      case 5:
        if (list.length === 0) return;
        return this.#move(key, other, list);
      case 6: {
        const from = random.below(30), to = Math.max(list.length - random.below(30), 1);
        client.send("LTRIM", key, String(from), String(to - 1));
        return this.#keep(key, list.slice(from, to));
      }
      case 7:
        return this.#pop(key, list);
      default: {
        const head = random.below(2) === 0;
        assertEquals(client.send(head ? "LPUSH" : "RPUSH", key, ...texts), list.length + texts.length);
        this.#keep(key, head ? [...texts.toReversed(), ...list] : [...list, ...texts]);
      }
    }
  }

  #text(): string {
    const { random } = this;
    return random.below(300) === 0 ? "x".repeat(random.below(90_000)) : `element ${random.below(1e6)}`;
  }

  #keep(key: string, list: string[]): void {
    if (list.length > 0) this.lists.set(key, list);
    else this.lists.delete(key);
  }

  #move(key: string, other: string, list: string[]): void {
    assertEquals(this.client.send("LMOVE", key, other, "LEFT", "RIGHT"), list[0]);
    const moved = list.shift()!;
    this.#keep(key, list);
    this.#keep(other, [...this.lists.get(other) ?? [], moved]);
  }

  #pop(key: string, list: string[]): void {
    const count = this.random.below(2000);
    if (list.length > 0) {
      assertEquals(this.client.send("RPOP", key, String(count)), list.splice(-count, count).reverse());
    }
    this.#keep(key, list);
  }

  check(message: string): void {
    assertEquals(faultsOf(this.server), [], message);
    const [database] = this.server.engine.databases;
    assertEquals(database!.size, this.lists.size, message);
    for (const [key, list] of this.lists) {
      assertEquals(this.client.send("LRANGE", key, "0", "-1"), list, message);
    }
    let records = 0;
    database!.forEach((ref) => records += database!.memoryOf(ref) - 12);
    assertEquals(database!.memoryBytes, records + database!.overheadBytes, message);
  }
}

Deno.test("lists in the store own each run once, whatever happens to their keys", () => {
  for (let seed = 0; seed < 3; seed++) {
    const world = new ListWorld(new Random(seed)), { engine } = world.server;
    for (let step = 0; step < 400; step++) {
      world.change();
      if (world.random.below(5) === 0) engine.compaction.step(1 + world.random.below(3000));
      if (step % 40 === 39) world.check(`seed ${seed}, step ${step}`);
    }
    world.client.send("FLUSHALL");
    assertEquals([faultsOf(world.server), engine.limits.store.liveBytes], [[], 0], `seed ${seed}`);
  }
});
