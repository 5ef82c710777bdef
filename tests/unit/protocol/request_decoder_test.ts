import { assert, assertEquals, assertGreater, assertInstanceOf, assertLess } from "@std/assert";
import { argCountOf, firstOffsetOf, rawEndOf, rawStartOf } from "../../../src/protocol/command_batch.ts";
import { ProtocolError, RequestDecoder, type RequestLimits } from "../../../src/protocol/request_decoder.ts";
import { bytesOf, latin1 } from "../../../src/util/bytes.ts";
import { Random } from "../../../src/util/random.ts";

const roomy: RequestLimits = { maxBulkBytes: 512 << 20, maxQueryBytes: 1 << 30 };

/** What a decoder makes of its input: the commands, and the error they end with. */
interface Decoded {
  commands: string[][];
  error: string | null;
}

/** The arguments of every command in the decoder's batch. */
function commandsOf({ batch }: RequestDecoder): string[][] {
  return Array.from({ length: batch.count }, (_, command) => {
    const first = firstOffsetOf(batch, command);
    return Array.from({ length: argCountOf(batch, command) }, (_, arg) => {
      const at = first + 2 * arg;
      return latin1(batch.buf, batch.offsets[at]!, batch.offsets[at + 1]!);
    });
  });
}

/** Decodes `text`, which arrives in pieces that end at `cuts` and at its end. */
function decode(text: string, cuts: readonly number[] = [], limits = roomy, authenticated = true): Decoded {
  const decoder = new RequestDecoder(limits);
  decoder.authenticated = authenticated;
  const commands: string[][] = [];
  let from = 0;
  for (const to of [...cuts, text.length]) {
    decoder.append(bytesOf(text.slice(from, to)));
    from = to;
    while (decoder.decode() > 0 || decoder.batch.error !== null) {
      commands.push(...commandsOf(decoder));
      if (decoder.batch.error !== null) return { commands, error: decoder.batch.error.message };
    }
  }
  return { commands, error: null };
}

function encode(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

const binary = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");

/** Requests with the commands Redis makes of them. */
const requests: [name: string, text: string, commands: string[][]][] = [
  ["one argument", "*1\r\n$4\r\nPING\r\n", [["PING"]]],
  ["every byte", encode(["SET", binary, binary + binary]), [["SET", binary, binary + binary]]],
  ["empty arguments", encode(["", "", ""]), [["", "", ""]]],
  ["line ends inside an argument", encode(["a\r\nb", "\r\n", "$1\r\nx\r\n"]), [[
    "a\r\nb",
    "\r\n",
    "$1\r\nx\r\n",
  ]]],
  ["two commands", encode(["GET", "a"]) + encode(["GET", "b"]), [["GET", "a"], ["GET", "b"]]],
  ["empty and null arrays", "*0\r\n*-1\r\n*-12345678901234567\r\n" + encode(["PING"]), [["PING"]]],
  ["an inline command", "SET key value\r\n", [["SET", "key", "value"]]],
  ["an inline command without CR", "PING\nPING\r\n", [["PING"], ["PING"]]],
  ["blank lines", "\r\n\n   \r\nPING\r\n\r\n", [["PING"]]],
  ["blanks around inline words", "  GET \t k  \r\n", [["GET", "k"]]],
  [
    "inline quotes",
    `SET "a b" 'c d' "\\x41\\n\\"" 'it\\'s' ""\r\n`,
    [["SET", "a b", "c d", 'A\n"', "it's", ""]],
  ],
  ["both kinds mixed", `PING\r\n${encode(["GET", "k"])}ECHO x\r\n${encode(["QUIT"])}`, [
    ["PING"],
    ["GET", "k"],
    ["ECHO", "x"],
    ["QUIT"],
  ]],
  ["a bulk string's own line end is not looked at", "*1\r\n$4\r\nPING??*1\r\n$1\r\nx\r\n", [["PING"], ["x"]]],
];

for (const [name, text, commands] of requests) {
  Deno.test(`RequestDecoder reads ${name}: whole, byte by byte and cut at each point`, () => {
    assertEquals(decode(text), { commands, error: null });
    assertEquals(decode(text, Array.from(text, (_, i) => i)), { commands, error: null });
    for (let cut = 0; cut <= text.length; cut++) {
      assertEquals(decode(text, [cut]), { commands, error: null }, `cut at ${cut}`);
    }
  });
}

const long = "x".repeat(65_537);

/** Input that is no request, with the text Redis answers. */
const faults: [text: string, error: string][] = [
  ["*a\r\n", "invalid multibulk length"],
  ["*\r\n", "invalid multibulk length"],
  ["*-0\r\n", "invalid multibulk length"],
  ["*01\r\n", "invalid multibulk length"],
  ["*+1\r\n", "invalid multibulk length"],
  ["*1 \r\n", "invalid multibulk length"],
  ["*3000000000\r\n", "invalid multibulk length"],
  ["*2147483648\r\n", "invalid multibulk length"],
  ["*99999999999999999999\r\n", "invalid multibulk length"],
  ["*1\r\n:1\r\n", "expected '$', got ':'"],
  ["*2\r\n$1\r\na\r\nPING\r\n", "expected '$', got 'P'"],
  ["*1\r\n\r\n", "expected '$', got '\r'"],
  ["*1\r\n$-1\r\n", "invalid bulk length"],
  ["*1\r\n$-0\r\n", "invalid bulk length"],
  ["*1\r\n$abc\r\n", "invalid bulk length"],
  ["*1\r\n$\r\n", "invalid bulk length"],
  ["*1\r\n$536870913\r\n", "invalid bulk length"],
  ["*1\r\n$99999999999999999999\r\n", "invalid bulk length"],
  ['SET "k\r\n', "unbalanced quotes in request"],
  ["SET 'k'x\r\n", "unbalanced quotes in request"],
  [`*${long}`, "too big mbulk count string"],
  [`*1\r\n$${long}`, "too big bulk count string"],
  [`*1\r\n${long}\r`, "too big bulk count string"],
  [long, "too big inline request"],
  [`${long}\n`, "too big inline request"],
];

Deno.test("RequestDecoder names what is wrong as Redis does, behind the commands before it", () => {
  for (const [text, error] of faults) {
    const name = text.slice(0, 30);
    assertEquals(decode(text), { commands: [], error }, name);
    assertEquals(decode(`PING\r\n${encode(["GET", "k"])}${text}`), {
      commands: [["PING"], ["GET", "k"]],
      error,
    }, name);
  }
});

Deno.test("RequestDecoder finds the same fault however the input is cut", () => {
  for (const [text, error] of faults) {
    const step = Math.max(1, text.length >> 4);
    for (let cut = 1; cut < text.length; cut += step) {
      assertEquals(decode(text, [cut]), { commands: [], error }, `${text.slice(0, 30)} cut at ${cut}`);
    }
  }
});

Deno.test("RequestDecoder takes lines, arguments and bulk strings up to their limits", () => {
  const line = "x".repeat(65_536);
  assertEquals(decode(line).error, null);
  assertEquals(decode(`${line}\n`).commands, [[line]]);
  assertEquals(decode("*2147483647\r\n").error, null);
  assertEquals(decode("*1\r\n$536870912\r\n").error, null);
  const tight = { maxBulkBytes: 4, maxQueryBytes: 1 << 20 };
  assertEquals(decode(encode(["abcd"]), [], tight), { commands: [["abcd"]], error: null });
  assertEquals(decode(encode(["abcde"]), [], tight).error, "invalid bulk length");
});

Deno.test("RequestDecoder allows ten short arguments before authentication", () => {
  const ten = Array.from({ length: 10 }, String), big = "x".repeat(16_384);
  const early = (text: string) => decode(text, [], roomy, false);
  assertEquals(early(encode(ten)), { commands: [ten], error: null });
  assertEquals(early(encode([...ten, "10"])), { commands: [], error: "unauthenticated multibulk length" });
  assertEquals(early(encode(["AUTH", big])), { commands: [["AUTH", big]], error: null });
  assertEquals(early(encode(["AUTH", `${big}x`])), { commands: [], error: "unauthenticated bulk length" });
});

Deno.test("RequestDecoder yields one command at a time before authentication, since each may be the AUTH", () => {
  const eleven = Array.from({ length: 11 }, String);
  const decoder = new RequestDecoder(roomy);
  decoder.authenticated = false;
  decoder.append(bytesOf(encode(["AUTH", "pw"]) + encode(eleven) + encode(["PING"])));
  assertEquals(decoder.decode(), 1);
  assertEquals([commandsOf(decoder), decoder.batch.error], [[["AUTH", "pw"]], null]);
  decoder.authenticated = true;
  assertEquals(decoder.decode(), 2);
  assertEquals(commandsOf(decoder), [eleven, ["PING"]]);
});

Deno.test("RequestDecoder stops a request that exceeds the query buffer limit", () => {
  const limits = { maxBulkBytes: 512 << 20, maxQueryBytes: 1000 };
  const decoder = new RequestDecoder(limits);
  decoder.append(bytesOf(`*2\r\n$3\r\nGET\r\n$5000\r\n${"x".repeat(900)}`));
  assertEquals([decoder.decode(), decoder.batch.error], [0, null]);
  decoder.append(bytesOf("x".repeat(101)));
  assertEquals(decoder.decode(), 0);
  assertEquals(decoder.batch.error?.message, "client query buffer limit");
});

Deno.test("RequestDecoder gives inline commands some at a time, blank lines between them or not, and loses none", () => {
  const decoder = new RequestDecoder(roomy);
  decoder.append(bytesOf("\r\n".repeat(500) + "PING\r\n\r\n".repeat(300) + "*1\r\n$4\r\nQUIT\r\n"));
  const counts: number[] = [];
  while (decoder.decode() > 0) counts.push(decoder.batch.count);
  assertEquals(counts, [128, 128, 45]);
  assertEquals(decoder.pendingBytes, 0);
});

Deno.test("RequestDecoder says where each command's bytes are, and that inline ones have none", () => {
  const decoder = new RequestDecoder(roomy);
  const first = encode(["SET", "a", "1"]), second = encode(["GET", "a"]);
  decoder.append(bytesOf(`${first}PING\r\n*0\r\n${second}`));
  assertEquals(decoder.decode(), 3);
  const { batch } = decoder, { buf } = batch;
  assertEquals(latin1(buf, rawStartOf(batch, 0), rawEndOf(batch, 0)), first);
  assertEquals([rawStartOf(batch, 1), rawEndOf(batch, 1)], [-1, -1]);
  assertEquals(latin1(buf, rawStartOf(batch, 2), rawEndOf(batch, 2)), second);
});

/** Random requests with the text they arrive as. */
function randomRequests(random: Random, count: number): { text: string; commands: string[][] } {
  let text = "";
  const commands: string[][] = [];
  for (let i = 0; i < count; i++) {
    const words = Array.from({ length: 1 + random.below(5) }, () => {
      const length = random.below(10) === 0 ? random.below(5000) : random.below(12);
      return Array.from({ length }, () => binary[random.below(256)]).join("");
    });
    const isInline = random.below(4) === 0;
    if (isInline) { for (let w = 0; w < words.length; w++) words[w] = `w${random.below(1000)}`; }
    text += isInline ? `${words.join(" ")}\r\n` : encode(words);
    if (random.below(8) === 0) text += ["*0\r\n", "\r\n", "*-1\r\n"][random.below(3)];
    commands.push(words);
  }
  return { text, commands };
}

Deno.test("RequestDecoder finds the same commands in any division of its input", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const { text, commands } = randomRequests(random, 30);
    const largest = [1, 7, 100, 3000, 20_000][seed % 5]!;
    const cuts: number[] = [];
    for (let at = random.below(largest); at < text.length; at += 1 + random.below(largest)) cuts.push(at);
    assertEquals(decode(text, cuts), { commands, error: null }, `seed ${seed}`);
  }
});

Deno.test("RequestDecoder reads what came while a batch was being run behind it", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed), { text, commands } = randomRequests(random, 40);
    const bytes = bytesOf(text), decoder = new RequestDecoder(roomy);
    const found: string[][] = [];
    for (let at = 0; at < bytes.length;) {
      // As a connection does: into the room, or behind the bytes of a batch whose offsets must stay valid.
      const before = decoder.decode() > 0 ? commandsOf(decoder) : [];
      for (
        let reads = random.below(3);
        reads > 0 && decoder.tail().length > 0 && at < bytes.length;
        reads--
      ) {
        const part = bytes.subarray(at, at + 1 + random.below(Math.min(500, decoder.tail().length)));
        decoder.tail().set(part);
        decoder.received(part.length);
        at += part.length;
        assertEquals(commandsOf(decoder), before, `seed ${seed}: the batch`);
      }
      found.push(...before);
      const room = decoder.room(),
        part = bytes.subarray(at, at + 1 + random.below(Math.min(900, room.length)));
      room.set(part);
      decoder.received(part.length);
      at += part.length;
    }
    while (decoder.decode() > 0) found.push(...commandsOf(decoder));
    assertEquals(found, commands, `seed ${seed}`);
  }
});

/** Random bytes that look like requests often enough to be taken for some. */
function garbage(random: Random): string {
  const parts = [
    "*1\r\n",
    "*3\r\n",
    "$3\r\n",
    "$0\r\n",
    "abc",
    "\r\n",
    "\n",
    "\r",
    "*",
    "$",
    '"',
    "'",
    "-1",
    "\0",
    " ",
  ];
  let text = "";
  for (let i = random.below(60); i >= 0; i--) {
    if (random.below(3) > 0) text += parts[random.below(parts.length)];
    else for (let k = random.below(20); k > 0; k--) text += binary[random.below(256)];
  }
  return text;
}

Deno.test("RequestDecoder answers garbage with commands or a protocol error, the same however it is cut", () => {
  for (let seed = 1; seed <= 3000; seed++) {
    const random = new Random(seed), text = garbage(random);
    const decoder = new RequestDecoder({ maxBulkBytes: 1000, maxQueryBytes: 1 << 20 });
    decoder.append(bytesOf(text));
    while (decoder.decode() > 0 && decoder.batch.error === null);
    if (decoder.batch.error !== null) assertInstanceOf(decoder.batch.error, ProtocolError, `seed ${seed}`);
    const whole = decode(text), cuts: number[] = [];
    for (let at = random.below(9); at < text.length; at += 1 + random.below(9)) cuts.push(at);
    assertEquals(decode(text, cuts), whole, `seed ${seed}`);
  }
});

Deno.test("RequestDecoder decodes a pipeline of 10,000 commands in one batch", () => {
  const commands = Array.from({ length: 10_000 }, (_, i) => ["SET", `key:${i}`, `value ${i}`]);
  const decoder = new RequestDecoder(roomy);
  decoder.append(bytesOf(commands.map(encode).join("")));
  assertEquals(decoder.decode(), 10_000);
  assertEquals(commandsOf(decoder), commands);
  assertEquals([decoder.decode(), decoder.pendingBytes], [0, 0]);
});

Deno.test("RequestDecoder takes a value of 120 MB in pieces and gives its memory back", () => {
  const size = 120 << 20, decoder = new RequestDecoder(roomy);
  decoder.append(bytesOf(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${size}\r\n`));
  assertEquals(decoder.decode(), 0);
  assertLess(decoder.capacity, 10_000, "a value that was only announced takes no memory");
  for (let left = size; left > 0;) {
    const part = decoder.room().subarray(0, left);
    part.fill(0x61 + (left % 7));
    decoder.received(part.length);
    left -= part.length;
    assertEquals(decoder.decode(), 0);
  }
  decoder.append(bytesOf("\r\n"));
  assertEquals(decoder.decode(), 1);
  const { buf, offsets } = decoder.batch;
  assertEquals(offsets[5]! - offsets[4]!, size);
  assert(buf.subarray(offsets[4], offsets[5]).every((byte) => byte >= 0x61 && byte < 0x68));
  assertEquals(decoder.decode(), 0);
  decoder.room();
  assertLess(decoder.capacity, 100_000);
});

Deno.test("RequestDecoder takes as many arguments as Redis does, and memory only for those that have arrived", () => {
  const decoder = new RequestDecoder(roomy);
  decoder.append(bytesOf("*2147483647\r\n$3\r\nDEL\r\n$1\r\na\r\n"));
  assertEquals(decoder.decode(), 0);
  assertEquals(decoder.batch.error, null);
  assertEquals(decoder.batch.offsets.length, 64);
});

Deno.test("RequestDecoder gives the memory of very many arguments back", () => {
  const decoder = new RequestDecoder(roomy), words = 1_200_001;
  decoder.append(bytesOf(`*${words}\r\n` + "$1\r\na\r\n".repeat(words)));
  assertEquals(decoder.decode(), 1);
  assertEquals(argCountOf(decoder.batch, 0), words);
  assertGreater(decoder.capacity, 2 * 4 * words);
  assertEquals(decoder.decode(), 0);
  decoder.room();
  assertEquals([decoder.capacity, decoder.batch.offsets.length], [65_536, 64]);
});
