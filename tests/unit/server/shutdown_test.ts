import { assertEquals } from "@std/assert";
import { EngineGuard } from "../../../src/engine/refusals.ts";
import { Shutdown } from "../../../src/server/shutdown.ts";
import { startInProcess } from "../../support/in_process.ts";

/** A shutdown whose parts write down what is asked of them. */
function start(finish: (options: { save?: boolean }) => void = () => {}) {
  const steps: string[] = [], log: string[] = [];
  const write = (text: string) => void log.push(text);
  const { engine } = startInProcess();
  const server = { engine, stop: () => void steps.push("connections closed") };
  const persistence = {
    finish(options: { save?: boolean }) {
      steps.push(`data saved: ${options.save}`);
      finish(options);
    },
  };
  const listeners = { close: () => void steps.push("listeners closed") };
  const shutdown = new Shutdown(server, persistence, listeners, {
    debug: write,
    verbose: write,
    notice: write,
    warning: write,
  });
  return { engine, shutdown, steps, log };
}

Deno.test("Shutdown saves the data before it closes anything, and ends with status 0", async () => {
  const { engine, shutdown, steps } = start();
  assertEquals(engine.shutDown({ save: true, force: false }), true);
  assertEquals(steps, ["data saved: true", "listeners closed"]);
  assertEquals((engine.guards & EngineGuard.Loading) !== 0, true, "commands of the last turn are refused");
  assertEquals(await shutdown.finished, 0);
  assertEquals(steps, ["data saved: true", "listeners closed", "connections closed"]);
});

Deno.test("Shutdown does not happen where the data cannot be saved", () => {
  const { engine, steps, log } = start(() => {
    throw new Error("disk full");
  });
  assertEquals(engine.shutDown({ force: false }), false);
  assertEquals(steps, ["data saved: undefined"]);
  assertEquals(log.some((line) => line.includes("disk full")), true);
});

Deno.test("Shutdown happens all the same where it is forced", async () => {
  const { engine, shutdown, steps } = start(() => {
    throw new Error("disk full");
  });
  assertEquals(engine.shutDown({ save: false, force: true }), true);
  assertEquals(await shutdown.finished, 0);
  assertEquals(steps.length, 3);
});

Deno.test("a shutdown that a signal asked for waits while DEBUG PAUSE-CRON holds, and can be taken back", async () => {
  const { engine, shutdown, steps, log } = start();
  engine.debug.pauseCron = true;
  shutdown.request({ force: false });
  assertEquals(engine.abortShutdown(), true);
  assertEquals(engine.abortShutdown(), false);
  assertEquals(log.at(-1), "Shutdown manually aborted.");
  engine.debug.pauseCron = false;
  shutdown.request({ force: false, save: true });
  assertEquals(await shutdown.finished, 0);
  assertEquals(steps[0], "data saved: true");
});
