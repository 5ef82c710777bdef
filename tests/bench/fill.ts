/** Data for the measurements. */
import { ask, type MeasuredServer } from "./process.ts";

/** Number of commands sent in one write. */
const PIPELINE = 200;
/** Number of keys set by one MSET. */
const KEYS_PER_MSET = 500;

/** Key number `i`, 16 bytes long, named as in redis-benchmark. */
export function keyName(i: number): string {
  return `key:${String(i).padStart(12, "0")}`;
}

/** A value of 16 bytes. */
function valueText(i: number): string {
  return `value${String(i).padStart(11, "0")}`;
}

/** Commands that set `count` keys of 16 bytes to 16 bytes each. */
export function* smallKeys(count: number): Generator<string[]> {
  for (let from = 0; from < count; from += KEYS_PER_MSET) {
    const words = ["MSET"];
    for (let i = from; i < Math.min(count, from + KEYS_PER_MSET); i++) words.push(keyName(i), valueText(i));
    yield words;
  }
}

/** Sends all commands, many in one write; an error reply throws. */
export async function fill(server: MeasuredServer, commands: Iterable<string[]>): Promise<void> {
  using connection = await server.process.connect();
  const send = async (batch: string[][]) => {
    const refused = (await connection.pipeline(batch)).find((reply) => reply.startsWith("-"));
    if (refused !== undefined) throw new Error(`${server.program} answered ${refused.trim()}`);
  };
  let batch: string[][] = [], words = 0;
  for (const command of commands) {
    batch.push(command);
    words += command.length;
    if (batch.length < PIPELINE && words < PIPELINE * 20) continue;
    await send(batch);
    batch = [];
    words = 0;
  }
  if (batch.length > 0) await send(batch);
  await ask(connection, "PING");
}
