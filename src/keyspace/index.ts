/**
 * The index: which record belongs to a key. 512 small open-addressing tables, chosen by the upper 9 bits of the
 * key's hash, each growing alone, so that no growth is ever a pause. A slot is two 32-bit words, hash and reference;
 * most probes end without touching a record.
 *
 * Linear probing, and deletion by shifting back the entries behind the hole (Knuth, TAOCP 6.4, algorithm R), so there
 * are no tombstones. The consequence SCAN lives on: the entries whose home is slot `s` all lie between `s` and the
 * next empty slot. A cursor names a table and a home slot, and homes are walked in reversed-binary order (Pieter
 * Noordhuis's method in Redis's dict.c): when a table grows or shrinks between two calls, the homes walked so far are
 * still exactly those not to be walked again.
 */
import type { Random } from "../util/random.ts";

/** Number of tables of an index. */
export const TABLE_COUNT = 512;
const TABLE_SHIFT = 23;
const SMALLEST_SLOTS = 4;

/**
 * Each table is divided in 512 buckets by the lowest bits of the hash: the units in which a snapshot saves keys, some
 * forty of them with ten million.
 */
const BUCKET_BITS = 9;
/** Buckets of a table. */
export const BUCKET_COUNT = 1 << BUCKET_BITS;

/** The bucket of its table a hash belongs to. */
export function bucketOf(hash: number): number {
  return hash & (BUCKET_COUNT - 1);
}

/** The table a hash belongs to. */
export function tableOf(hash: number): number {
  return hash >>> TABLE_SHIFT;
}

function reverseBits(value: number): number {
  value = ((value >>> 1) & 0x55555555) | ((value & 0x55555555) << 1);
  value = ((value >>> 2) & 0x33333333) | ((value & 0x33333333) << 2);
  value = ((value >>> 4) & 0x0f0f0f0f) | ((value & 0x0f0f0f0f) << 4);
  value = ((value >>> 8) & 0x00ff00ff) | ((value & 0x00ff00ff) << 8);
  return ((value >>> 16) | (value << 16)) >>> 0;
}

/** The home after `home` in reversed-binary order under `mask`, or 0 after the last. */
function nextHome(home: number, mask: number): number {
  return reverseBits((reverseBits((home | ~mask) >>> 0) + 1) >>> 0);
}

/** A hash table of references to records. See the head of this file. */
export class Index {
  readonly #tables: (Int32Array<ArrayBuffer> | undefined)[] = new Array(TABLE_COUNT).fill(undefined);
  readonly #counts = new Uint32Array(TABLE_COUNT);
  #size = 0;
  #slots = 0;
  /** No table has ever had more entries than this since the index was last empty; for fair sampling. */
  #fullest = 0;

  /** Entries. */
  get size(): number {
    return this.#size;
  }

  /** Slots of all tables, taken or free. */
  get slotCount(): number {
    return this.#slots;
  }

  /** Bytes of all tables. */
  get bytes(): number {
    return this.#slots * 8;
  }

  /** Entries of table `table`. */
  countIn(table: number): number {
    return this.#counts[table]!;
  }

  /**
   * The reference under `hash` that `isMatch` accepts, or 0.
   * @param isMatch asked for each reference with exactly this hash
   */
  find<T>(hash: number, isMatch: (ref: number, key: T) => boolean, key: T): number {
    const table = this.#tables[hash >>> TABLE_SHIFT];
    if (table === undefined) return 0;
    const mask = table.length - 1;
    let at = (hash << 1) & mask;
    for (let ref = table[at + 1]!; ref !== 0; ref = table[at + 1]!) {
      if (table[at] === hash && isMatch(ref >>> 0, key)) return ref >>> 0;
      at = (at + 2) & mask;
    }
    return 0;
  }

  /** The first reference a look-up of `hash` sees, its own as a rule, or 0. */
  firstSeen(hash: number): number {
    const table = this.#tables[hash >>> TABLE_SHIFT];
    return table === undefined ? 0 : table[((hash << 1) & (table.length - 1)) + 1]! >>> 0;
  }

  /** Adds an entry that is not there yet. O(1), or O(table) when the table grows. */
  insert(hash: number, ref: number): void {
    const id = hash >>> TABLE_SHIFT;
    let table = this.#tables[id];
    const count = ++this.#counts[id]!;
    if (table === undefined || count * 2 > table.length * 0.75) {
      table = this.#resize(id, table === undefined ? SMALLEST_SLOTS : table.length);
    }
    this.#place(table, hash, ref | 0);
    this.#size++;
    if (count > this.#fullest) this.#fullest = count;
  }

  /** Points the entry of `from` to `to`: the record has moved. */
  replace(hash: number, from: number, to: number): void {
    const table = this.#tables[hash >>> TABLE_SHIFT]!;
    table[this.#slotOf(table, hash, from) + 1] = to | 0;
  }

  /** Removes the entry of `ref`. */
  remove(hash: number, ref: number): void {
    const id = hash >>> TABLE_SHIFT;
    const table = this.#tables[id]!;
    this.#closeHole(table, this.#slotOf(table, hash, ref));
    const count = --this.#counts[id]!;
    if (--this.#size === 0) this.#fullest = 0;
    if (count === 0) {
      this.#slots -= table.length / 2;
      this.#tables[id] = undefined;
    } else if (table.length > 32 && count * 16 < table.length) {
      this.#resize(id, table.length / 4);
    }
  }

  clear(): void {
    this.#tables.fill(undefined);
    this.#counts.fill(0);
    this.#size = 0;
    this.#slots = 0;
    this.#fullest = 0;
  }

  /** Visits every entry of table `id`; `visit` must not change the index. */
  forEachIn(id: number, visit: (ref: number) => void): void {
    const table = this.#tables[id];
    if (table === undefined) return;
    for (let at = 1; at < table.length; at += 2) {
      if (table[at] !== 0) visit(table[at]! >>> 0);
    }
  }

  /**
   * Visits the entries of table `id` whose hash has `bucket` in its lowest {@linkcode BUCKET_BITS} bits; `visit` must
   * not change the index. O(slots / buckets) in a table larger than that, else O(slots).
   */
  forEachInBucket(id: number, bucket: number, visit: (ref: number) => void): void {
    const table = this.#tables[id];
    if (table === undefined) return;
    if (table.length >= BUCKET_COUNT * 2) {
      for (let home = bucket; home < table.length / 2; home += BUCKET_COUNT) {
        this.#visitHome(table, home, visit);
      }
      return;
    }
    for (let at = 0; at < table.length; at += 2) {
      if (table[at + 1] !== 0 && bucketOf(table[at]!) === bucket) visit(table[at + 1]! >>> 0);
    }
  }

  /**
   * Visits entries from `cursor` on (0 begins) until at least `count` have been seen, or ten times as many home slots,
   * and returns the next cursor, 0 at the end. `visit` must not change the index.
   *
   * An entry that is in the index from the first call to the last is visited at least once.
   */
  scan(cursor: number, count: number, visit: (ref: number) => void): number {
    let id = cursor % TABLE_COUNT, home = Math.floor(cursor / TABLE_COUNT);
    let entriesLeft = count, homesLeft = count * 10;
    for (; id < TABLE_COUNT && entriesLeft > 0 && homesLeft > 0; id++, home = 0) {
      const table = this.#tables[id];
      if (table === undefined) continue;
      const mask = table.length / 2 - 1;
      do {
        entriesLeft -= this.#visitHome(table, home & mask, visit);
        homesLeft--;
        home = nextHome(home & mask, mask);
        if (home !== 0 && (entriesLeft <= 0 || homesLeft <= 0)) return home * TABLE_COUNT + id;
      } while (home !== 0);
    }
    while (id < TABLE_COUNT && this.#tables[id] === undefined) id++;
    return id < TABLE_COUNT ? id : 0;
  }

  /**
   * A reference chosen uniformly, or 0 if there is none. O(1) expected where most tables have entries, about as many;
   * O(tables) at worst.
   */
  sample(random: Random): number {
    if (this.#size === 0) return 0;
    const table = this.#tables[this.#sampleTable(random)]!;
    for (;;) {
      const ref = table[((random.next() << 1) & (table.length - 1)) + 1]!;
      if (ref !== 0) return ref >>> 0;
    }
  }

  /** A table chosen with the probability of its share of all entries. */
  #sampleTable(random: Random): number {
    for (let tries = 0; tries < 16; tries++) {
      const id = random.next() >>> TABLE_SHIFT;
      if (random.below(this.#fullest) < this.#counts[id]!) return id;
    }
    let id = 0;
    for (let left = random.below(this.#size) - this.#counts[0]!; left >= 0;) left -= this.#counts[++id]!;
    return id;
  }

  #visitHome(table: Int32Array, home: number, visit: (ref: number) => void): number {
    const mask = table.length - 1;
    let visited = 0;
    for (let at = home << 1; table[at + 1] !== 0; at = (at + 2) & mask) {
      if (((table[at]! << 1) & mask) !== home << 1) continue;
      visit(table[at + 1]! >>> 0);
      visited++;
    }
    return visited;
  }

  #slotOf(table: Int32Array, hash: number, ref: number): number {
    const mask = table.length - 1;
    let at = (hash << 1) & mask;
    while (table[at + 1] !== (ref | 0)) at = (at + 2) & mask;
    return at;
  }

  #closeHole(table: Int32Array, hole: number): void {
    const mask = table.length - 1;
    for (let at = (hole + 2) & mask; table[at + 1] !== 0; at = (at + 2) & mask) {
      const home = (table[at]! << 1) & mask;
      // May move back into the hole unless its home lies cyclically behind the hole.
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      table[hole] = table[at]!;
      table[hole + 1] = table[at + 1]!;
      hole = at;
    }
    table[hole + 1] = 0;
  }

  #place(table: Int32Array, hash: number, ref: number): void {
    const mask = table.length - 1;
    let at = (hash << 1) & mask;
    while (table[at + 1] !== 0) at = (at + 2) & mask;
    table[at] = hash;
    table[at + 1] = ref;
  }

  /** Makes table `id` have `slots` slots. */
  #resize(id: number, slots: number): Int32Array<ArrayBuffer> {
    const old = this.#tables[id];
    const table = new Int32Array(slots * 2);
    this.#slots += slots - (old === undefined ? 0 : old.length / 2);
    this.#tables[id] = table;
    if (old === undefined) return table;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] !== 0) this.#place(table, old[at]!, old[at + 1]!);
    }
    return table;
  }
}
