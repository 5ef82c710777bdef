/** A server that runs with exactly the permissions that `redeno permissions` prints for its configuration. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { importFlags, redenoCommand } from "../support/launch.ts";
import { freePort, ServerProcess } from "../support/oracle.ts";
import { runTool } from "../support/tool.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const FORBIDDEN = "the server was started without the permission to connect to";

/** A folder with `redis.conf`, which includes another file, and `data/`. */
class Site implements AsyncDisposable {
  readonly port = freePort();
  readonly data: string;
  readonly config: string;

  private constructor(readonly folder: string) {
    this.data = `${folder}/data`;
    this.config = `${folder}/redis.conf`;
  }

  static async make(): Promise<Site> {
    const site = new Site(await Deno.makeTempDir({ prefix: "redeno-permissions-" }));
    await Deno.mkdir(site.data);
    await Deno.mkdir(`${site.folder}/parts`);
    await Deno.writeTextFile(`${site.folder}/parts/aof.conf`, "appendonly yes\n");
    const lines = [
      "bind 127.0.0.1",
      "enable-protected-configs yes",
      `unixsocket ${site.folder}/redis.sock`,
      `pidfile ${site.folder}/redis.pid`,
      `include ${site.folder}/parts/*.conf`,
    ];
    await Deno.writeTextFile(site.config, lines.map((line) => line + "\n").join(""));
    return site;
  }

  get directives(): string[] {
    return ["--port", String(this.port), "--dir", this.data];
  }

  /** The flags that name what this site needs. */
  async flags(...more: string[]): Promise<string[]> {
    const [program, ...words] = redenoCommand();
    const args = [...words, "permissions", this.config, ...this.directives, ...more];
    const { code, stdout, stderr } = await runTool(program, args);
    assertEquals([code, stderr], [0, ""]);
    return stdout.trim().split("\n");
  }

  /** Starts a server with these permissions and no others. */
  start(flags: string[]): Promise<ServerProcess> {
    return ServerProcess.start(
      [Deno.execPath(), "run", ...flags, MAIN, this.config],
      this.directives,
      this.data,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("redeno permissions names the ports, folders and files of a configuration, a flag a line", async () => {
  await using site = await Site.make();
  const { folder, port, data, config } = site;
  const flags = await site.flags("--tls-port", "16380", "--replicaof", "10.0.0.9 6379");
  const listOf = (kind: string) =>
    flags.find((flag) => flag.startsWith(`--allow-${kind}=`))?.split("=")[1]?.split(",") ?? [];
  assertEquals(listOf("net").filter((name) => !name.startsWith("unix:")), [
    `127.0.0.1:${port}`,
    "127.0.0.1:16380",
    "10.0.0.9:6379",
  ]);
  assertEquals(listOf("write"), [
    data,
    `${folder}/redis.pid`,
    `${folder}/redis.sock`,
    config,
    `${config}.tmp`,
  ]);
  for (const path of [...listOf("write"), `${folder}/parts`, `${folder}/parts/aof.conf`]) {
    assert(listOf("read").includes(path), path);
  }
  assertEquals(flags.slice(3), [
    "--allow-env=REDENO_*",
    "--allow-sys=osRelease,systemMemoryInfo",
    "--no-prompt",
    ...importFlags(),
  ]);
});

Deno.test("with exactly its permissions a server saves, restarts, rewrites its configuration and answers on its socket", async () => {
  await using site = await Site.make();
  const flags = await site.flags();
  for (const [round, before] of ["$-1\r\n", "$1\r\n0\r\n"].entries()) {
    const server = await site.start(flags);
    using c = await server.connect();
    assertEquals(await c.send("GET", "key"), before);
    assertEquals(
      await c.send("EVAL", "return redis.call('SET', KEYS[1], ARGV[1])", "1", "key", String(round)),
      "+OK\r\n",
    );
    assertEquals(await c.send("SAVE"), "+OK\r\n");
    assertMatch(await c.send("BGREWRITEAOF"), /^\+Background/);
    assertEquals(await c.send("SNAPSHOT", "all.json"), "+OK\r\n");
    await c.send("CONFIG", "SET", "maxmemory", "100mb");
    assertEquals(await c.send("CONFIG", "REWRITE"), "+OK\r\n");
    assertStringIncludes(await Deno.readTextFile(site.config), "maxmemory 100mb\n");
    assertEquals(await Deno.readTextFile(`${site.folder}/redis.pid`), `${server.pid}\n`);
    assertMatch(await c.send("INFO", "server"), /\r\nos:Linux \S+ \S+\r\n/);
    using socket = await Deno.connect({ transport: "unix", path: `${site.folder}/redis.sock` });
    await socket.write(new TextEncoder().encode("PING\r\n"));
    const reply = new Uint8Array(16);
    assertEquals(new TextDecoder().decode(reply.subarray(0, await socket.read(reply) ?? 0)), "+PONG\r\n");
    assertEquals((await server.stop()).code, 0);
  }
});

Deno.test("what a server's permissions do not name is refused with an error, and it lives on", async () => {
  await using site = await Site.make();
  const server = await site.start(await site.flags());
  using c = await server.connect();
  const failed = (name: string, reason: string) =>
    `-ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}\r\n`;
  await c.send("SET", "key", "value");
  assertEquals(await c.send("CONFIG", "SET", "dir", site.folder), failed("dir", "Permission denied"));
  assertEquals(await c.send("CONFIG", "SET", "dir", `${site.data}/..`), failed("dir", "Permission denied"));
  assertEquals(
    await c.send("CONFIG", "SET", "dbfilename", "../dump.rdb"),
    failed("dbfilename", "dbfilename can't be a path, just a filename"),
  );
  const elsewhere = String(freePort());
  assertEquals(
    await c.send("CONFIG", "SET", "port", elsewhere),
    failed("port", "Unable to listen on this port. Check server logs."),
  );
  assertEquals(
    await c.send("MIGRATE", "127.0.0.1", elsewhere, "key", "0", "1000"),
    `-IOERR ${FORBIDDEN} 127.0.0.1:${elsewhere}\r\n`,
  );
  assertEquals(
    await c.send("REPLICAOF", "127.0.0.1", elsewhere),
    `-ERR ${FORBIDDEN} 127.0.0.1:${elsewhere}\r\n`,
  );
  assertMatch(await c.send("SNAPSHOT", "../all.json"), /^-ERR /);
  assertEquals(await c.send("GET", "key"), "$5\r\nvalue\r\n");
  assertEquals(await c.send("SAVE"), "+OK\r\n");
  assertEquals((await server.stop()).code, 0);
  assertStringIncludes(server.log, `Requires net access to "127.0.0.1:${elsewhere}"`);
});

Deno.test("with supervised, exactly its permissions reach the socket of systemd", async () => {
  await using site = await Site.make();
  const notify = `${site.folder}/notify`, messages: string[] = [];
  const flags = (await site.flags("--supervised", "systemd"))
    .map((flag) => flag.replaceAll("/run/systemd/notify", notify));
  assert(flags.includes("--allow-env=REDENO_*,NOTIFY_SOCKET"));
  const socket = Deno.listenDatagram({ transport: "unixpacket", path: notify });
  const command = ["env", `NOTIFY_SOCKET=${notify}`, ...redenoCommand(flags), site.config];
  const server = await ServerProcess.start(
    command,
    [...site.directives, "--supervised", "systemd"],
    site.data,
  );
  for (let i = 0; i < 3; i++) messages.push(new TextDecoder().decode((await socket.receive())[0]));
  assertEquals(messages.at(-1), "READY=1\n", server.log);
  socket.close();
  await server.stop();
});

Deno.test("a server without the permission to read its environment says so in one line and exits with status 1", async () => {
  const [program, ...words] = redenoCommand(["--no-prompt"]);
  const { code, stdout, stderr } = await runTool(program, words);
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^Fatal error: Requires env access.*--allow-env.*deno task start.*\n$/);
});
