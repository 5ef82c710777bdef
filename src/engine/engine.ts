/**
 * The engine: it runs commands. A batch (all complete commands of one read) runs in one turn,
 * command by command:
 *
 *     runBatch → execute (look up, refuse or queue) → call (the handler, then propagation) → endBatch
 *
 * A *unit* is an indivisible step: a command, an EXEC with all it queued, a script, an expiry.
 * `call()` nests; when the outermost level ends, what the unit propagates goes to the sinks and
 * clients waiting for a key it wrote are served, each in a unit of its own. At the end of the batch
 * the sinks make it durable and only then replies leave.
 *
 * The engine knows neither sockets nor files. Sinks of propagated commands register in
 * `propagation`, observers of changes in `keys`; its requests to the rooms above stand in
 * `ports.ts`.
 */
import type { Config } from "../config/config.ts";
import type { CollectionValue } from "../data/value.ts";
import { type DataLimits, defaultLimits } from "../data/limits.ts";
import { Database } from "../keyspace/database.ts";
import type { Key } from "../keyspace/key.ts";
import { ArenaFullError } from "../keyspace/arena.ts";
import { StoreFullError } from "../store/store.ts";
import { StoreCompaction } from "../keyspace/store_compaction.ts";
import { ELEMENT_TOO_LONG, EXEC_ABORT, NOT_IN_MULTI, ReplyError, STORE_FULL } from "../protocol/errors.ts";
import { unknownCommand, unknownSubcommand, wrongArity } from "../protocol/errors.ts";
import type { CommandBatch } from "../protocol/command_batch.ts";
import { PubSub } from "../pubsub/pubsub.ts";
import { TextTooLongError } from "../util/bytes.ts";
import type { Clock } from "../util/clock.ts";
import { Histogram } from "../util/histogram.ts";
import type { Random } from "../util/random.ts";
import { AccessControl } from "./access.ts";
import { Args } from "./args.ts";
import { WaitingClients } from "./blocking.ts";
import { CallTimer } from "./call_timer.ts";
import { type Client, ClientFlag } from "./client.ts";
import { acceptsCount, type Command, Flag } from "./command.ts";
import { ClientMemory } from "./client_memory.ts";
import type { CommandTable } from "./command_table.ts";
import { CommandContext } from "./context.ts";
import { CrossProtocolGuard } from "./cross_protocol.ts";
import { Keys } from "./keys.ts";
import { refuseLongArguments } from "./long_arguments.ts";
import { LOOK_AHEAD, LookAhead } from "./look_ahead.ts";
import { Memory } from "./memory.ts";
import { Outbox } from "./outbox.ts";
import { parsePolicy } from "../keyspace/eviction.ts";
import { DebugSwitches } from "./debug_switches.ts";
import { Identity } from "./identity.ts";
import { Pause } from "./pause.ts";
import { Monitors } from "./monitors.ts";
import {
  type DiskState,
  type EngineLog,
  noServer,
  type PersistenceControl,
  type ServerControl,
} from "./ports.ts";
import { PropagationQueue } from "./propagation.ts";
import { Pushes } from "./pushes.ts";
import { shownWords } from "./redaction.ts";
import { EngineGuard, refusal } from "./refusals.ts";
import { LatencyMonitor } from "../metrics/latency.ts";
import { Rates } from "../metrics/rates.ts";
import { Slowlog } from "../metrics/slowlog.ts";
import { Stats } from "../metrics/stats.ts";
import { Tracking } from "./tracking.ts";
import { Unsettled } from "./unsettled.ts";
import { Watchers } from "./watch.ts";

/** Parts the engine is built from. */
export interface EngineParts {
  clock: Clock;
  random: Random;
  config: Config;
  commands: CommandTable;
  log: EngineLog;
}

/** Commands of a batch between two looks at the clock. */
const CLOCK_INTERVAL = 128;
/** Memory of a command in a transaction's queue beside its argument bytes. */
const QUEUED_COMMAND_BYTES = 256;

/** Runs commands. See the head of this file. */
export class Engine {
  readonly clock: Clock;
  readonly random: Random;
  readonly config: Config;
  readonly log: EngineLog;
  readonly commands: CommandTable;
  readonly limits: DataLimits = defaultLimits();
  readonly databases: Database[] = [];
  /** Compaction of the store that holds the collections of all databases. */
  readonly compaction = new StoreCompaction(this.limits.store, this.databases);
  readonly clients = new Map<number, Client>();
  readonly stats = new Stats();
  readonly rates = new Rates();
  readonly latency: LatencyMonitor;
  readonly clientMemory: ClientMemory = new ClientMemory(this);
  readonly slowlog = new Slowlog();
  readonly timer: CallTimer = new CallTimer(this);
  readonly propagation = new PropagationQueue();
  readonly watchers = new Watchers();
  readonly waiting: WaitingClients = new WaitingClients(this);
  readonly keys: Keys = new Keys(this);
  readonly memory: Memory;
  readonly #outbox: Outbox = new Outbox(this);
  readonly pause = new Pause(this);
  readonly context: CommandContext = new CommandContext(this);
  readonly pubsub: PubSub<Client> = new PubSub();
  readonly pushes: Pushes = new Pushes(this);
  readonly tracking: Tracking = new Tracking(this);
  readonly monitors: Monitors = new Monitors(this);
  readonly debug = new DebugSwitches();
  readonly identity: Identity;
  /** The client whose outermost command is running, or null if none is, as in an expiry. */
  running: Client | null = null;
  readonly access: AccessControl;
  /** Reasons to refuse commands that concern all clients: bits of `EngineGuard`. */
  guards = 0;
  /** Unix milliseconds, read once per batch. */
  nowMs: number;
  /** Changes since the last snapshot; INFO's rdb_changes_since_last_save. */
  dirty = 0;
  /** Saves and loads the data; null without a disk (some tests). Set by the persistence. */
  persistence: PersistenceControl | null = null;
  /** Refuses writes while it fails. Set by the persistence. */
  disk: DiskState = { diskError: null };
  /** The server around the engine. Set by the server. */
  server: ServerControl = noServer;
  /** The script that keeps the server busy is a function. */
  busyWithFunction = false;
  /** `latency-tracking`: each command keeps a histogram of its run times. */
  latencyTracking = true;
  /** DEBUG SET-ACTIVE-EXPIRE. */
  activeExpire = true;
  /**
   * Bytes of replies at which a batch is interrupted, so that they can leave; the reader may be
   * slow.
   */
  largestBatchReply = 1 << 20;
  /** This server is a replica: expired keys are deleted when the primary says so. */
  isReplica = false;
  #depth = 0;
  readonly lookAhead = new LookAhead();
  readonly #args = new Args();
  readonly #crossProtocol = new CrossProtocolGuard(this);
  readonly #unsettled = new Unsettled();
  #errorsInCall = false;

  constructor(parts: EngineParts) {
    this.clock = parts.clock;
    this.random = parts.random;
    this.config = parts.config;
    this.commands = parts.commands;
    this.access = new AccessControl(this);
    this.log = parts.log;
    this.latency = new LatencyMonitor(parts.clock);
    this.memory = new Memory(this);
    this.nowMs = parts.clock.nowMs();
    this.identity = new Identity(parts.random, this.nowMs);
    this.rates.follow("commands", () => this.stats.commandsProcessed);
    this.rates.follow("batches", () => this.stats.batches);
    this.rates.follow("busyUs", () => this.timer.busyUs);
    this.rates.follow("input", () => this.stats.netInputBytes);
    this.rates.follow("output", () => this.stats.netOutputBytes);
    for (let i = 0; i < parts.config.values.databases; i++) this.databases.push(new Database(this.limits));
    this.refreshSettings();
    this.refreshTime();
  }

  /**
   * Whole milliseconds of the monotonic clock, counted from an arbitrary moment: for measuring how
   * long something has lasted. `nowMs` may be set back, by an hour or by years.
   */
  get steadyMs(): number {
    return Math.floor(this.clock.monotonicUs() / 1000);
  }

  /**
   * Takes over settings that hot code keeps in fields; to be called after every change of the
   * configuration.
   */
  refreshSettings(): void {
    const { values } = this.config;
    this.keys.useLfu(parsePolicy(values.maxmemoryPolicy).order === "lfu");
    this.memory.forgetCandidates();
    this.setGuard(EngineGuard.Memory, values.maxmemory > 0);
    this.latencyTracking = values.latencyTracking;
    this.latency.threshold = values.latencyMonitorThreshold;
    this.clientMemory.configure();
  }

  setGuard(guard: number, on: boolean): void {
    if (on) this.guards |= guard;
    else this.guards &= ~guard;
  }

  /**
   * Reads the clock; called at the beginning of each batch and of each piece of background work.
   */
  refreshTime(): void {
    this.nowMs = this.clock.nowMs();
    this.keys.refreshClock();
  }

  // ---- Running commands -------------------------------------------------------------------------

  /**
   * Runs the commands of `batch` from number `from` on and returns how many have been run (or
   * refused, or queued): fewer than there are if the client now waits, is to be closed, should read
   * its replies first, or has kept the others waiting for long enough. Call {@linkcode endBatch}
   * afterwards.
   */
  runBatch(client: Client, batch: CommandBatch, from = 0): number {
    this.refreshTime();
    client.lastInteractionMs = this.nowMs;
    this.timer.beginBatch();
    const args = this.#args;
    let index = from;
    while (index < batch.count) {
      if (index % LOOK_AHEAD === 0) this.lookAhead.touch(client.database, batch, index);
      args.point(batch, index++);
      this.execute(client, args);
      if (client.blocked !== null || client.has(ClientFlag.CloseAfterReply) || client.closed) break;
      if (client.reply.length > this.largestBatchReply || this.timer.turnIsLongOver) break;
      if (index % CLOCK_INTERVAL === 0) {
        this.timer.finish();
        if (this.timer.turnIsOver) break;
      }
    }
    this.timer.finish();
    this.queueReplies(client);
    return index;
  }

  /** Runs one command as if `client` had sent it: looks it up, refuses, queues or calls it. */
  execute(client: Client, args: Args): void {
    const mark = client.reply.length;
    if (client.flags & ClientFlag.ReplySkipNext) {
      client.flags = (client.flags & ~ClientFlag.ReplySkipNext) | ClientFlag.ReplySkip;
    }
    this.stats.commandsProcessed++;
    const cmd = this.commandFor(client, args);
    if (cmd !== undefined && this.#admit(client, cmd, args)) this.call(client, cmd, args);
    else if (client.blocked === null) this.#silence(client, mark);
  }

  /** Drops the reply written since `mark` if CLIENT REPLY says so. Pushed messages are kept. */
  #silence(client: Client, mark: number): void {
    if (!client.isSilenced) return;
    client.reply.rewind(mark);
    client.unset(ClientFlag.ReplySkip);
  }

  /** The command or sub-command that `args` call, or undefined after an error reply. */
  commandFor(client: Client, args: Args): Command | undefined {
    const cmd = this.commands.resolve(args);
    if (cmd !== undefined && acceptsCount(cmd, args.count)) return cmd;
    if (!this.#crossProtocol.cutOffHttp(client, args)) {
      this.#reject(client, cmd ?? null, this.#mismatch(cmd, args));
    }
    return undefined;
  }

  /**
   * The error of `args` that are no call: an unknown name, or a wrong number of arguments for
   * `cmd`.
   */
  #mismatch(cmd: Command | undefined, args: Args): ReplyError {
    if (cmd !== undefined) return wrongArity(cmd.fullName);
    const container = this.commands.find(args);
    if (container === undefined) return unknownCommand(args.string(0), args.strings(1));
    return unknownSubcommand(args.string(1), container.name);
  }

  /** Admits a command to run now: false if it has been refused, postponed or queued instead. */
  #admit(client: Client, cmd: Command, args: Args): boolean {
    if (this.guards !== 0 || client.guards !== 0) {
      const refused = refusal(this, client, cmd, args);
      if (refused !== null) {
        this.#reject(client, cmd, refused);
        return false;
      }
      if ((this.guards & EngineGuard.Paused) !== 0 && this.pause.postponeIfPaused(client, cmd, args)) {
        return false;
      }
    }
    if (!client.has(ClientFlag.Multi) || (cmd.flags & Flag.InMulti) !== 0) return true;
    if ((cmd.flags & Flag.NoMulti) !== 0) {
      this.#reject(client, cmd, NOT_IN_MULTI);
      return false;
    }
    const copy = args.copy();
    client.queue.push({ cmd, args: copy });
    client.queueBytes += copy.buf.length + QUEUED_COMMAND_BYTES;
    client.reply.queued();
    return false;
  }

  #reject(client: Client, cmd: Command | null, error: ReplyError): void {
    if (cmd !== null) {
      this.commands.stats.of(cmd).rejectedCalls++;
      client.lastCommand = cmd;
    }
    if (cmd !== null && (cmd.flags & Flag.RunsQueue) !== 0) {
      this.discard(client);
      // A text that Redis composes, as that of the arity, has no code in it.
      const why = error.text.replace(/^ERR (?=wrong number)/, "");
      this.replyError(client, new ReplyError(`${EXEC_ABORT.code} Transaction discarded because of: ${why}`));
      return;
    }
    if (client.has(ClientFlag.Multi)) client.set(ClientFlag.DirtyExec);
    this.replyError(client, error);
  }

  /** Writes an error reply and counts it. */
  replyError(client: Client, error: ReplyError): void {
    client.reply.error(error);
    this.stats.countError(error.code);
    if (client.has(ClientFlag.Primary | ClientFlag.Replica)) this.#reportUnheard(client, error);
  }

  /**
   * An error that goes to another server, which cannot make anything of it: the data differ there.
   */
  #reportUnheard(client: Client, { text }: ReplyError): void {
    const [from, to] = client.has(ClientFlag.Primary) ? ["replica", "master"] : ["master", "replica"];
    const command = client.lastCommand?.fullName ?? "<unknown>";
    this.stats.unexpectedErrors++;
    this.log.warning(
      `== CRITICAL == This ${from} is sending an error to its ${to}: '-${text}' after processing the command '${command}'`,
    );
  }

  /** Ends MULTI without running anything. */
  discard(client: Client): void {
    client.queue = [];
    client.queueBytes = 0;
    client.unset(ClientFlag.Multi | ClientFlag.DirtyCas | ClientFlag.DirtyExec);
    this.watchers.unwatchAll(client);
  }

  /**
   * Calls a command's handler and carries out the consequences. Nests: EXEC and scripts call
   * commands from inside one. The reply goes to `client.reply`.
   */
  call(client: Client, cmd: Command, args: Args): void {
    const { context } = this;
    const outer = this.#depth === 0 ? null : {
      client: context.client,
      cmd: context.cmd,
      args: context.args,
      reply: context.reply,
      db: context.db,
      databaseId: context.databaseId,
    };
    context.client = client;
    context.cmd = cmd;
    context.args = args;
    context.reply = client.reply;
    context.db = client.database;
    context.databaseId = client.databaseId;
    client.lastCommand = cmd;
    const dirty = this.dirty;
    const mark = client.reply.length;
    this.#depth++;
    let startedAtUs = 0;
    if (outer === null) {
      this.running = client;
      this.timer.begin(cmd);
    } else startedAtUs = this.timer.beginNested(cmd);
    const isWatched = this.monitors.count > 0 && !this.waiting.isRerunning;
    if (isWatched) this.monitors.commandBegins(client, cmd, args);
    const succeeded = this.#handle(context, cmd, args);
    this.#unsettled.settle(!succeeded);
    context.enqueuePropagation(this.dirty > dirty);
    const waits = client.blocked !== null && (!this.waiting.isRerunning || this.waiting.staysBlocked);
    if (!waits) this.commands.stats.countCall(cmd, succeeded);
    if (outer === null) this.timer.end(client, cmd, args, waits);
    else if (!waits) this.timer.endNested(startedAtUs, client, cmd, args);
    if (isWatched) this.monitors.commandRan(client, cmd, args);
    if (this.tracking.clientCount > 0) this.tracking.commandRan(cmd, args);
    this.#depth--;
    if (outer === null) {
      if (this.tracking.clientCount > 0) this.tracking.unitEnded(client, cmd);
      this.running = null;
      this.#silence(client, mark);
      // Part of a reply may have been written, if a script inside an EXEC has been suspended.
      if (!waits || client.blocked!.keys.length > 0) this.pushes.release(client);
      this.endUnit((cmd.flags & Flag.ArbitraryKeys) === 0);
    } else {
      this.propagation.keep();
      // One by one: Object.assign costs 150 ns, for each call that a script makes.
      context.client = outer.client;
      context.cmd = outer.cmd;
      context.args = outer.args;
      context.reply = outer.reply;
      context.db = outer.db;
      context.databaseId = outer.databaseId;
    }
  }

  /** Runs the handler; false if it answered with an error. */
  #handle(context: CommandContext, cmd: Command, args: Args): boolean {
    const { reply, client } = context;
    const mark = reply.length;
    this.#errorsInCall = false;
    try {
      if ((cmd.flags & Flag.Write) !== 0) refuseLongArguments(cmd, args);
      cmd.handler(context, args);
      return !this.#errorsInCall;
    } catch (error) {
      reply.rewind(mark);
      if (error instanceof ReplyError) {
        this.replyError(client, error);
      } else if (error instanceof TextTooLongError) {
        this.replyError(client, ELEMENT_TOO_LONG);
      } else if (error instanceof StoreFullError || error instanceof ArenaFullError) {
        this.replyError(client, STORE_FULL);
      } else {
        this.stats.unexpectedErrors++;
        this.log.warning(
          `Internal error in '${cmd.fullName}': ${error instanceof Error ? error.stack : String(error)}`,
        );
        this.replyError(client, new ReplyError(`ERR internal error in '${cmd.fullName}'`));
      }
      return false;
    }
  }

  /**
   * Notes that the running command has failed although it wrote its reply itself (EXEC and scripts
   * pass errors on).
   */
  countFailure(): void {
    this.#errorsInCall = true;
  }

  /**
   * Ends a unit at its outermost level: hands on its propagated commands, then serves clients that
   * waited for its keys.
   */
  endUnit(asTransaction = true): void {
    // A suspended script's unit is still open: the work of others meanwhile ends with it.
    if (this.#depth > 0 || (this.guards & EngineGuard.Busy) !== 0) return this.propagation.keep();
    if (this.propagation.count > 0) this.propagation.flush(asTransaction);
    if (this.waiting.hasReady) this.waiting.serveReady();
  }

  /** Runs `work` as one unit that no client's command began: expiry, eviction, a change of role. */
  asUnit(work: () => void, asTransaction = true): void {
    this.#depth++;
    try {
      work();
    } finally {
      // Inside a command its own collections are still being changed.
      if (this.#depth === 1) this.#unsettled.settle(false);
      this.#depth--;
      this.endUnit(asTransaction);
    }
  }

  /** Goes on with the unit of a suspended script that `client` has called. */
  resumeUnit(client: Client): void {
    this.#depth++;
    this.running = client;
  }

  /** Leaves it again: the script has been suspended once more, or has ended. */
  leaveUnit(): void {
    this.#unsettled.settle(false);
    this.#depth--;
    this.running = null;
    this.endUnit();
  }

  /** Counts a command that has been brought to its end outside `call()`. */
  detachedRan(client: Client, cmd: Command, args: Args, succeeded: boolean, microseconds: number): void {
    this.commands.stats.countCall(cmd, succeeded);
    this.commandTook(client, cmd, args, microseconds);
  }

  /** Resumes a client whose command has ended outside `call()`, its reply written since `mark`. */
  releaseDetached(client: Client, mark: number): void {
    this.#silence(client, mark);
    this.pushes.release(client);
    if (this.tracking.clientCount > 0 && client.lastCommand !== null) {
      this.tracking.unitEnded(client, client.lastCommand);
    }
    if (!client.closed) this.waiting.unblock(client);
  }

  /** True if a command is being run. */
  get isInsideUnit(): boolean {
    return this.#depth > 0;
  }

  /**
   * Notes that the collection at `key` has been opened for changing, to be settled when the command
   * ends.
   *
   * @param isNew the running command has made it
   */
  noteOpened(database: Database, key: Key, value: CollectionValue, isNew = false): void {
    this.#unsettled.add(database, key, value, isNew);
  }

  // ---- Replies ----------------------------------------------------------------------------------

  /** Queues the output of `client` to be sent at the end of the batch. */
  queueReplies(client: Client): void {
    this.#outbox.add(client);
  }

  /**
   * Ends a batch: work deferred to its end runs, then the changes become as safe as promised, then
   * replies leave.
   */
  endBatch(): void {
    if (this.pause.hasPostponed) this.pause.runPostponed();
    if (this.memory.mustMakeRoom) {
      this.memory.mustMakeRoom = false;
      this.memory.makeRoom();
    }
    this.timer.finish();
    if (this.tracking.prefixCount > 0) this.tracking.batchEnds();
    this.#outbox.leave();
  }

  // ---- Clients ----------------------------------------------------------------------------------

  /** Adds a client that has connected. */
  addClient(client: Client): void {
    this.clients.set(client.id, client);
    this.access.connected(client);
  }

  /** Forgets a client whose connection is gone; it leaves no trace. */
  removeClient(client: Client): void {
    if (client.closed) return;
    client.closed = true;
    this.clients.delete(client.id);
    this.waiting.remove(client);
    this.watchers.unwatchAll(client);
    this.pubsub.removeAll(client);
    this.tracking.disable(client);
    this.monitors.remove(client);
    for (const clean of client.onClose) clean();
    this.clientMemory.measure(client);
  }

  selectDatabase(client: Client, id: number): void {
    client.database = this.databases[id]!;
    client.databaseId = id;
  }

  /** Records the run time of one command in its statistics and, if it was long, in the slow log. */
  commandTook(client: Client, cmd: Command, args: Args, microseconds: number): void {
    this.timeSpent(cmd, microseconds, 1);
    const { slowlogLogSlowerThan, slowlogMaxLen } = this.config.values;
    if (slowlogLogSlowerThan < 0 || microseconds < slowlogLogSlowerThan || slowlogMaxLen === 0) return;
    if ((cmd.flags & Flag.SkipSlowlog) !== 0) return;
    const { address } = client.transport;
    this.slowlog.add(shownWords(cmd, args), microseconds, this.nowMs, address, client.name, slowlogMaxLen);
  }

  /** Records the total run time of `calls` calls of a command. */
  timeSpent(cmd: Command, microseconds: number, calls: number): void {
    const stats = this.commands.stats.of(cmd), each = microseconds / calls;
    stats.microseconds += microseconds;
    if (this.latencyTracking) (stats.latency ??= new Histogram()).record(each * 1000, calls);
    if (this.latency.active) {
      this.latency.observe((cmd.flags & Flag.Fast) === 0 ? "command" : "fast-command", each);
    }
  }
}
