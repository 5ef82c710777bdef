/**
 * Hashes. A small one is a packed string (packed.ts) of field, value, field, value …: searched from
 * the front and rebuilt by each change. It becomes a table in the store (field_table.ts) when it
 * has more than `hash-max-listpack-entries` fields or one field or value longer than
 * `hash-max-listpack-value`, and stays one, as in Redis.
 *
 * Fields may expire. A small hash keeps their times in a list in the order of the fields, a large
 * one in its table. An expired field stays until {@linkcode HashValue.expireDue} removes it; until
 * then reads that receive the time skip it. A small hash that has ever had an expiring field
 * reports `listpackex`.
 *
 * Between commands a small hash is the bytes
 *
 *     | fields, TIMED and TABLE: two bytes | times, six bytes each, if TIMED | packed string |
 *
 * With TABLE the root of its table replaces times and string. If these two are long, SPILLED marks
 * that they lie in a run of the store, and its reference and their length stand in their place.
 */
import type { Random } from "../util/random.ts";
import { latin1, writeLatin1 } from "../util/bytes.ts";
import { readWord, writeWord } from "../store/words.ts";
import type { DataLimits } from "./limits.ts";
import { forgetOrphan, freeIfOrphaned } from "./orphans.ts";
import {
  contentStart,
  COUNT_BYTES,
  encodeEntry,
  entryEnd,
  entryText,
  findEntry,
  findEntryBytes,
  flat,
  hasTwins,
  nthEntry,
  ownText,
  packedCount,
  packText,
  spliceText,
} from "./packed.ts";
import { FIELD_ROOT_BYTES, FieldTable } from "./field_table.ts";
import { drawDistinct } from "./sampling.ts";
import { CollectionValue, defineValueType, type ElementSink, ValueType } from "./value.ts";

/** Called with each field and its value. */
export type FieldVisitor = (field: string, value: string) => void;

/**
 * Flag beside the field count in the two bytes before a packed hash: it has had expiring fields.
 */
const TIMED = 0x8000;
/** Flag in the same place: a table's root follows. */
const TABLE = 0x4000;
/** Flag in the same place: times and packed string lie in a run of the store. */
const SPILLED = 0x2000;
const COUNT_MASK = 0x1fff;
/** Times and packed string longer than this, bytes, lie in a run, to keep a key's record small. */
const LARGEST_INLINE_BYTES = 2000;
const SPILLED_BYTES = 8;
const TIME_BYTES = 6;
/** The stored time of a field that does not expire. */
const NEVER = 2 ** 48 - 1;
/** Latest time at which a field can expire, milliseconds since the epoch. */
export const LATEST_FIELD_EXPIRY_MS: number = NEVER - 1;
/** A table of more bytes than this stays an object; a smaller one is packed as its root. */
const LARGEST_ROOTED_BYTES = 65_536;
/** The parts of each field that {@linkcode HashValue.writeAll} writes. */
export const FieldParts = { Names: 1, Values: 2, Both: 3 } as const;

/** True if the packed hash at `at` has, or once had, expiring fields. */
function hasTimes(bytes: Uint8Array, at: number): boolean {
  return (packedCount(bytes, at) & TIMED) !== 0;
}

/** A hash: fields with values, both latin1 strings. */
export class HashValue extends CollectionValue {
  static readonly type = ValueType.Hash;
  static {
    defineValueType(ValueType.Hash, { name: "hash", unpack: HashValue.unpack, hasTimes });
  }

  readonly #limits: DataLimits;
  /** All fields and values while the hash is small; empty when there is a table. */
  #packed = "";
  #packedCount = 0;
  /**
   * When the fields of a small hash expire, Infinity for those that do not; null if none ever has.
   */
  #times: number[] | null = null;
  #table: FieldTable | null = null;
  /** The run that times and packed string were read from, or 0; packing the hash rewrites it. */
  #run = 0;
  /** True once a field has had an expiry. */
  #isTimed = false;

  constructor(limits: DataLimits) {
    super();
    this.#limits = limits;
  }

  /** The hash that was packed into the bytes [start, end). */
  static unpack(limits: DataLimits, bytes: Uint8Array, start: number, end: number): HashValue {
    const hash = new HashValue(limits), mark = packedCount(bytes, start);
    const at = start + COUNT_BYTES;
    hash.#isTimed = (mark & TIMED) !== 0;
    if ((mark & TABLE) !== 0) {
      hash.#table = new FieldTable(limits.store).readRoot(bytes, at);
      return hash;
    }
    hash.#packedCount = mark & COUNT_MASK;
    if ((mark & SPILLED) !== 0) {
      const { store } = limits, run = hash.#run = readWord(bytes, at), length = readWord(bytes, at + 4);
      hash.#readBody(store.u8(run), store.at(run), store.at(run) + length);
    } else hash.#readBody(bytes, at, end);
    return hash;
  }

  #readBody(bytes: Uint8Array, at: number, end: number): void {
    if (this.#isTimed) {
      this.#times = readTimes(bytes, at, this.#packedCount);
      at += this.#packedCount * TIME_BYTES;
    }
    this.#packed = latin1(bytes, at, end);
  }

  #writeBody(bytes: Uint8Array, at: number): void {
    if (this.#times !== null) at = writeTimes(bytes, at, this.#times);
    writeLatin1(bytes, at, this.#packed);
  }

  /** Bytes of times and packed string. */
  get #bodyBytes(): number {
    return (this.#times === null ? 0 : TIME_BYTES * this.#times.length) + this.#packed.length;
  }

  /**
   * A small hash of `count` packed fields and values in turn; undefined if a field occurs twice.
   */
  static ofPacked(limits: DataLimits, packed: string, count: number): HashValue | undefined {
    if (hasTwins(packed, 2)) return undefined;
    const hash = new HashValue(limits);
    hash.#packed = packed;
    hash.#packedCount = count;
    return hash;
  }

  override get packedBytes(): number {
    if (this.#table !== null) {
      return this.#table.runBytes <= LARGEST_ROOTED_BYTES ? COUNT_BYTES + FIELD_ROOT_BYTES : -1;
    }
    if (this.#packedCount > COUNT_MASK) return -1;
    const bytes = this.#bodyBytes;
    return COUNT_BYTES + (bytes > LARGEST_INLINE_BYTES ? SPILLED_BYTES : bytes);
  }

  override packInto(bytes: Uint8Array, at: number): void {
    const mark = (this.#isTimed ? TIMED : 0) | this.#packedCount, length = this.#bodyBytes;
    if (this.#table !== null) {
      packText(bytes, at, mark | TABLE, "");
      this.#table.writeRoot(bytes, at + COUNT_BYTES);
      forgetOrphan(this);
    } else if (length > LARGEST_INLINE_BYTES) {
      packText(bytes, at, mark | SPILLED, "");
      this.#spill(length);
      writeWord(bytes, at + COUNT_BYTES, this.#run);
      writeWord(bytes, at + COUNT_BYTES + 4, length);
    } else {
      this.#dropRun();
      packText(bytes, at, mark, "");
      this.#writeBody(bytes, at + COUNT_BYTES);
    }
  }

  /** Writes times and packed string into a run of their size. */
  #spill(length: number): void {
    const { store } = this.#limits;
    if (this.#run === 0 || store.sizeOf(this.#run) !== store.roundUp(length)) {
      const run = store.allocate(length);
      this.#dropRun();
      this.#run = run;
    }
    this.#writeBody(store.u8(this.#run), store.at(this.#run));
  }

  #dropRun(): void {
    if (this.#run !== 0) this.#limits.store.free(this.#run);
    this.#run = 0;
  }

  /** Bytes the hash takes in the store, now or once packed. */
  override get runBytes(): number {
    if (this.#table !== null) return this.#table.runBytes;
    const bytes = this.#bodyBytes;
    return bytes > LARGEST_INLINE_BYTES ? this.#limits.store.roundUp(bytes) : 0;
  }

  override free(): void {
    this.#dropRun();
    if (this.#table === null) return;
    this.#table.free();
    forgetOrphan(this);
  }

  override compact(cursor: number, budget: number): number {
    const { store } = this.#limits;
    if (this.#run !== 0 && store.needsMove(this.#run)) this.#run = store.move(this.#run);
    return this.#table === null ? 0 : this.#table.compact(cursor, budget);
  }

  override forEachRun(visit: (ref: number) => void): void {
    if (this.#run !== 0) visit(this.#run);
    this.#table?.forEachRun(visit);
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
    return this.#isTimed ? "listpackex" : "listpack";
  }

  get memoryBytes(): number {
    if (this.#table !== null) return 80 + this.#table.memoryBytes;
    return 96 + this.#packed.length + (this.#times === null ? 0 : 16 + 8 * this.#times.length);
  }

  // ---- Reading ----------------------------------------------------------------------------------

  /**
   * The value of `field`, or undefined.
   *
   * @param nowMs hides the field if it has expired by then; if omitted, nothing is hidden
   */
  get(field: string, nowMs = -Infinity): string | undefined {
    const table = this.#table;
    if (table !== null) {
      const ref = table.find(field);
      return ref === 0 || this.#isOver(ref, nowMs) ? undefined : table.valueOf(ref);
    }
    const pos = findEntry(this.#packed, field, 2);
    if (pos < 0 || this.#timeAt(pos) <= nowMs) return undefined;
    return entryText(this.#packed, entryEnd(this.#packed, pos));
  }

  /**
   * Writes the value of the field `buf[start, end)` to `out`, with no string in between; false if
   * there is no such field.
   */
  writeValue(buf: Uint8Array, start: number, end: number, nowMs: number, out: ElementSink): boolean {
    const table = this.#table;
    if (table !== null) {
      const ref = table.findBytes(buf, start, end);
      if (ref === 0 || this.#isOver(ref, nowMs)) return false;
      const at = table.valueAt(ref);
      out.bulkBytes(table.bytesOf(ref), at, at + table.valueLength(ref));
      return true;
    }
    const packed = this.#packed, pos = findEntryBytes(packed, buf, start, end, 2);
    if (pos < 0 || this.#timeAt(pos) <= nowMs) return false;
    const valueAt = entryEnd(packed, pos);
    out.bulkPart(packed, contentStart(packed, valueAt), entryEnd(packed, valueAt));
    return true;
  }

  /** True if there is such a field (that has not expired by `nowMs`). */
  has(field: string, nowMs = -Infinity): boolean {
    const table = this.#table;
    if (table !== null) {
      const ref = table.find(field);
      return ref !== 0 && !this.#isOver(ref, nowMs);
    }
    const pos = findEntry(this.#packed, field, 2);
    return pos >= 0 && !(this.#timeAt(pos) <= nowMs);
  }

  // ---- Writing ----------------------------------------------------------------------------------

  /**
   * Sets a field; true if it is new. A small hash keeps both strings, so they must not be slices of
   * big ones. The field's expiry is removed unless `keepExpiry`.
   */
  set(field: string, value: string, keepExpiry = false): boolean {
    if (this.#table !== null) return this.#table.set(field, value, keepExpiry);
    const longest = this.#limits.hashMaxListpackValue;
    if (field.length > longest || value.length > longest) {
      return this.#toTable().set(field, value, keepExpiry);
    }
    const packed = this.#packed, pos = findEntry(packed, field, 2);
    if (pos >= 0) {
      if (this.#times !== null && !keepExpiry) this.#times[this.#numberAt(pos)] = Infinity;
      const start = entryEnd(packed, pos);
      this.#packed = spliceText(packed, start, entryEnd(packed, start), encodeEntry(value));
    } else {
      this.#packed = flat(packed + encodeEntry(field) + encodeEntry(value));
      this.#packedCount++;
      this.#times?.push(Infinity);
    }
    // After a plain update too: the limit may have been lowered meanwhile.
    if (this.#packedCount > this.#limits.hashMaxListpackEntries) this.#toTable();
    return pos < 0;
  }

  /**
   * Like {@linkcode HashValue.set}, with the field and the value as parts of `from`; a large hash
   * then needs no strings.
   */
  setBytes(from: Uint8Array, start: number, end: number, valueStart: number, valueEnd: number): boolean {
    if (this.#table !== null) return this.#table.setBytes(from, start, end, valueStart, valueEnd);
    return this.set(latin1(from, start, end), latin1(from, valueStart, valueEnd));
  }

  /** Removes a field; true if it was there. */
  delete(field: string): boolean {
    if (this.#table !== null) return this.#table.delete(field);
    const pos = findEntry(this.#packed, field, 2);
    return pos >= 0 && this.#deleteAt(pos);
  }

  /** Removes the field `buf[start, end)`; true if it was there. */
  deleteBytes(buf: Uint8Array, start: number, end: number): boolean {
    if (this.#table !== null) return this.#table.deleteBytes(buf, start, end);
    const pos = findEntryBytes(this.#packed, buf, start, end, 2);
    return pos >= 0 && this.#deleteAt(pos);
  }

  #deleteAt(pos: number): boolean {
    const packed = this.#packed;
    this.#times?.splice(this.#numberAt(pos), 1);
    this.#packed = spliceText(packed, pos, entryEnd(packed, entryEnd(packed, pos)), "");
    this.#packedCount--;
    return true;
  }

  // ---- Walks ------------------------------------------------------------------------------------

  /** Calls `visit` for every field (that has not expired by `nowMs`). O(n). */
  forEach(visit: FieldVisitor, nowMs = -Infinity): void {
    const table = this.#table;
    if (table === null) return this.#walkPacked(visit, nowMs);
    table.forEach((ref) => {
      if (!this.#isOver(ref, nowMs)) visit(table.fieldOf(ref), table.valueOf(ref));
    });
  }

  /**
   * Writes the fields, the values, or each field and its value, of all fields that have not expired
   * by `nowMs`, with no string in between. O(n).
   *
   * @param parts one of {@linkcode FieldParts}
   */
  writeAll(parts: number, nowMs: number, out: ElementSink): void {
    const table = this.#table, packed = this.#packed;
    if (table !== null) {
      return table.forEach((ref) => {
        if (!this.#isOver(ref, nowMs)) writeParts(table, ref, parts, out);
      });
    }
    for (let pos = 0, number = 0, end; pos < packed.length; pos = end, number++) {
      const valueAt = entryEnd(packed, pos);
      end = entryEnd(packed, valueAt);
      if (this.#times !== null && this.#times[number]! <= nowMs) continue;
      if ((parts & FieldParts.Names) !== 0) out.bulkPart(packed, contentStart(packed, pos), valueAt);
      if ((parts & FieldParts.Values) !== 0) out.bulkPart(packed, contentStart(packed, valueAt), end);
    }
  }

  /** Number of fields that have not expired by `nowMs`. O(1) if none has, else O(n). */
  visibleSize(nowMs: number): number {
    if (this.nextExpiryMs > nowMs) return this.size;
    let visible = 0;
    if (this.#times !== null) { for (const atMs of this.#times) visible += atMs > nowMs ? 1 : 0; }
    this.#table?.forEach((ref) => visible += this.#isOver(ref, nowMs) ? 0 : 1);
    return visible;
  }

  /**
   * Calls `visit` for a uniformly random field of a hash that is not empty. O(1), O(n) of a small
   * one.
   */
  randomEntry(random: Random, visit: FieldVisitor): void {
    const table = this.#table;
    if (table !== null) {
      const ref = table.sample(random);
      return visit(table.fieldOf(ref), table.valueOf(ref));
    }
    const pos = nthEntry(this.#packed, 2 * random.below(this.#packedCount));
    visit(entryText(this.#packed, pos), entryText(this.#packed, entryEnd(this.#packed, pos)));
  }

  /**
   * Calls `visit` for `count` different fields, every choice equally likely, or for all fields.
   * O(count), O(n) at most.
   */
  randomEntries(count: number, random: Random, visit: FieldVisitor): void {
    const table = this.#table;
    if (table !== null) {
      for (const ref of table.sampleDistinct(count, random)) visit(table.fieldOf(ref), table.valueOf(ref));
      return;
    }
    const texts: string[] = [];
    this.#walkPacked((field, value) => texts.push(field, value), -Infinity);
    for (const number of drawDistinct(this.size, count, random)) {
      visit(texts[2 * number]!, texts[2 * number + 1]!);
    }
  }

  /**
   * One step of a scan: calls `visit` for some `count` fields and returns the next cursor, 0 at the
   * end. A field that is there from the first step to the last is visited at least once. A small
   * hash is visited whole.
   */
  scan(cursor: number, count: number, visit: FieldVisitor): number {
    const table = this.#table;
    if (table !== null) {
      return table.scan(cursor, count, (ref) => visit(table.fieldOf(ref), table.valueOf(ref)));
    }
    this.#walkPacked(visit, -Infinity);
    return 0;
  }

  // ---- Times ------------------------------------------------------------------------------------

  override get hasExpiringParts(): boolean {
    return this.#isTimed;
  }

  /**
   * When the next field expires, in milliseconds since the epoch; Infinity if none does. O(1), O(n)
   * of a small one.
   */
  override get nextExpiryMs(): number {
    if (this.#table !== null) return this.#table.nextMs;
    return this.#times === null ? Infinity : Math.min(...this.#times);
  }

  /** When `field` expires, in milliseconds since the epoch; Infinity if it does not. */
  expiryOf(field: string): number {
    if (!this.#isTimed) return Infinity;
    const table = this.#table;
    if (table !== null) {
      const ref = table.find(field);
      return ref === 0 ? Infinity : table.timeOf(ref);
    }
    const pos = findEntry(this.#packed, field, 2);
    return pos < 0 ? Infinity : this.#timeAt(pos);
  }

  /**
   * Makes `field`, which must exist, expire at `atMs` milliseconds since the epoch, at most
   * {@linkcode LATEST_FIELD_EXPIRY_MS}.
   */
  setExpiry(field: string, atMs: number): void {
    this.#isTimed = true;
    if (this.#table !== null) return this.#table.setTime(this.#table.find(field), atMs);
    this.#times ??= new Array<number>(this.#packedCount).fill(Infinity);
    this.#times[this.#numberAt(findEntry(this.#packed, field, 2))] = atMs;
  }

  /** Removes the expiry of `field`; true if it had one. */
  persist(field: string): boolean {
    if (this.expiryOf(field) === Infinity) return false;
    if (this.#table !== null) return this.#table.clearTime(this.#table.find(field));
    this.#times![this.#numberAt(findEntry(this.#packed, field, 2))] = Infinity;
    return true;
  }

  /**
   * Removes the fields expired by `nowMs`, at most `limit`, earliest first; returns their names.
   */
  expireDue(nowMs: number, limit = Infinity): string[] {
    if (this.nextExpiryMs > nowMs) return [];
    if (this.#table !== null) return this.#table.takeDue(nowMs, limit);
    const due: { field: string; atMs: number }[] = [], times = this.#times!;
    let number = 0;
    this.#walkPacked((field) => {
      const atMs = times[number++]!;
      if (atMs <= nowMs) due.push({ field: ownText(field), atMs });
    }, -Infinity);
    const fields = due.sort((one, other) => one.atMs - other.atMs).slice(0, limit).map(({ field }) => field);
    for (const field of fields) this.delete(field);
    return fields;
  }

  copy(): HashValue {
    const twin = new HashValue(this.#limits);
    twin.#packed = this.#packed;
    twin.#packedCount = this.#packedCount;
    twin.#isTimed = this.#isTimed;
    twin.#times = this.#times === null ? null : this.#times.slice();
    if (this.#table !== null) twin.#keep(this.#table.copy());
    return twin;
  }

  // ---- Inside -----------------------------------------------------------------------------------

  /** True if the field of a table's entry has expired by `nowMs`. */
  #isOver(ref: number, nowMs: number): boolean {
    return this.#isTimed && nowMs !== -Infinity && this.#table!.timeOf(ref) <= nowMs;
  }

  /** When the field at a position of the packed string expires. */
  #timeAt(pos: number): number {
    return this.#times === null ? Infinity : this.#times[this.#numberAt(pos)]!;
  }

  /** The number of the field at a position of the packed string. */
  #numberAt(pos: number): number {
    let number = 0;
    for (let at = 0; at < pos; number++) at = entryEnd(this.#packed, entryEnd(this.#packed, at));
    return number;
  }

  #walkPacked(visit: FieldVisitor, nowMs: number): void {
    const packed = this.#packed, times = this.#times;
    for (let pos = 0, number = 0; pos < packed.length; number++) {
      const valueAt = entryEnd(packed, pos);
      if (times === null || times[number]! > nowMs) visit(entryText(packed, pos), entryText(packed, valueAt));
      pos = entryEnd(packed, valueAt);
    }
  }

  /** Gives `table` to the hash; its runs are freed if the hash is never stored. */
  #keep(table: FieldTable): FieldTable {
    freeIfOrphaned(this, table);
    return this.#table = table;
  }

  #toTable(): FieldTable {
    const table = this.#keep(new FieldTable(this.#limits.store)), times = this.#times;
    let number = 0;
    this.#dropRun();
    this.#walkPacked((field, value) => {
      table.set(field, value);
      const atMs = times === null ? Infinity : times[number++]!;
      if (atMs < Infinity) table.setTime(table.find(field), atMs);
    }, -Infinity);
    this.#packed = "";
    this.#packedCount = 0;
    this.#times = null;
    return table;
  }
}

function writeParts(table: FieldTable, ref: number, parts: number, out: ElementSink): void {
  const bytes = table.bytesOf(ref), fieldAt = table.fieldAt(ref), valueAt = table.valueAt(ref);
  if ((parts & FieldParts.Names) !== 0) out.bulkBytes(bytes, fieldAt, fieldAt + table.fieldLength(ref));
  if ((parts & FieldParts.Values) !== 0) out.bulkBytes(bytes, valueAt, valueAt + table.valueLength(ref));
}

function readTimes(bytes: Uint8Array, at: number, count: number): number[] {
  const times: number[] = [];
  for (let i = 0; i < count; i++, at += TIME_BYTES) {
    const atMs = (bytes[at + 4]! | (bytes[at + 5]! << 8)) * 2 ** 32 + readWord(bytes, at);
    times.push(atMs === NEVER ? Infinity : atMs);
  }
  return times;
}

function writeTimes(bytes: Uint8Array, at: number, times: readonly number[]): number {
  for (const time of times) {
    const atMs = Math.min(time, NEVER), upper = Math.floor(atMs / 2 ** 32);
    writeWord(bytes, at, atMs >>> 0);
    bytes[at + 4] = upper;
    bytes[at + 5] = upper >>> 8;
    at += TIME_BYTES;
  }
  return at;
}
