/** Sets of bits: two that have one bit in common are one, and most commands would not show it. */
import { assertEquals } from "@std/assert";
import { ClientFlag } from "../../../src/engine/client.ts";
import { Flag, KeyFlag } from "../../../src/engine/command.ts";
import { ClientGuard, EngineGuard } from "../../../src/engine/refusals.ts";

for (const [name, bits] of Object.entries({ Flag, KeyFlag, ClientFlag, EngineGuard, ClientGuard })) {
  Deno.test(`${name} gives each of its names the next bit`, () => {
    const values = Object.values(bits);
    assertEquals(values, values.map((_, index) => 2 ** index));
  });
}
