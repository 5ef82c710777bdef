/**
 * The compiled executable, named by EXECUTABLE_UNDER_TEST, in the hands of redis-cli. `.ci/run` builds it;
 * on any other machine: `deno task compile`, then `EXECUTABLE_UNDER_TEST=$PWD/redeno deno task test`.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { latin1 } from "../../src/util/bytes.ts";
import { importFlags } from "../support/launch.ts";
import { findTool, ServerProcess } from "../support/oracle.ts";

const executable = Deno.env.get("EXECUTABLE_UNDER_TEST") ?? "";
const redisCli = findTool("redis-cli");

async function run(
  program: string,
  args: string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "redeno-executable-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "the executable says its version and refuses a directive that does not exist",
  ignore: !executable,
  fn: async () => {
    const version = await run(executable, ["--version"]);
    assertEquals(version.code, 0);
    assertMatch(version.stdout, /^Redeno .*v=\d+\.\d+\.\d+/i);
    const refused = await run(executable, ["--no-such-directive", "1"]);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, "no-such-directive");
  },
});

Deno.test({
  name: "the executable carries the pages of help, and says which page was meant",
  ignore: !executable,
  fn: async () => {
    const list = await run(executable, ["help"]);
    assertMatch(list.stdout, /\n +redeno help operations +\S/);
    assertMatch((await run(executable, ["help", "operations"])).stdout, /^# Operations/);
    assertStringIncludes((await run(executable, ["help", "systemd"])).stdout, "Type=notify");
    const misspelled = await run(executable, ["help", "opertions"]);
    assertEquals(misspelled.code, 1);
    assertStringIncludes(misspelled.stderr, "Did you mean 'redeno help operations'?");
  },
});

Deno.test({
  name: "the executable keeps its data over a restart and ends with status 0 on SIGTERM",
  ignore: !executable || !redisCli,
  fn: () =>
    withFolder(async (folder) => {
      for (const before of ["", "value of the first run"]) {
        const server = await ServerProcess.start([executable], ["--appendonly", "yes"], folder);
        const cli = (...args: string[]) => run(redisCli ?? "", ["-p", String(server.port), ...args]);
        assertEquals((await cli("PING")).stdout, "PONG");
        assertEquals((await cli("GET", "key")).stdout, before);
        assertEquals((await cli("SET", "key", "value of the first run")).stdout, "OK");
        assertEquals((await cli("RPUSH", "list", "a", "b")).stdout, before ? "4" : "2");
        assertEquals((await server.stop("SIGTERM")).code, 0);
      }
    }),
});

Deno.test({
  name: "the executable is its own client",
  ignore: !executable,
  fn: () =>
    withFolder(async (folder) => {
      const server = await ServerProcess.start([executable], ["--save", ""], folder);
      const answer = await run(executable, ["cli", "-p", String(server.port), "SET", "key", "value"]);
      assertEquals(answer, { code: 0, stdout: "OK", stderr: "" });
      await server.stop();
    }),
});

Deno.test("deno task compile says in its last line how to go on where the runtime cannot be had", async () => {
  // A folder of its own: where it fails, the task removes an executable that was there before.
  const top = await Deno.realPath(new URL("../../", import.meta.url)), folder = await Deno.makeTempDir();
  for (const name of ["deno.json", "deno.lock", "main.ts", "src"]) {
    await Deno.symlink(`${top}/${name}`, `${folder}/${name}`);
  }
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", "compile"],
    cwd: folder,
    env: { DENORT_BIN: `${folder}/no-such-runtime`, NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
  }).output();
  await Deno.remove(folder, { recursive: true });
  const said = new TextDecoder().decode(stderr).trim().split("\n");
  assertEquals(code, 1);
  assertMatch(
    said.at(-1) ?? "",
    /^No executable was made: .* DENORT_BIN, or run the server by deno task start\.$/,
  );
  assertEquals(said.filter((line) => line.includes("backtrace")), []);
});

/** Packages that Redeno's modules name: the Lua library, and what the stand-in of `@std/cli` is made of. */
const OWN_PACKAGES = ["@types/minimist", "minimist", "wasmoon-lua5.1"];

/** Packages of the tests and benchmarks. */
const FOREIGN_PACKAGES = [
  "bullmq",
  "connect-redis",
  "express-session",
  "ioredis",
  "keyv",
  "redlock",
  "socket.io",
];

Deno.test("main.ts imports the Lua library from npm, and nothing that only tests need", async () => {
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const info = await run(Deno.execPath(), ["info", "--json", ...importFlags(), main]);
  const { modules }: { modules: { npmPackage?: string }[] } = JSON.parse(info.stdout);
  const names = modules.flatMap(({ npmPackage }) => npmPackage?.slice(0, npmPackage.lastIndexOf("@")) ?? []);
  assert(names.includes("wasmoon-lua5.1"));
  assertEquals(names.filter((name) => !OWN_PACKAGES.includes(name)), []);
});

Deno.test({
  name: "the executable carries no package of the tests",
  ignore: !executable,
  fn: async () => {
    const text = latin1(await Deno.readFile(executable));
    const carries = (name: string) => text.includes(`{"Dir":{"n":"${name}",`);
    assertEquals(["wasmoon-lua5.1", ...FOREIGN_PACKAGES].filter(carries), ["wasmoon-lua5.1"]);
  },
});

Deno.test({
  name: "the executable runs scripts",
  ignore: !executable,
  fn: () =>
    withFolder(async (folder) => {
      const server = await ServerProcess.start([executable], ["--save", ""], folder);
      using c = await server.connect();
      assertEquals(
        await c.send("EVAL", "return cjson.encode({redis.call('PING').ok})", "0"),
        '$8\r\n["PONG"]\r\n',
      );
      await server.stop();
    }),
});
