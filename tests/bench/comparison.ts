/**
 * One of redis-benchmark's tests against redis-server and Redeno in turn: requests per second, and
 * microseconds of the server's processor time per request. Both servers run throughout, and the
 * rounds of a test alternate between them, so that other load on the machine affects both; the
 * highest throughput and the lowest processor time of all rounds count, since interference can only
 * worsen them.
 */
import type { BenchOptions } from "./options.ts";
import type { MeasuredServer, Program } from "./process.ts";
import { parseThroughput } from "./redis_benchmark.ts";
import { type Column, number, ratio } from "./report.ts";

/** One of redis-benchmark's tests. */
export interface BenchTest {
  name: string;
  /** redis-benchmark's arguments: a test of its own, or a command. */
  words: string[];
  /** Approximate cost of one request, in plain commands. */
  weight: number;
}

const CLIENTS = "50", VALUE_BYTES = "16", KEY_SPACE = "100000";
/** Requests per run with a plain command, by pipeline length: about a second on a fast server. */
export const REQUESTS: ReadonlyMap<number, number> = new Map([[1, 100_000], [16, 600_000], [64, 1_000_000]]);

/** The measurements of one run. */
export interface Measured {
  requestsPerSecond: number;
  cpuUsPerRequest: number;
}

/** A test at one pipeline length, on both servers. */
export interface Row {
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

/** Redeno's requests per second as a multiple of redis-server's. */
export function throughputRatio({ servers }: Row): number {
  return (servers.Redeno?.requestsPerSecond ?? NaN) / (servers["redis-server"]?.requestsPerSecond ?? NaN);
}

/** Redeno's processor time per request as a multiple of redis-server's. */
export function cpuRatio({ servers }: Row): number {
  return (servers.Redeno?.cpuUsPerRequest ?? NaN) / (servers["redis-server"]?.cpuUsPerRequest ?? NaN);
}

async function measure(
  server: MeasuredServer,
  test: BenchTest,
  pipeline: number,
  requests: number,
): Promise<Measured> {
  const options = ["-n", requests, "-P", pipeline, "-c", CLIENTS, "-d", VALUE_BYTES, "-r", KEY_SPACE].map(
    String,
  );
  const before = await server.cpuUs();
  const printed = await server.benchmark([...options, "--csv", ...test.words]);
  const spent = await server.cpuUs() - before;
  return { requestsPerSecond: parseThroughput(printed), cpuUsPerRequest: spent / requests };
}

/** Runs a test on the servers in turn. */
export async function compare(
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

/** The columns of a table of rows. */
export const columns: readonly Column<Row>[] = [
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
