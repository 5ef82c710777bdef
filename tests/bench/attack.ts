/**
 * The effect of ill-behaved clients on a well-behaved one: its waiting time for a reply, at rest
 * and under each attack, and the memory the server takes meanwhile.
 */
import { openFiles } from "../support/attacks.ts";
import { importFlags } from "../support/launch.ts";
import type { RawConnection } from "../support/oracle.ts";
import { attacks, BIG_BYTES } from "./attack_process.ts";
import type { BenchOptions } from "./options.ts";
import { rssBytes } from "./proc.ts";
import { ask, MeasuredServer, NO_REDIS, type Program, programs } from "./process.ts";
import { type Column, type Goal, number, ratio, type SectionReport, tableText } from "./report.ts";

/** The measurements of one server: times in milliseconds. */
interface Figures {
  quietP99: number;
  attackedP99: number;
  attackedMost: number;
  rssMb: number;
}

interface Row {
  attack: string;
  figures: Partial<Record<Program, Figures>>;
}

const GOAL_RATIO = 3;
/** Requests are spaced a little, like those of a user rather than a benchmark. */
const PAUSE_MS = 1;

/** The attacking process, until it is disposed of. */
class Attacker implements AsyncDisposable {
  private constructor(readonly child: Deno.ChildProcess) {}

  static async start(name: string, port: number): Promise<Attacker> {
    const script = new URL("attack_process.ts", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", ...importFlags(), script, name, String(port)],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (text.includes("ready")) return new Attacker(child);
    }
    throw new Error(`the attack '${name}' has not begun`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.status;
  }
}

/** Durations of GETs, milliseconds, shortest first. */
async function waits(c: RawConnection, requests: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < requests; i++) {
    const began = performance.now();
    await c.send("GET", "small");
    times.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return times.sort((a, b) => a - b);
}

const p99 = (times: readonly number[]) => times[Math.floor(times.length * 0.99)] ?? NaN;

async function measure(program: Program, attack: string, requests: number): Promise<Figures> {
  await using server = await MeasuredServer.start(program, ["--maxclients", "10100"]);
  using c = await server.process.connect();
  await ask(c, "SET", "small", "value");
  await ask(c, "SET", "big", "x".repeat(BIG_BYTES));
  await waits(c, requests); // the first runs are slow
  const quiet = await waits(c, requests);
  await using _attacker = await Attacker.start(attack, server.process.port);
  const attacked = await waits(c, requests);
  return {
    quietP99: p99(quiet),
    attackedP99: p99(attacked),
    attackedMost: attacked.at(-1) ?? NaN,
    rssMb: await rssBytes(server.process.pid) / (1 << 20),
  };
}

function columnsOf(program: Program): Column<Row>[] {
  const name = program === "Redeno" ? "Redeno" : "redis";
  const figure = (title: string, of: (figures: Figures) => string): Column<Row> => ({
    title: `${name} ${title}`,
    text: ({ figures }) => figures[program] === undefined ? "–" : of(figures[program]),
  });
  return [
    figure("p99 ms", ({ attackedP99 }) => number(attackedP99, 2)),
    figure("of quiet", ({ attackedP99, quietP99 }) => ratio(attackedP99 / quietP99)),
    figure("longest ms", ({ attackedMost }) => number(attackedMost, 1)),
    figure("MB", ({ rssMb }) => number(rssMb)),
  ];
}

/** The section `attack`. */
export async function attack(options: BenchOptions): Promise<SectionReport> {
  const requests = options.quick ? 500 : 3000;
  const remarks = programs.length < 2 ? [NO_REDIS] : [];
  const rows: Row[] = [];
  for (const [name, { clients }] of Object.entries(attacks)) {
    if (clients + 500 > await openFiles()) {
      remarks.push(`${name}: the limit on open files (ulimit -n) is too low`);
      continue;
    }
    const row: Row = { attack: name, figures: {} };
    for (const program of programs) row.figures[program] = await measure(program, name, requests);
    rows.push(row);
  }
  const columns: Column<Row>[] = [
    { title: "attack", text: ({ attack }) => attack },
    ...programs.flatMap(columnsOf),
  ];
  const goals: Goal[] = rows.map(({ attack, figures: { Redeno } }) => ({
    what: `${attack}: the 99th percentile of others' waits, as a multiple of quiet`,
    value: (Redeno?.attackedP99 ?? NaN) / (Redeno?.quietP99 ?? NaN),
    limit: { max: GOAL_RATIO },
  }));
  const text = [tableText("A well-behaved client under attack", columns, rows), ...remarks].join("\n\n");
  return { name: "attack", text, data: rows, charts: [], goals };
}
