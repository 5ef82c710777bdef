import { assertEquals } from "@std/assert";
import { Rates } from "../../../src/engine/rates.ts";
import { Stats } from "../../../src/engine/stats.ts";

Deno.test("Rates gives the mean growth a second over the last samples", () => {
  const rates = new Rates(), stats = new Stats();
  rates.sample(stats, 0);
  for (let i = 1; i <= 16; i++) {
    stats.commandsProcessed += 50;
    rates.sample(stats, i * 100);
  }
  assertEquals(rates.of("commandsProcessed"), 500);
  assertEquals(rates.of("netInputBytes"), 0);
});

Deno.test("Rates takes no sample too early and none below zero after CONFIG RESETSTAT", () => {
  const rates = new Rates(), stats = new Stats();
  rates.sample(stats, 0);
  stats.netInputBytes = 1000;
  rates.sample(stats, 99);
  assertEquals(rates.of("netInputBytes"), 0);
  rates.sample(stats, 1000);
  assertEquals(rates.of("netInputBytes") > 0, true);
  stats.reset();
  rates.sample(stats, 2000);
  assertEquals(rates.of("netInputBytes") >= 0, true);
  rates.reset();
  assertEquals(rates.of("netInputBytes"), 0);
});
