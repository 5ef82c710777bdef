/**
 * The one file layer. Every open, write, fsync, rename and unlink of the persistence goes through a
 * {@linkcode FileSystem}, so that tests can record the calls, make the n-th one fail, or cut the power
 * between any two and rebuild each folder a disk could then hold (tests/support/simulated_files.ts).
 *
 * The layer promises exactly this: a write has reached the kernel when it returns, it is on the
 * disk when a sync that began afterwards has returned, and a name (created, renamed, removed) is on the
 * disk when its folder has been synced. A failed sync promises nothing about earlier writes
 * it, even if a later one succeeds: the kernel may have dropped the pages.
 */
import { existsSync } from "@std/fs";
import { fromLatin1, toLatin1 } from "../config/host.ts";
import { errorText } from "../util/error_text.ts";

/** A file operation that failed: which one, on which path, and the system's reason. */
export class FileError extends Error {
  override name = "FileError";

  constructor(
    readonly operation: string,
    readonly path: string,
    /** The system's words for it, e.g. `No space left on device`. */
    readonly reason: string,
  ) {
    super(`Can't ${operation} ${path}: ${reason}`);
  }
}

/** An open file. All methods throw {@linkcode FileError}. */
export interface FileHandle {
  readonly path: string;
  /** One write at the cursor (at the end for appending handles); returns how many bytes were taken. */
  writeSync(bytes: Uint8Array): number;
  /** One read at the cursor; 0 at the end. */
  readSync(into: Uint8Array): number;
  /** Brings all written before the call to the disk, without holding the event loop. */
  sync(): Promise<void>;
  /** Brings all written so far to the disk. */
  syncSync(): void;
  /** Cuts the file to `length` bytes. */
  truncateSync(length: number): void;
  /** Length of the file in bytes. */
  sizeSync(): number;
  /** True if `path` leads to this very file. */
  isAtSync(path: string): boolean;
  closeSync(): void;
}

/** The disk as the persistence uses it. All methods throw {@linkcode FileError}. */
export interface FileSystem {
  /** Opens a file for writing at its end; creates it if missing. */
  openAppend(path: string): FileHandle;
  /** Creates a file, or empties the one that is there. */
  openWrite(path: string): FileHandle;
  openRead(path: string): FileHandle;
  existsSync(path: string): boolean;
  /** The absolute path without symbolic links. */
  realPathSync(path: string): string;
  /** Moves a file, replacing any file at `to`. */
  renameSync(from: string, to: string): void;
  unlinkSync(path: string): void;
  /** Makes a folder in one that exists; that it is there already is fine. */
  mkdirSync(path: string): void;
  /** The names in a folder, in no order. */
  readDirSync(path: string): string[];
  /** Makes the names in a folder durable. */
  syncDirSync(path: string): void;
}

/** Writes all of `bytes`, however many calls the system wants for it. */
export function writeAll(file: FileHandle, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const taken = file.writeSync(at === 0 ? bytes : bytes.subarray(at));
    if (taken <= 0) throw new FileError("write", file.path, "Short write");
    at += taken;
  }
}

/** The content of a file of at most some megabytes. */
export function readWhole(files: FileSystem, path: string): Uint8Array {
  const file = files.openRead(path);
  try {
    const bytes = new Uint8Array(file.sizeSync());
    let at = 0;
    while (at < bytes.length) {
      const got = file.readSync(bytes.subarray(at));
      if (got === 0) break;
      at += got;
    }
    return bytes.subarray(0, at);
  } finally {
    file.closeSync();
  }
}

/** `dir/name`. */
export function joinPath(dir: string, name: string): string {
  return dir === "" || name.startsWith("/") ? name : dir.endsWith("/") ? dir + name : `${dir}/${name}`;
}

/** The system's words in a Deno error: `No such file or directory (os error 2): open '/x'` without the rest. */
function reasonOf(error: unknown): string {
  const text = errorText(error);
  const end = text.indexOf(" (os error");
  return end < 0 ? text : text.slice(0, end);
}

function attempt<T>(operation: string, path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw toFileError(operation, path, error);
  }
}

function toFileError(operation: string, path: string, error: unknown): FileError {
  return new FileError(operation, path, reasonOf(error));
}

/**
 * A Deno file and, for writers, a second handle of the same file: the fsync that runs beside the loop goes through it, so
 * that writes to the first one do not wait for it.
 */
class DenoFile implements FileHandle {
  readonly path: string;
  #file: Deno.FsFile;
  #syncer: Deno.FsFile | null;
  #syncs = 0;
  #closed = false;

  constructor(path: string, file: Deno.FsFile, syncer: Deno.FsFile | null) {
    this.path = path;
    this.#file = file;
    this.#syncer = syncer;
  }

  writeSync(bytes: Uint8Array): number {
    try {
      return this.#file.writeSync(bytes);
    } catch (error) {
      throw toFileError("write", this.path, error);
    }
  }

  readSync(into: Uint8Array): number {
    return attempt("read", this.path, () => this.#file.readSync(into) ?? 0);
  }

  async sync(): Promise<void> {
    const syncer = this.#syncer ?? this.#file;
    this.#syncs++;
    try {
      await syncer.syncData();
    } catch (error) {
      throw toFileError("fsync", this.path, error);
    } finally {
      this.#syncs--;
      if (this.#closed) this.#closeSyncer();
    }
  }

  syncSync(): void {
    attempt("fsync", this.path, () => this.#file.syncDataSync());
  }

  truncateSync(length: number): void {
    attempt("truncate", this.path, () => this.#file.truncateSync(length));
  }

  sizeSync(): number {
    return attempt("stat", this.path, () => this.#file.statSync().size);
  }

  isAtSync(path: string): boolean {
    try {
      const here = this.#file.statSync(), there = Deno.statSync(fromLatin1(path));
      return here.ino === there.ino && here.dev === there.dev;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw toFileError("stat", path, error);
    }
  }

  closeSync(): void {
    this.#closed = true;
    this.#file.close();
    this.#closeSyncer();
  }

  #closeSyncer(): void {
    if (this.#syncs > 0 || this.#syncer === null) return;
    this.#syncer.close();
    this.#syncer = null;
  }
}

function openWriter(path: string, options: Deno.OpenOptions): FileHandle {
  return attempt("open", path, () => {
    const file = Deno.openSync(fromLatin1(path), { ...options, create: true, mode: 0o644 });
    try {
      return new DenoFile(path, file, Deno.openSync(fromLatin1(path), { read: true }));
    } catch (error) {
      file.close();
      throw error;
    }
  });
}

/** The machine's own files. Paths are latin1 strings of UTF-8 bytes, as the configuration holds them. */
export const denoFiles: FileSystem = {
  openAppend: (path) => openWriter(path, { append: true }),
  openWrite: (path) => openWriter(path, { write: true, truncate: true }),
  openRead: (path) => attempt("open", path, () => new DenoFile(path, openReader(path), null)),
  existsSync: (path) => attempt("stat", path, () => existsSync(fromLatin1(path))),
  realPathSync: (path) => attempt("resolve", path, () => toLatin1(Deno.realPathSync(fromLatin1(path)))),
  renameSync: (from, to) =>
    attempt(`rename to ${to}`, from, () => Deno.renameSync(fromLatin1(from), fromLatin1(to))),
  unlinkSync: (path) => attempt("remove", path, () => Deno.removeSync(fromLatin1(path))),
  mkdirSync: (path) => attempt("create the folder", path, () => makeFolder(fromLatin1(path))),
  readDirSync: (path) =>
    attempt("list", path, () => Array.from(Deno.readDirSync(fromLatin1(path)), ({ name }) => toLatin1(name))),
  syncDirSync: (path) => {
    if (Deno.build.os === "windows") return; // folders have no fsync there
    attempt("fsync the folder", path, () => {
      using folder = openReader(path === "" ? "." : path);
      folder.syncDataSync();
    });
  },
};

function makeFolder(path: string): void {
  if (!existsSync(path, { isDirectory: true })) Deno.mkdirSync(path);
}

function openReader(path: string): Deno.FsFile {
  return Deno.openSync(fromLatin1(path), { read: true });
}
