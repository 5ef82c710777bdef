/**
 * Sorted sets: members, each once, in order of their scores and, where scores are equal, of their
 * bytes.
 *
 * Small ones (zset-max-listpack-entries, zset-max-listpack-value) are packed bytes, members and
 * scores in turn, in order; the scores are text, as in Redis's listpack, since most are short.
 * Large ones lie in the store: a table for the way from a member to its entry, which holds the
 * score, and a tree of entries for order (zset_members.ts has both forms). A set that has become
 * large stays so.
 *
 * All range queries come down to ranks: a range of scores or of member bytes begins and ends behind
 * a number of members that {@linkcode ZsetValue.countBelow} and {@linkcode ZsetValue.countLexBelow}
 * find in O(log n), so counting is a subtraction, LIMIT an addition, and reading or removing a
 * range is reading or removing ranks.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultLimits } from "./limits.ts";
 * import { ZsetValue } from "./zset.ts";
 *
 * const wins = new ZsetValue(defaultLimits());
 * wins.add("Lovelace", 3);
 * wins.add("Hopper", 7);
 * wins.add("Lovelace", 9);
 * assertEquals(wins.rank("Lovelace"), 1);
 * assertEquals(wins.countBelow(7, true), 1); // score ≤ 7: Hopper
 * ```
 */
import { allocateBytes, bytesOf, latin1, writeLatin1 } from "../util/bytes.ts";
import type { Random } from "../util/random.ts";
import type { Table } from "../store/table.ts";
import type { DataLimits } from "./limits.ts";
import { forgetOrphan, freeIfOrphaned } from "./orphans.ts";
import { hasTwins } from "./packed.ts";
import { Bound } from "./rank_tree.ts";
import { CollectionValue, defineValueType, ValueType } from "./value.ts";
import {
  MEMBERS_ROOT_BYTES,
  PackedMembers,
  scoreTable,
  TableMembers,
  type TestBytes,
  type VisitBytes,
} from "./zset_members.ts";

export { scoreTable, type TestBytes, type VisitBytes };

/** ZADD's options for {@linkcode ZsetValue.add}, as bits. */
export const AddFlag = {
  /** Only change members that are there. */
  IfPresent: 1,
  /** Only add members that are not there. */
  IfAbsent: 2,
  /** Change a score only to a greater one; new members are still added. */
  IfGreater: 4,
  /** Change a score only to a smaller one; new members are still added. */
  IfLess: 8,
  /** Add the score to the member's score. */
  Increment: 16,
} as const;

/** Outcomes of {@linkcode ZsetValue.add}. */
export const AddOutcome = {
  /** Nothing changed: a flag forbade it. */
  Refused: 0,
  Added: 1,
  Updated: 2,
  /** The member already has that score. */
  Same: 3,
  /** Nothing changed: infinities of opposite sign do not add up to a number. */
  NotANumber: 4,
} as const;
/** One of {@linkcode AddOutcome}. */
export type AddOutcome = typeof AddOutcome[keyof typeof AddOutcome];

/** A member and its score. */
export interface ScoredMember {
  member: string;
  score: number;
}

/** Receives members in order. */
export type VisitMember = (member: string, score: number) => void;

/** Like {@linkcode VisitMember}; returns true to go on. */
export type TestMember = (member: string, score: number) => boolean;

/** Flag in the byte before a packed sorted set: the root of one in the store follows. */
const ROOT_BIT = 1;
/**
 * A sorted set with more bytes than this in the store stays an object; a smaller one is packed as
 * its root.
 */
const LARGEST_ROOTED_BYTES = 65_536;

let scratch = allocateBytes(256);

/** Writes the bytes of `text` to the start of a shared buffer, valid until the next call. */
function scratchOf(text: string): Uint8Array {
  if (text.length > scratch.length) scratch = allocateBytes(text.length * 2);
  writeLatin1(scratch, 0, text);
  return scratch;
}

/**
 * A sorted set. Ranks count from 0 at the lowest score. Scores are never NaN. A member is
 * `buf[start, end)`, or a latin1 string in the convenience methods; the commands use bytes.
 */
export class ZsetValue extends CollectionValue {
  static readonly type = ValueType.Zset;
  override readonly type = ValueType.Zset;
  readonly #limits: DataLimits;
  #members: PackedMembers | TableMembers;

  static {
    defineValueType(ValueType.Zset, { name: "zset", unpack: ZsetValue.unpack });
  }

  constructor(limits: DataLimits, members: PackedMembers = new PackedMembers()) {
    super();
    this.#limits = limits;
    this.#members = members;
  }

  /** The sorted set packed into the bytes [start, end), whole or as a root. */
  static unpack(limits: DataLimits, bytes: Uint8Array, start: number, end: number): ZsetValue {
    if ((bytes[start]! & ROOT_BIT) === 0) {
      return new ZsetValue(limits, PackedMembers.unpack(bytes, start + 1, end));
    }
    const zset = new ZsetValue(limits);
    zset.#members = new TableMembers(scoreTable(limits.store)).readRoot(bytes, start + 1);
    return zset;
  }

  /**
   * The small sorted set of `count` packed members and scores in turn; undefined if they are not in
   * order, a member occurs twice, or a score is not in our spelling.
   */
  static ofPacked(limits: DataLimits, packed: string, count: number): ZsetValue | undefined {
    const members = new PackedMembers(bytesOf(packed), packed.length, count);
    return members.isInOrder() && !hasTwins(packed, 2) ? new ZsetValue(limits, members) : undefined;
  }

  /**
   * The sorted set of the members in `table`, made by {@linkcode scoreTable}; takes it over. O(n
   * log n)
   */
  static ofTable(limits: DataLimits, table: Table): ZsetValue {
    const zset = new ZsetValue(limits), large = TableMembers.ofTable(table);
    zset.#keep(large);
    if (large.size > limits.zsetMaxListpackEntries) return zset;
    const small = zset.slice(0, large.size);
    zset.free();
    return small;
  }

  override get packedBytes(): number {
    if (this.#members instanceof PackedMembers) return 1 + this.#members.packedBytes;
    return this.#members.runBytes <= LARGEST_ROOTED_BYTES ? 1 + MEMBERS_ROOT_BYTES : -1;
  }

  override packInto(bytes: Uint8Array, at: number): void {
    if (this.#members instanceof PackedMembers) {
      bytes[at] = 0;
      this.#members.packInto(bytes, at + 1);
    } else {
      bytes[at] = ROOT_BIT;
      this.#members.writeRoot(bytes, at + 1);
      forgetOrphan(this);
    }
  }

  override get runBytes(): number {
    return this.#members.runBytes;
  }

  override free(): void {
    if (this.#members instanceof PackedMembers) return;
    this.#members.free();
    forgetOrphan(this);
  }

  override compact(cursor: number, budget: number): number {
    return this.#members instanceof PackedMembers ? 0 : this.#members.compact(cursor, budget);
  }

  override forEachRun(visit: (ref: number) => void): void {
    if (this.#members instanceof TableMembers) this.#members.forEachRun(visit);
  }

  override get size(): number {
    return this.#members.size;
  }

  override get encoding(): "listpack" | "skiplist" {
    return this.#members instanceof PackedMembers ? "listpack" : "skiplist";
  }

  override get memoryBytes(): number {
    return 64 + this.#members.memoryBytes;
  }

  override copy(): ZsetValue {
    const twin = new ZsetValue(this.#limits), copy = this.#members.copy();
    if (copy instanceof PackedMembers) twin.#members = copy;
    else twin.#keep(copy);
    return twin;
  }

  // ---- Members ----------------------------------------------------------------------------------

  /** The score of a member. */
  scoreOf(buf: Uint8Array, start: number, end: number): number | undefined {
    const handle = this.#members.find(buf, start, end);
    return handle < 0 ? undefined : this.#members.scoreOf(handle);
  }

  /** {@linkcode ZsetValue.scoreOf} for a string. */
  score(member: string): number | undefined {
    return this.scoreOf(scratchOf(member), 0, member.length);
  }

  /** The rank of a member, or -1. O(log n). */
  rankOf(buf: Uint8Array, start: number, end: number): number {
    const handle = this.#members.find(buf, start, end);
    return handle < 0 ? -1 : this.#members.rankOf(handle);
  }

  /** {@linkcode ZsetValue.rankOf} for a string. */
  rank(member: string): number {
    return this.rankOf(scratchOf(member), 0, member.length);
  }

  /**
   * Adds a member or changes its score. O(log n).
   *
   * @param flags bits of {@linkcode AddFlag}
   */
  addBytes(buf: Uint8Array, start: number, end: number, score: number, flags = 0): AddOutcome {
    const handle = this.#members.find(buf, start, end);
    if (handle < 0) {
      if (flags & AddFlag.IfPresent) return AddOutcome.Refused;
      this.#insert(buf, start, end, score);
      return AddOutcome.Added;
    }
    if (flags & AddFlag.IfAbsent) return AddOutcome.Refused;
    const old = this.#members.scoreOf(handle);
    const wanted = flags & AddFlag.Increment ? old + score : score;
    if (Number.isNaN(wanted)) return AddOutcome.NotANumber;
    if (flags & AddFlag.IfLess && wanted >= old) return AddOutcome.Refused;
    if (flags & AddFlag.IfGreater && wanted <= old) return AddOutcome.Refused;
    if (wanted === old) return AddOutcome.Same;
    this.#members.update(handle, wanted);
    return AddOutcome.Updated;
  }

  /** {@linkcode ZsetValue.addBytes} for a string. */
  add(member: string, score: number, flags = 0): AddOutcome {
    return this.addBytes(scratchOf(member), 0, member.length, score, flags);
  }

  /** Removes a member; false if it was not there. O(log n). */
  removeBytes(buf: Uint8Array, start: number, end: number): boolean {
    const handle = this.#members.find(buf, start, end);
    if (handle < 0) return false;
    this.#members.remove(handle);
    return true;
  }

  /** {@linkcode ZsetValue.removeBytes} for a string. */
  remove(member: string): boolean {
    return this.removeBytes(scratchOf(member), 0, member.length);
  }

  // ---- Ranges -----------------------------------------------------------------------------------

  /** Removes `count` members from the rank `start` on; all must exist. O(count · log n). */
  removeRange(start: number, count: number): void {
    this.#members.removeRange(start, count);
  }

  /** Number of members with a score below `score`, or up to it if `inclusive`. O(log n). */
  countBelow(score: number, inclusive: boolean): number {
    if (score === (inclusive ? Infinity : -Infinity)) return inclusive ? this.size : 0;
    return this.#members.countBefore(inclusive ? Bound.AtMostScore : Bound.BelowScore, score, scratch, 0, 0);
  }

  /**
   * Number of members before a member in byte order, itself included if `inclusive`. Meaningful
   * only if all scores are equal. O(log n).
   */
  countLexBelow(buf: Uint8Array, start: number, end: number, inclusive: boolean): number {
    const bound = inclusive ? Bound.AtMostMember : Bound.BelowMember;
    return this.#members.countBefore(bound, 0, buf, start, end);
  }

  /**
   * Visits up to `count` members from the rank `start` on, upwards or downwards, as far as they
   * exist, until `visit` returns false. The set must not change meanwhile. O(log n + count).
   */
  eachBytes(start: number, count: number, downwards: boolean, visit: TestBytes): void {
    if (start < 0 || start >= this.size) return;
    const there = downwards ? start + 1 : this.size - start;
    if (count > 0) this.#members.eachWhile(start, Math.min(count, there), downwards, visit);
  }

  /** {@linkcode ZsetValue.eachBytes} with strings, without early end. */
  each(start: number, count: number, downwards: boolean, visit: VisitMember): void {
    this.eachBytes(start, count, downwards, (buf, from, to, score) => {
      visit(latin1(buf, from, to), score);
      return true;
    });
  }

  /** Visits all members in order. O(n). */
  forEach(visit: VisitMember): void {
    this.each(0, this.size, false, visit);
  }

  /** The member at a rank, which must be below `size`. O(log n). */
  at(rank: number): ScoredMember {
    let found: ScoredMember = { member: "", score: 0 };
    this.each(rank, 1, false, (member, score) => found = { member, score });
    return found;
  }

  /** A new sorted set of `count` members from the rank `start` on. O(log n + count). */
  slice(start: number, count: number): ZsetValue {
    const part = new ZsetValue(this.#limits);
    this.eachBytes(start, count, false, (buf, from, to, score) => {
      part.#append(buf, from, to, score);
      return true;
    });
    return part;
  }

  // ---- In no order ------------------------------------------------------------------------------

  /** Visits a uniformly random member of a set that is not empty. O(1) expected. */
  sample(random: Random, visit: VisitBytes): void {
    this.#members.sample(random, visit);
  }

  /**
   * Visits `count` different members, fewer than there are, every choice equally likely. O(count),
   * O(n) at most.
   */
  sampleDistinct(count: number, random: Random, visit: VisitBytes): void {
    this.#members.sampleDistinct(count, random, visit);
  }

  /**
   * Visits about `count` members, or all of a small set, and returns the cursor to go on with, 0 at
   * the end. Begins with cursor 0. A member present from the first call to the last is visited at
   * least once.
   */
  scanBytes(cursor: number, count: number, visit: VisitBytes): number {
    if (this.#members instanceof TableMembers) return this.#members.scan(cursor, count, visit);
    this.eachBytes(0, this.size, false, (buf, start, end, score) => {
      visit(buf, start, end, score);
      return true;
    });
    return 0;
  }

  /** {@linkcode ZsetValue.scanBytes} with strings. */
  scan(cursor: number, count: number, visit: VisitMember): number {
    return this.scanBytes(cursor, count, (buf, start, end, score) => visit(latin1(buf, start, end), score));
  }

  // ---- Inside -----------------------------------------------------------------------------------

  #insert(buf: Uint8Array, start: number, end: number, score: number): void {
    if (this.#growFor(end - start)) this.#members.find(buf, start, end);
    this.#members.insert(buf, start, end, score);
  }

  /** Adds a member that comes behind all others. */
  #append(buf: Uint8Array, start: number, end: number, score: number): void {
    this.#growFor(end - start);
    this.#members.append(buf, start, end, score);
  }

  /**
   * Moves to the store if another member of `length` bytes is too much for a small set; true if it
   * did.
   */
  #growFor(length: number): boolean {
    const { zsetMaxListpackEntries, zsetMaxListpackValue } = this.#limits, small = this.#members;
    if (small instanceof TableMembers) return false;
    if (small.size < zsetMaxListpackEntries && length <= zsetMaxListpackValue) return false;
    const large = new TableMembers(scoreTable(this.#limits.store));
    try {
      small.eachWhile(0, small.size, false, (buf, start, end, score) => {
        large.append(buf, start, end, score);
        return true;
      });
    } catch (error) {
      large.free();
      throw error;
    }
    this.#keep(large);
    return true;
  }

  /** Gives `members` to the set; they are freed if the set is never stored. */
  #keep(members: TableMembers): void {
    freeIfOrphaned(this, members);
    this.#members = members;
  }
}
