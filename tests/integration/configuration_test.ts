/** Where a server's configuration comes from, seen from outside: file, standard input, environment, command line. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { redenoCommand } from "../support/launch.ts";
import { freePort, ServerProcess } from "../support/oracle.ts";
import { runTool } from "../support/tool.ts";

/** The file that Debian's redis-server brings. */
const STOCK = "/etc/redis/redis.conf";

async function readable(path: string): Promise<boolean> {
  return await Deno.readTextFile(path).then(() => true, () => false);
}

/** Calls `use` with a new folder and a file in it. */
async function withFile(text: string, use: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "redeno-config-" }), path = `${folder}/redis.conf`;
  try {
    await Deno.writeTextFile(path, text);
    await use(path, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The values of directives, as CONFIG GET shows them. */
async function settings(server: ServerProcess, ...names: string[]): Promise<string[]> {
  using c = await server.connect();
  const values: string[] = [];
  for (const name of names) values.push((await c.send("CONFIG", "GET", name)).split("\r\n")[4] ?? "");
  return values;
}

Deno.test("the command line goes over the environment, that over the file, and standard input is a file", async () => {
  const text = `save ""\ntimeout 1\nmaxclients 1\nhz 1\nslowlog-max-len 1\n`;
  await withFile(text, async (path, folder) => {
    const environment = [
      "env",
      "REDENO_TIMEOUT=22",
      "REDENO_MAXCLIENTS=22",
      "REDENO_CLIENT_OUTPUT_BUFFER_LIMIT=pubsub 9 9 9",
    ];
    const fromFile = [...environment, ...redenoCommand(), path];
    const fromInput = ["sh", "-c", `exec "$@" < ${path}`, "sh", ...environment, ...redenoCommand(), "-"];
    for (const command of [fromFile, fromInput]) {
      const server = await ServerProcess.start(command, ["--timeout", "333", "--hz", "33"], folder);
      assertEquals(await settings(server, "timeout", "maxclients", "hz", "slowlog-max-len"), [
        "333",
        "22",
        "33",
        "1",
      ]);
      assertStringIncludes((await settings(server, "client-output-buffer-limit")).join(), "pubsub 9 9 9");
      assertStringIncludes(server.log, "Configuration loaded");
      await server.stop("SIGKILL");
    }
  });
});

Deno.test("a directive that does not exist is refused with file and line, and the status tells", async () => {
  await withFile("# a comment\nport 1\nno-such-directive 1\n", async (path) => {
    const [program, ...words] = redenoCommand();
    const { code, stderr } = await runTool(program, [...words, path]);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /FATAL CONFIG FILE ERROR[^]*redis\.conf, at line 3\n>>> 'no-such-directive 1'\nBad directive/,
    );
  });
});

Deno.test("CONFIG REWRITE changes what was set, keeps comments and order, and the next start reads it", async () => {
  const text = `# mine\nsave ""\n\n# how long\ntimeout 1\n# the end\n`;
  await withFile(text, async (path, folder) => {
    const port = freePort(), command = [...redenoCommand(), path];
    const server = await ServerProcess.start(command, ["--port", String(port)], folder);
    using c = await server.connect();
    assertEquals(await c.send("CONFIG", "SET", "timeout", "77", "maxmemory", "5mb"), "+OK\r\n");
    assertEquals(await c.send("CONFIG", "REWRITE"), "+OK\r\n");
    await server.stop();
    const lines = (await Deno.readTextFile(path)).split("\n");
    const order = ["# mine", "# how long", "timeout 77", "# the end"].map((line) => lines.indexOf(line));
    assertEquals(order, order.toSorted((a, b) => a - b));
    assert(!order.includes(-1), lines.join("\n"));
    const again = await ServerProcess.start(command, ["--port", String(port)], folder);
    assertEquals(await settings(again, "timeout", "maxmemory"), ["77", "5242880"]);
    await again.stop("SIGKILL");
  });
});

async function loadStockFile(): Promise<void> {
  await withFile("", async (_, folder) => {
    const overrides = [
      "--logfile",
      "",
      "--pidfile",
      "",
      "--supervised",
      "no",
      "--bind",
      "127.0.0.1",
    ];
    const server = await ServerProcess.start([...redenoCommand(), STOCK], overrides, folder);
    assertEquals(server.log.match(/Accepted without effect: .*/g), ["Accepted without effect: daemonize"]);
    assertEquals(await settings(server, "tcp-keepalive", "save"), ["300", "3600 1 300 100 60 10000"]);
    await server.stop("SIGKILL");
  });
}

// Elsewhere, and where only root may read it, there is no such file.
if (await readable(STOCK)) {
  Deno.test(
    "the redis.conf that Debian brings loads, and the one wish that has no effect is named",
    loadStockFile,
  );
} else console.warn(`${STOCK} cannot be read, that it loads is not tested`);
