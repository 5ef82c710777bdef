import { assertEquals } from "@std/assert";
import {
  countEntries,
  encodeEntry,
  entryEnd,
  entryText,
  findEntry,
  nthEntry,
  ownText,
  packEntries,
  spliceText,
  unpackEntries,
} from "../../../src/data/packed.ts";
import { Random } from "../../../src/util/random.ts";

const lengths = [0, 1, 12, 13, 252, 253, 254, 255, 256, 65_535, 65_536, 70_000];

Deno.test("encodeEntry and entryText keep every length and every character", () => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
  for (const length of lengths) {
    const text = all.repeat(Math.ceil(length / 256)).slice(0, length);
    const packed = "ab" + encodeEntry(text) + encodeEntry("next");
    assertEquals(entryText(packed, 2), text);
    assertEquals(entryText(packed, entryEnd(packed, 2)), "next");
  }
});

Deno.test("encodeEntry writes one length character up to 253 and five from 254 on", () => {
  assertEquals(encodeEntry("abc"), "\x03abc");
  assertEquals(encodeEntry("y".repeat(253)), "\xfd" + "y".repeat(253));
  assertEquals(encodeEntry("y".repeat(254)), "\xfe\xfe\x00\x00\x00" + "y".repeat(254));
  assertEquals(encodeEntry("y".repeat(0x1_0203)).slice(0, 5), "\xfe\x03\x02\x01\x00");
});

Deno.test("findEntry, nthEntry and countEntries agree with an array of strings", () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = new Random(seed);
    const texts = Array.from({ length: random.below(30) }, () => {
      const length = lengths[random.below(9)]!;
      return String.fromCharCode(97 + random.below(4)).repeat(length);
    });
    const packed = packEntries(texts);
    assertEquals(unpackEntries(packed), texts, `seed ${seed}`);
    assertEquals(countEntries(packed), texts.length, `seed ${seed}`);
    texts.forEach((text, i) => {
      assertEquals(entryText(packed, nthEntry(packed, i)), text, `seed ${seed}`);
      assertEquals(findEntry(packed, text, 1), nthEntry(packed, texts.indexOf(text)), `seed ${seed}`);
    });
    assertEquals(findEntry(packed, "absent", 1), -1);
  }
});

Deno.test("findEntry with stride 2 looks at fields and not at values", () => {
  const packed = packEntries(["a", "b", "b", "c", "c", "a"]);
  assertEquals(findEntry(packed, "b", 2), nthEntry(packed, 2));
  assertEquals(findEntry(packed, "c", 2), nthEntry(packed, 4));
  assertEquals(findEntry(packEntries(["a", "x"]), "x", 2), -1);
});

Deno.test("spliceText inserts, replaces and cuts", () => {
  assertEquals(spliceText("abcdef", 2, 4, "XYZ"), "abXYZef");
  assertEquals(spliceText("abcdef", 6, 6, "!"), "abcdef!");
  assertEquals(spliceText("abcdef", 0, 6, ""), "");
});

Deno.test("ownText is the same text", () => {
  const parent = "0123456789".repeat(10);
  for (const end of [0, 1, 12, 13, 50]) {
    assertEquals(ownText(parent.substring(0, end)), parent.substring(0, end));
  }
});
