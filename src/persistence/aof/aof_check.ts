/**
 * `redeno check-aof`: finds where an append only file stops being one, in the words of redis-check-aof, and cuts it there
 * or at a point in time if asked to. Nothing is run; a file of any size is read through one window.
 */
import { latin1 } from "../../util/bytes.ts";
import { FileError, type FileHandle, type FileSystem, joinPath, readWhole } from "../files.ts";
import { checkRdb } from "../rdb/rdb_check.ts";
import { ManifestError, parseManifest } from "./manifest.ts";

/** The environment of a check. */
export interface AofCheckHost {
  readonly files: FileSystem;
  readonly nowMs: number;
  /** Prints a line, latin1. */
  print(line: string): void;
  /** Asks before a file is cut. */
  confirm(question: string): boolean;
}

/** Actions beside checking. */
export interface AofCheckOptions {
  /** Cuts off a damaged end of the last file. */
  readonly fix: boolean;
  /** Cuts off commands written after this time, Unix seconds; null: none. */
  readonly upToSeconds: number | null;
}

/**
 * The check cannot go on, or a file is not of the expected kind; the message, if there is one, is
 * the last line.
 */
class CheckFailed extends Error {}

const WINDOW_BYTES = 1 << 16;
/** The longest line of a length, and of an annotation, with its line end. */
const MAX_LENGTH_LINE = 127, MAX_ANNOTATION = 1023;
const ASTERISK = 0x2a, HASH = 0x23, LF = 0x0a;

/** Checks an append only file, or the manifest that names its parts. Returns the exit status, as redis-check-aof. */
export function checkAof(path: string, options: AofCheckOptions, host: AofCheckHost): number {
  try {
    const start = startOf(path, host);
    const hasLine = start.split("\n").some((line) => line.startsWith("file"));
    if (hasLine && !start.startsWith("*") && !start.startsWith("REDIS")) checkParts(path, options, host);
    else {
      host.print("Start checking Old-Style AOF");
      const outcome = new PartCheck(path, path, true, start.startsWith("REDIS"), options, host).check();
      if (outcome !== null) host.print(`AOF ${path} is ${outcome}`);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof CheckFailed)) throw error;
    if (error.message !== "") host.print(error.message);
    return 1;
  }
}

/** The first bytes of a file as latin1. */
function startOf(path: string, { files }: AofCheckHost): string {
  let file: FileHandle;
  try {
    file = files.openRead(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new CheckFailed(`Cannot open file ${path}: ${error.reason}`);
  }
  try {
    const bytes = new Uint8Array(4096);
    return latin1(bytes, 0, file.readSync(bytes));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new CheckFailed(`Cannot read file: ${path}`);
  } finally {
    file.closeSync();
  }
}

/** Checks the base and the increments that a manifest names. */
function checkParts(path: string, options: AofCheckOptions, host: AofCheckHost): void {
  host.print("Start checking Multi Part AOF");
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : "./";
  const { base, increments } = manifestAt(path, host);
  const last = increments.at(-1) ?? base;
  if (base !== null) {
    const startsWithRdb = startOf(joinPath(folder, base.name), host).startsWith("REDIS");
    host.print(`Start to check BASE AOF (${startsWithRdb ? "RDB" : "RESP"} format).`);
    checkPart("BASE AOF", base.name, startsWithRdb);
  }
  if (increments.length > 0) {
    host.print("Start to check INCR files.");
    for (const { name } of increments) checkPart("INCR AOF", name, false);
  }
  host.print("All AOF files and manifest are valid");

  function checkPart(kind: string, name: string, startsWithRdb: boolean): void {
    const isLast = name === last?.name;
    const check = new PartCheck(name, joinPath(folder, name), isLast, startsWithRdb, options, host);
    const outcome = check.check();
    if (outcome !== null) host.print(`${kind} ${name} is ${outcome}`);
  }
}

function manifestAt(path: string, host: AofCheckHost) {
  try {
    return parseManifest(latin1(readWhole(host.files, path)));
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    for (const line of error.report()) host.print(line);
    throw new CheckFailed("");
  }
}

/** A line or an argument that is not as it must be: the prefix of nothing that could follow. */
class Fault extends Error {
  /** @param at the offset at which it was read */
  constructor(readonly at: number, message: string) {
    super(message);
  }
}

/** The check of one file. */
class PartCheck {
  readonly #bytes = new Uint8Array(WINDOW_BYTES);
  /** The window [at, end) that has been read and not consumed, and the file's offset of its beginning. */
  #at = 0;
  #end = 0;
  #base = 0;
  #file!: FileHandle;
  /** Lines so far, counted from one. */
  #line = 1;
  #inTransaction = false;

  constructor(
    readonly name: string,
    readonly path: string,
    readonly isLast: boolean,
    readonly startsWithRdb: boolean,
    readonly options: AofCheckOptions,
    readonly host: AofCheckHost,
  ) {}

  /** Checks it; `valid`, `empty`, or null where it has been cut and that has been said. */
  check(): "valid" | "empty" | null {
    this.#file = this.#open();
    try {
      const size = this.#file.sizeSync();
      if (size === 0) return "empty";
      if (this.startsWithRdb) this.#checkPreamble(size);
      return this.#checkCommands(size);
    } finally {
      this.#file.closeSync();
    }
  }

  #open(): FileHandle {
    try {
      return this.host.files.openRead(this.path);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new CheckFailed(`Cannot open file ${this.path}: ${error.reason}, aborting...`);
    }
  }

  #checkPreamble(size: number): void {
    const { host, name } = this;
    const { isSound, rest, length } = checkRdb(
      this.#file,
      size,
      name,
      host.nowMs,
      (line) => host.print(line),
    );
    if (!isSound) throw new CheckFailed("RDB preamble of AOF file is not sane, aborting.");
    host.print("RDB preamble is OK, proceeding with AOF tail...");
    this.#rest = rest;
    this.#base = length;
  }

  /** Bytes that were read with the preamble and come before those of the file. */
  #rest: Uint8Array = new Uint8Array(0);

  #checkCommands(size: number): "valid" | null {
    const { host, name, options: { fix, upToSeconds } } = this;
    /** End of the last whole command or transaction. */
    let soundUpTo = this.#offset, fault = "";
    try {
      while (this.#fill(1)) {
        const first = this.#bytes[this.#at];
        if (first === HASH) {
          const cutAt = this.#annotation();
          if (cutAt !== null) return this.#cutAtTime(cutAt);
        } else if (first === ASTERISK) {
          if (!this.#command()) break;
        } else {
          host.print(`AOF ${name} format error`);
          break;
        }
        if (!this.#inTransaction) soundUpTo = this.#offset;
      }
      if (this.#inTransaction && this.#offset === size) {
        fault = faultLine(this.#lastRead, "Reached EOF before reading EXEC for MULTI");
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      fault = faultLine(error.at, error.message);
    }
    if (fault !== "") host.print(fault);
    const surplus = size - soundUpTo;
    if (surplus === 0 && upToSeconds !== null) {
      host.print(`Truncate nothing in AOF ${name} to timestamp ${upToSeconds}`);
      return "valid";
    }
    host.print(
      `AOF analyzed: filename=${name}, size=${size}, ok_up_to=${soundUpTo}, ok_up_to_line=${this.#line}, diff=${surplus}`,
    );
    if (surplus === 0) return "valid";
    if (!fix) throw new CheckFailed(`AOF ${name} is not valid. Use the --fix option to try fixing it.`);
    return this.#shrink(size, soundUpTo);
  }

  #shrink(size: number, length: number): null {
    const { host, name } = this;
    if (!this.isLast) {
      throw new CheckFailed(`Failed to truncate AOF ${name} because it is not the last file`);
    }
    host.print(
      `This will shrink the AOF ${name} from ${size} bytes, with ${size - length} bytes, to ${length} bytes`,
    );
    if (!host.confirm("Continue? [y/N]: ")) throw new CheckFailed("Aborting...");
    this.#cut(length);
    host.print(`Successfully truncated AOF ${name}`);
    return null;
  }

  #cutAtTime(offset: number): null {
    const { host, name, options: { upToSeconds } } = this;
    if (offset === 0) {
      throw new CheckFailed(`AOF ${name} has nothing before timestamp ${upToSeconds}, aborting...`);
    }
    if (!this.isLast) {
      host.print(
        `Failed to truncate AOF ${name} to timestamp ${upToSeconds} to offset ${offset} because it is not the last file.`,
      );
      throw new CheckFailed(
        "Delete the files that follow it, and their lines in the manifest, then check again.",
      );
    }
    this.#cut(offset);
    host.print(`Successfully truncated AOF ${name} to timestamp ${upToSeconds}`);
    return null;
  }

  #cut(length: number): void {
    const file = this.host.files.openAppend(this.path);
    try {
      file.truncateSync(length);
      file.syncSync();
    } finally {
      file.closeSync();
    }
  }

  // ---- Parts of a file --------------------------------------------------------------------------------------------

  /** Start of the last line or argument. */
  #lastRead = 0;

  get #offset(): number {
    return this.#base + this.#at;
  }

  /** Reads on until `count` bytes are in the window, which holds as many; false at the end of the file. */
  #fill(count: number): boolean {
    if (this.#end - this.#at >= count) return true;
    this.#bytes.copyWithin(0, this.#at, this.#end);
    this.#base += this.#at;
    this.#end -= this.#at;
    this.#at = 0;
    while (this.#end < count) {
      const got = this.#readSync(this.#bytes.subarray(this.#end));
      if (got === 0) return false;
      this.#end += got;
    }
    return true;
  }

  #readSync(into: Uint8Array): number {
    if (this.#rest.length === 0) return this.#file.readSync(into);
    const count = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  /** A line with its line feed, cut after `most` bytes; "" at the end of the file. */
  #readLine(most: number): string {
    this.#lastRead = this.#offset;
    this.#fill(most);
    const limit = Math.min(this.#end, this.#at + most);
    const feed = this.#bytes.subarray(this.#at, limit).indexOf(LF);
    const end = feed < 0 ? limit : this.#at + feed + 1;
    const line = latin1(this.#bytes, this.#at, end);
    this.#at = end;
    return line;
  }

  /** A line of a prefix and a number; null at the end of the file. */
  #length(prefix: string): number | null {
    const line = this.#readLine(MAX_LENGTH_LINE);
    if (line === "") return null;
    if (line[0] !== prefix) throw new Fault(this.#lastRead, `Expected prefix '${prefix}', got: '${line[0]}'`);
    const digits = /^\s*[+-]?\d*/.exec(line.slice(1))?.[0] ?? "";
    this.#lineEnd(line.slice(1 + digits.length, 3 + digits.length));
    return Number(digits);
  }

  #lineEnd(text: string): void {
    if (text !== "\r\n") {
      const hex = (i: number) => (text.charCodeAt(i) || 0).toString(16).padStart(2, "0");
      throw new Fault(this.#lastRead, `Expected \\r\\n, got: ${hex(0)}${hex(1)}`);
    }
    this.#line++;
  }

  /** Passes over one command; false where the file ends in the middle, between two of its lines. */
  #command(): boolean {
    const count = this.#length("*");
    if (count === null) return false;
    for (let i = 0; i < count; i++) {
      const length = this.#length("$");
      if (length === null) return false;
      const word = this.#argument(length + 2);
      if (i > 0) continue;
      if (word === "multi") {
        if (this.#inTransaction) throw new Fault(this.#lastRead, `Unexpected MULTI in AOF ${this.name}`);
        this.#inTransaction = true;
      } else if (word === "exec") {
        if (!this.#inTransaction) throw new Fault(this.#lastRead, `Unexpected EXEC in AOF ${this.name}`);
        this.#inTransaction = false;
      }
    }
    return true;
  }

  /**
   * Passes over an argument of `length` bytes with its line end; returns a possible command name in
   * small letters.
   */
  #argument(length: number): string {
    this.#lastRead = this.#offset;
    let word = "", lastTwo = "";
    for (let missing = length; missing > 0;) {
      if (!this.#fill(1)) {
        throw new Fault(this.#lastRead, `Expected to read ${length} bytes, got ${length - missing} bytes`);
      }
      const count = Math.min(missing, this.#end - this.#at);
      const from = Math.max(this.#at, this.#at + count - 2);
      lastTwo = (lastTwo + latin1(this.#bytes, from, this.#at + count)).slice(-2);
      if (length <= 7) word += latin1(this.#bytes, this.#at, this.#at + count);
      this.#at += count;
      missing -= count;
    }
    this.#lineEnd(lastTwo);
    return word.slice(0, -2).toLowerCase();
  }

  /**
   * Passes over a comment. Returns the offset to cut the file at if it is a time beyond the wanted
   * one, else null.
   */
  #annotation(): number | null {
    const line = this.#readLine(MAX_ANNOTATION), { upToSeconds } = this.options;
    if (upToSeconds === null || !line.startsWith("#TS:")) return null;
    const seconds = /^#TS:([+-]?\d+)\r/.exec(line)?.[1];
    if (seconds === undefined) throw new CheckFailed("Invalid timestamp annotation");
    return Number(seconds) <= upToSeconds ? null : this.#lastRead;
  }
}

function faultLine(offset: number, message: string): string {
  return `0x${offset.toString(16).padStart(16)}: ${message}`;
}
