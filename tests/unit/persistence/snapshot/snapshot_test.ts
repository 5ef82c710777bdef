import { assert, assertEquals } from "@std/assert";
import { HashValue } from "../../../../src/data/hash.ts";
import { defaultLimits } from "../../../../src/data/limits.ts";
import { ListEnd, ListValue } from "../../../../src/data/list.ts";
import { Database, NO_EXPIRY } from "../../../../src/keyspace/database.ts";
import { tableOf } from "../../../../src/keyspace/index.ts";
import { Key } from "../../../../src/keyspace/key.ts";
import { Slice } from "../../../../src/keyspace/slice.ts";
import { ValueType } from "../../../../src/data/value.ts";
import { RdbWriter } from "../../../../src/persistence/rdb/rdb_writer.ts";
import { noClocks, Snapshot } from "../../../../src/persistence/snapshot/snapshot.ts";
import { bytesOf } from "../../../../src/util/bytes.ts";
import { Random } from "../../../../src/util/random.ts";
import { RdbContent } from "../../../support/rdb_content.ts";
import { plainForm, randomValue, VALUE_KINDS } from "../../../support/values.ts";

const limits = defaultLimits();
const facts = { aux: [], libraries: [], hasFieldExpiry: true, compress: true, checksum: true };

class Chunks {
  readonly chunks: Uint8Array[] = [];

  write(bytes: Uint8Array): void {
    this.chunks.push(bytes.slice());
  }

  joined(): Uint8Array {
    const whole = new Uint8Array(this.chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of this.chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }
}

/** Databases with random content and random changes. */
class World {
  readonly databases = [new Database(limits), new Database(limits), new Database(limits)];

  constructor(readonly random: Random, readonly keys: number) {}

  #set(database: Database, name: string, kind: number): void {
    const key = Key.of(name), ref = database.find(key);
    const options = {
      expiresAtMs: this.random.below(4) === 0 ? 4e12 + this.random.below(1000) : NO_EXPIRY,
      clock: 0,
    };
    const value = randomValue(this.random, kind, limits);
    if (value instanceof Slice) database.setString(key, ref, value.buf, value.start, value.end, options);
    else database.setCollection(key, ref, value, options);
  }

  #randomKey(): string {
    return `key:${this.random.below(this.keys)}`;
  }

  fill(): void {
    for (let i = 0; i < this.keys; i++) {
      const kind = this.random.below(20) === 0 ? this.random.below(VALUE_KINDS) : 0;
      this.#set(this.databases[this.random.below(2)]!, this.#randomKey(), kind);
    }
  }

  /** A random change such as commands make. */
  change(): void {
    const { random } = this, database = this.databases[random.below(3)]!, name = this.#randomKey();
    const key = Key.of(name), ref = database.find(key);
    switch (random.below(40)) {
      case 0:
        return database.clear();
      case 1:
        return void this.databases.reverse();
      case 2:
      case 3:
        return this.#set(database, name, random.below(VALUE_KINDS));
      case 4:
      case 5:
      case 6:
      case 7:
        return this.#set(database, name, 0);
    }
    if (ref === 0) return;
    if (database.typeOf(ref) === ValueType.String) {
      if (random.below(3) === 0) return database.delete(ref);
      if (random.below(2) === 0) {
        return void database.setExpiry(key, ref, random.below(2) === 0 ? NO_EXPIRY : 5e12);
      }
      const slice = new Slice();
      database.editString(key, ref, database.readString(ref, slice).length + random.below(5), slice);
      if (slice.length > 0) slice.buf[slice.start] = random.below(256);
      return;
    }
    if (random.below(4) === 0) return database.delete(ref);
    database.willChange(key.hash);
    const value = database.openCollection(ref);
    if (value instanceof ListValue) value.pushText(ListEnd.Tail, "more");
    else if (value instanceof HashValue) value.set("more", String(random.below(100)));
    database.settle(key, value);
  }

  /** All there is, as {@linkcode RdbContent} has it. */
  content(): Map<string, unknown> {
    const content = new Map<string, unknown>();
    for (const [id, database] of this.databases.entries()) {
      database.forEach((ref) => {
        const value = database.typeOf(ref) === ValueType.String
          ? database.readString(ref, new Slice())
          : database.collectionOf(ref);
        content.set(`${id} ${database.keyTextOf(ref)}`, [plainForm(value), database.expiryOf(ref), -1, -1]);
      });
    }
    return content;
  }
}

Deno.test("Snapshot holds the state of the instant it began, whatever changes while it is written", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const world = new World(new Random(seed), seed % 3 === 0 ? 1000 : 200);
    world.fill();
    const expected = world.content();
    const chunks = new Chunks();
    const snapshot = new Snapshot(world.databases, new RdbWriter(facts), chunks);
    snapshot.watch();
    const changes = [0, 1, 5, 50][seed % 4]!;
    while (!snapshot.step(() => world.random.below(20) === 0)) {
      for (let i = 0; i < changes; i++) world.change();
    }
    const content = RdbContent.of(chunks.joined());
    assertEquals(content.keys.size, expected.size, `seed ${seed}`);
    for (const [name, value] of expected) {
      assertEquals(content.keys.get(name), value, `seed ${seed}, ${name}`);
    }
    assertEquals(snapshot.keysWritten, expected.size);
    assertEquals(world.databases.every((database) => database.observer === null), true);
  }
});

Deno.test("Snapshot writes a table of millions' size bucket by bucket", () => {
  // One table of the index is as full as with ten million keys: keys are chosen by their hash.
  const database = new Database(limits), expected = new Set<string>();
  for (let i = 0; expected.size < 600; i++) {
    const key = Key.of(`k${i}`);
    if (tableOf(key.hash) !== 77) continue;
    expected.add(`0 k${i}`);
    database.setString(key, 0, bytesOf("v"), 0, 1, { expiresAtMs: NO_EXPIRY, clock: 0 });
  }
  const chunks = new Chunks();
  const snapshot = new Snapshot([database], new RdbWriter(facts), chunks);
  snapshot.watch();
  const [first] = expected;
  const key = Key.of(first!.slice(2));
  database.delete(database.find(key));
  assert(snapshot.keysWritten < 40, "a change writes one bucket only");
  for (let i = 0; !snapshot.step(() => true); i++) {
    const before = snapshot.keysWritten;
    database.setString(Key.of(`new ${i}`), 0, bytesOf("v"), 0, 1, { expiresAtMs: NO_EXPIRY, clock: 0 });
    assert(snapshot.keysWritten - before < 40);
  }
  const content = RdbContent.of(chunks.joined());
  assertEquals(new Set(content.keys.keys()), expected);
});

Deno.test("Snapshot writes a large collection over many steps, and other keys behind it", () => {
  const database = new Database(limits),
    big = new HashValue(limits),
    small = { expiresAtMs: NO_EXPIRY, clock: 0 };
  for (let i = 0; i < 10_000; i++) big.set(`field ${i}`, "value");
  database.setCollection(Key.of("big"), 0, big, small);
  for (let i = 0; i < 500; i++) database.setString(Key.of(`k${i}`), 0, bytesOf("old"), 0, 3, small);
  const chunks = new Chunks();
  const snapshot = new Snapshot([database], new RdbWriter(facts), chunks);
  snapshot.watch();
  let steps = 0;
  for (; !snapshot.step(() => true); steps++) {
    const key = Key.of(`k${steps % 500}`);
    database.setString(key, database.find(key), bytesOf("new"), 0, 3, small);
    if (steps === 4500) {
      database.willChange(Key.of("big").hash);
      big.set("field 0", "changed");
    }
  }
  assert(steps > 70, `${steps} steps`);
  const content = RdbContent.of(chunks.joined());
  assertEquals(content.keys.size, 501);
  assertEquals(content.keys.get("0 k77"), ["old", -1, -1, -1]);
  const [[encoding, ...fields]] = content.keys.get("0 big") as [[string, ...string[][]]];
  assertEquals([encoding, fields.length, fields[0]?.[1]], ["hashtable", 10_000, "value"]);
});

Deno.test("Snapshot saves idle times or frequencies if it is to", () => {
  const database = new Database(limits);
  database.setString(Key.of("k"), 0, bytesOf("v"), 0, 1, { expiresAtMs: 7e12, clock: 100 });
  const of = (clocks = noClocks) => {
    const chunks = new Chunks();
    new Snapshot([database], new RdbWriter(facts), chunks, clocks).step(() => false);
    return RdbContent.of(chunks.joined()).keys.get("0 k");
  };
  assertEquals(of(), ["v", 7e12, -1, -1]);
  assertEquals(of({ idleSeconds: (clock) => clock * 1000, frequency: () => -1 }), [
    "v",
    7e12,
    100_000,
    -1,
  ]);
  assertEquals(of({ idleSeconds: () => -1, frequency: (clock) => clock }), ["v", 7e12, -1, 100]);
});
