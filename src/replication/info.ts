/** What INFO tells of replication. */
import type { Engine } from "../engine/engine.ts";
import type { Replica } from "./replica.ts";
import { Replication } from "./replication.ts";

type Field = readonly [name: string, value: string | number];

function secondsSince(engine: Engine, ms: number): number {
  return Math.max(0, Math.floor((engine.clock.nowMs() - ms) / 1000));
}

function replicaField(engine: Engine, replica: Replica, index: number): Field {
  const { ip, port, stateText, ackedOffset, ackedAtMs, state } = replica;
  const lag = state === "online" ? secondsSince(engine, ackedAtMs) : 0;
  return [`slave${index}`, `ip=${ip},port=${port},state=${stateText},offset=${ackedOffset},lag=${lag}`];
}

/** The section on replication, in Redis's order. */
export function replicationFields(engine: Engine): Field[] {
  const { primary } = Replication.of(engine), { stream, replicas } = primary;
  const { minReplicasToWrite, minReplicasMaxLag, replBacklogSize } = engine.config.values;
  const countsGood = minReplicasToWrite > 0 && minReplicasMaxLag > 0;
  return [
    ["role", "master"],
    ["connected_slaves", replicas.length],
    ...(countsGood ? [["min_slaves_good_slaves", primary.goodReplicas] as const] : []),
    ...replicas.map((replica, index) => replicaField(engine, replica, index)),
    ["master_failover_state", "no-failover"],
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

/** Fields of the section on statistics. */
export function replicationStats(engine: Engine): Field[] {
  const { fullSyncs, partialSyncs, refusedPartialSyncs } = Replication.of(engine).primary;
  return [
    ["sync_full", fullSyncs],
    ["sync_partial_ok", partialSyncs],
    ["sync_partial_err", refusedPartialSyncs],
  ];
}

/** What of the stream is the backlog, and what is more, for replicas that lag; bytes. */
export function streamMemory(engine: Engine): { backlog: number; replicas: number; total: number } {
  const total = Replication.of(engine).primary.stream.memoryBytes;
  const backlog = Math.min(total, engine.config.values.replBacklogSize);
  return { backlog, replicas: total - backlog, total };
}
