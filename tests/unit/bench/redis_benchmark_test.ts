import { assertEquals } from "@std/assert";
import { parseLatencies, parseThroughput, warnings } from "../../bench/redis_benchmark.ts";

Deno.test("parseThroughput takes the requests per second of the last test", () => {
  const head =
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"';
  const needed = '"LPUSH (needed to benchmark LRANGE)","50000.00","0.5","0.1","0.5","0.9","1.0","2.0"';
  const test = '"lrange list 0 99","18932.22","2.619","0.504","2.551","3.647","4.215","6.375"';
  assertEquals(parseThroughput([head, needed, test, ""].join("\n")), 18932.22);
  assertEquals(parseThroughput(""), NaN);
});

Deno.test("parseLatencies takes the percentile distribution and leaves the coarser one behind it out", () => {
  const text = `====== SET ======
  100 requests completed in 0.00 seconds

Latency by percentile distribution:
0.000% <= 0.095 milliseconds (cumulative count 1)
50.000% <= 0.207 milliseconds (cumulative count 52)
100.000% <= 1.303 milliseconds (cumulative count 100)

Cumulative distribution of latencies:
4.000% <= 0.103 milliseconds (cumulative count 4)
100.000% <= 1.407 milliseconds (cumulative count 100)

Summary:
  throughput summary: 50000.00 requests per second
`;
  assertEquals(parseLatencies(text), [
    { value: 0.095, count: 1 },
    { value: 0.207, count: 52 },
    { value: 1.303, count: 100 },
  ]);
  assertEquals(parseLatencies(""), []);
});

Deno.test("warnings finds what redis-benchmark could not do", () => {
  const text =
    "WARNING: Could not fetch server CONFIG\nSET: 50000.00 requests per second\nError from server: ERR x\n";
  assertEquals(warnings(text), ["WARNING: Could not fetch server CONFIG", "Error from server: ERR x"]);
});
