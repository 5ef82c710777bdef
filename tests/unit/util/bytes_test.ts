import { assert, assertEquals } from "@std/assert";
import { bytesOf, compareBytes, latin1, writeLatin1 } from "../../../src/util/bytes.ts";
import { Random } from "../../../src/util/random.ts";

Deno.test("writeLatin1 writes a byte for each character, however often it is called and whatever stands behind", () => {
  const random = new Random(255);
  for (let i = 0; i < 20_000; i++) {
    const length = random.below(i % 200 === 0 ? 30_000 : 600), highest = random.below(4) === 0 ? 128 : 256;
    const bytes = Uint8Array.from({ length }, () => random.below(highest));
    // Strings of different origins are kept differently.
    const text = i % 2 === 0 ? latin1(bytes) : String.fromCharCode(...bytes);
    const buf = new Uint8Array(length + 3).fill(7);
    assertEquals(writeLatin1(buf, 1, text), length + 1);
    const isRight = bytes.every((byte, at) => buf[at + 1] === byte);
    assert(
      isRight && buf[0] === 7 && buf[length + 1] === 7 && buf[length + 2] === 7,
      `text ${i} of ${length}`,
    );
  }
});

Deno.test("compareBytes orders as latin1 strings are ordered", () => {
  const texts = ["", "a", "aa", "ab", "b", "\x00", "\x7f", "\x80", "\xff", "a\xff", "\xff\xff"];
  for (const a of texts) {
    for (const b of texts) {
      const order = compareBytes(bytesOf(`.${a}.`), 1, 1 + a.length, bytesOf(`..${b}.`), 2, 2 + b.length);
      assertEquals(Math.sign(order), a < b ? -1 : a > b ? 1 : 0, JSON.stringify([a, b]));
    }
  }
});
