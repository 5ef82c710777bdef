/**
 * Clients that wait: for a key (BLPOP, BZPOPMIN, XREAD …), for the end of a pause, for replicas.
 *
 * A command that must wait says so by `ctx.block(…)` and writes no reply. Its arguments are copied, its connection runs
 * nothing more, and it costs nothing until one of its keys becomes ready, its time is over, CLIENT UNBLOCK ends it or
 * its connection closes. When a key it waits for has been written, the whole command is run again, as a unit of its own,
 * right after the unit that wrote: those who have waited longest first. If it finds nothing it says `ctx.block` again,
 * which then changes nothing: its place and its deadline stay.
 */
import type { Args } from "./args.ts";
import type { BlockedState, Client } from "./client.ts";
import type { Command } from "./command.ts";

/** Who waits for what in one server. */
export class WaitingClients {
  /** By database and key, in the order in which they came. */
  readonly #byKey = new Map<string, Set<Client>>();
  /** All blocked clients with a deadline; few enough to look through when one is due. */
  readonly #withDeadline = new Set<Client>();
  /** Keys that were written while somebody waited for them, in order. */
  #ready = new Set<string>();
  #nextDeadlineMs = Infinity;
  /** Blocked clients. */
  readonly all = new Set<Client>();

  #nameOf(databaseId: number, key: string): string {
    return `${databaseId}:${key}`;
  }

  /** Whether anybody waits for any key. */
  get active(): boolean {
    return this.#byKey.size > 0;
  }

  /** Keys somebody waits for. */
  get keyCount(): number {
    return this.#byKey.size;
  }

  /** Clients that wait for a limited time. */
  get deadlineCount(): number {
    return this.#withDeadline.size;
  }

  /** Whether a key that somebody waits for has been written. */
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

  /** Lets `client` wait with `cmd` for something that is no key, until it is taken out by hand. */
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

  /** A key has been written: if somebody waits for it, it is served at the end of the unit. */
  signal(databaseId: number, key: string): void {
    const name = this.#nameOf(databaseId, key);
    if (this.#byKey.has(name)) this.#ready.add(name);
  }

  /** Every key of a database that somebody waits for may have become ready. */
  signalAll(databaseId: number): void {
    const prefix = `${databaseId}:`;
    for (const name of this.#byKey.keys()) {
      if (name.startsWith(prefix)) this.#ready.add(name);
    }
  }

  /** The keys that have become ready with those who wait for them now, oldest first; forgets them. */
  takeReady(): { key: string; clients: Client[] }[] {
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

  /** The clients whose deadline has come. */
  due(nowMs: number): Client[] {
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
