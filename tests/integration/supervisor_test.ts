/** A supervising systemd, played by a datagram socket: what Redeno tells it, beside redis-server. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { redenoCommand } from "../support/launch.ts";
import { findTool, freePort, redisServer, ServerProcess, startRedeno } from "../support/oracle.ts";
import { runTool } from "../support/tool.ts";

const executable = Deno.env.get("EXECUTABLE_UNDER_TEST") ?? "";

/** A folder with a socket, and the messages that come to it. */
class Systemd implements AsyncDisposable {
  readonly messages: string[] = [];
  readonly #socket: Deno.DatagramConn;
  readonly #done: Promise<void>;
  #onMessage = () => {};

  private constructor(readonly folder: string) {
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path: this.path });
    this.#done = this.#receive();
  }

  static async make(): Promise<Systemd> {
    return new Systemd(await Deno.makeTempDir({ prefix: "redeno-systemd-" }));
  }

  get path(): string {
    return `${this.folder}/notify`;
  }

  async #receive(): Promise<void> {
    try {
      for await (const [bytes] of this.#socket) {
        this.messages.push(new TextDecoder().decode(bytes));
        this.#onMessage();
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) {
        throw error;
      }
    }
  }

  /** Resolves when `count` messages have come. */
  async received(count: number): Promise<void> {
    while (this.messages.length < count) await new Promise<void>((resolve) => this.#onMessage = resolve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#done;
    await Deno.remove(this.folder, { recursive: true });
  }
}

const SAVING = "STATUS=Saving the final RDB snapshot\n";

for (
  const [name, command] of [
    ["redis-server", [redisServer ?? ""]],
    ["Redeno", redenoCommand()],
    ["the executable", [executable]],
  ] as const
) {
  for (
    const [supervised, directives, mode] of [
      ["systemd", [], ""],
      ["auto", ["--replicaof", "127.0.0.1 1"], " in read-only mode. Waiting for MASTER <-> REPLICA sync"],
    ] as const
  ) {
    Deno.test({
      name: `supervised ${supervised}: ${name} says when it loads, is ready and stops`,
      ignore: command[0] === "",
      fn: async () => {
        await using systemd = await Systemd.make();
        const started = ["env", `NOTIFY_SOCKET=${systemd.path}`, ...command];
        const server = await ServerProcess.start(started, [
          "--save",
          "",
          "--supervised",
          supervised,
          ...directives,
        ]);
        await systemd.received(3);
        await server.stop();
        await systemd.received(4);
        assertEquals(systemd.messages.filter((message) => message !== SAVING), [
          "STATUS=Redis is loading...\n",
          `STATUS=Ready to accept connections${mode}\n`,
          "READY=1\n",
          "STOPPING=1\n",
        ]);
        assertEquals([...Deno.readDirSync(server.folder)].map(({ name }) => name), []);
        await Deno.remove(server.folder, { recursive: true });
      },
    });
  }
}

for (const [name, command] of [["redis-server", [redisServer ?? ""]], ["Redeno", redenoCommand()]] as const) {
  Deno.test({
    name: `supervised systemd: ${name} says when it is in sync with its primary`,
    ignore: command[0] === "",
    fn: async () => {
      await using systemd = await Systemd.make();
      await using primary = await startRedeno(["--repl-diskless-sync-delay", "0"]);
      const started = ["env", `NOTIFY_SOCKET=${systemd.path}`, ...command];
      const directives = [
        "--save",
        "",
        "--supervised",
        "systemd",
        "--replicaof",
        `127.0.0.1 ${primary.port}`,
      ];
      await using _replica = await ServerProcess.start(started, directives);
      await systemd.received(4);
      assertEquals(
        systemd.messages[3],
        "STATUS=MASTER <-> REPLICA sync: Finished with success. Ready to accept connections in read-write mode.\n",
      );
    },
  });
}

Deno.test("supervised: auto without systemd is none, and systemd without its socket is a line in the log", async () => {
  const start = (supervised: string) =>
    ServerProcess.start(["env", "-u", "NOTIFY_SOCKET", ...redenoCommand()], [
      "--save",
      "",
      "--supervised",
      supervised,
    ]);
  await using alone = await start("auto");
  assertEquals(alone.log.includes("systemd"), false);
  await using mistaken = await start("systemd");
  await mistaken.logged(/systemd supervision error: NOTIFY_SOCKET not found!/);
});

Deno.test("supervised: what Deno cannot reach ends the start with a way out", async () => {
  const [program, ...words] = redenoCommand();
  const args = [
    "NOTIFY_SOCKET=@abstract",
    program,
    ...words,
    "--port",
    String(freePort()),
    "--supervised",
    "systemd",
  ];
  const { code, stderr } = await runTool("env", args);
  assertEquals(code, 1);
  assertMatch(stderr, /^supervised systemd: NOTIFY_SOCKET is an abstract socket .*Set 'supervised no'/);
});

const analyze = findTool("systemd-analyze");

Deno.test({
  name: "the unit of `redeno help systemd` is one that systemd understands, and lets V8 work",
  ignore: analyze === undefined,
  fn: async () => {
    const [program, ...words] = redenoCommand();
    const { stdout } = await runTool(program, [...words, "help", "systemd"]);
    const folder = await Deno.makeTempDir({ prefix: "redeno-unit-" }), path = `${folder}/redeno.service`;
    await Deno.writeTextFile(path, stdout.replace("/usr/local/bin/redeno", "/bin/true"));
    const { stderr } = await runTool(analyze ?? "", ["verify", path]);
    assertEquals(stderr.split("\n").filter((line) => line.includes("redeno.service")), []);
    assertEquals(/^MemoryDenyWriteExecute/m.test(stdout), false);
    assertStringIncludes(stdout, "--supervised systemd --daemonize no");
    await Deno.remove(folder, { recursive: true });
  },
});
