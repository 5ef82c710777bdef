/**
 * redis-benchmark's tests against redis-server and Redeno in turn: requests per second, and microseconds of processor
 * time the server spends on one. Both servers run all the time, and the rounds of a test alternate between them, so
 * that what else the machine does meets both; of all rounds the highest throughput and the lowest processor time
 * count, which interference can only worsen.
 */
import { fill } from "./fill.ts";
import type { BenchOptions } from "./options.ts";
import { MeasuredServer, NO_BENCHMARK, NO_REDIS, type Program, programs, redisBenchmark } from "./process.ts";
import { parseThroughput } from "./redis_benchmark.ts";
import { type Column, type Goal, number, ratio, type SectionReport, tableText } from "./report.ts";
import type { BarChart } from "./svg.ts";

/** One of redis-benchmark's tests. */
interface BenchTest {
  name: string;
  /** What redis-benchmark is told: a test of its own, or a command behind it. */
  words: string[];
  /** How many plain commands one request costs, about. */
  weight: number;
}

const LIST = "bench:list";

/** In redis-benchmark's own order: pops find what pushes left, GET finds what SET wrote. */
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

/** The tests that the goals speak of. */
const GOAL_TESTS = ["set", "get", "incr", "hset", "mset"];
const CLIENTS = "50", VALUE_BYTES = "16", KEY_SPACE = "100000";
/** Requests of one run with a plain command, by pipeline length: about a second of a fast server. */
const REQUESTS = new Map([[1, 100_000], [16, 600_000], [64, 1_000_000]]);

/**
 * How the servers keep their data. Rewrites of the append only file are off: redis-server's run in a process of their
 * own, whose work its figures would not show.
 */
const SETTINGS: readonly { name: string; directives: string[] }[] = [
  { name: "no persistence", directives: ["--appendonly", "no"] },
  {
    name: "AOF everysec",
    directives: ["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"],
  },
];

interface Measured {
  requestsPerSecond: number;
  cpuUsPerRequest: number;
}

interface Row {
  persistence: string;
  test: string;
  pipeline: number;
  servers: Partial<Record<Program, Measured>>;
}

function better(a: Measured | undefined, b: Measured): Measured {
  if (a === undefined) return b;
  return {
    requestsPerSecond: Math.max(a.requestsPerSecond, b.requestsPerSecond),
    cpuUsPerRequest: Math.min(a.cpuUsPerRequest, b.cpuUsPerRequest),
  };
}

function throughputRatio({ servers }: Row): number {
  return (servers.Redeno?.requestsPerSecond ?? NaN) / (servers["redis-server"]?.requestsPerSecond ?? NaN);
}

function cpuRatio({ servers }: Row): number {
  return (servers.Redeno?.cpuUsPerRequest ?? NaN) / (servers["redis-server"]?.cpuUsPerRequest ?? NaN);
}

async function measure(server: MeasuredServer, test: BenchTest, pipeline: number, requests: number) {
  const options = ["-n", requests, "-P", pipeline, "-c", CLIENTS, "-d", VALUE_BYTES, "-r", KEY_SPACE].map(
    String,
  );
  const before = await server.cpuUs();
  const printed = await server.benchmark([...options, "--csv", ...test.words]);
  const spent = await server.cpuUs() - before;
  return { requestsPerSecond: parseThroughput(printed), cpuUsPerRequest: spent / requests };
}

async function compare(
  servers: readonly MeasuredServer[],
  persistence: string,
  test: BenchTest,
  pipeline: number,
  options: BenchOptions,
): Promise<Row> {
  const row: Row = { persistence, test: test.name, pipeline, servers: {} };
  const plain = (REQUESTS.get(pipeline) ?? 200_000) / (options.quick ? 5 : 1);
  const requests = Math.ceil(plain / test.weight);
  for (let round = 0; round < options.rounds; round++) {
    for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
      const measured = await measure(server, test, pipeline, requests);
      row.servers[server.program] = better(row.servers[server.program], measured);
    }
  }
  return row;
}

const columns: readonly Column<Row>[] = [
  { title: "test", text: ({ test }) => test },
  { title: "pipeline", text: ({ pipeline }) => String(pipeline) },
  { title: "redis/s", text: ({ servers }) => number(servers["redis-server"]?.requestsPerSecond ?? NaN) },
  { title: "Redeno/s", text: ({ servers }) => number(servers.Redeno?.requestsPerSecond ?? NaN) },
  { title: "ratio", text: (row) => ratio(throughputRatio(row)) },
  {
    title: "redis CPU µs",
    text: ({ servers }) => number(servers["redis-server"]?.cpuUsPerRequest ?? NaN, 2),
  },
  { title: "Redeno CPU µs", text: ({ servers }) => number(servers.Redeno?.cpuUsPerRequest ?? NaN, 2) },
  { title: "ratio", text: (row) => ratio(cpuRatio(row)) },
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

/** Runs all tests under one way of keeping data. */
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
