import { assert, assertEquals } from "@std/assert";
import { failEach, failEachOfStart, type FaultReport, faults, scenarios, startFolders } from "./faults.ts";

for (const scenario of scenarios) {
  Deno.test(`each file operation of ${scenario.name} fails, once and for good, and nothing is lost`, async () => {
    const report: FaultReport = { faults: 0, problems: [] };
    for (const fault of faults) await failEach(scenario, fault, report);
    assertEquals(report.problems, []);
    assert(report.faults >= 10, `${report.faults} operations`);
  });
}

Deno.test("each file operation of a start fails, once and for good, and the next start is as if it had not", async () => {
  for (const [name, disk, config] of await startFolders()) {
    const report: FaultReport = { faults: 0, problems: [] };
    for (const fault of faults) await failEachOfStart(disk, config, fault, report);
    assertEquals(report.problems, [], name);
    assert(report.faults >= 4, `${name}: ${report.faults} operations`);
  }
});
