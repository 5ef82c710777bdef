/** RDB files of every version, made by hand: what Redis 2.4 to 7.4 write. */
import { assertEquals, assertThrows } from "@std/assert";
import { defaultLimits } from "../../../../src/data/limits.ts";
import { RdbInput } from "../../../../src/persistence/rdb/rdb_input.ts";
import { ValueReader } from "../../../../src/persistence/rdb/value_reader.ts";
import { RdbError } from "../../../../src/persistence/rdb/rdb_input.ts";
import { skippableType, skipValue } from "../../../../src/persistence/rdb/value_skipper.ts";
import { loadNow } from "../../../../src/persistence/loading.ts";
import { RdbReader } from "../../../../src/persistence/rdb/rdb_reader.ts";
import { Crc64 } from "../../../../src/util/crc64.ts";
import { intsetOf, latin, listpackOf, ziplistOf, zipmapOf } from "../../../support/packed_bytes.ts";
import { RdbContent } from "../../../support/rdb_content.ts";

/** A length as it stands in front of a string or a collection. */
function count(value: number): number[] {
  if (value < 64) return [value];
  return value < 16_384 ? [0x40 | (value >> 8), value & 255] : [0x80, ...bigEndian(BigInt(value), 4)];
}

function bigEndian(value: bigint, width: number): number[] {
  return Array.from({ length: width }, (_, i) => Number((value >> BigInt(8 * (width - 1 - i))) & 255n));
}

function littleEndian(value: bigint, width: number): number[] {
  return bigEndian(value, width).reverse();
}

function double(value: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return [...bytes];
}

function str(content: string | Uint8Array): number[] {
  return [...count(content.length), ...(typeof content === "string" ? latin(content) : content)];
}

function file(version: number, ...parts: number[][]): Uint8Array {
  const body = [...latin(`REDIS${String(version).padStart(4, "0")}`), ...parts.flat(), 0xff];
  if (version < 5) return Uint8Array.from(body);
  const crc = new Crc64();
  crc.update(Uint8Array.from(body));
  return Uint8Array.from([...body, ...Array.from({ length: 8 }, (_, i) => crc.byteAt(i))]);
}

const db0 = [0xfe, 0];

/** A key `k` with a value of that RDB type. */
function key(type: number, value: number[], name = "k"): number[] {
  return [type, ...str(name), ...value];
}

/** The plain form of the value of key `k` in a file that has only that. */
function valueOf(version: number, type: number, value: number[]): unknown {
  const content = RdbContent.of(file(version, db0, key(type, value)));
  const [plain] = content.keys.get("0 k") as [unknown];
  const input = RdbInput.of(Uint8Array.from(value));
  skipValue(input, type);
  assertEquals(input.available, 0, `a value of type ${type} is passed over as far as it goes`);
  return plain;
}

Deno.test("every form of a string is read: plain, integers of three widths, compressed", () => {
  const forms: [number[], string][] = [
    [str("hello"), "hello"],
    [str("x".repeat(100)), "x".repeat(100)],
    [[0x80, 0, 0, 0, 3, ...latin("abc")], "abc"],
    [[0x81, 0, 0, 0, 0, 0, 0, 0, 3, ...latin("abc")], "abc"],
    [[0xc0, 0x80], "-128"],
    [[0xc1, 0xff, 0x7f], "32767"],
    [[0xc2, 0, 0, 0, 0x80], "-2147483648"],
    // One literal byte, then a copy of nine from one byte back.
    [[0xc3, ...count(5), ...count(10), 0, 0x61, 0xe0, 0, 0], "a".repeat(10)],
  ];
  for (const version of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) {
    for (const [bytes, text] of forms) assertEquals(valueOf(version, 0, bytes), text, `version ${version}`);
  }
});

Deno.test("every encoding of a list, a set, a sorted set and a hash is read", () => {
  const list = ["a", "b", "12"], pairs = [["a", 1.5], ["b", 2]];
  const scores = ["\x031.5", "\x012"].map((text) => [...latin(text)]);
  const lists: [number, number[]][] = [
    [1, [3, ...list.flatMap(str)]],
    [10, str(ziplistOf(...list))],
    [14, [2, ...str(ziplistOf("a")), ...str(ziplistOf("b", "12"))]],
    [18, [3, 1, ...str("a"), 2, ...str(listpackOf("b")), 2, ...str(listpackOf(12))]],
  ];
  for (const [type, bytes] of lists) assertEquals(valueOf(12, type, bytes), list, `type ${type}`);
  assertEquals(valueOf(6, 2, [2, ...str("x"), ...str("y")]), ["hashtable", "x", "y"]);
  assertEquals(valueOf(11, 20, str(listpackOf("x", 7))), ["hashtable", "7", "x"]);
  for (const width of [2, 4, 8] as const) {
    assertEquals(valueOf(6, 11, str(intsetOf(width, -5n, 300n))), ["intset", "-5", "300"]);
  }
  const zsets: [number, number[]][] = [
    [3, [2, ...str("a"), ...scores[0]!, ...str("b"), ...scores[1]!]],
    [5, [2, ...str("a"), ...double(1.5), ...str("b"), ...double(2)]],
    [12, str(ziplistOf("a", "1.5", "b", "2"))],
    [17, str(listpackOf("a", "1.5", "b", 2))],
  ];
  for (const [type, bytes] of zsets) {
    assertEquals(valueOf(12, type, bytes), ["listpack", ...pairs], `type ${type}`);
  }
  const ends = valueOf(1, 3, [2, ...str("least"), 255, ...str("most"), 254]);
  assertEquals(ends, ["listpack", ["least", -Infinity], ["most", Infinity]]);
  assertThrows(() => valueOf(1, 3, [1, ...str("none"), 253]), RdbError, "NAN");
  const hashes: [number, number[]][] = [
    [4, [2, ...["f", "1", "g", "2"].flatMap(str)]],
    [9, str(zipmapOf("f", "1", "g", "2"))],
    [13, str(ziplistOf("f", "1", "g", "2"))],
    [16, str(listpackOf("f", 1, "g", 2))],
  ];
  const fields = ["listpack", ["f", "1", Infinity], ["g", "2", Infinity]];
  for (const [type, bytes] of hashes) assertEquals(valueOf(12, type, bytes), fields, `type ${type}`);
});

Deno.test("hashes whose fields expire are read in the four forms of Redis 7.4", () => {
  const at = 4_000_000_000_000,
    expected = ["listpackex", ["f", "1", at], ["g", "2", at + 5], ["h", "3", Infinity]];
  const triples = ["f", "1", "g", "2", "h", "3"].map(str);
  const table = (first: number[], f: number[], g: number[]) => [
    ...first,
    3,
    ...[f, triples[0]!, triples[1]!, g, triples[2]!, triples[3]!, [0], triples[4]!, triples[5]!].flat(),
  ];
  const long = (value: number) => [0x81, ...bigEndian(BigInt(value), 8)];
  const pack = str(listpackOf("f", 1, String(at), "g", 2, String(at + 5), "h", 3, 0));
  const first = littleEndian(BigInt(at), 8);
  assertEquals(valueOf(12, 24, table(first, [1], [6])), expected);
  assertEquals(valueOf(12, 22, table([], long(at), long(at + 5))), expected);
  assertEquals(valueOf(12, 25, [...first, ...pack]), expected);
  assertEquals(valueOf(12, 23, pack), expected);
});

Deno.test("streams are read in their three forms", () => {
  const id = (ms: bigint, seq: bigint) => [...bigEndian(ms, 8), ...bigEndian(seq, 8)];
  // One node: count, deleted, one field and its name; an entry with the same fields: flags, id difference, value, size.
  const node = listpackOf(1, 0, 1, "f", 0, 2, 0, 0, "v", 4);
  const time = littleEndian(1_700_000_000_000n, 8);
  const nodes = [1, ...count(16), ...id(5n, 1n), ...str(node), 1, 5, 1];
  const group = (read: number[]) => [...str("g"), 5, 1, ...read];
  const pending = [1, ...id(5n, 1n), ...time, 3];
  const consumer = (active: number[]) => [1, ...str("me"), ...time, ...active, 1, ...id(5n, 1n)];
  const forms: [number, number[]][] = [
    [15, [...nodes, 1, ...group([]), ...pending, ...consumer([])]],
    [19, [...nodes, 5, 1, 0, 0, 1, 1, ...group([1]), ...pending, ...consumer([])]],
    [21, [...nodes, 5, 1, 0, 0, 1, 1, ...group([1]), ...pending, ...consumer(time)]],
  ];
  for (const [type, bytes] of forms) {
    assertEquals(valueOf(12, type, bytes), {
      entries: [["5-1", "f", "v"]],
      groups: [{
        name: "g",
        lastId: "5-1",
        entriesRead: 1,
        consumers: [["me", 1_700_000_000_000]],
        pending: [["5-1", "me", 1_700_000_000_000, 3]],
      }],
      entriesAdded: 1,
      ids: ["5-1", "5-1", "0-0"],
    }, `type ${type}`);
  }
});

/** What a file that holds one odd value gives: its plain form, and the one warning. A payload of it is refused. */
function oddValue(type: number, value: number[], refusal: string): { plain: unknown; warning: string } {
  const payload = RdbInput.of(Uint8Array.from(value));
  assertThrows(() => new ValueReader(payload, defaultLimits()).read(type), RdbError, refusal);
  const { keys, messages } = RdbContent.of(file(12, db0, key(type, value, "odd")));
  const [plain] = keys.get("0 odd") as [unknown];
  assertEquals(messages.length, 1);
  return { plain, warning: messages[0]! };
}

const mended = "The value of key 'odd' in database 0 was damaged and has been mended: ";

Deno.test("a stream that counts entries it has not got is loaded from a file and counted anew, with one warning", () => {
  const id = [...bigEndian(5n, 8), ...bigEndian(1n, 8)];
  const node = listpackOf(1, 0, 1, "f", 0, 2, 0, 0, "v", 4);
  const stream = [1, ...str(Uint8Array.from(id)), ...str(node), 3, 5, 1];
  const inconsistent = "Stream length inconsistent with rax entries";
  const expected = { entries: [["5-1", "f", "v"]], groups: [], entriesAdded: 1, ids: ["5-1", "5-1", "0-0"] };
  assertEquals(oddValue(15, [...stream, 0], inconsistent), {
    plain: expected,
    warning: `${mended}${inconsistent} (3 announced, 1 found)`,
  });
  const { plain } = oddValue(19, [...stream, 5, 1, 0, 0, 3, 0], inconsistent);
  assertEquals(plain, { ...expected, entriesAdded: 3 });
});

Deno.test("pending entries of nobody, and of one side only, are left out of a stream that a file holds", () => {
  const id = [...bigEndian(5n, 8), ...bigEndian(1n, 8)], time = littleEndian(1_700_000_000_000n, 8);
  const group = [...str("g"), 5, 1], stream = [0, 0, 5, 1, 1, ...group];
  const orphan = "Stream CG PEL entry without consumer",
    unknown = "Consumer entry not found in group global PEL";
  const pendingOf = (plain: unknown) => (plain as { groups: { pending: unknown[] }[] }).groups[0]!.pending;
  const alone = oddValue(15, [...stream, 1, ...id, ...time, 3, 0], orphan);
  assertEquals([pendingOf(alone.plain), alone.warning], [[], mended + orphan]);
  const consumer = [1, ...str("me"), ...time, 1, ...id];
  const claimed = oddValue(15, [...stream, 0, ...consumer], unknown);
  assertEquals([pendingOf(claimed.plain), claimed.warning], [[], mended + unknown]);
});

Deno.test("of two fields or members of one name in a packed value the first counts", () => {
  const hash = oddValue(16, str(listpackOf("f", 1, "g", 2, "f", 3)), "Hash listpack");
  assertEquals(hash.plain, ["listpack", ["f", "1", Infinity], ["g", "2", Infinity]]);
  const zset = oddValue(17, str(listpackOf("m", 1, "m", 2)), "Zset listpack");
  assertEquals(zset.plain, ["listpack", ["m", 1]]);
  const set = oddValue(20, str(listpackOf("m", "n", "m")), "Duplicate set members");
  assertEquals(set.plain, ["hashtable", "m", "n"]);
  const many = oddValue(20, str(listpackOf("m", "m", "m")), "Duplicate set members");
  assertEquals(many.warning, `${mended}Duplicate set members detected (and 1 more)`);
});

Deno.test("counters beyond 2^53 do not keep a stream from being loaded", () => {
  const most = [0x81, ...Array<number>(8).fill(255)];
  const { entriesAdded } = valueOf(12, 19, [0, 0, 5, 1, 0, 0, 0, 0, ...most, 0]) as { entriesAdded: number };
  assertEquals(entriesAdded, Number.MAX_SAFE_INTEGER);
});

Deno.test("what stands around keys is read: databases, sizes, facts, expiry, access times, slots", () => {
  const seconds = [0xfd, ...littleEndian(1_900_000_000n, 4)],
    ms = [0xfc, ...littleEndian(4_000_000_000_123n, 8)];
  const content = RdbContent.of(file(
    12,
    [0xfa, ...str("redis-ver"), ...str("7.4.0")],
    [0xfa, ...str("redis-bits"), 0xc0, 64],
    db0,
    [0xfb, 2, 1],
    [0xf4, 1, 2, 3],
    [0xf8, ...count(1000), ...key(0, str("idle"), "a")],
    [0xf9, 200, ...key(0, str("often"), "b")],
    [0xfe, 15],
    [...seconds, ...key(0, str("s"), "c")],
    [...ms, 0xf9, 7, ...key(0, str("ms"), "d")],
    key(0, str("for ever"), "e"),
  ));
  assertEquals(Object.fromEntries(content.auxFields), { "redis-ver": "7.4.0", "redis-bits": "64" });
  assertEquals(Object.fromEntries(content.keys), {
    "0 a": ["idle", -1, 1000, -1],
    "0 b": ["often", -1, -1, 200],
    "15 c": ["s", 1_900_000_000_000, -1, -1],
    "15 d": ["ms", 4_000_000_000_123, -1, 7],
    "15 e": ["for ever", -1, -1, -1],
  });
});

Deno.test("function libraries are read as Redis 7.0 and its release candidates wrote them", () => {
  const code = "#!lua name=lib\nredis.register_function('f', function() end)";
  const early = [0xf6, ...str("lib"), ...str("lua"), 1, ...str("what it does"), ...str("return 1")];
  const content = RdbContent.of(file(10, [0xf5, ...str(code)], early, db0, key(0, str("v"))));
  assertEquals(content.libraries, [code, "#!lua name=lib\nreturn 1"]);
});

Deno.test("what belongs to a module is refused by the module's name", () => {
  const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let id = 0n;
  for (const char of "ReJSON-RL") id = (id << 6n) | BigInt(characters.indexOf(char));
  const module = [0x81, ...bigEndian((id << 10n) | 3n, 8)];
  for (const type of [6, 7]) {
    assertThrows(() => valueOf(9, type, [...module, 0, 0]), RdbError, "no matching module type 'ReJSON-RL'");
  }
  assertThrows(
    () => RdbContent.of(file(9, [0xf7, ...module, 2, 1, 0], db0)),
    RdbError,
    "AUX module data I can't load: no matching module 'ReJSON-RL'",
  );
});

/** Reads a file, in pieces of a few bytes, with the keys left out that cannot be read. */
function readWhatCanBeRead(bytes: Uint8Array) {
  let at = 0;
  const source = {
    readSync(into: Uint8Array) {
      const piece = bytes.subarray(at, at += 7);
      into.set(piece);
      return piece.length;
    },
  };
  const content = new RdbContent(), input = new RdbInput(source, bytes.length);
  const reader = new RdbReader(input, content, defaultLimits());
  reader.skipUnreadable();
  loadNow(reader.read());
  return { keys: [...content.keys.keys()], messages: content.messages, leftOut: reader.leftOut };
}

/** Values that cannot be read though their ends can be found. */
const unreadable: [type: number, kind: string, value: number[]][] = [
  [0, "string", [0xc3, 2, 60, 0x20, 0]],
  [1, "list", [2, ...str("a"), 0xc3, 2, 60, 0x20, 0]],
  [2, "set", [2, ...str("m"), ...str("m")]],
  [3, "sorted set", [2, ...str("m"), 1, 0x31, ...str("n"), 253]],
  [5, "sorted set", [1, ...str("m"), ...double(NaN)]],
  [4, "hash", [2, ...str("f"), ...str("v"), ...str("f"), ...str("w")]],
  [7, "module", [
    ...[0x81],
    ...bigEndian(0x123456789abcdefn, 8),
    1,
    5,
    2,
    6,
    3,
    1,
    2,
    3,
    4,
    4,
    ...double(1),
    5,
    ...str("x"),
    0,
  ]],
  ...[9, 13, 16, 23].map((type): [number, string, number[]] => [type, "hash", str("damaged")]),
  [10, "list", str("x".repeat(300))],
  [11, "set", str("damaged")],
  [20, "set", str("damaged")],
  [12, "sorted set", str("damaged")],
  [17, "sorted set", str("damaged")],
  [14, "list", [1, ...str("damaged")]],
  [18, "list", [2, 1, ...str("a"), 2, ...str("damaged")]],
  [22, "hash", [1, ...count(70), ...str("f"), 0xc3, 2, 60, 0x20, 0]],
  [24, "hash", [...littleEndian(-1n, 8), 1, 1, ...str("f"), ...str("v")]],
  [25, "hash", [...littleEndian(5n, 8), ...str("damaged")]],
  [15, "stream", [1, ...str("0123456789abcdef"), ...str("damaged"), 1, 1, 1, 0]],
];

Deno.test("keys whose values cannot be read are left out where that is wished, and those around them are loaded", () => {
  const good = (name: string) => key(0, str(name), name);
  for (const [type, kind, value] of unreadable) {
    const damaged = [0xfc, ...littleEndian(99n, 8), ...key(type, value, "bad")];
    const bytes = file(10, db0, good("before"), damaged, good("behind"));
    const fault = assertThrows(() => RdbContent.of(bytes), RdbError, undefined, `type ${type}`);
    const { keys, messages, leftOut } = readWhatCanBeRead(bytes);
    assertEquals([keys, leftOut], [["0 before", "0 behind"], 1], `type ${type}`);
    const place = `the value of key 'bad' in database 0, a ${kind} (RDB type ${type}) at offset 35`;
    assertEquals(messages, [`A key is left out, since ${place} cannot be read: ${fault.message}`]);
  }
});

Deno.test("data of modules beside keys are left out where that is wished", () => {
  const aux = [0xf7, 0x81, ...bigEndian(0x123456789abcdefn, 8), 2, 2, 5, ...str("x"), 0];
  const bytes = file(10, aux, db0, key(0, str("v")));
  const { message } = assertThrows(() => RdbContent.of(bytes), RdbError, "no matching module '");
  const name = message.slice(-11);
  const { keys, messages, leftOut } = readWhatCanBeRead(bytes);
  assertEquals([keys, leftOut], [["0 k"], 0]);
  assertEquals(messages, [`Data of module ${name} beside its keys are left out`]);
});

Deno.test("a value whose end cannot be found stops the load, with the fault that was found first", () => {
  const faults: [type: number, value: number[], message: string][] = [
    [4, [40, ...str("f"), 0xc3, 2, 60, 0x20, 0], "Invalid LZF compressed string"],
    [99, str("x"), "Unknown RDB encoding type 99"],
    [6, [0x81, ...bigEndian(0x123456789abcdefn, 8)], "no matching module type"],
    [7, [0x81, ...bigEndian(0x123456789abcdefn, 8), 9], "no matching module type"],
  ];
  for (const [type, value, message] of faults) {
    const bytes = file(10, db0, key(type, value));
    assertThrows(() => readWhatCanBeRead(bytes), RdbError, message);
  }
  assertEquals([skippableType(99), skippableType(6), skippableType(13)], [undefined, undefined, "hash"]);
});

Deno.test("the checksum counts from version 5 on, unless it was not written", () => {
  const good = file(5, db0, key(0, str("v"))), zeros = good.slice(), wrong = good.slice();
  zeros.fill(0, -8);
  wrong[wrong.length - 1]! ^= 1;
  assertEquals(RdbContent.of(good).keys.size, 1);
  assertEquals(RdbContent.of(zeros).messages.length, 1);
  assertThrows(() => RdbContent.of(wrong), RdbError, "RDB CRC error");
  assertEquals(RdbContent.of(file(4, db0, key(0, str("v")))).keys.size, 1);
});
