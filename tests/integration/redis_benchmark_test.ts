/** Every test of redis-benchmark against Redeno. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { findTool, startRedeno } from "../support/oracle.ts";
import { runTool } from "../support/tool.ts";

const benchmark = findTool("redis-benchmark");

/** What `redis-benchmark --csv` names the tests it runs without `-t`. */
const everyTest = [
  "PING_INLINE",
  "PING_MBULK",
  "SET",
  "GET",
  "INCR",
  "LPUSH",
  "RPUSH",
  "LPOP",
  "RPOP",
  "SADD",
  "HSET",
  "SPOP",
  "ZADD",
  "ZPOPMIN",
  "LPUSH (needed to benchmark LRANGE)",
  "LRANGE_100 (first 100 elements)",
  "LRANGE_300 (first 300 elements)",
  "LRANGE_500 (first 500 elements)",
  "LRANGE_600 (first 600 elements)",
  "MSET (10 keys)",
];

for (
  const [what, flags] of [["", []], [", pipelined, in RESP3", ["-P", "16", "-3", "-r", "1000"]]] as const
) {
  Deno.test({
    name: `redis-benchmark runs each of its tests without an error${what}`,
    ignore: benchmark === undefined,
    async fn() {
      await using server = await startRedeno();
      const { code, stdout, stderr } = await runTool(
        benchmark ?? "",
        ["-p", String(server.port), "-n", "800", "-c", "20", "--csv", ...flags],
      );
      assertEquals([code, stderr], [0, ""]);
      const rows = stdout.trim().split("\n").slice(1).map((row) => row.slice(1, -1).split('","'));
      assertEquals(rows.map(([name]) => name), everyTest);
      for (const [name, perSecond] of rows) assert(Number(perSecond) > 0, `${name}: ${perSecond}`);
      using c = await server.connect();
      assertStringIncludes(await c.send("INFO", "stats"), "\r\ntotal_error_replies:0\r\n");
    },
  });
}
