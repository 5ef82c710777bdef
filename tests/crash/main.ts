/**
 * Crash tests by hand: `deno task crash [--rounds N] [--cuts N] [--payloads N] [--seed N] [--executable PATH]` restores
 * mutated DUMP payloads, cuts the power of a simulated disk, and kills the server under load, as often as it is told, and
 * tells whether anything broke or anything acknowledged was lost.
 */
import { parseArgs } from "@std/cli";
import { redenoCommand } from "../support/launch.ts";
import { killRounds } from "./kill.ts";
import { mutatedPayloads } from "./payloads.ts";
import { powerCuts } from "./power.ts";

const flags = parseArgs(Deno.args, { string: ["rounds", "cuts", "payloads", "seed", "executable"] });
const rounds = Number(flags.rounds ?? 20), seed = Number(flags.seed ?? Date.now() % 1_000_000);
const command = flags.executable === undefined ? redenoCommand() : [await Deno.realPath(flags.executable)];

const cuts = Number(flags.cuts ?? 5000), payloads = Number(flags.payloads ?? 20_000);

console.log(`${payloads} payloads, ${cuts} power cuts and ${rounds} kills, seed ${seed}`);
const fuzz = mutatedPayloads(payloads, seed);
for (const problem of fuzz.problems) console.error(problem);
if (fuzz.problems.length > 0) Deno.exit(1);
console.log(`${fuzz.payloads} mutated payloads, ${fuzz.restored} of them still values, none harmful`);
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
