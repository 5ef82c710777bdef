/** BGREWRITEAOF, by command, by growth, or because the append-only file needs a fresh base. */
import { REWRITE_FAILED, REWRITE_IN_PROGRESS } from "../../protocol/errors.ts";
import type { AppendOnlyFile } from "./aof.ts";
import { CommandWriter } from "./command_writer.ts";
import { FileError } from "../files.ts";
import type { SnapshotOrder } from "../snapshot/snapshot_jobs.ts";
import { errorText } from "../../util/error_text.ts";
import type { SaveContext } from "../snapshot/save_context.ts";

/** Failures in a row from which automatic rewrites wait longer and longer. */
const FAILURES_BEFORE_WAITING = 3;
const LONGEST_WAIT_MS = 3_600_000;
/**
 * Longest delay between attempts while writes are refused until a fresh base is there,
 * milliseconds.
 */
const LONGEST_WAIT_IN_NEED_MS = 10_000;

/** See the head of this file. */
export class AofRewriter {
  /** True if the last rewrite succeeded. */
  lastSucceeded = true;
  /** Duration of the last rewrite, in seconds; -1 if there was none. */
  lastSeconds = -1;
  /** Rewrites begun, and failed in a row. */
  rewrites = 0;
  failures = 0;
  isScheduled = false;
  #startedMs = 0;
  #notBeforeMs = 0;

  constructor(readonly context: SaveContext, readonly aof: AppendOnlyFile) {}

  /** True if a rewrite is under way. */
  get isRunning(): boolean {
    return this.context.jobs.isReserved || this.context.jobs.current?.kind === "aof";
  }

  /** Seconds since the rewrite under way began, or -1. */
  get currentSeconds(): number {
    if (!this.isRunning) return -1;
    return Math.floor((this.context.engine.steadyMs - this.#startedMs) / 1000);
  }

  #order(temporary: string): SnapshotOrder {
    const { context } = this;
    const { rdbBase, timestamps } = this.aof.settings;
    const second = timestamps ? Math.floor(context.engine.clock.nowMs() / 1000) : null;
    const format = rdbBase ? context.rdbWriter(true) : new CommandWriter(context.extras.libraries(), second);
    return { kind: "aof", path: temporary, format, clocks: context.clocks() };
  }

  #temporary(): string {
    return this.context.pathOf(`temp-rewriteaof-bg-${this.context.pid}.aof`);
  }

  /** BGREWRITEAOF; the status to reply. */
  rewriteInBackground(insideUnit: boolean, isBusy: boolean): string {
    if (this.isRunning) throw REWRITE_IN_PROGRESS;
    this.failures = 0;
    if (isBusy || insideUnit) {
      this.isScheduled = true;
      return "Background append only file rewriting scheduled";
    }
    this.start();
    if (!this.isRunning) throw REWRITE_FAILED;
    return "Background append only file rewriting started";
  }

  /** Begins a rewrite. There must be no other job. */
  start(): void {
    const { engine } = this.context;
    this.isScheduled = false;
    this.#startedMs = engine.steadyMs;
    this.context.jobs.isReserved = true;
    engine.log.notice(`Background append only file rewriting started by pid ${this.context.pid}`);
    void this.#prepare();
  }

  async #prepare(): Promise<void> {
    // So that little is left to sync at the instant of the snapshot.
    await this.aof.syncInBackground();
    if (!this.context.jobs.isReserved) return;
    this.context.jobs.isReserved = false;
    const temporary = this.#temporary();
    try {
      this.aof.beginRewrite();
      this.context.jobs.start(this.#order(temporary), (error) => this.#ended(temporary, error));
      this.rewrites++;
    } catch (error) {
      this.#failed(error);
    }
  }

  #ended(temporary: string, error: unknown): void {
    const { engine } = this.context;
    this.lastSeconds = Math.floor((engine.steadyMs - this.#startedMs) / 1000);
    if (error === undefined) {
      this.aof.abortRewrite();
      return engine.log.notice("Background AOF rewrite aborted");
    }
    try {
      if (error !== null) throw error;
      engine.log.notice("Background AOF rewrite terminated with success");
      this.aof.commitRewrite(temporary);
    } catch (problem) {
      return this.#failed(problem);
    }
    this.lastSucceeded = true;
    this.failures = 0;
    engine.log.notice("Background AOF rewrite finished successfully");
  }

  #failed(error: unknown): void {
    const { engine } = this.context;
    this.aof.abortRewrite();
    // Commands written meanwhile would be in no file.
    if (this.aof.state === "waiting" && error instanceof FileError) this.aof.refuse(error);
    this.lastSucceeded = false;
    this.failures++;
    this.#notBeforeMs = engine.steadyMs + this.#waitMs();
    engine.log.warning(`Background AOF rewrite terminated with error: ${errorText(error)}`);
  }

  #waitMs(): number {
    const isNeeded = this.aof.state === "waiting";
    if (!isNeeded && this.failures < FAILURES_BEFORE_WAITING) return 0;
    const firstMs = isNeeded ? 500 : 30_000 / 2 ** (FAILURES_BEFORE_WAITING - 1);
    const longestMs = isNeeded ? LONGEST_WAIT_IN_NEED_MS : LONGEST_WAIT_MS;
    return Math.min(longestMs, firstMs * 2 ** this.failures);
  }

  /** Starts a rewrite that is due; called while no job runs. */
  startIfDue(): void {
    const { engine } = this.context, { aof } = this;
    if (engine.steadyMs < this.#notBeforeMs) return;
    if (this.isScheduled || aof.needsBase) return this.start();
    const { autoAofRewritePercentage, autoAofRewriteMinSize } = engine.config.values;
    if (aof.state !== "on" || autoAofRewritePercentage === 0 || aof.currentSize <= autoAofRewriteMinSize) {
      return;
    }
    const base = Math.max(1, aof.rewriteBaseSize);
    const growth = Math.floor(aof.currentSize * 100 / base) - 100;
    if (growth < autoAofRewritePercentage) return;
    engine.log.notice(`Starting automatic rewriting of AOF on ${growth}% growth`);
    this.start();
  }

  /**
   * Begins the append-only file anew with a base of the present data, which has come from elsewhere. Should that fail,
   * writes are refused until it succeeds. There must be no other job.
   */
  startOver(): void {
    if (this.aof.state === "off") return;
    this.aof.startOver();
    const temporary = this.#temporary();
    try {
      this.aof.beginRewrite();
      this.context.jobs.runNow(this.#order(temporary));
      this.aof.commitRewrite(temporary);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Writes the base file that an empty folder begins with. Throws FileError. */
  writeFirstBase(path: string): void {
    this.context.jobs.runNow(this.#order(path));
  }

  /** Gives a rewrite under way up. */
  abort(): void {
    if (this.isRunning) {
      this.context.engine.log.notice(`Killing running AOF rewrite child: ${this.context.pid}`);
    }
    this.context.jobs.isReserved = false;
    this.isScheduled = false;
    if (this.context.jobs.current?.kind === "aof") this.context.jobs.abort();
  }
}
