/**
 * The keyspace alone (store_process.ts), and the cost of a key in a whole server: resident memory
 * that millions of small keys add to redis-server and to Redeno.
 */
import { importFlags } from "../support/launch.ts";
import { fill, smallKeys } from "./fill.ts";
import type { BenchOptions } from "./options.ts";
import { MeasuredServer, NO_REDIS, type Program, programs } from "./process.ts";
import { type Column, type Goal, number, type SectionReport, tableText } from "./report.ts";
import type { StoreResult } from "./store_process.ts";

/** The goals that DESIGN.md states relative to redis-server. */
const GOAL_BYTES_PER_KEY = 75, GOAL_PAUSE_MS = 20;

interface KeyCost {
  program: Program;
  keys: number;
  rssBytesPerKey: number;
  usedBytesPerKey: number;
}

/** Runs the keyspace in a process of its own. */
async function measureStore(keys: number, fills: number): Promise<StoreResult> {
  const script = new URL("store_process.ts", import.meta.url).pathname;
  const args = ["run", ...importFlags(), "--allow-sys", script, String(keys), "1000000", String(fills)];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
  if (!success) throw new Error("the store's process failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function keyCost(program: Program, keys: number): Promise<KeyCost> {
  await using server = await MeasuredServer.start(program, ["--appendonly", "no"]);
  // A first batch of keys brings the server to its working size.
  await fill(server, smallKeys(20_000));
  await server.ask("FLUSHALL");
  const rss = await server.settledRssBytes(), used = await server.info("used_memory");
  await fill(server, smallKeys(keys));
  return {
    program,
    keys,
    rssBytesPerKey: (await server.settledRssBytes() - rss) / keys,
    usedBytesPerKey: (await server.info("used_memory") - used) / keys,
  };
}

const storeColumns: readonly Column<StoreResult>[] = [
  { title: "keys", text: ({ keys }) => number(keys) },
  { title: "fill ns", text: ({ fillNs }) => number(fillNs) },
  { title: "GET ns", text: ({ getNs }) => number(getNs) },
  { title: "SET ns", text: ({ setNs }) => number(setNs) },
  { title: "INCR ns", text: ({ incrNs }) => number(incrNs) },
  { title: "RSS bytes/key", text: ({ rssBytesPerKey }) => number(rssBytesPerKey, 1) },
  { title: "own account", text: ({ accountedBytesPerKey }) => number(accountedBytesPerKey, 1) },
  { title: "longest pause ms", text: ({ longestPauseMs }) => number(longestPauseMs, 1) },
  { title: "of it CPU", text: ({ longestPauseCpuMs }) => number(longestPauseCpuMs, 1) },
];

const costColumns: readonly Column<KeyCost>[] = [
  { title: "server", text: ({ program }) => program },
  { title: "keys", text: ({ keys }) => number(keys) },
  { title: "RSS bytes/key", text: ({ rssBytesPerKey }) => number(rssBytesPerKey, 1) },
  { title: "used_memory/key", text: ({ usedBytesPerKey }) => number(usedBytesPerKey, 1) },
];

function goalsOf(results: readonly StoreResult[], costs: readonly KeyCost[]): Goal[] {
  return [
    ...results.map(({ keys, longestPauseCpuMs }) => ({
      what: `longest pause while filling ${number(keys)} keys, ms of processor time`,
      value: longestPauseCpuMs,
      limit: { max: GOAL_PAUSE_MS },
    })),
    ...costs.filter(({ program }) => program === "Redeno").map(({ keys, rssBytesPerKey }) => ({
      what: `bytes of resident memory a key at ${number(keys)} keys`,
      value: rssBytesPerKey,
      limit: { max: GOAL_BYTES_PER_KEY },
    })),
  ];
}

/** The section `store`. */
export async function store(options: BenchOptions): Promise<SectionReport> {
  const sizes = options.quick ? [1_000_000] : [1_000_000, 10_000_000];
  const results: StoreResult[] = [], costs: KeyCost[] = [];
  for (const keys of sizes) {
    results.push(await measureStore(keys, options.rounds));
    for (const program of programs) costs.push(await keyCost(program, keys));
  }
  const texts = [
    tableText("The keyspace in process, keys and values of 16 bytes", storeColumns, results),
    tableText("What a key costs a server, keys and values of 16 bytes", costColumns, costs),
  ];
  if (programs.length < 2) texts.push(NO_REDIS);
  const chart = {
    title: "Resident memory, keys and values of 16 bytes",
    unit: "bytes/key",
    series: programs,
    groups: sizes.map((keys) => ({
      label: `${number(keys)} keys`,
      values: programs.map((p) =>
        costs.find((c) => c.keys === keys && c.program === p)?.rssBytesPerKey ?? NaN
      ),
    })),
  };
  const data = { inProcess: results, servers: costs };
  return { name: "store", text: texts.join("\n\n"), data, charts: [chart], goals: goalsOf(results, costs) };
}
