/** `--stat`: a line of the server's figures every second. */
import { replyText } from "../reply.ts";
import { askPatiently, type ModeContext, ModeError, pause } from "./mode.ts";

const DEFAULT_INTERVAL_MS = 1000;
const LINES_BETWEEN_HEADINGS = 20;

const HEADING = `------- data ------ --------------------- load -------------------- - child -
keys       mem      clients blocked requests            connections${" ".repeat(10)}
`;

/** Prints lines forever. */
export async function statMode(context: ModeContext): Promise<number> {
  const { options, output } = context;
  let requestsBefore = 0;
  for (let line = 0;; line++) {
    const reply = await askPatiently(context, ["INFO"]);
    if (reply.type === "error") throw new ModeError(`ERROR: ${reply.text}`);
    const info = replyText(reply) ?? "";
    if (line % LINES_BETWEEN_HEADINGS === 0) output.print(HEADING);
    output.print(statLine(info, requestsBefore));
    requestsBefore = field(info, "total_commands_processed");
    await pause(options.intervalMs || DEFAULT_INTERVAL_MS);
  }
}

/**
 * One line.
 * @param info the reply to INFO
 * @param requestsBefore the count at the previous line, 0 for the first
 */
export function statLine(info: string, requestsBefore: number): string {
  const requests = field(info, "total_commands_processed");
  const since = requestsBefore === 0 ? 0 : requests - requestsBefore;
  return keysOf(info).padEnd(11) + bytesForPeople(field(info, "used_memory")).padEnd(8) +
    ` ${String(field(info, "connected_clients")).padEnd(8)}` +
    String(field(info, "blocked_clients")).padEnd(8) + `${requests} (+${since})`.padEnd(19) +
    ` ${String(field(info, "total_connections_received")).padEnd(12)}${childOf(info)}\n`;
}

function field(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(-?\\d+)`, "m").exec(info)?.[1] ?? 0);
}

function keysOf(info: string): string {
  const databases = [...info.matchAll(/^db\d+:keys=(\d+)/gm)];
  return String(databases.reduce((sum, [, keys]) => sum + Number(keys), 0));
}

const BUSY = ["", "SAVE", "AOF", "SAVE+AOF", "LOAD"];

function childOf(info: string): string {
  const bits = field(info, "rdb_bgsave_in_progress") | field(info, "aof_rewrite_in_progress") << 1 |
    field(info, "loading") << 2;
  return BUSY[bits] ?? "";
}

const UNITS = ["K", "M", "G", "T"];

function bytesForPeople(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  const power = Math.min(UNITS.length, Math.floor(Math.log2(bytes) / 10));
  return (bytes / 1024 ** power).toFixed(2) + UNITS[power - 1];
}
