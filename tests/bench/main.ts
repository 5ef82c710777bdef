/** `deno task bench [--quick] [sections…]`: measures Redeno against the machine's redis-server. */
import { parseArgs } from "@std/cli";
import { attack } from "./attack.ts";
import { files } from "./files.ts";
import type { BenchOptions } from "./options.ts";
import { goalsText, isReached, type SectionReport, writeReport } from "./report.ts";
import { scripts } from "./scripts.ts";
import { snapshot } from "./snapshot.ts";
import { store } from "./store.ts";
import { structures } from "./structures.ts";
import { throughput } from "./throughput.ts";
import { wide } from "./wide.ts";

/** The folder for results, beside deno.json; git ignores it. */
const folder = new URL("../../bench-results", import.meta.url).pathname;

const sections = new Map<string, (options: BenchOptions) => Promise<SectionReport>>([
  ["throughput", throughput],
  ["wide", wide],
  ["store", store],
  ["structures", structures],
  ["snapshot", snapshot],
  ["files", files],
  ["scripts", scripts],
  ["attack", attack],
]);

const HELP = `Usage: deno task bench [options] [sections…]

Measures Redeno beside this machine's redis-server and writes tables, JSON and SVG to bench-results/.

Sections (all, unless some are named): ${[...sections.keys()].join(", ")}

  --quick            a fraction of the work, for a first look
  --rounds N         rounds of each redis-benchmark test, of which the best counts (3; 2 with --quick)
  --tests A,B        only these of redis-benchmark's tests
  --pipelines 1,16   only these pipeline lengths
  --help             this text`;

function listOf(text: string | undefined): string[] {
  return (text ?? "").split(",").map((word) => word.trim().toLowerCase()).filter((word) => word !== "");
}

async function run(names: readonly string[], options: BenchOptions): Promise<void> {
  let reached = 0, missed = 0;
  for (const name of names) {
    console.error(`${name} …`);
    const report = await sections.get(name)!(options);
    const paths = await writeReport(report, folder);
    console.log(`\n${report.text}\n`);
    if (report.goals.length > 0) console.log(`${goalsText(report.goals)}\n`);
    console.log(paths.map((path) => `written: ${path}`).join("\n"));
    reached += report.goals.filter(isReached).length;
    missed += report.goals.filter((goal) => !isReached(goal)).length;
  }
  console.log(`\n${reached} goals reached, ${missed} missed or not measured`);
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    boolean: ["quick", "help"],
    string: ["rounds", "tests", "pipelines"],
  });
  const names = flags._.length === 0 ? [...sections.keys()] : flags._.map(String);
  const unknown = names.filter((name) => !sections.has(name));
  if (flags.help || unknown.length > 0) {
    if (unknown.length > 0) console.error(`There is no section ${unknown.join(", ")}.\n`);
    console.log(HELP);
    Deno.exit(flags.help ? 0 : 1);
  }
  await run(names, {
    quick: flags.quick,
    rounds: Number(flags.rounds ?? (flags.quick ? 2 : 3)),
    tests: listOf(flags.tests),
    pipelines: listOf(flags.pipelines).map(Number),
  });
}
