/** TLS as operators set it up: certificates of clients, protocols, keys under a passphrase; beside redis-server. */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { createPrivateKey } from "node:crypto";
import { verifiesCertificates } from "../../src/config/tls.ts";
import { makeCertificate } from "../support/certificate.ts";
import { redenoCommand } from "../support/launch.ts";
import {
  findTool,
  freePort,
  RawConnection,
  redisServer,
  ServerProcess,
  startRedeno,
  startRedis,
} from "../support/oracle.ts";
import { runTool } from "../support/tool.ts";

const PONG = "+PONG\r\n";
const redisCli = findTool("redis-cli");
const openssl = findTool("openssl");
const executable = Deno.env.get("EXECUTABLE_UNDER_TEST") ?? "";

type Credentials = { cert: string; key: string };

/** A folder with the certificates of a server, of a client that it trusts, and of a stranger; each is its own authority. */
class Site implements AsyncDisposable {
  readonly tlsPort = freePort();

  private constructor(
    readonly folder: string,
    readonly server: Credentials,
    readonly client: Credentials,
    readonly stranger: Credentials,
  ) {}

  static async make(): Promise<Site> {
    const folder = await Deno.makeTempDir({ prefix: "redeno-tls-" });
    const certificates = {
      server: await makeCertificate(),
      client: await makeCertificate(),
      stranger: await makeCertificate(),
    };
    for (const [name, { cert, key }] of Object.entries(certificates)) {
      await Deno.writeTextFile(`${folder}/${name}.crt`, cert);
      await Deno.writeTextFile(`${folder}/${name}.key`, key);
    }
    return new Site(folder, certificates.server, certificates.client, certificates.stranger);
  }

  /** The directives of a TLS port with the server's certificate. */
  get own(): string[] {
    const { folder, tlsPort } = this;
    const files = ["--tls-cert-file", `${folder}/server.crt`, "--tls-key-file", `${folder}/server.key`];
    return ["--tls-port", String(tlsPort), ...files];
  }

  get trust(): string[] {
    return ["--tls-ca-cert-file", `${this.folder}/client.crt`];
  }

  /** What redis-cli says to PING, with a certificate or without. */
  async ping(as?: "client" | "stranger"): Promise<string> {
    const { folder, tlsPort } = this;
    const shown = as === undefined ? [] : ["--cert", `${folder}/${as}.crt`, "--key", `${folder}/${as}.key`];
    const args = [
      "-h",
      "localhost",
      "-p",
      String(tlsPort),
      "--tls",
      "--cacert",
      `${folder}/server.crt`,
      ...shown,
      "PING",
    ];
    return (await runTool(redisCli ?? "", args)).stdout;
  }

  async connect(credentials?: Credentials): Promise<RawConnection> {
    const conn = await Deno.connectTls({
      hostname: "localhost",
      port: this.tlsPort,
      caCerts: [this.server.cert],
      ...credentials,
    });
    return RawConnection.over(conn);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Whom each value of `tls-auth-clients` lets in: the trusted client, the stranger, and a client that shows nothing. */
const ADMITTED: [directives: string[], client: boolean, stranger: boolean, none: boolean][] = [
  [[], true, false, false],
  [["--tls-auth-clients", "yes"], true, false, false],
  [["--tls-auth-clients", "optional"], true, false, true],
  [["--tls-auth-clients", "no"], true, true, true],
];

for (const [name, start] of [["Redeno", startRedeno], ["redis-server", startRedis]] as const) {
  for (const [directives, ...expected] of ADMITTED) {
    Deno.test({
      name: `tls: ${name} with a CA and ${directives.join(" ") || "nothing else"} admits whom it should`,
      ignore: redisCli === undefined || (start === startRedis && redisServer === undefined),
      fn: async () => {
        await using site = await Site.make();
        await using server = await start([...site.own, ...site.trust, ...directives]);
        const admitted = [];
        for (const as of ["client", "stranger", undefined] as const) {
          admitted.push(await site.ping(as) === "PONG\n");
        }
        assertEquals(admitted, expected, server.log);
      },
    });
  }
}

Deno.test("tls: connections of clients with certificates carry large values, pipelines and messages", async () => {
  await using site = await Site.make();
  await using server = await startRedeno([...site.own, ...site.trust]);
  using c = await site.connect(site.client);
  const value = "x".repeat(3_000_000);
  assertEquals(await c.pipeline([["SET", "key", value], ["GET", "key"]]), [
    "+OK\r\n",
    `$${value.length}\r\n${value}\r\n`,
  ]);
  const replies = await c.pipeline(
    Array.from({ length: 20_000 }, (_, i) => ["RPUSH", "list", `element ${i}`]),
  );
  assertEquals(replies.at(-1), ":20000\r\n");
  assertMatch(
    await c.send("CLIENT", "INFO"),
    new RegExp(` addr=127\\.0\\.0\\.1:\\d+ laddr=127\\.0\\.0\\.1:${site.tlsPort} `),
  );
  using listening = await site.connect(site.client);
  await listening.send("SUBSCRIBE", "news");
  assertEquals(await c.send("PUBLISH", "news", "hello"), ":1\r\n");
  assertStringIncludes(await listening.read(), "hello");
  using quitting = await site.connect(site.client);
  assertEquals(await quitting.send("QUIT"), "+OK\r\n");
  assertEquals(await quitting.readToEnd(), "");
  using plain = await server.connect();
  assertMatch(await plain.send("INFO", "clients"), /\r\nconnected_clients:3\r\n/);
});

Deno.test("tls: what is no handshake, and clients that leave in the middle of one, harm nobody", async () => {
  await using site = await Site.make();
  await using server = await startRedeno([...site.own, ...site.trust, "--loglevel", "verbose"]);
  for (const bytes of ["PING\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ""]) {
    using c = await RawConnection.open(site.tlsPort);
    await c.write(bytes);
  }
  await server.logged(/Error accepting a client connection: /);
  using c = await site.connect(site.client);
  assertEquals(await c.send("PING"), PONG);
  assert(!server.log.includes("Uncaught exception"), server.log);
});

Deno.test("tls: CONFIG SET changes whom the port admits, or refuses as a whole", async () => {
  await using site = await Site.make();
  await using server = await startRedeno([...site.own, ...site.trust]);
  using admin = await server.connect();
  const unable = "-ERR CONFIG SET failed (possibly related to argument 'tls-ca-cert-file') - " +
    "Unable to update TLS configuration. Check server logs.\r\n";
  assertEquals(await admin.send("CONFIG", "SET", "tls-ca-cert-file", "/nonexistent"), unable);
  assertEquals(await admin.send("CONFIG", "SET", "tls-auth-clients", "no"), "+OK\r\n");
  using anyone = await untilServed(() => site.connect());
  assertEquals(await anyone.send("CONFIG", "SET", "tls-auth-clients", "yes"), "+OK\r\n");
  using known = await untilServed(() => site.connect(site.client));
  assertEquals(await known.send("PING"), PONG);
  await assertRejects(() => site.connect().then(ping));
  assertEquals(await anyone.send("PING"), PONG, "those that are there stay");
});

/** Says PING, one step after the other: a connection may break at each. */
async function ping(c: RawConnection): Promise<string> {
  await c.write("PING\r\n");
  return await c.read();
}

/** Connects as soon as the port is there again: a port that changes is closed for a moment. */
async function untilServed(connect: () => Promise<RawConnection>): Promise<RawConnection> {
  for (;;) {
    try {
      const c = await connect();
      if (await ping(c) === PONG) return c;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Values of `tls-protocols`, and whether TLSv1.2 and TLSv1.3 are spoken then. */
const SPOKEN: [protocols: string, second: boolean, third: boolean][] = [
  ["TLSv1.2", true, false],
  ["TLSv1.3", false, true],
  ["TLSv1.2 TLSv1.3", true, true],
];

for (const [name, start] of [["Redeno", startRedeno], ["redis-server", startRedis]] as const) {
  Deno.test({
    name: `tls: ${name} speaks the protocols of tls-protocols and no other`,
    ignore: openssl === undefined || (start === startRedis && redisServer === undefined),
    fn: async () => {
      for (const [protocols, ...expected] of SPOKEN) {
        await using site = await Site.make();
        await using _server = await start([
          ...site.own,
          "--tls-auth-clients",
          "no",
          "--tls-protocols",
          protocols,
        ]);
        const spoken = [];
        for (const version of ["-tls1_2", "-tls1_3"]) {
          const args = ["s_client", "-connect", `127.0.0.1:${site.tlsPort}`, "-quiet", version];
          spoken.push((await runTool(openssl ?? "", args, "PING\r\nQUIT\r\n")).stdout.includes("PONG"));
        }
        assertEquals(spoken, expected, protocols);
      }
    },
  });
}

Deno.test("tls: a key under a passphrase is read with tls-key-file-pass, and a wrong one is told", async () => {
  await using site = await Site.make();
  const encrypted = createPrivateKey(site.server.key)
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "open" });
  await Deno.writeTextFile(`${site.folder}/server.key`, String(encrypted));
  await using server = await startRedeno([...site.own, ...site.trust, "--tls-key-file-pass", "open"]);
  using c = await site.connect(site.client);
  assertEquals(await c.send("PING"), PONG);
  await server.stop();
  const [program, ...words] = redenoCommand();
  const args = [...words, "--port", "0", ...site.own, ...site.trust, "--tls-key-file-pass", "wrong"];
  const { code, stdout } = await runTool(program, args);
  assertEquals(code, 1);
  assertMatch(stdout, /Failed to configure TLS: Failed to load private key: .*server\.key: /);
  assertStringIncludes(stdout, `Failed listening on port ${site.tlsPort} (tls), aborting.`);
});

Deno.test({
  name: "tls: the executable demands certificates, or refuses to start where its Deno cannot",
  ignore: !executable,
  fn: async () => {
    await using site = await Site.make();
    const version = /deno=(\S+)/.exec((await runTool(executable, ["--version"])).stdout)?.[1] ?? "";
    if (verifiesCertificates(version)) {
      await using _server = await ServerProcess.start([executable], [
        "--save",
        "",
        ...site.own,
        ...site.trust,
      ]);
      using c = await site.connect(site.client);
      assertEquals(await c.send("PING"), PONG);
      await assertRejects(() => site.connect().then(ping));
      return;
    }
    const { code, stdout } = await runTool(executable, ["--port", "0", ...site.own, ...site.trust]);
    assertEquals(code, 1);
    assertMatch(
      stdout,
      /Failed to configure TLS: tls-auth-clients yes needs Deno 2\.9\.6 or newer, and this is /,
    );
    await using server = await ServerProcess.start([executable], [
      "--save",
      "",
      ...site.own,
      "--tls-auth-clients",
      "no",
    ]);
    using c = await site.connect();
    assertEquals(await c.send("PING"), PONG, server.log);
  },
});
