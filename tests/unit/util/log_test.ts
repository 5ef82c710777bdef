import { assertEquals, assertMatch } from "@std/assert";
import { Log } from "../../../src/util/log.ts";

function recorded(level?: "debug" | "verbose" | "notice" | "warning") {
  const lines: string[] = [];
  return { lines, log: new Log((line) => lines.push(line), level, 42) };
}

Deno.test("Log writes lines in redis-server's format with local time", () => {
  const { lines, log } = recorded();
  const before = Date.now();
  log.role = "M";
  log.notice("Ready to accept connections");
  const parts = /^42:M (\d\d) (\w{3}) (\d{4}) (\d\d:\d\d:\d\d)\.\d{3} \* Ready to accept connections\n$/
    .exec(lines[0] ?? "");
  const written = new Date(`${parts?.[1]} ${parts?.[2]} ${parts?.[3]} ${parts?.[4]}`).getTime();
  assertEquals(written > before - 1000 && written <= Date.now(), true, lines[0]);
});

Deno.test("Log marks the levels and leaves out those below its own", () => {
  const { lines, log } = recorded("debug");
  const writeAll = () => {
    log.debug("a");
    log.verbose("b");
    log.notice("c");
    log.warning("d");
    return lines.splice(0).map((line) => line.slice(-4, -1));
  };
  assertEquals(writeAll(), [". a", "- b", "* c", "# d"]);
  log.level = "warning";
  assertEquals(log.level, "warning");
  assertEquals(writeAll(), ["# d"]);
  log.level = "verbose";
  assertEquals(writeAll(), ["- b", "* c", "# d"]);
});

Deno.test("Log writes raw text as it is, at any level", () => {
  const { lines, log } = recorded("warning");
  log.raw("PID: 42\n");
  assertEquals(lines, ["PID: 42\n"]);
});

Deno.test("Log.toFile appends each line at once, and to a new file when the old one is moved away", () => {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/redeno.log`;
  Deno.writeTextFileSync(path, "before\n");
  const log = Log.toFile(path, "notice");
  log.notice("erster grüner Satz");
  assertMatch(Deno.readTextFileSync(path), /^before\n\d+:C .* \* erster grüner Satz\n$/);
  Deno.renameSync(path, path + ".1");
  log.warning("second");
  assertMatch(Deno.readTextFileSync(path), /^\d+:C .* # second\n$/);
  Deno.removeSync(folder, { recursive: true });
  log.warning("a folder that is gone is no reason to stop");
});
