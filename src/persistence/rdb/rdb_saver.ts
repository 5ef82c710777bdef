/** SAVE, BGSAVE and the save points: the RDB file `dbfilename`. */
import { OTHER_JOB, SAVE_FAILED, SAVE_IN_PROGRESS } from "../../protocol/errors.ts";
import type { SnapshotOrder } from "../snapshot/snapshot_jobs.ts";
import type { SaveContext } from "../snapshot/save_context.ts";
import { errorText } from "../../util/error_text.ts";

/** A failed background save is tried again after this time. */
const RETRY_MS = 5000;

/** See the head of this file. */
export class RdbSaver {
  /** Time of the last save, Unix milliseconds. */
  lastSaveMs = 0;
  /** True if the last background save succeeded. */
  lastSucceeded = true;
  /** Duration of the last background save, in seconds; -1 if there was none. */
  lastSeconds = -1;
  /** SAVEs and background saves begun. */
  saves = 0;
  /** Called when a background save has ended. */
  readonly onEnd: ((succeeded: boolean) => void)[] = [];
  #isScheduled = false;
  /** As `lastSaveMs`, and when a background save last began: `engine.steadyMs`, by which the next one is due. */
  #savedAtMs = 0;
  #lastTryMs = 0;
  #dirtyAtStart = 0;

  constructor(readonly context: SaveContext) {
    this.noteSaved();
  }

  /** Notes that the disk now holds the present data. */
  noteSaved(): void {
    const { engine } = this.context;
    this.lastSaveMs = engine.clock.nowMs();
    this.#savedAtMs = engine.steadyMs;
  }

  #order(temporary: string): SnapshotOrder {
    const { context } = this;
    return { kind: "rdb", path: temporary, format: context.rdbWriter(false), clocks: context.clocks() };
  }

  #temporary(): string {
    return this.context.pathOf(`temp-${this.context.pid}.rdb`);
  }

  /** True if the background job writes an RDB file, or one for replicas. */
  get isRunning(): boolean {
    const kind = this.context.jobs.current?.kind;
    return kind === "rdb" || kind === "replica";
  }

  /** Writes the file before it returns. Throws FileError. */
  saveNow(): void {
    const { engine, jobs } = this.context,
      temporary = this.context.pathOf(`temp-${this.context.pid}.now.rdb`);
    jobs.runNow(this.#order(temporary));
    this.context.moveIntoPlace(temporary, engine.config.values.dbfilename);
    engine.log.notice("DB saved on disk");
    engine.dirty = 0;
    this.noteSaved();
    this.lastSucceeded = true;
  }

  /** SAVE. */
  save(): void {
    if (this.isRunning) throw SAVE_IN_PROGRESS;
    this.saves++;
    try {
      this.saveNow();
    } catch (error) {
      this.context.engine.log.warning(`Error saving DB on disk: ${errorText(error)}`);
      throw SAVE_FAILED;
    }
  }

  /** BGSAVE; the status to reply. */
  saveInBackground(mayWait: boolean, insideUnit: boolean, isBusy: boolean): string {
    if (this.isRunning) throw SAVE_IN_PROGRESS;
    if (isBusy || insideUnit) {
      if (!mayWait && !insideUnit) throw OTHER_JOB;
      this.#isScheduled = true;
      return "Background saving scheduled";
    }
    if (!this.start()) throw SAVE_FAILED;
    return "Background saving started";
  }

  /** Begins a background save; false if that fails, which the log tells. There must be no other job. */
  start(): boolean {
    const { engine, jobs } = this.context, temporary = this.#temporary();
    this.#isScheduled = false;
    this.saves++;
    this.#lastTryMs = engine.steadyMs;
    this.#dirtyAtStart = engine.dirty;
    try {
      jobs.start(this.#order(temporary), (error) => {
        this.#ended(temporary, error);
        for (const tell of this.onEnd) tell(error === null && this.lastSucceeded);
      });
    } catch (error) {
      this.lastSucceeded = false;
      engine.log.warning(`Can't save in background: ${errorText(error)}`);
      return false;
    }
    engine.log.notice(`Background saving started by pid ${this.context.pid}`);
    return true;
  }

  #ended(temporary: string, error: unknown): void {
    const { engine } = this.context;
    if (error === undefined) return engine.log.notice("Background saving aborted");
    try {
      if (error !== null) throw error;
      this.context.moveIntoPlace(temporary, engine.config.values.dbfilename);
    } catch (problem) {
      this.lastSucceeded = false;
      engine.log.warning(`Background saving error: ${errorText(problem)}`);
      return;
    }
    engine.log.notice("DB saved on disk");
    engine.log.notice("Background saving terminated with success");
    engine.dirty -= this.#dirtyAtStart;
    this.noteSaved();
    this.lastSeconds = Math.floor((engine.steadyMs - this.#lastTryMs) / 1000);
    this.lastSucceeded = true;
  }

  /** Starts a save that is due; called while no job runs. */
  startIfDue(): void {
    const { engine } = this.context, { save } = engine.config.values;
    const nowMs = engine.steadyMs;
    if (!this.lastSucceeded && nowMs - this.#lastTryMs <= RETRY_MS) return;
    if (this.#isScheduled) return void this.start();
    for (const { seconds, changes } of save) {
      if (engine.dirty < changes || nowMs - this.#savedAtMs <= seconds * 1000) continue;
      engine.log.notice(`${changes} changes in ${seconds} seconds. Saving...`);
      this.start();
      return;
    }
  }

  /** All keys have gone: the data on the disk must not come back. */
  dataFlushed(): void {
    const { engine, jobs } = this.context;
    if (this.isRunning) jobs.abort();
    if (engine.config.values.save.length === 0) return;
    try {
      this.saveNow();
    } catch (error) {
      engine.log.warning(`Error saving DB on disk: ${errorText(error)}`);
    }
  }

  /** True if writes are to be refused because saving fails. */
  get refusesWrites(): boolean {
    const { save, stopWritesOnBgsaveError } = this.context.engine.config.values;
    return !this.lastSucceeded && stopWritesOnBgsaveError && save.length > 0;
  }
}
