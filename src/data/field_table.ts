/**
 * Fields with values, numbered 0 … size - 1: the form of a large hash.
 *
 * Nothing of it is a JavaScript string. A value that is overwritten as often as a hash's would otherwise be a young
 * object held by an old one each time, which is what a garbage collector does worst: every collection had to look
 * for such values and to move them. Field and value lie together in a *record*, a run of 8-byte units of a byte array
 * (*chunk*), where finding the one has fetched the other:
 *
 *     | number | field length | value length | field | value |   a number: four bytes; a length: one, or 254 and four
 *
 * A record's reference is `chunk << 17 | unit`. The first chunk starts small and grows by doubling, then come chunks of
 * 1 MiB; a record longer than a quarter of that has a chunk of its own. The runs of removed records hang in lists by
 * size, linked through their own first bytes, and are used again for records of the same size.
 *
 * The way from a field to its record is a {@linkcode SlotIndex} that holds references for slots: to find a field takes
 * two accesses to memory. The numbers stay dense because the last field takes the place of a removed one. A walk
 * *downwards* over them therefore meets every field that is there from its begin to its end.
 */
import { allocateBytes, copyBytes, latin1, writeLatin1 } from "../util/bytes.ts";
import { hashBytes } from "../util/hash.ts";
import { SlotIndex } from "./slot_index.ts";
import { processSeed } from "./string_table.ts";

const UNIT_SHIFT = 17;
const UNIT_MASK = (1 << UNIT_SHIFT) - 1;
const CHUNK_BYTES = 8 << UNIT_SHIFT;
const FIRST_CHUNK_BYTES = 2048;
/** Records above this size get a chunk of their own. */
const LARGEST_SHARED_BYTES = CHUNK_BYTES / 4;
/** References have 31 bits, so that the index can hold them. */
const MAX_CHUNKS = 1 << (31 - UNIT_SHIFT);

/** Bytes of a record before its lengths: the field's number. */
const NUMBER_BYTES = 4;
/** A length from here on takes five bytes. */
const LONG = 254;
const SMALLEST_REFS = 16;

function lengthBytes(length: number): number {
  return length < LONG ? 1 : 5;
}

function writeLength(bytes: Uint8Array, at: number, length: number): number {
  if (length < LONG) {
    bytes[at] = length;
    return at + 1;
  }
  bytes[at] = LONG;
  for (let i = 1; i <= 4; i++, length = Math.floor(length / 256)) bytes[at + i] = length & 255;
  return at + 5;
}

function readLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  return first < LONG ? first : readWord(bytes, at + 1);
}

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = word >>> (8 * i);
}

/** Units of a record whose field and value have these lengths. */
function unitsFor(fieldLength: number, valueLength: number): number {
  const bytes = NUMBER_BYTES + lengthBytes(fieldLength) + lengthBytes(valueLength) + fieldLength +
    valueLength;
  return (bytes + 7) >>> 3;
}

let scratch = allocateBytes(256);

/** A buffer for `length` bytes, in use until the next call. */
function scratchFor(length: number): Uint8Array {
  if (length > LARGEST_SHARED_BYTES) return allocateBytes(length);
  if (length > scratch.length) scratch = allocateBytes(length * 2);
  return scratch;
}

/** With fewer fields than this the processor's caches hold what matters. */
const CACHED_FIELDS = 20_000;
/** What {@linkcode FieldTable.touch} has seen. */
let touched = new Int32Array(16);

/** What the objects weigh besides the bytes they hold, about. */
const TABLE_BYTES = 560;

/** All operations but those marked take O(1). */
export class FieldTable {
  #index = new SlotIndex();
  /** The record of each slot; the rest is room. */
  #refs = new Uint32Array(SMALLEST_REFS);
  #size = 0;
  #chunks: (Uint8Array<ArrayBuffer> | undefined)[] = [new Uint8Array(FIRST_CHUNK_BYTES)];
  /** The chunk records are cut from, and units cut so far. */
  #bump = 0;
  #bumpUnits = 0;
  /** Units in use, free runs in between included. */
  #heldUnits = 0;
  /** Heads of the lists of free runs, plus one, by units. */
  #free = new Map<number, number>();
  readonly #freeChunkIds: number[] = [];
  readonly #seed: number;
  /** Where the field searched for last, and not found, belongs in the index. */
  #bucket = 0;

  /** @param seed of the hash; by default one that nobody outside can know */
  constructor(seed: number = processSeed) {
    this.#seed = seed;
  }

  /** How many fields there are. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of heap and buffers. */
  get memoryBytes(): number {
    return TABLE_BYTES + this.#index.bytes + this.#refs.length * 4 + this.#heldUnits * 8;
  }

  /** As {@linkcode CollectionValue.touch}, which see. */
  touch(buf: Uint8Array, names: Int32Array, count: number): void {
    if (this.#size < CACHED_FIELDS) return;
    const index = this.#index;
    if (touched.length < count) touched = new Int32Array(count);
    for (let i = 0; i < count; i++) touched[i] = hashBytes(buf, names[2 * i]!, names[2 * i + 1]!, this.#seed);
    for (let i = 0; i < count; i++) touched[i] = index.slotAt(index.home(touched[i]!));
    for (let i = 0; i < count; i++) {
      const ref = touched[i]!;
      if (ref >= 0) touched[i] = this.#chunkOf(ref)[this.#offsetOf(ref)]!;
    }
  }

  /** The slot of `field`, or -1. */
  find(field: string): number {
    const bytes = scratchFor(field.length), end = writeLatin1(bytes, 0, field);
    const ref = this.#find(bytes, 0, end, hashBytes(bytes, 0, end, this.#seed));
    return ref < 0 ? -1 : this.#numberOf(ref);
  }

  /** Sets a field; tells whether it is new. */
  set(field: string, value: string): boolean {
    const bytes = scratchFor(field.length + value.length);
    const fieldEnd = writeLatin1(bytes, 0, field), valueEnd = writeLatin1(bytes, fieldEnd, value);
    return this.setBytes(bytes, 0, fieldEnd, fieldEnd, valueEnd);
  }

  /** {@linkcode FieldTable.set} with the field and the value as parts of `from`. */
  setBytes(from: Uint8Array, start: number, end: number, valueStart: number, valueEnd: number): boolean {
    const hash = hashBytes(from, start, end, this.#seed), ref = this.#find(from, start, end, hash);
    if (ref >= 0) {
      this.#overwrite(ref, hash, from, start, end, valueStart, valueEnd);
      return false;
    }
    const added = this.#allocate(unitsFor(end - start, valueEnd - valueStart));
    this.#write(added, this.#size, from, start, end, valueStart, valueEnd);
    if (this.#size === this.#refs.length) this.#resizeRefs(this.#size * 2);
    this.#refs[this.#size++] = added;
    this.#index.insert(this.#bucket, hash, added);
    return true;
  }

  /** Removes a field; tells whether it was there. The last field takes its slot. */
  delete(field: string): boolean {
    const bytes = scratchFor(field.length), end = writeLatin1(bytes, 0, field);
    const hash = hashBytes(bytes, 0, end, this.#seed), ref = this.#find(bytes, 0, end, hash);
    if (ref < 0) return false;
    const slot = this.#numberOf(ref), last = --this.#size, moved = this.#refs[last]!;
    this.#index.remove(hash, ref);
    this.#refs[slot] = moved;
    writeWord(this.#chunkOf(moved), this.#offsetOf(moved), slot);
    this.#release(ref, this.#unitsOf(ref));
    if (this.#refs.length > SMALLEST_REFS && last * 8 < this.#refs.length) this.#shrink();
    return true;
  }

  /** The field in `slot`, which must be below `size`. */
  fieldAt(slot: number): string {
    const ref = this.#refs[slot]!, bytes = this.#chunkOf(ref), at = this.#offsetOf(ref) + NUMBER_BYTES;
    const length = readLength(bytes, at), valueAt = at + lengthBytes(length);
    const start = valueAt + lengthBytes(readLength(bytes, valueAt));
    return latin1(bytes, start, start + length);
  }

  /** The value of the field in `slot`. */
  valueAt(slot: number): string {
    const ref = this.#refs[slot]!, bytes = this.#chunkOf(ref), at = this.#offsetOf(ref) + NUMBER_BYTES;
    const fieldLength = readLength(bytes, at), valueAt = at + lengthBytes(fieldLength);
    const length = readLength(bytes, valueAt), start = valueAt + lengthBytes(length) + fieldLength;
    return latin1(bytes, start, start + length);
  }

  /** A table with the same fields in the same slots. O(n), but no field is hashed. */
  copy(): FieldTable {
    const twin = new FieldTable(this.#seed);
    twin.#index = this.#index.copy();
    twin.#refs = this.#refs.slice();
    twin.#size = this.#size;
    twin.#chunks = this.#chunks.map((chunk) => chunk?.slice());
    twin.#bump = this.#bump;
    twin.#bumpUnits = this.#bumpUnits;
    twin.#heldUnits = this.#heldUnits;
    twin.#free = new Map(this.#free);
    twin.#freeChunkIds.push(...this.#freeChunkIds);
    return twin;
  }

  #chunkOf(ref: number): Uint8Array<ArrayBuffer> {
    return this.#chunks[ref >>> UNIT_SHIFT]!;
  }

  /** Where in its chunk a record begins. */
  #offsetOf(ref: number): number {
    return (ref & UNIT_MASK) << 3;
  }

  /** The record of a field, or -1; then `#bucket` is where it belongs in the index. */
  #find(from: Uint8Array, start: number, end: number, hash: number): number {
    const index = this.#index;
    let bucket = index.home(hash);
    for (let ref; (ref = index.slotAt(bucket)) >= 0; bucket = index.next(bucket)) {
      if (index.hashAt(bucket) === hash && this.#isField(ref, from, start, end)) return ref;
    }
    this.#bucket = bucket;
    return -1;
  }

  #isField(ref: number, from: Uint8Array, start: number, end: number): boolean {
    const bytes = this.#chunkOf(ref), at = this.#offsetOf(ref) + NUMBER_BYTES, length = end - start;
    if (readLength(bytes, at) !== length) return false;
    const valueAt = at + lengthBytes(length);
    const fieldAt = valueAt + lengthBytes(readLength(bytes, valueAt));
    for (let i = 0; i < length; i++) if (bytes[fieldAt + i] !== from[start + i]) return false;
    return true;
  }

  #numberOf(ref: number): number {
    return readWord(this.#chunkOf(ref), this.#offsetOf(ref));
  }

  #unitsOf(ref: number): number {
    const bytes = this.#chunkOf(ref),
      at = this.#offsetOf(ref) + NUMBER_BYTES,
      fieldLength = readLength(bytes, at);
    return unitsFor(fieldLength, readLength(bytes, at + lengthBytes(fieldLength)));
  }

  #write(
    ref: number,
    slot: number,
    from: Uint8Array,
    start: number,
    end: number,
    valueStart: number,
    valueEnd: number,
  ): void {
    const bytes = this.#chunkOf(ref), at = this.#offsetOf(ref);
    writeWord(bytes, at, slot);
    const headEnd = writeLength(
      bytes,
      writeLength(bytes, at + NUMBER_BYTES, end - start),
      valueEnd - valueStart,
    );
    copyBytes(bytes, copyBytes(bytes, headEnd, from, start, end), from, valueStart, valueEnd);
  }

  #overwrite(
    old: number,
    hash: number,
    from: Uint8Array,
    start: number,
    end: number,
    valueStart: number,
    valueEnd: number,
  ): void {
    const slot = this.#numberOf(old), oldUnits = this.#unitsOf(old);
    const units = unitsFor(end - start, valueEnd - valueStart);
    if (units === oldUnits) return this.#write(old, slot, from, start, end, valueStart, valueEnd);
    const ref = this.#allocate(units);
    this.#write(ref, slot, from, start, end, valueStart, valueEnd);
    this.#refs[slot] = ref;
    this.#index.move(hash, old, ref);
    this.#release(old, oldUnits);
  }

  #allocate(units: number): number {
    const head = this.#free.get(units);
    if (head !== undefined) {
      const ref = head - 1, next = readWord(this.#chunkOf(ref), this.#offsetOf(ref));
      if (next === 0) this.#free.delete(units);
      else this.#free.set(units, next);
      return ref;
    }
    this.#heldUnits += units;
    if (units * 8 > LARGEST_SHARED_BYTES) return (this.#addChunk(units * 8) << UNIT_SHIFT) >>> 0;
    const need = (this.#bumpUnits + units) * 8;
    if (need > CHUNK_BYTES) {
      this.#bump = this.#addChunk(CHUNK_BYTES);
      this.#bumpUnits = 0;
    } else if (need > this.#chunks[this.#bump]!.length) this.#growFirstChunk(need);
    const unit = this.#bumpUnits;
    this.#bumpUnits += units;
    return ((this.#bump << UNIT_SHIFT) | unit) >>> 0;
  }

  #release(ref: number, units: number): void {
    if (units * 8 > LARGEST_SHARED_BYTES) {
      this.#heldUnits -= units;
      this.#chunks[ref >>> UNIT_SHIFT] = undefined;
      this.#freeChunkIds.push(ref >>> UNIT_SHIFT);
      return;
    }
    writeWord(this.#chunkOf(ref), this.#offsetOf(ref), this.#free.get(units) ?? 0);
    this.#free.set(units, ref + 1);
  }

  #addChunk(bytes: number): number {
    const id = this.#freeChunkIds.pop() ?? this.#chunks.length;
    if (id >= MAX_CHUNKS) throw new RangeError("a hash is larger than 16 GiB");
    this.#chunks[id] = new Uint8Array(bytes);
    return id;
  }

  /** The chunk records are cut from is the first one as long as it is smaller than others. */
  #growFirstChunk(need: number): void {
    const old = this.#chunks[this.#bump]!;
    const grown = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(need, old.length * 2)));
    grown.set(old);
    this.#chunks[this.#bump] = grown;
  }

  #resizeRefs(length: number): void {
    const refs = new Uint32Array(length);
    refs.set(this.#refs.subarray(0, this.#size));
    this.#refs = refs;
  }

  /** Most fields are gone: copies what is left into fresh chunks. O(fields left). */
  #shrink(): void {
    const chunks = this.#chunks, refs = this.#refs, size = this.#size;
    this.#clear();
    this.#refs = new Uint32Array(Math.max(SMALLEST_REFS, refs.length / 4));
    for (let slot = 0; slot < size; slot++) {
      const old = refs[slot]!, bytes = chunks[old >>> UNIT_SHIFT]!;
      const at = this.#offsetOf(old) + NUMBER_BYTES, length = readLength(bytes, at);
      const valueAt = at + lengthBytes(length), valueLength = readLength(bytes, valueAt);
      const start = valueAt + lengthBytes(valueLength), end = start + length;
      this.setBytes(bytes, start, end, end, end + valueLength);
    }
  }

  /** Forgets all records. */
  #clear(): void {
    this.#index.clear();
    this.#size = 0;
    this.#chunks = [new Uint8Array(FIRST_CHUNK_BYTES)];
    this.#bump = 0;
    this.#bumpUnits = 0;
    this.#heldUnits = 0;
    this.#free.clear();
    this.#freeChunkIds.length = 0;
  }
}
