/** Joins replication to a running server: its work once a second, and its files. */
import { Replication } from "../replication/replication.ts";
import type { Persistence } from "./persistence.ts";
import type { Server } from "./server.ts";

/** Lets replicas follow the server. */
export function connectReplication(server: Server, persistence: Persistence): void {
  const replication = Replication.of(server.engine);
  replication.connect(persistence.store);
  server.tasks.push(() => replication.tick());
}
