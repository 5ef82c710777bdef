/**
 * DEBUG DIGEST: a hash of the data that depends on nothing but the data, not on the order in which it came, its encoding
 * or the machine. It is redis-server's own, so that two servers of either kind can be compared.
 *
 * Two operations are all there is. *Adding* text exclusive-ors its SHA-1 into a digest: the order does not matter (sets,
 * the fields of a hash, all keys). *Chaining* adds and then replaces the digest by its own SHA-1: the order matters.
 */
import { HashValue } from "../../data/hash.ts";
import { ListValue } from "../../data/list.ts";
import { SetValue } from "../../data/set.ts";
import { StreamValue } from "../../data/stream.ts";
import { formatId, maxStreamId, minStreamId } from "../../data/stream_id.ts";
import { type CollectionValue, ValueType } from "../../data/value.ts";
import { ZsetValue } from "../../data/zset.ts";
import { type Database, NO_EXPIRY } from "../../keyspace/database.ts";
import { Slice } from "../../keyspace/slice.ts";
import { latin1 } from "../../util/bytes.ts";
import { formatDouble } from "../../util/numbers.ts";
import { sha1Bytes, sha1Hex, sha1Text, type Sha1Words, sha1Words } from "../../util/sha1.ts";

/** How redis-server numbers the types, by {@linkcode ValueType}. */
const TYPE_NUMBERS = [0, 1, 2, 3, 4, 6] as const;

const scratch: Sha1Words = new Int32Array(5);
const member: Sha1Words = new Int32Array(5);
const slice = new Slice();

function xor(digest: Sha1Words): void {
  for (let i = 0; i < 5; i++) digest[i]! ^= scratch[i]!;
}

function add(digest: Sha1Words, text: string): void {
  sha1Text(text, scratch);
  xor(digest);
}

function addDigest(digest: Sha1Words, other: Sha1Words): void {
  sha1Words(other, scratch);
  xor(digest);
}

function chain(digest: Sha1Words, text: string): void {
  add(digest, text);
  sha1Words(digest, digest);
}

function chainBytes(digest: Sha1Words, buf: Uint8Array, start: number, end: number): void {
  sha1Bytes(buf, start, end, scratch);
  xor(digest);
  sha1Words(digest, digest);
}

function chainNumber(digest: Sha1Words, value: number): void {
  chain(digest, String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255));
}

/** Adds a pair in which the order matters to a whole in which it does not. */
function addPair(digest: Sha1Words, first: string, second: string): void {
  member.fill(0);
  chain(member, first);
  chain(member, second);
  addDigest(digest, member);
}

function chainStream(digest: Sha1Words, stream: StreamValue): void {
  const entries = stream.range(minStreamId, maxStreamId);
  const sink = {
    bulk: (text: string) => chain(digest, text),
    bulkBytes: (bytes: Uint8Array, start: number, end: number) => chain(digest, latin1(bytes, start, end)),
  };
  while (entries.next()) {
    chain(digest, formatId(entries.id).replace("-", "."));
    entries.writePairs(sink);
  }
}

function chainCollection(digest: Sha1Words, value: CollectionValue): void {
  if (value instanceof ListValue) { for (const text of value) chain(digest, text); }
  else if (value instanceof SetValue) value.forEach((text) => add(digest, text));
  else if (value instanceof ZsetValue) {
    value.forEach((text, score) => addPair(digest, text, formatDouble(score)));
  } else if (value instanceof HashValue) value.forEach((field, text) => addPair(digest, field, text));
  else if (value instanceof StreamValue) chainStream(digest, value);
}

/** Takes the value at `ref` into `digest`. */
function chainValue(digest: Sha1Words, database: Database, ref: number): void {
  const type = database.typeOf(ref);
  chainNumber(digest, TYPE_NUMBERS[type]);
  if (type === ValueType.String) {
    const { buf, start, end } = database.readString(ref, slice);
    chainBytes(digest, buf, start, end);
  } else chainCollection(digest, database.collectionOf(ref));
  if (database.expiryOf(ref) !== NO_EXPIRY) add(digest, "!!expire!!");
}

/** The digest of one value in 40 hexadecimal digits; all zeros for `ref` 0. */
export function valueDigest(database: Database, ref: number): string {
  const digest: Sha1Words = new Int32Array(5);
  if (ref !== 0) chainValue(digest, database, ref);
  return sha1Hex(digest);
}

/** The digest of all data in 40 hexadecimal digits; all zeros if there is none. O(all data) */
export function datasetDigest(databases: readonly Database[]): string {
  const digest: Sha1Words = new Int32Array(5), entry: Sha1Words = new Int32Array(5);
  for (const [id, database] of databases.entries()) {
    if (database.size === 0) continue;
    chainNumber(digest, id);
    database.forEach((ref) => {
      entry.fill(0);
      chain(entry, database.keyTextOf(ref));
      chainValue(entry, database, ref);
      addDigest(digest, entry);
    });
  }
  return sha1Hex(digest);
}
