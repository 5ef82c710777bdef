/**
 * DEBUG DIGEST: a hash that depends only on the data, not on the order in which they arrived, their
 * encoding or the machine. It is redis-server's own hash, so that two servers of either kind can be
 * compared.
 */
import { type Database, NO_EXPIRY } from "../../keyspace/database.ts";
import { Slice } from "../../keyspace/slice.ts";
import { Digest } from "../../persistence/values/digest.ts";
import { stringCodec } from "../../persistence/values/string_codec.ts";
import { codecOf, digestNumberOf } from "../../persistence/values/table.ts";

const slice = new Slice();

/** Chains the value at `ref` into `digest`. */
function chainValue(digest: Digest, database: Database, ref: number): void {
  digest.chainNumber(digestNumberOf(database.typeOf(ref)));
  const value = database.valueOf(ref, slice);
  if (value instanceof Slice) stringCodec.digest(digest, value);
  else codecOf(value).digest(digest, value);
  if (database.expiryOf(ref) !== NO_EXPIRY) digest.add("!!expire!!");
}

/** The digest of one value as 40 hexadecimal digits; all zeros for `ref` 0. */
export function valueDigest(database: Database, ref: number): string {
  const digest = new Digest();
  if (ref !== 0) chainValue(digest, database, ref);
  return digest.hex;
}

/** The digest of all data as 40 hexadecimal digits; all zeros if there are none. O(all data) */
export function datasetDigest(databases: readonly Database[]): string {
  const digest = new Digest(), entry = new Digest();
  for (const [id, database] of databases.entries()) {
    if (database.size === 0) continue;
    digest.chainNumber(id);
    database.forEach((ref) => {
      entry.clear();
      entry.chain(database.keyTextOf(ref));
      chainValue(entry, database, ref);
      digest.addDigest(entry);
    });
  }
  return digest.hex;
}
