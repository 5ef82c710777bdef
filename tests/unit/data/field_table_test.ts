import { assert, assertEquals, assertLess } from "@std/assert";
import { FieldTable } from "../../../src/data/field_table.ts";
import { Random } from "../../../src/util/random.ts";

/** Compares a table with the map it should hold. */
function check(table: FieldTable, model: ReadonlyMap<string, string>, message: string) {
  assertEquals(table.size, model.size, message);
  const found = new Map<string, string>();
  for (let slot = 0; slot < table.size; slot++) {
    assertEquals(table.find(table.fieldAt(slot)), slot, message);
    found.set(table.fieldAt(slot), table.valueAt(slot));
  }
  // Compared as a whole only by size and lookup: some values are long.
  for (const [field, value] of model) {
    assert(found.get(field) === value, `${message}, field ${field.slice(0, 20)}`);
  }
}

/** Lengths on both sides of all limits: 254 for a length's form, 256 KiB for a chunk of its own. */
function randomLength(random: Random): number {
  const kind = random.below(1000);
  if (kind < 900) return random.below(40);
  if (kind < 980) return 240 + random.below(30);
  return kind < 998 ? random.below(20_000) : 260_000 + random.below(5000);
}

Deno.test("FieldTable agrees with a Map under random sets and deletions", () => {
  for (let seed = 0; seed < 6; seed++) {
    const random = new Random(seed), table = new FieldTable(seed), model = new Map<string, string>();
    for (let step = 0; step < 3000; step++) {
      const field = `f${random.below(600)}`.padEnd(random.below(100) === 0 ? 300 : 0, "x");
      if (random.float() < (step % 1000 < 600 ? 0.25 : 0.8)) {
        assertEquals(table.delete(field), model.delete(field), `seed ${seed}`);
      } else {
        const value = String.fromCharCode(random.below(256)).repeat(randomLength(random));
        assertEquals(table.set(field, value), !model.has(field), `seed ${seed}`);
        model.set(field, value);
      }
    }
    check(table, model, `seed ${seed}`);
    const twin = table.copy();
    for (const field of model.keys()) assert(table.delete(field));
    check(table, new Map(), `seed ${seed}, emptied`);
    assert(table.set("again", "1"));
    check(twin, model, `seed ${seed}, copy`);
  }
});

Deno.test("FieldTable holds more than a chunk of records, and every character", () => {
  const table = new FieldTable(1), model = new Map<string, string>();
  for (let i = 0; i < 3000; i++) {
    const field = String.fromCharCode(i & 255, i >> 8);
    model.set(field, String.fromCharCode(255 - (i & 255)).repeat(1000));
    table.set(field, model.get(field)!);
  }
  table.set("", "");
  model.set("", "");
  check(table, model, "3 MB");
});

Deno.test("FieldTable uses the room of overwritten and removed fields again", () => {
  const table = new FieldTable(2);
  for (let i = 0; i < 2000; i++) table.set(`field:${i}`, "0".repeat(20));
  const full = table.memoryBytes;
  for (let round = 1; round < 20; round++) {
    for (let i = 0; i < 2000; i++) table.set(`field:${i}`, String(round % 10).repeat(20 + (round % 2) * 20));
  }
  assertLess(table.memoryBytes, full * 2.5);
  for (let i = 0; i < 1950; i++) table.delete(`field:${i}`);
  assertLess(table.memoryBytes, full / 10);
});

Deno.test("FieldTable meets every lasting field when its slots are walked downwards amid deletions", () => {
  const random = new Random(5), table = new FieldTable(5), seen = new Set<string>();
  for (let i = 0; i < 500; i++) table.set(`keep${i}`, ""), table.set(`drop${i}`, "");
  for (let cursor = table.size; cursor > 0; cursor = Math.min(cursor - 1, table.size)) {
    seen.add(table.fieldAt(cursor - 1));
    const field = table.fieldAt(random.below(table.size));
    if (field.startsWith("drop")) table.delete(field);
  }
  for (let i = 0; i < 500; i++) assert(seen.has(`keep${i}`), `keep${i}`);
});
