/**
 * The append-only file: every change as a command, in the files a {@linkcode Manifest} lists.
 *
 * The promise behind a reply: when {@linkcode AppendOnlyFile.endOfBatch} says true, everything the
 * batch fed is with the kernel (so that killing the process loses nothing), and under `appendfsync
 * always` it is on the disk. When it says false, no reply of the batch may leave: nothing is
 * acknowledged that might be missing later. A batch that fed nothing is always safe, so reads
 * continue whatever the disk does.
 *
 * States:
 *
 *     off ── enable() ──> waiting ── commitRewrite() ──> on ── disable() ──> off
 *                           ^                            |
 *                           └──── a failed fsync ────────┘
 *
 * `on`: commands go to the last increment of the manifest. `waiting`: a base file must be written before the folder
 * holds the data; from the moment its snapshot was taken, commands are collected in a temporary increment that
 * becomes part of the manifest together with the base, in one rename.
 *
 * A failed write leaves its bytes in the buffer, refuses further writes (`refusal`) and is tried again each second. A
 * failed fsync is worse: the kernel may have dropped pages it had taken, and a later fsync would not say so. So the
 * file is given up and the state is `waiting` again; the rewriter sees `needsBase` and writes a
 * fresh one.
 *
 * Order on the disk, at every step: a file is synced, then its name, then the manifest that lists it; an increment is
 * synced before its successor takes the first byte, because a torn file is only allowed to be the last one.
 *
 * One file: the states of the file (off, on, waiting, rewriting) share its handles and counters.
 */
import { type PropagationSink, SinkKind } from "../../engine/propagation.ts";
import type { Clock } from "../../util/clock.ts";
import { bytesOf, latin1 } from "../../util/bytes.ts";
import { sleepSync } from "../../util/sleep.ts";
import { AofBuffer } from "./aof_buffer.ts";
import { FileError, type FileHandle, type FileSystem, joinPath, readWhole, writeAll } from "../files.ts";
import type { EngineLog } from "../../engine/ports.ts";
import {
  type AofFileInfo,
  emptyManifest,
  formatManifest,
  type Manifest,
  manifestName,
  nextBase,
  nextIncrement,
  parseManifest,
  temporaryManifestName,
  withBase,
  withIncrement,
  withoutHistory,
} from "./manifest.ts";

/** `appendfsync`. */
export type FsyncPolicy = "always" | "everysec" | "no";

/** The directives of the append-only file. One object per server, changed in place by CONFIG SET. */
export interface AofSettings {
  /** Folder of the server's data, `dir`. */
  dir: string;
  /** `appenddirname`, a folder in `dir`. */
  dirName: string;
  /** `appendfilename`, the prefix of all names. */
  fileName: string;
  fsync: FsyncPolicy;
  /** `no-appendfsync-on-rewrite`. */
  noFsyncOnRewrite: boolean;
  /** `aof-timestamp-enabled`. */
  timestamps: boolean;
  /** `aof-use-rdb-preamble`: base files are RDB files. */
  rdbBase: boolean;
  /** `aof-load-truncated`. */
  loadTruncated: boolean;
  /** `aof-disable-auto-gc`: history files stay. */
  keepHistory: boolean;
  /** DEBUG AOF-FLUSH-SLEEP: microseconds to stand still before each write. */
  flushSleepUs: number;
}

/** The configuration's defaults, in folder `.`. */
export function defaultAofSettings(): AofSettings {
  return {
    dir: ".",
    dirName: "appendonlydir",
    fileName: "appendonly.aof",
    fsync: "everysec",
    noFsyncOnRewrite: false,
    timestamps: false,
    rdbBase: true,
    loadTruncated: true,
    keepHistory: false,
    flushSleepUs: 0,
  };
}

/** Off, being written, or waiting for a base file to be written. */
export type AofState = "off" | "on" | "waiting";

const RETRY_MS = 1000;
const SYNC_MS = 1000;
/** A sync that takes longer counts as delayed. */
const SLOW_SYNC_MS = 2000;
const LOG_AGAIN_MS = 30_000;
/** Interval of checks that the files are still in place. */
const LOOK_MS = 1000;

/** See the head of this file. */
export class AppendOnlyFile implements PropagationSink {
  readonly kind = SinkKind.File;
  manifest: Manifest = emptyManifest;
  state: AofState = "off";
  /** Bytes of the base and the increments. */
  currentSize = 0;
  /** {@linkcode currentSize} after the last rewrite or the load. */
  rewriteBaseSize = 0;
  /** Syncs that took over two seconds. */
  delayedSyncs = 0;
  /** True if a base file is being written; set by its writer. */
  isRewriting = false;
  /** Called when {@linkcode refusal} may have changed: no write may run in between. */
  onRefusal: () => void = () => {};
  /**
   * Number of changes so far, and the number of those that are on the disk for certain. Data that
   * come or go as a whole count as one change, which is on the disk with the base file.
   */
  position = 0;
  durablePosition = 0;
  /** Called when {@linkcode durablePosition} has grown, or never will, as the file has been turned off. */
  onDurable: () => void = () => {};
  /** Does something that takes time, and takes it down as an event of that name. */
  timed: (event: string, work: () => void) => void = (_, work) => work();

  #buffer = new AofBuffer();
  #file: FileHandle | null = null;
  /** Bytes in the open increment, and how many of them are known to be on the disk. */
  #written = 0;
  #synced = 0;
  /** {@linkcode position} when all that had been fed was last written. */
  #writtenPosition = 0;
  #isSyncing = false;
  #syncStartedMs = 0;
  #writeFault: FileError | null = null;
  #syncFault: FileError | null = null;
  #retryAtMs = 0;
  #loggedMs = -LOG_AGAIN_MS;
  #lookAtMs = 0;
  /** The manifest in the folder as far as this server knows; "" for none. */
  #manifestText = "";
  /** True if the running batch has fed anything. */
  #hasFed = false;

  constructor(
    readonly files: FileSystem,
    readonly clock: Clock,
    readonly log: EngineLog,
    readonly settings: AofSettings,
  ) {}

  /** The folder of all files but the temporary base. */
  get folder(): string {
    return joinPath(this.settings.dir, this.settings.dirName);
  }

  /** Path of the file of that name. */
  pathOf(name: string): string {
    return joinPath(this.folder, name);
  }

  /** Reason why writes are refused, in the system's words; null while all is well. */
  get refusal(): string | null {
    return (this.#syncFault ?? this.#writeFault)?.reason ?? null;
  }

  /** True if the data must be written anew before anything can be promised again. */
  get needsBase(): boolean {
    return this.state === "waiting" && !this.isRewriting;
  }

  /** Bytes fed and not yet written. */
  get pendingBytes(): number {
    return this.#buffer.length;
  }

  /** Background syncs under way. */
  get pendingSyncs(): number {
    return this.#isSyncing ? 1 : 0;
  }

  // ---- commands in

  /** Takes over the command `bytes[start, end)`, in RESP, for database `db`. */
  feed(db: number, bytes: Uint8Array, start: number, end: number): void {
    this.position++;
    if (this.#file === null) return;
    this.#hasFed = true;
    if (this.settings.timestamps) this.#buffer.stamp(Math.floor(this.clock.nowMs() / 1000));
    this.#buffer.append(db, bytes, start, end);
  }

  /**
   * Writes the commands fed, at the end of a batch, before its replies leave; under `always` it is
   * on the disk then.
   *
   * @returns whether the replies may leave
   */
  endOfBatch(): boolean {
    const hasFed = this.#hasFed;
    this.#hasFed = false;
    return this.#secure() || !hasFed;
  }

  /** Writes and syncs as the policy has it; whether that succeeded. */
  #secure(): boolean {
    if (this.#file === null) return true;
    if (this.#buffer.length > 0 && !this.#write(this.#file)) return false;
    if (this.settings.fsync === "always") return this.#written === this.#synced || this.#syncNow();
    if (this.settings.fsync === "everysec" && this.#written > this.#synced) this.#syncIfDue();
    return true;
  }

  /** To be called some times a second: syncs in the background, and tries failed writes again. */
  tick(): void {
    this.#lookForFiles();
    if (this.#writeFault !== null && this.#steadyMs < this.#retryAtMs) return;
    this.#secure();
  }

  /** Notices that the files were removed or replaced: later writes would be lost with them. */
  #lookForFiles(): void {
    const nowMs = this.#steadyMs, last = this.manifest.increments.at(-1);
    if (this.state !== "on" || this.#file === null || last === undefined || nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + LOOK_MS;
    const path = this.pathOf(last.name), manifest = this.pathOf(manifestName(this.settings.fileName));
    try {
      if (!this.#file.isAtSync(path)) throw new FileError("find", path, "The file was removed or replaced");
      if (!this.files.existsSync(manifest)) throw new FileError("find", manifest, "The file was removed");
    } catch (error) {
      this.#giveUp(asFileError(error));
    }
  }

  #write(file: FileHandle): boolean {
    const waiting = this.#buffer.view();
    sleepSync(this.settings.flushSleepUs / 1000);
    try {
      writeAll(file, waiting);
    } catch (error) {
      this.#writeFailed(file, asFileError(error));
      return false;
    }
    this.#written += waiting.length;
    this.#writtenPosition = this.position;
    this.currentSize += waiting.length;
    this.#buffer.consume(waiting.length);
    if (this.#writeFault !== null) {
      this.#writeFault = null;
      this.log.warning("AOF write error looks solved, the server can write again.");
      this.onRefusal();
    }
    return true;
  }

  /** Takes a partial write back, so that the file ends with a whole command and the buffer still holds the rest. */
  #writeFailed(file: FileHandle, error: FileError): void {
    const nowMs = this.#steadyMs;
    this.#retryAtMs = nowMs + RETRY_MS;
    const isNews = this.#writeFault === null || nowMs - this.#loggedMs >= LOG_AGAIN_MS;
    this.#writeFault = error;
    this.onRefusal();
    if (isNews) {
      this.#loggedMs = nowMs;
      this.log.warning(`Error writing to the AOF file: ${error.reason}`);
    }
    try {
      const extra = file.sizeSync() - this.#written;
      if (extra > 0) this.#takeBack(file, extra, isNews);
    } catch (sizeError) {
      this.#giveUp(asFileError(sizeError));
    }
  }

  #takeBack(file: FileHandle, extra: number, isNews: boolean): void {
    try {
      file.truncateSync(this.#written);
    } catch (error) {
      if (isNews) {
        this.log.warning(`Could not remove a short write from the AOF file: ${asFileError(error).reason}`);
      }
      this.#written += extra;
      this.currentSize += extra;
      this.#buffer.consume(extra);
    }
  }

  #syncNow(): boolean {
    try {
      this.timed("aof-fsync-always", () => this.#file?.syncSync());
    } catch (error) {
      this.#giveUp(asFileError(error));
      return false;
    }
    this.#synced = this.#written;
    this.#becameDurable(this.#writtenPosition);
    return true;
  }

  #becameDurable(position: number): void {
    if (this.state !== "on" || position <= this.durablePosition) return;
    this.durablePosition = position;
    this.onDurable();
  }

  /**
   * Intervals are measured on the monotonic clock: a clock set back would end the syncs of
   * `everysec`.
   */
  get #steadyMs(): number {
    return Math.floor(this.clock.monotonicUs() / 1000);
  }

  #syncIfDue(): void {
    if (this.isRewriting && this.settings.noFsyncOnRewrite) return;
    const nowMs = this.#steadyMs;
    if (this.#isSyncing || nowMs - this.#syncStartedMs < SYNC_MS) return;
    this.#syncStartedMs = nowMs;
    void this.syncInBackground();
  }

  /**
   * Syncs the written bytes to the disk without holding the loop. Never rejects: a failure shows in
   * `refusal`.
   */
  async syncInBackground(): Promise<void> {
    const file = this.#file, covered = this.#written, startedMs = this.#steadyMs;
    const position = this.#writtenPosition;
    if (file === null || covered === this.#synced) return;
    this.#isSyncing = true;
    try {
      await file.sync();
      if (file === this.#file) {
        this.#synced = Math.max(this.#synced, covered);
        this.#becameDurable(position);
      }
    } catch (error) {
      if (file === this.#file) this.#giveUp(asFileError(error));
    } finally {
      this.#isSyncing = false;
      if (this.#steadyMs - startedMs > SLOW_SYNC_MS) this.#slowSync();
    }
  }

  #slowSync(): void {
    this.delayedSyncs++;
    this.log.notice("Asynchronous AOF fsync is taking too long (disk is busy?).");
  }

  /** After a failed fsync, or where the file has gone: nothing more goes into it, and writes wait for a fresh base. */
  #giveUp(error: FileError): void {
    const isSync = error.operation.startsWith("fsync");
    const what = isSync ? `Fail to fsync the AOF file: ${error.reason}` : error.message;
    this.log.warning(`${what}. Writes are refused until a fresh base file is on the disk.`);
    this.#syncFault = error;
    this.#writeFault = null;
    this.#close();
    this.state = "waiting";
    this.onRefusal();
  }

  #close(): void {
    this.#file?.closeSync();
    this.#file = null;
    this.#buffer.clear();
    this.#buffer.unselect();
  }

  // ---- files and manifest

  /** Reads the manifest, if there is one. Throws ManifestError or {@linkcode FileError}. */
  readManifest(): void {
    const path = this.pathOf(manifestName(this.settings.fileName));
    this.manifest = emptyManifest;
    this.#manifestText = this.#textThere();
    if (!this.files.existsSync(path)) {
      this.log.debug(`The AOF manifest file ${manifestName(this.settings.fileName)} doesn't exist`);
      return;
    }
    this.manifest = parseManifest(this.#manifestText);
  }

  /** The manifest in the folder; "" for none. */
  #textThere(): string {
    const path = this.pathOf(manifestName(this.settings.fileName));
    return this.files.existsSync(path) ? latin1(readWhole(this.files, path)) : "";
  }

  /** Refuses to overwrite foreign data: a backup brought back, another server's folder. */
  #refuseForeign(): void {
    const text = this.#textThere();
    if (text === "" || text === this.#manifestText) return;
    const path = this.pathOf(manifestName(this.settings.fileName));
    throw new FileError("replace", path, "It is not the manifest that this server wrote; move it away first");
  }

  /**
   * Moves a single-file AOF of an older server into the folder, as the base. A crash in between is made good by the
   * next start, since the manifest is written first.
   */
  upgradeSingleFile(): void {
    const { fileName, dirName, dir } = this.settings;
    const old = joinPath(dir, fileName);
    const { base, increments } = this.manifest;
    const isBegun = base?.name === fileName && !this.files.existsSync(this.pathOf(fileName));
    const isNew = base === null;
    if (increments.length > 0 || !(isNew || isBegun) || !this.files.existsSync(old)) return;
    this.#makeFolder();
    this.adopt({ ...this.manifest, base: { name: fileName, seq: 1, type: "b" } });
    this.files.renameSync(old, this.pathOf(fileName));
    this.files.syncDirSync(this.folder);
    this.files.syncDirSync(dir);
    this.log.notice(
      `Successfully migrated an old-style AOF file (${fileName}) into the AOF directory (${dirName}).`,
    );
  }

  /** Makes the folder, and syncs its name: files synced in it would be lost with it. */
  #makeFolder(): void {
    this.files.mkdirSync(this.folder);
    this.files.syncDirSync(this.settings.dir);
  }

  /** Makes `manifest` the one in use: in the folder, durable, then here. */
  adopt(manifest: Manifest): void {
    const nameFault = this.#replaceManifest(manifest);
    if (nameFault !== null) throw nameFault;
    this.manifest = manifest;
  }

  /**
   * Puts a manifest into the folder. Throws when the old one is still there.
   *
   * @returns why it is unknown whether the disk holds the new one, or null when it does
   */
  #replaceManifest(manifest: Manifest): FileError | null {
    const { fileName } = this.settings;
    const temporary = this.pathOf(temporaryManifestName(fileName)), text = formatManifest(manifest);
    // The names it lists must not come later than the manifest itself.
    this.files.syncDirSync(this.folder);
    const file = this.files.openWrite(temporary);
    try {
      writeAll(file, bytesOf(text));
      file.syncSync();
    } finally {
      file.closeSync();
    }
    this.files.renameSync(temporary, this.pathOf(manifestName(fileName)));
    this.#manifestText = text;
    try {
      this.files.syncDirSync(this.folder);
    } catch (error) {
      return asFileError(error);
    }
    return null;
  }

  /**
   * Opens the last increment when the server starts, after loading. In an empty folder a base file is made first.
   *
   * @param writeBase writes and syncs a base file of the present data at that path
   */
  openOnStart(writeBase: (path: string) => void): void {
    this.#makeFolder();
    let manifest = this.manifest;
    if (manifest.base === null && manifest.increments.length === 0) {
      const base = nextBase(manifest, this.settings.fileName, this.settings.rdbBase);
      writeBase(this.pathOf(base.name));
      this.log.notice(`Creating AOF base file ${base.name} on server start`);
      manifest = withBase(manifest, base, undefined);
    }
    const last = manifest.increments.at(-1);
    const increment = last ?? nextIncrement(manifest, this.settings.fileName);
    this.#open(this.files.openAppend(this.pathOf(increment.name)));
    if (last === undefined) manifest = withIncrement(manifest, increment);
    if (manifest !== this.manifest) this.adopt(manifest);
    this.state = "on";
    this.log.notice(
      `${last === undefined ? "Creating" : "Opening"} AOF incr file ${increment.name} on server start`,
    );
    this.measure();
    this.removeHistory();
  }

  #open(file: FileHandle): void {
    this.#file = file;
    this.#written = file.sizeSync();
    this.#writtenPosition = this.position;
    // Writes of an earlier process may not have reached the disk.
    this.#synced = 0;
    this.#syncStartedMs = this.#steadyMs;
    this.#buffer.unselect();
  }

  /** Counts the files' bytes anew. */
  measure(): void {
    const { base, increments } = this.manifest;
    const baseSize = base === null ? 0 : this.#sizeOf(base);
    this.currentSize = increments.reduce((sum, increment) => sum + this.#sizeOf(increment), baseSize);
    this.rewriteBaseSize = baseSize;
  }

  /** After a rewrite, which has succeeded whether or not the sizes can be told. */
  #measureAgain(): void {
    try {
      this.measure();
    } catch (error) {
      this.log.warning(`The size of the AOF is not known: ${asFileError(error).message}`);
    }
    this.rewriteBaseSize = this.currentSize;
  }

  #sizeOf(info: AofFileInfo): number {
    const file = this.files.openRead(this.pathOf(info.name));
    try {
      return file.sizeSync();
    } finally {
      file.closeSync();
    }
  }

  /**
   * Removes files that earlier rewrites have replaced. Failures are logged: the files do no harm.
   */
  removeHistory(): void {
    if (this.settings.keepHistory || this.manifest.history.length === 0) return;
    try {
      for (const { name } of this.manifest.history) {
        this.log.notice(`Removing the history file ${name}`);
        if (this.files.existsSync(this.pathOf(name))) this.files.unlinkSync(this.pathOf(name));
      }
      this.adopt(withoutHistory(this.manifest));
    } catch (error) {
      this.log.warning(`Removing history files of the AOF failed: ${asFileError(error).message}`);
    }
  }

  // ---- turned on and off

  /** Begins to wait for the base file that a rewrite is to write. */
  enable(): void {
    if (this.state !== "off") return;
    this.position++;
    this.state = "waiting";
  }

  /** All data has been replaced by other than commands: a base file must be written before more can be appended. */
  startOver(): void {
    if (this.state === "off") return;
    this.#close();
    this.position++;
    this.isRewriting = false;
    this.state = "waiting";
  }

  /** The base file that is needed could not be written: writes are refused until one is. */
  refuse(error: FileError): void {
    this.#syncFault = error;
    this.onRefusal();
  }

  /** Writes and syncs the buffer, and stops. */
  disable(): void {
    if (this.state === "on" && this.#secure()) this.#syncNow();
    this.#close();
    this.state = "off";
    this.#writeFault = this.#syncFault = null;
    this.isRewriting = false;
    this.onDurable();
  }

  /** Writes and syncs the buffer, at shutdown. Throws {@linkcode FileError}. */
  finish(): void {
    if (this.#file === null || this.state !== "on") return;
    if (!this.#secure() || !this.#syncNow()) throw this.#syncFault ?? this.#writeFault;
  }

  // ---- rewriting

  /**
   * To be called at the instant of the snapshot that becomes the base: from now on commands go to a new increment. The
   * old one is synced first; call {@linkcode syncInBackground} before, so that little is left to sync here. Throws
   * {@linkcode FileError} with everything as it was.
   */
  beginRewrite(): void {
    if (this.state !== "on") {
      this.#makeFolder();
      this.#refuseForeign();
    }
    if (this.state === "waiting") this.#collectAside();
    if (this.state === "on") this.#startIncrement();
    this.isRewriting = true;
  }

  #temporaryIncrement(): string {
    return this.pathOf(`temp-${this.settings.fileName}.incr`);
  }

  #collectAside(): void {
    this.#close();
    this.#open(this.files.openWrite(this.#temporaryIncrement()));
  }

  #startIncrement(): void {
    if (!this.#secure()) throw this.#writeFault ?? this.#syncFault;
    if (!this.#syncNow()) throw this.#syncFault;
    const increment = nextIncrement(this.manifest, this.settings.fileName);
    const file = this.files.openWrite(this.pathOf(increment.name));
    const manifest = withIncrement(this.manifest, increment);
    let nameFault: FileError | null;
    try {
      nameFault = this.#replaceManifest(manifest);
    } catch (error) {
      file.closeSync();
      throw error;
    }
    this.manifest = manifest;
    if (nameFault !== null) {
      // Neither file is the last for certain now: one could be torn in the middle, the other forgotten.
      file.closeSync();
      this.#giveUp(nameFault);
      throw nameFault;
    }
    this.log.notice(`Creating AOF incr file ${increment.name} on background rewrite`);
    this.#close();
    this.#open(file);
  }

  /**
   * Puts the finished, synced file at `temporaryBase` into place and drops the files it replaces.
   * Throws {@linkcode FileError} with everything as it was.
   */
  commitRewrite(temporaryBase: string): void {
    const base = nextBase(this.manifest, this.settings.fileName, this.settings.rdbBase);
    const wasWaiting = this.state === "waiting";
    if (this.#file !== null && wasWaiting) this.#settleAside();
    this.files.renameSync(temporaryBase, this.pathOf(base.name));
    this.log.notice(`Successfully renamed the temporary AOF base file into ${base.name}`);
    const manifest = this.#manifestWith(base, wasWaiting);
    const nameFault = this.#replaceManifest(manifest);
    this.manifest = manifest;
    this.isRewriting = false;
    if (wasWaiting) this.#baseArrived(nameFault);
    this.#measureAgain();
    if (nameFault === null) return this.removeHistory();
    this.log.warning(`${nameFault.message}: the files that the new AOF base replaces are kept`);
  }

  /** Everything collected meanwhile has to be on the disk before the manifest lists it. */
  #settleAside(): void {
    if (this.#buffer.length > 0 && this.#file !== null && !this.#write(this.#file)) throw this.#writeFault;
    this.#file?.syncSync();
    this.#synced = this.#written;
  }

  #manifestWith(base: AofFileInfo, wasWaiting: boolean): Manifest {
    if (this.state === "off") return withBase(this.manifest, base, undefined);
    if (!wasWaiting) return withBase(this.manifest, base, this.manifest.increments.at(-1));
    const increment = nextIncrement(this.manifest, this.settings.fileName);
    this.files.renameSync(this.#temporaryIncrement(), this.pathOf(increment.name));
    return withIncrement(withBase(this.manifest, base, undefined), increment);
  }

  #baseArrived(nameFault: FileError | null): void {
    if (nameFault !== null) return this.#giveUp(nameFault);
    this.state = "on";
    if (this.#syncFault !== null) {
      this.log.warning("A fresh AOF base file is on the disk, the server can write again.");
    }
    this.#syncFault = null;
    this.onRefusal();
    this.#becameDurable(this.#writtenPosition);
  }

  /** After a rewrite that came to nothing. */
  abortRewrite(): void {
    this.isRewriting = false;
    if (this.state !== "waiting") return;
    this.#close();
    try {
      const aside = this.#temporaryIncrement();
      if (this.files.existsSync(aside)) this.files.unlinkSync(aside);
    } catch (error) {
      this.log.warning(asFileError(error).message);
    }
  }
}

function asFileError(error: unknown): FileError {
  if (error instanceof FileError) return error;
  throw error;
}
