import { assertEquals } from "@std/assert";
import { createCommandTable } from "../../../src/commands/table.ts";
import { Args } from "../../../src/engine/args.ts";
import type { Client } from "../../../src/engine/client.ts";
import { CallTimer } from "../../../src/engine/call_timer.ts";
import { type Command, Flag } from "../../../src/engine/command.ts";
import type { Engine } from "../../../src/engine/engine.ts";

const commands = createCommandTable();
const get = commands.get("get")!, set = commands.get("set")!, sort = commands.get("sort")!;
const args = Args.of(["GET", "k"]);
const client = {} as Client;

/** A timer on a clock that the test moves, and what it tells: `name calls us` of runs, `name us` of single calls. */
function start(slowlogLogSlowerThan = 10_000, isWatched = false) {
  const clock = { us: 0, looks: 0 }, told: string[] = [];
  commands.stats.reset();
  for (const cmd of [get, set, sort]) {
    Object.assign(commands.stats.of(cmd), { typicalUs: 0, callsToEstimate: 0 });
  }
  const engine = {
    clock: { monotonicUs: () => (clock.looks++, clock.us) },
    config: { values: { slowlogLogSlowerThan } },
    latency: { active: isWatched },
    stats: { batches: 0, commandUs: 0 },
    commands,
    commandTook: (_client: Client, cmd: Command, _args: Args, us: number) => told.push(`${cmd.name} ${us}`),
    timeSpent: (cmd: Command, us: number, calls: number) => told.push(`${cmd.name} ${calls} ${us}`),
  };
  const timer = new CallTimer(engine as unknown as Engine);
  timer.beginBatch();
  const call = (cmd: Command, us: number, waits = false) => {
    timer.begin(cmd);
    clock.us += us;
    timer.end(client, cmd, args, waits);
  };
  return { clock, told, engine, timer, call };
}

Deno.test("the commands of these tests are of the kinds that they stand for", () => {
  const inRuns = ({ flags }: Command) => (flags & (Flag.Fast | Flag.Brief)) !== 0;
  assertEquals([inRuns(get), inRuns(sort)], [true, false]);
});

Deno.test("CallTimer times a run of a fast command as one", () => {
  const { told, call, timer, clock, engine } = start();
  for (let i = 0; i < 4; i++) call(get, 10);
  assertEquals([told, clock.looks], [[], 1]);
  timer.finish();
  assertEquals([told, clock.looks, engine.stats.commandUs], [["get 4 40"], 2, 40]);
  timer.finish();
  assertEquals(told.length, 1, "it has ended");
});

Deno.test("CallTimer times slower commands one by one", () => {
  const { told, call, engine } = start();
  call(sort, 7);
  call(sort, 8);
  assertEquals([told, engine.stats.commandUs], [["sort 7", "sort 8"], 15]);
});

Deno.test("CallTimer ends a run where another command begins", () => {
  const { told, call, timer } = start();
  call(get, 5);
  call(sort, 3);
  call(get, 100);
  timer.finish();
  assertEquals(told, ["get 1 5", "sort 3", "get 1 5"], "the second run is estimated");
});

Deno.test("CallTimer lets a run that is measured stand for 24 calls behind it, if a call takes 20 µs at most", () => {
  const { told, call, timer, clock, engine } = start();
  const run = (calls: number, us: number) => {
    for (let i = 0; i < calls; i++) call(get, us);
    timer.finish();
    return told.pop();
  };
  assertEquals(run(2, 20), "get 2 40");
  const looks = clock.looks;
  assertEquals([run(23, 1), run(1, 1)], ["get 23 460", "get 1 20"]);
  assertEquals([clock.looks, engine.stats.commandUs], [looks, 40 + 480]);
  assertEquals(run(1, 21), "get 1 21");
  assertEquals(run(1, 9), "get 1 9", "21 µs stand for themselves");
  assertEquals(run(1, 1000), "get 1 9");
});

Deno.test("CallTimer times every command while the slow log or the latency monitor wants to know", () => {
  for (
    const [threshold, isWatched, each] of [
      [-1, false, false],
      [0, false, true],
      [999, false, true],
      [1000, false, false],
      [1000, true, true],
    ] as const
  ) {
    const { told, call, timer } = start(threshold, isWatched);
    assertEquals(timer.timesEachCommand, each);
    call(get, 3);
    assertEquals(told, each ? ["get 3"] : [], `${threshold}, ${isWatched}`);
  }
});

Deno.test("CallTimer begins anew with a command that waits, and keeps the run behind which it waits", () => {
  const { told, call, timer } = start();
  call(get, 5, true);
  timer.finish();
  assertEquals(told, []);
  call(get, 5);
  call(get, 6, true);
  timer.finish();
  assertEquals(told, ["get 1 11"]);
});

Deno.test("CallTimer times what runs inside another command, and learns from fast ones", () => {
  const { told, timer, clock } = start();
  const nested = (cmd: Command, us: number) => {
    const startedAtUs = timer.beginNested(cmd);
    clock.us += us;
    timer.endNested(startedAtUs, client, cmd, args);
  };
  nested(sort, 30);
  nested(sort, 31);
  nested(get, 4);
  nested(get, 500);
  assertEquals(told, ["sort 30", "sort 31", "get 4", "get 1 4"]);
  for (let i = 0; i < 23; i++) nested(get, 1);
  told.length = 0;
  nested(get, 6);
  assertEquals(told, ["get 6"], "24 calls have been estimated");
});

Deno.test("CallTimer ends a turn after 2 ms, batches and their commands together", () => {
  const { timer, call, engine } = start();
  call(sort, 1989);
  assertEquals(timer.turnIsOver, false);
  call(sort, 1);
  assertEquals([timer.turnIsOver, timer.busyUs, engine.stats.batches], [true, 2000, 1]);
  timer.beginTurn();
  assertEquals(timer.turnIsOver, false);
  timer.beginBatch();
  call(sort, 1990);
  assertEquals([timer.turnIsOver, timer.busyUs], [true, 4000]);
});

Deno.test("CallTimer cuts a batch after 10 ms of a turn, of which the batch itself has had 2", () => {
  const { timer, call } = start();
  call(sort, 9989);
  assertEquals(timer.turnIsLongOver, false);
  call(sort, 1);
  assertEquals(timer.turnIsLongOver, true);
  timer.beginBatch();
  assertEquals(timer.turnIsLongOver, false, "others have taken that");
  call(sort, 1989);
  assertEquals(timer.turnIsLongOver, false);
  call(sort, 1);
  assertEquals(timer.turnIsLongOver, true);
});
