/** The same tests pass with the real `@std/cli` and with the stand-in of src/std/. */
import { assert, assertEquals } from "@std/assert";
import { parseArgs, promptSecret } from "@std/cli";
import { ProgressBar } from "@std/cli/unstable-progress-bar";

const parse = (...args: string[]) =>
  parseArgs(args, {
    boolean: ["help", "raw"],
    string: ["host", "port", "user"],
    collect: ["user"],
    default: { host: "127.0.0.1" },
    alias: { h: "host", p: "port" },
    stopEarly: true,
  });

Deno.test("parseArgs reads flags by either name and leaves the command alone", () => {
  const args = parse("-h", "example", "--raw", "-p", "7000", "SET", "--raw", "5");
  assertEquals(args.host, "example");
  assertEquals(args.port, "7000");
  assertEquals(args.raw, true);
  assertEquals(args.help, false);
  assertEquals(args._, ["SET", "--raw", "5"]);
});

Deno.test("parseArgs fills in defaults, keeps the last of several values and collects where told", () => {
  const args = parse("--port=1", "--port=2", "--user", "a", "--user", "b");
  assertEquals(args.host, "127.0.0.1");
  assertEquals(args.port, "2");
  assertEquals(args.user, ["a", "b"]);
  assertEquals(parse().user, []);
  assertEquals(parse().port, undefined);
});

Deno.test("parseArgs takes --no-x for a flag of that name unless x is negatable", () => {
  assertEquals(parseArgs(["--no-warning"], { boolean: ["no-warning"] })["no-warning"], true);
  assertEquals(parseArgs(["--no-color"], { boolean: ["color"], negatable: ["color"] }).color, false);
});

Deno.test("parseArgs hands unknown flags to the caller, who may drop them", () => {
  const seen: string[] = [];
  const unknown = (arg: string) => {
    seen.push(arg);
    return !arg.startsWith("-");
  };
  assertEquals(parseArgs(["--what", "x"], { boolean: ["help"], unknown })._, []);
  assertEquals(seen, ["--what"]);
});

Deno.test("ProgressBar draws time, bar and amounts, and ends its line", async () => {
  let drawn = "";
  const writable = new WritableStream<Uint8Array>({
    write: (chunk) => void (drawn += new TextDecoder().decode(chunk)),
  });
  const bar = new ProgressBar({ writable, max: 4 * 1024 * 1024, barLength: 8, interval: 100_000 });
  bar.value = 1024 * 1024;
  await bar.stop();
  assert(drawn.startsWith("\r\x1b[K[00:00] [--------] [0.00/4.00 MiB]"));
  assert(drawn.endsWith("\r\x1b[K[00:00] [##------] [1.00/4.00 MiB]\n"));
});

Deno.test("ProgressBar clears its line and asks the formatter where told", async () => {
  let drawn = "";
  const writable = new WritableStream<Uint8Array>({
    write: (chunk) => void (drawn += new TextDecoder().decode(chunk)),
  });
  const bar = new ProgressBar({ writable, max: 10, clear: true, formatter: (f) => `${f.value} of ${f.max}` });
  await bar.stop();
  assertEquals(drawn, "\r\x1b[K0 of 10\r\x1b[K");
});

Deno.test({
  name: "promptSecret gives null where nobody can type",
  ignore: Deno.stdin.isTerminal(),
  fn: () => assertEquals(promptSecret("Password:"), null),
});
