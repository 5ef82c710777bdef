/**
 * The list type, a quicklist: a doubly linked chain of nodes, each with many elements.
 *
 *     head                                                      tail
 *     [ open ] <-> [ packed ] <-> [ packed ] <-> [ packed ] <-> [ open ]
 *       ≤ 16         ≤ 8 KiB        ≤ 8 KiB        ≤ 8 KiB        ≤ 16 elements
 *
 * A small list is one packed node (a string and two small objects), up to {@linkcode SMALL_BYTES}. Beyond, the ends
 * work on open nodes: pushing and popping there is a store in a ring. A full open node hands its inner half over to
 * the packed neighbour; an emptied one is refilled with as many elements from it. Half a ring lies between
 * handing over and refilling, whatever the order of pushes and pops, so both cost amortised O(1).
 *
 * Invariants: no node is empty; an element that alone exceeds the size of a node sits in an open node of its own;
 * all other open nodes are ends, or were before an element of that kind or a limit came in between.
 *
 * Seeking goes by node from the nearer end, then by element: O(n / elements per node). Searching looks for the bytes of
 * the element in each packed string. The node size follows list-max-listpack-size; list-compress-depth has no effect,
 * as packed nodes are compact anyway.
 *
 * The design is that of Redis's quicklist (Matt Stancliff, 2014) with the uncompressed ends taken a step further.
 */
import { latin1 } from "../util/bytes.ts";
import { CollectionValue, defineValueType, ValueType } from "./value.ts";
import type { DataLimits } from "./limits.ts";
import {
  ListEnd,
  ListNode,
  OPEN_ENTRIES,
  OpenNode,
  packedEntry,
  PackedNode,
  packedSize,
} from "./list_node.ts";
import { COUNT_BYTES, packedCount, packText } from "./packed.ts";

export { ListEnd };

/** Up to this size a packed end node is pushed to and popped from as it is. */
const SMALL_BYTES = 1024;
/** Beyond this size an open node hands elements over even when its ring has room. */
const OPEN_BYTES = 4096;
/** How many elements move between an open node and its neighbour at once. */
const HALF = OPEN_ENTRIES / 2;

/** A list that has shrunk to so many elements is packed again. */
const FEW = 4;

/** What the objects weigh: the list itself, a packed node with its string's header, an open node's ring. */
const LIST_BYTES = 88;
const NODE_BYTES = 80;
const RING_BYTES = 56 + 8 * OPEN_ENTRIES;
/** What an element in a ring costs above its bytes. */
const STRING_BYTES = 16;

/** The bytes a node may hold, from list-max-listpack-size. */
function nodeBytes(limits: DataLimits): number {
  const size = limits.listMaxListpackSize;
  return size >= 0 ? 8192 : 2048 << Math.min(-size, 5);
}

/** The elements a node may hold, from list-max-listpack-size. */
function nodeEntries(limits: DataLimits): number {
  const size = limits.listMaxListpackSize;
  return size > 0 ? size : size === 0 ? 1 : Infinity;
}

/** What an open node takes on top of its elements' packed size. */
function openBytes(node: ListNode | null): number {
  return node instanceof OpenNode ? RING_BYTES + STRING_BYTES * node.count : 0;
}

function opposite(end: ListEnd): ListEnd {
  return end === ListEnd.Head ? ListEnd.Tail : ListEnd.Head;
}

/**
 * A walk over a list, valid until the list changes. {@linkcode ListCursor.advance} names each element as a part of a
 * longer string, which spares making a string of it; {@linkcode ListCursor.next} makes one.
 */
export class ListCursor {
  /** Holds the element, from `start` to `end`. */
  source = "";
  start = 0;
  end = 0;
  #node: ListNode | null;
  #position: number;
  readonly #backwards: boolean;

  /** Use {@linkcode ListValue.cursor}. */
  constructor(node: ListNode | null, position: number, backwards: boolean) {
    this.#node = node;
    this.#position = position;
    this.#backwards = backwards;
  }

  /** The next element, `undefined` behind the last. */
  next(): string | undefined {
    return this.advance() ? this.source.substring(this.start, this.end) : undefined;
  }

  /** Goes to the next element; false behind the last. */
  advance(): boolean {
    return this.#backwards ? this.#stepBack() : this.#step();
  }

  #step(): boolean {
    let node = this.#node;
    while (node !== null && this.#position === node.end) {
      node = this.#node = node.next;
      this.#position = 0;
    }
    if (node === null) return false;
    this.#point(node);
    this.#position = node.after(this.#position);
    return true;
  }

  #stepBack(): boolean {
    let node = this.#node;
    while (node !== null && this.#position === 0) {
      node = this.#node = node.prev;
      if (node !== null) this.#position = node.end;
    }
    if (node === null) return false;
    this.#position = node.before(this.#position);
    this.#point(node);
    return true;
  }

  #point(node: ListNode): void {
    this.source = node.sourceAt(this.#position);
    this.start = node.startAt(this.#position);
    this.end = node.endAt(this.#position);
  }
}

/**
 * A list of latin1 strings.
 *
 * @example
 * ```ts
 * import { ListEnd, ListValue } from "./list.ts";
 * import { defaultLimits } from "./limits.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const list = new ListValue(defaultLimits());
 * list.push(ListEnd.Tail, "b");
 * list.push(ListEnd.Head, "a");
 * assertEquals([...list], ["a", "b"]);
 * assertEquals(list.pop(ListEnd.Tail), "b");
 * ```
 */
export class ListValue extends CollectionValue {
  static readonly type = ValueType.List;
  static {
    defineValueType(ValueType.List, { name: "list", unpack: ListValue.unpack });
  }

  readonly #limits: DataLimits;
  #head: ListNode | null = null;
  #tail: ListNode | null = null;
  #size = 0;
  /** The packed size of all elements. */
  #bytes = 0;
  #nodes = 0;

  constructor(limits: DataLimits) {
    super();
    this.#limits = limits;
  }

  /** The small list that was packed into the bytes [start, end). */
  static unpack(limits: DataLimits, bytes: Uint8Array, start: number, end: number): ListValue {
    const list = new ListValue(limits), count = packedCount(bytes, start);
    const node = new PackedNode(latin1(bytes, start + COUNT_BYTES, end), count);
    list.#link(node, null, null);
    list.#size = count;
    list.#bytes = node.bytes;
    return list;
  }

  override get packedBytes(): number {
    const node = this.#head;
    return node instanceof PackedNode && node === this.#tail && node.bytes <= SMALL_BYTES
      ? COUNT_BYTES + node.bytes
      : -1;
  }

  override packInto(bytes: Uint8Array, at: number): void {
    if (this.#head instanceof PackedNode) packText(bytes, at, this.#size, this.#head.sourceAt(0));
  }

  override get type(): ValueType {
    return ValueType.List;
  }

  override get size(): number {
    return this.#size;
  }

  /** Redis 7.0 has one name for lists of every size. */
  override get encoding(): string {
    return "quicklist";
  }

  override get memoryBytes(): number {
    let bytes = LIST_BYTES + this.#bytes + this.#nodes * NODE_BYTES + openBytes(this.#head);
    if (this.#tail !== this.#head) bytes += openBytes(this.#tail);
    return bytes;
  }

  /** Adds an element at one end. Amortised O(1). */
  push(end: ListEnd, text: string): void {
    const size = packedSize(text);
    const node = end === ListEnd.Head ? this.#head : this.#tail;
    this.#size++;
    this.#bytes += size;
    if (node instanceof OpenNode && node.count < OPEN_ENTRIES && node.bytes + size <= OPEN_BYTES) {
      node.push(end, text);
    } else if (node instanceof PackedNode && node.bytes + size <= SMALL_BYTES && this.#hasRoom(node, size)) {
      node.push(end, text);
    } else {
      this.#pushBeyond(end, node, text, size);
    }
  }

  /** Adds `count` packed elements behind the tail as a node; false if they do not make one. */
  appendNode(packed: string, count: number): boolean {
    if (count === 0 || !this.#fits(count, packed.length) || this.#tail instanceof OpenNode) return false;
    this.#linkEnd(new PackedNode(packed, count), ListEnd.Tail);
    this.#size += count;
    this.#bytes += packed.length;
    return true;
  }

  /** Takes an element from one end, `undefined` if there is none. Amortised O(1). */
  pop(end: ListEnd): string | undefined {
    let node = end === ListEnd.Head ? this.#head : this.#tail;
    if (node === null) return undefined;
    if (node instanceof PackedNode && node.bytes > SMALL_BYTES && node.count > HALF) {
      const open = node.open(end, HALF);
      this.#link(open, end === ListEnd.Head ? null : node, end === ListEnd.Head ? node : null);
      node = open;
    }
    const text = node.pop(end);
    this.#size--;
    this.#bytes -= packedSize(text);
    if (node.count === 0) this.#unlink(node);
    else if (node.count === FEW && this.#nodes === 1) this.#packed(node);
    return text;
  }

  /** Element `index`, counted from the end if negative; `undefined` outside. */
  at(index: number): string | undefined {
    const i = index < 0 ? index + this.#size : index;
    if (i < 0 || i >= this.#size) return undefined;
    const { node, inNode } = this.#locate(i);
    return node.textAt(node.seek(inNode));
  }

  /** Replaces element `index`, counted from the end if negative; false outside. */
  set(index: number, text: string): boolean {
    const i = index < 0 ? index + this.#size : index;
    if (i < 0 || i >= this.#size) return false;
    const { node, inNode } = this.#locate(i);
    const size = packedSize(text);
    this.#bytes += size - packedSize(node.textAt(node.seek(inNode)));
    if (node instanceof OpenNode && (node.count === 1 || size <= nodeBytes(this.#limits))) {
      node.set(inNode, text);
    } else if (size <= nodeBytes(this.#limits)) {
      const packed = this.#packed(node);
      packed.set(inNode, text);
      this.#splitIfWide(packed);
    } else {
      const packed = this.#packed(node);
      const rest = packed.split(inNode);
      rest.drop(ListEnd.Head, 1);
      this.#putBetween(packed, rest, text);
    }
    return true;
  }

  /** Puts an element before or behind the first one equal to `pivot`; false if there is none. */
  insert(pivot: string, text: string, before: boolean): boolean {
    const entry = packedEntry(pivot);
    for (let node = this.#head; node !== null; node = node.next) {
      const index = node.matches(pivot, entry)[0];
      if (index === undefined) continue;
      this.#insertAt(node, before ? index : index + 1, text);
      return true;
    }
    return false;
  }

  /**
   * Takes out elements equal to `text`: the first `count`, the last `-count` if negative, all for 0.
   * Returns how many.
   */
  remove(count: number, text: string): number {
    const entry = packedEntry(text);
    const backwards = count < 0;
    const wanted = count === 0 ? Infinity : Math.abs(count);
    let removed = 0;
    let node = backwards ? this.#tail : this.#head;
    while (node !== null && removed < wanted) {
      const following = backwards ? node.prev : node.next;
      const found = node.matches(text, entry);
      const room = wanted - removed;
      const gone = found.length <= room ? found : backwards ? found.slice(-room) : found.slice(0, room);
      if (gone.length > 0) node.removeAll(gone);
      if (node.count === 0) this.#unlink(node);
      removed += gone.length;
      node = following;
    }
    this.#size -= removed;
    this.#bytes -= removed * packedSize(text);
    return removed;
  }

  /** Keeps the elements `start` to `stop`, both counted from 0 and included; none if `start` is behind `stop`. */
  trim(start: number, stop: number): void {
    const from = Math.max(start, 0), to = Math.min(stop, this.#size - 1);
    if (from > to) return this.#clear();
    this.#drop(ListEnd.Tail, this.#size - 1 - to);
    this.#drop(ListEnd.Head, from);
  }

  /**
   * The indexes of elements equal to `text`, as LPOS gives them.
   *
   * @param rank which match comes first: 1 the first, -1 the last, with the others towards the head
   * @param count how many at most, 0 for all
   * @param maxLength how many elements to look at, 0 for all
   */
  positions(text: string, rank: number, count: number, maxLength: number): number[] {
    const entry = packedEntry(text);
    const backwards = rank < 0;
    const wanted = count === 0 ? Infinity : count;
    const reach = maxLength === 0 ? this.#size : Math.min(maxLength, this.#size);
    const result: number[] = [];
    let skip = Math.abs(rank) - 1, seen = 0;
    for (let node = backwards ? this.#tail : this.#head; node !== null && seen < reach;) {
      const found = node.matches(text, entry);
      for (let k = 0; k < found.length; k++) {
        const inNode = backwards ? node.count - 1 - found[found.length - 1 - k]! : found[k]!;
        if (seen + inNode >= reach) break;
        if (skip-- > 0) continue;
        result.push(backwards ? this.#size - 1 - seen - inNode : seen + inNode);
        if (result.length >= wanted) return result;
      }
      seen += node.count;
      node = backwards ? node.prev : node.next;
    }
    return result;
  }

  /** A walk from element `index` (0 … size - 1) towards the tail, or towards the head. */
  cursor(index: number, backwards = false): ListCursor {
    if (index < 0 || index >= this.#size) return new ListCursor(null, 0, backwards);
    const { node, inNode } = this.#locate(index);
    return new ListCursor(node, node.seek(backwards ? inNode + 1 : inNode), backwards);
  }

  /** The elements from head to tail. */
  *[Symbol.iterator](): Generator<string, void, undefined> {
    const cursor = this.cursor(0);
    for (let text = cursor.next(); text !== undefined; text = cursor.next()) yield text;
  }

  override copy(): ListValue {
    const list = new ListValue(this.#limits);
    for (let node = this.#head; node !== null; node = node.next) list.#link(node.copy(), list.#tail, null);
    list.#size = this.#size;
    list.#bytes = this.#bytes;
    return list;
  }

  /** Whether a node may have so many elements and bytes. */
  #fits(count: number, bytes: number): boolean {
    return count <= nodeEntries(this.#limits) && bytes <= nodeBytes(this.#limits);
  }

  #hasRoom(node: PackedNode, size: number): boolean {
    return this.#fits(node.count + 1, node.bytes + size);
  }

  /** The push that finds no room in the end node. */
  #pushBeyond(end: ListEnd, node: ListNode | null, text: string, size: number): void {
    const largest = nodeBytes(this.#limits);
    if (node instanceof OpenNode && !this.#isAlone(node)) {
      this.#handOver(node, end, size > largest ? node.count : (node.count + 1) >> 1);
      if (node.count > 0) return node.push(end, text);
      this.#unlink(node);
    }
    const fresh = node === null && size <= SMALL_BYTES ? new PackedNode() : new OpenNode();
    fresh.push(end, text);
    this.#linkEnd(fresh, end);
  }

  /** Moves the inner `n` elements of an open end node into the packed nodes behind it. */
  #handOver(node: OpenNode, end: ListEnd, n: number): void {
    const inner = opposite(end);
    for (let left = n; left > 0;) {
      const target = this.#receiver(node, end, packedSize(node.peek(inner)));
      let entries = "", count = 0;
      do {
        const entry = packedEntry(node.pop(inner));
        entries = end === ListEnd.Head ? entry + entries : entries + entry;
        count++;
      } while (
        count < left &&
        this.#fits(target.count + count + 1, target.bytes + entries.length + packedSize(node.peek(inner)))
      );
      target.append(end, entries, count);
      left -= count;
    }
  }

  /** The packed node behind an open end node, a new one if it has no room for an element of `size` bytes. */
  #receiver(node: OpenNode, end: ListEnd, size: number): PackedNode {
    const neighbour = end === ListEnd.Head ? node.next : node.prev;
    if (neighbour instanceof PackedNode) {
      if (this.#hasRoom(neighbour, size)) return neighbour;
      neighbour.settle();
    }
    const fresh = new PackedNode();
    this.#link(fresh, end === ListEnd.Head ? node : neighbour, end === ListEnd.Head ? neighbour : node);
    return fresh;
  }

  #insertAt(node: ListNode, index: number, text: string): void {
    const size = packedSize(text);
    const largest = nodeBytes(this.#limits);
    this.#size++;
    this.#bytes += size;
    if (this.#isAlone(node)) {
      this.#insertBeside(node, index, text, size);
    } else if (size > largest) {
      const packed = this.#packed(node);
      this.#putBetween(packed, packed.split(index), text);
    } else {
      const packed = this.#packed(node);
      packed.insert(index, text);
      this.#splitIfWide(packed);
    }
  }

  /** Inserts before or behind an element that must stay alone in its node. */
  #insertBeside(node: ListNode, index: number, text: string, size: number): void {
    const neighbour = index === 0 ? node.prev : node.next;
    if (neighbour instanceof PackedNode && this.#hasRoom(neighbour, size)) {
      neighbour.push(index === 0 ? ListEnd.Tail : ListEnd.Head, text);
      return;
    }
    const fresh = size > SMALL_BYTES ? new OpenNode() : new PackedNode();
    fresh.push(ListEnd.Tail, text);
    this.#link(fresh, index === 0 ? node.prev : node, index === 0 ? node : node.next);
  }

  /** Whether the node is one element that is too large to share a node. */
  #isAlone(node: ListNode): boolean {
    return node.count === 1 && node.bytes > nodeBytes(this.#limits);
  }

  /** Puts a huge element between a node and the rest that was split off it. */
  #putBetween(node: PackedNode, rest: PackedNode, text: string): void {
    const own = new OpenNode();
    own.push(ListEnd.Tail, text);
    this.#link(own, node, node.next);
    if (rest.count > 0) this.#link(rest, own, own.next);
    if (node.count === 0) this.#unlink(node);
  }

  /** The node itself if it is packed, else a packed one that has taken its place. */
  #packed(node: ListNode): PackedNode {
    if (node instanceof PackedNode) return node;
    const packed = node.pack();
    this.#link(packed, node.prev, node);
    this.#unlink(node);
    return packed;
  }

  /** Splits a node that has outgrown the limit into halves until it fits. */
  #splitIfWide(node: PackedNode): void {
    if (node.count < 2 || this.#fits(node.count, node.bytes)) return;
    const rest = node.split(node.count >> 1);
    this.#link(rest, node, node.next);
    this.#splitIfWide(node);
    this.#splitIfWide(rest);
  }

  /** Drops `n` elements at one end, by whole nodes where it can. */
  #drop(end: ListEnd, n: number): void {
    for (let left = n; left > 0;) {
      const node = end === ListEnd.Head ? this.#head : this.#tail;
      if (node === null) return;
      const before = node.bytes;
      const dropped = Math.min(left, node.count);
      if (dropped === node.count) {
        this.#unlink(node);
        this.#bytes -= before;
      } else {
        node.drop(end, dropped);
        this.#bytes -= before - node.bytes;
      }
      this.#size -= dropped;
      left -= dropped;
    }
  }

  #clear(): void {
    this.#head = this.#tail = null;
    this.#size = this.#bytes = this.#nodes = 0;
  }

  /** The node that holds element `index`, which must exist, and the element's index in it. */
  #locate(index: number): { node: ListNode; inNode: number } {
    if (index * 2 < this.#size) {
      let node = this.#head!, inNode = index; // an element exists, so there are nodes enough
      for (; inNode >= node.count; node = node.next!) inNode -= node.count;
      return { node, inNode };
    }
    let node = this.#tail!, fromEnd = this.#size - 1 - index;
    for (; fromEnd >= node.count; node = node.prev!) fromEnd -= node.count;
    return { node, inNode: node.count - 1 - fromEnd };
  }

  #linkEnd(node: ListNode, end: ListEnd): void {
    if (end === ListEnd.Head) this.#link(node, null, this.#head);
    else this.#link(node, this.#tail, null);
  }

  #link(node: ListNode, prev: ListNode | null, next: ListNode | null): void {
    node.prev = prev;
    node.next = next;
    if (prev === null) this.#head = node;
    else prev.next = node;
    if (next === null) this.#tail = node;
    else next.prev = node;
    this.#nodes++;
  }

  #unlink(node: ListNode): void {
    if (node.prev === null) this.#head = node.next;
    else node.prev.next = node.next;
    if (node.next === null) this.#tail = node.prev;
    else node.next.prev = node.prev;
    this.#nodes--;
  }
}
