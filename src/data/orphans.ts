/**
 * Values whose parts lie in the store and that nothing has stored: the result of a command that replies with it, a value
 * half read when its file proves damaged. Their objects go with the collector, which then frees their runs. A stored value
 * is freed by the keyspace, at once.
 */
import type { CollectionValue } from "./value.ts";

/** What has runs in the store. */
interface Owner {
  /** Gives all of them back. */
  free(): void;
}

const orphans = new FinalizationRegistry<Owner>((owner) => owner.free());

/** Frees `owner`, which must not refer to `value`, when the collector finds that nothing refers to `value` any more. */
export function freeIfOrphaned(value: CollectionValue, owner: Owner): void {
  orphans.register(value, owner, value);
}

/** Undoes {@linkcode freeIfOrphaned}: the runs have been freed or belong to a record now. */
export function forgetOrphan(value: CollectionValue): void {
  orphans.unregister(value);
}
