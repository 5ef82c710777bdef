/**
 * Sets. A set of integers only is a sorted string of them (intset.ts); other small sets are a
 * packed string (packed.ts); all others are a table of bytes in the store (store/table.ts), which
 * compares, finds and removes members as the bytes they arrived as.
 *
 * OBJECT ENCODING follows Redis's thresholds: `intset` up to `set-max-intset-entries` integers,
 * `listpack` up to `set-max-listpack-entries` members of `set-max-listpack-value` bytes (Redis 7.0
 * has no such sets: 0 entries gives its behaviour), `hashtable` beyond, and never back. The storage
 * differs in one point: a small `hashtable` is packed too, since an empty table costs some 400
 * bytes.
 */
import { ROOT_BYTES, Table } from "../store/table.ts";
import { allocateBytes, bytesOf, latin1, writeLatin1 } from "../util/bytes.ts";
import { parseInteger } from "../util/numbers.ts";
import type { Random } from "../util/random.ts";
import { encodeInt, findInt, intTextAt, type IntWidth, intWidth, widenInts } from "./intset.ts";
import type { DataLimits } from "./limits.ts";
import { forgetOrphan, freeIfOrphaned } from "./orphans.ts";
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
} from "./packed.ts";
import { drawDistinct } from "./sampling.ts";
import { CollectionValue, defineValueType, ValueType } from "./value.ts";

/** Called with each member. */
export type MemberVisitor = (member: string) => void;
/** Called with each member as `buf[start, end)`, valid during the call. */
export type MemberBytesVisitor = (buf: Uint8Array, start: number, end: number) => void;

/** Limits within which a set reported as hashtable is packed all the same. */
const packedMembers = 32, packedBytes = 64;

/** The width kept while the members are not integers in an intset. */
const notInts = 0;

/** Flag beside the width of the integers in the byte before a packed set. */
const HASHTABLE_BIT = 0x80;
/** In the same place: what follows is a table's root. */
const TABLE_BIT = 0x40;
/**
 * A table of more bytes than this is a value of its own; the root of a smaller one is packed in its
 * place.
 */
const LARGEST_ROOTED_BYTES = 65_536;
/** Members of a large set visited between two reads of its directory. */
const BATCH = 4096;
/** Approximate bytes of a set's objects, apart from its content. */
const OBJECT_BYTES = 240;

/** Bits of the byte before a packed set: the width of its integers, or that it has none. */
function widthIn(mark: number): IntWidth | typeof notInts {
  const width = mark & ~HASHTABLE_BIT;
  return width === 2 || width === 4 || width === 8 ? width : notInts;
}

let scratch = allocateBytes(256);

/** Writes the bytes of `text` to the start of a shared buffer, valid until the next call. */
function scratchOf(text: string): Uint8Array {
  if (text.length > scratch.length) scratch = allocateBytes(text.length * 2);
  writeLatin1(scratch, 0, text);
  return scratch;
}

/** A set of latin1 strings. */
export class SetValue extends CollectionValue {
  static readonly type = ValueType.Set;
  static {
    defineValueType(ValueType.Set, { name: "set", unpack: SetValue.unpack });
  }

  readonly #limits: DataLimits;
  /** The intset, or the packed members; empty when there is a table. */
  #text = "";
  #count = 0;
  #width: IntWidth | typeof notInts = 2;
  #isHashtable = false;
  #table: Table | null = null;

  constructor(limits: DataLimits) {
    super();
    this.#limits = limits;
  }

  /** The small set that was packed into the bytes [start, end). */
  static unpack(limits: DataLimits, bytes: Uint8Array, start: number, end: number): SetValue {
    const set = new SetValue(limits), mark = bytes[start]!;
    if ((mark & TABLE_BIT) !== 0) {
      set.#width = notInts;
      set.#isHashtable = true;
      set.#table = new Table(limits.store).readRoot(bytes, start + 1);
      return set;
    }
    set.#width = widthIn(mark);
    set.#isHashtable = (mark & HASHTABLE_BIT) !== 0;
    set.#count = packedCount(bytes, start + 1);
    set.#text = latin1(bytes, start + 1 + COUNT_BYTES, end);
    return set;
  }

  /**
   * The small set of `count` packed members, none of them an integer; undefined if a member occurs
   * twice or the set would not stay packed.
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
    if (this.#table === null) return 1 + COUNT_BYTES + this.#text.length;
    return this.#table.bytes <= LARGEST_ROOTED_BYTES ? 1 + ROOT_BYTES : -1;
  }

  override packInto(bytes: Uint8Array, at: number): void {
    if (this.#table !== null) {
      bytes[at] = TABLE_BIT;
      this.#table.writeRoot(bytes, at + 1);
      forgetOrphan(this);
      return;
    }
    bytes[at] = this.#width | (this.#isHashtable ? HASHTABLE_BIT : 0);
    packText(bytes, at + 1, this.#count, this.#text);
  }

  override get runBytes(): number {
    return this.#table === null ? 0 : this.#table.bytes;
  }

  override free(): void {
    if (this.#table === null) return;
    this.#table.free();
    forgetOrphan(this);
  }

  override compact(cursor: number, budget: number): number {
    return this.#table === null ? 0 : this.#table.compact(cursor, budget);
  }

  override forEachRun(visit: (ref: number) => void): void {
    this.#table?.forEachRun(visit);
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
    return this.#table === null ? 104 + this.#text.length : OBJECT_BYTES + this.#table.bytes;
  }

  /** True if `member` is in the set. */
  has(member: string): boolean {
    if (this.#table !== null) return this.#find(this.#table, scratchOf(member), 0, member.length) !== 0;
    if (this.#width === notInts) return findEntry(this.#text, member, 1) >= 0;
    return this.#findInt(member) >= 0;
  }

  /** True if `buf[start, end)` is in the set. */
  hasBytes(buf: Uint8Array, start: number, end: number): boolean {
    if (this.#table !== null) return this.#find(this.#table, buf, start, end) !== 0;
    return this.has(latin1(buf, start, end));
  }

  /**
   * Adds a member; true if it is new. A small set keeps the string, so it must not be a slice of a
   * big one.
   */
  add(member: string): boolean {
    if (this.#table !== null) return addTo(this.#table, scratchOf(member), 0, member.length);
    const width = this.#width;
    if (width !== notInts) {
      const value = parseInteger(member);
      if (value !== undefined) return this.#addInt(value, width);
      this.#leaveInts(this.#fitsListpack(Math.max(member.length, this.#longestInt())));
      if (this.#table !== null) return this.add(member);
    }
    if (findEntry(this.#text, member, 1) >= 0) return false;
    if (!this.#isHashtable && !this.#fitsListpack(member.length)) this.#isHashtable = true;
    if (this.#isHashtable && (this.#count >= packedMembers || member.length > packedBytes)) {
      this.#toTable();
      return this.add(member);
    }
    this.#text = flat(this.#text + encodeEntry(member));
    this.#count++;
    return true;
  }

  /** Adds the member `buf[start, end)`; true if it is new. */
  addBytes(buf: Uint8Array, start: number, end: number): boolean {
    if (this.#table !== null) return addTo(this.#table, buf, start, end);
    return this.add(latin1(buf, start, end));
  }

  /** Adds all members of `other`. O(n), and no member is hashed where a big table can be copied. */
  addAll(other: SetValue): void {
    const table = other.#table;
    if (table === null) return other.forEach((member) => this.add(ownText(member)));
    const { setMaxIntsetEntries, setMaxListpackEntries } = this.#limits;
    if (this.size === 0 && table.size > Math.max(setMaxIntsetEntries, setMaxListpackEntries)) {
      this.free();
      this.#width = notInts;
      this.#isHashtable = true;
      this.#keep(table.copy());
    } else other.forEachBytes((buf, start, end) => this.addBytes(buf, start, end));
  }

  /** Removes a member; true if it was there. */
  delete(member: string): boolean {
    if (this.#table !== null) return this.deleteBytes(scratchOf(member), 0, member.length);
    const width = this.#width;
    const at = width === notInts ? findEntry(this.#text, member, 1) : this.#findInt(member) * width;
    if (at < 0) return false;
    this.#text = spliceText(this.#text, at, width === notInts ? entryEnd(this.#text, at) : at + width, "");
    this.#count--;
    return true;
  }

  /** Removes the member `buf[start, end)`; true if it was there. */
  deleteBytes(buf: Uint8Array, start: number, end: number): boolean {
    const table = this.#table;
    if (table === null) return this.delete(latin1(buf, start, end));
    const hash = table.hash(buf, start, end), ref = table.find(buf, start, end, hash);
    if (ref !== 0) table.remove(hash, ref);
    return ref !== 0;
  }

  /** A uniformly random member of a set that is not empty. O(1), or a walk over a packed set. */
  randomMember(random: Random): string {
    if (this.#table !== null) return this.#table.keyText(this.#table.sample(random));
    return this.#at(random.below(this.#count));
  }

  /** Removes and returns a uniformly random member of a set that is not empty. */
  popRandom(random: Random): string {
    const table = this.#table;
    if (table === null) {
      const member = ownText(this.#at(random.below(this.#count)));
      this.delete(member);
      return member;
    }
    const ref = table.sample(random), member = table.keyText(ref);
    table.remove(table.hashOf(ref), ref);
    return member;
  }

  /**
   * `count` different members, every choice equally likely; all members if there are not more.
   * O(count), O(n) at most.
   */
  randomMembers(count: number, random: Random): string[] {
    const table = this.#table;
    if (table !== null) return table.sampleDistinct(count, random).map((ref) => table.keyText(ref));
    const members = this.members();
    return drawDistinct(members.length, count, random).map((number) => members[number]!);
  }

  /** All members. O(n). */
  members(): string[] {
    const members: string[] = [];
    this.forEach((member) => members.push(member));
    return members;
  }

  /** Calls `visit` for every member. O(n). */
  forEach(visit: MemberVisitor): void {
    const table = this.#table;
    if (table !== null) return table.forEach((ref) => visit(table.keyText(ref)));
    if (this.#width !== notInts) {
      for (let number = 0; number < this.#count; number++) visit(this.#at(number));
      return;
    }
    const packed = this.#text;
    for (let pos = 0; pos < packed.length; pos = entryEnd(packed, pos)) visit(entryText(packed, pos));
  }

  /**
   * Like {@linkcode SetValue.forEach}, with the members as bytes. `visit` may add them to another
   * set.
   */
  forEachBytes(visit: MemberBytesVisitor): void {
    for (let cursor = 0; (cursor = this.scanBytes(cursor, BATCH, visit)) !== 0;);
  }

  /**
   * One step of a scan: calls `visit` for some `count` members and returns the next cursor, 0 at
   * the end. A member that is there from the first step to the last is visited at least once.
   * Intsets and packed sets are visited whole.
   */
  scan(cursor: number, count: number, visit: MemberVisitor): number {
    const table = this.#table;
    if (table !== null) return table.scan(cursor, count, (ref) => visit(table.keyText(ref)));
    this.forEach(visit);
    return 0;
  }

  /** Like {@linkcode SetValue.scan}, with the members as bytes. */
  scanBytes(cursor: number, count: number, visit: MemberBytesVisitor): number {
    const table = this.#table;
    if (table === null) {
      this.forEach((member) => visit(bytesOf(member), 0, member.length));
      return 0;
    }
    const { store } = table;
    return table.scan(cursor, count, (ref) => {
      const start = table.keyAt(ref);
      visit(store.u8(ref), start, start + table.keyLength(ref));
    });
  }

  copy(): SetValue {
    const twin = new SetValue(this.#limits);
    twin.#take(this);
    if (this.#table !== null) twin.#keep(this.#table.copy());
    return twin;
  }

  /** Rebuilds the set with the encoding and memory of a new set of the same members. O(n). */
  renew(): void {
    const fresh = new SetValue(this.#limits);
    this.forEach((member) => fresh.add(ownText(member)));
    this.free();
    this.#take(fresh);
    forgetOrphan(fresh);
    if (fresh.#table !== null) this.#keep(fresh.#table);
  }

  /** Takes over everything of another set but its table. */
  #take(other: SetValue): void {
    this.#text = other.#text;
    this.#count = other.#count;
    this.#width = other.#width;
    this.#isHashtable = other.#isHashtable;
    this.#table = null;
  }

  /** Gives `table` to the set; its runs are freed if the set is never stored. */
  #keep(table: Table): Table {
    freeIfOrphaned(this, table);
    return this.#table = table;
  }

  #find(table: Table, buf: Uint8Array, start: number, end: number): number {
    return table.find(buf, start, end, table.hash(buf, start, end));
  }

  /** The member with this number of a small set. */
  #at(number: number): string {
    if (this.#width !== notInts) return intTextAt(this.#text, this.#width, number);
    return entryText(this.#text, nthEntry(this.#text, number));
  }

  /** True if the set stays a listpack with another member of `length` bytes. */
  #fitsListpack(length: number): boolean {
    return this.#count < this.#limits.setMaxListpackEntries && length <= this.#limits.setMaxListpackValue;
  }

  /** Length of the intset's longest member in decimal, bytes. */
  #longestInt(): number {
    return this.#count === 0 ? 0 : Math.max(this.#at(0).length, this.#at(this.#count - 1).length);
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
    if (this.#count >= this.#limits.setMaxIntsetEntries) {
      this.#leaveInts(false);
      return this.add(String(value));
    }
    const at = (-1 - found) * width;
    this.#text = spliceText(this.#text, at, at, encoded);
    this.#count++;
    return true;
  }

  /** Turns an intset into a listpack, or a hashtable. O(n). A full store leaves it as it was. */
  #leaveInts(toListpack: boolean): void {
    const members = this.members(), toTable = !toListpack && this.#count > packedMembers;
    if (toTable) this.#fill(members);
    this.#width = notInts;
    this.#isHashtable = !toListpack;
    if (toTable) return;
    this.#text = "";
    for (const member of members) this.#text += encodeEntry(member);
    if (this.#text !== "") flat(this.#text);
  }

  #toTable(): void {
    this.#fill(this.members());
  }

  /** Moves to a table of `members`. A full store leaves the set as it was. */
  #fill(members: readonly string[]): void {
    const table = new Table(this.#limits.store);
    try {
      for (const member of members) addTo(table, scratchOf(member), 0, member.length);
    } catch (error) {
      table.free();
      throw error;
    }
    this.#keep(table);
    this.#text = "";
    this.#count = 0;
  }
}

function addTo(table: Table, buf: Uint8Array, start: number, end: number): boolean {
  const hash = table.hash(buf, start, end);
  if (table.find(buf, start, end, hash) !== 0) return false;
  table.insert(buf, start, end, hash);
  return true;
}
