/**
 * The fields of INFO, section by section. They keep redis-server's names and order; fields without
 * meaning here (forks, defragmentation, cluster links) are 0, as in redis-server while unused.
 */
import { replicationStats, streamMemory } from "../../replication/info.ts";
import { migrateLinksOf } from "../../replication/migrate_links.ts";
import { Replication } from "../../replication/replication.ts";
import process from "node:process";
import { ClientFlag } from "../../engine/client.ts";
import type { Command } from "../../engine/command.ts";
import type { Engine } from "../../engine/engine.ts";
import { lruClock } from "../../keyspace/eviction.ts";
import { memoryReport, percentOf, ratio } from "../../engine/memory_report.ts";
import { type Database, timeLeft } from "../../keyspace/database.ts";
import { Scripting } from "../../scripting/scripting.ts";
import { REDENO_VERSION, REDIS_VERSION } from "../../util/version.ts";

/** A line of INFO: `name:value`. */
export type InfoField = readonly [name: string, value: string | number];

const DAY_SECONDS = 86_400;

/** Queries the machine, with a fallback if the process lacks the permission. */
function ifAllowed<T>(ask: () => T, otherwise: T): T {
  try {
    return ask();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return otherwise;
    throw error;
  }
}

const osName = ifAllowed(() => `Linux ${Deno.osRelease()} ${Deno.build.arch}`, `Linux ${Deno.build.arch}`);
const machineMemory = ifAllowed(() => Deno.systemMemoryInfo().total, 0);
const executable = ifAllowed(() => Deno.execPath(), "");

/** Bytes as `919.20K`. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  let value = bytes;
  for (const unit of ["K", "M", "G", "T"]) {
    value /= 1024;
    if (value < 1024) return `${value.toFixed(2)}${unit}`;
  }
  return `${(value / 1024).toFixed(2)}P`;
}

/** The fields of INFO's section Server. */
export function serverFields(engine: Engine): InfoField[] {
  const { values, filePath } = engine.config;
  const nowMs = engine.clock.nowMs();
  const uptime = Math.max(0, Math.floor((nowMs - engine.identity.startedAtMs) / 1000));
  return [
    ["redis_version", REDIS_VERSION],
    ["redis_git_sha1", "00000000"],
    ["redis_git_dirty", 0],
    ["redis_build_id", "0"],
    ["redis_mode", "standalone"],
    ["server_name", "redeno"],
    ["redeno_version", REDENO_VERSION],
    ["deno_version", Deno.version.deno],
    ["v8_version", Deno.version.v8],
    ["os", osName],
    ["arch_bits", 64],
    ["monotonic_clock", "performance.now"],
    ["multiplexing_api", "epoll"],
    ["process_id", Deno.pid],
    ["process_supervised", "no"],
    ["run_id", engine.identity.runId],
    ["tcp_port", values.port],
    ["server_time_usec", engine.clock.nowUs()],
    ["uptime_in_seconds", uptime],
    ["uptime_in_days", Math.floor(uptime / DAY_SECONDS)],
    ["hz", values.hz],
    ["configured_hz", values.hz],
    ["lru_clock", lruClock(nowMs)],
    ["executable", executable],
    ["config_file", filePath],
    ["io_threads_active", 0],
    ...listenerFields(engine),
    ...(engine.server.shutdownDueMs === 0
      ? []
      : [["shutdown_in_milliseconds", Math.max(0, engine.server.shutdownDueMs - engine.steadyMs)] as const]),
  ];
}

function listenerFields({ config: { values } }: Engine): InfoField[] {
  const bind = values.bind.map((address) => `bind=${address}`).join(",");
  const listeners = [];
  if (values.port > 0) listeners.push(`name=tcp,${bind},port=${values.port}`);
  if (values.unixsocket !== "") listeners.push(`name=unix,bind=${values.unixsocket}`);
  if (values.tlsPort > 0) listeners.push(`name=tls,${bind},port=${values.tlsPort}`);
  return listeners.map((text, i) => [`listener${i}`, text]);
}

/** Keys whose deletion wakes a client. */
function keysWaitedForToGo(engine: Engine): number {
  const names = new Set<string>();
  for (const { blocked, databaseId } of engine.waiting.all) {
    if (blocked === null || !blocked.wakesWhenGone) continue;
    for (const key of blocked.keys) names.add(`${databaseId}:${key}`);
  }
  return names.size;
}

/** The fields of INFO's section Clients. */
export function clientFields(engine: Engine): InfoField[] {
  let connected = 0, pubsub = 0, watching = 0, input = 0, output = 0;
  for (const client of engine.clients.values()) {
    if (!client.has(ClientFlag.Replica)) connected++;
    if (client.has(ClientFlag.PubSub)) pubsub++;
    if (client.watched !== null && client.watched.size > 0) watching++;
    input = Math.max(input, client.transport.queryCapacity);
    output = Math.max(output, client.transport.outputBytes);
  }
  return [
    ["connected_clients", connected],
    ["cluster_connections", 0],
    ["maxclients", engine.config.values.maxclients],
    ["client_recent_max_input_buffer", input],
    ["client_recent_max_output_buffer", output],
    ["blocked_clients", engine.waiting.all.size],
    ["tracking_clients", engine.tracking.clientCount],
    ["pubsub_clients", pubsub],
    ["watching_clients", watching],
    ["clients_in_timeout_table", engine.waiting.deadlineCount],
    ["total_watched_keys", engine.watchers.keyCount],
    ["total_blocking_keys", engine.waiting.keyCount],
    ["total_blocking_keys_on_nokey", keysWaitedForToGo(engine)],
  ];
}

function scriptMemoryFields(engine: Engine): InfoField[] {
  const { memory, scripts, libraries } = Scripting.of(engine);
  const { evalMachine, functionMachine } = memory;
  const machines = evalMachine + functionMachine, texts = memory.scripts + memory.libraries;
  return [
    ["used_memory_lua", evalMachine],
    ["used_memory_vm_eval", evalMachine],
    ["used_memory_lua_human", humanBytes(evalMachine)],
    ["used_memory_scripts_eval", memory.scripts],
    ["number_of_cached_scripts", scripts.size],
    ["number_of_functions", libraries.functionCount],
    ["number_of_libraries", libraries.count],
    ["used_memory_vm_functions", functionMachine],
    ["used_memory_vm_total", machines],
    ["used_memory_vm_total_human", humanBytes(machines)],
    ["used_memory_functions", memory.libraries],
    ["used_memory_scripts", texts],
    ["used_memory_scripts_human", humanBytes(texts)],
  ];
}

/** The fields of INFO's section Memory. */
export function memoryFields(engine: Engine): InfoField[] {
  const report = memoryReport(engine);
  const { used, peak, resident, allocated, active } = report, stream = streamMemory(engine);
  const { maxmemory, maxmemoryPolicy } = engine.config.values;
  return [
    ["used_memory", used],
    ["used_memory_human", humanBytes(used)],
    ["used_memory_rss", resident],
    ["used_memory_rss_human", humanBytes(resident)],
    ["used_memory_peak", peak],
    ["used_memory_peak_human", humanBytes(peak)],
    ["used_memory_peak_perc", `${percentOf(used, peak).toFixed(2)}%`],
    ["used_memory_overhead", report.overhead],
    ["used_memory_startup", report.startup],
    ["used_memory_dataset", report.dataset],
    ["used_memory_dataset_perc", `${percentOf(report.dataset, used - report.startup).toFixed(2)}%`],
    ["allocator_allocated", allocated],
    ["allocator_active", active],
    ["allocator_resident", resident],
    ["allocator_muzzy", 0],
    ["total_system_memory", machineMemory],
    ["total_system_memory_human", humanBytes(machineMemory)],
    ...scriptMemoryFields(engine),
    ["maxmemory", maxmemory],
    ["maxmemory_human", humanBytes(maxmemory)],
    ["maxmemory_policy", maxmemoryPolicy],
    ["allocator_frag_ratio", ratio(active, allocated).toFixed(2)],
    ["allocator_frag_bytes", active - allocated],
    ["allocator_rss_ratio", ratio(resident, active).toFixed(2)],
    ["allocator_rss_bytes", resident - active],
    ["rss_overhead_ratio", "1.00"],
    ["rss_overhead_bytes", 0],
    ["mem_fragmentation_ratio", ratio(resident, used).toFixed(2)],
    ["mem_fragmentation_bytes", resident - used],
    ["mem_not_counted_for_evict", report.notCounted],
    ["mem_replication_backlog", stream.backlog],
    ["mem_total_replication_buffers", stream.total],
    ["mem_clients_slaves", stream.replicas + report.clientsReplicas],
    ["mem_clients_normal", report.clientsNormal],
    ["mem_overhead_db_hashtable_rehashing", 0],
    ["mem_cluster_links", 0],
    ["mem_aof_buffer", report.aofBuffer],
    ["mem_allocator", "v8"],
    ["active_defrag_running", 0],
    ["lazyfree_pending_objects", 0],
    ["lazyfreed_objects", engine.stats.lazilyFreed],
  ];
}

function kilobytes(bytes: number): string {
  return (bytes / 1024).toFixed(2);
}

/** The event loop as far as it is visible from inside: its cycles are the batches of commands. */
function eventLoopFields({ stats, timer, rates }: Engine): InfoField[] {
  const perSecond = rates.of("batches");
  return [
    ["eventloop_cycles", stats.batches],
    ["eventloop_duration_sum", Math.floor(timer.busyUs)],
    ["eventloop_duration_cmd_sum", Math.floor(stats.commandUs)],
    ["instantaneous_eventloop_cycles_per_sec", Math.round(perSecond)],
    ["instantaneous_eventloop_duration_usec", Math.round(ratio(rates.of("busyUs"), perSecond))],
  ];
}

/** The fields of INFO's section Stats. */
export function statsFields(engine: Engine): InfoField[] {
  const { stats, rates, pubsub, tracking } = engine;
  const exceededMs = stats.exceededSinceMs === 0 ? 0 : engine.nowMs - stats.exceededSinceMs;
  return [
    ["total_connections_received", stats.connectionsReceived],
    ["total_commands_processed", stats.commandsProcessed],
    ["instantaneous_ops_per_sec", Math.round(rates.of("commands"))],
    ["total_net_input_bytes", stats.netInputBytes],
    ["total_net_output_bytes", stats.netOutputBytes],
    ["total_net_repl_input_bytes", Replication.of(engine).follower.receivedBytes],
    ["total_net_repl_output_bytes", Replication.of(engine).primary.sentBytes],
    ["instantaneous_input_kbps", kilobytes(rates.of("input"))],
    ["instantaneous_output_kbps", kilobytes(rates.of("output"))],
    ["instantaneous_input_repl_kbps", kilobytes(rates.of("replicationInput"))],
    ["instantaneous_output_repl_kbps", kilobytes(rates.of("replicationOutput"))],
    ["rejected_connections", stats.connectionsRejected],
    ...replicationStats(engine),
    ["expired_subkeys", stats.expiredFields],
    ["expired_keys", stats.expiredKeys],
    ["expired_stale_perc", stats.expiredStalePercent.toFixed(2)],
    ["expired_time_cap_reached_count", stats.expireCycleTimeCapReached],
    ["expire_cycle_cpu_milliseconds", Math.floor(stats.expireCycleMicroseconds / 1000)],
    ["evicted_keys", stats.evictedKeys],
    ["evicted_clients", stats.evictedClients],
    ["evicted_scripts", stats.evictedScripts],
    ["total_eviction_exceeded_time", stats.exceededMs + exceededMs],
    ["current_eviction_exceeded_time", exceededMs],
    ["keyspace_hits", stats.keyspaceHits],
    ["keyspace_misses", stats.keyspaceMisses],
    ["pubsub_channels", pubsub.channels.size],
    ["pubsub_patterns", pubsub.patterns.size],
    ["pubsubshard_channels", pubsub.shardChannels.size],
    ["latest_fork_usec", 0],
    ["total_forks", engine.persistence?.jobsBegun ?? 0],
    ["migrate_cached_sockets", migrateLinksOf(engine).size],
    ["slave_expires_tracked_keys", Replication.of(engine).follower.ownExpiries.size],
    ["active_defrag_hits", 0],
    ["active_defrag_misses", 0],
    ["active_defrag_key_hits", 0],
    ["active_defrag_key_misses", 0],
    ["total_active_defrag_time", 0],
    ["current_active_defrag_time", 0],
    ["tracking_total_keys", tracking.keyCount],
    ["tracking_total_items", tracking.itemCount],
    ["tracking_total_prefixes", tracking.prefixCount],
    ["unexpected_error_replies", stats.unexpectedErrors],
    ["total_error_replies", stats.errorReplies],
    ["dump_payload_sanitizations", stats.payloadsChecked],
    ["total_reads_processed", stats.readsProcessed],
    ["total_writes_processed", stats.writesProcessed],
    ["io_threaded_reads_processed", 0],
    ["io_threaded_writes_processed", 0],
    ["client_query_buffer_limit_disconnections", stats.queryBufferLimitDisconnections],
    ["client_output_buffer_limit_disconnections", stats.outputBufferLimitDisconnections],
    ["reply_buffer_shrinks", 0],
    ["reply_buffer_expands", 0],
    ...eventLoopFields(engine),
    ["acl_access_denied_auth", stats.accessDenied.auth],
    ["acl_access_denied_cmd", stats.accessDenied.command],
    ["acl_access_denied_key", stats.accessDenied.key],
    ["acl_access_denied_channel", stats.accessDenied.channel],
  ];
}

/** The fields of INFO's section CPU. */
export function cpuFields(): InfoField[] {
  const { system, user } = process.cpuUsage();
  const seconds = (microseconds: number) => (microseconds / 1e6).toFixed(6);
  return [
    ["used_cpu_sys", seconds(system)],
    ["used_cpu_user", seconds(user)],
    ["used_cpu_sys_children", "0.000000"],
    ["used_cpu_user_children", "0.000000"],
  ];
}

/** Commands and sub-commands. */
function* allCommands(engine: Engine): Iterable<Command> {
  for (const [, cmd] of engine.commands.entries()) {
    yield cmd;
    yield* cmd.subcommands ?? [];
  }
}

/** The fields of INFO's section Commandstats, for commands that have been called or rejected. */
export function commandFields(engine: Engine): InfoField[] {
  const fields: InfoField[] = [];
  for (const cmd of allCommands(engine)) {
    const { calls, microseconds, rejectedCalls, failedCalls } = engine.commands.stats.of(cmd);
    if (calls + rejectedCalls + failedCalls === 0) continue;
    fields.push([
      `cmdstat_${cmd.fullName}`,
      `calls=${calls},usec=${Math.floor(microseconds)},usec_per_call=${
        ratio(microseconds, calls).toFixed(2)
      },` +
      `rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`,
    ]);
  }
  return fields;
}

/** The fields of INFO's section Errorstats. */
export function errorFields(engine: Engine): InfoField[] {
  return [...engine.stats.errorCounts].map(([code, count]) => [`errorstat_${code}`, `count=${count}`]);
}

/** The fields of INFO's section Latencystats, for commands that have been called. */
export function latencyFields(engine: Engine): InfoField[] {
  const fields: InfoField[] = [];
  const percentiles = engine.config.values.latencyTrackingInfoPercentiles;
  for (const cmd of allCommands(engine)) {
    const { latency } = engine.commands.stats.of(cmd);
    if (latency === null || latency.total === 0) continue;
    const texts = percentiles.map((percent) =>
      `p${percent}=${(latency.percentile(percent) / 1000).toFixed(3)}`
    );
    fields.push([`latency_percentiles_usec_${cmd.fullName}`, texts.join(",")]);
  }
  return fields;
}

/** Number of keys from which the mean time to live is estimated. */
const TTL_SAMPLES = 20;

function meanTtl(engine: Engine, database: Database): number {
  if (database.volatileSize === 0) return 0;
  let sum = 0;
  for (let i = 0; i < TTL_SAMPLES; i++) {
    sum += Number(timeLeft(database.expiryOf(database.sampleVolatile(engine.random)), engine.nowMs));
  }
  return Math.round(sum / TTL_SAMPLES);
}

/** The fields of INFO's section Keyspace, for databases that hold keys. */
export function keyspaceFields(engine: Engine): InfoField[] {
  const fields: InfoField[] = [];
  for (const [id, database] of engine.databases.entries()) {
    if (database.size === 0) continue;
    const ttl = meanTtl(engine, database);
    fields.push([
      `db${id}`,
      `keys=${database.size},expires=${database.volatileSize},avg_ttl=${ttl},subexpiry=${database.partExpiry.size}`,
    ]);
  }
  return fields;
}
