/**
 * Client-side caching: the server remembers what clients may have cached and notifies them when it
 * is out of date.
 *
 * In the *default* mode every key a client reads is entered in a table, key by key, with the ids of
 * the clients that have read it (`OPTIN`, `OPTOUT`: only after CLIENT CACHING says so, or unless it
 * does). When the key changes, expires or is evicted these clients are notified once and the entry
 * goes. The table is bounded by `tracking-table-max-keys`: keys beyond the limit are invalidated,
 * oldest first, as if they had changed.
 *
 * In the *broadcasting* mode nothing is remembered: a client names prefixes and is notified of
 * every change of a key that begins with one. These messages are gathered per prefix and sent once
 * a batch.
 *
 * As in Redis keys count by name alone, whichever database they are in; ids of closed clients stay
 * in the table until their key changes. While no client tracks and the table is empty, the engine
 * calls nothing of this.
 */
import type { Key } from "../keyspace/key.ts";
import { OPT_WITH_BCAST, OPTIN_AND_OPTOUT, PREFIX_NEEDS_BCAST, ReplyError } from "../protocol/errors.ts";
import type { Args } from "./args.ts";
import { type Client, ClientFlag } from "./client.ts";
import { type Command, findKeys, Flag } from "./command.ts";
import type { Engine } from "./engine.ts";

/** Options of CLIENT TRACKING ON. */
export interface TrackingOptions {
  broadcast: boolean;
  /** Keys are tracked only after CLIENT CACHING YES. */
  optIn: boolean;
  /** Keys are tracked except after CLIENT CACHING NO. */
  optOut: boolean;
  /** Not notified of changes it made itself. */
  noLoop: boolean;
  /** Id of the client that gets the messages instead; 0 = this one. */
  redirect: number;
}

/** A tracking client. */
export interface TrackingState extends TrackingOptions {
  readonly prefixes: Set<string>;
  /** CLIENT CACHING was called: it holds for the next command, or for the whole transaction. */
  caching: boolean;
  /** The client that receives the messages has closed. */
  isBroken: boolean;
}

/**
 * A prefix that clients listen to, and the keys changed since the last batch with the client of
 * each last change.
 */
interface Broadcast {
  readonly clients: Set<Client>;
  readonly keys: Map<string, Client | null>;
}

/** The channel on which clients that speak RESP2 get the messages redirected to them. */
const INVALIDATE_CHANNEL = "__redis__:invalidate";
/**
 * Entries that one pass over a table that is too large removes, times the number of passes in a
 * row.
 */
const EFFORT = 100;
/** See the head of this file. */
export class Tracking {
  readonly #engine: Engine;
  readonly #states = new Map<Client, TrackingState>();
  /** The readers of each key: an id, or a set if there are several, since most keys have one. */
  readonly #readers = new Map<string, number | Set<number>>();
  readonly #broadcasts = new Map<string, Broadcast>();
  #items = 0;
  #passes = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** True if a client tracks, or entries remain of clients that stopped. */
  get isActive(): boolean {
    return this.#states.size > 0 || this.#readers.size > 0;
  }

  /** Number of clients that track. */
  get clientCount(): number {
    return this.#states.size;
  }

  /** Number of keys in the table. */
  get keyCount(): number {
    return this.#readers.size;
  }

  /** Number of pairs of key and client in the table. */
  get itemCount(): number {
    return this.#items;
  }

  /** Number of prefixes that clients listen to. */
  get prefixCount(): number {
    return this.#broadcasts.size;
  }

  /** The tracking state of a client, or undefined if it does not track. */
  stateOf(client: Client): TrackingState | undefined {
    return this.#states.get(client);
  }

  // ---- Clients that begin and end ---------------------------------------------------------------

  /**
   * CLIENT TRACKING ON; called again it changes the options, and prefixes add up.
   * @throws {ReplyError} if options or prefixes contradict each other or earlier options of the
   * client
   */
  enable(client: Client, options: TrackingOptions, prefixes: readonly string[]): void {
    const before = this.#states.get(client);
    checkOptions(options, prefixes, before);
    if (options.broadcast) checkPrefixes(prefixes, before?.prefixes ?? new Set());
    const state: TrackingState = {
      ...options,
      prefixes: before?.prefixes ?? new Set(),
      caching: before?.caching ?? false,
      isBroken: false,
    };
    this.#states.set(client, state);
    if (!options.broadcast) return;
    for (const prefix of prefixes.length > 0 ? prefixes : [""]) this.#listen(client, state, prefix);
  }

  #listen(client: Client, state: TrackingState, prefix: string): void {
    state.prefixes.add(prefix);
    let broadcast = this.#broadcasts.get(prefix);
    if (broadcast === undefined) {
      broadcast = { clients: new Set(), keys: new Map() };
      this.#broadcasts.set(prefix, broadcast);
    }
    broadcast.clients.add(client);
  }

  /** CLIENT TRACKING OFF, and the end of a client. */
  disable(client: Client): void {
    const state = this.#states.get(client);
    if (state === undefined) return;
    this.#states.delete(client);
    for (const prefix of state.prefixes) {
      const broadcast = this.#broadcasts.get(prefix);
      broadcast?.clients.delete(client);
      if (broadcast?.clients.size === 0) this.#broadcasts.delete(prefix);
    }
  }

  // ---- Reports of the engine --------------------------------------------------------------------

  /**
   * A command has run: records the keys it read for the client at the root of it. The calls of a
   * script count as its client's own; the keys that it has declared do not count by themselves.
   */
  commandRan(cmd: Command, args: Args): void {
    const reader = this.#engine.running;
    if (reader === null || (cmd.flags & Flag.ReadOnly) === 0 || (cmd.flags & Flag.PubSub) !== 0) return;
    const state = this.#states.get(reader);
    if (state === undefined || state.broadcast || (cmd.flags & Flag.ReadsByCalls) !== 0) return;
    if (state.optIn ? !state.caching : state.optOut && state.caching) return;
    for (const { index } of findKeys(cmd, args) ?? []) this.#remember(args.string(index), reader.id);
  }

  #remember(key: string, id: number): void {
    const readers = this.#readers.get(key);
    if (readers === id || (readers instanceof Set && readers.has(id))) return;
    this.#items++;
    if (readers === undefined) this.#readers.set(key, id);
    else if (readers instanceof Set) readers.add(id);
    else this.#readers.set(key, new Set([readers, id]));
  }

  /** A client's outermost command has ended. */
  unitEnded(client: Client, cmd: Command): void {
    const state = this.#states.get(client);
    const keepsCaching = ((cmd.parent ?? cmd).flags & Flag.KeepsCaching) !== 0;
    if (state?.caching && !client.has(ClientFlag.Multi) && !keepsCaching) {
      state.caching = false;
    }
    this.limitTable();
  }

  /**
   * A key has changed.
   *
   * @param by the client whose command did it, null if none did (expiry, eviction)
   */
  keyChanged(key: Key, by: Client | null): void {
    const name = key.text;
    for (const [prefix, broadcast] of this.#broadcasts) {
      if (name.startsWith(prefix)) broadcast.keys.set(name, by);
    }
    this.#invalidate(name, this.#engine.running);
  }

  /** @param by the client to leave out if it wants no echo of its own changes */
  #invalidate(key: string, by: Client | null): void {
    const readers = this.#readers.get(key);
    if (readers === undefined) return;
    this.#readers.delete(key);
    if (typeof readers === "number") {
      this.#items--;
      return this.#invalidateFor(readers, key, by);
    }
    this.#items -= readers.size;
    for (const id of readers) this.#invalidateFor(id, key, by);
  }

  #invalidateFor(id: number, key: string, by: Client | null): void {
    const client = this.#engine.clients.get(id);
    const state = client === undefined ? undefined : this.#states.get(client);
    if (client === undefined || state === undefined || state.broadcast) return;
    if (state.noLoop && client === by) return;
    this.#send(client, state, [key]);
  }

  /** All keys of a database have gone: the caches of all clients are void. */
  flushed(): void {
    for (const [client, state] of this.#states) this.#send(client, state, null);
    this.#readers.clear();
    this.#items = 0;
  }

  /** The batch ends: sends the keys gathered for the prefixes. */
  batchEnds(): void {
    for (const broadcast of this.#broadcasts.values()) {
      if (broadcast.keys.size === 0) continue;
      const all = [...broadcast.keys.keys()];
      for (const client of broadcast.clients) {
        const state = this.#states.get(client);
        if (state === undefined) continue;
        const keys = state.noLoop ? all.filter((key) => broadcast.keys.get(key) !== client) : all;
        if (keys.length > 0) this.#send(client, state, keys);
      }
      broadcast.keys.clear();
    }
  }

  /**
   * Invalidates the oldest entries beyond `tracking-table-max-keys`, more with every pass that did
   * not suffice. Called by each command of a client, and now and then when there are none.
   */
  limitTable(): void {
    const limit = Number(this.#engine.config.values.trackingTableMaxKeys);
    const isTooLarge = () => limit > 0 && this.#readers.size > limit;
    let effort = EFFORT * (this.#passes + 1);
    for (const key of this.#readers.keys()) {
      if (effort-- === 0 || !isTooLarge()) break;
      this.#invalidate(key, null);
    }
    this.#passes = isTooLarge() ? this.#passes + 1 : 0;
  }

  // ---- Messages ---------------------------------------------------------------------------------

  /**
   * Tells a client, or the one it has named, to forget `keys`, or all if null. RESP2 knows no
   * pushes: there it takes a redirection to a client that is subscribed, and anything else gets
   * nothing.
   */
  #send(client: Client, state: TrackingState, keys: readonly string[] | null): void {
    const target = state.redirect === 0 ? client : this.#engine.clients.get(state.redirect);
    if (target === undefined) return this.#reportBroken(client, state);
    if (target.reply.resp === 2 && (target === client || !target.has(ClientFlag.PubSub))) return;
    const reply = this.#engine.pushes.to(target);
    if (reply.resp === 3) {
      reply.push(2);
      reply.bulk("invalidate");
    } else {
      reply.push(3);
      reply.bulk("message");
      reply.bulk(INVALIDATE_CHANNEL);
    }
    if (keys === null) reply.null();
    else reply.bulkArray(keys);
  }

  #reportBroken(client: Client, state: TrackingState): void {
    state.isBroken = true;
    if (client.reply.resp === 2) return;
    const reply = this.#engine.pushes.to(client);
    reply.push(2);
    reply.bulk("tracking-redir-broken");
    reply.integer(state.redirect);
  }
}

function checkOptions(
  options: TrackingOptions,
  prefixes: readonly string[],
  before: TrackingOptions | undefined,
): void {
  if (!options.broadcast && prefixes.length > 0) {
    throw PREFIX_NEEDS_BCAST;
  }
  if (before !== undefined && before.broadcast !== options.broadcast) throw cannotSwitch("BCAST mode on/off");
  if (options.broadcast && (options.optIn || options.optOut)) {
    throw OPT_WITH_BCAST;
  }
  if (options.optIn && options.optOut) {
    throw OPTIN_AND_OPTOUT;
  }
  if ((options.optIn && before?.optOut) || (options.optOut && before?.optIn)) {
    throw cannotSwitch("OPTIN/OPTOUT mode");
  }
}

function cannotSwitch(what: string): ReplyError {
  return new ReplyError(
    `ERR You can't switch ${what} before disabling tracking for this client, and then re-enabling it with a different mode.`,
  );
}

/**
 * Of two prefixes neither may begin with the other: the client would be notified of a key twice.
 */
function checkPrefixes(prefixes: readonly string[], existing: ReadonlySet<string>): void {
  for (const [i, prefix] of prefixes.entries()) {
    for (const other of existing) {
      if (overlap(prefix, other)) throw overlapping(prefix, "an existing", other);
    }
    for (const other of prefixes.slice(i + 1)) {
      if (overlap(prefix, other)) throw overlapping(prefix, "another provided", other);
    }
  }
}

function overlap(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function overlapping(prefix: string, which: string, other: string): ReplyError {
  return new ReplyError(
    `ERR Prefix '${prefix}' overlaps with ${which} prefix '${other}'. Prefixes for a single client must not overlap.`,
  );
}
