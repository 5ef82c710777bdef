import { assertEquals, assertMatch } from "@std/assert";
import { LoadProgress } from "../../../src/persistence/loading.ts";
import { LoadReport, Persistence } from "../../../src/server/data_folder.ts";
import { Server } from "../../../src/server/server.ts";
import { VirtualClock } from "../../../src/util/clock.ts";
import { startInProcess } from "../../support/in_process.ts";
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

Deno.test("Persistence writes nothing before what the disk holds has been loaded", async () => {
  const dir = await Deno.makeTempDir({ prefix: "redeno-persistence-" }), path = `${dir}/dump.rdb`;
  const before = Deno.cwd();
  try {
    const config = { save: "900 1", dir, "appendfsync": "always" };
    {
      using s = startInProcess({ config });
      const persistence = new Persistence(new Server(s.engine), new RecordedLog());
      assertEquals(await persistence.start(), true);
      s.client().send("SET", "k", "v");
      persistence.finish({ force: false });
    }
    const bytes = await Deno.readFile(path);
    for (const save of [undefined, true]) {
      using s = startInProcess({ config });
      const persistence = new Persistence(new Server(s.engine), new RecordedLog());
      persistence.finish({ ...(save === undefined ? {} : { save }), force: false });
      assertEquals(await Deno.readFile(path), bytes);
      const started = persistence.start();
      persistence.finish({ ...(save === undefined ? {} : { save }), force: false });
      assertEquals(await Deno.readFile(path), bytes);
      assertEquals([await started, s.client().send("GET", "k")], [true, "v"]);
      persistence.finish({ force: false });
    }
    assertMatch(new TextDecoder("latin1").decode(await Deno.readFile(path)), /^REDIS\d{4}/);
  } finally {
    // The directive `dir` goes there.
    Deno.chdir(before);
    await Deno.remove(dir, { recursive: true });
  }
});
