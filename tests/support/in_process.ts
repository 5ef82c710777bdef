/**
 * Redeno inside a test: the engine with all commands, on a virtual clock and a seeded random
 * source, without sockets.
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
import { Config } from "../../src/config/config.ts";
import { ClientFlag } from "../../src/engine/client.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { ExpireCycle } from "../../src/engine/expire.ts";
import { type PropagationSink, SinkKind } from "../../src/engine/propagation.ts";
import { encodeWords, LocalClient } from "../../src/server/local_client.ts";
import { Redeno } from "../../src/server/redeno.ts";
import { latin1 } from "../../src/util/bytes.ts";
import { VirtualClock } from "../../src/util/clock.ts";
import { Random } from "../../src/util/random.ts";
import { type Reply, ReplyValues } from "../../src/protocol/reply_values.ts";

/** Returned by `send` while the command waits. */
export const PENDING = Symbol("pending");

const requestLimits = { maxBulkBytes: 512 << 20, maxQueryBytes: 1 << 30 };

/** A command in RESP. */
export function encodeCommand(...words: string[]): Uint8Array<ArrayBuffer> {
  return encodeWords(words);
}

/** A client of the server under test: replies arrive at once, as values or as bytes. */
export class InProcessClient extends LocalClient {
  #received = "";

  constructor(readonly engine: Engine) {
    // The test controls deadlines: it moves the clock and ends the expired waits.
    super({ engine, requestLimits, endBatch: () => engine.endBatch() }, "127.0.0.1:50000", "127.0.0.1:6379");
    this.onBytes = (bytes) => this.#received += bytes;
  }

  /** Runs one command; returns its reply, or {@linkcode PENDING} while it waits. */
  send(...words: string[]): Reply | typeof PENDING {
    return this.sendWords(words);
  }

  /** As {@linkcode send}, for more words than a call can take as arguments. */
  sendWords(words: readonly string[]): Reply | typeof PENDING {
    const raw = this.raw(encodeWords(words));
    if (raw === "" && (this.client.blocked !== null || this.client.has(ClientFlag.ReplyOff))) return PENDING;
    return new ReplyValues(raw).next();
  }

  /**
   * Runs bytes as if they came from a socket and returns all reply bytes available then, as a
   * latin1 string.
   */
  raw(bytes: Uint8Array): string {
    this.run(bytes);
    return this.takeBytes();
  }

  /** The replies received since the last call. */
  received(): Reply[] {
    this.runOn();
    const values = new ReplyValues(this.takeBytes());
    const replies: Reply[] = [];
    while (values.more) replies.push(values.next());
    return replies;
  }

  /** The reply bytes received since the last call, as a latin1 string. */
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
  /** Lines of a configuration file, read before the engine is created. */
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
    const log = { role: "M", debug: write, verbose: write, notice: write, warning: write };
    this.engine =
      new Redeno({ config, log, clock: this.clock, random: new Random(options.seed ?? 1) }).engine;
    const pairs = Object.entries(options.config ?? {});
    if (pairs.length > 0) config.set(pairs, { mayChangeProtected: true, isLoading: false });
    this.engine.propagation.sinks.push(this.#sink);
    this.#expireCycle = new ExpireCycle(this.engine);
  }

  client(): InProcessClient {
    return new InProcessClient(this.engine);
  }

  /** Moves the clock and ends the expired waits. */
  advance(ms: number): void {
    this.clock.advance(ms);
    this.engine.refreshTime();
    this.engine.waiting.expire();
    this.engine.pause.endDue(this.engine.steadyMs);
    this.engine.endBatch();
  }

  /** Runs the active expire cycle to its end. */
  expireCycle(): void {
    this.#expireCycle.run(Infinity);
    this.engine.endBatch();
  }

  /** The commands propagated since the last call, one line each. */
  propagated(): string[] {
    return this.#sink.lines.splice(0);
  }

  [Symbol.dispose](): void {}
}

/** Starts a server inside the test. */
export function startInProcess(options: InProcessOptions = {}): InProcessServer {
  return new InProcessServer(options);
}
