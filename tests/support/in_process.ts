/**
 * Redeno inside a test: the engine with all commands, on a virtual clock and a seeded random source, without sockets.
 *
 *     using s = startInProcess();
 *     const c = s.client();
 *     assertEquals(c.send("SET", "k", "v"), "OK");
 *     const waiting = s.client();
 *     assertEquals(waiting.send("BLPOP", "q", "0"), PENDING);
 *     c.send("LPUSH", "q", "x");
 *     assertEquals(waiting.received(), [["q", "x"]]);
 *     assertEquals(s.propagated(), ["SET k v", "LPUSH q x", "LPOP q"]);
 *
 * Commands run as from a socket: as bytes through the request decoder.
 */
import { createCommandTable } from "../../src/commands/table.ts";
import { Config } from "../../src/config/config.ts";
import { connectSettings } from "../../src/server/settings.ts";
import { Client, ClientFlag, type ClientTransport } from "../../src/engine/client.ts";
import { Engine } from "../../src/engine/engine.ts";
import { ExpireCycle } from "../../src/engine/expire.ts";
import { type PropagationSink, SinkKind } from "../../src/engine/propagation.ts";
import { ReplyWriter } from "../../src/protocol/reply_writer.ts";
import { RequestDecoder } from "../../src/protocol/request_decoder.ts";
import { latin1 } from "../../src/util/bytes.ts";
import { VirtualClock } from "../../src/util/clock.ts";
import { Random } from "../../src/util/random.ts";
import { type Reply, ReplyValues } from "./reply_values.ts";

/** What `send` returns while the command waits. */
export const PENDING = Symbol("pending");

/** A command in RESP. */
export function encodeCommand(...words: string[]): Uint8Array<ArrayBuffer> {
  return encodeWords(words);
}

function encodeWords(words: readonly string[]): Uint8Array<ArrayBuffer> {
  const writer = new ReplyWriter();
  writer.bulkArray(words);
  return writer.take().slice();
}

/** A client of the server under test. */
export class InProcessClient implements ClientTransport {
  readonly client: Client;
  readonly #decoder: RequestDecoder;
  #done = 0;
  #waitsToRun = false;
  #received = "";
  closed = false;
  readonly address = "127.0.0.1:50000";
  readonly localAddress = "127.0.0.1:6379";

  constructor(readonly engine: Engine) {
    this.client = new Client(engine.databases[0]!, 0, this, engine.clock.nowMs());
    this.#decoder = new RequestDecoder({ maxBulkBytes: 512 << 20, maxQueryBytes: 1 << 30 });
    engine.addClient(this.client);
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
    this.#received += latin1(this.client.reply.take());
  }

  close(_afterReplies: boolean): void {
    this.flush();
    this.closed = true;
    this.engine.removeClient(this.client);
  }

  resume(): void {
    this.#waitsToRun = true;
  }

  /** Runs one command; its reply, or {@linkcode PENDING} while it waits. */
  send(...words: string[]): Reply | typeof PENDING {
    return this.sendWords(words);
  }

  /** As {@linkcode send}, with words that may be more than a call takes arguments. */
  sendWords(words: readonly string[]): Reply | typeof PENDING {
    const raw = this.raw(encodeWords(words));
    if (raw === "" && (this.client.blocked !== null || this.client.has(ClientFlag.ReplyOff))) return PENDING;
    return new ReplyValues(raw).next();
  }

  /** Runs bytes as they would come from a socket and returns all reply bytes there are then, as a latin1 string. */
  raw(bytes: Uint8Array): string {
    this.#decoder.append(bytes);
    this.#decoder.decode();
    this.#done = 0;
    this.#runOn();
    return this.takeBytes();
  }

  #runOn(): void {
    do {
      this.#waitsToRun = false;
      while (this.#done < this.#decoder.batch.count && this.#mayRunOn()) {
        this.#done = this.engine.runBatch(this.client, this.#decoder.batch, this.#done);
      }
      this.engine.endBatch();
    } while (this.#waitsToRun);
  }

  #mayRunOn(): boolean {
    return this.client.blocked === null && !this.closed && !this.client.has(ClientFlag.CloseAfterReply);
  }

  /** The replies that have come since they were last asked for. */
  received(): Reply[] {
    if (this.#waitsToRun) this.#runOn();
    const values = new ReplyValues(this.takeBytes());
    const replies: Reply[] = [];
    while (values.more) replies.push(values.next());
    return replies;
  }

  /** The reply bytes that have come since they were last asked for, as a latin1 string. */
  takeBytes(): string {
    const text = this.#received;
    this.#received = "";
    return text;
  }
}

class RecordingSink implements PropagationSink {
  readonly kind = SinkKind.File;
  readonly lines: string[] = [];
  #databaseId = 0;

  feed(databaseId: number, buf: Uint8Array, start: number, end: number): void {
    if (databaseId !== this.#databaseId) this.lines.push(`SELECT ${databaseId}`);
    this.#databaseId = databaseId;
    const words = new ReplyValues(latin1(buf, start, end)).next() as string[];
    this.lines.push(words.join(" "));
  }

  endOfBatch(): boolean {
    return true;
  }
}

/** Settings of a server under test, by directive name. */
export interface InProcessOptions {
  seed?: number;
  clock?: VirtualClock;
  config?: Record<string, string>;
  /** Lines of a configuration file, read before the engine is made. */
  lines?: readonly string[];
}

/** See the head of this file. */
export class InProcessServer {
  readonly clock: VirtualClock;
  readonly engine: Engine;
  readonly log: string[] = [];
  readonly #sink = new RecordingSink();
  readonly #expireCycle: ExpireCycle;

  constructor(options: InProcessOptions) {
    this.clock = options.clock ?? new VirtualClock();
    const write = (text: string) => void this.log.push(text);
    const config = new Config(), lines = (options.lines ?? []).join("\n");
    config.load({ configFile: "", readsStandardInput: false, options: lines }, {});
    this.engine = new Engine({
      clock: this.clock,
      random: new Random(options.seed ?? 1),
      config,
      commands: createCommandTable(),
      log: { debug: write, verbose: write, notice: write, warning: write },
    });
    connectSettings(this.engine);
    const pairs = Object.entries(options.config ?? {});
    if (pairs.length > 0) config.set(pairs, { mayChangeProtected: true, isLoading: false });
    this.engine.propagation.sinks.push(this.#sink);
    this.#expireCycle = new ExpireCycle(this.engine);
  }

  client(): InProcessClient {
    return new InProcessClient(this.engine);
  }

  /** Moves the clock and ends the waits whose time is over. */
  advance(ms: number): void {
    this.clock.advance(ms);
    this.engine.refreshTime();
    this.engine.expireWaits();
    this.engine.pause.endDue(this.engine.nowMs);
    this.engine.endBatch();
  }

  /** Runs the active expire cycle to its end. */
  expireCycle(): void {
    this.#expireCycle.run(Infinity);
    this.engine.endBatch();
  }

  /** What has been propagated since this was last asked, a line per command. */
  propagated(): string[] {
    return this.#sink.lines.splice(0);
  }

  [Symbol.dispose](): void {}
}

/** Starts a server inside the test. */
export function startInProcess(options: InProcessOptions = {}): InProcessServer {
  return new InProcessServer(options);
}
