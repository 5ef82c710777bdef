/**
 * Snapshots on their way into files or to replicas: one at a time, in slices beside the server's work, or in one go.
 *
 * A snapshot for the disk goes to a temporary file; when its last byte is there, the caller that
 * ordered it puts the file into its place. Nothing refers to it before.
 */
import type { Database } from "../../keyspace/database.ts";
import type { Clock } from "../../util/clock.ts";
import { type FileHandle, type FileSystem, writeAll } from "../files.ts";
import { type ClockReader, Snapshot, type SnapshotSink } from "./snapshot.ts";
import type { SnapshotFormat } from "../json/snapshot_format.ts";

/** The longest a slice holds the event loop, in microseconds; one more bucket or step may follow. */
const SLICE_US = 600;

/** Purpose of a job. */
export type JobKind = "rdb" | "aof" | "json" | "replica";

/** Content of a snapshot. */
export interface SnapshotContent {
  readonly kind: JobKind;
  readonly format: SnapshotFormat;
  readonly clocks: ClockReader;
  /** Only the head in front of the keys is written. */
  readonly withoutKeys?: boolean;
}

/** A snapshot to be written to a file. */
export interface SnapshotOrder extends SnapshotContent {
  /** The temporary file. */
  readonly path: string;
}

/** Destination of the bytes of a job. */
export interface JobTarget extends SnapshotSink {
  /** All is written: resolves when it is safe where it belongs. */
  sync(): Promise<void>;
  syncNow(): void;
  /** The job is given up: nothing is left behind. */
  drop(): void;
  /** Resolves when more may be written; left out, it may always. */
  room?(): Promise<void>;
}

class FileTarget implements JobTarget {
  readonly #file: FileHandle;

  constructor(readonly files: FileSystem, readonly path: string) {
    this.#file = files.openWrite(path);
  }

  write(bytes: Uint8Array): void {
    writeAll(this.#file, bytes);
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
    try {
      this.#file.closeSync();
      this.files.unlinkSync(this.path);
    } catch {
      // A temporary file more is the least of the troubles of a disk that cannot write; the next job empties it.
    }
  }
}

/** A snapshot and where it goes. */
class Job {
  readonly snapshot: Snapshot;
  /** Keys whose `rdb-key-save-delay` has been waited for. */
  keysWaitedFor = 0;

  constructor(readonly target: JobTarget, content: SnapshotContent, databases: readonly Database[]) {
    try {
      const chosen = content.withoutKeys === true ? [] : databases;
      this.snapshot = new Snapshot(chosen, content.format, target, content.clocks);
    } catch (error) {
      target.drop();
      throw error;
    }
  }

  drop(): void {
    this.snapshot.release();
    this.target.drop();
  }
}

/** A job in the background. */
export interface RunningJob {
  readonly kind: JobKind;
  readonly snapshot: Snapshot;
  readonly startedMs: number;
}

/** Runs snapshots. See the head of this file. */
export class SnapshotJobs {
  /** Number of jobs begun in the background; Redis counts them as forks. */
  begun = 0;
  /** A job is about to begin: the file for writes meanwhile is being prepared. */
  isReserved = false;
  #current: (RunningJob & { readonly job: Job; readonly onEnd: (error: unknown) => void }) | null = null;

  /** @param later runs a function after the event loop has served waiting events */
  constructor(
    readonly files: FileSystem,
    readonly clock: Clock,
    readonly databases: () => readonly Database[],
    readonly later: (slice: () => void) => void = (slice) => void setTimeout(slice, 0),
    /**
     * `rdb-key-save-delay`: microseconds to wait for each key written, for tests of events
     * meanwhile.
     */
    readonly keyDelayUs: () => number = () => 0,
  ) {}

  /** The job in the background, or null. */
  get current(): RunningJob | null {
    return this.#current;
  }

  /** True if another job has to wait. */
  get isBusy(): boolean {
    return this.isReserved || this.#current !== null;
  }

  /**
   * Begins a snapshot of this instant in the background. There must be none yet. Throws FileError if its file cannot be
   * made.
   *
   * @param onEnd called with null when all is on the disk, else with the error; undefined if it was
   * aborted
   */
  start(order: SnapshotOrder, onEnd: (error: unknown) => void): void {
    this.startTo(new FileTarget(this.files, order.path), order, onEnd);
  }

  /** As {@linkcode SnapshotJobs.start}, to somewhere else than a file. */
  startTo(target: JobTarget, content: SnapshotContent, onEnd: (error: unknown) => void): void {
    if (this.#current !== null) {
      throw new Error(`a job for ${content.kind} over one for ${this.#current.kind}`);
    }
    const job = new Job(target, content, this.databases());
    job.snapshot.watch();
    this.begun++;
    this.#current = {
      kind: content.kind,
      snapshot: job.snapshot,
      startedMs: this.clock.nowMs(),
      job,
      onEnd,
    };
    this.later(() => this.#slice(job));
  }

  /** Writes a snapshot of this instant in one go. Throws FileError. */
  runNow(order: SnapshotOrder): void {
    const job = new Job(new FileTarget(this.files, order.path), order, this.databases());
    try {
      job.snapshot.step(() => false);
      job.target.syncNow();
    } catch (error) {
      job.drop();
      throw error;
    }
  }

  /** Gives the job in the background up. */
  abort(): void {
    const current = this.#current;
    if (current === null) return;
    this.#current = null;
    current.job.drop();
    current.onEnd(undefined);
  }

  #slice(job: Job): void {
    if (this.#current?.job !== job) return;
    const { snapshot } = job, delayUs = this.keyDelayUs();
    const endUs = this.clock.monotonicUs() + (delayUs > 0 ? 0 : SLICE_US);
    try {
      const isDone = snapshot.step(() => this.clock.monotonicUs() >= endUs);
      // Keys that were about to change have been written since the last slice, too.
      const waitUs = delayUs * (snapshot.keysWritten - job.keysWaitedFor);
      job.keysWaitedFor = snapshot.keysWritten;
      const next = () => isDone ? void this.#settle(job) : this.#slice(job);
      if (waitUs > 0) setTimeout(next, waitUs / 1000);
      else if (isDone) next();
      else this.#continue(job);
    } catch (error) {
      this.#end(job, error);
    }
  }

  #continue(job: Job): void {
    const slice = () => this.#slice(job), { target } = job;
    if (target.room === undefined) this.later(slice);
    else target.room().then(() => this.later(slice));
  }

  async #settle(job: Job): Promise<void> {
    if (this.#current?.job !== job) return;
    try {
      await job.target.sync();
      this.#end(job, null);
    } catch (error) {
      this.#end(job, error);
    }
  }

  #end(job: Job, error: unknown): void {
    const current = this.#current;
    if (current?.job !== job) return;
    this.#current = null;
    if (error !== null) job.drop();
    current.onEnd(error);
  }
}
