/** All commands: the groups joined. */
import { CommandTable } from "../engine/command_table.ts";
import type { Command } from "../engine/command.ts";
import { clientCommands } from "./client.ts";
import { commandCommands } from "./command.ts";
import { configCommands } from "./config.ts";
import { connectionCommands } from "./connection.ts";
import { databaseCommands } from "./database.ts";
import { debugCommands } from "./debug.ts";
import { expireCommands } from "./expire.ts";
import { infoCommands } from "./info.ts";
import { keyCommands } from "./keys.ts";
import { memoryCommands } from "./memory.ts";
import { replicationCommands } from "./replication.ts";
import { serverCommands } from "./server.ts";
import { slowlogCommands } from "./slowlog.ts";
import { transactionCommands } from "./transaction.ts";
import { dumpCommands } from "./dump.ts";
import { persistenceCommands } from "./persistence.ts";
import { snapshotCommands } from "./snapshot.ts";
import { aclCommands } from "./acl.ts";
import { bitCommands } from "./bit.ts";
import { clusterCommands } from "./cluster.ts";
import { functionCommands } from "./function.ts";
import { geoCommands } from "./geo.ts";
import { hashCommands } from "./hash.ts";
import { hyperloglogCommands } from "./hyperloglog.ts";
import { latencyCommands } from "./latency.ts";
import { listCommands } from "./list.ts";
import { listBlockingCommands } from "./list_blocking.ts";
import { migrateCommands } from "./migrate.ts";
import { moduleCommands } from "./module.ts";
import { pubsubCommands } from "./pubsub.ts";
import { scriptingCommands } from "./scripting.ts";
import { setCommands } from "./set.ts";
import { sortCommands } from "./sort.ts";
import { streamCommands } from "./stream.ts";
import { streamGroupCommands } from "./stream_group.ts";
import { streamInfoCommands } from "./stream_info.ts";
import { streamReadCommands } from "./stream_read.ts";
import { stringCommands } from "./string.ts";
import { monitorCommands } from "./tracking.ts";
import { zsetCommands } from "./zset.ts";

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
