/**
 * A large keyspace does not fit into the processor's caches, and a look-up waits for memory twice: for its slot of the
 * index, and for the record that this names. Of a pipeline it is known beforehand which keys come, so that the waits can
 * overlap. (Valkey prefetches for the commands of several clients in the same way.)
 */
import type { Database } from "../keyspace/database.ts";
import { hashOf } from "../keyspace/key.ts";
import type { CommandBatch } from "../protocol/request_decoder.ts";
import { Args } from "./args.ts";

/** Commands whose keys are touched together. */
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
      if (args.count < 2 || args.length(1) > LONGEST_BYTES) continue;
      this.#hashes[count++] = hashOf(args.buf, args.start(1), args.end(1));
    }
    database.touch(this.#hashes, count);
  }
}
