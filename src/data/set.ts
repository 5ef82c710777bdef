/**
 * Sets. A set of integers only is a sorted string of them (intset.ts); other small sets are a packed
 * string (packed.ts); all others are a table (string_table.ts).
 *
 * What OBJECT ENCODING says follows Redis's thresholds: `intset` up to `set-max-intset-entries`
 * integers, `listpack` up to `set-max-listpack-entries` members of `set-max-listpack-value` bytes
 * (Redis 7.0 has no such sets: 0 entries gives its behaviour), `hashtable` beyond, and never back. What
 * is stored goes its own way in one point: a small `hashtable` is packed too, for a table costs some
 * 400 bytes before it holds anything.
 */
import { latin1 } from "../util/bytes.ts";
import { parseInteger } from "../util/numbers.ts";
import { encodeInt, findInt, intTextAt, type IntWidth, intWidth, widenInts } from "./intset.ts";
import type { DataLimits } from "./limits.ts";
import {
  COUNT_BYTES,
  encodeEntry,
  entryEnd,
  entryText,
  findEntry,
  flat,
  hasTwins,
  nthEntry,
  ownText,
  packedCount,
  packText,
  spliceText,
  unpackEntries,
} from "./packed.ts";
import { StringTable } from "./string_table.ts";
import { CollectionValue, ValueType } from "./value.ts";

/** Called with each member. */
export type MemberVisitor = (member: string) => void;

/** A set called a hashtable is packed all the same while it is within these. */
const packedMembers = 32, packedBytes = 64;

/** The width kept while the members are not integers in an intset. */
const notInts = 0;

/** In the byte that stands before a packed set, beside the width of its integers. */
const HASHTABLE_BIT = 0x80;

/** The width of integers, or that there are none, in the byte before a packed set. */
function widthIn(mark: number): IntWidth | typeof notInts {
  const width = mark & ~HASHTABLE_BIT;
  return width === 2 || width === 4 || width === 8 ? width : notInts;
}

/** A set of latin1 strings. */
export class SetValue extends CollectionValue {
  static readonly type = ValueType.Set;
  readonly #limits: DataLimits;
  /** The intset, or the packed members; empty when there is a table. */
  #text = "";
  #count = 0;
  #width: IntWidth | typeof notInts = 2;
  #isHashtable = false;
  #table: StringTable | null = null;

  constructor(limits: DataLimits) {
    super();
    this.#limits = limits;
  }

  /** The small set that was packed into the bytes [start, end). */
  static unpack(limits: DataLimits, bytes: Uint8Array, start: number, end: number): SetValue {
    const set = new SetValue(limits), mark = bytes[start]!;
    set.#width = widthIn(mark);
    set.#isHashtable = (mark & HASHTABLE_BIT) !== 0;
    set.#count = packedCount(bytes, start + 1);
    set.#text = latin1(bytes, start + 1 + COUNT_BYTES, end);
    return set;
  }

  /**
   * The small set of `count` packed members, none of them an integer; undefined if one is among them twice, or if it
   * would not be kept packed.
   *
   * @param longest bytes of the longest member
   */
  static ofPacked(limits: DataLimits, packed: string, count: number, longest: number): SetValue | undefined {
    if (count > packedMembers || longest > packedBytes || hasTwins(packed, 1)) return undefined;
    const set = new SetValue(limits);
    set.#width = notInts;
    set.#isHashtable = count > limits.setMaxListpackEntries || longest > limits.setMaxListpackValue;
    set.#text = packed;
    set.#count = count;
    return set;
  }

  override get packedBytes(): number {
    return this.#table === null ? 1 + COUNT_BYTES + this.#text.length : -1;
  }

  override packInto(bytes: Uint8Array, at: number): void {
    bytes[at] = this.#width | (this.#isHashtable ? HASHTABLE_BIT : 0);
    packText(bytes, at + 1, this.#count, this.#text);
  }

  get type(): ValueType {
    return SetValue.type;
  }

  get size(): number {
    return this.#table === null ? this.#count : this.#table.size;
  }

  get encoding(): string {
    if (this.#width !== notInts) return "intset";
    return this.#isHashtable ? "hashtable" : "listpack";
  }

  get memoryBytes(): number {
    return 88 + (this.#table === null ? 16 + this.#text.length : this.#table.memoryBytes);
  }

  /** Whether `member` is in the set. */
  has(member: string): boolean {
    if (this.#table !== null) return this.#table.find(member) >= 0;
    if (this.#width === notInts) return findEntry(this.#text, member, 1) >= 0;
    return this.#findInt(member) >= 0;
  }

  /**
   * Adds a member; tells whether it is new. The string is kept: it must not be a part cut from a big
   * one.
   */
  add(member: string): boolean {
    const width = this.#width;
    if (width !== notInts) {
      const value = parseInteger(member);
      if (value !== undefined) return this.#addInt(value, width);
      this.#leaveInts(this.#fitsListpack(Math.max(member.length, this.#longestInt())));
    }
    if (this.#table !== null) {
      const before = this.#table.size;
      return this.#table.add(member) === before;
    }
    if (findEntry(this.#text, member, 1) >= 0) return false;
    if (!this.#isHashtable && !this.#fitsListpack(member.length)) this.#isHashtable = true;
    if (this.#isHashtable && (this.#count >= packedMembers || member.length > packedBytes)) {
      this.#toTable().add(member);
    } else {
      this.#text = flat(this.#text + encodeEntry(member));
      this.#count++;
    }
    return true;
  }

  /** Adds all members of `other`. O(n), and no string is hashed where a big table can be copied. */
  addAll(other: SetValue): void {
    const table = other.#table;
    if (table === null) return other.forEach((member) => this.add(ownText(member)));
    const { setMaxIntsetEntries, setMaxListpackEntries } = this.#limits;
    if (this.size === 0 && table.size > Math.max(setMaxIntsetEntries, setMaxListpackEntries)) {
      this.#width = notInts;
      this.#isHashtable = true;
      this.#table = table.copy();
    } else {
      for (let slot = 0; slot < table.size; slot++) this.add(table.at(slot));
    }
  }

  /** Removes a member; tells whether it was there. */
  delete(member: string): boolean {
    if (this.#table !== null) {
      const slot = this.#table.find(member);
      if (slot >= 0) this.#table.removeAt(slot);
      return slot >= 0;
    }
    const width = this.#width;
    const at = width === notInts ? findEntry(this.#text, member, 1) : this.#findInt(member) * width;
    if (at < 0) return false;
    this.#text = spliceText(this.#text, at, width === notInts ? entryEnd(this.#text, at) : at + width, "");
    this.#count--;
    return true;
  }

  /** The member with this number, 0 … size - 1. O(1), but for a walk over a packed set. */
  at(number: number): string {
    if (this.#table !== null) return this.#table.at(number);
    if (this.#width !== notInts) return intTextAt(this.#text, this.#width, number);
    return entryText(this.#text, nthEntry(this.#text, number));
  }

  /** The members with these numbers, in the order given. O(1) each, and one walk over a packed set. */
  membersAt(numbers: readonly number[]): string[] {
    const isPacked = this.#table === null && this.#width === notInts;
    const packed = isPacked ? unpackEntries(this.#text) : [];
    return numbers.map((number) => isPacked ? packed[number]! : this.at(number));
  }

  /** All members in the order of their numbers. O(n). */
  members(): string[] {
    if (this.#table === null && this.#width === notInts) return unpackEntries(this.#text);
    const members: string[] = [];
    for (let number = 0, size = this.size; number < size; number++) members.push(this.at(number));
    return members;
  }

  /** Calls `visit` for every member. O(n). */
  forEach(visit: MemberVisitor): void {
    if (this.#table === null && this.#width === notInts) {
      const packed = this.#text;
      for (let pos = 0; pos < packed.length; pos = entryEnd(packed, pos)) visit(entryText(packed, pos));
    } else {
      for (let number = 0, size = this.size; number < size; number++) visit(this.at(number));
    }
  }

  /**
   * One step of a scan: calls `visit` for some `count` members and gives the next cursor, 0 at the end.
   * A member that is there from the first step to the last is visited at least once. Intsets and
   * packed sets are visited whole.
   */
  scan(cursor: number, count: number, visit: MemberVisitor): number {
    const table = this.#table;
    if (table === null) {
      this.forEach(visit);
      return 0;
    }
    let slot = cursor === 0 ? table.size : Math.min(cursor, table.size);
    for (const end = Math.max(0, slot - count); slot > end; slot--) visit(table.at(slot - 1));
    return slot;
  }

  copy(): SetValue {
    const twin = new SetValue(this.#limits);
    twin.#take(this);
    twin.#table = this.#table === null ? null : this.#table.copy();
    return twin;
  }

  /** Becomes what a new set of these members would be, in encoding and memory. O(n). */
  renew(): void {
    const fresh = new SetValue(this.#limits);
    this.forEach((member) => fresh.add(ownText(member)));
    this.#take(fresh);
  }

  #take(other: SetValue): void {
    this.#text = other.#text;
    this.#count = other.#count;
    this.#width = other.#width;
    this.#isHashtable = other.#isHashtable;
    this.#table = other.#table;
  }

  /** Whether a further member of `length` bytes leaves the set a listpack. */
  #fitsListpack(length: number): boolean {
    return this.#count < this.#limits.setMaxListpackEntries && length <= this.#limits.setMaxListpackValue;
  }

  /** How many bytes the longest member of the intset has in decimal. */
  #longestInt(): number {
    return this.#count === 0 ? 0 : Math.max(this.at(0).length, this.at(this.#count - 1).length);
  }

  /** The index of a decimal integer in the intset, or a negative number. */
  #findInt(member: string): number {
    const value = parseInteger(member), width = this.#width;
    if (value === undefined || width === notInts || intWidth(value) > width) return -1;
    return findInt(this.#text, width, encodeInt(value, width));
  }

  #addInt(value: number | bigint, kept: IntWidth): boolean {
    const needed = intWidth(value), width = needed > kept ? needed : kept;
    if (width > kept) {
      this.#text = widenInts(this.#text, kept, width);
      this.#width = width;
    }
    const encoded = encodeInt(value, width), found = findInt(this.#text, width, encoded);
    if (found >= 0) return false;
    const at = (-1 - found) * width;
    this.#text = spliceText(this.#text, at, at, encoded);
    if (++this.#count > this.#limits.setMaxIntsetEntries) this.#leaveInts(false);
    return true;
  }

  /** Turns an intset into a listpack, or a hashtable. O(n). */
  #leaveInts(toListpack: boolean): void {
    const members = this.members();
    this.#width = notInts;
    this.#isHashtable = !toListpack;
    this.#text = "";
    if (this.#isHashtable && this.#count > packedMembers) {
      this.#table = new StringTable();
      for (const member of members) this.#table.add(member);
      this.#count = 0;
      return;
    }
    for (const member of members) this.#text += encodeEntry(member);
    if (this.#text !== "") flat(this.#text);
  }

  #toTable(): StringTable {
    const table = new StringTable();
    this.forEach((member) => table.add(ownText(member)));
    this.#text = "";
    this.#count = 0;
    return this.#table = table;
  }
}
