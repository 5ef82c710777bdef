import { assertEquals } from "@std/assert";
import { Config } from "../../../src/config/config.ts";
import { camelCase } from "../../../src/config/parameters.ts";
import { ALL_PARAMETERS, findParameter, PARAMETERS_BY_NAME } from "../../../src/config/registry.ts";
import { defaultLimits } from "../../../src/data/limits.ts";
import { FakeHost } from "./fake_host.ts";

Deno.test("no two parameters share a name, an older name or a field", () => {
  const names = ALL_PARAMETERS.flatMap(({ name, aliases }) => [name, ...aliases]);
  assertEquals(PARAMETERS_BY_NAME.size, names.length);
  assertEquals(new Set(ALL_PARAMETERS.map(({ field }) => field)).size, ALL_PARAMETERS.length);
});

Deno.test("findParameter knows names and older names in any case", () => {
  assertEquals(findParameter("MAXMEMORY")?.name, "maxmemory");
  assertEquals(findParameter("Slave-Read-Only")?.name, "replica-read-only");
  assertEquals(findParameter("maxmemories"), undefined);
});

Deno.test("fields are the names in camel case", () => {
  assertEquals(camelCase("latency-tracking-info-percentiles"), "latencyTrackingInfoPercentiles");
  assertEquals(camelCase("hz"), "hz");
});

Deno.test("the thresholds of collections have the defaults that the data structures have", () => {
  const { values } = new Config(new FakeHost());
  const { store: _store, ...limits } = defaultLimits();
  const fromConfig = Object.fromEntries(
    Object.entries(values).filter(([field]) => Object.hasOwn(limits, field)),
  );
  assertEquals(fromConfig, limits);
});
