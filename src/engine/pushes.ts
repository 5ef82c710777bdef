/**
 * Messages a client gets without having asked just now: published ones, invalidated keys, what MONITOR shows. They may
 * be due in the middle of a command, even in the middle of the very client's own reply. So those for the client whose
 * command is running are kept until its outermost command has replied; all others leave with the batch.
 */
import { ReplyWriter } from "../protocol/reply_writer.ts";
import type { Client } from "./client.ts";
import type { Engine } from "./engine.ts";

/** See the head of this file. */
export class Pushes {
  readonly #engine: Engine;
  /** By the client; more than one only while a suspended script's client waits for its reply. */
  readonly #kept = new Map<Client, ReplyWriter>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Where to write one message to `client`; it is sent without further ado. */
  to(client: Client): ReplyWriter {
    if (client !== this.#engine.running) {
      this.#engine.queueReplies(client);
      return client.reply;
    }
    let kept = this.#kept.get(client);
    if (kept === undefined) this.#kept.set(client, kept = new ReplyWriter());
    kept.resp = client.reply.resp;
    return kept;
  }

  /** Hands over what was kept for `client`, whose command has replied. */
  release(client: Client): void {
    if (this.#kept.size === 0) return;
    const kept = this.#kept.get(client);
    if (kept === undefined) return;
    client.reply.raw(kept.view());
    this.#kept.delete(client);
  }
}
