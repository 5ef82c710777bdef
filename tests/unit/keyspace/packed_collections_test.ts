/**
 * Small collections lie packed in their key's record and are opened to be changed. No command may
 * show a difference: random commands of all kinds run against a plain model, encodings included,
 * while memory is compacted and snapshots are taken.
 */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { type Database, NO_EXPIRY } from "../../../src/keyspace/database.ts";
import { ValueType } from "../../../src/data/value.ts";
import { RdbWriter } from "../../../src/persistence/rdb/rdb_writer.ts";
import { Snapshot } from "../../../src/persistence/snapshot/snapshot.ts";
import { Slice } from "../../../src/keyspace/slice.ts";
import { Random } from "../../../src/util/random.ts";
import { type InProcessClient, type InProcessServer, startInProcess } from "../../support/in_process.ts";
import { RdbContent } from "../../support/rdb_content.ts";
import { plainForm } from "../../support/values.ts";

/** The limits, which change during the test. */
interface Limits {
  hashEntries: number;
  hashValue: number;
  intsetEntries: number;
  setEntries: number;
  setValue: number;
  zsetEntries: number;
  zsetValue: number;
}

const directives: Record<keyof Limits, string> = {
  hashEntries: "hash-max-listpack-entries",
  hashValue: "hash-max-listpack-value",
  intsetEntries: "set-max-intset-entries",
  setEntries: "set-max-listpack-entries",
  setValue: "set-max-listpack-value",
  zsetEntries: "zset-max-listpack-entries",
  zsetValue: "zset-max-listpack-value",
};

type Kind = "hash" | "set" | "zset" | "list";
const kinds: readonly Kind[] = ["hash", "set", "zset", "list"];

/**
 * A key in the model. Hashes, sets and sorted sets are maps; an undefined encoding means that any
 * is allowed.
 */
interface Entry {
  kind: Kind;
  map: Map<string, string>;
  list: string[];
  encoding: string | undefined;
  fieldTimes: Map<string, number>;
  expiresAtMs: number;
}

function newEntry(kind: Kind): Entry {
  const encoding = { hash: "listpack", set: "intset", zset: "listpack", list: "quicklist" }[kind];
  return { kind, map: new Map(), list: [], encoding, fieldTimes: new Map(), expiresAtMs: NO_EXPIRY };
}

function copyOf(entry: Entry): Entry {
  return {
    ...entry,
    map: new Map(entry.map),
    list: [...entry.list],
    fieldTimes: new Map(entry.fieldTimes),
  };
}

const isEmpty = ({ kind, map, list }: Entry) => (kind === "list" ? list.length : map.size) === 0;
const isInteger = (text: string) => /^(0|-?[1-9]\d{0,15})$/.test(text);

/** A set's encoding after `member` is added. */
function setEncoding({ map, encoding }: Entry, member: string, limits: Limits): string | undefined {
  const size = map.size + 1, all = [...map.keys(), member];
  if (encoding === undefined || encoding === "hashtable") return encoding;
  if (encoding === "intset" && isInteger(member)) {
    return size > limits.intsetEntries ? "hashtable" : "intset";
  }
  const looked = encoding === "intset" ? all : [member];
  const fits = size <= limits.setEntries && looked.every((text) => text.length <= limits.setValue);
  return fits ? "listpack" : "hashtable";
}

/** A server and the model beside it. */
class World {
  readonly server: InProcessServer;
  readonly client: InProcessClient;
  readonly databases = [new Map<string, Entry>(), new Map<string, Entry>()];
  readonly limits: Limits = {
    hashEntries: 5,
    hashValue: 20,
    intsetEntries: 5,
    setEntries: 5,
    setValue: 20,
    zsetEntries: 5,
    zsetValue: 20,
  };
  #snapshot: { of: Snapshot; chunks: Uint8Array[]; expected: Map<string, unknown> } | null = null;
  snapshots = 0;

  constructor(readonly random: Random) {
    const config = Object.fromEntries(
      Object.entries(directives).map(([name, word]) => [word, String(this.limits[name as keyof Limits])]),
    );
    this.server = startInProcess({ config, lines: ["enable-debug-command yes"] });
    this.client = this.server.client();
  }

  get nowMs(): number {
    return this.server.engine.nowMs;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.random.below(items.length)]!;
  }

  text(): string {
    const { random } = this;
    if (random.below(3) === 0) return String(random.below(12));
    return random.below(25) === 0 ? "long".repeat(8) : `m${random.below(12)}`;
  }

  /** Runs one command; unless it fails, `then` updates the model. */
  run(words: (string | number)[], then: () => void): void {
    const reply = this.client.send(...words.map(String));
    const failed = reply !== null && typeof reply === "object" && "message" in reply;
    assert(!failed, `${words.join(" ")}: ${failed ? JSON.stringify(reply) : ""}`);
    then();
  }

  /** One random command on one random key, or several in a transaction. */
  change(): void {
    const { random } = this;
    if (random.below(12) > 0) return this.#changeOne();
    this.client.send("MULTI");
    for (let i = random.below(6); i >= 0; i--) this.#changeOne();
    this.client.send("EXEC");
  }

  #changeOne(): void {
    const { random } = this, id = random.below(2), keys = this.databases[id]!;
    const key = `k${random.below(6)}`, entry = keys.get(key);
    this.run(["SELECT", id], () => {});
    if (entry === undefined || random.below(4) > 0) {
      this.#edit(keys, key, entry ?? newEntry(this.pick(kinds)));
    } else this.#handle(id, key, entry);
  }

  /** Changes the elements of a key's value. */
  #edit(keys: Map<string, Entry>, key: string, entry: Entry): void {
    keys.set(key, entry);
    if (entry.kind === "hash") this.#editHash(key, entry);
    else if (entry.kind === "set") this.#editSet(keys, key, entry);
    else if (entry.kind === "zset") this.#editZset(key, entry);
    else this.#editList(keys, key, entry);
    if (isEmpty(entry)) keys.delete(key);
  }

  #editHash(key: string, entry: Entry): void {
    const field = this.text(), value = this.text(), { map, fieldTimes } = entry;
    const atMs = this.nowMs + 1 + 2 * this.random.below(2000);
    const kind = this.random.below(8);
    if (kind < 4) {
      const pairs = [[field, value], [this.text(), "w"], [this.text(), "u"]].slice(
        0,
        1 + this.random.below(3),
      );
      return this.run(["HSET", key, ...pairs.flat()], () => {
        for (const [name = "", text = ""] of pairs) {
          map.set(name, text);
          fieldTimes.delete(name);
          const isLong = Math.max(name.length, text.length) > this.limits.hashValue;
          const outgrown = isLong || map.size > this.limits.hashEntries;
          if (entry.encoding !== undefined && outgrown) entry.encoding = "hashtable";
        }
      });
    }
    if (kind < 6 || !map.has(field)) {
      return this.run(["HDEL", key, field], () => void (map.delete(field), fieldTimes.delete(field)));
    }
    if (kind === 6) {
      return this.run(["HPERSIST", key, "FIELDS", "1", field], () => void fieldTimes.delete(field));
    }
    this.run(["HPEXPIREAT", key, atMs, "FIELDS", "1", field], () => {
      fieldTimes.set(field, atMs);
      if (entry.encoding === "listpack") entry.encoding = "listpackex";
    });
  }

  #addMember(entry: Entry, member: string): void {
    if (entry.map.has(member)) return;
    entry.encoding = setEncoding(entry, member, this.limits);
    entry.map.set(member, "");
  }

  #editSet(keys: Map<string, Entry>, key: string, entry: Entry): void {
    const member = this.text(), other = this.#partner(keys, "set");
    const kind = this.random.below(6);
    if (kind < 3) return this.run(["SADD", key, member], () => this.#addMember(entry, member));
    if (kind < 5) return this.run(["SREM", key, member], () => void entry.map.delete(member));
    this.run(["SMOVE", key, other.key, member], () => {
      if (!entry.map.has(member) || other.entry === entry) return;
      entry.map.delete(member);
      this.#addMember(other.entry, member);
      keys.set(other.key, other.entry);
    });
  }

  /**
   * A key for the second part of a command: one of the same kind, a missing one, or one that has
   * just expired.
   */
  #partner(keys: Map<string, Entry>, kind: Kind): { key: string; entry: Entry } {
    const names = Array.from({ length: 6 }, (_, i) => `k${i}`);
    const key = this.pick(names.filter((name) => (keys.get(name)?.kind ?? kind) === kind));
    return { key, entry: keys.get(key) ?? newEntry(kind) };
  }

  #editZset(key: string, entry: Entry): void {
    const member = this.text(), score = String(this.random.below(20) / 4), { map } = entry;
    if (this.random.below(3) === 0) {
      return this.run(["ZREM", key, member], () => void map.delete(member));
    }
    const increments = this.random.below(3) === 0;
    this.run(increments ? ["ZINCRBY", key, score, member] : ["ZADD", key, score, member], () => {
      const { zsetEntries, zsetValue } = this.limits;
      const outgrown = !map.has(member) && (map.size >= zsetEntries || member.length > zsetValue);
      if (entry.encoding !== undefined && outgrown) entry.encoding = "skiplist";
      map.set(member, String(Number(score) + (increments ? Number(map.get(member) ?? 0) : 0)));
    });
  }

  #editList(keys: Map<string, Entry>, key: string, entry: Entry): void {
    const text = this.text(), { list } = entry, other = this.#partner(keys, "list");
    const at = list.length > 0 ? this.random.below(list.length) : -1;
    switch (this.random.below(8)) {
      case 0:
        return this.run(["RPUSH", key, text, "2"], () => void list.push(text, "2"));
      case 1:
        return this.run(["LPUSH", key, text], () => void list.unshift(text));
      case 2:
        return this.run(["LPOP", key], () => void list.shift());
      case 3:
        return this.run(["LREM", key, "1", text], () => {
          if (list.includes(text)) list.splice(list.indexOf(text), 1);
        });
      case 6:
        return this.run(["LMOVE", key, other.key, "LEFT", "RIGHT"], () => {
          if (at < 0) return;
          other.entry.list.push(list.shift()!);
          keys.set(other.key, other.entry);
        });
      case 4:
        if (at < 0) return;
        return this.run(["LSET", key, at, text], () => void (list[at] = text));
      case 5:
        if (at < 0) return;
        return this.run(["LINSERT", key, "BEFORE", list[at]!, text], () => {
          list.splice(list.indexOf(list[at]!), 0, text);
        });
      default:
        return this.run(["LTRIM", key, "0", "20"], () => void list.splice(21));
    }
  }

  /** Changes a key, whatever its type. */
  #handle(id: number, key: string, entry: Entry): void {
    const keys = this.databases[id]!, others = this.databases[1 - id]!, other = `k${this.random.below(6)}`;
    const atMs = this.nowMs + 1 + 2 * this.random.below(3000);
    switch (this.random.below(10)) {
      case 0:
        return this.run(["DEL", key], () => void keys.delete(key));
      case 1:
      case 2:
        return this.run(["RENAME", key, other], () => {
          keys.delete(key);
          keys.set(other, entry);
        });
      case 3:
        if (other === key) return;
        return this.run(["COPY", key, other, "REPLACE"], () => void keys.set(other, copyOf(entry)));
      case 4:
        return this.run(["MOVE", key, 1 - id], () => {
          if (others.has(key)) return;
          keys.delete(key);
          others.set(key, entry);
        });
      case 5:
        return this.run(["SWAPDB", "0", "1"], () => void this.databases.reverse());
      case 6:
        return this.run(["PEXPIREAT", key, atMs], () => void (entry.expiresAtMs = atMs));
      case 7:
        return this.run(["PERSIST", key], () => void (entry.expiresAtMs = NO_EXPIRY));
      case 8:
        return this.#restore(keys, key, other, entry);
      default:
        return this.#sort(keys, key, other, entry);
    }
  }

  #restore(keys: Map<string, Entry>, key: string, other: string, entry: Entry): void {
    const payload = this.client.send("DUMP", key);
    // In a transaction it does not exist yet.
    if (typeof payload !== "string" || payload === "QUEUED") return;
    this.run(["RESTORE", other, "0", payload, "REPLACE"], () => {
      const encoding = entry.kind === "list" ? "quicklist" : undefined;
      keys.set(other, { ...copyOf(entry), encoding, expiresAtMs: NO_EXPIRY });
    });
  }

  #sort(keys: Map<string, Entry>, key: string, other: string, entry: Entry): void {
    if (entry.kind === "hash") return;
    this.run(["SORT", key, "ALPHA", "STORE", other], () => {
      const list = entry.kind === "list" ? [...entry.list] : [...entry.map.keys()];
      keys.set(other, { ...newEntry("list"), list: list.sort((a, b) => a < b ? -1 : 1) });
    });
  }

  changeLimits(): void {
    const name = this.pick(Object.keys(directives) as (keyof Limits)[]);
    const value = name.endsWith("Value") ? this.pick([3, 20, 100]) : 2 + this.random.below(12);
    this.run(["CONFIG", "SET", directives[name], value], () => void (this.limits[name] = value));
  }

  /**
   * Advances the clock. Expired keys vanish at once or when a command touches them; expired fields
   * need the expiry cycle, which runs here.
   */
  advance(): void {
    this.server.advance(2 * this.random.below(400));
    let isFieldDue = false;
    for (const keys of this.databases) {
      for (const [key, entry] of [...keys]) {
        for (const [field, atMs] of [...entry.fieldTimes]) {
          if (atMs > this.nowMs) continue;
          isFieldDue = true;
          entry.map.delete(field);
          entry.fieldTimes.delete(field);
        }
        const isGone = entry.expiresAtMs !== NO_EXPIRY && entry.expiresAtMs <= this.nowMs;
        if (isGone || isEmpty(entry)) keys.delete(key);
      }
    }
    if (isFieldDue) this.server.expireCycle();
  }

  /** Takes a snapshot in many steps; when it is whole, it must hold the state it began with. */
  stepSnapshot(message: string): void {
    const { engine } = this.server, { random } = this;
    if (this.#snapshot === null) {
      const chunks: Uint8Array[] = [], expected = contentOf(engine.databases);
      const facts = { aux: [], libraries: [], hasFieldExpiry: true, compress: true, checksum: true };
      const of = new Snapshot(engine.databases, new RdbWriter(facts), {
        write: (bytes) => void chunks.push(bytes.slice()),
      });
      of.watch();
      this.#snapshot = { of, chunks, expected };
    } else if (this.#snapshot.of.step(() => random.below(60) === 0)) {
      const { chunks, expected } = this.#snapshot;
      const file = new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
      const found = new Map(
        [...RdbContent.of(file).keys].map(([name, value]) => [name, bareForm((value as unknown[])[0])]),
      );
      assertEquals(sorted(found), sorted(expected), message);
      this.#snapshot = null;
      this.snapshots++;
    }
  }

  check(message: string): void {
    this.server.expireCycle();
    for (const [id, keys] of this.databases.entries()) {
      this.client.send("SELECT", String(id));
      assertEquals(this.client.send("DBSIZE"), keys.size, message);
      for (const [key, entry] of keys) this.#checkKey(key, entry, `${message}, ${key} in ${id}`);
      const database = this.server.engine.databases[id]!;
      let records = 0;
      database.forEach((ref) => {
        records += database.memoryOf(ref) - (database.expiryOf(ref) === NO_EXPIRY ? 12 : 24);
      });
      assertEquals(database.memoryBytes, records + database.overheadBytes, message);
    }
  }

  #checkKey(key: string, entry: Entry, message: string): void {
    const { client } = this, { kind, map, list } = entry;
    assertEquals(client.send("TYPE", key), kind, message);
    assertEquals(client.send("PEXPIRETIME", key), entry.expiresAtMs, message);
    const encoding = String(client.send("OBJECT", "ENCODING", key));
    if (entry.encoding !== undefined) assertEquals(encoding, entry.encoding, message);
    assertMatch(String(client.send("DEBUG", "OBJECT", key)), new RegExp(`encoding:${encoding} `), message);
    assertGreater(Number(client.send("MEMORY", "USAGE", key)), 0, message);
    const words = {
      hash: ["HGETALL", key],
      set: ["SMEMBERS", key],
      zset: ["ZRANGE", key, "0", "-1", "WITHSCORES"],
      list: ["LRANGE", key, "0", "-1"],
    }[kind];
    const reply = client.send(...words) as string[];
    if (kind === "list") return assertEquals(reply, list, message);
    if (kind === "set") return assertEquals(reply.toSorted(), [...map.keys()].sort(), message);
    const found = new Map<string, string>();
    for (let i = 0; i < reply.length; i += 2) found.set(reply[i]!, reply[i + 1]!);
    assertEquals(sorted(found), sorted(map), message);
    for (const [field, atMs] of entry.fieldTimes) {
      assertEquals(client.send("HPEXPIRETIME", key, "FIELDS", "1", field), [atMs], message);
    }
  }
}

const sorted = <T>(map: ReadonlyMap<string, T>) => [...map].sort(([a], [b]) => a < b ? -1 : 1);

/** A plain form without the encoding, which a file does not always restore. */
function bareForm(plain: unknown): unknown {
  return JSON.stringify(plain).replace(/^\["(listpack|listpackex|hashtable|intset|skiplist)",?/, "[");
}

/** The content of the databases as {@linkcode RdbContent} has it, without encodings. */
function contentOf(databases: readonly Database[]): Map<string, unknown> {
  const content = new Map<string, unknown>();
  for (const [id, database] of databases.entries()) {
    database.forEach((ref) => {
      const isString = database.typeOf(ref) === ValueType.String;
      const value = isString ? database.readString(ref, new Slice()) : database.collectionOf(ref);
      content.set(`${id} ${database.keyTextOf(ref)}`, bareForm(plainForm(value)));
    });
  }
  return content;
}

Deno.test("packed collections keep content, encoding, times and memory right under random commands", () => {
  let snapshots = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const random = new Random(seed), world = new World(random);
    using _ = world.server;
    for (let step = 0; step < 600; step++) {
      const message = `seed ${seed}, step ${step}`;
      world.change();
      if (random.below(20) === 0) world.advance();
      if (random.below(25) === 0) world.changeLimits();
      if (random.below(3) === 0) world.stepSnapshot(message);
      if (random.below(10) === 0) {
        for (const database of world.server.engine.databases) database.compact(50);
      }
      if (step % 25 === 0) world.check(message);
    }
    snapshots += world.snapshots;
  }
  assertGreater(snapshots, 40);
});

/**
 * For each limit of an encoding: adding the i-th element, and the encodings within and beyond the
 * limit.
 */
const growths: Record<string, { add: (i: number) => string[]; within: string; beyond: string }> = {
  "hash-max-listpack-entries": {
    add: (i) => ["HSET", "k", `f${i}`, "v"],
    within: "listpack",
    beyond: "hashtable",
  },
  "set-max-intset-entries": { add: (i) => ["SADD", "k", String(i)], within: "intset", beyond: "hashtable" },
  "set-max-listpack-entries": {
    add: (i) => ["SADD", "k", `m${i}`],
    within: "listpack",
    beyond: "hashtable",
  },
  "zset-max-listpack-entries": {
    add: (i) => ["ZADD", "k", "1", `m${i}`],
    within: "listpack",
    beyond: "skiplist",
  },
};

/**
 * The size at which the key `k`, from `from` elements on, changes its encoding; each element is
 * added by its own command.
 */
function sizeBeyond(c: InProcessClient, directive: string, from = 0): number {
  const { add, within, beyond } = growths[directive]!;
  for (let size = from + 1; size <= 40; size++) {
    c.send(...add(size));
    const encoding = c.send("OBJECT", "ENCODING", "k");
    if (encoding === beyond) return size;
    assertEquals(encoding, within, directive);
  }
  return Infinity;
}

Deno.test("collections opened from their packed form keep to the configured limits, and to those of CONFIG SET", () => {
  for (const directive of Object.keys(growths)) {
    // Sets of text are packed even if listpack sets are disabled.
    using s = startInProcess({ config: { "set-max-listpack-entries": "128", [directive]: "4" } });
    const c = s.client();
    assertEquals(sizeBeyond(c, directive), 5, directive);
    c.send("CONFIG", "SET", directive, "9");
    c.send("DEL", "k");
    for (let size = 1; size <= 7; size++) c.send(...growths[directive]!.add(size));
    c.send("RENAME", "k", "other");
    c.send("EXPIRE", "other", "1000");
    c.send("COPY", "other", "k");
    assertEquals(sizeBeyond(c, directive, 7), 10, directive);
    c.send("DEL", "k");
    for (let size = 1; size <= 7; size++) c.send(...growths[directive]!.add(size));
    c.send("CONFIG", "SET", directive, "3");
    assertEquals(sizeBeyond(c, directive, 7), 8, directive);
  }
});

Deno.test("collections opened from their packed form keep to the configured length of elements", () => {
  const values: [string, (text: string) => string[], string, string][] = [
    ["hash-max-listpack-value", (text) => ["HSET", "k", "f", text], "listpack", "hashtable"],
    ["set-max-listpack-value", (text) => ["SADD", "k", text], "listpack", "hashtable"],
    ["zset-max-listpack-value", (text) => ["ZADD", "k", "1", text], "listpack", "skiplist"],
  ];
  for (const [directive, add, within, beyond] of values) {
    using s = startInProcess({ config: { "set-max-listpack-entries": "128", [directive]: "4" } });
    const c = s.client(),
      encodings = (...texts: string[]) =>
        texts.map((text) => {
          c.send(...add(text));
          return c.send("OBJECT", "ENCODING", "k");
        });
    assertEquals(encodings("a", "1234", "12345"), [within, within, beyond], directive);
    c.send("CONFIG", "SET", directive, "70");
    c.send("DEL", "k");
    assertEquals(encodings("a", "x".repeat(70), "x".repeat(71)), [within, within, beyond], directive);
  }
});

Deno.test("a hash whose fields expire is found by commands, the active cycle and COPY after it was packed", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "h", "a", "1", "b", "2", "c", "3");
  c.send("HPEXPIRE", "h", "100", "FIELDS", "1", "a");
  assertEquals(c.send("OBJECT", "ENCODING", "h"), "listpackex");
  c.send("HPEXPIRE", "h", "200", "FIELDS", "1", "b");
  c.send("COPY", "h", "copy");
  c.send("RENAME", "h", "named");
  c.send("MOVE", "named", "1");
  s.advance(150);
  assertEquals(c.send("HGETALL", "copy"), ["b", "2", "c", "3"]);
  s.expireCycle();
  assertEquals(c.send("HLEN", "copy"), 2);
  c.send("SELECT", "1");
  assertEquals(c.send("HLEN", "named"), 2);
  c.send("HDEL", "named", "c");
  s.advance(100);
  s.expireCycle();
  assertEquals(c.send("EXISTS", "named"), 0);
});

Deno.test("blocked clients and WATCH see every change of packed collections", () => {
  using s = startInProcess();
  const [c, popper, watcher] = [s.client(), s.client(), s.client()];
  c.send("ZADD", "z", "1", "a");
  watcher.send("WATCH", "z");
  watcher.send("MULTI");
  watcher.send("ZCARD", "z");
  popper.send("BLMPOP", "0", "2", "p", "q", "LEFT", "COUNT", "2");
  c.send("MULTI");
  c.send("RPUSH", "q", "1", "2", "3");
  c.send("LSET", "q", "0", "one");
  c.send("ZADD", "z", "2", "b");
  c.send("EXEC");
  assertEquals(popper.received(), [["q", ["one", "2"]]]);
  assertEquals(c.send("LRANGE", "q", "0", "-1"), ["3"]);
  assertEquals(watcher.send("EXEC"), null);
});

Deno.test("eviction removes packed collections, and memory counts them by their bytes", () => {
  using s = startInProcess({ config: { "maxmemory-policy": "allkeys-random" } });
  const c = s.client(), { engine } = s, database = engine.databases[0]!;
  for (let i = 0; i < 2000; i++) c.send("HSET", `h${i}`, "field", "x".repeat(50));
  const each = Number(c.send("MEMORY", "USAGE", "h1")), full = database.memoryBytes;
  assert(each > 80 && each < 150, `${each} bytes`);
  c.send("CONFIG", "SET", "maxmemory", String(engine.memory.usedBytes - 1000 * each));
  c.send("HSET", "h", "field", "v");
  assert(database.size > 700 && database.size < 1100, `${database.size} keys`);
  assert(database.memoryBytes < full - 900 * each);
  for (let i = 0; i < 2000; i++) {
    const value = c.send("HGET", `h${i}`, "field");
    assert(value === null || value === "x".repeat(50));
  }
});

Deno.test("a script sees its own changes to collections packed between its calls", () => {
  using s = startInProcess({ config: { "hash-max-listpack-entries": "3" } });
  const c = s.client(), { engine } = s;
  const script = `
    redis.call('HSET', 'h', 'a', '1')
    local before = redis.call('HINCRBY', 'h', 'a', 4)
    redis.call('RENAME', 'h', 'g')
    redis.call('HSET', 'g', 'b', '2', 'c', '3')
    local small = redis.call('OBJECT', 'ENCODING', 'g')
    redis.call('HSET', 'g', 'd', '4')
    local large = redis.call('OBJECT', 'ENCODING', 'g')
    redis.call('SADD', 's', 'x', 'y')
    redis.call('SMOVE', 's', 't', 'x')
    redis.call('EXPIRE', 't', 100)
    redis.call('SADD', 't', 'z')
    return {before, small, large, redis.call('HGET', 'g', 'a'), redis.call('SCARD', 't'), redis.call('TTL', 't')}`;
  assertEquals(c.send("EVAL", script, "0"), [5, "listpack", "hashtable", "5", 2, 100]);
  assertEquals(c.send("EVAL", "redis.call('RPUSH', 'l', 'a') redis.call('FLUSHALL') return 1", "0"), 1);
  assertEquals([c.send("DBSIZE"), engine.databases[0]!.memoryBytes], [0, 0]);
});
