import { assert, assertEquals } from "@std/assert";
import { defaultLimits } from "../../../src/data/limits.ts";
import { StreamValue } from "../../../src/data/stream.ts";
import {
  compareIds,
  formatId,
  maxStreamId,
  minStreamId,
  nextId,
  parseId,
  type StreamId,
} from "../../../src/data/stream_id.ts";
import { latin1 } from "../../../src/util/bytes.ts";
import { Random } from "../../../src/util/random.ts";

interface Entry {
  id: StreamId;
  pairs: string[];
}

function id(text: string): StreamId {
  const parsed = parseId(text, 0);
  if (parsed === undefined) throw new Error(`${text} is no id`);
  return parsed;
}

function entriesOf(stream: StreamValue, start = minStreamId, end = maxStreamId, reverse = false): Entry[] {
  const cursor = reverse ? stream.reverseRange(start, end) : stream.range(start, end);
  const entries: Entry[] = [];
  while (cursor.next()) {
    const pairs: string[] = [];
    cursor.writePairs({
      bulk: (text) => void pairs.push(text),
      bulkBytes: (bytes, from, to) => void pairs.push(latin1(bytes, from, to)),
    });
    assertEquals(pairs.length, cursor.fieldCount * 2);
    entries.push({ id: cursor.id, pairs });
  }
  return entries;
}

/** A stream of entries 1-0, 2-0, … with `nodeEntries` in a node. */
function numbered(count: number, nodeEntries: number): StreamValue {
  const stream = new StreamValue({ ...defaultLimits(), streamNodeMaxEntries: nodeEntries });
  for (let ms = 1; ms <= count; ms++) stream.append({ ms, seq: 0 }, ["n", String(ms)]);
  return stream;
}

const idsOf = (stream: StreamValue) => entriesOf(stream).map((entry) => formatId(entry.id));

/** The same operations on a stream and on a plain array of entries. */
class Pair {
  readonly random: Random;
  readonly stream: StreamValue;
  model: Entry[] = [];
  maxDeleted = minStreamId;
  added = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    const limits = defaultLimits();
    limits.streamNodeMaxEntries = [0, 1, 3, 100][this.random.below(4)]!;
    limits.streamNodeMaxBytes = [0, 120, 4096][this.random.below(3)]!;
    this.stream = new StreamValue(limits);
  }

  text(): string {
    const { random } = this;
    const kind = random.below(8);
    if (kind < 3) {
      return String(random.below(10) === 0 ? 2n ** 60n : random.below(1 << random.below(30)) - 500);
    }
    return "\xe9".repeat(random.below(kind === 3 ? 300 : 20));
  }

  append(): void {
    const { random, stream } = this;
    let next = nextId(stream.lastId)!;
    if (random.below(3) === 0) {
      next = { ms: id(`${BigInt(next.ms) + BigInt(1 + random.below(1000))}`).ms, seq: 0 };
    }
    if (random.below(200) === 0) {
      next = id(`${BigInt(next.ms) + (1n << BigInt(random.below(56)))}-${2n ** 63n}`);
    }
    const pairs: string[] = [];
    for (let fields = 1 + random.below(3); fields > 0; fields--) {
      pairs.push(random.below(6) === 0 ? this.text() : `field${fields}`, this.text());
    }
    stream.append(next, pairs);
    this.model.push({ id: next, pairs });
    this.added++;
  }

  delete(): void {
    if (this.model.length === 0) return;
    const victim = this.model[this.random.below(this.model.length)]!.id;
    assertEquals(this.stream.delete(victim), true);
    assertEquals(this.stream.delete(victim), false);
    this.model = this.model.filter((entry) => entry.id !== victim);
    if (compareIds(victim, this.maxDeleted) > 0) this.maxDeleted = victim;
  }

  trim(): void {
    const keep = Math.max(0, this.model.length - this.random.below(8));
    const minId = this.model[this.model.length - keep]?.id ?? maxStreamId;
    const goal = this.random.below(2) === 0 ? { maxLength: keep } : { minId };
    const approximate = this.random.below(3) === 0;
    const removed = this.stream.trim(goal, approximate, 0);
    const expected = this.model.length - keep;
    assert(approximate ? removed <= expected : removed === expected, `${removed} of ${expected}`);
    this.model.splice(0, removed);
  }

  check(where: string): void {
    const { stream, model, random } = this;
    assertEquals(entriesOf(stream), model, where);
    assertEquals(entriesOf(stream, minStreamId, maxStreamId, true), model.toReversed(), where);
    assertEquals([stream.size, stream.entriesAdded], [model.length, this.added], where);
    assertEquals(
      [stream.firstId, stream.maxDeletedId],
      [model[0]?.id ?? minStreamId, this.maxDeleted],
      where,
    );
    const pick = () => model[random.below(model.length)]?.id ?? minStreamId;
    const start = pick(), end = pick();
    const inside = model.filter((entry) =>
      compareIds(entry.id, start) >= 0 && compareIds(entry.id, end) <= 0
    );
    assertEquals(entriesOf(stream, start, end), inside, where);
    assertEquals(entriesOf(stream, start, end, true), inside.toReversed(), where);
    assertEquals([stream.has(start), stream.has(nextId(end)!)], [
      model.length > 0,
      model.some((entry) => compareIds(entry.id, nextId(end)!) === 0),
    ]);
  }
}

Deno.test("StreamValue agrees with an array of entries through appends, deletions and trims", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const pair = new Pair(seed);
    for (let step = 0; step < 400; step++) {
      const action = pair.random.below(20);
      if (action < 14) pair.append();
      else if (action < 18) pair.delete();
      else pair.trim();
      if (step % 20 === 0) pair.check(`seed ${seed} step ${step}`);
    }
  }
});

Deno.test("a stream is rebuilt from its nodes' listpacks, and a copy is independent", () => {
  for (let seed = 20; seed < 26; seed++) {
    const pair = new Pair(seed);
    for (let step = 0; step < 200; step++) pair.random.below(6) === 0 ? pair.delete() : pair.append();
    const twin = new StreamValue(defaultLimits());
    for (const node of pair.stream.nodes()) assert(twin.loadNode(node.id, node.toListpack()), `seed ${seed}`);
    const copy = pair.stream.copy();
    assertEquals(entriesOf(twin), pair.model, `seed ${seed}`);
    assertEquals([twin.size, twin.firstId], [pair.stream.size, pair.stream.firstId]);
    copy.append(nextId(copy.lastId)!, ["a", "b"]);
    copy.delete(pair.model[0]!.id);
    assertEquals(entriesOf(pair.stream), pair.model, `seed ${seed}`);
    assertEquals(copy.size, pair.model.length);
  }
});

Deno.test("a node's listpack is the one Redis writes", () => {
  const stream = new StreamValue(defaultLimits());
  stream.append(id("1000-1"), ["item", "1"]);
  stream.append(id("1000-2"), ["item", "abc"]);
  stream.append(id("1005-0"), ["item", "-5", "x", "128"]);
  stream.delete(id("1000-2"));
  const [node] = stream.nodes();
  assertEquals(
    [...node!.toListpack()].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    "460000001800020101010101846974656d0500010201000100010101040103010001010183616263040401" +
      "00010501dfff020201846974656d05dffb02817802c080020801ff",
  );
});

Deno.test("loadNode refuses every truncation and any corrupted byte it cannot read as a node", () => {
  const stream = numbered(3, 100);
  const listpack = [...stream.nodes()][0]!.toListpack();
  for (let length = 0; length < listpack.length; length++) {
    assertEquals(new StreamValue(defaultLimits()).loadNode(id("1-0"), listpack.slice(0, length)), false);
  }
  for (let at = 0; at < listpack.length; at++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const bytes = listpack.slice();
      bytes[at]! ^= flip;
      const loaded = new StreamValue(defaultLimits());
      if (loaded.loadNode(id("1-0"), bytes)) assertEquals(entriesOf(loaded).length, loaded.size);
    }
  }
});

Deno.test("nodes break at stream-node-max-entries and stream-node-max-bytes, read at each append", () => {
  const limits = { ...defaultLimits(), streamNodeMaxEntries: 4 };
  const stream = new StreamValue(limits);
  for (let i = 0; i < 9; i++) stream.append({ ms: 1, seq: i + 1 }, ["f", "v"]);
  assertEquals(stream.nodeCount, 3);
  limits.streamNodeMaxEntries = 0;
  limits.streamNodeMaxBytes = 100;
  for (let i = 0; i < 9; i++) stream.append({ ms: 2, seq: i + 1 }, ["f", "v"]);
  assertEquals(stream.nodeCount, 4);
});

Deno.test("trim ~ removes whole nodes only and stops at its limit", () => {
  const stream = numbered(100, 10);
  assertEquals(stream.trim({ maxLength: 55 }, true, 30), 30);
  assertEquals(stream.trim({ maxLength: 55 }, true, 0), 10);
  assertEquals(stream.trim({ minId: id("55") }, true, 0), 10);
  assertEquals(stream.trim({ minId: id("60-1") }, true, 9), 0);
  assertEquals([stream.size, formatId(stream.firstId), stream.nodeCount], [50, "51-0", 5]);
  assertEquals(stream.trim({ maxLength: 5 }, false, 0), 45);
  assertEquals(idsOf(stream), ["96-0", "97-0", "98-0", "99-0", "100-0"]);
});

Deno.test("nextIdAt never goes back, nextIdIn stays in its millisecond", () => {
  const stream = numbered(5, 100);
  assertEquals(stream.nextIdAt(3), id("5-1"));
  assertEquals(stream.nextIdAt(6), id("6-0"));
  assertEquals(stream.nextIdIn(5), id("5-1"));
  assertEquals(stream.nextIdIn(4), id("4-0"));
  stream.lastId = id("5-18446744073709551615");
  assertEquals([stream.nextIdIn(5), stream.nextIdAt(5)], [undefined, id("6-0")]);
  stream.lastId = maxStreamId;
  assertEquals(stream.nextIdAt(5), undefined);
});

Deno.test("radixTreeNodes counts runs, branches and leaves", () => {
  const counts = [0, 1, 2, 3].map((nodes) => numbered(nodes, 1).radixTreeNodes());
  assertEquals(counts, [1, 2, 6, 8]);
});

Deno.test("a group's lag is exact while nothing ahead of it was deleted", () => {
  const stream = numbered(5, 2);
  const group = stream.createGroup("g", minStreamId)!;
  assertEquals(stream.createGroup("g", minStreamId), undefined);
  assertEquals([group.entriesRead, stream.lag(group)], [-1, 5]);
  assertEquals(stream.advance(group, id("1-0")), true);
  assertEquals(stream.advance(group, id("1-0")), false);
  assertEquals([group.entriesRead, stream.lag(group)], [1, 4]);
  stream.delete(id("4-0"));
  assertEquals(stream.lag(group), undefined);
  for (const text of ["2-0", "3-0", "5-0"]) stream.advance(group, id(text));
  assertEquals([group.entriesRead, stream.lag(group)], [5, 0]);
  stream.trim({ minId: id("5-0") }, false, 0);
  assertEquals(stream.lag(stream.createGroup("late", minStreamId)!), 1);
});

Deno.test("memoryBytes follows nodes and groups and returns to its start", () => {
  const stream = numbered(0, 10);
  const empty = stream.memoryBytes;
  for (let ms = 1; ms <= 1000; ms++) stream.append({ ms, seq: 0 }, ["field", "x".repeat(20)]);
  assert(stream.memoryBytes > empty + 20_000 && stream.memoryBytes < empty + 100_000);
  assertEquals(stream.copy().memoryBytes - stream.memoryBytes < 100, true);
  stream.trim({ maxLength: 0 }, false, 0);
  const group = stream.createGroup("group", minStreamId)!;
  const consumer = group.createConsumer("consumer", 1);
  for (let ms = 1; ms <= 100; ms++) group.assign({ ms, seq: 0 }, consumer, 1, 1);
  assert(stream.memoryBytes > empty + 10_000);
  assertEquals([stream.destroyGroup("group"), stream.destroyGroup("group")], [true, false]);
  assertEquals(stream.memoryBytes, empty);
});
