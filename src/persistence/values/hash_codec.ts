/** Hashes outside the keyspace. */
import { HashValue, LATEST_FIELD_EXPIRY_MS } from "../../data/hash.ts";
import { ownText } from "../../data/packed.ts";
import { ValueType } from "../../data/value.ts";
import { type CommandOutput, ELEMENTS_PER_COMMAND } from "../aof/command_output.ts";
import { type JsonOutput, jsonText } from "../json/json_text.ts";
import { readListpack, readZiplist, readZipmap } from "../rdb/packed_formats.ts";
import { RdbType } from "../rdb/rdb_format.ts";
import type { RdbOutput } from "../rdb/rdb_output.ts";
import type { PackedReader, ValueReader } from "../rdb/value_reader.ts";
import type { Steps, ValueCodec } from "./codec.ts";

/** Fields between two yields. */
const STEP = 128;

/** The packed encodings, and the message for damaged ones. */
const packedFormats: Readonly<Record<number, { reader: PackedReader; message: string }>> = {
  [RdbType.HashZipmap]: { reader: readZipmap, message: "Zipmap integrity check failed." },
  [RdbType.HashZiplist]: { reader: readZiplist, message: "Hash ziplist integrity check failed." },
  [RdbType.HashListpack]: { reader: readListpack, message: "Hash listpack integrity check failed." },
};

/** See {@linkcode ValueCodec}. */
export const hashCodec: ValueCodec<HashValue> = {
  type: ValueType.Hash,
  digestNumber: 4,
  rdbTypes: {
    [RdbType.Hash]: "hash-hashtable",
    [RdbType.HashZipmap]: "hash-zipmap",
    [RdbType.HashZiplist]: "hash-ziplist",
    [RdbType.HashListpack]: "hash-listpack",
    [RdbType.HashMetadataEarly]: "hash-hashtable-md-pre-release",
    [RdbType.HashListpackExEarly]: "hash-listpack-md-pre-release",
    [RdbType.HashMetadata]: "hash-hashtable-md",
    [RdbType.HashListpackEx]: "hash-listpack-md",
  },
  mayBeEmpty: false,

  rdbTypeOf(hash) {
    const isTable = hash.encoding === "hashtable";
    if (hash.nextExpiryMs === Infinity) return isTable ? RdbType.Hash : RdbType.HashListpack;
    return isTable ? RdbType.HashMetadata : RdbType.HashListpackEx;
  },

  save,
  load,
  rewrite,
  show,

  parse(source, shown) {
    const hash = new HashValue(source.limits);
    for (const item of source.array(shown)) {
      const [field, text, expiresAtMs] = source.array(item);
      const name = source.text(field);
      if (!hash.set(name, source.text(text))) source.fail("a field twice");
      if (expiresAtMs !== undefined) hash.setExpiry(name, source.count(expiresAtMs));
    }
    return hash;
  },

  digest(digest, hash): void {
    hash.forEach((field, text) => digest.addPair(field, text));
  },
};

// ---- RDB --------------------------------------------------------------------------------------------------------

function* save(out: RdbOutput, hash: HashValue): Steps {
  const expires = hash.nextExpiryMs !== Infinity;
  if (expires) out.milliseconds(hash.nextExpiryMs);
  if (hash.encoding !== "hashtable") {
    return expires ? saveSmallExpiring(out, hash) : saveSmall(out, hash);
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

function saveSmall(out: RdbOutput, hash: HashValue): void {
  out.beginListpack();
  hash.forEach((field, value) => {
    out.element(field);
    out.element(value);
  });
  out.endListpack();
}

/** Field, value and expiry in turn, the next to expire first, fields without expiry (0) last. */
function saveSmallExpiring(out: RdbOutput, hash: HashValue): void {
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

function load(source: ValueReader, rdbType: number): HashValue {
  switch (rdbType) {
    case RdbType.Hash:
      return loadFields(source);
    case RdbType.HashMetadata:
    case RdbType.HashMetadataEarly:
      return loadExpiring(source, rdbType === RdbType.HashMetadata);
    case RdbType.HashListpackEx:
    case RdbType.HashListpackExEarly:
      return loadSmallExpiring(source, rdbType === RdbType.HashListpackEx);
    default:
      return loadSmall(source, rdbType);
  }
}

function loadFields(source: ValueReader): HashValue {
  const hash = new HashValue(source.limits);
  for (let left = source.input.count(); left > 0; left--) {
    const field = source.text();
    setField(source, hash, field, source.text());
  }
  return hash;
}

function loadSmall(source: ValueReader, rdbType: number): HashValue {
  const { reader, message } = packedFormats[rdbType]!, bytes = source.bytes();
  const small = rdbType === RdbType.HashListpack ? packedHash(source, bytes) : undefined;
  if (small !== undefined) return small;
  const texts = reader(bytes) ?? source.input.fail(message);
  source.checkGroups(texts, 2, message);
  const hash = new HashValue(source.limits);
  for (let i = 0; i < texts.length; i += 2) {
    if (hash.has(texts[i]!)) source.odd(message);
    else hash.set(texts[i]!, texts[i + 1]!);
  }
  return hash;
}

/** The hash of a listpack, if it can be kept as it is; the faults of another show when its texts are read. */
function packedHash(source: ValueReader, bytes: Uint8Array): HashValue | undefined {
  const { limits, entries } = source;
  const { hashMaxListpackEntries: most, hashMaxListpackValue: longest } = limits;
  if (!source.arePairs(bytes, most, longest)) return undefined;
  return HashValue.ofPacked(limits, entries.text(), entries.count / 2);
}

function setField(source: ValueReader, hash: HashValue, field: string, value: string): void {
  if (!hash.set(field, value)) source.input.fail("Duplicate hash fields detected");
}

/** Fields with the time from the first expiry to theirs, plus one; the early form has the time itself. */
function loadExpiring(source: ValueReader, isRelative: boolean): HashValue {
  const hash = new HashValue(source.limits), { input } = source;
  const firstMs = isRelative ? input.milliseconds() : 1;
  for (let left = input.count(); left > 0; left--) {
    const after = input.count();
    const field = source.text();
    setField(source, hash, field, source.text());
    if (after > 0) setExpiry(source, hash, field, firstMs + after - 1);
  }
  return hash;
}

function loadSmallExpiring(source: ValueReader, hasFirst: boolean): HashValue {
  const hash = new HashValue(source.limits);
  if (hasFirst) source.input.milliseconds();
  const message = "Hash listpack with TTL integrity check failed.";
  const texts = source.packed(readListpack, message);
  source.checkGroups(texts, 3, message);
  for (let i = 0; i < texts.length; i += 3) {
    const field = texts[i]!, time = texts[i + 2]!;
    setField(source, hash, field, texts[i + 1]!);
    if (!/^\d{1,15}$/.test(time)) source.input.fail(message);
    if (time !== "0") setExpiry(source, hash, field, Number(time));
  }
  return hash;
}

function setExpiry(source: ValueReader, hash: HashValue, field: string, atMs: number): void {
  if (!(atMs >= 0 && atMs <= LATEST_FIELD_EXPIRY_MS)) source.input.fail("Hash field expiry out of range");
  hash.setExpiry(ownText(field), atMs);
}

// ---- Commands and JSON ------------------------------------------------------------------------------------------

function* rewrite(out: CommandOutput, key: string, hash: HashValue): Steps {
  let cursor = 0;
  do {
    const words: string[] = [], expiring: string[] = [];
    cursor = hash.scan(cursor, ELEMENTS_PER_COMMAND, (field, value) => {
      words.push(field, value);
      if (hash.expiryOf(field) !== Infinity) expiring.push(field);
    });
    for (let i = 0; i < words.length; i += ELEMENTS_PER_COMMAND * 2) {
      out.command("HMSET", key, ...words.slice(i, i + ELEMENTS_PER_COMMAND * 2));
    }
    for (const field of expiring) {
      out.command("HPEXPIREAT", key, String(hash.expiryOf(field)), "FIELDS", "1", field);
    }
    yield;
  } while (cursor !== 0);
}

function* show(out: JsonOutput, hash: HashValue): Steps {
  let cursor = 0, comma = "[";
  do {
    cursor = hash.scan(cursor, STEP, (field, value) => {
      const pair: unknown[] = [jsonText(field), jsonText(value)];
      if (hash.expiryOf(field) !== Infinity) pair.push(hash.expiryOf(field));
      out.text(comma + JSON.stringify(pair));
      comma = ",";
    });
    yield;
  } while (cursor !== 0);
  out.text("]");
}
