/**
 * The data of an engine on the disk: loaded at the start, kept in the append-only file, saved as snapshots.
 *
 * This is where the parts of this room meet. It acts when told: {@linkcode DataStore.load} at the start,
 * {@linkcode DataStore.tick} some times a second, {@linkcode DataStore.finish} at the end, commands through the engine's
 * `persistence`.
 */
import { ConfigError } from "../config/errors.ts";
import { ClientFlag } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import type { PersistenceControl } from "../engine/ports.ts";
import { EngineGuard } from "../engine/refusals.ts";
import { MISCONF_RDB, misconfAof, RELOAD_FAILED, ReplyError } from "../protocol/errors.ts";
import { socketsAreAsked } from "../util/event_loop.ts";
import { AofRewriter } from "./aof/aof_rewriter.ts";
import { type AofSettings, AppendOnlyFile } from "./aof/aof.ts";
import { loadAppendOnlyFile } from "./aof/aof_loader.ts";
import { FileError, type FileSystem } from "./files.ts";
import { infoFields } from "./info.ts";
import { SnapshotJobs } from "./snapshot/snapshot_jobs.ts";
import { CommandTarget, KeyspaceTarget, loadRdbFile, type RdbLoadOptions } from "./keyspace_target.ts";
import { load, LoadError, loadNow, LoadProgress, type LoadSteps } from "./loading.ts";
import { ManifestError } from "./aof/manifest.ts";
import { RdbSaver } from "./rdb/rdb_saver.ts";
import { errorText } from "../util/error_text.ts";
import { DEFAULT_SNAPSHOT, JsonSaver, type SnapshotEnd } from "./json/json_saver.ts";
import { SaveContext, type SnapshotExtras } from "./snapshot/save_context.ts";

/** See the head of this file. */
export class DataStore implements PersistenceControl {
  readonly jobs: SnapshotJobs;
  readonly context: SaveContext;
  readonly aof: AppendOnlyFile;
  readonly rdb: RdbSaver;
  readonly rewriter: AofRewriter;
  readonly json: JsonSaver;
  /** The load under way, or null. */
  loading: LoadProgress | null = null;
  keysLoaded = 0;
  keysExpired = 0;
  #isReloading = false;
  /** Commands processed when a slice of a job last ended. */
  #commandsSeen = -1;

  /**
   * @param later runs a function after the event loop has served waiting events; see {@linkcode
   * SnapshotJobs}
   */
  constructor(
    readonly engine: Engine,
    readonly files: FileSystem,
    pid: number,
    later?: (slice: () => void) => void,
  ) {
    const { config, clock, log } = engine;
    this.jobs = new SnapshotJobs(
      files,
      clock,
      () => engine.databases,
      later ?? ((slice) => this.#later(slice)),
      () => config.values.rdbKeySaveDelay,
    );
    this.context = new SaveContext(engine, files, this.jobs, pid);
    this.aof = new AppendOnlyFile(files, clock, log, settingsOf(engine));
    this.aof.onRefusal = () => this.#applyRefusal();
    this.aof.timed = (event, work) => engine.latency.timed(event, work);
    this.rdb = new RdbSaver(this.context);
    this.rewriter = new AofRewriter(this.context, this.aof);
    this.json = new JsonSaver(this.context);
    engine.persistence = engine.disk = this;
    engine.memory.uncounted.push(() => this.aof.pendingBytes);
    engine.memory.others.push(() => this.aof.pendingBytes + (this.jobs.current?.snapshot.pendingBytes ?? 0));
    engine.keys.flushObservers.push((databaseId) => {
      if (databaseId === -1 && !this.#isReloading && this.loading === null) this.rdb.dataFlushed();
    });
    config.onApply("appendonly", (on) => on ? this.#turnOn() : this.#turnOff());
    config.onApply("aofDisableAutoGc", () => this.aof.removeHistory());
    config.onApply("save", () => this.#applyRefusal());
    config.onApply("stopWritesOnBgsaveError", () => this.#applyRefusal());
  }

  /** Bytes that wait to be written to the append-only file. */
  get pendingBytes(): number {
    return this.aof.pendingBytes;
  }

  /** Data that other parts of the server put into snapshots and take from them. */
  get extras(): SnapshotExtras {
    return this.context.extras;
  }

  /** True if a snapshot is being written, or about to be. */
  get isBusy(): boolean {
    return this.jobs.isBusy;
  }

  /**
   * Runs the next slice of a job. While commands come, a timer's millisecond lies before it: sockets are asked for more
   * several times then, and a client meets a slice once in a few requests. Otherwise it comes as soon as they have been asked.
   */
  #later(slice: () => void): void {
    const { commandsProcessed } = this.engine.stats, isQuiet = commandsProcessed === this.#commandsSeen;
    this.#commandsSeen = commandsProcessed;
    if (isQuiet) void socketsAreAsked().then(slice);
    else setTimeout(slice, 0);
  }

  // ---- Start and end ------------------------------------------------------------------------------------------

  /**
   * Loads the data on the disk, and opens the append-only file if there is to be one. Throws
   * {@linkcode LoadError}, ManifestError or FileError if the server must not start.
   */
  async load(progress: LoadProgress): Promise<void> {
    const { appendonly, loadSnapshot } = this.engine.config.values;
    if (loadSnapshot !== "") return this.#loadSnapshot(loadSnapshot, appendonly);
    await this.#loading(progress, async () => {
      await load(this.#loadSteps(progress), progress);
      this.engine.dirty = 0;
      this.rdb.noteSaved();
      if (!appendonly) return;
      // No command may come between the last one of the file and its successor there.
      this.aof.openOnStart((path) => this.rewriter.writeFirstBase(path));
      this.#listen(true);
    });
  }

  /** `--load-snapshot`: the data is that of a readable snapshot, whatever else is on the disk. */
  #loadSnapshot(name: string, appendonly: boolean): void {
    try {
      this.aof.readManifest();
      if (appendonly) this.aof.enable();
      const keys = this.loadReadable(name);
      this.engine.log.notice(`${keys} keys loaded from the snapshot ${name}`);
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      throw new LoadError(error.text.replace(/^ERR /, ""), name, 0);
    }
    if (appendonly) this.#listen(true);
  }

  /** Other data are about to replace these: nothing is written until they are there. */
  suspendWriting(): void {
    this.jobs.abort();
    this.#turnOff();
  }

  /** Resumes writing, if the configuration says so, with the present data. */
  resumeWriting(): void {
    if (this.engine.config.values.appendonly) this.#turnOn();
  }

  /**
   * Loads other data, from elsewhere.
   *
   * @param isBeside true if the present data are served meanwhile
   */
  async loadReplica(
    progress: LoadProgress,
    isBeside: boolean,
    run: (progress: LoadProgress) => Promise<void>,
  ): Promise<void> {
    const { engine } = this;
    if (!isBeside) return await this.#loading(progress, () => run(progress));
    engine.setGuard(EngineGuard.LoadingBeside, true);
    this.loading = progress;
    try {
      await run(progress);
    } finally {
      this.loading = null;
      engine.setGuard(EngineGuard.LoadingBeside, false);
    }
  }

  async #loading(progress: LoadProgress, run: () => Promise<void>): Promise<void> {
    this.#beginLoading(progress);
    try {
      await run();
    } finally {
      this.#endLoading();
    }
  }

  #beginLoading(progress: LoadProgress): void {
    this.engine.setGuard(EngineGuard.Loading, true);
    this.engine.keys.keepExpired = true;
    this.engine.refreshTime();
    this.loading = progress;
    this.keysLoaded = this.keysExpired = 0;
  }

  #endLoading(): void {
    this.engine.setGuard(EngineGuard.Loading, false);
    this.engine.keys.keepExpired = false;
    this.loading = null;
  }

  *#loadSteps(progress: LoadProgress): LoadSteps<void> {
    const { values } = this.engine.config;
    this.aof.readManifest();
    if (values.appendonly) {
      this.aof.upgradeSingleFile();
      yield* loadAppendOnlyFile(this.aof, new CommandTarget(this.engine, this.#hooks()), progress);
      this.aof.measure();
    } else if (this.files.existsSync(this.context.pathOf(values.dbfilename))) {
      yield* this.#rdbSteps(progress, { dropExpired: !this.engine.isReplica, replace: false });
      this.engine.log.notice(`DB loaded from disk: ${progress.elapsedSeconds.toFixed(3)} seconds`);
    }
  }

  /** @param merge libraries replace those of the same name */
  *#rdbSteps(progress: LoadProgress, how: RdbLoadOptions, merge = false): LoadSteps<void> {
    const name = this.engine.config.values.dbfilename;
    const target = new KeyspaceTarget(this.engine, how, this.#hooks(merge));
    const file = this.files.openRead(this.context.pathOf(name));
    try {
      progress.totalBytes += file.sizeSync();
      yield* loadRdbFile(file, name, target, progress);
    } finally {
      file.closeSync();
      this.keysLoaded += target.keysLoaded;
      this.keysExpired += target.keysExpired;
    }
  }

  #hooks(replacesLibraries = false) {
    const { extras, engine } = this;
    return {
      functionLibrary: (code: string) => extras.loadLibrary(code, replacesLibraries),
      aux: (name: string, value: string) => {
        if (name === "redis-ver") engine.log.notice(`Loading RDB produced by version ${value}`);
        else if (name === "ctime") logAge(engine, value);
        else extras.onAux(name, value);
      },
      expired: extras.onExpired,
    };
  }

  /** To be called some times a second. */
  tick(): void {
    this.aof.tick();
    if (!this.isBusy && this.loading === null) {
      this.rdb.startIfDue();
      if (!this.isBusy) this.rewriter.startIfDue();
      if (!this.isBusy) this.json.startIfDue();
    }
    this.#applyRefusal();
  }

  #applyRefusal(): void {
    this.engine.setGuard(EngineGuard.Disk, this.diskError !== null);
  }

  get diskError(): ReplyError | null {
    if (this.aof.refusal !== null) return misconfAof(this.aof.refusal);
    return this.rdb.refusesWrites ? MISCONF_RDB : null;
  }

  /**
   * At shutdown: all acknowledged changes are on the disk afterwards.
   *
   * @param save true to save a snapshot; left out: only if there are save points. Throws FileError
   * @param force although the first append only file has not been written to its end
   */
  finish(save?: boolean, force = false): void {
    const { log, config } = this.engine;
    if (this.aof.state === "waiting" && this.rewriter.isRunning && !force) {
      throw new Error("Writing initial AOF, can't exit.");
    }
    this.rewriter.abort();
    this.jobs.abort();
    // Half a data set must not replace a whole one.
    if (this.loading !== null) return;
    if (this.aof.state === "on") {
      log.notice("Calling fsync() on the AOF file.");
      this.aof.finish();
    }
    if (save ?? config.values.save.length > 0) {
      log.notice("Saving the final RDB snapshot before exiting.");
      this.rdb.saveNow();
    }
  }

  // ---- Requests of commands ---------------------------------------------------------------------

  get jobsBegun(): number {
    return this.jobs.begun;
  }

  get lastSaveSeconds(): number {
    return Math.floor(this.rdb.lastSaveMs / 1000);
  }

  save(): void {
    this.rdb.save();
  }

  saveInBackground(mayWait: boolean, insideUnit: boolean): string {
    return this.rdb.saveInBackground(mayWait, insideUnit, this.isBusy);
  }

  rewriteAppendOnlyFile(insideUnit: boolean): string {
    return this.rewriter.rewriteInBackground(insideUnit, this.isBusy);
  }

  reload(options: { save: boolean; flush: boolean; merge: boolean }): void {
    if (options.save) this.rdb.save();
    this.#reload(
      options.flush,
      (progress) =>
        this.#rdbSteps(
          progress,
          { dropExpired: false, replace: options.merge || !options.flush },
          options.merge,
        ),
    );
  }

  reloadAppendOnlyFile(): void {
    this.aof.endOfBatch();
    this.#reload(true, (progress) => {
      const target = new CommandTarget(this.engine, this.#hooks());
      return loadAppendOnlyFile(this.aof, target, progress);
    });
    this.engine.dirty = 0;
  }

  #reload(flush: boolean, steps: (progress: LoadProgress) => LoadSteps<unknown>): void {
    const { engine } = this, progress = new LoadProgress(engine.clock);
    this.#isReloading = true;
    const sinks = engine.propagation.sinks.splice(0);
    this.#beginLoading(progress);
    try {
      if (flush) engine.keys.flush(-1);
      if (flush) this.extras.dropLibraries();
      loadNow(steps(progress));
    } catch (error) {
      if (!isLoadFault(error)) throw error;
      engine.log.warning(errorText(error));
      throw RELOAD_FAILED;
    } finally {
      this.#endLoading();
      this.#isReloading = false;
      engine.propagation.sinks.push(...sinks);
    }
  }

  saveReadable(name: string | undefined, onEnd: SnapshotEnd): void {
    this.json.save(name ?? DEFAULT_SNAPSHOT, onEnd);
  }

  saveReadableNow(name: string | undefined): void {
    this.json.saveNow(name ?? DEFAULT_SNAPSHOT);
  }

  loadReadable(name: string): number {
    const { engine } = this;
    this.#isReloading = true;
    try {
      const keys = this.json.load(name, () => {
        this.rewriter.abort();
        engine.keys.flush(-1);
        this.extras.dropLibraries();
      });
      engine.dirty += keys;
      this.rewriter.startOver();
      this.extras.onReplaced();
      return keys;
    } finally {
      this.#isReloading = false;
    }
  }

  infoFields(): [string, string | number][] {
    return infoFields(this);
  }

  // ---- The append-only file at run time -----------------------------------------------------------------------

  #turnOn(): void {
    if (this.aof.state !== "off") return;
    this.aof.settings.dir = this.engine.config.values.dir;
    try {
      this.aof.readManifest();
    } catch (error) {
      if (!isLoadFault(error)) throw error;
      this.engine.log.warning(errorText(error));
      throw new ConfigError("Unable to turn on AOF. Check server logs.");
    }
    this.aof.enable();
    this.#listen(true);
    // A unit must not be cut in two by the snapshot: the cron begins it.
    const isInTransaction = this.engine.running?.has(ClientFlag.DenyBlocking) === true;
    if (!this.isBusy && !isInTransaction) return this.rewriter.start();
    this.rewriter.isScheduled = true;
    this.engine.log.warning(
      (isInTransaction
        ? "AOF was enabled during a transaction. "
        : "AOF was enabled but there is already another background operation. ") +
        "An AOF background was scheduled to start when possible.",
    );
  }

  /** While the append-only file is off, nothing is encoded for it. */
  #listen(on: boolean): void {
    const { sinks } = this.engine.propagation;
    const at = sinks.indexOf(this.aof);
    if (on && at < 0) sinks.push(this.aof);
    if (!on && at >= 0) sinks.splice(at, 1);
  }

  #turnOff(): void {
    this.rewriter.abort();
    this.aof.disable();
    this.#listen(false);
    this.#applyRefusal();
  }
}

/** True if `error` says that a file cannot be loaded. */
export function isLoadFault(error: unknown): boolean {
  return error instanceof LoadError || error instanceof ManifestError || error instanceof FileError;
}

function logAge(engine: Engine, seconds: string): void {
  const age = Math.max(0, Math.floor(engine.clock.nowMs() / 1000) - (parseInt(seconds) || 0));
  engine.log.notice(`RDB age ${age} seconds`);
}

/**
 * The settings of the append-only file, which follow the configuration; the folder does not change.
 */
function settingsOf(engine: Engine): AofSettings {
  const { values } = engine.config;
  return {
    dir: values.dir,
    get dirName() {
      return engine.config.values.appenddirname;
    },
    get fileName() {
      return engine.config.values.appendfilename;
    },
    get fsync() {
      return engine.config.values.appendfsync;
    },
    get noFsyncOnRewrite() {
      return engine.config.values.noAppendfsyncOnRewrite;
    },
    get timestamps() {
      return engine.config.values.aofTimestampEnabled;
    },
    get rdbBase() {
      return engine.config.values.aofUseRdbPreamble;
    },
    get loadTruncated() {
      return engine.config.values.aofLoadTruncated;
    },
    get keepHistory() {
      return engine.config.values.aofDisableAutoGc;
    },
    get flushSleepUs() {
      return engine.debug.aofFlushSleepUs;
    },
  };
}
