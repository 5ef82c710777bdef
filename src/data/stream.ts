/**
 * Streams: an append-only log of field-value entries with ordered ids, and the consumer groups that read it.
 *
 * The entries lie in nodes of about a hundred ({@linkcode StreamNode}, packed as Redis packs them), the nodes in an
 * ordered index by the id of their first entry ({@linkcode IdIndex}). Appending touches the last node only; seeking an
 * id is a binary search for its node and a walk within it; trimming drops whole nodes from the front. A deleted entry
 * is marked and stays until its node has no live entry any more, as in Redis, so that both have the same nodes at any
 * time and `MAXLEN ~` removes the same entries.
 *
 * `lastId`, `entriesAdded` and `maxDeletedId` describe the stream's history, beyond what is left of it, and let a group
 * tell how far behind it is without counting (see {@linkcode StreamValue.lag}).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultLimits } from "./limits.ts";
 * import { formatId } from "./stream_id.ts";
 * import { StreamValue } from "./stream.ts";
 *
 * const stream = new StreamValue(defaultLimits());
 * stream.append(stream.nextIdAt(1700000000000)!, ["sensor", "7", "celsius", "21.5"]);
 * assertEquals(formatId(stream.lastId), "1700000000000-0");
 * assertEquals(stream.trim({ maxLength: 0 }, false, 0), 1);
 * assertEquals(stream.size, 0);
 * ```
 */
import { byName, ConsumerGroup, type HeapMeter, UNKNOWN_ENTRIES_READ } from "./consumer_group.ts";
import type { DataLimits } from "./limits.ts";
import { CollectionValue, defineValueType, ValueType } from "./value.ts";
import { IdIndex } from "./stream_index.ts";
import { findInNode, MAX_NODE_BYTES, NodeReader, StreamNode, type TextSink } from "./stream_node.ts";
import {
  compareIds,
  compareParts,
  type IdPart,
  idWords,
  isZeroId,
  maxStreamId,
  minStreamId,
  nextId,
  type StreamId,
} from "./stream_id.ts";

/** Measured heap of a stream without nodes and groups. */
const STREAM_BYTES = 420;

/** Which entries a trim removes: all but the newest `maxLength`, or those before `minId`. */
export type TrimGoal = { readonly maxLength: number } | { readonly minId: StreamId };

/** Whether one more entry of these names and values together is more than a stream takes. */
export function isEntryTooLarge(pairs: readonly string[]): boolean {
  return textBytesOf(pairs) > MAX_NODE_BYTES;
}

function textBytesOf(pairs: readonly string[]): number {
  let bytes = 0;
  for (const text of pairs) bytes += text.length;
  return bytes;
}

/** A stream: entries in the order of their ids, and consumer groups. See the head of this file. */
export class StreamValue extends CollectionValue {
  static readonly type = ValueType.Stream;
  static {
    defineValueType(ValueType.Stream, { name: "stream" });
  }

  readonly type = ValueType.Stream;
  /** The largest id ever added, or what XSETID made it. */
  lastId = minStreamId;
  /** The largest id that was deleted one by one; 0-0 if none was. Trimming does not count. */
  maxDeletedId = minStreamId;
  /** How many entries were ever added. */
  entriesAdded = 0;
  #firstId = minStreamId;
  #length = 0;
  readonly #limits: DataLimits;
  readonly #heap: HeapMeter = { bytes: STREAM_BYTES };
  readonly #nodes = new IdIndex<StreamNode>();
  readonly #groups = new Map<string, ConsumerGroup>();

  constructor(limits: DataLimits) {
    super();
    this.#limits = limits;
  }

  get size(): number {
    return this.#length;
  }

  get encoding(): string {
    return "stream";
  }

  get memoryBytes(): number {
    return this.#heap.bytes;
  }

  /** The id of the first entry there is; 0-0 in an empty stream. */
  get firstId(): StreamId {
    return this.#firstId;
  }

  /** How many nodes there are. */
  get nodeCount(): number {
    return this.#nodes.size;
  }

  /** The nodes in the order of their ids, for persistence. The stream must not change meanwhile. */
  nodes(): Iterable<StreamNode> {
    return this.#nodes;
  }

  /** The id of an entry that is added now: the time, or the last id's successor. Undefined behind the last id. */
  nextIdAt(nowMs: number): StreamId | undefined {
    return nowMs > this.lastId.ms ? { ms: nowMs, seq: 0 } : nextId(this.lastId);
  }

  /** The next id of millisecond `ms`, which may lie before the last id. Undefined if there is no more. */
  nextIdIn(ms: IdPart): StreamId | undefined {
    if (ms !== this.lastId.ms) return { ms, seq: 0 };
    const id = nextId(this.lastId);
    return id?.ms === ms ? id : undefined;
  }

  /** Adds an entry of names and values in turn. `id` must lie behind `lastId`. O(size of the entry). */
  append(id: StreamId, pairs: readonly string[]): void {
    const textBytes = textBytesOf(pairs);
    let node = this.#nodes.last;
    if (node === undefined || node.isFull(this.#limits, textBytes)) node = this.#startNode(id, pairs);
    const before = node.memoryBytes;
    node.append(id, pairs, textBytes);
    this.#heap.bytes += node.memoryBytes - before;
    this.#length++;
    this.entriesAdded++;
    this.lastId = id;
    if (this.#length === 1) this.#firstId = id;
  }

  /** Whether the entry of `id` exists. O(log n). */
  has(id: StreamId): boolean {
    return this.find(id) !== undefined;
  }

  /** A reader that stands on the entry of `id`. O(log n). */
  find(id: StreamId): NodeReader | undefined {
    const node = this.#nodes.floor(id);
    if (node === undefined) return undefined;
    const reader = new NodeReader(node);
    return findInNode(reader, node, id) && !reader.isDeleted ? reader : undefined;
  }

  /** Deletes the entry of `id`; false if there is none. O(log n). */
  delete(id: StreamId): boolean {
    const reader = this.find(id);
    if (reader === undefined) return false;
    if (reader.node.live === 1) this.#dropNode(reader.node);
    else reader.node.markDeleted(reader.at);
    this.#length--;
    if (compareIds(id, this.maxDeletedId) > 0) this.maxDeletedId = id;
    if (compareIds(id, this.#firstId) === 0) this.#updateFirstId();
    return true;
  }

  /**
   * Removes entries from the front.
   * @param approximate remove whole nodes only
   * @param limit stop before removing more entries than that; 0 is no limit
   * @return how many were removed
   */
  trim(goal: TrimGoal, approximate: boolean, limit: number): number {
    let removed = 0;
    for (let node = this.#nodes.first; node !== undefined; node = this.#nodes.first) {
      if ("maxLength" in goal && this.#length <= goal.maxLength) break;
      if (limit > 0 && removed + node.live > limit) break;
      if (!this.#isObsolete(node, goal)) {
        if (!approximate) removed += this.#trimNode(node, goal);
        break;
      }
      this.#dropNode(node);
      this.#length -= node.live;
      removed += node.live;
    }
    if (removed > 0) this.#updateFirstId();
    return removed;
  }

  /** A cursor before the first entry at or behind `start`; it ends behind `end`. */
  range(start: StreamId, end: StreamId): StreamCursor {
    return new StreamCursor(this.#nodes, start, end, false);
  }

  /** A cursor that walks back from the last entry at or before `end` to the first at or behind `start`. */
  reverseRange(start: StreamId, end: StreamId): StreamCursor {
    return new StreamCursor(this.#nodes, start, end, true);
  }

  /** The id of the last entry there is, 0-0 in an empty stream. */
  lastEntryId(): StreamId {
    const cursor = this.reverseRange(minStreamId, maxStreamId);
    return cursor.next() ? cursor.id : minStreamId;
  }

  /** The id of the first entry, deleted ones that are still in their node included; the largest id if there is none. */
  firstStoredId(): StreamId {
    return this.#nodes.first?.id ?? maxStreamId;
  }

  /** How many nodes Redis's radix tree of the nodes' ids would have, which XINFO shows. O(nodes). */
  radixTreeNodes(): number {
    return countRadixNodes(this.#nodes);
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  /** The consumer groups in the order of their names. O(n log n). */
  groups(): ConsumerGroup[] {
    return byName(this.#groups.values());
  }

  group(name: string): ConsumerGroup | undefined {
    return this.#groups.get(name);
  }

  /** A new group that has read up to `lastId`; undefined if there is one of that name. */
  createGroup(name: string, lastId: StreamId, entriesRead = UNKNOWN_ENTRIES_READ): ConsumerGroup | undefined {
    if (this.#groups.has(name)) return undefined;
    const group = new ConsumerGroup(name, lastId, entriesRead, this.#heap);
    this.#groups.set(name, group);
    return group;
  }

  /** Removes a group with all its consumers; false if there is none. */
  destroyGroup(name: string): boolean {
    this.#groups.get(name)?.release();
    return this.#groups.delete(name);
  }

  /**
   * Moves `group` on to `id`, an entry that is being delivered, if it lies ahead; true if so. Its counter goes on counting
   * where nothing behind its last id has been trimmed or deleted, and is found anew where something has.
   */
  advance(group: ConsumerGroup, id: StreamId): boolean {
    if (compareIds(id, group.lastId) <= 0) return false;
    const isNext = group.entriesRead !== UNKNOWN_ENTRIES_READ &&
      compareIds(group.lastId, this.#firstId) >= 0 && !this.#hasDeletedFrom(group.lastId);
    if (isNext) group.entriesRead++;
    else if (this.entriesAdded > 0) group.entriesRead = this.entriesUpTo(id);
    group.lastId = id;
    return true;
  }

  /** How many entries `group` has not read yet, or undefined if deletions make that unknowable. */
  lag(group: ConsumerGroup): number | undefined {
    if (this.#length === 0) return 0;
    // What has gone lies before the first entry, and so does what has been read: all there is is left.
    if (compareIds(group.lastId, this.#firstId) < 0 && this.#isWhole) return this.#length;
    const known = group.entriesRead !== UNKNOWN_ENTRIES_READ && !this.#hasDeletedFrom(group.lastId);
    const read = known ? group.entriesRead : this.entriesUpTo(group.lastId);
    return read === UNKNOWN_ENTRIES_READ ? undefined : this.entriesAdded - read;
  }

  /**
   * How many entries of the stream's whole history have an id up to `id`, or {@linkcode UNKNOWN_ENTRIES_READ}. It is
   * known for the last id, and up to the first entry as long as nothing behind that was deleted.
   */
  entriesUpTo(id: StreamId): number {
    if (this.entriesAdded === 0) return 0;
    const behindLast = compareIds(id, this.lastId);
    if (behindLast === 0 || (this.#length === 0 && behindLast < 0)) return this.entriesAdded;
    const behindFirst = compareIds(id, this.#firstId);
    if (behindLast > 0 || !this.#isWhole || behindFirst > 0) return UNKNOWN_ENTRIES_READ;
    return this.entriesAdded - this.#length + (behindFirst === 0 ? 1 : 0);
  }

  /**
   * Adds a node of an RDB file or a DUMP payload behind all others; `lastId`, `entriesAdded` and `maxDeletedId` are for
   * the caller to set.
   * @return false if the bytes are no well-formed node, or its id or its number of entries cannot be right
   */
  loadNode(id: StreamId, listpack: Uint8Array): boolean {
    const last = this.#nodes.last;
    const node = StreamNode.fromListpack(id, listpack);
    if (node === undefined || (last !== undefined && compareIds(last.id, id) >= 0)) return false;
    this.#addNode(node);
    this.#length += node.live;
    if (isZeroId(this.#firstId)) this.#updateFirstId();
    return true;
  }

  override copy(): StreamValue {
    const stream = new StreamValue(this.#limits);
    for (const node of this.#nodes) stream.#addNode(node.copy());
    for (const group of this.#groups.values()) stream.#groups.set(group.name, group.copy(stream.#heap));
    stream.#length = this.#length;
    stream.#firstId = this.#firstId;
    stream.lastId = this.lastId;
    stream.maxDeletedId = this.maxDeletedId;
    stream.entriesAdded = this.entriesAdded;
    return stream;
  }

  #startNode(id: StreamId, pairs: readonly string[]): StreamNode {
    const full = this.#nodes.last;
    if (full !== undefined) {
      this.#heap.bytes -= full.memoryBytes;
      full.seal();
      this.#heap.bytes += full.memoryBytes;
    }
    const node = StreamNode.create(id, pairs);
    this.#addNode(node);
    return node;
  }

  #addNode(node: StreamNode): void {
    this.#nodes.insert(node);
    this.#heap.bytes += node.memoryBytes;
  }

  #dropNode(node: StreamNode): void {
    this.#nodes.delete(node.id);
    this.#heap.bytes -= node.memoryBytes;
  }

  #isObsolete(node: StreamNode, goal: TrimGoal): boolean {
    if ("maxLength" in goal) return this.#length - node.live >= goal.maxLength;
    return compareIds(node.lastId, goal.minId) < 0;
  }

  /** Deletes entries of the first node until the goal is reached, and returns how many. */
  #trimNode(node: StreamNode, goal: TrimGoal): number {
    const reader = new NodeReader(node);
    const before = this.#length;
    reader.enter(node, false);
    while (reader.next()) {
      if ("maxLength" in goal) {
        if (this.#length <= goal.maxLength) break;
      } else if (compareParts(reader.ms, reader.seq, goal.minId.ms, goal.minId.seq) >= 0) break;
      if (reader.isDeleted) continue;
      node.markDeleted(reader.at);
      this.#length--;
    }
    return before - this.#length;
  }

  #updateFirstId(): void {
    const cursor = this.range(minStreamId, maxStreamId);
    this.#firstId = cursor.next() ? cursor.id : minStreamId;
  }

  /** Whether no entry behind the first one there is has been deleted. */
  get #isWhole(): boolean {
    return isZeroId(this.maxDeletedId) || compareIds(this.maxDeletedId, this.#firstId) < 0;
  }

  /** Whether an entry at or behind `id` may have been deleted. */
  #hasDeletedFrom(id: StreamId): boolean {
    if (this.#length === 0 || isZeroId(this.maxDeletedId)) return false;
    return compareIds(this.#firstId, this.maxDeletedId) <= 0 && compareIds(id, this.maxDeletedId) <= 0;
  }
}

/** Walks the live entries of a range of ids in either direction. The stream must not change while one is in use. */
export class StreamCursor {
  readonly #nodes: IdIndex<StreamNode>;
  readonly #start: StreamId;
  readonly #end: StreamId;
  readonly #reverse: boolean;
  /** Undefined at the end. */
  #reader: NodeReader | undefined;

  constructor(nodes: IdIndex<StreamNode>, start: StreamId, end: StreamId, reverse: boolean) {
    this.#nodes = nodes;
    this.#start = start;
    this.#end = end;
    this.#reverse = reverse;
    const node = nodes.floor(reverse ? end : start) ?? (reverse ? undefined : nodes.first);
    if (node === undefined) return;
    this.#reader = new NodeReader(node);
    this.#reader.enter(node, reverse);
  }

  /** Moves to the next entry; false when there is none left. */
  next(): boolean {
    for (let reader = this.#reader; reader !== undefined; reader = this.#reader) {
      if (!(this.#reverse ? reader.previous() : reader.next())) {
        this.#leave(reader);
      } else if (!reader.isDeleted) {
        const beforeStart = compareParts(reader.ms, reader.seq, this.#start.ms, this.#start.seq) < 0;
        const behindEnd = compareParts(reader.ms, reader.seq, this.#end.ms, this.#end.seq) > 0;
        if (!beforeStart && !behindEnd) return true;
        if (this.#reverse ? beforeStart : behindEnd) this.#reader = undefined;
      }
    }
    return false;
  }

  /** The id of the entry under the cursor. */
  get id(): StreamId {
    return this.#current.id;
  }

  /** How many field-value pairs the entry under the cursor has. */
  get fieldCount(): number {
    return this.#current.fieldCount;
  }

  /** Names and values of the entry under the cursor in turn. */
  writePairs(sink: TextSink): void {
    this.#current.writePairs(sink);
  }

  get #current(): NodeReader {
    if (this.#reader === undefined) throw new Error("the cursor stands on no entry");
    return this.#reader;
  }

  #leave(reader: NodeReader): void {
    const { id } = reader.node;
    const node = this.#reverse ? this.#nodes.before(id) : this.#nodes.after(id);
    if (node === undefined) this.#reader = undefined;
    else reader.enter(node, this.#reverse);
  }
}

/**
 * The size of a path-compressed tree of 16-byte keys in which a branching node takes one byte of the key, a run of bytes
 * without a branch is one node, and so is the end of each key. It follows from the lengths of the prefixes that
 * neighbours share: each distinct one on the way down is a branch.
 */
function countRadixNodes(nodes: IdIndex<StreamNode>): number {
  if (nodes.size === 0) return 1;
  let count = 0;
  /** Depths of the branches above the current key; -1 stands for the root's missing parent. */
  const branches = [-1];
  /** The deepest node whose way up is not counted yet. */
  let depth = ID_BYTES;
  const climbTo = (parent: number) => {
    count += depth > parent + 1 ? 2 : 1;
    depth = parent;
  };
  let previous: StreamNode | undefined;
  for (const node of nodes) {
    if (previous !== undefined) {
      const shared = sharedBytes(previous.id, node.id);
      while (branches.at(-1)! > shared) climbTo(branches.pop()!);
      climbTo(shared);
      if (branches.at(-1)! < shared) branches.push(shared);
      depth = ID_BYTES;
    }
    previous = node;
  }
  while (branches.length > 0) climbTo(branches.pop()!);
  return count;
}

const ID_BYTES = 16;
const leftWords = new Uint32Array(4), rightWords = new Uint32Array(4);

/** How many leading bytes of the big-endian forms of `a` and `b` are equal. */
function sharedBytes(a: StreamId, b: StreamId): number {
  idWords(a, leftWords);
  idWords(b, rightWords);
  for (let i = 0; i < 4; i++) {
    const difference = leftWords[i]! ^ rightWords[i]!;
    if (difference !== 0) return 4 * i + (Math.clz32(difference) >>> 3);
  }
  return ID_BYTES;
}
