/** The unit tests that should notice a fault of a source file. */
import type { RepositoryFile } from "../support/repository.ts";

const specifier = /^(?:import|export)[^;"]*"(\.[^"]+)"|import\("(\.[^"]+)"\)/gm;

/** The paths, relative to the top folder, of the files that a file imports. */
export function importedPaths({ path, text }: RepositoryFile): string[] {
  return [...text.matchAll(specifier)].map(([, plain, dynamic]) =>
    new URL(plain ?? dynamic ?? "", `file:///${path}`).pathname.slice(1)
  );
}

const mirrorOf = (path: string) => path.replace(/^src\//, "tests/unit/").replace(/\.ts$/, "_test.ts");
const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/") + 1);

/**
 * Tests by their nearness to a source file: 0 its mirrored test, 1 the tests of its folder, 2 those of its room,
 * 3 tests of other rooms that import the file or whose own subject imports it. All others are left out.
 *
 * @param tests paths of the unit tests
 * @param importers paths of the source and test files that import the file
 */
export function nearness(
  file: string,
  tests: readonly string[],
  importers: ReadonlySet<string>,
): Map<string, number> {
  const mirror = mirrorOf(file), folder = folderOf(mirror);
  const room = mirror.split("/").slice(0, 3).join("/") + "/";
  const mirrorsOfImporters = new Set([...importers].map(mirrorOf));
  const ranks = new Map<string, number>();
  for (const test of tests) {
    if (test === mirror) ranks.set(test, 0);
    else if (folderOf(test) === folder) ranks.set(test, 1);
    else if (test.startsWith(room)) ranks.set(test, 2);
    else if (importers.has(test) || mirrorsOfImporters.has(test)) ranks.set(test, 3);
  }
  return ranks;
}
