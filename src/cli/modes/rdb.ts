/** `--rdb` and `--functions-rdb`: an RDB file from a server, fetched through replication. */
import { latin1FromText } from "../text.ts";
import { type ModeContext, ModeError } from "./mode.ts";
import { announce, SyncedFile } from "./sync.ts";

/** Fetches the whole data set. */
export async function rdbMode(context: ModeContext): Promise<number> {
  await announceFileOnly(context);
  return await fetchFile(context);
}

/** Fetches the function libraries. */
export async function functionsRdbMode(context: ModeContext): Promise<number> {
  await announceFileOnly(context);
  if (!(await announce(context, "rdb-filter-only", "functions"))) {
    throw new ModeError("Failed requesting functions only RDB from server, aborting");
  }
  return await fetchFile(context);
}

async function announceFileOnly(context: ModeContext): Promise<void> {
  await announce(context, "capa", "eof");
  await announce(context, "rdb-only", "1");
}

async function fetchFile({ session, options, output }: ModeContext): Promise<number> {
  const name = latin1FromText(options.file);
  const synced = await SyncedFile.request(session.connection);
  output.complain(
    synced.length === undefined
      ? `SYNC sent to master, writing bytes of bulk transfer until EOF marker to '${name}'\n`
      : `SYNC sent to master, writing ${synced.length} bytes to '${name}'\n`,
  );
  const written = name === "-" ? await copyTo(Deno.stdout, synced) : await writeFile(options.file, synced);
  output.complain(
    synced.length === undefined
      ? `Transfer finished with success after ${written} bytes\n`
      : "Transfer finished with success.\n",
  );
  return 0;
}

async function writeFile(path: string, synced: SyncedFile): Promise<number> {
  using file = openFile(path);
  const written = await copyTo(file, synced);
  file.syncSync();
  return written;
}

function openFile(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, create: true, truncate: true, mode: 0o644 });
  } catch (error) {
    throw new ModeError(latin1FromText(`Error opening '${path}': ${systemReason(error)}`));
  }
}

async function copyTo(file: { writeSync(bytes: Uint8Array): number }, synced: SyncedFile): Promise<number> {
  let written = 0;
  for await (const chunk of synced.chunks()) {
    for (let rest = chunk; rest.length > 0;) {
      try {
        rest = rest.subarray(file.writeSync(rest));
      } catch (error) {
        throw new ModeError(`Error writing data to file: ${systemReason(error)}`);
      }
    }
    written += chunk.length;
  }
  return written;
}

/** The system's own words, without Deno's. */
function systemReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/ \(os error \d+\).*/, "");
}
