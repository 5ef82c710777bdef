/**
 * Hashes. A small one is a packed string (packed.ts) of field, value, field, value …: looked through
 * from the front, built anew by each change. It becomes a table (field_table.ts) when it has more than
 * `hash-max-listpack-entries` fields or one field or value longer than `hash-max-listpack-value`, and
 * stays one, as in Redis.
 *
 * Fields may expire (expiry_queue.ts). A field whose time has come stays until
 * {@linkcode HashValue.expireDue} takes it out; until then reads that are given the time pass over it.
 * A hash that has ever had such a field says `listpackex` while it is small.
 */
import { ExpiryQueue } from "./expiry_queue.ts";
import { latin1 } from "../util/bytes.ts";
import type { DataLimits } from "./limits.ts";
import {
  COUNT_BYTES,
  encodeEntry,
  entryEnd,
  entryText,
  findEntry,
  flat,
  hasTwins,
  nthEntry,
  ownText,
  packedCount,
  packText,
  spliceText,
  unpackEntries,
} from "./packed.ts";
import { FieldTable } from "./field_table.ts";
import { CollectionValue, ValueType } from "./value.ts";

/** Called with each field and its value. */
export type FieldVisitor = (field: string, value: string) => void;

/** A hash: fields with values, both latin1 strings. */
export class HashValue extends CollectionValue {
  static readonly type = ValueType.Hash;
  readonly #limits: DataLimits;
  /** All fields and values while the hash is small; empty when there is a table. */
  #packed = "";
  #packedCount = 0;
  #table: FieldTable | null = null;
  #expiry: ExpiryQueue | null = null;

  constructor(limits: DataLimits) {
    super();
    this.#limits = limits;
  }

  /** The small hash that was packed into the bytes [start, end). */
  static unpack(limits: DataLimits, bytes: Uint8Array, start: number, end: number): HashValue {
    const hash = new HashValue(limits);
    hash.#packedCount = packedCount(bytes, start);
    hash.#packed = latin1(bytes, start + COUNT_BYTES, end);
    return hash;
  }

  /** The small hash of `count` packed fields and values in turn; undefined if a field is among them twice. */
  static ofPacked(limits: DataLimits, packed: string, count: number): HashValue | undefined {
    if (hasTwins(packed, 2)) return undefined;
    const hash = new HashValue(limits);
    hash.#packed = packed;
    hash.#packedCount = count;
    return hash;
  }

  override get packedBytes(): number {
    return this.#table === null && this.#expiry === null ? COUNT_BYTES + this.#packed.length : -1;
  }

  override packInto(bytes: Uint8Array, at: number): void {
    packText(bytes, at, this.#packedCount, this.#packed);
  }

  override touch(buf: Uint8Array, names: Int32Array, count: number): void {
    this.#table?.touch(buf, names, count);
  }

  get type(): ValueType {
    return HashValue.type;
  }

  get size(): number {
    return this.#table === null ? this.#packedCount : this.#table.size;
  }

  get encoding(): string {
    if (this.#table !== null) return "hashtable";
    return this.#expiry === null ? "listpack" : "listpackex";
  }

  get memoryBytes(): number {
    return 80 + (this.#table === null ? 16 + this.#packed.length : this.#table.memoryBytes) +
      (this.#expiry === null ? 0 : this.#expiry.memoryBytes);
  }

  /**
   * The value of `field`, or undefined.
   *
   * @param nowMs hides the field if it has expired by then; left out, nothing is hidden
   */
  get(field: string, nowMs = -Infinity): string | undefined {
    if (this.#expiry !== null && this.#expiry.get(field) <= nowMs) return undefined;
    if (this.#table !== null) {
      const slot = this.#table.find(field);
      return slot < 0 ? undefined : this.#table.valueAt(slot);
    }
    const pos = findEntry(this.#packed, field, 2);
    return pos < 0 ? undefined : entryText(this.#packed, entryEnd(this.#packed, pos));
  }

  /** Whether there is such a field (that has not expired by `nowMs`). */
  has(field: string, nowMs = -Infinity): boolean {
    if (this.#expiry !== null && this.#expiry.get(field) <= nowMs) return false;
    if (this.#table !== null) return this.#table.find(field) >= 0;
    return findEntry(this.#packed, field, 2) >= 0;
  }

  /**
   * Sets a field; tells whether it is new. Both strings are kept: they must not be parts cut from big
   * ones. The field's expiry goes, unless `keepExpiry`.
   */
  set(field: string, value: string, keepExpiry = false): boolean {
    if (this.#expiry !== null && !keepExpiry) this.#expiry.delete(field);
    if (this.#table !== null) return this.#table.set(field, value);
    const longest = this.#limits.hashMaxListpackValue;
    if (field.length > longest || value.length > longest) return this.#toTable().set(field, value);
    const packed = this.#packed, pos = findEntry(packed, field, 2);
    if (pos >= 0) {
      const start = entryEnd(packed, pos);
      this.#packed = spliceText(packed, start, entryEnd(packed, start), encodeEntry(value));
    } else {
      this.#packed = flat(packed + encodeEntry(field) + encodeEntry(value));
      this.#packedCount++;
    }
    // After a mere update too: the limit may be a lower one by now.
    if (this.#packedCount > this.#limits.hashMaxListpackEntries) this.#toTable();
    return pos < 0;
  }

  /** {@linkcode HashValue.set} with the field and the value as parts of `from`, which spares a large hash the strings. */
  setBytes(from: Uint8Array, start: number, end: number, valueStart: number, valueEnd: number): boolean {
    if (this.#table === null || this.#expiry !== null) {
      return this.set(latin1(from, start, end), latin1(from, valueStart, valueEnd));
    }
    return this.#table.setBytes(from, start, end, valueStart, valueEnd);
  }

  /** Removes a field; tells whether it was there. */
  delete(field: string): boolean {
    if (this.#expiry !== null) this.#expiry.delete(field);
    if (this.#table !== null) return this.#table.delete(field);
    const packed = this.#packed, pos = findEntry(packed, field, 2);
    if (pos < 0) return false;
    this.#packed = spliceText(packed, pos, entryEnd(packed, entryEnd(packed, pos)), "");
    this.#packedCount--;
    return true;
  }

  /** Calls `visit` for every field (that has not expired by `nowMs`). O(n). */
  forEach(visit: FieldVisitor, nowMs = -Infinity): void {
    const expiry = this.#expiry === null || this.#expiry.nextMs > nowMs ? null : this.#expiry;
    const show: FieldVisitor = expiry === null ? visit : (field, value) => {
      if (expiry.get(field) > nowMs) visit(field, value);
    };
    if (this.#table === null) return this.#walkPacked(show);
    const table = this.#table;
    for (let slot = 0; slot < table.size; slot++) show(table.fieldAt(slot), table.valueAt(slot));
  }

  /** How many fields have not expired by `nowMs`. O(1) if none has, else O(n). */
  visibleSize(nowMs: number): number {
    if (this.nextExpiryMs > nowMs) return this.size;
    let visible = 0;
    this.forEach(() => visible++, nowMs);
    return visible;
  }

  /**
   * Calls `visit` for the fields with these numbers, 0 … size - 1, in the order given. O(1) each, and
   * one walk over a small hash.
   */
  entriesAt(numbers: readonly number[], visit: FieldVisitor): void {
    if (this.#table !== null) {
      const table = this.#table;
      for (const slot of numbers) visit(table.fieldAt(slot), table.valueAt(slot));
    } else if (numbers.length === 1) {
      const pos = nthEntry(this.#packed, 2 * numbers[0]!);
      visit(entryText(this.#packed, pos), entryText(this.#packed, entryEnd(this.#packed, pos)));
    } else {
      const texts = unpackEntries(this.#packed);
      for (const number of numbers) visit(texts[2 * number]!, texts[2 * number + 1]!);
    }
  }

  /**
   * One step of a scan: calls `visit` for some `count` fields and gives the next cursor, 0 at the end.
   * A field that is there from the first step to the last is visited at least once. A small hash is
   * visited whole.
   */
  scan(cursor: number, count: number, visit: FieldVisitor): number {
    if (this.#table === null) {
      this.#walkPacked(visit);
      return 0;
    }
    const table = this.#table;
    let slot = cursor === 0 ? table.size : Math.min(cursor, table.size);
    for (const end = Math.max(0, slot - count); slot > end; slot--) {
      visit(table.fieldAt(slot - 1), table.valueAt(slot - 1));
    }
    return slot;
  }

  override get hasExpiringParts(): boolean {
    return this.#expiry !== null;
  }

  /** When the next field expires, in milliseconds since the epoch; Infinity if none does. */
  override get nextExpiryMs(): number {
    return this.#expiry === null ? Infinity : this.#expiry.nextMs;
  }

  /** When `field` expires, in milliseconds since the epoch; Infinity if it does not. */
  expiryOf(field: string): number {
    return this.#expiry === null ? Infinity : this.#expiry.get(field);
  }

  /** Lets `field`, which must exist, expire at `atMs` milliseconds since the epoch. */
  setExpiry(field: string, atMs: number): void {
    this.#expiry ??= new ExpiryQueue();
    this.#expiry.set(ownText(field), atMs);
  }

  /** Lets `field` stay for good; tells whether it had an expiry. */
  persist(field: string): boolean {
    return this.#expiry !== null && this.#expiry.delete(field);
  }

  /** Removes the fields that have expired by `nowMs`, at most `limit`, and gives their names. */
  expireDue(nowMs: number, limit = Infinity): string[] {
    if (this.nextExpiryMs > nowMs || this.#expiry === null) return [];
    const due = this.#expiry.takeDue(nowMs, limit);
    for (const field of due) this.delete(field);
    return due;
  }

  copy(): HashValue {
    const twin = new HashValue(this.#limits);
    twin.#packed = this.#packed;
    twin.#packedCount = this.#packedCount;
    twin.#table = this.#table === null ? null : this.#table.copy();
    twin.#expiry = this.#expiry === null ? null : this.#expiry.copy();
    return twin;
  }

  #walkPacked(visit: FieldVisitor): void {
    const packed = this.#packed;
    for (let pos = 0; pos < packed.length;) {
      const valueAt = entryEnd(packed, pos);
      visit(entryText(packed, pos), entryText(packed, valueAt));
      pos = entryEnd(packed, valueAt);
    }
  }

  #toTable(): FieldTable {
    const table = new FieldTable();
    this.#walkPacked((field, value) => table.set(field, value));
    this.#packed = "";
    this.#packedCount = 0;
    return this.#table = table;
  }
}
