/**
 * Values in the encodings of RDB files, each in the oldest one that holds it, so that redis-server 7.0 can read all but
 * hashes with field expiry.
 *
 * {@linkcode writeValue} is a generator: a collection of millions is written in steps of some hundred elements, between
 * which a snapshot can let the event loop run. The value must not change until the last step.
 */
import { ELEMENT_OVERHEAD_BYTES } from "../../data/listpack.ts";
import { HashValue } from "../../data/hash.ts";
import { ListValue } from "../../data/list.ts";
import { SetValue } from "../../data/set.ts";
import { StreamValue } from "../../data/stream.ts";
import type { Consumer, ConsumerGroup, PendingIndex } from "../../data/consumer_group.ts";
import type { IdPart } from "../../data/stream_id.ts";
import type { CollectionValue } from "../../data/value.ts";
import { ZsetValue } from "../../data/zset.ts";
import { formatDouble } from "../../util/numbers.ts";
import { QuicklistContainer, RdbType } from "./rdb_format.ts";
import type { RdbOutput } from "./rdb_output.ts";

/** Elements between two yields. */
const STEP = 128;
/** A list's listpacks are about as long as Redis's own by default. */
const LIST_NODE_BYTES = 8192;
/** -1 in the 64 bits of a count. */
const UNKNOWN_COUNT = 0xffff_ffff_ffff_ffffn;

/** The RDB type {@linkcode writeValue} writes `value` as. */
export function rdbTypeOf(value: CollectionValue): number {
  if (value instanceof ListValue) return RdbType.ListQuicklist2;
  if (value instanceof SetValue) return value.encoding === "intset" ? RdbType.SetIntset : RdbType.Set;
  if (value instanceof ZsetValue) {
    return value.encoding === "listpack" ? RdbType.ZsetListpack : RdbType.Zset2;
  }
  if (value instanceof HashValue) return rdbTypeOfHash(value);
  if (value instanceof StreamValue) return RdbType.StreamListpacks2;
  throw new Error(`no RDB type for a ${value.encoding}`);
}

function rdbTypeOfHash(hash: HashValue): number {
  const isTable = hash.encoding === "hashtable";
  if (hash.nextExpiryMs === Infinity) return isTable ? RdbType.Hash : RdbType.HashListpack;
  return isTable ? RdbType.HashMetadata : RdbType.HashListpackEx;
}

/** Writes `value` as {@linkcode rdbTypeOf} says. */
export function writeValue(out: RdbOutput, value: CollectionValue): Generator<void, void, void> {
  if (value instanceof ListValue) return writeList(out, value);
  if (value instanceof SetValue) {
    return value.encoding === "intset" ? writeIntset(out, value) : writeSet(out, value);
  }
  if (value instanceof ZsetValue) {
    return value.encoding === "listpack" ? writeSmallZset(out, value) : writeZset(out, value);
  }
  if (value instanceof HashValue) return writeHash(out, value);
  if (value instanceof StreamValue) return writeStream(out, value);
  throw new Error(`no RDB encoding for a ${value.encoding}`);
}

/** What an element takes in a listpack, at most. */
function elementBytes(text: string): number {
  return text.length + ELEMENT_OVERHEAD_BYTES;
}

/** Listpacks of about 8 KiB; how many stands in front, so that they are counted first. */
function* writeList(out: RdbOutput, list: ListValue): Generator<void, void, void> {
  let nodes = 0, bytes = LIST_NODE_BYTES, seen = 0;
  for (const text of list) {
    bytes += elementBytes(text);
    if (bytes > LIST_NODE_BYTES) nodes++, bytes = elementBytes(text);
    if (++seen % (STEP * 4) === 0) yield;
  }
  out.count(nodes);
  bytes = LIST_NODE_BYTES;
  for (const text of list) {
    bytes += elementBytes(text);
    if (bytes > LIST_NODE_BYTES) {
      if (seen-- !== list.size) out.endListpack();
      yield;
      out.count(QuicklistContainer.Packed);
      out.beginListpack();
      bytes = elementBytes(text);
    }
    out.element(text);
  }
  out.endListpack();
}

function* writeSet(out: RdbOutput, set: SetValue): Generator<void, void, void> {
  out.count(set.size);
  let cursor = 0;
  while ((cursor = set.scanBytes(cursor, STEP, (buf, start, end) => out.bytes(buf, start, end))) !== 0) yield;
}

/** Width, count, and the members in ascending order, all little-endian. */
// deno-lint-ignore require-yield -- an intset is small
function* writeIntset(out: RdbOutput, set: SetValue): Generator<void, void, void> {
  const members = set.members().map(BigInt);
  const first = members[0] ?? 0n, last = members.at(-1) ?? 0n;
  const width = [2, 4, 8].find((width) => fits(first, width) && fits(last, width)) ?? 8;
  const bytes = new Uint8Array(8 + members.length * width), view = new DataView(bytes.buffer);
  view.setUint32(0, width, true);
  view.setUint32(4, members.length, true);
  for (const [i, member] of members.entries()) {
    const at = 8 + i * width;
    if (width === 2) view.setInt16(at, Number(member), true);
    else if (width === 4) view.setInt32(at, Number(member), true);
    else view.setBigInt64(at, member, true);
  }
  out.bytes(bytes, 0, bytes.length);
}

function fits(value: bigint, width: number): boolean {
  return BigInt.asIntN(width * 8, value) === value;
}

// deno-lint-ignore require-yield -- a listpack is small
function* writeSmallZset(out: RdbOutput, zset: ZsetValue): Generator<void, void, void> {
  out.beginListpack();
  zset.forEach((member, score) => {
    out.element(member);
    out.element(formatDouble(score));
  });
  out.endListpack();
}

/** From the greatest score down: Redis inserts each at the head of its skiplist then. */
function* writeZset(out: RdbOutput, zset: ZsetValue): Generator<void, void, void> {
  out.count(zset.size);
  for (let rank = zset.size - 1; rank >= 0; rank -= STEP) {
    zset.each(rank, STEP, true, (member, score) => {
      out.string(member);
      out.double(score);
    });
    yield;
  }
}

function* writeHash(out: RdbOutput, hash: HashValue): Generator<void, void, void> {
  const expires = hash.nextExpiryMs !== Infinity;
  if (expires) out.milliseconds(hash.nextExpiryMs);
  if (hash.encoding !== "hashtable") {
    return expires ? writeSmallExpiringHash(out, hash) : writeSmallHash(out, hash);
  }
  out.count(hash.size);
  let cursor = 0;
  do {
    cursor = hash.scan(cursor, STEP, (field, value) => {
      if (expires) out.count(relativeExpiry(hash, field));
      out.string(field);
      out.string(value);
    });
    yield;
  } while (cursor !== 0);
}

/** Milliseconds from the first expiry of the hash to that of `field`, plus one; 0 for none. */
function relativeExpiry(hash: HashValue, field: string): number {
  const atMs = hash.expiryOf(field);
  return atMs === Infinity ? 0 : atMs - hash.nextExpiryMs + 1;
}

function writeSmallHash(out: RdbOutput, hash: HashValue): void {
  out.beginListpack();
  hash.forEach((field, value) => {
    out.element(field);
    out.element(value);
  });
  out.endListpack();
}

/** Field, value and expiry in turn, the next to expire first, those that stay (0) last. */
function writeSmallExpiringHash(out: RdbOutput, hash: HashValue): void {
  const triples: [string, string, number][] = [];
  hash.forEach((field, value) => triples.push([field, value, hash.expiryOf(field)]));
  triples.sort((a, b) => a[2] === b[2] ? 0 : a[2] - b[2]);
  out.beginListpack();
  for (const [field, value, atMs] of triples) {
    out.element(field);
    out.element(value);
    out.element(atMs === Infinity ? "0" : String(atMs));
  }
  out.endListpack();
}

function* writeStream(out: RdbOutput, stream: StreamValue): Generator<void, void, void> {
  out.count(stream.nodeCount);
  for (const node of stream.nodes()) {
    out.count(16);
    out.rawId(node.id);
    const listpack = node.toListpack();
    out.bytes(listpack, 0, listpack.length);
    yield;
  }
  out.count(stream.size);
  for (const id of [stream.lastId, stream.firstId, stream.maxDeletedId]) {
    out.count(id.ms);
    out.count(id.seq);
  }
  out.count(stream.entriesAdded);
  out.count(stream.groupCount);
  for (const group of stream.groups()) yield* writeGroup(out, group);
}

function* writeGroup(out: RdbOutput, group: ConsumerGroup): Generator<void, void, void> {
  out.string(group.name);
  out.count(group.lastId.ms);
  out.count(group.lastId.seq);
  const entriesRead: IdPart = group.entriesRead;
  out.count(entriesRead < 0 ? UNKNOWN_COUNT : entriesRead);
  yield* writePending(out, group.pending, true);
  const consumers: readonly Consumer[] = group.consumers();
  out.count(consumers.length);
  for (const consumer of consumers) {
    out.string(consumer.name);
    out.milliseconds(consumer.seenTimeMs);
    yield* writePending(out, consumer.pending, false);
  }
}

/** Delivery times and counts stand in the group's list only. */
function* writePending(out: RdbOutput, pending: PendingIndex, isGroup: boolean): Generator<void, void, void> {
  out.count(pending.size);
  let seen = 0;
  for (const entry of pending) {
    out.rawId(entry.id);
    if (isGroup) {
      out.milliseconds(entry.deliveryTimeMs);
      out.count(entry.deliveryCount);
    }
    if (++seen % STEP === 0) yield;
  }
}
