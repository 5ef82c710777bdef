import type { ReplyError } from "../protocol/errors.ts";

/** What commands ask of the persistence, which implements this. All methods throw ReplyError where they refuse. */
export interface PersistenceControl {
  /** SAVE: writes the RDB file before it returns. */
  save(): void;
  /**
   * BGSAVE: begins to write the RDB file in the background, or will.
   *
   * @param mayWait whether it may be put off until another background job has ended
   * @param insideUnit the command is part of a transaction or a script: it is put off until that has ended
   * @returns the status to reply
   */
  saveInBackground(mayWait: boolean, insideUnit: boolean): string;
  /** BGREWRITEAOF; as {@linkcode PersistenceControl.saveInBackground}. */
  rewriteAppendOnlyFile(insideUnit: boolean): string;
  /** When the data was last saved, in seconds since the epoch. */
  readonly lastSaveSeconds: number;
  /**
   * DEBUG RELOAD: saves, forgets and loads the data.
   *
   * @param options `save`: write the file first; `flush`: forget what is there; `merge`: keys of the file win
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
  /** How many background jobs have begun since the start: INFO's total_forks, although nothing forks. */
  readonly jobsBegun: number;
  /** The fields of INFO's section on persistence, in Redis's order. */
  infoFields(): [name: string, value: string | number][];
}
