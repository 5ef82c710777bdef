/** SNAPSHOT, SNAPSHOT LOAD and `snapshot-interval`: readable snapshots in the data directory. */
import type { CollectionValue } from "../../data/value.ts";
import { type Moment, NO_EXPIRY } from "../../keyspace/database.ts";
import { Key } from "../../keyspace/key.ts";
import { OUTSIDE, ReplyError, RESERVED } from "../../protocol/errors.ts";
import { bytesOf } from "../../util/bytes.ts";
import { FileError, joinPath, readWhole } from "../files.ts";
import { lockName } from "../folder_lock.ts";
import type { SnapshotOrder } from "../snapshot/snapshot_jobs.ts";
import { type JsonTarget, readJsonSnapshot } from "./json_input.ts";
import { JsonWriter } from "./json_output.ts";
import { errorText } from "../../util/error_text.ts";
import { JsonSnapshotError } from "./json_source.ts";
import type { SaveContext } from "../snapshot/save_context.ts";
import { noClocks } from "../snapshot/snapshot.ts";

/** The file written when none is named. */
export const DEFAULT_SNAPSHOT = "snapshot.json";

/** Called when a snapshot is on the disk, or with why it is not. */
export type SnapshotEnd = (error: ReplyError | null) => void;

interface WaitingSnapshot {
  readonly path: string;
  readonly onEnd: SnapshotEnd;
}

/** See the head of this file. */
export class JsonSaver {
  readonly #waiting: WaitingSnapshot[] = [];
  #lastMs: number;

  constructor(readonly context: SaveContext) {
    this.#lastMs = context.engine.steadyMs;
  }

  /** The path of a snapshot in the data directory. Throws ReplyError for any other. */
  #pathOf(name: string): string {
    const { values } = this.context.engine.config, { files } = this.context;
    const path = this.context.pathOf(name), inside = joinPath(values.dir, "");
    if (!path.startsWith(inside) || name.includes("\0")) throw OUTSIDE;
    const parts = path.slice(inside.length).split("/");
    if (parts.some((part) => part === "" || part === "." || part === "..")) throw OUTSIDE;
    const locks = [lockName(values.dbfilename), lockName(values.appendfilename)];
    if ([values.dbfilename, values.appenddirname, ...locks].includes(parts[0] ?? "")) throw RESERVED;
    const folder = joinPath(values.dir, parts.slice(0, -1).join("/"));
    const isInside = (real: string, root: string) => joinPath(real, "").startsWith(joinPath(root, ""));
    if (!isInside(files.realPathSync(folder), files.realPathSync(values.dir))) throw OUTSIDE;
    if (files.existsSync(path) && !isInside(files.realPathSync(path), files.realPathSync(values.dir))) {
      throw OUTSIDE;
    }
    return path;
  }

  #order(): SnapshotOrder {
    const { context } = this;
    return {
      kind: "json",
      path: context.pathOf(`temp-${context.pid}.json`),
      format: new JsonWriter(context.extras.libraries(), context.engine.clock.nowMs()),
      clocks: noClocks,
    };
  }

  /** Writes a snapshot before it returns. Throws ReplyError. */
  saveNow(name: string): void {
    const path = replying(() => this.#pathOf(name)), order = this.#order();
    replying(() => {
      this.context.jobs.runNow(order);
      this.#place(order.path, path);
    });
  }

  /** Writes a snapshot in the background, after the job under way. Throws ReplyError for a path that is refused. */
  save(name: string, onEnd: SnapshotEnd): void {
    const path = replying(() => this.#pathOf(name));
    this.#waiting.push({ path, onEnd });
    if (!this.context.jobs.isBusy) this.#startNext();
  }

  #place(temporary: string, path: string): void {
    const { files, engine } = this.context;
    files.renameSync(temporary, path);
    files.syncDirSync(path.slice(0, path.lastIndexOf("/")));
    engine.log.notice(`Readable snapshot written to ${path}`);
  }

  #startNext(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    try {
      const order = this.#order();
      this.context.jobs.start(order, (error) => this.#ended(order.path, next, error));
    } catch (error) {
      this.#failed(next, error);
    }
  }

  #ended(temporary: string, { path, onEnd }: WaitingSnapshot, error: unknown): void {
    try {
      if (error !== null) throw error ?? new Error("it was aborted");
      this.#place(temporary, path);
    } catch (problem) {
      return this.#failed({ path, onEnd }, problem);
    }
    onEnd(null);
  }

  #failed({ path, onEnd }: WaitingSnapshot, error: unknown): void {
    this.context.engine.log.warning(`Readable snapshot ${path} could not be written: ${errorText(error)}`);
    onEnd(new ReplyError(`ERR The snapshot could not be written: ${errorText(error)}`));
  }

  /** Starts a snapshot that is due; called while no job runs. */
  startIfDue(): void {
    const { config, steadyMs } = this.context.engine, { snapshotInterval } = config.values;
    if (snapshotInterval > 0 && steadyMs - this.#lastMs >= snapshotInterval * 1000) {
      this.#lastMs = steadyMs;
      try {
        this.save(DEFAULT_SNAPSHOT, () => {});
      } catch (error) {
        if (!(error instanceof ReplyError)) throw error;
        this.context.engine.log.warning(error.text);
      }
    } else this.#startNext();
  }

  /**
   * Reads a snapshot into the databases. It is read to its end once before anything is changed.
   *
   * @param replace called in between: drops the present data
   * @returns how many keys it held. Throws ReplyError with all as it was
   */
  load(name: string, replace: () => void): number {
    return replying(() => {
      const { engine, files } = this.context;
      const bytes = readWhole(files, this.#pathOf(name));
      readJsonSnapshot(bytes, engine.limits, new CheckingTarget(engine.databases.length));
      replace();
      return readJsonSnapshot(bytes, engine.limits, new LoadingTarget(this.context));
    });
  }
}

/** Turns errors of a file into replies. */
function replying<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof FileError || error instanceof JsonSnapshotError) {
      throw new ReplyError(`ERR ${error.message}`);
    }
    throw error;
  }
}

/** Notices faults that only show between keys. */
class CheckingTarget implements JsonTarget {
  readonly #seen: Set<string>[] = [];

  constructor(readonly databaseCount: number) {}

  library(_code: string): void {}

  key(databaseId: number, key: string): void {
    if (databaseId >= this.databaseCount) {
      throw new JsonSnapshotError(
        `The snapshot has keys of database ${databaseId}, which does not exist here`,
      );
    }
    const seen = this.#seen[databaseId] ??= new Set();
    if (seen.has(key)) throw new JsonSnapshotError("The snapshot has a key twice");
    seen.add(key);
  }
}

class LoadingTarget implements JsonTarget {
  constructor(readonly context: SaveContext) {}

  library(code: string): void {
    const problem = this.context.extras.loadLibrary(code);
    if (problem !== null) this.context.engine.log.warning(`Failed loading library, ${problem}`);
  }

  key(databaseId: number, text: string, value: string | CollectionValue, expiresAtMs: Moment): void {
    const { engine } = this.context, key = Key.of(text), database = engine.databases[databaseId]!;
    if (expiresAtMs >= 0 && expiresAtMs <= engine.nowMs) return;
    const options = { expiresAtMs: expiresAtMs < 0 ? NO_EXPIRY : expiresAtMs, clock: engine.keys.freshClock };
    if (typeof value === "string") database.setString(key, 0, bytesOf(value), 0, value.length, options);
    else database.setCollection(key, 0, value, options);
  }
}
