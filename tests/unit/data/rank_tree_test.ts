import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { Bound, RankTree, TREE_ROOT_BYTES } from "../../../src/data/rank_tree.ts";
import { storeFaults } from "../../../src/store/check.ts";
import { Store, StoreFullError } from "../../../src/store/store.ts";
import { Table } from "../../../src/store/table.ts";
import { bytesOf } from "../../../src/util/bytes.ts";
import { Random } from "../../../src/util/random.ts";

/** A tree with its table, and the same members in a sorted array. */
class Checked {
  readonly store = new Store();
  readonly table = new Table(this.store, 8);
  tree = new RankTree(this.table);
  readonly model: { member: string; score: number }[] = [];

  find(member: string): number {
    const bytes = bytesOf(member);
    return this.table.find(bytes, 0, bytes.length, this.table.hash(bytes, 0, bytes.length));
  }

  insert(member: string, score: number): void {
    const bytes = bytesOf(member), hash = this.table.hash(bytes, 0, bytes.length);
    const ref = this.table.insert(bytes, 0, bytes.length, hash);
    this.tree.setScore(ref, score);
    this.tree.insert(ref);
    this.#modelInsert(member, score);
  }

  append(member: string, score: number): void {
    const bytes = bytesOf(member), hash = this.table.hash(bytes, 0, bytes.length);
    const ref = this.table.insert(bytes, 0, bytes.length, hash);
    this.tree.setScore(ref, score);
    this.tree.append(ref);
    this.model.push({ member, score });
  }

  update(member: string, score: number): void {
    this.tree.update(this.find(member), score);
    this.model.splice(this.model.findIndex((entry) => entry.member === member), 1);
    this.#modelInsert(member, score);
  }

  /** Removes by the entry, or by the rank. */
  remove(rank: number, byRank = false): void {
    const ref = this.find(this.model[rank]!.member);
    if (byRank) assertEquals(this.tree.takeAt(rank), ref);
    else this.tree.remove(ref);
    this.table.remove(this.table.hashOf(ref), ref);
    this.model.splice(rank, 1);
  }

  /** Another object for the same nodes. */
  reopen(): void {
    const root = new Uint8Array(TREE_ROOT_BYTES + 3), { bytes } = this.tree;
    this.tree.writeRoot(root, 3);
    this.tree = new RankTree(this.table).readRoot(root, 3);
    assertEquals(this.tree.bytes, bytes);
  }

  /** Moves everything in chunks that are being emptied. */
  compact(budget: number): boolean {
    if (!this.store.beginCompaction()) return false;
    for (
      let cursor = 0;
      (cursor = this.table.compact(cursor, budget, (a, b) => this.tree.replace(a, b))) !== 0;
    );
    for (let rank = 0; (rank = this.tree.compact(rank, this.model.length, budget)) !== 0;);
    this.store.endCompaction();
    return true;
  }

  #modelInsert(member: string, score: number): void {
    let low = 0, high = this.model.length;
    while (low < high) {
      const middle = (low + high) >> 1, entry = this.model[middle]!;
      if (entry.score < score || (entry.score === score && entry.member < member)) low = middle + 1;
      else high = middle;
    }
    this.model.splice(low, 0, { member, score });
  }

  listed(start: number, count: number, downwards: boolean): string[] {
    const members: string[] = [];
    this.tree.eachWhile(start, count, downwards, (ref) => {
      members.push(`${this.table.keyText(ref)} ${this.tree.scoreOf(ref)}`);
      return true;
    });
    return members;
  }

  /** Compares everything, ranks, bounds and the account of the nodes included. */
  check(hint: string): void {
    const expected = this.model.map((entry) => `${entry.member} ${entry.score}`);
    assertEquals(this.listed(0, expected.length, false), expected, hint);
    assertEquals(this.listed(expected.length - 1, expected.length, true), expected.toReversed(), hint);
    this.model.forEach((entry, rank) => assertEquals(this.tree.rank(this.find(entry.member)), rank, hint));
    let bytes = 0;
    this.tree.forEachRun((ref) => bytes += this.store.sizeOf(ref));
    assertEquals(this.tree.bytes, bytes, hint);
    const owners = [this.table, this.tree].map((owner) => (visit: (ref: number) => void) =>
      owner.forEachRun(visit)
    );
    assertEquals(storeFaults(this.store, owners), [], hint);
  }
}

function randomMember(random: Random): string {
  return String.fromCharCode(97 + random.below(3)) + random.below(100_000);
}

Deno.test("RankTree keeps order, ranks and links through growth to three levels and back to nothing", () => {
  const seed = 4711;
  const random = new Random(seed);
  const checked = new Checked();
  const target = 6000;
  for (let step = 0; checked.model.length < target; step++) {
    const member = randomMember(random);
    if (checked.find(member) === 0) checked.insert(member, random.below(500));
    else checked.update(member, random.below(500));
    if (step % 1500 === 0) checked.reopen(), checked.check(`seed ${seed}, growing, step ${step}`);
  }
  checked.check(`seed ${seed}, full`);
  for (let step = 0; checked.model.length > 0; step++) {
    checked.remove(random.below(checked.model.length), random.below(2) === 0);
    if (random.below(5) === 0) checked.insert(randomMember(random) + "x" + step, random.below(500));
    if (step % 1500 === 0 || checked.model.length < 3) checked.check(`seed ${seed}, shrinking, step ${step}`);
  }
  checked.insert("again", 1);
  checked.check(`seed ${seed}, refilled`);
});

Deno.test("RankTree takes ascending and descending insertions and removals from both ends", () => {
  const checked = new Checked();
  for (let i = 0; i < 3000; i++) checked.insert(`up${i}`, i);
  for (let i = 1; i < 3000; i++) checked.insert(`down${i}`, -i);
  checked.check("filled from the middle to both ends");
  for (let i = 0; i < 2500; i++) {
    checked.remove(checked.model.length - 1);
    checked.remove(0);
  }
  checked.check("removed from both ends");
});

Deno.test("RankTree.countBefore finds all bounds among equal scores and between them", () => {
  const seed = 31;
  const random = new Random(seed);
  const checked = new Checked();
  for (let i = 0; i < 2000; i++) checked.insert(`m${i}`, random.below(20));
  const { tree, model } = checked;
  for (let score = -1; score <= 20; score += 0.5) {
    assertEquals(
      tree.countBefore(Bound.BelowScore, score),
      model.filter((entry) => entry.score < score).length,
    );
    assertEquals(
      tree.countBefore(Bound.AtMostScore, score),
      model.filter((entry) => entry.score <= score).length,
    );
  }
});

Deno.test("RankTree.countBefore orders by bytes alone for member bounds", () => {
  const checked = new Checked();
  for (let i = 0; i < 1000; i++) checked.insert(String.fromCharCode(i & 255) + i, 7);
  for (const member of ["", "\x00", "\x7f", "\xff", "a", checked.model[500]!.member]) {
    const below = checked.model.filter((entry) => entry.member < member).length;
    const atMost = checked.model.filter((entry) => entry.member <= member).length;
    const bytes = bytesOf(`.${member}`),
      count = (bound: Bound) => checked.tree.countBefore(bound, 0, bytes, 1, bytes.length);
    assertEquals([count(Bound.BelowMember), count(Bound.AtMostMember)], [below, atMost], member);
  }
});

Deno.test("RankTree takes 8 bytes a member, 5 where they come in order, and gives them back", () => {
  const ordered = new Checked(), mixed = new Checked(), random = new Random(3);
  for (let i = 0; i < 20_000; i++) {
    ordered.append(`m${String(i).padStart(6, "0")}`, i), mixed.insert(`m${i}`, random.below(1e6));
  }
  assertLess(ordered.tree.bytes / 20_000, 5);
  assertLess(mixed.tree.bytes / 20_000, 8);
  ordered.check("in order");
  while (ordered.model.length > 100) ordered.remove(ordered.model.length - 1);
  assertLess(ordered.tree.bytes, 2000);
  ordered.check("after removal");
  while (ordered.model.length > 0) ordered.remove(0);
  assertEquals([ordered.tree.bytes, ordered.store.liveBytes], [0, 0]);
  mixed.tree.free();
  mixed.table.free();
  while (mixed.store.freeSome(1000));
  assertEquals(mixed.store.liveBytes, 0);
});

Deno.test("RankTree follows its entries and nodes through compactions", () => {
  let rounds = 0;
  for (let seed = 0; seed < 3; seed++) {
    const random = new Random(seed), checked = new Checked(), filler: number[] = [];
    for (let i = 0; i < 30_000; i++) {
      if (i % 3 === 0) checked.insert(`m${i}`, random.below(300));
      else filler.push(checked.store.allocate([24, 32, 256, 640][random.below(4)]!));
      if (i === 15_000) { for (let k = 0; k < 3000; k++) checked.remove(random.below(checked.model.length)); }
    }
    for (const ref of filler) checked.store.free(ref);
    while (checked.compact(1 + random.below(500))) {
      rounds++;
      for (let k = 0; k < 50; k++) {
        checked.update(checked.model[random.below(checked.model.length)]!.member, random.below(300));
      }
    }
    checked.check(`seed ${seed}`);
  }
  assert(rounds >= 3, `${rounds} rounds`);
});

Deno.test("RankTree gives the nodes of a large tree back in slices", () => {
  const checked = new Checked(),
    { store, tree, table } = checked,
    bytes = new Uint8Array(4),
    view = new DataView(bytes.buffer);
  for (let i = 0; i < 80_000; i++) {
    view.setInt32(0, i);
    const ref = table.insert(bytes, 0, 4, table.hash(bytes, 0, 4));
    tree.setScore(ref, 0);
    tree.append(ref);
  }
  const before = store.liveBytes, { bytes: ofTree } = tree;
  tree.free();
  assertEquals([tree.bytes, store.liveBytes, store.owesFrees], [0, before, true]);
  let slices = 1;
  while (store.freeSome(100)) slices++;
  assert(slices > 10, `${slices} slices`);
  assertEquals([store.liveBytes, table.bytes], [before - ofTree, before - ofTree]);
});

Deno.test("RankTree changes nothing where the store is full", () => {
  const store = new Store(2), table = new Table(store, 8), tree = new RankTree(table), random = new Random(9);
  const order: string[] = [], refs: number[] = [];
  for (let i = 0; i < 3000; i++) {
    const bytes = bytesOf(`m${i}`),
      ref = table.insert(bytes, 0, bytes.length, table.hash(bytes, 0, bytes.length));
    tree.setScore(ref, random.below(1000));
    tree.insert(ref);
    refs.push(ref);
  }
  // No leaf has a free place except those from which an entry is removed.
  for (const bytes of [640, 256]) {
    assertThrows(() => {
      for (;;) store.allocate(bytes);
    }, StoreFullError);
  }
  let refused = 0;
  for (let i = 0; i < 4000; i++) {
    const ref = refs[random.below(refs.length)]!, before = tree.scoreOf(ref), score = 500 + random.below(20);
    try {
      tree.update(ref, score);
      assertEquals(tree.scoreOf(ref), score);
    } catch (error) {
      assert(error instanceof StoreFullError);
      assertEquals(tree.scoreOf(ref), before);
      refused++;
    }
  }
  tree.eachWhile(0, table.size, false, (ref) => {
    order.push(`${String(tree.scoreOf(ref)).padStart(5)} ${table.keyText(ref)}`);
    return true;
  });
  assertEquals(order, order.toSorted());
  assertEquals(new Set(order).size, refs.length);
  for (const [rank, text] of order.entries()) {
    const bytes = bytesOf(text.slice(6)), hash = table.hash(bytes, 0, bytes.length);
    assertEquals(tree.rank(table.find(bytes, 0, bytes.length, hash)), rank);
  }
  assert(refused > 100, `${refused} refused`);
});
