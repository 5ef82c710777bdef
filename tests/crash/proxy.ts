/** A proxy between a replica and its primary that imitates a bad network. */
import { freePort } from "../support/oracle.ts";

/** See the head of this file. */
export class Proxy {
  readonly port: number = freePort();
  /** Largest number of bytes forwarded at once. */
  fragment = Infinity;
  /** Delay of each piece, milliseconds. */
  delayMs = 0;
  /** Number of bytes forwarded by all connections together before all of them break. */
  cutAfter = Infinity;
  #stalledUntilMs = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
  readonly #open = new Set<Deno.Conn>();

  /** @param target the current port of the server behind it */
  constructor(readonly target: () => number) {
    void this.#accept();
  }

  async #accept(): Promise<void> {
    for await (const near of this.#listener) void this.#join(near);
  }

  async #join(near: Deno.TcpConn): Promise<void> {
    this.#open.add(near);
    try {
      const far = await Deno.connect({ hostname: "127.0.0.1", port: this.target() });
      near.setNoDelay(true), far.setNoDelay(true);
      this.#open.add(far);
      await Promise.race([this.#pump(near, far), this.#pump(far, near)]);
      this.#close(far);
    } catch {
      // One of the two sides has gone.
    }
    this.#close(near);
  }

  async #pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(16_384);
    for (;;) {
      const count = await from.read(buffer).catch(() => null);
      if (count === null) return;
      for (let at = 0; at < count;) {
        await this.#wait();
        const end = Math.min(count, at + this.fragment, at + this.cutAfter);
        this.cutAfter -= end - at;
        while (at < end) at += await to.write(buffer.subarray(at, end));
        if (this.cutAfter <= 0) return this.cut();
      }
    }
  }

  async #wait(): Promise<void> {
    const ms = Math.max(this.delayMs, this.#stalledUntilMs - Date.now());
    if (ms > 0) await new Promise((resume) => setTimeout(resume, ms));
  }

  /** Forwards nothing for a while, in either direction. */
  stall(ms: number): void {
    this.#stalledUntilMs = Date.now() + ms;
  }

  /** Breaks all connections. */
  cut(): void {
    this.cutAfter = Infinity;
    for (const connection of this.#open) this.#close(connection);
  }

  /** Behaves as a good network from now on. */
  heal(): void {
    this.fragment = this.cutAfter = Infinity;
    this.delayMs = this.#stalledUntilMs = 0;
  }

  #close(connection: Deno.Conn): void {
    if (!this.#open.delete(connection)) return;
    try {
      connection.close();
    } catch {
      // The other side has already closed it.
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    this.cut();
  }
}
