/**
 * A large keyspace does not fit into the processor's caches, and a look-up waits for memory twice:
 * for its slot of the index, and for the record that this names. Of a pipeline, and of a command
 * with many keys, it is known beforehand which keys come, so that the waits can overlap. (Valkey
 * prefetches for the commands of several clients in the same way.)
 */
import type { Database } from "../keyspace/database.ts";
import { hashOf } from "../keyspace/key.ts";
import type { CommandBatch } from "../protocol/command_batch.ts";
import { Args } from "./args.ts";

/** Keys that are touched together, and commands of a pipeline for which this is done at once. */
export const LOOK_AHEAD = 16;
/** With fewer keys than this the processor's caches hold all that matters. */
const CACHED_KEYS = 20_000;
/** A longer argument is hardly a key. */
const LONGEST_BYTES = 128;

/** See the head of this file. */
export class LookAhead {
  readonly #args = new Args();
  readonly #hashes = new Int32Array(LOOK_AHEAD);
  /** Starts and ends of names, in turn. */
  readonly #names = new Int32Array(2 * LOOK_AHEAD);

  /**
   * Touches the keys of the next {@linkcode LOOK_AHEAD} commands of `batch`, taking the first
   * argument for the key; if they all are for one key, its parts, taking the second argument for
   * their names.
   */
  touch(database: Database, batch: CommandBatch, from: number): void {
    const to = Math.min(batch.count, from + LOOK_AHEAD);
    if (to - from < 2) return;
    if (this.#haveSameKey(batch, from, to - 1)) return this.#touchParts(database, batch, from, to);
    if (database.size < CACHED_KEYS) return;
    const args = this.#args;
    let count = 0;
    for (let i = from; i < to; i++) {
      args.point(batch, i);
      if (args.count > 1) count = this.#note(args, 1, count);
    }
    database.touch(this.#hashes, count);
  }

  /**
   * True if two commands of a batch, and so probably those between them, have the same first
   * argument.
   */
  #haveSameKey(batch: CommandBatch, one: number, another: number): boolean {
    const args = this.#args;
    args.point(batch, one);
    if (args.count < 3) return false;
    const start = args.start(1), length = args.length(1);
    args.point(batch, another);
    if (args.count < 3 || args.length(1) !== length || length > LONGEST_BYTES) return false;
    const other = args.start(1);
    for (let i = 0; i < length; i++) if (batch.buf[start + i] !== batch.buf[other + i]) return false;
    return true;
  }

  #touchParts(database: Database, batch: CommandBatch, from: number, to: number): void {
    const args = this.#args, names = this.#names;
    args.point(batch, from);
    const value = database.largeCollection(args.key(1));
    if (value === undefined) return;
    let count = 0;
    for (let i = from; i < to; i++) {
      args.point(batch, i);
      if (args.count < 3 || args.length(2) > LONGEST_BYTES) continue;
      names[2 * count] = args.start(2);
      names[2 * count + 1] = args.end(2);
      count++;
    }
    value.touch(batch.buf, names, count);
  }

  /**
   * Touches the next {@linkcode LOOK_AHEAD} keys of a command: argument `from` and each `step`th
   * one behind it.
   */
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
