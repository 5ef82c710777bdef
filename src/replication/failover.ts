/**
 * FAILOVER: a primary hands its role to one of its replicas without losing a write.
 *
 *     no-failover → waiting-for-sync → failover-in-progress → no-failover
 *                   (writers wait until  (follows the replica, whose
 *                   a replica has all)   PSYNC FAILOVER makes it a primary)
 *
 * Writers that waited are answered according to this server's role at the end: a replica, or a
 * primary as before if the other server refused or the time ran out.
 */
import type { PrimaryAddress } from "../config/special.ts";
import type { Engine } from "../engine/engine.ts";
import {
  FAILOVER_IN_PROGRESS,
  FORCE_NEEDS_MORE,
  NO_REPLICAS,
  NONE,
  ON_REPLICA,
  TARGET_NOT_READY,
  UNKNOWN_TARGET,
} from "../protocol/errors.ts";
import type { TakeOver } from "./follower.ts";
import type { PrimarySide } from "./primary.ts";
import type { Replica } from "./replica.ts";

/** The state as INFO shows it. */
export type FailoverState = "no-failover" | "waiting-for-sync" | "failover-in-progress";

/** The arguments of FAILOVER. */
export interface FailoverOrder {
  /** The chosen replica; null: the first one that has everything. */
  readonly target: PrimaryAddress | null;
  /** Time to wait for the replica; 0: no limit. */
  readonly timeoutMs: number;
  /** Goes ahead even if that time runs out. */
  readonly isForced: boolean;
}

/** The services a failover needs from the server's replication. */
export interface FailoverHost {
  readonly engine: Engine;
  readonly primary: PrimarySide;
  follow(address: PrimaryAddress): void;
  unfollow(): boolean;
}

function isAt(replica: Replica, { host, port }: PrimaryAddress): boolean {
  return replica.ip.toLowerCase() === host.toLowerCase() && replica.port === port;
}

/** See the head of this file. */
export class Failover implements TakeOver {
  state: FailoverState = "no-failover";
  #order: FailoverOrder = { target: null, timeoutMs: 0, isForced: false };
  #deadlineMs = Infinity;

  constructor(readonly host: FailoverHost) {}

  get isActive(): boolean {
    return this.state !== "no-failover";
  }

  get isHandingOver(): boolean {
    return this.state === "failover-in-progress";
  }

  /**
   * True while the stream must not grow: the replica would have to catch up again within the time
   * limit.
   */
  get holdsStream(): boolean {
    return this.state === "waiting-for-sync" && this.#deadlineMs < Infinity;
  }

  /** FAILOVER. Throws a {@linkcode ReplyError} with the reason if it cannot begin. */
  begin(order: FailoverOrder): void {
    const { engine, primary } = this.host, { target, timeoutMs, isForced } = order;
    if (this.isActive) throw FAILOVER_IN_PROGRESS;
    if (engine.isReplica) throw ON_REPLICA;
    if (primary.replicas.length === 0) throw NO_REPLICAS;
    if (isForced && (timeoutMs === 0 || target === null)) throw FORCE_NEEDS_MORE;
    if (target !== null) {
      const replica = primary.replicas.find((replica) => isAt(replica, target));
      if (replica === undefined) throw UNKNOWN_TARGET;
      if (replica.state !== "online") throw TARGET_NOT_READY;
    }
    this.#order = order;
    engine.log.notice(`FAILOVER requested to ${this.#targetName}.`);
    this.#deadlineMs = timeoutMs === 0 ? Infinity : engine.steadyMs + timeoutMs;
    this.state = "waiting-for-sync";
    engine.pause.start(Infinity, false, "failover");
  }

  get #targetName(): string {
    const { target } = this.#order;
    return target === null ? "any replica" : `${target.host}:${target.port}`;
  }

  /** FAILOVER ABORT. */
  abort(): void {
    if (!this.isActive) throw NONE;
    this.#giveUp("Failover manually aborted");
  }

  /** Goes ahead once a replica has everything, or the time is up. */
  check(): void {
    if (this.state !== "waiting-for-sync") return;
    const { engine, primary } = this.host, { target, isForced } = this.#order;
    if (engine.steadyMs >= this.#deadlineMs) {
      if (!isForced || target === null) return this.#giveUp("Replica never caught up before timeout");
      engine.log.notice(`FAILOVER to ${this.#targetName} time out exceeded, failing over.`);
      return this.#handOver(target);
    }
    const replica = primary.replicas.find((replica) =>
      (target === null || isAt(replica, target)) && primary.hasEverything(replica)
    );
    if (replica === undefined) return;
    const address = target ?? { host: replica.ip, port: replica.port };
    this.#order = { ...this.#order, target: address };
    engine.log.notice(`Failover target ${this.#targetName} is synced, failing over.`);
    this.#handOver(address);
  }

  #handOver(target: PrimaryAddress): void {
    this.state = "failover-in-progress";
    this.host.follow(target);
  }

  /** The replica has become the primary. */
  handedOver(): void {
    this.#clear();
    this.host.engine.endBatch();
  }

  /** The replica has not become the primary: this server resumes that role. */
  refused(): void {
    this.#giveUp("Failover target rejected psync request");
    this.host.engine.endBatch();
  }

  #giveUp(why: string): void {
    this.host.engine.log.notice(`FAILOVER to ${this.#targetName} aborted: ${why}`);
    if (this.isHandingOver) this.host.unfollow();
    this.#clear();
  }

  #clear(): void {
    this.state = "no-failover";
    this.#deadlineMs = Infinity;
    this.host.engine.pause.end("failover");
  }
}
