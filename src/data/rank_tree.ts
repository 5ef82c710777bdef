/**
 * The order of a large sorted set: slots of a {@linkcode StringTable}, sorted by score and then by the
 * members' bytes, in a counted B+-tree. It answers what Redis's skiplist answers (the rank of a member,
 * the member at a rank, how many lie below a bound) in O(log n), but in 6 to 8 bytes a member where a
 * skiplist's towers take 19, and with a few compact searches where a skiplist chases pointers.
 *
 * All nodes lie in typed arrays, so a set of a million members is a handful of objects.
 *
 *     inner node   children  [ c0 | c1 | c2 | … ]   node numbers, leaves at the lowest level
 *     (32 places)  counts    [ n0 | n1 | n2 | … ]   members under each child
 *                  firsts    [ s0 | s1 | s2 | … ]   the slot of the first member under each child
 *     leaf         slots     [ s0 | s1 | s2 | … ]   in order; leaves are linked both ways
 *     (64 places)
 *
 * Invariants: `counts` and `firsts` are exact at every level, so ranks are sums of counts and the
 * tree needs no keys of its own, only slots. All leaves are equally deep. An inner node that is not
 * the root has at least two children, the root as well. A node splits when full: in the middle, or,
 * where members arrive in ascending order, near its end, which leaves full nodes behind. A removal
 * that leaves a node less than a quarter full merges or levels it with a neighbour.
 *
 * The tree keeps the scores by slot. It reads members through the table but never changes the table:
 * its owner does both, in the order that {@linkcode RankTree.remove} describes.
 *
 * The B+-tree is Bayer's and McCreight's (Comer, "The Ubiquitous B-Tree", 1979); counting subtrees to
 * find ranks is Knuth's (The Art of Computer Programming 3, 6.2.3).
 */
import type { StringTable } from "./string_table.ts";

/** Where a search stops: in front of the first member that the bound does not lie behind. */
export const Bound = {
  /** Behind the very member, or where it would stand: score and member count. */
  AfterMember: 0,
  /** In front of all members with this score. */
  BelowScore: 1,
  /** Behind all members with this score. */
  AtMostScore: 2,
  /** In front of this member, scores ignored; means something while all scores are equal. */
  BelowMember: 3,
  /** Behind this member, scores ignored. */
  AtMostMember: 4,
} as const;
/** One of {@linkcode Bound}. */
export type Bound = typeof Bound[keyof typeof Bound];

/** Whether scores alone put an entry before a bound (negative) or behind it (positive); 0: its member decides. */
export function orderByScore(bound: Bound, entryScore: number, score: number): number {
  if (bound >= Bound.BelowMember) return 0;
  if (entryScore !== score) return entryScore < score ? -1 : 1;
  return bound === Bound.AfterMember ? 0 : bound === Bound.AtMostScore ? -1 : 1;
}

/** Whether an entry that {@linkcode orderByScore} leaves undecided lies before a bound. */
export function isMemberBefore(bound: Bound, entryMember: string, member: string): boolean {
  return bound === Bound.BelowMember ? entryMember < member : entryMember <= member;
}

const leafSize = 64;
const innerSize = 32;
const leafMinimum = leafSize / 4;
const innerMinimum = innerSize / 4;
/** What a node that splits at its end hands to the new one; two would do, but would merge at once. */
const tailChildren = 4;
const minLeaves = 4;

// The way from the root to the leaf that was searched last: the node and the child taken, by level.
// It serves one operation only, so all trees share it; 16 levels are more than any memory holds.
const pathNodes = new Int32Array(16);
const pathPlaces = new Int32Array(16);

/** Slots in order of score and member. All operations take O(log n) unless they say otherwise. */
export class RankTree {
  readonly #members: StringTable;
  #scores = new Float64Array(leafSize);
  #size = 0;

  #root = 0;
  /** Levels of inner nodes above the leaves. */
  #height = 0;

  #slots = new Int32Array(minLeaves * leafSize);
  #leafLengths = new Uint8Array(minLeaves);
  #nextLeaf = new Int32Array(minLeaves).fill(-1);
  #previousLeaf = new Int32Array(minLeaves).fill(-1);
  /** Leaves below this number have been in use. */
  #leaves = 1;
  #freeLeaves: number[] = [];

  #children = new Int32Array(innerSize);
  #counts = new Int32Array(innerSize);
  #firsts = new Int32Array(innerSize);
  #innerLengths = new Uint8Array(1);
  #inners = 0;
  #freeInners: number[] = [];

  // Where the last search ended.
  #leaf = 0;
  #place = 0;

  /** @param members gives the text of each slot */
  constructor(members: StringTable) {
    this.#members = members;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of buffers and heap, without the members. */
  get memoryBytes(): number {
    return 480 + this.#scores.byteLength + this.#slots.byteLength + 9 * this.#leafLengths.length +
      3 * this.#children.byteLength + this.#innerLengths.length;
  }

  /** The score of a slot. O(1). */
  score(slot: number): number {
    return this.#scores[slot]!;
  }

  /** Adds a slot, which must be in the table and not in the tree. */
  insert(slot: number, score: number): void {
    if (slot >= this.#scores.length) this.#scores = refit(new Float64Array(grown(slot + 1)), this.#scores);
    this.#scores[slot] = score;
    this.#seek(Bound.AfterMember, score, this.#members.at(slot));
    this.#put(slot);
  }

  /** Gives a slot another score. */
  update(slot: number, score: number): void {
    this.#find(slot);
    if (this.#staysInPlace(slot, score)) {
      this.#scores[slot] = score;
      return;
    }
    this.#take();
    this.insert(slot, score);
  }

  /**
   * Takes a slot out, and gives the table's last slot its number, as `StringTable.removeAt` will do.
   * To be called before that, while both members can still be read.
   */
  remove(slot: number): void {
    this.#find(slot);
    this.#take();
    const last = this.#members.size - 1;
    if (slot !== last) {
      this.#find(last);
      this.#relabel(slot);
      this.#scores[slot] = this.#scores[last]!;
    }
    this.#shrink();
  }

  /** The rank of a slot, from 0 for the lowest. */
  rank(slot: number): number {
    return this.#seek(Bound.AfterMember, this.#scores[slot]!, this.#members.at(slot)) - 1;
  }

  /** How many members lie in front of a bound. */
  countBefore(bound: Bound, score: number, member: string): number {
    return this.#seek(bound, score, member);
  }

  /**
   * Calls `visit` with `count` slots from the rank `start` on, upwards or downwards, until it returns false.
   * O(log n + count).
   */
  eachWhile(start: number, count: number, downwards: boolean, visit: (slot: number) => boolean): void {
    if (count <= 0) return;
    this.#seekRank(start);
    let leaf = this.#leaf, place = this.#place;
    for (let left = count; left > 0; left--) {
      if (!visit(this.#slots[leaf * leafSize + place]!)) return;
      if (downwards ? --place >= 0 : ++place < this.#leafLengths[leaf]!) continue;
      leaf = downwards ? this.#previousLeaf[leaf]! : this.#nextLeaf[leaf]!;
      if (leaf < 0) return;
      place = downwards ? this.#leafLengths[leaf]! - 1 : 0;
    }
  }

  /** The slot at a rank, which must be below `size`. */
  slotAt(rank: number): number {
    this.#seekRank(rank);
    return this.#slots[this.#leaf * leafSize + this.#place]!;
  }

  // -- searching

  #isBefore(slot: number, bound: Bound, score: number, member: string): boolean {
    const order = orderByScore(bound, this.#scores[slot]!, score);
    return order !== 0 ? order < 0 : isMemberBefore(bound, this.#members.at(slot), member);
  }

  /** Walks to the place of a bound and returns how many slots lie in front of it. */
  #seek(bound: Bound, score: number, member: string): number {
    let node = this.#root, rank = 0;
    for (let level = 0; level < this.#height; level++) {
      const base = node * innerSize;
      let low = 1, high = this.#innerLengths[node]!;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.#isBefore(this.#firsts[base + middle]!, bound, score, member)) low = middle + 1;
        else high = middle;
      }
      for (let place = 0; place < low - 1; place++) rank += this.#counts[base + place]!;
      pathNodes[level] = node;
      pathPlaces[level] = low - 1;
      node = this.#children[base + low - 1]!;
    }
    const base = node * leafSize;
    let low = 0, high = this.#leafLengths[node]!;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#isBefore(this.#slots[base + middle]!, bound, score, member)) low = middle + 1;
      else high = middle;
    }
    this.#leaf = node;
    this.#place = low;
    return rank + low;
  }

  /** Walks to the place with this rank; `size` is the place behind the last slot. */
  #seekRank(rank: number): void {
    let node = this.#root;
    for (let level = 0; level < this.#height; level++) {
      const base = node * innerSize, last = this.#innerLengths[node]! - 1;
      let place = 0;
      while (place < last && rank >= this.#counts[base + place]!) rank -= this.#counts[base + place++]!;
      pathNodes[level] = node;
      pathPlaces[level] = place;
      node = this.#children[base + place]!;
    }
    this.#leaf = node;
    this.#place = rank;
  }

  /** Walks to a slot that is in the tree. */
  #find(slot: number): void {
    this.#seek(Bound.AfterMember, this.#scores[slot]!, this.#members.at(slot));
    this.#place--;
  }

  /** Whether the slot just found keeps its place with another score, as its neighbours in the leaf tell. */
  #staysInPlace(slot: number, score: number): boolean {
    const place = this.#place, base = this.#leaf * leafSize;
    if (place === 0 || place + 1 >= this.#leafLengths[this.#leaf]!) return false;
    const member = this.#members.at(slot);
    return this.#isBefore(this.#slots[base + place - 1]!, Bound.AfterMember, score, member) &&
      !this.#isBefore(this.#slots[base + place + 1]!, Bound.AfterMember, score, member);
  }

  // -- inserting

  /** Inserts a slot at the place just searched. */
  #put(slot: number): void {
    for (let level = 0; level < this.#height; level++) {
      this.#counts[pathNodes[level]! * innerSize + pathPlaces[level]!]!++;
    }
    this.#size++;
    if (this.#place === 0) this.#renewFirsts(slot); // while the path is still true
    if (this.#leafLengths[this.#leaf] === leafSize) this.#splitLeaf(slot);
    else this.#putInLeaf(this.#leaf, this.#place, slot);
  }

  #putInLeaf(leaf: number, place: number, slot: number): void {
    const base = leaf * leafSize;
    this.#slots.copyWithin(base + place + 1, base + place, base + this.#leafLengths[leaf]!);
    this.#slots[base + place] = slot;
    this.#leafLengths[leaf]!++;
  }

  /** Splits the full leaf just searched and inserts the slot in one of the halves. */
  #splitLeaf(slot: number): void {
    const left = this.#leaf, right = this.#newLeaf(), next = this.#nextLeaf[left]!;
    const atEnd = this.#place === leafSize && next < 0;
    const kept = atEnd ? leafSize : leafSize / 2;
    this.#slots.copyWithin(right * leafSize, left * leafSize + kept, (left + 1) * leafSize);
    this.#leafLengths[left] = kept;
    this.#leafLengths[right] = leafSize - kept;
    this.#nextLeaf[right] = next;
    this.#previousLeaf[right] = left;
    this.#nextLeaf[left] = right;
    if (next >= 0) this.#previousLeaf[next] = right;
    if (this.#place < kept || (this.#place === kept && !atEnd)) this.#putInLeaf(left, this.#place, slot);
    else this.#putInLeaf(right, this.#place - kept, slot);
    this.#addSibling(
      this.#height - 1,
      left,
      this.#leafLengths[left]!,
      right,
      this.#leafLengths[right]!,
      this.#slots[right * leafSize]!,
    );
  }

  /** Enters `right`, split off `left`, into the parent of `left` on the path, at `level`. */
  #addSibling(
    level: number,
    left: number,
    leftCount: number,
    right: number,
    rightCount: number,
    rightFirst: number,
  ): void {
    if (level < 0) {
      this.#growRoot(left, leftCount, right, rightCount, rightFirst);
      return;
    }
    const parent = pathNodes[level]!, place = pathPlaces[level]!;
    this.#counts[parent * innerSize + place] = leftCount;
    if (this.#innerLengths[parent]! < innerSize) {
      this.#putChild(parent, place + 1, right, rightCount, rightFirst);
      return;
    }
    const sibling = this.#newInner();
    const kept = place === innerSize - 1 ? innerSize - tailChildren : innerSize / 2;
    this.#moveChildren(parent, kept, sibling, 0, innerSize - kept);
    this.#innerLengths[parent] = kept;
    this.#innerLengths[sibling] = innerSize - kept;
    if (place < kept) this.#putChild(parent, place + 1, right, rightCount, rightFirst);
    else this.#putChild(sibling, place + 1 - kept, right, rightCount, rightFirst);
    const siblingFirst = this.#firsts[sibling * innerSize]!;
    this.#addSibling(level - 1, parent, this.#total(parent), sibling, this.#total(sibling), siblingFirst);
  }

  #growRoot(left: number, leftCount: number, right: number, rightCount: number, rightFirst: number): void {
    const leftFirst = this.#height === 0 ? this.#slots[left * leafSize]! : this.#firsts[left * innerSize]!;
    const root = this.#newInner();
    this.#innerLengths[root] = 0;
    this.#putChild(root, 0, left, leftCount, leftFirst);
    this.#putChild(root, 1, right, rightCount, rightFirst);
    this.#root = root;
    this.#height++;
  }

  #putChild(node: number, place: number, child: number, count: number, first: number): void {
    const length = this.#innerLengths[node]!;
    this.#moveChildren(node, place, node, place + 1, length - place);
    const at = node * innerSize + place;
    this.#children[at] = child;
    this.#counts[at] = count;
    this.#firsts[at] = first;
    this.#innerLengths[node] = length + 1;
  }

  #moveChildren(from: number, fromPlace: number, to: number, toPlace: number, length: number): void {
    const start = from * innerSize + fromPlace, target = to * innerSize + toPlace;
    this.#children.copyWithin(target, start, start + length);
    this.#counts.copyWithin(target, start, start + length);
    this.#firsts.copyWithin(target, start, start + length);
  }

  /** The members under an inner node. */
  #total(node: number): number {
    let total = 0;
    const base = node * innerSize;
    for (let place = 0; place < this.#innerLengths[node]!; place++) total += this.#counts[base + place]!;
    return total;
  }

  /** Tells the levels above that the searched leaf begins with another slot now. */
  #renewFirsts(slot: number): void {
    for (let level = this.#height - 1; level >= 0; level--) {
      this.#firsts[pathNodes[level]! * innerSize + pathPlaces[level]!] = slot;
      if (pathPlaces[level] !== 0) return;
    }
  }

  // -- removing

  /** Writes another slot over the one just found. */
  #relabel(slot: number): void {
    this.#slots[this.#leaf * leafSize + this.#place] = slot;
    if (this.#place === 0) this.#renewFirsts(slot);
  }

  /** Takes out the slot just found. */
  #take(): void {
    const leaf = this.#leaf, base = leaf * leafSize, place = this.#place;
    const length = --this.#leafLengths[leaf]!;
    this.#slots.copyWithin(base + place, base + place + 1, base + length + 1);
    for (let level = 0; level < this.#height; level++) {
      this.#counts[pathNodes[level]! * innerSize + pathPlaces[level]!]!--;
    }
    this.#size--;
    if (place === 0 && length > 0) this.#renewFirsts(this.#slots[base]!);
    if (length < leafMinimum && this.#height > 0) this.#balance(this.#height - 1);
  }

  /** Merges or levels the child on the path at `level`, which has become too short, with a neighbour. */
  #balance(level: number): void {
    const parent = pathNodes[level]!, place = Math.max(pathPlaces[level]! - 1, 0);
    const at = parent * innerSize + place;
    const merged = level === this.#height - 1
      ? this.#balanceLeaves(this.#children[at]!, this.#children[at + 1]!, at)
      : this.#balanceInners(this.#children[at]!, this.#children[at + 1]!, at);
    if (!merged) return;
    const length = this.#innerLengths[parent]!;
    this.#moveChildren(parent, place + 2, parent, place + 1, length - place - 2);
    this.#innerLengths[parent] = length - 1;
    if (level > 0) {
      if (length - 1 < innerMinimum) this.#balance(level - 1);
    } else if (length === 2) {
      this.#root = this.#children[parent * innerSize]!;
      this.#freeInners.push(parent);
      this.#height--;
    }
  }

  /** True if `right` was emptied into `left`; false if they were levelled. `at`: left's place in the parent. */
  #balanceLeaves(left: number, right: number, at: number): boolean {
    const leftLength = this.#leafLengths[left]!, rightLength = this.#leafLengths[right]!;
    const total = leftLength + rightLength;
    const kept = total <= leafSize * 3 / 4 ? total : total >> 1;
    const leftBase = left * leafSize, rightBase = right * leafSize;
    if (kept > leftLength) {
      const moving = kept - leftLength;
      this.#slots.copyWithin(leftBase + leftLength, rightBase, rightBase + moving);
      this.#slots.copyWithin(rightBase, rightBase + moving, rightBase + rightLength);
    } else {
      this.#slots.copyWithin(rightBase + leftLength - kept, rightBase, rightBase + rightLength);
      this.#slots.copyWithin(rightBase, leftBase + kept, leftBase + leftLength);
    }
    this.#leafLengths[left] = kept;
    this.#leafLengths[right] = total - kept;
    this.#counts[at] = kept;
    this.#counts[at + 1] = total - kept;
    this.#firsts[at] = this.#slots[leftBase]!;
    this.#firsts[at + 1] = this.#slots[rightBase]!;
    if (kept < total) return false;
    this.#dropLeaf(left, right);
    return true;
  }

  #dropLeaf(left: number, right: number): void {
    const next = this.#nextLeaf[right]!;
    this.#nextLeaf[left] = next;
    if (next >= 0) this.#previousLeaf[next] = left;
    this.#freeLeaves.push(right);
  }

  /** The same for inner nodes. */
  #balanceInners(left: number, right: number, at: number): boolean {
    const leftLength = this.#innerLengths[left]!, rightLength = this.#innerLengths[right]!;
    const total = leftLength + rightLength;
    const kept = total <= innerSize * 3 / 4 ? total : total >> 1;
    if (kept > leftLength) {
      const moving = kept - leftLength;
      this.#moveChildren(right, 0, left, leftLength, moving);
      this.#moveChildren(right, moving, right, 0, rightLength - moving);
    } else {
      this.#moveChildren(right, 0, right, leftLength - kept, rightLength);
      this.#moveChildren(left, kept, right, 0, leftLength - kept);
    }
    this.#innerLengths[left] = kept;
    this.#innerLengths[right] = total - kept;
    this.#counts[at] = this.#total(left);
    this.#counts[at + 1] = this.#total(right);
    this.#firsts[at] = this.#firsts[left * innerSize]!;
    this.#firsts[at + 1] = this.#firsts[right * innerSize]!;
    if (kept < total) return false;
    this.#freeInners.push(right);
    return true;
  }

  // -- memory

  #newLeaf(): number {
    const free = this.#freeLeaves.pop();
    if (free !== undefined) return free;
    if (this.#leaves === this.#leafLengths.length) this.#resizeLeaves(grown(this.#leaves));
    return this.#leaves++;
  }

  #newInner(): number {
    const free = this.#freeInners.pop();
    if (free !== undefined) return free;
    if (this.#inners === this.#innerLengths.length) this.#resizeInners(grown(this.#inners));
    return this.#inners++;
  }

  #resizeLeaves(leaves: number): void {
    this.#slots = refit(new Int32Array(leaves * leafSize), this.#slots);
    this.#leafLengths = refit(new Uint8Array(leaves), this.#leafLengths);
    this.#nextLeaf = refit(new Int32Array(leaves), this.#nextLeaf);
    this.#previousLeaf = refit(new Int32Array(leaves), this.#previousLeaf);
  }

  #resizeInners(inners: number): void {
    this.#children = refit(new Int32Array(inners * innerSize), this.#children);
    this.#counts = refit(new Int32Array(inners * innerSize), this.#counts);
    this.#firsts = refit(new Int32Array(inners * innerSize), this.#firsts);
    this.#innerLengths = refit(new Uint8Array(inners), this.#innerLengths);
  }

  /** Gives memory back once three quarters of it are unused: builds the tree anew. O(n), but rarely. */
  #shrink(): void {
    if (this.#scores.length > leafSize && this.#size < this.#scores.length / 4) {
      this.#scores = refit(new Float64Array(Math.max(leafSize, this.#size * 2)), this.#scores);
    }
    const used = this.#leaves - this.#freeLeaves.length;
    if (this.#leafLengths.length <= minLeaves * 4 || used > this.#leafLengths.length / 4) return;
    const order = new Int32Array(this.#size);
    let filled = 0;
    this.eachWhile(0, this.#size, false, (slot) => {
      order[filled++] = slot;
      return true;
    });
    this.#size =
      this.#root =
      this.#height =
      this.#inners =
        0;
    this.#freeLeaves = [];
    this.#freeInners = [];
    this.#leaves = 1;
    this.#leafLengths[0] = 0;
    this.#nextLeaf[0] = this.#previousLeaf[0] = -1;
    this.#resizeLeaves(Math.max(minLeaves, used));
    this.#resizeInners(1);
    for (let i = 0; i < order.length; i++) {
      this.#seekRank(i);
      this.#put(order[i]!);
    }
  }
}

/** The next capacity for at least `needed` items: half as many again. */
function grown(needed: number): number {
  return needed + (needed >> 1) + 2;
}

/** Fills a new typed array from the one it replaces, as far as that fits. */
function refit<T extends Int32Array | Uint8Array | Float64Array>(target: T, source: T): T {
  target.set(source.length > target.length ? source.subarray(0, target.length) : source);
  return target;
}
