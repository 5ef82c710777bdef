import { assert, assertEquals } from "@std/assert";
import { createCommandTable } from "../../../src/commands/table.ts";
import { Args } from "../../../src/engine/args.ts";
import {
  acceptsCount,
  command,
  findKeys,
  Flag,
  keyAt,
  KeyFlag,
  keyRange,
  keysCountedAt,
} from "../../../src/engine/command.ts";
import { CommandTable } from "../../../src/engine/command_table.ts";

const base = { group: "generic", since: "1.0.0", arity: -1, flags: Flag.Fast, summary: "", complexity: "" };
const named = (name: string) => command({ ...base, name });

Deno.test("CommandTable finds every command by the bytes of its name in any case", () => {
  const table = createCommandTable();
  assert(table.size > 200);
  for (const [name, cmd] of table.entries()) {
    for (const spelling of [name, name.toUpperCase(), name[0]!.toUpperCase() + name.slice(1)]) {
      assertEquals(table.find(Args.of([spelling, "x"])) === cmd, true, spelling);
    }
  }
});

Deno.test("CommandTable does not find what only looks alike", () => {
  const table = new CommandTable([named("get"), named("a-b"), named("set")]);
  // Bytes that differ from letters in bit 5 alone share their hash.
  for (const name of ["", "ge", "gett", "G@T", "GE\x14", "a\rb", "g\0t", "get ", "\xe7et"]) {
    assertEquals(table.find(Args.of([name])), undefined, JSON.stringify(name));
  }
});

Deno.test("CommandTable.getFull finds sub-commands", () => {
  const table = createCommandTable();
  assertEquals(table.getFull("config|get")?.fullName, "config|get");
  assertEquals(table.getFull("get")?.name, "get");
  assertEquals([table.getFull("config|nosuch"), table.getFull("get|x"), table.getFull("nosuch")], [
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("CommandTable.rename gives a command another name, or none", () => {
  const table = new CommandTable([named("get"), named("set"), named("del")]);
  table.rename("GET", "fetch");
  table.rename("del", "");
  assertEquals([table.get("get"), table.find(Args.of(["GET"])), table.find(Args.of(["DEL"]))], [
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals([table.find(Args.of(["Fetch"]))?.name, table.find(Args.of(["SET"]))?.name, table.size], [
    "get",
    "set",
    2,
  ]);
});

Deno.test("acceptsCount takes an exact or a least number", () => {
  const exact = command({ ...base, name: "x", arity: 2 }), least = command({ ...base, name: "x", arity: -2 });
  assertEquals([1, 2, 3].map((count) => acceptsCount(exact, count)), [false, true, false]);
  assertEquals([1, 2, 3].map((count) => acceptsCount(least, count)), [false, true, true]);
});

/** The positions at which a specification finds keys in a line. */
function positions(
  line: string,
  ...keys: Parameters<typeof command>[0]["keys"] & object
): number[] | undefined {
  return findKeys(command({ ...base, name: "x", keys }), Args.of(line.split(" ")))?.map(({ index }) => index);
}

Deno.test("findKeys follows ranges, steps, counts and keywords", () => {
  const flags = KeyFlag.ReadOnly;
  assertEquals(positions("X a b", keyAt(1, flags)), [1]);
  assertEquals(positions("X a b c", keyRange(1, -1, 1, flags)), [1, 2, 3]);
  assertEquals(positions("X a 1 b 2", keyRange(1, -1, 2, flags)), [1, 3]);
  assertEquals(positions("X a b 0", keyRange(1, -2, 1, flags)), [1, 2]);
  assertEquals(positions("X 2 a b c", keysCountedAt(1, flags)), [2, 3]);
  const keyword = { flags, begin: { keyword: "STREAMS", from: 1 }, find: { last: -1, step: 1, limit: 2 } };
  assertEquals(positions("X COUNT 1 STREAMS a b 0 0", keyword), [4, 5]);
  assertEquals(positions("X COUNT 1", keyword), []);
});

Deno.test("findKeys says undefined where the arguments make no sense", () => {
  assertEquals(positions("X", keyAt(1, 0)), undefined);
  assertEquals(positions("X 3 a b", keysCountedAt(1, 0)), undefined);
  assertEquals(positions("X -1 a", keysCountedAt(1, 0)), undefined);
});

Deno.test("CommandTable.rename says why it cannot, and changes nothing", () => {
  const table = createCommandTable();
  assertEquals(table.rename("nosuch", "x"), "No such command in rename-command");
  assertEquals(table.rename("get", "set"), "Target command name already exists");
  assertEquals(table.get("get")?.name, "get");
});

Deno.test("CommandTable.resolve finds a sub-command, its container without an argument, and nothing for unknown names", () => {
  const table = createCommandTable();
  const nameOf = (...words: string[]) => table.resolve(Args.of(words))?.fullName;
  assertEquals(nameOf("config", "GET", "x"), "config|get");
  assertEquals(nameOf("CONFIG"), "config");
  assertEquals(nameOf("GET", "get"), "get");
  assertEquals([nameOf("config", "nosuch"), nameOf("nosuch"), nameOf("nosuch", "get")], [
    undefined,
    undefined,
    undefined,
  ]);
});
