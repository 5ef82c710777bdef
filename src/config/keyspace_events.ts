/**
 * The classes of keyspace events, as `notify-keyspace-events` writes them: one letter and one bit
 * each.
 */

/** Bits of the classes; `Keyspace` and `Keyevent` select the kinds of channel that events go to. */
export const Notify = {
  Keyspace: 1 << 0,
  Keyevent: 1 << 1,
  Generic: 1 << 2,
  String: 1 << 3,
  List: 1 << 4,
  Set: 1 << 5,
  Hash: 1 << 6,
  Zset: 1 << 7,
  Expired: 1 << 8,
  Evicted: 1 << 9,
  Stream: 1 << 10,
  KeyMiss: 1 << 11,
  Module: 1 << 13,
  New: 1 << 14,
} as const;

/** In Redis's printing order. */
const CLASS_LETTERS: readonly (readonly [string, number])[] = [
  ["g", Notify.Generic],
  ["$", Notify.String],
  ["l", Notify.List],
  ["s", Notify.Set],
  ["h", Notify.Hash],
  ["z", Notify.Zset],
  ["x", Notify.Expired],
  ["e", Notify.Evicted],
  ["t", Notify.Stream],
  ["d", Notify.Module],
];

/** The letters not covered by `A`. */
const OTHER_LETTERS: readonly (readonly [string, number])[] = [
  ["K", Notify.Keyspace],
  ["E", Notify.Keyevent],
  ["m", Notify.KeyMiss],
  ["n", Notify.New],
];

/** The classes covered by `A`. */
const ALL = CLASS_LETTERS.reduce((bits, [, bit]) => bits | bit, 0);

const BITS = new Map([...CLASS_LETTERS, ...OTHER_LETTERS, ["A", ALL] as const]);

/** The bits of a string of class letters, or `undefined` if a letter is unknown. */
export function parseNotifyClasses(letters: string): number | undefined {
  let bits = 0;
  for (const letter of letters) {
    const bit = BITS.get(letter);
    if (bit === undefined) return undefined;
    bits |= bit;
  }
  return bits;
}

/** The letters of `bits` as CONFIG GET prints them. */
export function formatNotifyClasses(bits: number): string {
  const lettersIn = (table: typeof CLASS_LETTERS) =>
    table.filter(([, bit]) => (bits & bit) !== 0).map(([letter]) => letter).join("");
  return ((bits & ALL) === ALL ? "A" : lettersIn(CLASS_LETTERS)) + lettersIn(OTHER_LETTERS);
}
