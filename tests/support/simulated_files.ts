/**
 * A disk for tests, in memory. It counts every operation, makes chosen ones fail, and remembers
 * what has been synced, so that {@linkcode SimulatedFiles.afterPowerCut} can build the folders a
 * real disk could hold if the power failed at this moment:
 *
 * - of each file, the synced content, and any prefix of the changes since (the last write possibly
 *   torn);
 * - of the names in a folder, those at its last sync, and any prefix of the changes since; a folder
 *   whose own name is lost takes its content along.
 */
import { FileError, type FileHandle, type FileSystem } from "../../src/persistence/files.ts";
import type { Random } from "../../src/util/random.ts";

/** A change of a file since it was synced. */
type Change = { readonly at: number; readonly bytes: Uint8Array } | { readonly truncatedTo: number };

/** A file's content, independent of its names. */
class Inode {
  content = new Uint8Array(64);
  size = 0;
  synced: Uint8Array = new Uint8Array(0);
  unsynced: Change[] = [];

  static of(bytes: Uint8Array): Inode {
    const inode = new Inode();
    inode.apply({ at: 0, bytes });
    inode.synced = bytes.slice();
    return inode;
  }

  apply(change: Change): void {
    if ("truncatedTo" in change) {
      if (change.truncatedTo > this.size) throw new Error("the simulation does not extend files");
      this.size = change.truncatedTo;
      return;
    }
    const end = change.at + change.bytes.length;
    if (end > this.content.length) {
      const larger = new Uint8Array(end * 2);
      larger.set(this.content.subarray(0, this.size));
      this.content = larger;
    }
    this.content.set(change.bytes, change.at);
    this.size = Math.max(this.size, end);
  }

  change(change: Change): void {
    this.apply(change);
    this.unsynced.push(change);
  }

  bytes(): Uint8Array {
    return this.content.slice(0, this.size);
  }

  sync(): void {
    this.synced = this.bytes();
    this.unsynced = [];
  }

  /** One content the disk may hold. */
  survivor(random: Random): Inode {
    const kept = random.below(this.unsynced.length + 1);
    const inode = Inode.of(this.synced);
    for (const change of this.unsynced.slice(0, kept)) inode.apply(change);
    const torn = this.unsynced[kept];
    if (torn !== undefined && "bytes" in torn && random.below(2) === 0) {
      inode.apply({ at: torn.at, bytes: torn.bytes.slice(0, random.below(torn.bytes.length + 1)) });
    }
    return Inode.of(inode.bytes());
  }
}

/**
 * A change of a folder's names since it was synced: the file or folder each name leads to from then
 * on.
 */
type Renaming = readonly (readonly [path: string, target: Inode | "folder" | undefined])[];

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** Decides if an operation fails, and with which text; called before it happens. */
export type FailureRule = (operation: string, path: string, number: number) => string | undefined;

export class SimulatedFiles implements FileSystem {
  /** `operation path` of every operation so far. */
  readonly journal: string[] = [];
  /** Set to make operations fail. */
  failure: FailureRule | undefined;
  /** Called before every operation that changes the disk. */
  beforeChange: (() => void) | undefined;
  /** Largest number of bytes taken by one write. */
  longestWrite = Infinity;

  #names = new Map<string, Inode>();
  #syncedNames = new Map<string, Inode>();
  #renamings = new Map<string, Renaming[]>();
  #folders = new Set<string>([""]);
  #syncedFolders = new Set<string>([""]);
  #pendingSyncs: (() => void)[] = [];
  /** True if {@linkcode FileHandle.sync} waits for {@linkcode SimulatedFiles.finishSyncs}. */
  holdSyncs = false;

  #begin(operation: string, path: string, changes = true): void {
    if (changes) this.beforeChange?.();
    const reason = this.failure?.(operation, path, this.journal.length);
    this.journal.push(`${operation} ${path}`);
    if (reason !== undefined) throw new FileError(operation, path, reason);
  }

  #find(operation: string, path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw new FileError(operation, path, "No such file or directory");
    return inode;
  }

  #rename(folder: string, renaming: Renaming): void {
    applyNames(this.#names, this.#folders, renaming);
    const list = this.#renamings.get(folder);
    if (list === undefined) this.#renamings.set(folder, [renaming]);
    else list.push(renaming);
  }

  #open(operation: string, path: string, make: boolean): Inode {
    if (!this.#folders.has(folderOf(path))) {
      throw new FileError(operation, path, "No such file or directory");
    }
    if (make && !this.#names.has(path)) this.#rename(folderOf(path), [[path, new Inode()]]);
    return this.#find(operation, path);
  }

  openAppend(path: string): FileHandle {
    this.#begin("open", path);
    return new SimulatedHandle(this, path, this.#open("open", path, true));
  }

  openWrite(path: string): FileHandle {
    this.#begin("open", path);
    const inode = this.#open("open", path, true);
    if (inode.size > 0) inode.change({ truncatedTo: 0 });
    return new SimulatedHandle(this, path, inode);
  }

  openRead(path: string): FileHandle {
    this.#begin("open", path, false);
    return new SimulatedHandle(this, path, this.#open("open", path, false));
  }

  existsSync(path: string): boolean {
    return this.#names.has(path) || this.#folders.has(path);
  }

  realPathSync(path: string): string {
    const plain = path.replace(/\/$/, "");
    if (!this.existsSync(plain)) throw new FileError("resolve", path, "No such file or directory");
    return plain;
  }

  renameSync(from: string, to: string): void {
    this.#begin("rename", `${from} ${to}`);
    const inode = this.#find("rename", from);
    if (folderOf(from) === folderOf(to)) this.#rename(folderOf(to), [[to, inode], [from, undefined]]);
    else {
      this.#rename(folderOf(to), [[to, inode]]);
      this.#rename(folderOf(from), [[from, undefined]]);
    }
  }

  unlinkSync(path: string): void {
    this.#begin("remove", path);
    this.#find("remove", path);
    this.#rename(folderOf(path), [[path, undefined]]);
  }

  mkdirSync(path: string): void {
    this.#begin("mkdir", path);
    if (!this.#folders.has(folderOf(path))) {
      throw new FileError("mkdir", path, "No such file or directory");
    }
    if (!this.#folders.has(path)) this.#rename(folderOf(path), [[path, "folder"]]);
  }

  readDirSync(path: string): string[] {
    this.#begin("list", path, false);
    if (!this.#folders.has(path)) throw new FileError("list", path, "No such file or directory");
    return [...this.#names.keys()].filter((name) => folderOf(name) === path)
      .map((name) => name.slice(path.length === 0 ? 0 : path.length + 1));
  }

  syncDirSync(path: string): void {
    this.#begin("syncdir", path);
    for (const renaming of this.#renamings.get(path) ?? []) {
      applyNames(this.#syncedNames, this.#syncedFolders, renaming);
    }
    this.#renamings.delete(path);
  }

  /** Used by the handles: true if `path` leads to that file. */
  leadsTo(path: string, inode: Inode): boolean {
    return this.#names.get(path) === inode;
  }

  /** Used by the handles. */
  operate(operation: string, path: string, changes: boolean): void {
    this.#begin(operation, path, changes);
  }

  /** Used by the handles: settles at once, or when the test says so. */
  async syncLater(path: string, inode: Inode): Promise<void> {
    const covered = inode.unsynced.length;
    if (this.holdSyncs) await new Promise<void>((done) => this.#pendingSyncs.push(done));
    this.#begin("fsync", path);
    if (covered === inode.unsynced.length) inode.sync();
    else {
      const done = Inode.of(inode.synced);
      for (const change of inode.unsynced.splice(0, covered)) done.apply(change);
      inode.synced = done.bytes();
    }
  }

  /** Completes the waiting syncs. */
  finishSyncs(): void {
    for (const done of this.#pendingSyncs.splice(0)) done();
  }

  /** Adds a folder as if it had always existed. */
  putFolder(path: string): void {
    this.#folders.add(path);
    this.#syncedFolders.add(path);
  }

  /** Adds a file as if it had always existed. */
  put(path: string, bytes: Uint8Array): void {
    const inode = Inode.of(bytes);
    this.putFolder(folderOf(path));
    this.#names.set(path, inode);
    this.#syncedNames.set(path, inode);
  }

  /** The content of a file, or undefined. */
  get(path: string): Uint8Array | undefined {
    return this.#names.get(path)?.bytes();
  }

  /** The paths of all files. */
  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** The disk after the death of the process: everything written is there. */
  afterKill(): SimulatedFiles {
    const disk = new SimulatedFiles();
    for (const path of this.#folders) disk.putFolder(path);
    for (const [path, inode] of this.#names) disk.put(path, inode.bytes());
    return disk;
  }

  /** One disk a power cut at this moment may leave behind. */
  afterPowerCut(random: Random): SimulatedFiles {
    const names = new Map(this.#syncedNames), folders = new Set(this.#syncedFolders);
    for (const list of this.#renamings.values()) {
      for (const renaming of list.slice(0, random.below(list.length + 1))) {
        applyNames(names, folders, renaming);
      }
    }
    const disk = new SimulatedFiles();
    for (const path of folders) disk.putFolder(path);
    for (const [path, inode] of names) {
      if (folders.has(folderOf(path))) disk.put(path, inode.survivor(random).bytes());
    }
    return disk;
  }
}

function applyNames(names: Map<string, Inode>, folders: Set<string>, renaming: Renaming): void {
  for (const [path, target] of renaming) {
    if (target === "folder") folders.add(path);
    else if (target === undefined) names.delete(path);
    else names.set(path, target);
  }
}

class SimulatedHandle implements FileHandle {
  #at = 0;
  #closed = false;

  constructor(readonly disk: SimulatedFiles, readonly path: string, readonly inode: Inode) {}

  #begin(operation: string, changes: boolean): void {
    if (this.#closed) throw new Error(`${operation} on the closed ${this.path}`);
    this.disk.operate(operation, this.path, changes);
  }

  writeSync(bytes: Uint8Array): number {
    this.#begin("write", true);
    const taken = bytes.slice(0, Math.min(bytes.length, this.disk.longestWrite));
    this.inode.change({ at: this.inode.size, bytes: taken });
    return taken.length;
  }

  readSync(into: Uint8Array): number {
    this.#begin("read", false);
    const part = this.inode.content.subarray(this.#at, Math.min(this.inode.size, this.#at + into.length));
    into.set(part);
    this.#at += part.length;
    return part.length;
  }

  sync(): Promise<void> {
    if (this.#closed) throw new Error(`fsync on the closed ${this.path}`);
    return this.disk.syncLater(this.path, this.inode);
  }

  syncSync(): void {
    this.#begin("fsync", true);
    this.inode.sync();
  }

  truncateSync(length: number): void {
    this.#begin("truncate", true);
    this.inode.change({ truncatedTo: length });
  }

  sizeSync(): number {
    return this.inode.size;
  }

  isAtSync(path: string): boolean {
    return this.disk.leadsTo(path, this.inode);
  }

  closeSync(): void {
    this.#closed = true;
  }
}
