/** The table of all commands, joined from the groups. */
import { CommandTable } from "../engine/command_table.ts";
import type { Command } from "../engine/command.ts";
import { clientCommands } from "./clients/client.ts";
import { commandCommands } from "./server/command.ts";
import { configCommands } from "./server/config.ts";
import { connectionCommands } from "./clients/connection.ts";
import { databaseCommands } from "./keys/database.ts";
import { debugCommands } from "./server/debug.ts";
import { expireCommands } from "./keys/expire.ts";
import { infoCommands } from "./server/info.ts";
import { keyCommands } from "./keys/keys.ts";
import { memoryCommands } from "./server/memory.ts";
import { replicationCommands } from "./server/replication.ts";
import { serverCommands } from "./server/server.ts";
import { slowlogCommands } from "./server/slowlog.ts";
import { transactionCommands } from "./clients/transaction.ts";
import { dumpCommands } from "./keys/dump.ts";
import { persistenceCommands } from "./server/persistence.ts";
import { snapshotCommands } from "./server/snapshot.ts";
import { aclCommands } from "./server/acl.ts";
import { bitCommands } from "./strings/bit.ts";
import { clusterCommands } from "./server/cluster.ts";
import { functionCommands } from "./scripts/function.ts";
import { geoCommands } from "./sorted_sets/geo.ts";
import { hashCommands } from "./hashes/hash.ts";
import { hyperloglogCommands } from "./strings/hyperloglog.ts";
import { latencyCommands } from "./server/latency.ts";
import { listCommands } from "./lists/list.ts";
import { listBlockingCommands } from "./lists/list_blocking.ts";
import { migrateCommands } from "./keys/migrate.ts";
import { moduleCommands } from "./server/module.ts";
import { pubsubCommands } from "./clients/pubsub.ts";
import { scriptingCommands } from "./scripts/scripting.ts";
import { setCommands } from "./sets/set.ts";
import { sortCommands } from "./keys/sort.ts";
import { streamCommands } from "./streams/stream.ts";
import { streamGroupCommands } from "./streams/stream_group.ts";
import { streamInfoCommands } from "./streams/stream_info.ts";
import { streamReadCommands } from "./streams/stream_read.ts";
import { counterCommands } from "./strings/counter.ts";
import { lcsCommands } from "./strings/lcs.ts";
import { stringCommands } from "./strings/string.ts";
import { monitorCommands } from "./clients/tracking.ts";
import { zsetCommands } from "./sorted_sets/zset.ts";

const groups: readonly (readonly Command[])[] = [
  aclCommands,
  connectionCommands,
  clientCommands,
  clusterCommands,
  commandCommands,
  configCommands,
  databaseCommands,
  debugCommands,
  infoCommands,
  latencyCommands,
  memoryCommands,
  moduleCommands,
  replicationCommands,
  serverCommands,
  slowlogCommands,
  expireCommands,
  keyCommands,
  transactionCommands,
  dumpCommands,
  persistenceCommands,
  snapshotCommands,
  stringCommands,
  counterCommands,
  lcsCommands,
  bitCommands,
  streamCommands,
  streamGroupCommands,
  streamInfoCommands,
  streamReadCommands,
  hashCommands,
  listCommands,
  listBlockingCommands,
  sortCommands,
  scriptingCommands,
  functionCommands,
  setCommands,
  zsetCommands,
  geoCommands,
  hyperloglogCommands,
  migrateCommands,
  pubsubCommands,
  monitorCommands,
];

/** A fresh table of every command; `rename-command` changes only this one. */
export function createCommandTable(): CommandTable {
  return new CommandTable(groups.flat());
}
