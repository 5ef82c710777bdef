/**
 * Mutation testing: `deno task mutate ROOM [--sample N] [--seed S] [--list]`. Makes single changes (mutants.ts) in the
 * files of a room, a sub-room or one file of src/, one at a time and in a copy of the repository, and runs the unit
 * tests that concern the changed file, nearest first, until one fails. A change that fails no test survives and is
 * printed with its place; the last line counts those that were killed. A test file that takes far longer than it does
 * without a change counts as failed.
 *
 * Each test file runs once without a change, when it is first needed: one that fails then, or takes very long, is not
 * asked. Of the tests of other rooms a few are asked, for a room is to be tested by its own. Changes that cannot be noticed stand
 * in equivalent_mutants.txt and are left out: a path, a tab, the changed line as printed, a tab, the reason.
 */
import { parseArgs } from "@std/cli";
import { importFlags } from "../support/launch.ts";
import { type RepositoryFile, sourceFiles } from "../support/repository.ts";
import { Random } from "../../src/util/random.ts";
import { importedPaths, nearness } from "./concerned_tests.ts";
import { equivalentsOf, outcomeLine, sampled } from "./mutation_report.ts";
import { type Mutant, mutantsOf, mutated, mutatedLine } from "./mutants.ts";

const top = new URL("../../", import.meta.url).pathname;

interface Target {
  file: RepositoryFile;
  mutant: Mutant;
}

/** A unit test file, and how long it takes without a change. */
interface TestRun {
  path: string;
  ms: number;
}

/** A copy of the repository, in which the tests run. */
class Copy {
  readonly folder = Deno.makeTempDirSync({ prefix: "redeno-mutate-" });

  constructor() {
    const names = ["src", "tests", "main.ts", "deno.json", "deno.lock"].map((name) => top + name);
    const { success } = new Deno.Command("cp", { args: ["-r", ...names, this.folder] }).outputSync();
    if (!success) throw new Error("the repository cannot be copied");
  }

  write(path: string, text: string): void {
    Deno.writeTextFileSync(`${this.folder}/${path}`, text);
  }

  /** Runs Deno in the copy; undefined if `limitMs` went by. */
  async run(args: string[], limitMs: number): Promise<Deno.CommandOutput | undefined> {
    const flags = importFlags().map((flag) => flag.replace(top, `${this.folder}/`));
    const [command, ...rest] = args;
    const child = new Deno.Command(Deno.execPath(), {
      args: [command!, ...(command === "test" ? flags : []), ...rest],
      cwd: this.folder,
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, limitMs);
    const output = await child.output();
    clearTimeout(timer);
    return isLate ? undefined : output;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

const TEST_FLAGS = ["-A", "--no-check", "-q", "--fail-fast"];
/** Test files that take longer are not asked; a change may take so much longer than none. */
const LONGEST_TEST_MS = 120_000, LEAST_LIMIT_MS = 15_000;
/** The rank of tests of other rooms, and how many of them are asked. */
const FAR = 3, MOST_FAR_TESTS = 8;

/** Runs a test file without a change: how long it takes; undefined if it fails, or takes too long to be asked often. */
async function measure(copy: Copy, path: string): Promise<number | undefined> {
  const startedAtMs = performance.now();
  const output = await copy.run(["test", ...TEST_FLAGS, path], LONGEST_TEST_MS);
  if (output?.success === true) return performance.now() - startedAtMs;
  console.error(`${path} is not asked: without any change it fails, or takes too long`);
  return undefined;
}

/** The tests that concern each source file, nearest first; each is measured when it is first asked for. */
class ConcernedTests {
  readonly #files = [...sourceFiles(["src", "tests/unit"])];
  readonly #times = new Map<string, number | undefined>();

  constructor(readonly copy: Copy) {}

  async *of(file: string): AsyncGenerator<TestRun> {
    const tests = this.#files.map(({ path }) => path).filter((path) => path.endsWith("_test.ts"));
    const importers = this.#files.filter((other) => importedPaths(other).includes(file)).map(({ path }) =>
      path
    );
    const ranks = nearness(file, tests, new Set(importers));
    const near = [...ranks.keys()].filter((test) => ranks.get(test)! < FAR);
    const far = [...ranks.keys()].filter((test) => ranks.get(test) === FAR).slice(0, MOST_FAR_TESTS);
    for (const test of [...near.sort((a, b) => ranks.get(a)! - ranks.get(b)!), ...far]) {
      if (!this.#times.has(test)) this.#times.set(test, await measure(this.copy, test));
      const ms = this.#times.get(test);
      if (ms !== undefined) yield { path: test, ms };
    }
  }
}

/** How one change ended: the test file that noticed it, or undefined; and if that took its time limit. */
async function tryMutant(
  copy: Copy,
  { file, mutant }: Target,
  tests: ConcernedTests,
): Promise<{ killer: string | undefined; isLate: boolean }> {
  for await (const { path, ms } of tests.of(file.path)) {
    copy.write(file.path, mutated(file.text, mutant));
    const output = await copy.run(["test", ...TEST_FLAGS, path], LEAST_LIMIT_MS + ms * 4);
    copy.write(file.path, file.text);
    if (output?.success !== true) return { killer: path, isLate: output === undefined };
  }
  return { killer: undefined, isLate: false };
}

/** The changes to try: all of the room, or as many as asked for, without those that cannot be noticed. */
function targetsOf(room: string, sample: number | undefined, seed: number): Target[] {
  const listed = Deno.readTextFileSync(new URL("equivalent_mutants.txt", import.meta.url));
  const equivalents = equivalentsOf(listed), met = new Set<string>(), targets: Target[] = [];
  for (const file of sourceFiles([room])) {
    for (const mutant of mutantsOf(file.text)) {
      const key = `${file.path}\t${mutatedLine(file.text, mutant)}`;
      if (equivalents.has(key)) met.add(key);
      else targets.push({ file, mutant });
    }
  }
  for (const key of equivalents) {
    if (key.startsWith(`${room}/`) && !met.has(key)) {
      console.log(`equivalent_mutants.txt: no such mutant: ${key}`);
    }
  }
  return sample === undefined ? targets : sampled(targets, sample, new Random(seed));
}

async function mutate(targets: readonly Target[]): Promise<{ killed: number; late: number }> {
  using copy = new Copy();
  const tests = new ConcernedTests(copy);
  let killed = 0, late = 0;
  for (const [index, target] of targets.entries()) {
    const { killer, isLate } = await tryMutant(copy, target, tests);
    if (killer !== undefined) killed++;
    if (isLate) late++;
    const place = outcomeLine(target.file, target.mutant);
    if (killer === undefined) console.log(`survived ${place}`);
    else {console.error(
        `${index + 1}/${targets.length} killed by ${killer}${isLate ? " (late)" : ""}: ${place}`,
      );}
  }
  return { killed, late };
}

const given = parseArgs(Deno.args, { string: ["sample", "seed"], boolean: ["list"] });
const room = `src/${given._[0] ?? ""}`;
const seed = Number(given.seed ?? 1);
const targets = targetsOf(room, given.sample === undefined ? undefined : Number(given.sample), seed);
if (targets.length === 0) {
  console.error(
    "usage: deno task mutate ROOM [--sample N] [--seed S] [--list], ROOM a folder or file of src/",
  );
  Deno.exit(2);
}
if (given.list) {
  for (const { file, mutant } of targets) console.log(outcomeLine(file, mutant));
} else {
  const { killed, late } = await mutate(targets);
  const percent = (100 * killed / targets.length).toFixed(1);
  const how = given.sample === undefined ? "all" : `sampled with seed ${seed}`;
  console.log(
    `${killed} of ${targets.length} mutants killed (${percent} %), ${late} by the time limit; ${room}, ${how}`,
  );
}
