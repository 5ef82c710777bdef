/**
 * One server for the data in a directory. The lock is the kernel's (`flock` on a file in the directory), so that it ends
 * with the process however that ends; the file only tells the pid of the holder.
 */
import { fromLatin1 } from "../config/host.ts";
import { joinPath } from "./files.ts";

/** The name of the file that is locked: one for each name data is kept under, so that two names may share a folder. */
export function lockName(dataName: string): string {
  return `.${dataName}.lock`;
}

/**
 * Time to wait for a lock before it counts as held by another, milliseconds. Only a living process
 * holds one; if the process named in it has gone, the machine is merely slow.
 */
const PATIENCE_MS = 500, LONG_PATIENCE_MS = 10_000;

/** Another server keeps its data in the directory. */
export class FolderInUseError extends Error {
  override name = "FolderInUseError";

  constructor(readonly folder: string, readonly pid: string) {
    super(`Another server (pid ${pid}) keeps its data in ${folder}`);
  }
}

/** See the head of this file. */
export class FolderLock {
  private constructor(readonly path: string, readonly file: Deno.FsFile) {}

  /**
   * Locks the data called `dataName` in `folder` (both latin1 strings) until {@linkcode release} or the end of the
   * process.
   */
  static async take(folder: string, dataName: string, pid: number): Promise<FolderLock> {
    const path = fromLatin1(joinPath(folder, lockName(dataName)));
    for (;;) {
      const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o644 });
      const patienceMs = await hasGone(await pidIn(path)) ? LONG_PATIENCE_MS : PATIENCE_MS;
      if (!await isGranted(file, patienceMs)) throw new FolderInUseError(folder, await pidIn(path));
      // The holder before may have removed the file that was opened.
      if (await isSameFile(file, path)) {
        await file.truncate();
        await file.write(new TextEncoder().encode(`${pid}\n`));
        return new FolderLock(path, file);
      }
      file.close();
    }
  }

  /** Releases the directory. */
  release(): void {
    try {
      Deno.removeSync(this.path);
    } catch {
      // It is only a name; the lock goes with the handle.
    }
    this.file.close();
  }
}

/**
 * True if the lock is free. Otherwise the request waits in the background until the process or the
 * holder ends.
 */
async function isGranted(file: Deno.FsFile, patienceMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), patienceMs));
  const isGranted = await Promise.race([file.lock(true).then(() => true), patience]);
  clearTimeout(timer);
  return isGranted;
}

/** True if certainly no process has that number. */
async function hasGone(pid: string): Promise<boolean> {
  if (Deno.build.os !== "linux" || !/^\d+$/.test(pid)) return false;
  return await Deno.stat(`/proc/${pid}`).then(() => false, (error) => error instanceof Deno.errors.NotFound);
}

async function pidIn(path: string): Promise<string> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return text.trim() || "unknown";
}

async function isSameFile(file: Deno.FsFile, path: string): Promise<boolean> {
  const named = await Deno.stat(path).catch(() => undefined);
  return named !== undefined && named.ino === (await file.stat()).ino;
}
