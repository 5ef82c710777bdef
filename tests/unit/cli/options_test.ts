import { assertEquals, assertThrows } from "@std/assert";
import { parseOptions, UsageError } from "../../../src/cli/options.ts";

const parse = (...args: string[]) => parseOptions(args, true);

Deno.test("parseOptions reads where and as whom to connect", () => {
  const options = parse("-h", "example", "-p", "7000", "--user", "u", "-a", "-secret", "-n", "3", "-3");
  assertEquals(options.address, { hostname: "example", port: 7000 });
  assertEquals(
    [options.username, options.password, options.database, options.resp3, options.command],
    ["u", "-secret", 3, true, []],
  );
  assertEquals(parse("-s", "/tmp/s", "-p", "1").address, { socketPath: "/tmp/s" });
  assertEquals(parse("--pass", "x").password, "x");
  assertEquals(parse().address, { hostname: "127.0.0.1", port: 6379 });
});

Deno.test("parseOptions leaves the command alone, flags and all", () => {
  assertEquals(parse("--raw", "incrby", "k", "-5", "--", "--raw", "007").command, [
    "incrby",
    "k",
    "-5",
    "--",
    "--raw",
    "007",
  ]);
  assertEquals(parse("get", "é").command, ["get", "\xc3\xa9"]);
});

Deno.test("parseOptions prints for people on a terminal and raw elsewhere, unless told", () => {
  const raw = (args: string[], isTerminal: boolean) => parseOptions(args, isTerminal).raw;
  assertEquals([raw([], true), raw([], false)], [false, true]);
  assertEquals([raw(["--raw"], true), raw(["--no-raw"], false)], [true, false]);
  assertEquals([parse().showPushes, parse("--show-pushes", "no").showPushes], [true, false]);
});

Deno.test("parseOptions reads counts, intervals and delimiters", () => {
  const options = parse("-r", "-1", "-i", "0.25", "-d", "", "-D", "\n\n", "-x", "-e", "ping");
  assertEquals([options.repeat, options.intervalMs, options.itemDelimiter, options.replyDelimiter], [
    -1,
    250,
    "",
    "\n\n",
  ]);
  assertEquals([options.lastArgFromStdin, options.failOnErrorReply], [true, true]);
});

Deno.test("parseOptions takes a lone -h for help", () => {
  assertEquals([parse("-h").wantsHelp, parse("--help").wantsHelp, parse("-h", "x").wantsHelp], [
    true,
    true,
    false,
  ]);
});

Deno.test("parseOptions takes -v and --version", () => {
  assertEquals([parse("-v").wantsVersion, parse("--version").wantsVersion, parse("ping").wantsVersion], [
    true,
    true,
    false,
  ]);
});

Deno.test("parseOptions refuses unknown flags, missing values and bad numbers", () => {
  for (const args of [["--nosuch"], ["-p"], ["-p", "x"], ["-n", "1.5"], ["-a"]]) {
    assertThrows(() => parse(...args), UsageError);
  }
});
