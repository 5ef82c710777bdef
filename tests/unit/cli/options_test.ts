import { assertEquals, assertThrows } from "@std/assert";
import { parseOptions } from "../../../src/cli/options.ts";
import { UsageError } from "../../../src/cli/usage_error.ts";

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
  const format = (args: string[], isTerminal: boolean) => parseOptions(args, isTerminal).format;
  assertEquals([format([], true), format([], false)], ["people", "raw"]);
  assertEquals([format(["--raw"], true), format(["--no-raw"], false)], ["raw", "people"]);
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

Deno.test("parseOptions reads the addresses of URIs, and flags behind one go over it", () => {
  const { address, tls, username, password, database } = parse("-u", "rediss://u:p@host:7000/3", "-n", "4");
  assertEquals([address, tls !== undefined, username, password, database], [
    { hostname: "host", port: 7000 },
    true,
    "u",
    "p",
    4,
  ]);
  assertEquals(parse("-u", "redis://host").tls, undefined);
});

Deno.test("parseOptions reads the files of TLS, which count only with --tls", () => {
  const files = ["--cacert", "ca", "--cert", "c", "--key", "k", "--sni", "name", "--insecure"];
  assertEquals(parse("--tls", ...files).tls, {
    caCertFile: "ca",
    caCertFolder: undefined,
    certFile: "c",
    keyFile: "k",
    serverName: "name",
    isInsecure: true,
  });
  assertEquals(parse(...files).tls, undefined);
});

Deno.test("parseOptions asks for RESP3 where JSON is wanted, unless told", () => {
  const resp3 = (...args: string[]) => [parse(...args).resp3, parse(...args).mayFallBack];
  assertEquals([resp3("--json"), resp3("--json", "-2"), resp3("-3"), resp3()], [
    [true, true],
    [false, true],
    [true, false],
    [false, true],
  ]);
});

Deno.test("parseOptions takes one mode with its settings, and refuses two", () => {
  const scan = parse("--bigkeys", "--quoted-pattern", '"\\xff*"', "--count", "50", "-i", "0.5");
  assertEquals([scan.mode, scan.pattern, scan.scanCount, scan.intervalMs], ["bigkeys", "\xff*", 50, 500]);
  assertEquals(parse("--latency", "--latency-history").latencyHistory, true);
  assertEquals([parse("--rdb", "-").file, parse("--eval", "f", "k", ",", "a").command], ["-", [
    "k",
    ",",
    "a",
  ]]);
  for (
    const args of [["--scan", "--stat"], ["--rdb", "a", "--functions-rdb", "b"], ["-x", "-X", "t"], [
      "-c",
      "-s",
      "/tmp/s",
    ], [
      "-2",
      "-3",
    ]]
  ) {
    assertThrows(() => parse(...args), UsageError, "mutually exclusive");
  }
});
