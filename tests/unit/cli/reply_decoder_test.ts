import { assertEquals, assertThrows } from "@std/assert";
import type { Reply } from "../../../src/cli/reply.ts";
import { ReplyDecoder, ReplyFormatError } from "../../../src/cli/reply_decoder.ts";
import { bytesOf } from "../../../src/util/bytes.ts";
import { Random } from "../../../src/util/random.ts";

const STREAM =
  "+OK\r\n-ERR no\r\n:-9223372036854775808\r\n$5\r\na\r\n\xffb\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n" +
  "*3\r\n:1\r\n*2\r\n+a\r\n*0\r\n$1\r\nb\r\n" +
  "%1\r\n+k\r\n~2\r\n#t\r\n#f\r\n,1.5\r\n(123456789012345678901234567890\r\n_\r\n=7\r\ntxt:a\rb\r\n" +
  "!5\r\nERR x\r\n>2\r\n+message\r\n%0\r\n|1\r\n+ttl\r\n:3\r\n:4\r\n*1\r\n|1\r\n+ttl\r\n:3\r\n:5\r\n+with\rreturn\r\n";

const text = (
  type: "status" | "error" | "bulk" | "integer" | "double" | "bignumber",
  text: string,
): Reply => ({
  type,
  text,
});
const list = (type: "array" | "map" | "set" | "push", ...items: Reply[]): Reply => ({ type, items });

const REPLIES: Reply[] = [
  text("status", "OK"),
  text("error", "ERR no"),
  text("integer", "-9223372036854775808"),
  text("bulk", "a\r\n\xffb"),
  text("bulk", ""),
  { type: "null" },
  { type: "null" },
  list("array"),
  list(
    "array",
    text("integer", "1"),
    list("array", text("status", "a"), list("array")),
    text("bulk", "b"),
  ),
  list(
    "map",
    text("status", "k"),
    list("set", { type: "boolean", value: true }, { type: "boolean", value: false }),
  ),
  text("double", "1.5"),
  text("bignumber", "123456789012345678901234567890"),
  { type: "null" },
  { type: "verbatim", format: "txt", text: "a\rb" },
  text("error", "ERR x"),
  list("push", text("status", "message"), list("map")),
  text("integer", "4"),
  list("array", text("integer", "5")),
  text("status", "with\rreturn"),
];

function decode(chunks: Iterable<Uint8Array>): Reply[] {
  const decoder = new ReplyDecoder();
  const replies: Reply[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let reply = decoder.next(); reply !== undefined; reply = decoder.next()) replies.push(reply);
  }
  return replies;
}

Deno.test("ReplyDecoder reads every kind of reply from one chunk", () => {
  assertEquals(decode([bytesOf(STREAM)]), REPLIES);
});

Deno.test("ReplyDecoder reads the same byte by byte", () => {
  assertEquals(decode([...STREAM].map(bytesOf)), REPLIES);
});

Deno.test("ReplyDecoder reads the same when cut in two at any point", () => {
  for (let at = 0; at <= STREAM.length; at++) {
    assertEquals(
      decode([bytesOf(STREAM.slice(0, at)), bytesOf(STREAM.slice(at))]),
      REPLIES,
      `cut at ${at}`,
    );
  }
});

Deno.test("ReplyDecoder outgrows its buffer and keeps what is pending", () => {
  const seed = 7;
  const random = new Random(seed);
  const big = Array.from({ length: 200 }, (_, i) => String.fromCharCode(i).repeat(random.below(2000)));
  const stream = big.map((value) => `$${value.length}\r\n${value}\r\n`).join("");
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length;) {
    const size = 1 + random.below(9000);
    chunks.push(bytesOf(stream.slice(at, at + size)));
    at += size;
  }
  assertEquals(decode(chunks), big.map((value) => text("bulk", value)), `seed ${seed}`);
});

Deno.test("ReplyDecoder refuses what is no RESP", () => {
  assertThrows(() => decode([bytesOf("hello\r\n")]), ReplyFormatError);
  assertThrows(() => decode([bytesOf("$x\r\n")]), ReplyFormatError);
  assertThrows(() => decode([bytesOf("*-2\r\n")]), ReplyFormatError);
});

Deno.test("ReplyDecoder refuses bytes of another protocol before their line ends", () => {
  const decoder = new ReplyDecoder();
  decoder.push(bytesOf("HTTP/1.1 400"));
  assertThrows(() => decoder.next(), ReplyFormatError, 'got "H" as reply type byte');
});
