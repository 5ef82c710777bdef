import { assertEquals } from "@std/assert";
import { HashValue } from "../../../src/data/hash.ts";
import { defaultLimits } from "../../../src/data/limits.ts";
import { packFields } from "../../../src/data/packed_fields.ts";
import { Args } from "../../../src/engine/args.ts";
import { Random } from "../../../src/util/random.ts";
import { randomText } from "../../support/values.ts";

const limits = defaultLimits();

/** The output of packFields for these fields and values, or null. */
function packed(words: readonly string[], room = 2048, theLimits = limits): Uint8Array | null {
  const into = new Uint8Array(room).fill(0xee);
  const length = packFields(theLimits, Args.of(["HSET", "k", ...words]), 2, 2 + words.length, into);
  return length < 0 ? null : into.subarray(0, length);
}

/** The bytes a hash packs itself into. */
function packedByHash(words: readonly string[]): Uint8Array {
  const hash = new HashValue(limits);
  for (let i = 0; i < words.length; i += 2) hash.set(words[i]!, words[i + 1]!);
  const bytes = new Uint8Array(hash.packedBytes);
  hash.packInto(bytes, 0);
  return bytes;
}

Deno.test("packFields writes the bytes that a hash of these fields packs itself as", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed), count = 1 + random.below(16);
    const words = Array.from(
      { length: count },
      (_, i) => [`${i} ${randomText(random, 50)}`, randomText(random, 60)],
    );
    assertEquals(packed(words.flat()), packedByHash(words.flat()), `seed ${seed}`);
  }
  assertEquals(packed(["", ""]), packedByHash(["", ""]));
});

Deno.test("packFields declines duplicate fields, long elements and large hashes", () => {
  const words = (count: number) => Array.from({ length: count }, (_, i) => [`f${i}`, "v"]).flat();
  assertEquals(packed(["a", "1", "b", "2", "a", "3"]), null);
  assertEquals(packed(["", "1", "b", "2", "", "3"]), null);
  assertEquals(packed(["a", "b", "b", "a"])?.length, 10);
  assertEquals([packed(words(16)) === null, packed(words(17))], [false, null]);
  assertEquals([packed(["a", "v".repeat(64)]) === null, packed(["a", "v".repeat(65)])], [false, null]);
  assertEquals([packed(["f".repeat(64), ""]) === null, packed(["f".repeat(65), ""])], [false, null]);
  const few = { ...limits, hashMaxListpackEntries: 2 };
  assertEquals([packed(words(2), 99, few) === null, packed(words(3), 99, few)], [false, null]);
  assertEquals([packed(["abc", "de"], 9)?.length, packed(["abc", "de"], 8)], [9, null]);
  const long = { ...limits, hashMaxListpackValue: 1000 };
  assertEquals(
    [packed(["a", "v".repeat(253)], 999, long)?.length, packed(["a", "v".repeat(254)], 999, long)],
    [
      258,
      null,
    ],
  );
});
