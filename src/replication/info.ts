/** The replication fields of INFO. */
import type { Engine } from "../engine/engine.ts";
import type { DataTransfer } from "./data_transfer.ts";
import type { Replica } from "./replica.ts";
import { Replication } from "./replication.ts";

type Field = readonly [name: string, value: string | number];

/** @param ms a time of `engine.steadyMs` */
function secondsSince(engine: Engine, ms: number): number {
  return Math.floor((engine.steadyMs - ms) / 1000);
}

function replicaField(engine: Engine, replica: Replica, index: number): Field {
  const { ip, port, stateText, ackedOffset, ackedAtMs, state } = replica;
  const lag = state === "online" ? secondsSince(engine, ackedAtMs) : 0;
  return [`slave${index}`, `ip=${ip},port=${port},state=${stateText},offset=${ackedOffset},lag=${lag}`];
}

function followerFields(engine: Engine): Field[] {
  const { follower, primary } = Replication.of(engine),
    { primaryClient, transfer, state, lostAtMs } = follower;
  const { replicaPriority, replicaReadOnly, replicaAnnounced } = engine.config.values;
  return [
    ["master_host", follower.address?.host ?? ""],
    ["master_port", follower.address?.port ?? 0],
    ["master_link_status", state === "connected" ? "up" : "down"],
    [
      "master_last_io_seconds_ago",
      primaryClient === null ? -1 : secondsSince(engine, primaryClient.link.movedAtMs),
    ],
    ["master_sync_in_progress", state === "sync" ? 1 : 0],
    ["slave_read_repl_offset", primaryClient?.readOffset ?? primary.stream.end],
    ["slave_repl_offset", primary.stream.end],
    ...(transfer === null ? [] : transferFields(engine, transfer)),
    ...(state === "connected"
      ? []
      : [["master_link_down_since_seconds", lostAtMs > 0 ? secondsSince(engine, lostAtMs) : -1] as const]),
    ["slave_priority", replicaPriority],
    ["slave_read_only", replicaReadOnly ? 1 : 0],
    ["replica_announced", replicaAnnounced ? 1 : 0],
  ];
}

function transferFields(engine: Engine, { totalBytes, receivedBytes, link }: DataTransfer): Field[] {
  return [
    ["master_sync_total_bytes", totalBytes],
    ["master_sync_read_bytes", receivedBytes],
    ["master_sync_left_bytes", totalBytes - receivedBytes],
    ["master_sync_perc", (totalBytes === 0 ? 0 : receivedBytes * 100 / totalBytes).toFixed(2)],
    ["master_sync_last_io_seconds_ago", secondsSince(engine, link.movedAtMs)],
  ];
}

/** The replication section, in Redis's order. */
export function replicationFields(engine: Engine): Field[] {
  const { primary, failover } = Replication.of(engine), { stream, replicas } = primary;
  const { minReplicasToWrite, minReplicasMaxLag, replBacklogSize } = engine.config.values;
  const countsGood = minReplicasToWrite > 0 && minReplicasMaxLag > 0;
  return [
    ["role", engine.isReplica ? "slave" : "master"],
    ...(engine.isReplica ? followerFields(engine) : []),
    ["connected_slaves", replicas.length],
    ...(countsGood ? [["min_slaves_good_slaves", primary.goodReplicas] as const] : []),
    ...replicas.map((replica, index) => replicaField(engine, replica, index)),
    ["master_failover_state", failover.state],
    ["master_replid", engine.identity.replicationId],
    ["master_replid2", engine.identity.previousReplicationId],
    ["master_repl_offset", stream.end],
    ["second_repl_offset", primary.secondOffset],
    ["repl_backlog_active", stream.isActive ? 1 : 0],
    ["repl_backlog_size", replBacklogSize],
    ["repl_backlog_first_byte_offset", stream.isActive ? stream.first + 1 : 0],
    ["repl_backlog_histlen", stream.isActive ? stream.length : 0],
  ];
}

/** Replication's fields in the statistics section. */
export function replicationStats(engine: Engine): Field[] {
  const { fullSyncs, partialSyncs, refusedPartialSyncs } = Replication.of(engine).primary;
  return [
    ["sync_full", fullSyncs],
    ["sync_partial_ok", partialSyncs],
    ["sync_partial_err", refusedPartialSyncs],
  ];
}

/** Bytes of the stream that form the backlog, and bytes beyond it, kept for replicas that lag. */
export function streamMemory(engine: Engine): { backlog: number; replicas: number; total: number } {
  const { stream, replicas } = Replication.of(engine).primary, total = stream.memoryBytes;
  const backlog = replicas.length === 0 ? total : Math.min(total, engine.config.values.replBacklogSize);
  return { backlog, replicas: total - backlog, total };
}
