/**
 * LZF, the compression of strings in RDB files (the format of Marc Lehmann's liblzf).
 *
 * A stream of runs, each led by a control byte: `000LLLLL` means that LLLLL + 1 literal bytes
 * follow; `LLLOOOOO OOOOOOOO` copies LLL + 2 bytes from O + 1 bytes back in the output, and if LLL
 * is 7, a byte in between adds to the length. A copy is therefore 3 to 264 bytes long and reaches
 * back 8,192 bytes.
 *
 * The compressor keeps a hash table of the positions where three bytes were last seen. The table is
 * never cleared: its positions are on a scale that continues from call to call, so that entries
 * from earlier calls lie below the base of the present one.
 */

const HASH_BITS = 14;
const MAX_OFFSET = 8192;
const MAX_COPY = 264;
const MAX_LITERALS = 32;

const lastSeen = new Int32Array(1 << HASH_BITS).fill(-1);
let nextBase = 0;

/** The start of a stretch of positions that no earlier call used. */
function reserve(length: number): number {
  if (nextBase + length > 0x7fffffff) {
    lastSeen.fill(-1);
    nextBase = 0;
  }
  const base = nextBase;
  nextBase += length;
  return base;
}

/**
 * Compresses `input[start, end)` into `output` from `at` on.
 *
 * @returns the end of the compressed bytes in `output`, or -1 if they would exceed `limit`
 */
export function lzfCompress(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  at: number,
  limit: number,
): number {
  const shift = reserve(end - start) - start;
  let from = start, literals = start, to = at;
  while (from + 2 < end) {
    const word = (input[from]! << 16) | (input[from + 1]! << 8) | input[from + 2]!;
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    const seen = lastSeen[slot]! - shift;
    lastSeen[slot] = from + shift;
    if (
      seen < start || from - seen > MAX_OFFSET || input[seen] !== input[from] ||
      input[seen + 1] !== input[from + 1] || input[seen + 2] !== input[from + 2]
    ) {
      from++;
      continue;
    }
    to = putLiterals(input, literals, from, output, to, limit);
    if (to < 0 || to + 3 > limit) return -1;
    const length = matchLength(input, seen, from, end);
    to = putCopy(output, to, from - seen, length);
    from += length;
    literals = from;
  }
  return putLiterals(input, literals, end, output, to, limit);
}

function matchLength(input: Uint8Array, seen: number, from: number, end: number): number {
  const most = Math.min(MAX_COPY, end - from);
  let length = 3;
  while (length < most && input[seen + length] === input[from + length]) length++;
  return length;
}

function putCopy(output: Uint8Array, to: number, offset: number, length: number): number {
  const back = offset - 1, code = length - 2;
  if (code < 7) {
    output[to++] = (code << 5) | (back >> 8);
  } else {
    output[to++] = 0xe0 | (back >> 8);
    output[to++] = code - 7;
  }
  output[to++] = back & 255;
  return to;
}

function putLiterals(
  input: Uint8Array,
  from: number,
  end: number,
  output: Uint8Array,
  to: number,
  limit: number,
): number {
  while (from < end) {
    const run = Math.min(MAX_LITERALS, end - from);
    if (to + 1 + run > limit) return -1;
    output[to++] = run - 1;
    for (const stop = from + run; from < stop; from++) output[to++] = input[from]!;
  }
  return to;
}

/**
 * Decompresses `input[start, end)` into exactly `output`.
 *
 * @returns true if the input was complete, referred only to bytes already written, and filled
 * `output`
 */
export function lzfDecompress(input: Uint8Array, start: number, end: number, output: Uint8Array): boolean {
  let from = start, to = 0;
  while (from < end) {
    const control = input[from++]!;
    if (control < 32) {
      const stop = from + control + 1;
      if (stop > end || to + control + 1 > output.length) return false;
      while (from < stop) output[to++] = input[from++]!;
      continue;
    }
    let length = (control >> 5) + 2;
    if (length === 9 && from < end) length += input[from++]!;
    if (from >= end) return false;
    let source = to - (((control & 31) << 8) | input[from++]!) - 1;
    if (source < 0 || to + length > output.length) return false;
    for (const stop = to + length; to < stop;) output[to++] = output[source++]!;
  }
  return to === output.length;
}
