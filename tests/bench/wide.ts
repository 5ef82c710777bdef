/**
 * The wide table: thirty commands of all kinds against redis-server, at pipeline lengths 1, 16 and
 * 64, with the geometric means of throughput and processor time. Collections hold 100,000 elements.
 */
import {
  type BenchTest,
  columns,
  compare,
  cpuRatio,
  REQUESTS,
  type Row,
  throughputRatio,
} from "./comparison.ts";
import { fill } from "./fill.ts";
import type { BenchOptions } from "./options.ts";
import { MeasuredServer, NO_BENCHMARK, NO_REDIS, programs, redisBenchmark } from "./process.ts";
import { type Goal, ratio, type SectionReport, tableText } from "./report.ts";

const ELEMENTS = 100_000;

/** redis-benchmark's own test of this name. */
function own(name: string, weight = 1): BenchTest {
  return { name, words: ["-t", name], weight };
}

/** A command of ours; `__rand_int__` in it becomes a number of twelve digits below 100,000. */
function custom(name: string, line: string, weight = 1): BenchTest {
  return { name, words: line.split(" "), weight };
}

/** Groups of tests that share their data: both servers are refilled before each group. */
const GROUPS: readonly (readonly BenchTest[])[] = [
  [
    ...["ping_mbulk", "set", "get", "incr", "lpush", "rpush", "lpop", "rpop"].map((name) => own(name)),
    ...["sadd", "hset", "spop", "zadd", "zpopmin"].map((name) => own(name)),
    own("mset", 6),
  ],
  [
    custom("set 1 KB", `-d 1024 -t set`, 2),
    custom("get 1 KB", `-d 1024 -t get`, 2),
    custom("set ex", "set k:__rand_int__ v ex 100"),
    custom("exists of 3", "exists k1 k2 k3"),
    custom("publish", "publish ch hello"),
  ],
  [
    custom("lrange of 100", "lrange list 0 99", 10),
    custom("hget", "hget hash f:__rand_int__"),
    custom("hgetall of 5", "hgetall h:1"),
    custom("sismember", "sismember s m:__rand_int__"),
    custom("zscore", "zscore z m:__rand_int__"),
    custom("zrank", "zrank z m:__rand_int__"),
    custom("zrangebyscore of 10", "zrangebyscore z 5000 5009", 2),
    custom("xadd", "xadd stream * f __rand_int__ g value"),
    custom("xrange of 10", "xrange entries - + count 10", 3),
  ],
  [
    { name: "eval incr", words: ["eval", "return redis.call('incr',KEYS[1])", "1", "ctr"], weight: 2 },
    {
      name: "eval hgetall, cjson",
      words: ["eval", "local v=redis.call('hgetall',KEYS[1]) return cjson.encode(v)", "1", "h:1"],
      weight: 4,
    },
  ],
];

/** The data read by the tests, the same on both servers. */
function* dataset(): Generator<string[]> {
  const name = (i: number) => String(i).padStart(12, "0");
  yield ["RPUSH", "list", ...Array.from({ length: 200 }, (_, i) => `element:${i}`)];
  yield ["HSET", "h:1", "a", "1", "b", "2", "c", "3", "d", "4", "e", "5"];
  for (let i = 0; i < ELEMENTS; i++) {
    yield ["SADD", "s", `m:${name(i)}`];
    yield ["ZADD", "z", String(i), `m:${name(i)}`];
    yield ["HSET", "hash", `f:${name(i)}`, `value:${i}`];
    yield ["XADD", "entries", "*", "f", String(i), "g", "value"];
  }
}

/** The geometric mean of positive numbers, without those that could not be measured. */
export function geometricMean(values: readonly number[]): number {
  const known = values.filter((value) => value > 0);
  return Math.exp(known.reduce((sum, value) => sum + Math.log(value), 0) / known.length);
}

interface Summary {
  pipeline: number;
  throughput: number;
  cpu: number;
}

function summaries(rows: readonly Row[]): Summary[] {
  return [...Map.groupBy(rows, ({ pipeline }) => pipeline)].map(([pipeline, some]) => ({
    pipeline,
    throughput: geometricMean(some.map(throughputRatio)),
    cpu: geometricMean(some.map(cpuRatio)),
  }));
}

function goalsOf(found: readonly Summary[]): Goal[] {
  return found.flatMap(({ pipeline, throughput, cpu }) => [
    { what: `throughput at pipeline ${pipeline}, geometric mean`, value: throughput, limit: { min: 1 } },
    {
      what: `CPU at pipeline ${pipeline}, geometric mean`,
      value: cpu,
      limit: { max: pipeline === 1 ? 1.2 : 1 },
    },
  ]);
}

async function measureAll(servers: readonly MeasuredServer[], options: BenchOptions): Promise<Row[]> {
  const rows: Row[] = [];
  const pipelines = options.pipelines.length === 0 ? [...REQUESTS.keys()] : options.pipelines;
  const isWanted = ({ name }: BenchTest) => options.tests.length === 0 || options.tests.includes(name);
  for (const pipeline of pipelines) {
    for (const group of GROUPS) {
      const tests = group.filter(isWanted);
      for (const server of tests.length > 0 ? servers : []) {
        await server.ask("FLUSHALL");
        await fill(server, dataset());
      }
      for (const test of tests) {
        console.error(`  ${test.name} at pipeline ${pipeline}`);
        // The first run warms up: freshly loaded code runs in slower tiers.
        await compare(servers, "no persistence", test, pipeline, { ...options, rounds: 1, quick: true });
        rows.push(await compare(servers, "no persistence", test, pipeline, options));
      }
    }
  }
  return rows;
}

/** The section `wide`. */
export async function wide(options: BenchOptions): Promise<SectionReport> {
  const report: SectionReport = { name: "wide", text: NO_BENCHMARK, data: null, charts: [], goals: [] };
  if (redisBenchmark === undefined) return report;
  await using stack = new AsyncDisposableStack();
  const servers: MeasuredServer[] = [];
  for (const program of programs) servers.push(stack.use(await MeasuredServer.start(program, [])));
  const rows = await measureAll(servers, options), found = summaries(rows);
  const texts = [
    ...(programs.length < 2 ? [NO_REDIS] : []),
    tableText("The wide table", columns, rows),
    tableText("Geometric means of the ratios", [
      { title: "pipeline", text: ({ pipeline }: Summary) => String(pipeline) },
      { title: "throughput", text: ({ throughput }) => ratio(throughput) },
      { title: "CPU", text: ({ cpu }) => ratio(cpu) },
    ], found),
  ];
  return { ...report, text: texts.join("\n\n"), data: rows, goals: goalsOf(found) };
}
