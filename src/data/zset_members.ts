/**
 * The two forms in which a sorted set keeps its members: packed bytes, and a table with a tree in
 * the store.
 */
import type { Store } from "../store/store.ts";
import { ROOT_BYTES, Table } from "../store/table.ts";
import { allocateBytes, compareBytes, copyBytes, latin1, writeLatin1 } from "../util/bytes.ts";
import type { Random } from "../util/random.ts";
import { COUNT_BYTES, LONGEST_SHORT_ENTRY, packedCount } from "./packed.ts";
import { Bound, isMemberBefore, orderByScore, RankTree, TREE_ROOT_BYTES } from "./rank_tree.ts";
import { drawDistinct } from "./sampling.ts";

/** Receives a member, `buf[start, end)`, which is valid until the set changes, and its score. */
export type VisitBytes = (buf: Uint8Array, start: number, end: number, score: number) => void;

/** Like {@linkcode VisitBytes}; returns true to go on. */
export type TestBytes = (buf: Uint8Array, start: number, end: number, score: number) => boolean;

/**
 * The interface of both forms. A *handle* names a member until the next change: a position in the
 * packed bytes, or an entry. Members are passed as `buf[start, end)`.
 */
export interface Members {
  readonly size: number;
  /** Bytes of the store. */
  readonly runBytes: number;
  /** Bytes of heap and store. */
  readonly memoryBytes: number;
  /** The handle of a member, or -1. */
  find(buf: Uint8Array, start: number, end: number): number;
  scoreOf(handle: number): number;
  rankOf(handle: number): number;
  /** Adds a member right after {@linkcode Members.find} has failed to find it. */
  insert(buf: Uint8Array, start: number, end: number, score: number): void;
  /** Adds a member that comes behind all others. */
  append(buf: Uint8Array, start: number, end: number, score: number): void;
  update(handle: number, score: number): void;
  /** Removes the member that {@linkcode Members.find} has just found. */
  remove(handle: number): void;
  removeRange(start: number, count: number): void;
  countBefore(bound: Bound, score: number, buf: Uint8Array, start: number, end: number): number;
  /**
   * Visits `count` members, which must all exist, from the rank `start` on, until `visit` returns
   * false.
   */
  eachWhile(start: number, count: number, downwards: boolean, visit: TestBytes): void;
  /** Visits a uniformly random member. */
  sample(random: Random, visit: VisitBytes): void;
  /** Visits `count` different members, fewer than there are, every choice equally likely. */
  sampleDistinct(count: number, random: Random, visit: VisitBytes): void;
}

// ---- Packed -------------------------------------------------------------------------------------

const LONG_MARK = LONGEST_SHORT_ENTRY + 1;
/** Spare room of a packed set for the members added next, bytes. */
const SLACK = 64;
/**
 * Size of the buffer from which sets unpacked for one command are cut; a buffer of its own would
 * cost more than its bytes.
 */
const POOL_BYTES = 65_536;
let pool = allocateBytes(POOL_BYTES), pooled = 0;

/** Room for `length` bytes. */
function pooledBytes(length: number): Uint8Array<ArrayBuffer> {
  if (length > POOL_BYTES / 8) return allocateBytes(length);
  if (pooled + length > POOL_BYTES) {
    pool = allocateBytes(POOL_BYTES);
    pooled = 0;
  }
  return pool.subarray(pooled, pooled += length);
}

/** Number of digits up to which a number is exact at every step. */
const SAFE_DIGITS = 15;

function headBytes(length: number): number {
  return length <= LONGEST_SHORT_ENTRY ? 1 : 5;
}

/**
 * Members and scores in turn, in order, as packed.ts has entries; scores are text. Everything takes
 * O(n), with n small.
 */
export class PackedMembers implements Members {
  #bytes: Uint8Array<ArrayBuffer>;
  #length: number;
  size: number;
  readonly runBytes = 0;

  /** Takes over `bytes`, whose first `length` bytes are `size` members and scores. */
  constructor(bytes: Uint8Array<ArrayBuffer> = allocateBytes(0), length = 0, size = 0) {
    this.#bytes = bytes;
    this.#length = length;
    this.size = size;
  }

  /** The members written to [start, end) by {@linkcode PackedMembers.packInto}. */
  static unpack(bytes: Uint8Array, start: number, end: number): PackedMembers {
    const length = end - start - COUNT_BYTES, own = pooledBytes(length);
    copyBytes(own, 0, bytes, start + COUNT_BYTES, end);
    return new PackedMembers(own, length, packedCount(bytes, start));
  }

  get memoryBytes(): number {
    return 64 + this.#length;
  }

  get packedBytes(): number {
    return COUNT_BYTES + this.#length;
  }

  packInto(bytes: Uint8Array, at: number): void {
    bytes[at] = this.size & 255;
    bytes[at + 1] = this.size >>> 8;
    copyBytes(bytes, at + COUNT_BYTES, this.#bytes, 0, this.#length);
  }

  copy(): PackedMembers {
    return new PackedMembers(this.#bytes.slice(0, this.#length), this.#length, this.size);
  }

  /** True if the members are in strict order and every score is in our spelling. */
  isInOrder(): boolean {
    let last = -Infinity, lastPos = -1;
    for (let pos = 0; pos < this.#length; pos = this.#next(pos)) {
      const at = this.#end(pos), score = this.scoreOf(pos);
      if (String(score) !== latin1(this.#bytes, this.#start(at), this.#end(at)) || !(score >= last)) {
        return false;
      }
      if (score === last && lastPos >= 0 && this.#compare(lastPos, this.#bytes, this.#start(pos), at) >= 0) {
        return false;
      }
      last = score;
      lastPos = pos;
    }
    return true;
  }

  find(buf: Uint8Array, start: number, end: number): number {
    const bytes = this.#bytes, wanted = end - start;
    for (let pos = 0; pos < this.#length;) {
      const mark = bytes[pos]!, from = mark === LONG_MARK ? pos + 5 : pos + 1;
      const length = mark === LONG_MARK ? this.#longLength(pos) : mark;
      if (length === wanted) {
        // Backwards: names in one collection tend to begin alike.
        let i = length - 1;
        while (i >= 0 && bytes[from + i] === buf[start + i]) i--;
        if (i < 0) return pos;
      }
      pos = this.#end(from + length);
    }
    return -1;
  }

  scoreOf(handle: number): number {
    const bytes = this.#bytes, at = this.#end(handle), end = this.#end(at);
    let value = 0;
    for (let i = at + 1; i < end; i++) {
      const digit = bytes[i]! - 48;
      if (digit < 0 || digit > 9 || end - at - 1 > SAFE_DIGITS) return Number(latin1(bytes, at + 1, end));
      value = value * 10 + digit;
    }
    return value;
  }

  rankOf(handle: number): number {
    let rank = 0;
    for (let pos = 0; pos < handle; pos = this.#next(pos)) rank++;
    return rank;
  }

  insert(buf: Uint8Array, start: number, end: number, score: number): void {
    this.#insertAt(this.#seek(Bound.AfterMember, score, buf, start, end), buf, start, end, score);
  }

  append(buf: Uint8Array, start: number, end: number, score: number): void {
    this.#insertAt(this.#length, buf, start, end, score);
  }

  /** @param pos position for the member */
  #insertAt(pos: number, buf: Uint8Array, start: number, end: number, score: number): void {
    // A score reads back as the very same number, but for -0, which is 0 in a Redis listpack, too
    // (and stays -0 in a skiplist, as here in a table).
    const length = end - start, text = String(score), size = headBytes(length) + length + 1 + text.length;
    this.#splice(pos, pos, size);
    const bytes = this.#bytes;
    if (length <= LONGEST_SHORT_ENTRY) bytes[pos++] = length;
    else {
      bytes[pos++] = LONG_MARK;
      for (let shift = 0; shift < 32; shift += 8) bytes[pos++] = length >>> shift;
    }
    pos = copyBytes(bytes, pos, buf, start, end);
    bytes[pos] = text.length;
    writeLatin1(bytes, pos + 1, text);
    this.size++;
  }

  update(handle: number, score: number): void {
    const from = this.#start(handle), member = this.#bytes.slice(from, this.#end(handle));
    this.remove(handle);
    this.insert(member, 0, member.length, score);
  }

  remove(handle: number): void {
    this.#splice(handle, this.#next(handle), 0);
    this.size--;
  }

  removeRange(start: number, count: number): void {
    const from = this.#nth(start);
    let end = from;
    for (let i = 0; i < count; i++) end = this.#next(end);
    this.#splice(from, end, 0);
    this.size -= count;
  }

  countBefore(bound: Bound, score: number, buf: Uint8Array, start: number, end: number): number {
    return this.rankOf(this.#seek(bound, score, buf, start, end));
  }

  eachWhile(start: number, count: number, downwards: boolean, visit: TestBytes): void {
    if (!downwards) {
      for (let pos = this.#nth(start), left = count; left > 0; left--, pos = this.#next(pos)) {
        if (!this.#visit(pos, visit)) return;
      }
      return;
    }
    const handles: number[] = [];
    for (let pos = this.#nth(start - count + 1); handles.length < count; pos = this.#next(pos)) {
      handles.push(pos);
    }
    for (let i = count - 1; i >= 0; i--) if (!this.#visit(handles[i]!, visit)) return;
  }

  sample(random: Random, visit: VisitBytes): void {
    this.#visit(this.#nth(random.below(this.size)), visit);
  }

  sampleDistinct(count: number, random: Random, visit: VisitBytes): void {
    for (const number of drawDistinct(this.size, count, random)) this.#visit(this.#nth(number), visit);
  }

  #visit<T>(pos: number, visit: (buf: Uint8Array, start: number, end: number, score: number) => T): T {
    return visit(this.#bytes, this.#start(pos), this.#end(pos), this.scoreOf(pos));
  }

  /** The position of member number `index`. */
  #nth(index: number): number {
    let pos = 0;
    for (let i = 0; i < index; i++) pos = this.#next(pos);
    return pos;
  }

  #next(pos: number): number {
    return this.#end(this.#end(pos));
  }

  /** Start of the content of the entry at `pos`. */
  #start(pos: number): number {
    return this.#bytes[pos] === LONG_MARK ? pos + 5 : pos + 1;
  }

  /** End of the entry at `pos`. */
  #end(pos: number): number {
    const length = this.#bytes[pos]!;
    return length === LONG_MARK ? pos + 5 + this.#longLength(pos) : pos + 1 + length;
  }

  #longLength(pos: number): number {
    const bytes = this.#bytes;
    return (bytes[pos + 1]! | (bytes[pos + 2]! << 8) | (bytes[pos + 3]! << 16) | (bytes[pos + 4]! << 24)) >>>
      0;
  }

  /** The position of the first member that does not lie before a bound. */
  #seek(bound: Bound, score: number, buf: Uint8Array, start: number, end: number): number {
    let pos = 0;
    while (pos < this.#length) {
      const order = orderByScore(bound, this.scoreOf(pos), score);
      if (order > 0 || (order === 0 && !isMemberBefore(bound, this.#compare(pos, buf, start, end)))) break;
      pos = this.#next(pos);
    }
    return pos;
  }

  #compare(pos: number, buf: Uint8Array, start: number, end: number): number {
    return compareBytes(this.#bytes, this.#start(pos), this.#end(pos), buf, start, end);
  }

  /** Replaces [start, end) by `size` bytes for the caller to fill. */
  #splice(start: number, end: number, size: number): void {
    const length = this.#length + size - (end - start);
    let bytes = this.#bytes;
    if (length > bytes.length) {
      bytes = allocateBytes(length + SLACK);
      copyBytes(bytes, 0, this.#bytes, 0, start);
    }
    if (bytes !== this.#bytes) copyBytes(bytes, start + size, this.#bytes, end, this.#length);
    else if (end !== this.#length) bytes.copyWithin(start + size, end, this.#length);
    this.#bytes = bytes;
    this.#length = length;
  }
}

// ---- In the store -------------------------------------------------------------------------------

/** Bytes that {@linkcode TableMembers.writeRoot} writes. */
export const MEMBERS_ROOT_BYTES = ROOT_BYTES + TREE_ROOT_BYTES;
/** Approximate bytes of the objects, apart from those in the store. */
const OBJECT_BYTES = 320;
/** Head bytes of an entry: its score. */
const SCORE_BYTES = 8;
/** Compaction cursors from this on are ranks; those below are the table's. */
const TREE_CURSORS = 2 ** 32;

/** A table of members with room for a score in each entry's head. */
export function scoreTable(store: Store): Table {
  return new Table(store, SCORE_BYTES);
}

/** A table of members with their scores, and a tree of its entries; handles are entries. */
export class TableMembers implements Members {
  readonly #table: Table;
  readonly #tree: RankTree;
  /** The hash of the member searched last. */
  #hash = 0;

  /** @param table an empty table made by {@linkcode scoreTable} */
  constructor(table: Table) {
    this.#table = table;
    this.#tree = new RankTree(table);
  }

  /** Takes over a table whose heads are scores, and puts its members in order. O(n log n) */
  static ofTable(table: Table): TableMembers {
    const members = new TableMembers(table);
    try {
      table.forEach((ref) => members.#tree.insert(ref));
    } catch (error) {
      members.free();
      throw error;
    }
    return members;
  }

  get size(): number {
    return this.#table.size;
  }

  get runBytes(): number {
    return this.#table.bytes + this.#tree.bytes;
  }

  get memoryBytes(): number {
    return OBJECT_BYTES + this.runBytes;
  }

  writeRoot(bytes: Uint8Array, at: number): void {
    this.#table.writeRoot(bytes, at);
    this.#tree.writeRoot(bytes, at + ROOT_BYTES);
  }

  readRoot(bytes: Uint8Array, at: number): this {
    this.#table.readRoot(bytes, at);
    this.#tree.readRoot(bytes, at + ROOT_BYTES);
    return this;
  }

  free(): void {
    this.#tree.free();
    this.#table.free();
  }

  compact(cursor: number, budget: number): number {
    if (cursor < TREE_CURSORS) {
      const next = this.#table.compact(cursor, budget, (from, to) => this.#tree.replace(from, to));
      return next === 0 ? TREE_CURSORS : next;
    }
    const next = this.#tree.compact(cursor - TREE_CURSORS, this.size, budget);
    return next === 0 ? 0 : TREE_CURSORS + next;
  }

  forEachRun(visit: (ref: number) => void): void {
    this.#table.forEachRun(visit);
    this.#tree.forEachRun(visit);
  }

  copy(): TableMembers {
    const twin = new TableMembers(scoreTable(this.#table.store));
    try {
      this.eachWhile(0, this.size, false, (buf, start, end, score) => {
        twin.append(buf, start, end, score);
        return true;
      });
    } catch (error) {
      twin.free();
      throw error;
    }
    return twin;
  }

  find(buf: Uint8Array, start: number, end: number): number {
    const hash = this.#hash = this.#table.hash(buf, start, end);
    const ref = this.#table.find(buf, start, end, hash);
    return ref === 0 ? -1 : ref;
  }

  scoreOf(handle: number): number {
    return this.#tree.scoreOf(handle);
  }

  rankOf(handle: number): number {
    return this.#tree.rank(handle);
  }

  insert(buf: Uint8Array, start: number, end: number, score: number): void {
    const ref = this.#enter(buf, start, end, score);
    try {
      this.#tree.insert(ref);
    } catch (error) {
      this.#table.remove(this.#hash, ref);
      throw error;
    }
  }

  append(buf: Uint8Array, start: number, end: number, score: number): void {
    this.#hash = this.#table.hash(buf, start, end);
    const ref = this.#enter(buf, start, end, score);
    try {
      this.#tree.append(ref);
    } catch (error) {
      this.#table.remove(this.#hash, ref);
      throw error;
    }
  }

  #enter(buf: Uint8Array, start: number, end: number, score: number): number {
    const ref = this.#table.insert(buf, start, end, this.#hash);
    this.#tree.setScore(ref, score);
    return ref;
  }

  update(handle: number, score: number): void {
    this.#tree.update(handle, score);
  }

  remove(handle: number): void {
    this.#tree.remove(handle);
    this.#table.remove(this.#hash, handle);
  }

  removeRange(start: number, count: number): void {
    if (count === this.size) return this.free();
    for (let i = 0; i < count; i++) {
      const ref = this.#tree.takeAt(start);
      this.#table.remove(this.#table.hashOf(ref), ref);
    }
  }

  countBefore(bound: Bound, score: number, buf: Uint8Array, start: number, end: number): number {
    return this.#tree.countBefore(bound, score, buf, start, end);
  }

  eachWhile(start: number, count: number, downwards: boolean, visit: TestBytes): void {
    this.#tree.eachWhile(start, count, downwards, (ref) => this.#visit(ref, visit));
  }

  sample(random: Random, visit: VisitBytes): void {
    this.#visit(this.#table.sample(random), visit);
  }

  sampleDistinct(count: number, random: Random, visit: VisitBytes): void {
    for (const ref of this.#table.sampleDistinct(count, random)) this.#visit(ref, visit);
  }

  /** One step of a scan; see {@linkcode Table.scan}. */
  scan(cursor: number, count: number, visit: VisitBytes): number {
    return this.#table.scan(cursor, count, (ref) => this.#visit(ref, visit));
  }

  #visit<T>(ref: number, visit: (buf: Uint8Array, start: number, end: number, score: number) => T): T {
    const table = this.#table, start = table.keyAt(ref);
    return visit(table.store.u8(ref), start, start + table.keyLength(ref), this.#tree.scoreOf(ref));
  }
}
