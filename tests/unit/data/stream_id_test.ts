import { assertEquals } from "@std/assert";
import {
  addDelta,
  compareIds,
  formatId,
  idOfWords,
  idWords,
  maxSequence,
  maxStreamId,
  minStreamId,
  nextId,
  parseId,
  parseIdPart,
  parseRangeId,
  partDelta,
  previousId,
  type StreamId,
} from "../../../src/data/stream_id.ts";

const LAST = "18446744073709551615";

/** Ids in order, on both sides of every limit of the representation. */
const ordered = [
  "0-0",
  "0-1",
  `0-${LAST}`,
  "1-0",
  "1700000000000-9007199254740991",
  "1700000000000-9007199254740992",
  "9007199254740991-0",
  `9007199254740991-${LAST}`,
  "9007199254740992-0",
  "9007199254740993-7",
  `${LAST}-0`,
  `${LAST}-18446744073709551614`,
  `${LAST}-${LAST}`,
];

function id(text: string): StreamId {
  const parsed = parseId(text, 0);
  if (parsed === undefined) throw new Error(`${text} is no id`);
  return parsed;
}

Deno.test("ids keep all 64 bits of both parts and their order", () => {
  for (const [i, a] of ordered.entries()) {
    assertEquals(formatId(id(a)), a);
    for (const [j, b] of ordered.entries()) {
      assertEquals(Math.sign(compareIds(id(a), id(b))), Math.sign(i - j));
    }
  }
});

Deno.test("nextId and previousId step over every carry and stop at the ends", () => {
  for (const text of ordered) {
    const next = nextId(id(text)), previous = previousId(id(text));
    if (next !== undefined) assertEquals(formatId(previousId(next)!), text);
    if (previous !== undefined) assertEquals(formatId(nextId(previous)!), text);
  }
  assertEquals(formatId(nextId(id(`5-${LAST}`))!), "6-0");
  assertEquals(formatId(previousId(id("9007199254740992-0"))!), `9007199254740991-${LAST}`);
  assertEquals([nextId(maxStreamId), previousId(minStreamId)], [undefined, undefined]);
});

Deno.test("partDelta and addDelta invert each other modulo 2^64", () => {
  const parts = [0, 1, 1700000000000, Number.MAX_SAFE_INTEGER, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
  for (const a of parts) {
    for (const b of parts) assertEquals(addDelta(b, partDelta(a, b)), a, `${a} from ${b}`);
  }
  assertEquals(partDelta(2n ** 64n - 1n, 0), -1);
});

Deno.test("parseIdPart takes 64 unsigned bits in decimal and nothing else", () => {
  assertEquals(parseIdPart("007"), 7);
  assertEquals(parseIdPart(" +7"), 7);
  assertEquals(parseIdPart("9007199254740992"), 9007199254740992n);
  assertEquals(parseIdPart("000000000000000000000000000000000012"), 12);
  for (const text of ["", "-1", "1 ", "1x", "18446744073709551616", "0x10", "1.0", "*"]) {
    assertEquals(parseIdPart(text), undefined, text);
  }
});

Deno.test("parseId fills a missing sequence, parseRangeId knows the ends", () => {
  assertEquals(parseId("5", maxSequence), { ms: 5, seq: maxSequence });
  assertEquals(parseId("5-", 0), undefined);
  assertEquals(parseId("-5", 0), undefined);
  assertEquals([parseId("-", 0), parseId("+", 0)], [undefined, undefined]);
  assertEquals([parseRangeId("-", 0), parseRangeId("+", 0)], [minStreamId, maxStreamId]);
});

Deno.test("idWords and idOfWords carry an id through its 128 bits", () => {
  const words = new Uint32Array(4);
  for (const text of ordered) {
    idWords(id(text), words);
    assertEquals(formatId(idOfWords(words[0]!, words[1]!, words[2]!, words[3]!)), text);
  }
});
