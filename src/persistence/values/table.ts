/** The table of value types: the one place that a new type is entered in. See codec.ts. */
import { type CollectionValue, typeName } from "../../data/value.ts";
import type { TypeNumbers, ValueCodec } from "./codec.ts";
import { hashCodec } from "./hash_codec.ts";
import { listCodec } from "./list_codec.ts";
import { setCodec } from "./set_codec.ts";
import { streamCodec } from "./stream_codec.ts";
import { stringCodec } from "./string_codec.ts";
import { zsetCodec } from "./zset_codec.ts";

const codecs: readonly ValueCodec[] = [listCodec, setCodec, zsetCodec, hashCodec, streamCodec];

const byType: (ValueCodec | undefined)[] = [];
const byName = new Map<string, ValueCodec>();
const byRdbType: (ValueCodec | undefined)[] = [];
const rdbNames: string[] = [];

function enterRdbTypes({ rdbTypes }: TypeNumbers): void {
  for (const [number, name] of Object.entries(rdbTypes)) {
    if (rdbNames[Number(number)] !== undefined) throw new TypeError(`RDB type ${number} has two codecs`);
    rdbNames[Number(number)] = name;
  }
}

/** Enters a type beside those of the table, for the lifetime of the process. Throws TypeError if a number is taken. */
export function enterCodec(codec: ValueCodec): void {
  if (byType[codec.type] !== undefined) throw new TypeError(`type ${codec.type} has two codecs`);
  enterRdbTypes(codec);
  byType[codec.type] = codec;
  byName.set(typeName(codec.type), codec);
  for (const number of Object.keys(codec.rdbTypes)) byRdbType[Number(number)] = codec;
}

enterRdbTypes(stringCodec);
for (const codec of codecs) enterCodec(codec);

/** The codec of a collection. Throws TypeError if its type is in no table. */
export function codecOf(value: CollectionValue): ValueCodec {
  return byType[value.type] ?? unknown(value);
}

function unknown(value: CollectionValue): never {
  throw new TypeError(`values of type ${value.type} have no codec`);
}

/** The codec of the type that TYPE calls `name`, if it is a collection's. */
export function codecNamed(name: string): ValueCodec | undefined {
  return byName.get(name);
}

/** The codec that reads an RDB type, if it is a collection's. */
export function codecOfRdbType(rdbType: number): ValueCodec | undefined {
  return byRdbType[rdbType];
}

/** The name of an RDB type in the reports of redis-check-rdb, if it is one that is read. */
export function rdbTypeName(rdbType: number): string | undefined {
  return rdbNames[rdbType];
}

/** redis-server's number of a type in a record. */
export function digestNumberOf(type: number): number {
  return type === stringCodec.type ? stringCodec.digestNumber : byType[type]?.digestNumber ?? type;
}
