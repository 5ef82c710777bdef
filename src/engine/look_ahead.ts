/**
 * A large keyspace does not fit into the processor's caches, and a look-up waits for memory twice: for its slot of the
 * index, and for the record that this names. Of a pipeline, and of a command with many keys, it is known beforehand which
 * keys come, so that the waits can overlap. (Valkey prefetches for the commands of several clients in the same way.)
 */
import type { Database } from "../keyspace/database.ts";
import { hashOf } from "../keyspace/key.ts";
import type { CommandBatch } from "../protocol/request_decoder.ts";
import { Args } from "./args.ts";

/** Keys that are touched together, and commands of a pipeline for which this is done at once. */
export const LOOK_AHEAD = 16;
/** With fewer keys than this the caches hold what matters. */
const CACHED_KEYS = 20_000;
/** A longer argument is hardly a key. */
const LONGEST_BYTES = 128;

export class LookAhead {
  readonly #args = new Args();
  readonly #hashes = new Int32Array(LOOK_AHEAD);

  /** Touches the keys of the next {@linkcode LOOK_AHEAD} commands of `batch`, taking the first argument for the key. */
  touch(database: Database, batch: CommandBatch, from: number): void {
    if (database.size < CACHED_KEYS || batch.count - from < 2) return;
    const args = this.#args, to = Math.min(batch.count, from + LOOK_AHEAD);
    let count = 0;
    for (let i = from; i < to; i++) {
      args.point(batch, i);
      if (args.count > 1) count = this.#note(args, 1, count);
    }
    database.touch(this.#hashes, count);
  }

  /** Touches the next {@linkcode LOOK_AHEAD} keys of a command: argument `from` and each `step`th one behind it. */
  touchKeys(database: Database, args: Args, from: number, step: number): void {
    if (database.size < CACHED_KEYS || from + step >= args.count) return;
    const to = Math.min(args.count, from + step * LOOK_AHEAD);
    let count = 0;
    for (let i = from; i < to; i += step) count = this.#note(args, i, count);
    database.touch(this.#hashes, count);
  }

  #note(args: Args, i: number, count: number): number {
    if (args.length(i) > LONGEST_BYTES) return count;
    this.#hashes[count] = hashOf(args.buf, args.start(i), args.end(i));
    return count + 1;
  }
}
