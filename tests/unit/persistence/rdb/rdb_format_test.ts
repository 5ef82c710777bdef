/** The numbers of the format, as Redis's rdb.h has them: files of others depend on each. */
import { assertEquals } from "@std/assert";
import {
  CHECKSUM_BYTES,
  FOOTER_BYTES,
  QuicklistContainer,
  RDB_VERSION_FIELD_EXPIRY,
  RDB_VERSION_NEWEST,
  RDB_VERSION_USUAL,
  RdbOpcode,
  RdbType,
  StringEncoding,
} from "../../../../src/persistence/rdb/rdb_format.ts";

Deno.test("RdbType numbers the types from 0 to 25, without 8, which Redis never used", () => {
  const numbers = Array.from({ length: 26 }, (_, number) => number).filter((number) => number !== 8);
  assertEquals(Object.values(RdbType), numbers);
});

Deno.test("RdbOpcode numbers the opcodes from 244 to 255", () => {
  assertEquals(Object.values(RdbOpcode), Array.from({ length: 12 }, (_, index) => 244 + index));
});

Deno.test("the other numbers of RDB files are Redis's", () => {
  assertEquals(Object.values(StringEncoding), [0, 1, 2, 3]);
  assertEquals(Object.values(QuicklistContainer), [1, 2]);
  assertEquals([RDB_VERSION_USUAL, RDB_VERSION_FIELD_EXPIRY, RDB_VERSION_NEWEST], [10, 12, 12]);
  assertEquals([CHECKSUM_BYTES, FOOTER_BYTES], [8, 10]);
});
