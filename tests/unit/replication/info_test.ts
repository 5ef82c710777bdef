import { assertEquals } from "@std/assert";
import { Replication } from "../../../src/replication/replication.ts";
import type { InProcessClient } from "../../support/in_process.ts";
import { ReplicatedServers } from "../../support/replication.ts";

/** INFO replication without its heading; ids are called by the names given. */
function section(client: InProcessClient, ids: Record<string, string>): string[] {
  let text = String(client.send("INFO", "replication")).trimEnd();
  for (const [name, id] of Object.entries(ids)) text = text.replaceAll(id, name);
  return text.split("\r\n").slice(1);
}

const NO_ID = "0".repeat(40);

Deno.test("INFO replication of a server on its own", async () => {
  const { primary } = await ReplicatedServers.start({ primary: { "repl-backlog-size": "20000" } });
  const { replicationId } = primary.engine.identity;
  assertEquals(section(primary.client(), { NONE: NO_ID, ID: replicationId }), [
    "role:master",
    "connected_slaves:0",
    "master_failover_state:no-failover",
    "master_replid:ID",
    "master_replid2:NONE",
    "master_repl_offset:0",
    "second_repl_offset:-1",
    "repl_backlog_active:0",
    "repl_backlog_size:20000",
    "repl_backlog_first_byte_offset:0",
    "repl_backlog_histlen:0",
  ]);
});

Deno.test("INFO replication of a primary and its replica, in step and after some seconds", async () => {
  const servers = await ReplicatedServers.start({
    primary: { "repl-backlog-size": "20000", "min-replicas-to-write": "1", "repl-diskless-sync": "no" },
    replica: { "replica-priority": "7", "replica-announced": "no", port: "6400" },
  });
  const p = servers.primary.client(), r = servers.replica.client();
  r.send("REPLICAOF", "10.0.0.1", "6379");
  await servers.settle();
  p.send("SET", "k", "v");
  await servers.second();
  await servers.second(); // it has told that it has run what came in the first
  const ids = { NONE: NO_ID, ID: servers.primary.engine.identity.replicationId };
  servers.primary.advance(2900); // looks at the clock of a busy server move it, too
  servers.replica.advance(2000);
  assertEquals(section(p, ids), [
    "role:master",
    "connected_slaves:1",
    "min_slaves_good_slaves:1",
    "slave0:ip=127.0.0.1,port=6400,state=online,offset=50,lag=2",
    "master_failover_state:no-failover",
    "master_replid:ID",
    "master_replid2:NONE",
    "master_repl_offset:50",
    "second_repl_offset:-1",
    "repl_backlog_active:1",
    "repl_backlog_size:20000",
    "repl_backlog_first_byte_offset:1",
    "repl_backlog_histlen:50",
  ]);
  assertEquals(section(r, ids), [
    "role:slave",
    "master_host:10.0.0.1",
    "master_port:6379",
    "master_link_status:up",
    "master_last_io_seconds_ago:3",
    "master_sync_in_progress:0",
    "slave_read_repl_offset:50",
    "slave_repl_offset:50",
    "slave_priority:7",
    "slave_read_only:1",
    "replica_announced:0",
    "connected_slaves:0",
    "master_failover_state:no-failover",
    "master_replid:ID",
    "master_replid2:NONE",
    "master_repl_offset:50",
    "second_repl_offset:-1",
    "repl_backlog_active:1",
    "repl_backlog_size:1048576",
    "repl_backlog_first_byte_offset:1",
    "repl_backlog_histlen:50",
  ]);
});

/** The fields of a replica without its primary. */
const fieldsOf = (r: InProcessClient, ...names: string[]) =>
  section(r, {}).filter((line) => names.includes(line.slice(0, line.indexOf(":"))));

Deno.test("INFO replication of a replica that has never reached its primary, and of one that has lost it", async () => {
  const servers = await ReplicatedServers.start({ replica: { "replica-read-only": "no" } });
  const r = servers.replica.client(), { follower } = Replication.of(servers.replica.engine);
  const { connect } = follower;
  const names = [
    "master_link_status",
    "master_last_io_seconds_ago",
    "master_sync_in_progress",
    "master_link_down_since_seconds",
    "slave_read_only",
    "replica_announced",
  ];
  follower.connect = () => Promise.reject(new Error("nobody there"));
  r.send("REPLICAOF", "10.0.0.1", "6379");
  await servers.settle();
  assertEquals(fieldsOf(r, ...names), [
    "master_link_status:down",
    "master_last_io_seconds_ago:-1",
    "master_sync_in_progress:0",
    "master_link_down_since_seconds:-1",
    "slave_read_only:0",
    "replica_announced:1",
  ]);
  follower.connect = connect;
  await servers.second();
  assertEquals(fieldsOf(r, "master_link_status", "master_link_down_since_seconds"), [
    "master_link_status:up",
  ]);
  follower.connect = () => Promise.reject(new Error("nobody there"));
  servers.cut();
  await servers.settle();
  servers.replica.advance(4999);
  assertEquals(fieldsOf(r, ...names).slice(0, 4), [
    "master_link_status:down",
    "master_last_io_seconds_ago:-1",
    "master_sync_in_progress:0",
    "master_link_down_since_seconds:4",
  ]);
});

Deno.test("INFO replication of a replica that is being sent all data", async () => {
  const servers = await ReplicatedServers.start({
    primary: { "repl-diskless-sync": "no", rdbcompression: "no" },
  });
  const p = servers.primary.client(), r = servers.replica.client();
  p.send("SET", "k", "x".repeat(400_000));
  const { follower } = Replication.of(servers.replica.engine), { connect } = follower;
  const gate = Promise.withResolvers<void>();
  follower.connect = async (host, port) => {
    const connection = await connect(host, port), read = connection.read.bind(connection);
    connection.read = async (into) => {
      const transfer = follower.transfer;
      if (transfer !== null && transfer.receivedBytes > 0) await gate.promise;
      return await read(into);
    };
    return connection;
  };
  r.send("REPLICAOF", "10.0.0.1", "6379");
  await servers.settle();
  servers.replica.advance(3000);
  const { totalBytes = 0, receivedBytes = 0 } = follower.transfer ?? {};
  assertEquals([totalBytes > 400_000, receivedBytes > 0, receivedBytes < totalBytes], [true, true, true]);
  assertEquals(section(r, {}).slice(3, 14), [
    "master_link_status:down",
    "master_last_io_seconds_ago:-1",
    "master_sync_in_progress:1",
    "slave_read_repl_offset:0",
    "slave_repl_offset:0",
    `master_sync_total_bytes:${totalBytes}`,
    `master_sync_read_bytes:${receivedBytes}`,
    `master_sync_left_bytes:${totalBytes - receivedBytes}`,
    `master_sync_perc:${(receivedBytes / totalBytes * 100).toFixed(2)}`,
    "master_sync_last_io_seconds_ago:3",
    "master_link_down_since_seconds:-1",
  ]);
  gate.resolve();
  await servers.settle();
  assertEquals(fieldsOf(r, "master_link_status"), ["master_link_status:up"]);
});
