/**
 * Ends the server: by SIGTERM, SIGINT or SHUTDOWN. First, writers are paused until replicas have
 * everything, for `shutdown-timeout` seconds at most; then everything acknowledged is made durable.
 * If that fails, the server keeps running, unless it was ordered to end regardless.
 */
import { SHUTDOWN_FAILED } from "../protocol/errors.ts";
import type { EngineLog, ServerControl, ShutdownOptions } from "../engine/ports.ts";
import { EngineGuard } from "../engine/refusals.ts";
import type { Replica } from "../replication/replica.ts";
import { Replication } from "../replication/replication.ts";
import type { Listeners } from "./listeners.ts";
import type { Persistence } from "./data_folder.ts";
import type { Server } from "./server.ts";
import { errorText } from "../util/error_text.ts";

/** The exit status of an aborted process, as a shell shows it. */
const CRASHED = 134;

/** The exit status of a process ended by SIGUSR1, as a shell shows it. */
const KILLED_BY_USR1 = 138;

/**
 * Signals within this time count as one. A terminal sends Ctrl-C to all of its processes, and a
 * launcher among them (`deno task`, npx) forwards its own, so the server gets it twice.
 */
const REPEATED_SIGNAL_MS = 100;

/** Pause before checking again for work beside commands, or for the progress of replicas. */
const PAUSED_MS = 10;

function optionsOf(words: readonly ("save" | "nosave" | "now" | "force")[]): ShutdownOptions {
  const options: ShutdownOptions = { force: words.includes("force"), now: words.includes("now") };
  if (words.includes("save")) options.save = true;
  if (words.includes("nosave")) options.save = false;
  return options;
}

/** See the head of this file. */
export class Shutdown implements ServerControl {
  /** End of the wait for replicas, `Engine.steadyMs`; 0 while there is none. */
  shutdownDueMs = 0;
  /** Resolves with the exit status when the server has ended. */
  readonly finished: Promise<number>;
  /** Called when the end begins, before anything is saved. */
  onStopping: () => void = () => {};
  #finish: (status: number) => void = () => {};
  /** The requested shutdown that has not begun yet. */
  #requested: ShutdownOptions | null = null;
  /** The shutdown that has begun and waits for replicas. */
  #begun: ShutdownOptions | null = null;
  #lookTimer: ReturnType<typeof setTimeout> | undefined;
  /** Time of the last SIGTERM or SIGINT. */
  #signalledAtMs = -Infinity;
  #hasEnded = false;

  constructor(
    readonly server: Pick<Server, "engine" | "stop">,
    readonly persistence: Pick<Persistence, "finish">,
    readonly listeners: Pick<Listeners, "close">,
    readonly log: EngineLog,
  ) {
    this.finished = new Promise((resolve) => this.#finish = resolve);
    server.engine.server = this;
  }

  /**
   * Handles signals as redis-server does. SIGTERM and SIGINT end the server as
   * `shutdown-on-sigterm` and `shutdown-on-sigint` say. SIGHUP (the terminal closes) and SIGALRM
   * are ignored, as the runtime ignores SIGPIPE. SIGUSR1 ends the process at once: left to the
   * runtime, it would open a debugger's port. SIGUSR2, SIGQUIT, SIGTSTP and SIGCONT keep their
   * default action.
   */
  handleSignals(): void {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => this.signalled(signal));
    }
    for (const signal of ["SIGHUP", "SIGALRM"] as const) Deno.addSignalListener(signal, () => {});
    Deno.addSignalListener("SIGUSR1", () => Deno.exit(KILLED_BY_USR1));
    Deno.addSignalListener("SIGABRT", () => this.crash("crashed by signal: 6"));
  }

  /**
   * SIGTERM or SIGINT has arrived: schedules a shutdown, unless one is scheduled, waits for
   * replicas or is under way.
   */
  signalled(signal: "SIGTERM" | "SIGINT"): void {
    const { config, clock } = this.server.engine, nowMs = clock.nowMs();
    const isRepeated = nowMs - this.#signalledAtMs < REPEATED_SIGNAL_MS;
    this.#signalledAtMs = nowMs;
    if (isRepeated || this.#requested !== null || this.#begun !== null || this.#hasEnded) return;
    const words = signal === "SIGTERM" ? config.values.shutdownOnSigterm : config.values.shutdownOnSigint;
    this.log.warning(`Received ${signal} scheduling shutdown...`);
    this.request(optionsOf(words));
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
    this.shutDown(options);
  }

  /** SHUTDOWN ABORT: cancels a request; false if there is none. */
  abortShutdown(): boolean {
    if (this.#requested === null && this.#begun === null) return false;
    this.#requested = null;
    this.#cancel();
    this.log.notice("Shutdown manually aborted.");
    return true;
  }

  /**
   * The server keeps running: answers the clients that wait for its end, and resumes the paused
   * writers.
   */
  #cancel(): void {
    const { engine } = this.server;
    this.#begun = null;
    clearTimeout(this.#lookTimer);
    this.shutdownDueMs = 0;
    for (const client of [...engine.waiting.all]) {
      if (client.blocked?.cmd.name !== "shutdown") continue;
      engine.replyError(client, SHUTDOWN_FAILED);
      engine.waiting.unblock(client);
    }
    engine.pause.end("shutdown");
  }

  /** Ends the process at once: data not on disk are lost. */
  crash(reason: string): never {
    this.log.warning(`=== REDENO BUG REPORT: ${reason} ===`);
    this.log.warning(new Error("stack").stack ?? "");
    Deno.exit(CRASHED);
  }

  /**
   * Ends the server, or begins to and then waits for replicas. False if its data could not be made
   * safe; the server then keeps running.
   */
  shutDown(options: ShutdownOptions): boolean {
    if (this.#begun !== null) return true;
    this.log.warning("User requested shutdown...");
    const { engine } = this.server, { shutdownTimeout } = engine.config.values;
    if (options.now || shutdownTimeout === 0 || this.#lagging.length === 0) return this.#end(options);
    this.#begun = options;
    this.shutdownDueMs = engine.steadyMs + shutdownTimeout * 1000;
    if (!engine.pause.active) this.#primary.askReplicas();
    engine.pause.start(Infinity, false, "shutdown");
    this.log.notice("Waiting for replicas before shutting down.");
    this.#lookTimer = setTimeout(() => this.#lookAtReplicas(), PAUSED_MS);
    return true;
  }

  get #primary() {
    return Replication.of(this.server.engine).primary;
  }

  get #lagging(): readonly Replica[] {
    const { replicas, stream } = this.#primary;
    return replicas.filter(({ ackedOffset }) => ackedOffset !== stream.end);
  }

  #lookAtReplicas(): void {
    const { engine } = this.server, options = this.#begun;
    if (options === null) return;
    if (engine.steadyMs < this.shutdownDueMs && this.#lagging.length > 0) {
      this.#lookTimer = setTimeout(() => this.#lookAtReplicas(), PAUSED_MS);
      return;
    }
    if (this.#end(options)) return;
    this.#cancel();
    engine.endBatch();
  }

  #reportReplicas(): void {
    const lagging = this.#lagging, { replicas, stream } = this.#primary;
    for (const { name, ackedOffset, ackedAtMs, state, stateText } of lagging) {
      const lagMs = state === "online" ? this.server.engine.steadyMs - ackedAtMs : 0;
      this.log.warning(
        `Lagging replica ${name} reported offset ${stream.end - ackedOffset} behind master, ` +
          `lag=${Math.floor(lagMs / 1000)}, state=${stateText}.`,
      );
    }
    if (replicas.length === 0) return;
    const count = replicas.length - lagging.length;
    this.log.notice(`${count} of ${replicas.length} replicas are in sync when shutting down.`);
  }

  /** Ends the server now. False if its data could not be made safe. */
  #end(options: ShutdownOptions): boolean {
    this.onStopping();
    this.#reportReplicas();
    try {
      this.persistence.finish(options);
    } catch (error) {
      this.log.warning(
        `Error trying to save the DB, can't exit: ${errorText(error)}`,
      );
      if (!options.force) {
        this.log.warning("Errors trying to shut down the server. Check the logs for more information.");
        return false;
      }
    }
    // Nothing is written from here on, so nothing may be acknowledged: commands that arrive in the
    // last turn are refused.
    this.server.engine.setGuard(EngineGuard.Loading, true);
    this.#hasEnded = true;
    this.listeners.close();
    this.log.warning("Redeno is now ready to exit, bye bye...");
    // A listener closes only in the next turn: a client whose connection ends must not be able to
    // reconnect.
    setTimeout(() => {
      this.server.stop();
      this.#finish(0);
    }, 0);
    return true;
  }
}
