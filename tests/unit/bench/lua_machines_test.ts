import { assertEquals } from "@std/assert";
import { compareMachines, fengariMachine, wasmMachine } from "../../bench/lua_machines.ts";

Deno.test("both interpreters run the scripts that are compared, with their keys, arguments and commands", () => {
  for (const { name, compile } of [wasmMachine(), fengariMachine()]) {
    const script = compile("call('SET', KEYS[1], ARGV[1] .. '!') return call('GET', KEYS[1]) .. #KEYS");
    assertEquals([script("k", "a"), script("l", "b")], ["a!1", "b!1"], name);
  }
});

Deno.test("compareMachines times both things on both interpreters", () => {
  const rows = compareMachines(true, 1);
  assertEquals(rows.map(({ wasmMs, fengariMs }) => wasmMs > 0 && fengariMs > 0), [true, true]);
});
