import { assert, assertEquals } from "@std/assert";
import { defaultLimits } from "../../../src/data/limits.ts";
import { SetValue } from "../../../src/data/set.ts";
import { collectGarbage } from "../../../src/util/garbage.ts";

/** Waits for the collector's finalizers, which run some turns after it. */
async function collect(isDone: () => boolean): Promise<void> {
  for (let round = 0; round < 50 && !isDone(); round++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

Deno.test("a set that was never stored frees its runs when collected, a packed one does not", async () => {
  const limits = defaultLimits(), { store } = limits, root = new Uint8Array(100);
  function make(packs: boolean): number {
    const set = new SetValue(limits);
    for (let i = 0; i < 500; i++) set.add(`member:${i}`);
    if (packs) set.packInto(root, 0);
    return set.runBytes;
  }
  const packed = make(true), loose = make(false);
  assert(packed > 0 && loose > 0);
  assertEquals(store.liveBytes, packed + loose);
  await collect(() => store.liveBytes === packed);
  assertEquals(store.liveBytes, packed);
  const again = SetValue.unpack(limits, root, 0, root.length);
  assertEquals([again.size, again.has("member:7")], [500, true]);
  again.free();
  assertEquals(store.liveBytes, 0);
});
