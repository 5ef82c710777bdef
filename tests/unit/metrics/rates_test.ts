import { assertEquals } from "@std/assert";
import { Rates } from "../../../src/metrics/rates.ts";

Deno.test("Rates gives the mean growth a second over the last samples", () => {
  const rates = new Rates();
  let commands = 7;
  rates.follow("commands", () => commands);
  rates.follow("input", () => 5);
  rates.sample(0);
  for (let i = 1; i <= 16; i++) {
    commands += 50;
    rates.sample(i * 100);
  }
  assertEquals(rates.of("commands"), 500);
  assertEquals([rates.of("input"), rates.of("output")], [0, 0]);
});

Deno.test("Rates takes no sample too early and none below zero after CONFIG RESETSTAT", () => {
  const rates = new Rates();
  let bytes = 0;
  rates.follow("input", () => bytes);
  rates.sample(0);
  bytes = 1000;
  rates.sample(99);
  assertEquals(rates.of("input"), 0);
  rates.sample(1000);
  assertEquals(rates.of("input") > 0, true);
  bytes = 0;
  rates.sample(2000);
  assertEquals(rates.of("input") >= 0, true);
  rates.reset();
  assertEquals(rates.of("input"), 0);
});
