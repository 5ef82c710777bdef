/**
 * Power cuts on a simulated disk: random histories of writes, rewrites and saves are cut before
 * each operation that changes the disk; folders that a disk could then hold are built and loaded,
 * and their data are compared with what had been acknowledged.
 */
import { LoadProgress } from "../../src/persistence/loading.ts";
import { Random } from "../../src/util/random.ts";
import { StoreServer } from "../support/data_store.ts";
import type { InProcessClient } from "../support/in_process.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";

/** Under `everysec` nothing older than this may be missing: one second, and one fsync. */
const EVERYSEC_LOSS_MS = 2000;

/** A folder as a power cut left it, and the states of the history it may hold. */
interface Cut {
  readonly disk: SimulatedFiles;
  readonly first: number;
  readonly last: number;
}

/** All data the histories write. */
function stateOf(client: InProcessClient): string {
  const strings = client.send("MGET", "a", "b", "c", "counter");
  return JSON.stringify([strings, client.send("LRANGE", "list", "0", "-1"), client.send("HGETALL", "hash")]);
}

/** One atomic action. */
function write(client: InProcessClient, random: Random, serial: string): void {
  switch (random.below(8)) {
    case 0:
      client.send("RPUSH", "list", serial);
      break;
    case 1:
      client.send("HSET", "hash", serial.slice(-1), serial);
      break;
    case 2:
    case 3:
      client.send("MULTI");
      client.send("SET", "a", serial);
      client.send("SET", "b", serial);
      client.send("INCR", "counter");
      client.send("EXEC");
      break;
    case 4:
      if (random.below(10) === 0) client.send("FLUSHALL");
      else client.send("SET", "c", "x".repeat(random.below(300)) + serial);
      break;
    default:
      client.send("SET", "abc".charAt(random.below(3)), serial);
  }
}

class History {
  readonly cuts: Cut[] = [];
  /** States after each complete write, and the time each was acknowledged. */
  readonly states: string[] = [];
  readonly acknowledgedMs: number[] = [];
  #server: StoreServer | undefined;

  constructor(readonly random: Random, readonly fsync: "always" | "everysec") {}

  /** The oldest state a folder may hold now. */
  #oldest(nowMs: number): number {
    if (this.fsync === "always") return this.acknowledgedMs.length - 1;
    let oldest = 0;
    for (const [i, ms] of this.acknowledgedMs.entries()) if (nowMs - ms > EVERYSEC_LOSS_MS) oldest = i;
    return oldest;
  }

  #cut(disk: SimulatedFiles): void {
    const server = this.#server;
    if (server === undefined || this.states.length === 0) return;
    const first = this.#oldest(server.clock.nowMs());
    // The state under way is not known yet; the comparison takes it to be the next one.
    this.cuts.push({ disk: disk.afterPowerCut(this.random), first, last: this.states.length });
  }

  async run(steps: number): Promise<void> {
    const { random } = this, disk = new SimulatedFiles();
    const preamble = random.below(2) === 0 ? "yes" : "no";
    const server = this.#server = await StoreServer.start(disk, {
      appendonly: "yes",
      appendfsync: this.fsync,
      "aof-use-rdb-preamble": preamble,
    });
    const client = server.client();
    this.#note(client, server);
    disk.beforeChange = () => this.#cut(disk);
    for (let i = 0; i < steps; i++) {
      switch (random.below(12)) {
        case 0:
          client.send("BGREWRITEAOF");
          break;
        case 1:
          await server.second();
          break;
        case 2:
          for (let n = random.below(4); n > 0; n--) server.slice();
          break;
        default:
          write(client, random, `value ${i}`);
          this.#note(client, server);
          server.advance(random.below(300));
          server.store.tick();
      }
      for (let n = 0; n < 5; n++) await Promise.resolve(); // a sync is recorded in a later turn
    }
    disk.beforeChange = undefined;
    this.#cut(disk);
  }

  #note(client: InProcessClient, server: StoreServer): void {
    this.states.push(stateOf(client));
    this.acknowledgedMs.push(server.clock.nowMs());
  }

  /** The fault in what `cut` left, or null. */
  async check(cut: Cut): Promise<string | null> {
    let disk = cut.disk;
    if (this.random.below(5) === 0) disk = await this.#cutWhileLoading(disk);
    try {
      const server = await StoreServer.start(disk, { appendonly: "yes" });
      const state = stateOf(server.client());
      const at = this.states.indexOf(state, cut.first);
      if (at >= 0 && at <= cut.last) return null;
      return `${this.fsync}: state ${
        this.states.lastIndexOf(state)
      } instead of one of ${cut.first} to ${cut.last}`;
    } catch (error) {
      return `${this.fsync}: ${error instanceof Error ? error.message : error}`;
    }
  }

  /** Cuts the power again, while the server recovers. */
  async #cutWhileLoading(disk: SimulatedFiles): Promise<SimulatedFiles> {
    const moments: SimulatedFiles[] = [];
    disk.beforeChange = () => void moments.push(disk.afterPowerCut(this.random));
    const server = new StoreServer(disk, { config: { save: "", appendonly: "yes" } });
    await server.store.load(new LoadProgress(server.clock));
    disk.beforeChange = undefined;
    return moments[this.random.below(moments.length)] ?? disk;
  }
}

/** The findings of {@linkcode powerCuts}. */
export interface PowerReport {
  cuts: number;
  /** Each with the seed that reproduces it. */
  problems: string[];
}

/** Tries at least `cuts` cuts, from histories generated from `seed` on. */
export async function powerCuts(cuts: number, seed: number): Promise<PowerReport> {
  const report: PowerReport = { cuts: 0, problems: [] };
  for (; report.cuts < cuts && report.problems.length < 5; seed++) {
    const random = new Random(seed);
    const history = new History(random, seed % 2 === 0 ? "always" : "everysec");
    await history.run(20 + random.below(60));
    for (const cut of history.cuts) {
      const problem = await history.check(cut);
      if (problem !== null) report.problems.push(`seed ${seed}: ${problem}`);
      report.cuts++;
    }
  }
  return report;
}
