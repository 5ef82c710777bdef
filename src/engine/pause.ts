/**
 * Pauses: for a while commands, or only those that write, wait instead of being run. An operator
 * asks for that by CLIENT PAUSE; a server that hands its place over, or is about to end, lets its
 * replicas catch up meanwhile; and keys that are on their way to another server do not change.
 */
import type { Args } from "./args.ts";
import { type Client, ClientFlag } from "./client.ts";
import { type Command, Flag } from "./command.ts";
import type { Engine } from "./engine.ts";
import { EngineGuard } from "./refusals.ts";

/** Reason of a pause. Pauses for different reasons begin and end independently. */
export type PauseReason = "client" | "failover" | "migrate" | "shutdown";

interface Wish {
  readonly untilMs: number;
  /** Commands that only read wait too. */
  readonly all: boolean;
}

/** See the head of this file. */
export class Pause {
  /** Clients whose command waits for the end of the pause, in order. */
  #postponed: { client: Client; args: Args }[] = [];
  readonly #wishes = new Map<PauseReason, Wish>();
  #all = false;

  constructor(readonly engine: Engine) {}

  /** Time at which the first pause ends by itself, `engine.steadyMs`; Infinity if none does. */
  get endsAtMs(): number {
    let endsAtMs = Infinity;
    for (const { untilMs } of this.#wishes.values()) endsAtMs = Math.min(endsAtMs, untilMs);
    return endsAtMs;
  }

  get active(): boolean {
    return (this.engine.guards & EngineGuard.Paused) !== 0;
  }

  /**
   * Begins a pause, or prolongs and widens the present one for this reason.
   *
   * @param untilMs `engine.steadyMs`; Infinity: until it is ended
   */
  start(untilMs: number, all: boolean, reason: PauseReason = "client"): void {
    const wish = this.#wishes.get(reason) ?? { untilMs: 0, all: false };
    this.#wishes.set(reason, { untilMs: Math.max(wish.untilMs, untilMs), all: wish.all || all });
    this.#apply();
  }

  /**
   * Ends a pause: if it was the last, the postponed commands run at the end of the batch, by
   * {@linkcode runPostponed}.
   */
  end(reason: PauseReason = "client"): void {
    if (this.#wishes.delete(reason)) this.#apply();
  }

  /** Ends the pauses that have run out. */
  endDue(nowMs: number): void {
    for (const [reason, { untilMs }] of this.#wishes) if (untilMs <= nowMs) this.end(reason);
  }

  #apply(): void {
    this.#all = [...this.#wishes.values()].some(({ all }) => all);
    this.engine.setGuard(EngineGuard.Paused, this.#wishes.size > 0);
  }

  /** True if postponed commands need not wait any longer. */
  get hasPostponed(): boolean {
    return this.#postponed.length > 0 && !this.active;
  }

  /** Runs the postponed commands in order, each as if it had just arrived. */
  runPostponed(): void {
    const postponed = this.#postponed;
    this.#postponed = [];
    for (const { client, args } of postponed) {
      if (client.closed) continue;
      this.engine.waiting.remove(client);
      this.engine.execute(client, args);
      this.engine.queueReplies(client);
      if (client.blocked === null) client.transport.resume();
    }
  }

  /** Puts `cmd` aside if it has to wait for the end of the pause; false if it need not. */
  postponeIfPaused(client: Client, cmd: Command, args: Args): boolean {
    if (client.has(ClientFlag.Replica | ClientFlag.Silent | ClientFlag.Script)) {
      return false;
    }
    if (!this.#all && !this.#mayWrite(client, cmd, args)) return false;
    const copy = args.copy();
    this.engine.waiting.hold(client, cmd, copy);
    this.#postponed.push({ client, args: copy });
    return true;
  }

  /** True if a call, with all it queued if it is an EXEC, may change data or reach replicas. */
  #mayWrite(client: Client, cmd: Command, args: Args): boolean {
    if ((cmd.flags & Flag.RunsQueue) !== 0) {
      return client.queue.some(({ cmd, args }) => this.#mayWrite(client, cmd, args));
    }
    if ((cmd.flags & Flag.Write) !== 0) return true;
    return (cmd.flags & Flag.MayReplicate) !== 0 && (cmd.mayReplicate?.(this.engine, args) ?? true);
  }
}
