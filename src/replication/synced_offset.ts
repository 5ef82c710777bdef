/**
 * Up to where a replica's copy of the stream is on its own disk. The append only file counts changes, the stream bytes:
 * now and then it is noted which count goes with which offset, and when so many changes are on the disk, so is that offset.
 */

/** What is to be known of the append only file. */
export interface ChangeCounts {
  readonly position: number;
  readonly durablePosition: number;
}

/** See the head of this file. */
export class SyncedOffset {
  /** Oldest first, both numbers growing. */
  #marks: { position: number; offset: number }[] = [];
  #offset = -1;

  constructor(readonly counts: ChangeCounts) {}

  /** All of the stream up to `offset` has been run. */
  mark(offset: number): void {
    const last = this.#marks.at(-1), { position } = this.counts;
    if (last?.position === position) last.offset = offset;
    else this.#marks.push({ position, offset });
  }

  /** The offset, or -1 while none is known. */
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
