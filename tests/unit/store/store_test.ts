import { assert, assertEquals, assertThrows } from "@std/assert";
import { storeFaults } from "../../../src/store/check.ts";
import { classOf, classUnits, LARGEST_SLAB_RUN } from "../../../src/store/classes.ts";
import { CHUNK_BYTES, Store, StoreFullError } from "../../../src/store/store.ts";
import { Random } from "../../../src/util/random.ts";

/** A run of the model; its content is its mark, repeated. */
interface Run {
  ref: number;
  bytes: number;
  mark: number;
}

function fill(store: Store, { ref, bytes, mark }: Run): void {
  const at = store.at(ref);
  store.u8(ref).fill(mark, at, at + bytes);
}

function isWhole(store: Store, { ref, bytes, mark }: Run): boolean {
  const u8 = store.u8(ref);
  for (let at = store.at(ref), end = at + bytes; at < end; at++) if (u8[at] !== mark) return false;
  return true;
}

function faultsOf(store: Store, runs: readonly Run[]): string[] {
  return storeFaults(store, [(visit) => runs.forEach(({ ref }) => visit(ref))]);
}

/** Bytes of a run: mostly few, at times pages, seldom more than a chunk. */
function someBytes(random: Random): number {
  const kind = random.below(100);
  if (kind < 70) return 1 + random.below(300);
  if (kind < 90) return 1 + random.below(20_000);
  return kind < 99 ? 1 + random.below(200_000) : 1 + random.below(CHUNK_BYTES * 1.5);
}

function compact(store: Store, runs: readonly Run[], share: number, random: Random): void {
  store.beginCompaction();
  for (const run of runs) {
    if (store.needsMove(run.ref) && random.float() < share) run.ref = store.move(run.ref);
  }
  store.endCompaction();
}

Deno.test("classOf gives the smallest class that holds the bytes, with little lost", () => {
  for (let bytes = 1; bytes <= LARGEST_SLAB_RUN; bytes++) {
    const id = classOf(bytes), held = classUnits[id]! * 8;
    assert(held >= bytes && classUnits[id - 1]! * 8 < bytes, `${bytes} in ${held}`);
    assert(held - bytes < 8 || held < bytes * 1.27, `${bytes} in ${held}`);
  }
});

Deno.test("Store keeps every run whole under random commands and compactions", () => {
  for (let seed = 0; seed < 8; seed++) {
    const random = new Random(seed), store = new Store(), runs: Run[] = [], message = `seed ${seed}`;
    for (let step = 0; step < 2000; step++) {
      const grows = random.float() < (Math.floor(step / 500) % 2 === 0 ? 0.75 : 0.3);
      if (grows) {
        const bytes = someBytes(random), run = { ref: store.allocate(bytes), bytes, mark: random.below(256) };
        assert(run.ref !== 0 && store.sizeOf(run.ref) >= bytes, message);
        assertEquals(store.sizeOf(run.ref), store.roundUp(bytes), message);
        fill(store, run);
        runs.push(run);
      } else if (runs.length > 0) {
        const index = random.below(runs.length), run = runs[index]!;
        assert(isWhole(store, run), message);
        runs[index] = runs.at(-1)!;
        runs.pop();
        store.free(run.ref);
      }
      if (random.below(200) === 0) compact(store, runs, random.float() < 0.5 ? 1 : 0.5, random);
      if (random.below(500) === 0) assertEquals(faultsOf(store, runs), [], message);
    }
    assertEquals(runs.filter((run) => !isWhole(store, run)), [], message);
    assertEquals(faultsOf(store, runs), [], message);
    for (const { ref } of runs) store.free(ref);
    store.trim();
    assertEquals([store.liveBytes, store.heldBytes, store.faults()], [0, 0, []], message);
  }
});

Deno.test("Store gives chunks back when a compaction has emptied them", () => {
  const store = new Store(), runs: Run[] = [], random = new Random(1);
  for (let i = 0; i < 400_000; i++) runs.push({ ref: store.allocate(100), bytes: 100, mark: i & 255 });
  for (const run of runs) fill(store, run);
  const kept = runs.filter(({ ref }, i) => i % 10 === 0 || void store.free(ref));
  const before = store.heldBytes;
  assert(before > 40_000_000, String(before));
  compact(store, kept, 1, random);
  assert(store.heldBytes < 12_000_000, String(store.heldBytes));
  assertEquals(kept.filter((run) => !isWhole(store, run)), []);
  assertEquals(faultsOf(store, kept), []);
});

Deno.test("Store begins no compaction where little is free", () => {
  const store = new Store(), refs: number[] = [];
  for (let i = 0; i < 200_000; i++) refs.push(store.allocate(64));
  assertEquals([store.beginCompaction(), refs.some((ref) => store.needsMove(ref))], [false, false]);
});

Deno.test("Store refuses runs that no reference can name, and stays unchanged", () => {
  const store = new Store(3), runs: Run[] = [];
  for (let i = 0; i < 2; i++) {
    runs.push({ ref: store.allocate(CHUNK_BYTES * 2), bytes: CHUNK_BYTES * 2, mark: i });
  }
  assertThrows(() => store.allocate(8), StoreFullError);
  assertThrows(() => store.allocate(CHUNK_BYTES * 2), StoreFullError);
  assertEquals(faultsOf(store, runs), []);
  store.free(runs.pop()!.ref);
  runs.push({ ref: store.allocate(8), bytes: 8, mark: 1 });
  assertEquals(faultsOf(store, runs), []);
});

Deno.test("Store.trim gives back a slab without a live run, wherever it stands in the list of its class", () => {
  const store = new Store(), refs = Array.from({ length: 2 * 8192 }, () => store.allocate(8));
  // The first slab is kept when empty, since its class then has no other room; the second precedes
  // it in the list.
  for (const ref of refs.slice(0, 8192)) store.free(ref);
  store.free(refs.at(-1)!);
  const held = store.heldBytes;
  store.trim();
  store.allocate(65_536);
  assertEquals([store.heldBytes, store.faults()], [held, []]);
});

Deno.test("Store.clear forgets every run", () => {
  const store = new Store();
  for (const bytes of [8, 5000, 100_000, CHUNK_BYTES * 2]) store.allocate(bytes);
  store.clear();
  assertEquals([store.liveBytes, store.heldBytes, store.faults()], [0, 0, []]);
  assert(store.allocate(8) !== 0);
});

Deno.test("storeFaults names runs with two owners, with none, and owned runs that are not live", () => {
  const store = new Store(), [one, other, gone] = [store.allocate(8), store.allocate(8), store.allocate(8)];
  store.free(gone!);
  const faults = storeFaults(store, [(visit) => visit(one!), (visit) => [one!, gone!].forEach(visit)]);
  assertEquals(faults, [
    `run ${one} has two owners`,
    `run ${gone} is owned, but not live`,
    `run ${other} of 8 bytes has no owner`,
  ]);
});
