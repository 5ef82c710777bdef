import { assert, assertEquals } from "@std/assert";
import { createCommandTable } from "../../../src/commands/table.ts";
import { startInProcess } from "../../support/in_process.ts";

const calls = [
  ["ACL", "HELP"],
  ["CLIENT", "HELP"],
  ["COMMAND", "HELP"],
  ["CONFIG", "HELP"],
  ["DEBUG", "HELP"],
  ["FUNCTION", "HELP"],
  ["LATENCY", "HELP"],
  ["MEMORY", "HELP"],
  ["MODULE", "HELP"],
  ["OBJECT", "HELP"],
  ["PUBSUB", "HELP"],
  ["SCRIPT", "HELP"],
  ["SLOWLOG", "HELP"],
  ["XGROUP", "HELP"],
  ["XINFO", "HELP"],
] as const;

Deno.test("HELP of every container lists its sub-commands", () => {
  using s = startInProcess({ lines: ["enable-debug-command yes"] });
  const c = s.client(), table = createCommandTable();
  for (const words of calls) {
    const reply = c.send(...words), container = words[0];
    assert(Array.isArray(reply), container);
    assertEquals(
      reply[0],
      `${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    );
    const listed = new Set(reply.map((line) => String(line).split(" ")[0]?.toLowerCase()));
    for (const { name } of table.get(container.toLowerCase())?.subcommands ?? []) {
      assert(listed.has(name), `${container} HELP does not list ${name}`);
    }
  }
});
