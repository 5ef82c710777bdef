/**
 * Snapshots without fork: the exact state of one instant, written while the server keeps running.
 *
 * The keys of a database are divided by their hash, into tables and these into buckets. A walk writes table after table, in
 * slices of under a millisecond between which clients are served. Before a key changes, {@linkcode Snapshot.beforeChange}
 * is told; if its bucket has not been written yet, it is written now, in its old state, and marked, so that the walk will
 * pass over it. Each bucket is thus written exactly once, and always as it was when the snapshot began: whatever came
 * into being since then belongs to a bucket that was written before. (Dragonfly's snapshots work in this way, with
 * versions in the buckets of its table; here the marks are a bit a bucket.)
 *
 * A large collection is written in steps, over several slices. While one is under way, keys that must be written at
 * once go to a second output, which is appended behind it. Should the very collection change that is half written or
 * waits for its turn, it is finished first; that is the one case in which a write waits for more than a bucket.
 *
 * FLUSHALL hands the old content of a database over as a whole, so that it costs nothing here: the
 * walk continues in it.
 */
import type { CollectionValue } from "../../data/value.ts";
import { ValueType } from "../../data/value.ts";
import { type ChangeObserver, type Database, NO_EXPIRY } from "../../keyspace/database.ts";
import { BUCKET_COUNT, bucketOf, TABLE_COUNT, tableOf } from "../../keyspace/index.ts";
import { Slice } from "../../keyspace/slice.ts";
import { allocateBytes } from "../../util/bytes.ts";
import type { KeyAttributes } from "../rdb/rdb_reader.ts";
import type { DatabaseSize, SnapshotFormat, SnapshotOutput } from "../json/snapshot_format.ts";

/** Takes the bytes of a snapshot, in order. */
export interface SnapshotSink {
  write(bytes: Uint8Array): void;
}

/** Values to save of a record's access clock; -1 for a value that is not saved. */
export interface ClockReader {
  idleSeconds(clock: number): number;
  frequency(clock: number): number;
}

/** A clock reader that saves nothing. */
export const noClocks: ClockReader = { idleSeconds: () => -1, frequency: () => -1 };

/** Bytes gathered before they go to the sink. */
const CHUNK_BYTES = 65_536;
/** Collections of more elements are written in steps. */
const LARGE_ELEMENTS = 128;
/** Tables of more keys are walked bucket by bucket. */
const LARGE_TABLE = 256;

/** A large collection that waits to be written. */
interface PendingCollection {
  readonly databaseId: number;
  readonly hash: number;
  readonly key: Slice;
  readonly value: CollectionValue;
  readonly attributes: KeyAttributes;
}

/** Progress of the walk in one database. */
class DatabaseWalk {
  /** Tables before this one are written. */
  table = 0;
  /** In the table being walked, buckets before this one are written. */
  bucket = 0;
  /** A bit for each bucket that was written ahead of the walk. */
  readonly #marks = new Uint32Array(TABLE_COUNT * BUCKET_COUNT / 32);

  /** @param source where the keys are: another database than `live` after a FLUSHALL */
  constructor(readonly id: number, readonly live: Database, public source: Database) {}

  /** True if all keys of that hash are written. */
  hasWritten(hash: number): boolean {
    const table = tableOf(hash), bucket = bucketOf(hash);
    if (table < this.table || (table === this.table && bucket < this.bucket)) return true;
    return this.isMarked(table, bucket);
  }

  isMarked(table: number, bucket: number): boolean {
    const bit = table * BUCKET_COUNT + bucket;
    return (this.#marks[bit >>> 5]! & (1 << (bit & 31))) !== 0;
  }

  mark(table: number, bucket: number): void {
    const bit = table * BUCKET_COUNT + bucket;
    this.#marks[bit >>> 5]! |= 1 << (bit & 31);
  }
}

/** A snapshot being taken. See the head of this file. */
export class Snapshot<Output extends SnapshotOutput = SnapshotOutput> implements ChangeObserver {
  /** Keys written so far, and how many there were when the snapshot began. */
  keysWritten = 0;
  readonly keysTotal: number;
  readonly #walks: DatabaseWalk[];
  readonly #main: Output;
  /** Output for keys while a collection is half written to the main output. */
  readonly #aside: Output;
  #walkIndex = 0;
  readonly #pending: PendingCollection[] = [];
  #current: { readonly of: PendingCollection; readonly steps: Generator<void, void, void> } | null = null;
  readonly #key = new Slice();
  readonly #value = new Slice();
  readonly #attributes: KeyAttributes = { expiresAtMs: -1, idleSeconds: -1, frequency: -1 };

  /**
   * The snapshot is of this instant. {@linkcode Snapshot.watch} unless it is written before anything can change, then
   * call {@linkcode Snapshot.step} until it returns true: all is written.
   */
  constructor(
    databases: readonly Database[],
    readonly format: SnapshotFormat<Output>,
    readonly sink: SnapshotSink,
    readonly clocks: ClockReader = noClocks,
  ) {
    this.#main = format.output;
    this.#aside = format.newOutput();
    this.#walks = databases.map((database, id) => new DatabaseWalk(id, database, database))
      .filter(({ live }) => live.size > 0);
    this.keysTotal = this.#walks.reduce((sum, { live }) => sum + live.size, 0);
    format.begin(this.#walks.map(({ id, live }): DatabaseSize => ({
      id,
      keys: live.size,
      expiring: live.volatileSize,
    })));
  }

  /** Begins to save records about to change. No other snapshot may be watching. */
  watch(): void {
    for (const { live } of this.#walks) live.observer = this;
  }

  /** Bytes that wait for the sink. */
  get pendingBytes(): number {
    return this.#main.length + this.#aside.length;
  }

  /**
   * Writes until `isOver` returns true, or all is written.
   *
   * @returns true if all is written. Throws the sink's errors; then {@linkcode Snapshot.release} it
   */
  step(isOver: () => boolean): boolean {
    do {
      if (!this.#advance()) {
        this.#finish();
        return true;
      }
      if (this.#main.length >= CHUNK_BYTES) this.#drain();
    } while (!isOver());
    return false;
  }

  /** Watches the databases no longer. */
  release(): void {
    for (const { live, source } of this.#walks) {
      if (live.observer === this) live.observer = null;
      if (source !== live) source.clear();
    }
  }

  beforeChange(database: Database, hash: number): void {
    const walk = this.#walkOf(database);
    // After a FLUSHALL the database holds nothing that belongs to the snapshot.
    if (walk === undefined || walk.source !== database) return;
    if (!walk.hasWritten(hash)) {
      const table = tableOf(hash), bucket = bucketOf(hash);
      walk.mark(table, bucket);
      this.#writeBucket(walk, table, bucket);
    }
    if (this.#current !== null || this.#pending.length > 0) this.#writePending(walk, hash);
  }

  beforeClear(database: Database, removed: Database): void {
    const walk = this.#walkOf(database);
    if (walk?.source === database) walk.source = removed;
    else removed.clear();
  }

  #walkOf(database: Database): DatabaseWalk | undefined {
    for (const walk of this.#walks) if (walk.live === database) return walk;
    return undefined;
  }

  /** Does the next small piece of work; false when there is none. */
  #advance(): boolean {
    if (this.#current !== null || this.#pending.length > 0) {
      this.#stepCollection();
      return true;
    }
    const walk = this.#walks[this.#walkIndex];
    if (walk === undefined) return false;
    if (walk.table === TABLE_COUNT) this.#walkIndex++;
    else this.#walkTable(walk);
    return true;
  }

  #walkTable(walk: DatabaseWalk): void {
    const { source, table } = walk;
    const count = source.countIn(table);
    if (count > LARGE_TABLE) {
      const bucket = walk.bucket++;
      if (!walk.isMarked(table, bucket)) this.#writeBucket(walk, table, bucket);
      if (walk.bucket < BUCKET_COUNT) return;
    } else if (count > 0) {
      const from = walk.bucket;
      walk.bucket = BUCKET_COUNT;
      source.forEachIn(table, (ref) => {
        const bucket = bucketOf(source.hashOf(ref));
        if (bucket >= from && !walk.isMarked(table, bucket)) this.#writeKey(walk, ref);
      });
    }
    walk.table++;
    walk.bucket = 0;
  }

  #writeBucket(walk: DatabaseWalk, table: number, bucket: number): void {
    walk.source.forEachInBucket(table, bucket, (ref) => this.#writeKey(walk, ref));
  }

  #writeKey(walk: DatabaseWalk, ref: number): void {
    const { source, id } = walk, { format } = this;
    this.keysWritten++;
    const clock = source.clockOf(ref), expiresAtMs = source.expiryOf(ref);
    const attributes = this.#attributes;
    attributes.expiresAtMs = expiresAtMs === NO_EXPIRY ? -1 : expiresAtMs;
    attributes.idleSeconds = this.clocks.idleSeconds(clock);
    attributes.frequency = this.clocks.frequency(clock);
    const key = source.readKey(ref, this.#key);
    format.output = this.#current === null ? this.#main : this.#aside;
    if (source.typeOf(ref) === ValueType.String) {
      return format.string(id, key, source.readString(ref, this.#value), attributes);
    }
    const value = source.collectionOf(ref);
    if (value.size <= LARGE_ELEMENTS) runToEnd(format.collection(id, key, value, attributes));
    else this.#pending.push(pendingCopy(id, source.hashOf(ref), key, value, attributes));
  }

  #stepCollection(): void {
    if (this.#current === null) {
      const next = this.#pending.shift();
      if (next === undefined) return;
      this.#current = { of: next, steps: this.#stepsOf(next, this.#main) };
    }
    if (this.#current.steps.next().done) this.#endCollection();
  }

  #stepsOf(collection: PendingCollection, output: Output): Generator<void, void, void> {
    const { databaseId, key, value, attributes } = collection;
    this.format.output = output;
    return this.format.collection(databaseId, key, value, attributes);
  }

  #endCollection(): void {
    this.#current = null;
    if (this.#aside.length === 0) return;
    this.#main.raw(this.#aside.view());
    this.#aside.clear();
  }

  /** Writes the large collections of that hash which have not been written to their end. */
  #writePending(walk: DatabaseWalk, hash: number): void {
    const isDue = (of: PendingCollection) => of.hash === hash && of.databaseId === walk.id;
    if (this.#current !== null && isDue(this.#current.of)) {
      runToEnd(this.#current.steps);
      this.#endCollection();
    }
    for (let i = this.#pending.length - 1; i >= 0; i--) {
      if (!isDue(this.#pending[i]!)) continue;
      const [collection] = this.#pending.splice(i, 1);
      runToEnd(this.#stepsOf(collection!, this.#current === null ? this.#main : this.#aside));
    }
  }

  #drain(): void {
    const bytes = this.#main.view();
    this.format.checked(bytes);
    this.sink.write(bytes);
    this.#main.clear();
  }

  #finish(): void {
    this.release();
    this.format.output = this.#main;
    this.format.end();
    this.#drain();
    const trailer = this.format.trailer();
    if (trailer.length > 0) this.sink.write(trailer);
  }
}

function runToEnd(steps: Generator<void, void, void>): void {
  while (!steps.next().done);
}

/** A value written later, with a key of its own: the record may move meanwhile. */
function pendingCopy(
  databaseId: number,
  hash: number,
  key: Slice,
  value: CollectionValue,
  attributes: KeyAttributes,
): PendingCollection {
  const bytes = allocateBytes(key.length);
  bytes.set(key.view());
  return {
    databaseId,
    hash,
    key: new Slice().point(bytes, 0, bytes.length),
    value,
    attributes: { ...attributes },
  };
}
