/** The functions of `@std/fs` that Redeno uses, for networks that do not reach JSR. */
import { basename, isAbsolute, join, resolve } from "node:path";

/** Creates a directory and its parents; fails if something else has its name. */
export async function ensureDir(dir: string | URL): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
}

/** {@linkcode ensureDir}, synchronously. */
export function ensureDirSync(dir: string | URL): void {
  Deno.mkdirSync(dir, { recursive: true });
}

/** Removes the content of a directory, and creates it if it is missing. */
export async function emptyDir(dir: string | URL): Promise<void> {
  await ensureDir(dir);
  for await (const entry of Deno.readDir(dir)) {
    await Deno.remove(join(pathOf(dir), entry.name), { recursive: true });
  }
}

/** Further conditions of {@linkcode exists}. */
export interface ExistsOptions {
  /** It is a directory. */
  isDirectory?: boolean;
  /** It is a file. */
  isFile?: boolean;
}

function isWanted(info: Deno.FileInfo, options: ExistsOptions): boolean {
  return (info.isDirectory || !options.isDirectory) && (info.isFile || !options.isFile);
}

/** True if a file or directory exists (symbolic links are followed). */
export async function exists(path: string | URL, options: ExistsOptions = {}): Promise<boolean> {
  try {
    return isWanted(await Deno.stat(path), options);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** {@linkcode exists}, synchronously. */
export function existsSync(path: string | URL, options: ExistsOptions = {}): boolean {
  try {
    return isWanted(Deno.statSync(path), options);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The options of {@linkcode move}. */
export interface MoveOptions {
  /** Replaces an existing destination. */
  overwrite?: boolean;
}

const pathOf = (path: string | URL) => path instanceof URL ? decodeURIComponent(path.pathname) : path;

/** Renames a file or directory; fails if the name is taken, unless `overwrite` is set. */
export async function move(src: string | URL, dest: string | URL, options: MoveOptions = {}): Promise<void> {
  await Promise.resolve();
  moveSync(src, dest, options);
}

/** {@linkcode move}, synchronously. */
export function moveSync(src: string | URL, dest: string | URL, options: MoveOptions = {}): void {
  const from = resolve(pathOf(src));
  const to = resolve(pathOf(dest));
  if (Deno.statSync(src).isDirectory && (to + "/").startsWith(from + "/")) {
    throw new Deno.errors.NotSupported(`Cannot move '${src}' to a subdirectory of itself, '${dest}'.`);
  }
  if (from === to && options.overwrite) return;
  if (existsSync(dest)) {
    if (!options.overwrite) throw new Deno.errors.AlreadyExists("dest already exists.");
    Deno.removeSync(dest, { recursive: true });
  }
  Deno.renameSync(src, dest);
}

/** A file or directory found by a glob. */
export interface WalkEntry extends Deno.DirEntry {
  /** Its absolute path. */
  path: string;
}

/** The start and the kinds of results of {@linkcode expandGlobSync}. */
export interface ExpandGlobOptions {
  /** The start of a relative glob: by default the working directory. */
  root?: string;
  /** Includes directories, as by default. */
  includeDirs?: boolean;
}

/**
 * Files and directories whose path matches `glob` (`*`, `?`, `[...]` within a name), sorted by
 * path.
 */
export function* expandGlobSync(glob: string | URL, options: ExpandGlobOptions = {}): Generator<WalkEntry> {
  const { root = Deno.cwd(), includeDirs = true } = options;
  const pattern = pathOf(glob);
  const parts = pattern.split("/").filter(Boolean);
  // Folders that the pattern names literally are not examined: the process may lack permission for
  // them.
  const fixed = parts.slice(0, Math.max(0, parts.findIndex(isPattern)));
  let found = [join(isAbsolute(pattern) ? "/" : resolve(root), ...fixed)];
  for (const part of parts.slice(fixed.length)) found = found.flatMap((path) => step(path, part));
  for (const path of found.sort()) {
    const { isFile, isDirectory, isSymlink } = Deno.lstatSync(path);
    if (includeDirs || !isDirectory) yield { path, name: basename(path), isFile, isDirectory, isSymlink };
  }
}

function isPattern(part: string): boolean {
  return /[*?[]/.test(part);
}

/** The paths in directory `path` that match one part of a glob. */
function step(path: string, part: string): string[] {
  if (!existsSync(path, { isDirectory: true })) return [];
  if (!isPattern(part)) return existsSync(join(path, part)) ? [join(path, part)] : [];
  const matcher = partMatcher(part);
  return [...Deno.readDirSync(path)].filter(({ name }) => matcher.test(name)).map(({ name }) =>
    join(path, name)
  );
}

function partMatcher(part: string): RegExp {
  const source = part.replace(/\[[!^]?[^\]]+\]|[*?]|[.+^$(){}|\\[\]]/g, (token) => {
    if (token === "*") return ".*";
    if (token === "?") return ".";
    return token.length > 2 ? token.replace(/^\[!/, "[^") : `\\${token}`;
  });
  return new RegExp(`^${source}$`, "s");
}
