/**
 * The stream of commands that replicas follow, as far as it is still held: the backlog of
 * `repl-backlog-size`, and the bytes not yet sent to slow replicas. All replicas read the same
 * bytes, each from its own position, so a command is stored once regardless of the number of
 * replicas (Redis 7's shared replication buffer).
 *
 * A position counts bytes since the history began. The bytes held are [first, end); `end` is
 * `master_repl_offset`. Redis numbers bytes from 1: PSYNC's offset N is position N - 1 here.
 *
 *     | gone | held: blocks of the stream, oldest first            |
 *     0      first          position of a replica                  end
 */
import { allocateBytes, copyBytes } from "../util/bytes.ts";
import type { ReplyWriter } from "../protocol/reply_writer.ts";

const SMALLEST_BLOCK = 16_384;
/** Blocks are at most this fraction of the backlog, so that it can be trimmed close to its size. */
const BLOCKS_PER_BACKLOG = 16;

interface Block {
  /** Position of its first byte. */
  readonly start: number;
  readonly buf: Uint8Array;
  used: number;
}

/** See the head of this file. */
export class ReplicationStream {
  /** Position behind the last byte. */
  end = 0;
  /** True while the stream is recorded. */
  isActive = false;
  /** Bytes of all blocks. */
  memoryBytes = 0;
  #blocks: Block[] = [];

  /** Position of the first byte held. */
  get first(): number {
    return this.#blocks[0]?.start ?? this.end;
  }

  /** Bytes held. */
  get length(): number {
    return this.end - this.first;
  }

  /** Starts recording at `position`. */
  begin(position: number): void {
    this.close();
    this.isActive = true;
    this.end = position;
  }

  /** Drops all bytes and stops recording. The position stays. */
  close(): void {
    this.isActive = false;
    this.#blocks = [];
    this.memoryBytes = 0;
  }

  /** True if the bytes from `position` on are held. */
  holds(position: number): boolean {
    return this.isActive && position >= this.first && position <= this.end;
  }

  /** @param backlogBytes `repl-backlog-size` */
  append(buf: Uint8Array, start: number, end: number, backlogBytes: number): void {
    for (let at = start; at < end;) {
      let block = this.#blocks.at(-1);
      if (block === undefined || block.used === block.buf.length) {
        block = this.#addBlock(end - at, backlogBytes);
      }
      const size = Math.min(end - at, block.buf.length - block.used);
      copyBytes(block.buf, block.used, buf, at, at + size);
      block.used += size;
      this.end += size;
      at += size;
    }
  }

  #addBlock(need: number, backlogBytes: number): Block {
    const largest = Math.max(SMALLEST_BLOCK, Math.floor(backlogBytes / BLOCKS_PER_BACKLOG));
    const size = Math.min(Math.max(need, SMALLEST_BLOCK), largest);
    const block = { start: this.end, buf: allocateBytes(size), used: 0 };
    this.#blocks.push(block);
    this.memoryBytes += size;
    return block;
  }

  /**
   * Drops the oldest blocks that are no longer needed.
   *
   * @param backlogBytes number of bytes kept for replicas that come back
   * @param neededFrom the bytes from this position on have not been sent to all replicas
   */
  trim(backlogBytes: number, neededFrom: number): void {
    let count = 0;
    for (const { start, used } of this.#blocks) {
      const end = start + used;
      if (end > neededFrom || this.end - end < backlogBytes) break;
      count++;
    }
    if (count === 0) return;
    for (const { buf } of this.#blocks.splice(0, count)) this.memoryBytes -= buf.length;
  }

  /**
   * Copies at most `limit` bytes from `position` on; returns their number. O(log n) for n blocks.
   */
  copyTo(writer: ReplyWriter, position: number, limit: number): number {
    let copied = 0;
    for (let i = this.#blockAt(position); i < this.#blocks.length && copied < limit; i++) {
      const { start, buf, used } = this.#blocks[i]!;
      const from = position + copied - start, size = Math.min(used - from, limit - copied);
      writer.raw(buf, from, from + size);
      copied += size;
    }
    return copied;
  }

  /** Index of the block that holds `position`. */
  #blockAt(position: number): number {
    let low = 0, high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1, { start, used } = this.#blocks[middle]!;
      if (start + used <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
