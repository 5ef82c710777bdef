/**
 * The context of a handler: the client, its database, the reply, and the doors through which every
 * look-up and every change goes. There is one context per server; `call()` points it at the command
 * being run.
 *
 * Look-ups delete expired keys, count hits and misses and move the access clock. `read…` is for
 * commands that only read, `write…` for those that change what they find; both throw WRONGTYPE. The
 * result is valid until the handler's next change of the same key.
 *
 * After a change a handler says, once per changed key, {@linkcode CommandContext.changed}: it is
 * the only way to say so and says all of it. The command is propagated as it arrived, unless the
 * handler replaces it by {@linkcode CommandContext.rewrite}.
 */
import { type CollectionValue, type ValueClass, ValueType } from "../data/value.ts";
import { type Attributes, type Database, type Moment, NO_EXPIRY } from "../keyspace/database.ts";
import { Key } from "../keyspace/key.ts";
import { Slice } from "../keyspace/slice.ts";
import { WRONGTYPE } from "../protocol/errors.ts";
import type { ReplyWriter } from "../protocol/reply_writer.ts";
import { allocateBytes, writeLatin1 } from "../util/bytes.ts";
import { Args } from "./args.ts";
import { type Client, ClientFlag } from "./client.ts";
import { type Command, Flag } from "./command.ts";
import type { Engine } from "./engine.ts";
import { Notify } from "./events.ts";
import { LOOK_AHEAD } from "./look_ahead.ts";
import { SinkKind } from "./propagation.ts";

/** Options of a client's wait; see {@linkcode CommandContext.block}. */
export interface BlockOptions {
  /** Keys as latin1 strings, in the client's database. */
  keys: readonly string[];
  /** Milliseconds; 0 = without end. */
  timeoutMs: number;
  /** Writes the reply when the time is over. */
  onTimeout: (reply: ReplyWriter) => void;
  /** The type a key must have to serve this client. */
  type: ValueType;
  /** Also woken when the key is deleted or gets another type, to reply an error (XREADGROUP). */
  wakeWhenGone?: boolean;
  /** Run again with these instead of the arguments as they came: XREAD's `$` has become an id. */
  args?: Args;
}

/** A string taken out of, or copied from, a key. */
export interface LooseString {
  bytes: Uint8Array;
  /** Bits of `StringMark`. */
  marks: number;
}

/** A value taken out of, or copied from, a key. */
export type LooseValue = CollectionValue | LooseString;

function looseString(database: Database, ref: number): LooseString {
  return { bytes: database.readString(ref, new Slice()).view().slice(), marks: database.stringMarks(ref) };
}

/** The context of a handler; see the head of this file. */
export class CommandContext {
  client!: Client;
  cmd!: Command;
  args: Args = new Args();
  reply!: ReplyWriter;
  db!: Database;
  /** Number of `db`. */
  databaseId = 0;
  /** Kinds of sinks that commands are propagated to: all, unless a script has asked for less. */
  sinkKinds: number = SinkKind.All;

  /** Form in which the command is propagated: as it is, as in `#rewritten`, or not at all. */
  #propagation: "as-is" | "rewritten" | "none" = "as-is";
  #rewritten: string[][] = [];
  #forced = false;
  #kinds: number = SinkKind.All;
  readonly #slice = new Slice();
  /** Buffer in which text becomes bytes on its way to the keyspace. */
  #scratch = allocateBytes(4096);

  constructor(readonly engine: Engine) {}

  /** Wall-clock milliseconds, the same for the whole batch. */
  get nowMs(): number {
    return this.engine.nowMs;
  }

  /**
   * True if a time that the running command gives to a key or field has passed and this server may
   * delete it. A replica waits for its primary to say so, and a file that is replayed says so
   * itself: the next command from there may give the key another time.
   */
  isOver(timeMs: Moment): boolean {
    const { engine } = this;
    return timeMs <= engine.nowMs && !engine.keys.keepExpired && !engine.isReplica;
  }

  /** Selects the client's database again: SWAPDB may have replaced it. */
  selectAgain(): void {
    this.engine.selectDatabase(this.client, this.client.databaseId);
    this.db = this.engine.databases[this.databaseId]!;
  }

  // ---- Look-ups ---------------------------------------------------------------------------------

  /**
   * To be called for each of many keys, which stand `step` arguments apart, before argument `at` is
   * looked up.
   */
  lookAhead(args: Args, at: number, step: number): void {
    if ((at - 1) % (LOOK_AHEAD * step) === 0) this.engine.lookAhead.touchKeys(this.db, args, at, step);
  }

  get #writes(): boolean {
    return (this.cmd.flags & Flag.Write) !== 0;
  }

  /** True if the running command deletes expired fields that it finds. */
  get deletesExpired(): boolean {
    return this.engine.keys.deletesExpired(this.#writes);
  }

  #lookUp(key: Key): number {
    return this.engine.keys.lookUp(this.db, this.databaseId, key, this.client, this.#writes);
  }

  /** The record of `key` in another database, or 0. */
  peekIn(databaseId: number, key: Key): number {
    const database = this.engine.databases[databaseId]!;
    return this.engine.keys.lookUp(database, databaseId, key, this.client, this.#writes);
  }

  /**
   * The record of `key` for reading, or 0; counts a hit or a miss.
   *
   * @param touches moves the access clock
   */
  find(key: Key, touches = true): number {
    const ref = this.#lookUp(key);
    if (ref === 0) {
      this.engine.stats.keyspaceMisses++;
      this.engine.keys.notify(Notify.KeyMiss, "keymiss", key, this.databaseId);
      return 0;
    }
    this.engine.stats.keyspaceHits++;
    if (touches && !this.client.has(ClientFlag.NoTouch)) this.engine.keys.touch(this.db, ref);
    return ref;
  }

  /** As {@linkcode find}, without moving the access clock or counting (OBJECT). */
  peek(key: Key): number {
    return this.#lookUp(key);
  }

  /** The record of `key` for changing it, or 0. */
  findForWrite(key: Key): number {
    const ref = this.#lookUp(key);
    if (ref !== 0 && !this.client.has(ClientFlag.NoTouch)) this.engine.keys.touch(this.db, ref);
    return ref;
  }

  /** The bytes of a string value, or undefined. The slice is the same object every time. */
  readString(key: Key, slice: Slice = this.#slice): Slice | undefined {
    const ref = this.find(key);
    if (ref === 0) return undefined;
    if (this.db.typeOf(ref) !== ValueType.String) throw WRONGTYPE;
    return this.db.readString(ref, slice);
  }

  /** The collection at `key` for reading, or undefined. */
  read<T extends CollectionValue>(key: Key, kind: ValueClass<T>): T | undefined {
    const ref = this.find(key);
    if (ref === 0) return undefined;
    if (this.db.typeOf(ref) !== kind.type) throw WRONGTYPE;
    // The record's type says which class its object is of.
    return this.db.collectionOf(ref) as T;
  }

  /** The collection at `key` for changing it, or undefined. */
  write<T extends CollectionValue>(key: Key, kind: ValueClass<T>): T | undefined {
    const ref = this.findForWrite(key);
    if (ref === 0) return undefined;
    if (this.db.typeOf(ref) !== kind.type) throw WRONGTYPE;
    this.db.willChange(key.hash);
    // As in read().
    const value = this.db.openCollection(ref) as T;
    this.engine.noteOpened(this.db, key, value);
    return value;
  }

  /**
   * The collection at `key` for changing it, new and empty if there was none. Never leave it empty.
   */
  writeOrCreate<T extends CollectionValue>(key: Key, kind: ValueClass<T>): T {
    const found = this.write(key, kind);
    if (found !== undefined) return found;
    const value = new kind(this.engine.limits);
    this.db.addCollection(key, value, this.engine.keys.freshClock);
    this.engine.noteOpened(this.db, key, value, true);
    this.engine.keys.created(key, this.databaseId);
    return value;
  }

  /**
   * Makes the first `length` of `bytes`, a packed collection, the value of `key`, which is not
   * there.
   */
  createPacked(key: Key, type: ValueType, bytes: Uint8Array, length: number): void {
    this.db.addPacked(key, type, bytes, length, this.engine.keys.freshClock);
    this.engine.keys.created(key, this.databaseId);
  }

  // ---- Changes ----------------------------------------------------------------------------------

  /**
   * Makes a latin1 string the value of `key`, whatever it was before. Its expiry time goes unless
   * `keepTtl`.
   * @param expiresAtMs Unix milliseconds
   */
  setString(key: Key, text: string, keepTtl = false, expiresAtMs: Moment = NO_EXPIRY): void {
    if (text.length > this.#scratch.length) this.#scratch = allocateBytes(text.length * 2);
    writeLatin1(this.#scratch, 0, text);
    this.setBytes(key, this.#scratch, 0, text.length, keepTtl, expiresAtMs);
  }

  /** As {@linkcode setString}, from the bytes [start, end) of `buf`. */
  setBytes(
    key: Key,
    buf: Uint8Array,
    start: number,
    end: number,
    keepTtl = false,
    expiresAtMs: Moment = NO_EXPIRY,
  ): void {
    const ref = this.#lookUp(key);
    const expires = keepTtl && ref !== 0 ? this.db.expiryOf(ref) : expiresAtMs;
    this.db.setString(key, ref, buf, start, end, {
      expiresAtMs: expires,
      clock: this.engine.keys.freshClock,
    });
    if (ref === 0) this.engine.keys.created(key, this.databaseId);
  }

  /** Makes `value` the value of `key`, whatever it was before; it does not expire. */
  setCollection(key: Key, value: CollectionValue, expiresAtMs: Moment = NO_EXPIRY): void {
    const ref = this.#lookUp(key);
    this.db.setCollection(key, ref, value, { expiresAtMs, clock: this.engine.keys.freshClock });
    if (ref === 0) this.engine.keys.created(key, this.databaseId);
  }

  /**
   * Makes the bytes [start, end) of `buf` the value of `key` in place of the string at `ref`; its
   * expiry time stays.
   */
  replaceString(key: Key, ref: number, buf: Uint8Array, start: number, end: number): void {
    const expiresAtMs = this.db.expiryOf(ref);
    this.db.setString(key, ref, buf, start, end, { expiresAtMs, clock: this.engine.keys.freshClock });
  }

  /**
   * Makes the string at `ref` `length` bytes long, new bytes being 0, and points `slice` at it for
   * changing it in place.
   */
  editString(key: Key, ref: number, length: number, slice: Slice): void {
    this.db.editString(key, ref, length, slice);
  }

  /** Adds bits of `StringMark` to the string at `key`, until it is set again. */
  markString(key: Key, marks: number): void {
    this.db.markString(this.db.find(key), marks);
  }

  /**
   * Sets or (with {@linkcode NO_EXPIRY}) removes the time in Unix milliseconds at which the key at
   * `ref` expires.
   */
  setExpiry(key: Key, ref: number, expiresAtMs: Moment): void {
    this.db.setExpiry(key, ref, expiresAtMs);
  }

  /** Sets the access clock of the record `ref` (RESTORE). */
  setClock(ref: number, clock: number): void {
    this.db.setClock(ref, clock);
  }

  /** Takes the value out of the key at `ref`, which is gone then (RENAME, MOVE). */
  detach(ref: number): LooseValue {
    if (this.db.typeOf(ref) !== ValueType.String) return this.db.detachCollection(ref);
    const value = looseString(this.db, ref);
    this.db.delete(ref);
    return value;
  }

  /** A copy of the value of the key at `ref` (COPY). */
  copyOf(ref: number): LooseValue {
    if (this.db.typeOf(ref) === ValueType.String) return looseString(this.db, ref);
    return this.db.collectionOf(ref).copy();
  }

  /**
   * Makes `value` that of `key` in database `databaseId`, where the key's record is `old`, or 0.
   */
  attach(databaseId: number, key: Key, old: number, value: LooseValue, attributes: Attributes): void {
    const database = this.engine.databases[databaseId]!;
    if (old !== 0) database.delete(old);
    if ("marks" in value) {
      const { bytes, marks } = value;
      database.markString(database.setString(key, 0, bytes, 0, bytes.length, attributes), marks);
    } else database.setCollection(key, 0, value, attributes);
    this.engine.keys.created(key, databaseId);
  }

  /** Removes the key at `ref`. Says nothing: {@linkcode changed} does. */
  deleteRecord(ref: number): void {
    this.db.delete(ref);
  }

  /** Removes `key`; false if it was not there. Says nothing: {@linkcode changed} does. */
  delete(key: Key): boolean {
    const ref = this.#lookUp(key);
    if (ref === 0) return false;
    this.db.delete(ref);
    return true;
  }

  /** Removes `key` if `value`, its collection, has become empty, and sends the event `del`. */
  deleteIfEmpty(key: Key, value: CollectionValue): boolean {
    if (value.size > 0) return false;
    this.db.delete(this.db.find(key));
    this.engine.keys.notify(Notify.Generic, "del", key, this.databaseId);
    return true;
  }

  /**
   * Reports that the value of `key` has changed: counts it, marks transactions that watch it,
   * invalidates caches, sends the keyspace event, wakes clients that wait for it.
   * @param changes number of changes this counts for in `rdb_changes_since_last_save`
   */
  changed(key: Key, eventClass: number, event: string, changes = 1, databaseId = this.databaseId): void {
    this.engine.dirty += changes;
    this.engine.keys.changed(key, databaseId, this.engine.running);
    this.engine.keys.notify(eventClass, event, key, databaseId);
  }

  /** Sends a keyspace event and nothing else. */
  notify(eventClass: number, event: string, key: Key): void {
    this.engine.keys.notify(eventClass, event, key, this.databaseId);
  }

  // ---- Propagation ------------------------------------------------------------------------------

  /** Propagates these words instead of the command; called several times, all of them in order. */
  rewrite(...words: string[]): void {
    this.rewriteAs(words);
  }

  /**
   * As {@linkcode rewrite}, with words that may be more than a call takes arguments (about
   * 100,000).
   */
  rewriteAs(words: string[]): void {
    this.#propagation = "rewritten";
    this.#rewritten.push(words);
  }

  /** Propagates nothing for this command. */
  propagateNothing(): void {
    this.#propagation = "none";
  }

  /** Propagates the command although it changed no data. */
  forcePropagation(): void {
    this.#forced = true;
  }

  /** Propagates the command to replicas alone, although it changed no data: a message. */
  forceToReplicas(): void {
    this.#forced = true;
    this.#kinds = SinkKind.Replicas;
  }

  /**
   * Queues the commands to propagate; `call()` does this after the handler.
   *
   * @param dirty it changed data
   */
  enqueuePropagation(dirty: boolean): void {
    const queue = this.engine.propagation, kinds = this.#kinds & this.sinkKinds;
    if (queue.active && kinds !== 0 && this.#propagation !== "none" && (dirty || this.#forced)) {
      if (this.#propagation === "rewritten") {
        for (const words of this.#rewritten) queue.add(this.databaseId, words, kinds);
      } else if (this.args.rawStart >= 0) {
        const { buf, rawStart, rawEnd } = this.args;
        queue.addRaw(this.databaseId, buf, rawStart, rawEnd, kinds);
      } else {
        queue.add(this.databaseId, this.args.strings(), kinds);
      }
    }
    this.resetPropagation();
  }

  /** Makes the context ready for the next command. */
  resetPropagation(): void {
    this.#propagation = "as-is";
    this.#forced = false;
    this.#kinds = SinkKind.All;
    if (this.#rewritten.length > 0) this.#rewritten = [];
  }

  // ---- Waiting ----------------------------------------------------------------------------------

  /**
   * True if the command may wait; in EXEC and in scripts it must answer at once, as if its time
   * were over.
   */
  get canBlock(): boolean {
    return !this.client.has(ClientFlag.DenyBlocking);
  }

  /**
   * Blocks the client until one of its keys can serve it. The handler must have changed and replied
   * nothing, and returns next; it is run again from its beginning when one of the keys may serve
   * it.
   */
  block(options: BlockOptions): void {
    if (this.client.blocked !== null) {
      this.engine.waiting.staysBlocked = true;
      return;
    }
    const { type, wakeWhenGone: wakesWhenGone = false } = options, { client, databaseId } = this;
    client.blocked = {
      cmd: this.cmd,
      args: options.args ?? this.args.copy(),
      keys: options.keys,
      deadlineMs: options.timeoutMs === 0 ? Infinity : this.engine.steadyMs + options.timeoutMs,
      onTimeout: ({ reply }) => options.onTimeout(reply),
      isReady: (database, key) => {
        const ref = this.engine.keys.lookUp(database, databaseId, Key.of(key), client, false);
        return wakesWhenGone || (ref !== 0 && database.typeOf(ref) === type);
      },
      wakesWhenGone,
      unblockable: true,
    };
    this.engine.waiting.add(client);
  }
}
