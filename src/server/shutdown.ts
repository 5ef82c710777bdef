/**
 * Ends the server: by SIGTERM, SIGINT or SHUTDOWN. What was acknowledged is made durable first; if that fails, the
 * server goes on, unless it is told to end all the same.
 */
import type { EngineLog } from "../engine/engine.ts";
import type { Listeners } from "./listeners.ts";
import type { Persistence } from "./persistence.ts";
import type { Server } from "./server.ts";

/** The exit status of a process that was aborted, as a shell shows it. */
const CRASHED = 134;

/** How SHUTDOWN was called. */
export interface ShutdownOptions {
  /** Whether to save a snapshot: always, never, or (undefined) if save points are configured. */
  save?: boolean;
  /** Ends the server although its data could not be saved. */
  force: boolean;
}

export class Shutdown {
  /** Resolves with the exit status when the server has ended. */
  readonly finished: Promise<number>;
  #finish: (status: number) => void = () => {};

  constructor(
    readonly server: Pick<Server, "engine" | "stop">,
    readonly persistence: Pick<Persistence, "finish">,
    readonly listeners: Pick<Listeners, "close">,
    readonly log: EngineLog,
  ) {
    this.finished = new Promise((resolve) => this.#finish = resolve);
    server.engine.shutDown = (options) => this.begin(options);
    server.engine.crash = (reason) => this.#crash(reason);
  }

  /** Ends the server at SIGTERM and SIGINT. */
  handleSignals(): void {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => {
        this.log.warning(`Received ${signal} scheduling shutdown...`);
        this.begin({ force: false });
      });
    }
    Deno.addSignalListener("SIGABRT", () => this.#crash("crashed by signal: 6"));
  }

  /** Ends the process at once: what is not on the disk is lost. */
  #crash(reason: string): never {
    this.log.warning(`=== REDENO BUG REPORT: ${reason} ===`);
    this.log.warning(new Error("stack").stack ?? "");
    Deno.exit(CRASHED);
  }

  /** Ends the server. False if its data could not be made safe; then it goes on. */
  begin(options: ShutdownOptions): boolean {
    this.log.warning("User requested shutdown...");
    try {
      this.persistence.finish(options);
    } catch (error) {
      this.log.warning(
        `Error trying to save the DB, can't exit: ${error instanceof Error ? error.message : error}`,
      );
      if (!options.force) return false;
    }
    this.listeners.close();
    this.server.stop();
    this.log.warning("Redeno is now ready to exit, bye bye...");
    this.#finish(0);
    return true;
  }
}
