/**
 * A recorded stream of commands, sent to an in-process replica by a primary that consists only of
 * the recording. The link can be cut after any byte of it.
 */
import { HashValue } from "../../src/data/hash.ts";
import { ValueType } from "../../src/data/value.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { Key } from "../../src/keyspace/key.ts";
import { argCountOf, firstOffsetOf } from "../../src/protocol/command_batch.ts";
import { RequestDecoder } from "../../src/protocol/request_decoder.ts";
import type { LinkConnection } from "../../src/replication/link.ts";
import { Replication } from "../../src/replication/replication.ts";
import { bytesOf, latin1 } from "../../src/util/bytes.ts";
import { valueDigest } from "../../src/commands/server/digest.ts";
import { StoreServer } from "./data_store.ts";
import type { InProcessClient } from "./in_process.ts";

const ID = "c".repeat(40);
const FAULT = /CRITICAL|Internal error|Protocol error/;

/** A connection to the recording, which ends at position `cut` of the stream. */
class RecordedLink implements LinkConnection {
  #out: Uint8Array = new Uint8Array(0);
  #wake = () => {};
  #isClosed = false;
  #position = 0;
  #isStreaming = false;
  readonly #decoder = new RequestDecoder({ maxBulkBytes: 1 << 20, maxQueryBytes: 1 << 20 });
  /** Resolves once everything has been sent and the replica asks for more. */
  readonly #idle = Promise.withResolvers<void>();
  readonly idle: Promise<void> = this.#idle.promise;

  /**
   * @param piece largest number of bytes delivered at once
   * @param breaks true if the link ends at `cut`; otherwise it stays open, silent
   */
  constructor(
    readonly stream: Uint8Array,
    readonly cut: number,
    readonly piece: number,
    readonly breaks: boolean,
  ) {}

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#out.length === 0 && !this.#isClosed) {
      if (this.#isStreaming) {
        if (this.#position < this.cut) {
          const end = Math.min(this.cut, this.#position + this.piece);
          this.#out = this.stream.subarray(this.#position, end);
          this.#position = end;
          break;
        }
        this.#idle.resolve();
        if (this.breaks) return null;
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#isClosed) return null;
    const count = Math.min(into.length, this.#out.length);
    into.set(this.#out.subarray(0, count));
    this.#out = this.#out.subarray(count);
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    this.#decoder.append(bytes);
    while (this.#decoder.decode() > 0) {
      const { batch } = this.#decoder, { buf, offsets, count } = batch;
      for (let i = 0; i < count; i++) {
        const at = firstOffsetOf(batch, i), words = argCountOf(batch, i);
        const word = (n: number) => latin1(buf, offsets[at + 2 * n]!, offsets[at + 2 * n + 1]!);
        this.#answer(Array.from({ length: words }, (_, n) => word(n)));
      }
    }
    this.#wake();
    return Promise.resolve(bytes.length);
  }

  #answer([name, what = "", offset = ""]: string[]): void {
    if (name === "PING") this.#out = bytesOf("+PONG\r\n");
    else if (name === "REPLCONF" && what !== "ACK") this.#out = bytesOf("+OK\r\n");
    else if (name === "PSYNC") {
      const isKnown = what === ID && Number(offset) >= 1;
      this.#out = bytesOf(isKnown ? "+CONTINUE\r\n" : "-ERR unknown place\r\n");
      this.#position = Number(offset) - 1;
      this.#isStreaming = isKnown;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#idle.resolve();
    this.#wake();
  }
}

/** A server's keys in full: values, times to live, those of fields, database by database. */
export function wholeContent(engine: Engine): string[] {
  const lines: string[] = [];
  for (const [id, database] of engine.databases.entries()) {
    database.forEach((ref) => {
      const text = database.keyTextOf(ref), times: string[] = [];
      const value = database.typeOf(ref) === ValueType.Hash ? database.collectionOf(ref) : null;
      if (value instanceof HashValue) {
        value.forEach((field) => {
          if (value.expiryOf(field) < Infinity) times.push(`${field}@${value.expiryOf(field)}`);
        });
      }
      const digest = valueDigest(database, database.find(Key.of(text)));
      lines.push(`${id} ${text} ${database.expiryOf(ref)} ${digest} ${times.sort().join()}`);
    });
  }
  return lines.sort();
}

/** Positions between the units of a stream: the places at which a replica can be. */
export function unitEnds(stream: Uint8Array): number[] {
  const text = latin1(stream, 0, stream.length), ends: number[] = [0];
  let isOpen = false;
  for (let at = 0; at < text.length;) {
    const lineEnd = text.indexOf("\r\n", at), words: string[] = [];
    let next = lineEnd + 2;
    for (let left = Number(text.slice(at + 1, lineEnd)); left > 0; left--) {
      const end = text.indexOf("\r\n", next), length = Number(text.slice(next + 1, end));
      words.push(text.slice(end + 2, end + 2 + length));
      next = end + 4 + length;
    }
    const name = words[0]?.toUpperCase();
    if (name === "MULTI") isOpen = true;
    if (name === "EXEC") isOpen = false;
    if (!isOpen) ends.push(next);
    at = next;
  }
  return ends;
}

/** A replica's place: its data, and the database and position at which its stream continues. */
interface Place {
  content: string[];
  databaseId: number;
  offset: number;
}

/** A replica that follows recordings. */
export class RecordedReplica {
  readonly #client: InProcessClient;

  private constructor(readonly server: StoreServer, readonly stream: Uint8Array) {
    this.#client = server.client();
  }

  static async start(stream: Uint8Array): Promise<RecordedReplica> {
    const server = await StoreServer.start();
    Replication.of(server.engine).connect(server.store);
    return new RecordedReplica(server, stream);
  }

  get place(): Place {
    const { engine } = this.server, { follower, primary } = Replication.of(engine);
    return { content: wholeContent(engine), databaseId: follower.databaseId, offset: primary.stream.end };
  }

  /** Empties the replica: it is at the start of the stream. */
  #begin(): void {
    const { engine } = this.server, replication = Replication.of(engine);
    replication.unfollow();
    engine.keys.flush(-1);
    this.#client.send("FUNCTION", "FLUSH");
    engine.identity.replicationId = ID;
    replication.primary.openStream(0);
    this.server.log.length = 0;
  }

  /** Runs the replica along the stream up to `cut`, where the link breaks or stays open. */
  async #follow(cut: number, piece: number, breaks: boolean): Promise<void> {
    const { engine } = this.server, replication = Replication.of(engine), { follower } = replication;
    const link = new RecordedLink(this.stream, cut, piece, breaks);
    follower.connect = () => Promise.resolve(link);
    if (replication.engine.isReplica) follower.follow({ host: "10.0.0.1", port: 6379 });
    else replication.follow({ host: "10.0.0.1", port: 6379 });
    await link.idle;
    if (!breaks) return;
    follower.connect = () => Promise.reject(new Error("it is away"));
    for (let turns = 0; follower.state !== "connect"; turns++) {
      await null;
      if (turns > 10_000) {
        throw new Error(`the replica does not notice that its link has ended: ${follower.state}`);
      }
    }
  }

  /** The places after each unit, as observed over a link that never breaks. */
  async places(): Promise<Map<number, Place>> {
    const places = new Map<number, Place>();
    this.#begin();
    for (const end of unitEnds(this.stream)) {
      await this.#follow(end, Infinity, false);
      places.set(end, this.place);
    }
    return places;
  }

  /**
   * The fault after a link that broke behind byte `cut`, and after the one that continued; "" if
   * there is none.
   */
  async cutAt(cut: number, piece: number, places: Map<number, Place>): Promise<string> {
    this.#begin();
    await this.#follow(cut, piece, true);
    const broken = this.place, expected = places.get(broken.offset);
    const nearest = Math.max(...[...places.keys()].filter((end) => end <= cut));
    if (broken.offset !== nearest) return `cut at ${cut}: the replica is at ${broken.offset}, not ${nearest}`;
    if (!isSame(broken, expected)) return `cut at ${cut}: other data than at ${broken.offset}`;
    await this.#follow(this.stream.length, piece, false);
    if (!isSame(this.place, places.get(this.stream.length))) return `cut at ${cut}: other data in the end`;
    const fault = this.server.log.find((line) => FAULT.test(line));
    return fault === undefined ? "" : `cut at ${cut}: ${fault}`;
  }
}

function isSame(a: Place, b: Place | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
