/**
 * The files that Redis and Redeno share: each starts from the other's folder and holds the same, key by key, and Redis's
 * own tools find our files good.
 */
import { assert, assertEquals } from "@std/assert";
import { assertSame, content, fill, words } from "../support/dataset.ts";
import { redenoCommand } from "../support/launch.ts";
import { findTool, type RawConnection, redisServer, ServerProcess } from "../support/oracle.ts";

const options = { ignore: redisServer === undefined };
const REDIS = [redisServer ?? "redis-server"];

/** Waits until INFO says that nothing is being rewritten or saved. */
async function settled(c: RawConnection): Promise<void> {
  for (;;) {
    const info = await c.send("INFO", "persistence");
    assert(info.includes("aof_rewrite_in_progress"), info);
    if (/aof_rewrite_in_progress:0/.test(info) && /rdb_bgsave_in_progress:0/.test(info)) return;
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

const LIBRARY = "#!lua name=answers\nredis.register_function('answer', function() return 42 end)";

/** Starts `first`, fills it, saves in a way, ends it; then starts `second` on the same folder and compares. */
async function handOver(
  first: string[],
  second: string[],
  directives: string[],
  save: string[][],
  seed: number,
) {
  const folder = await Deno.makeTempDir({ prefix: "redeno-interchange-" });
  try {
    const writer = await ServerProcess.start(first, directives, folder);
    const expected = await fill(writer, seed);
    let libraries = "";
    {
      using c = await writer.connect();
      assertEquals(await c.send("FUNCTION", "LOAD", LIBRARY), "$7\r\nanswers\r\n");
      libraries = await c.send("FUNCTION", "LIST", "WITHCODE");
      for (const command of save) assert(!(await c.send(...command)).startsWith("-"));
      await settled(c);
    }
    await writer.stop("SIGKILL");
    const reader = await ServerProcess.start(second, directives, folder);
    try {
      assertSame(await content(reader), expected);
      using c = await reader.connect();
      assertEquals(await c.send("FUNCTION", "LIST", "WITHCODE"), libraries);
    } finally {
      await reader.stop("SIGKILL");
    }
    return await checkFolder(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Redis's own checkers on what is in a folder. */
async function checkFolder(folder: string): Promise<void> {
  const checks: [string, string][] = [
    ["redis-check-rdb", `${folder}/dump.rdb`],
    ["redis-check-aof", `${folder}/appendonlydir/appendonly.aof.manifest`],
  ];
  for (const [tool, path] of checks) {
    const program = findTool(tool);
    if (program === undefined || !(await exists(path))) continue;
    const { success, stdout } = await new Deno.Command(program, { args: [path] }).output();
    assert(success, `${tool}: ${new TextDecoder().decode(stdout)}`);
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

const RDB = ["--save", "", "--appendonly", "no"], AOF = ["--save", "", "--appendonly", "yes"];
const COMMANDS = [...AOF, "--aof-use-rdb-preamble", "no"];

Deno.test("an RDB file of Redeno is the same data in redis-server", options, async () => {
  await handOver(redenoCommand(), REDIS, RDB, [["SAVE"]], 1);
  await handOver(redenoCommand(), REDIS, [...RDB, "--rdbcompression", "no"], [["BGSAVE"]], 2);
});

Deno.test("an RDB file of redis-server is the same data in Redeno", options, async () => {
  await handOver(REDIS, redenoCommand(), RDB, [["SAVE"]], 3);
  await handOver(REDIS, redenoCommand(), [...RDB, "--list-compress-depth", "1"], [["SAVE"]], 4);
});

Deno.test("an append-only file of Redeno is the same data in redis-server", options, async () => {
  await handOver(redenoCommand(), REDIS, AOF, [], 5);
  await handOver(redenoCommand(), REDIS, AOF, [["BGREWRITEAOF"]], 6);
  await handOver(
    redenoCommand(),
    REDIS,
    [...COMMANDS, "--aof-timestamp-enabled", "yes"],
    [["BGREWRITEAOF"]],
    7,
  );
});

Deno.test("an append-only file of redis-server is the same data in Redeno", options, async () => {
  await handOver(REDIS, redenoCommand(), AOF, [], 8);
  await handOver(REDIS, redenoCommand(), AOF, [["BGREWRITEAOF"]], 9);
  await handOver(REDIS, redenoCommand(), COMMANDS, [["BGREWRITEAOF"]], 10);
});

Deno.test("DUMP of each restores in the other", options, async () => {
  await using redis = await ServerProcess.start(REDIS, RDB);
  await using redeno = await ServerProcess.start(redenoCommand(), RDB);
  for (const [from, to] of [[redis, redeno], [redeno, redis]] as const) {
    const expected = await fill(from, 11);
    using source = await from.connect();
    using target = await to.connect();
    for (const name of expected.keys()) {
      const db = name.slice(0, name.indexOf(" ")), key = name.slice(db.length + 1);
      await source.send("SELECT", db);
      await target.send("SELECT", db);
      const [payload = ""] = words("*1\r\n" + await source.send("DUMP", key));
      const at = /^:(-?\d+)/.exec(await source.send("PEXPIRETIME", key))?.[1] ?? "-1";
      const ttl = at === "-1" ? "0" : at;
      assertEquals(await target.send("RESTORE", key, ttl, payload, "REPLACE", "ABSTTL"), "+OK\r\n", name);
    }
    assertSame(await content(to), expected);
    await target.send("FLUSHALL");
    await source.send("FLUSHALL");
  }
});

Deno.test(
  "an append-only file of one piece, as redis-server wrote it before 7.0, is taken over",
  options,
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "redeno-interchange-" });
    try {
      const writer = await ServerProcess.start(REDIS, AOF, folder);
      {
        using c = await writer.connect();
        await c.pipeline([["SET", "in the base", "1"], ["HSET", "hash", "f", "v"], ["BGREWRITEAOF"]]);
        await settled(c);
        await c.send("APPEND", "in the base", "2");
      }
      const expected = await content(writer);
      await writer.stop("SIGKILL");
      const files = `${folder}/appendonlydir/appendonly.aof.2`;
      // A preamble and the commands since then: what is two files now was one.
      const pieces = await Promise.all([".base.rdb", ".incr.aof"].map((end) => Deno.readFile(files + end)));
      await Deno.remove(`${folder}/appendonlydir`, { recursive: true });
      for (const piece of pieces) await Deno.writeFile(`${folder}/appendonly.aof`, piece, { append: true });
      for (let start = 0; start < 2; start++) {
        const reader = await ServerProcess.start(redenoCommand(), AOF, folder);
        try {
          assertSame(await content(reader), expected);
        } finally {
          await reader.stop("SIGKILL");
        }
      }
      assertEquals(await exists(`${folder}/appendonly.aof`), false);
      await checkFolder(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

/** The server's second; waits for the next one to begin if it is to be another than `last`. */
async function second(c: RawConnection, last?: string): Promise<string> {
  for (;;) {
    const [now = ""] = words(await c.send("TIME"));
    if (now !== last) return now;
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

for (const [name, command] of [["Redeno", redenoCommand()], ["redis-server", REDIS]] as const) {
  Deno.test(`data go back to a point in time by the time stamps of ${name}`, options, async () => {
    const folder = await Deno.makeTempDir({ prefix: "redeno-interchange-" });
    const directives = [...AOF, "--aof-timestamp-enabled", "yes"];
    try {
      const writer = await ServerProcess.start(command, directives, folder);
      using c = await writer.connect();
      await c.send("SET", "early", "1");
      const then = await second(c);
      await second(c, then);
      await c.pipeline([["SET", "late", "1"], ["DEL", "early"]]);
      await writer.stop("SIGKILL");
      const tool = findTool("redis-check-aof") ?? "redis-check-aof";
      const args = ["--truncate-to-timestamp", then, `${folder}/appendonlydir/appendonly.aof.manifest`];
      const { success, stdout } = await new Deno.Command(tool, { args }).output();
      assert(success, new TextDecoder().decode(stdout));
      for (const reader of [redenoCommand(), REDIS]) {
        const server = await ServerProcess.start(reader, directives, folder);
        try {
          using again = await server.connect();
          assertEquals(await again.send("KEYS", "*"), "*1\r\n$5\r\nearly\r\n");
        } finally {
          await server.stop("SIGKILL");
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("redis-check-aof repairs a cut append-only file of ours, and we load it", options, async () => {
  const folder = await Deno.makeTempDir({ prefix: "redeno-interchange-" });
  try {
    const writer = await ServerProcess.start(redenoCommand(), AOF, folder);
    {
      using c = await writer.connect();
      await c.pipeline([["SET", "a", "1"], ["MULTI"], ["SET", "b", "2"], ["EXEC"], ["SET", "c", "3"]]);
    }
    await writer.stop("SIGKILL");
    const path = `${folder}/appendonlydir/appendonly.aof.1.incr.aof`;
    await Deno.truncate(path, (await Deno.stat(path)).size - 5);
    const tool = findTool("redis-check-aof") ?? "redis-check-aof";
    const child = new Deno.Command(tool, { args: ["--fix", path], stdin: "piped", stdout: "null" }).spawn();
    const input = child.stdin.getWriter();
    await input.write(new TextEncoder().encode("y\n"));
    await input.close();
    assertEquals((await child.status).success, true);
    const reader = await ServerProcess.start(redenoCommand(), [...AOF, "--aof-load-truncated", "no"], folder);
    try {
      using c = await reader.connect();
      assertEquals(await c.send("MGET", "a", "b", "c"), "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n");
    } finally {
      await reader.stop("SIGKILL");
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
