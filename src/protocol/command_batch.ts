/** The complete commands of one read, as offsets into the bytes they came in. */
import type { ProtocolError } from "./request_decoder.ts";

/** Fields of a command in {@linkcode CommandBatch.heads}. */
const HEAD_FIELDS = 4;

/**
 * The complete commands of one read. Only this file knows the layout of `heads`; argument `i` of
 * command `c` is `buf[offsets[base + 2i] … offsets[base + 2i + 1])`, `base` being
 * {@linkcode firstOffsetOf}.
 */
export interface CommandBatch {
  buf: Uint8Array;
  offsets: Int32Array;
  /**
   * For each command the index of its first offset, its number of arguments, and the bounds of its
   * bytes.
   */
  heads: Int32Array;
  count: number;
  /** Set if the input behind the last command is malformed. */
  error: ProtocolError | null;
}

/** An empty `heads` with room for some commands. */
export function headsFor(commands: number): Int32Array {
  return new Int32Array(commands * HEAD_FIELDS);
}

/** The index in `offsets` of the start of the first argument of command `c`. */
export function firstOffsetOf(batch: CommandBatch, c: number): number {
  return batch.heads[c * HEAD_FIELDS]!;
}

/** Number of arguments of command `c`, its name included. */
export function argCountOf(batch: CommandBatch, c: number): number {
  return batch.heads[c * HEAD_FIELDS + 1]!;
}

/**
 * Start in `buf` of the RESP bytes of command `c`; -1 for an inline command, whose bytes are not
 * RESP.
 */
export function rawStartOf(batch: CommandBatch, c: number): number {
  return batch.heads[c * HEAD_FIELDS + 2]!;
}

/** End in `buf` of the RESP bytes of command `c`; -1 for an inline command. */
export function rawEndOf(batch: CommandBatch, c: number): number {
  return batch.heads[c * HEAD_FIELDS + 3]!;
}

/** Writes the head of command `c`, growing `heads` if needed. */
export function writeHead(
  batch: CommandBatch,
  c: number,
  firstOffset: number,
  argCount: number,
  rawStart: number,
  rawEnd: number,
): void {
  const at = c * HEAD_FIELDS;
  if (at === batch.heads.length) batch.heads = grown(batch.heads);
  batch.heads[at] = firstOffset;
  batch.heads[at + 1] = argCount;
  batch.heads[at + 2] = rawStart;
  batch.heads[at + 3] = rawEnd;
}

/** An array of twice the length with the same beginning. */
export function grown(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
