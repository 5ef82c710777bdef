/** Puts the contents of files into the databases of an engine. */
import { Args } from "../engine/args.ts";
import { Client, ClientFlag, silentTransport } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import { freshLfuClock, lruClock, parsePolicy } from "../keyspace/eviction.ts";
import type { CollectionValue } from "../data/value.ts";
import { refuseLongArguments } from "../engine/long_arguments.ts";
import { type Attributes, type Database, NO_EXPIRY } from "../keyspace/database.ts";
import { Key } from "../keyspace/key.ts";
import type { Slice } from "../keyspace/slice.ts";
import { ReplyError } from "../protocol/errors.ts";
import type { CommandBatch } from "../protocol/command_batch.ts";
import type { AofTarget } from "./aof/aof_loader.ts";
import type { FileHandle } from "./files.ts";
import { type LoadProgress, type LoadSteps, RdbLoadError } from "./loading.ts";
import { RdbError, RdbInput } from "./rdb/rdb_input.ts";
import { type KeyAttributes, RdbReader, type RdbTarget } from "./rdb/rdb_reader.ts";

/** Options of loading an RDB file into databases that may hold keys. */
export interface RdbLoadOptions {
  /** Keys that have expired are left out; not in the base of an append-only file, whose commands expect them. */
  readonly dropExpired: boolean;
  /** A key that is there already is replaced; otherwise that is an error. */
  readonly replace: boolean;
  /** Databases for the keys; left out, the engine's own. */
  readonly databases?: readonly Database[];
}

/** Receivers of the parts of a file that are not keys. */
export interface LoadHooks {
  /** Loads a function library; returns why it cannot, or null. */
  functionLibrary(code: string): string | null;
  /** A fact about the server that wrote the file. */
  aux(name: string, value: string): void;
  /** Called when a key was left out because it has expired. */
  expired?(databaseId: number, key: string): void;
}

/** Loads RDB files into an engine and counts. */
export class KeyspaceTarget implements RdbTarget {
  keysLoaded = 0;
  keysExpired = 0;
  emptyKeys = 0;
  readonly #options: Attributes = { expiresAtMs: NO_EXPIRY, clock: 0 };

  constructor(readonly engine: Engine, readonly how: RdbLoadOptions, readonly hooks: LoadHooks) {}

  get #databases(): readonly Database[] {
    return this.how.databases ?? this.engine.databases;
  }

  get databaseCount(): number {
    return this.engine.databases.length;
  }

  get checksChecksum(): boolean {
    return this.engine.config.values.rdbchecksum && !this.engine.debug.skipChecksums;
  }

  aux(name: string, value: string): void {
    this.hooks.aux(name, value);
  }

  functionLibrary(code: string): string | null {
    return this.hooks.functionLibrary(code);
  }

  putString(databaseId: number, key: Slice, value: Slice, attributes: KeyAttributes): void {
    if (this.#isGone(databaseId, key, attributes)) return;
    const database = this.#databases[databaseId]!, name = new Key(key.buf, key.start, key.end);
    const ref = database.find(name);
    this.#admit(ref, name);
    database.setString(name, ref, value.buf, value.start, value.end, this.#optionsOf(attributes));
  }

  putCollection(databaseId: number, key: Slice, value: CollectionValue, attributes: KeyAttributes): void {
    if (this.#isGone(databaseId, key, attributes)) return;
    const database = this.#databases[databaseId]!, name = new Key(key.buf, key.start, key.end);
    const ref = database.find(name);
    this.#admit(ref, name);
    database.setCollection(name, ref, value, this.#optionsOf(attributes));
  }

  #isGone(databaseId: number, key: Slice, { expiresAtMs }: KeyAttributes): boolean {
    const isGone = this.how.dropExpired && expiresAtMs !== -1 && expiresAtMs < this.engine.nowMs;
    if (!isGone) return false;
    this.keysExpired++;
    this.hooks.expired?.(databaseId, key.text());
    return true;
  }

  #admit(ref: number, name: Key): void {
    if (ref !== 0 && !this.how.replace) throw new RdbError(`RDB has duplicated key '${name.text}'`, 0);
    this.keysLoaded++;
  }

  #optionsOf(attributes: KeyAttributes): Attributes {
    const { engine } = this, options = this.#options;
    options.expiresAtMs = attributes.expiresAtMs === -1 ? NO_EXPIRY : attributes.expiresAtMs;
    options.clock = engine.keys.freshClock;
    const { order } = parsePolicy(engine.config.values.maxmemoryPolicy);
    if (attributes.idleSeconds >= 0 && order === "lru") {
      options.clock = lruClock(engine.nowMs - attributes.idleSeconds * 1000);
    } else if (attributes.frequency >= 0 && order === "lfu") {
      options.clock = (freshLfuClock(engine.nowMs) & ~0xff) | attributes.frequency;
    }
    return options;
  }

  /** Logs the result of a load. */
  reportEnd(): void {
    const { keysLoaded, keysExpired, emptyKeys } = this;
    const empty = emptyKeys > 0 ? `, empty keys skipped: ${emptyKeys}` : "";
    this.engine.log.notice(
      `Done loading RDB, keys loaded: ${keysLoaded}, keys expired: ${keysExpired}${empty}.`,
    );
  }

  skippedEmpty(key: string): void {
    if (this.emptyKeys++ < 10) this.warn(`rdbLoadObject skipping empty key: ${key}`);
  }

  warn(text: string): void {
    this.engine.log.warning(text);
  }
}

/**
 * Loads the RDB file that `file` begins with into `target`.
 *
 * @returns the bytes behind it that were read along. Throws {@linkcode RdbLoadError}
 */
export function* loadRdbFile(
  file: FileHandle,
  name: string,
  target: KeyspaceTarget,
  progress: LoadProgress,
): LoadSteps<Uint8Array> {
  const before = progress.loadedBytes;
  const input = new RdbInput(file, file.sizeSync());
  const { engine } = target, reader = new RdbReader(input, target, engine.limits);
  const skips = engine.config.values.rdbSkipUnreadableKeys;
  if (skips) reader.skipUnreadable();
  try {
    yield* reader.read((fetched, keys) => {
      progress.loadedBytes = before + fetched;
      progress.keysLoaded(keys);
    }, progress.keysPerStep);
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    const message = reader.place === undefined ? error.message : `${error.message} Reading ${reader.place}`;
    throw new RdbLoadError(message, name, error.offset || input.offset, hint(reader, name, skips));
  }
  target.reportEnd();
  if (reader.leftOut > 0) {
    target.warn(
      `${reader.leftOut} unreadable keys of ${name} are left out. The next save writes a file without them: ` +
        "keep a copy of this one",
    );
  }
  return input.rest();
}

/** Hint on how to go on with a file that cannot be loaded. */
function hint(reader: RdbReader, name: string, skips: boolean): string {
  const look = `\`redeno check-rdb ${name}\` says more of the file`;
  if (skips || !reader.canLeaveOut) return look;
  return `${look}; with \`rdb-skip-unreadable-keys yes\` the server starts without such keys`;
}

/** Runs the commands of an append-only file, as a client without a listener. */
export class CommandTarget implements AofTarget {
  readonly #client: Client;
  readonly #args = new Args();

  constructor(readonly engine: Engine, readonly hooks: LoadHooks) {
    this.#client = new Client(engine.databases[0]!, 0, silentTransport, engine.nowMs);
    this.#client.set(ClientFlag.Silent | ClientFlag.DenyBlocking);
    this.#client.authenticated = true;
  }

  run(batch: CommandBatch, index: number): string | null {
    this.#args.point(batch, index);
    const cmd = this.engine.commandFor(this.#client, this.#args);
    this.#client.reply.rewind(0);
    if (cmd === undefined) return `Unknown command '${this.#args.string(0)}' reading the append only file`;
    try {
      refuseLongArguments(cmd, this.#args);
    } catch (error) {
      if (error instanceof ReplyError) return error.text;
      throw error;
    }
    this.engine.execute(this.#client, this.#args);
    this.#client.reply.rewind(0);
    return null;
  }

  discardTransaction(): void {
    this.engine.discard(this.#client);
  }

  loadRdb(file: FileHandle, name: string, progress: LoadProgress): LoadSteps<Uint8Array> {
    const target = new KeyspaceTarget(this.engine, { dropExpired: false, replace: false }, this.hooks);
    return loadRdbFile(file, name, target, progress);
  }
}
