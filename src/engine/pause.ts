/** CLIENT PAUSE: for a while commands, or only those that write, wait instead of being run. */
import type { Args } from "./args.ts";
import { type Client, ClientFlag } from "./client.ts";
import { type Command, Flag } from "./command.ts";
import type { Engine } from "./engine.ts";
import { EngineGuard } from "./refusals.ts";

export class Pause {
  /** Clients whose command waits for the end of the pause, in order. */
  #postponed: { client: Client; args: Args }[] = [];
  #untilMs = 0;
  #all = false;

  constructor(readonly engine: Engine) {}

  /** When the pause ends by itself, in clock milliseconds; Infinity if there is none. */
  get endsAtMs(): number {
    return this.active ? this.#untilMs : Infinity;
  }

  get active(): boolean {
    return (this.engine.guards & EngineGuard.Paused) !== 0;
  }

  /** Begins a pause, or prolongs and widens the present one. @param all commands that only read wait too */
  start(untilMs: number, all: boolean): void {
    this.#untilMs = this.active ? Math.max(this.#untilMs, untilMs) : untilMs;
    this.#all = all || (this.active && this.#all);
    this.engine.setGuard(EngineGuard.Paused, true);
  }

  /** Ends the pause: what was postponed runs at the end of the batch, by {@linkcode runPostponed}. */
  end(): void {
    this.engine.setGuard(EngineGuard.Paused, false);
    this.#all = false;
  }

  /** Whether commands have been postponed that need not wait any longer. */
  get hasPostponed(): boolean {
    return this.#postponed.length > 0 && !this.active;
  }

  /** Runs what was postponed, in order, each command as if it had come just now. */
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

  /** Whether `cmd` has to wait; then it has been put aside. */
  postpones(client: Client, cmd: Command, args: Args): boolean {
    if (client.has(ClientFlag.Replica | ClientFlag.Silent | ClientFlag.Script)) {
      return false;
    }
    if (!this.#all && !this.#mayWrite(client, cmd, args)) return false;
    const copy = args.copy();
    this.engine.waiting.hold(client, cmd, copy);
    this.#postponed.push({ client, args: copy });
    return true;
  }
  /** Whether a call may change data or reach replicas, with all it queued if it is an EXEC. */
  #mayWrite(client: Client, cmd: Command, args: Args): boolean {
    if (cmd.name === "exec") return client.queue.some(({ cmd, args }) => this.#mayWrite(client, cmd, args));
    if ((cmd.flags & Flag.Write) !== 0) return true;
    return (cmd.flags & Flag.MayReplicate) !== 0 && (cmd.mayReplicate?.(this.engine, args) ?? true);
  }
}
