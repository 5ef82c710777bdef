/** WAIT and WAITAOF: clients that wait until enough servers have received their writes. */
import type { BlockedState, Client } from "../engine/client.ts";
import type { CommandContext } from "../engine/context.ts";
import type { Engine } from "../engine/engine.ts";
import type { ReplyError } from "../protocol/errors.ts";
import type { ReplyWriter } from "../protocol/reply_writer.ts";

/** The condition a client waits for. */
export interface AckWish {
  isMet(): boolean;
  /** The reason why it can never be met, or null. */
  refusal(): ReplyError | null;
  /** Writes the reply: how far it has been met. */
  answer(reply: ReplyWriter): void;
}

/** Clients that wait in WAIT or WAITAOF. */
export class AckWaiters {
  /** True if an acknowledgement is to be requested at the end of the batch. */
  isAsking = false;
  readonly #wishes = new Map<Client, { wish: AckWish; state: BlockedState }>();

  constructor(readonly engine: Engine) {}

  /** True if a client waits. */
  get areAny(): boolean {
    return this.#wishes.size > 0;
  }

  /** Blocks the client of the running command; `timeoutMs` 0: no limit. */
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

  /** A server has made progress. */
  check(): void {
    for (const [client, { wish, state }] of this.#wishes) {
      const isWaiting = client.blocked === state, refusal = isWaiting ? wish.refusal() : null;
      if (isWaiting && refusal === null && !wish.isMet()) continue;
      this.#wishes.delete(client);
      if (isWaiting) this.engine.waiting.endWait(client, refusal);
    }
  }
}
