/**
 * The primary as a client of this server: its commands run as they arrive, get no answer but
 * acknowledgements, and pass on to this server's own replicas byte for byte.
 *
 * A transaction counts as run only with its EXEC, and as a whole from its MULTI: if the link breaks
 * inside it, the primary is asked for all of it again, and for nothing before it. The data, the
 * selected database and the end of the stream agree at every moment: a replica of this server may
 * begin from them, and so may this server.
 */
import { Client, ClientFlag, type ClientTransport } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import { EngineGuard } from "../engine/refusals.ts";
import { type CommandBatch, firstOffsetOf, rawEndOf, rawStartOf } from "../protocol/command_batch.ts";
import { RequestDecoder } from "../protocol/request_decoder.ts";
import { ReplyWriter } from "../protocol/reply_writer.ts";
import { latin1 } from "../util/bytes.ts";
import { socketsAreAsked } from "../util/event_loop.ts";
import { LinkError, type PrimaryLink } from "./link.ts";
import type { PrimarySide } from "./primary.ts";
import type { SyncedOffset } from "./synced_offset.ts";

const MULTI = "MULTI";
/** Pause before the stream checks again if a script has ended. */
const BUSY_MS = 5;

/** See the head of this file. */
export class PrimaryClient implements ClientTransport {
  readonly client: Client;
  /** The primary has asked for this server's offset. */
  isAsked = false;
  readonly outputBytes = 0;
  readonly #decoder = new RequestDecoder({ maxBulkBytes: 0x7fff_ffff, maxQueryBytes: Infinity });
  /** Bytes of a transaction that has not ended. */
  readonly #held = new ReplyWriter();

  constructor(
    readonly engine: Engine,
    readonly link: PrimaryLink,
    readonly primary: PrimarySide,
    databaseId: number,
    readonly address: string,
    /** The position up to which the stream is on disk; null if nothing is written to disk. */
    readonly synced: () => SyncedOffset | null,
  ) {
    this.readOffset = primary.stream.end;
    const client = this.client = new Client(engine.databases[databaseId]!, databaseId, this, engine.nowMs);
    engine.addClient(client);
    client.set(ClientFlag.Primary);
    client.user = null;
    client.authenticated = true;
    client.guards = 0;
  }

  readonly localAddress = "";

  get queryBytes(): number {
    return this.#decoder.pendingBytes;
  }

  get queryCapacity(): number {
    return this.#decoder.capacity;
  }

  /** The position up to which the stream has been read, but not necessarily run. */
  readOffset: number;
  #wake: ((hasRun: boolean) => void) | null = null;
  #owesSynced = false;

  flush(): void {
    this.client.reply.rewind(0);
  }

  close(): void {
    this.link.close();
    // A command that waits for the end of a pause is dropped: the primary is asked for it again.
    this.engine.removeClient(this.client);
    this.#rouse(false);
  }

  /** The command that waited for the end of a pause has run. */
  resume(): void {
    this.#rouse(true);
  }

  #rouse(hasRun: boolean): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.(hasRun);
  }

  /** Runs the stream until the link ends. Throws {@linkcode LinkError}. */
  async run(): Promise<void> {
    const first = await this.link.read();
    this.#decoder.append(first);
    this.readOffset += first.length;
    for (;;) {
      while (this.#decoder.decode() > 0) await this.#runBatch(this.#decoder.batch);
      if (this.#decoder.batch.error !== null) {
        throw new LinkError(`Protocol error from master: ${this.#decoder.batch.error.message}`);
      }
      const count = await this.link.readInto(this.#decoder.room());
      this.#decoder.received(count);
      this.readOffset += count;
    }
  }

  async #runBatch(batch: CommandBatch): Promise<void> {
    const { engine } = this;
    for (let done = 0; done < batch.count;) {
      while ((engine.guards & EngineGuard.Busy) !== 0) await new Promise((go) => setTimeout(go, BUSY_MS));
      if (this.link.isClosed) return;
      const from = done;
      done = engine.runBatch(this.client, batch, from);
      this.#passOn(batch, from, this.client.blocked === null ? done : done - 1);
      if (this.isAsked) this.acknowledge();
      this.primary.wakeReplicas();
      engine.endBatch();
      if (this.client.blocked !== null) {
        const hasRun = await new Promise<boolean>((resolve) => this.#wake = resolve);
        if (!hasRun) return;
        this.#passOn(batch, done - 1, done);
      }
      if (done < batch.count) await this.#letOthersIn();
    }
  }

  async #letOthersIn(): Promise<void> {
    await socketsAreAsked();
    this.engine.timer.beginTurn();
  }

  /**
   * Passes the commands that have run to this server's replicas, and holds back an unfinished
   * transaction.
   */
  #passOn(batch: CommandBatch, from: number, to: number): void {
    const isOpen = this.client.has(ClientFlag.Multi), multi = isOpen ? lastMulti(batch, from, to) : to;
    if (multi >= 0) this.#pass(batch, from, multi);
    if (isOpen) this.#hold(batch, Math.max(from, multi), to);
    this.primary.selected = this.client.databaseId;
  }

  /** Passes on the bytes held back, followed by the commands [from, to). */
  #pass(batch: CommandBatch, from: number, to: number): void {
    if (this.#held.length > 0) this.primary.pass(this.#held.buffer, 0, this.#held.length);
    this.#held.empty();
    const bytes = bytesOfCommands(batch, from, to);
    if (bytes !== undefined) this.primary.pass(batch.buf, ...bytes);
  }

  #hold(batch: CommandBatch, from: number, to: number): void {
    const bytes = bytesOfCommands(batch, from, to);
    if (bytes !== undefined) this.#held.raw(batch.buf, ...bytes);
  }

  /** Reports to the primary the offset run here and the offset on disk. */
  acknowledge(): void {
    const { end } = this.primary.stream, synced = this.synced(), words = ["REPLCONF", "ACK", String(end)];
    synced?.mark(end);
    const syncedOffset = synced?.offset ?? -1;
    if (syncedOffset >= 0) words.push("FACK", String(syncedOffset));
    this.isAsked = false;
    this.#owesSynced = synced !== null && syncedOffset < end;
    this.link.send(...words);
  }

  /** More is on disk: reports it if the primary was told of less. */
  moreIsSynced(): void {
    if (this.#owesSynced) this.acknowledge();
  }
}

/** Index of the last MULTI among the commands [from, to), or -1. */
function lastMulti(batch: CommandBatch, from: number, to: number): number {
  for (let i = to - 1; i >= from; i--) {
    const { buf, offsets } = batch,
      at = firstOffsetOf(batch, i),
      start = offsets[at]!,
      end = offsets[at + 1]!;
    if (end - start === MULTI.length && latin1(buf, start, end).toUpperCase() === MULTI) return i;
  }
  return -1;
}

/** The byte range of the commands [from, to); inline commands have none. */
function bytesOfCommands(batch: CommandBatch, from: number, to: number): [number, number] | undefined {
  let start = -1, end = -1;
  for (let i = from; i < to; i++) {
    if (rawStartOf(batch, i) < 0) continue;
    if (start < 0) start = rawStartOf(batch, i);
    end = rawEndOf(batch, i);
  }
  return start < 0 ? undefined : [start, end];
}
