/**
 * Replication of one server: both sides of it, and which of them is at work.
 */
import type { Engine } from "../engine/engine.ts";
import type { DataStore } from "../persistence/data_store.ts";
import { PrimarySide } from "./primary.ts";

const SECOND_MS = 1000;

const replications = new WeakMap<Engine, Replication>();

export class Replication {
  readonly primary: PrimarySide;
  #nextSecondMs = 0;

  /** Use {@linkcode Replication.of}. */
  constructor(readonly engine: Engine) {
    this.primary = new PrimarySide(engine);
  }

  /** The replication of the server that `engine` belongs to. */
  static of(engine: Engine): Replication {
    let replication = replications.get(engine);
    if (replication === undefined) replications.set(engine, replication = new Replication(engine));
    return replication;
  }

  /** Connects it with the disk. */
  connect(store: DataStore): void {
    this.primary.connect(store);
    store.extras.replicationAux = () => this.#aux();
  }

  /** Facts for the head of an RDB file, by which a server can go on from it. */
  #aux(): [string, string][] {
    const { primary, engine } = this;
    if (!primary.stream.isActive) return [];
    return [
      ["repl-stream-db", String(primary.selected)],
      ["repl-id", engine.identity.replicationId],
      ["repl-offset", String(primary.stream.end)],
    ];
  }

  /** What is to be done now and then; to be called some times a second. Call `endBatch` afterwards. */
  tick(): void {
    const { nowMs } = this.engine;
    if (nowMs < this.#nextSecondMs) return;
    this.#nextSecondMs = nowMs + SECOND_MS;
    this.primary.everySecond(true);
  }
}
