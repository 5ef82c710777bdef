import { assertEquals, assertStringIncludes } from "@std/assert";
import { PidFile } from "../../../src/server/pid_file.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

Deno.test("PidFile holds the process id until the server ends", () => {
  const dir = Deno.makeTempDirSync();
  const path = `${dir}/redeno.pid`;
  const file = new PidFile(path, new RecordedLog());
  file.write();
  assertEquals(Deno.readTextFileSync(path), `${Deno.pid}\n`);
  file.remove();
  assertEquals([...Deno.readDirSync(dir)], []);
  Deno.removeSync(dir);
});

Deno.test("PidFile leaves another process's file alone", () => {
  const path = Deno.makeTempFileSync();
  const file = new PidFile(path, new RecordedLog());
  file.write();
  Deno.writeTextFileSync(path, "1\n");
  file.remove();
  assertEquals(Deno.readTextFileSync(path), "1\n");
  Deno.removeSync(path);
});

Deno.test("PidFile only logs that it cannot be written", () => {
  const log = new RecordedLog();
  const file = new PidFile("/nowhere/redeno.pid", log);
  file.write();
  file.remove();
  assertStringIncludes(log.lines.join("\n"), "Failed to write PID file /nowhere/redeno.pid");
});
