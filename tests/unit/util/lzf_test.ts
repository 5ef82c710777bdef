import { assertEquals } from "@std/assert";
import { lzfCompress, lzfDecompress } from "../../../src/util/lzf.ts";
import { Random } from "../../../src/util/random.ts";

function roundTrip(input: Uint8Array, note: string): number {
  const packed = new Uint8Array(input.length * 2 + 10);
  const end = lzfCompress(input, 0, input.length, packed, 5, packed.length);
  assertEquals(end >= 5, true, note);
  const output = new Uint8Array(input.length);
  assertEquals(lzfDecompress(packed, 5, end, output), true, note);
  assertEquals(output, input, note);
  return end - 5;
}

Deno.test("lzfCompress and lzfDecompress give back what went in", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed);
    const alphabet = 1 + random.below(seed % 7 === 0 ? 256 : 4);
    const length = random.below(seed % 50 === 0 ? 30_000 : 700);
    const input = Uint8Array.from({ length }, () => random.below(alphabet));
    roundTrip(input, `seed ${seed}`);
  }
});

Deno.test("lzfCompress shrinks what repeats, far back and at full copy length", () => {
  assertEquals(roundTrip(new Uint8Array(10_000), "zeros") < 150, true);
  const far = new Uint8Array(8192 + 40).map((_, i) => (i * i * 31 + (i >> 3)) & 255);
  far.copyWithin(8192, 0, 40);
  roundTrip(far, "offset 8192");
});

Deno.test("lzfCompress gives up when the output would not fit", () => {
  const input = Uint8Array.from({ length: 64 }, (_, i) => i * 37);
  assertEquals(lzfCompress(input, 0, 64, new Uint8Array(60), 0, 60), -1);
  assertEquals(lzfCompress(new Uint8Array(64), 0, 64, new Uint8Array(60), 0, 60) > 0, true);
});

Deno.test("lzfDecompress refuses cut, overlong and backward-reaching input", () => {
  const cases: [string, number[], number][] = [
    ["literals cut", [4, 1, 2], 5],
    ["literals past the output", [2, 1, 2, 3], 2],
    ["copy without its offset", [0, 1, 0x20], 4],
    ["long copy without its length", [0, 1, 0xe0], 20],
    ["long copy without its offset", [0, 1, 0xe0, 1], 20],
    ["copy from before the start", [0, 1, 0x20, 1], 4],
    ["copy past the output", [0, 1, 0x60, 0], 3],
    ["output not filled", [0, 1], 2],
  ];
  for (const [note, input, size] of cases) {
    assertEquals(lzfDecompress(Uint8Array.from(input), 0, input.length, new Uint8Array(size)), false, note);
  }
});

Deno.test("lzfDecompress stays inside its arrays on random input", () => {
  const random = new Random(99);
  for (let i = 0; i < 3000; i++) {
    const input = Uint8Array.from({ length: random.below(40) }, () => random.below(256));
    lzfDecompress(input, 0, input.length, new Uint8Array(random.below(300)));
  }
});
