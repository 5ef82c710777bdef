/**
 * EVALSHA of small scripts: requests per second against redis-server's; and a comparison of the
 * available interpreters.
 */
import { compareMachines, machineColumns } from "./lua_machines.ts";
import type { BenchOptions } from "./options.ts";
import { MeasuredServer, NO_BENCHMARK, NO_REDIS, type Program, programs, redisBenchmark } from "./process.ts";
import { parseThroughput } from "./redis_benchmark.ts";
import { type Column, type Goal, number, ratio, type SectionReport, tableText } from "./report.ts";

interface Script {
  name: string;
  source: string;
}

const SCRIPTS: readonly Script[] = [
  { name: "one GET", source: "return redis.call('GET', KEYS[1])" },
  {
    name: "rate limiter",
    source:
      "local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('PEXPIRE', KEYS[1], 60000) end " +
      "return n",
  },
  {
    name: "three commands",
    source: "redis.call('HSET', KEYS[1], 'a', ARGV[1]) redis.call('HINCRBY', KEYS[1], 'n', 1) " +
      "return redis.call('HGET', KEYS[1], 'a')",
  },
];

interface Row {
  name: string;
  pipeline: number;
  requestsPerSecond: Partial<Record<Program, number>>;
}

const GOAL_RATIO = 0.5;

function throughputRatio({ requestsPerSecond }: Row): number {
  return (requestsPerSecond.Redeno ?? NaN) / (requestsPerSecond["redis-server"] ?? NaN);
}

async function hasScripts(server: MeasuredServer): Promise<boolean> {
  return (await server.ask("COMMAND", "LIST", "FILTERBY", "PATTERN", "evalsha")).includes("evalsha");
}

async function compare(
  servers: readonly MeasuredServer[],
  script: Script,
  pipeline: number,
  options: BenchOptions,
): Promise<Row> {
  const row: Row = { name: script.name, pipeline, requestsPerSecond: {} };
  const requests = (pipeline === 1 ? 50_000 : 200_000) / (options.quick ? 5 : 1);
  for (let round = 0; round < options.rounds; round++) {
    for (const server of servers) {
      const sha = await server.ask("SCRIPT", "LOAD", script.source);
      const key = `${script.name.replaceAll(" ", "-")}:__rand_int__`;
      const flags = ["-n", requests, "-P", pipeline, "-c", 50, "-r", 100_000].map(String);
      const printed = await server.benchmark([...flags, "--csv", "evalsha", sha, "1", key, "x"]);
      const best = row.requestsPerSecond[server.program] ?? 0;
      row.requestsPerSecond[server.program] = Math.max(best, parseThroughput(printed));
    }
  }
  return row;
}

const columns: readonly Column<Row>[] = [
  { title: "script", text: ({ name }) => name },
  { title: "pipeline", text: ({ pipeline }) => String(pipeline) },
  { title: "redis/s", text: ({ requestsPerSecond }) => number(requestsPerSecond["redis-server"] ?? NaN) },
  { title: "Redeno/s", text: ({ requestsPerSecond }) => number(requestsPerSecond.Redeno ?? NaN) },
  { title: "ratio", text: (row) => ratio(throughputRatio(row)) },
];

/** The section `scripts`. */
export async function scripts(options: BenchOptions): Promise<SectionReport> {
  const report: SectionReport = { name: "scripts", text: NO_BENCHMARK, data: null, charts: [], goals: [] };
  const machines = tableText(
    "Lua in JavaScript",
    machineColumns,
    compareMachines(options.quick, options.rounds),
  );
  if (redisBenchmark === undefined) return { ...report, text: `${machines}\n\n${NO_BENCHMARK}` };
  await using stack = new AsyncDisposableStack();
  const servers: MeasuredServer[] = [];
  for (const program of programs) {
    servers.push(stack.use(await MeasuredServer.start(program, ["--appendonly", "no"])));
  }
  const redeno = servers.at(-1);
  if (redeno === undefined || !await hasScripts(redeno)) {
    return { ...report, text: "This Redeno has no EVALSHA: there are no scripts to measure." };
  }
  const rows: Row[] = [];
  for (const pipeline of [1, 16]) {
    for (const script of SCRIPTS) rows.push(await compare(servers, script, pipeline, options));
  }
  const texts = [machines, tableText("EVALSHA of small scripts", columns, rows)];
  if (programs.length < 2) texts.push(NO_REDIS);
  const charts = [{
    title: "EVALSHA",
    unit: "requests/s",
    series: programs,
    groups: rows.map(({ name, pipeline, requestsPerSecond }) => ({
      label: `${name}, pipeline ${pipeline}`,
      values: programs.map((p) => requestsPerSecond[p] ?? NaN),
    })),
  }];
  const goals: Goal[] = rows.map((row) => ({
    what: `EVALSHA, ${row.name} at pipeline ${row.pipeline}, throughput × redis-server's`,
    value: throughputRatio(row),
    limit: { min: GOAL_RATIO },
  }));
  return { ...report, text: texts.join("\n\n"), data: rows, charts, goals };
}
