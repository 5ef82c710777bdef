/**
 * Runs units of Redis's own test suite against Redeno and compares the passing tests with
 * passing.txt.
 *
 *     deno task compat [unit ...]     default: every unit that passing.txt names
 *       --update          add newly passing tests to the list
 *       --allow-shrink    with --update: drop tests that no longer pass
 *       --server COMMAND  another server, such as redis-server
 *       --source DIR      unpacked Redis 7.0 source (default: from tests/tools/redis-source.sh)
 *       --jobs N          units at once (default 1)
 *       --timeout S       seconds for one unit (default 600)
 *       --retries N       runs a unit again if a listed test failed (default 1)
 *       --baseport P      first port of the servers (default 20100)
 *       --out DIR         folder for the suite's logs
 *       --random N        instead: N random commands compared with redis-server (random.ts)
 *       --seed S          with --random: the seed (default: a new one each time)
 *
 * A row of the list is `unit TAB test`, followed by ` TAB n` for the n-th test of the same name in
 * a unit; the test `(finished)` stands for a unit that reached its end without an exception or
 * time-out. The exit status is 1 if a listed test has not passed.
 */
import { parseArgs } from "@std/cli";
import { ensureDir } from "@std/fs";
import { redenoCommand } from "../support/launch.ts";
import { compareRandom, describe } from "./random.ts";

const here = new URL("./", import.meta.url);
const tool = (name: string) => new URL(`../tools/${name}`, here).pathname;
const listFile = new URL("passing.txt", here);

/** The name of the row for a unit that reached its end. */
const finished = "(finished)";

/** Rows of a tab-separated file, without comments and empty lines. */
async function rowsOf(file: string | URL): Promise<string[][]> {
  const text = await Deno.readTextFile(file);
  return text.split("\n").filter((line) => line && !line.startsWith("#")).map((line) => line.split("\t"));
}

async function output(command: string, args: string[]): Promise<string> {
  const { code, stdout } = await new Deno.Command(command, { args, stderr: "inherit" }).output();
  if (code !== 0) throw new Error(`${command} ended with status ${code}`);
  return new TextDecoder().decode(stdout).trim();
}

/**
 * Tests of redis-server's own internals: unit, name, reason. They are left out, because one that
 * breaks off spoils the next.
 */
const notApplicable = await rowsOf(new URL("not_applicable.txt", here));

/** The result of one run of the suite. */
interface Outcome {
  units: Set<string>;
  /** Rows in the form of passing.txt. */
  passed: Set<string>;
  /** The reason why a row did not pass. */
  details: Map<string, string>;
}

interface SuiteOptions {
  server: string;
  source: string;
  jobs: string;
  timeout: string;
  baseport: string;
  out: string;
}

async function runSuite(units: string[], options: SuiteOptions): Promise<Outcome> {
  await ensureDir(options.out);
  const args = [
    "--tests",
    options.source,
    "--server",
    options.server,
    "--units",
    units.join(" "),
    "--durable",
  ];
  args.push("--jobs", options.jobs, "--timeout", options.timeout, "--stall", "120", "--out", options.out);
  args.push("--baseport", options.baseport);
  const skipped = notApplicable.map(([, test = ""]) => `--skiptest '${test.replaceAll("'", "'\\''")}'`);
  // There is no Lua debugger; a unit asks for one outside any test, where the refusal would end it.
  args.push("--drop", "r script debug sync");
  if (skipped.length > 0) args.push("--extra", skipped.join(" "));
  const { code } = await new Deno.Command(tool("redis-suite.sh"), {
    args,
    stdout: "inherit",
    stderr: "inherit",
  })
    .spawn().status;
  if (code > 1) throw new Error(`redis-suite.sh ended with status ${code}`);
  const [unitRows, testRows] = await Promise.all([
    rowsOf(`${options.out}/units.tsv`),
    rowsOf(`${options.out}/tests.tsv`),
  ]);
  return readOutcome(unitRows.slice(1), testRows.slice(1));
}

function readOutcome(unitRows: string[][], testRows: string[][]): Outcome {
  const outcome: Outcome = { units: new Set(), passed: new Set(), details: new Map() };
  const seen = new Map<string, number>();
  for (const [unit = "", test = "", result = "", , detail = ""] of testRows) {
    const name = `${unit}\t${test}`;
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    const row = nth === 1 ? name : `${name}\t${nth}`;
    if (result === "ok") outcome.passed.add(row);
    else outcome.details.set(row, `${result} ${detail}`.trim());
  }
  for (const [unit = "", , , exception, timeout] of unitRows) {
    outcome.units.add(unit);
    if (exception === "0" && timeout === "0") outcome.passed.add(`${unit}\t${finished}`);
  }
  return outcome;
}

const unitOf = (row: string) => row.slice(0, row.indexOf("\t"));

/** Listed rows of the units that ran, without those that passed. */
function lostRows(list: ReadonlySet<string>, outcome: Outcome): string[] {
  return [...list].filter((row) => outcome.units.has(unitOf(row)) && !outcome.passed.has(row));
}

/** Reruns units in which listed tests failed: on a busy machine some of them miss their moment. */
async function retry(
  outcome: Outcome,
  list: ReadonlySet<string>,
  times: number,
  options: SuiteOptions,
): Promise<void> {
  for (let i = 1; i <= times; i++) {
    const lost = lostRows(list, outcome);
    if (lost.length === 0) return;
    for (const row of lost) console.log(`not passed yet: ${row} (${outcome.details.get(row) ?? "not run"})`);
    const again = await runSuite([...new Set(lost.map(unitOf))], {
      ...options,
      out: `${options.out}/retry-${i}`,
    });
    for (const row of again.passed) outcome.passed.add(row);
  }
}

/** Prints, for each unit, the share of redis-server 7.0.15's passing tests that passed. */
async function report(outcome: Outcome): Promise<void> {
  const reference = new Map(
    (await rowsOf(new URL("reference.txt", here))).map(([unit, ok]) => [unit, Number(ok)]),
  );
  let [ok, all] = [0, 0];
  for (const unit of [...outcome.units].sort()) {
    const passed = [...outcome.passed].filter((row) =>
      unitOf(row) === unit && !row.endsWith(`\t${finished}`)
    ).length;
    const expected = (reference.get(unit) ?? passed) - notApplicable.filter((row) => row[0] === unit).length;
    if (passed < expected) console.log(`${unit}: ${passed} of ${expected}`);
    ok += Math.min(passed, expected);
    all += expected;
  }
  console.log(`${ok} of ${all} tests pass (${(100 * ok / Math.max(all, 1)).toFixed(1)} %)`);
}

async function listedRows(): Promise<Set<string>> {
  return new Set((await rowsOf(listFile)).map((row) => row.join("\t")));
}

/** Reads the list again: another run may have added to it meanwhile. */
async function updateList(outcome: Outcome, allowShrink: boolean): Promise<void> {
  const list = await listedRows(), rows = list.union(outcome.passed);
  if (allowShrink) { for (const row of lostRows(list, outcome)) rows.delete(row); }
  await Deno.writeTextFile(listFile, [...rows].sort().join("\n") + "\n");
}

/** Compares random commands and prints the differences. */
async function compareAndTell(count: number, seed: number): Promise<number> {
  console.log(`seed ${seed}`);
  let told = 0;
  const { compared, known, differences } = await compareRandom(count, seed, (outcome) => {
    for (const difference of outcome.differences.slice(told)) console.log(describe(difference));
    told = outcome.differences.length;
  });
  console.log(
    `${compared} commands compared: ${differences.length} kinds of differences, ${known} known ones`,
  );
  return differences.length > 0 ? 1 : 0;
}

async function main(): Promise<number> {
  const args = parseArgs(Deno.args, {
    boolean: ["update", "allow-shrink"],
    string: ["server", "source", "jobs", "timeout", "retries", "baseport", "out", "random", "seed"],
    default: {
      server: redenoCommand().join(" "),
      jobs: "1",
      timeout: "600",
      retries: "1",
      baseport: "20100",
    },
  });
  if (args.random !== undefined) {
    return await compareAndTell(Number(args.random), Number(args.seed ?? Date.now() % 1e9));
  }
  const list = await listedRows();
  const units = args._.length > 0 ? args._.map(String) : [...new Set([...list].map(unitOf))];
  const options: SuiteOptions = {
    server: args.server,
    source: args.source ?? await output(tool("redis-source.sh"), []),
    jobs: args.jobs,
    timeout: args.timeout,
    baseport: args.baseport,
    out: args.out ?? await Deno.makeTempDir({ prefix: "redeno-compat-" }),
  };
  const outcome = await runSuite(units, options);
  await retry(outcome, list, Number(args.retries), options);
  await report(outcome);
  if (args.update) await updateList(outcome, args["allow-shrink"]);
  const lost = args.update && args["allow-shrink"] ? [] : lostRows(list, outcome);
  for (const row of lost) console.log(`no longer passes: ${row} (${outcome.details.get(row) ?? "not run"})`);
  const fresh = [...outcome.passed].filter((row) => !list.has(row)).length;
  console.log(
    `listed tests lost: ${lost.length}, passing and not listed: ${
      args.update ? 0 : fresh
    }, logs in ${options.out}`,
  );
  return lost.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
