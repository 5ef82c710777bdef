/**
 * The order of a large sorted set: entries of a {@linkcode Table} whose heads are scores, sorted by
 * score and then by the members' bytes, in a counted B+-tree. Like Redis's skiplist it finds the
 * rank of a member, the member at a rank and the number of members below a bound in O(log n), but
 * in 5 to 8 bytes a member instead of the 19 of a skiplist's towers, and with a few compact
 * searches instead of chased pointers.
 *
 * Each node is a run of the store, made of 32-bit words; all references are the store's.
 *
 *     leaf         length | next leaf | previous leaf | entries [ e0 | e1 | e2 | … ]  in order, 61 places
 *
 *     inner node   length | 0
 *     (31 places)  children  [ c0 | c1 | c2 | … ]   nodes, leaves at the lowest level
 *                  counts    [ n0 | n1 | n2 | … ]   members under each child
 *                  firsts    [ e0 | e1 | e2 | … ]   the entry of the first member under each child
 *                  scores    [ s0 | s1 | s2 | … ]   of the firsts, as doubles: on its way down a search rarely reads entries
 *
 * Invariants: `counts`, `firsts` and `scores` are exact at every level, so ranks are sums of counts
 * and the tree needs no keys of its own. All leaves are equally deep. Every inner node, the root
 * included, has at least two children. A node splits when full: in the middle, or, where members
 * arrive in ascending order, near its end, which leaves full nodes behind. A removal that leaves a
 * node less than a quarter full merges or levels it with a neighbour.
 *
 * The tree never changes the table: the owner changes both, in the order that the methods describe.
 * Like a table, a tree is a few numbers beside its runs, its *root*
 * ({@linkcode RankTree.writeRoot}, {@linkcode RankTree.readRoot}).
 *
 * The B+-tree is Bayer's and McCreight's (Comer, "The Ubiquitous B-Tree", 1979); counting subtrees
 * to find ranks is Knuth's (The Art of Computer Programming 3, 6.2.3).
 *
 * One file: every operation walks the same nodes, whose layout stays private.
 */
import type { Store } from "../store/store.ts";
import type { Table } from "../store/table.ts";
import { readCount, readWord, writeCount, writeWord } from "../store/words.ts";
import { compareBytes } from "../util/bytes.ts";

/** The end of a search: in front of the first member that does not lie before the bound. */
export const Bound = {
  /** Behind this member, or the place it would take, compared by score and member. */
  AfterMember: 0,
  /** In front of all members with this score. */
  BelowScore: 1,
  /** Behind all members with this score. */
  AtMostScore: 2,
  /** In front of this member, scores ignored; meaningful only while all scores are equal. */
  BelowMember: 3,
  /** Behind this member, scores ignored. */
  AtMostMember: 4,
} as const;
/** One of {@linkcode Bound}. */
export type Bound = typeof Bound[keyof typeof Bound];

/**
 * Order of an entry and a bound by score alone: negative before it, positive behind it, 0 if the
 * member decides.
 */
export function orderByScore(bound: Bound, entryScore: number, score: number): number {
  if (bound >= Bound.BelowMember) return 0;
  if (entryScore !== score) return entryScore < score ? -1 : 1;
  return bound === Bound.AfterMember ? 0 : bound === Bound.AtMostScore ? -1 : 1;
}

/**
 * True if an entry that {@linkcode orderByScore} leaves undecided lies before a bound.
 *
 * @param order of the entry's member to the bound's, as {@linkcode compareBytes} returns it
 */
export function isMemberBefore(bound: Bound, order: number): boolean {
  return bound === Bound.BelowMember ? order < 0 : order <= 0;
}

/** Receives an entry; returns true to go on. */
export type TestEntry = (ref: number) => boolean;

/** Bytes that {@linkcode RankTree.writeRoot} writes. */
export const TREE_ROOT_BYTES = 16;

// A leaf, in words. It takes 256 bytes.
const NEXT = 1, PREVIOUS = 2, ENTRIES = 3;
const leafSize = 61;
const leafBytes = 256;

// An inner node, in words; the scores begin at a double. It takes 640 bytes.
const innerSize = 31;
const innerBytes = 640;
const CHILDREN = 2, COUNTS = CHILDREN + innerSize, FIRSTS = COUNTS + innerSize;
const SCORES = (FIRSTS + innerSize + 1) >>> 1;

const leafMinimum = leafSize >> 2;
const innerMinimum = innerSize >> 2;
/** A tree of more leaves than about this is freed in slices. */
const FREED_AT_ONCE = 1000;
/**
 * Children that a node split at its end gives to the new one; two would do, but would merge at
 * once.
 */
const tailChildren = 4;

// The path from the root to the leaf searched last: node and child by level. It serves a single
// operation, so all trees share it; 16 levels are more than any memory holds.
const pathNodes = new Uint32Array(16);
const pathPlaces = new Int32Array(16);

/** Nodes reserved for the splits of one insertion. */
const spares: number[] = [];

/**
 * An entry moved by a compaction, and its new reference, while the tree still holds the old one.
 */
let movedFrom = 0, movedTo = 0;

const NO_BYTES = new Uint8Array(0);

/** Entries in order of score and member. All operations take O(log n) unless they say otherwise. */
export class RankTree {
  readonly #table: Table;
  readonly #store: Store;
  #root = 0;
  /** Levels of inner nodes above the leaves. */
  #height = 0;
  #bytes = 0;

  // The end of the last search.
  #leaf = 0;
  #place = 0;

  /** @param table holds the entries, with scores as the first double of their heads */
  constructor(table: Table) {
    this.#table = table;
    this.#store = table.store;
  }

  /** Bytes of the store that the nodes take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The score in an entry's head. */
  scoreOf(ref: number): number {
    return this.#store.f64(ref)[this.#store.at(ref) >>> 3]!;
  }

  /** Writes the score into the head of an entry that is not in the tree. */
  setScore(ref: number, score: number): void {
    this.#store.f64(ref)[this.#store.at(ref) >>> 3] = score;
  }

  /**
   * Adds an entry of the table that is not in the tree. Throws `StoreFullError` with nothing
   * changed.
   */
  insert(ref: number): void {
    this.#seekEntry(ref);
    this.#reserve();
    this.#put(ref);
  }

  /**
   * Adds an entry that comes behind all others. Like {@linkcode RankTree.insert}, without
   * comparisons.
   */
  append(ref: number): void {
    if (this.#root !== 0) this.#seekRank(Infinity);
    this.#reserve();
    this.#put(ref);
  }

  /** Gives an entry another score. Throws `StoreFullError` with nothing changed. */
  update(ref: number, score: number): void {
    const rank = this.#find(ref), old = this.scoreOf(ref);
    if (this.#staysInPlace(ref, score)) return this.setScore(ref, score);
    this.#take();
    this.setScore(ref, score);
    try {
      this.insert(ref);
    } catch (error) {
      this.setScore(ref, old);
      this.#putBack(ref, rank);
      throw error;
    }
  }

  /**
   * Puts an entry back where it was removed: the leaf before or the one behind has a free place.
   */
  #putBack(ref: number, rank: number): void {
    this.#seekEntry(ref);
    if (this.#lengthOf(this.#leaf) === leafSize) this.#seekRank(rank);
    this.#put(ref);
  }

  /** Removes an entry, which must still be in the table. */
  remove(ref: number): void {
    this.#find(ref);
    this.#take();
  }

  /** Removes and returns the entry at a rank, which must be below the size. */
  takeAt(rank: number): number {
    this.#seekRank(rank);
    const ref = this.#entryAt(this.#leaf, this.#place);
    this.#take();
    return ref;
  }

  /** The rank of an entry, from 0 for the lowest. */
  rank(ref: number): number {
    return this.#seekEntry(ref) - 1;
  }

  /** Number of entries in front of a bound, whose member is `buf[start, end)`. */
  countBefore(bound: Bound, score: number, buf: Uint8Array = NO_BYTES, start = 0, end = 0): number {
    return this.#seek(bound, score, buf, start, end);
  }

  /**
   * Calls `visit` with `count` entries from the rank `start` on, upwards or downwards, until it
   * returns false. O(log n + count).
   */
  eachWhile(start: number, count: number, downwards: boolean, visit: TestEntry): void {
    if (count <= 0 || this.#root === 0) return;
    this.#seekRank(start);
    const { store } = this.#table;
    let leaf = this.#leaf, place = this.#place;
    for (let left = count; leaf !== 0;) {
      const words = store.u32(leaf), base = store.at(leaf) >>> 2;
      const end = downwards ? -1 : words[base]!, step = downwards ? -1 : 1;
      for (; place !== end; place += step) {
        if (!visit(words[base + ENTRIES + place]!) || --left === 0) return;
      }
      leaf = words[base + (downwards ? PREVIOUS : NEXT)]!;
      if (leaf !== 0) place = downwards ? this.#lengthOf(leaf) - 1 : 0;
    }
  }

  // -- the whole

  /**
   * Writes the tree's root, {@linkcode TREE_ROOT_BYTES} bytes, from which another object can take
   * over the tree.
   */
  writeRoot(bytes: Uint8Array, at: number): void {
    writeWord(bytes, at, this.#root);
    writeWord(bytes, at + 4, this.#height);
    writeCount(bytes, at + 8, this.#bytes);
  }

  /** Takes over the tree whose root {@linkcode RankTree.writeRoot} has written. */
  readRoot(bytes: Uint8Array, at: number): this {
    this.#root = readWord(bytes, at);
    this.#height = readWord(bytes, at + 4);
    this.#bytes = readCount(bytes, at + 8);
    return this;
  }

  /** Frees all nodes, those of a large tree in slices; the tree is empty afterwards. */
  free(): void {
    const store = this.#store, root = this.#root, height = this.#height;
    if (this.#bytes > FREED_AT_ONCE * leafBytes) {
      let leaf = root;
      for (let level = 0; level < height; level++) leaf = this.#wordOf(leaf, CHILDREN);
      store.freeLater((budget) => {
        for (let left = budget; left > 0 && leaf !== 0; left--) {
          const next = this.#wordOf(leaf, NEXT);
          store.free(leaf);
          leaf = next;
        }
        if (leaf === 0) this.#visitNodes(root, height, 1, (ref) => store.free(ref));
        return leaf === 0;
      });
    } else this.forEachRun((ref) => store.free(ref));
    this.#root =
      this.#height =
      this.#bytes =
        0;
  }

  /** Calls `visit` for every node after its children; `visit` may free the node. O(n). */
  forEachRun(visit: (ref: number) => void): void {
    if (this.#root !== 0) this.#visitNodes(this.#root, this.#height, 0, visit);
  }

  /** @param lowest lowest level visited: 0 to include leaves, 1 for inner nodes only */
  #visitNodes(node: number, height: number, lowest: 0 | 1, visit: (ref: number) => void): void {
    if (height > lowest) {
      const words = this.#store.u32(node), base = this.#store.at(node) >>> 2;
      for (let place = 0; place < words[base]!; place++) {
        this.#visitNodes(words[base + CHILDREN + place]!, height - 1, lowest, visit);
      }
    }
    visit(node);
  }

  /** Tells the tree that a compaction has moved an entry, whose old run may be gone. */
  replace(from: number, to: number): void {
    movedFrom = from;
    movedTo = to;
    try {
      this.#find(to);
      this.#setFound(to);
    } finally {
      movedFrom = 0;
    }
  }

  /**
   * One step of a compaction of the nodes: moves what lies in chunks being emptied among some
   * leaves from the rank `rank` on and the nodes above them; returns the rank to go on with, or 0
   * at the end. O(budget).
   *
   * @param size of the tree @param budget members to pass
   */
  compact(rank: number, size: number, budget: number): number {
    const end = Math.min(size, rank + budget);
    while (rank < end) {
      this.#seekRank(rank);
      rank += this.#lengthOf(this.#leaf) - this.#place;
      for (let level = 0; level < this.#height; level++) {
        const node = pathNodes[level]!;
        if (this.#store.needsMove(node)) this.#relink(level, pathNodes[level] = this.#store.move(node));
      }
      if (this.#store.needsMove(this.#leaf)) this.#moveLeaf();
    }
    return rank < size ? rank : 0;
  }

  /** Moves the leaf just searched. */
  #moveLeaf(): void {
    const leaf = this.#store.move(this.#leaf), next = this.#wordOf(leaf, NEXT);
    const previous = this.#wordOf(leaf, PREVIOUS);
    if (next !== 0) this.#setWord(next, PREVIOUS, leaf);
    if (previous !== 0) this.#setWord(previous, NEXT, leaf);
    this.#relink(this.#height, leaf);
    this.#leaf = leaf;
  }

  /**
   * Writes `node`, the new reference of the node on the path at `level` or of the leaf below it,
   * into its parent or the root.
   */
  #relink(level: number, node: number): void {
    if (level === 0) this.#root = node;
    else this.#setWord(pathNodes[level - 1]!, CHILDREN + pathPlaces[level - 1]!, node);
  }

  // -- words

  #wordOf(node: number, word: number): number {
    return this.#store.u32(node)[(this.#store.at(node) >>> 2) + word]!;
  }

  #setWord(node: number, word: number, value: number): void {
    this.#store.u32(node)[(this.#store.at(node) >>> 2) + word] = value;
  }

  #lengthOf(node: number): number {
    return this.#wordOf(node, 0);
  }

  #entryAt(leaf: number, place: number): number {
    return this.#wordOf(leaf, ENTRIES + place);
  }

  #firstScoreOf(node: number): number {
    return this.#store.f64(node)[(this.#store.at(node) >>> 3) + SCORES]!;
  }

  // -- searching

  /** True if an entry whose score does not decide lies before a bound. */
  #isMemberBefore(ref: number, bound: Bound, buf: Uint8Array, start: number, end: number): boolean {
    const table = this.#table, entry = ref === movedFrom ? movedTo : ref, at = table.keyAt(entry);
    const bytes = this.#store.u8(entry);
    return isMemberBefore(bound, compareBytes(bytes, at, at + table.keyLength(entry), buf, start, end));
  }

  #isBefore(
    ref: number,
    bound: Bound,
    score: number,
    buf: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const order = orderByScore(bound, this.scoreOf(ref === movedFrom ? movedTo : ref), score);
    return order !== 0 ? order < 0 : this.#isMemberBefore(ref, bound, buf, start, end);
  }

  /** Walks to the place of a bound; returns the number of entries in front of it. */
  #seek(bound: Bound, score: number, buf: Uint8Array, start: number, end: number): number {
    const store = this.#store;
    let node = this.#root, rank = 0;
    for (let level = 0; level < this.#height; level++) {
      const words = store.u32(node), scores = store.f64(node), base = store.at(node) >>> 2;
      const firstScore = (base >>> 1) + SCORES;
      let low = 1, high = words[base]!;
      while (low < high) {
        const middle = (low + high) >> 1, order = orderByScore(bound, scores[firstScore + middle]!, score);
        if (
          order < 0 ||
          (order === 0 && this.#isMemberBefore(words[base + FIRSTS + middle]!, bound, buf, start, end))
        ) low = middle + 1;
        else high = middle;
      }
      for (let at = base + COUNTS, last = at + low - 1; at < last; at++) rank += words[at]!;
      pathNodes[level] = node;
      pathPlaces[level] = low - 1;
      node = words[base + CHILDREN + low - 1]!;
    }
    this.#leaf = node;
    return rank + (this.#place = node === 0 ? 0 : this.#seekInLeaf(node, bound, score, buf, start, end));
  }

  #seekInLeaf(
    leaf: number,
    bound: Bound,
    score: number,
    buf: Uint8Array,
    start: number,
    end: number,
  ): number {
    const words = this.#store.u32(leaf), base = this.#store.at(leaf) >>> 2;
    let low = 0, high = words[base]!;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#isBefore(words[base + ENTRIES + middle]!, bound, score, buf, start, end)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Walks to the place behind an entry, or to the place it will take; returns the number of entries
   * in front.
   */
  #seekEntry(ref: number): number {
    const table = this.#table, start = table.keyAt(ref), end = start + table.keyLength(ref);
    return this.#seek(Bound.AfterMember, this.scoreOf(ref), this.#store.u8(ref), start, end);
  }

  /** Walks to the place with this rank, or behind the last entry if the rank is too great. */
  #seekRank(rank: number): void {
    const store = this.#store;
    let node = this.#root;
    for (let level = 0; level < this.#height; level++) {
      const words = store.u32(node), base = store.at(node) >>> 2, last = words[base]! - 1;
      let place = 0;
      for (let count; place < last && rank >= (count = words[base + COUNTS + place]!); place++) rank -= count;
      pathNodes[level] = node;
      pathPlaces[level] = place;
      node = words[base + CHILDREN + place]!;
    }
    this.#leaf = node;
    this.#place = Math.min(rank, this.#lengthOf(node));
  }

  /** Walks to an entry of the tree; returns its rank. */
  #find(ref: number): number {
    const rank = this.#seekEntry(ref) - 1;
    this.#place--;
    return rank;
  }

  /**
   * True if the entry just found keeps its place with another score, judged by its neighbours in
   * the leaf.
   */
  #staysInPlace(ref: number, score: number): boolean {
    const place = this.#place, leaf = this.#leaf, length = this.#lengthOf(leaf);
    if (this.#height === 0 && length === 1) return true;
    if (place === 0 || place + 1 >= length) return false;
    const table = this.#table, start = table.keyAt(ref), end = start + table.keyLength(ref);
    const bytes = this.#store.u8(ref), before = this.#entryAt(leaf, place - 1);
    return this.#isBefore(before, Bound.AfterMember, score, bytes, start, end) &&
      !this.#isBefore(this.#entryAt(leaf, place + 1), Bound.AfterMember, score, bytes, start, end);
  }

  // -- inserting

  /**
   * Reserves the nodes that an insertion at the place just searched will take, or throws and takes
   * none.
   */
  #reserve(): void {
    if (this.#root !== 0 && this.#lengthOf(this.#leaf) < leafSize) return;
    let inners = 0, level = this.#height - 1;
    if (this.#root !== 0) {
      while (level >= 0 && this.#lengthOf(pathNodes[level]!) === innerSize) level--, inners++;
      if (level < 0) inners++;
    }
    spares.length = 0;
    try {
      while (inners-- > 0) spares.push(this.#store.allocate(innerBytes));
      spares.push(this.#store.allocate(leafBytes));
    } catch (error) {
      for (const ref of spares) this.#store.free(ref);
      throw error;
    }
  }

  /** Takes a reserved node: the leaf first. */
  #newNode(bytes: number): number {
    this.#bytes += bytes;
    return spares.pop()!;
  }

  #freeNode(ref: number, bytes: number): void {
    this.#bytes -= bytes;
    this.#store.free(ref);
  }

  /** Inserts an entry at the place just searched; the nodes it needs are reserved. */
  #put(ref: number): void {
    if (this.#root === 0) {
      this.#root = this.#leaf = this.#newLeaf(0, 0, 0);
      this.#place = 0;
    }
    for (let level = 0; level < this.#height; level++) {
      const node = pathNodes[level]!;
      this.#store.u32(node)[(this.#store.at(node) >>> 2) + COUNTS + pathPlaces[level]!]!++;
    }
    if (this.#place === 0) this.#renewFirsts(ref); // while the path is still true
    if (this.#lengthOf(this.#leaf) === leafSize) this.#splitLeaf(ref);
    else this.#putInLeaf(this.#leaf, this.#place, ref);
  }

  #newLeaf(length: number, next: number, previous: number): number {
    const leaf = this.#newNode(leafBytes);
    this.#setWord(leaf, 0, length);
    this.#setWord(leaf, NEXT, next);
    this.#setWord(leaf, PREVIOUS, previous);
    return leaf;
  }

  #putInLeaf(leaf: number, place: number, ref: number): void {
    const words = this.#store.u32(leaf), base = this.#store.at(leaf) >>> 2, at = base + ENTRIES + place;
    for (let last = base + ENTRIES + words[base]!++; last > at; last--) words[last] = words[last - 1]!;
    words[at] = ref;
  }

  /** Splits the full leaf just searched and inserts the entry in one of the halves. */
  #splitLeaf(ref: number): void {
    const left = this.#leaf, next = this.#wordOf(left, NEXT);
    const atEnd = this.#place === leafSize && next === 0, kept = atEnd ? leafSize : leafSize >> 1;
    const right = this.#newLeaf(leafSize - kept, next, left);
    this.#moveWords(left, ENTRIES + kept, right, ENTRIES, leafSize - kept);
    this.#setWord(left, 0, kept);
    this.#setWord(left, NEXT, right);
    if (next !== 0) this.#setWord(next, PREVIOUS, right);
    if (this.#place < kept || (this.#place === kept && !atEnd)) this.#putInLeaf(left, this.#place, ref);
    else this.#putInLeaf(right, this.#place - kept, ref);
    const first = this.#entryAt(right, 0), counts = [this.#lengthOf(left), this.#lengthOf(right)] as const;
    this.#addSibling(this.#height - 1, left, counts[0], right, counts[1], first, this.scoreOf(first));
  }

  /** Enters `right`, split off `left`, into the parent of `left` on the path, at `level`. */
  #addSibling(
    level: number,
    left: number,
    leftCount: number,
    right: number,
    rightCount: number,
    rightFirst: number,
    rightScore: number,
  ): void {
    if (level < 0) return this.#growRoot(left, leftCount, right, rightCount, rightFirst, rightScore);
    const parent = pathNodes[level]!, place = pathPlaces[level]!;
    this.#setWord(parent, COUNTS + place, leftCount);
    if (this.#lengthOf(parent) < innerSize) {
      return this.#putChild(parent, place + 1, right, rightCount, rightFirst, rightScore);
    }
    const sibling = this.#newNode(innerBytes);
    const kept = place === innerSize - 1 ? innerSize - tailChildren : innerSize >> 1;
    this.#moveChildren(parent, kept, sibling, 0, innerSize - kept);
    this.#setWord(parent, 0, kept);
    this.#setWord(sibling, 0, innerSize - kept);
    if (place < kept) this.#putChild(parent, place + 1, right, rightCount, rightFirst, rightScore);
    else this.#putChild(sibling, place + 1 - kept, right, rightCount, rightFirst, rightScore);
    const first = this.#wordOf(sibling, FIRSTS), score = this.#firstScoreOf(sibling);
    this.#addSibling(level - 1, parent, this.#total(parent), sibling, this.#total(sibling), first, score);
  }

  #growRoot(
    left: number,
    leftCount: number,
    right: number,
    rightCount: number,
    rightFirst: number,
    rightScore: number,
  ): void {
    const isLeaf = this.#height === 0, leftFirst = this.#wordOf(left, isLeaf ? ENTRIES : FIRSTS);
    const leftScore = isLeaf ? this.scoreOf(leftFirst) : this.#firstScoreOf(left);
    const root = this.#newNode(innerBytes);
    this.#setWord(root, 0, 0);
    this.#putChild(root, 0, left, leftCount, leftFirst, leftScore);
    this.#putChild(root, 1, right, rightCount, rightFirst, rightScore);
    this.#root = root;
    this.#height++;
  }

  #putChild(node: number, place: number, child: number, count: number, first: number, score: number): void {
    const length = this.#lengthOf(node);
    this.#moveChildren(node, place, node, place + 1, length - place);
    this.#setWord(node, 0, length + 1);
    this.#setWord(node, CHILDREN + place, child);
    this.#setWord(node, COUNTS + place, count);
    this.#setFirst(node, place, first, score);
  }

  #setFirst(node: number, place: number, first: number, score: number): void {
    this.#setWord(node, FIRSTS + place, first);
    this.#store.f64(node)[(this.#store.at(node) >>> 3) + SCORES + place] = score;
  }

  #moveChildren(from: number, fromPlace: number, to: number, toPlace: number, length: number): void {
    for (const column of [CHILDREN, COUNTS, FIRSTS]) {
      this.#moveWords(from, column + fromPlace, to, column + toPlace, length);
    }
    this.#moveWords(from, 2 * (SCORES + fromPlace), to, 2 * (SCORES + toPlace), 2 * length);
  }

  /** Copies words of a node to another, or within it; the two stretches may overlap. */
  #moveWords(from: number, fromWord: number, to: number, toWord: number, count: number): void {
    const source = this.#store.u32(from), target = this.#store.u32(to);
    let at = (this.#store.at(from) >>> 2) + fromWord, into = (this.#store.at(to) >>> 2) + toWord;
    if (source === target && at < into) {
      for (let i = count - 1; i >= 0; i--) target[into + i] = source[at + i]!;
      return;
    }
    for (const end = at + count; at < end;) target[into++] = source[at++]!;
  }

  /** Number of members under an inner node. */
  #total(node: number): number {
    const words = this.#store.u32(node), base = this.#store.at(node) >>> 2;
    let total = 0;
    for (let place = 0; place < words[base]!; place++) total += words[base + COUNTS + place]!;
    return total;
  }

  /** Updates the levels above after the searched leaf's first entry, or its score, has changed. */
  #renewFirsts(ref: number): void {
    const score = this.scoreOf(ref);
    for (let level = this.#height - 1; level >= 0; level--) {
      this.#setFirst(pathNodes[level]!, pathPlaces[level]!, ref, score);
      if (pathPlaces[level] !== 0) return;
    }
  }

  // -- removing

  /** Overwrites the reference just found. */
  #setFound(ref: number): void {
    this.#setWord(this.#leaf, ENTRIES + this.#place, ref);
    if (this.#place === 0) this.#renewFirsts(ref);
  }

  /** Removes the entry just found. */
  #take(): void {
    const leaf = this.#leaf, words = this.#store.u32(leaf), base = this.#store.at(leaf) >>> 2;
    const length = --words[base]!, end = base + ENTRIES + length;
    for (let at = base + ENTRIES + this.#place; at < end; at++) words[at] = words[at + 1]!;
    for (let level = 0; level < this.#height; level++) {
      const node = pathNodes[level]!;
      this.#store.u32(node)[(this.#store.at(node) >>> 2) + COUNTS + pathPlaces[level]!]!--;
    }
    if (this.#place === 0 && length > 0) this.#renewFirsts(words[base + ENTRIES]!);
    if (this.#height > 0) {
      if (length < leafMinimum) this.#balance(this.#height - 1);
    } else if (length === 0) {
      this.#freeNode(leaf, leafBytes);
      this.#root = 0;
    }
  }

  /**
   * Merges or levels the child on the path at `level`, which has become too short, with a
   * neighbour.
   */
  #balance(level: number): void {
    const parent = pathNodes[level]!, place = Math.max(pathPlaces[level]! - 1, 0);
    const left = this.#wordOf(parent, CHILDREN + place), right = this.#wordOf(parent, CHILDREN + place + 1);
    const merged = level === this.#height - 1
      ? this.#balanceLeaves(left, right, parent, place)
      : this.#balanceInners(left, right, parent, place);
    if (!merged) return;
    const length = this.#lengthOf(parent);
    this.#moveChildren(parent, place + 2, parent, place + 1, length - place - 2);
    this.#setWord(parent, 0, length - 1);
    if (level > 0) {
      if (length - 1 < innerMinimum) this.#balance(level - 1);
    } else if (length === 2) {
      this.#root = left;
      this.#freeNode(parent, innerBytes);
      this.#height--;
    }
  }

  /**
   * True if `right` was emptied into `left`; false if they were levelled. `place`: left's in the
   * parent.
   */
  #balanceLeaves(left: number, right: number, parent: number, place: number): boolean {
    const leftLength = this.#lengthOf(left), rightLength = this.#lengthOf(right);
    const total = leftLength + rightLength, kept = keptOf(total, leafSize);
    if (kept > leftLength) {
      const moving = kept - leftLength;
      this.#moveWords(right, ENTRIES, left, ENTRIES + leftLength, moving);
      this.#moveWords(right, ENTRIES + moving, right, ENTRIES, rightLength - moving);
    } else {
      this.#moveWords(right, ENTRIES, right, ENTRIES + leftLength - kept, rightLength);
      this.#moveWords(left, ENTRIES + kept, right, ENTRIES, leftLength - kept);
    }
    this.#setWord(left, 0, kept);
    this.#setWord(right, 0, total - kept);
    this.#setWord(parent, COUNTS + place, kept);
    this.#setWord(parent, COUNTS + place + 1, total - kept);
    for (const [i, leaf] of [left, right].entries()) {
      if (this.#lengthOf(leaf) === 0) continue;
      const first = this.#entryAt(leaf, 0);
      this.#setFirst(parent, place + i, first, this.scoreOf(first));
    }
    if (kept < total) return false;
    const next = this.#wordOf(right, NEXT);
    this.#setWord(left, NEXT, next);
    if (next !== 0) this.#setWord(next, PREVIOUS, left);
    this.#freeNode(right, leafBytes);
    return true;
  }

  /** The same for inner nodes. */
  #balanceInners(left: number, right: number, parent: number, place: number): boolean {
    const leftLength = this.#lengthOf(left), rightLength = this.#lengthOf(right);
    const total = leftLength + rightLength, kept = keptOf(total, innerSize);
    if (kept > leftLength) {
      const moving = kept - leftLength;
      this.#moveChildren(right, 0, left, leftLength, moving);
      this.#moveChildren(right, moving, right, 0, rightLength - moving);
    } else {
      this.#moveChildren(right, 0, right, leftLength - kept, rightLength);
      this.#moveChildren(left, kept, right, 0, leftLength - kept);
    }
    this.#setWord(left, 0, kept);
    this.#setWord(right, 0, total - kept);
    for (const [i, node] of [left, right].entries()) {
      this.#setWord(parent, COUNTS + place + i, this.#total(node));
      if (this.#lengthOf(node) === 0) continue;
      this.#setFirst(parent, place + i, this.#wordOf(node, FIRSTS), this.#firstScoreOf(node));
    }
    if (kept < total) return false;
    this.#freeNode(right, innerBytes);
    return true;
  }
}

/** Share of the left neighbour in the `total` parts of two: all, if they fit well in one node. */
function keptOf(total: number, size: number): number {
  return total <= size * 3 / 4 ? total : total >> 1;
}
