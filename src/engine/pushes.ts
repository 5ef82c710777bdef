/**
 * Messages a client gets without having asked just now: published ones, invalidated keys, lines of
 * MONITOR. They may be due in the middle of a command, even in the middle of the very client's own
 * reply. So those for the client whose command is running are kept until its outermost command has
 * replied; all others leave with the batch.
 *
 * A client that reads slowly may have megabytes waiting, and so may all subscribers of its channel,
 * at the same moment. Their buffers do not grow by being copied: a full one is set aside, and a
 * long message is one stretch of memory, however many clients it is sent to.
 */
import { ReplyWriter } from "../protocol/reply_writer.ts";
import type { Client } from "./client.ts";
import type { Engine } from "./engine.ts";

/** Size from which a message is encoded once and shared, bytes. */
const LONG_MESSAGE = 16_384;
/** Size from which a client's waiting output is set aside before more is written, bytes. */
const FULL_BUFFER = 65_536;

/** A message in an array or, in RESP3, a push of bulk strings, for any number of clients. */
export class SharedMessage {
  /** True if all receivers are sent the same memory. */
  readonly isLong: boolean;
  /** By the protocol's version. */
  readonly #encoded: Uint8Array<ArrayBuffer>[] = [];

  constructor(readonly words: readonly string[]) {
    this.isLong = words.at(-1)!.length >= LONG_MESSAGE;
  }

  write(reply: ReplyWriter): void {
    reply.push(this.words.length);
    for (const word of this.words) reply.bulk(word);
  }

  /** Its bytes, the same at every call. */
  encoded(resp: 2 | 3): Uint8Array<ArrayBuffer> {
    return this.#encoded[resp] ??= this.#encode(resp);
  }

  #encode(resp: 2 | 3): Uint8Array<ArrayBuffer> {
    const writer = new ReplyWriter();
    writer.resp = resp;
    this.write(writer);
    return writer.detach();
  }
}

/** See the head of this file. */
export class Pushes {
  readonly #engine: Engine;
  /** By the client; more than one only while a suspended script's client waits for its reply. */
  readonly #kept = new Map<Client, ReplyWriter>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The writer for one message to `client`; the message is sent without another call. */
  to(client: Client): ReplyWriter {
    if (client !== this.#engine.running) {
      this.#engine.queueReplies(client);
      if (client.reply.length >= FULL_BUFFER && client.blocked === null) client.transport.setAside?.();
      return client.reply;
    }
    let kept = this.#kept.get(client);
    if (kept === undefined) this.#kept.set(client, kept = new ReplyWriter());
    kept.resp = client.reply.resp;
    return kept;
  }

  /** Sends `client` a message that others may be sent, too. */
  share(client: Client, message: SharedMessage): void {
    const { transport, reply, blocked } = client;
    const isApart = client !== this.#engine.running && blocked === null;
    if (!message.isLong || !isApart || transport.setAside === undefined) {
      return message.write(this.to(client));
    }
    this.#engine.queueReplies(client);
    transport.setAside(message.encoded(reply.resp));
  }

  /** Hands over the messages kept for `client`, whose command has replied. */
  release(client: Client): void {
    if (this.#kept.size === 0) return;
    const kept = this.#kept.get(client);
    if (kept === undefined) return;
    client.reply.raw(kept.view());
    this.#kept.delete(client);
  }
}
