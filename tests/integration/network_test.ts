/** A server as a process: where it listens, whom it serves, whom it turns away, and how it ends. */
import net from "node:net";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { makeCertificate } from "../support/certificate.ts";
import { redenoCommand } from "../support/launch.ts";
import { freePort, RawConnection, redisServer, ServerProcess, startRedeno } from "../support/oracle.ts";
import { runTool } from "../support/tool.ts";

const PONG = "+PONG\r\n";

/** The compiled executable, where there is one to be tested. */
const executable = Deno.env.get("EXECUTABLE_UNDER_TEST") ?? "";

/** Whether an address can be listened on here. */
function isHere(hostname: string): boolean {
  try {
    Deno.listen({ hostname, port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

/** Resolves with what an open connection is sent before the server closes it. */
async function untilClosed(c: RawConnection): Promise<string> {
  try {
    return await c.readToEnd();
  } catch (error) {
    // What the server had not read yet makes the end of the connection a reset.
    if (error instanceof Deno.errors.ConnectionReset) return "";
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

// ---- Where it listens -------------------------------------------------------------------------------------------

Deno.test("TLS: tls-port serves clients that trust the certificate, beside the plain port or without it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "redeno-tls-" });
  const { cert, key } = await makeCertificate();
  await Deno.writeTextFile(`${folder}/cert.pem`, cert);
  await Deno.writeTextFile(`${folder}/key.pem`, key);
  const tlsPort = freePort();
  const tls = [
    ...["--tls-auth-clients", "no", "--tls-port", String(tlsPort)],
    ...["--tls-cert-file", `${folder}/cert.pem`],
  ];
  await using server = await startRedeno([...tls, "--tls-key-file", `${folder}/key.pem`]);
  using plain = await server.connect();
  const secure = async () =>
    RawConnection.over(await Deno.connectTls({ hostname: "localhost", port: tlsPort, caCerts: [cert] }));
  using c = await secure();
  const value = "x".repeat(1 << 20);
  assertEquals(await c.pipeline([["SET", "key", value], ["GET", "key"]]), [
    "+OK\r\n",
    `$${value.length}\r\n${value}\r\n`,
  ]);
  assertMatch(await c.send("CLIENT", "INFO"), new RegExp(` laddr=127\\.0\\.0\\.1:${tlsPort} `));
  assertStringIncludes(await plain.send("INFO", "server"), `name=tls,bind=*,bind=-::*,port=${tlsPort}`);
  assertEquals(await plain.send("STRLEN", "key"), `:${value.length}\r\n`);
  assertEquals(await c.send("CONFIG", "SET", "port", "0"), "+OK\r\n");
  using another = await secure();
  assertEquals(await another.send("PING"), PONG);
  const stranger = await Deno.connectTls({ hostname: "localhost", port: tlsPort });
  await stranger.handshake().then(() => assert(false, "an unknown certificate was trusted"), () => {});
  stranger.close();
  assertEquals(await c.send("PING"), PONG);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("bind: every address is served, one behind a dash may be missing, another may not", async () => {
  const own = ["127.0.0.1", "127.0.0.2", ...(isHere("::1") ? ["::1"] : [])];
  if (!own.includes("::1")) console.warn("this machine has no IPv6, bind is tested without");
  await using server = await startRedeno(["--bind", `${own.join(" ")} -203.0.113.7`]);
  for (const address of own) {
    using c = await RawConnection.open(server.port, address);
    const shown = address.includes(":") ? `[${address}]` : address;
    assertStringIncludes(await c.send("CLIENT", "INFO"), ` laddr=${shown}:${server.port} `);
  }
  const [program, ...words] = redenoCommand();
  const { code, stdout } = await runTool(program, [
    ...words,
    "--port",
    String(freePort()),
    "--bind",
    "127.0.0.1 203.0.113.7",
  ]);
  assertEquals(code, 1);
  assertMatch(stdout, /Could not create server listening socket 203\.0\.113\.7:\d+: bind: /);
  assertStringIncludes(stdout, "Failed listening on port");
});

Deno.test("port 0 without another way in ends the server with status 1", async () => {
  const [program, ...words] = redenoCommand();
  const { code, stdout } = await runTool(program, [...words, "--port", "0"]);
  assertEquals(code, 1);
  assertStringIncludes(stdout, "Configured to not listen anywhere, exiting.");
});

Deno.test("bind '127.0.0.1 -::1', a taken port and tcp-keepalive", async () => {
  await using server = await startRedeno([
    "--bind",
    "127.0.0.1 -::1",
    "--tcp-keepalive",
    "60",
    "--tcp-backlog",
    "9",
  ]);
  using c = await server.connect();
  assertEquals(await c.send("CONFIG", "GET", "tcp-keepalive"), "*2\r\n$13\r\ntcp-keepalive\r\n$2\r\n60\r\n");
  const [program, ...words] = redenoCommand();
  const second = await runTool(program, [...words, "--port", String(server.port), "--bind", "127.0.0.1"]);
  assertEquals(second.code, 1);
  assertMatch(second.stdout, /Could not create server listening socket .*: bind: Address already in use/);
  assertEquals(await c.send("PING"), PONG);
});

Deno.test("unixsocket has the permissions of unixsocketperm, serves clients and goes with the server", async () => {
  const folder = await Deno.makeTempDir({ prefix: "redeno-unix-" });
  const path = `${folder}/redis.sock`, pidfile = `${folder}/redis.pid`;
  const directives = ["--unixsocket", path, "--unixsocketperm", "0770", "--pidfile", pidfile];
  // What a killed server has left behind is no obstacle.
  const killed = await startRedeno(directives);
  await killed[Symbol.asyncDispose]();
  assertEquals([await exists(path), await exists(pidfile)], [true, true]);
  const server = await startRedeno(directives);
  assertEquals((await Deno.lstat(path)).mode! & 0o777, 0o770);
  assertEquals(await Deno.readTextFile(pidfile), `${server.pid}\n`);
  using c = RawConnection.over(await Deno.connect({ transport: "unix", path }));
  const line = await c.send("CLIENT", "INFO");
  assertStringIncludes(line, ` addr=${path}:0 laddr=${path}:0 `);
  assertStringIncludes(line, " flags=U ");
  assertEquals((await server.stop()).code, 0);
  assertEquals([await exists(path), await exists(pidfile)], [false, false]);
  await Deno.remove(server.folder, { recursive: true });
  await Deno.remove(folder, { recursive: true });
});

// ---- Whom it serves ---------------------------------------------------------------------------------------------

Deno.test("maxclients turns further clients away until one leaves", async () => {
  await using server = await startRedeno(["--maxclients", "3"]);
  using first = await server.connect();
  using second = await server.connect();
  const third = await server.connect();
  for (const c of [first, second, third]) assertEquals(await c.send("PING"), PONG);
  using fourth = await server.connect();
  assertEquals(await untilClosed(fourth), "-ERR max number of clients reached\r\n");
  assertMatch(await first.send("INFO", "stats"), /\r\nrejected_connections:1\r\n/);
  assertMatch(await third.send("QUIT"), /^\+OK/);
  assertEquals(await untilClosed(third), "");
  third[Symbol.dispose]();
  using fifth = await server.connect();
  assertEquals(await fifth.send("PING"), PONG);
  assertEquals(await first.send("CONFIG", "SET", "maxclients", "4"), "+OK\r\n");
  using sixth = await server.connect();
  assertEquals(await sixth.send("PING"), PONG);
});

Deno.test("timeout closes clients that say nothing, not those that wait or listen", async () => {
  await using server = await startRedeno(["--timeout", "1"]);
  using waiting = await server.connect();
  using listening = await server.connect();
  await waiting.write("BLPOP queue 0\r\n");
  assertMatch(await listening.send("SUBSCRIBE", "news"), /^\*3/);
  using idle = await server.connect();
  assertEquals(await idle.send("PING"), PONG);
  assertEquals(await untilClosed(idle), "");
  using c = await server.connect();
  assertEquals(await c.send("RPUSH", "queue", "x"), ":1\r\n");
  assertMatch(await waiting.read(), /^\*2\r\n\$5\r\nqueue/);
  assertEquals(await c.send("PUBLISH", "news", "hello"), ":1\r\n");
  assertMatch(await listening.read(), /hello/);
});

Deno.test("protected-mode turns clients from other addresses away, and a password lets them in", async () => {
  const outside = Deno.networkInterfaces().find(({ address, family }) =>
    family === "IPv4" && !address.startsWith("127.")
  );
  const address = outside?.address ?? "127.0.0.1";
  if (outside === undefined) {
    console.warn("this machine has no address but its own loopback, tested only from there");
  }
  await using server = await startRedeno();
  using remote = await RawConnection.open(server.port, address);
  if (outside !== undefined) {
    assertMatch(await untilClosed(remote), /^-DENIED Redis is running in protected mode/);
  }
  using c = await server.connect();
  assertEquals(await c.send("CONFIG", "SET", "requirepass", "secret"), "+OK\r\n");
  using again = await RawConnection.open(server.port, address);
  assertEquals(await again.send("PING"), "-NOAUTH Authentication required.\r\n");
  assertEquals(await again.send("AUTH", "secret"), "+OK\r\n");
  assertEquals(await again.send("PING"), PONG);
});

Deno.test("a POST or Host: line closes its connection with a warning, and runs nothing", async () => {
  await using server = await startRedeno();
  using c = await server.connect();
  for (
    const attack of [
      "POST / HTTP/1.1\r\n\r\nSET key stolen\r\n",
      "GET key\r\nHost: example\r\nSET key stolen\r\n",
    ]
  ) {
    using browser = await server.connect();
    await browser.write(attack);
    assertEquals((await untilClosed(browser)).includes("OK"), false);
  }
  assertEquals(await c.send("EXISTS", "key"), ":0\r\n");
  await server.logged(/Possible SECURITY ATTACK detected: 127/);
});

// ---- How it ends ------------------------------------------------------------------------------------------------

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} ends the server with status 0 and its data on the disk, whoever waits`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "redeno-signal-" });
    const start = () =>
      ServerProcess.start(redenoCommand(), ["--appendonly", "yes", "--appendfsync", "no"], folder);
    const server = await start();
    using c = await server.connect();
    using waiting = await server.connect();
    await waiting.write("BLPOP queue 0\r\n");
    const replies = await c.pipeline(Array.from({ length: 2000 }, (_, i) => ["SET", `key:${i}`, String(i)]));
    assertEquals(new Set(replies), new Set(["+OK\r\n"]));
    assertEquals(await server.stop(signal), { success: true, code: 0, signal: null });
    assertEquals(await untilClosed(c), "");
    assertEquals(await untilClosed(waiting), "");
    assertStringIncludes(server.log, `Received ${signal} scheduling shutdown...`);
    assertStringIncludes(server.log, "Calling fsync() on the AOF file.");
    assertStringIncludes(server.log, "ready to exit, bye bye...");
    const again = await start();
    using d = await again.connect();
    assertEquals(await d.pipeline([["DBSIZE"], ["GET", "key:1999"]]), [":2000\r\n", "$4\r\n1999\r\n"]);
    await again.stop(signal);
    await Deno.remove(folder, { recursive: true });
  });
}

/** Starts a server with one key, ends it with SHUTDOWN and these words, and tells what came of it. */
async function shutDown(directives: string[], ...words: string[]): Promise<{ code: number; saved: boolean }> {
  const server = await startRedeno(directives);
  using c = await server.connect();
  await c.send("SET", "key", "value");
  await c.write(["SHUTDOWN", ...words].join(" ") + "\r\n");
  assertEquals(await untilClosed(c), "");
  const { code } = await server.stop("SIGCONT"); // which ends nothing
  const saved = await exists(`${server.folder}/dump.rdb`);
  await Deno.remove(server.folder, { recursive: true });
  return { code, saved };
}

Deno.test("SHUTDOWN saves where save points are set or SAVE says so, and not where NOSAVE does", async () => {
  const savePoint = ["--save", "3600 1"];
  assertEquals(await shutDown([]), { code: 0, saved: false });
  assertEquals(await shutDown([], "SAVE"), { code: 0, saved: true });
  assertEquals(await shutDown(savePoint), { code: 0, saved: true });
  assertEquals(await shutDown(savePoint, "NOW"), { code: 0, saved: true });
  assertEquals(await shutDown(savePoint, "NOSAVE"), { code: 0, saved: false });
});

Deno.test("SHUTDOWN is refused where the data cannot be saved, unless FORCE says so; ABORT finds nothing to abort", async () => {
  const server = await startRedeno(["--save", "3600 1"]);
  using c = await server.connect();
  await c.send("SET", "key", "value");
  assertEquals(await c.send("SHUTDOWN", "ABORT"), "-ERR No shutdown in progress.\r\n");
  assertEquals(await c.send("SHUTDOWN", "SAVE", "NOSAVE"), "-ERR syntax error\r\n");
  assertEquals(await c.send("SHUTDOWN", "ABORT", "NOW"), "-ERR syntax error\r\n");
  await Deno.remove(server.folder, { recursive: true });
  assertEquals(await c.send("SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
  assertEquals(await c.send("GET", "key"), "$5\r\nvalue\r\n");
  await c.write("SHUTDOWN NOW FORCE\r\n");
  assertEquals(await untilClosed(c), "");
  assertEquals((await server.stop("SIGCONT")).code, 0);
  assertStringIncludes(server.log, "Error trying to save the DB, can't exit");
});

// ---- Clients that go before they are accepted -------------------------------------------------------------------

/** Opens a connection and resets it at once. */
function reset(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.resetAndDestroy());
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

Deno.test("connections that are reset before they are accepted hold up no others", async () => {
  await using server = await startRedeno(["--loglevel", "verbose", "--enable-debug-command", "yes"]);
  using busy = await server.connect();
  const sleeping = busy.send("DEBUG", "SLEEP", "1");
  for (let i = 0; i < 100; i++) await reset(server.port);
  using c = await server.connect();
  assertEquals(await c.send("PING"), PONG);
  assertEquals(await sleeping, "+OK\r\n");
  const failures = server.log.split("\n").filter((line) => line.includes("Accepting client connection"));
  assert(failures.length > 0, "no connection was reset before it was accepted");
  assertEquals(failures.filter((line) => line.includes(" # ")), []);
});

/** Signals beside SIGTERM and SIGINT, and what redis-server 7.0.15 does at each; the status is a shell's. */
const OTHER_SIGNALS: [signal: Deno.Signal, status: number | "goes on"][] = [
  ["SIGHUP", "goes on"],
  ["SIGPIPE", "goes on"],
  ["SIGALRM", "goes on"],
  ["SIGCONT", "goes on"],
  ["SIGUSR1", 138],
  ["SIGUSR2", 140],
  ["SIGQUIT", 131],
];

for (
  const [name, command] of [
    ["redis-server", [redisServer ?? ""]],
    ["Redeno", redenoCommand()],
    ["the executable", [executable]],
  ] as const
) {
  Deno.test({
    name: `signals: ${name} goes on at some, and ends at others without saving`,
    ignore: command[0] === "",
    fn: async () => {
      const start = () => ServerProcess.start([...command], ["--save", "3600 1"]);
      let server = await start();
      for (const [signal, status] of OTHER_SIGNALS) {
        using c = await server.connect();
        assertEquals(await c.send("SET", "key", "value"), "+OK\r\n");
        if (status === "goes on") {
          Deno.kill(server.pid, signal);
          assertEquals(await c.send("PING"), PONG, signal);
          assertEquals(await c.send("SAVE"), "+OK\r\n");
          await Deno.remove(`${server.folder}/dump.rdb`);
        } else {
          assertEquals((await server.stop(signal)).code, status, signal);
          assertEquals(await exists(`${server.folder}/dump.rdb`), false, signal);
          await Deno.remove(server.folder, { recursive: true });
          server = await start();
        }
      }
      await server[Symbol.asyncDispose]();
    },
  });
}
