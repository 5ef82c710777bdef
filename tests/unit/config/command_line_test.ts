import { assertEquals, assertMatch } from "@std/assert";
import { HELP_TEXT, parseCommandLine, VERSION_TEXT } from "../../../src/config/command_line.ts";

Deno.test("parseCommandLine knows the tool's own flags in the first place only", () => {
  for (const flag of ["--version", "-v"]) assertEquals(parseCommandLine([flag]), { kind: "version" });
  for (const flag of ["--help", "-h"]) {
    assertEquals(parseCommandLine([flag]), { kind: "help", topic: undefined });
  }
  assertEquals(parseCommandLine(["--logfile", "--version"]), {
    kind: "server",
    commandLine: { configFile: "", readsStandardInput: false, options: 'logfile "--version" ' },
  });
});

Deno.test("parseCommandLine knows help and its topic, and the tools with their arguments", () => {
  assertEquals(parseCommandLine(["help"]), { kind: "help", topic: undefined });
  assertEquals(parseCommandLine(["help", "systemd"]), { kind: "help", topic: "systemd" });
  assertEquals(parseCommandLine(["check-aof", "--fix", "a"]), { kind: "check-aof", args: ["--fix", "a"] });
});

Deno.test("parseCommandLine hands everything behind cli to the client", () => {
  assertEquals(parseCommandLine(["cli", "-p", "1", "--version"]), {
    kind: "cli",
    args: ["-p", "1", "--version"],
  });
});

Deno.test("parseCommandLine reads the arguments of permissions as those of a server", () => {
  assertEquals(parseCommandLine(["permissions", "r.conf", "--port", "1"]), {
    kind: "permissions",
    commandLine: { configFile: "r.conf", readsStandardInput: false, options: 'port "1" ' },
  });
});

Deno.test("parseCommandLine finds the file, standard input and directives", () => {
  const line = (...args: string[]) => {
    const command = parseCommandLine(args);
    return command.kind === "server" ? command.commandLine : undefined;
  };
  assertEquals(line(), { configFile: "", readsStandardInput: false, options: "" });
  assertEquals(line("-"), { configFile: "", readsStandardInput: true, options: "" });
  assertEquals(line("r.conf", "-"), { configFile: "r.conf", readsStandardInput: true, options: "" });
  assertEquals(line("r.conf", "--port", "1", "--load-snapshot", "é.json", "-"), {
    configFile: "r.conf",
    readsStandardInput: true,
    options: 'port "1" \nload-snapshot "\\xc3\\xa9.json" ',
  });
});

Deno.test("the version names Redeno's and Redis's, the help every way to start", () => {
  assertMatch(VERSION_TEXT, /^Redeno server v=\d+\.\d+\.\d+ redis=7\.4\.0 /);
  assertMatch(HELP_TEXT, /^Usage: redeno/);
});
