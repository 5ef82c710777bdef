import { assertEquals } from "@std/assert";
import { Args } from "../../../src/engine/args.ts";
import { NOT_FLOAT, NOT_INTEGER, ReplyError } from "../../../src/protocol/errors.ts";
import { RequestDecoder } from "../../../src/protocol/request_decoder.ts";
import { bytesOf, latin1 } from "../../../src/util/bytes.ts";

const binary = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");

/** What `read` returns, or the text of the error it throws. */
function outcome<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof ReplyError) return error.text;
    throw error;
  }
}

/** The second command of a batch, so that nothing begins at 0. */
function arrived(request: string): { args: Args; decoder: RequestDecoder } {
  const decoder = new RequestDecoder({ maxBulkBytes: 1 << 20, maxQueryBytes: 1 << 20 });
  decoder.append(bytesOf(`PING\r\n${request}`));
  decoder.decode();
  const args = new Args();
  args.point(decoder.batch, 1);
  return { args, decoder };
}

Deno.test("Args gives arguments as strings, keys and bytes", () => {
  for (
    const args of [
      Args.of(["SET", binary, ""]),
      arrived(`*3\r\n$3\r\nSET\r\n$256\r\n${binary}\r\n$0\r\n\r\n`).args,
    ]
  ) {
    assertEquals([args.count, args.string(0), args.string(2)], [3, "SET", ""]);
    assertEquals([args.string(1), args.key(1).text, args.length(1)], [binary, binary, 256]);
    assertEquals(latin1(args.buf, args.start(1), args.end(1)), binary);
    assertEquals([args.strings(), args.strings(1, 2)], [["SET", binary, ""], [binary]]);
  }
});

Deno.test("Args.is compares words in any case", () => {
  const args = Args.of(["nX", "Withscores", "NXX", "", "lib-name", "N\xd8"]);
  assertEquals([args.is(0, "NX"), args.is(1, "WITHSCORES"), args.is(2, "NX"), args.is(3, "NX")], [
    true,
    true,
    false,
    false,
  ]);
  assertEquals([args.is(4, "LIB-NAME"), args.is(5, "NX")], [true, false]);
});

Deno.test("Args.integer reads signed 64-bit integers as strictly as Redis", () => {
  const cases: [text: string, value: number | bigint | undefined][] = [
    ["0", 0],
    ["-1", -1],
    ["9007199254740991", 9007199254740991],
    ["9007199254740993", 9007199254740993n],
    ["9223372036854775807", 2n ** 63n - 1n],
    ["-9223372036854775808", -(2n ** 63n)],
  ];
  for (const [text, value] of cases) assertEquals(Args.of([text]).integer(0), value, text);
  for (
    const text of [
      "",
      " 1",
      "1 ",
      "+1",
      "01",
      "-0",
      "1.0",
      "1e3",
      "0x1",
      "9223372036854775808",
      "-9223372036854775809",
      "a",
    ]
  ) {
    assertEquals(outcome(() => Args.of([text]).integer(0)), NOT_INTEGER.text, text);
  }
});

Deno.test("Args.int keeps to its limits, and takes what is beyond 2^53 for very many", () => {
  const read = (text: string, min?: number, max?: number) =>
    outcome(() => Args.of([text]).int(0, new ReplyError("ERR mine"), min, max));
  assertEquals([read("5"), read("5", 5, 5), read("4", 5), read("6", 0, 5)], [5, 5, "ERR mine", "ERR mine"]);
  assertEquals(read("9223372036854775807"), Number.MAX_SAFE_INTEGER);
  assertEquals(read("-9223372036854775807"), -Number.MAX_SAFE_INTEGER);
  assertEquals(read("9223372036854775807", 0, 10), "ERR mine");
  assertEquals(read("-9223372036854775807", 0), "ERR mine");
  assertEquals(read("x"), "ERR mine");
});

Deno.test("Args.double reads what Redis takes for a float, never NaN", () => {
  const cases: [text: string, value: number][] = [["1.5", 1.5], ["-1e3", -1000], ["inf", Infinity], [
    "-INF",
    -Infinity,
  ], ["+5", 5]];
  for (const [text, value] of cases) assertEquals(Args.of([text]).double(0), value, text);
  for (const text of ["", "nan", "1x", " 1", "1 ", "abc"]) {
    assertEquals(outcome(() => Args.of([text]).double(0)), NOT_FLOAT.text, text);
  }
});

Deno.test("Args.copy outlives the bytes it was made of", () => {
  for (const request of ["*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na\r\n\r\n", `SET k "a\\r\\n"\r\n`]) {
    const { args, decoder } = arrived(request);
    const copy = args.copy();
    decoder.batch.buf.fill(0x78);
    decoder.batch.offsets.fill(0);
    assertEquals(copy.strings(), ["SET", "k", "a\r\n"]);
    const isResp = request.startsWith("*");
    assertEquals(copy.rawStart >= 0, isResp);
    if (isResp) assertEquals(latin1(copy.buf, copy.rawStart, copy.rawEnd), request);
    assertEquals(copy.copy().strings(), ["SET", "k", "a\r\n"]);
  }
});
