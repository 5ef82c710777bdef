import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { HashValue } from "../../../src/data/hash.ts";
import { defaultLimits } from "../../../src/data/limits.ts";
import { ListEnd, ListValue } from "../../../src/data/list.ts";
import { SetValue } from "../../../src/data/set.ts";
import { StreamValue } from "../../../src/data/stream.ts";
import { type CollectionValue, unpackValue, ValueType } from "../../../src/data/value.ts";
import { ZsetValue } from "../../../src/data/zset.ts";
import { bytesOf } from "../../../src/util/bytes.ts";
import { Random } from "../../../src/util/random.ts";
import { plainForm, randomText, randomValue, VALUE_KINDS } from "../../support/values.ts";

const limits = { ...defaultLimits(), setMaxListpackEntries: 8 };

/**
 * The value after it has been packed, among other bytes, and unpacked; undefined if it is not of a
 * small kind.
 */
function again(value: CollectionValue): CollectionValue | undefined {
  const length = value.packedBytes;
  if (length < 0) return undefined;
  const bytes = new Uint8Array(length + 20).fill(0xee);
  value.packInto(bytes, 7);
  assert(bytes.every((byte, i) => i >= 7 && i < 7 + length || byte === 0xee), "no byte outside its place");
  const unpacked = unpackValue(value.type, limits, bytes, 7, 7 + length);
  bytes.fill(0);
  return unpacked;
}

/** One random change of any collection but a stream. */
function change(value: CollectionValue, random: Random): void {
  const text = randomText(random, 30), name = `name ${random.below(12)}`;
  if (value instanceof HashValue) {
    if (random.below(3) === 0) value.delete(name);
    else value.set(name, text);
  } else if (value instanceof SetValue) {
    if (random.below(3) === 0) value.delete(name);
    else value.add(random.below(6) === 0 ? name : String(random.below(100) ** random.below(8)));
  } else if (value instanceof ZsetValue) {
    if (random.below(3) === 0) value.remove(name);
    else value.add(name, random.below(100) / 8);
  } else if (value instanceof ListValue) {
    const choice = random.below(9);
    if (choice < 3) value.drop(ListEnd.Head, Math.min(value.size, 1));
    else if (choice < 5) value.set(0, bytesOf(text), 0, text.length);
    else value.pushText(random.below(2) === 0 ? ListEnd.Head : ListEnd.Tail, text);
  }
}

Deno.test("unpackValue gives back what packInto wrote: content, order, encoding and later behaviour", () => {
  let packed = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const random = new Random(seed), value = randomValue(random, 1 + seed % (VALUE_KINDS - 1), limits);
    if (!("type" in value)) continue;
    // Packs a copy, since parts in the store belong to one value only.
    const twin = again(value.copy()), message = `seed ${seed}`;
    if (twin === undefined) continue;
    packed++;
    assertEquals([twin.encoding, twin.size, twin.packedBytes], [
      value.encoding,
      value.size,
      value.packedBytes,
    ]);
    assertEquals(plainForm(twin), plainForm(value), message);
    const state = seed * 7;
    for (const [one, choices] of [[value, new Random(state)], [twin, new Random(state)]] as const) {
      for (let i = 0; i < 40; i++) change(one, choices);
    }
    assertEquals([twin.encoding, plainForm(twin)], [value.encoding, plainForm(value)], message);
  }
  assertGreater(packed, 150);
});

Deno.test("a value packed and unpacked between any two changes equals one that never was", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const kind = [HashValue, SetValue, ZsetValue, ListValue][seed % 4]!;
    const random = new Random(seed), twinRandom = new Random(seed), kept = new kind(limits);
    let twin: CollectionValue = new kind(limits);
    for (let step = 0; step < 120; step++) {
      change(kept, random);
      change(twin, twinRandom);
      if (twin.size > 0) twin = again(twin) ?? twin;
      assertEquals(twin.encoding, kept.encoding, `seed ${seed}, step ${step}`);
    }
    assertEquals(plainForm(twin), plainForm(kept), `seed ${seed}`);
  }
});

Deno.test("packedBytes is -1 for large tables and streams", () => {
  const large = new SetValue(limits), stream = new StreamValue(limits), hash = new HashValue(limits);
  for (let i = 0; i < 5000; i++) large.add(`member ${i}`), hash.set(`field ${i}`, "value");
  assertEquals([large, stream, hash].map((value) => value.packedBytes), [-1, -1, -1]);
});

Deno.test("a packed hash keeps the times of its fields, small or of medium size", () => {
  for (const size of [1, 5, 200, 1000]) {
    const hash = new HashValue(limits);
    for (let i = 0; i < size; i++) hash.set(`field ${i}`, `value ${i}`);
    hash.setExpiry("field 0", 1_700_000_000_123);
    if (size > 3) hash.setExpiry("field 3", 5), hash.persist("field 3");
    const twin = again(hash) as HashValue;
    assertEquals([twin.encoding, twin.nextExpiryMs, twin.hasExpiringParts], [
      hash.encoding,
      1_700_000_000_123,
      true,
    ]);
    assertEquals([twin.expiryOf("field 0"), twin.expiryOf("field 3")], [1_700_000_000_123, Infinity]);
    assertEquals(twin.expireDue(1_700_000_000_123), ["field 0"]);
    assertEquals([twin.size, twin.get("field 0"), twin.hasExpiringParts], [size - 1, undefined, true]);
  }
});

Deno.test("a packed value is hardly longer than its content, and costs nothing else", () => {
  const hash = new HashValue(limits);
  for (let i = 0; i < 5; i++) hash.set(`field${i}`, `value-${i}`);
  assertLess(hash.packedBytes, 5 * (6 + 7) + 10 + 3);
});

Deno.test("a set of medium size is packed as the root of its table in the store", () => {
  const set = new SetValue(limits);
  for (let i = 0; i < 1000; i++) set.add(`member ${i}`);
  const bytes = new Uint8Array(set.packedBytes);
  assertLess(bytes.length, 40);
  set.packInto(bytes, 0);
  const twin = unpackValue(ValueType.Set, limits, bytes, 0, bytes.length);
  assertEquals(plainForm(twin), plainForm(set));
  assertEquals([twin.size, twin.runBytes > 1000], [1000, true]);
  twin.free();
});

Deno.test("unpackValue knows hashes, sets, sorted sets and lists, nothing else", () => {
  for (const type of [ValueType.String, ValueType.Stream]) {
    let thrown = "";
    try {
      unpackValue(type, limits, new Uint8Array(4), 0, 4);
    } catch (error) {
      thrown = error instanceof TypeError ? error.message : "another error";
    }
    assertEquals(thrown, `values of type ${type} are never packed`);
  }
});
