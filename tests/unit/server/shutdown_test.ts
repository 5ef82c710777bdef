import { assert, assertEquals, assertMatch } from "@std/assert";
import { EngineGuard } from "../../../src/engine/refusals.ts";
import { Shutdown } from "../../../src/server/shutdown.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { PENDING, startInProcess } from "../../support/in_process.ts";
import { ReplicatedServers } from "../../support/replication.ts";

/** A shutdown whose parts write down what is asked of them. */
function start(
  finish: (options: { save?: boolean }) => void = () => {},
  engine: Engine = startInProcess().engine,
) {
  const steps: string[] = [], log: string[] = [];
  const write = (text: string) => void log.push(text);
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
  assertEquals(engine.server.shutDown({ save: true, force: false, now: false }), true);
  assertEquals(steps, ["data saved: true", "listeners closed"]);
  assertEquals((engine.guards & EngineGuard.Loading) !== 0, true, "commands of the last turn are refused");
  assertEquals(await shutdown.finished, 0);
  assertEquals(steps, ["data saved: true", "listeners closed", "connections closed"]);
});

Deno.test("Shutdown does not happen where the data cannot be saved", () => {
  const { engine, steps, log } = start(() => {
    throw new Error("disk full");
  });
  assertEquals(engine.server.shutDown({ force: false, now: false }), false);
  assertEquals(steps, ["data saved: undefined"]);
  assertEquals(log.some((line) => line.includes("disk full")), true);
});

Deno.test("Shutdown happens all the same where it is forced", async () => {
  const { engine, shutdown, steps } = start(() => {
    throw new Error("disk full");
  });
  assertEquals(engine.server.shutDown({ save: false, force: true, now: false }), true);
  assertEquals(await shutdown.finished, 0);
  assertEquals(steps.length, 3);
});

Deno.test("a shutdown that a signal asked for waits while DEBUG PAUSE-CRON holds, and can be taken back", async () => {
  const { engine, shutdown, steps, log } = start();
  engine.debug.pauseCron = true;
  shutdown.request({ force: false, now: false });
  assertEquals(engine.server.abortShutdown(), true);
  assertEquals(engine.server.abortShutdown(), false);
  assertEquals(log.at(-1), "Shutdown manually aborted.");
  engine.debug.pauseCron = false;
  shutdown.request({ force: false, now: false, save: true });
  assertEquals(await shutdown.finished, 0);
  assertEquals(steps[0], "data saved: true");
});

const received = (log: readonly string[]) => log.filter((line) => line.startsWith("Received SIG"));

Deno.test("one Ctrl-C that arrives twice is one shutdown, also where the data cannot be saved", async () => {
  const s = startInProcess();
  const { engine, shutdown, log } = start(() => {
    throw new Error("disk full");
  }, s.engine);
  const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
  shutdown.signalled("SIGINT");
  await turn();
  assertEquals(
    log.includes("Errors trying to shut down the server. Check the logs for more information."),
    true,
  );
  shutdown.signalled("SIGINT");
  await turn();
  assertEquals(received(log), ["Received SIGINT scheduling shutdown..."]);
  engine.config.values.shutdownOnSigterm = ["force"];
  s.advance(1000);
  shutdown.signalled("SIGTERM");
  assertEquals(await shutdown.finished, 0);
  shutdown.signalled("SIGTERM");
  assertEquals(received(log), [
    "Received SIGINT scheduling shutdown...",
    "Received SIGTERM scheduling shutdown...",
  ]);
});

/** A primary that can be shut down, and whose replica lacks a key. */
async function startWithReplica() {
  const servers = await ReplicatedServers.start(), { primary, replica } = servers;
  primary.client().send("SET", "first", "1");
  replica.client().send("REPLICAOF", "10.0.0.1", "6379");
  await servers.second();
  await servers.second();
  primary.client().send("SET", "last", "1");
  return { servers, ...start(() => {}, primary.engine) };
}

Deno.test("SHUTDOWN waits until its replicas have everything", async () => {
  const { servers, shutdown, steps, log } = await startWithReplica(), { primary, replica } = servers;
  const client = primary.client();
  assertEquals(client.send("SHUTDOWN"), PENDING);
  assertEquals(primary.client().send("SET", "late", "1"), PENDING);
  assertEquals(steps, []);
  assertMatch(String(primary.client().send("INFO", "server")), /\r\nshutdown_in_milliseconds:10000\r\n/);
  await servers.settle();
  assertEquals(await shutdown.finished, 0);
  assertEquals(replica.client().send("GET", "last"), "1");
  assert(log.includes("1 of 1 replicas are in sync when shutting down."));
});

Deno.test("SHUTDOWN waits no longer than shutdown-timeout, and with NOW not at all", async () => {
  const late = await startWithReplica();
  late.engine.server.shutDown({ force: false, now: false });
  late.servers.primary.advance(10_000);
  assertEquals(await late.shutdown.finished, 0);
  assert(late.log.includes("0 of 1 replicas are in sync when shutting down."));
  const now = await startWithReplica();
  now.engine.server.shutDown({ force: false, now: true });
  assertEquals(now.steps.length, 2);
  assertEquals(await now.shutdown.finished, 0);
});

Deno.test("SHUTDOWN ABORT answers those who wait for the end, and lets writers go on", async () => {
  const { servers: { primary }, steps } = await startWithReplica();
  const [a, b, writer] = [primary.client(), primary.client(), primary.client()];
  assertEquals([a.send("SHUTDOWN"), b.send("SHUTDOWN"), writer.send("INCR", "n")], [
    PENDING,
    PENDING,
    PENDING,
  ]);
  assertEquals(primary.client().send("SHUTDOWN", "ABORT"), "OK");
  const failed = "-ERR Errors trying to SHUTDOWN. Check logs.\r\n";
  assertEquals([a.takeBytes(), b.takeBytes(), writer.takeBytes()], [failed, failed, ":1\r\n"]);
  assertEquals(steps, []);
});
