import { assertEquals } from "@std/assert";
import { Args } from "../../../src/engine/args.ts";
import { type Command, command } from "../../../src/engine/command.ts";
import { shownWords } from "../../../src/engine/redaction.ts";

function declared(name: string, subcommands?: readonly Command[]): Command {
  const base = { name, group: "server", since: "1.0.0", arity: -1, flags: 0, summary: "", complexity: "" };
  return command(subcommands === undefined ? base : { ...base, subcommands });
}

const setuser = declared("setuser"), configSet = declared("set");
declared("acl", [setuser]);
declared("config", [configSet]);

const shown = (cmd: Command, line: string) => shownWords(cmd, Args.of(line.split(" "))).join(" ");

Deno.test("shownWords hides passwords and nothing else", () => {
  const hidden = "(redacted)";
  assertEquals(shown(declared("auth"), "AUTH user pw"), `AUTH ${hidden} ${hidden}`);
  assertEquals(shown(setuser, "acl setuser ann >pw on"), `acl setuser ${hidden} ${hidden} ${hidden}`);
  assertEquals(
    shown(configSet, "config set maxmemory 1 RequirePass pw timeout requirepass"),
    `config set maxmemory 1 RequirePass ${hidden} timeout requirepass`,
  );
  assertEquals(
    shown(declared("hello"), "hello 3 AUTH u p SETNAME n"),
    `hello 3 AUTH ${hidden} ${hidden} SETNAME n`,
  );
  assertEquals(
    shown(declared("migrate"), "migrate h 1 auth 0 9 COPY AUTH p KEYS auth x"),
    `migrate h 1 auth 0 9 COPY AUTH ${hidden} KEYS auth x`,
  );
  assertEquals(
    shown(declared("migrate"), "migrate h 1 k 0 9 AUTH2 u p REPLACE"),
    `migrate h 1 k 0 9 AUTH2 ${hidden} ${hidden} REPLACE`,
  );
  assertEquals(shown(declared("set"), "set auth pw"), "set auth pw");
});
