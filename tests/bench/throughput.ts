/**
 * redis-benchmark's own tests on redis-server and Redeno in turn, with and without an append only
 * file.
 */
import {
  type BenchTest,
  columns,
  compare,
  cpuRatio,
  type Measured,
  REQUESTS,
  type Row,
  throughputRatio,
} from "./comparison.ts";
import { fill } from "./fill.ts";
import type { BenchOptions } from "./options.ts";
import { MeasuredServer, NO_BENCHMARK, NO_REDIS, programs, redisBenchmark } from "./process.ts";
import { type Goal, type SectionReport, tableText } from "./report.ts";
import type { BarChart } from "./svg.ts";

const LIST = "bench:list";

/**
 * In redis-benchmark's own order: pops find the elements that pushes left, GET finds the value of
 * SET.
 */
const TESTS: readonly BenchTest[] = [
  ...[
    "ping_mbulk",
    "set",
    "get",
    "incr",
    "lpush",
    "rpush",
    "lpop",
    "rpop",
    "sadd",
    "hset",
    "spop",
    "zadd",
    "zpopmin",
  ]
    .map((name) => ({ name, words: ["-t", name], weight: 1 })),
  { name: "lrange_100", words: ["lrange", LIST, "0", "99"], weight: 10 },
  { name: "mset", words: ["-t", "mset"], weight: 6 },
];

/** The tests covered by the goals. */
const GOAL_TESTS = ["set", "get", "incr", "hset", "mset"];
/**
 * The servers' persistence settings. Rewrites of the append only file are off: redis-server's run
 * in a process of their own, whose work its figures would not include.
 */
const SETTINGS: readonly { name: string; directives: string[] }[] = [
  { name: "no persistence", directives: ["--appendonly", "no"] },
  {
    name: "AOF everysec",
    directives: ["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"],
  },
];

function goalsOf(rows: readonly Row[]): Goal[] {
  return rows.filter(({ test }) => GOAL_TESTS.includes(test)).flatMap((row) => {
    const what = `${row.test} at pipeline ${row.pipeline}, ${row.persistence}`;
    return [
      {
        what: `throughput of ${what}`,
        value: throughputRatio(row),
        limit: { min: row.pipeline === 1 ? 0.95 : 0.85 },
      },
      { what: `CPU per command of ${what}`, value: cpuRatio(row), limit: { max: 1.3 } },
    ];
  });
}

function chartsOf(rows: readonly Row[]): BarChart[] {
  const panels = Map.groupBy(rows, ({ persistence, pipeline }) => `${persistence}, pipeline ${pipeline}`);
  return [...panels].flatMap(([title, panel]) => {
    const chart = (unit: string, value: (measured: Measured | undefined) => number): BarChart => ({
      title,
      unit,
      series: programs,
      groups: panel.map(({ test, servers }) => ({
        label: test,
        values: programs.map((p) => value(servers[p])),
      })),
    });
    return [
      chart("requests/s", (measured) => measured?.requestsPerSecond ?? NaN),
      chart("server CPU µs/request", (measured) => measured?.cpuUsPerRequest ?? NaN),
    ];
  });
}

/** Runs all tests under one persistence setting. */
async function runSetting(setting: typeof SETTINGS[number], options: BenchOptions): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const servers: MeasuredServer[] = [];
  for (const program of programs) {
    servers.push(stack.use(await MeasuredServer.start(program, setting.directives)));
  }
  for (const server of servers) {
    await fill(server, [["RPUSH", LIST, ...Array.from({ length: 200 }, (_, i) => `element:${i}`)]]);
  }
  const wanted = TESTS.filter(({ name }) => options.tests.length === 0 || options.tests.includes(name));
  const pipelines = options.pipelines.length === 0 ? [...REQUESTS.keys()] : options.pipelines;
  const rows: Row[] = [];
  for (const pipeline of pipelines) {
    for (const test of wanted) {
      console.error(`  ${setting.name}: ${test.name} at pipeline ${pipeline}`);
      rows.push(await compare(servers, setting.name, test, pipeline, options));
    }
  }
  return rows;
}

/** The section `throughput`. */
export async function throughput(options: BenchOptions): Promise<SectionReport> {
  const report: SectionReport = { name: "throughput", text: NO_BENCHMARK, data: null, charts: [], goals: [] };
  if (redisBenchmark === undefined) return report;
  const rows: Row[] = [];
  const texts = programs.length < 2 ? [NO_REDIS] : [];
  for (const setting of SETTINGS) {
    const found = await runSetting(setting, options);
    texts.push(tableText(`Throughput and processor time, ${setting.name}`, columns, found));
    rows.push(...found);
  }
  return { ...report, text: texts.join("\n\n"), data: rows, charts: chartsOf(rows), goals: goalsOf(rows) };
}
