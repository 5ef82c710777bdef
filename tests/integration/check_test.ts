/** `redeno check-rdb` and `redeno check-aof` beside redis-check-rdb and redis-check-aof: the same output and status. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { checkAof } from "../../src/persistence/aof/aof_check.ts";
import { denoFiles } from "../../src/persistence/files.ts";
import { redenoCommand } from "../support/launch.ts";
import { findTool, startRedeno } from "../support/oracle.ts";
import { type Outcome, runTool } from "../support/tool.ts";

const redisTools = { "check-rdb": findTool("redis-check-rdb"), "check-aof": findTool("redis-check-aof") };
type Tool = keyof typeof redisTools;
const hasRedisTools = redisTools["check-rdb"] !== undefined && redisTools["check-aof"] !== undefined;

function redeno(tool: Tool, args: readonly string[], input = ""): Promise<Outcome> {
  const [program, ...words] = redenoCommand();
  return runTool(program, [...words, tool, ...args], input);
}

/** Checks an append only file in this process; every question is answered by `input`. */
function checkHere(args: readonly string[], input: string): Pick<Outcome, "stdout" | "code"> {
  let stdout = "";
  const code = checkAof(args.at(-1) ?? "", {
    fix: args[0] === "--fix",
    upToSeconds: args[0] === "--truncate-to-timestamp" ? Number(args[1]) : null,
  }, {
    files: denoFiles,
    nowMs: Date.now(),
    print: (line) => stdout += line + "\n",
    confirm: (question) => {
      stdout += question;
      return input.startsWith("y");
    },
  });
  return { stdout, code };
}

/** Says the same as Redis's tool; `reset` brings the files back between the two. */
async function assertSame(
  tool: Tool,
  args: readonly string[],
  { input = "", reset = async () => {}, inProcess = false }: {
    input?: string;
    reset?: () => Promise<void>;
    inProcess?: boolean;
  } = {},
): Promise<Pick<Outcome, "stdout" | "code">> {
  await reset();
  const theirs = await runTool(redisTools[tool] ?? "", args, input);
  await reset();
  const ours = inProcess ? checkHere(args, input) : await redeno(tool, args, input);
  assertEquals({ stdout: ours.stdout, code: ours.code }, { stdout: theirs.stdout, code: theirs.code });
  return ours;
}

/** A folder with an RDB file and an append only file of all types. */
class Site implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async make(): Promise<Site> {
    const folder = await Deno.makeTempDir({ prefix: "redeno-check-" });
    await using server = await startRedeno(["--appendonly", "yes", "--dbfilename", "data.rdb"]);
    using c = await server.connect();
    await c.pipeline([
      ["SET", "string", "value"],
      ["SET", "brief", "value", "PXAT", String(Date.now() + 1000_000)],
      ["RPUSH", "list", ...Array.from({ length: 500 }, (_, i) => `element ${i}`)],
      ["SADD", "set", "a", "b"],
      ["ZADD", "zset", "1", "a"],
      ["SELECT", "3"],
      ["HSET", "hash", "field", "value"],
      ["XADD", "stream", "*", "field", "value"],
      ["FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)"],
      ["SAVE"],
      ["BGREWRITEAOF"],
    ]);
    await server.logged(/Background AOF rewrite finished successfully/);
    await c.pipeline([["MULTI"], ["SET", "k", "1"], ["SET", "l", "1"], ["EXEC"], [
      "SET",
      "last",
      "x".repeat(100),
    ]]);
    await server.stop();
    await new Deno.Command("cp", { args: ["-r", `${server.folder}/.`, folder] }).output();
    return new Site(folder);
  }

  get rdb(): string {
    return `${this.folder}/data.rdb`;
  }

  get aofDir(): string {
    return `${this.folder}/appendonlydir`;
  }

  get manifest(): string {
    return `${this.aofDir}/appendonly.aof.manifest`;
  }

  /** The path of the file that commands go to. */
  async increment(): Promise<string> {
    const name = /file (\S+) seq \d+ type i/.exec(await Deno.readTextFile(this.manifest))?.[1];
    return `${this.aofDir}/${name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test({
  name: "check-rdb says what redis-check-rdb says of a sound file and of damage of every kind",
  ignore: !hasRedisTools,
  fn: async () => {
    await using site = await Site.make();
    const whole = await Deno.readFile(site.rdb), path = `${site.folder}/damaged.rdb`;
    assertEquals((await assertSame("check-rdb", [site.rdb])).code, 0);
    const damages: [name: string, bytes: Uint8Array][] = [
      ["no RDB", new TextEncoder().encode("NOTRDB0010")],
      ["a version of the future", new TextEncoder().encode("REDIS9999")],
      ["a wrong checksum", Uint8Array.of(...whole.slice(0, -1), whole.at(-1)! ^ 1)],
      ["no checksum", Uint8Array.of(...whole.slice(0, -8), 0, 0, 0, 0, 0, 0, 0, 0)],
      ["a lost end", whole.slice(0, -9)],
      ["half of it", whole.slice(0, whole.length >> 1)],
    ];
    for (const [, bytes] of damages) {
      await Deno.writeFile(path, bytes);
      await assertSame("check-rdb", [path]);
    }
    const text = (s: string) => new TextEncoder().encode(s);
    const value = [0xc3, 2, 60, 0x20, 0]; // compressed, into more than there is
    await Deno.writeFile(
      path,
      Uint8Array.of(...text("REDIS0010"), 0xfe, 0, 0, 1, ...text("k"), ...value, 0xff),
    );
    const damaged = await redeno("check-rdb", [path]);
    assertEquals(damaged.code, 1);
    assertMatch(damaged.stdout, /Reading key 'k'\n.*Reading type 0 \(string\)\n/);
    assertMatch(
      damaged.stderr,
      /^With `rdb-skip-unreadable-keys yes` redeno starts without such keys, .*\n$/,
    );
    const missing = await redeno("check-rdb", [`${site.folder}/none.rdb`]);
    assertEquals([missing.code, missing.stdout], [1, ""]);
    assertMatch(missing.stderr, /^Cannot read \S+none\.rdb: No such file or directory\n$/);
  },
});

/** Append only files, as text, and what is wrong with them. */
const DAMAGED: Record<string, string> = {
  "nothing": "*1\r\n$4\r\nPING\r\n",
  "torn argument": "*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nx",
  "torn between lines": "*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n",
  "torn length": "*1\r\n$4\r\nPING\r\n*3\r\n$3",
  "no RESP": "*1\r\n$4\r\nPING\r\nBAD*1\r\n$4\r\nPING\r\n",
  "wrong prefix": "*2\r\n$4\r\nPING\r\n*4\r\nPING\r\n",
  "wrong line end": "*1\r\n$4\r\nPINGxx*1\r\n",
  "transaction without EXEC": "*1\r\n$4\r\nPING\r\n*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nPING\r\n",
  "EXEC without MULTI": "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nEXEC\r\n",
  "MULTI in MULTI": "*1\r\n$5\r\nMULTI\r\n*1\r\n$5\r\nmulti\r\n",
  "zeros": "*1\r\n$4\r\nPING\r\n\0\0\0\0",
  "no content": "",
  "time stamps": "#TS:100\r\n*1\r\n$4\r\nPING\r\n#TS:200\r\n*1\r\n$4\r\nPING\r\n",
  "argument larger than the window": `*2\r\n$4\r\nECHO\r\n$200000\r\n${"x".repeat(200000)}\r\n*1\r\n$4\r\nPI`,
};

for (const [fault, text] of Object.entries(DAMAGED)) {
  Deno.test({
    name: `check-aof says what redis-check-aof says of a file with ${fault}, and mends the same`,
    ignore: !hasRedisTools,
    fn: async () => {
      const folder = await Deno.makeTempDir({ prefix: "redeno-check-" }), path = `${folder}/a.aof`;
      const reset = () => Deno.writeTextFile(path, text);
      await assertSame("check-aof", [path], { reset, inProcess: true });
      await assertSame("check-aof", ["--fix", path], { input: "n\n", reset, inProcess: true });
      await assertSame("check-aof", ["--fix", path], { input: "y\n", reset, inProcess: true });
      const mended = await Deno.readTextFile(path);
      await reset();
      await runTool(redisTools["check-aof"] ?? "", ["--fix", path], "y\n");
      assertEquals(mended, await Deno.readTextFile(path));
      for (const seconds of ["50", "150", "250"]) {
        await assertSame("check-aof", ["--truncate-to-timestamp", seconds, path], { reset, inProcess: true });
      }
      await Deno.remove(folder, { recursive: true });
    },
  });
}

Deno.test({
  name: "check-aof checks the parts that a manifest names, and cuts the last alone",
  ignore: !hasRedisTools,
  fn: async () => {
    await using site = await Site.make();
    assertEquals((await assertSame("check-aof", [site.manifest])).code, 0);
    const increment = await site.increment(), whole = await Deno.readFile(increment);
    const reset = () => Deno.writeFile(increment, whole.slice(0, -10));
    assertEquals((await assertSame("check-aof", [site.manifest], { reset })).code, 1);
    assertEquals((await assertSame("check-aof", ["--fix", site.manifest], { input: "y\n", reset })).code, 0);
    const base = (await Deno.readTextFile(site.manifest)).split(" ")[1] ?? "";
    await assertSame("check-aof", [`${site.aofDir}/${base}`]);
    await Deno.writeFile(
      `${site.aofDir}/${base}`,
      (await Deno.readFile(`${site.aofDir}/${base}`)).slice(0, 60),
    );
    await assertSame("check-aof", [site.manifest]);
    await Deno.writeTextFile(site.manifest, "file nothing.aof seq 1 type i\n");
    await assertSame("check-aof", [site.manifest]);
  },
});

Deno.test("check-aof takes the folder of the files, and the mended data load", async () => {
  await using site = await Site.make();
  const increment = await site.increment(), whole = await Deno.readFile(increment);
  await Deno.writeFile(increment, whole.slice(0, -10));
  const fixed = await redeno("check-aof", ["--fix", site.aofDir], "y\n");
  assertEquals(fixed.code, 0);
  assertMatch(fixed.stdout, /Successfully truncated AOF \S+\nAll AOF files and manifest are valid\n$/);
  assertEquals((await redeno("check-aof", [site.aofDir])).code, 0);
  assertMatch((await redeno("check-aof", [site.folder])).stdout, /^Folder \S+ holds no manifest\n$/);
});

Deno.test("check-rdb and check-aof say how they are called", async () => {
  for (
    const [tool, args] of [["check-rdb", []], ["check-rdb", ["a", "b"]], ["check-aof", []], ["check-aof", [
      "--no",
      "a",
    ]]] as const
  ) {
    const { code, stderr } = await redeno(tool, args);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `Usage: redeno ${tool} `);
  }
});
