/**
 * An in-process server with a simulated disk, whose background work advances when the test says so.
 */
import { DataStore } from "../../src/persistence/data_store.ts";
import { LoadProgress } from "../../src/persistence/loading.ts";
import { VirtualClock } from "../../src/util/clock.ts";
import { type InProcessOptions, InProcessServer } from "./in_process.ts";
import { SimulatedFiles } from "./simulated_files.ts";

/**
 * Each reading of this clock takes time, so that background work comes in many slices as on a real
 * machine.
 */
class BusyClock extends VirtualClock {
  static readonly lookUs = 25;
  #looks = 0;

  override monotonicUs(): number {
    return super.monotonicUs() + BusyClock.lookUs * this.#looks++;
  }
}

export class StoreServer extends InProcessServer {
  readonly store: DataStore;
  readonly #later: (() => void)[] = [];

  constructor(readonly disk: SimulatedFiles, options: InProcessOptions = {}) {
    super({ clock: new BusyClock(), ...options });
    this.engine.config.values.dir = "d";
    disk.putFolder("d");
    this.store = new DataStore(this.engine, disk, 1, (slice) => this.#later.push(slice));
  }

  /** A server that has loaded the data on the disk. */
  static async start(disk = new SimulatedFiles(), config: Record<string, string> = {}): Promise<StoreServer> {
    const server = new StoreServer(disk, { config: { save: "", ...config } });
    await server.store.load(new LoadProgress(server.clock));
    return server;
  }

  /** Runs one slice of background work; false if none is waiting. */
  slice(): boolean {
    const next = this.#later.shift();
    next?.();
    return next !== undefined;
  }

  /** Runs background work to its end. */
  async finishJobs(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      quiet++;
      while (this.slice()) quiet = 0;
      await new Promise((resume) => setTimeout(resume, 0));
    }
  }

  /** A second of cron. */
  async second(): Promise<void> {
    this.advance(1000);
    this.store.tick();
    this.engine.endBatch();
    await this.finishJobs();
  }

  /** INFO's field with that name. */
  info(name: string): string | number | undefined {
    return this.store.infoFields().find(([field]) => field === name)?.[1];
  }
}
