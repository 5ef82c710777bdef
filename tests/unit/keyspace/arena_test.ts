import { assert, assertEquals, assertGreater, assertLess, assertNotEquals, assertThrows } from "@std/assert";
import {
  Arena,
  ArenaFullError,
  LARGEST_RUN_BYTES,
  UNIT_BYTES,
  unitsFor,
} from "../../../src/keyspace/arena.ts";
import { Random } from "../../../src/util/random.ts";

/**
 * The content that a test writes into a run; it must survive any change of other runs. The lowest
 * four bits of the first word are never all set.
 */
function fill(arena: Arena, ref: number, units: number, mark: number): void {
  const { u32 } = arena.chunk(ref), word = arena.offset(ref) >>> 2;
  u32[word] = (mark & 0x0f) === 0x0f ? mark - 1 : mark;
  u32.fill(mark, word + 1, word + units * 2);
}

function isIntact(arena: Arena, ref: number, units: number, mark: number): boolean {
  const { u32 } = arena.chunk(ref), word = arena.offset(ref) >>> 2;
  return u32.subarray(word + 1, word + units * 2).every((value) => value === mark);
}

Deno.test("unitsFor rounds up to whole units, two at least", () => {
  assertEquals([0, 1, 16, 17, 24, 25].map(unitsFor), [2, 2, 2, 3, 3, 4]);
});

Deno.test("Arena keeps every live run whole over random allocations and releases", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = new Random(seed), arena = new Arena();
    const live: { ref: number; units: number; mark: number }[] = [];
    let liveUnits = 0;
    for (let step = 1; step < 8000; step++) {
      if (random.below(100) < 55 || live.length === 0) {
        const units = random.below(50) === 0 ? 2 + random.below(5000) : 2 + random.below(30);
        const ref = arena.allocate(units);
        assertNotEquals(ref, 0);
        fill(arena, ref, units, step);
        live.push({ ref, units, mark: step });
        liveUnits += units;
      } else {
        const at = random.below(live.length), { ref, units, mark } = live[at]!;
        assert(isIntact(arena, ref, units, mark), `seed ${seed}, step ${step}`);
        arena.release(ref, units);
        live[at] = live[live.length - 1]!;
        live.pop();
        liveUnits -= units;
      }
    }
    assertEquals(arena.liveBytes, liveUnits * UNIT_BYTES, `seed ${seed}`);
    for (const { ref, units, mark } of live) assert(isIntact(arena, ref, units, mark), `seed ${seed}`);
    for (const { ref, units } of live) arena.release(ref, units);
    assertEquals(arena.liveBytes, 0);
  }
});

Deno.test("Arena reuses a released run for the same size", () => {
  const arena = new Arena(), refs = Array.from({ length: 100 }, () => arena.allocate(5));
  const occupied = arena.occupiedBytes;
  for (const ref of refs) arena.release(ref, 5);
  const again = Array.from({ length: 100 }, () => arena.allocate(5));
  assertEquals(new Set(again), new Set(refs));
  assertEquals(arena.occupiedBytes, occupied);
});

Deno.test("Arena has room for thousands of long runs", () => {
  const arena = new Arena(), units = 20_000 / UNIT_BYTES;
  const refs = Array.from({ length: 1200 }, () => arena.allocate(units));
  assertEquals(new Set(refs).size, refs.length);
  for (const [mark, ref] of refs.entries()) fill(arena, ref, units, mark);
  for (const [mark, ref] of refs.entries()) assert(isIntact(arena, ref, units, mark), `run ${mark}`);
  for (const ref of refs) arena.release(ref, units);
  assertEquals(arena.liveBytes, 0);
  const occupied = arena.occupiedBytes;
  assertEquals(new Set(refs.map(() => arena.allocate(units))), new Set(refs), "and uses them again");
  assertEquals(arena.occupiedBytes, occupied);
});

Deno.test("Arena refuses a chunk that no reference could name, and goes on", () => {
  const arena = new Arena(3), units = LARGEST_RUN_BYTES / UNIT_BYTES + 1;
  const refs = Array.from({ length: 3 }, () => arena.allocate(units));
  assertThrows(() => arena.allocate(units), ArenaFullError);
  assertThrows(() => arena.allocate(4), ArenaFullError);
  assertEquals(arena.liveBytes, 3 * units * UNIT_BYTES);
  arena.release(refs.pop()!, units);
  assertNotEquals(arena.allocate(4), 0);
});

Deno.test("Arena gives a very long run memory of its own and takes it back at once", () => {
  const arena = new Arena(), units = (17 << 20) / UNIT_BYTES;
  const small = arena.allocate(4);
  fill(arena, small, 4, 9);
  const before = arena.occupiedBytes;
  for (let round = 0; round < 5; round++) {
    const ref = arena.allocate(units);
    fill(arena, ref, units, round);
    assertGreater(arena.occupiedBytes, 17 << 20);
    arena.release(ref, units);
    assertEquals(arena.occupiedBytes, before);
  }
  assert(isIntact(arena, small, 4, 9));
});

Deno.test("Arena evacuates a sparse chunk: live runs are reported, free ones dropped", () => {
  const arena = new Arena(), units = 8;
  const refs = Array.from({ length: 40_000 }, () => arena.allocate(units));
  assertEquals(arena.sparsestChunk(), -1, "nothing is free");
  const live = new Set(refs);
  for (const [i, ref] of refs.entries()) {
    if (i % 10 === 0) continue;
    arena.release(ref, units);
    live.delete(ref);
  }
  const occupied = arena.occupiedBytes, id = arena.sparsestChunk();
  assertGreater(id, -1);
  arena.beginEvacuation(id);
  for (let unit = arena.firstUnit(id), end = arena.endUnit(id); unit < end; unit = arena.nextUnit) {
    const ref = arena.visit(id, unit, () => units);
    if (ref === 0) continue;
    assert(live.delete(ref), "a live run, once");
    const target = arena.allocate(units);
    fill(arena, target, units, 3);
    live.add(target);
    arena.release(ref, units);
  }
  arena.dropChunk(id);
  assertLess(arena.occupiedBytes, occupied);
  assertEquals(arena.liveBytes, live.size * units * UNIT_BYTES);
  for (const ref of live) fill(arena, ref, units, 3);
});

Deno.test("Arena.clear forgets everything", () => {
  const arena = new Arena();
  for (let i = 0; i < 1000; i++) arena.allocate(2 + i % 90);
  arena.clear();
  assertEquals([arena.liveBytes, arena.occupiedBytes], [0, 0]);
  assertNotEquals(arena.allocate(2), 0);
});
