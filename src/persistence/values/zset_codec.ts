/** Sorted sets outside the keyspace. */
import { ValueType } from "../../data/value.ts";
import { AddOutcome, ZsetValue } from "../../data/zset.ts";
import { formatDouble, parseDouble } from "../../util/numbers.ts";
import { writeElements } from "../aof/command_output.ts";
import { jsonText, writeArray } from "../json/json_text.ts";
import type { JsonSource } from "../json/json_source.ts";
import { readListpack, readZiplist } from "../rdb/packed_formats.ts";
import { RdbType } from "../rdb/rdb_format.ts";
import type { RdbOutput } from "../rdb/rdb_output.ts";
import type { ValueReader } from "../rdb/value_reader.ts";
import type { Steps, ValueCodec } from "./codec.ts";

/** Members between two yields. */
const STEP = 128;

/** See {@linkcode ValueCodec}. */
export const zsetCodec: ValueCodec<ZsetValue> = {
  type: ValueType.Zset,
  digestNumber: 3,
  rdbTypes: {
    [RdbType.Zset]: "zset-v1",
    [RdbType.Zset2]: "zset-v2",
    [RdbType.ZsetZiplist]: "zset-ziplist",
    [RdbType.ZsetListpack]: "zset-listpack",
  },
  mayBeEmpty: false,
  rdbTypeOf: (zset) => zset.encoding === "listpack" ? RdbType.ZsetListpack : RdbType.Zset2,
  save: (out, zset) => zset.encoding === "listpack" ? saveSmall(out, zset) : save(out, zset),
  load,
  rewrite: (out, key, zset) => writeElements(out, "ZADD", key, wordsOf(zset), 2),
  show: (out, zset) => writeArray(out, pairsOf(zset)),

  parse(source, shown) {
    const zset = new ZsetValue(source.limits);
    for (const item of source.array(shown)) {
      const [member, score] = source.array(item);
      if (zset.add(source.text(member), parseScore(source, score)) !== AddOutcome.Added) {
        source.fail("a member twice");
      }
    }
    return zset;
  },

  digest(digest, zset): void {
    zset.forEach((member, score) => digest.addPair(member, formatDouble(score)));
  },
};

// deno-lint-ignore require-yield -- a listpack is small
function* saveSmall(out: RdbOutput, zset: ZsetValue): Steps {
  out.beginListpack();
  zset.forEach((member, score) => {
    out.element(member);
    out.element(formatDouble(score));
  });
  out.endListpack();
}

/** In descending order of score: Redis then inserts each at the head of its skiplist. */
function* save(out: RdbOutput, zset: ZsetValue): Steps {
  out.count(zset.size);
  for (let rank = zset.size - 1; rank >= 0; rank -= STEP) {
    zset.each(rank, STEP, true, (member, score) => {
      out.string(member);
      out.double(score);
    });
    yield;
  }
}

function load(source: ValueReader, rdbType: number): ZsetValue {
  if (rdbType === RdbType.Zset || rdbType === RdbType.Zset2) return loadMembers(source, rdbType);
  const isZiplist = rdbType === RdbType.ZsetZiplist;
  const message = `Zset ${isZiplist ? "ziplist" : "listpack"} integrity check failed.`;
  const bytes = source.bytes();
  const small = isZiplist ? undefined : packedZset(source, bytes);
  if (small !== undefined) return small;
  const texts = (isZiplist ? readZiplist : readListpack)(bytes) ?? source.input.fail(message);
  source.checkGroups(texts, 2, message);
  const zset = new ZsetValue(source.limits);
  for (let i = 0; i < texts.length; i += 2) {
    const score = parseDouble(texts[i + 1]!) ?? NaN;
    // Of two members of one name a server finds the first.
    if (zset.score(texts[i]!) !== undefined) source.odd(message);
    else addScore(source, zset, texts[i]!, score);
  }
  return zset;
}

function loadMembers(source: ValueReader, rdbType: number): ZsetValue {
  const zset = new ZsetValue(source.limits), { input } = source;
  for (let left = input.count(); left > 0; left--) {
    const member = source.text();
    addScore(source, zset, member, rdbType === RdbType.Zset2 ? input.double() : doubleText(source));
  }
  return zset;
}

/** The sorted set of a listpack, if it can be kept as it is; the faults of another show when its texts are read. */
function packedZset(source: ValueReader, bytes: Uint8Array): ZsetValue | undefined {
  const { limits, entries } = source;
  const { zsetMaxListpackEntries: most, zsetMaxListpackValue: longest } = limits;
  if (!source.arePairs(bytes, most, longest)) return undefined;
  return ZsetValue.ofPacked(limits, entries.text(), entries.count / 2);
}

function addScore(source: ValueReader, zset: ZsetValue, member: string, score: number): void {
  if (Number.isNaN(score)) source.input.fail("Zset with NAN score detected");
  if (zset.add(member, score) !== AddOutcome.Added) source.input.fail("Duplicate zset fields detected");
}

/** A double as text behind its length; three lengths are special values. */
function doubleText({ input }: ValueReader): number {
  const length = input.byte();
  if (length === 255) return -Infinity;
  if (length === 254) return Infinity;
  return length === 253 ? NaN : parseDouble(input.fixed(length)) ?? NaN;
}

function* wordsOf(zset: ZsetValue): Generator<string, void, void> {
  for (let rank = 0; rank < zset.size; rank++) {
    const { member, score } = zset.at(rank);
    yield formatDouble(score);
    yield member;
  }
}

function* pairsOf(zset: ZsetValue): Generator<unknown, void, void> {
  for (let rank = 0; rank < zset.size; rank++) {
    const { member, score } = zset.at(rank);
    yield [jsonText(member), showScore(score)];
  }
}

function showScore(score: number): number | string {
  if (Object.is(score, -0)) return "-0";
  if (Number.isFinite(score)) return score;
  return score > 0 ? "inf" : "-inf";
}

function parseScore(source: JsonSource, shown: unknown): number {
  if (typeof shown === "number") return shown;
  if (shown === "-0") return -0;
  if (shown === "inf") return Infinity;
  return shown === "-inf" ? -Infinity : source.fail("a score that is no number");
}
