/**
 * The fields that operators' tools read by name: Redeno has all of redis-server's, except those
 * listed here, with the reason.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { type RawConnection, redisServer, startRedeno, startRedis } from "../support/oracle.ts";

/** Fields of redis-server 7.0.15 that Redeno leaves out. */
const leftOut: Readonly<Record<string, string>> = {
  atomicvar_api: "names a primitive of C",
  gcc_version: "names a compiler of C",
  used_cpu_sys_main_thread: "Deno tells the processor time of the whole process only",
  used_cpu_user_main_thread: "Deno tells the processor time of the whole process only",
};

/** One activity of each kind that fields may depend on. */
const activity: readonly (readonly string[])[] = [
  ["SET", "k", "v", "EX", "100"],
  ["GET", "nosuch"],
  ["LPUSH", "k", "x"],
  ["EVAL", "return 1", "0"],
  ["CONFIG", "SET", "latency-monitor-threshold", "1"],
];

/** Lines of a bulk string. */
async function lines(c: RawConnection, ...command: string[]): Promise<string[]> {
  return (await c.send(...command)).split(/\r?\n/).slice(1).filter((line) => line !== "");
}

/** The bulk strings at even positions of a reply: names of a flat map. */
async function names(c: RawConnection, ...command: string[]): Promise<string[]> {
  const reply = await c.send(...command);
  return [...reply.matchAll(/\$\d+\r\n([a-z][^\r]*)\r\n(?=\*|:|\$)/g)].map(([, name = ""]) => name);
}

/** The names each command shows. */
const questions: Readonly<Record<string, (c: RawConnection) => Promise<string[]>>> = {
  "INFO everything": async (c) =>
    (await lines(c, "INFO", "everything")).map((line) => line.split(":")[0] ?? ""),
  "INFO of each section": async (c) => {
    const sections = (await lines(c, "INFO", "everything")).filter((line) => line.startsWith("# "));
    const heads: string[] = [];
    for (const section of sections) heads.push(...(await lines(c, "INFO", section.slice(2))).slice(0, 1));
    return heads;
  },
  "CONFIG GET *": (c) => names(c, "CONFIG", "GET", "*"),
  "CLIENT LIST": async (c) =>
    ((await lines(c, "CLIENT", "LIST"))[0] ?? "").split(" ").map((f) => f.split("=")[0] ?? ""),
  "MEMORY STATS": (c) => names(c, "MEMORY", "STATS"),
  "COMMAND LIST": (c) => lines(c, "COMMAND", "LIST"),
};

Deno.test({
  name: "INFO, CONFIG GET, CLIENT LIST, MEMORY STATS and COMMAND LIST have every name that redis-server has",
  ignore: redisServer === undefined,
  async fn() {
    await using redis = await startRedis();
    await using redeno = await startRedeno();
    using there = await redis.connect();
    using here = await redeno.connect();
    await Promise.all([there.pipeline(activity), here.pipeline(activity)]);
    for (const [what, ask] of Object.entries(questions)) {
      const ours = new Set(await ask(here)), theirs = await ask(there);
      assertGreater(theirs.length, 10, what);
      const missing = theirs.filter((name) => !ours.has(name) && leftOut[name] === undefined);
      assertEquals(missing, [], what);
    }
  },
});
