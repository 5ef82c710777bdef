/**
 * Messages a client gets without having asked just now: published ones, invalidated keys, what MONITOR shows. They may
 * be due in the middle of a command, even in the middle of the very client's own reply. So those for the client whose
 * command is running are kept until its outermost command has replied; all others leave with the batch.
 */
import { ReplyWriter } from "../protocol/reply_writer.ts";
import type { Client } from "./client.ts";
import type { Engine } from "./engine.ts";

export class Pushes {
  readonly #engine: Engine;
  readonly #kept = new ReplyWriter();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Where to write one message to `client`; it is sent without further ado. */
  to(client: Client): ReplyWriter {
    if (client === this.#engine.running) {
      this.#kept.resp = client.reply.resp;
      return this.#kept;
    }
    this.#engine.queueReplies(client);
    return client.reply;
  }

  /** Hands over what was kept for `client`, whose command has replied. */
  release(client: Client): void {
    const kept = this.#kept;
    if (kept.length === 0) return;
    client.reply.raw(kept.view());
    kept.rewind(0);
  }
}
