/**
 * Ends the server: by SIGTERM, SIGINT or SHUTDOWN. What was acknowledged is made durable first; if that fails, the
 * server goes on, unless it is told to end all the same.
 */
import type { EngineLog } from "../engine/engine.ts";
import { EngineGuard } from "../engine/refusals.ts";
import type { Listeners } from "./listeners.ts";
import type { Persistence } from "./persistence.ts";
import type { Server } from "./server.ts";

/** The exit status of a process that was aborted, as a shell shows it. */
const CRASHED = 134;

/** How long to wait before looking again whether work goes on beside commands. */
const PAUSED_MS = 10;

/** How SHUTDOWN was called. */
export interface ShutdownOptions {
  /** Whether to save a snapshot: always, never, or (undefined) if save points are configured. */
  save?: boolean;
  /** Ends the server although its data could not be saved. */
  force: boolean;
}

function optionsOf(words: readonly ("save" | "nosave" | "now" | "force")[]): ShutdownOptions {
  const options: ShutdownOptions = { force: words.includes("force") };
  if (words.includes("save")) options.save = true;
  if (words.includes("nosave")) options.save = false;
  return options;
}

export class Shutdown {
  /** Resolves with the exit status when the server has ended. */
  readonly finished: Promise<number>;
  #finish: (status: number) => void = () => {};
  /** What a signal has asked for and has not been begun yet. */
  #requested: ShutdownOptions | null = null;

  constructor(
    readonly server: Pick<Server, "engine" | "stop">,
    readonly persistence: Pick<Persistence, "finish">,
    readonly listeners: Pick<Listeners, "close">,
    readonly log: EngineLog,
  ) {
    this.finished = new Promise((resolve) => this.#finish = resolve);
    server.engine.shutDown = (options) => this.begin(options);
    server.engine.abortShutdown = () => this.abort();
    server.engine.crash = (reason) => this.#crash(reason);
  }

  /** Ends the server at SIGTERM and SIGINT, in the way that `shutdown-on-sigterm` and `shutdown-on-sigint` say. */
  handleSignals(): void {
    const { config } = this.server.engine;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => {
        const words = signal === "SIGTERM" ? config.values.shutdownOnSigterm : config.values.shutdownOnSigint;
        this.log.warning(`Received ${signal} scheduling shutdown...`);
        this.request(optionsOf(words));
      });
    }
    Deno.addSignalListener("SIGABRT", () => this.#crash("crashed by signal: 6"));
  }

  /** Ends the server soon: between two batches, and not while work beside commands is paused. */
  request(options: ShutdownOptions): void {
    const isNew = this.#requested === null;
    this.#requested = options;
    if (isNew) setTimeout(() => this.#carryOut(), 0);
  }

  #carryOut(): void {
    const options = this.#requested;
    if (options === null) return;
    if (this.server.engine.debug.pauseCron) {
      setTimeout(() => this.#carryOut(), PAUSED_MS);
      return;
    }
    this.#requested = null;
    this.begin(options);
  }

  /** SHUTDOWN ABORT: takes a request back; false if there is none. */
  abort(): boolean {
    if (this.#requested === null) return false;
    this.#requested = null;
    this.log.notice("Shutdown manually aborted.");
    return true;
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
    // Nothing is written any more, so nothing may be promised: commands that come in the last turn are refused.
    this.server.engine.setGuard(EngineGuard.Loading, true);
    this.listeners.close();
    this.log.warning("Redeno is now ready to exit, bye bye...");
    // A listener is only closed in the next turn: a client whose connection ends must find nobody to connect to.
    setTimeout(() => {
      this.server.stop();
      this.#finish(0);
    }, 0);
    return true;
  }
}
