import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { bytesOf } from "../../../src/util/bytes.ts";
import { sha1Bytes, sha1Hex, sha1Text, sha1Words } from "../../../src/util/sha1.ts";

function expected(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("hex");
}

Deno.test("sha1Text and sha1Bytes agree with the platform at every length around the block's edges", () => {
  const out = new Int32Array(5);
  for (let length = 0; length < 200; length++) {
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode((i * 37 + length) & 255);
    const bytes = bytesOf(text);
    sha1Text(text, out);
    assertEquals(sha1Hex(out), expected(bytes), `text of ${length}`);
    sha1Bytes(bytesOf(`xx${text}y`), 2, 2 + length, out);
    assertEquals(sha1Hex(out), expected(bytes), `bytes of ${length}`);
  }
});

Deno.test("sha1Words hashes a hash's twenty bytes, in place too", () => {
  const words = new Int32Array(5);
  sha1Text("abc", words);
  assertEquals(sha1Hex(words), "a9993e364706816aba3e25717850c26c9cd0d89d");
  const bytes = Uint8Array.from(sha1Hex(words).match(/../g)!, (pair) => parseInt(pair, 16));
  sha1Words(words, words);
  assertEquals(sha1Hex(words), expected(bytes));
});
