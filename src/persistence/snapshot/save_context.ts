/** State shared by all writers of snapshots of an engine's data. */
import type { Engine } from "../../engine/engine.ts";
import { idleSeconds, lfuCounter, parsePolicy } from "../../keyspace/eviction.ts";
import { REDIS_VERSION } from "../../util/version.ts";
import { type FileSystem, joinPath } from "../files.ts";
import type { SnapshotJobs } from "./snapshot_jobs.ts";
import type { RdbFacts } from "../rdb/rdb_writer.ts";
import { RdbWriter } from "../rdb/rdb_writer.ts";
import { type ClockReader, noClocks } from "./snapshot.ts";

/** Data that other parts of the server put into snapshots and take from them. */
export interface SnapshotExtras {
  /** The code of all function libraries. */
  libraries: () => readonly string[];
  /** Loads a function library, over one of the same name if it may; returns why it cannot, or null. */
  loadLibrary: (code: string, mayReplace?: boolean) => string | null;
  /** Forgets all function libraries, before a file is loaded. */
  dropLibraries: () => void;
  /** Facts about replication for the head of an RDB file. */
  replicationAux: () => readonly (readonly [string, string])[];
  /** A fact from the head of an RDB file that is loaded. */
  onAux: (name: string, value: string) => void;
  /** Called for a key of a file that was left out because it has expired. */
  onExpired: (databaseId: number, key: string) => void;
  /** Other data have taken the place of these, and no command tells of it. */
  onReplaced: () => void;
}

/** See the head of this file. */
export class SaveContext {
  readonly extras: SnapshotExtras = {
    libraries: () => [],
    loadLibrary: () => null,
    dropLibraries: () => {},
    replicationAux: () => [],
    onAux: () => {},
    onExpired: () => {},
    onReplaced: () => {},
  };

  /** @param pid names temporary files */
  constructor(
    readonly engine: Engine,
    readonly files: FileSystem,
    readonly jobs: SnapshotJobs,
    readonly pid: number,
  ) {}

  /** Path of a file of the data directory. */
  pathOf(name: string): string {
    return joinPath(this.engine.config.values.dir, name);
  }

  /** A writer for an RDB file of the present data. @param withLibraries function libraries too */
  rdbWriter(isAofBase: boolean, withLibraries = true): RdbWriter {
    const { engine, extras } = this, { rdbcompression, rdbchecksum } = engine.config.values;
    const facts: RdbFacts = {
      aux: [
        ["redis-ver", REDIS_VERSION],
        ["redis-bits", "64"],
        ["ctime", String(Math.floor(engine.clock.nowMs() / 1000))],
        ["used-mem", String(engine.memory.usedBytes)],
        ...extras.replicationAux(),
        ["aof-base", isAofBase ? "1" : "0"],
      ],
      libraries: withLibraries ? extras.libraries() : [],
      hasFieldExpiry: engine.databases.some((database) => database.partExpiry.size > 0),
      compress: rdbcompression,
      checksum: rdbchecksum,
    };
    return new RdbWriter(facts);
  }

  /** Reader of the access clocks to save under the present policy. */
  clocks(): ClockReader {
    const { maxmemoryPolicy, lfuDecayTime } = this.engine.config.values;
    const nowMs = this.engine.clock.nowMs();
    switch (parsePolicy(maxmemoryPolicy).order) {
      case "lru":
        return { idleSeconds: (clock) => idleSeconds(clock, nowMs), frequency: () => -1 };
      case "lfu":
        return { idleSeconds: () => -1, frequency: (clock) => lfuCounter(clock, nowMs, lfuDecayTime) };
      default:
        return noClocks;
    }
  }

  /** Puts a finished temporary file into its place in the data directory. Throws FileError. */
  moveIntoPlace(temporary: string, name: string): void {
    this.files.renameSync(temporary, this.pathOf(name));
    this.files.syncDirSync(this.engine.config.values.dir);
  }
}
