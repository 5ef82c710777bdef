import { assertEquals, assertRejects } from "@std/assert";
import { FolderInUseError, FolderLock } from "../../../src/persistence/folder_lock.ts";

/** A lock that is not granted waits to the end of its holder: here, to the end of the test. */
const options = { sanitizeOps: false, sanitizeResources: false };

Deno.test("FolderLock keeps a second server out, tells who is there, and ends", options, async () => {
  const folder = await Deno.makeTempDir();
  try {
    const first = await FolderLock.take(folder, "data", Deno.pid), pid = String(Deno.pid);
    const error = await assertRejects(() => FolderLock.take(folder, "data", 456), FolderInUseError);
    assertEquals([error.pid, error.message], [
      pid,
      `Another server (pid ${pid}) keeps its data in ${folder}`,
    ]);
    (await FolderLock.take(folder, "other", 1)).release();
    first.release();
    const third = await FolderLock.take(folder, "data", 789);
    assertEquals(await Deno.readTextFile(`${folder}/.data.lock`), "789\n");
    third.release();
    assertEquals([...Deno.readDirSync(folder)], []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
