/** `--replica`: the commands that a server sends to its replicas, as CSV. */
import { formatCsv } from "../format_data.ts";
import { type ModeContext, pause } from "./mode.ts";
import { announce, SyncedFile } from "./sync.ts";

/** The primary checks for a replica's first ACK one second after the file. */
const BEFORE_ACK_MS = 1000;

/** Prints commands until the connection ends. */
export async function replicaMode(context: ModeContext): Promise<number> {
  const { session, output } = context;
  await announce(context, "capa", "eof");
  await announce(context, "rdb-filter-only", "");
  const synced = await SyncedFile.request(session.connection);
  output.complain(
    synced.length === undefined
      ? "SYNC with master, discarding bytes of bulk transfer until EOF marker...\n"
      : `SYNC with master, discarding ${synced.length} bytes of bulk transfer...\n`,
  );
  let discarded = 0;
  for await (const chunk of synced.chunks()) discarded += chunk.length;
  const after = synced.length === undefined ? ` after ${discarded} bytes` : "";
  output.complain(`SYNC done${after}. Logging commands from master.\n`);
  if (synced.length === undefined) {
    await pause(BEFORE_ACK_MS);
    await session.connection.send(["REPLCONF", "ACK", "0"]);
  }
  for (;;) output.print(formatCsv(await session.connection.receive()) + "\n");
}
