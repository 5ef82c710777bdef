import { assertEquals } from "@std/assert";
import { createCommandTable } from "../../../src/commands/table.ts";
import { Args } from "../../../src/engine/args.ts";

Deno.test("CommandTable.rename calls a command by another name and no longer by its own", () => {
  const table = createCommandTable(), size = table.size;
  assertEquals(table.rename("FlushAll", "Wipe-It"), null);
  assertEquals(table.find(Args.of(["flushall"])), undefined);
  assertEquals(table.find(Args.of(["WIPE-it"]))?.name, "flushall");
  assertEquals(table.size, size);
});

Deno.test("CommandTable.rename to nothing takes a command away", () => {
  const table = createCommandTable(), size = table.size;
  assertEquals(table.rename("keys", ""), null);
  assertEquals(table.get("keys"), undefined);
  assertEquals(table.size, size - 1);
  assertEquals(table.find(Args.of(["get"]))?.name, "get");
});

Deno.test("CommandTable.rename says why it cannot, and changes nothing", () => {
  const table = createCommandTable();
  assertEquals(table.rename("nosuch", "x"), "No such command in rename-command");
  assertEquals(table.rename("get", "set"), "Target command name already exists");
  assertEquals(table.get("get")?.name, "get");
});
