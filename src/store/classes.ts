/**
 * Size classes of runs: every eight bytes up to {@linkcode FINE_BYTES}, then eight to a doubling,
 * then whole fractions of a slab. A run takes at most an eighth more than was asked for, and a slab
 * leaves less than an eighth of itself unused.
 */

/** Bytes of a unit: references count units. */
export const UNIT_BYTES = 8;
/** Bytes of a slab, which is cut into runs of one class. */
export const SLAB_BYTES = 65_536;
/** Largest run that lies in a slab; longer ones have pages of their own. */
export const LARGEST_SLAB_RUN = 16_384;
/** Classes are eight bytes apart up to this size. */
const FINE_BYTES = 256;
/** Classes are fractions of a slab from this size on. */
const FRACTIONS_FROM = 4096;

function makeClassUnits(): number[] {
  const units: number[] = [0];
  for (let bytes = UNIT_BYTES; bytes <= FINE_BYTES; bytes += UNIT_BYTES) units.push(bytes / UNIT_BYTES);
  for (let step = FINE_BYTES / 8; step * 8 < FRACTIONS_FROM; step *= 2) {
    for (let bytes = step * 9; bytes <= step * 16 && bytes < FRACTIONS_FROM; bytes += step) {
      units.push(bytes / UNIT_BYTES);
    }
  }
  for (let parts = SLAB_BYTES / FRACTIONS_FROM; parts * LARGEST_SLAB_RUN >= SLAB_BYTES; parts--) {
    units.push(Math.floor(SLAB_BYTES / UNIT_BYTES / parts));
  }
  return units;
}

/** Units of a run of each class; class 0 means no class. */
export const classUnits: Uint16Array = Uint16Array.from(makeClassUnits());

/** Number of classes, class 0 included. */
export const CLASS_COUNT: number = classUnits.length;

/** Runs in a slab of each class. */
export const classCapacity: Uint16Array = classUnits.map((units) =>
  units === 0 ? 0 : Math.floor(SLAB_BYTES / UNIT_BYTES / units)
);

const classByUnits = new Uint8Array(LARGEST_SLAB_RUN / UNIT_BYTES + 1);
for (let units = 1, id = 1; units < classByUnits.length; units++) {
  if (units > classUnits[id]!) id++;
  classByUnits[units] = id;
}
classByUnits[0] = 1;

/** The class of runs of `bytes` bytes, at most {@linkcode LARGEST_SLAB_RUN}. */
export function classOf(bytes: number): number {
  return classByUnits[(bytes + UNIT_BYTES - 1) >>> 3]!;
}
