/** `redeno cli` beside the real redis-cli, both against a redis-server: same input, same output. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { importFlags } from "../support/launch.ts";
import { startRedeno } from "../support/oracle.ts";

const ENTRY = new URL("../support/cli_entry.ts", import.meta.url).pathname;

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function isInstalled(program: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

const hasRedis = isInstalled("redis-server", "--version") && isInstalled("redis-cli", "--version");
if (!hasRedis) console.warn("cli_test: redis-server or redis-cli is not installed, its tests are ignored");
const hasTerminal = isInstalled("script", "--version");
if (!hasTerminal) console.warn("cli_test: script(1) is not installed, tests on a terminal are ignored");

function cliArgs(args: readonly string[]): string[] {
  return ["run", "-A", "--no-prompt", ...importFlags(), ENTRY, ...args];
}

async function run(
  program: string,
  args: string[],
  input = "",
  env: Record<string, string> = {},
): Promise<Outcome> {
  const child = new Deno.Command(program, { args, env, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close().catch(() => {}); // it may have left before reading its input
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder("latin1");
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  readonly #child: Deno.ChildProcess;

  private constructor(port: number, directory: string, child: Deno.ChildProcess) {
    this.port = port;
    this.#directory = directory;
    this.#child = child;
  }

  get socketPath(): string {
    return `${this.#directory}/socket`;
  }

  static async start(...options: string[]): Promise<RedisServer> {
    const port = freePort();
    const directory = await Deno.makeTempDir();
    const child = new Deno.Command("redis-server", {
      args: [
        "--port",
        `${port}`,
        "--unixsocket",
        `${directory}/socket`,
        "--save",
        "",
        "--dir",
        directory,
        ...options,
      ],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    for (let log = ""; !log.includes("Ready to accept connections");) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`redis-server did not start:\n${log}`);
      log += value;
    }
    await reader.cancel();
    return new RedisServer(port, directory, child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // a test has shut it down
    }
    await this.#child.status;
    await Deno.remove(this.#directory, { recursive: true });
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Client ids, ports and clocks differ from one run to the next. */
function withoutChance(text: string): string {
  return text.replace(/\bid(=|" => \(integer\) | )\d+/g, "id").replace(/\baddr=\S+/g, "addr")
    .replace(/(server_time_usec|uptime_in_seconds|lru_clock):\d+/g, "$1").replace(
      /\b(tot-mem|age|idle|fd|qbuf|qbuf-free|rbs|rbp)=\d+/g,
      "$1",
    );
}

/** Runs both clients with the same words and input, each on an empty server, and compares everything they do. */
async function assertSame(args: string[], input = "", env: Record<string, string> = {}): Promise<Outcome> {
  const port = args[args.indexOf("-p") + 1]!;
  const outcomes: Outcome[] = [];
  for (const [program, programArgs] of [["redis-cli", args], [Deno.execPath(), cliArgs(args)]] as const) {
    await run("redis-cli", ["-p", port, "flushall"]);
    const outcome = await run(program, [...programArgs], input, env);
    outcomes.push({ ...outcome, stdout: withoutChance(outcome.stdout) });
  }
  const [expected, actual] = outcomes;
  assertEquals(actual, expected, `redeno cli ${args.join(" ")}`);
  return actual!;
}

const SESSION = String.raw`
set k "a\x00b\"q\n\xff"
get k
get nokey
3 incr n
rpush l a b c d e f g h i j
lrange l 0 -1
hset h a 1 b 2
hgetall h
sadd s x
smembers s
smembers nokey
hgetall nokey
zadd z 1.5 a 2 b
zrange z 0 -1 withscores
zscore z a
geopos z a b
get "unbalanced
nosuch
command docs get
debug protocol true
debug protocol map
debug protocol set
debug protocol double
debug protocol verbatim
debug protocol null
xadd x 1-1 f v g w
xrange x - +
xinfo stream x full
multi
incr n
get k
exec
select 3
multi
select 5
discard
-5 ping
0 ping
select 99
info server
client list
hello 3
hgetall h
xinfo stream x full
:set foo
:foo

exit
ping
`;

Deno.test({
  name: "redeno cli prints a piped session as redis-cli does, raw and formatted, RESP2 and RESP3",
  ignore: !hasRedis,
  async fn() {
    await using server = await RedisServer.start("--enable-debug-command", "yes");
    const port = `${server.port}`;
    for (const flags of [[], ["--no-raw"], ["--no-raw", "-3", "-n", "4"], ["--raw", "-3"]]) {
      const { stdout } = await assertSame(["-p", port, ...flags], SESSION);
      assertStringIncludes(stdout, "Invalid argument(s)");
    }
  },
});

Deno.test({
  name: "redeno cli sends one command and exits as redis-cli does",
  ignore: !hasRedis,
  async fn() {
    await using server = await RedisServer.start();
    const port = `${server.port}`;
    assertEquals(
      (await assertSame(["-p", port, "--no-raw", "-r", "2", "incrby", "k", "-5"])).stdout.split("\n").length,
      3,
    );
    await assertSame(["-p", port, "-x", "set", "k"], "from\nstdin\n");
    assertEquals((await assertSame(["-p", port, "-e", "nosuch"])).code, 1);
    assertEquals((await assertSame(["-p", port, "nosuch", "é"])).code, 0);
    await assertSame(["-p", port, "-n", "99", "ping"]);
    await assertSame(["-p", port, "-d", "|", "-D", "", "config", "get", "maxmemory*"]);
    assertEquals((await run(Deno.execPath(), cliArgs(["-s", server.socketPath, "ping"]))).stdout, "PONG\n");
    assertEquals((await run(Deno.execPath(), cliArgs(["-p", port, "shutdown", "nosave"]))).code, 0);
  },
});

Deno.test({
  name: "redeno cli authenticates with -a, --user and REDISCLI_AUTH as redis-cli does",
  ignore: !hasRedis,
  async fn() {
    await using server = await RedisServer.start("--requirepass", "secret");
    const port = `${server.port}`;
    const asDefault = ["-p", port, "-a", "secret", "--no-auth-warning"];
    assertEquals(
      (await assertSame([...asDefault, "acl", "setuser", "u", "on", ">p", "+@all"])).stdout,
      "OK\n",
    );
    assertStringIncludes((await assertSame(["-p", port, "ping"])).stdout, "NOAUTH");
    assertStringIncludes((await assertSame(["-p", port, "-a", "secret", "ping"])).stderr, "Warning");
    assertStringIncludes(
      (await assertSame(["-p", port, "-a", "no", "--no-auth-warning", "ping"])).stderr,
      "AUTH failed",
    );
    assertEquals(
      (await assertSame(["-p", port, "acl", "whoami"], "", { REDISCLI_AUTH: "secret" })).stdout,
      "default\n",
    );
    const asUser = ["-p", port, "--user", "u", "--pass", "p", "--no-auth-warning", "acl", "whoami"];
    assertEquals((await assertSame(asUser)).stdout, "u\n");
  },
});

Deno.test({
  name: "redeno cli reports a server that is not there as redis-cli does",
  ignore: !hasRedis,
  async fn() {
    const port = `${freePort()}`;
    assertEquals((await assertSame(["-p", port, "ping"])).code, 1);
    assertMatch((await assertSame(["-p", port], "ping\nping\n")).stderr, /Connection refused/);
  },
});

/** A client on a pseudo-terminal. */
class TerminalSession implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #screen = "";

  constructor(args: string[], env: Record<string, string>) {
    const command = [Deno.execPath(), ...cliArgs(args)].map((word) => `'${word}'`).join(" ");
    this.#child = new Deno.Command("script", {
      args: ["-qefc", command, "/dev/null"],
      env: { TERM: "xterm", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#reader = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#writer = this.#child.stdin.getWriter();
  }

  /** Sends keys and waits until `expected` has come since; gives what came. */
  async press(keys: string, expected: string): Promise<string> {
    await this.#writer.write(new TextEncoder().encode(keys));
    return await this.until(expected);
  }

  async until(expected: string): Promise<string> {
    for (;;) {
      const at = this.#screen.indexOf(expected);
      if (at >= 0) {
        const seen = this.#screen.slice(0, at + expected.length);
        this.#screen = this.#screen.slice(seen.length);
        return seen;
      }
      const { value, done } = await this.#reader.read();
      if (done) {
        throw new Error(
          `the client ended before ${JSON.stringify(expected)}: ${JSON.stringify(this.#screen)}`,
        );
      }
      this.#screen += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#reader.cancel();
    await this.#child.status;
  }
}

Deno.test({
  name:
    "redeno cli on a terminal edits, hints, completes, remembers, follows the state, subscribes until ctrl-c",
  ignore: !hasRedis || !hasTerminal,
  async fn() {
    await using server = await RedisServer.start();
    const historyFile = await Deno.makeTempFile();
    const address = `127.0.0.1:${server.port}`;
    {
      await using terminal = new TerminalSession(["-p", `${server.port}`], {
        REDISCLI_HISTFILE: historyFile,
      });
      await terminal.until(`${address}> `);
      await terminal.press("set", "\x1b[0;90;49m key value");
      await terminal.press(" k x\x7fv\r", "\r\nOK\r\n");
      await terminal.until(`${address}> `);
      await terminal.press("getde\t", "GETDEL");
      await terminal.press("\x15get k\r", '\r\n"v"\r\n');
      await terminal.until(`${address}> `);
      await terminal.press("\x12et k v", "(reverse-i-search)'et k v': set k v");
      await terminal.press("\r", "\r\nOK\r\n");
      await terminal.until(`${address}> `);
      await terminal.press("multi\r", `${address}(TX)> `);
      await terminal.press("discard\r", `${address}> `);
      await terminal.press("select 2\r", `${address}[2]> `);
      await terminal.press("subscribe c\r", "3) (integer) 1\r\n");
      assertEquals((await run("redis-cli", ["-p", `${server.port}`, "publish", "c", "hello"])).stdout, "1\n");
      await terminal.until('1) "message"\r\n2) "c"\r\n3) "hello"\r\n');
      await terminal.press("\x03", `${address}[2]> `);
      await terminal.press("auth x\r", "(error) ");
      await terminal.until("> ");
      await terminal.press("\x1b[A\x1b[A\r", `${address}[2]> `);
      await terminal.press("exit\r", "\r\n");
    }
    assertEquals(
      (await Deno.readTextFile(historyFile)).split("\n"),
      ["set k v", "get k", "set k v", "multi", "discard", "select 2", "subscribe c", "select 2", "exit", ""],
    );
    await Deno.remove(historyFile);
  },
});

Deno.test({
  name: "redeno cli on a terminal says when it is not connected and connects again with the next command",
  ignore: !hasRedis || !hasTerminal,
  async fn() {
    await using server = await RedisServer.start();
    const address = `127.0.0.1:${server.port}`;
    await using terminal = new TerminalSession(["-p", `${server.port}`], { REDISCLI_HISTFILE: "/dev/null" });
    await terminal.until(`${address}> `);
    await terminal.press("client kill type normal skipme no\r", `${address}> `);
    await terminal.press("ping\r", "not connected> ");
    await terminal.press("ping\r", "\r\nPONG\r\n");
    await terminal.press("quit\r", "\r\n");
  },
});

Deno.test({
  name: "redeno cli --askpass takes a password unseen, has Redeno's hints, and monitors until ctrl-c",
  ignore: !hasTerminal,
  async fn() {
    await using server = await startRedeno(["--requirepass", "secret"]);
    await using terminal = new TerminalSession(["-p", `${server.port}`, "--askpass", "-3"], {
      REDISCLI_HISTFILE: "/dev/null",
    });
    const prompt = `127.0.0.1:${server.port}> `;
    await terminal.until("Please input password: ");
    assertEquals((await terminal.press("secret\r", prompt)).includes("secret"), false);
    await terminal.press("getdel", "\x1b[0;90;49m key");
    await terminal.press(" k\r", "(nil)\r\n");
    await terminal.press("config get maxclients\r", '1# "maxclients" => "10000"\r\n');
    await terminal.until(prompt);
    await terminal.press("monitor\r", "OK\r\n");
    using other = await server.connect();
    await other.pipeline([["AUTH", "secret"], ["SET", "k", "a b"]]);
    assertMatch(await terminal.until('"SET" "k" "a b"'), /\d\.\d{6} \[0 127\.0\.0\.1:\d+\]/);
    await terminal.press("\x03", prompt);
    await terminal.press("get k\r", '"a b"\r\n');
    await terminal.press("quit\r", "\r\n");
  },
});
