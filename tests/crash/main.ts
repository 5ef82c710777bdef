/**
 * Crash tests by hand: `deno task crash [--rounds N] [--cuts N] [--payloads N] [--scripts N]
 * [--links N] [--seed N] [--executable PATH]` kills the server under load, cuts the power of a
 * simulated disk, restores mutated DUMP payloads, runs scripts with sizes and depths that could
 * break an interpreter, and breaks the links between replicating servers, each the given number of
 * times. Each of the five ends with a one-line summary; the status is 1 if anything broke, anything
 * acknowledged was lost, or replicas differ.
 */
import { parseArgs } from "@std/cli";
import { redenoCommand } from "../support/launch.ts";
import { redisServer } from "../support/oracle.ts";
import { killRounds } from "./kill.ts";
import { linkRounds } from "./links.ts";
import { mutatedPayloads } from "./payloads.ts";
import { powerCuts } from "./power.ts";
import { hostileScripts } from "./scripts.ts";

/** The defaults if no test is named. */
const USUAL = { rounds: "20", cuts: "5000", payloads: "20000", scripts: "2000", links: "10" };

const COUNTS = ["rounds", "cuts", "payloads", "scripts", "links"] as const;
const given = parseArgs(Deno.args, { string: [...COUNTS, "seed", "executable"] });
const isAsked = COUNTS.some((name) => given[name] !== undefined);
const { rounds, cuts, payloads, scripts, links } = isAsked ? given : USUAL;
const seed = Number(given.seed ?? Date.now() % 1_000_000);

/** Prints the problems and the summary, and sets the exit status accordingly. */
function tell(problems: readonly string[], summary: string): void {
  for (const problem of problems) console.error(problem);
  console.log(`${summary}, seed ${seed}`);
  if (problems.length > 0) Deno.exitCode = 1;
}

if (payloads !== undefined) {
  const report = mutatedPayloads(Number(payloads), seed);
  const { problems, restored } = report;
  tell(
    problems,
    `payloads: ${report.payloads} mutated, ${restored} still values, ${problems.length} harmful, ` +
      `${report.longestMs.toFixed()} ms at most`,
  );
}
if (scripts !== undefined) {
  const report = hostileScripts(Number(scripts), seed);
  const { problems, refused } = report;
  tell(problems, `scripts: ${report.scripts} hostile, ${refused} refused, ${problems.length} harmful`);
}
if (cuts !== undefined) {
  const report = await powerCuts(Number(cuts), seed);
  tell(report.problems, `power cuts: ${report.cuts}, ${report.problems.length} lost something`);
}
const command = given.executable === undefined ? redenoCommand() : [await Deno.realPath(given.executable)];
if (links !== undefined) {
  const commands = redisServer === undefined ? [command] : [command, [redisServer]];
  const { problems, ...report } = await linkRounds(commands, Number(links), seed);
  tell(
    problems.length === 0 ? [] : [...problems, `the data and logs are in ${report.folder}`],
    `links: ${report.rounds} rounds, ${report.commands} commands, ${problems.length} faults`,
  );
}
if (rounds !== undefined) {
  const report = await killRounds(command, Number(rounds), seed);
  const { problems, acknowledged, folder } = report;
  tell(
    problems.length === 0 ? [] : [...problems, `the data is in ${folder}`],
    `kills: ${report.rounds} rounds, ${acknowledged} acknowledged steps, ${problems.length} lost something`,
  );
}
