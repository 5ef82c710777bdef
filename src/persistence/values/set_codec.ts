/** Sets outside the keyspace. */
import { ownText, unpackEntries } from "../../data/packed.ts";
import { SetValue } from "../../data/set.ts";
import { ValueType } from "../../data/value.ts";
import { parseIntegerBytes } from "../../util/numbers.ts";
import { writeElements } from "../aof/command_output.ts";
import { jsonText, writeArray } from "../json/json_text.ts";
import { readIntset, readListpack } from "../rdb/packed_formats.ts";
import { RdbType } from "../rdb/rdb_format.ts";
import type { RdbOutput } from "../rdb/rdb_output.ts";
import type { ValueReader } from "../rdb/value_reader.ts";
import type { Steps, ValueCodec } from "./codec.ts";

/** Members between two yields. */
const STEP = 128;
/** Sets up to this size are packed as they are read. */
const FEW_MEMBERS = 32;

/** See {@linkcode ValueCodec}. */
export const setCodec: ValueCodec<SetValue> = {
  type: ValueType.Set,
  digestNumber: 2,
  rdbTypes: {
    [RdbType.Set]: "set-hashtable",
    [RdbType.SetIntset]: "set-intset",
    [RdbType.SetListpack]: "set-listpack",
  },
  mayBeEmpty: false,
  rdbTypeOf: (set) => set.encoding === "intset" ? RdbType.SetIntset : RdbType.Set,
  save: (out, set) => set.encoding === "intset" ? saveIntset(out, set) : save(out, set),
  load,
  rewrite: (out, key, set) => writeElements(out, "SADD", key, membersOf(set)),
  show: (out, set) => writeArray(out, membersOf(set), jsonText),

  parse(source, shown) {
    const set = new SetValue(source.limits);
    for (const item of source.array(shown)) if (!set.add(source.text(item))) source.fail("a member twice");
    return set;
  },

  digest(digest, set): void {
    set.forEach((member) => digest.add(member));
  },
};

function* save(out: RdbOutput, set: SetValue): Steps {
  out.count(set.size);
  let cursor = 0;
  while ((cursor = set.scanBytes(cursor, STEP, (buf, start, end) => out.bytes(buf, start, end))) !== 0) yield;
}

/** Width, count, and the members in ascending order, all little-endian. */
// deno-lint-ignore require-yield -- an intset is small
function* saveIntset(out: RdbOutput, set: SetValue): Steps {
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

function load(source: ValueReader, rdbType: number): SetValue {
  if (rdbType === RdbType.Set) return loadMembers(source);
  const set = new SetValue(source.limits);
  const members = rdbType === RdbType.SetIntset
    ? source.packed(readIntset, "Intset integrity check failed.")
    : source.packed(readListpack, "Set listpack integrity check failed.");
  for (const member of members) {
    if (!set.add(member)) source.odd("Duplicate set members detected");
  }
  return set;
}

function loadMembers(source: ValueReader): SetValue {
  const count = source.input.count();
  if (count <= FEW_MEMBERS) return loadFew(source, count);
  const set = new SetValue(source.limits);
  for (let left = count; left > 0; left--) addMember(source, set, source.text());
  return set;
}

function loadFew(source: ValueReader, count: number): SetValue {
  const { entries, limits } = source;
  let hasIntegers = false;
  entries.clear();
  for (let left = count; left > 0; left--) {
    const { buf, start, end } = source.string();
    hasIntegers ||= parseIntegerBytes(buf, start, end) !== undefined;
    entries.add(buf, start, end);
  }
  const packed = entries.text();
  const small = hasIntegers ? undefined : SetValue.ofPacked(limits, packed, count, entries.longest);
  if (small !== undefined) return small;
  const set = new SetValue(limits);
  for (const member of unpackEntries(packed)) addMember(source, set, ownText(member));
  return set;
}

function addMember(source: ValueReader, set: SetValue, member: string): void {
  if (!set.add(member)) source.input.fail("Duplicate set members detected");
}

/** The members, some at a time. */
function* membersOf(set: SetValue): Generator<string, void, void> {
  let cursor = 0;
  do {
    const members: string[] = [];
    cursor = set.scan(cursor, STEP, (member) => members.push(member));
    yield* members;
  } while (cursor !== 0);
}
