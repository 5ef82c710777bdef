/**
 * A node of a stream: a run of entries in a listpack that equals Redis's byte for byte, so that saving a node is a copy
 * and that nodes are full at exactly the same entry as Redis's, which `MAXLEN ~` makes visible.
 *
 *     | live | deleted | fields | name 1 | … | name n | 0 |     the master entry: the first entry's field names
 *     | flags | ms | seq | value 1 | … | value n | elements |   an entry with the master's fields
 *     | flags | ms | seq | fields | name 1 | value 1 | … | elements |   any other entry
 *
 * `ms` and `seq` are distances from the node's id, which is that of the first entry it was made for. `elements` says of
 * how many elements the entry consists up to there, for the way back; the 0 is that of the master entry. A deleted entry
 * stays, marked in its flags, until the whole node goes. The two counters in front are kept as fields, because their
 * size varies; everything behind them only grows at its end, but for the flags, which are always one byte.
 */
import { allocateBytes } from "../util/bytes.ts";
import {
  ELEMENT_OVERHEAD_BYTES,
  elementEnd,
  elementFits,
  elementInteger,
  elementStart,
  elementText,
  elementTextEnd,
  elementTextStart,
  hasListpackFrame,
  INTEGER_ELEMENT_BYTES,
  integerElementBytes,
  isIntegerElement,
  LISTPACK_END,
  LISTPACK_HEADER_BYTES,
  writeIntegerElement,
  writeListpackHeader,
  writeTextElement,
} from "./listpack.ts";
import type { DataLimits } from "./limits.ts";
import { addDelta, compareParts, type IdPart, minStreamId, partDelta, type StreamId } from "./stream_id.ts";

const DELETED = 1, SAME_FIELDS = 2;

/** No node grows beyond this, whatever `stream-node-max-bytes` says. */
export const MAX_NODE_BYTES = 0x4000_0000;

/** Measured heap of a node beside its bytes: the object, its id, the buffer's view and store. */
const NODE_OVERHEAD_BYTES = 400;

/** Who takes the field names and values of an entry; a reply writer, for one. */
export interface TextSink {
  bulk(text: string): void;
  bulkBytes(bytes: Uint8Array, start: number, end: number): void;
}

/** Some consecutive entries of a stream in one byte array. See the head of this file. */
export class StreamNode {
  readonly id: StreamId;
  /** Entries that are not deleted. */
  live = 0;
  /** Entries that are deleted and still there. */
  deleted = 0;
  /** Everything behind the two counters, up to `used`. */
  bytes: Uint8Array;
  used: number;
  /** Where the first entry starts that is not deleted; trimming one by one would otherwise walk over the others. */
  liveAt: number;
  readonly fieldCount: number;
  #elements: number;
  /** The master entry's field names, kept only while entries are added. */
  #names: string[] | undefined;

  private constructor(id: StreamId, bytes: Uint8Array, used: number, fieldCount: number) {
    this.id = id;
    this.bytes = bytes;
    this.used = used;
    this.liveAt = used;
    this.fieldCount = fieldCount;
    this.#elements = fieldCount + 4;
  }

  /** A node without entries whose master entry has the field names of `pairs`. */
  static create(id: StreamId, pairs: readonly string[]): StreamNode {
    let size = 2 * INTEGER_ELEMENT_BYTES;
    for (let i = 0; i < pairs.length; i += 2) size += pairs[i]!.length + ELEMENT_OVERHEAD_BYTES;
    const bytes = allocateBytes(size);
    let at = writeIntegerElement(bytes, 0, pairs.length / 2);
    for (let i = 0; i < pairs.length; i += 2) at = writeTextElement(bytes, at, pairs[i]!);
    return new StreamNode(id, bytes, writeIntegerElement(bytes, at, 0), pairs.length / 2);
  }

  /**
   * The node of a whole listpack, as an RDB file has it; the bytes are copied.
   * @return undefined if they are not a well-formed node
   */
  static fromListpack(id: StreamId, listpack: Uint8Array): StreamNode | undefined {
    if (!hasListpackFrame(listpack)) return undefined;
    const reader = new ElementReader(listpack, LISTPACK_HEADER_BYTES, listpack.length - 1);
    const live = reader.count(), deleted = reader.count(), bodyAt = reader.at;
    const fieldCount = reader.count();
    reader.skip(fieldCount);
    if (reader.count() !== 0 || !reader.valid) return undefined;
    const body = allocateBytes(listpack.length - 1 - bodyAt);
    body.set(listpack.subarray(bodyAt, listpack.length - 1));
    const node = new StreamNode(id, body, reader.at - bodyAt, fieldCount);
    node.live = live;
    node.deleted = deleted;
    node.#elements += reader.entries(live + deleted, fieldCount);
    node.used = body.length;
    if (!reader.valid || !reader.atEnd || reader.deleted !== deleted) return undefined;
    node.#passDeleted();
    return node;
  }

  /** The node as a whole listpack. O(bytes). */
  toListpack(): Uint8Array<ArrayBuffer> {
    const bytes = allocateBytes(this.listpackBytes);
    writeListpackHeader(bytes, this.#elements);
    let at = writeIntegerElement(bytes, LISTPACK_HEADER_BYTES, this.live);
    at = writeIntegerElement(bytes, at, this.deleted);
    bytes.set(this.bytes.subarray(0, this.used), at);
    bytes[bytes.length - 1] = LISTPACK_END;
    return bytes;
  }

  /** An independent copy. O(bytes). */
  copy(): StreamNode {
    const bytes = allocateBytes(this.used);
    bytes.set(this.bytes.subarray(0, this.used));
    const node = new StreamNode(this.id, bytes, this.liveAt, this.fieldCount);
    node.used = this.used;
    node.live = this.live;
    node.deleted = this.deleted;
    node.#elements = this.#elements;
    return node;
  }

  /** Size of {@linkcode toListpack}'s result. */
  get listpackBytes(): number {
    return LISTPACK_HEADER_BYTES + integerElementBytes(this.live) + integerElementBytes(this.deleted) +
      this.used + 1;
  }

  get memoryBytes(): number {
    return NODE_OVERHEAD_BYTES + this.bytes.length;
  }

  /** Whether an entry with `textBytes` bytes of names and values has to go to a new node. */
  isFull(limits: DataLimits, textBytes: number): boolean {
    const maxBytes = limits.streamNodeMaxBytes;
    const limit = maxBytes === 0 || maxBytes > MAX_NODE_BYTES ? MAX_NODE_BYTES : maxBytes;
    if (this.listpackBytes + textBytes >= limit) return true;
    return limits.streamNodeMaxEntries > 0 && this.live + this.deleted >= limits.streamNodeMaxEntries;
  }

  /** Adds an entry behind the last one. `textBytes` is the size of all names and values. */
  append(id: StreamId, pairs: readonly string[], textBytes: number): void {
    const same = this.#hasFieldsOf(pairs);
    this.#ensure(textBytes + pairs.length * ELEMENT_OVERHEAD_BYTES + 5 * INTEGER_ELEMENT_BYTES);
    const bytes = this.bytes;
    let at = writeIntegerElement(bytes, this.used, same ? SAME_FIELDS : 0);
    at = writeIntegerElement(bytes, at, partDelta(id.ms, this.id.ms));
    at = writeIntegerElement(bytes, at, partDelta(id.seq, this.id.seq));
    if (!same) at = writeIntegerElement(bytes, at, pairs.length / 2);
    for (let i = same ? 1 : 0; i < pairs.length; i += same ? 2 : 1) {
      at = writeTextElement(bytes, at, pairs[i]!);
    }
    const elements = same ? pairs.length / 2 + 3 : pairs.length + 4;
    this.used = writeIntegerElement(bytes, at, elements);
    this.#elements += elements + 1;
    this.live++;
  }

  /** Gives back what was kept for more entries. */
  seal(): void {
    this.#names = undefined;
    if (this.bytes.length > this.used) this.#resize(this.used);
  }

  /** Marks the entry at `at` as deleted. */
  markDeleted(at: number): void {
    this.bytes[at]! |= DELETED;
    this.live--;
    this.deleted++;
    if (at === this.liveAt) this.#passDeleted();
  }

  #passDeleted(): void {
    const { bytes, used } = this;
    let at = this.liveAt;
    while (at < used && (bytes[at]! & DELETED) !== 0) at = this.entryEnd(at);
    this.liveAt = at;
  }

  /** Where the entry behind the one at `at` starts. */
  entryEnd(at: number): number {
    const { bytes } = this;
    const behindId = elementEnd(bytes, elementEnd(bytes, at + 2));
    const isSame = (bytes[at]! & SAME_FIELDS) !== 0;
    let left = isSame ? this.fieldCount : Number(elementInteger(bytes, behindId)) * 2 + 1;
    let end = behindId;
    while (left-- > 0) end = elementEnd(bytes, end);
    return elementEnd(bytes, end);
  }

  /** The id of the last entry, deleted ones included. */
  get lastId(): StreamId {
    const { bytes, used } = this;
    const last = elementStart(bytes, used);
    let elements = Number(elementInteger(bytes, last));
    if (elements === 0) return minStreamId;
    let at = last;
    while (elements-- > 0) at = elementStart(bytes, at);
    const msAt = elementEnd(bytes, at);
    return {
      ms: addDelta(this.id.ms, elementInteger(bytes, msAt)),
      seq: addDelta(this.id.seq, elementInteger(bytes, elementEnd(bytes, msAt))),
    };
  }

  #hasFieldsOf(pairs: readonly string[]): boolean {
    if (pairs.length !== this.fieldCount * 2) return false;
    const names = this.#names ??= this.#readNames();
    for (let i = 0; i < names.length; i++) if (names[i] !== pairs[2 * i]) return false;
    return true;
  }

  #readNames(): string[] {
    const names: string[] = [];
    let at = elementEnd(this.bytes, 0);
    for (let i = 0; i < this.fieldCount; i++) {
      names.push(elementText(this.bytes, at));
      at = elementEnd(this.bytes, at);
    }
    return names;
  }

  #ensure(more: number): void {
    if (this.used + more > this.bytes.length) this.#resize(this.used + Math.max(more, this.used));
  }

  #resize(capacity: number): void {
    const bytes = allocateBytes(capacity);
    bytes.set(this.bytes.subarray(0, this.used));
    this.bytes = bytes;
  }
}

/** Walks the entries of one node in either direction, deleted ones among them, but none before the first live one. */
export class NodeReader {
  node: StreamNode;
  /** The entry under the reader: where it starts, its id, whether it is deleted, how many fields it has. */
  at = 0;
  ms: IdPart = 0;
  seq: IdPart = 0;
  isDeleted = false;
  fieldCount = 0;
  #sameFields = false;
  #contentAt = 0;
  /** Forward: where the next entry starts. Backward: where the entry before ends. */
  #edge = 0;

  constructor(node: StreamNode) {
    this.node = node;
  }

  /** Stands before the first live entry of `node`, or, for {@linkcode previous}, behind its last entry. */
  enter(node: StreamNode, atEnd: boolean): void {
    this.node = node;
    this.#edge = atEnd ? node.used : node.liveAt;
  }

  /** Moves to the next entry; false at the end of the node. */
  next(): boolean {
    const { node } = this;
    if (this.#edge >= node.used) return false;
    this.#read(this.#edge);
    this.#edge = node.entryEnd(this.#edge);
    return true;
  }

  /** Moves to the entry before; false at the start of the node. */
  previous(): boolean {
    const { bytes, liveAt } = this.node;
    if (this.#edge <= liveAt) return false;
    let at = elementStart(bytes, this.#edge);
    for (let i = Number(elementInteger(bytes, at)); i > 0; i--) at = elementStart(bytes, at);
    this.#read(at);
    this.#edge = at;
    return true;
  }

  /** The id of the entry under the reader. */
  get id(): StreamId {
    return { ms: this.ms, seq: this.seq };
  }

  /** Names and values in turn. */
  writePairs(sink: TextSink): void {
    const { bytes } = this.node;
    let value = this.#contentAt;
    let name = this.#sameFields ? elementEnd(bytes, 0) : value;
    for (let i = this.fieldCount; i > 0; i--) {
      writeElement(bytes, name, sink);
      name = elementEnd(bytes, name);
      if (!this.#sameFields) value = name;
      writeElement(bytes, value, sink);
      value = elementEnd(bytes, value);
      if (!this.#sameFields) name = value;
    }
  }

  #read(at: number): void {
    const { bytes, id, fieldCount } = this.node;
    const flags = bytes[at]!;
    const msAt = at + 2, seqAt = elementEnd(bytes, msAt), behind = elementEnd(bytes, seqAt);
    this.at = at;
    this.ms = addDelta(id.ms, elementInteger(bytes, msAt));
    this.seq = addDelta(id.seq, elementInteger(bytes, seqAt));
    this.isDeleted = (flags & DELETED) !== 0;
    this.#sameFields = (flags & SAME_FIELDS) !== 0;
    this.fieldCount = this.#sameFields ? fieldCount : Number(elementInteger(bytes, behind));
    this.#contentAt = this.#sameFields ? behind : elementEnd(bytes, behind);
  }
}

function writeElement(bytes: Uint8Array, at: number, sink: TextSink): void {
  if (isIntegerElement(bytes, at)) sink.bulk(String(elementInteger(bytes, at)));
  else sink.bulkBytes(bytes, elementTextStart(bytes, at), elementTextEnd(bytes, at));
}

/**
 * Walks `reader` to the entry of `id`.
 * @return whether there is one, which may be deleted
 */
export function findInNode(reader: NodeReader, node: StreamNode, id: StreamId): boolean {
  reader.enter(node, false);
  while (reader.next()) {
    const order = compareParts(reader.ms, reader.seq, id.ms, id.seq);
    if (order >= 0) return order === 0;
  }
  return false;
}

/** Reads elements that came from outside; after the first fault `valid` is false and all it returns is 0. */
class ElementReader {
  readonly #bytes: Uint8Array;
  readonly #limit: number;
  at: number;
  valid = true;
  /** Deleted entries seen. */
  deleted = 0;

  constructor(bytes: Uint8Array, at: number, limit: number) {
    this.#bytes = bytes;
    this.at = at;
    this.#limit = limit;
  }

  get atEnd(): boolean {
    return this.at === this.#limit;
  }

  skip(count: number): void {
    for (let i = 0; i < count && this.valid; i++) this.#advance();
  }

  integer(): number | bigint {
    const at = this.at;
    if (this.valid && !(at < this.#limit && isIntegerElement(this.#bytes, at))) this.valid = false;
    this.#advance();
    return this.valid ? elementInteger(this.#bytes, at) : 0;
  }

  /** A number of things that are there, so no more than bytes are. */
  count(): number {
    const value = this.integer();
    if (typeof value === "number" && value >= 0 && value <= this.#limit) return value;
    this.valid = false;
    return 0;
  }

  /** Checks `count` entries and returns of how many elements they consist. */
  entries(count: number, masterFields: number): number {
    let elements = 0;
    for (let i = 0; i < count && this.valid; i++) elements += this.#entry(masterFields) + 1;
    return elements;
  }

  #entry(masterFields: number): number {
    const start = this.at, flags = this.count();
    if (flags > (DELETED | SAME_FIELDS) || flags !== this.#bytes[start]) this.valid = false;
    if ((flags & DELETED) !== 0) this.deleted++;
    this.integer();
    this.integer();
    const same = (flags & SAME_FIELDS) !== 0;
    const fields = same ? masterFields : this.count();
    this.skip(same ? fields : fields * 2);
    const elements = same ? fields + 3 : fields * 2 + 4;
    if (this.count() !== elements) this.valid = false;
    return elements;
  }

  #advance(): void {
    if (this.valid) this.valid = elementFits(this.#bytes, this.at, this.#limit);
    if (this.valid) this.at = elementEnd(this.#bytes, this.at);
  }
}
