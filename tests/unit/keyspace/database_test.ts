import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { HashValue } from "../../../src/data/hash.ts";
import { defaultLimits } from "../../../src/data/limits.ts";
import { ValueType } from "../../../src/data/value.ts";
import {
  type ChangeObserver,
  Database,
  LARGEST_INLINE_BYTES,
  NO_EXPIRY,
} from "../../../src/keyspace/database.ts";
import { StringMark } from "../../../src/keyspace/record.ts";
import { Key } from "../../../src/keyspace/key.ts";
import { Slice } from "../../../src/keyspace/slice.ts";
import { bytesOf } from "../../../src/util/bytes.ts";
import { Random } from "../../../src/util/random.ts";

const limits = defaultLimits();
const binary = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");

/** A key in the model. */
interface Entry {
  value: string | Map<string, string>;
  expiresAtMs: number;
  clock: number;
}

/** A database beside a plain map that must always agree with it. */
class Modelled {
  readonly database = new Database(limits);
  readonly entries = new Map<string, Entry>();

  setString(text: string, value: string, expiresAtMs: number = NO_EXPIRY, clock = 0): void {
    const key = Key.of(text), bytes = bytesOf(`#${value}#`);
    this.database.setString(key, this.database.find(key), bytes, 1, 1 + value.length, { expiresAtMs, clock });
    this.entries.set(text, { value, expiresAtMs, clock });
  }

  setHash(text: string, value: HashValue, expiresAtMs: number = NO_EXPIRY, clock = 0): void {
    const key = Key.of(text);
    this.database.setCollection(key, this.database.find(key), value, { expiresAtMs, clock });
    this.entries.set(text, { value: fieldsOf(value), expiresAtMs, clock });
  }

  /**
   * Opens the hash at `text`, a new one if there is none, and gives it to `work`, then settles it.
   */
  editHash(text: string, work: (hash: HashValue) => void): void {
    const { database } = this, key = Key.of(text), ref = database.find(key);
    const hash = ref === 0 ? new HashValue(limits) : database.openCollection(ref);
    assert(hash instanceof HashValue);
    if (ref === 0) {
      database.addCollection(key, hash, 0);
      this.entries.set(text, { value: new Map(), expiresAtMs: NO_EXPIRY, clock: 0 });
    }
    work(hash);
    assert(
      database.find(key) === 0 || database.collectionOf(database.find(key)) === hash,
      "one and the same while open",
    );
    database.settle(key, hash);
    const entry = this.entries.get(text);
    if (entry !== undefined) entry.value = fieldsOf(hash);
  }

  setExpiry(text: string, expiresAtMs: number): void {
    const key = Key.of(text);
    this.database.setExpiry(key, this.database.find(key), expiresAtMs);
    this.entries.get(text)!.expiresAtMs = expiresAtMs;
  }

  /** Makes a string longer and writes `added` at its end. */
  append(text: string, added: string): void {
    const key = Key.of(text), entry = this.entries.get(text)!, slice = new Slice();
    assert(typeof entry.value === "string");
    const before = entry.value.length;
    this.database.editString(key, this.database.find(key), before + added.length, slice);
    slice.buf.set(bytesOf(added), slice.start + before);
    entry.value += added;
  }

  delete(text: string): void {
    this.database.delete(this.database.find(Key.of(text)));
    this.entries.delete(text);
  }

  check(message: string): void {
    const { database, entries } = this;
    assertEquals(database.size, entries.size, message);
    let volatile = 0;
    for (const [text, { value, expiresAtMs, clock }] of entries) {
      const ref = database.find(Key.of(text)), at = `${message}: ${JSON.stringify(text.slice(0, 40))}`;
      assert(ref !== 0, at);
      assertEquals(database.keyTextOf(ref), text, at);
      assertEquals(database.expiryOf(ref), expiresAtMs, at);
      assertEquals(database.clockOf(ref), clock, at);
      if (typeof value === "string") {
        assertEquals(database.readString(ref, new Slice()).text() === value, true, at);
      } else {
        const hash = database.collectionOf(ref);
        assert(database.typeOf(ref) === ValueType.Hash && hash instanceof HashValue, at);
        assertEquals(fieldsOf(hash), value, at);
      }
      if (expiresAtMs !== NO_EXPIRY) volatile++;
    }
    assertEquals(database.volatileSize, volatile, message);
  }

  anyKey(random: Random): string {
    return [...this.entries.keys()][random.below(this.entries.size)]!;
  }
}

/** Lengths on both sides of every limit a record or a value can cross. */
const lengths = [
  0,
  1,
  7,
  8,
  9,
  44,
  255,
  LARGEST_INLINE_BYTES - 1,
  LARGEST_INLINE_BYTES,
  LARGEST_INLINE_BYTES + 1,
  9000,
  16_384,
  17_000,
  70_000,
];

function randomText(random: Random, longest: number): string {
  const fitting = lengths.filter((length) => length <= longest);
  const length = random.below(3) > 0
    ? random.below(Math.min(longest, 40))
    : fitting[random.below(fitting.length)]!;
  const start = random.below(256);
  return binary.repeat(Math.ceil((start + length) / 256)).slice(start, start + length);
}

function fieldsOf(hash: HashValue): Map<string, string> {
  const fields = new Map<string, string>();
  hash.forEach((field, value) => fields.set(field, value));
  return fields;
}

/**
 * Changes some fields of the hash at `text`; sometimes also its expiry, or deletes it before it is
 * settled.
 */
function editHash(model: Modelled, text: string, random: Random): void {
  model.editHash(text, (hash) => {
    hash.set(`f${random.below(60)}`, randomText(random, random.below(8) === 0 ? 3000 : 60));
    if (hash.size > 1) hash.delete(`f${random.below(60)}`);
    if (random.below(4) === 0) model.setExpiry(text, random.below(2) === 0 ? 1.7e12 : NO_EXPIRY);
    hash.set(`f${random.below(60)}`, "last");
    if (random.below(8) === 0) model.delete(text);
  });
}

function hashOf(random: Random): HashValue {
  const value = new HashValue(limits);
  for (let i = random.below(20); i >= 0; i--) value.set(`f${i}`, randomText(random, 300));
  return value;
}

/** One random change. */
function change(model: Modelled, random: Random): void {
  const expiresAtMs = random.below(3) === 0 ? 1.7e12 + random.below(1e6) : NO_EXPIRY;
  const text = model.entries.size > 0 && random.below(2) === 0
    ? model.anyKey(random)
    : `${random.below(1000)}${randomText(random, random.below(20) === 0 ? 70_000 : 300)}`;
  const existing = model.entries.get(text);
  switch (random.below(9)) {
    case 0:
    case 1:
      return existing && model.delete(text);
    case 2:
      return existing && model.setExpiry(text, expiresAtMs);
    case 3:
      return typeof existing?.value === "string" ? model.append(text, randomText(random, 6000)) : undefined;
    case 4:
      return typeof existing?.value === "string" ? undefined : editHash(model, text, random);
    case 5:
      return model.setHash(text, hashOf(random), expiresAtMs, random.below(1 << 24));
    default:
      return model.setString(text, randomText(random, 70_000), expiresAtMs, random.below(1 << 24));
  }
}

Deno.test("Database agrees with a map over random changes, compaction among them", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = new Random(seed), model = new Modelled();
    for (let step = 0; step < 1500; step++) {
      change(model, random);
      if (random.below(4) === 0) model.database.compact(random.below(50));
      if (step % 250 === 0) model.check(`seed ${seed}, step ${step}`);
    }
    model.check(`seed ${seed}`);
  }
});

Deno.test("Database counts no memory once every key is deleted", () => {
  for (let seed = 1; seed <= 4; seed++) {
    const random = new Random(seed), model = new Modelled(), before = new Database(limits).memoryBytes;
    for (let step = 0; step < 800; step++) change(model, random);
    assertGreater(model.database.memoryBytes, before);
    for (const text of [...model.entries.keys()]) model.delete(text);
    assertEquals(model.database.memoryBytes, before, `seed ${seed}`);
    assertEquals([model.database.size, model.database.volatileSize], [0, 0]);
  }
});

Deno.test("Database.compact gives memory back after mass deletion, the rest unchanged", () => {
  for (const share of [2, 3, 10]) {
    const model = new Modelled(), { database } = model, random = new Random(share);
    for (let i = 0; i < 24_000; i++) {
      model.setString(`key:${i}`, `value ${i}`, i % 5 === 0 ? 1.8e12 + i : NO_EXPIRY, i & 0xffff);
    }
    model.setString("long key".repeat(3000), "v");
    model.setHash("h", hashOf(random), 1.9e12);
    for (let i = 0; i < 24_000; i++) if (i % share !== 0 || i % 2 === 1) model.delete(`key:${i}`);
    const fragmented = database.fragmentedBytes, live = database.memoryBytes;
    for (let calls = 0; database.compact(100); calls++) assertLess(calls, 100_000, "compaction ends");
    assertLess(database.fragmentedBytes, Math.max(fragmented / 2, 1 << 20), `1 of ${share} kept`);
    assertEquals(database.memoryBytes, live);
    model.check(`1 of ${share} kept`);
  }
});

Deno.test("Database.compact moves strings together with their encoding", () => {
  const model = new Modelled(), { database } = model, kept: { key: Key; marks: number }[] = [];
  for (let i = 0; i < 24_000; i++) model.setString(`key:${i}`, `${i}.5`.repeat(8));
  for (let i = 0; i < 24_000; i++) {
    if (i % 10 !== 0) model.delete(`key:${i}`);
    else {
      const key = Key.of(`key:${i}`), marks = [0, StringMark.Raw, StringMark.Text][i / 10 % 3]!;
      database.markString(database.find(key), marks);
      kept.push({ key, marks });
    }
  }
  const fragmented = database.fragmentedBytes;
  for (let calls = 0; database.compact(100); calls++) assertLess(calls, 100_000, "compaction ends");
  assertLess(database.fragmentedBytes, fragmented / 2);
  model.check("compacted");
  for (const { key, marks } of kept) assertEquals(database.stringMarks(database.find(key)), marks);
});

Deno.test("Database stays intact when keys change while memory is being compacted", () => {
  for (let seed = 1; seed <= 3; seed++) {
    const random = new Random(seed), model = new Modelled();
    for (let i = 0; i < 30_000; i++) model.setString(`key:${i}`, "x".repeat(i % 60));
    for (let i = 0; i < 30_000; i++) if (i % 8 !== 0) model.delete(`key:${i}`);
    let moved = 0;
    while (model.database.compact(20) && moved++ < 20_000) {
      for (let i = 0; i < 3; i++) {
        const text = `key:${random.below(4000) * 8}`, entry = model.entries.get(text);
        if (entry === undefined) model.setString(text, "new");
        else if (random.below(3) === 0) model.delete(text);
        else if (random.below(2) === 0) model.setExpiry(text, random.below(2) === 0 ? 1.7e12 : NO_EXPIRY);
        else model.setString(text, "y".repeat(random.below(80)));
      }
    }
    model.check(`seed ${seed}`);
  }
});

Deno.test("Database keeps strings of every length around the longest inline one, and edits them", () => {
  const model = new Modelled();
  for (const length of lengths) {
    const text = binary.repeat(Math.ceil(length / 256)).slice(0, length);
    model.setString(`k${length}`, text);
    for (const added of ["", "!", "x".repeat(LARGEST_INLINE_BYTES)]) {
      model.append(`k${length}`, added);
      model.check(`${length} and ${added.length} more`);
    }
    model.setString(`k${length}`, "short again");
  }
  model.check("all");
});

Deno.test("Database.editString fills new bytes with zeros and marks the value as raw", () => {
  for (const [before, after] of [[3, 10], [3, 5000], [4096, 4097], [5000, 9000], [0, 1]] as const) {
    const database = new Database(limits), key = Key.of("k"), slice = new Slice();
    const ref = database.setString(key, 0, new Uint8Array(before).fill(1), 0, before, {
      expiresAtMs: 5e12,
      clock: 77,
    });
    assertEquals(database.stringMarks(ref), 0);
    const edited = database.editString(key, ref, after, slice);
    assertEquals(slice.length, after);
    assertEquals([...slice.view()].findIndex((byte) => byte === 0), before, `${before} to ${after}`);
    assert(slice.view().subarray(before).every((byte) => byte === 0));
    assertEquals(database.stringMarks(edited), StringMark.Raw);
    assertEquals([database.expiryOf(edited), database.clockOf(edited)], [5e12, 77]);
    const cleared = database.setString(key, edited, bytesOf("x"), 0, 1, { expiresAtMs: NO_EXPIRY, clock: 0 });
    assertEquals(database.stringMarks(cleared), 0);
  }
});

Deno.test("Database holds keys of any length: empty, longer than 16 KB, hundreds of them", () => {
  const model = new Modelled();
  model.setString("", "empty key");
  model.setString("\0", "another");
  for (let i = 0; i < 700; i++) {
    model.setString(`${i}${"k".repeat(17_000)}`, `value ${i}`, i % 2 === 0 ? 1e12 : NO_EXPIRY);
  }
  model.check("700 long keys");
  for (let i = 0; i < 700; i += 3) model.delete(`${i}${"k".repeat(17_000)}`);
  for (let i = 0; i < 700; i += 3) model.setHash(`${i}${"q".repeat(17_000)}`, hashOf(new Random(i)));
  model.check("some replaced");
  model.delete("");
  model.check("without the empty key");
});

Deno.test("Database.memoryOf grows with key, value and expiry", () => {
  const model = new Modelled();
  const bytesAt = (text: string) => model.database.memoryOf(model.database.find(Key.of(text)));
  model.setString("k", "v");
  const small = bytesAt("k");
  model.setString("k", "v", 1e12);
  assertGreater(bytesAt("k"), small);
  model.setString("k", "v".repeat(100_000));
  assertGreater(bytesAt("k"), 100_000);
  model.setString("k".repeat(20_000), "v");
  assertGreater(bytesAt("k".repeat(20_000)), 20_000);
});

Deno.test("Database's count of bytes is the sum of its keys' with the indexes", () => {
  const random = new Random(11), model = new Modelled();
  for (let step = 0; step < 1000; step++) change(model, random);
  let records = 0;
  model.database.forEach((ref) => {
    // memoryOf counts 12 bytes for each index slot.
    records += model.database.memoryOf(ref) - (model.database.expiryOf(ref) === NO_EXPIRY ? 12 : 24);
  });
  assertEquals(model.database.memoryBytes, records + model.database.overheadBytes);
});

Deno.test("Database.settle follows a collection that has changed in place", () => {
  const model = new Modelled(), value = new HashValue(limits);
  value.set("f", "v".repeat(70_000));
  model.setHash("h", value);
  const before = model.database.memoryBytes;
  value.set("g", "v".repeat(10_000));
  assertEquals(model.database.memoryBytes, before);
  model.database.settle(Key.of("h"), value);
  assertGreater(model.database.memoryBytes, before + 10_000);
  model.delete("h");
  assertEquals(model.database.memoryBytes, 0);
});

Deno.test("Database packs a small collection, in place where it can, and unpacks one that has become large", () => {
  const model = new Modelled(), { database } = model;
  model.editHash("h", (hash) => hash.set("f", "1234567"));
  const ref = database.find(Key.of("h")), bytes = database.memoryBytes;
  assert(database.collectionOf(ref) !== database.collectionOf(ref), "made for each reader");
  model.editHash("h", (hash) => hash.set("f", "7654321"));
  assertEquals([database.find(Key.of("h")), database.memoryBytes], [ref, bytes]);
  model.editHash("h", (hash) => hash.set("g", "x".repeat(70_000)));
  assert(
    database.collectionOf(database.find(Key.of("h"))) === database.collectionOf(database.find(Key.of("h"))),
  );
  model.editHash("h", (hash) => hash.delete("g"));
  model.check("large once");
  model.delete("h");
  assertEquals(database.memoryBytes, 0);
});

Deno.test("Database keeps several collections open at once", () => {
  const model = new Modelled();
  model.editHash("a", (a) =>
    model.editHash("b", (b) => {
      a.set("in", "a");
      b.set("in", "b");
      model.editHash("c", (c) => c.set("in", "c"));
    }));
  model.check("a, b and c");
});

Deno.test("Database.detachCollection takes a value out whole, for another key", () => {
  const model = new Modelled(), value = hashOf(new Random(1));
  model.setHash("h", value, 1e12);
  const { database } = model;
  const before = database.memoryBytes;
  const taken = database.detachCollection(database.find(Key.of("h")));
  assert(taken instanceof HashValue);
  assertEquals([database.size, database.memoryBytes], [0, 0]);
  model.entries.clear();
  model.setHash("i", taken, 1e12);
  assertEquals(database.memoryBytes, before);
  model.check("put back");
});

Deno.test("Database.scan and forEach show every key, scanVolatile those that expire", () => {
  const model = new Modelled(), { database } = model;
  for (let i = 0; i < 3000; i++) model.setString(`k${i}`, "v", i % 4 === 0 ? 1e12 + i : NO_EXPIRY);
  const collect = (walk: (cursor: number, visit: (ref: number) => void) => number) => {
    const found: string[] = [];
    let cursor = 0;
    do cursor = walk(cursor, (ref) => found.push(database.keyTextOf(ref))); while (cursor !== 0);
    return found.sort();
  };
  const all = [...model.entries.keys()].sort();
  assertEquals(collect((cursor, visit) => database.scan(cursor, 100, visit)), all);
  const expiring = all.filter((text) => model.entries.get(text)!.expiresAtMs !== NO_EXPIRY);
  assertEquals(collect((cursor, visit) => database.scanVolatile(cursor, 100, visit)), expiring);
  const visited: string[] = [];
  database.forEach((ref) => visited.push(database.keyTextOf(ref)));
  assertEquals(visited.sort(), all);
});

Deno.test("Database.sample and sampleVolatile choose among the right keys", () => {
  const model = new Modelled(), random = new Random(3), { database } = model;
  assertEquals([database.sample(random), database.sampleVolatile(random)], [0, 0]);
  for (let i = 0; i < 50; i++) model.setString(`k${i}`, "v", i < 10 ? 1e12 : NO_EXPIRY);
  const seen = new Set<string>(), expiring = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    seen.add(database.keyTextOf(database.sample(random)));
    expiring.add(database.keyTextOf(database.sampleVolatile(random)));
  }
  assertEquals(seen.size, 50);
  assertEquals([...expiring].sort(), Array.from({ length: 10 }, (_, i) => `k${i}`));
});

Deno.test("Database.clear removes everything at once and can be filled again", () => {
  const random = new Random(2), model = new Modelled();
  for (let step = 0; step < 500; step++) change(model, random);
  model.database.clear();
  model.entries.clear();
  model.check("cleared");
  assertEquals(model.database.memoryBytes, 0);
  for (let step = 0; step < 200; step++) change(model, random);
  model.check("filled again");
});

Deno.test("Database notifies its observer of each change before it happens", () => {
  const database = new Database(limits), key = Key.of("k"), seen: string[] = [];
  const observer: ChangeObserver = {
    beforeChange(observed, hash) {
      assertEquals([observed === database, hash], [true, key.hash]);
      const ref = database.find(key);
      seen.push(ref === 0 ? "-" : database.readString(ref, new Slice()).text());
    },
    beforeClear(_, removed) {
      seen.push(`clear ${removed.size}`);
      assertEquals(removed.readString(removed.find(key), new Slice()).text(), "bb!");
    },
  };
  database.observer = observer;
  const set = (text: string) =>
    database.setString(key, database.find(key), bytesOf(text), 0, text.length, {
      expiresAtMs: NO_EXPIRY,
      clock: 0,
    });
  set("a");
  set("bb");
  const slice = new Slice();
  database.editString(key, database.find(key), 3, slice);
  slice.buf[slice.start + 2] = 0x21;
  database.setExpiry(key, database.find(key), 1e12);
  database.clear();
  set("c");
  database.delete(database.find(key));
  assertEquals(seen.filter((text, i) => text !== seen[i - 1]), ["-", "a", "bb", "bb!", "clear 1", "-", "c"]);
});
