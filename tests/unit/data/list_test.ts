import { assert, assertEquals } from "@std/assert";
import { type DataLimits, defaultLimits } from "../../../src/data/limits.ts";
import { ListEnd, ListValue } from "../../../src/data/list.ts";
import { packedSize } from "../../../src/data/list_node.ts";
import { ValueType } from "../../../src/data/value.ts";
import { Random } from "../../../src/util/random.ts";

const { Head, Tail } = ListEnd;

function listOf(texts: Iterable<string>, limits = defaultLimits()): ListValue {
  const list = new ListValue(limits);
  for (const text of texts) list.push(Tail, text);
  return list;
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
  const packed = model.reduce((sum, text) => sum + packedSize(text), 0);
  assert(list.memoryBytes >= packed, where);
  assert(list.memoryBytes <= packed + 200 + 500 * (model.length + 1), where);
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
    else this.list = this.list.copy();
  }

  pushOrPop(growing: boolean): void {
    for (let n = 1 + this.random.below(12); n > 0; n--) {
      const end = this.random.below(2) === 0 ? Head : Tail;
      if (this.random.below(5) < (growing ? 4 : 1)) {
        const text = this.text();
        this.list.push(end, text);
        if (end === Head) this.model.unshift(text);
        else this.model.push(text);
      } else {
        assertEquals(this.list.pop(end), end === Head ? this.model.shift() : this.model.pop());
      }
    }
  }

  set(): void {
    const index = this.random.below(2 * this.model.length + 4) - this.model.length - 2;
    const text = this.text();
    const inModel = index < 0 ? index + this.model.length : index;
    const exists = inModel >= 0 && inModel < this.model.length;
    assertEquals(this.list.set(index, text), exists);
    if (exists) this.model[inModel] = text;
    assertEquals(this.list.at(index), this.model.at(index));
  }

  insert(): void {
    const pivot = this.known(), text = this.text(), before = this.random.below(2) === 0;
    const at = this.model.indexOf(pivot);
    assertEquals(this.list.insert(pivot, text, before), at >= 0);
    if (at >= 0) this.model.splice(before ? at : at + 1, 0, text);
  }

  remove(): void {
    const text = this.known(), count = this.random.below(9) - 4;
    const left = plainRemove(this.model, count, text);
    assertEquals(this.list.remove(count, text), this.model.length - left.length);
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
      this.list.positions(text, rank, count, maxLength),
      plainPositions(this.model, text, rank, count, maxLength),
    );
    assertEquals(this.list.at(index), this.model[index]);
    assertEquals(this.list.cursor(index).next(), this.model[index]);
    assertEquals(this.list.cursor(index, true).next(), this.model[index]);
  }
}

function exercise(seed: number, size: number, hugeBytes: number, steps: number): void {
  const limits = defaultLimits();
  limits.listMaxListpackSize = size;
  const run = new Exercise(seed, limits, hugeBytes);
  for (let i = 0; i < steps; i++) {
    const where = `seed ${seed}, list-max-listpack-size ${size}, step ${i}`;
    try {
      run.step((i >> 6) % 3 !== 2);
    } catch (error) {
      throw new Error(where, { cause: error });
    }
    if (i % 8 === 0) checkWhole(run.list, run.model, where);
  }
}

for (
  const [size, hugeBytes] of [[1, 9000], [3, 9000], [16, 8180], [-1, 4080], [-2, 8100], [0, 20]] as const
) {
  Deno.test(`ListValue does what an array does, list-max-listpack-size ${size}`, () => {
    for (let seed = 1; seed <= 4; seed++) exercise(seed * 1000 + size, size, hugeBytes, 600);
  });
}

Deno.test("ListValue does what an array does while the node size changes", () => {
  const limits = defaultLimits();
  const run = new Exercise(77, limits, 5000);
  for (let i = 0; i < 1500; i++) {
    if (i % 50 === 0) limits.listMaxListpackSize = run.random.below(9) - 5;
    run.step((i >> 7) % 2 === 0);
    if (i % 10 === 0) checkWhole(run.list, run.model, `step ${i}`);
  }
});

Deno.test("ListValue keeps order through handing over and refilling at both ends", () => {
  for (const [into, from] of [[Head, Tail], [Tail, Head], [Head, Head], [Tail, Tail]] as const) {
    const list = new ListValue(defaultLimits()), model: string[] = [];
    for (const text of numbered(5000)) {
      list.push(into, text);
      if (into === Head) model.unshift(text);
      else model.push(text);
    }
    assertEquals([...list], model);
    for (let i = 0; i < 5000; i++) assertEquals(list.pop(from), from === Head ? model.shift() : model.pop());
    assertEquals(list.pop(from), undefined);
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
  assertEquals(list.at(0), "element:0");
  assertEquals(list.at(2999), "element:2999");
  assertEquals(list.at(-1), "element:2999");
  assertEquals(list.at(-3000), "element:0");
  assertEquals(list.at(1700), "element:1700");
  assertEquals(list.at(3000), undefined);
  assertEquals(list.at(-3001), undefined);
});

Deno.test("ListValue.positions does not take bytes across elements for a match", () => {
  const list = listOf(["\x01a\x01", "a", "\x01", "x\x01a", "\x01", "a"]);
  assertEquals(list.positions("a", 1, 0, 0), [1, 5]);
  assertEquals(list.positions("\x01", -1, 0, 0), [4, 2]);
  assertEquals(list.positions("", 1, 0, 0), []);
  assertEquals(listOf(["\0\0", "", "\0"]).positions("", 1, 0, 0), [1]);
});

Deno.test("ListValue.trim leaves nothing when the range is empty", () => {
  const list = listOf(numbered(100));
  list.trim(5, 4);
  assertEquals([list.size, [...list].length, list.at(0)], [0, 0, undefined]);
  list.push(Tail, "again");
  assertEquals([...list], ["again"]);
});

Deno.test("ListValue.trim to one element forgets the rest of its node", () => {
  const list = listOf(numbered(2000));
  list.trim(1000, 1000);
  assertEquals([...list], ["element:1000"]);
  assert(list.memoryBytes < 300);
});

Deno.test("ListValue.copy is independent of the original", () => {
  const list = listOf([...numbered(500), "x".repeat(10_000)]);
  const copy = list.copy();
  copy.set(0, "changed");
  copy.pop(Tail);
  list.push(Head, "new");
  assertEquals([copy.size, copy.at(0), copy.at(-1)], [500, "changed", "element:499"]);
  assertEquals([list.size, list.at(1), list.at(-1)], [502, "element:0", "x".repeat(10_000)]);
});

Deno.test("ListValue holds elements beyond any node size, and all byte values", () => {
  const huge = "\xff".repeat(300_000);
  const list = listOf(["a", huge, "b"]);
  assertEquals(list.insert(huge, "before", true), true);
  assertEquals(list.insert(huge, "behind", false), true);
  assertEquals(list.set(-1, huge + huge), true);
  assertEquals([...list].map((text) => text.length), [1, 6, 300_000, 6, 600_000]);
  assertEquals(list.remove(0, huge), 1);
  const bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i));
  assertEquals([...listOf(bytes)], bytes);
});

Deno.test("ListValue.memoryBytes stays near the packed size for a long list", () => {
  const list = listOf(Array.from({ length: 20_000 }, (_, i) => `${i}`.padStart(16, "0")));
  assert(list.memoryBytes / 20_000 < 19, `${list.memoryBytes / 20_000} bytes an element`);
});
