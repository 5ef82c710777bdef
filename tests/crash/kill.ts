/**
 * Kills a server with SIGKILL under concurrent load, after a random number of acknowledged steps,
 * starts it again, and compares its data with the clients' knowledge of acknowledged writes. The
 * death of the process alone must not lose anything acknowledged in any fsync mode, because the
 * bytes reached the kernel before the reply left.
 */
import { Random } from "../../src/util/random.ts";
import { type RawConnection, ServerProcess } from "../support/oracle.ts";
import { Writer } from "./writers.ts";

const WRITERS = 8;
/** An operator's actions meanwhile, in turn. */
const disturbances: string[][] = [
  ["BGREWRITEAOF"],
  ["BGREWRITEAOF"],
  ["BGSAVE"],
  ["SNAPSHOT", "crash.json"],
  ["CONFIG", "SET", "appendfsync", "always"],
  ["CONFIG", "SET", "appendfsync", "everysec"],
  ["CONFIG", "SET", "appendfsync", "no"],
  ["CONFIG", "SET", "aof-use-rdb-preamble", "no"],
  ["CONFIG", "SET", "aof-use-rdb-preamble", "yes"],
  ["CONFIG", "SET", "aof-timestamp-enabled", "yes"],
  ["SAVE"],
];

/** The findings of {@linkcode killRounds}. */
export interface KillReport {
  rounds: number;
  acknowledged: number;
  /** The problems; empty if nothing was lost. */
  problems: string[];
  /** The folder with the data, if there were problems. */
  folder: string;
}

/**
 * Runs rounds of load, kill, restart and comparison in one folder.
 *
 * @param command the words that start the server
 */
export async function killRounds(
  command: string[],
  rounds: number,
  seed: number,
): Promise<KillReport> {
  const random = new Random(seed);
  const folder = await Deno.makeTempDir({ prefix: "redeno-crash-" });
  const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(i, new Random(seed + i + 1)));
  const problems: string[] = [];
  let round = 0;
  while (round < rounds && problems.length === 0) {
    const fsync = ["always", "everysec", "no"][round % 3] ?? "always";
    const server = await ServerProcess.start(command, directives(fsync, random), folder);
    problems.push(...await checkAll(server, writers));
    if (problems.length === 0) await load(server, writers, random, problems);
    await server.stop("SIGKILL");
    round++;
  }
  if (problems.length === 0) {
    const server = await ServerProcess.start(command, directives("everysec", random), folder);
    problems.push(...await checkAll(server, writers));
    await server.stop("SIGKILL");
  }
  if (problems.length === 0) await Deno.remove(folder, { recursive: true });
  const acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged, 0);
  return { rounds: round, acknowledged, problems, folder };
}

function directives(fsync: string, random: Random): string[] {
  const own = ["--appendonly", "yes", "--appendfsync", fsync, "--save", "", "--aof-load-truncated", "yes"];
  if (random.below(3) > 0) return own;
  return [...own, "--auto-aof-rewrite-min-size", "1kb", "--auto-aof-rewrite-percentage", "20"];
}

async function checkAll(server: ServerProcess, writers: Writer[]): Promise<string[]> {
  using connection = await server.connect();
  const found: string[] = [];
  for (const writer of writers) {
    found.push(...[await writer.check(connection)].filter((problem) => problem !== null));
  }
  return found;
}

/**
 * Acknowledged steps in a round before the server is killed: the minimum, and the range above it.
 */
const LEAST_STEPS = 30, MORE_STEPS = 1500;

/**
 * Runs the writers and an operator until that many steps are acknowledged, then kills the server.
 */
async function load(
  server: ServerProcess,
  writers: Writer[],
  random: Random,
  problems: string[],
): Promise<void> {
  const connections = await Promise.all(writers.map(() => server.connect()));
  const enough = Promise.withResolvers<void>();
  let stepsLeft = LEAST_STEPS + random.below(MORE_STEPS);
  const count = () => --stepsLeft === 0 && enough.resolve();
  const running = writers.map((writer, i) =>
    writer.run(connections[i]!, count).catch((error: Error) => {
      problems.push(error.message);
      enough.resolve();
    })
  );
  using operator = await server.connect();
  const meddling = meddle(operator, random);
  await Promise.race([enough.promise, Promise.all(running)]);
  if (stepsLeft > 0 && problems.length === 0) problems.push("the server ended before it was killed");
  await server.stop("SIGKILL");
  await Promise.all([...running, meddling]);
  for (const connection of connections) connection[Symbol.dispose]();
}

async function meddle(operator: RawConnection, random: Random): Promise<void> {
  try {
    for (;;) {
      await operator.send(...disturbances[random.below(disturbances.length)] ?? ["PING"]);
      await new Promise((resume) => setTimeout(resume, random.below(60)));
    }
  } catch {
    // The server has been killed.
  }
}
