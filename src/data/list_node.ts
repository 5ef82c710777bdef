/**
 * The two kinds of node a list is chained from.
 *
 * A {@linkcode PackedNode} holds its elements in one flat latin1 string, each between two copies of its length, so
 * that it can be walked from either end:
 *
 *     short (up to 253 bytes):  | length | content | length |
 *     long:                     | 254 | length, 4 bytes | content | length, 4 bytes | 254 |
 *
 * Strings are immutable, which makes copying a node free; every change builds a new string, so nodes are kept small
 * (list-max-listpack-size) and only the changes in the middle of a list pay for it.
 *
 * An {@linkcode OpenNode} holds up to {@linkcode OPEN_ENTRIES} elements as strings of their own in a ring: what is
 * pushed to and popped from an end costs a store there. It also carries an element too large for any node, alone.
 *
 * Both name an element inside the node by a *position* (a character offset, or an index), which is only valid until
 * the node changes: 0 is the first element, `end` lies behind the last.
 */

/** The elements an open node has room for; a power of two. */
export const OPEN_ENTRIES = 16;

const RING_MASK = OPEN_ENTRIES - 1;
const LONG = 254;
const LOOSE_BYTES = 1024;
const NO_MATCHES: readonly number[] = [];

/** Which end of a list or node is meant. */
export const ListEnd = { Head: 0, Tail: 1 } as const;
/** One of {@linkcode ListEnd}. */
export type ListEnd = typeof ListEnd[keyof typeof ListEnd];

/** The bytes an element takes in a packed node. */
export function packedSize(text: string): number {
  return text.length + (text.length < LONG ? 2 : 10);
}

/** An element as it stands in a packed node; a rope, to be searched for or added. */
export function packedEntry(text: string): string {
  const length = text.length;
  if (length < LONG) {
    const mark = String.fromCharCode(length);
    return mark + text + mark;
  }
  const a = length & 255, b = (length >>> 8) & 255, c = (length >>> 16) & 255, d = length >>> 24;
  return String.fromCharCode(LONG, a, b, c, d) + text + String.fromCharCode(a, b, c, d, LONG);
}

function longLength(packed: string, at: number): number {
  return packed.charCodeAt(at) + (packed.charCodeAt(at + 1) << 8) + (packed.charCodeAt(at + 2) << 16) +
    packed.charCodeAt(at + 3) * 0x1000000;
}

function contentStart(packed: string, at: number): number {
  return packed.charCodeAt(at) < LONG ? at + 1 : at + 5;
}

function contentEnd(packed: string, at: number): number {
  const length = packed.charCodeAt(at);
  return length < LONG ? at + 1 + length : at + 5 + longLength(packed, at + 1);
}

function entryText(packed: string, at: number): string {
  return packed.substring(contentStart(packed, at), contentEnd(packed, at));
}

function entryEnd(packed: string, at: number): number {
  const length = packed.charCodeAt(at);
  return length < LONG ? at + length + 2 : at + 10 + longLength(packed, at + 1);
}

/** Where the entry that ends at `end` begins. */
function entryStart(packed: string, end: number): number {
  const length = packed.charCodeAt(end - 1);
  return length < LONG ? end - length - 2 : end - 10 - longLength(packed, end - 5);
}

let lastRead = 0;

/** Makes the engine turn a rope into one run of bytes, which reading a character of it does. */
function flat(rope: string): string {
  lastRead ^= rope.charCodeAt(0);
  return rope;
}

/** A copy of a substring that does not keep the string it was cut from alive. */
function detached(text: string): string {
  return flat(text.charAt(0) + text.substring(1));
}

/** A link of the chain. */
export type ListNode = PackedNode | OpenNode;

/** What both kinds have in common. The list counts elements and bytes; a node never knows its list. */
abstract class NodeBase {
  prev: ListNode | null = null;
  next: ListNode | null = null;
  /** Elements in this node. */
  count = 0;

  /** What the elements take, or would take, when packed. */
  abstract get bytes(): number;
  /** The position behind the last element. */
  abstract get end(): number;

  /** The position of element `index`; `end` for `count`. */
  abstract seek(index: number): number;
  /** A string that holds the element at a position, from {@linkcode startAt} to {@linkcode endAt}. */
  abstract sourceAt(position: number): string;
  abstract startAt(position: number): number;
  abstract endAt(position: number): number;
  abstract after(position: number): number;
  abstract before(position: number): number;

  /** The element at a position. It may share memory with the node. */
  textAt(position: number): string {
    return this.sourceAt(position).substring(this.startAt(position), this.endAt(position));
  }

  abstract pop(end: ListEnd): string;
  /** Drops `n` elements, at most all, at one end. */
  abstract drop(end: ListEnd, n: number): void;
  /** The indexes of all elements equal to `text`, whose packed form is `entry`, ascending. */
  abstract matches(text: string, entry: string): readonly number[];
  /** Takes out the elements at these ascending indexes. */
  abstract removeAll(indexes: readonly number[]): void;
  /** A node of its own with the same elements, in no chain. */
  abstract copy(): ListNode;
}

/** Elements packed into one string. */
export class PackedNode extends NodeBase {
  #packed: string;
  /** The length of the string that `#packed` is a part of and so keeps alive. */
  #backing: number;

  constructor(packed = "", count = 0) {
    super();
    this.#packed = packed;
    this.#backing = packed.length;
    this.count = count;
  }

  override get bytes(): number {
    return this.#packed.length;
  }

  override get end(): number {
    return this.#packed.length;
  }

  override seek(index: number): number {
    const packed = this.#packed;
    if (index * 2 <= this.count) {
      let at = 0;
      for (let i = 0; i < index; i++) at = entryEnd(packed, at);
      return at;
    }
    let at = packed.length;
    for (let i = this.count; i > index; i--) at = entryStart(packed, at);
    return at;
  }

  override sourceAt(_position: number): string {
    return this.#packed;
  }

  override startAt(position: number): number {
    return contentStart(this.#packed, position);
  }

  override endAt(position: number): number {
    return contentEnd(this.#packed, position);
  }

  override after(position: number): number {
    return entryEnd(this.#packed, position);
  }

  override before(position: number): number {
    return entryStart(this.#packed, position);
  }

  /** Adds an element at one end. */
  push(end: ListEnd, text: string): void {
    this.#packed = end === ListEnd.Head ? packedEntry(text) + this.#packed : this.#packed + packedEntry(text);
    this.count++;
    this.settle();
  }

  /**
   * Adds `count` packed elements at one end. They stay a piece of their own until {@linkcode settle}, or until such
   * pieces have come to some size, for joining them means copying the node.
   */
  append(end: ListEnd, entries: string, count: number): void {
    const piece = flat(entries);
    this.#packed = end === ListEnd.Head ? piece + this.#packed : this.#packed + piece;
    this.count += count;
    if (this.#packed.length - this.#backing > LOOSE_BYTES) this.settle();
  }

  /** Makes all pieces one run of bytes. */
  settle(): void {
    flat(this.#packed);
    this.#backing = this.#packed.length;
  }

  override pop(end: ListEnd): string {
    const packed = this.#packed;
    const at = end === ListEnd.Head ? 0 : entryStart(packed, packed.length);
    const text = entryText(packed, at);
    if (end === ListEnd.Head) this.#cut(entryEnd(packed, 0), packed.length);
    else this.#cut(0, at);
    this.count--;
    return text;
  }

  override drop(end: ListEnd, n: number): void {
    if (end === ListEnd.Head) this.#cut(this.seek(n), this.#packed.length);
    else this.#cut(0, this.seek(this.count - n));
    this.count -= n;
  }

  /** Puts an element in place of element `index`. */
  set(index: number, text: string): void {
    const at = this.seek(index);
    this.#replace(at, entryEnd(this.#packed, at), text);
  }

  /** Puts an element before element `index`, or behind the last for `count`. */
  insert(index: number, text: string): void {
    const at = this.seek(index);
    this.#replace(at, at, text);
    this.count++;
  }

  /** Cuts the node in two: this one keeps the first `index` elements, the result has the rest. */
  split(index: number): PackedNode {
    const at = this.seek(index);
    const rest = new PackedNode(detached(this.#packed.substring(at)), this.count - index);
    this.#cut(0, at);
    this.count = index;
    return rest;
  }

  /** Cuts `n` elements off one end into an open node. */
  open(end: ListEnd, n: number): OpenNode {
    const node = new OpenNode();
    const packed = this.#packed;
    const at = end === ListEnd.Head ? this.seek(n) : this.seek(this.count - n);
    const part = detached(end === ListEnd.Head ? packed.substring(0, at) : packed.substring(at));
    for (let i = 0; i < part.length; i = entryEnd(part, i)) node.push(ListEnd.Tail, entryText(part, i));
    if (end === ListEnd.Head) this.#cut(at, packed.length);
    else this.#cut(0, at);
    this.count -= n;
    return node;
  }

  /** Looks for the bytes first, since most nodes do not have them, then sees which of the places are elements. */
  override matches(_text: string, entry: string): readonly number[] {
    const packed = this.#packed;
    if (entry.length > packed.length) return NO_MATCHES;
    let hit = packed.indexOf(entry);
    if (hit < 0) return NO_MATCHES;
    const found: number[] = [];
    for (let at = 0, index = 0; hit >= 0; at = entryEnd(packed, at), index++) {
      if (hit < at) hit = packed.indexOf(entry, at);
      if (hit !== at) continue;
      found.push(index);
      hit = packed.indexOf(entry, at + entry.length);
    }
    return found;
  }

  override removeAll(indexes: readonly number[]): void {
    const packed = this.#packed;
    let kept = "", from = 0, at = 0, index = 0;
    for (const gone of indexes) {
      for (; index < gone; index++) at = entryEnd(packed, at);
      kept += packed.substring(from, at);
      from = at = entryEnd(packed, at);
      index++;
    }
    this.#packed = kept + packed.substring(from);
    this.count -= indexes.length;
    this.settle();
  }

  override copy(): PackedNode {
    return new PackedNode(this.#packed, this.count);
  }

  #replace(from: number, to: number, text: string): void {
    this.#packed = this.#packed.substring(0, from) + packedEntry(text) + this.#packed.substring(to);
    this.settle();
  }

  /** Keeps the bytes [from, to), as a part of the old string as long as that is not mostly waste. */
  #cut(from: number, to: number): void {
    const backing = Math.max(this.#backing, this.#packed.length);
    this.#packed = this.#packed.substring(from, to);
    this.#backing = backing;
    if (this.#packed.length * 2 > backing) return;
    this.#packed = detached(this.#packed);
    this.#backing = this.#packed.length;
  }
}

/** Elements as single strings: the end of a list that is being pushed to or popped from, or one huge element. */
export class OpenNode extends NodeBase {
  #ring: string[] = new Array<string>(OPEN_ENTRIES).fill("");
  #first = 0;
  #bytes = 0;

  override get bytes(): number {
    return this.#bytes;
  }

  override get end(): number {
    return this.count;
  }

  override seek(index: number): number {
    return index;
  }

  override sourceAt(position: number): string {
    return this.#ring[(this.#first + position) & RING_MASK]!;
  }

  override startAt(_position: number): number {
    return 0;
  }

  override endAt(position: number): number {
    return this.sourceAt(position).length;
  }

  override after(position: number): number {
    return position + 1;
  }

  override before(position: number): number {
    return position - 1;
  }

  /** Adds an element at one end; there must be room. */
  push(end: ListEnd, text: string): void {
    if (end === ListEnd.Head) {
      this.#first = (this.#first - 1) & RING_MASK;
      this.#ring[this.#first] = text;
    } else {
      this.#ring[(this.#first + this.count) & RING_MASK] = text;
    }
    this.count++;
    this.#bytes += packedSize(text);
  }

  /** The element at one end. */
  peek(end: ListEnd): string {
    return this.textAt(end === ListEnd.Head ? 0 : this.count - 1);
  }

  override pop(end: ListEnd): string {
    const at = end === ListEnd.Head ? this.#first : (this.#first + this.count - 1) & RING_MASK;
    const text = this.#ring[at]!;
    this.#ring[at] = "";
    if (end === ListEnd.Head) this.#first = (at + 1) & RING_MASK;
    this.count--;
    this.#bytes -= packedSize(text);
    return text;
  }

  override drop(end: ListEnd, n: number): void {
    for (let i = 0; i < n; i++) this.pop(end);
  }

  /** Puts an element in place of element `index`. */
  set(index: number, text: string): void {
    const at = (this.#first + index) & RING_MASK;
    this.#bytes += packedSize(text) - packedSize(this.#ring[at]!);
    this.#ring[at] = text;
  }

  override matches(text: string, _entry: string): readonly number[] {
    const found: number[] = [];
    for (let i = 0; i < this.count; i++) if (this.textAt(i) === text) found.push(i);
    return found;
  }

  /** Turns the ring once: what stays goes behind the rest, so the order is kept. */
  override removeAll(indexes: readonly number[]): void {
    const count = this.count;
    for (let i = 0, k = 0; i < count; i++) {
      const text = this.pop(ListEnd.Head);
      if (i === indexes[k]) k++;
      else this.push(ListEnd.Tail, text);
    }
  }

  /** The same elements, packed. */
  pack(): PackedNode {
    let packed = "";
    for (let i = 0; i < this.count; i++) packed += packedEntry(this.textAt(i));
    return new PackedNode(flat(packed), this.count);
  }

  override copy(): OpenNode {
    const node = new OpenNode();
    for (let i = 0; i < this.count; i++) node.push(ListEnd.Tail, this.textAt(i));
    return node;
  }
}
