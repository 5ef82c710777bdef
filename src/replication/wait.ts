/** WAIT and WAITAOF: clients that wait until enough servers have what they wrote. */
import type { BlockedState, Client } from "../engine/client.ts";
import type { CommandContext } from "../engine/context.ts";
import type { Engine } from "../engine/engine.ts";
import type { ReplyError } from "../protocol/errors.ts";
import type { ReplyWriter } from "../protocol/reply_writer.ts";

/** What a client waits for. */
export interface AckWish {
  isMet(): boolean;
  /** Why it can never be met any more, or null. */
  refusal(): ReplyError | null;
  /** Tells how far it has been met. */
  answer(reply: ReplyWriter): void;
}

/** Clients that wait in WAIT or WAITAOF. */
export class AckWaiters {
  /** An acknowledgement is to be asked for at the end of the batch. */
  isAsking = false;
  readonly #wishes = new Map<Client, { wish: AckWish; state: BlockedState }>();

  constructor(readonly engine: Engine) {}

  /** Whether anybody waits. */
  get areAny(): boolean {
    return this.#wishes.size > 0;
  }

  /** Lets the client of the running command wait; `timeoutMs` 0 is without end. */
  add(ctx: CommandContext, wish: AckWish, timeoutMs: number): void {
    const { client, engine } = ctx;
    const state: BlockedState = {
      cmd: ctx.cmd,
      args: ctx.args.copy(),
      keys: [],
      deadlineMs: timeoutMs === 0 ? Infinity : engine.steadyMs + timeoutMs,
      onTimeout: ({ reply }) => wish.answer(reply),
      isReady: () => false,
      wakesWhenGone: false,
      unblockable: true,
    };
    client.blocked = state;
    engine.waiting.add(client);
    this.#wishes.set(client, { wish, state });
    this.isAsking = true;
  }

  /** Some server has come further. */
  check(): void {
    for (const [client, { wish, state }] of this.#wishes) {
      const isWaiting = client.blocked === state, refusal = isWaiting ? wish.refusal() : null;
      if (isWaiting && refusal === null && !wish.isMet()) continue;
      this.#wishes.delete(client);
      if (isWaiting) this.engine.waiting.endWait(client, refusal);
    }
  }
}
