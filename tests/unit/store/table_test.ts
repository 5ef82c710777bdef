import { assert, assertEquals, assertThrows } from "@std/assert";
import { storeFaults } from "../../../src/store/check.ts";
import { CHUNK_BYTES, Store, StoreFullError } from "../../../src/store/store.ts";
import { ROOT_BYTES, Table } from "../../../src/store/table.ts";
import { bytesOf } from "../../../src/util/bytes.ts";
import { Random } from "../../../src/util/random.ts";

function add(table: Table, key: string): boolean {
  const bytes = bytesOf(key), hash = table.hash(bytes, 0, bytes.length);
  if (table.find(bytes, 0, bytes.length, hash) !== 0) return false;
  const ref = table.insert(bytes, 0, bytes.length, hash);
  if (table.headBytes > 0) table.store.f64(ref)[table.store.at(ref) >>> 3] = key.length;
  return true;
}

function find(table: Table, key: string): number {
  const bytes = bytesOf(key);
  return table.find(bytes, 0, bytes.length, table.hash(bytes, 0, bytes.length));
}

function remove(table: Table, key: string): boolean {
  const ref = find(table, key);
  if (ref !== 0) table.remove(table.hashOf(ref), ref);
  return ref !== 0;
}

function keysOf(table: Table): string[] {
  const keys: string[] = [];
  table.forEach((ref) => keys.push(table.keyText(ref)));
  return keys;
}

function faultsOf(...tables: Table[]): string[] {
  return storeFaults(tables[0]!.store, tables.map((table) => (visit) => table.forEachRun(visit)));
}

function bytesOfRuns(table: Table): number {
  let bytes = 0;
  table.forEachRun((ref) => bytes += table.store.sizeOf(ref));
  return bytes;
}

function compact(table: Table, budget: number): void {
  table.store.beginCompaction();
  for (let cursor = 0; (cursor = table.compact(cursor, budget)) !== 0;);
  table.store.endCompaction();
}

const makers: readonly ((random: Random) => string)[] = [
  (random) => `k${random.below(400)}`,
  (random) => `key:${random.below(30_000)}`,
  (random) => "x".repeat(random.below(600)),
];

Deno.test("Table agrees with a Set under random commands and compactions", () => {
  for (let seed = 0; seed < 8; seed++) {
    const random = new Random(seed), model = new Set<string>(), message = `seed ${seed}`;
    const table = new Table(new Store(), seed % 2 * 8, seed);
    for (let step = 0; step < 20_000; step++) {
      const key = makers[step < 15_000 ? 1 : random.below(3)]!(random),
        grows = Math.floor(step / 6000) % 2 === 0;
      if (random.float() < (grows ? 0.95 : 0.2)) {
        assertEquals(add(table, key), !model.has(key) && !!model.add(key), message);
      } else assertEquals(remove(table, key), model.delete(key), message);
      if (random.below(4000) === 0) compact(table, 1 + random.below(500));
      if (random.below(4000) === 0) assertEquals(faultsOf(table), [], message);
    }
    assertEquals([table.size, table.bytes], [model.size, bytesOfRuns(table)], message);
    assertEquals(keysOf(table).sort(), [...model].sort(), message);
    for (const key of model) assert(find(table, key) !== 0 && remove(table, key), message);
    assertEquals([table.size, table.bytes, faultsOf(table), table.store.liveBytes], [0, 0, [], 0], message);
  }
});

Deno.test("Table splits and joins segments, and keeps its heads", () => {
  const table = new Table(new Store(), 8);
  for (let i = 0; i < 60_000; i++) add(table, `member:${i}`);
  assertEquals([table.size, table.bytes, faultsOf(table)], [60_000, bytesOfRuns(table), []]);
  assert(table.bytes < 60_000 * 42, String(table.bytes / 60_000));
  for (let i = 0; i < 60_000; i += 7) {
    const key = `member:${i}`, ref = find(table, key);
    assertEquals(table.store.f64(ref)[table.store.at(ref) >>> 3], key.length);
  }
  for (let i = 100; i < 60_000; i++) assert(remove(table, `member:${i}`), String(i));
  assertEquals([table.size, table.bytes, faultsOf(table)], [100, bytesOfRuns(table), []]);
  assert(table.bytes < 6000, String(table.bytes));
  assertEquals(keysOf(table).sort(), Array.from({ length: 100 }, (_, i) => `member:${i}`).sort());
});

Deno.test("Table.scan visits each lasting entry exactly once while others come and go", () => {
  for (let seed = 0; seed < 6; seed++) {
    const random = new Random(seed),
      table = new Table(new Store(), 0, seed),
      seen = new Map<string, number>();
    for (let i = 0; i < 3000; i++) add(table, `keep${i}`), add(table, `drop${i}`);
    let cursor = 0, steps = 0;
    do {
      cursor = table.scan(cursor, 10, (ref) => {
        const key = table.keyText(ref);
        seen.set(key, (seen.get(key) ?? 0) + 1);
      });
      for (let i = 0; i < 12; i++) {
        if (seed % 2 === 0) add(table, `new${random.below(1e6)}`);
        else remove(table, `drop${random.below(3000)}`);
      }
      steps++;
    } while (cursor !== 0);
    for (let i = 0; i < 3000; i++) assertEquals(seen.get(`keep${i}`), 1, `seed ${seed}: keep${i}`);
    assert(steps > 200, String(steps));
  }
});

Deno.test("Table.scan visits about as many entries as requested", () => {
  const table = new Table(new Store());
  for (let i = 0; i < 50_000; i++) add(table, `member:${i}`);
  for (let cursor = 0, visited = 0;; visited = 0) {
    cursor = table.scan(cursor, 20, () => visited++);
    if (cursor === 0) break;
    assert(visited >= 20 && visited < 120, String(visited));
  }
});

Deno.test("Table.sample gives every entry equally often", () => {
  const random = new Random(7), table = new Table(new Store(), 0, 7);
  for (const [size, draws] of [[20, 20_000], [9000, 90_000]] as const) {
    for (let i = table.size; i < size; i++) add(table, `m${i}`);
    const counts = new Map<number, number>();
    for (let i = 0; i < draws; i++) {
      const ref = table.sample(random);
      counts.set(ref, (counts.get(ref) ?? 0) + 1);
    }
    let deviation = 0;
    table.forEach((ref) => deviation += ((counts.get(ref) ?? 0) - draws / size) ** 2 / (draws / size));
    // Chi-squared: its mean is `size`, its variance twice that.
    assert(Math.abs(deviation - size) < 5 * Math.sqrt(2 * size), `${size}: ${deviation}`);
  }
});

Deno.test("Table.sampleDistinct returns the requested number of different entries, or all", () => {
  const random = new Random(3), table = new Table(new Store(), 0, 3);
  for (let i = 0; i < 1000; i++) add(table, `m${i}`);
  for (const count of [0, 1, 10, 249, 250, 999, 1000, 2000]) {
    const refs = table.sampleDistinct(count, random);
    assertEquals([refs.length, new Set(refs).size], [Math.min(count, 1000), Math.min(count, 1000)]);
    assert(refs.every((ref) => find(table, table.keyText(ref)) === ref));
  }
});

Deno.test("Table.copy and its original are independent", () => {
  for (const count of [0, 5, 20_000]) {
    const table = new Table(new Store());
    for (let i = 0; i < count; i++) add(table, `m${i}`);
    const twin = table.copy();
    assertEquals([twin.size, twin.bytes, faultsOf(table, twin)], [table.size, table.bytes, []]);
    add(twin, "twin");
    remove(table, "m0");
    assertEquals([find(table, "twin"), find(twin, "twin") !== 0, find(twin, "m0") !== 0], [
      0,
      true,
      count > 0,
    ]);
    assertEquals(faultsOf(table, twin), []);
    table.free();
    while (table.store.freeSome(1000));
    assertEquals([twin.size, faultsOf(table, twin)], [count + 1, []]);
  }
});

Deno.test("Table can be taken over from its root by another object", () => {
  const store = new Store(), table = new Table(store), root = new Uint8Array(ROOT_BYTES + 3);
  for (let i = 0; i < 20_000; i++) add(table, `m${i}`);
  table.writeRoot(root, 3);
  const twin = new Table(store).readRoot(root, 3);
  assertEquals([twin.size, twin.bytes, twin.sample(new Random(1)) !== 0], [table.size, table.bytes, true]);
  for (let i = 50; i < 20_000; i++) assert(remove(twin, `m${i}`));
  assertEquals([twin.size, twin.bytes, faultsOf(twin)], [50, bytesOfRuns(twin), []]);
  twin.free();
  assertEquals(store.liveBytes, 0);
});

Deno.test("Table.replace swaps an entry for one with another tail", () => {
  const table = new Table(new Store());
  for (let i = 0; i < 100; i++) add(table, `m${i}`);
  const old = find(table, "m7"), hash = table.hashOf(old), key = bytesOf("m7");
  const ref = table.newEntry(key, 0, 2, 500);
  table.replace(hash, old, ref);
  assertEquals([find(table, "m7"), table.keyText(ref), table.size, table.bytes], [
    ref,
    "m7",
    100,
    bytesOfRuns(table),
  ]);
  assertEquals(faultsOf(table), []);
});

Deno.test("Table leaves everything as it was when the store is full", () => {
  const store = new Store(3), table = new Table(store), blocker = store.allocate(CHUNK_BYTES + 1);
  let count = 0;
  assertThrows(() => {
    for (;; count++) add(table, `member:${count}`);
  }, StoreFullError);
  const faults = storeFaults(store, [(visit) => table.forEachRun(visit), (visit) => visit(blocker)]);
  assertEquals([table.size, table.bytes, faults], [count, bytesOfRuns(table), []]);
  for (let i = 0; i < count; i++) assert(remove(table, `member:${i}`));
  assertEquals(table.bytes, 0);
});
