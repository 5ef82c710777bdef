/** The functions of `@std/fs` that Redeno uses, for networks that do not reach JSR. */
import { basename, isAbsolute, join, resolve } from "node:path";

/** Makes a directory and those above it; fails if something else has its name. */
export async function ensureDir(dir: string | URL): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
}

/** {@linkcode ensureDir}, at once. */
export function ensureDirSync(dir: string | URL): void {
  Deno.mkdirSync(dir, { recursive: true });
}

/** Removes what a directory holds, and makes it where it is missing. */
export async function emptyDir(dir: string | URL): Promise<void> {
  await ensureDir(dir);
  for await (const entry of Deno.readDir(dir)) {
    await Deno.remove(join(pathOf(dir), entry.name), { recursive: true });
  }
}

/** What {@linkcode exists} asks beyond existence. */
export interface ExistsOptions {
  /** It is a directory. */
  isDirectory?: boolean;
  /** It is a file. */
  isFile?: boolean;
}

function isWanted(info: Deno.FileInfo, options: ExistsOptions): boolean {
  return (info.isDirectory || !options.isDirectory) && (info.isFile || !options.isFile);
}

/** Whether a file or directory is there (symbolic links are followed). */
export async function exists(path: string | URL, options: ExistsOptions = {}): Promise<boolean> {
  try {
    return isWanted(await Deno.stat(path), options);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** {@linkcode exists}, at once. */
export function existsSync(path: string | URL, options: ExistsOptions = {}): boolean {
  try {
    return isWanted(Deno.statSync(path), options);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What {@linkcode move} may do. */
export interface MoveOptions {
  /** Puts the source in the place of what is there. */
  overwrite?: boolean;
}

const pathOf = (path: string | URL) => path instanceof URL ? decodeURIComponent(path.pathname) : path;

/** Gives a file or directory another name; fails if the name is taken, unless told to overwrite. */
export async function move(src: string | URL, dest: string | URL, options: MoveOptions = {}): Promise<void> {
  await Promise.resolve();
  moveSync(src, dest, options);
}

/** {@linkcode move}, at once. */
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

/** A file or directory that a glob has found. */
export interface WalkEntry extends Deno.DirEntry {
  /** Its absolute path. */
  path: string;
}

/** Where {@linkcode expandGlobSync} looks and what it gives. */
export interface ExpandGlobOptions {
  /** Where a relative glob starts: the working directory unless told. */
  root?: string;
  /** Gives directories too, as is usual. */
  includeDirs?: boolean;
}

/** Files and directories whose path matches `glob` (`*`, `?`, `[...]` within a name), sorted by path. */
export function* expandGlobSync(glob: string | URL, options: ExpandGlobOptions = {}): Generator<WalkEntry> {
  const { root = Deno.cwd(), includeDirs = true } = options;
  const pattern = pathOf(glob);
  const parts = pattern.split("/").filter(Boolean);
  // Folders that the pattern names outright are not looked at: the process may have no permission for those.
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

/** The paths in directory `path` that one part of a glob names. */
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
