/**
 * Fields with values, numbered 0 … size - 1: the form of a large hash.
 *
 * Nothing of it is a JavaScript string. A value that is overwritten as often as a hash's would otherwise be a young
 * object held by an old one each time, which is what a garbage collector does worst: every collection had to look
 * for such values and to move them. Field and value lie together in a *record*, a run of 8-byte units of a byte array
 * (*chunk*), where finding the one has fetched the other:
 *
 *     | field length | value length | field | value |       a length: one byte, or 254 and four, little-endian
 *
 * A record's reference is `chunk << 17 | unit`. The first chunk starts small and grows by doubling, then come chunks of
 * 1 MiB; a record longer than a quarter of that has a chunk of its own. The runs of removed records hang in lists by
 * size, linked through their own first bytes, and are used again for records of the same size.
 *
 * The way from a field to its number is a {@linkcode SlotIndex}; the numbers stay dense because the last field takes
 * the place of a removed one. A walk *downwards* over them therefore meets every field that is there from its begin
 * to its end.
 */
import { copyBytes, latin1, writeLatin1 } from "../util/bytes.ts";
import { hashText } from "../util/hash.ts";
import { SlotIndex } from "./slot_index.ts";
import { processSeed } from "./string_table.ts";

const UNIT_SHIFT = 17;
const UNIT_MASK = (1 << UNIT_SHIFT) - 1;
const CHUNK_BYTES = 8 << UNIT_SHIFT;
const FIRST_CHUNK_BYTES = 2048;
/** Records above this size get a chunk of their own. */
const LARGEST_SHARED_BYTES = CHUNK_BYTES / 4;
const MAX_CHUNKS = 1 << (32 - UNIT_SHIFT);

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
  return first < LONG ? first : readLink(bytes, at + 1);
}

function readLink(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function writeLink(bytes: Uint8Array, at: number, link: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = link >>> (8 * i);
}

/** Units of a record whose field and value have these lengths. */
function unitsFor(fieldLength: number, valueLength: number): number {
  return (lengthBytes(fieldLength) + lengthBytes(valueLength) + fieldLength + valueLength + 7) >>> 3;
}

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

  /** The slot of `field`, or -1. */
  find(field: string): number {
    const index = this.#index, hash = hashText(field, this.#seed);
    let bucket = index.home(hash);
    for (let slot; (slot = index.slotAt(bucket)) >= 0; bucket = index.next(bucket)) {
      if (index.hashAt(bucket) === hash && this.#isField(slot, field)) return slot;
    }
    return -1;
  }

  /** Sets a field; tells whether it is new. */
  set(field: string, value: string): boolean {
    const index = this.#index, hash = hashText(field, this.#seed);
    let bucket = index.home(hash);
    for (let slot; (slot = index.slotAt(bucket)) >= 0; bucket = index.next(bucket)) {
      if (index.hashAt(bucket) !== hash || !this.#isField(slot, field)) continue;
      this.#overwrite(slot, field, value);
      return false;
    }
    const ref = this.#allocate(unitsFor(field.length, value.length));
    this.#write(ref, field, value);
    if (this.#size === this.#refs.length) this.#resizeRefs(this.#size * 2);
    this.#refs[this.#size] = ref;
    index.insert(bucket, hash, this.#size++);
    return true;
  }

  /** Removes a field; tells whether it was there. The last field takes its slot. */
  delete(field: string): boolean {
    const slot = this.find(field);
    if (slot < 0) return false;
    const last = this.#size - 1, ref = this.#refs[slot]!;
    this.#index.remove(hashText(field, this.#seed), slot);
    this.#release(ref, this.#unitsOf(ref));
    if (slot < last) {
      this.#index.move(hashText(this.fieldAt(last), this.#seed), last, slot);
      this.#refs[slot] = this.#refs[last]!;
    }
    this.#size = last;
    if (this.#refs.length > SMALLEST_REFS && last * 8 < this.#refs.length) this.#shrink();
    return true;
  }

  /** The field in `slot`, which must be below `size`. */
  fieldAt(slot: number): string {
    const ref = this.#refs[slot]!, bytes = this.#chunkOf(ref), at = this.#offsetOf(ref);
    const length = readLength(bytes, at), valueAt = at + lengthBytes(length);
    const start = valueAt + lengthBytes(readLength(bytes, valueAt));
    return latin1(bytes, start, start + length);
  }

  /** The value of the field in `slot`. */
  valueAt(slot: number): string {
    const ref = this.#refs[slot]!, bytes = this.#chunkOf(ref), at = this.#offsetOf(ref);
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

  #isField(slot: number, field: string): boolean {
    const ref = this.#refs[slot]!,
      bytes = this.#chunkOf(ref),
      at = this.#offsetOf(ref),
      length = field.length;
    if (readLength(bytes, at) !== length) return false;
    const valueAt = at + lengthBytes(length);
    const start = valueAt + lengthBytes(readLength(bytes, valueAt));
    for (let i = 0; i < length; i++) if (bytes[start + i] !== field.charCodeAt(i)) return false;
    return true;
  }

  #unitsOf(ref: number): number {
    const bytes = this.#chunkOf(ref), at = this.#offsetOf(ref), fieldLength = readLength(bytes, at);
    return unitsFor(fieldLength, readLength(bytes, at + lengthBytes(fieldLength)));
  }

  #write(ref: number, field: string, value: string): void {
    const bytes = this.#chunkOf(ref);
    const headEnd = writeLength(bytes, writeLength(bytes, this.#offsetOf(ref), field.length), value.length);
    writeLatin1(bytes, writeLatin1(bytes, headEnd, field), value);
  }

  #overwrite(slot: number, field: string, value: string): void {
    const old = this.#refs[slot]!, oldUnits = this.#unitsOf(old);
    const units = unitsFor(field.length, value.length);
    if (units === oldUnits) return this.#write(old, field, value);
    const ref = this.#allocate(units);
    this.#write(ref, field, value);
    this.#refs[slot] = ref;
    this.#release(old, oldUnits);
  }

  #allocate(units: number): number {
    const head = this.#free.get(units);
    if (head !== undefined) {
      const ref = head - 1, next = readLink(this.#chunkOf(ref), this.#offsetOf(ref));
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
    writeLink(this.#chunkOf(ref), this.#offsetOf(ref), this.#free.get(units) ?? 0);
    this.#free.set(units, ref + 1);
  }

  #addChunk(bytes: number): number {
    const id = this.#freeChunkIds.pop() ?? this.#chunks.length;
    if (id >= MAX_CHUNKS) throw new RangeError("a hash is larger than 8 GiB");
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
    const chunks = this.#chunks, refs = this.#refs;
    this.#clear();
    this.#resizeRefs(Math.max(SMALLEST_REFS, refs.length / 4));
    for (let slot = 0; slot < this.#size; slot++) {
      const old = refs[slot]!, bytes = chunks[old >>> UNIT_SHIFT]!, at = this.#offsetOf(old);
      const fieldLength = readLength(bytes, at);
      const units = unitsFor(fieldLength, readLength(bytes, at + lengthBytes(fieldLength)));
      const ref = this.#refs[slot] = this.#allocate(units);
      copyBytes(this.#chunkOf(ref), this.#offsetOf(ref), bytes, at, at + units * 8);
    }
  }

  /** Forgets all records; the index and the number of fields stay. */
  #clear(): void {
    this.#chunks = [new Uint8Array(FIRST_CHUNK_BYTES)];
    this.#bump = 0;
    this.#bumpUnits = 0;
    this.#heldUnits = 0;
    this.#free.clear();
    this.#freeChunkIds.length = 0;
  }
}
