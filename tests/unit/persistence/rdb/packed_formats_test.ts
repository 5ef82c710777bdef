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

/** Bytes of a number, lowest first. */
const little = (value: number | bigint, width: number) =>
  Array.from({ length: width }, (_, i) => Number(BigInt.asUintN(64, BigInt(value)) >> BigInt(8 * i) & 255n));

const intset = (width: number, ...values: (number | bigint)[]) =>
  Uint8Array.from([
    ...little(width, 4),
    ...little(values.length, 4),
    ...values.flatMap((v) => little(v, width)),
  ]);

Deno.test("readIntset reads members of every width, and none at all", () => {
  for (const width of [2, 4, 8]) {
    assertEquals(readIntset(intset(width, -300, -1, 0, 1, 300)), ["-300", "-1", "0", "1", "300"]);
    assertEquals(readIntset(intset(width)), []);
  }
  assertEquals(readIntset(intset(2, 2, 1)), undefined);
  for (const width of [0, 1, 3, 5, 16]) {
    assertEquals(readIntset(intset(width, 1)), undefined, `${width} bytes`);
  }
});

Deno.test("packed encodings cut at any byte are refused, and so is a byte too many", () => {
  const cases: [name: string, read: (bytes: Uint8Array) => string[] | undefined, bytes: Uint8Array][] = [
    ["ziplist", readZiplist, everyZiplist],
    ["empty ziplist", readZiplist, ziplist()],
    ["zipmap", readZipmap, latin("\x02\x03foo\x03\x01bar?\x02hi\x05\x00world\xff")],
    ["long zipmap", readZipmap, latin("\x01\x01k\xfe\x2c\x01\x00\x00\x00" + "v".repeat(300) + "\xff")],
    ["intset", readIntset, intset(2, 1, 2, 3)],
    ["wide intset", readIntset, intset(8, 1, 2, 3)],
  ];
  for (const [name, read, bytes] of cases) {
    assertEquals(read(bytes) !== undefined, true, name);
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(read(bytes.slice(0, length)), undefined, `${name}, ${length} bytes`);
    }
    assertEquals(read(Uint8Array.from([...bytes, 255])), undefined, `${name}, a byte more`);
  }
});

Deno.test("readZiplist reads integers of every width with their sign", () => {
  const entries: [number[], string][] = [
    [[0xc0, ...little(-2, 2)], "-2"],
    [[0xc0, ...little(0x1234, 2)], "4660"],
    [[0xd0, ...little(0x12345678, 4)], "305419896"],
    [[0xe0, ...little(-5_000_000_000, 8)], "-5000000000"],
    [[0xf0, 0x56, 0x34, 0x12], "1193046"],
    [[0xf0, 0xff, 0xff, 0xff], "-1"],
    [[0xfe, 0x7f], "127"],
    ...Array.from({ length: 13 }, (_, i): [number[], string] => [[0xf1 + i], String(i)]),
  ];
  assertEquals(readZiplist(ziplist(...entries.map(([bytes]) => bytes))), entries.map(([, text]) => text));
  for (const encoding of [0xc1, 0xcf, 0xd1, 0xe1, 0xff]) {
    assertEquals(readZiplist(ziplist([encoding, 0, 0, 0, 0, 0, 0, 0, 0])), undefined, `encoding ${encoding}`);
  }
});

Deno.test("readZiplist reads texts at the borders of their encodings", () => {
  const text = (length: number) => "x".repeat(length);
  const short = (length: number) => [length, ...latin(text(length))];
  const middle = (length: number) => [0x40 | length >> 8, length & 255, ...latin(text(length))];
  const large = (length: number) => [0x80, ...little(length, 4).reverse(), ...latin(text(length))];
  const entries = [
    short(0),
    short(63),
    middle(0),
    middle(64),
    middle(16_383),
    large(0),
    large(16_384),
    short(1),
  ];
  const lengths = readZiplist(ziplist(...entries))?.map(({ length }) => length);
  assertEquals(lengths, [0, 63, 0, 64, 16_383, 0, 16_384, 1]);
});

Deno.test("packed encodings may say that their entries are too many to be counted", () => {
  const uncounted = everyZiplist.slice();
  uncounted.set([0xff, 0xff], 8);
  assertEquals(readZiplist(uncounted)?.length, 10);
  for (const count of [254, 255]) {
    assertEquals(readZipmap(latin(String.fromCharCode(count) + "\x01k\x01\x00v\xff")), ["k", "v"]);
  }
  assertEquals(readZipmap(latin("\xfd\x01k\x01\x00v\xff")), undefined);
});
