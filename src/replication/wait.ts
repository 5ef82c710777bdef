/** WAIT: clients that wait until enough replicas have acknowledged what they wrote. */
import type { Client } from "../engine/client.ts";
import type { CommandContext } from "../engine/context.ts";
import type { Engine } from "../engine/engine.ts";

interface Wish {
  /** Up to where the stream must have been run. */
  readonly offset: number;
  readonly replicas: number;
}

export class AckWaiters {
  /** An acknowledgement is to be asked for at the end of the batch. */
  isAsking = false;
  readonly #wishes = new Map<Client, Wish>();

  /** @param acknowledged counts the replicas that have run the stream up to an offset */
  constructor(readonly engine: Engine, readonly acknowledged: (offset: number) => number) {}

  /** Lets the client of the running command wait; `timeoutMs` 0 is without end. */
  add(ctx: CommandContext, wish: Wish, timeoutMs: number): void {
    const { client, engine } = ctx;
    client.blocked = {
      cmd: ctx.cmd,
      args: ctx.args.copy(),
      database: ctx.db,
      keys: [],
      deadlineMs: timeoutMs === 0 ? Infinity : engine.clock.nowMs() + timeoutMs,
      onTimeout: ({ reply }) => reply.integer(this.acknowledged(wish.offset)),
      isReady: () => false,
      unblockable: true,
    };
    engine.waiting.add(client);
    this.#wishes.set(client, wish);
    this.isAsking = true;
  }

  /** Some replica has acknowledged more. */
  check(): void {
    for (const [client, { offset, replicas }] of this.#wishes) {
      const isWaiting = client.blocked?.cmd.name === "wait";
      if (isWaiting && this.acknowledged(offset) < replicas) continue;
      this.#wishes.delete(client);
      if (isWaiting) this.engine.endWait(client, null);
    }
  }
}
