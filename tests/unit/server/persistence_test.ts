import { assertEquals } from "@std/assert";
import { LoadProgress } from "../../../src/persistence/loading.ts";
import { LoadReport } from "../../../src/server/persistence.ts";
import { VirtualClock } from "../../../src/util/clock.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

Deno.test("LoadReport tells every five seconds how far a load has come and how long it will take", async () => {
  const clock = new VirtualClock(), log = new RecordedLog(), progress = new LoadProgress(clock);
  const report = new LoadReport(log, clock.nowMs());
  progress.totalBytes = 1000;
  for (let second = 0; second <= 12; second++) {
    report.update(progress);
    clock.advance(1000);
    progress.loadedBytes += 50;
  }
  await report.end();
  assertEquals(log.lines, [
    "Loading data: 25.0% of 1000 bytes (250), about 15 seconds to go",
    "Loading data: 50.0% of 1000 bytes (500), about 10 seconds to go",
  ]);
});
