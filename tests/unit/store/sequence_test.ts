import { assert, assertEquals, assertThrows } from "@std/assert";
import { storeFaults } from "../../../src/store/check.ts";
import { ElementView } from "../../../src/store/entries.ts";
import {
  EntryCursor,
  LARGEST_ROOTED_BYTES,
  Sequence,
  SEQUENCE_ROOT_BYTES,
  SequenceEnd,
} from "../../../src/store/sequence.ts";
import { CHUNK_BYTES, Store, StoreFullError } from "../../../src/store/store.ts";
import { bytesOf } from "../../../src/util/bytes.ts";
import { Random } from "../../../src/util/random.ts";

const { Head, Tail } = SequenceEnd;
const view = new ElementView();

function push(sequence: Sequence, where: SequenceEnd, text: string): void {
  sequence.push(where, bytesOf(text), 0, text.length);
}

function textsOf(sequence: Sequence, index = 0, backwards = false): string[] {
  const texts: string[] = [],
    cursor = sequence.place(new EntryCursor(sequence.store, sequence, backwards), index);
  for (let text = cursor.next(); text !== undefined; text = cursor.next()) texts.push(text);
  return texts;
}

function textAt(sequence: Sequence, index: number): string {
  sequence.pointAt(index, view);
  return view.text();
}

function faultsOf(...sequences: Sequence[]): string[] {
  return storeFaults(sequences[0]!.store, sequences.map((sequence) => (visit) => sequence.forEachRun(visit)));
}

function bytesOfRuns(sequence: Sequence): number {
  let bytes = 0;
  sequence.forEachRun((ref) => bytes += sequence.store.sizeOf(ref));
  return bytes;
}

function compact(sequence: Sequence, budget: number): void {
  sequence.store.beginCompaction();
  for (let cursor = 0; (cursor = sequence.compact(cursor, budget)) !== 0;);
  sequence.store.endCompaction();
}

/** A sequence and the array it must equal. */
class World {
  readonly random: Random;
  readonly sequence: Sequence;
  model: string[] = [];
  #next = 0;

  constructor(seed: number, readonly longest: number) {
    this.random = new Random(seed);
    this.sequence = new Sequence(new Store());
  }

  text(): string {
    const { random } = this, kind = random.below(30);
    if (kind === 0) return "x".repeat(random.below(this.longest));
    if (kind < 3) return "";
    return kind < 8 ? `same ${random.below(8)}` : `element ${this.#next++}`;
  }

  step(grows: boolean): void {
    const { random, sequence, model } = this, text = this.text(), bytes = bytesOf(text);
    switch (random.below(grows ? 9 : 7)) {
      case 0:
        return this.remove(text);
      case 1:
        if (model.length === 0) return;
        {
          const index = random.below(model.length);
          sequence.set(index, bytes, 0, text.length);
          model[index] = text;
        }
        return;
      case 2:
      case 3: {
        const n = random.below(grows ? 10 : 300), where = random.below(2) === 0 ? Head : Tail;
        const dropped = Math.min(n, model.length);
        sequence.drop(where, dropped);
        return void model.splice(where === Head ? 0 : model.length - dropped, dropped);
      }
      case 4: {
        const near = Math.floor(model.length / 2);
        for (let i = 0; i < 20; i++) {
          const index = random.below(3) === 0 ? random.below(model.length + 1) : near;
          sequence.insert(index, bytes, 0, text.length);
          model.splice(index, 0, text);
        }
        return;
      }
      default:
        for (let i = random.below(40); i > 0; i--) {
          const other = this.text(), where = random.below(2) === 0 ? Head : Tail;
          push(sequence, where, other);
          if (where === Head) model.unshift(other);
          else model.push(other);
        }
    }
  }

  remove(text: string): void {
    const { random, sequence } = this, backwards = random.below(2) === 0;
    const wanted = random.below(3) === 0 ? Infinity : random.below(30);
    const order = this.model.map((_, i) => i);
    if (backwards) order.reverse();
    const gone = new Set(order.filter((i) => this.model[i] === text).slice(0, wanted));
    assertEquals(sequence.remove(bytesOf(text), 0, text.length, wanted, backwards), gone.size);
    this.model = this.model.filter((_, i) => !gone.has(i));
  }

  check(message: string): void {
    const { sequence, model, random } = this;
    assertEquals(textsOf(sequence), model, message);
    assertEquals(textsOf(sequence, model.length, true), model.toReversed(), message);
    assertEquals([sequence.size, sequence.bytes], [model.length, bytesOfRuns(sequence)], message);
    assertEquals(faultsOf(sequence), [], message);
    if (model.length === 0) return;
    const index = random.below(model.length);
    assertEquals(textAt(sequence, index), model[index], message);
    assertEquals(textsOf(sequence, index), model.slice(index), message);
    sequence.peek(Head, view);
    assertEquals(view.text(), model[0], message);
    sequence.peek(Tail, view);
    assertEquals(view.text(), model.at(-1), message);
  }
}

Deno.test("Sequence agrees with an array under random commands and compactions", () => {
  let most = 0;
  for (let seed = 0; seed < 5; seed++) {
    const world = new World(seed, [10, 300, 1100, 5000, 70_000][seed % 5]!), message = `seed ${seed}`;
    for (let step = 0; step < 1200; step++) {
      world.step(step % 400 < 300);
      if (world.random.below(100) === 0) compact(world.sequence, 1 + world.random.below(500));
      if (step % 50 === 49) world.check(`${message}, step ${step}`);
      most = Math.max(most, world.model.length);
    }
    const copy = world.sequence.copy();
    assertEquals([textsOf(copy), copy.bytes], [world.model, bytesOfRuns(copy)], message);
    assertEquals(faultsOf(world.sequence, copy), [], message);
    world.sequence.free();
    assertEquals([textsOf(copy), faultsOf(copy)], [world.model, []], message);
    copy.free();
    assertEquals([copy.size, copy.bytes, copy.store.liveBytes], [0, 0, 0], message);
  }
  assert(most > 3000, String(most));
});

Deno.test("Sequence is a queue of bounded memory, in either direction", () => {
  for (const [into, from] of [[Head, Tail], [Tail, Head]] as const) {
    for (const length of [3, 100, 5000]) {
      const sequence = new Sequence(new Store());
      let most = 0;
      for (let i = 0; i < 30_000; i++) {
        push(sequence, into, `element ${i}`);
        if (sequence.size <= length) continue;
        sequence.peek(from, view);
        assertEquals(view.text(), `element ${i - length}`);
        sequence.drop(from, 1);
        most = Math.max(most, sequence.bytes);
      }
      assert(most < length * 24 + 20_000, `${most} bytes for ${length}`);
      assertEquals(faultsOf(sequence), []);
      sequence.free();
    }
  }
});

Deno.test("Sequence takes little more than its entries, whatever its length", () => {
  for (const length of [20, 100, 500, 2000, 100_000]) {
    const sequence = new Sequence(new Store());
    for (let i = 0; i < length; i++) push(sequence, Tail, `${i}`.padStart(16, "0"));
    assert(
      sequence.bytes < length * 18 * 1.2 + 60,
      `${sequence.bytes / length} bytes an element of ${length}`,
    );
  }
});

Deno.test("Sequence gives room back when it shrinks", () => {
  const sequence = new Sequence(new Store());
  for (let i = 0; i < 3000; i++) push(sequence, Tail, `element ${i}`);
  sequence.drop(Head, 1500);
  sequence.drop(Tail, 1490);
  assertEquals(textsOf(sequence)[0], "element 1500");
  assert(sequence.bytes < 600, String(sequence.bytes));
  for (let i = 0; i < 20_000; i++) push(sequence, Tail, i % 10 === 0 ? "kept" : "gone");
  assertEquals(sequence.remove(bytesOf("gone"), 0, 4, Infinity, false), 18_000);
  assert(sequence.bytes < 2000 * 6 * 1.5 + 1000, String(sequence.bytes));
});

Deno.test("Sequence has a root as long as it is not large", () => {
  const sequence = new Sequence(new Store()), root = new Uint8Array(SEQUENCE_ROOT_BYTES + 2).fill(7);
  for (let i = 0; sequence.bytes <= LARGEST_ROOTED_BYTES - 9000; i++) {
    push(sequence, i % 2 === 0 ? Head : Tail, i % 100 === 0 ? "x".repeat(1100) : "");
  }
  sequence.writeRoot(root, 1);
  assertEquals([root[0], root.at(-1)], [7, 7]);
  const again = new Sequence(sequence.store).readRoot(root, 1);
  assertEquals([again.size, again.bytes, textsOf(again)], [sequence.size, sequence.bytes, textsOf(sequence)]);
  again.free();
  assertEquals(again.store.liveBytes, 0);
});

Deno.test("Sequence stays unchanged when the store is full", () => {
  const store = new Store(3), sequence = new Sequence(store), long = bytesOf("y".repeat(20_000));
  const ballast = store.allocate(CHUNK_BYTES * 2);
  let full = 0;
  for (let i = 0; full < 400; i++) {
    const size = sequence.size, bytes = sequence.bytes;
    try {
      if (i % 3 === 0) sequence.push(i % 2 === 0 ? Head : Tail, long, 0, i % 7 === 0 ? long.length : 900);
      else if (i % 3 === 1) sequence.insert(size >> 1, long, 0, i % 5 === 0 ? 1500 : 700);
      else sequence.set(size >> 1, long, 0, i % 4 === 0 ? 3000 : 1000);
    } catch (error) {
      assert(error instanceof StoreFullError);
      full++;
      assertEquals(sequence.size, size);
      assert(sequence.bytes <= bytes + 8192);
    }
    if (full % 20 === 1 || i % 500 === 0) assertEquals(bytesOfRuns(sequence), sequence.bytes);
  }
  assertThrows(() => sequence.copy(), StoreFullError);
  const owners = [
    (visit: (ref: number) => void) => visit(ballast),
    (visit: (ref: number) => void) => sequence.forEachRun(visit),
  ];
  assertEquals(storeFaults(store, owners), []);
  assertEquals(textsOf(sequence).length, sequence.size);
  sequence.free();
});
