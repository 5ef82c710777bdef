/**
 * MIGRATE's connections to other servers. They are kept for ten seconds after their last use, since
 * keys are mostly migrated one after another. Replies are single lines: AUTH, SELECT and RESTORE
 * answer with nothing else.
 */
import type { Engine } from "../engine/engine.ts";
import { latin1 } from "../util/bytes.ts";

const KEPT_MS = 10_000;
const LARGEST_CACHE = 64;
const REPLY_BYTES = 4096;

/** A connection failed or was too slow. */
export class LinkError extends Error {
  override name = "LinkError";

  /**
   * @param step the step that failed
   * @param isForbidden true if the process was started without permission for it
   */
  constructor(readonly step: "connecting" | "writing" | "reading", readonly isForbidden = false) {
    super(`error or timeout ${step}`);
  }
}

/**
 * A time limit that several steps share. It runs on the steady clock, so setting the machine's
 * clock does not move it.
 */
export class Deadline {
  readonly #atMs: number;

  constructor(readonly engine: Pick<Engine, "steadyMs">, timeoutMs: number) {
    this.#atMs = engine.steadyMs + timeoutMs;
  }

  /** Milliseconds that are left; 0 once it is over. */
  get leftMs(): number {
    return Math.max(0, this.#atMs - this.engine.steadyMs);
  }
}

/** Waits for `work` until `deadline` at most. */
async function within<T>(work: Promise<T>, deadline: Deadline, step: LinkError["step"]): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LinkError(step)), deadline.leftMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } catch (error) {
    throw new LinkError(step, error instanceof Deno.errors.NotCapable);
  } finally {
    clearTimeout(timer);
  }
}

/** One connection to another server. */
export class MigrateLink {
  /** The database last selected there. */
  databaseId = 0;
  #received = "";
  readonly #buffer = new Uint8Array(REPLY_BYTES);

  constructor(readonly conn: Deno.Conn) {}

  /** Sends `bytes`. Throws {@linkcode LinkError}. */
  async write(bytes: Uint8Array, deadline: Deadline): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await within(this.conn.write(bytes.subarray(sent)), deadline, "writing");
    }
  }

  /** The next reply, without its line end. Throws {@linkcode LinkError}. */
  async readLine(deadline: Deadline): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#received.slice(0, end);
        this.#received = this.#received.slice(end + 2);
        return line;
      }
      const count = await within(this.conn.read(this.#buffer), deadline, "reading");
      if (count === null) throw new LinkError("reading");
      this.#received += latin1(this.#buffer, 0, count);
    }
  }

  close(): void {
    try {
      this.conn.close();
    } catch {
      // The other side has already closed it.
    }
  }
}

/** The links of one server. */
export class MigrateLinks {
  readonly #kept = new Map<string, { link: MigrateLink; timer: ReturnType<typeof setTimeout> }>();

  /** Number of kept connections. */
  get size(): number {
    return this.#kept.size;
  }

  /** A link to `hostname:port`, a kept one if possible. Throws {@linkcode LinkError}. */
  async open(
    hostname: string,
    port: number,
    deadline: Deadline,
  ): Promise<{ link: MigrateLink; isFresh: boolean }> {
    const kept = this.#kept.get(`${hostname}:${port}`);
    if (kept !== undefined) {
      clearTimeout(kept.timer);
      this.#kept.delete(`${hostname}:${port}`);
      return { link: kept.link, isFresh: false };
    }
    const conn = await within(Deno.connect({ hostname, port }), deadline, "connecting");
    return { link: new MigrateLink(conn), isFresh: true };
  }

  /** Keeps an idle link for the next use. */
  keep(hostname: string, port: number, link: MigrateLink): void {
    const name = `${hostname}:${port}`;
    const oldest = this.#kept.size >= LARGEST_CACHE ? this.#kept.keys().next().value : undefined;
    for (const gone of [name, oldest]) if (gone !== undefined) this.#drop(gone);
    const timer = setTimeout(() => this.#drop(name), KEPT_MS);
    Deno.unrefTimer(timer);
    this.#kept.set(name, { link, timer });
  }

  #drop(name: string): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    clearTimeout(kept.timer);
    this.#kept.delete(name);
    kept.link.close();
  }
}

const byServer = new WeakMap<object, MigrateLinks>();

/** The links of the server that `engine` belongs to. */
export function migrateLinksOf(engine: object): MigrateLinks {
  let links = byServer.get(engine);
  if (links === undefined) byServer.set(engine, links = new MigrateLinks());
  return links;
}
