import { assertEquals } from "@std/assert";
import {
  readIntset,
  readListpack,
  readZiplist,
  readZipmap,
} from "../../../../src/persistence/rdb/packed_formats.ts";
import { Random } from "../../../../src/util/random.ts";
import { latin, ziplist } from "../../../support/packed_bytes.ts";

const everyZiplist = ziplist(
  [3, ...latin("abc")],
  [0x41, 0x2c, ...latin("x".repeat(300))],
  [0x80, 0, 0, 0, 2, ...latin("hi")],
  [0xc0, 0xff, 0x7f],
  [0xd0, 0, 0, 0, 0x80],
  [0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xf0, 0, 0, 0x80],
  [0xfe, 0x80],
  [0xf1],
  [0xfd],
);

Deno.test("readZiplist reads every encoding", () => {
  assertEquals(readZiplist(everyZiplist), [
    "abc",
    "x".repeat(300),
    "hi",
    "32767",
    "-2147483648",
    "9223372036854775807",
    "-8388608",
    "-128",
    "0",
    "12",
  ]);
  assertEquals(readZiplist(ziplist()), []);
});

Deno.test("readZiplist checks header, back references and ends", () => {
  assertEquals(readZiplist(everyZiplist.slice(0, -1)), undefined);
  for (const at of [0, 1, 4, 5, 8, 10, 15, everyZiplist.length - 1]) {
    const damaged = everyZiplist.slice();
    damaged[at]! ^= 4;
    assertEquals(readZiplist(damaged), undefined, `byte ${at}`);
  }
});

Deno.test("readZipmap reads fields, values and free bytes", () => {
  const bytes = latin("\x02\x03foo\x03\x01bar?\x02hi\x05\x00world\xff");
  assertEquals(readZipmap(bytes), ["foo", "bar", "hi", "world"]);
  const long = latin("\x01\x01k\xfe\x2c\x01\x00\x00\x00" + "v".repeat(300) + "\xff");
  assertEquals(readZipmap(long), ["k", "v".repeat(300)]);
  assertEquals(readZipmap(latin("\x01\x03foo\x03\x00barX\xff")), undefined);
  assertEquals(readZipmap(latin("\x02\x03foo\x03\x00bar\xff")), undefined);
  assertEquals(readZipmap(latin("\x00\xff")), undefined);
  assertEquals(readZipmap(latin("\x01\x03foo\xff")), undefined);
  assertEquals(readZipmap(latin("\x01\x03foo\x09\x00bar\xff")), undefined);
});

Deno.test("readIntset reads all widths in ascending order only", () => {
  assertEquals(readIntset(Uint8Array.of(2, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff, 5, 0)), ["-1", "5"]);
  assertEquals(readIntset(Uint8Array.of(4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0)), ["65536"]);
  assertEquals(readIntset(Uint8Array.of(8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80)), [
    "-9223372036854775808",
  ]);
  assertEquals(readIntset(Uint8Array.of(2, 0, 0, 0, 2, 0, 0, 0, 5, 0, 5, 0)), undefined);
  assertEquals(readIntset(Uint8Array.of(2, 0, 0, 0, 3, 0, 0, 0, 5, 0, 6, 0)), undefined);
  assertEquals(readIntset(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0)), undefined);
});

Deno.test("the readers of packed encodings take any bytes without harm", () => {
  const random = new Random(3);
  const seeds = [
    everyZiplist,
    latin("\x02\x03foo\x03\x01bar?\x02hi\x05\x00world\xff"),
    ziplist([3, 97, 97, 97]),
  ];
  for (let i = 0; i < 20_000; i++) {
    const bytes = seeds[i % seeds.length]!.slice();
    for (let n = random.below(4); n >= 0; n--) bytes[random.below(bytes.length)] = random.below(256);
    for (const read of [readListpack, readZiplist, readZipmap, readIntset]) read(bytes);
  }
});
