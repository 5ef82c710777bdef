import { assertEquals, assertStringIncludes } from "@std/assert";
import { HelpIndex } from "../../../src/cli/help.ts";
import type { Reply } from "../../../src/cli/reply.ts";

type Doc = string | Doc[] | { [name: string]: Doc };

/** COMMAND DOCS as RESP2 sends it, or RESP3 with its maps. */
function reply(doc: Doc, map: "array" | "map"): Reply {
  if (typeof doc === "string") return { type: "bulk", text: doc };
  if (Array.isArray(doc)) return { type: "array", items: doc.map((item) => reply(item, map)) };
  return {
    type: map,
    items: Object.entries(doc).flatMap(([name, value]) => [reply(name, map), reply(value, map)]),
  };
}

const argument = (name: string, type: string, extra: { [name: string]: Doc } = {}) => ({
  name,
  type,
  ...extra,
});

const DOCS: Doc = {
  get: {
    summary: "Get a value",
    since: "1.0.0",
    group: "string",
    arguments: [argument("key", "key")],
  },
  set: {
    summary: "Set a value",
    since: "1.0.0",
    group: "string",
    arguments: [
      argument("key", "key"),
      argument("value", "string"),
      argument("condition", "oneof", {
        flags: ["optional"],
        arguments: [
          argument("nx", "pure-token", { token: "NX" }),
          argument("seconds", "integer", { token: "EX" }),
        ],
      }),
    ],
  },
  config: {
    summary: "A container",
    since: "2.0.0",
    group: "server",
    subcommands: {
      "config|get": {
        summary: "Get parameters",
        since: "2.0.0",
        group: "server",
        arguments: [argument("parameter", "string", { flags: ["multiple"] })],
      },
    },
  },
  sort: {
    summary: "Sort",
    since: "1.0.0",
    group: "generic",
    arguments: [
      argument("key", "key"),
      argument("limit", "block", {
        token: "LIMIT",
        flags: ["optional"],
        arguments: [argument("offset", "integer"), argument("count", "integer")],
      }),
      argument("pattern", "pattern", { token: "GET", flags: ["optional", "multiple", "multiple_token"] }),
    ],
  },
};

for (const [protocol, map] of [["RESP2", "array"], ["RESP3", "map"]] as const) {
  const help = new HelpIndex(reply(DOCS, map));

  Deno.test(`HelpIndex writes the syntax of arguments from ${protocol} docs`, () => {
    assertEquals(help.hint("set"), " key value [NX|EX seconds]");
    assertEquals(help.hint("config get"), " parameter [parameter ...]");
    assertEquals(help.hint("sort"), " key [LIMIT offset count] [GET pattern [GET pattern ...]]");
  });

  Deno.test(`HelpIndex hints only at what is still to be typed (${protocol})`, () => {
    assertEquals(help.hint("SET "), "key value [NX|EX seconds]");
    assertEquals(help.hint("set k"), " value [NX|EX seconds]");
    assertEquals(help.hint("set k v NX"), " [NX|EX seconds]");
    assertEquals(help.hint("get k"), "");
    assertEquals(help.hint("nosuch"), "");
    assertEquals(help.hint('get "a'), "");
    assertEquals(help.hint(""), "");
  });

  Deno.test(`HelpIndex completes commands, and groups after help (${protocol})`, () => {
    assertEquals(help.complete("s"), ["SET", "SORT"]);
    assertEquals(help.complete("conf"), ["CONFIG", "CONFIG GET"]);
    assertEquals(help.complete("help @s"), ["help @server", "help @string"]);
    assertEquals(help.complete("help g"), ["help GET"]);
    assertEquals(help.complete("@s"), []);
  });

  Deno.test(`HelpIndex prints pages for commands and groups (${protocol})`, () => {
    assertEquals(
      help.page(["get"]),
      "\r\n  \x1b[1mGET\x1b[0m \x1b[90mkey\x1b[0m\r\n  \x1b[33msummary:\x1b[0m Get a value\r\n" +
        "  \x1b[33msince:\x1b[0m 1.0.0\r\n  \x1b[33mgroup:\x1b[0m string\r\n\r\n",
    );
    assertEquals(help.page(["config"]).match(/summary/g)?.length, 2);
    assertEquals(help.page(["@string"]).match(/summary/g)?.length, 2);
    assertEquals(help.page(["nosuch"]), "\r\n");
    assertStringIncludes(help.page([]), "help @<group>");
  });
}

Deno.test("HelpIndex is empty when the server knows no COMMAND DOCS", () => {
  const help = new HelpIndex({ type: "error", text: "ERR unknown subcommand" });
  assertEquals([help.isEmpty, help.hint("get"), help.complete("g")], [true, "", []]);
});
