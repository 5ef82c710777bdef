/**
 * The position up to which a replica's copy of the stream is on its own disk. The append only file
 * counts changes, the stream bytes: at intervals the pair is noted, and once that many changes are
 * on disk, so is that offset.
 */

/** The counts needed from the append only file. */
export interface ChangeCounts {
  readonly position: number;
  readonly durablePosition: number;
}

/** See the head of this file. */
export class SyncedOffset {
  /** Oldest first; both numbers increase. */
  #marks: { position: number; offset: number }[] = [];
  #offset = -1;

  constructor(readonly counts: ChangeCounts) {}

  /** Notes that the stream up to `offset` has been run. */
  mark(offset: number): void {
    const last = this.#marks.at(-1), { position } = this.counts;
    if (last?.position === position) last.offset = offset;
    else this.#marks.push({ position, offset });
  }

  /** The offset, or -1 if none is known yet. */
  get offset(): number {
    const { durablePosition } = this.counts;
    for (let first = this.#marks[0]; first !== undefined && first.position <= durablePosition;) {
      this.#offset = first.offset;
      this.#marks.shift();
      first = this.#marks[0];
    }
    return this.#offset;
  }
}
