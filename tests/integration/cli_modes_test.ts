/** Every mode of `redeno cli` beside redis-cli's, both against the same redis-server: same words, same output. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { makeCertificate } from "../support/certificate.ts";
import { redenoCommand } from "../support/launch.ts";
import {
  encodeCommand,
  findTool,
  freePort,
  redisServer,
  ServerProcess,
  startRedis,
} from "../support/oracle.ts";
import { hasTerminal, type Outcome, runTool, untilShown } from "../support/tool.ts";

/** The client alone, which starts sooner than the server it is part of, with the permissions of `deno task start`. */
const OURS = redenoCommand().with(-1, new URL("../support/cli_entry.ts", import.meta.url).pathname);
const redisCli = findTool("redis-cli") ?? "";
const hasRedis = redisServer !== undefined && redisCli !== "";
if (!hasRedis) {
  console.warn("cli_modes_test: redis-server or redis-cli is not installed, its tests are ignored");
}

function runOurs(args: readonly string[], input = ""): Promise<Outcome> {
  const [program = "", ...words] = OURS;
  return runTool(program, [...words, ...args], input);
}

/** Both clients with the same words. */
class Pair {
  constructor(readonly server: ServerProcess) {}

  /** Our words for this server. */
  words(...args: string[]): string[] {
    return ["-p", String(this.server.port), ...args];
  }

  /** Runs both, compares all they do, and gives it. `normalize` takes out what differs by chance. */
  async same(args: string[], input = "", normalize = (text: string) => text): Promise<Outcome> {
    const words = this.words(...args);
    const [theirs, ours] = [await runTool(redisCli, words, input), await runOurs(words, input)];
    const plain = ({ code, stdout, stderr }: Outcome) => [code, normalize(stdout), normalize(stderr)];
    assertEquals(plain(ours), plain(theirs), `redeno cli ${args.join(" ")}`);
    return ours;
  }
}

/** Asks again and again until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}

function pairTest(name: string, fn: (pair: Pair) => Promise<void>, directives: string[] = []): void {
  Deno.test({
    name,
    ignore: !hasRedis,
    async fn() {
      await using server = await startRedis(["--enable-debug-command", "yes", ...directives]);
      using c = await server.connect();
      await c.pipeline([
        ["DEBUG", "POPULATE", "300", "key", "32"],
        ["RPUSH", "list", ...Array.from({ length: 40 }, (_, i) => `element ${i}`)],
        ["SADD", "set", "a", "b", "c"],
        ["HSET", "hash", "field", "value", "other", "2"],
        ["HSET", 'odd\t"hash"\xff', "field", "value"],
        ["ZADD", "zset", "1.5", "member"],
        ["XADD", "stream", "1-1", "field", "value"],
        ["SET", "odd", 'a"b\\c\x01\n\xc3\xa9\xff\f'],
      ]);
      await fn(new Pair(server));
    },
  });
}

pairTest(
  "redeno cli --scan, --bigkeys, --memkeys and --hotkeys print what redis-cli prints",
  async (pair) => {
    assertEquals((await pair.same(["--scan"])).stdout.split("\n").length, 308);
    await pair.same(["--no-raw", "--scan", "--pattern", "*st*"]);
    assertEquals((await pair.same(["--scan", "--quoted-pattern", '"odd\\t*"'])).stdout, 'odd\t"hash"\xff\n');
    // redis-cli names the types in the order of a hash table.
    const sorted = (text: string) => text.split("\n").sort().join("\n");
    const big = await pair.same(["--bigkeys"], "", sorted);
    assertStringIncludes(big.stdout, "Sampled 307 keys in the keyspace!");
    await pair.same(["--bigkeys", "--pattern", "l*", "-i", "0.01"], "", sorted);
    await pair.same(["--memkeys"], "", sorted);
    await pair.same(["--memkeys-samples", "3"], "", sorted);
    await runTool(redisCli, pair.words(), "get list\nget key:7\n".repeat(300));
    assertMatch((await pair.same(["--hotkeys"])).stdout, /keyname: "key:7"/);
    assertEquals((await runOurs(pair.words("--scan", "--count", "1000"))).stdout.split("\n").length, 308);
  },
  ["--maxmemory-policy", "allkeys-lfu"],
);

pairTest("redeno cli --hotkeys without an LFU policy fails as redis-cli does", async (pair) => {
  assertEquals((await pair.same(["--hotkeys"])).code, 1);
});

pairTest("redeno cli --csv, --json and --quoted-json print what redis-cli prints", async (pair) => {
  const commands = [
    ["get", "odd"],
    ["hgetall", "hash"],
    ["mget", "odd", "nokey"],
    ["xinfo", "stream", "stream", "full"],
    ["zrange", "zset", "0", "-1", "withscores"],
    ["command", "docs", "get"],
    ["config", "get", "port"],
    ["debug", "protocol", "map"],
    ["debug", "protocol", "double"],
    ["debug", "protocol", "true"],
    ["debug", "protocol", "bignum"],
    ["debug", "protocol", "verbatim"],
    ["nosuch"],
  ];
  // redis-cli 7.0 does not know big numbers in these forms; the session shows the rest.
  const session = commands.filter((words) => words[2] !== "bignum").map((words) => words.join(" ") + "\n")
    .join("");
  for (const flags of [["--csv"], ["--csv", "-3"], ["--json"], ["--json", "-2"], ["--quoted-json"]]) {
    await pair.same(flags, session);
  }
  assertEquals(
    (await runOurs(pair.words("--json", "debug", "protocol", "bignum"))).stdout,
    "1234567999999999999999999999999999999\n",
  );
  await pair.same(["--json", "--csv", "hgetall", "hash"]);
});

pairTest("redeno cli takes -X, --quoted-input, -u and --eval as redis-cli does", async (pair) => {
  const { port } = pair.server;
  assertEquals((await pair.same(["-X", "tag", "hmset", "h", "f", "tag"], "bytes\x00\n")).code, 0);
  assertEquals((await pair.same(["-X", "tag", "get", "h"])).code, 1);
  assertEquals((await pair.same(["--quoted-input", "strlen", '"a\\x00b"'])).stdout, "0\n");
  assertEquals((await pair.same(["--quoted-input", "strlen", '"a'])).stdout, "Invalid quoted string\n");
  assertEquals((await pair.same(["-u", `redis://127.0.0.1:${port}/3`, "set", "k", "v"])).stdout, "OK\n");
  assertEquals((await pair.same(["-u", `redis://127.0.0.1:${port}`, "-n", "3", "get", "k"])).stdout, "v\n");
  await pair.same(["-u", `redis://me:p%40ss@127.0.0.1:${port}`, "ping"]);
  const file = await Deno.makeTempFile({ suffix: ".lua" });
  try {
    await Deno.writeTextFile(
      file,
      "redis.call('SET', KEYS[1] or 'k', 'x')\nreturn {KEYS[1], ARGV[1], #ARGV}",
    );
    assertEquals((await pair.same(["--no-raw", "--eval", file, "key", ",", "value", "2"])).code, 0);
    await pair.same(["--eval", file]);
    await Deno.writeTextFile(file, "return nothing");
    assertEquals((await pair.same(["-e", "--eval", file])).code, 1);
    assertEquals((await pair.same(["--eval", `${file}.gone`])).code, 1);
  } finally {
    await Deno.remove(file);
  }
});

pairTest(
  "redeno cli --pipe transfers, counts replies and errors, and prints what redis-cli prints",
  async (pair) => {
    const sets = Array.from({ length: 20_000 }, (_, i) => encodeCommand(["SET", `new:${i}`, `value ${i}`]))
      .join("");
    assertStringIncludes((await pair.same(["--pipe"], sets)).stdout, "errors: 0, replies: 20000\n");
    const wrong = encodeCommand(["RPUSH", "odd", "x"]) + encodeCommand(["PING"]);
    assertEquals((await pair.same(["--pipe"], wrong)).code, 1);
    assertEquals((await pair.same(["--pipe"], "PING\r\nECHO x\r\n")).code, 0);
    const cut = await runOurs(pair.words("--pipe"), encodeCommand(["PING"]).slice(0, 4));
    assertEquals(cut.code, 1);
    assertMatch(cut.stderr, /^ERR Protocol error: .*\nError reading replies from server\n$/);
  },
);

pairTest("redeno cli --pipe gives up when no reply comes for --pipe-timeout seconds", async (pair) => {
  const blocked = encodeCommand(["BLPOP", "nokey", "0"]);
  assertEquals((await pair.same(["--pipe", "--pipe-timeout", "1"], blocked)).code, 1);
});

const LIBRARY = "#!lua name=lib\nredis.register_function('answer', function() return 42 end)";

pairTest("redeno cli --rdb and --functions-rdb fetch files that a server loads", async (pair) => {
  const { server } = pair;
  using c = await server.connect();
  assertEquals(await c.send("FUNCTION", "LOAD", LIBRARY), "$3\r\nlib\r\n");
  const folder = await Deno.makeTempDir({ prefix: "redeno-rdb-é-" }), path = `${folder}/dump.rdb`;
  try {
    for (const diskless of ["yes", "no"]) {
      await c.send("CONFIG", "SET", "repl-diskless-sync", diskless, "repl-diskless-sync-delay", "0");
      for (const [mode, keys] of [["--rdb", 307], ["--functions-rdb", 0]] as const) {
        assertEquals((await pair.same([mode, path])).code, 0);
        assertEquals((await runOurs(pair.words(mode, path))).code, 0);
        const copy = await ServerProcess.start(redenoCommand(), ["--save", ""], folder);
        using other = await copy.connect();
        assertEquals(await other.send("DBSIZE"), `:${keys}\r\n`, mode);
        assertEquals(await other.send("FCALL", "answer", "0"), ":42\r\n");
        await copy.stop("SIGKILL");
      }
    }
    assertEquals((await runOurs(pair.words("--rdb", "-"))).stdout.slice(0, 5), "REDIS");
    assertEquals((await pair.same(["--rdb", `${folder}/no/dump.rdb`])).code, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

pairTest("redeno cli --replica prints what changes", async (pair) => {
  using c = await pair.server.connect();
  await c.send("CONFIG", "SET", "repl-diskless-sync-delay", "0");
  const [program = "", ...words] = OURS;
  const child = new Deno.Command(program, {
    args: [...words, ...pair.words("--replica")],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await pair.server.logged(/Synchronization with replica .* succeeded/);
  await c.send("SET", "k", "a b");
  let shown = "";
  for await (const chunk of child.stdout) {
    shown += new TextDecoder().decode(chunk);
    if (shown.includes('"a b"')) break;
  }
  assertStringIncludes(shown, '"SELECT","0"\n"SET","k","a b"\n');
  child.kill("SIGKILL");
  await child.status;
});

pairTest(
  "redeno cli --latency prints one figure into a pipe in each format, --intrinsic-latency a sum",
  async (pair) => {
    const figures = (text: string) => text.replace(/\d+\.\d+/g, "F").replace(/\d+/g, "N");
    await pair.same(["-i", "0.1", "--latency"], "", figures);
    await pair.same(["-i", "0.1", "--csv", "--latency"], "", figures);
    await pair.same(["-i", "0.1", "--json", "--latency"], "", figures);
    const { code, stdout } = await runOurs(["--intrinsic-latency", "1"]);
    assertEquals(code, 0);
    assertMatch(
      stdout,
      /^(Max latency so far: \d+ microseconds\.\n)+\n\d+ total runs \(avg latency: \d+\.\d{4} microseconds \/ \d+\.\d\d nanoseconds per run\)\.\nWorst run took \d+x longer than the average latency\.\n$/,
    );
  },
);

Deno.test({
  name: "redeno cli --stat, --latency-history, --latency-dist and --lru-test go on on a terminal",
  ignore: !hasRedis || !hasTerminal,
  async fn() {
    await using server = await startRedis();
    const words = (...args: string[]) => [...OURS, "-p", String(server.port), ...args];
    const shown = await untilShown(words("--stat", "-i", "0.1"), /\(\+\d+\)[^]*\(\+\d+\)/);
    assertMatch(shown, /- child -\r\nkeys {7}mem {6}clients blocked requests {12}connections {10}\r\n0 {10}/);
    await untilShown(
      words("--latency-history", "-i", "0.2"),
      /min: \d+, max: \d+, avg: \d+\.\d\d \(\d+ samples\) -- \d\.\d\d seconds range/,
    );
    const hits = /\n\d+ Gets\/sec \| Hits: [1-9]\d* \(\d+\.\d\d%\) \| Misses: \d+ \(\d+\.\d\d%\)/;
    await untilShown(words("--lru-test", "100"), hits);
    await untilShown(words("--latency-dist", "-i", "0.2"), /milliseconds[^]*\[38;5;0m.\[48;5;\d+m\./);
  },
});

Deno.test({
  name: "redeno cli --tls trusts what it is told to, shows its own certificate, and sends a server name",
  ignore: !hasRedis,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "redeno-cli-tls-" });
    try {
      for (const name of ["server", "stranger"]) {
        const { cert, key } = await makeCertificate();
        await Deno.writeTextFile(`${folder}/${name}.crt`, cert);
        await Deno.writeTextFile(`${folder}/${name}.key`, key);
      }
      const file = (name: string) => `${folder}/${name}`;
      const tlsPort = String(freePort());
      const files = ["--tls-cert-file", file("server.crt"), "--tls-key-file", file("server.key")];
      await using _server = await startRedis(
        [
          "--tls-port",
          tlsPort,
          ...files,
          "--tls-ca-cert-file",
          file("server.crt"),
          "--tls-auth-clients",
          "yes",
        ],
      );
      const own = ["--cert", file("server.crt"), "--key", file("server.key")];
      const trusting = ["--cacert", file("server.crt"), ...own];
      const ping = async (...args: string[]) => await runOurs([...args, "ping"]);
      assertEquals(await ping("-p", tlsPort, "--tls", ...trusting), {
        code: 0,
        stdout: "PONG\n",
        stderr: "",
      });
      await Deno.mkdir(file("trusted"));
      await Deno.copyFile(file("server.crt"), file("trusted/ca.pem"));
      assertEquals(
        (await ping("-p", tlsPort, "--tls", "--cacertdir", file("trusted"), ...own)).stdout,
        "PONG\n",
      );
      assertEquals((await ping("-u", `rediss://127.0.0.1:${tlsPort}/2`, ...trusting)).stdout, "PONG\n");
      assertEquals(
        (await ping("-p", tlsPort, "--tls", ...trusting, "--sni", "other.example")).stdout,
        "PONG\n",
      );
      assertEquals((await ping("-p", tlsPort, "--tls", "--insecure", ...own)).stdout, "PONG\n");
      const value = "x".repeat(300_000);
      const session = await runOurs(
        ["-p", tlsPort, "--tls", "--insecure", ...own],
        `set k ${value}\nget k\n`,
      );
      assertEquals(session.stdout, `OK\n${value}\n`);
      // An authority that the runtime trusts of its own accord, as it does the public ones.
      const words = ["-p", tlsPort, "--tls", "--cacert", file("stranger.crt"), ...own, "ping"];
      const publicly = await runTool("env", [`DENO_CERT=${file("server.crt")}`, ...OURS, ...words]);
      assertEquals([publicly.code, publicly.stdout], [1, ""], "--cacert trusts this authority alone");
      for (
        const refused of [
          ["--tls", "--cacert", file("stranger.crt"), ...own],
          ["--tls", "--cacert", file("stranger.crt"), ...own, "--sni", "other.example"],
          ["--tls", ...own],
          ["--tls", "--cacert", file("server.crt")],
          ["--tls", "--cacert", file("missing.crt")],
          ["--tls", "--insecure", "--cert", file("server.crt")],
        ]
      ) {
        const { code, stdout, stderr } = await ping("-p", tlsPort, ...refused);
        assertEquals([code, stdout], [1, ""], refused.join(" "));
        assertMatch(stderr, /^(Could not connect to Redis at 127\.0\.0\.1:\d+|Error): .+\n$/);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "redeno cli -c follows MOVED and ASK through a cluster as redis-cli does",
  ignore: !hasRedis,
  async fn() {
    const start = async (slots: string) => {
      const bus = freePort();
      const server = await startRedis(["--cluster-enabled", "yes", "--cluster-port", String(bus)]);
      using c = await server.connect();
      assertEquals(await c.send("CLUSTER", "ADDSLOTSRANGE", ...slots.split("-")), "+OK\r\n");
      return { server, bus, id: (await c.send("CLUSTER", "MYID")).slice(5, 45) };
    };
    const low = await start("0-8191"), high = await start("8192-16383");
    await using lowServer = low.server;
    await using highServer = high.server;
    using c = await lowServer.connect();
    using other = await highServer.connect();
    await c.send("CLUSTER", "MEET", "127.0.0.1", String(highServer.port), String(high.bus));
    await until(async () =>
      (await c.send("CLUSTER", "INFO")).includes("cluster_state:ok") &&
      (await other.send("CLUSTER", "INFO")).includes("cluster_state:ok")
    );
    const pair = new Pair(lowServer);
    const { stdout } = await pair.same(["-c"], "set foo 1\nset bar 2\nget foo\nget bar\nping\n");
    assertStringIncludes(
      stdout,
      `-> Redirected to slot [12182] located at 127.0.0.1:${highServer.port}\nOK\n`,
    );
    assertEquals((await pair.same(["-c", "get", "foo"])).stdout, "1\n");
    assertStringIncludes((await pair.same(["get", "foo"])).stdout, "MOVED 12182");
    // The slot of bar, 5061, is on its way to the other node, which has no such key yet.
    await other.send("CLUSTER", "SETSLOT", "5061", "IMPORTING", low.id);
    await c.send("CLUSTER", "SETSLOT", "5061", "MIGRATING", high.id);
    const asked = await pair.same(["-c"], "get bar\nget {bar}x\nping\n");
    assertStringIncludes(
      asked.stdout,
      `-> Redirected to slot [5061] located at 127.0.0.1:${highServer.port}\n\n`,
    );
  },
});

Deno.test({
  name: "redeno cli says in one line that a server speaks another protocol",
  async fn() {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const answering = (async () => {
      for await (const conn of listener) {
        await conn.write(new TextEncoder().encode("HTTP/1.1 400"));
      }
    })();
    const args = ["-p", String(listener.addr.port), "ping"];
    assertEquals(await runOurs(args), {
      code: 1,
      stdout: "",
      stderr: 'Error: Protocol error, got "H" as reply type byte\n',
    });
    listener.close();
    await answering;
  },
});

/** Flags of redis-cli 7.0 for the management of a cluster, the Lua debugger and OpenSSL's own settings. */
const NOT_HERE = /^(--cluster|--ldb|--ldb-sync-mode|--tls-ciphers|--tls-ciphersuites)$/;

Deno.test({
  name: "redeno cli knows the flags of redis-cli, and its help names them",
  ignore: !hasRedis,
  async fn() {
    const { stdout } = await runTool(redisCli, ["--help"]);
    const flags = [...stdout.matchAll(/^ {1,2}(--?[\w-]+)/gm)].map(([, flag]) => flag ?? "");
    assert(flags.length > 50);
    const help = (await runOurs(["--help"])).stdout;
    const named = new Set(help.match(/(?<=^ +|, )--?[\w-]+/gm));
    assertEquals(flags.filter((flag) => !named.has(flag) && !NOT_HERE.test(flag)), []);
  },
});
