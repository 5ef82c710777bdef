/**
 * Values with parts in the store that were never stored under a key: a result sent only as a reply,
 * a value half read when its file proves damaged. When the collector takes the object, its runs are
 * freed. The keyspace frees stored values at once.
 */
import type { CollectionValue } from "./value.ts";

/** An owner of runs in the store. */
interface Owner {
  /** Frees all of them. */
  free(): void;
}

const orphans = new FinalizationRegistry<Owner>((owner) => owner.free());

/** Frees `owner`, which must not refer to `value`, once the collector has taken `value`. */
export function freeIfOrphaned(value: CollectionValue, owner: Owner): void {
  orphans.register(value, owner, value);
}

/** Undoes {@linkcode freeIfOrphaned}: the runs have been freed or belong to a record now. */
export function forgetOrphan(value: CollectionValue): void {
  orphans.unregister(value);
}
