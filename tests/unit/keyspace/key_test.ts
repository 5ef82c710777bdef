import { assertEquals, assertNotEquals } from "@std/assert";
import { Key } from "../../../src/keyspace/key.ts";
import { bytesOf } from "../../../src/util/bytes.ts";

const binary = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");

Deno.test("Key has the same hash as bytes in a buffer and as a text", () => {
  for (const text of ["", "a", "key:1", binary, binary.repeat(100)]) {
    const inBuffer = new Key(bytesOf(`<<${text}>>`), 2, 2 + text.length);
    assertEquals(inBuffer.hash, Key.of(text).hash);
    assertEquals([inBuffer.text, inBuffer.length], [text, text.length]);
  }
});

Deno.test("Key's hash is a signed 32-bit integer that tells keys apart", () => {
  const hashes = new Set<number>();
  for (let i = 0; i < 10_000; i++) {
    const { hash } = Key.of(`key:${i}`);
    assertEquals(hash, hash | 0);
    hashes.add(hash);
  }
  // By the birthday bound 10,000 keys in 2^32 hashes collide once or twice at most.
  assertEquals(hashes.size > 9_995, true);
  assertNotEquals(Key.of("").hash, Key.of("\0").hash);
});
