/**
 * A connection: it passes the socket's bytes to the engine and sends the engine's replies.
 *
 * One write per connection is under way at a time; output written meanwhile leaves together when it
 * ends. A client that does not read its replies is not read from either once too much is waiting,
 * so it cannot grow the server's memory with requests; a client that is sent unrequested output is
 * cut off by `client-output-buffer-limit`.
 */
import { Client, ClientFlag, type ClientTransport } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import { ReplyError } from "../protocol/errors.ts";
import { RequestReader } from "../protocol/request_reader.ts";
import type { CommandBatch } from "../protocol/command_batch.ts";
import { type ProtocolError, RequestDecoder, type RequestLimits } from "../protocol/request_decoder.ts";
import type { UnreadLimit } from "./output_limits.ts";

const NO_BYTES = new Uint8Array(0);

/** Unread bytes per client that do not count toward the total of all clients. */
const UNCOUNTED_BYTES = 16_384;

/** The operations a connection needs from a socket. */
export interface Socket {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
  /** Tells the peer that nothing more follows. */
  closeWrite?(): Promise<void>;
}

/** The services a connection needs from its server. */
export interface ConnectionHost {
  readonly engine: Engine;
  readonly requestLimits: RequestLimits;
  /** The reason why a client with this much unsent output must be disconnected, or null. */
  outputLimitExceeded(client: Client, outputBytes: number): string | null;
  /** True if an output limit applies to this client's class. */
  hasOutputLimit(client: Client): boolean;
  /** The output that a client of any other class may leave unread before reading from it stops. */
  readonly unreadLimit: Pick<UnreadLimit, "bytes" | "add">;
  /** A batch has run: replies leave, and the next deadline is set. */
  endBatch(): void;
  /**
   * As {@linkcode ConnectionHost.endBatch}, but together with other clients' batches if that saves
   * work.
   */
  endBatchSoon(): void;
  /** Ends the turn: resolves once the event loop has served its other events. */
  letOthersIn(): Promise<void>;
  /** The connection is gone. */
  disconnected(connection: Connection): void;
}

/** See the head of this file. */
export class Connection implements ClientTransport {
  readonly client: Client;
  readonly #decoder: RequestDecoder;
  readonly #reader: RequestReader;
  /** Bytes handed to the socket that it has not taken yet. */
  #inFlightBytes = 0;
  /** Bytes reported to the host's unread limit. */
  #countedBytes = 0;
  /** What is to be sent before the client's reply, and how many bytes that is. */
  #aside: Uint8Array<ArrayBuffer>[] = [];
  #asideBytes = 0;
  /** Why the client is to be closed when the batch ends; nothing more is kept for it. */
  #overLimit: string | null = null;
  /** The bytes the socket is taking. */
  #outgoing: Uint8Array<ArrayBuffer> = NO_BYTES;
  #sending = false;
  #closing = false;
  #closed = false;
  /** Resolves when a blocked command has ended or a slow reader has caught up. */
  #wake: (() => void) | null = null;

  constructor(
    readonly host: ConnectionHost,
    readonly socket: Socket,
    readonly address: string,
    readonly localAddress: string,
  ) {
    const { engine } = host;
    this.client = new Client(engine.databases[0]!, 0, this, engine.clock.nowMs());
    this.#decoder = new RequestDecoder(host.requestLimits);
    this.#reader = new RequestReader(socket, this.#decoder);
    this.#reader.onBytes = (bytes) => {
      engine.stats.netInputBytes += bytes;
      engine.stats.readsProcessed++;
      if (engine.clientMemory.isWatched) {
        engine.clientMemory.measure(this.client);
        engine.clientMemory.evict();
      }
    };
  }

  get outputBytes(): number {
    const { reply, source } = this.client;
    return this.#inFlightBytes + this.#asideBytes + reply.length +
      (source === null ? 0 : source.pendingBytes);
  }

  get queryBytes(): number {
    return this.#decoder.pendingBytes;
  }

  get queryCapacity(): number {
    return this.#decoder.capacity;
  }

  /** Serves the connection until it ends. Never throws. */
  async serve(): Promise<void> {
    try {
      this.#decoder.authenticated = this.client.authenticated;
      for await (const batch of this.#reader.batches()) {
        if (this.#closed) break;
        const done = this.#run(batch, 0);
        if (done < batch.count || batch.error !== null || this.#mayNotGoOn()) {
          this.host.endBatch();
          await this.#finishBatch(batch, done);
        } else this.host.endBatchSoon();
        if (this.#closing || this.#closed) break;
      }
    } catch (error) {
      this.host.engine.log.warning(
        `Connection ${this.address}: ${error instanceof Error ? error.stack : error}`,
      );
    }
    if (!this.#closing) this.close(false);
  }

  /**
   * Runs a batch from command `from` on as far as possible; returns the index reached. The caller
   * sends the replies.
   */
  #run(batch: CommandBatch, from: number): number {
    const { engine } = this.host;
    const done = engine.runBatch(this.client, batch, from);
    this.#decoder.authenticated = this.client.authenticated;
    if (this.client.queueBytes > this.host.requestLimits.maxQueryBytes) this.#closeOverfull();
    return done;
  }

  /** True if something must happen before the next batch is read. */
  #mayNotGoOn(): boolean {
    const { client, host } = this;
    return this.#mustWait() || client.has(ClientFlag.CloseAfterReply) || host.engine.timer.turnIsOver;
  }

  /**
   * Completes a batch, however often its commands block, and answers the protocol error behind it,
   * if any.
   */
  async #finishBatch(batch: CommandBatch, done: number): Promise<void> {
    const { engine } = this.host;
    for (;;) {
      while (this.#mustWait()) {
        if (this.client.blocked !== null) await this.#waitUnblocked();
        else await this.#sleep();
      }
      if (engine.timer.turnIsOver) await this.host.letOthersIn();
      if (done === batch.count || this.#closing || this.#closed) break;
      done = this.#run(batch, done);
      this.host.endBatch();
    }
    if (batch.error === null || this.#closing) return;
    this.#refuse(batch.error);
    engine.endBatch();
  }

  #mustWait(): boolean {
    return this.client.blocked !== null || this.#mustPause();
  }

  /**
   * Closes a client whose waiting bytes, in its query buffer or queued since MULTI, exceed the
   * limit.
   */
  #closeOverfull(): void {
    const { engine } = this.host;
    if (this.client.has(ClientFlag.CloseAfterReply)) return;
    engine.stats.queryBufferLimitDisconnections++;
    engine.log.warning(`Closing client that reached max query buffer length: ${this.address}`);
    this.close(false);
  }

  /** Answers malformed input, and ends the connection. */
  #refuse({ message, isTooLarge }: ProtocolError): void {
    const { engine } = this.host;
    if (isTooLarge) return this.#closeOverfull();
    if (this.client.has(ClientFlag.CloseAfterReply)) return;
    engine.log.verbose(`Protocol error (${message}) from client: ${this.address}`);
    if (!this.client.isSilenced) {
      engine.replyError(this.client, new ReplyError(`ERR Protocol error: ${message}`));
    }
    this.client.set(ClientFlag.CloseAfterReply);
    engine.queueReplies(this.client);
  }

  /**
   * Waits until the blocked command ends; if the socket closes meanwhile, the connection ends at
   * once.
   */
  async #waitUnblocked(): Promise<void> {
    const isWaiting = () => this.client.blocked !== null && !this.#closed;
    const woken = this.#sleep();
    this.#reader.watchForEnd(isWaiting).then(() => {
      if (this.#reader.ended && isWaiting()) this.close(false);
    });
    await woken;
  }

  #mustPause(): boolean {
    const unread = this.outputBytes;
    // Replies may leave later, together with other clients' replies: until then they count as
    // unread, too.
    if (unread > UNCOUNTED_BYTES) this.#count(unread);
    return unread > this.host.unreadLimit.bytes && !this.#closing &&
      !this.host.hasOutputLimit(this.client);
  }

  /** Waits until a blocked command has ended, or the client has read the output written for it. */
  #sleep(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  /** Resumes the connection behind a blocked command. */
  resume(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  flush(): void {
    if (this.#closed) return;
    const { client, host } = this;
    const unread = this.outputBytes;
    if (unread > UNCOUNTED_BYTES || this.#countedBytes > 0) this.#count(unread);
    const reason = this.#overLimit ?? host.outputLimitExceeded(client, unread);
    if (reason !== null) {
      host.engine.stats.outputBufferLimitDisconnections++;
      host.engine.log.warning(
        `Client ${this.address} ${reason} scheduled to be closed ASAP for overcoming of output buffer limits.`,
      );
      this.close(false);
      return;
    }
    if (this.#sending) return;
    client.source?.refill();
    this.#goOn();
  }

  /**
   * Sends the output, unless it leaves at the end of a batch; otherwise resumes the work that waits
   * for it.
   */
  #goOn(): void {
    if (this.#hasOutput && !this.#closed) {
      if (!this.client.inOutbox) this.#send();
    } else if (this.#closing) this.#finish();
    else if (this.client.blocked === null) this.resume();
  }

  get #hasOutput(): boolean {
    return this.#aside.length > 0 || this.client.reply.length > 0;
  }

  setAside(shared?: Uint8Array<ArrayBuffer>): void {
    const { client, host } = this;
    if (client.reply.length > 0) this.#keep(client.reply.detach());
    if (shared !== undefined) this.#keep(shared);
    // One command may publish without end, and the batch's end is behind it.
    this.#overLimit ??= host.outputLimitExceeded(client, this.outputBytes);
    if (this.#overLimit !== null || this.#closed) this.#dropAside();
  }

  #keep(bytes: Uint8Array<ArrayBuffer>): void {
    this.#aside.push(bytes);
    this.#asideBytes += bytes.length;
  }

  #dropAside(): void {
    this.#aside = [];
    this.#asideBytes = 0;
  }

  /** Reports the present number of unread bytes to the host. */
  #count(bytes: number): void {
    this.host.unreadLimit.add(bytes - this.#countedBytes);
    this.#countedBytes = bytes;
  }

  /** Hands the output to the socket; once it has left, hands over the output written meanwhile. */
  #send(): void {
    this.#sending = true;
    this.#outgoing = this.#nextPart();
    this.#inFlightBytes = this.#outgoing.length;
    this.host.engine.stats.writesProcessed++;
    this.socket.write(this.#outgoing).then(this.#onWritten, this.#onWriteFailed);
  }

  #nextPart(): Uint8Array<ArrayBuffer> {
    const part = this.#aside.shift();
    if (part === undefined) return this.client.reply.take();
    this.#asideBytes -= part.length;
    return part;
  }

  // Promises are chained by hand, with functions made once: an async function would cost two more
  // promises per request.
  readonly #onWritten = (count: number): void => {
    this.host.engine.stats.netOutputBytes += count;
    this.#inFlightBytes -= count;
    if (this.#countedBytes > 0 && !this.#closed) this.#count(this.outputBytes);
    if (this.#inFlightBytes > 0 && !this.#closed) {
      const rest = this.#outgoing.subarray(this.#outgoing.length - this.#inFlightBytes);
      this.socket.write(rest).then(this.#onWritten, this.#onWriteFailed);
    } else this.#sent();
  };

  /** The peer is gone, so the connection ends. */
  readonly #onWriteFailed = (): void => this.#finish();

  #sent(): void {
    this.client.reply.giveBack();
    this.#outgoing = NO_BYTES;
    this.#sending = false;
    const { clientMemory } = this.host.engine;
    if (clientMemory.isWatched) clientMemory.measure(this.client);
    // A client due to be flushed is refilled then: until then its reply buffer holds nothing but
    // replies.
    if (!this.#closing && !this.client.inOutbox) this.client.source?.refill();
    this.#goOn();
  }

  close(afterReplies: boolean): void {
    if (this.#closed) return;
    this.#closing = true;
    if (afterReplies && (this.#sending || this.#hasOutput)) {
      if (!this.#sending && !this.client.inOutbox) this.#send();
      return;
    }
    this.#finish();
  }

  /** Closes the socket and forgets the client, once. */
  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing = true;
    this.#dropAside();
    if (this.#countedBytes > 0) this.#count(0);
    // A socket is closed only at the end of this turn; until then a dropped replica must not
    // conclude, say from the end of a transaction, that it is in step.
    if (this.client.has(ClientFlag.Replica)) this.socket.closeWrite?.().catch(() => {});
    try {
      this.socket.close();
    } catch {
      // The peer has already closed it.
    }
    this.host.engine.removeClient(this.client);
    this.resume();
    this.host.disconnected(this);
  }
}
