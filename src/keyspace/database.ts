/**
 * One database: keys, values and expiry times, with none of the rules around them (those are the engine's).
 *
 * A key's record lies in an {@linkcode Arena}; references to records are numbers, valid until the next change of the
 * same key. Two {@linkcode Index}es refer to it: one over all keys, one over those that expire. Its layout is `record.ts`.
 *
 * A string of up to {@linkcode LARGEST_INLINE_BYTES} lies in the record. Longer ones have a byte array of their own, so
 * they neither fragment the arena nor are copied when it is compacted, and grow in place. Large collections are objects
 * too, and a collection that has become large stays one.
 *
 * Runs of a collection in the store (store/store.ts) are freed when its key is removed or
 * overwritten. One of medium size has no object: packed into the record is the root of what it has
 * there, and {@linkcode OWNS_RUNS} says so.
 *
 * A small collection is packed into the record: beside its bytes the objects and strings it is made of would weigh as
 * much again, and each write would leave the garbage collector something that lives. A reader gets
 * an object made for the occasion. To be changed it is *opened*: from {@linkcode
 * Database.openCollection} to {@linkcode Database.settle}, which the engine calls when the command
 * ends, the object holds the truth and all callers get that same one.
 *
 * One file: records, open collections and their account change together with every write.
 */
import type { Random } from "../util/random.ts";
import { allocateBytes, copyBytes, latin1 } from "../util/bytes.ts";
import { narrowInteger } from "../util/numbers.ts";
import { ExpiryQueue } from "../data/expiry_queue.ts";
import type { DataLimits } from "../data/limits.ts";
import { type CollectionValue, packedHasTimes, unpackValue, ValueType } from "../data/value.ts";
import { Arena, type Chunk, unitsFor } from "./arena.ts";
import { BUCKET_COUNT, Index, TABLE_COUNT } from "./index.ts";
import { Key } from "./key.ts";
import {
  HAS_EXPIRY,
  headBytes,
  HEADER_BYTES,
  IS_OBJECT,
  IS_OPEN,
  isOpen,
  OWNS_RUNS,
  ownsRuns,
  recordUnits,
  STRING_MARKS,
  StringMark,
  TYPE_MASK,
} from "./record.ts";
import { Slice } from "./slice.ts";

/** Longest string value kept inside its key's record. */
export const LARGEST_INLINE_BYTES = 4096;
/** Largest collection packed into its key's record: a change copies it twice. */
export const LARGEST_PACKED_BYTES = 2048;
/** A time in Unix milliseconds: a bigint from 2^53 on, where numbers are not exact. The two compare with each other. */
export type Moment = number | bigint;

/** Index tables of more keys are freed bucket by bucket. */
const FREED_AT_ONCE = 100;
/** Result of {@linkcode Database.expiryOf} for a key that does not expire. */
export const NO_EXPIRY = -1;

/** Heap bytes of a small byte array besides its content, measured on V8. */
const BYTE_ARRAY_OVERHEAD = 265;

/** Milliseconds from `nowMs` until `moment`, not below 0. */
export function timeLeft(moment: Moment, nowMs: number): Moment {
  if (typeof moment === "number") return Math.max(0, moment - nowMs);
  return narrowInteger(moment - BigInt(nowMs));
}

/** Writes a time where a record has its two words for it; one before 1970 is as long past as 1970. */
function writeMoment(chunk: Chunk, at: number, moment: Moment): void {
  if (typeof moment === "number") {
    chunk.f64[at >>> 3] = Math.max(0, moment);
    return;
  }
  const high = Number(BigInt.asUintN(31, moment >> 32n));
  chunk.u32[at >>> 2] = Number(BigInt.asUintN(32, moment));
  // The second word is the one with the sign: typed arrays are little-endian wherever Deno runs.
  chunk.u32[(at >>> 2) + 1] = (high | 0x80000000) >>> 0;
}

/** The integer that {@linkcode writeMoment} has written where a double has its sign bit set. */
function wideMoment(chunk: Chunk, at: number): bigint {
  const high = chunk.u32[(at >>> 2) + 1]! & 0x7fffffff;
  return (BigInt(high) << 32n) | BigInt(chunk.u32[at >>> 2]!);
}

/** Length of a usual record, in words. */
const USUAL_WORDS = 9;

/** A long string value, with room to grow. */
class LongString {
  bytes: Uint8Array<ArrayBuffer>;
  length: number;

  constructor(length: number) {
    this.bytes = allocateBytes(length);
    this.length = length;
  }

  get memoryBytes(): number {
    return this.bytes.length + BYTE_ARRAY_OVERHEAD;
  }

  /** Makes the string `length` bytes long, new bytes being 0; doubles its room so that appending is O(1) a byte. */
  grow(length: number): void {
    if (length > this.bytes.length) {
      const larger = allocateBytes(Math.min(length * 2, Math.max(length, length + (1 << 20))));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    if (length > this.length) this.bytes.fill(0, this.length, length);
    this.length = length;
  }
}

/**
 * Told before a key's record or value changes, so that a snapshot can save records it has not
 * reached yet.
 */
export interface ChangeObserver {
  /** @param hash that of the key, or of the key to be made; whatever there is is still in its old state */
  beforeChange(database: Database, hash: number): void;
  /** All keys are being removed from `database`. @param removed holds them; it will not change any more */
  beforeClear(database: Database, removed: Database): void;
}

/** The attributes of a key beside its value. */
export interface Attributes {
  /** Unix milliseconds, or {@linkcode NO_EXPIRY}. */
  expiresAtMs: Moment;
  /** The value of the record's access clock. */
  clock: number;
}

/** See the head of this file. */
export class Database {
  #arena = new Arena();
  #keys = new Index();
  #volatile = new Index();
  #objects: (CollectionValue | LongString | undefined)[] = [];
  /** Packed collections being changed: hardly ever more than one. */
  #open: CollectionValue[] = [];
  readonly #limits: DataLimits;
  #freeHandles: number[] = [];
  #objectBytes = 0;
  #touched = new Uint32Array(0);
  /** A chunk being emptied and how far that has come. */
  #evacuated = -1;
  #evacuatedUnit = 0;
  readonly #isMatch = (ref: number, key: Key): boolean => this.#keyEquals(ref, key);
  /** Set while a snapshot of this database is being taken. */
  observer: ChangeObserver | null = null;

  /** Keys whose values have expiring parts, with the time the next of these expires at. */
  readonly partExpiry: ExpiryQueue;

  /** @param limits those of the values in it, whose store is the same */
  constructor(limits: DataLimits) {
    this.#limits = limits;
    this.partExpiry = new ExpiryQueue(limits.store);
  }

  /**
   * Touches the memory that the look-ups of `hashes[0, count)` will need, with nothing in between
   * that depends on it: the processor then waits for all of it together, not for one look-up after
   * the other. `count` is at most `hashes.length`.
   */
  touch(hashes: Int32Array, count: number): void {
    if (this.#touched.length < count) this.#touched = new Uint32Array(hashes.length);
    const refs = this.#touched;
    for (let i = 0; i < count; i++) refs[i] = this.#keys.firstSeen(hashes[i]!);
    for (let i = 0; i < count; i++) {
      const ref = refs[i]!;
      if (ref === 0) continue;
      const { u32 } = this.#arena.chunk(ref), word = this.#arena.offset(ref) >>> 2;
      // A record of the usual size lies in one or two of the cache's lines of 64 bytes.
      refs[i] = u32[word]! ^ u32[Math.min(word + USUAL_WORDS, u32.length - 1)]!;
    }
  }

  /** Keys. */
  get size(): number {
    return this.#keys.size;
  }

  /** Keys that expire. */
  get volatileSize(): number {
    return this.#volatile.size;
  }

  /** Bytes of keys, values, records and indexes. */
  get memoryBytes(): number {
    return this.#arena.liveBytes + this.overheadBytes + this.#objectBytes;
  }

  /** Bytes of the indexes, the part of {@linkcode memoryBytes} that is no one key's. */
  get overheadBytes(): number {
    return this.#keys.bytes + this.#volatile.bytes + this.#objects.length * 8 + this.partExpiry.runBytes;
  }

  /** Slots of the index over all keys, taken or free. */
  get slotCount(): number {
    return this.#keys.slotCount;
  }

  /** Slots of the index over keys that expire. */
  get volatileSlotCount(): number {
    return this.#volatile.slotCount;
  }

  /** Bytes of freed records that have not been reused yet. */
  get fragmentedBytes(): number {
    return this.#arena.occupiedBytes - this.#arena.liveBytes;
  }

  /** The record of `key`, expired or not, or 0. */
  find(key: Key): number {
    return this.#keys.find(key.hash, this.#isMatch, key);
  }

  typeOf(ref: number): ValueType {
    return this.#word(ref, 0) & TYPE_MASK;
  }

  /** The bits of {@linkcode StringMark} that a string bears. */
  stringMarks(ref: number): number {
    return this.#word(ref, 0) & STRING_MARKS;
  }

  /** Adds bits of {@linkcode StringMark} to a string, until it is set anew. */
  markString(ref: number, marks: number): void {
    this.#arena.chunk(ref).u32[this.#arena.offset(ref) >>> 2]! |= marks & STRING_MARKS;
  }

  /** Expiry time of the key, in Unix milliseconds, or {@linkcode NO_EXPIRY}. */
  expiryOf(ref: number): Moment {
    const chunk = this.#arena.chunk(ref), offset = this.#arena.offset(ref);
    if ((chunk.u32[offset >>> 2]! & HAS_EXPIRY) === 0) return NO_EXPIRY;
    const expiresAtMs = chunk.f64[(offset + HEADER_BYTES) >>> 3]!;
    return expiresAtMs >= 0 ? expiresAtMs : wideMoment(chunk, offset + HEADER_BYTES);
  }

  /** True if the key has an expiry time. */
  expires(ref: number): boolean {
    return (this.#word(ref, 0) & HAS_EXPIRY) !== 0;
  }

  /** The record's access clock, 24 bits. */
  clockOf(ref: number): number {
    return this.#word(ref, 0) >>> 8;
  }

  setClock(ref: number, clock: number): void {
    const chunk = this.#arena.chunk(ref), word = this.#arena.offset(ref) >>> 2;
    chunk.u32[word] = (chunk.u32[word]! & 0xff) | (clock << 8);
  }

  /** The key of a record, with its bytes copied. */
  keyOf(ref: number): Key {
    return Key.of(this.keyTextOf(ref));
  }

  /** The key of a record as a latin1 string. */
  keyTextOf(ref: number): string {
    const chunk = this.#arena.chunk(ref), start = this.#keyStart(ref, chunk);
    return latin1(chunk.u8, start, start + chunk.u32[(this.#arena.offset(ref) >>> 2) + 1]!);
  }

  /** Points `slice` at the bytes of the key of `ref`. */
  readKey(ref: number, slice: Slice): Slice {
    const chunk = this.#arena.chunk(ref), start = this.#keyStart(ref, chunk);
    return slice.point(chunk.u8, start, start + chunk.u32[(this.#arena.offset(ref) >>> 2) + 1]!);
  }

  /** The hash of the key of `ref`. */
  hashOf(ref: number): number {
    return this.#word(ref, 3) | 0;
  }

  /** Points `slice` at the bytes of the string value of `ref`. */
  readString(ref: number, slice: Slice): Slice {
    const chunk = this.#arena.chunk(ref), word = this.#arena.offset(ref) >>> 2;
    const length = chunk.u32[word + 2]!;
    if ((chunk.u32[word]! & IS_OBJECT) !== 0) {
      const value = this.#objects[length] as LongString;
      return slice.point(value.bytes, 0, value.length);
    }
    const start = this.#keyStart(ref, chunk) + chunk.u32[word + 1]!;
    return slice.point(chunk.u8, start, start + length);
  }

  /** The collection of `ref`, whose type must not be String, for reading: changes of it may be lost. */
  collectionOf(ref: number): CollectionValue {
    const flags = this.#word(ref, 0);
    if ((flags & IS_OBJECT) !== 0) return this.#objects[this.#word(ref, 2)] as CollectionValue;
    return isOpen(flags) ? this.#openAt(ref) : this.#unpack(ref);
  }

  /** The value of `ref` for reading: a string as `slice`, pointed at its bytes, or the collection. */
  valueOf(ref: number, slice: Slice): Slice | CollectionValue {
    return this.typeOf(ref) === ValueType.String ? this.readString(ref, slice) : this.collectionOf(ref);
  }

  /** The collection of a key, if it is a large one. */
  largeCollection(key: Key): CollectionValue | undefined {
    const ref = this.find(key);
    if (ref === 0 || this.typeOf(ref) === ValueType.String || (this.#word(ref, 0) & IS_OBJECT) === 0) {
      return undefined;
    }
    return this.#objects[this.#word(ref, 2)] as CollectionValue;
  }

  /**
   * As {@linkcode collectionOf}, for changing it: to be settled afterwards.
   *
   * @param view the result of collectionOf since the last change, to be that object
   */
  openCollection(ref: number, view?: CollectionValue): CollectionValue {
    const chunk = this.#arena.chunk(ref), word = this.#arena.offset(ref) >>> 2;
    if ((chunk.u32[word]! & (IS_OBJECT | IS_OPEN)) !== 0) return this.collectionOf(ref);
    const value = view ?? this.#unpack(ref);
    chunk.u32[word]! |= IS_OPEN;
    value.accountedBytes = value.runBytes;
    this.#opened(value, ref);
    return value;
  }

  #opened(value: CollectionValue, ref: number): void {
    value.record = ref;
    this.#open.push(value);
  }

  #openAt(ref: number): CollectionValue {
    return this.#open.find(({ record }) => record === ref)!;
  }

  #unpack(ref: number): CollectionValue {
    const chunk = this.#arena.chunk(ref), word = this.#arena.offset(ref) >>> 2;
    const start = this.#keyStart(ref, chunk) + chunk.u32[word + 1]!;
    const type = chunk.u32[word]! & TYPE_MASK;
    return unpackValue(type, this.#limits, chunk.u8, start, start + chunk.u32[word + 2]!);
  }

  /** Bytes this key takes: record, index slots and value. */
  memoryOf(ref: number): number {
    const slots = this.expires(ref) ? 2 : 1;
    return this.#unitsOf(ref) * 8 + slots * 12 + this.#objectBytesOf(ref);
  }

  /** To be called before a collection is changed in place; every other change says so itself. */
  willChange(hash: number): void {
    this.observer?.beforeChange(this, hash);
  }

  /** Takes over the new state of the collection at `key`, which was opened; nothing if it has been removed since. */
  settle(key: Key, value: CollectionValue): void {
    if (value.record === 0 && value.accountedBytes === 0) return;
    if (value.hasExpiringParts) this.trackParts(key, value);
    if (value.record !== 0) this.#close(value);
    else this.#account(value);
  }

  /** Removes `key` if `value` is its collection; false if it is not, any more. */
  dropCollection(key: Key, value: CollectionValue): boolean {
    const ref = this.find(key);
    if (ref === 0 || this.typeOf(ref) === ValueType.String || this.collectionOf(ref) !== value) return false;
    this.delete(ref);
    return true;
  }

  /** Packs an open collection into its record again, or hangs it on it if it has become large. */
  #close(value: CollectionValue): void {
    const bytes = value.packedBytes, isPacked = bytes >= 0 && bytes <= LARGEST_PACKED_BYTES;
    const ref = this.#resize(value.record, isPacked ? bytes : 0);
    this.#forget(value);
    const chunk = this.#arena.chunk(ref), word = this.#arena.offset(ref) >>> 2;
    if (isPacked) {
      const { runBytes } = value;
      chunk.u32[word] = (chunk.u32[word]! & ~(IS_OPEN | OWNS_RUNS)) | (runBytes > 0 ? OWNS_RUNS : 0);
      chunk.u32[word + 2] = bytes;
      this.#objectBytes += runBytes - value.accountedBytes;
      value.accountedBytes = 0;
      value.packInto(chunk.u8, this.#keyStart(ref, chunk) + chunk.u32[word + 1]!);
      return;
    }
    chunk.u32[word] = (chunk.u32[word]! & ~(IS_OPEN | OWNS_RUNS)) | IS_OBJECT;
    chunk.u32[word + 2] = this.#keep(value);
    this.#account(value);
  }

  #forget(value: CollectionValue): void {
    value.record = 0;
    if (this.#open.length === 1) this.#open.length = 0;
    else this.#open.splice(this.#open.indexOf(value), 1);
  }

  #account(value: CollectionValue): void {
    const bytes = value.memoryBytes;
    this.#objectBytes += bytes - value.accountedBytes;
    value.accountedBytes = bytes;
  }

  /**
   * Makes the bytes [start, end) of `buf` the string value of `key`.
   * @param ref the key's present record, or 0
   */
  setString(
    key: Key,
    ref: number,
    buf: Uint8Array,
    start: number,
    end: number,
    options: Attributes,
  ): number {
    this.willChange(key.hash);
    const length = end - start;
    if (length > LARGEST_INLINE_BYTES) {
      const value = new LongString(length);
      value.bytes.set(buf.subarray(start, end));
      return this.#putObject(key, ref, ValueType.String, value, options);
    }
    const expires = options.expiresAtMs !== NO_EXPIRY;
    const units = recordUnits(expires, key.length + length);
    const flags = ValueType.String | (expires ? HAS_EXPIRY : 0);
    const record = this.#claim(key, ref, units, flags, length, options);
    const chunk = this.#arena.chunk(record);
    copyBytes(chunk.u8, this.#keyStart(record, chunk) + key.length, buf, start, end);
    return record;
  }

  /** Makes `value`, which is not to be changed any more, the value of `key`; see {@linkcode setString}. */
  setCollection(key: Key, ref: number, value: CollectionValue, options: Attributes): number {
    this.willChange(key.hash);
    const bytes = value.packedBytes;
    if (bytes < 0 || bytes > LARGEST_PACKED_BYTES) {
      return this.#putObject(key, ref, value.type, value, options);
    }
    const expires = options.expiresAtMs !== NO_EXPIRY, { runBytes } = value;
    const units = recordUnits(expires, key.length + bytes);
    const flags = value.type | (expires ? HAS_EXPIRY : 0) | (runBytes > 0 ? OWNS_RUNS : 0);
    const record = this.#claim(key, ref, units, flags, bytes, options);
    const chunk = this.#arena.chunk(record);
    this.#objectBytes += runBytes;
    this.trackParts(key, value);
    value.packInto(chunk.u8, this.#keyStart(record, chunk) + key.length);
    return record;
  }

  /** Makes `value`, which is about to be filled and then settled, the value of `key`, which is not there. */
  addCollection(key: Key, value: CollectionValue, clock: number): number {
    this.willChange(key.hash);
    const options = { expiresAtMs: NO_EXPIRY, clock };
    const record = this.#claim(key, 0, recordUnits(false, key.length), value.type | IS_OPEN, 0, options);
    this.#opened(value, record);
    return record;
  }

  /** Makes the first `length` of `bytes`, a packed collection, the value of `key`, which is not there. */
  addPacked(key: Key, type: ValueType, bytes: Uint8Array, length: number, clock: number): void {
    this.willChange(key.hash);
    const options = { expiresAtMs: NO_EXPIRY, clock }, units = recordUnits(false, key.length + length);
    const record = this.#claim(key, 0, units, type, length, options);
    const chunk = this.#arena.chunk(record);
    copyBytes(chunk.u8, this.#keyStart(record, chunk) + key.length, bytes, 0, length);
  }

  /**
   * Makes the string value of `ref` `length` bytes long, bytes that were not there being 0, points `slice` at it for
   * writing in place, and marks it as changed in place. Returns the key's new record.
   */
  editString(key: Key, ref: number, length: number, slice: Slice): number {
    this.willChange(key.hash);
    const word = this.#word(ref, 0);
    if ((word & IS_OBJECT) !== 0) this.#growLong(ref, length);
    else if (length !== this.#word(ref, 2)) ref = this.#regrow(key, ref, length, slice);
    this.markString(ref, StringMark.Raw);
    this.readString(ref, slice);
    return ref;
  }

  /** Sets or (with {@linkcode NO_EXPIRY}) removes the time a key expires at; returns the key's new record. */
  setExpiry(key: Key, ref: number, expiresAtMs: Moment): number {
    this.willChange(key.hash);
    const chunk = this.#arena.chunk(ref), offset = this.#arena.offset(ref);
    const had = (chunk.u32[offset >>> 2]! & HAS_EXPIRY) !== 0;
    if (had && expiresAtMs !== NO_EXPIRY) {
      writeMoment(chunk, offset + HEADER_BYTES, expiresAtMs);
      return ref;
    }
    if (!had && expiresAtMs === NO_EXPIRY) return ref;
    return this.#rebuild(key, ref, expiresAtMs);
  }

  /** Brings {@linkcode partExpiry} up to date after parts of `value`, the collection at `key`, have got other times. */
  trackParts(key: Key, value: CollectionValue): void {
    if (!value.hasExpiringParts) return;
    if (value.nextExpiryMs < Infinity) this.partExpiry.set(key.text, value.nextExpiryMs);
    else this.partExpiry.delete(key.text);
  }

  /** Removes a key. */
  delete(ref: number): void {
    this.#delete(ref, true);
  }

  #delete(ref: number, frees: boolean): void {
    const hash = this.#word(ref, 3) | 0;
    this.willChange(hash);
    this.#keys.remove(hash, ref);
    if (this.expires(ref)) this.#volatile.remove(hash, ref);
    this.#dropObject(ref, frees);
    this.#arena.release(ref, this.#unitsOf(ref));
  }

  /** Removes a key and returns its collection, still whole, for RENAME and MOVE. */
  detachCollection(ref: number): CollectionValue {
    const value = this.collectionOf(ref);
    this.#delete(ref, false);
    return value;
  }

  /**
   * Removes every key. The memory goes back at once; that of collections in the store, in slices;
   * with a snapshot under way, when that ends.
   */
  clear(): void {
    for (const value of this.#open) {
      value.free();
      value.record = value.accountedBytes = 0;
    }
    if (this.observer !== null && this.size > 0) this.observer.beforeClear(this, this.#handOver());
    else if (this.#objectBytes > 0) this.#handOver().#freeLater();
    this.#evacuated = -1;
    this.#arena.clear();
    this.#keys.clear();
    this.#volatile.clear();
    this.#objects = [];
    this.#freeHandles = [];
    this.#objectBytes = 0;
    this.#open = [];
    this.partExpiry.clear();
  }

  /** Frees the runs of the collections in the store, except of open ones, some keys at a time. */
  #freeLater(): void {
    let table = 0, bucket = 0;
    this.#limits.store.freeLater((budget) => {
      for (let left = budget; left > 0 && table < TABLE_COUNT;) {
        const isLarge = this.countIn(table) > FREED_AT_ONCE;
        if (isLarge) this.forEachInBucket(table, bucket, (ref) => left -= this.#freeRuns(ref));
        else this.forEachIn(table, (ref) => left -= this.#freeRuns(ref));
        left--;
        bucket = isLarge ? (bucket + 1) % BUCKET_COUNT : 0;
        if (bucket === 0) table++;
      }
      return table === TABLE_COUNT;
    });
  }

  /** Frees the runs of a collection in the store; returns their approximate number. */
  #freeRuns(ref: number): number {
    const flags = this.#word(ref, 0);
    if ((flags & TYPE_MASK) === ValueType.String || isOpen(flags)) return 1;
    if ((flags & (IS_OBJECT | OWNS_RUNS)) === 0) return 1;
    const value = this.collectionOf(ref), { size } = value;
    value.free();
    return size;
  }

  /** A database with all that is in this one, which has fresh memory then. O(1). */
  #handOver(): Database {
    const heir = new Database(this.#limits);
    heir.#arena = this.#arena;
    heir.#keys = this.#keys;
    heir.#volatile = this.#volatile;
    heir.#objects = this.#objects;
    heir.#objectBytes = this.#objectBytes;
    this.#arena = new Arena();
    this.#keys = new Index();
    this.#volatile = new Index();
    return heir;
  }

  /** See {@linkcode Index.scan}. */
  scan(cursor: number, count: number, visit: (ref: number) => void): number {
    return this.#keys.scan(cursor, count, visit);
  }

  /** See {@linkcode Index.scan}; only keys that expire. */
  scanVolatile(cursor: number, count: number, visit: (ref: number) => void): number {
    return this.#volatile.scan(cursor, count, visit);
  }

  /** Visits every key; `visit` must not change the database. */
  forEach(visit: (ref: number) => void): void {
    for (let table = 0; table < TABLE_COUNT; table++) this.#keys.forEachIn(table, visit);
  }

  /** Visits the keys of one index table. */
  forEachIn(table: number, visit: (ref: number) => void): void {
    this.#keys.forEachIn(table, visit);
  }

  /** See {@linkcode Index.forEachInBucket}. */
  forEachInBucket(table: number, bucket: number, visit: (ref: number) => void): void {
    this.#keys.forEachInBucket(table, bucket, visit);
  }

  /** Keys in one index table. */
  countIn(table: number): number {
    return this.#keys.countIn(table);
  }

  /** A record chosen uniformly, or 0. */
  sample(random: Random): number {
    return this.#keys.sample(random);
  }

  /** A record of a key that expires, chosen uniformly, or 0. */
  sampleVolatile(random: Random): number {
    return this.#volatile.sample(random);
  }

  /**
   * Moves records out of mostly-free memory so that it can be given back, at most about `budget` records a call.
   * Returns whether there is more to do. Only the indexes refer to records, so a move is two index writes.
   */
  compact(budget: number): boolean {
    if (this.#evacuated < 0) {
      this.#evacuated = this.#arena.sparsestChunk();
      if (this.#evacuated < 0) return false;
      this.#evacuatedUnit = this.#arena.firstUnit(this.#evacuated);
      this.#arena.beginEvacuation(this.#evacuated);
    }
    const unitsOf = (ref: number) => this.#unitsOf(ref);
    const end = this.#arena.endUnit(this.#evacuated);
    for (; budget > 0 && this.#evacuatedUnit < end; budget--) {
      const ref = this.#arena.visit(this.#evacuated, this.#evacuatedUnit, unitsOf);
      this.#evacuatedUnit = this.#arena.nextUnit;
      if (ref === 0) continue;
      // A long record counts for several.
      budget -= this.#unitsOf(ref) >>> 7;
      this.#move(ref);
    }
    if (this.#evacuatedUnit < end) return true;
    this.#arena.dropChunk(this.#evacuated);
    this.#evacuated = -1;
    return true;
  }

  #move(ref: number): void {
    const units = this.#unitsOf(ref), bytes = units * 8;
    const target = this.#arena.allocate(units);
    const from = this.#arena.offset(ref), hash = this.#word(ref, 3) | 0;
    const source = this.#arena.chunk(ref).u8.subarray(from, from + bytes);
    this.#arena.chunk(target).u8.set(source, this.#arena.offset(target));
    this.#keys.replace(hash, ref, target);
    if (this.expires(target)) this.#volatile.replace(hash, ref, target);
    this.#arena.release(ref, units);
  }

  /**
   * Moves the runs of the collection of `ref` out of chunks of the store that are being emptied, one step from `cursor` on;
   * returns the next cursor, 0 at the end. No collection may be open.
   */
  compactRuns(ref: number, cursor: number, budget: number): number {
    const flags = this.#word(ref, 0);
    if ((flags & TYPE_MASK) === ValueType.String || (flags & (IS_OBJECT | OWNS_RUNS)) === 0) return 0;
    const value = this.collectionOf(ref);
    if ((flags & IS_OBJECT) !== 0) return value.compact(cursor, budget);
    for (let at = 0; (at = value.compact(at, budget)) !== 0;);
    const chunk = this.#arena.chunk(ref);
    value.packInto(chunk.u8, this.#keyStart(ref, chunk) + this.#word(ref, 1));
    return 0;
  }

  /** Calls `visit` for every run that a collection has in the store, for the proof that each has one owner. O(everything). */
  forEachRun(visit: (run: number) => void): void {
    this.partExpiry.forEachRun(visit);
    this.forEach((ref) => {
      if (this.typeOf(ref) !== ValueType.String) this.collectionOf(ref).forEachRun(visit);
    });
  }

  #word(ref: number, word: number): number {
    return this.#arena.chunk(ref).u32[(this.#arena.offset(ref) >>> 2) + word]!;
  }

  #keyStart(ref: number, chunk: Chunk): number {
    const offset = this.#arena.offset(ref);
    return offset + headBytes((chunk.u32[offset >>> 2]! & HAS_EXPIRY) !== 0);
  }

  #keyEquals(ref: number, key: Key): boolean {
    const chunk = this.#arena.chunk(ref), length = key.end - key.start;
    if (chunk.u32[(this.#arena.offset(ref) >>> 2) + 1] !== length) return false;
    const u8 = chunk.u8, buf = key.buf;
    let at = this.#keyStart(ref, chunk);
    for (let i = key.start; i < key.end; i++) {
      if (u8[at++] !== buf[i]) return false;
    }
    return true;
  }

  #unitsOf(ref: number): number {
    const u32 = this.#arena.chunk(ref).u32, word = this.#arena.offset(ref) >>> 2;
    const flags = u32[word]!;
    const valueBytes = (flags & IS_OBJECT) !== 0 ? 0 : u32[word + 2]!;
    return recordUnits((flags & HAS_EXPIRY) !== 0, u32[word + 1]! + valueBytes);
  }

  #objectBytesOf(ref: number): number {
    const flags = this.#word(ref, 0);
    if (ownsRuns(flags)) return this.collectionOf(ref).runBytes;
    if ((flags & IS_OBJECT) === 0) return 0;
    return this.#objects[this.#word(ref, 2)]?.memoryBytes ?? 0;
  }

  /**
   * A record for `key` with header, expiry time and key written and the value's bytes left to the caller: the present
   * one where it has the right size, else a new one in its place.
   */
  #claim(
    key: Key,
    ref: number,
    units: number,
    flags: number,
    valueWord: number,
    options: Attributes,
  ): number {
    const expires = (flags & HAS_EXPIRY) !== 0;
    if (ref !== 0 && this.expires(ref) === expires && this.#unitsOf(ref) === units) {
      this.#dropObject(ref);
      this.#writeHeader(ref, flags, key, valueWord, options);
      return ref;
    }
    // First of all, since it may fail.
    const record = this.#arena.allocate(units);
    if (ref !== 0) this.#dropObject(ref);
    this.#writeHeader(record, flags, key, valueWord, options);
    const chunk = this.#arena.chunk(record);
    copyBytes(chunk.u8, this.#keyStart(record, chunk), key.buf, key.start, key.end);
    if (ref === 0) this.#link(key.hash, record, expires);
    else this.#relink(key.hash, ref, record, expires, this.#unitsOf(ref));
    return record;
  }

  #writeHeader(ref: number, flags: number, key: Key, valueWord: number, options: Attributes): void {
    const chunk = this.#arena.chunk(ref), offset = this.#arena.offset(ref), word = offset >>> 2;
    chunk.u32[word] = flags | (options.clock << 8);
    chunk.u32[word + 1] = key.end - key.start;
    chunk.u32[word + 2] = valueWord;
    chunk.u32[word + 3] = key.hash;
    if ((flags & HAS_EXPIRY) !== 0) writeMoment(chunk, offset + HEADER_BYTES, options.expiresAtMs);
  }

  #link(hash: number, ref: number, expires: boolean): void {
    this.#keys.insert(hash, ref);
    if (expires) this.#volatile.insert(hash, ref);
  }

  /** Makes the indexes refer to `to` instead of `from`, and gives `from` back. */
  #relink(hash: number, from: number, to: number, expires: boolean, fromUnits: number): void {
    const expired = this.expires(from);
    this.#keys.replace(hash, from, to);
    if (expired && expires) this.#volatile.replace(hash, from, to);
    else if (expired) this.#volatile.remove(hash, from);
    else if (expires) this.#volatile.insert(hash, to);
    this.#arena.release(from, fromUnits);
  }

  #putObject(
    key: Key,
    ref: number,
    type: ValueType,
    value: CollectionValue | LongString,
    options: Attributes,
  ): number {
    const expires = options.expiresAtMs !== NO_EXPIRY;
    const units = recordUnits(expires, key.length);
    const handle = this.#keep(value);
    const record = this.#claim(
      key,
      ref,
      units,
      type | IS_OBJECT | (expires ? HAS_EXPIRY : 0),
      handle,
      options,
    );
    if (value instanceof LongString) {
      this.#objectBytes += value.memoryBytes;
    } else {
      value.accountedBytes = 0;
      this.#account(value);
      this.trackParts(key, value);
    }
    return record;
  }

  /** A handle for an object. */
  #keep(value: CollectionValue | LongString): number {
    const handle = this.#freeHandles.pop() ?? this.#objects.length;
    this.#objects[handle] = value;
    return handle;
  }

  /** Forgets the object of `ref`, if it has one; the record is freed or overwritten next. */
  #dropObject(ref: number, frees = true): void {
    const flags = this.#word(ref, 0);
    if ((flags & IS_OBJECT) === 0) {
      if (isOpen(flags)) return this.#dropOpen(ref, frees);
      if ((flags & TYPE_MASK) !== ValueType.String) this.#dropTimes(ref);
      if (ownsRuns(flags)) this.#dropRuns(ref, frees);
      return;
    }
    const handle = this.#word(ref, 2);
    const value = this.#objects[handle]!;
    if (value instanceof LongString) {
      this.#objectBytes -= value.memoryBytes;
    } else {
      this.#objectBytes -= value.accountedBytes;
      value.accountedBytes = 0;
      if (value.hasExpiringParts) this.partExpiry.delete(this.keyTextOf(ref));
      if (frees) value.free();
    }
    this.#objects[handle] = undefined;
    this.#freeHandles.push(handle);
    if (this.#freeHandles.length < this.#objects.length) return;
    this.#objects = [];
    this.#freeHandles = [];
  }

  #dropOpen(ref: number, frees: boolean): void {
    const value = this.#openAt(ref);
    if (value.hasExpiringParts) this.partExpiry.delete(this.keyTextOf(ref));
    this.#forget(value);
    this.#objectBytes -= value.accountedBytes;
    value.accountedBytes = 0;
    if (frees) value.free();
  }

  /** Forgets when parts of a packed collection expire. */
  #dropTimes(ref: number): void {
    const chunk = this.#arena.chunk(ref), at = this.#keyStart(ref, chunk) + this.#word(ref, 1);
    if (!packedHasTimes(this.typeOf(ref), chunk.u8, at)) return;
    this.partExpiry.delete(this.keyTextOf(ref));
  }

  #dropRuns(ref: number, frees: boolean): void {
    const value = this.#unpack(ref);
    this.#objectBytes -= value.runBytes;
    if (frees) value.free();
  }

  #growLong(ref: number, length: number): void {
    const value = this.#objects[this.#word(ref, 2)] as LongString;
    const before = value.memoryBytes;
    value.grow(length);
    this.#objectBytes += value.memoryBytes - before;
  }

  /** Replaces an inline string by one of another length with the same beginning. */
  #regrow(key: Key, ref: number, length: number, slice: Slice): number {
    const options = { expiresAtMs: this.expiryOf(ref), clock: this.clockOf(ref) };
    const old = this.readString(ref, slice).view().slice();
    const grown = length > LARGEST_INLINE_BYTES ? new LongString(length) : undefined;
    const bytes = grown === undefined ? allocateBytes(length) : grown.bytes;
    const kept = Math.min(old.length, length);
    bytes.set(old.subarray(0, kept));
    bytes.fill(0, kept);
    if (grown !== undefined) return this.#putObject(key, ref, ValueType.String, grown, options);
    return this.setString(key, ref, bytes, 0, length, options);
  }

  /** Gives a record room for `valueBytes` bytes of value, key and header kept, and returns where it is then. */
  #resize(ref: number, valueBytes: number): number {
    const source = this.#arena.chunk(ref), start = this.#arena.offset(ref), present = this.#unitsOf(ref);
    const headEnd = this.#keyStart(ref, source) + this.#word(ref, 1);
    const units = unitsFor(headEnd - start + valueBytes);
    if (units === present) return ref;
    const to = this.#arena.allocate(units);
    copyBytes(this.#arena.chunk(to).u8, this.#arena.offset(to), source.u8, start, headEnd);
    this.#relink(this.#word(ref, 3) | 0, ref, to, this.expires(ref), present);
    return to;
  }

  /** Writes a record anew with or without an expiry time, value and flags unchanged. */
  #rebuild(key: Key, ref: number, expiresAtMs: Moment): number {
    const expires = expiresAtMs !== NO_EXPIRY;
    const fromUnits = this.#unitsOf(ref);
    const flags = (this.#word(ref, 0) & 0xff & ~HAS_EXPIRY) | (expires ? HAS_EXPIRY : 0);
    const valueWord = this.#word(ref, 2);
    const from = this.#keyStart(ref, this.#arena.chunk(ref)) - this.#arena.offset(ref);
    const contentBytes = key.length + ((flags & IS_OBJECT) !== 0 ? 0 : valueWord);
    const to = this.#arena.allocate(recordUnits(expires, contentBytes));
    this.#writeHeader(to, flags, key, valueWord, { expiresAtMs, clock: this.clockOf(ref) });
    const source = this.#arena.chunk(ref), target = this.#arena.chunk(to);
    const start = this.#arena.offset(ref) + from;
    copyBytes(target.u8, this.#keyStart(to, target), source.u8, start, start + contentBytes);
    if (isOpen(flags)) this.#openAt(ref).record = to;
    this.#relink(key.hash, ref, to, expires, fromUnits);
    return to;
  }
}
