/** The same tests pass with the real `@std/fs` and with the stand-in of src/std/. */
import { assert, assertEquals, assertFalse, assertRejects, assertThrows } from "@std/assert";
import {
  emptyDir,
  ensureDir,
  ensureDirSync,
  exists,
  existsSync,
  expandGlobSync,
  move,
  moveSync,
} from "@std/fs";

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("ensureDir makes what is missing and refuses a file's name", () =>
  withFolder(async (folder) => {
    await ensureDir(`${folder}/a/b`);
    await ensureDir(`${folder}/a/b`);
    ensureDirSync(`${folder}/c/d`);
    assert(await exists(`${folder}/a/b`, { isDirectory: true }));
    assert(existsSync(`${folder}/c/d`, { isDirectory: true }));
    await Deno.writeTextFile(`${folder}/file`, "");
    await assertRejects(() => ensureDir(`${folder}/file`));
    assertThrows(() => ensureDirSync(`${folder}/file`));
  }));

Deno.test("exists tells files, directories and nothing apart", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    assert(await exists(`${folder}/file`, { isFile: true }));
    assertFalse(await exists(`${folder}/file`, { isDirectory: true }));
    assertFalse(await exists(`${folder}/none`));
    assert(existsSync(`${folder}/file`));
    assertFalse(existsSync(folder, { isFile: true }));
    assertFalse(existsSync(`${folder}/none`));
  }));

Deno.test("emptyDir leaves the directory itself", () =>
  withFolder(async (folder) => {
    await ensureDir(`${folder}/a/b`);
    await emptyDir(`${folder}/a`);
    assertEquals([...Deno.readDirSync(`${folder}/a`)], []);
    await emptyDir(`${folder}/new`);
    assert(await exists(`${folder}/new`));
  }));

Deno.test("move takes another file's place only where told", () =>
  withFolder(async (folder) => {
    const [one, two] = [`${folder}/one`, `${folder}/two`];
    await Deno.writeTextFile(one, "1");
    await Deno.writeTextFile(two, "2");
    await assertRejects(() => move(one, two), Deno.errors.AlreadyExists);
    assertThrows(() => moveSync(one, two), Deno.errors.AlreadyExists);
    await move(one, two, { overwrite: true });
    assertEquals(await Deno.readTextFile(two), "1");
    moveSync(two, one);
    assertFalse(await exists(two));
    await ensureDir(`${folder}/dir`);
    await assertRejects(() => move(`${folder}/dir`, `${folder}/dir/inner`), Deno.errors.NotSupported);
  }));

Deno.test("expandGlobSync gives the paths a pattern names, in order", () =>
  withFolder(async (folder) => {
    await ensureDir(`${folder}/sub/x.conf`);
    for (const name of ["b.conf", "a.conf", "c+.conf", "d.txt", "sub/e.conf"]) {
      await Deno.writeTextFile(`${folder}/${name}`, "");
    }
    const names = (glob: string) => [...expandGlobSync(glob, { root: folder })].map(({ name }) => name);
    assertEquals(names("*.conf"), ["a.conf", "b.conf", "c+.conf"]);
    assertEquals(names(`${folder}/?.conf`), ["a.conf", "b.conf"]);
    assertEquals(names("[!a-b]*.conf"), ["c+.conf"]);
    assertEquals(names("*/*.conf"), ["e.conf", "x.conf"]);
    assertEquals(names("d.txt"), ["d.txt"]);
    assertEquals(names("none/*.conf"), []);
    assertEquals(
      [...expandGlobSync("sub/*", { root: folder, includeDirs: false })].map(({ path }) => path),
      [`${folder}/sub/e.conf`],
    );
  }));
