/**
 * The transfer of a whole data set from the primary, which replaces the data here.
 *
 * By default the data go to a file first, `dbfilename`, and are loaded from there. With
 * `repl-diskless-load` they are loaded as they arrive: into an empty keyspace, or (`swapdb`) beside
 * the old data, which stay until the new data are complete. The two are then exchanged at once; if
 * the link breaks before that, nothing is lost.
 */
import type { Engine } from "../engine/engine.ts";
import { Database } from "../keyspace/database.ts";
import type { DataStore } from "../persistence/data_store.ts";
import { type FileHandle, writeAll } from "../persistence/files.ts";
import { KeyspaceTarget, type LoadHooks, loadRdbFile } from "../persistence/keyspace_target.ts";
import { load, LoadProgress } from "../persistence/loading.ts";
import { RdbError, RdbInput } from "../persistence/rdb/rdb_input.ts";
import { errorText } from "../util/error_text.ts";
import { RdbReader } from "../persistence/rdb/rdb_reader.ts";
import { bytesOf, latin1 } from "../util/bytes.ts";
import { LinkError, type PrimaryLink } from "./link.ts";

const MARK_BYTES = 40;
const KEEPALIVE_MS = 1000;

/** The services a transfer needs from its owner. */
export interface TransferHost {
  readonly engine: Engine;
  readonly store: DataStore;
  /** The data are about to be replaced: this server's stream can no longer be followed. */
  dataReplaced(): void;
}

/** See the head of this file. */
export class DataTransfer {
  /** Bytes announced, 0 if unknown; bytes received so far. */
  totalBytes = 0;
  receivedBytes = 0;
  /** The database in which the stream continues. */
  databaseId = 0;
  /** The mark at the end of a file without a length, or "". */
  #mark = "";
  /** The last bytes received, as many as the mark has. */
  #tail = "";
  #nextSignMs = 0;

  /** @param isSameHistory true if the data here are an earlier state of the incoming data */
  constructor(
    readonly host: TransferHost,
    readonly link: PrimaryLink,
    readonly isSameHistory: boolean,
  ) {}

  /** True if the primary waits for word that the data have been loaded. */
  get endsWithMark(): boolean {
    return this.#mark !== "";
  }

  /**
   * Receives and loads the data. Throws {@linkcode LinkError}; the old data may be gone by then.
   */
  async run(): Promise<void> {
    const line = await this.#announcement();
    const { log, config } = this.host.engine, mode = config.values.replDisklessLoad;
    const isEmpty = this.host.engine.databases.every(({ size }) => size === 0);
    const isDiskless = mode === "swapdb" || (mode === "on-empty-db" && isEmpty);
    const to = isDiskless ? "to parser" : "to disk";
    if (line.startsWith("$EOF:")) {
      this.#mark = line.slice(5, 5 + MARK_BYTES);
      log.notice(`MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF ${to}`);
    } else {
      this.totalBytes = parseInt(line.slice(1), 10) || 0;
      log.notice(`MASTER <-> REPLICA sync: receiving ${this.totalBytes} bytes from master ${to}`);
    }
    if (isDiskless) await this.#loadFromLink(mode === "swapdb");
    else await this.#loadByFile();
  }

  async #announcement(): Promise<string> {
    let line = "";
    while (line === "") line = await this.link.line();
    if (line.startsWith("-")) {
      throw new LinkError(`MASTER aborted replication with an error: ${line.slice(1)}`);
    }
    if (line.startsWith("$")) return line;
    throw new LinkError(
      `Bad protocol from MASTER, the first byte is not '$' (we received '${line}'), are you sure the host and port are right?`,
    );
  }

  // ---- Through a file ---------------------------------------------------------------------------

  async #loadByFile(): Promise<void> {
    const { engine, store } = this.host, { files, context } = store;
    const name = `temp-${Math.floor(engine.clock.nowMs() / 1000)}.${context.pid}.rdb`;
    const path = context.pathOf(name), { dbfilename } = engine.config.values;
    await this.#attempt("Failed to receive the DB dump file", async () => {
      const file = files.openWrite(path);
      try {
        await this.#receive(file);
        await file.sync();
      } catch (error) {
        files.unlinkSync(path);
        throw error;
      } finally {
        file.closeSync();
      }
      context.moveIntoPlace(path, dbfilename);
    });
    await this.#attempt("Failed trying to load the MASTER synchronization DB from disk", async () => {
      await this.#replace((progress, target) => {
        const file = files.openRead(context.pathOf(dbfilename));
        progress.totalBytes = file.sizeSync();
        return load(loadRdbFile(file, dbfilename, target, progress), progress).finally(() =>
          file.closeSync()
        );
      });
    }).finally(() => this.#removeFile());
  }

  /** `rdb-del-sync-files`: a server that saves nothing keeps no file from its primary. */
  #removeFile(): void {
    const { engine, store } = this.host, { rdbDelSyncFiles, appendonly, save } = engine.config.values;
    if (!rdbDelSyncFiles || appendonly || save.length > 0) return;
    engine.log.notice(
      "Removing the RDB file obtained from the master. This replica has persistence disabled",
    );
    store.files.unlinkSync(store.context.pathOf(engine.config.values.dbfilename));
  }

  async #receive(file: FileHandle): Promise<void> {
    for (;;) {
      const bytes = await this.link.read();
      const wanted = this.endsWithMark ? bytes.length : this.totalBytes - this.receivedBytes;
      const piece = bytes.subarray(0, wanted);
      writeAll(file, piece);
      this.receivedBytes += piece.length;
      if (!this.endsWithMark) {
        if (piece.length < bytes.length) this.link.putBack(bytes.subarray(piece.length));
        if (this.receivedBytes === this.totalBytes) return;
        continue;
      }
      if (this.#endsHere(piece)) return file.truncateSync(this.receivedBytes - MARK_BYTES);
    }
  }

  /**
   * True if the received bytes end with the mark: nothing follows it until the primary has been
   * told.
   */
  #endsHere(piece: Uint8Array): boolean {
    this.#tail = (this.#tail + latin1(piece, Math.max(0, piece.length - MARK_BYTES))).slice(-MARK_BYTES);
    return this.#tail === this.#mark;
  }

  // ---- Loading as the data arrive ---------------------------------------------------------------

  async #loadFromLink(isSwap: boolean): Promise<void> {
    await this.#attempt("Failed trying to load the MASTER synchronization DB from socket", async () => {
      if (!isSwap) return await this.#replace((progress, target) => this.#parse(progress, target));
      await this.#loadBeside();
    });
  }

  /** Loads beside the old data and exchanges the two when the load is complete. */
  async #loadBeside(): Promise<void> {
    const { engine, store } = this.host, { extras } = store.context;
    const databases = engine.databases.map(() => new Database(engine.limits)), libraries: string[] = [];
    const keep = (code: string) => {
      libraries.push(code);
      return null;
    };
    const hooks = { ...this.#hooks(), functionLibrary: keep };
    const target = new KeyspaceTarget(engine, { dropExpired: false, replace: false, databases }, hooks);
    engine.log.notice("MASTER <-> REPLICA sync: Loading DB in memory");
    try {
      await store.loadReplica(
        this.#progress(),
        this.isSameHistory,
        (progress) => this.#parse(progress, target),
      );
    } catch (error) {
      for (const database of databases) database.clear();
      throw error;
    }
    // Not earlier: if the link breaks meanwhile, the old data stay, and so does the file being
    // written from them.
    store.suspendWriting();
    this.host.dataReplaced();
    engine.log.notice("MASTER <-> REPLICA sync: Swapping active DB with loaded DB");
    engine.keys.replaceAll(databases);
    extras.dropLibraries();
    for (const code of libraries) {
      const problem = extras.loadLibrary(code);
      if (problem !== null) {
        engine.log.warning(`A function library of the master cannot be loaded: ${problem}`);
      }
    }
    engine.dirty++;
    engine.log.notice("MASTER <-> REPLICA sync: Discarding old DB in background");
  }

  async #parse(progress: LoadProgress, target: KeyspaceTarget): Promise<void> {
    const rdb = RdbInput.fed(), reader = new RdbReader(rdb, target, this.host.engine.limits);
    progress.totalBytes = this.totalBytes;
    const steps = reader.read((fetched, keys) => {
      progress.loadedBytes = fetched;
      progress.keysLoaded(keys);
    }, progress.keysPerStep);
    while (!steps.next().done) {
      if (reader.isStarved) await this.#feed(rdb);
      else if (progress.isDue) await progress.pause();
    }
    target.reportEnd();
    if (!this.endsWithMark) return;
    this.link.putBack(rdb.rest());
    if (await this.#bytes(MARK_BYTES) !== this.#mark) {
      throw new LinkError("Replication stream EOF marker is broken");
    }
  }

  /**
   * Waits for as many bytes again as were too few (so that a large value is not parsed from its
   * start too often), or for the end.
   */
  async #feed(rdb: RdbInput): Promise<void> {
    const enough = rdb.available * 2 + 1;
    while (rdb.available < enough) {
      if (this.#isComplete) return rdb.append(null);
      const bytes = await this.#nextOf(rdb);
      const piece = this.endsWithMark ? bytes : bytes.subarray(0, this.totalBytes - this.receivedBytes);
      rdb.append(piece);
      this.receivedBytes += piece.length;
      if (piece.length < bytes.length) this.link.putBack(bytes.subarray(piece.length));
      if (this.endsWithMark) this.#endsHere(piece);
      if (this.#isComplete) return;
    }
  }

  /** True if everything has been received. */
  get #isComplete(): boolean {
    return this.endsWithMark ? this.#tail === this.#mark : this.receivedBytes === this.totalBytes;
  }

  async #nextOf(rdb: RdbInput): Promise<Uint8Array> {
    try {
      return await this.link.read();
    } catch (error) {
      throw new RdbError(`Unexpected end of the data: ${errorText(error)}`, rdb.fetched);
    }
  }

  async #bytes(count: number): Promise<string> {
    let text = "";
    while (text.length < count) {
      const bytes = await this.link.read(), size = Math.min(bytes.length, count - text.length);
      text += latin1(bytes, 0, size);
      this.link.putBack(bytes.subarray(size));
    }
    return text;
  }

  // ---- Loading ----------------------------------------------------------------------------------

  /** Loads in place of the old data, which are dropped at once. */
  async #replace(run: (progress: LoadProgress, target: KeyspaceTarget) => Promise<unknown>): Promise<void> {
    const { engine, store } = this.host;
    const target = new KeyspaceTarget(engine, { dropExpired: false, replace: false }, this.#hooks());
    store.suspendWriting();
    this.host.dataReplaced();
    engine.log.notice("MASTER <-> REPLICA sync: Flushing old data");
    const flush = () => {
      engine.keys.flush(-1);
      store.extras.dropLibraries();
    };
    await store.loadReplica(this.#progress(), false, async (progress) => {
      flush();
      engine.log.notice("MASTER <-> REPLICA sync: Loading DB in memory");
      try {
        await run(progress, target);
      } catch (error) {
        flush();
        throw error;
      }
    });
  }

  #hooks(): LoadHooks {
    const { extras } = this.host.store;
    return {
      functionLibrary: (code) => extras.loadLibrary(code),
      aux: (name, value) => {
        if (name === "repl-stream-db") this.databaseId = parseInt(value, 10) || 0;
        if (name === "redis-ver") {
          this.host.engine.log.notice(`Loading RDB produced by version ${value}`);
        }
      },
    };
  }

  /** Tells the primary at intervals during a load that this server is alive. */
  #progress(): LoadProgress {
    const { engine } = this.host, { clock, config } = engine;
    const tellPrimary = () => {
      const nowMs = engine.steadyMs;
      if (nowMs < this.#nextSignMs) return;
      this.#nextSignMs = nowMs + KEEPALIVE_MS;
      this.link.movedAtMs = nowMs;
      this.link.sendBytes(bytesOf("\n"));
    };
    return new LoadProgress(clock, tellPrimary, () => config.values.keyLoadDelay);
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof RdbError) {
        this.host.engine.log.warning(
          `Internal error in RDB reading offset ${error.offset}: ${error.message}`,
        );
      }
      throw new LinkError(`${what}: ${errorText(error)}`);
    }
  }
}
