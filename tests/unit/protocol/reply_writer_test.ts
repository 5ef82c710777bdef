import { assert, assertEquals } from "@std/assert";
import { ReplyError } from "../../../src/protocol/errors.ts";
import { ReplyWriter } from "../../../src/protocol/reply_writer.ts";
import { latin1 } from "../../../src/util/bytes.ts";
import { formatDouble } from "../../../src/util/numbers.ts";
import { Random } from "../../../src/util/random.ts";

/** What `write` writes in a version of the protocol, as a latin1 string. */
function written(resp: 2 | 3, write: (writer: ReplyWriter) => void): string {
  const writer = new ReplyWriter();
  writer.resp = resp;
  write(writer);
  return latin1(writer.view());
}

const binary = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");

/** Replies with their bytes in RESP2 and, where they differ, in RESP3. */
const replies: [name: string, write: (writer: ReplyWriter) => void, resp2: string, resp3?: string][] = [
  ["ok", (w) => w.ok(), "+OK\r\n"],
  ["queued", (w) => w.queued(), "+QUEUED\r\n"],
  ["pong", (w) => w.pong(), "+PONG\r\n"],
  ["simple", (w) => w.simple("string"), "+string\r\n"],
  ["error", (w) => w.error(new ReplyError("ERR a\r\nb")), "-ERR a  b\r\n"],
  ["integer", (w) => w.integer(-42), ":-42\r\n"],
  ["integer 0", (w) => w.integer(0), ":0\r\n"],
  ["integer beyond 32 bits", (w) => w.integer(Number.MAX_SAFE_INTEGER), ":9007199254740991\r\n"],
  ["integer beyond 53 bits", (w) => w.integer(-(2n ** 63n)), ":-9223372036854775808\r\n"],
  ["bulk", (w) => w.bulk("a\r\nb"), "$4\r\na\r\nb\r\n"],
  ["bulk empty", (w) => w.bulk(""), "$0\r\n\r\n"],
  ["bulk of every byte", (w) => w.bulk(binary), `$256\r\n${binary}\r\n`],
  ["bulkPart", (w) => w.bulkPart("abcdef", 1, 4), "$3\r\nbcd\r\n"],
  ["bulkPart long", (w) => w.bulkPart(binary, 100, 200), `$100\r\n${binary.slice(100, 200)}\r\n`],
  ["bulkBytes", (w) => w.bulkBytes(new Uint8Array([0, 13, 10, 255, 7]), 1, 4), "$3\r\n\r\n\xff\r\n"],
  ["bulkOrNull", (w) => w.bulkOrNull("x"), "$1\r\nx\r\n"],
  ["bulkOrNull missing", (w) => w.bulkOrNull(undefined), "$-1\r\n", "_\r\n"],
  ["bulkInteger", (w) => w.bulkInteger(-12n), "$3\r\n-12\r\n"],
  ["null", (w) => w.null(), "$-1\r\n", "_\r\n"],
  ["nullArray", (w) => w.nullArray(), "*-1\r\n", "_\r\n"],
  ["bool true", (w) => w.bool(true), ":1\r\n", "#t\r\n"],
  ["bool false", (w) => w.bool(false), ":0\r\n", "#f\r\n"],
  ["double", (w) => w.double("3.5"), "$3\r\n3.5\r\n", ",3.5\r\n"],
  ["bigNumber", (w) => w.bigNumber(123n), "$3\r\n123\r\n", "(123\r\n"],
  ["verbatim", (w) => w.verbatim("txt", "a\nb"), "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n"],
  ["array", (w) => w.array(2), "*2\r\n"],
  ["map", (w) => w.map(2), "*4\r\n", "%2\r\n"],
  ["set", (w) => w.set(2), "*2\r\n", "~2\r\n"],
  ["push", (w) => w.push(2), "*2\r\n", ">2\r\n"],
  ["attribute", (w) => w.attribute(1), "|1\r\n"],
  ["bulkArray", (w) => w.bulkArray(["a", "bc"]), "*2\r\n$1\r\na\r\n$2\r\nbc\r\n"],
];

for (const [name, write, resp2, resp3 = resp2] of replies) {
  Deno.test("ReplyWriter.score writes what double writes of formatDouble", () => {
    const random = new Random(6);
    const scores = [
      0,
      -0,
      9,
      10,
      -1,
      -10,
      99,
      100,
      2 ** 53 - 1,
      1 - 2 ** 53,
      2 ** 53,
      1e300,
      0.1,
      -2.5,
      Infinity,
      -Infinity,
    ];
    for (let i = 0; i < 500; i++) {
      scores.push((random.below(2) === 0 ? -1 : 1) * Math.floor(random.below(1e9) ** (i % 20 / 10)));
    }
    for (const resp of [2, 3] as const) {
      for (const score of scores) {
        const expected = written(resp, (w) => w.double(formatDouble(score)));
        assertEquals(written(resp, (w) => w.score(score)), expected, String(score));
      }
    }
  });

  Deno.test(`ReplyWriter writes ${name} in RESP2 and RESP3`, () => {
    assertEquals(written(2, write), resp2);
    assertEquals(written(3, write), resp3);
  });
}

Deno.test("ReplyWriter puts an array's, map's or set's header in front of what has been written", () => {
  for (const count of [0, 1, 9, 10, 12_345]) {
    const body = "x".repeat(count),
      put = (resp: 2 | 3, before: "arrayBefore" | "mapBefore" | "setBefore") =>
        written(resp, (w) => {
          w.ok();
          const from = w.length;
          w.bulk(body);
          w[before](from, count);
          w.ok();
        });
    const around = (header: string) => `+OK\r\n${header}\r\n$${count}\r\n${body}\r\n+OK\r\n`;
    assertEquals(put(2, "arrayBefore"), around(`*${count}`));
    assertEquals(put(3, "arrayBefore"), around(`*${count}`));
    assertEquals(put(2, "mapBefore"), around(`*${2 * count}`));
    assertEquals(put(3, "mapBefore"), around(`%${count}`));
    assertEquals(put(2, "setBefore"), around(`*${count}`));
    assertEquals(put(3, "setBefore"), around(`~${count}`));
  }
});

Deno.test("ReplyWriter grows over every size and keeps all bytes", () => {
  const random = new Random(7), writer = new ReplyWriter();
  let expected = "";
  for (let i = 0; i < 2000; i++) {
    const length = random.below(4) === 0 ? random.below(20_000) : random.below(80);
    const start = random.below(256),
      text = binary.repeat(Math.ceil((start + length) / 256)).slice(start, start + length);
    writer.bulk(text);
    expected += `$${length}\r\n${text}\r\n`;
  }
  assertEquals(latin1(writer.view()) === expected, true);
  assertEquals(latin1(writer.view(5)).length, expected.length - 5);
});

Deno.test("ReplyWriter writes a bulk string of every length around its limits as bytes and as text", () => {
  for (let length = 0; length < 200; length++) {
    const text = binary.slice(0, length), bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    const expected = `$${length}\r\n${text}\r\n`;
    assertEquals(written(2, (w) => w.bulk(text)), expected);
    assertEquals(written(2, (w) => w.bulkBytes(bytes)), expected);
    assertEquals(written(2, (w) => w.bulkPart(`<${text}>`, 1, length + 1)), expected);
    const ascii = "y".repeat(length);
    assertEquals(written(2, (w) => w.bulk(ascii)), `$${length}\r\n${ascii}\r\n`);
  }
});

Deno.test("ReplyWriter.rewind drops what was written behind a mark", () => {
  const writer = new ReplyWriter();
  writer.ok();
  const mark = writer.length;
  writer.bulk("x".repeat(50_000));
  writer.rewind(mark);
  writer.pong();
  assertEquals(latin1(writer.view()), "+OK\r\n+PONG\r\n");
});

Deno.test("ReplyWriter holds no memory while nothing is written", () => {
  const writer = new ReplyWriter();
  assertEquals(writer.capacity, 0);
  writer.ok();
  assert(writer.capacity > 0);
  const taken = writer.take();
  assertEquals([writer.capacity, writer.length, latin1(taken)], [0, 0, "+OK\r\n"]);
  writer.ok();
  writer.rewind(0);
  assertEquals(writer.capacity, 0);
});

Deno.test("ReplyWriter never writes into bytes handed over before they are given back", () => {
  const first = new ReplyWriter(), second = new ReplyWriter();
  first.bulk("first");
  const taken = first.take();
  second.bulk("second");
  first.bulk("again");
  assertEquals(latin1(taken), "$5\r\nfirst\r\n");
  first.giveBack();
  assertEquals([latin1(second.view()), latin1(first.view())], ["$6\r\nsecond\r\n", "$5\r\nagain\r\n"]);
});

Deno.test("ReplyWriter.detach hands over bytes that stay as they are, without room for much more", () => {
  for (const length of [10, 5000, 40_000]) {
    const writer = new ReplyWriter(), other = new ReplyWriter(), text = "x".repeat(length);
    writer.bulk(text);
    const kept = writer.detach();
    assertEquals([writer.length, writer.capacity], [0, 0]);
    other.bulk("y".repeat(length));
    writer.bulk("z".repeat(length));
    writer.take();
    writer.giveBack();
    new ReplyWriter().bulk("w".repeat(length));
    assertEquals(latin1(kept), `$${length}\r\n${text}\r\n`);
    assert(kept.buffer.byteLength <= 4 * kept.length);
  }
});

Deno.test("ReplyError's code is its first word", () => {
  assertEquals([new ReplyError("WRONGTYPE Operation").code, new ReplyError("ODD").code], [
    "WRONGTYPE",
    "ODD",
  ]);
});
