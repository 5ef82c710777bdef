/** Two in-process servers, one following the other over a connection that tests can cut. */
import type { LinkConnection } from "../../src/replication/link.ts";
import { Replication } from "../../src/replication/replication.ts";
import { bytesOf } from "../../src/util/bytes.ts";
import { StoreServer } from "./data_store.ts";
import type { InProcessClient } from "./in_process.ts";
import { SimulatedFiles } from "./simulated_files.ts";

/** A connection between two in-process servers. */
class Pipe implements LinkConnection {
  /** Bytes on their way to the connecting side. */
  #bytes = "";
  #wake: (() => void) | null = null;
  #isClosed = false;
  /** Largest number of bytes delivered before the connection breaks. */
  limit = Infinity;

  constructor(readonly client: InProcessClient) {}

  /** Fetches the server's output. */
  pump(): void {
    for (let bytes = "-"; bytes !== ""; this.#bytes += bytes) {
      this.client.flush();
      bytes = this.client.takeBytes();
    }
    if (this.#bytes !== "" || this.client.closed) this.#rouse();
  }

  #rouse(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  async read(into: Uint8Array): Promise<number | null> {
    this.pump();
    while (this.#bytes === "" && !this.#isClosed && !this.client.closed) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const count = Math.min(into.length, this.#bytes.length, this.limit);
    if (count === 0 || this.#isClosed) return null;
    this.limit -= count;
    into.set(bytesOf(this.#bytes.slice(0, count)));
    this.#bytes = this.#bytes.slice(count);
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    this.#bytes += this.client.raw(bytes);
    this.#rouse();
    return Promise.resolve(bytes.length);
  }

  close(): void {
    this.#isClosed = true;
    if (!this.client.closed) this.client.close(false);
    this.#rouse();
  }
}

/**
 * A primary and its replica, each with a disk of its own. If they change roles, the connection is
 * reversed.
 */
export class ReplicatedServers {
  #pipe: Pipe | null = null;
  #back: Pipe | null = null;
  /** Number of bytes the next connection delivers before it breaks. */
  limit = Infinity;

  private constructor(readonly primary: StoreServer, readonly replica: StoreServer) {
    for (const server of [primary, replica]) Replication.of(server.engine).connect(server.store);
    // Both are seeded alike, but must not be the same server.
    replica.engine.identity.changeReplicationId();
    Replication.of(replica.engine).follower.connect = () => {
      this.#pipe = new Pipe(primary.client());
      this.#pipe.limit = this.limit;
      this.limit = Infinity;
      return Promise.resolve(this.#pipe);
    };
    Replication.of(primary.engine).follower.connect = () =>
      Promise.resolve(this.#back = new Pipe(replica.client()));
  }

  static async start(
    configs: { primary?: Record<string, string>; replica?: Record<string, string> } = {},
  ): Promise<ReplicatedServers> {
    const settings = { "repl-diskless-sync-delay": "0" };
    return new ReplicatedServers(
      await StoreServer.start(new SimulatedFiles(), { ...settings, ...configs.primary }),
      await StoreServer.start(new SimulatedFiles(), { ...settings, ...configs.replica }),
    );
  }

  /** Completes everything that is under way. */
  async settle(): Promise<void> {
    for (let i = 0; i < 8; i++) {
      this.#pipe?.pump();
      this.#back?.pump();
      await this.primary.finishJobs();
      await this.replica.finishJobs();
    }
  }

  /** One second of both servers' work beside commands. */
  async second(): Promise<void> {
    for (const server of [this.primary, this.replica]) {
      server.advance(1000);
      Replication.of(server.engine).tick();
      server.engine.endBatch();
    }
    await this.settle();
  }

  /** Breaks the connection, on the primary's side. */
  cut(): void {
    this.#pipe?.client.close(false);
    this.#pipe?.pump();
  }
}
