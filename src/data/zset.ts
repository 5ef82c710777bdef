/**
 * Sorted sets: members, each once, in order of their scores and, where scores are equal, of their
 * bytes.
 *
 * Small ones (zset-max-listpack-entries, zset-max-listpack-value) are one packed string of members
 * and scores in turn, in order; the scores are text, as in Redis's listpack, since most are short.
 * Large ones are a {@linkcode StringTable} for the way from member to slot, and a
 * {@linkcode RankTree} for order, with the scores beside it. A set that has become large stays so.
 *
 * All range queries come down to ranks: a range of scores or of member bytes begins and ends behind a
 * number of members that {@linkcode ZsetValue.countBelow} and {@linkcode ZsetValue.countLexBelow}
 * find in O(log n), so counting is a subtraction, LIMIT an addition, and reading or removing a range is
 * reading or removing ranks.
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
import { latin1 } from "../util/bytes.ts";
import type { Random } from "../util/random.ts";
import type { DataLimits } from "./limits.ts";
import {
  COUNT_BYTES,
  encodeEntry,
  entryEnd,
  entryText,
  findEntry,
  hasTwins,
  nthEntry,
  ownText,
  packedCount,
  packText,
  spliceText,
} from "./packed.ts";
import { Bound, isMemberBefore, orderByScore, RankTree } from "./rank_tree.ts";
import { StringTable } from "./string_table.ts";
import { CollectionValue, defineValueType, ValueType } from "./value.ts";

/** What ZADD's options ask of {@linkcode ZsetValue.add}, as bits. */
export const AddFlag = {
  /** Only change members that are there. */
  IfPresent: 1,
  /** Only add members that are not there. */
  IfAbsent: 2,
  /** Change a score only to a greater one; adding stays possible. */
  IfGreater: 4,
  /** Change a score only to a smaller one; adding stays possible. */
  IfLess: 8,
  /** Add the score to the member's score. */
  Increment: 16,
} as const;

/** What {@linkcode ZsetValue.add} did. */
export const AddOutcome = {
  /** Nothing: a flag forbade it. */
  Refused: 0,
  Added: 1,
  Updated: 2,
  /** The member has that score already. */
  Same: 3,
  /** Nothing: infinities of both signs do not add up to a number. */
  NotANumber: 4,
} as const;
/** One of {@linkcode AddOutcome}. */
export type AddOutcome = typeof AddOutcome[keyof typeof AddOutcome];

/** A member and its score. */
export interface ScoredMember {
  member: string;
  score: number;
}

/**
 * Receives members in order. From 13 characters on a member may share the memory of the set's packed
 * string: keep `ownText(member)`.
 */
export type VisitMember = (member: string, score: number) => void;

/** As {@linkcode VisitMember}; returns whether to go on. */
export type TestMember = (member: string, score: number) => boolean;

/**
 * The two representations. A *handle* names a member until the next change: a position in the packed
 * string or a slot.
 */
interface Members {
  readonly size: number;
  readonly memoryBytes: number;
  /** The handle of a member, or -1. */
  find(member: string): number;
  /** The handle of one of the members, numbered in no particular order. */
  handleAt(index: number): number;
  memberOf(handle: number): string;
  scoreOf(handle: number): number;
  rankOf(handle: number): number;
  /** Adds a member that is not there. */
  insert(member: string, score: number): void;
  update(handle: number, score: number): void;
  remove(handle: number): void;
  removeRange(start: number, count: number): void;
  countBefore(bound: Bound, score: number, member: string): number;
  /** Visits up to `count` members, all there, from the rank `start` on, until `visit` returns false. */
  eachWhile(start: number, count: number, downwards: boolean, visit: TestMember): void;
}

/** A sorted set. Ranks count from 0 at the lowest score. Scores are never NaN. */
export class ZsetValue extends CollectionValue {
  static readonly type = ValueType.Zset;
  static {
    defineValueType(ValueType.Zset, { name: "zset", unpack: ZsetValue.unpack });
  }

  override readonly type = ValueType.Zset;
  readonly #limits: DataLimits;
  #members: PackedMembers | TableMembers = new PackedMembers();

  constructor(limits: DataLimits) {
    super();
    this.#limits = limits;
  }

  /** The small sorted set that was packed into the bytes [start, end). */
  static unpack(limits: DataLimits, bytes: Uint8Array, start: number, end: number): ZsetValue {
    const zset = new ZsetValue(limits);
    zset.#members = new PackedMembers(latin1(bytes, start + COUNT_BYTES, end), packedCount(bytes, start));
    return zset;
  }

  /**
   * The small sorted set of `count` packed members and scores in turn; undefined if they are not in order, a member is
   * among them twice, or a score is not written as it would be here.
   */
  static ofPacked(limits: DataLimits, packed: string, count: number): ZsetValue | undefined {
    if (!isInOrder(packed) || hasTwins(packed, 2)) return undefined;
    const zset = new ZsetValue(limits);
    zset.#members = new PackedMembers(packed, count);
    return zset;
  }

  override get packedBytes(): number {
    return this.#members instanceof PackedMembers ? COUNT_BYTES + this.#members.text.length : -1;
  }

  override packInto(bytes: Uint8Array, at: number): void {
    if (this.#members instanceof PackedMembers) packText(bytes, at, this.size, this.#members.text);
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
    const copy = new ZsetValue(this.#limits);
    if (this.#members instanceof TableMembers) copy.#members = new TableMembers();
    this.forEach((member, score) => copy.#members.insert(member, score));
    return copy;
  }

  /** The score of a member. */
  score(member: string): number | undefined {
    const handle = this.#members.find(member);
    return handle < 0 ? undefined : this.#members.scoreOf(handle);
  }

  /** The rank of a member, or -1. O(log n). */
  rank(member: string): number {
    const handle = this.#members.find(member);
    return handle < 0 ? -1 : this.#members.rankOf(handle);
  }

  /**
   * Adds a member or changes its score. O(log n).
   *
   * @param flags bits of {@linkcode AddFlag}
   */
  add(member: string, score: number, flags = 0): AddOutcome {
    const handle = this.#members.find(member);
    if (handle < 0) {
      if (flags & AddFlag.IfPresent) return AddOutcome.Refused;
      this.#insert(member, score);
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

  /** Removes a member; false if it was not there. O(log n). */
  remove(member: string): boolean {
    const handle = this.#members.find(member);
    if (handle < 0) return false;
    this.#members.remove(handle);
    return true;
  }

  /** Removes `count` members from the rank `start` on; all must be there. O(count · log n). */
  removeRange(start: number, count: number): void {
    this.#members.removeRange(start, count);
  }

  /** How many members have a score below `score`, or up to it if `inclusive`. O(log n). */
  countBelow(score: number, inclusive: boolean): number {
    return this.#members.countBefore(inclusive ? Bound.AtMostScore : Bound.BelowScore, score, "");
  }

  /**
   * How many members come before `member` in the order of bytes, itself counted if `inclusive`. Means
   * something only if all scores are equal. O(log n).
   */
  countLexBelow(member: string, inclusive: boolean): number {
    return this.#members.countBefore(inclusive ? Bound.AtMostMember : Bound.BelowMember, 0, member);
  }

  /**
   * Visits `count` members from the rank `start` on, upwards or downwards, as far as there are any.
   * The set must not change meanwhile. O(log n + count).
   */
  each(start: number, count: number, downwards: boolean, visit: VisitMember): void {
    this.eachWhile(start, count, downwards, (member, score) => {
      visit(member, score);
      return true;
    });
  }

  /** As {@linkcode ZsetValue.each}, until `visit` returns false. */
  eachWhile(start: number, count: number, downwards: boolean, visit: TestMember): void {
    if (start < 0 || start >= this.size) return;
    const there = downwards ? start + 1 : this.size - start;
    if (count > 0) this.#members.eachWhile(start, Math.min(count, there), downwards, visit);
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

  /** One of the members, numbered from 0 in an order that changes only when the set changes. O(1). */
  pick(index: number): ScoredMember {
    const handle = this.#members.handleAt(index);
    return { member: this.#members.memberOf(handle), score: this.#members.scoreOf(handle) };
  }

  /** A random member, all equally likely. O(1). */
  pickRandom(random: Random): ScoredMember {
    return this.pick(random.below(this.size));
  }

  /**
   * Visits about `count` members, or all of a small set, and returns the cursor to go on with, 0 at the
   * end. Begins with cursor 0. A member that is there all the time between is visited once or more.
   */
  scan(cursor: number, count: number, visit: VisitMember): number {
    if (this.#members instanceof PackedMembers) {
      this.forEach(visit);
      return 0;
    }
    // Downwards, for a removal moves the last slot into the hole: what has been visited, or what
    // keeps below the cursor.
    let slot = Math.min(cursor === 0 ? this.size : cursor, this.size);
    for (let left = count; left > 0 && slot > 0; left--) {
      slot--;
      visit(this.#members.memberOf(slot), this.#members.scoreOf(slot));
    }
    return slot;
  }

  #insert(member: string, score: number): void {
    const limits = this.#limits;
    const small = this.size < limits.zsetMaxListpackEntries && member.length <= limits.zsetMaxListpackValue;
    if (!small && this.#members instanceof PackedMembers) {
      const large = new TableMembers();
      this.forEach((each, itsScore) => large.insert(ownText(each), itsScore));
      this.#members = large;
    }
    this.#members.insert(member, score);
  }
}

/** Whether each member comes behind the one before it, with a score in the form that {@linkcode scoreEntry} has. */
function isInOrder(packed: string): boolean {
  let last = -Infinity, lastPos = -1;
  for (let pos = 0; pos < packed.length;) {
    const at = entryEnd(packed, pos), score = scoreAt(packed, at);
    if (String(score) !== entryText(packed, at) || !(score >= last)) return false;
    const isTie = score === last && lastPos >= 0;
    if (isTie && entryText(packed, lastPos) >= entryText(packed, pos)) return false;
    last = score;
    lastPos = pos;
    pos = entryEnd(packed, at);
  }
  return true;
}

/**
 * A score as it stands in a packed string. Reads back as the very same number, but for -0, which is 0
 * in a Redis listpack, too (and stays -0 in a skiplist, as here in a table).
 */
function scoreEntry(score: number): string {
  return encodeEntry(String(score));
}

/** So many digits make a number that is exact at every step. */
const safeDigits = 15;

/** The score in the entry at `pos`. Short whole numbers are read without making a string of them. */
function scoreAt(packed: string, pos: number): number {
  const end = entryEnd(packed, pos);
  if (end - pos - 1 > safeDigits) return Number(packed.substring(pos + 1, end));
  let value = 0;
  for (let i = pos + 1; i < end; i++) {
    const digit = packed.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number(packed.substring(pos + 1, end));
    value = value * 10 + digit;
  }
  return value;
}

/** Members and scores in turn, in order, in one string. Everything takes O(n), with n small. */
class PackedMembers implements Members {
  #packed: string;
  size: number;

  constructor(packed = "", size = 0) {
    this.#packed = packed;
    this.size = size;
  }

  get text(): string {
    return this.#packed;
  }

  get memoryBytes(): number {
    return 64 + this.#packed.length;
  }

  find(member: string): number {
    return findEntry(this.#packed, member, 2);
  }

  handleAt(index: number): number {
    return nthEntry(this.#packed, 2 * index);
  }

  memberOf(handle: number): string {
    return entryText(this.#packed, handle);
  }

  scoreOf(handle: number): number {
    return scoreAt(this.#packed, entryEnd(this.#packed, handle));
  }

  rankOf(handle: number): number {
    let rank = 0;
    for (let pos = 0; pos < handle; pos = this.#next(pos)) rank++;
    return rank;
  }

  insert(member: string, score: number): void {
    let pos = 0;
    while (pos < this.#packed.length && this.#isBefore(pos, Bound.AfterMember, score, member)) {
      pos = this.#next(pos);
    }
    this.#packed = spliceText(this.#packed, pos, pos, encodeEntry(member) + scoreEntry(score));
    this.size++;
  }

  update(handle: number, score: number): void {
    const member = this.memberOf(handle);
    this.remove(handle);
    this.insert(member, score);
  }

  remove(handle: number): void {
    this.#packed = spliceText(this.#packed, handle, this.#next(handle), "");
    this.size--;
  }

  removeRange(start: number, count: number): void {
    const from = this.handleAt(start);
    let end = from;
    for (let i = 0; i < count; i++) end = this.#next(end);
    this.#packed = spliceText(this.#packed, from, end, "");
    this.size -= count;
  }

  countBefore(bound: Bound, score: number, member: string): number {
    let rank = 0;
    for (let pos = 0; pos < this.#packed.length; pos = this.#next(pos)) {
      if (!this.#isBefore(pos, bound, score, member)) break;
      rank++;
    }
    return rank;
  }

  eachWhile(start: number, count: number, downwards: boolean, visit: TestMember): void {
    const packed = this.#packed;
    if (!downwards) {
      for (let pos = this.handleAt(start), left = count; left > 0; left--, pos = this.#next(pos)) {
        if (!visit(entryText(packed, pos), this.scoreOf(pos))) return;
      }
      return;
    }
    const handles: number[] = [];
    for (let pos = this.handleAt(start - count + 1); handles.length < count; pos = this.#next(pos)) {
      handles.push(pos);
    }
    for (let i = count - 1; i >= 0; i--) {
      if (!visit(entryText(packed, handles[i]!), this.scoreOf(handles[i]!))) return;
    }
  }

  #next(pos: number): number {
    return entryEnd(this.#packed, entryEnd(this.#packed, pos));
  }

  #isBefore(pos: number, bound: Bound, score: number, member: string): boolean {
    const order = orderByScore(bound, this.scoreOf(pos), score);
    return order !== 0 ? order < 0 : isMemberBefore(bound, entryText(this.#packed, pos), member);
  }
}

/** A table of members and a tree of their slots; handles are slots. */
class TableMembers implements Members {
  #table = new StringTable();
  #tree = new RankTree(this.#table);

  get size(): number {
    return this.#tree.size;
  }

  get memoryBytes(): number {
    return this.#table.memoryBytes + this.#tree.memoryBytes;
  }

  find(member: string): number {
    return this.#table.find(member);
  }

  handleAt(index: number): number {
    return index;
  }

  memberOf(handle: number): string {
    return this.#table.at(handle);
  }

  scoreOf(handle: number): number {
    return this.#tree.score(handle);
  }

  rankOf(handle: number): number {
    return this.#tree.rank(handle);
  }

  insert(member: string, score: number): void {
    this.#tree.insert(this.#table.add(member), score);
  }

  update(handle: number, score: number): void {
    this.#tree.update(handle, score);
  }

  remove(handle: number): void {
    this.#tree.remove(handle);
    this.#table.removeAt(handle);
  }

  removeRange(start: number, count: number): void {
    if (count === this.size) {
      this.#table = new StringTable();
      this.#tree = new RankTree(this.#table);
      return;
    }
    for (let i = 0; i < count; i++) this.remove(this.#tree.slotAt(start));
  }

  countBefore(bound: Bound, score: number, member: string): number {
    return this.#tree.countBefore(bound, score, member);
  }

  eachWhile(start: number, count: number, downwards: boolean, visit: TestMember): void {
    this.#tree.eachWhile(
      start,
      count,
      downwards,
      (slot) => visit(this.#table.at(slot), this.#tree.score(slot)),
    );
  }
}
