/**
 * Names and the times at which they expire, with the next one always at hand: the fields of one hash, or
 * the keys of a database whose values have parts that expire.
 *
 * A map gives each name's time; a binary heap of (time, name) pairs tells which comes next. A pair
 * whose time is no longer the name's is stale: it is dropped when it reaches the top, and all are
 * swept out when they outnumber the living, so that every operation takes O(log n) amortised.
 */
export class ExpiryQueue {
  readonly #at = new Map<string, number>();
  #heapAt: number[] = [];
  #heapName: string[] = [];

  /** How many names have a time. */
  get size(): number {
    return this.#at.size;
  }

  /** Bytes of heap, an estimate. */
  get memoryBytes(): number {
    return 200 + this.#at.size * 48 + this.#heapAt.length * 16;
  }

  /** When the next name expires, in milliseconds since the epoch; Infinity if none does. */
  get nextMs(): number {
    return this.#heapAt.length > 0 ? this.#heapAt[0]! : Infinity;
  }

  /** When `name` expires, in milliseconds since the epoch; Infinity if it does not. */
  get(name: string): number {
    return this.#at.get(name) ?? Infinity;
  }

  /** Lets `name` expire at `atMs`. The string is kept. */
  set(name: string, atMs: number): void {
    if (this.#at.get(name) === atMs) return;
    this.#at.set(name, atMs);
    this.#heapAt.push(atMs);
    this.#heapName.push(name);
    this.#siftUp(this.#heapAt.length - 1);
    this.#dropStale();
  }

  /** Takes out `name`; tells whether it was there. */
  delete(name: string): boolean {
    if (!this.#at.delete(name)) return false;
    this.#dropStale();
    return true;
  }

  /** Takes out the names whose time is `nowMs` or earlier, at most `limit` of them, the earliest first. */
  takeDue(nowMs: number, limit: number): string[] {
    const due: string[] = [];
    while (due.length < limit && this.nextMs <= nowMs) {
      const name = this.#heapName[0]!;
      this.#at.delete(name);
      due.push(name);
      this.#dropStale();
    }
    return due;
  }

  /** Takes out all names. */
  clear(): void {
    this.#at.clear();
    this.#heapAt = [];
    this.#heapName = [];
  }

  /** An independent copy. O(n). */
  copy(): ExpiryQueue {
    const twin = new ExpiryQueue();
    for (const [name, atMs] of this.#at) twin.set(name, atMs);
    return twin;
  }

  /** Makes the pair at the top a living one, and sweeps the heap when most of it is stale. */
  #dropStale(): void {
    while (this.#heapAt.length > 0 && this.#at.get(this.#heapName[0]!) !== this.#heapAt[0]) this.#popTop();
    if (this.#heapAt.length <= 2 * this.#at.size + 16) return;
    this.#heapAt = [...this.#at.values()];
    this.#heapName = [...this.#at.keys()];
    for (let i = (this.#heapAt.length >> 1) - 1; i >= 0; i--) this.#siftDown(i);
  }

  #popTop(): void {
    const atMs = this.#heapAt.pop()!, name = this.#heapName.pop()!;
    if (this.#heapAt.length === 0) return;
    this.#heapAt[0] = atMs;
    this.#heapName[0] = name;
    this.#siftDown(0);
  }

  #siftUp(i: number): void {
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.#heapAt[parent]! <= this.#heapAt[i]!) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  #siftDown(i: number): void {
    const at = this.#heapAt, length = at.length;
    for (;;) {
      let least = i;
      const left = 2 * i + 1, right = left + 1;
      if (left < length && at[left]! < at[least]!) least = left;
      if (right < length && at[right]! < at[least]!) least = right;
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }

  #swap(i: number, j: number): void {
    const atMs = this.#heapAt[i]!, name = this.#heapName[i]!;
    this.#heapAt[i] = this.#heapAt[j]!;
    this.#heapName[i] = this.#heapName[j]!;
    this.#heapAt[j] = atMs;
    this.#heapName[j] = name;
  }
}
