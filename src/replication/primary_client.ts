/**
 * The primary as a client of this server: what it sends is run as it comes, answered with nothing but acknowledgements,
 * and passed on to this server's own replicas byte for byte.
 *
 * A transaction counts as run with its EXEC, and from its MULTI on: should the link break inside it, the primary is asked
 * for all of it again, and for nothing of what came before it. At every moment the data, the database that is selected
 * and the end of the stream belong together: a replica of this server may begin from them, and so may this server.
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
/** How long the stream waits before it looks again whether a script has ended. */
const BUSY_MS = 5;

/** See the head of this file. */
export class PrimaryClient implements ClientTransport {
  readonly client: Client;
  /** The primary has asked how far this server is. */
  isAsked = false;
  readonly outputBytes = 0;
  readonly #decoder = new RequestDecoder({ maxBulkBytes: 0x7fff_ffff, maxQueryBytes: Infinity });
  /** Bytes of a transaction that has not come to its end. */
  readonly #held = new ReplyWriter();

  constructor(
    readonly engine: Engine,
    readonly link: PrimaryLink,
    readonly primary: PrimarySide,
    databaseId: number,
    readonly address: string,
    /** Up to where the stream is on the disk; null where nothing is written to it. */
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

  /** Up to where the stream has been read, if not run. */
  readOffset: number;
  #wake: ((hasRun: boolean) => void) | null = null;
  #owesSynced = false;

  flush(): void {
    this.client.reply.rewind(0);
  }

  close(): void {
    this.link.close();
    // What waits for the end of a pause is not run any more: the primary is asked for it again.
    this.engine.removeClient(this.client);
    this.#rouse(false);
  }

  /** The command has been run that waited for the end of a pause. */
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

  /** Gives what has been run to those who follow this server, and keeps back a transaction that has not ended. */
  #passOn(batch: CommandBatch, from: number, to: number): void {
    const isOpen = this.client.has(ClientFlag.Multi), multi = isOpen ? lastMulti(batch, from, to) : to;
    if (multi >= 0) this.#pass(batch, from, multi);
    if (isOpen) this.#hold(batch, Math.max(from, multi), to);
    this.primary.selected = this.client.databaseId;
  }

  /** Passes on what has been kept back, and the commands [from, to) behind it. */
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

  /** Tells the primary how far this server is, and how far its disk is. */
  acknowledge(): void {
    const { end } = this.primary.stream, synced = this.synced(), words = ["REPLCONF", "ACK", String(end)];
    synced?.mark(end);
    const syncedOffset = synced?.offset ?? -1;
    if (syncedOffset >= 0) words.push("FACK", String(syncedOffset));
    this.isAsked = false;
    this.#owesSynced = synced !== null && syncedOffset < end;
    this.link.send(...words);
  }

  /** More is on the disk: the primary is told if it has been told of less. */
  moreIsSynced(): void {
    if (this.#owesSynced) this.acknowledge();
  }
}

/** Number of the last MULTI among the commands [from, to), or -1. */
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

/** Where the bytes of the commands [from, to) begin and end; those that came inline have none. */
function bytesOfCommands(batch: CommandBatch, from: number, to: number): [number, number] | undefined {
  let start = -1, end = -1;
  for (let i = from; i < to; i++) {
    if (rawStartOf(batch, i) < 0) continue;
    if (start < 0) start = rawStartOf(batch, i);
    end = rawEndOf(batch, i);
  }
  return start < 0 ? undefined : [start, end];
}
