import { assert, assertEquals } from "@std/assert";
import { StringTable } from "../../../src/data/string_table.ts";
import { Random } from "../../../src/util/random.ts";

/** Compares a table with the dense array it should hold. */
function check(table: StringTable, model: readonly string[], message: string) {
  assertEquals(table.size, model.length, message);
  model.forEach((text, slot) => {
    assertEquals(table.at(slot), text, message);
    assertEquals(table.find(text), slot, message);
  });
}

Deno.test("StringTable agrees with a dense array under random adds and removals", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed), table = new StringTable(seed), message = `seed ${seed}`;
    const model: string[] = [];
    for (let step = 0; step < 2000; step++) {
      const grow = step % 1000 < 500 ? 0.8 : 0.2;
      if (random.float() < grow) {
        const text = `m${random.below(1000)}`;
        const known = model.indexOf(text);
        assertEquals(table.add(text), known < 0 ? model.length : known, message);
        if (known < 0) model.push(text);
      } else if (model.length > 0) {
        const slot = random.below(model.length), last = model.length - 1;
        assertEquals(table.removeAt(slot), slot === last ? -1 : last, message);
        const moved = model.pop()!;
        if (slot < last) model[slot] = moved;
      }
      assertEquals(table.find(`absent${step}`), -1);
    }
    check(table, model, message);
  }
});

Deno.test("StringTable gives its index back when most members are gone", () => {
  const table = new StringTable(1), empty = table.memoryBytes;
  for (let i = 0; i < 5000; i++) table.add(`member:${i}`);
  const full = table.memoryBytes;
  while (table.size > 4) table.removeAt(table.size >> 1);
  assert(table.memoryBytes < full / 50, `${table.memoryBytes} of ${full}`);
  while (table.size > 0) table.removeAt(0);
  assertEquals(table.memoryBytes, empty);
});

Deno.test("StringTable.copy is independent of its original", () => {
  const table = new StringTable(2);
  for (let i = 0; i < 100; i++) table.add(`m${i}`);
  const twin = table.copy();
  assertEquals(twin.memoryBytes, table.memoryBytes);
  twin.add("only in the twin");
  table.removeAt(0);
  assertEquals([table.size, twin.size], [99, 101]);
  assertEquals([table.find("m0"), twin.find("m0"), table.find("only in the twin")], [-1, 0, -1]);
});

Deno.test("StringTable holds members with every character, and the empty one", () => {
  const table = new StringTable(3);
  for (let i = 0; i < 256; i++) table.add(String.fromCharCode(i, 0, i));
  table.add("");
  for (let i = 0; i < 256; i++) assertEquals(table.find(String.fromCharCode(i, 0, i)), i);
  assertEquals(table.find(""), 256);
});

Deno.test("StringTable meets every lasting member when its slots are walked downwards amid removals", () => {
  const random = new Random(5), table = new StringTable(5), seen = new Set<string>();
  for (let i = 0; i < 500; i++) table.add(`keep${i}`), table.add(`drop${i}`);
  for (let cursor = table.size; cursor > 0; cursor = Math.min(cursor - 1, table.size)) {
    seen.add(table.at(cursor - 1));
    const slot = random.below(table.size);
    if (table.at(slot).startsWith("drop")) table.removeAt(slot);
  }
  for (let i = 0; i < 500; i++) assert(seen.has(`keep${i}`), `keep${i}`);
});
