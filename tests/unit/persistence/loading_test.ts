import { assertEquals } from "@std/assert";
import { load, LoadError, loadNow, LoadProgress, RdbLoadError } from "../../../src/persistence/loading.ts";
import { VirtualClock } from "../../../src/util/clock.ts";

Deno.test("LoadProgress counts time, part and what is to come", () => {
  const clock = new VirtualClock(), progress = new LoadProgress(clock);
  assertEquals([progress.percent, progress.etaSeconds, progress.totalBytes, progress.loadedBytes], [
    0,
    1,
    0,
    0,
  ]);
  progress.totalBytes = 400;
  clock.advance(2500);
  assertEquals([progress.percent, progress.etaSeconds, progress.elapsedSeconds], [0, 1, 2.5]);
  progress.loadedBytes = 1;
  assertEquals(progress.etaSeconds, 997);
  progress.loadedBytes = 100;
  assertEquals([progress.percent, progress.etaSeconds], [25, 7]);
});

Deno.test("LoadProgress holds the event loop for 20 ms at most, counted anew after each pause", async () => {
  const clock = new VirtualClock();
  let told = 0;
  const progress = new LoadProgress(clock, () => told++);
  clock.advance(19.999);
  assertEquals(progress.isDue, false);
  clock.advance(0.001);
  assertEquals(progress.isDue, true);
  await progress.pause();
  assertEquals([progress.isDue, told], [false, 1]);
  clock.advance(19.999);
  assertEquals(progress.isDue, false);
  clock.advance(0.001);
  assertEquals(progress.isDue, true);
});

Deno.test("LoadProgress with key-load-delay pauses as soon as a millisecond is to be waited", async () => {
  const progress = new LoadProgress(new VirtualClock(), () => {}, () => 250);
  assertEquals(progress.keysPerStep, 1);
  progress.keysLoaded(3);
  assertEquals(progress.isDue, false);
  progress.keysLoaded(1);
  assertEquals(progress.isDue, true);
  await progress.pause();
  assertEquals(progress.isDue, false);
  const free = new LoadProgress(new VirtualClock(), () => {}, () => 0);
  assertEquals(free.keysPerStep, 64);
  const odd = new LoadProgress(new VirtualClock(), () => {}, () => -5);
  odd.keysLoaded(1_000_000);
  assertEquals([odd.keysPerStep, odd.isDue], [64, false]);
});

Deno.test("load pauses where that is due, loadNow never, and both give the result", async () => {
  function* steps(clock: VirtualClock) {
    for (let i = 0; i < 5; i++) {
      clock.advance(10);
      yield;
    }
    return "done";
  }
  let pauses = 0;
  const clock = new VirtualClock(), progress = new LoadProgress(clock, () => pauses++);
  assertEquals([await load(steps(clock), progress), pauses], ["done", 2]);
  assertEquals([loadNow(steps(clock)), pauses], ["done", 2]);
});

Deno.test("LoadError names file and place, and what can be done if there is something", () => {
  assertEquals(new LoadError("odd", "a.rdb", 7).message, "odd (file a.rdb, at offset 7)");
  const { message, name } = new RdbLoadError("odd", "a.rdb", 7, "Mend it");
  assertEquals([message, name], ["odd (file a.rdb, at offset 7). Mend it", "RdbLoadError"]);
});
