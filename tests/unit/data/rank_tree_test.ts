import { assert, assertEquals, assertLess } from "@std/assert";
import { Bound, RankTree } from "../../../src/data/rank_tree.ts";
import { StringTable } from "../../../src/data/string_table.ts";
import { Random } from "../../../src/util/random.ts";

/** A tree with its table, and the same members in a sorted array. */
class Checked {
  readonly table = new StringTable();
  readonly tree = new RankTree(this.table);
  readonly model: { member: string; score: number }[] = [];

  insert(member: string, score: number): void {
    this.tree.insert(this.table.add(member), score);
    this.#modelInsert(member, score);
  }

  update(member: string, score: number): void {
    this.tree.update(this.table.find(member), score);
    this.model.splice(this.model.findIndex((entry) => entry.member === member), 1);
    this.#modelInsert(member, score);
  }

  remove(rank: number): void {
    const slot = this.table.find(this.model[rank]!.member);
    this.tree.remove(slot);
    this.table.removeAt(slot);
    this.model.splice(rank, 1);
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
    this.tree.eachWhile(start, count, downwards, (slot) => {
      members.push(`${this.table.at(slot)} ${this.tree.score(slot)}`);
      return true;
    });
    return members;
  }

  /** Compares everything, ranks and bounds included. */
  check(hint: string): void {
    const expected = this.model.map((entry) => `${entry.member} ${entry.score}`);
    assertEquals(this.tree.size, expected.length, hint);
    assertEquals(this.listed(0, expected.length, false), expected, hint);
    assertEquals(this.listed(expected.length - 1, expected.length, true), expected.toReversed(), hint);
    this.model.forEach((entry, rank) => {
      assertEquals(this.tree.rank(this.table.find(entry.member)), rank, hint);
      assertEquals(this.table.at(this.tree.slotAt(rank)), entry.member, hint);
    });
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
    if (checked.table.find(member) < 0) checked.insert(member, random.below(500));
    else checked.update(member, random.below(500));
    if (step % 1500 === 0) checked.check(`seed ${seed}, growing, step ${step}`);
  }
  checked.check(`seed ${seed}, full`);
  for (let step = 0; checked.model.length > 0; step++) {
    checked.remove(random.below(checked.model.length));
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
      tree.countBefore(Bound.BelowScore, score, ""),
      model.filter((entry) => entry.score < score).length,
    );
    assertEquals(
      tree.countBefore(Bound.AtMostScore, score, ""),
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
    assertEquals(checked.tree.countBefore(Bound.BelowMember, 0, member), below, member);
    assertEquals(checked.tree.countBefore(Bound.AtMostMember, 0, member), atMost, member);
  }
});

Deno.test("RankTree gives memory back after mass removal", () => {
  const checked = new Checked();
  for (let i = 0; i < 20_000; i++) checked.insert(`m${i}`, i);
  const full = checked.tree.memoryBytes;
  assert(full < 20 * 20_000, `${full} bytes for 20,000 members`);
  while (checked.model.length > 100) checked.remove(checked.model.length - 1);
  assertLess(checked.tree.memoryBytes, full / 20);
  checked.check("after removal");
});
