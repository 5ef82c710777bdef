/**
 * The machine services that the configuration uses: files, the working directory, standard input.
 */
import { expandGlobSync } from "@std/fs";
import { bytesOf, latin1 } from "../util/bytes.ts";
import { errorText } from "../util/error_text.ts";

/** Paths are ordinary strings; contents are latin1 strings, one char per byte. */
export interface ConfigHost {
  /** The content of a file; throws Deno's own errors. */
  readFile(path: string): string;
  /** All of standard input. */
  readStandardInput(): string;
  /** The files that match a glob, sorted. */
  expandGlob(pattern: string): string[];
  /** Replaces the content of a file by `content`, durably and in one step. */
  replaceFile(path: string, content: string): void;
  /** The absolute working directory. */
  workingDirectory(): string;
  /** Changes the working directory. */
  changeDirectory(path: string): void;
  /** True if the process's permissions allow writing in a directory. */
  mayWrite(path: string): boolean;
}

/** The machine itself. */
export const denoHost: ConfigHost = {
  readFile: (path) => latin1(Deno.readFileSync(path)),
  readStandardInput: () => {
    const chunks: string[] = [];
    const chunk = new Uint8Array(16 * 1024);
    for (let size = Deno.stdin.readSync(chunk); size !== null; size = Deno.stdin.readSync(chunk)) {
      chunks.push(latin1(chunk, 0, size));
    }
    return chunks.join("");
  },
  expandGlob: (pattern) =>
    Array.from(expandGlobSync(pattern, { includeDirs: false }), (entry) => entry.path).sort(),
  replaceFile: (path, content) => {
    const temporary = temporaryName(path);
    try {
      writeDurably(temporary, content);
      Deno.renameSync(temporary, path);
    } catch (error) {
      removeQuietly(temporary);
      throw error;
    }
  },
  workingDirectory: () => Deno.cwd(),
  changeDirectory: (path) => Deno.chdir(path),
  mayWrite: (path) => Deno.permissions.querySync({ name: "write", path }).state === "granted",
};

/** The temporary file that replaces `path` once it is complete. */
export function temporaryName(path: string): string {
  return `${path}.tmp`;
}

function writeDurably(path: string, content: string): void {
  using file = Deno.openSync(path, { write: true, create: true, truncate: true, mode: 0o644 });
  let rest: Uint8Array = bytesOf(content);
  while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
  file.syncSync();
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // it was never created, and the error that matters is about to be thrown
  }
}

/** C's strerror text for a failed file operation. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "No such file or directory";
  if (error instanceof Deno.errors.PermissionDenied) return "Permission denied";
  if (error instanceof Deno.errors.NotCapable) return "Permission denied: the process was started without it";
  if (error instanceof Deno.errors.NotADirectory) return "Not a directory";
  if (error instanceof Deno.errors.IsADirectory) return "Is a directory";
  return errorText(error);
}

/**
 * Text from outside (arguments, environment) in the server's form: the latin1 string of its UTF-8
 * bytes.
 */
export function toLatin1(text: string): string {
  return latin1(new TextEncoder().encode(text));
}

/** A latin1 string decoded as UTF-8, to hand a path to Deno. */
export function fromLatin1(text: string): string {
  return new TextDecoder().decode(bytesOf(text));
}
