/**
 * Fields with values, some with expiry times: the form of a large hash. It is a table of bytes in
 * the store (store/table.ts) whose entries hold a field and, in their tail,
 *
 *     | 254, place in the heap: four bytes |  value length: one byte, or 253 and four | value |
 *
 * The first part is present only if the field expires. The heap (time_heap.ts) holds the times; an
 * entry holds its place in the heap. A value overwritten by one of the same size class stays in
 * place.
 */
import type { Store } from "../store/store.ts";
import { type EntryVisitor, ROOT_BYTES, Table } from "../store/table.ts";
import { readWord, writeWord } from "../store/words.ts";
import { allocateBytes, copyBytes, latin1, writeLatin1 } from "../util/bytes.ts";
import type { Random } from "../util/random.ts";
import { TimeHeap } from "./time_heap.ts";

/** Value lengths from this on take five bytes. */
const LONG = 253;
/** Marker in place of the value's length: the field's place in the heap comes first. */
const TIMED = 254;
const TIME_BYTES = 5;
/** Bytes that {@linkcode FieldTable.writeRoot} writes. */
export const FIELD_ROOT_BYTES = ROOT_BYTES + 12;

/**
 * Tables with fewer fields fit the processor's caches well enough that touching ahead gains
 * nothing.
 */
const CACHED_FIELDS = 20_000;
/** Approximate bytes of the objects, apart from those in the store. */
const OBJECT_BYTES = 300;

let scratch = allocateBytes(256);

/** A shared buffer of at least `length` bytes, valid until the next call. */
function scratchFor(length: number): Uint8Array {
  if (length > scratch.length) scratch = allocateBytes(length * 2);
  return scratch;
}

function lengthBytes(length: number): number {
  return length < LONG ? 1 : 5;
}

/** Writes a value's length and the value; returns the position behind them. */
function writeValue(bytes: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < LONG) bytes[at++] = length;
  else {
    bytes[at] = LONG;
    writeWord(bytes, at + 1, length);
    at += 5;
  }
  return copyBytes(bytes, at, from, start, end);
}

/**
 * See the head of this file. Fields are referred to by their entries; operations not marked take
 * O(1), times O(log n).
 */
export class FieldTable {
  readonly #store: Store;
  #table: Table;
  #times: TimeHeap;

  constructor(store: Store) {
    this.#store = store;
    this.#table = new Table(store);
    this.#times = new TimeHeap(store, (ref, place) => this.#setPlace(ref, place));
  }

  /** Number of fields. */
  get size(): number {
    return this.#table.size;
  }

  /** Bytes of the store. */
  get runBytes(): number {
    return this.#table.bytes + this.#times.bytes;
  }

  /** Bytes of the store and of the objects. */
  get memoryBytes(): number {
    return OBJECT_BYTES + this.runBytes;
  }

  /** Number of fields that expire. */
  get timedSize(): number {
    return this.#times.size;
  }

  /** When the next field expires, in milliseconds since the epoch; Infinity if none does. */
  get nextMs(): number {
    return this.#times.nextMs;
  }

  /** See {@linkcode CollectionValue.touch}. */
  touch(buf: Uint8Array, names: Int32Array, count: number): void {
    if (this.size >= CACHED_FIELDS) this.#table.touch(buf, names, count);
  }

  // ---- Fields and values ------------------------------------------------------------------------

  /** The entry of `field`, or 0. */
  find(field: string): number {
    const bytes = scratchFor(field.length), end = writeLatin1(bytes, 0, field);
    return this.findBytes(bytes, 0, end);
  }

  /** The entry of the field `buf[start, end)`, or 0. */
  findBytes(buf: Uint8Array, start: number, end: number): number {
    return this.#table.find(buf, start, end, this.#table.hash(buf, start, end));
  }

  /** Sets a field; true if it is new. Its expiry is removed unless `keepsTime`. */
  set(field: string, value: string, keepsTime = false): boolean {
    const bytes = scratchFor(field.length + value.length);
    const fieldEnd = writeLatin1(bytes, 0, field), valueEnd = writeLatin1(bytes, fieldEnd, value);
    return this.setBytes(bytes, 0, fieldEnd, fieldEnd, valueEnd, keepsTime);
  }

  /** Like {@linkcode FieldTable.set}, with the field and the value as parts of `from`. */
  setBytes(
    from: Uint8Array,
    start: number,
    end: number,
    valueStart: number,
    valueEnd: number,
    keepsTime = false,
  ): boolean {
    const table = this.#table, hash = table.hash(from, start, end), ref = table.find(from, start, end, hash);
    const length = valueEnd - valueStart;
    if (ref === 0) {
      const added = table.insert(from, start, end, hash, lengthBytes(length) + length);
      writeValue(this.#store.u8(added), this.#tailAt(added), from, valueStart, valueEnd);
      return true;
    }
    const place = this.#placeOf(ref), isTimed = place >= 0;
    this.#write(ref, hash, keepsTime ? place : -1, from, valueStart, valueEnd);
    if (isTimed && !keepsTime) this.#times.remove(place);
    return false;
  }

  /** Removes a field; true if it was there. */
  delete(field: string): boolean {
    const bytes = scratchFor(field.length), end = writeLatin1(bytes, 0, field);
    return this.deleteBytes(bytes, 0, end);
  }

  /** Removes the field `buf[start, end)`; true if it was there. */
  deleteBytes(buf: Uint8Array, start: number, end: number): boolean {
    const hash = this.#table.hash(buf, start, end), ref = this.#table.find(buf, start, end, hash);
    if (ref !== 0) this.#remove(hash, ref);
    return ref !== 0;
  }

  /** The field of an entry. */
  fieldOf(ref: number): string {
    return this.#table.keyText(ref);
  }

  /** The value of an entry. */
  valueOf(ref: number): string {
    const start = this.valueAt(ref);
    return latin1(this.#store.u8(ref), start, start + this.valueLength(ref));
  }

  /** The bytes that contain an entry. */
  bytesOf(ref: number): Uint8Array {
    return this.#store.u8(ref);
  }

  /** Start of the field in {@linkcode bytesOf}. */
  fieldAt(ref: number): number {
    return this.#table.keyAt(ref);
  }

  /** Length of the field, bytes. */
  fieldLength(ref: number): number {
    return this.#table.keyLength(ref);
  }

  /** Start of the value in {@linkcode bytesOf}. */
  valueAt(ref: number): number {
    const at = this.#lengthAt(ref);
    return this.#store.u8(ref)[at]! < LONG ? at + 1 : at + 5;
  }

  /** Length of the value, bytes. */
  valueLength(ref: number): number {
    const u8 = this.#store.u8(ref), at = this.#lengthAt(ref), length = u8[at]!;
    return length < LONG ? length : readWord(u8, at + 1);
  }

  // ---- Times ------------------------------------------------------------------------------------

  /**
   * When the field of an entry expires, in milliseconds since the epoch; Infinity if it does not.
   */
  timeOf(ref: number): number {
    const place = this.#placeOf(ref);
    return place < 0 ? Infinity : this.#times.timeAt(place);
  }

  /** Sets the time at which the field of an entry expires. */
  setTime(ref: number, atMs: number): void {
    const place = this.#placeOf(ref);
    if (place >= 0) return this.#times.change(place, atMs);
    const start = this.valueAt(ref), from = this.#store.u8(ref).slice(start, start + this.valueLength(ref));
    const timed = this.#write(ref, this.#table.hashOf(ref), 0, from, 0, from.length);
    this.#times.add(timed, atMs);
  }

  /** Removes the expiry of an entry's field; true if it had one. */
  clearTime(ref: number): boolean {
    const place = this.#placeOf(ref);
    if (place < 0) return false;
    this.#times.remove(place);
    const u8 = this.#store.u8(ref), tail = this.#tailAt(ref), end = this.valueAt(ref) + this.valueLength(ref);
    u8.copyWithin(tail, tail + TIME_BYTES, end);
    return true;
  }

  /**
   * Removes the fields due by `nowMs`, at most `limit` of them, earliest first; returns their
   * names.
   */
  takeDue(nowMs: number, limit: number): string[] {
    const due: string[] = [];
    while (due.length < limit && this.#times.nextMs <= nowMs) {
      const ref = this.#times.entryAt(0);
      due.push(this.fieldOf(ref));
      this.#remove(this.#table.hashOf(ref), ref);
    }
    return due;
  }

  // ---- Walks and the whole ----------------------------------------------------------------------

  /** See {@linkcode Table.forEach}. O(n). */
  forEach(visit: EntryVisitor): void {
    this.#table.forEach(visit);
  }

  /** See {@linkcode Table.scan}. */
  scan(cursor: number, count: number, visit: EntryVisitor): number {
    return this.#table.scan(cursor, count, visit);
  }

  /** The entry of a field chosen uniformly. */
  sample(random: Random): number {
    return this.#table.sample(random);
  }

  /** See {@linkcode Table.sampleDistinct}. */
  sampleDistinct(count: number, random: Random): number[] {
    return this.#table.sampleDistinct(count, random);
  }

  /** An equal table in new runs. O(n), but no field is hashed. */
  copy(): FieldTable {
    const twin = new FieldTable(this.#store);
    twin.#table = this.#table.copy();
    if (this.#times.size === 0) return twin;
    twin.#times = this.#times.copy((ref, place) => twin.#setPlace(ref, place));
    twin.#table.forEach((ref) => {
      const place = twin.#placeOf(ref);
      if (place >= 0) twin.#times.setEntry(place, ref);
    });
    return twin;
  }

  /** Frees all runs. O(n). */
  free(): void {
    this.#table.free();
    this.#times.free();
  }

  /** See {@linkcode Table.compact}. */
  compact(cursor: number, budget: number): number {
    if (cursor === 0) this.#times.compact();
    return this.#table.compact(cursor, budget, (_from, to) => {
      const place = this.#placeOf(to);
      if (place >= 0) this.#times.setEntry(place, to);
    });
  }

  /** Calls `visit` for every run. O(n). */
  forEachRun(visit: (ref: number) => void): void {
    this.#table.forEachRun(visit);
    this.#times.forEachRun(visit);
  }

  /**
   * Writes the table's root, {@linkcode FIELD_ROOT_BYTES} bytes, from which another object can take
   * over the table.
   */
  writeRoot(bytes: Uint8Array, at: number): void {
    this.#table.writeRoot(bytes, at);
    for (const [i, word] of this.#times.root().entries()) writeWord(bytes, at + ROOT_BYTES + 4 * i, word);
  }

  /** Takes over the table written by {@linkcode writeRoot}. */
  readRoot(bytes: Uint8Array, at: number): this {
    this.#table.readRoot(bytes, at);
    const word = (i: number) => readWord(bytes, at + ROOT_BYTES + 4 * i);
    if (word(0) !== 0) this.#times.takeRoot(word(0), word(1), word(2));
    return this;
  }

  // ---- Entries ----------------------------------------------------------------------------------

  /** Start of an entry's tail. */
  #tailAt(ref: number): number {
    return this.#table.keyAt(ref) + this.#table.keyLength(ref);
  }

  /** Position of the length of an entry's value. */
  #lengthAt(ref: number): number {
    const tail = this.#tailAt(ref);
    return this.#store.u8(ref)[tail] === TIMED ? tail + TIME_BYTES : tail;
  }

  /** The entry's place in the heap, or -1. */
  #placeOf(ref: number): number {
    const u8 = this.#store.u8(ref), tail = this.#tailAt(ref);
    return u8[tail] === TIMED ? readWord(u8, tail + 1) : -1;
  }

  #setPlace(ref: number, place: number): void {
    writeWord(this.#store.u8(ref), this.#tailAt(ref) + 1, place);
  }

  /**
   * Gives an entry another tail, in a run of another size if necessary; returns the entry's
   * reference afterwards.
   *
   * @param place -1 for no time
   */
  #write(ref: number, hash: number, place: number, from: Uint8Array, start: number, end: number): number {
    const store = this.#store, table = this.#table, length = end - start;
    const tailBytes = (place < 0 ? 0 : TIME_BYTES) + lengthBytes(length) + length;
    const keyAt = table.keyAt(ref), keyEnd = keyAt + table.keyLength(ref);
    let to = ref;
    if (store.roundUp(keyEnd - store.at(ref) + tailBytes) !== store.sizeOf(ref)) {
      to = table.newEntry(store.u8(ref), keyAt, keyEnd, tailBytes);
      table.replace(hash, ref, to);
      if (place >= 0 && place < this.#times.size && this.#times.entryAt(place) === ref) {
        this.#times.setEntry(place, to);
      }
    }
    const u8 = store.u8(to);
    let at = this.#tailAt(to);
    if (place >= 0) {
      u8[at] = TIMED;
      writeWord(u8, at + 1, place);
      at += TIME_BYTES;
    }
    writeValue(u8, at, from, start, end);
    return to;
  }

  #remove(hash: number, ref: number): void {
    const place = this.#placeOf(ref);
    this.#table.remove(hash, ref);
    if (place >= 0) this.#times.remove(place);
  }
}
