/**
 * Values of every type and encoding, generated from a seed, and a plain form for comparing them.
 */
import { HashValue } from "../../src/data/hash.ts";
import { type DataLimits, defaultLimits } from "../../src/data/limits.ts";
import { ListEnd, ListValue } from "../../src/data/list.ts";
import { SetValue } from "../../src/data/set.ts";
import { StreamValue } from "../../src/data/stream.ts";
import { formatId, maxStreamId, minStreamId, type StreamId } from "../../src/data/stream_id.ts";
import type { CollectionValue } from "../../src/data/value.ts";
import { ZsetValue } from "../../src/data/zset.ts";
import { bytesOf } from "../../src/util/bytes.ts";
import { Slice } from "../../src/keyspace/slice.ts";
import type { Random } from "../../src/util/random.ts";

/** A string or a collection, as DUMP takes it. */
export type AnyValue = Slice | CollectionValue;

/** A slice of its own. */
export function sliceOf(text: string): Slice {
  return new Slice().point(bytesOf(text), 0, text.length);
}

/**
 * Text of the kinds found in real data: integers of all widths, words, runs, bytes of every value.
 */
export function randomText(random: Random, longest = 100): string {
  switch (random.below(6)) {
    case 0:
      return String(random.below(2 ** random.below(53)) * (random.below(2) * 2 - 1) || 0);
    case 1:
      return String(BigInt.asIntN(64, BigInt(random.next()) << BigInt(random.below(34))));
    case 2:
      return "ab".charAt(random.below(2)).repeat(random.below(longest));
    case 3:
      return `word:${random.below(1000)}`;
    default: {
      const codes = Array.from({ length: random.below(longest) }, () => random.below(256));
      return String.fromCharCode(...codes);
    }
  }
}

function randomScore(random: Random): number {
  const scores = [0, -0, 1, -1, 0.1, 1e300, -1e-300, Infinity, -Infinity, 12345678901234567000, 3.5];
  return random.below(3) === 0 ? scores[random.below(scores.length)]! : random.below(2000) / 4 - 250;
}

function fill(value: CollectionValue, random: Random, size: number, longest: number): void {
  for (let i = 0; i < size; i++) {
    const text = i === 0 ? randomText(random, longest) : `${randomText(random, longest)}.${i}`;
    if (value instanceof ListValue) value.pushText(ListEnd.Tail, text);
    else if (value instanceof SetValue) value.add(text);
    else if (value instanceof ZsetValue) value.add(text, randomScore(random));
    else if (value instanceof HashValue) value.set(text, randomText(random, longest));
  }
}

function randomIntset(limits: DataLimits, random: Random): SetValue {
  const set = new SetValue(limits), bits = [7, 15, 30, 62][random.below(4)]!;
  for (let i = random.below(60); i >= 0; i--) {
    set.add(String(BigInt.asIntN(bits + 1, (BigInt(random.next()) << 32n) | BigInt(random.next()))));
  }
  return set;
}

function randomStream(limits: DataLimits, random: Random): StreamValue {
  const stream = new StreamValue(limits), ids: StreamId[] = [];
  let ms = random.below(3) === 0 ? 0 : 1_700_000_000_000;
  for (let i = random.below(300); i > 0; i--) {
    ms += random.below(3);
    const id = stream.nextIdIn(ms) ?? stream.nextIdAt(ms);
    if (id === undefined || (id.ms === 0 && id.seq === 0)) continue;
    const pairs = random.below(4) === 0
      ? [randomText(random, 30), randomText(random, 30)]
      : ["field", String(i)];
    stream.append(id, pairs);
    ids.push(id);
  }
  for (const id of ids) if (random.below(5) === 0) stream.delete(id);
  for (let g = random.below(3); g > 0; g--) {
    const lastId = ids[random.below(ids.length)] ?? minStreamId;
    const group = stream.createGroup(`group-${g}`, lastId, random.below(2) === 0 ? -1 : random.below(100))!;
    const consumers = Array.from(
      { length: random.below(4) },
      (_, i) => group.createConsumer(`consumer-${i}`, 1_700_000_000_000 + i),
    );
    for (const id of ids) {
      const consumer = consumers[random.below(consumers.length + 2)];
      if (consumer !== undefined) {
        group.assign(id, consumer, 1_700_000_000_000 + random.below(1000), random.below(90));
      }
    }
  }
  return stream;
}

/**
 * A value of any type; `kind` selects it, 0 … {@linkcode VALUE_KINDS} - 1. Never an empty
 * collection, except a stream.
 */
export function randomValue(random: Random, kind: number, limits = defaultLimits()): AnyValue {
  switch (kind) {
    case 0:
      return sliceOf(randomText(random, 3000));
    case 1:
    case 2: {
      const list = new ListValue(limits);
      fill(list, random, 1 + random.below(kind === 1 ? 10 : 2000), kind === 1 ? 20 : 100);
      return list;
    }
    case 3:
      return randomIntset(limits, random);
    case 4:
    case 5: {
      const set = new SetValue(limits);
      fill(set, random, 1 + random.below(kind === 4 ? 10 : 700), 40);
      return set;
    }
    case 6:
    case 7: {
      const zset = new ZsetValue(limits);
      fill(zset, random, 1 + random.below(kind === 6 ? 10 : 700), 40);
      return zset;
    }
    case 8:
    case 9:
    case 10:
    case 11: {
      const hash = new HashValue(limits);
      fill(hash, random, 1 + random.below(kind % 2 === 0 ? 10 : 900), 40);
      if (kind > 9) {
        hash.forEach((field) => random.below(2) === 0 && hash.setExpiry(field, 4e12 + random.below(1e6)));
      }
      return hash;
    }
    default:
      return randomStream(limits, random);
  }
}

export const VALUE_KINDS = 13;

/** The complete content of a value, as plain data. */
export function plainForm(value: AnyValue): unknown {
  if (value instanceof Slice) return value.text();
  if (value instanceof ListValue) return [...value];
  if (value instanceof SetValue) return [value.encoding, ...value.members().sort()];
  if (value instanceof ZsetValue) {
    const members: unknown[] = [value.encoding];
    value.forEach((member, score) => members.push([member, score]));
    return members;
  }
  if (value instanceof HashValue) {
    const fields: [string, string, number][] = [];
    value.forEach((field, text) => fields.push([field, text, value.expiryOf(field)]));
    return [value.encoding, ...fields.sort((a, b) => a[0] < b[0] ? -1 : 1)];
  }
  if (value instanceof StreamValue) return plainStream(value);
  throw new Error(`no plain form of a ${value.encoding}`);
}

function plainStream(stream: StreamValue): unknown {
  const entries: string[][] = [];
  for (const cursor = stream.range(minStreamId, maxStreamId); cursor.next();) {
    const entry = [formatId(cursor.id)];
    cursor.writePairs({
      bulk: (text) => entry.push(text),
      bulkBytes: (bytes, start, end) => entry.push(String.fromCharCode(...bytes.subarray(start, end))),
    });
    entries.push(entry);
  }
  const groups = stream.groups().map((group) => ({
    name: group.name,
    lastId: formatId(group.lastId),
    entriesRead: group.entriesRead,
    consumers: group.consumers().map((consumer) => [consumer.name, consumer.seenTimeMs]),
    pending: [...group.pending].map((entry) => [
      formatId(entry.id),
      entry.consumer.name,
      entry.deliveryTimeMs,
      entry.deliveryCount,
    ]),
  }));
  const { lastId, firstId, maxDeletedId, entriesAdded } = stream;
  return { entries, groups, entriesAdded, ids: [lastId, firstId, maxDeletedId].map(formatId) };
}
