import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { BUCKET_COUNT, bucketOf, Index, TABLE_COUNT, tableOf } from "../../../src/keyspace/index.ts";
import { Random } from "../../../src/util/random.ts";

/** Entries are told apart by their reference alone. */
const isRef = (ref: number, wanted: number) => ref === wanted;

/** An index beside a model of it: the hash of each reference. */
class Modelled {
  readonly index = new Index();
  readonly hashes = new Map<number, number>();
  #nextRef = 1;

  insert(hash: number): number {
    const ref = this.#nextRef;
    // References use all 32 bits.
    this.#nextRef = (this.#nextRef + 0x01000193) >>> 0 || 1;
    this.index.insert(hash, ref);
    this.hashes.set(ref, hash);
    return ref;
  }

  remove(ref: number): void {
    this.index.remove(this.hashes.get(ref)!, ref);
    this.hashes.delete(ref);
  }

  check(message: string): void {
    assertEquals(this.index.size, this.hashes.size, message);
    for (const [ref, hash] of this.hashes) assertEquals(this.index.find(hash, isRef, ref), ref, message);
  }

  anyRef(random: Random): number {
    return [...this.hashes.keys()][random.below(this.hashes.size)]!;
  }
}

/** Hashes that crowd into few tables and few homes, so that probes run into each other. */
function crowdedHash(random: Random): number {
  return (((0xffc + random.below(6)) << 20) | (random.below(40) * 0x3f)) | 0;
}

Deno.test("Index agrees with a map over random inserts, moves and removals", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = new Random(seed), model = new Modelled();
    for (let step = 0; step < 3000; step++) {
      const growing = (step >> 9) % 2 === 0;
      if (model.hashes.size === 0 || random.below(100) < (growing ? 70 : 30)) {
        model.insert(seed % 2 === 0 ? crowdedHash(random) : random.next() | 0);
      } else model.remove(model.anyRef(random));
      if (step % 300 === 0) model.check(`seed ${seed}, step ${step}`);
    }
    model.check(`seed ${seed}`);
    while (model.hashes.size > 0) model.remove(model.anyRef(random));
    assertEquals([model.index.size, model.index.slotCount, model.index.bytes], [0, 0, 0], `seed ${seed}`);
  }
});

Deno.test("Index.replace points an entry to where its record has moved", () => {
  const index = new Index();
  for (let ref = 1; ref <= 50; ref++) index.insert(7, ref);
  index.replace(7, 25, 0xffff_fff0);
  assertEquals(index.find(7, isRef, 25), 0);
  assertEquals(index.find(7, isRef, 0xffff_fff0), 0xffff_fff0);
});

Deno.test("Index.clear removes everything", () => {
  const model = new Modelled();
  for (let i = 0; i < 1000; i++) model.insert(i * 0x9e3779b1 | 0);
  model.index.clear();
  assertEquals([model.index.size, model.index.slotCount, model.index.scan(0, 10, () => {})], [0, 0, 0]);
});

Deno.test("Index visits each entry once by table and by bucket", () => {
  const random = new Random(3), model = new Modelled();
  for (let i = 0; i < 20_000; i++) model.insert(i % 2 === 0 ? random.next() | 0 : crowdedHash(random));
  const byTable: number[] = [], byBucket: number[] = [];
  let counted = 0;
  for (let table = 0; table < TABLE_COUNT; table++) {
    counted += model.index.countIn(table);
    model.index.forEachIn(table, (ref) => {
      assertEquals(tableOf(model.hashes.get(ref)!), table);
      byTable.push(ref);
    });
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      model.index.forEachInBucket(table, bucket, (ref) => {
        assertEquals(bucketOf(model.hashes.get(ref)!), bucket);
        byBucket.push(ref);
      });
    }
  }
  assertEquals(counted, 20_000);
  const all = [...model.hashes.keys()].sort();
  assertEquals(byTable.sort(), all);
  assertEquals(byBucket.sort(), all);
});

Deno.test("Index.scan visits each entry once while nothing changes, whatever the count", () => {
  for (const [seed, count] of [1, 2, 10, 100, 5000, 1e6].entries()) {
    const random = new Random(seed), model = new Modelled();
    for (let i = 0; i < 5000; i++) model.insert(i % 3 === 0 ? crowdedHash(random) : random.next() | 0);
    const seen: number[] = [];
    let cursor = 0, calls = 0;
    do {
      cursor = model.index.scan(cursor, count, (ref) => seen.push(ref));
      calls++;
    } while (cursor !== 0);
    assertEquals(seen.length, 5000, `count ${count}`);
    assertEquals(new Set(seen).size, 5000, `count ${count}`);
    assert(calls <= 2 * 5000 / count + TABLE_COUNT / (count * 10) + 2, `count ${count}: ${calls} calls`);
  }
});

Deno.test("Index.scan returns every lasting entry while tables grow and shrink", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed), model = new Modelled();
    const hash = () => seed % 3 === 0 ? random.next() | 0 : crowdedHash(random);
    const kept = new Set(Array.from({ length: 200 }, () => model.insert(hash())));
    const passing: number[] = [];
    const seen = new Set<number>();
    let cursor = 0, calls = 0;
    do {
      cursor = model.index.scan(cursor, 1 + random.below(8), (ref) => seen.add(ref));
      // Waves of growth and decline, so that tables double and halve during the walk.
      const growing = (calls++ >> 2) % 2 === 0;
      for (let i = random.below(400); i > 0; i--) {
        if (growing) passing.push(model.insert(hash()));
        else if (passing.length > 0) model.remove(passing.splice(random.below(passing.length), 1)[0]!);
      }
    } while (cursor !== 0 && calls < 20_000);
    assertLess(calls, 20_000, `seed ${seed}: the walk ends`);
    for (const ref of kept) assert(seen.has(ref), `seed ${seed}: ${ref} was not returned`);
  }
});

Deno.test("Index.scan takes any cursor, also one it never gave out", () => {
  const random = new Random(5), model = new Modelled();
  for (let i = 0; i < 300; i++) model.insert(random.next() | 0);
  for (const cursor of [1, 4095, 4096, 123_456_789, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
    let next = cursor, calls = 0;
    do next = model.index.scan(next, 50, () => {}); while (next !== 0 && ++calls < 10_000);
    assertEquals(next, 0, `cursor ${cursor}`);
  }
});

/**
 * Draws `draws` times from an index of `size` entries and checks that all are drawn equally often
 * (chi-square).
 */
function checkFairness(model: Modelled, draws: number, seed: number): void {
  const random = new Random(seed), counts = new Map<number, number>();
  for (let i = 0; i < draws; i++) {
    const ref = model.index.sample(random);
    counts.set(ref, (counts.get(ref) ?? 0) + 1);
  }
  const size = model.hashes.size, expected = draws / size;
  let chiSquare = 0;
  for (const ref of model.hashes.keys()) chiSquare += ((counts.get(ref) ?? 0) - expected) ** 2 / expected;
  // Mean size - 1, deviation √(2 (size - 1)): six deviations do not occur by chance.
  assertLess(chiSquare, size - 1 + 6 * Math.sqrt(2 * size), `size ${size}, seed ${seed}`);
  for (const ref of counts.keys()) assert(model.hashes.has(ref));
}

Deno.test("Index.sample is fair however entries are spread", () => {
  for (const [seed, size] of [1, 2, 7, 100, 3000].entries()) {
    const random = new Random(seed), model = new Modelled();
    for (let i = 0; i < size; i++) model.insert(i % 2 === 0 ? random.next() | 0 : crowdedHash(random));
    checkFairness(model, Math.max(2000, size * 20), seed);
  }
  assertEquals(new Index().sample(new Random(1)), 0);
});

Deno.test("Index.sample stays quick and fair where few entries of many are left", () => {
  const random = new Random(9), model = new Modelled();
  const refs = Array.from({ length: 100_000 }, () => model.insert(random.next() | 0));
  for (const ref of refs.slice(20)) model.remove(ref);
  const counting = new CountingRandom(4);
  for (let i = 0; i < 1000; i++) model.index.sample(counting);
  assertGreater(1000 * 100, counting.draws, "random numbers drawn");
  checkFairness(model, 4000, 9);
});

class CountingRandom extends Random {
  draws = 0;

  override next(): number {
    this.draws++;
    return super.next();
  }
}
