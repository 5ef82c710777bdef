/**
 * The list type. A small list is its elements' entries behind each other (store/entries.ts), packed into its key's record; any
 * other is a sequence of blocks in the store (store/sequence.ts), whose root is packed in their place, up to 64 KiB, or hangs
 * on a small object. Elements are bytes all the way: out of the query buffer into a block, out of the block into the reply.
 *
 * What is handed out of a list is a view of where an element lies, valid until the list changes.
 */
import { allocateBytes, bytesOf, copyBytes } from "../util/bytes.ts";
import {
  ElementView,
  entryBytes,
  entryStart,
  LONGEST_INLINE,
  LONGEST_SHORT,
  seekEntry,
  writeEntry,
} from "../store/entries.ts";
import {
  EntryCursor,
  LARGEST_ROOTED_BYTES,
  Sequence,
  SEQUENCE_ROOT_BYTES,
  SequenceEnd,
} from "../store/sequence.ts";
import type { Store } from "../store/store.ts";
import type { DataLimits } from "./limits.ts";
import { forgetOrphan, freeIfOrphaned } from "./orphans.ts";
import { CollectionValue, defineValueType, ValueType } from "./value.ts";

/** Which end of a list is meant. */
export const ListEnd = SequenceEnd;
/** One of {@linkcode ListEnd}. */
export type ListEnd = SequenceEnd;
/** A walk over a list, valid until the list changes. */
export type ListCursor = EntryCursor;

/** Bytes of entries that a small list has at most. */
const SMALL_BYTES = 256;
/** A list that has shrunk to so many bytes of entries is small again. */
const SMALL_AGAIN_BYTES = 128;
/** A sequence of more bytes than this in its runs is not worth a look at whether the list is small again. */
const WORTH_A_LOOK_BYTES = 1024;
/** Bytes free behind the entries of a small list that has been made an object. */
const SPARE_BYTES = 40;
/** In the byte before what is packed, which is else a small list's count of elements: what follows is a sequence's root. */
const ROOT_MARK = 255;
/** What the objects of a list weigh beside its bytes, about. */
const OBJECT_BYTES = 160;

const NO_BYTES = allocateBytes(0);
/** Where an element is that is moved. */
const scratch = allocateBytes(LONGEST_INLINE);

/** Whether two stretches of bytes are the same. */
function sameBytes(view: ElementView, buf: Uint8Array, start: number, end: number): boolean {
  if (view.end - view.start !== end - start) return false;
  const { buf: own } = view;
  for (let i = end - 1, k = view.end - 1; i >= start; i--, k--) if (own[k] !== buf[i]) return false;
  return true;
}

/**
 * A list of byte strings.
 *
 * @example
 * ```ts
 * import { ListEnd, ListValue } from "./list.ts";
 * import { defaultLimits } from "./limits.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const list = new ListValue(defaultLimits());
 * list.pushText(ListEnd.Tail, "b");
 * list.pushText(ListEnd.Head, "a");
 * assertEquals([...list], ["a", "b"]);
 * assertEquals(list.peek(ListEnd.Tail).text(), "b");
 * list.drop(ListEnd.Tail, 1);
 * assertEquals(list.size, 1);
 * ```
 */
export class ListValue extends CollectionValue {
  static readonly type = ValueType.List;
  static {
    defineValueType(ValueType.List, { name: "list", unpack: ListValue.unpack });
  }

  readonly #limits: DataLimits;
  readonly #store: Store;
  /** The entries of a small list are its first {@linkcode #end} bytes. */
  #small = NO_BYTES;
  #end = 0;
  #count = 0;
  #sequence: Sequence | null = null;
  readonly #view = new ElementView();

  constructor(limits: DataLimits) {
    super();
    this.#limits = limits;
    this.#store = limits.store;
  }

  /** The list that was packed into the bytes [start, end). */
  static unpack(limits: DataLimits, bytes: Uint8Array, start: number, end: number): ListValue {
    const list = new ListValue(limits);
    if (bytes[start] === ROOT_MARK) {
      list.#sequence = new Sequence(limits.store).readRoot(bytes, start + 1);
      return list;
    }
    list.#count = bytes[start]!;
    list.#end = end - start - 1;
    list.#small = allocateBytes(list.#end + SPARE_BYTES);
    copyBytes(list.#small, 0, bytes, start + 1, end);
    return list;
  }

  override get packedBytes(): number {
    if (this.#sequence === null) return 1 + this.#end;
    return this.#sequence.bytes <= LARGEST_ROOTED_BYTES ? 1 + SEQUENCE_ROOT_BYTES : -1;
  }

  override packInto(bytes: Uint8Array, at: number): void {
    if (this.#sequence === null) {
      bytes[at] = this.#count;
      copyBytes(bytes, at + 1, this.#small, 0, this.#end);
    } else {
      bytes[at] = ROOT_MARK;
      this.#sequence.writeRoot(bytes, at + 1);
      forgetOrphan(this);
    }
  }

  override get runBytes(): number {
    return this.#sequence === null ? 0 : this.#sequence.bytes;
  }

  override free(): void {
    if (this.#sequence === null) return;
    this.#sequence.free();
    forgetOrphan(this);
  }

  override compact(cursor: number, budget: number): number {
    return this.#sequence === null ? 0 : this.#sequence.compact(cursor, budget);
  }

  override forEachRun(visit: (ref: number) => void): void {
    this.#sequence?.forEachRun(visit);
  }

  override get type(): ValueType {
    return ValueType.List;
  }

  override get size(): number {
    return this.#sequence === null ? this.#count : this.#sequence.size;
  }

  /** Redis 7.0 has one name for lists of every size. */
  override get encoding(): string {
    return "quicklist";
  }

  override get memoryBytes(): number {
    return OBJECT_BYTES + (this.#sequence === null ? this.#small.length : this.#sequence.bytes);
  }

  // ---- Ends ---------------------------------------------------------------------------------------------------------

  /** Adds the element `buf[start, end)`, which must not lie in this list, at one end. Amortised O(1). */
  push(where: ListEnd, buf: Uint8Array, start: number, end: number): void {
    if (this.#sequence !== null) this.#sequence.push(where, buf, start, end);
    else if (end - start <= LONGEST_SHORT && this.#end + entryBytes(end - start) <= SMALL_BYTES) {
      this.#pushSmall(where, buf, start, end);
    } else this.#toSequence().push(where, buf, start, end);
  }

  /** {@linkcode ListValue.push} of a latin1 string. */
  pushText(where: ListEnd, text: string): void {
    this.push(where, bytesOf(text), 0, text.length);
  }

  /** Where the first or last element lies, until the list changes; there must be one. */
  peek(where: ListEnd): ElementView {
    const view = this.#view;
    if (this.#sequence !== null) this.#sequence.peek(where, view);
    else {view.point(
        this.#store,
        this.#small,
        where === ListEnd.Head ? 0 : entryStart(this.#small, this.#end),
      );}
    return view;
  }

  /** Drops `n` elements, at most all, at one end. O(1) for one, O(bytes / 8 KiB) for many. */
  drop(where: ListEnd, n: number): void {
    const sequence = this.#sequence;
    if (sequence === null) return this.#dropSmall(where, n);
    sequence.drop(where, n);
    this.#shrink(SMALL_AGAIN_BYTES);
  }

  /** Moves the element at one end of this list, which must have one, to an end of `target`, which may be the same. O(element). */
  moveEnd(from: ListEnd, target: ListValue, to: ListEnd): void {
    const { buf, start, end } = this.peek(from), length = end - start;
    if (length > LONGEST_INLINE) target.push(to, buf, start, end);
    else {
      // A push may move what lies in the same list.
      copyBytes(scratch, 0, buf, start, end);
      target.push(to, scratch, 0, length);
    }
    this.drop(from, 1);
  }

  // ---- Places -------------------------------------------------------------------------------------------------------

  /**
   * Place of element `index`, counted from the end if negative; `undefined` outside. There is one view a list: it holds until
   * the next call of `at` or `peek`, or a change.
   */
  at(index: number): ElementView | undefined {
    const i = this.#inside(index), view = this.#view;
    if (i < 0) return undefined;
    if (this.#sequence !== null) this.#sequence.pointAt(i, view);
    else view.point(this.#store, this.#small, seekEntry(this.#small, 0, this.#end, this.#count, i));
    return view;
  }

  /** Puts `buf[start, end)` in the place of element `index`, counted from the end if negative; false outside. */
  set(index: number, buf: Uint8Array, start: number, end: number): boolean {
    const i = this.#inside(index);
    if (i < 0) return false;
    this.#toSequence().set(i, buf, start, end);
    this.#shrink(SMALL_BYTES);
    return true;
  }

  /** Puts `buf[start, end)` before element `index` (0 … size, which is behind the last). */
  insert(index: number, buf: Uint8Array, start: number, end: number): void {
    this.#toSequence().insert(index, buf, start, end);
    this.#shrink(SMALL_BYTES);
  }

  /**
   * Takes out elements equal to `buf[start, end)`: the first `count`, the last `-count` if negative, all for 0. Returns how
   * many. O(n).
   */
  remove(count: number, buf: Uint8Array, start: number, end: number): number {
    const wanted = count === 0 ? Infinity : Math.abs(count);
    const removed = this.#toSequence().remove(buf, start, end, wanted, count < 0);
    this.#shrink(SMALL_BYTES);
    return removed;
  }

  /** Keeps the elements `start` to `stop`, both counted from 0 and included; none if `start` is behind `stop`. */
  trim(start: number, stop: number): void {
    const from = Math.max(start, 0), to = Math.min(stop, this.size - 1);
    if (from > to) return this.drop(ListEnd.Tail, this.size);
    this.drop(ListEnd.Tail, this.size - 1 - to);
    this.drop(ListEnd.Head, from);
  }

  /**
   * The indexes of elements equal to `buf[start, end)`, as LPOS gives them. O(n).
   *
   * @param rank which match comes first: 1 the first, -1 the last, with the others towards the head
   * @param count how many at most, 0 for all
   * @param maxLength how many elements to look at, 0 for all
   */
  positions(
    buf: Uint8Array,
    start: number,
    end: number,
    rank: number,
    count: number,
    maxLength: number,
  ): number[] {
    const { size } = this, backwards = rank < 0, cursor = this.cursor(backwards ? size - 1 : 0, backwards);
    const wanted = count === 0 ? Infinity : count, found: number[] = [];
    const reach = maxLength === 0 ? size : Math.min(maxLength, size);
    let skip = Math.abs(rank) - 1;
    for (let i = 0; i < reach && found.length < wanted && cursor.advance(); i++) {
      if (!sameBytes(cursor, buf, start, end) || skip-- > 0) continue;
      found.push(backwards ? size - 1 - i : i);
    }
    return found;
  }

  /** A walk from element `index` (0 … size - 1) towards the tail, or towards the head. */
  cursor(index: number, backwards = false): ListCursor {
    const sequence = this.#sequence, cursor = new EntryCursor(this.#store, sequence, backwards);
    if (index < 0 || index >= this.size) return cursor;
    const behind = backwards ? index + 1 : index;
    if (sequence !== null) return sequence.place(cursor, behind);
    const at = seekEntry(this.#small, 0, this.#end, this.#count, behind);
    return cursor.walk(this.#small, at, backwards ? 0 : this.#end);
  }

  /** The elements from head to tail as latin1 strings. */
  *[Symbol.iterator](): Generator<string, void, undefined> {
    const cursor = this.cursor(0);
    for (let text = cursor.next(); text !== undefined; text = cursor.next()) yield text;
  }

  override copy(): ListValue {
    const twin = new ListValue(this.#limits);
    twin.#small = this.#small.slice(0, this.#end);
    twin.#end = this.#end;
    twin.#count = this.#count;
    if (this.#sequence !== null) twin.#keep(this.#sequence.copy());
    return twin;
  }

  /** An index from 0, or -1 for one outside. */
  #inside(index: number): number {
    const i = index < 0 ? index + this.size : index;
    return i < this.size ? Math.max(i, -1) : -1;
  }

  #pushSmall(where: ListEnd, buf: Uint8Array, start: number, end: number): void {
    const size = entryBytes(end - start), used = this.#end;
    if (used + size > this.#small.length) {
      const grown = allocateBytes(used + size + SPARE_BYTES);
      copyBytes(grown, 0, this.#small, 0, used);
      this.#small = grown;
    }
    if (where === ListEnd.Head) this.#small.copyWithin(size, 0, used);
    writeEntry(this.#small, where === ListEnd.Head ? 0 : used, buf, start, end, 0);
    this.#end += size;
    this.#count++;
  }

  #dropSmall(where: ListEnd, n: number): void {
    const small = this.#small;
    if (where === ListEnd.Head) {
      const from = seekEntry(small, 0, this.#end, this.#count, n);
      small.copyWithin(0, from, this.#end);
      this.#end -= from;
    } else this.#end = seekEntry(small, 0, this.#end, this.#count, this.#count - n);
    this.#count -= n;
  }

  /** The sequence, which a small list gets here. */
  #toSequence(): Sequence {
    if (this.#sequence !== null) return this.#sequence;
    const sequence = new Sequence(this.#store);
    if (this.#count > 0) sequence.append(this.#small, 0, this.#end, this.#count);
    this.#keep(sequence);
    this.#small = NO_BYTES;
    this.#end = this.#count = 0;
    return sequence;
  }

  /** Makes `sequence` the list's own, whose runs go with the collector if the list is never stored. */
  #keep(sequence: Sequence): void {
    freeIfOrphaned(this, sequence);
    this.#sequence = sequence;
  }

  /** Becomes a small list if all elements are at most so many bytes. */
  #shrink(mostBytes: number): void {
    const sequence = this.#sequence;
    if (sequence === null || sequence.bytes > WORTH_A_LOOK_BYTES || sequence.entryBytes > mostBytes) return;
    const small = allocateBytes(sequence.entryBytes + SPARE_BYTES),
      cursor = sequence.place(new EntryCursor(this.#store, sequence, false), 0);
    let end = 0;
    while (cursor.advance()) end = writeEntry(small, end, cursor.buf, cursor.start, cursor.end, 0);
    this.#small = small;
    this.#end = end;
    this.#count = sequence.size;
    this.free();
    this.#sequence = null;
  }
}
