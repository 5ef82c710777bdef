/** Ports: the rooms above the engine implement these interfaces and hand themselves over. */
import type { ReplyError } from "../protocol/errors.ts";

/** The operator's log. */
export interface EngineLog {
  debug(text: string): void;
  verbose(text: string): void;
  notice(text: string): void;
  warning(text: string): void;
}

/** Options of SHUTDOWN. */
export interface ShutdownOptions {
  /** Saves a snapshot: always, never, or (undefined) if save points are configured. */
  save?: boolean;
  /** Ends the server although its data could not be saved. */
  force: boolean;
  /** Waits for no replica. */
  now: boolean;
}

/** The life of the process, as the server around the engine controls it. */
export interface ServerControl {
  /** Ends the server, soon; false if its data could not be made safe. */
  shutDown(options: ShutdownOptions): boolean;
  /** Cancels a shutdown that has not begun; false if there is none. */
  abortShutdown(): boolean;
  /**
   * End of the wait of a server that is to end for its replicas, `Engine.steadyMs`; 0 if it is not
   * to end.
   */
  readonly shutdownDueMs: number;
  /** Logs the reason and ends the process at once, with nothing saved. */
  crash(reason: string): void;
}

/** Stands in for a server: an engine by itself cannot end. */
export const noServer: ServerControl = {
  shutDown: () => false,
  abortShutdown: () => false,
  shutdownDueMs: 0,
  crash: (reason) => {
    throw new Error(reason);
  },
};

/** The state of the disk, as far as writes depend on it. */
export interface DiskState {
  /** The error for writes while the data cannot be written, or null. */
  readonly diskError: ReplyError | null;
}

/**
 * The persistence as commands use it; the persistence implements this. All methods throw ReplyError
 * where they refuse.
 */
export interface PersistenceControl extends DiskState {
  /** SAVE: writes the RDB file before it returns. */
  save(): void;
  /**
   * BGSAVE: begins to write the RDB file in the background, or will.
   *
   * @param mayWait whether it may be put off until another background job has ended
   * @param insideUnit the command is part of a transaction or a script: it is postponed until that
   * has ended
   * @returns the status to reply
   */
  saveInBackground(mayWait: boolean, insideUnit: boolean): string;
  /** BGREWRITEAOF; as {@linkcode PersistenceControl.saveInBackground}. */
  rewriteAppendOnlyFile(insideUnit: boolean): string;
  /** Time of the last save, in seconds since the epoch. */
  readonly lastSaveSeconds: number;
  /**
   * DEBUG RELOAD: saves, forgets and loads the data.
   *
   * @param options `save`: write the file first; `flush`: drop the present data; `merge`: keys of
   * the file win
   */
  reload(options: { save: boolean; flush: boolean; merge: boolean }): void;
  /** DEBUG LOADAOF: forgets the data and loads the append-only file. */
  reloadAppendOnlyFile(): void;
  /**
   * SNAPSHOT: writes all data as JSON to a file in the data directory, beside the server's work.
   *
   * @param name the file, or the usual one
   * @param onEnd called in a later turn, with why it failed or null
   */
  saveReadable(name: string | undefined, onEnd: (error: ReplyError | null) => void): void;
  /** The same before it returns. */
  saveReadableNow(name: string | undefined): void;
  /** SNAPSHOT LOAD: replaces all data by that of such a file. Returns how many keys it held. */
  loadReadable(name: string): number;
  /**
   * Number of background jobs begun since the start: INFO's total_forks, although nothing forks.
   */
  readonly jobsBegun: number;
  /** Bytes that wait to be written to the append-only file. */
  readonly pendingBytes: number;
  /** The fields of INFO's section on persistence, in Redis's order. */
  infoFields(): [name: string, value: string | number][];
}
