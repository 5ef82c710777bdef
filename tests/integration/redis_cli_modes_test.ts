/** Every mode of redis-cli against Redeno, and redis-cli's ways of sending and showing. */
import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { redenoCommand } from "../support/launch.ts";
import { encodeCommand, findTool, ServerProcess, startRedeno } from "../support/oracle.ts";
import { hasTerminal, runTool, untilShown } from "../support/tool.ts";

const redisCli = findTool("redis-cli");
if (redisCli === undefined) console.warn("redis-cli is not installed, its modes are not tested");
if (!hasTerminal) console.warn("script(1) is not installed, modes that need a terminal are not tested");

/** redis-cli connected to `server`. */
class Cli {
  constructor(readonly server: ServerProcess) {}

  words(...args: string[]): string[] {
    return [redisCli ?? "redis-cli", "-p", String(this.server.port), ...args];
  }

  run(args: string[], input = "") {
    const [program = "", ...words] = this.words(...args);
    return runTool(program, words, input);
  }

  /** What it prints, where it ends well. */
  async say(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    assertEquals([code, stderr], [0, ""]);
    return stdout;
  }
}

function cliTest(name: string, fn: (cli: Cli) => Promise<void>, needsTerminal = false): void {
  const ignore = redisCli === undefined || (needsTerminal && !hasTerminal);
  Deno.test({
    name,
    ignore,
    async fn() {
      await using server = await startRedeno(["--enable-debug-command", "yes"]);
      await fn(new Cli(server));
    },
  });
}

/** A key of each type, and some hundred strings. */
async function fill(server: ServerProcess): Promise<void> {
  using c = await server.connect();
  await c.pipeline([
    ["DEBUG", "POPULATE", "300", "key", "32"],
    ["RPUSH", "list", ...Array.from({ length: 40 }, (_, i) => `element ${i}`)],
    ["SADD", "set", "a", "b", "c"],
    ["HSET", "hash", "field", "value", "other", "2"],
    ["ZADD", "zset", "1", "member"],
    ["XADD", "stream", "1-1", "field", "value"],
  ]);
}

cliTest(
  "redis-cli --bigkeys, --memkeys and --scan find every key and the largest of each type",
  async (cli) => {
    await fill(cli.server);
    const big = await cli.say("--bigkeys");
    assertStringIncludes(big, "Sampled 305 keys in the keyspace!");
    for (
      const found of [
        `Biggest   list found '"list"' has 40 items`,
        `Biggest    set found '"set"' has 3 members`,
        `Biggest   hash found '"hash"' has 2 fields`,
        `Biggest   zset found '"zset"' has 1 members`,
        `Biggest stream found '"stream"' has 1 entries`,
        "300 strings with 9600 bytes",
      ]
    ) assertStringIncludes(big, found);
    const memory = await cli.say("--memkeys");
    assertStringIncludes(memory, "Sampled 305 keys in the keyspace!");
    assertMatch(memory, /Biggest {3}list found '"list"' has [1-9]\d+ bytes/);
    assertEquals((await cli.say("--scan")).trim().split("\n").length, 305);
    assertEquals((await cli.say("--scan", "--pattern", "*st*")).trim().split("\n").sort(), [
      "list",
      "stream",
    ]);
  },
);

cliTest("redis-cli --hotkeys wants an LFU policy and then names the key that is read most", async (cli) => {
  await fill(cli.server);
  assertStringIncludes((await cli.run(["--hotkeys"])).stderr, "An LFU maxmemory policy is not selected");
  await cli.say("config", "set", "maxmemory-policy", "allkeys-lfu");
  await cli.run([], "get key:7\n".repeat(500));
  assertMatch(await cli.say("--hotkeys"), /hot key found with counter: \d+\tkeyname: "key:7"/);
});

cliTest("redis-cli --pipe transfers 20,000 commands and counts their replies and errors", async (cli) => {
  const sets = Array.from({ length: 20_000 }, (_, i) => encodeCommand(["SET", `key:${i}`, `value ${i}`]));
  const { code, stdout } = await cli.run(["--pipe"], sets.join(""));
  assertEquals(code, 0);
  assertStringIncludes(stdout, "errors: 0, replies: 20000");
  assertEquals(await cli.say("dbsize"), "20000\n");
  assertEquals(await cli.say("get", "key:19999"), "value 19999\n");
  const wrong = await cli.run(["--pipe"], encodeCommand(["RPUSH", "key:1", "x"]) + encodeCommand(["PING"]));
  assertEquals(wrong.code, 1);
  assertStringIncludes(wrong.stdout, "errors: 1, replies: 2");
});

cliTest("redis-cli --pipe transfers a million commands", async (cli) => {
  const { code, stdout } = await cli.run(["--pipe"], encodeCommand(["INCR", "n"]).repeat(1_000_000));
  assertEquals(code, 0);
  assertStringIncludes(stdout, "errors: 0, replies: 1000000");
  assertEquals(await cli.say("get", "n"), "1000000\n");
});

cliTest("redis-cli --eval runs a file with its keys and arguments; --ldb is refused plainly", async (cli) => {
  const file = await Deno.makeTempFile({ suffix: ".lua" });
  try {
    await Deno.writeTextFile(file, "redis.call('SET', KEYS[1], ARGV[1])\nreturn {KEYS[1], ARGV[1], #ARGV}");
    assertEquals(await cli.say("--eval", file, "key", ",", "value", "2"), "key\nvalue\n2\n");
    assertEquals(await cli.say("get", "key"), "value\n");
    for (const mode of ["--ldb", "--ldb-sync-mode"]) {
      const { stdout } = await cli.run([mode, "--eval", file, "other", ",", "x"]);
      assertStringIncludes(stdout, "ERR The Lua debugger is not supported", mode);
      assertEquals(await cli.say("exists", "other"), "0\n", mode);
    }
    await Deno.writeTextFile(file, "return nothing");
    const { stdout, stderr } = await cli.run(["--eval", file]);
    assertStringIncludes(stdout + stderr, "Script attempted to access nonexistent global");
  } finally {
    await Deno.remove(file);
  }
});

cliTest("redis-cli --latency prints a figure; --intrinsic-latency 1 needs no server", async (cli) => {
  assertMatch(await cli.say("-i", "1", "--latency"), /^\d+ \d+ \d+\.\d\d \d+\n$/);
  assertMatch(await cli.say("--intrinsic-latency", "1"), /total runs \(avg latency/);
});

cliTest("redis-cli --stat, --latency-history and --latency-dist go on on a terminal", async (cli) => {
  const counted = await untilShown(cli.words("--stat", "-i", "0.1"), /\(\+\d+\)[^]*\(\+\d+\)/);
  assertMatch(counted, /keys +mem +clients blocked requests +connections/);
  await untilShown(cli.words("--latency-history", "-i", "1"), /-- \d\.\d\d seconds range/);
  await untilShown(cli.words("--latency-dist", "-i", "0.2"), /milliseconds[^]*\[48;5;/);
}, true);

cliTest("redis-cli monitor shows each command with its database and quoted arguments", async (cli) => {
  const { port } = cli.server;
  const monitor = new Deno.Command(redisCli ?? "", {
    args: ["-p", String(port), "monitor"],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let shown = "";
  const reader = monitor.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const until = async (expected: RegExp) => {
    while (!expected.test(shown)) {
      const { value, done } = await reader.read();
      assert(!done, shown);
      shown += value;
    }
  };
  await until(/^OK\n/);
  await cli.say("-n", "3", "set", "a b", '"\\\n');
  await until(/\[3 127\.0\.0\.1:\d+\] "set" "a b" "\\"\\\\\\n"\n/);
  monitor.kill("SIGTERM");
  await reader.cancel();
  await monitor.status;
});

cliTest("redis-cli sends -x, -X and --quoted-input and shows --csv, --json, --no-raw and -3", async (cli) => {
  await fill(cli.server);
  assertEquals((await cli.run(["-x", "set", "from stdin"], "a\x00b\n")).stdout, "OK\n");
  assertEquals(await cli.say("get", "from stdin"), "a\x00b\n\n");
  assertEquals((await cli.run(["-X", "tag", "hset", "h", "f", "tag", "g", "2"], "bytes")).stdout, "2\n");
  assertEquals(await cli.say("hget", "h", "f"), "bytes\n");
  assertEquals(await cli.say("--quoted-input", "strlen", '"from\\x20stdin"'), "4\n");
  assertEquals(await cli.say("--csv", "lrange", "list", "0", "1"), '"element 0","element 1"\n');
  assertEquals(
    JSON.parse(await cli.say("-3", "--json", "hgetall", "hash")),
    { field: "value", other: "2" },
  );
  assertEquals(
    await cli.say("-3", "--no-raw", "hgetall", "hash"),
    '1# "field" => "value"\n2# "other" => "2"\n',
  );
  assertEquals(await cli.say("--no-raw", "zrange", "zset", "0", "-1", "withscores"), '1) "member"\n2) "1"\n');
  assertEquals(
    await cli.say("-3", "--no-raw", "zrange", "zset", "0", "-1", "withscores"),
    '1) 1) "member"\n   2) (double) 1\n',
  );
  assertEquals(await cli.say("-r", "3", "incr", "n"), "1\n2\n3\n");
});

cliTest(
  "redis-cli --lru-test fills a server of limited memory and counts its hits",
  async (cli) => {
    await cli.say("config", "set", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru");
    await untilShown(cli.words("--lru-test", "1000"), /Gets\/sec \| Hits: \d+/);
    assertGreater(Number(await cli.say("dbsize")), 0);
  },
  true,
);

const LIBRARY = "#!lua name=lib\nredis.register_function('answer', function() return 42 end)";

/** What redis-check-rdb says of a file; "" where it is not installed. */
async function checked(path: string): Promise<string> {
  const tool = findTool("redis-check-rdb");
  if (tool === undefined) {
    console.warn("redis-check-rdb is not installed, files are only loaded");
    return "";
  }
  const { code, stdout } = await runTool(tool, [path]);
  assertEquals(code, 0, stdout);
  return stdout;
}

cliTest(
  "redis-cli --rdb fetches a file of all data, which redis-check-rdb and a server accept",
  async (cli) => {
    await fill(cli.server);
    assertEquals(await cli.say("function", "load", LIBRARY), "lib\n");
    const folder = await Deno.makeTempDir({ prefix: "redeno-rdb-" }), path = `${folder}/dump.rdb`;
    try {
      for (const diskless of ["yes", "no"]) {
        await cli.say("config", "set", "repl-diskless-sync", diskless, "repl-diskless-sync-delay", "0");
        const { code, stderr } = await cli.run(["--rdb", path]);
        assertEquals(code, 0, stderr);
        const said = await checked(path);
        if (said !== "") assertMatch(said, /RDB looks OK[^]*\] 305 keys read/);
        const copy = await ServerProcess.start(redenoCommand(), ["--save", ""], folder);
        using c = await copy.connect();
        assertEquals(await c.send("DBSIZE"), ":305\r\n");
        assertEquals(await c.send("FCALL", "answer", "0"), ":42\r\n");
        assertEquals(await c.send("ZSCORE", "zset", "member"), "$1\r\n1\r\n");
        await copy.stop("SIGKILL");
        await Deno.remove(path);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

cliTest("redis-cli --functions-rdb fetches a file of the function libraries alone", async (cli) => {
  await fill(cli.server);
  await cli.say("config", "set", "repl-diskless-sync-delay", "0");
  assertEquals(await cli.say("function", "load", LIBRARY), "lib\n");
  const folder = await Deno.makeTempDir({ prefix: "redeno-rdb-" }), path = `${folder}/dump.rdb`;
  try {
    const { code, stderr } = await cli.run(["--functions-rdb", path]);
    assertEquals(code, 0, stderr);
    const said = await checked(path);
    if (said !== "") assertMatch(said, /RDB looks OK[^]*\] 0 keys read/);
    const copy = await ServerProcess.start(redenoCommand(), ["--save", ""], folder);
    using c = await copy.connect();
    assertEquals(await c.send("DBSIZE"), ":0\r\n");
    assertEquals(await c.send("FCALL", "answer", "0"), ":42\r\n");
    await copy.stop("SIGKILL");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

cliTest("redis-cli --replica shows what changes", async (cli) => {
  await cli.say("config", "set", "repl-diskless-sync-delay", "0");
  const child = new Deno.Command(redisCli ?? "", {
    args: ["-p", String(cli.server.port), "--replica"],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await cli.server.logged(/Synchronization with replica .* succeeded/);
  await cli.say("set", "k", "v");
  let shown = "";
  for await (const chunk of child.stdout) {
    shown += new TextDecoder().decode(chunk);
    if (shown.includes('"set","k","v"')) break;
  }
  assertStringIncludes(shown, '"set","k","v"');
  child.kill("SIGTERM");
  await child.status;
});
