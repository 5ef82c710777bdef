/**
 * The memory cost of elements of collections: each structure is built in a fresh server of either
 * kind, once to bring the server to its working size, then again under other names, while the first
 * one stays. The growth caused by the second one, in the server's own account (used_memory) and in
 * resident memory, is divided by the number of elements.
 */
import { fill } from "./fill.ts";
import type { BenchOptions } from "./options.ts";
import { MeasuredServer, NO_REDIS, type Program, programs } from "./process.ts";
import { type Column, type Goal, number, ratio, type SectionReport, tableText } from "./report.ts";

interface Structure {
  name: string;
  /** A description of one element. */
  element: string;
  elements: number;
  /** The commands that build `count` elements at or below `key`. */
  build: (key: string, count: number) => Iterable<string[]>;
  /** True if the project has a goal for it. */
  isGoal: boolean;
  /** The goal: bytes beside redis-server's; {@linkcode GOAL_RATIO} where none is given. */
  limit?: number;
}

/** Words per command. */
const CHUNK = 1000;
const GOAL_RATIO = 1.5;

/**
 * Commands that begin with `head` and each add a thousand elements, made of the words that
 * `element` returns for their number.
 */
function* inChunks(
  count: number,
  head: readonly string[],
  element: (i: number) => string[],
): Generator<string[]> {
  for (let from = 0; from < count; from += CHUNK) {
    const words = [...head];
    for (let i = from; i < Math.min(count, from + CHUNK); i++) words.push(...element(i));
    yield words;
  }
}

function* smallHashes(key: string, count: number): Generator<string[]> {
  for (let i = 0; i < count; i++) {
    const words = ["HSET", `${key}:${i}`];
    for (let field = 1; field <= 5; field++) words.push(`field${field}`, `value-${i}-${field}`);
    yield words;
  }
}

/** Commands that build collections of `size` elements each, `count` elements in all. */
function* inCollections(
  count: number,
  size: number,
  head: (collection: number) => readonly string[],
  element: (i: number) => string[],
): Generator<string[]> {
  for (let from = 0; from < count; from += size) {
    yield* inChunks(size, head(from / size), (i) => element(from + i));
  }
}

/**
 * Sets, and hashes, of some size: of `listpack` or `hashtable` encoding in redis-server, tables or
 * packed here.
 */
function ofSize(size: number): Structure[] {
  const common = { elements: 500_000, isGoal: true, limit: 1 };
  return [{
    ...common,
    name: `sets of ${size} members`,
    element: "member",
    build: (key, count) => inCollections(count, size, (i) => ["SADD", `${key}:${i}`], (i) => [`member:${i}`]),
  }, {
    ...common,
    name: `hashes of ${size} fields`,
    element: "field",
    build: (key, count) =>
      inCollections(count, size, (i) => ["HSET", `${key}:${i}`], (i) => [`field:${i}`, `value:${i}`]),
  }];
}

function* streamEntries(key: string, count: number): Generator<string[]> {
  for (let i = 0; i < count; i++) {
    yield ["XADD", key, `${1_700_000_000_000 + i}-0`, "sensor", String(i % 100), "value", String(i)];
  }
}

const STRUCTURES: readonly Structure[] = [
  { name: "small hashes of 5 fields", element: "hash", elements: 100_000, build: smallHashes, isGoal: true },
  {
    name: "sorted set",
    element: "member",
    elements: 1_000_000,
    build: (key, count) => inChunks(count, ["ZADD", key], (i) => [String(i * 7 % 1_000_003), `member:${i}`]),
    isGoal: true,
  },
  { name: "stream", element: "entry", elements: 1_000_000, build: streamEntries, isGoal: true },
  {
    name: "list",
    element: "element",
    elements: 1_000_000,
    build: (key, count) => inChunks(count, ["RPUSH", key], (i) => [`element:${i}`]),
    isGoal: true,
  },
  {
    name: "set",
    element: "member",
    elements: 1_000_000,
    build: (key, count) => inChunks(count, ["SADD", key], (i) => [`member:${i}`]),
    isGoal: true,
    limit: 1,
  },
  {
    name: "hash",
    element: "field",
    elements: 1_000_000,
    build: (key, count) => inChunks(count, ["HSET", key], (i) => [`field:${i}`, `value:${i}`]),
    isGoal: true,
    limit: 1,
  },
  ...ofSize(100),
  ...ofSize(2000),
];

interface Cost {
  usedBytes: number;
  rssBytes: number;
  /** Nanoseconds of the server's processor time per added element. */
  buildNs: number;
}

interface Row {
  name: string;
  element: string;
  elements: number;
  costs: Partial<Record<Program, Cost>>;
  isGoal: boolean;
  limit?: number;
}

async function measure(program: Program, structure: Structure, count: number): Promise<Cost> {
  await using server = await MeasuredServer.start(program, ["--appendonly", "no"]);
  await fill(server, structure.build("bench:1", count));
  const rss = await server.settledRssBytes(),
    used = await server.info("used_memory"),
    cpu = await server.cpuUs();
  await fill(server, structure.build("bench:2", count));
  const buildNs = (await server.cpuUs() - cpu) * 1000 / count;
  return {
    usedBytes: (await server.info("used_memory") - used) / count,
    rssBytes: (await server.settledRssBytes() - rss) / count,
    buildNs,
  };
}

/** Redeno's `field` relative to redis-server's. */
function compared({ costs }: Row, field: keyof Cost): number {
  return (costs.Redeno?.[field] ?? NaN) / (costs["redis-server"]?.[field] ?? NaN);
}

function pair(title: string, field: keyof Cost): Column<Row>[] {
  return [
    { title: `redis ${title}`, text: ({ costs }) => number(costs["redis-server"]?.[field] ?? NaN, 1) },
    { title: `Redeno ${title}`, text: ({ costs }) => number(costs.Redeno?.[field] ?? NaN, 1) },
    { title: "ratio", text: (row) => ratio(compared(row, field)) },
  ];
}

const columns: readonly Column<Row>[] = [
  {
    title: "structure",
    text: ({ name, element, elements }) => `${name} (${number(elements)}), a ${element}`,
  },
  ...pair("used", "usedBytes"),
  ...pair("RSS", "rssBytes"),
  ...pair("ns", "buildNs"),
];

function goalsOf(rows: readonly Row[]): Goal[] {
  return rows.filter(({ isGoal }) => isGoal).flatMap((row) => [
    {
      what: `${row.name}: accounted bytes, × redis-server's`,
      value: compared(row, "usedBytes"),
      limit: { max: row.limit ?? GOAL_RATIO },
    },
    {
      what: `${row.name}: resident bytes, × redis-server's`,
      value: compared(row, "rssBytes"),
      limit: { max: row.limit ?? GOAL_RATIO },
    },
  ]);
}

/** The section `structures`. */
export async function structures(options: BenchOptions): Promise<SectionReport> {
  const rows: Row[] = [];
  for (const structure of STRUCTURES) {
    const elements = options.quick ? structure.elements / 5 : structure.elements;
    const row: Row = { ...structure, elements, costs: {} };
    for (const program of programs) row.costs[program] = await measure(program, structure, elements);
    rows.push(row);
  }
  const texts = [tableText("Bytes an element costs, and processor time to add it", columns, rows)];
  if (programs.length < 2) texts.push(NO_REDIS);
  const chart = {
    title: "Resident memory of collections",
    unit: "bytes/element",
    series: programs,
    groups: rows.map(({ name, costs }) => ({
      label: name,
      values: programs.map((p) => costs[p]?.rssBytes ?? NaN),
    })),
  };
  const data = rows.map(({ name, element, elements, costs }) => ({ name, element, elements, costs }));
  return { name: "structures", text: texts.join("\n\n"), data, charts: [chart], goals: goalsOf(rows) };
}
