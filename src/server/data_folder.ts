/** Joins persistence to a running server: loading at the start, the cron, the steps at shutdown. */
import { ProgressBar } from "@std/cli/unstable-progress-bar";
import type { EngineLog } from "../engine/ports.ts";
import { EngineGuard } from "../engine/refusals.ts";
import { DataStore, isLoadFault } from "../persistence/data_store.ts";
import { denoFiles } from "../persistence/files.ts";
import { FolderInUseError, FolderLock } from "../persistence/folder_lock.ts";
import { LoadProgress, RdbLoadError } from "../persistence/loading.ts";
import { ManifestError } from "../persistence/aof/manifest.ts";
import { errorText } from "../util/error_text.ts";
import { Scripting } from "../scripting/scripting.ts";
import type { Server } from "./server.ts";

/** Interval at which the log reports the progress of a long load. */
const REPORT_MS = 5000;

/** Reports the progress of a long load in the log and, on a terminal, with a bar. */
export class LoadReport {
  #nextMs: number;
  #bar: ProgressBar | null = null;

  constructor(readonly log: EngineLog, nowMs: number) {
    this.#nextMs = nowMs + REPORT_MS;
  }

  update(progress: LoadProgress): void {
    if (this.#bar === null && progress.elapsedSeconds >= 1 && Deno.stderr.isTerminal()) {
      this.#bar = new ProgressBar({ max: progress.totalBytes, clear: true });
    }
    if (this.#bar !== null) this.#bar.value = progress.loadedBytes;
    if (progress.clock.nowMs() < this.#nextMs) return;
    this.#nextMs += REPORT_MS;
    const { loadedBytes, totalBytes, etaSeconds } = progress;
    const percent = progress.percent.toFixed(1);
    this.log.notice(
      `Loading data: ${percent}% of ${totalBytes} bytes (${loadedBytes}), about ${etaSeconds} seconds to go`,
    );
  }

  async end(): Promise<void> {
    await this.#bar?.stop();
  }
}

/** The log lines for data that cannot be loaded; tools look for the last line of each. */
function reportOf(error: unknown): string[] {
  if (error instanceof ManifestError) return error.report();
  const line = `Fatal error loading the DB: ${errorText(error)}`;
  if (!(error instanceof RdbLoadError)) return [line];
  const where = `Internal error in RDB reading offset ${error.offset}: ${error.message}`;
  return [where, line, "Terminating server after rdb file reading failure."];
}

/** See the head of this file. */
export class Persistence {
  readonly store: DataStore;
  #lock: FolderLock | null = null;
  /** True once the data on disk have been loaded. */
  #isLoaded = false;

  constructor(readonly server: Server, readonly log: EngineLog) {
    this.store = new DataStore(server.engine, denoFiles, Deno.pid);
    Scripting.of(server.engine).libraries.connect(this.store.extras);
    server.tasks.push(() => this.store.tick());
    // Clients may connect before the data are loaded.
    server.engine.setGuard(EngineGuard.Loading, true);
  }

  /** Loads the data on disk and starts writing. False if that fails; the log gives the reason. */
  async start(): Promise<boolean> {
    const { clock } = this.server.engine;
    if (!await this.#lockFolder()) return false;
    const report = new LoadReport(this.log, clock.nowMs());
    try {
      const { values } = this.server.engine.config;
      const progress = new LoadProgress(
        clock,
        (progress) => report.update(progress),
        () => values.keyLoadDelay,
      );
      await this.store.load(progress);
    } catch (error) {
      if (!isLoadFault(error)) throw error;
      for (const line of reportOf(error)) this.log.warning(line);
      return false;
    } finally {
      await report.end();
    }
    this.#isLoaded = true;
    this.server.engine.setGuard(EngineGuard.Loading, false);
    return true;
  }

  /**
   * A server that writes on its own must be the only writer of these files. False if it is not.
   * Servers whose append only files have different names may share a folder, as with redis-server,
   * and then also share its dump file.
   */
  async #lockFolder(): Promise<boolean> {
    const { appendonly, appendfilename, dbfilename, save, dir } = this.server.engine.config.values;
    if (!appendonly && save.length === 0) return true;
    try {
      this.#lock = await FolderLock.take(dir, appendonly ? appendfilename : dbfilename, Deno.pid);
    } catch (error) {
      this.log.warning(errorText(error));
      if (error instanceof FolderInUseError) return false;
      this.log.warning(`The data directory ${dir} cannot be locked: nothing keeps another server out of it.`);
    }
    return true;
  }

  /**
   * At shutdown: makes everything acknowledged durable. Throws if that fails. Until the data on
   * disk have been loaded, nothing has been acknowledged, and nothing may be written: it would
   * replace the data there.
   */
  finish({ save, force }: { save?: boolean; force: boolean }): void {
    if (this.#isLoaded) this.store.finish(save, force);
    this.#lock?.release();
    this.#lock = null;
  }
}
