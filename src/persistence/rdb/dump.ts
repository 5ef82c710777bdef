/**
 * The payload of DUMP, RESTORE and MIGRATE: a value's type and encoding as in an RDB file, the RDB version (16 bits,
 * little-endian) and a CRC-64 of all before.
 */
import type { DataLimits } from "../../data/limits.ts";
import type { CollectionValue } from "../../data/value.ts";
import { Slice } from "../../keyspace/slice.ts";
import { Crc64 } from "../../util/crc64.ts";
import { stringCodec } from "../values/string_codec.ts";
import { codecOf } from "../values/table.ts";
import {
  CHECKSUM_BYTES,
  FOOTER_BYTES,
  RDB_VERSION_FIELD_EXPIRY,
  RDB_VERSION_NEWEST,
  RDB_VERSION_USUAL,
  RdbType,
} from "./rdb_format.ts";
import { RdbInput } from "./rdb_input.ts";
import { RdbOutput } from "./rdb_output.ts";
import { ValueReader } from "./value_reader.ts";

/** The version a payload of this RDB type needs. */
function versionFor(type: number): number {
  return type >= RdbType.HashMetadata ? RDB_VERSION_FIELD_EXPIRY : RDB_VERSION_USUAL;
}

/** Writes a string (a slice) or a collection as in an RDB file, without its type and at once. */
export function writeValue(out: RdbOutput, value: Slice | CollectionValue): void {
  if (value instanceof Slice) stringCodec.save(out, value);
  else for (const _ of codecOf(value).save(out, value));
}

/** The payload of a string (a slice) or a collection, in memory of its own. */
export function dumpValue(value: Slice | CollectionValue, compress = true): Uint8Array<ArrayBuffer> {
  const out = new RdbOutput(compress);
  const type = value instanceof Slice ? RdbType.String : codecOf(value).rdbTypeOf(value);
  out.byte(type);
  writeValue(out, value);
  out.byte(versionFor(type) & 255);
  out.byte(versionFor(type) >> 8);
  const crc = new Crc64();
  crc.update(out.view());
  for (let i = 0; i < CHECKSUM_BYTES; i++) out.byte(crc.byteAt(i));
  return out.view().slice();
}

/**
 * True if a payload ends with a version that can be read and the right checksum.
 *
 * @param skipChecksum forgives a wrong checksum, for tests of the bytes behind it
 */
export function hasValidFooter(payload: Uint8Array, skipChecksum = false): boolean {
  const footer = payload.length - FOOTER_BYTES;
  if (footer < 0) return false;
  const version = payload[footer]! | (payload[footer + 1]! << 8);
  if (version > RDB_VERSION_NEWEST) return false;
  if (skipChecksum) return true;
  const crc = new Crc64();
  crc.update(payload, 0, footer + 2);
  return crc.matches(payload, footer + 2);
}

/**
 * The value of a payload whose footer is valid: a string as a slice of the payload or of memory of its own. Throws
 * RdbError.
 */
export function restoreValue(payload: Uint8Array, limits: DataLimits): Slice | CollectionValue {
  const input = RdbInput.of(payload.subarray(0, payload.length - FOOTER_BYTES));
  const type = input.byte();
  const reader = new ValueReader(input, limits);
  const value = type === RdbType.String ? stringCodec.load(reader, new Slice()) : reader.read(type);
  if (value === null) return input.fail("The value has no elements");
  if (input.offset !== payload.length - FOOTER_BYTES) input.fail("There are bytes behind the value");
  return value;
}
