import { assert, assertEquals, assertLess } from "@std/assert";
import { type DataLimits, defaultLimits } from "../../../src/data/limits.ts";
import { AddFlag, AddOutcome, scoreTable, ZsetValue } from "../../../src/data/zset.ts";
import { storeFaults } from "../../../src/store/check.ts";
import { bytesOf, latin1 } from "../../../src/util/bytes.ts";
import { Random } from "../../../src/util/random.ts";

type Entry = [member: string, score: number];

/** Small limits, so that random sequences cross the change of encoding. */
function limits(entries: number): DataLimits {
  return { ...defaultLimits(), zsetMaxListpackEntries: entries, zsetMaxListpackValue: 40 };
}

function compareEntries(a: Entry, b: Entry): number {
  if (a[1] !== b[1]) return a[1] < b[1] ? -1 : 1;
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

function sorted(model: Map<string, number>): Entry[] {
  return [...model].sort(compareEntries);
}

function listed(zset: ZsetValue, start = 0, count = zset.size, downwards = false): Entry[] {
  const entries: Entry[] = [];
  zset.each(start, count, downwards, (member, score) => entries.push([member, score]));
  return entries;
}

function lexBelow(zset: ZsetValue, member: string, inclusive: boolean): number {
  const bytes = bytesOf(`.${member}.`);
  return zset.countLexBelow(bytes, 1, 1 + member.length, inclusive);
}

function zsetOf(entries: Iterable<Entry>, maxEntries: number): ZsetValue {
  const zset = new ZsetValue(limits(maxEntries));
  for (const [member, score] of entries) zset.add(member, score);
  return zset;
}

/** Both encodings of the same members. */
function bothEncodings(entries: Entry[]): ZsetValue[] {
  const both = [zsetOf(entries, 1000), zsetOf(entries, 0)];
  assertEquals(both.map((zset) => zset.encoding), ["listpack", "skiplist"]);
  return both;
}

const scorePool = [
  0,
  -0,
  1,
  2,
  2,
  10,
  -5,
  0.1,
  1e21,
  5e-324,
  -1.7976931348623157e308,
  2 ** 53,
  Infinity,
  -Infinity,
];

function randomEntry(random: Random): Entry {
  const score = random.below(2) === 0 ? scorePool[random.below(scorePool.length)]! : random.below(30) / 4;
  return [String.fromCharCode(random.below(256)) + random.below(60) + "x".repeat(random.below(16)), score];
}

function checkAgainst(zset: ZsetValue, model: Map<string, number>, random: Random, hint: string): void {
  const expected = sorted(model);
  assertEquals(listed(zset), expected, hint);
  assertEquals(listed(zset, zset.size - 1, zset.size, true), expected.toReversed(), hint);
  const start = random.below(expected.length + 2), count = random.below(10);
  assertEquals(listed(zset, start, count), expected.slice(start, start + count), hint);
  for (const [member, score] of expected) assertEquals(zset.score(member), score, hint);
  expected.forEach(([member], rank) => assertEquals(zset.rank(member), rank, hint));
  const score = randomEntry(random)[1];
  assertEquals(zset.countBelow(score, false), expected.filter((entry) => entry[1] < score).length, hint);
  assertEquals(zset.countBelow(score, true), expected.filter((entry) => entry[1] <= score).length, hint);
}

Deno.test("ZsetValue behaves like a sorted array through random operations in and across both encodings", () => {
  for (const [maxEntries, seed] of [[0, 1], [12, 2], [12, 3], [1000, 4]] as const) {
    const random = new Random(seed);
    for (let round = 0; round < 8; round++) {
      const zset = new ZsetValue(limits(maxEntries));
      const model = new Map<string, number>();
      let large = false;
      for (let step = 0; step < 150; step++) {
        const hint = `seed ${seed}, round ${round}, step ${step}`;
        const [member, score] = randomEntry(random);
        const action = random.below(10);
        if (action < 6) {
          const expected = !model.has(member) ? "Added" : model.get(member) === score ? "Same" : "Updated";
          assertEquals(zset.add(member, score), AddOutcome[expected], hint);
          if (expected !== "Same") model.set(member, score);
        } else if (action < 9 || model.size === 0) {
          assertEquals(zset.remove(member), model.delete(member), hint);
        } else {
          const start = random.below(model.size), count = Math.min(random.below(4), model.size - start);
          for (const [gone] of sorted(model).slice(start, start + count)) model.delete(gone);
          zset.removeRange(start, count);
        }
        large ||= model.size > maxEntries;
        assertEquals(zset.size, model.size, hint);
        assertEquals(zset.encoding, large ? "skiplist" : "listpack", hint);
        if (step % 10 === 0) checkAgainst(zset, model, random, hint);
      }
      checkAgainst(zset, model, random, `seed ${seed}, round ${round}, end`);
      checkAgainst(zset.copy(), model, random, `seed ${seed}, round ${round}, copy`);
      assertEquals(zset.copy().encoding, zset.encoding);
    }
  }
});

Deno.test("ZsetValue.encoding changes at zset-max-listpack-entries and zset-max-listpack-value", () => {
  const zset = new ZsetValue(limits(3));
  for (const member of ["a", "b", "c"]) zset.add(member, 1);
  zset.add("a", 2);
  assertEquals(zset.encoding, "listpack");
  zset.add("d", 1);
  assertEquals(zset.encoding, "skiplist");
  zset.remove("d");
  assertEquals(zset.encoding, "skiplist");

  const long = new ZsetValue(limits(3));
  long.add("x".repeat(40), 1);
  assertEquals(long.encoding, "listpack");
  long.add("x".repeat(41), 1);
  assertEquals(long.encoding, "skiplist");
});

Deno.test("ZsetValue.add obeys its flags and returns the outcome", () => {
  for (const zset of bothEncodings([["a", 5]])) {
    const add = (member: string, score: number, flags: number) => zset.add(member, score, flags);
    assertEquals(add("b", 1, AddFlag.IfPresent), AddOutcome.Refused);
    assertEquals(add("a", 1, AddFlag.IfAbsent), AddOutcome.Refused);
    assertEquals(add("a", 4, AddFlag.IfGreater), AddOutcome.Refused);
    assertEquals(add("a", 5, AddFlag.IfGreater), AddOutcome.Refused);
    assertEquals(add("a", 6, AddFlag.IfGreater), AddOutcome.Updated);
    assertEquals(add("a", 7, AddFlag.IfLess), AddOutcome.Refused);
    assertEquals(add("a", 6, 0), AddOutcome.Same);
    assertEquals(add("a", 2, AddFlag.IfLess | AddFlag.IfPresent), AddOutcome.Updated);
    assertEquals(add("new", 2, AddFlag.IfLess), AddOutcome.Added);
    assertEquals(add("a", -3, AddFlag.Increment), AddOutcome.Updated);
    assertEquals(add("a", -3, AddFlag.Increment | AddFlag.IfGreater), AddOutcome.Refused);
    assertEquals(add("a", 0, AddFlag.Increment), AddOutcome.Same);
    assertEquals(listed(zset), [["a", -1], ["new", 2]]);
  }
});

Deno.test("ZsetValue.add refuses a sum that is not a number", () => {
  for (const zset of bothEncodings([["a", Infinity]])) {
    assertEquals(zset.add("a", -Infinity, AddFlag.Increment), AddOutcome.NotANumber);
    assertEquals(zset.score("a"), Infinity);
  }
});

Deno.test("ZsetValue keeps all digits of a score", () => {
  const scores = [0.1 + 0.2, 5e-324, 2 ** 53 + 2, 123456789012345680000, -Infinity];
  for (const zset of bothEncodings(scores.map((score, i) => [`m${i}`, score]))) {
    scores.forEach((score, i) => assertEquals(zset.score(`m${i}`), score, zset.encoding));
  }
});

Deno.test("ZsetValue keeps the sign of zero only when large, as Redis does", () => {
  assertEquals(bothEncodings([["a", -0]]).map((zset) => zset.score("a")), [0, -0]);
});

Deno.test("ZsetValue.countLexBelow counts by bytes among equal scores", () => {
  const members = ["", "a", "aa", "b", "\x7f", "\x80", "\xff\xff"];
  for (const zset of bothEncodings(members.map((member) => [member, 3]))) {
    members.forEach((member, i) => {
      assertEquals(lexBelow(zset, member, false), i);
      assertEquals(lexBelow(zset, member, true), i + 1);
    });
    assertEquals(lexBelow(zset, "aaa", true), 3);
  }
});

Deno.test("ZsetValue.each stops at the ends and visits nothing outside", () => {
  for (const zset of bothEncodings([["a", 1], ["b", 2], ["c", 3]])) {
    assertEquals(listed(zset, 1, 100).map(([member]) => member), ["b", "c"]);
    assertEquals(listed(zset, 1, 100, true).map(([member]) => member), ["b", "a"]);
    assertEquals(listed(zset, 3, 1), []);
    assertEquals(listed(zset, -1, 1), []);
    assertEquals(listed(zset, 0, 0), []);
    assertEquals(zset.at(2), { member: "c", score: 3 });
  }
});

Deno.test("ZsetValue.eachBytes stops when the visitor returns false", () => {
  for (const zset of bothEncodings([["a", 1], ["b", 2], ["c", 3], ["d", 4]])) {
    for (const [downwards, expected] of [[false, ["b", "c"]], [true, ["b", "a"]]] as const) {
      const seen: string[] = [];
      zset.eachBytes(1, 4, downwards, (buf, start, end) => seen.push(latin1(buf, start, end)) < 2);
      assertEquals(seen, [...expected]);
    }
  }
});

Deno.test("ZsetValue.sample is fair", () => {
  const seed = 5;
  const random = new Random(seed);
  for (const zset of bothEncodings(Array.from({ length: 10 }, (_, i) => [`m${i}`, i]))) {
    const hits = new Map<string, number>();
    for (let i = 0; i < 5000; i++) {
      zset.sample(random, (buf, start, end, score) => {
        const member = latin1(buf, start, end);
        assertEquals(zset.score(member), score);
        hits.set(member, (hits.get(member) ?? 0) + 1);
      });
    }
    assertEquals(hits.size, 10);
    for (const count of hits.values()) assertLess(Math.abs(count - 500), 120, `seed ${seed}`);
  }
});

Deno.test("ZsetValue.sampleDistinct visits the requested number of different members", () => {
  const random = new Random(8);
  for (const zset of bothEncodings(Array.from({ length: 60 }, (_, i) => [`m${i}`, i]))) {
    for (const count of [1, 7, 30, 59]) {
      const seen = new Set<string>();
      zset.sampleDistinct(count, random, (buf, start, end) => seen.add(latin1(buf, start, end)));
      assertEquals(seen.size, count);
    }
  }
});

Deno.test("ZsetValue.scan visits every member that stays, while others come and go", () => {
  const seed = 77;
  const random = new Random(seed);
  for (let round = 0; round < 20; round++) {
    const zset = zsetOf(Array.from({ length: 300 }, (_, i) => [`m${i}`, random.below(50)]), 10);
    const gone = new Set<string>();
    const seen = new Set<string>();
    let cursor = 0;
    do {
      cursor = zset.scan(cursor, 10, (member) => seen.add(member));
      for (let i = 0; i < 6; i++) {
        const member = `m${random.below(300)}`;
        zset.remove(member);
        gone.add(member);
        if (random.below(2) === 0) zset.add(`new${random.below(100)}`, 1);
      }
    } while (cursor !== 0);
    for (let i = 0; i < 300; i++) {
      assert(gone.has(`m${i}`) || seen.has(`m${i}`), `seed ${seed}, round ${round}, m${i}`);
    }
  }
});

Deno.test("ZsetValue.scan returns a small set whole", () => {
  const zset = zsetOf([["a", 1], ["b", 2], ["c", 3]], 10);
  const seen: string[] = [];
  assertEquals(zset.scan(0, 1, (member) => seen.push(member)), 0);
  assertEquals(seen, ["a", "b", "c"]);
});

Deno.test("ZsetValue.copy is independent", () => {
  for (const zset of bothEncodings([["a", 1], ["b", 2]])) {
    const copy = zset.copy();
    copy.add("a", 9);
    zset.remove("b");
    assertEquals(listed(zset), [["a", 1]]);
    assertEquals(listed(copy), [["b", 2], ["a", 9]]);
  }
});

Deno.test("ZsetValue.slice has the members of a span, in the encoding they take", () => {
  for (const zset of bothEncodings(Array.from({ length: 40 }, (_, i) => [`m${i}`, i % 7]))) {
    const all = listed(zset);
    for (const [start, count] of [[0, 40], [3, 5], [39, 1], [10, 100], [0, 0]] as const) {
      const part = zset.slice(start, count);
      assertEquals(listed(part), all.slice(start, start + count));
      if (count > 0) assertEquals(part.encoding, zset.encoding);
    }
  }
});

Deno.test("ZsetValue.ofTable orders what a table holds, small or large", () => {
  for (
    const [count, encoding] of [[0, "listpack"], [5, "listpack"], [12, "listpack"], [13, "skiplist"], [
      500,
      "skiplist",
    ]] as const
  ) {
    const data = limits(12), table = scoreTable(data.store), model = new Map<string, number>();
    for (let i = 0; i < count; i++) {
      const bytes = bytesOf(`m${i}`),
        ref = table.insert(bytes, 0, bytes.length, table.hash(bytes, 0, bytes.length));
      data.store.f64(ref)[data.store.at(ref) >>> 3] = i * 7 % 11;
      model.set(`m${i}`, i * 7 % 11);
    }
    const zset = ZsetValue.ofTable(data, table);
    assertEquals([listed(zset), zset.encoding], [sorted(model), encoding]);
    assertEquals(data.store.liveBytes, zset.runBytes);
    zset.free();
    assertEquals(data.store.liveBytes, 0);
  }
});

Deno.test("ZsetValue accounts for all its runs, through roots, and frees them", () => {
  const data = limits(10), random = new Random(12), model = new Map<string, number>();
  let zset = new ZsetValue(data), rooted = 0;
  for (let step = 0; step < 4000; step++) {
    const [member, score] = randomEntry(random), bytes = zset.packedBytes;
    if (random.below(3) === 0) zset.remove(member), model.delete(member);
    else {zset.add(member, score),
        model.has(member) && model.get(member) === score || model.set(member, score);}
    if (bytes >= 0 && random.below(4) === 0) {
      const packed = new Uint8Array(zset.packedBytes + 9);
      zset.packInto(packed, 9);
      zset = ZsetValue.unpack(data, packed, 9, packed.length);
      if (zset.runBytes > 0) rooted++;
    }
    if (step % 400 === 0) checkAgainst(zset, model, random, `step ${step}`);
    assertEquals(zset.runBytes, data.store.liveBytes);
    if (step % 100 === 0) assertEquals(storeFaults(data.store, [(visit) => zset.forEachRun(visit)]), []);
  }
  assertEquals(rooted > 500, true);
  zset.free();
  while (data.store.freeSome(1000));
  assertEquals(data.store.liveBytes, 0);
});

Deno.test("ZsetValue takes at most 50 bytes a member of 12 characters when large, none of them in the heap", () => {
  const zset = new ZsetValue(defaultLimits());
  for (let i = 0; i < 30_000; i++) zset.add(`member:${10_000 + i}`, (i * 7919) % 30_000);
  assertLess(zset.memoryBytes / zset.size, 50);
  assertLess(zset.memoryBytes - zset.runBytes, 1000);
});
