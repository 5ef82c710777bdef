import { assertEquals } from "@std/assert";
import { runTool } from "../../support/tool.ts";

const preload = new URL("../../support/time_limit.ts", import.meta.url).pathname;

const tests = `
Deno.test("a loop", () => { for (;;); });
Deno.test("a wait", async () => { await new Promise((done) => setTimeout(done, 600_000)); });
Deno.test(async function named() { for (;;) await null; });
Deno.test("options", { sanitizeOps: false }, () => { for (;;); });
Deno.test({ name: "all in one", fn() { for (;;); } });
Deno.test("a step", async (t) => { await t.step("loops", () => { for (;;); }); });
Deno.test({ name: "its own limit", timeout: 300_000, fn: () => new Promise((done) => setTimeout(done, 1000)) });
Deno.test.ignore("not now", () => { for (;;); });
Deno.test("works", () => {});
`;

Deno.test("a test that hangs, in any form, fails by its name and its place, and the next one runs", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/hangs_test.ts`, tests);
    const args = [
      "REDENO_TEST_LIMIT_MS=500",
      "NO_COLOR=1",
      Deno.execPath(),
      "test",
      "--no-config",
      "--no-lock",
    ];
    const permissions = ["--allow-env", "--no-check", `--preload=${preload}`];
    const { code, stdout } = await runTool("env", [...args, ...permissions, `${folder}/hangs_test.ts`]);
    const failures = stdout.slice(stdout.indexOf(" FAILURES ")).matchAll(/^(.*) => .*hangs_test\.ts:(\d+)/gm);
    assertEquals([...failures].map(([, name, line]) => `${name}, line ${line}`), [
      "a loop, line 2",
      "a wait, line 3",
      "named, line 4",
      "options, line 5",
      "all in one, line 6",
      "a step, line 7",
    ]);
    assertEquals(/ \| .* ignored/.exec(stdout)?.[0], " | 2 passed | 6 failed | 1 ignored");
    assertEquals(code, 1);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("deno task test gives every test the time limit", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("../../../deno.json", import.meta.url)));
  assertEquals(tasks.test.command.split(" ").includes("--preload=tests/support/time_limit.ts"), true);
});
