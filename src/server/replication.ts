/**
 * Joins replication to a running server: its work once a second, its files, its role in the log.
 */
import { Replication } from "../replication/replication.ts";
import type { ServerLog } from "./redeno.ts";
import type { Persistence } from "./data_folder.ts";
import type { Server } from "./server.ts";

/** Lets the server be followed and follow others; both begin once its data have been loaded. */
export function connectReplication(server: Server, persistence: Persistence, log: ServerLog): Replication {
  const replication = Replication.of(server.engine);
  replication.connect(persistence.store);
  replication.onRole = (isReplica) => log.role = isReplica ? "S" : "M";
  server.tasks.push(() => replication.tick());
  return replication;
}
