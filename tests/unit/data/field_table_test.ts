import { assert, assertEquals, assertLess } from "@std/assert";
import { FIELD_ROOT_BYTES, FieldTable } from "../../../src/data/field_table.ts";
import { storeFaults } from "../../../src/store/check.ts";
import { Store } from "../../../src/store/store.ts";
import { Random } from "../../../src/util/random.ts";

interface Field {
  value: string;
  atMs: number;
}

function contentOf(table: FieldTable): Map<string, Field> {
  const found = new Map<string, Field>();
  table.forEach((ref) =>
    found.set(table.fieldOf(ref), { value: table.valueOf(ref), atMs: table.timeOf(ref) })
  );
  return found;
}

/** Compares a table with the map it should hold. */
function check(table: FieldTable, model: ReadonlyMap<string, Field>, message: string): void {
  assertEquals(table.size, model.size, message);
  const found = contentOf(table), times = [...model.values()].map(({ atMs }) => atMs);
  // Compared as a whole only by size and lookup: some values are long.
  for (const [field, { value, atMs }] of model) {
    assert(found.get(field)?.value === value, `${message}, field ${field.slice(0, 20)}`);
    assertEquals(found.get(field)?.atMs, atMs, message);
  }
  assertEquals(table.nextMs, Math.min(Infinity, ...times), message);
  assertEquals(table.timedSize, times.filter((atMs) => atMs < Infinity).length, message);
}

function faultsOf(store: Store, tables: readonly FieldTable[]): string[] {
  return storeFaults(store, tables.map((table) => (visit) => table.forEachRun(visit)));
}

/** Lengths on both sides of all limits: 253 for a length's form, 16 KiB for a slab's runs. */
function randomLength(random: Random): number {
  const kind = random.below(1000);
  if (kind < 900) return random.below(40);
  if (kind < 980) return 240 + random.below(30);
  return kind < 998 ? random.below(20_000) : 260_000 + random.below(5000);
}

Deno.test("FieldTable agrees with a Map under random sets, deletions, times and compactions", () => {
  for (let seed = 0; seed < 6; seed++) {
    const random = new Random(seed), store = new Store(), message = `seed ${seed}`;
    const table = new FieldTable(store), model = new Map<string, Field>();
    for (let step = 0; step < 6000; step++) {
      const field = `f${random.below(600)}`.padEnd(random.below(100) === 0 ? 300 : 0, "x"),
        known = model.get(field);
      const kind = random.below(10);
      if (kind < (step % 2000 < 1200 ? 2 : 6)) {
        assertEquals(table.delete(field), model.delete(field), message);
      } else if (kind < 8) {
        const value = String.fromCharCode(random.below(256)).repeat(randomLength(random)),
          keeps = random.below(2) === 0;
        assertEquals(table.set(field, value, keeps), known === undefined, message);
        model.set(field, { value, atMs: keeps ? known?.atMs ?? Infinity : Infinity });
      } else if (known !== undefined && kind === 8) {
        known.atMs = 2 ** 41 + random.below(1e6);
        table.setTime(table.find(field), known.atMs);
      } else if (known !== undefined) {
        assertEquals(table.clearTime(table.find(field)), known.atMs < Infinity, message);
        known.atMs = Infinity;
      }
      if (random.below(800) === 0) {
        store.beginCompaction();
        for (let cursor = 0; (cursor = table.compact(cursor, 100)) !== 0;);
        store.endCompaction();
      }
    }
    check(table, model, message);
    const twin = table.copy();
    assertEquals(faultsOf(store, [table, twin]), [], message);
    const due = [...model].filter(([, { atMs }]) => atMs < Infinity).sort(([, a], [, b]) => a.atMs - b.atMs);
    const taken = [...table.takeDue(2 ** 42, 7), ...table.takeDue(2 ** 42, Infinity)];
    assertEquals(taken.map((field) => model.get(field)?.atMs), due.map(([, { atMs }]) => atMs), message);
    for (const field of model.keys()) assertEquals(table.delete(field), !taken.includes(field));
    check(table, new Map(), `${message}, emptied`);
    assert(table.set("again", "1"));
    check(twin, model, `${message}, copy`);
    twin.free();
    table.free();
    assertEquals(store.liveBytes, 0);
  }
});

Deno.test("FieldTable can be taken over from its root by another object, times included", () => {
  const store = new Store(), table = new FieldTable(store), root = new Uint8Array(FIELD_ROOT_BYTES + 1);
  for (let i = 0; i < 12_000; i++) {
    table.set(`field:${i}`, String(i));
    if (i % 2 === 0) table.setTime(table.find(`field:${i}`), 20_000 - i);
  }
  table.writeRoot(root, 1);
  const twin = new FieldTable(store).readRoot(root, 1);
  assertEquals([twin.size, twin.runBytes, twin.timedSize, twin.nextMs], [12_000, table.runBytes, 6000, 8002]);
  assertEquals(twin.takeDue(8004, 9), ["field:11998", "field:11996"]);
  assertEquals(faultsOf(store, [twin]), []);
});

Deno.test("FieldTable holds every character", () => {
  const table = new FieldTable(new Store()), model = new Map<string, Field>();
  for (let i = 0; i < 3000; i++) {
    const field = String.fromCharCode(i & 255, i >> 8),
      value = String.fromCharCode(255 - (i & 255)).repeat(1000);
    model.set(field, { value, atMs: Infinity });
    table.set(field, value);
  }
  table.set("", "");
  model.set("", { value: "", atMs: Infinity });
  check(table, model, "3 MB");
});

Deno.test("FieldTable reuses the room of overwritten and removed fields", () => {
  const table = new FieldTable(new Store());
  for (let i = 0; i < 2000; i++) table.set(`field:${i}`, "0".repeat(20));
  const full = table.memoryBytes;
  for (let round = 1; round < 20; round++) {
    for (let i = 0; i < 2000; i++) table.set(`field:${i}`, String(round % 10).repeat(20 + (round % 2) * 20));
  }
  assertLess(table.memoryBytes, full * 2);
  for (let i = 0; i < 1950; i++) table.delete(`field:${i}`);
  assertLess(table.memoryBytes, full / 10);
});
