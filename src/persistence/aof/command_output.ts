/** Commands on their way into a rewritten append-only file. */
import { ReplyWriter } from "../../protocol/reply_writer.ts";
import type { SnapshotOutput } from "../json/snapshot_format.ts";

/** Elements in one command, as many as Redis puts into one. */
export const ELEMENTS_PER_COMMAND = 64;

/** Commands in RESP; a ReplyWriter with the names of a snapshot's output. */
export class CommandOutput extends ReplyWriter implements SnapshotOutput {
  clear(): void {
    this.rewind(0);
  }

  /** A command of latin1 strings. */
  command(...words: string[]): void {
    this.bulkArray(words);
  }
}

/**
 * Writes one command after another, each with up to 64 of `words` behind the key.
 *
 * @param group words that must stay together
 */
export function* writeElements(
  out: CommandOutput,
  command: string,
  key: string,
  words: Iterable<string>,
  group = 1,
): Generator<void, void, void> {
  let batch: string[] = [];
  for (const word of words) {
    batch.push(word);
    if (batch.length < ELEMENTS_PER_COMMAND * group) continue;
    out.command(command, key, ...batch);
    batch = [];
    yield;
  }
  if (batch.length > 0) out.command(command, key, ...batch);
}
