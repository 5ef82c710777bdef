/**
 * Snapshots on their way into files: one at a time, in slices beside the server's work, or in one go.
 *
 * A snapshot goes to a temporary file; when its last byte is on the disk, the one who ordered it puts the file into its
 * place. Nothing refers to it before.
 */
import { setImmediate } from "node:timers";
import type { Database } from "../keyspace/database.ts";
import type { Clock } from "../util/clock.ts";
import { type FileHandle, type FileSystem, writeAll } from "./files.ts";
import { type ClockReader, Snapshot } from "./snapshot.ts";
import type { SnapshotFormat } from "./snapshot_format.ts";

/** The longest a slice holds the event loop, in microseconds; one more bucket or step may follow. */
const SLICE_US = 800;

/** What a job is for. */
export type JobKind = "rdb" | "aof" | "json" | "replica";

/** A snapshot to be written to a file. */
export interface SnapshotOrder {
  readonly kind: JobKind;
  /** The temporary file. */
  readonly path: string;
  readonly format: SnapshotFormat;
  readonly clocks: ClockReader;
}

/** A snapshot and the file it goes to. */
class FileJob {
  readonly #file: FileHandle;
  readonly snapshot: Snapshot;

  constructor(readonly files: FileSystem, readonly order: SnapshotOrder, databases: readonly Database[]) {
    const file = this.#file = files.openWrite(order.path);
    try {
      const sink = { write: (bytes: Uint8Array) => writeAll(file, bytes) };
      this.snapshot = new Snapshot(databases, order.format, sink, order.clocks);
    } catch (error) {
      file.closeSync();
      throw error;
    }
  }

  async sync(): Promise<void> {
    await this.#file.sync();
    this.#file.closeSync();
  }

  syncNow(): void {
    this.#file.syncSync();
    this.#file.closeSync();
  }

  /** Leaves nothing behind, as far as the disk allows. */
  drop(): void {
    this.snapshot.release();
    try {
      this.#file.closeSync();
      this.files.unlinkSync(this.order.path);
    } catch {
      // A temporary file more is the least of the troubles of a disk that cannot write; the next job empties it.
    }
  }
}

/** A job in the background. */
export interface RunningJob {
  readonly kind: JobKind;
  readonly snapshot: Snapshot;
  readonly startedMs: number;
}

export class SnapshotJobs {
  /** How many jobs have begun in the background: what Redis counts as forks. */
  begun = 0;
  #current: (RunningJob & { readonly file: FileJob; readonly onEnd: (error: unknown) => void }) | null = null;

  /** @param later runs a function when the event loop has served what waits */
  constructor(
    readonly files: FileSystem,
    readonly clock: Clock,
    readonly databases: () => readonly Database[],
    readonly later: (slice: () => void) => void = (slice) => void setImmediate(slice),
    /** `rdb-key-save-delay`: microseconds to wait for each key written, for tests of what happens meanwhile. */
    readonly keyDelayUs: () => number = () => 0,
  ) {}

  /** The job in the background, or null. */
  get current(): RunningJob | null {
    return this.#current;
  }

  /**
   * Begins a snapshot of this instant in the background. There must be none yet. Throws FileError if its file cannot be
   * made.
   *
   * @param onEnd called with null when all is on the disk, else with what went wrong; undefined if it was aborted
   */
  start(order: SnapshotOrder, onEnd: (error: unknown) => void): void {
    const file = new FileJob(this.files, order, this.databases());
    file.snapshot.watch();
    this.begun++;
    this.#current = {
      kind: order.kind,
      snapshot: file.snapshot,
      startedMs: this.clock.nowMs(),
      file,
      onEnd,
    };
    this.later(() => this.#slice(file));
  }

  /** Writes a snapshot of this instant in one go. Throws FileError. */
  runNow(order: SnapshotOrder): void {
    const file = new FileJob(this.files, order, this.databases());
    try {
      file.snapshot.step(() => false);
      file.syncNow();
    } catch (error) {
      file.drop();
      throw error;
    }
  }

  /** Gives the job in the background up. */
  abort(): void {
    const job = this.#current;
    if (job === null) return;
    this.#current = null;
    job.file.drop();
    job.onEnd(undefined);
  }

  #slice(file: FileJob): void {
    if (this.#current?.file !== file) return;
    const delayUs = this.keyDelayUs(), before = file.snapshot.keysWritten;
    const endUs = this.clock.monotonicUs() + (delayUs > 0 ? 0 : SLICE_US);
    try {
      if (file.snapshot.step(() => this.clock.monotonicUs() >= endUs)) void this.#settle(file);
      else this.#continue(file, delayUs * (file.snapshot.keysWritten - before));
    } catch (error) {
      this.#end(file, error);
    }
  }

  #continue(file: FileJob, delayUs: number): void {
    const slice = () => this.#slice(file);
    if (delayUs <= 0) this.later(slice);
    else setTimeout(slice, delayUs / 1000);
  }

  async #settle(file: FileJob): Promise<void> {
    try {
      await file.sync();
      this.#end(file, null);
    } catch (error) {
      this.#end(file, error);
    }
  }

  #end(file: FileJob, error: unknown): void {
    const job = this.#current;
    if (job?.file !== file) return;
    this.#current = null;
    if (error !== null) file.drop();
    job.onEnd(error);
  }
}
