import { assertEquals } from "@std/assert";
import { Args } from "../../../src/engine/args.ts";
import { createCommandTable } from "../../../src/commands/table.ts";
import { shownWords } from "../../../src/engine/redaction.ts";

const table = createCommandTable();

/** The words of a call as MONITOR shows them. */
function shown(line: string): string {
  const args = Args.of(line.split(" "));
  return shownWords(table.resolve(args)!, args).join(" ");
}

Deno.test("shownWords hides passwords and nothing else", () => {
  const hidden = "(redacted)";
  assertEquals(shown("AUTH user pw"), `AUTH ${hidden} ${hidden}`);
  assertEquals(shown("acl setuser ann >pw on"), `acl setuser ${hidden} ${hidden} ${hidden}`);
  assertEquals(
    shown("config set maxmemory 1 RequirePass pw timeout requirepass"),
    `config set maxmemory 1 RequirePass ${hidden} timeout requirepass`,
  );
  assertEquals(
    shown("hello 3 AUTH u p SETNAME n"),
    `hello 3 AUTH ${hidden} ${hidden} SETNAME n`,
  );
  assertEquals(
    shown("migrate h 1 auth 0 9 COPY AUTH p KEYS auth x"),
    `migrate h 1 auth 0 9 COPY AUTH ${hidden} KEYS auth x`,
  );
  assertEquals(
    shown("migrate h 1 k 0 9 AUTH2 u p REPLACE"),
    `migrate h 1 k 0 9 AUTH2 ${hidden} ${hidden} REPLACE`,
  );
  assertEquals(shown("set auth pw"), "set auth pw");
});
