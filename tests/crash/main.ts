/**
 * Crash tests by hand: `deno task crash [--rounds N] [--cuts N] [--seed N] [--executable PATH]` kills the server N times
 * under load, cuts the power of a simulated disk so many times, and tells whether anything acknowledged was lost.
 */
import { parseArgs } from "@std/cli";
import { redenoCommand } from "../support/launch.ts";
import { killRounds } from "./kill.ts";
import { powerCuts } from "./power.ts";

const flags = parseArgs(Deno.args, { string: ["rounds", "cuts", "seed", "executable"] });
const rounds = Number(flags.rounds ?? 20), seed = Number(flags.seed ?? Date.now() % 1_000_000);
const command = flags.executable === undefined ? redenoCommand() : [await Deno.realPath(flags.executable)];

const cuts = Number(flags.cuts ?? 5000);

console.log(`${cuts} power cuts and ${rounds} kills, seed ${seed}`);
const power = await powerCuts(cuts, seed);
for (const problem of power.problems) console.error(problem);
if (power.problems.length > 0) Deno.exit(1);
console.log(`${power.cuts} power cuts, nothing lost that must not be`);
const report = await killRounds(command, rounds, seed, (round) => {
  if (round % 10 === 0) console.log(`${round} rounds`);
});
for (const problem of report.problems) console.error(problem);
if (report.problems.length > 0) {
  console.error(`FAILED in round ${report.rounds}; the data is in ${report.folder}`);
  Deno.exit(1);
}
console.log(`${report.rounds} kills, ${report.acknowledged} acknowledged steps, none lost`);
