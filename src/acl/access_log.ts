/** The log of denials: ACL LOG. A denial that soon repeats is counted instead of listed again. */

/** Denials of the same kind no further apart than this form one entry, milliseconds. */
const GROUP_WITHIN_MS = 60_000;
/** Number of newest entries searched for one to count up. */
const LOOK_BACK = 10;

/** A denial: the object, the user and the circumstances. */
export interface AccessEvent {
  readonly reason: "command" | "key" | "channel" | "auth";
  readonly context: "toplevel" | "multi" | "lua";
  /** The command, key or channel. */
  readonly object: string;
  readonly userName: string;
  /** The client, as CLIENT INFO shows it. */
  readonly clientInfo: string;
  readonly atMs: number;
}

/** An event and its number of occurrences; the client and the time are those of the last one. */
export interface AccessLogEntry extends AccessEvent {
  /** Number of the entry, counted from the start of the server. */
  readonly id: number;
  readonly createdAtMs: number;
  readonly count: number;
}

/** See the head of this file. */
export class AccessLog {
  /** The newest first. */
  #entries: AccessLogEntry[] = [];
  #nextId = 0;

  get length(): number {
    return this.#entries.length;
  }

  /** The newest entries, newest first. */
  newest(count: number): readonly AccessLogEntry[] {
    return this.#entries.slice(0, count);
  }

  clear(): void {
    this.#entries = [];
  }

  /** @param maxLength entries kept */
  add(event: AccessEvent, maxLength: number): void {
    const at = this.#entries.findIndex((entry, i) => i < LOOK_BACK && isSame(entry, event));
    const [known] = at < 0 ? [] : this.#entries.splice(at, 1);
    const { id, createdAtMs, count } = known ?? { id: this.#nextId++, createdAtMs: event.atMs, count: 0 };
    this.#entries.unshift({ ...event, id, createdAtMs, count: count + 1 });
    if (known === undefined && this.#entries.length > maxLength) this.#entries.length = maxLength;
  }
}

function isSame(a: AccessEvent, b: AccessEvent): boolean {
  return a.reason === b.reason && a.context === b.context && a.object === b.object &&
    a.userName === b.userName && Math.abs(a.atMs - b.atMs) <= GROUP_WITHIN_MS;
}
