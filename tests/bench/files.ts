/**
 * The speed of writing data to a file and loading them: SAVE of a filled server, then a new server
 * on the same folder, whose time until it accepts commands counts above that of a server without
 * data.
 */
import { fill, keyName, smallKeys } from "./fill.ts";
import type { BenchOptions } from "./options.ts";
import { MeasuredServer, NO_REDIS, type Program, programs } from "./process.ts";
import { type Column, type Goal, number, ratio, type SectionReport, tableText } from "./report.ts";

interface Content {
  name: string;
  commands: (size: number) => Iterable<string[]>;
  size: number;
  quickSize: number;
}

/** Text that compresses about as well as typical stored data. */
function text(i: number, length: number): string {
  let part = "";
  for (let n = i; part.length < length; n += 7919) part += `${n * 2654435761 % 4294967296} item `;
  return part.slice(0, length);
}

function numbered<T>(count: number, element: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => element(i));
}

/** Commands that create about `groups` times 10 KB of data of all types. */
function* mixed(groups: number): Generator<string[]> {
  for (let i = 0; i < groups; i++) {
    yield [
      "MSET",
      ...numbered(10, (n) => n).flatMap((n) => [`small:${keyName(i * 10 + n)}`, text(i + n, 100)]),
    ];
    yield ["SET", `big:${i}`, text(i, 4000)];
    yield ["HSET", `hash:${i}`, ...numbered(20, (n) => n).flatMap((n) => [`field${n}`, text(i + n, 50)])];
    yield ["RPUSH", `list:${i}`, ...numbered(30, (n) => text(i + n, 40))];
    yield ["SADD", `set:${i}`, ...numbered(20, (n) => `member:${i}:${n}`)];
    yield [
      "ZADD",
      `zset:${i}`,
      ...numbered(20, (n) => n).flatMap((n) => [String(n * 1.5), `member:${i}:${n}`]),
    ];
    yield ["XADD", `stream:${i % 1000}`, `${i + 1}-0`, "text", text(i, 200)];
  }
}

const CONTENTS: readonly Content[] = [
  { name: "small keys, 16 + 16 bytes", commands: smallKeys, size: 10_000_000, quickSize: 1_000_000 },
  { name: "all types mixed", commands: mixed, size: 100_000, quickSize: 10_000 },
];

interface Speed {
  keys: number;
  fileBytes: number;
  saveSeconds: number;
  loadSeconds: number;
  /** Processor time, which excludes the time slices of other processes. */
  saveCpuSeconds: number;
  loadCpuSeconds: number;
}

/** The measured times. */
type Timing = Exclude<keyof Speed, "keys" | "fileBytes">;

interface Row {
  name: string;
  speeds: Partial<Record<Program, Speed>>;
}

const RDB_ONLY = ["--appendonly", "no"];

/** Time until a server on `folder` accepts commands; stops it again. */
async function startTime(program: Program, folder: string, expectedKeys: number) {
  const begin = performance.now();
  const server = await MeasuredServer.start(program, RDB_ONLY, folder);
  const seconds = (performance.now() - begin) / 1000, cpuSeconds = await server.cpuUs() / 1e6;
  const keys = Number(await server.ask("DBSIZE"));
  await server.process.stop("SIGKILL");
  if (keys !== expectedKeys) throw new Error(`${program} loaded ${keys} keys of ${expectedKeys}`);
  return { seconds, cpuSeconds };
}

/** Fills a server and saves its data into `folder`. */
async function save(program: Program, folder: string, commands: Iterable<string[]>) {
  const server = await MeasuredServer.start(program, RDB_ONLY, folder);
  await fill(server, commands);
  const keys = Number(await server.ask("DBSIZE"));
  const begin = performance.now(), cpuBefore = await server.cpuUs();
  await server.ask("SAVE");
  const saveSeconds = (performance.now() - begin) / 1000;
  const saveCpuSeconds = (await server.cpuUs() - cpuBefore) / 1e6;
  await server.process.stop("SIGKILL");
  return { keys, saveSeconds, saveCpuSeconds, fileBytes: (await Deno.stat(`${folder}/dump.rdb`)).size };
}

async function measure(program: Program, commands: Iterable<string[]>): Promise<Speed> {
  const folder = await Deno.makeTempDir({ prefix: "redeno-bench-" });
  try {
    const empty = await startTime(program, folder, 0);
    const saved = await save(program, folder, commands);
    const filled = await startTime(program, folder, saved.keys);
    const loadSeconds = filled.seconds - empty.seconds, loadCpuSeconds = filled.cpuSeconds - empty.cpuSeconds;
    return { ...saved, loadSeconds, loadCpuSeconds };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Redeno's throughput relative to redis-server's: redis-server's time divided by Redeno's. */
function speedRatio({ speeds }: Row, field: Timing): number {
  return (speeds["redis-server"]?.[field] ?? NaN) / (speeds.Redeno?.[field] ?? NaN);
}

function seconds(program: Program, label: string, field: Timing): Column<Row> {
  return { title: label, text: ({ speeds }) => number(speeds[program]?.[field] ?? NaN, 2) };
}

function fileMegabytes(program: Program, label: string): Column<Row> {
  return { title: label, text: ({ speeds }) => number((speeds[program]?.fileBytes ?? NaN) / 1e6) };
}

/** Both servers' seconds and the ratio of their throughputs. */
function timing(title: string, field: Timing): Column<Row>[] {
  return [
    seconds("redis-server", `redis ${title}`, field),
    seconds("Redeno", `Redeno ${title}`, field),
    { title: "throughput", text: (row) => ratio(speedRatio(row, field)) },
  ];
}

const columns: readonly Column<Row>[] = [
  { title: "data", text: ({ name }) => name },
  { title: "keys", text: ({ speeds }) => number(speeds.Redeno?.keys ?? NaN) },
  fileMegabytes("redis-server", "redis MB"),
  fileMegabytes("Redeno", "Redeno MB"),
  ...timing("save s", "saveSeconds"),
  ...timing("CPU s", "saveCpuSeconds"),
  ...timing("load s", "loadSeconds"),
  ...timing("CPU s", "loadCpuSeconds"),
];

function goalsOf(rows: readonly Row[]): Goal[] {
  return rows.flatMap((row) => [
    {
      what: `save of ${row.name}, throughput × redis-server's`,
      value: speedRatio(row, "saveSeconds"),
      limit: { min: 0.5 },
    },
    {
      what: `load of ${row.name}, throughput × redis-server's`,
      value: speedRatio(row, "loadSeconds"),
      limit: { min: 0.5 },
    },
  ]);
}

/** The section `files`. */
export async function files(options: BenchOptions): Promise<SectionReport> {
  const rows: Row[] = [];
  for (const { name, commands, size, quickSize } of CONTENTS) {
    const row: Row = { name, speeds: {} };
    for (const program of programs) {
      row.speeds[program] = await measure(program, commands(options.quick ? quickSize : size));
    }
    rows.push(row);
  }
  const texts = [tableText("RDB files: saving and loading", columns, rows)];
  if (programs.length < 2) texts.push(NO_REDIS);
  const charts = (["saveSeconds", "loadSeconds"] as const).map((field) => ({
    title: field === "saveSeconds" ? "SAVE" : "Loading",
    unit: "s",
    series: programs,
    groups: rows.map(({ name, speeds }) => ({
      label: name,
      values: programs.map((p) => speeds[p]?.[field] ?? NaN),
    })),
  }));
  return { name: "files", text: texts.join("\n\n"), data: rows, charts, goals: goalsOf(rows) };
}
