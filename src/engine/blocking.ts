/**
 * Clients that wait: for a key (BLPOP, BZPOPMIN, XREAD …), for the end of a pause, for replicas.
 *
 * A command that must wait calls `ctx.block(…)` and writes no reply. Its arguments are copied, its
 * connection runs nothing more, and it costs nothing until one of its keys becomes ready, its time
 * is over, CLIENT UNBLOCK ends it or its connection closes. When a key it waits for has been
 * written, the whole command is run again, as a unit of its own, right after the unit that wrote,
 * longest wait first. If it finds nothing it calls `ctx.block` again, which then changes nothing:
 * its place and its deadline stay.
 */
import type { ReplyError } from "../protocol/errors.ts";
import type { Args } from "./args.ts";
import type { BlockedState, Client } from "./client.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import { ClientGuard } from "./refusals.ts";

/** The blocked clients of one server, by the keys they wait for. */
export class WaitingClients {
  /** By database and key, in the order in which they came. */
  readonly #byKey = new Map<string, Set<Client>>();
  /** All blocked clients with a deadline; few enough to look through when one is due. */
  readonly #withDeadline = new Set<Client>();
  /** Keys written while a client waits for them, in order. */
  #ready = new Set<string>();
  #nextDeadlineMs = Infinity;
  /** Blocked clients. */
  readonly all = new Set<Client>();
  /** Set by `ctx.block` when a command that was run again continues to wait. */
  staysBlocked = false;
  /** A command that waited is being run again: monitors have seen it before. */
  isRerunning = false;
  readonly #engine: Engine;
  #isServing = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  #nameOf(databaseId: number, key: string): string {
    return `${databaseId}:${key}`;
  }

  /** True if any client waits for a key. */
  get active(): boolean {
    return this.#byKey.size > 0;
  }

  /** Number of keys that clients wait for. */
  get keyCount(): number {
    return this.#byKey.size;
  }

  /** Clients that wait for a limited time. */
  get deadlineCount(): number {
    return this.#withDeadline.size;
  }

  /** True if a key that a client waits for has been written. */
  get hasReady(): boolean {
    return this.#ready.size > 0;
  }

  /** The earliest deadline, `engine.steadyMs`, or Infinity. */
  get nextDeadlineMs(): number {
    return this.#nextDeadlineMs;
  }

  /** Puts `client`, whose `blocked` is set, into the queues. */
  add(client: Client): void {
    const state = client.blocked!;
    this.all.add(client);
    for (const key of state.keys) {
      const name = this.#nameOf(client.databaseId, key);
      const queue = this.#byKey.get(name);
      if (queue === undefined) this.#byKey.set(name, new Set([client]));
      else queue.add(client);
    }
    if (state.deadlineMs === Infinity) return;
    this.#withDeadline.add(client);
    this.#nextDeadlineMs = Math.min(this.#nextDeadlineMs, state.deadlineMs);
  }

  /** Blocks `client` in `cmd` for a reason other than a key, until it is released explicitly. */
  hold(client: Client, cmd: Command, args: Args): BlockedState {
    const state: BlockedState = {
      cmd,
      args,
      keys: [],
      deadlineMs: Infinity,
      onTimeout: () => {},
      isReady: () => false,
      wakesWhenGone: false,
      unblockable: false,
    };
    client.blocked = state;
    this.add(client);
    return state;
  }

  /** Takes `client` out of the queues. */
  remove(client: Client): void {
    const state = client.blocked;
    if (state === null) return;
    client.blocked = null;
    this.all.delete(client);
    for (const key of state.keys) {
      const name = this.#nameOf(client.databaseId, key);
      const queue = this.#byKey.get(name);
      queue?.delete(client);
      if (queue?.size === 0) this.#byKey.delete(name);
    }
    if (this.#withDeadline.delete(client) && state.deadlineMs === this.#nextDeadlineMs) {
      this.#findNextDeadline();
    }
  }

  /** A key has been written: clients that wait for it are served at the end of the unit. */
  signal(databaseId: number, key: string): void {
    const name = this.#nameOf(databaseId, key);
    if (this.#byKey.has(name)) this.#ready.add(name);
  }

  /** Every awaited key of a database may have become ready. */
  signalAll(databaseId: number): void {
    const prefix = `${databaseId}:`;
    for (const name of this.#byKey.keys()) {
      if (name.startsWith(prefix)) this.#ready.add(name);
    }
  }

  // ---- Serving ----------------------------------------------------------------------------------

  /**
   * Runs the commands of clients whose keys have become ready, until none is; nested calls leave it
   * to the outer one.
   */
  serveReady(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    while (this.hasReady) {
      for (const { key, clients } of this.#takeReady()) {
        for (const client of clients) {
          const state = client.blocked;
          if (state !== null && state.isReady(client.database, key)) this.#runAgain(client);
        }
      }
    }
    this.#isServing = false;
  }

  /** The keys that have become ready with their waiting clients, oldest first; forgets them. */
  #takeReady(): { key: string; clients: Client[] }[] {
    const ready = this.#ready;
    this.#ready = new Set();
    const served = [];
    for (const name of ready) {
      const clients = this.#byKey.get(name);
      if (clients !== undefined) {
        served.push({ key: name.slice(name.indexOf(":") + 1), clients: [...clients] });
      }
    }
    return served;
  }

  #runAgain(client: Client): void {
    const engine = this.#engine, { cmd, args } = client.blocked!;
    // Its user may have lost the right since it began to wait.
    const denied = (client.guards & ClientGuard.Restricted) === 0
      ? null
      : engine.access.check(client, cmd, args);
    if (denied !== null) {
      engine.replyError(client, denied);
      engine.commands.stats.countCall(cmd, false);
      return this.unblock(client);
    }
    this.staysBlocked = false;
    this.isRerunning = true;
    engine.call(client, cmd, args);
    this.isRerunning = false;
    if (!this.staysBlocked) this.unblock(client);
  }

  /** Resumes a client whose wait has ended and whose reply has been written. */
  unblock(client: Client): void {
    this.remove(client);
    this.#engine.queueReplies(client);
    client.transport.resume();
  }

  /**
   * CLIENT UNBLOCK: ends a wait as if its time were over, or with an error. False if it does not
   * wait so.
   */
  endWait(client: Client, error: ReplyError | null): boolean {
    const engine = this.#engine, state = client.blocked;
    if (state === null || !state.unblockable) return false;
    if (error !== null) engine.replyError(client, error);
    else state.onTimeout(client);
    engine.commands.stats.countCall(state.cmd, error === null);
    this.unblock(client);
    return true;
  }

  /** Ends the waits that have timed out; {@linkcode Engine.endBatch} must follow. */
  expire(): void {
    for (const client of this.#due(this.#engine.steadyMs)) {
      const state = client.blocked!;
      state.onTimeout(client);
      this.#engine.commands.stats.countCall(state.cmd, true);
      this.unblock(client);
    }
  }

  /** The clients whose deadline has come. */
  #due(nowMs: number): Client[] {
    if (nowMs < this.#nextDeadlineMs) return [];
    return [...this.#withDeadline].filter((client) => client.blocked!.deadlineMs <= nowMs);
  }

  #findNextDeadline(): void {
    this.#nextDeadlineMs = Infinity;
    for (const client of this.#withDeadline) {
      this.#nextDeadlineMs = Math.min(this.#nextDeadlineMs, client.blocked!.deadlineMs);
    }
  }
}
