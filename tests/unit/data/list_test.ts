import { assert, assertEquals } from "@std/assert";
import { type DataLimits, defaultLimits } from "../../../src/data/limits.ts";
import { ListEnd, ListValue } from "../../../src/data/list.ts";
import { entryBytes, LONGEST_INLINE } from "../../../src/store/entries.ts";
import { storeFaults } from "../../../src/store/check.ts";
import { bytesOf } from "../../../src/util/bytes.ts";
import { ValueType } from "../../../src/data/value.ts";
import type { Store } from "../../../src/store/store.ts";
import { Random } from "../../../src/util/random.ts";

const { Head, Tail } = ListEnd;
/** Upper bound for two partly filled blocks and the directory, bytes. */
const LARGEST_SLACK = 2 * 8192 + 1024;

function listOf(texts: Iterable<string>, limits = defaultLimits()): ListValue {
  const list = new ListValue(limits);
  for (const text of texts) list.pushText(Tail, text);
  return list;
}

function pop(list: ListValue, where: ListEnd): string | undefined {
  if (list.size === 0) return undefined;
  const text = list.peek(where).text();
  list.drop(where, 1);
  return text;
}

function set(list: ListValue, index: number, text: string): boolean {
  return list.set(index, bytesOf(text), 0, text.length);
}

function remove(list: ListValue, count: number, text: string): number {
  return list.remove(count, bytesOf(text), 0, text.length);
}

function positions(list: ListValue, text: string, rank: number, count: number, maxLength: number): number[] {
  return list.positions(bytesOf(text), 0, text.length, rank, count, maxLength);
}

/** LINSERT. */
function insert(list: ListValue, pivot: string, text: string, before: boolean): boolean {
  const [at] = positions(list, pivot, 1, 1, 0);
  if (at !== undefined) list.insert(before ? at : at + 1, bytesOf(text), 0, text.length);
  return at !== undefined;
}

function compact(list: ListValue, store: Store, budget: number): void {
  store.beginCompaction();
  for (let cursor = 0; (cursor = list.compact(cursor, budget)) !== 0;);
  store.endCompaction();
}

function numbered(n: number): string[] {
  return Array.from({ length: n }, (_, i) => `element:${i}`);
}

function backwards(list: ListValue): string[] {
  const result: string[] = [];
  const cursor = list.cursor(list.size - 1, true);
  for (let text = cursor.next(); text !== undefined; text = cursor.next()) result.push(text);
  return result;
}

/** LPOS on an array, written the slow way. */
function plainPositions(
  model: string[],
  text: string,
  rank: number,
  count: number,
  maxLength: number,
): number[] {
  const order = model.map((_, i) => i);
  if (rank < 0) order.reverse();
  const looked = maxLength === 0 ? order : order.slice(0, maxLength);
  const matches = looked.filter((i) => model[i] === text).slice(Math.abs(rank) - 1);
  return count === 0 ? matches : matches.slice(0, count);
}

/** LREM on an array; returns what is left. */
function plainRemove(model: string[], count: number, text: string): string[] {
  const matches = plainPositions(model, text, count < 0 ? -1 : 1, Math.abs(count), 0);
  return model.filter((_, i) => !matches.includes(i));
}

function checkWhole(list: ListValue, model: string[], where: string): void {
  assertEquals(list.size, model.length, where);
  assertEquals([...list], model, where);
  assertEquals(backwards(list), [...model].reverse(), where);
  const apart = model.reduce((sum, text) => sum + (text.length > LONGEST_INLINE ? text.length : 0), 0);
  const packed = model.reduce((sum, text) => sum + entryBytes(text.length), 0);
  assert(list.memoryBytes >= packed + apart, where);
  assert(list.memoryBytes <= 2 * packed + 1.25 * apart + 400 + LARGEST_SLACK, where);
}

class Exercise {
  readonly random: Random;
  model: string[] = [];
  list: ListValue;

  constructor(seed: number, readonly limits: DataLimits, readonly hugeBytes: number) {
    this.random = new Random(seed);
    this.list = new ListValue(limits);
  }

  text(): string {
    const kind = this.random.below(40);
    if (kind === 0) return "h".repeat(this.hugeBytes + this.random.below(50));
    if (kind < 3) return String.fromCharCode(this.random.below(256)).repeat(240 + this.random.below(30));
    if (kind < 6) return "\0".repeat(this.random.below(4));
    if (kind < 9) return String.fromCharCode(this.random.below(6)).repeat(this.random.below(6));
    return `v${this.random.below(30)}`;
  }

  known(): string {
    return this.random.below(4) === 0 || this.model.length === 0
      ? this.text()
      : this.model[this.random.below(this.model.length)]!;
  }

  step(growing: boolean): void {
    const kind = this.random.below(20);
    if (kind < 8) this.pushOrPop(growing);
    else if (kind < 10) this.set();
    else if (kind < 13) this.insert();
    else if (kind < 15) this.remove();
    else if (kind < 16) this.trim();
    else if (kind < 19) this.look();
    else this.copy();
  }

  copy(): void {
    const old = this.list;
    this.list = old.copy();
    old.free();
  }

  pushOrPop(growing: boolean): void {
    for (let n = 1 + this.random.below(12); n > 0; n--) {
      const end = this.random.below(2) === 0 ? Head : Tail;
      if (this.random.below(5) < (growing ? 4 : 1)) {
        const text = this.text();
        this.list.pushText(end, text);
        if (end === Head) this.model.unshift(text);
        else this.model.push(text);
      } else {
        assertEquals(pop(this.list, end), end === Head ? this.model.shift() : this.model.pop());
      }
    }
  }

  set(): void {
    const index = this.random.below(2 * this.model.length + 4) - this.model.length - 2;
    const text = this.text();
    const inModel = index < 0 ? index + this.model.length : index;
    const exists = inModel >= 0 && inModel < this.model.length;
    assertEquals(set(this.list, index, text), exists);
    if (exists) this.model[inModel] = text;
    assertEquals(this.list.at(index)?.text(), this.model.at(index));
  }

  insert(): void {
    const pivot = this.known(), text = this.text(), before = this.random.below(2) === 0;
    const at = this.model.indexOf(pivot);
    assertEquals(insert(this.list, pivot, text, before), at >= 0);
    if (at >= 0) this.model.splice(before ? at : at + 1, 0, text);
  }

  remove(): void {
    const text = this.known(), count = this.random.below(9) - 4;
    const left = plainRemove(this.model, count, text);
    assertEquals(remove(this.list, count, text), this.model.length - left.length);
    this.model = left;
  }

  trim(): void {
    const start = this.random.below(3) === 0
      ? this.random.below(this.model.length + 1)
      : this.random.below(4);
    const stop = this.model.length - 1 - this.random.below(6);
    this.list.trim(start, stop);
    this.model = this.model.slice(start, Math.max(stop + 1, 0));
  }

  look(): void {
    const text = this.known(), index = this.random.below(this.model.length + 1);
    const rank = (1 + this.random.below(3)) * (this.random.below(2) === 0 ? 1 : -1);
    const count = this.random.below(4), maxLength = this.random.below(3) * this.random.below(40);
    assertEquals(
      positions(this.list, text, rank, count, maxLength),
      plainPositions(this.model, text, rank, count, maxLength),
    );
    assertEquals(this.list.at(index)?.text(), this.model[index]);
    assertEquals(this.list.cursor(index).next(), this.model[index]);
    assertEquals(this.list.cursor(index, true).next(), this.model[index]);
  }
}

function exercise(seed: number, hugeBytes: number, steps: number): void {
  const limits = defaultLimits(), run = new Exercise(seed, limits, hugeBytes), { store } = limits;
  for (let i = 0; i < steps; i++) {
    const where = `seed ${seed}, elements of ${hugeBytes} bytes, step ${i}`;
    try {
      run.step((i >> 6) % 3 !== 2);
      if (run.random.below(50) === 0) compact(run.list, store, 1 + run.random.below(100));
    } catch (error) {
      throw new Error(where, { cause: error });
    }
    if (i % 8 > 0) continue;
    checkWhole(run.list, run.model, where);
    assertEquals(storeFaults(store, [(visit) => run.list.forEachRun(visit)]), [], where);
  }
  run.list.free();
  assertEquals(store.liveBytes, 0);
}

for (const hugeBytes of [20, 240, 1000, 1020, 4080, 9000]) {
  Deno.test(`ListValue behaves like an array, with elements of some ${hugeBytes} bytes`, () => {
    for (let seed = 1; seed <= 6; seed++) exercise(seed * 1000, hugeBytes, 600);
  });
}

Deno.test("ListValue keeps order through handing over and refilling at both ends", () => {
  for (const [into, from] of [[Head, Tail], [Tail, Head], [Head, Head], [Tail, Tail]] as const) {
    const list = new ListValue(defaultLimits()), model: string[] = [];
    for (const text of numbered(5000)) {
      list.pushText(into, text);
      if (into === Head) model.unshift(text);
      else model.push(text);
    }
    assertEquals([...list], model);
    for (let i = 0; i < 5000; i++) assertEquals(pop(list, from), from === Head ? model.shift() : model.pop());
    assertEquals(pop(list, from), undefined);
    assertEquals(list.size, 0);
  }
});

Deno.test("ListValue.encoding is quicklist at every size, as in Redis 7.0", () => {
  assertEquals(listOf(["a"]).encoding, "quicklist");
  assertEquals(listOf(numbered(5000)).encoding, "quicklist");
});

Deno.test("ListValue.type is List, on the class as well", () => {
  assertEquals(new ListValue(defaultLimits()).type, ValueType.List);
  assertEquals(ListValue.type, ValueType.List);
});

Deno.test("ListValue.at counts from either end and is undefined outside", () => {
  const list = listOf(numbered(3000));
  assertEquals(list.at(0)?.text(), "element:0");
  assertEquals(list.at(2999)?.text(), "element:2999");
  assertEquals(list.at(-1)?.text(), "element:2999");
  assertEquals(list.at(-3000)?.text(), "element:0");
  assertEquals(list.at(1700)?.text(), "element:1700");
  assertEquals(list.at(3000), undefined);
  assertEquals(list.at(-3001), undefined);
});

Deno.test("ListValue.positions does not take bytes across elements for a match", () => {
  const list = listOf(["\x01a\x01", "a", "\x01", "x\x01a", "\x01", "a"]);
  assertEquals(positions(list, "a", 1, 0, 0), [1, 5]);
  assertEquals(positions(list, "\x01", -1, 0, 0), [4, 2]);
  assertEquals(positions(list, "", 1, 0, 0), []);
  assertEquals(positions(listOf(["\0\0", "", "\0"]), "", 1, 0, 0), [1]);
});

Deno.test("ListValue.trim leaves nothing when the range is empty", () => {
  const list = listOf(numbered(100));
  list.trim(5, 4);
  assertEquals([list.size, [...list].length, list.at(0)?.text()], [0, 0, undefined]);
  list.pushText(Tail, "again");
  assertEquals([...list], ["again"]);
});

Deno.test("ListValue.trim to one element forgets the rest of its node", () => {
  const list = listOf(numbered(2000));
  list.trim(1000, 1000);
  assertEquals([...list], ["element:1000"]);
  assert(list.memoryBytes < 300, String(list.memoryBytes));
});

Deno.test("ListValue.copy is independent of the original", () => {
  const list = listOf([...numbered(500), "x".repeat(10_000)]);
  const copy = list.copy();
  set(copy, 0, "changed");
  pop(copy, Tail);
  list.pushText(Head, "new");
  assertEquals([copy.size, copy.at(0)?.text(), copy.at(-1)?.text()], [500, "changed", "element:499"]);
  assertEquals([list.size, list.at(1)?.text(), list.at(-1)?.text()], [502, "element:0", "x".repeat(10_000)]);
});

Deno.test("ListValue holds elements beyond any node size, and all byte values", () => {
  const huge = "\xff".repeat(300_000);
  const list = listOf(["a", huge, "b"]);
  assertEquals(insert(list, huge, "before", true), true);
  assertEquals(insert(list, huge, "behind", false), true);
  assertEquals(set(list, -1, huge + huge), true);
  assertEquals([...list].map((text) => text.length), [1, 6, 300_000, 6, 600_000]);
  assertEquals(remove(list, 0, huge), 1);
  const bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i));
  assertEquals([...listOf(bytes)], bytes);
});

Deno.test("ListValue.memoryBytes stays near the packed size for a long list", () => {
  const list = listOf(Array.from({ length: 20_000 }, (_, i) => `${i}`.padStart(16, "0")));
  assert(list.memoryBytes / 20_000 < 19, `${list.memoryBytes / 20_000} bytes an element`);
});
