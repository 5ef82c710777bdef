/**
 * The server: connections and the background work beside them. It opens no listener itself: the
 * owner of a listener hands it each accepted socket.
 */
import { Client, ClientFlag } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import { isLocal } from "../engine/protected_action.ts";
import { ExpireCycle } from "../engine/expire.ts";
import { EngineGuard } from "../engine/refusals.ts";
import type { RequestLimits } from "../protocol/request_decoder.ts";
import { socketsAreAsked } from "../util/event_loop.ts";
import { Connection, type ConnectionHost, type Socket } from "./connection.ts";
import { OutputLimits, UnreadLimit } from "./output_limits.ts";

/** Longest time that background work holds the loop, microseconds. */
const SLICE_US = 1000;
/** Records moved per cron call when memory is compacted. */
const COMPACT_RECORDS = 500;
/**
 * Longest time spent on freeing large values at once, microseconds, and the runs freed between two
 * readings of the clock.
 */
const FREEING_US = 1000, FREED_RUNS = 500;
/** Elements of collections examined per round, at most; few of them move. */
const COMPACT_ELEMENTS = 5000;

/** Clients examined per cron call, at least. */
const LEAST_CLIENTS = 5;

const TOO_MANY_CLIENTS = new TextEncoder().encode("-ERR max number of clients reached\r\n");

const PROTECTED_MODE = new TextEncoder().encode(
  "-DENIED Redis is running in protected mode: the default user has no password, so only clients on this machine are " +
    "served. To let others in, set a password (CONFIG SET requirepass, or ACL), or, where the network is trusted, switch " +
    "the mode off: CONFIG SET protected-mode no from a local client, `protected-mode no` in the configuration file, or " +
    "the option --protected-mode no at the start.\r\n",
);

/** Sends a client the reason for the refusal, and closes its connection. */
async function turnAway(socket: Socket, why: Uint8Array): Promise<void> {
  try {
    await socket.write(why);
  } catch {
    // It has already left.
  }
  socket.close();
}

/** Work done in small steps beside serving clients; called from the server's cron. */
export type BackgroundTask = () => void;

/** See the head of this file. */
export class Server implements ConnectionHost {
  readonly requestLimits: RequestLimits;
  /** Called about `hz` times a second, after the server's own background work. */
  readonly tasks: BackgroundTask[] = [];
  readonly unreadLimit: UnreadLimit;
  readonly #connections = new Set<Connection>();
  /** Cycles through all clients, about once a second. */
  #clientCursor: Iterator<Client>;
  readonly #expireCycle: ExpireCycle;
  readonly #outputLimits: OutputLimits;
  #cronTimer: ReturnType<typeof setTimeout> | undefined;
  #deadlineTimer: ReturnType<typeof setTimeout> | undefined;
  #armedForMs = Infinity;
  /** True while the memory of large values is being given back. */
  #isFreeing = false;
  /** True if the end of batches is a microtask away. */
  #endsSoon = false;

  constructor(readonly engine: Engine) {
    const { values } = engine.config;
    this.requestLimits = {
      maxBulkBytes: values.protoMaxBulkLen,
      maxQueryBytes: values.clientQueryBufferLimit,
    };
    this.#expireCycle = new ExpireCycle(engine);
    this.#outputLimits = new OutputLimits(engine);
    this.unreadLimit = new UnreadLimit(engine);
    this.#clientCursor = engine.clients.values();
    engine.config.onApply("protoMaxBulkLen", (value) => this.requestLimits.maxBulkBytes = value);
    engine.config.onApply("clientQueryBufferLimit", (value) => this.requestLimits.maxQueryBytes = value);
  }

  /** Number of open connections. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Serves an accepted socket. */
  accept(socket: Socket, address: string, localAddress: string, isUnixSocket: boolean): void {
    const { engine } = this, { maxclients, protectedMode } = engine.config.values;
    const connection = new Connection(this, socket, address, localAddress);
    if (isUnixSocket) connection.client.set(ClientFlag.UnixSocket);
    const isFull = this.#connections.size >= maxclients;
    if (isFull || (protectedMode && engine.access.isOpen && !isLocal(connection.client))) {
      engine.stats.connectionsRejected++;
      turnAway(socket, isFull ? TOO_MANY_CLIENTS : PROTECTED_MODE);
      return;
    }
    engine.stats.connectionsReceived++;
    this.#connections.add(connection);
    engine.addClient(connection.client);
    connection.serve();
  }

  disconnected(connection: Connection): void {
    this.#connections.delete(connection);
  }

  outputLimitExceeded(client: Client, outputBytes: number): string | null {
    return this.#outputLimits.exceeded(client, outputBytes);
  }

  hasOutputLimit(client: Client): boolean {
    return this.#outputLimits.applies(client);
  }

  /** Ends the batches that have run: replies leave, and the next deadline may have come nearer. */
  readonly endBatch = (): void => {
    this.#endsSoon = false;
    this.engine.endBatch();
    this.#armDeadline();
    if (this.engine.limits.store.owesFrees && !this.#isFreeing) void this.#freeInSlices();
  };

  /** Gives back the memory of deleted large values, serving the sockets after each millisecond. */
  async #freeInSlices(): Promise<void> {
    const { clock, limits: { store } } = this.engine;
    this.#isFreeing = true;
    do {
      await socketsAreAsked();
      const endUs = clock.monotonicUs() + FREEING_US;
      while (clock.monotonicUs() < endUs && store.freeSome(FREED_RUNS));
    } while (store.owesFrees);
    this.#isFreeing = false;
  }

  /**
   * If changes are propagated, the batches of all clients that became readable at the same time end
   * together, so that one write to the append-only file (and under `always` one sync) serves them
   * all: their sockets' promises resolve in one go, and the microtask runs behind the batch of the
   * last one.
   */
  endBatchSoon(): void {
    if (!this.engine.propagation.active) this.endBatch();
    else if (!this.#endsSoon) {
      this.#endsSoon = true;
      queueMicrotask(this.endBatch);
    }
  }

  async letOthersIn(): Promise<void> {
    await socketsAreAsked();
    this.engine.timer.beginTurn();
  }

  #armDeadline(): void {
    const nextMs = Math.min(this.engine.waiting.nextDeadlineMs, this.engine.pause.endsAtMs);
    if (nextMs === this.#armedForMs) return;
    this.#armedForMs = nextMs;
    clearTimeout(this.#deadlineTimer);
    if (nextMs === Infinity) return;
    const delayMs = Math.max(0, nextMs - this.engine.steadyMs);
    this.#deadlineTimer = setTimeout(() => this.#deadline(), Math.min(delayMs, 0x7fffffff));
  }

  /** Begins the background work. */
  start(): void {
    this.#scheduleCron();
  }

  /** Ends the background work and closes every connection. */
  stop(): void {
    clearTimeout(this.#cronTimer);
    clearTimeout(this.#deadlineTimer);
    for (const connection of [...this.#connections]) connection.close(true);
  }

  #scheduleCron(): void {
    this.#cronTimer = setTimeout(() => {
      try {
        this.cron();
      } finally {
        this.#scheduleCron();
      }
    }, 1000 / this.engine.config.values.hz);
  }

  /** One round of background work. */
  cron(): void {
    const { engine } = this;
    // Nothing may change between the slices of a long script.
    if (engine.debug.pauseCron || (engine.guards & EngineGuard.Busy) !== 0) return;
    engine.refreshTime();
    engine.rates.sample(engine.steadyMs);
    this.#expireCycle.run(SLICE_US);
    engine.memory.watchHeap();
    for (const database of engine.databases) database.compact(COMPACT_RECORDS);
    engine.compaction.step(COMPACT_ELEMENTS);
    engine.tracking.limitTable();
    for (const task of this.tasks) task();
    const some = this.#someClients();
    this.#closeIdle(some);
    this.#outputLimits.check(some);
    this.endBatch();
  }

  #deadline(): void {
    const { engine } = this;
    this.#armedForMs = Infinity;
    engine.refreshTime();
    engine.waiting.expire();
    engine.pause.endDue(engine.steadyMs);
    this.endBatch();
  }

  /** The clients whose turn it is: examining thousands in one go would delay the others. */
  #someClients(): Client[] {
    const { clients, config } = this.engine, some: Client[] = [];
    let missing = Math.min(clients.size, Math.max(LEAST_CLIENTS, Math.ceil(clients.size / config.values.hz)));
    for (; missing > 0; missing--) {
      let next = this.#clientCursor.next();
      if (next.done) next = (this.#clientCursor = clients.values()).next();
      if (!next.done) some.push(next.value);
    }
    return some;
  }

  #closeIdle(clients: readonly Client[]): void {
    const { engine } = this;
    const timeoutMs = engine.config.values.timeout * 1000;
    if (timeoutMs === 0) return;
    const exempt = ClientFlag.PubSub | ClientFlag.Replica | ClientFlag.Primary | ClientFlag.Monitor;
    for (const client of clients) {
      if (client.has(exempt) || client.blocked !== null) continue;
      if (engine.nowMs - client.lastInteractionMs <= timeoutMs) continue;
      engine.log.verbose("Closing idle client");
      client.transport.close(false);
    }
  }
}
