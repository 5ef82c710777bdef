/** `--pipe`: standard input, in protocol form, goes to the server as it is; replies are counted. */
import { bytesOf } from "../../util/bytes.ts";
import { type Connection, ConnectionError } from "../connection.ts";
import type { Output } from "../session.ts";
import { type ModeContext, ModeError } from "./mode.ts";

const CHUNK_BYTES = 64 * 1024;
const MARK_BYTES = 20;

/** Counts of a transfer. */
interface Transfer {
  errors: number;
  replies: number;
  lastReplyMs: number;
  /**
   * The text that ECHO returns once everything before it has been answered; undefined until it is
   * sent.
   */
  mark: string | undefined;
}

/** Transfers the input; the status is 1 if a reply was an error. */
export async function pipeMode({ session, output, options }: ModeContext): Promise<number> {
  const { connection } = session;
  const transfer: Transfer = { errors: 0, replies: 0, lastReplyMs: performance.now(), mark: undefined };
  const timeoutMs = options.pipeTimeoutS * 1000;
  let isOverdue = false;
  const clock = setInterval(() => {
    if (transfer.mark === undefined || timeoutMs <= 0) return;
    isOverdue ||= performance.now() - transfer.lastReplyMs > timeoutMs;
    if (isOverdue) connection.close();
  }, 500);
  try {
    await Promise.all([sendInput(connection, transfer, output), countReplies(connection, transfer, output)]);
    output.print("Last reply received from server.\n");
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    if (!isOverdue) throw new ModeError("Error reading replies from server");
    output.complain(`No replies for ${options.pipeTimeoutS} seconds: exiting.\n`);
    transfer.errors++;
  } finally {
    clearInterval(clock);
  }
  output.print(`errors: ${transfer.errors}, replies: ${transfer.replies}\n`);
  return transfer.errors === 0 ? 0 : 1;
}

/** Sends standard input and, at its end, the ECHO that marks the end of the replies. */
async function sendInput(connection: Connection, transfer: Transfer, output: Output): Promise<void> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const length = await Deno.stdin.read(chunk);
    if (length === null) break;
    await connection.sendBytes(chunk.subarray(0, length));
  }
  transfer.lastReplyMs = performance.now();
  transfer.mark = randomText(MARK_BYTES);
  output.print("All data transferred. Waiting for the last reply...\n");
  // A line end comes first: it ends a command that the input left unfinished, and is harmless
  // otherwise.
  const echo = `\r\n*2\r\n$4\r\nECHO\r\n$${MARK_BYTES}\r\n${transfer.mark}\r\n`;
  await connection.sendBytes(bytesOf(echo));
}

function randomText(length: number): string {
  return String.fromCharCode(...crypto.getRandomValues(new Uint8Array(length)));
}

async function countReplies(connection: Connection, transfer: Transfer, output: Output): Promise<void> {
  for (;;) {
    const reply = await connection.receive();
    transfer.lastReplyMs = performance.now();
    if (reply.type === "bulk" && reply.text === transfer.mark) return;
    transfer.replies++;
    if (reply.type !== "error") continue;
    output.complain(reply.text + "\n");
    transfer.errors++;
  }
}
