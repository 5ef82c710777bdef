/**
 * Stream ids: a millisecond time and a sequence number, each of 64 unsigned bits, ordered as one 128-bit number.
 *
 * A part is a number up to 2^53 - 1 and a BigInt beyond, and never both for one value: so `===` and `<` are exact
 * whatever the two forms are, ids made from the clock never meet a BigInt, and
 * 18446744073709551615-18446744073709551615 is as good an id as any.
 */

/** One half of an id, in [0, 2^64). Canonical: a BigInt only above `Number.MAX_SAFE_INTEGER`. */
export type IdPart = number | bigint;

/** An id; never changed once made, so it may be shared. */
export interface StreamId {
  readonly ms: IdPart;
  readonly seq: IdPart;
}

const MAX_PART: IdPart = 0xffff_ffff_ffff_ffffn;

/** 0-0, which no entry can have. */
export const minStreamId: StreamId = { ms: 0, seq: 0 };

/** The last id there is. */
export const maxStreamId: StreamId = { ms: MAX_PART, seq: MAX_PART };

function canonical(part: bigint): IdPart {
  return part <= Number.MAX_SAFE_INTEGER && part >= Number.MIN_SAFE_INTEGER ? Number(part) : part;
}

/** Negative, zero or positive as (`aMs`, `aSeq`) sorts before, with or behind (`bMs`, `bSeq`). */
export function compareParts(aMs: IdPart, aSeq: IdPart, bMs: IdPart, bSeq: IdPart): number {
  if (aMs !== bMs) return aMs < bMs ? -1 : 1;
  if (aSeq !== bSeq) return aSeq < bSeq ? -1 : 1;
  return 0;
}

/** Negative, zero or positive as `a` sorts before, with or behind `b`. */
export function compareIds(a: StreamId, b: StreamId): number {
  return compareParts(a.ms, a.seq, b.ms, b.seq);
}

/** Whether `id` is 0-0. */
export function isZeroId(id: StreamId): boolean {
  return id.ms === 0 && id.seq === 0;
}

function successor(part: IdPart): IdPart {
  return typeof part === "number" && part < Number.MAX_SAFE_INTEGER ? part + 1 : BigInt(part) + 1n;
}

function predecessor(part: IdPart): IdPart {
  return typeof part === "number" ? part - 1 : canonical(part - 1n);
}

/** The id right behind `id`, undefined behind the last one. */
export function nextId(id: StreamId): StreamId | undefined {
  if (id.seq !== MAX_PART) return { ms: id.ms, seq: successor(id.seq) };
  return id.ms === MAX_PART ? undefined : { ms: successor(id.ms), seq: 0 };
}

/** The id right before `id`, undefined before 0-0. */
export function previousId(id: StreamId): StreamId | undefined {
  if (id.seq !== 0) return { ms: id.ms, seq: predecessor(id.seq) };
  return id.ms === 0 ? undefined : { ms: predecessor(id.ms), seq: MAX_PART };
}

/** `part - base` as a signed 64-bit number, wrapped around as the file format does it. */
export function partDelta(part: IdPart, base: IdPart): IdPart {
  if (typeof part === "number" && typeof base === "number") return part - base;
  return canonical(BigInt.asIntN(64, BigInt(part) - BigInt(base)));
}

/** The part that lies `delta` behind `base`, modulo 2^64. */
export function addDelta(base: IdPart, delta: IdPart): IdPart {
  if (typeof base === "number" && typeof delta === "number") {
    const sum = base + delta;
    if (sum >= 0 && sum <= Number.MAX_SAFE_INTEGER) return sum;
  }
  return canonical(BigInt.asUintN(64, BigInt(base) + BigInt(delta)));
}

/** An id as clients see it. */
export function formatId(id: StreamId): string {
  return `${id.ms}-${id.seq}`;
}

/** The part that `text` spells in decimal; signs other than `+` and anything beyond 64 bits are refused. */
export function parseIdPart(text: string): IdPart | undefined {
  if (!/^[ \t-\r]*\+?[0-9]+$/.test(text)) return undefined;
  if (text.length <= 15) return Number(text);
  const value = BigInt(text.trim().replace("+", ""));
  return value > MAX_PART ? undefined : canonical(value);
}

/**
 * Parses `<ms>-<seq>` or `<ms>` alone, which takes `missingSeq`.
 * @return undefined unless `text` is an id
 */
export function parseId(text: string, missingSeq: IdPart): StreamId | undefined {
  const dash = text.indexOf("-");
  const ms = parseIdPart(dash < 0 ? text : text.slice(0, dash));
  const seq = dash < 0 ? missingSeq : parseIdPart(text.slice(dash + 1));
  return ms === undefined || seq === undefined ? undefined : { ms, seq };
}

/** As {@linkcode parseId}, and `-` and `+` name the smallest and the largest id. */
export function parseRangeId(text: string, missingSeq: IdPart): StreamId | undefined {
  if (text === "-") return minStreamId;
  if (text === "+") return maxStreamId;
  return parseId(text, missingSeq);
}

/** The largest sequence number, what an end of a range without one stands for. */
export const maxSequence: IdPart = MAX_PART;

/** Four 32-bit words, most significant first, into `words`; for those who need an id's bits. */
export function idWords(id: StreamId, words: Uint32Array): void {
  words[0] = upperHalf(id.ms);
  words[1] = lowerHalf(id.ms);
  words[2] = upperHalf(id.seq);
  words[3] = lowerHalf(id.seq);
}

/** The id of four 32-bit words, most significant first. */
export function idOfWords(msHigh: number, msLow: number, seqHigh: number, seqLow: number): StreamId {
  return { ms: partOfHalves(msHigh, msLow), seq: partOfHalves(seqHigh, seqLow) };
}

function upperHalf(part: IdPart): number {
  return typeof part === "number" ? Math.floor(part / 0x1_0000_0000) : Number(part >> 32n);
}

function lowerHalf(part: IdPart): number {
  return typeof part === "number" ? part % 0x1_0000_0000 : Number(part & 0xffff_ffffn);
}

function partOfHalves(high: number, low: number): IdPart {
  return high < 0x20_0000 ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) | BigInt(low);
}
