/**
 * The proof that every byte of a store is owned once: either in a live run with one owner, or free.
 */
import type { Store } from "./store.ts";

/** Calls `visit` for every run that an owner refers to. */
export type OwnedRuns = (visit: (ref: number) => void) => void;

/**
 * Faults of a store and its owners, as sentences; empty if each live run is owned exactly once,
 * each owned run is live, and the store's own tables agree with each other. O(everything).
 *
 * @param owners one walk for each owner
 */
export function storeFaults(store: Store, owners: Iterable<OwnedRuns>): string[] {
  const faults = store.faults(), live = new Map<number, number>(), owned = new Set<number>();
  store.forEachRun((ref, bytes) => live.set(ref, bytes));
  for (const forEachOwned of owners) {
    forEachOwned((ref) => {
      if (owned.has(ref)) faults.push(`run ${ref} has two owners`);
      else if (!live.has(ref)) faults.push(`run ${ref} is owned, but not live`);
      owned.add(ref);
    });
  }
  for (const [ref, bytes] of live) {
    if (!owned.has(ref)) faults.push(`run ${ref} of ${bytes} bytes has no owner`);
  }
  return faults;
}
