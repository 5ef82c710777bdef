/**
 * The primary as a client of this server: what it sends is run as it comes, answered with nothing but acknowledgements,
 * and passed on to this server's own replicas byte for byte.
 *
 * A transaction counts as run with its EXEC: should the link break inside it, the primary is asked for all of it again.
 */
import { Client, ClientFlag, type ClientTransport } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import { EngineGuard } from "../engine/refusals.ts";
import { type CommandBatch, RequestDecoder } from "../protocol/request_decoder.ts";
import { ReplyWriter } from "../protocol/reply_writer.ts";
import { socketsAreAsked } from "../util/event_loop.ts";
import { LinkError, type PrimaryLink } from "./link.ts";
import type { PrimarySide } from "./primary.ts";
import type { SyncedOffset } from "./synced_offset.ts";

/** How long the stream waits before it looks again whether a script has ended. */
const BUSY_MS = 5;
const HEAD_FIELDS = 4;

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
  #wake: (() => void) | null = null;
  #owesSynced = false;

  flush(): void {
    this.client.reply.rewind(0);
  }

  close(): void {
    this.link.close();
    this.resume();
  }

  /** The command has been run that waited for the end of a pause. */
  resume(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
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
        await new Promise<void>((resolve) => this.#wake = resolve);
        this.#passOn(batch, done - 1, done);
      }
      if (done < batch.count) await this.#letOthersIn();
    }
  }

  async #letOthersIn(): Promise<void> {
    await socketsAreAsked();
    this.engine.timer.beginTurn();
  }

  /** Gives what has been run to those who follow this server. */
  #passOn({ buf, heads }: CommandBatch, from: number, to: number): void {
    let start = -1, end = -1;
    for (let i = from; i < to; i++) {
      if (heads[HEAD_FIELDS * i + 2]! < 0) continue;
      if (start < 0) start = heads[HEAD_FIELDS * i + 2]!;
      end = heads[HEAD_FIELDS * i + 3]!;
    }
    if (this.client.has(ClientFlag.Multi) || this.#held.length > 0) {
      if (start >= 0) this.#held.raw(buf, start, end);
      if (this.client.has(ClientFlag.Multi)) return;
      this.primary.pass(this.#held.buffer, 0, this.#held.length);
      this.#held.empty();
    } else if (start >= 0) this.primary.pass(buf, start, end);
    this.primary.selected = this.client.databaseId;
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
