/** The repository's own files, for the tests that read them. */
import { existsSync } from "@std/fs";

const top = new URL("../../", import.meta.url).pathname;
const skipped = new Set([".git", ".cache", "node_modules", "bench-results", ".deno"]);

/** A file of the repository: its path from the top folder, and its text. */
export interface RepositoryFile {
  path: string;
  text: string;
}

function* walk(path: string): Generator<string> {
  if (!Deno.statSync(top + path).isDirectory) return yield path;
  for (const { name } of [...Deno.readDirSync(top + path)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    if (!skipped.has(name)) yield* walk(path === "." ? name : `${path}/${name}`);
  }
}

/** Files at or below the given paths whose names end in one of `endings` ("" for all). */
export function* repositoryFiles(paths: string[], endings: string[]): Generator<RepositoryFile> {
  for (const path of paths.filter((path) => existsSync(top + path)).flatMap((path) => [...walk(path)])) {
    if (endings.some((ending) => path.endsWith(ending))) {
      yield { path, text: Deno.readTextFileSync(top + path) };
    }
  }
}

/** TypeScript files at or below the given paths. */
export function sourceFiles(paths: string[]): Generator<RepositoryFile> {
  return repositoryFiles(paths, [".ts"]);
}
