/**
 * `redeno check-rdb` and `redeno check-aof` on the command line: arguments, files and the terminal.
 */
import { checkAof } from "../persistence/aof/aof_check.ts";
import { denoFiles, FileError, type FileHandle } from "../persistence/files.ts";
import { checkRdb } from "../persistence/rdb/rdb_check.ts";
import { bytesOf } from "../util/bytes.ts";

const RDB_USAGE = "Usage: redeno check-rdb FILE";
const AOF_USAGE = "Usage: redeno check-aof [--fix | --truncate-to-timestamp SECONDS] FILE|MANIFEST|DIR";

/** Prints latin1 text as the bytes it stands for. */
function print(text: string): void {
  let rest: Uint8Array = bytesOf(text);
  while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
}

const printLine = (line: string) => print(`${line}\n`);

/** Checks an RDB file; returns the exit status. */
export function runCheckRdb(args: readonly string[]): number {
  const [path] = args;
  if (path === undefined || args.length !== 1) {
    console.error(RDB_USAGE);
    return 1;
  }
  let file: FileHandle | undefined;
  try {
    file = denoFiles.openRead(path);
    const { isSound, advice } = checkRdb(file, file.sizeSync(), path, Date.now(), printLine);
    if (advice !== undefined) console.error(advice);
    return isSound ? 0 : 1;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    console.error(`Cannot read ${path}: ${error.reason}`);
    return 1;
  } finally {
    file?.closeSync();
  }
}

/** Checks an append only file, and repairs it on request; returns the exit status. */
export function runCheckAof(args: readonly string[]): number {
  const fix = args[0] === "--fix", cuts = args[0] === "--truncate-to-timestamp";
  const path = args.at(-1);
  if (
    path === undefined || args.length !== (fix ? 2 : cuts ? 3 : 1) ||
    (args.length === 1 && path.startsWith("--"))
  ) {
    console.error(AOF_USAGE);
    return 1;
  }
  const upToSeconds = cuts ? Number(args[1]) : null;
  if (upToSeconds !== null && !(Number.isInteger(upToSeconds) && upToSeconds > 0)) {
    printLine("Invalid timestamp, aborting...");
    return 1;
  }
  const manifest = manifestIn(path);
  if (manifest === null) return 1;
  const host = { files: denoFiles, nowMs: Date.now(), print: printLine, confirm };
  return checkAof(manifest, { fix, upToSeconds }, host);
}

/**
 * The manifest in a folder, or the path itself if it is not a folder; null, with a message, if the
 * folder has none.
 */
function manifestIn(path: string): string | null {
  let names: string[];
  try {
    if (!Deno.statSync(path).isDirectory) return path;
    names = [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) => name.endsWith(".manifest"));
  } catch {
    return path; // opening the path reports the error
  }
  const [name] = names;
  if (name !== undefined && names.length === 1) return `${path.replace(/\/+$/, "")}/${name}`;
  const found = names.length === 0 ? "no manifest" : `several manifests: ${names.sort().join(", ")}`;
  printLine(`Folder ${path} holds ${found}`);
  return null;
}

/** Asks for confirmation on standard input, terminal or not; anything but `y` means no. */
function confirm(question: string): boolean {
  print(question);
  const answer = new Uint8Array(1);
  const got = Deno.stdin.readSync(answer);
  return got === 1 && (answer[0]! | 0x20) === 0x79;
}
