/**
 * When the fields of one hash expire. Only a hash that has such fields holds one of these.
 *
 * A map gives each field's time; a binary heap of (time, field) pairs tells which comes next. A pair
 * whose time is no longer the field's is stale: it is dropped when it reaches the top, and all are
 * swept out when they outnumber the living, so that every operation takes O(log n) amortised.
 */
export class FieldExpiry {
  readonly #at = new Map<string, number>();
  #heapAt: number[] = [];
  #heapField: string[] = [];

  /** How many fields have a time. */
  get size(): number {
    return this.#at.size;
  }

  /** Bytes of heap, an estimate. */
  get memoryBytes(): number {
    return 200 + this.#at.size * 48 + this.#heapAt.length * 16;
  }

  /** When the next field expires, in milliseconds since the epoch; Infinity if none does. */
  get nextMs(): number {
    return this.#heapAt.length > 0 ? this.#heapAt[0]! : Infinity;
  }

  /** When `field` expires, in milliseconds since the epoch; Infinity if it does not. */
  get(field: string): number {
    return this.#at.get(field) ?? Infinity;
  }

  /** Lets `field` expire at `atMs`. The string is kept. */
  set(field: string, atMs: number): void {
    if (this.#at.get(field) === atMs) return;
    this.#at.set(field, atMs);
    this.#heapAt.push(atMs);
    this.#heapField.push(field);
    this.#siftUp(this.#heapAt.length - 1);
    this.#dropStale();
  }

  /** Lets `field` stay for good; tells whether it had a time. */
  delete(field: string): boolean {
    if (!this.#at.delete(field)) return false;
    this.#dropStale();
    return true;
  }

  /** Takes out the fields whose time is `nowMs` or earlier, at most `limit` of them, earliest first. */
  takeDue(nowMs: number, limit: number): string[] {
    const due: string[] = [];
    while (due.length < limit && this.nextMs <= nowMs) {
      const field = this.#heapField[0]!;
      this.#at.delete(field);
      due.push(field);
      this.#dropStale();
    }
    return due;
  }

  /** An independent copy. O(n). */
  copy(): FieldExpiry {
    const twin = new FieldExpiry();
    for (const [field, atMs] of this.#at) twin.set(field, atMs);
    return twin;
  }

  /** Makes the pair at the top a living one, and sweeps the heap when most of it is stale. */
  #dropStale(): void {
    while (this.#heapAt.length > 0 && this.#at.get(this.#heapField[0]!) !== this.#heapAt[0]) this.#popTop();
    if (this.#heapAt.length <= 2 * this.#at.size + 16) return;
    this.#heapAt = [...this.#at.values()];
    this.#heapField = [...this.#at.keys()];
    for (let i = (this.#heapAt.length >> 1) - 1; i >= 0; i--) this.#siftDown(i);
  }

  #popTop(): void {
    const atMs = this.#heapAt.pop()!, field = this.#heapField.pop()!;
    if (this.#heapAt.length === 0) return;
    this.#heapAt[0] = atMs;
    this.#heapField[0] = field;
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
    const atMs = this.#heapAt[i]!, field = this.#heapField[i]!;
    this.#heapAt[i] = this.#heapAt[j]!;
    this.#heapField[i] = this.#heapField[j]!;
    this.#heapAt[j] = atMs;
    this.#heapField[j] = field;
  }
}
