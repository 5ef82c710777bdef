/**
 * Loads an append-only file: the base, then every increment, each command run as a client would have sent it.
 *
 * A crash leaves a torn tail of the last file: a command that is not whole, a transaction without
 * its EXEC, or bytes the file system had reserved and not filled (zeros). With `aof-load-truncated
 * yes` it is cut off, and the data loaded is the longest prefix of whole commands and transactions.
 * Everything else that is wrong, such as a fault in the middle or in a file that is not the last,
 * is an error with its offset; nothing is ever skipped.
 */
import {
  argCountOf,
  type CommandBatch,
  firstOffsetOf,
  rawEndOf,
  rawStartOf,
} from "../../protocol/command_batch.ts";
import { RequestDecoder } from "../../protocol/request_decoder.ts";
import { latin1 } from "../../util/bytes.ts";
import type { AppendOnlyFile } from "./aof.ts";
import type { FileHandle } from "../files.ts";
import { LoadError, type LoadProgress, type LoadSteps } from "../loading.ts";

/** The runner of the commands. */
export interface AofTarget {
  /**
   * Runs command `index` of `batch`; the commands between MULTI and EXEC together at EXEC.
   *
   * @returns the fault if it is not a command at all, else null
   */
  run(batch: CommandBatch, index: number): string | null;
  /** Forgets a MULTI that has no EXEC. */
  discardTransaction(): void;
  /**
   * Loads the RDB file that `file` begins with.
   *
   * @returns the bytes that were read and lie behind it
   */
  loadRdb(file: FileHandle, name: string, progress: LoadProgress): LoadSteps<Uint8Array>;
}

const FIX_HINT = "Make a backup of your AOF file, then use redeno check-aof --fix <filename.manifest>";
const TRUNCATED_HINT = "You can: 1) Make a backup of your AOF file, then use redeno check-aof --fix " +
  "<filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and " +
  "restart the server.";
const ASTERISK = 0x2a, HASH = 0x23, CR = 0x0d, LF = 0x0a;

/** End of one file: whole, or with a tail from that offset on that must be cut off. */
type FileEnd = { readonly tornAt: number | null };

/** Loads all files of the manifest. Returns whether there were any. Throws {@linkcode LoadError}. */
export function* loadAppendOnlyFile(
  aof: AppendOnlyFile,
  target: AofTarget,
  progress: LoadProgress,
): LoadSteps<boolean> {
  const { base, increments } = aof.manifest;
  const infos = base === null ? [...increments] : [base, ...increments];
  for (const info of infos) progress.totalBytes += sizeOf(aof, info.name);
  for (const [index, info] of infos.entries()) {
    const started = progress.elapsedSeconds;
    const { tornAt } = yield* new AofFileLoader(aof, info.name, target, progress).load();
    if (tornAt !== null) cutTail(aof, info.name, tornAt, index === infos.length - 1);
    const seconds = (progress.elapsedSeconds - started).toFixed(3);
    aof.log.notice(
      `DB loaded from ${info.type === "b" ? "base" : "incr"} file ${info.name}: ${seconds} seconds`,
    );
  }
  return infos.length > 0;
}

function sizeOf(aof: AppendOnlyFile, name: string): number {
  const path = aof.pathOf(name);
  if (!aof.files.existsSync(path)) {
    throw new LoadError(
      `Unable to obtain the AOF file ${name} length. stat: No such file or directory`,
      name,
      0,
    );
  }
  const file = aof.files.openRead(path);
  try {
    return file.sizeSync();
  } finally {
    file.closeSync();
  }
}

function cutTail(aof: AppendOnlyFile, name: string, offset: number, isLast: boolean): void {
  aof.log.warning(`!!! Warning: short read while loading the AOF file ${name}!!!`);
  if (!isLast) throw new LoadError("The truncated file is not the last file", name, offset, FIX_HINT);
  if (!aof.settings.loadTruncated) {
    throw new LoadError("Unexpected end of file reading the append only file", name, offset, TRUNCATED_HINT);
  }
  aof.log.warning(`!!! Truncating the AOF ${name} at offset ${offset} !!!`);
  const file = aof.files.openAppend(aof.pathOf(name));
  try {
    file.truncateSync(offset);
    file.syncSync();
  } finally {
    file.closeSync();
  }
  aof.log.warning(`AOF ${name} loaded anyway because aof-load-truncated is enabled`);
}

/** The load of one file. */
class AofFileLoader {
  readonly #decoder = new RequestDecoder({ maxBulkBytes: 0x7fff_ffff, maxQueryBytes: Infinity });
  /** File offset behind the last byte given to the decoder. */
  #fed = 0;
  /** File offset where the next command must start, or -1 behind an annotation, whose end is not known. */
  #expected = 0;
  /** File offset of a MULTI whose EXEC has not come yet, or -1. */
  #transactionAt = -1;

  constructor(
    readonly aof: AppendOnlyFile,
    readonly name: string,
    readonly target: AofTarget,
    readonly progress: LoadProgress,
  ) {}

  *load(): LoadSteps<FileEnd> {
    const isRdb = this.#startsWithRdb();
    const file = this.aof.files.openRead(this.aof.pathOf(this.name));
    const before = this.progress.loadedBytes;
    try {
      if (isRdb) yield* this.#loadRdb(file, before);
      for (;;) {
        this.#runBatch();
        const got = file.readSync(this.#decoder.room());
        if (got === 0) break;
        this.#decoder.received(got);
        this.#fed += got;
        this.progress.loadedBytes = before + this.#fed;
        yield;
      }
    } finally {
      file.closeSync();
    }
    const tornAt = this.#tornAt();
    if (this.#transactionAt >= 0) {
      this.aof.log.warning(`Revert incomplete MULTI/EXEC transaction in AOF file ${this.name}`);
      this.target.discardTransaction();
    }
    return { tornAt };
  }

  #startsWithRdb(): boolean {
    const file = this.aof.files.openRead(this.aof.pathOf(this.name));
    try {
      const magic = new Uint8Array(5);
      return file.readSync(magic) === 5 && latin1(magic) === "REDIS";
    } finally {
      file.closeSync();
    }
  }

  *#loadRdb(file: FileHandle, before: number): LoadSteps<void> {
    const isOldStyle = this.name === this.aof.settings.fileName;
    this.aof.log.notice(
      isOldStyle ? "Reading RDB preamble from AOF file..." : "Reading RDB base file on AOF loading...",
    );
    const rest = yield* this.target.loadRdb(file, this.name, this.progress);
    if (isOldStyle) this.aof.log.notice("Reading the remaining AOF tail...");
    this.#decoder.append(rest);
    this.#fed = this.progress.loadedBytes - before;
    this.#expected = this.#fed - rest.length;
  }

  /** The file offset of an offset in the decoder's buffer. */
  #offset(inBuffer: number): number {
    return this.#fed - this.#decoder.filled + inBuffer;
  }

  #runBatch(): void {
    const { batch } = this.#decoder;
    const count = this.#decoder.decode();
    for (let i = 0; i < count; i++) {
      if (rawStartOf(batch, i) >= 0) this.#runCommand(batch, i);
      else this.#skipAnnotation(batch, i);
    }
    this.progress.keysLoaded(count);
    if (batch.error !== null) throw this.#badFormat(this.#offset(this.#decoder.unfinishedFrom));
  }

  #badFormat(offset: number): LoadError {
    return new LoadError("Bad file format reading the append only file", this.name, offset, FIX_HINT);
  }

  /** A line that is no RESP may only be a comment, such as a time stamp. */
  #skipAnnotation(batch: CommandBatch, index: number): void {
    const start = batch.offsets[firstOffsetOf(batch, index)]!;
    if (batch.buf[start] !== HASH) throw this.#badFormat(this.#offset(start));
    this.#expected = -1;
  }

  #runCommand(batch: CommandBatch, index: number): void {
    const start = this.#offset(rawStartOf(batch, index));
    if (this.#expected >= 0 && start !== this.#expected) throw this.#badFormat(this.#expected);
    this.#expected = this.#offset(rawEndOf(batch, index));
    this.#checkLineEnds(batch, index, start);
    const name = this.#wordOf(batch, index);
    if (name === "MULTI") this.#transactionAt = start;
    else if (name === "EXEC") this.#transactionAt = -1;
    const problem = this.target.run(batch, index);
    if (problem !== null) throw new LoadError(problem, this.name, start, FIX_HINT);
  }

  /** The decoder takes the two bytes behind an argument for granted; a file must have them right. */
  #checkLineEnds(batch: CommandBatch, index: number, start: number): void {
    const base = firstOffsetOf(batch, index), count = argCountOf(batch, index);
    for (let i = 0; i < count; i++) {
      const end = batch.offsets[base + 2 * i + 1]!;
      if (batch.buf[end] !== CR || batch.buf[end + 1] !== LF) throw this.#badFormat(start);
    }
  }

  /** The command's name in capitals if it may be MULTI or EXEC, else anything. */
  #wordOf(batch: CommandBatch, index: number): string {
    const base = firstOffsetOf(batch, index);
    const start = batch.offsets[base]!, end = batch.offsets[base + 1]!;
    return end - start === 5 || end - start === 4 ? latin1(batch.buf, start, end).toUpperCase() : "";
  }

  /** Offset of an incomplete command or transaction at the end of the file, or null. */
  #tornAt(): number | null {
    const { filled, batch, unfinishedFrom, pendingBytes } = this.#decoder;
    const rest = pendingBytes > 0 || unfinishedFrom < filled;
    if (rest) {
      const first = batch.buf[unfinishedFrom];
      const isTorn = first === ASTERISK || first === HASH ||
        batch.buf.subarray(unfinishedFrom, filled).every((byte) => byte === 0);
      if (!isTorn) throw this.#badFormat(this.#offset(unfinishedFrom));
    }
    if (this.#transactionAt >= 0) return this.#transactionAt;
    return rest ? this.#offset(unfinishedFrom) : null;
  }
}
