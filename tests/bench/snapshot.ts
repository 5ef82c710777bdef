/**
 * Latency while a snapshot is being written: redis-benchmark overwrites random keys of a filled
 * server, run by run, first undisturbed, then during BGSAVE. Only runs that lie entirely within a
 * BGSAVE count as disturbed.
 */
import { fill, smallKeys } from "./fill.ts";
import type { BenchOptions } from "./options.ts";
import { MeasuredServer, NO_BENCHMARK, NO_REDIS, type Program, programs, redisBenchmark } from "./process.ts";
import { parseLatencies } from "./redis_benchmark.ts";
import { type Column, type Goal, number, ratio, type SectionReport, tableText } from "./report.ts";
import { type HistogramStep, mergeHistograms, percentile } from "./statistics.ts";

/** Requests per run: few, so that several runs fit into a BGSAVE. */
const RUN_REQUESTS = 2000;
/** Maximum number of BGSAVEs started to obtain enough disturbed runs. */
const MAX_SAVES = 10;
const GOAL_RATIO = 2;

interface Latencies {
  requests: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

interface Row {
  program: Program;
  keys: number;
  quiet: Latencies;
  saving: Latencies;
  saveMs: number;
}

function summary(runs: readonly (readonly HistogramStep[])[]): Latencies {
  const merged = mergeHistograms(runs);
  return {
    requests: merged.at(-1)?.count ?? 0,
    p50: percentile(merged, 50),
    p99: percentile(merged, 99),
    p999: percentile(merged, 99.9),
    max: percentile(merged, 100),
  };
}

/** Overwrites random existing keys, with 20 clients. */
async function load(server: MeasuredServer, keys: number): Promise<HistogramStep[]> {
  const printed = await server.benchmark(
    ["-t", "set", "-n", RUN_REQUESTS, "-c", 20, "-d", 16, "-r", keys].map(String),
  );
  return parseLatencies(printed);
}

async function isSaving(server: MeasuredServer): Promise<boolean> {
  return await server.info("rdb_bgsave_in_progress") === 1;
}

async function waitForEnd(server: MeasuredServer): Promise<void> {
  while (await isSaving(server)) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function measure(program: Program, keys: number, runs: number): Promise<Row> {
  await using server = await MeasuredServer.start(program, ["--appendonly", "no"]);
  await fill(server, smallKeys(keys));
  const quiet: HistogramStep[][] = [], saving: HistogramStep[][] = [];
  await load(server, keys);
  for (let i = 0; i < runs; i++) quiet.push(await load(server, keys));
  let saveMs = 0;
  for (let saves = 0; saves < MAX_SAVES && saving.length < runs; saves++) {
    const begin = performance.now();
    await server.ask("BGSAVE");
    for (;;) {
      const run = await load(server, keys);
      if (!await isSaving(server)) break;
      saving.push(run);
    }
    saveMs = performance.now() - begin;
    await waitForEnd(server);
  }
  return { program, keys, quiet: summary(quiet), saving: summary(saving), saveMs };
}

interface Line extends Latencies {
  program: Program;
  state: string;
}

function ms(title: string, value: (line: Line) => number): Column<Line> {
  return { title, text: (line) => number(value(line), 3) };
}

const columns: readonly Column<Line>[] = [
  { title: "server", text: ({ program }) => program },
  { title: "state", text: ({ state }) => state },
  { title: "requests", text: ({ requests }) => number(requests) },
  ms("p50 ms", ({ p50 }) => p50),
  ms("p99 ms", ({ p99 }) => p99),
  ms("p99.9 ms", ({ p999 }) => p999),
  ms("max ms", ({ max }) => max),
];

function slowdown({ quiet, saving }: Row): number {
  return saving.p999 / quiet.p999;
}

/** The section `snapshot`. */
export async function snapshot(options: BenchOptions): Promise<SectionReport> {
  const report: SectionReport = { name: "snapshot", text: NO_BENCHMARK, data: null, charts: [], goals: [] };
  if (redisBenchmark === undefined) return report;
  const keys = options.quick ? 3_000_000 : 6_000_000, runs = options.quick ? 15 : 60;
  const rows: Row[] = [];
  for (const program of programs) rows.push(await measure(program, keys, runs));
  const lines = rows.flatMap(({ program, quiet, saving }): Line[] => [
    { program, state: "quiet", ...quiet },
    { program, state: "during BGSAVE", ...saving },
  ]);
  const texts = [
    tableText(`Latency of SET, 20 clients, ${number(keys)} keys`, columns, lines),
    ...rows.map((row) =>
      `${row.program}: p99.9 during BGSAVE ${ratio(slowdown(row))} that of the quiet server`
    ),
  ];
  if (programs.length < 2) texts.push(NO_REDIS);
  const charts = [{
    title: "p99.9 latency of SET",
    unit: "ms",
    series: ["quiet", "during BGSAVE"],
    groups: rows.map(({ program, quiet, saving }) => ({ label: program, values: [quiet.p999, saving.p999] })),
  }];
  const goals: Goal[] = rows.filter(({ program }) => program === "Redeno").map((row) => ({
    what: "p99.9 latency during BGSAVE, × that of the quiet server",
    value: slowdown(row),
    limit: { max: GOAL_RATIO },
  }));
  return { ...report, text: texts.join("\n\n"), data: rows, charts, goals };
}
