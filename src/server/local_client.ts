/**
 * A client inside the process: it sends commands and gets replies without a socket. HTTP, the
 * console, tests and programs that embed the server use it. Its commands take the same path as
 * every other client's: as bytes through the request decoder, in batches, behind the same checks,
 * with replies that leave when the batch is durable.
 *
 * Words and replies are binary strings, one character per byte (`util/bytes.ts` converts to and
 * from UTF-8).
 */
import { Client, ClientFlag, type ClientTransport } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import { ReplyError } from "../protocol/errors.ts";
import { ReplyWriter } from "../protocol/reply_writer.ts";
import { PushMessage, type Reply, ReplyValues } from "../protocol/reply_values.ts";
import { RequestDecoder, type RequestLimits } from "../protocol/request_decoder.ts";
import { latin1 } from "../util/bytes.ts";

/** The part of a server that a local client uses; `Server` is one. */
export interface LocalHost {
  readonly engine: Engine;
  readonly requestLimits: RequestLimits;
  /** Makes changes durable, sends replies and sets the next deadline. */
  endBatch(): void;
  /**
   * Ends the turn of a long pipeline, so that other clients are served; absent if there are none
   * (tests).
   */
  letOthersIn?(): Promise<void>;
}

/** The connection was closed before a reply came. */
export class ClosedError extends Error {
  override readonly name = "ClosedError";
}

/** A command in RESP. */
export function encodeWords(words: readonly string[]): Uint8Array<ArrayBuffer> {
  const writer = new ReplyWriter();
  writer.bulkArray(words);
  return writer.take().slice();
}

/** See the head of this file. */
export class LocalClient implements ClientTransport {
  readonly client: Client;
  readonly address: string;
  readonly localAddress: string;
  closed = false;
  /**
   * Receives reply bytes as a binary string when they leave. {@linkcode LocalClient.command} sets
   * its own.
   */
  onBytes: (bytes: string) => void = (bytes) => this.#deliver(bytes);
  /** Receives RESP3 push messages: channel messages, invalidations. */
  onPush: (message: readonly Reply[]) => void = () => {};
  readonly #decoder: RequestDecoder;
  /** Number of commands of the decoder's batch that have run. */
  #done = 0;
  /** Requests that arrived while a command was waiting. */
  readonly #backlog: Uint8Array[] = [];
  #waitsToRun = false;
  readonly #pending: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];

  /** @param address the client's side as CLIENT LIST shows it, `host:port` */
  constructor(readonly host: LocalHost, address = "127.0.0.1:0", localAddress = "127.0.0.1:0") {
    const { engine } = host;
    this.address = address;
    this.localAddress = localAddress;
    this.client = new Client(engine.databases[0]!, 0, this, engine.clock.nowMs());
    this.#decoder = new RequestDecoder(host.requestLimits);
    engine.addClient(this.client);
  }

  /**
   * Runs one command and resolves with its reply; an error reply becomes a
   * {@linkcode ReplyFailure}. Rejects with {@linkcode ClosedError} if the client is closed first.
   * Use {@linkcode LocalClient.run} for commands without a reply of their own (SUBSCRIBE in RESP3,
   * CLIENT REPLY OFF).
   */
  command(...words: string[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new ClosedError("the client has been closed"));
      this.#pending.push({ resolve, reject });
      this.run(encodeWords(words));
    });
  }

  /**
   * Runs requests as if they came from a socket; {@linkcode LocalClient.onBytes} receives the
   * replies.
   */
  run(bytes: Uint8Array): void {
    this.#backlog.push(bytes);
    this.runOn();
  }

  /**
   * Runs as much as possible now: the rest of a batch behind a command that waited, then the
   * requests behind it.
   */
  runOn(): void {
    const { engine } = this.host;
    do {
      this.#waitsToRun = false;
      while (this.#mayRunOn() && this.#hasNext()) {
        this.#done = engine.runBatch(this.client, this.#decoder.batch, this.#done);
        if (this.host.letOthersIn && engine.timer.turnIsOver) {
          this.host.endBatch();
          this.host.letOthersIn().then(() => this.runOn());
          return;
        }
      }
      this.host.endBatch();
    } while (this.#waitsToRun);
  }

  #mayRunOn(): boolean {
    return this.client.blocked === null && !this.closed && !this.client.has(ClientFlag.CloseAfterReply);
  }

  /** Decodes the next requests once the previous ones are done; false if there are none. */
  #hasNext(): boolean {
    const { batch } = this.#decoder;
    while (this.#done === batch.count) {
      if (batch.error !== null) return this.#refuse(batch.error.message);
      this.#done = 0;
      if (this.#decoder.decode() > 0 || batch.error !== null) continue;
      const next = this.#backlog.shift();
      if (next === undefined) return false;
      this.#decoder.append(next);
    }
    return true;
  }

  /** Answers malformed input, after which nothing more is read. */
  #refuse(reason: string): false {
    const { engine } = this.host;
    engine.replyError(this.client, new ReplyError(`ERR Protocol error: ${reason}`));
    engine.queueReplies(this.client);
    this.client.set(ClientFlag.CloseAfterReply);
    return false;
  }

  #deliver(bytes: string): void {
    const values = new ReplyValues(bytes);
    while (values.more) {
      const reply = values.next();
      if (reply instanceof PushMessage) this.onPush(reply.items);
      else this.#pending.shift()?.resolve(reply);
    }
  }

  get outputBytes(): number {
    return this.client.reply.length;
  }

  get queryBytes(): number {
    return this.#decoder.pendingBytes;
  }

  get queryCapacity(): number {
    return this.#decoder.capacity;
  }

  flush(): void {
    this.client.source?.refill();
    if (this.client.reply.length === 0) return;
    this.onBytes(latin1(this.client.reply.take()));
    this.client.reply.giveBack();
  }

  close(_afterReplies: boolean): void {
    if (this.closed) return;
    this.flush();
    this.closed = true;
    this.host.engine.removeClient(this.client);
    for (const { reject } of this.#pending.splice(0)) reject(new ClosedError("the client has been closed"));
  }

  /** Resumes behind a command that waited, in a turn of its own. */
  resume(): void {
    this.#waitsToRun = true;
    queueMicrotask(() => {
      if (this.#waitsToRun) this.runOn();
    });
  }

  [Symbol.dispose](): void {
    this.close(false);
  }
}
