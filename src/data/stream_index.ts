/**
 * An ordered map from stream ids to items that carry their id: the nodes of a stream, the pending entries of a group
 * and of a consumer.
 *
 * The items lie in id order in an array of chunks of at most {@linkcode CHUNK_ITEMS}: a two-level B-tree. A look-up is
 * two binary searches; a change moves the items of one chunk, and rarely the chunk list, which are block moves. Since
 * ids mostly arrive in order and leave from the front, a chunk that overflows at its end stays full and a new one is
 * begun; one that overflows elsewhere is halved; and small neighbours are joined when one shrinks.
 */
import { compareIds, type StreamId } from "./stream_id.ts";

const CHUNK_ITEMS = 128;

/** What can be put into an {@linkcode IdIndex}. */
export interface Identified {
  readonly id: StreamId;
}

/** How many items of `chunk`, sorted by id, lie before `id`, or, with `inclusive`, not behind it. */
function countBefore(chunk: readonly Identified[], id: StreamId, inclusive: boolean): number {
  let low = 0, high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareIds(chunk[middle]!.id, id);
    if (order < 0 || (inclusive && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Values in the order of their ids. See the head of this file. */
export class IdIndex<T extends Identified> {
  /** Never an empty chunk in it. */
  #chunks: T[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The item with the smallest id. */
  get first(): T | undefined {
    return this.#chunks[0]?.[0];
  }

  /** The item with the largest id. */
  get last(): T | undefined {
    return this.#chunks.at(-1)?.at(-1);
  }

  /** The item of `id`. O(log n). */
  get(id: StreamId): T | undefined {
    const item = this.floor(id);
    return item !== undefined && compareIds(item.id, id) === 0 ? item : undefined;
  }

  /** The last item at or before `id`. O(log n). */
  floor(id: StreamId): T | undefined {
    return this.#before(id, true);
  }

  /** The last item before `id`. O(log n). */
  before(id: StreamId): T | undefined {
    return this.#before(id, false);
  }

  /** The first item at or behind `id`. O(log n). */
  ceiling(id: StreamId): T | undefined {
    return this.#behind(id, false);
  }

  /** The first item behind `id`. O(log n). */
  after(id: StreamId): T | undefined {
    return this.#behind(id, true);
  }

  /** Puts `item` in its place; no item of its id may be there yet. O(log n), O(1) at the end. */
  insert(item: T): void {
    this.#size++;
    const last = this.last;
    if (last === undefined || compareIds(last.id, item.id) < 0) return this.#append(item);
    const at = this.#chunkOf(item.id);
    const chunk = this.#chunks[at]!;
    chunk.splice(countBefore(chunk, item.id, false), 0, item);
    if (chunk.length > CHUNK_ITEMS) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK_ITEMS >> 1));
  }

  /** Takes the item of `id` out and returns it. O(log n). */
  delete(id: StreamId): T | undefined {
    if (this.#size === 0) return undefined;
    const at = this.#chunkOf(id);
    const chunk = this.#chunks[at]!;
    const offset = countBefore(chunk, id, false);
    const item = chunk[offset];
    if (item === undefined || compareIds(item.id, id) !== 0) return undefined;
    chunk.splice(offset, 1);
    this.#size--;
    this.#join(at);
    return item;
  }

  /** Every item in id order. The index must not change meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  #append(item: T): void {
    const chunk = this.#chunks.at(-1);
    if (chunk === undefined || chunk.length === CHUNK_ITEMS) this.#chunks.push([item]);
    else chunk.push(item);
  }

  /** Removes chunk `at` if it is empty, or joins it with the one behind it if both are small. */
  #join(at: number): void {
    const chunk = this.#chunks[at]!, next = this.#chunks[at + 1];
    if (chunk.length === 0) {
      this.#chunks.splice(at, 1);
    } else if (next !== undefined && chunk.length + next.length <= CHUNK_ITEMS >> 1) {
      chunk.push(...next);
      this.#chunks.splice(at + 1, 1);
    }
  }

  /** The last chunk that begins at or before `id`, or the first one. The index must not be empty. */
  #chunkOf(id: StreamId): number {
    const chunks = this.#chunks;
    let low = 0, high = chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (compareIds(chunks[middle]![0]!.id, id) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #before(id: StreamId, inclusive: boolean): T | undefined {
    if (this.#size === 0) return undefined;
    const at = this.#chunkOf(id);
    const chunk = this.#chunks[at]!;
    const count = countBefore(chunk, id, inclusive);
    return count > 0 ? chunk[count - 1] : this.#chunks[at - 1]?.at(-1);
  }

  #behind(id: StreamId, exclusive: boolean): T | undefined {
    if (this.#size === 0) return undefined;
    const at = this.#chunkOf(id);
    const chunk = this.#chunks[at]!;
    const count = countBefore(chunk, id, exclusive);
    return count < chunk.length ? chunk[count] : this.#chunks[at + 1]?.[0];
  }
}
