import { assert, assertEquals } from "@std/assert";
import { FieldParts, HashValue } from "../../../src/data/hash.ts";
import { defaultLimits } from "../../../src/data/limits.ts";
import { bytesOf, latin1 } from "../../../src/util/bytes.ts";
import { Random } from "../../../src/util/random.ts";

/** A hash that becomes a table beyond 20 fields or 30 characters. */
function smallLimits() {
  return { ...defaultLimits(), hashMaxListpackEntries: 20, hashMaxListpackValue: 30 };
}

function contents(hash: HashValue, nowMs?: number) {
  const found = new Map<string, string>();
  hash.forEach((field, value) => {
    assert(!found.has(field), `${field} twice`);
    found.set(field, value);
  }, nowMs);
  return found;
}

const sorted = (map: ReadonlyMap<string, string>) => [...map].sort();

Deno.test("HashValue agrees with a Map under random commands, in both encodings", () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = new Random(seed), message = `seed ${seed}`;
    const hash = new HashValue(smallLimits()), model = new Map<string, string>();
    const fields = 5 + random.below(40);
    for (let step = 0; step < 600; step++) {
      const field = `field${random.below(fields)}`;
      if (random.float() < 0.6) {
        const value = "\xff".repeat(random.below(seed % 3 === 0 ? 300 : 31));
        assertEquals(hash.set(field, value), !model.has(field), message);
        model.set(field, value);
      } else {
        assertEquals(hash.delete(field), model.delete(field), message);
      }
      assertEquals(hash.size, model.size, message);
      assertEquals(hash.get(field), model.get(field), message);
      assertEquals(hash.has(field), model.has(field), message);
    }
    assertEquals(sorted(contents(hash)), sorted(model), message);
  }
});

Deno.test("HashValue becomes a hashtable exactly beyond hash-max-listpack-entries and stays one", () => {
  const hash = new HashValue(smallLimits());
  for (let i = 0; i < 20; i++) hash.set(`f${i}`, "v");
  hash.set("f3", "other");
  assertEquals(hash.encoding, "listpack");
  hash.set("f20", "v");
  assertEquals(hash.encoding, "hashtable");
  for (let i = 0; i < 20; i++) hash.delete(`f${i}`);
  assertEquals([hash.encoding, hash.size, hash.get("f20")], ["hashtable", 1, "v"]);
});

Deno.test("HashValue becomes a hashtable at a field or value beyond hash-max-listpack-value", () => {
  for (const [field, value] of [["f".repeat(31), "v"], ["f", "v".repeat(31)]] as const) {
    const hash = new HashValue(smallLimits());
    hash.set("x".repeat(30), "y".repeat(30));
    assertEquals(hash.encoding, "listpack");
    hash.set(field, value);
    assertEquals([hash.encoding, hash.get(field), hash.size], ["hashtable", value, 2]);
    assertEquals(hash.get("x".repeat(30)), "y".repeat(30));
  }
});

Deno.test("HashValue sees changed limits at the next write", () => {
  const limits = smallLimits(), hash = new HashValue(limits);
  hash.set("a", "1");
  limits.hashMaxListpackEntries = 0;
  assertEquals(hash.encoding, "listpack");
  hash.set("b", "2");
  assertEquals(hash.encoding, "hashtable");
  const updated = new HashValue(limits);
  limits.hashMaxListpackEntries = 2;
  updated.set("a", "1");
  updated.set("b", "1");
  limits.hashMaxListpackEntries = 1;
  assertEquals([updated.set("a", "2"), updated.encoding], [false, "hashtable"]);
});

Deno.test("HashValue returns random fields with their values, in both encodings", () => {
  for (const size of [1, 7, 20, 50]) {
    const hash = new HashValue(smallLimits()), random = new Random(size), all = new Set<string>();
    for (let i = 0; i < size; i++) hash.set(`f${i}`, `v${i}`);
    for (let i = 0; i < size * 20; i++) {
      hash.randomEntry(random, (field, value) => all.add(`${field}=${value}`));
    }
    const expected = Array.from({ length: size }, (_, i) => `f${i}=v${i}`);
    assertEquals([...all].sort(), expected.toSorted());
    for (const count of [1, size >> 1, size, size + 3]) {
      const some: string[] = [];
      hash.randomEntries(count, random, (field, value) => some.push(`${field}=${value}`));
      assertEquals([some.length, new Set(some).size], [Math.min(count, size), Math.min(count, size)]);
      assert(some.every((pair) => all.has(pair)));
    }
  }
});

Deno.test("HashValue writes values and fields to a sink as they are, in both encodings", () => {
  for (const size of [5, 50]) {
    const hash = new HashValue(smallLimits()), written: string[] = [], field = bytesOf("f3");
    const sink = {
      bulkBytes: (buf: Uint8Array, start: number, end: number) => void written.push(latin1(buf, start, end)),
      bulkPart: (text: string, start: number, end: number) => void written.push(text.slice(start, end)),
    };
    for (let i = 0; i < size; i++) hash.set(`f${i}`, `value ${i}`);
    hash.setExpiry("f3", 100);
    assertEquals([hash.writeValue(field, 0, 2, 99, sink), hash.writeValue(field, 0, 2, 100, sink)], [
      true,
      false,
    ]);
    assertEquals([hash.writeValue(field, 0, 1, 99, sink), written.splice(0)], [false, ["value 3"]]);
    hash.writeAll(FieldParts.Both, 100, sink);
    const pairs = written.splice(0);
    assertEquals([pairs.length, pairs.includes("f3"), pairs[pairs.indexOf("f4") + 1]], [
      2 * size - 2,
      false,
      "value 4",
    ]);
    hash.writeAll(FieldParts.Names, 99, sink);
    assertEquals([written.length, written.splice(0).includes("f3")], [size, true]);
    hash.writeAll(FieldParts.Values, 99, sink);
    assertEquals([written.length, written.includes("value 3")], [size, true]);
    assertEquals([hash.deleteBytes(field, 0, 2), hash.deleteBytes(field, 0, 2), hash.size], [
      true,
      false,
      size - 1,
    ]);
  }
});

Deno.test("HashValue.scan visits a small hash whole and a large one in steps", () => {
  const hash = new HashValue(smallLimits());
  for (let i = 0; i < 20; i++) hash.set(`f${i}`, "v");
  let visited = 0;
  assertEquals([hash.scan(0, 3, () => visited++), visited], [0, 20]);
  hash.set("f20", "v");
  visited = 0;
  const cursor = hash.scan(0, 5, () => visited++);
  assert(cursor > 0 && visited >= 5 && visited < 21, String(visited));
  assertEquals([hash.scan(cursor, 100, () => visited++), visited], [0, 21]);
});

Deno.test("HashValue.scan visits every lasting field while others come and go", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed), hash = new HashValue(smallLimits()), seen = new Set<string>();
    for (let i = 0; i < 300; i++) hash.set(`keep${i}`, ""), hash.set(`drop${i}`, "");
    let cursor = 0;
    do {
      cursor = hash.scan(cursor, 10, (field) => seen.add(field));
      for (let i = 0; i < 9; i++) hash.delete(`drop${random.below(300)}`);
      hash.set(`new${cursor}`, "");
    } while (cursor !== 0);
    for (let i = 0; i < 300; i++) assert(seen.has(`keep${i}`), `seed ${seed}: keep${i}`);
  }
});

Deno.test("HashValue.copy is independent of its original, with values and expiry", () => {
  for (const size of [3, 30]) {
    const hash = new HashValue(smallLimits());
    for (let i = 0; i < size; i++) hash.set(`f${i}`, "v");
    hash.setExpiry("f0", 100);
    const twin = hash.copy();
    twin.set("f1", "changed");
    twin.persist("f0");
    hash.delete("f2");
    assertEquals([hash.get("f1"), hash.size, hash.expiryOf("f0")], ["v", size - 1, 100]);
    assertEquals([twin.get("f1"), twin.size, twin.expiryOf("f0")], ["changed", size, Infinity]);
    assertEquals(twin.encoding, size === 3 ? "listpackex" : "hashtable");
  }
});

Deno.test("HashValue agrees with a Map of expiring fields as time goes on", () => {
  type Entry = { value: string; atMs: number };
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed), message = `seed ${seed}`;
    const hash = new HashValue(smallLimits()), model = new Map<string, Entry>();
    const fields = seed % 2 === 0 ? 10 : 60;
    for (let nowMs = 0; nowMs < 800; nowMs++) {
      const field = `f${random.below(fields)}`, known = model.get(field);
      switch (random.below(5)) {
        case 0:
        case 1: {
          const keep = random.float() < 0.3;
          hash.set(field, `v${nowMs}`, keep);
          model.set(field, { value: `v${nowMs}`, atMs: keep ? known?.atMs ?? Infinity : Infinity });
          break;
        }
        case 2:
          if (known === undefined) break;
          known.atMs = nowMs + 1 + random.below(100);
          hash.setExpiry(field, known.atMs);
          break;
        case 3:
          assertEquals(hash.persist(field), known !== undefined && known.atMs < Infinity, message);
          if (known !== undefined) known.atMs = Infinity;
          break;
        case 4:
          assertEquals(hash.delete(field), model.delete(field), message);
      }
      const alive = [...model].filter(([, entry]) => entry.atMs > nowMs);
      const visible = new Map(alive.map(([name, entry]) => [name, entry.value]));
      assertEquals(sorted(contents(hash, nowMs)), sorted(visible), message);
      assertEquals(hash.visibleSize(nowMs), visible.size, message);
      assertEquals([hash.get(field, nowMs), hash.has(field, nowMs)], [
        visible.get(field),
        visible.has(field),
      ]);
      assertEquals(hash.nextExpiryMs, Math.min(Infinity, ...[...model.values()].map((entry) => entry.atMs)));
      if (random.float() < 0.7) {
        const due = [...model].filter(([, entry]) => entry.atMs <= nowMs).map(([name]) => name);
        assertEquals(hash.expireDue(nowMs).sort(), due.sort(), message);
        for (const name of due) model.delete(name);
      }
      assertEquals(hash.size, model.size, message);
    }
  }
});

Deno.test("HashValue.expireDue removes at most its limit, earliest first", () => {
  const hash = new HashValue(smallLimits());
  for (let i = 0; i < 5; i++) hash.set(`f${i}`, "v"), hash.setExpiry(`f${i}`, 50 - i);
  assertEquals(hash.expireDue(48, 2), ["f4", "f3"]);
  assertEquals(hash.expireDue(48), ["f2"]);
  assertEquals([hash.size, hash.nextExpiryMs], [2, 49]);
});

Deno.test("HashValue.memoryBytes follows the content", () => {
  const hash = new HashValue(smallLimits()), empty = hash.memoryBytes;
  for (let i = 0; i < 1000; i++) hash.set(`field:${i}`, "v".repeat(100));
  assert(hash.memoryBytes > 1000 * 110 && hash.memoryBytes < 1000 * 250, String(hash.memoryBytes));
  for (let i = 0; i < 1000; i++) hash.delete(`field:${i}`);
  assert(hash.memoryBytes < empty + 2000, String(hash.memoryBytes));
});
