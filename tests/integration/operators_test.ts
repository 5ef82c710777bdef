/**
 * An operator's afternoon, in one piece: redis-server's folder and configuration are taken over, with users and TLS; the log is
 * rotated, a backup made and tried; a replica joins, the roles change; and it all goes back to redis-server.
 */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { makeCertificate } from "../support/certificate.ts";
import { assertSame, content, fill } from "../support/dataset.ts";
import { redenoCommand } from "../support/launch.ts";
import { freePort, RawConnection, redisServer } from "../support/oracle.ts";
import { runTool } from "../support/tool.ts";

/** The file that Debian's redis-server brings; elsewhere its essence does. */
const STOCK = "/etc/redis/redis.conf";
const ESSENCE =
  "bind 127.0.0.1 -::1\nport 6379\ndaemonize yes\nloglevel notice\nlogfile x\ndir /\npidfile x\n";
const REDIS = [redisServer ?? "redis-server"];
const PONG = "+PONG\r\n";

/** Asks again until `isReached`, with a little time in between. */
async function until(isReached: () => Promise<boolean>): Promise<void> {
  while (!await isReached()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A server as an operator has it: with a configuration file, which says where its log goes. */
class Service implements AsyncDisposable {
  private constructor(readonly port: number, readonly child: Deno.ChildProcess) {}

  /** Starts it, in the foreground whatever the file says, and waits until it serves clients. */
  static async start(
    command: string[],
    config: string,
    port: number,
    directives: string[] = [],
  ): Promise<Service> {
    const [program = "", ...words] = command;
    const args = [...words, config, ...directives];
    const child = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "inherit" })
      .spawn();
    const service = new Service(port, child);
    await until(() => service.connect().then((c) => pingAndClose(c), () => false));
    return service;
  }

  connect(): Promise<RawConnection> {
    return RawConnection.open(this.port);
  }

  async send(...words: string[]): Promise<string> {
    using c = await this.connect();
    return await c.send(...words);
  }

  /** Waits until a section of INFO says so. */
  async says(section: string, expected: RegExp): Promise<void> {
    await until(async () => expected.test(await this.send("INFO", section)));
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    assertEquals((await this.child.status).code, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await this.child.status;
  }
}

async function pingAndClose(c: RawConnection): Promise<boolean> {
  using connection = c;
  return await connection.send("PING") === PONG;
}

/** A machine's folders, with redis.conf, users and certificates. */
class Machine implements AsyncDisposable {
  readonly port = freePort();
  readonly tlsPort = freePort();

  private constructor(readonly folder: string, readonly server: Pem, readonly client: Pem) {}

  static async make(): Promise<Machine> {
    const folder = await Deno.makeTempDir({ prefix: "redeno-afternoon-" });
    const machine = new Machine(folder, await makeCertificate(), await makeCertificate());
    for (const name of ["data", "backup", "replica"]) await Deno.mkdir(`${folder}/${name}`);
    await Deno.writeTextFile(`${folder}/server.crt`, machine.server.cert);
    await Deno.writeTextFile(`${folder}/server.key`, machine.server.key);
    await Deno.writeTextFile(`${folder}/ca.crt`, machine.client.cert);
    await Deno.writeTextFile(
      `${folder}/users.acl`,
      "user default on nopass ~* &* +@all\nuser app on >secret ~app:* resetchannels -@all +@read +@write +@connection\n",
    );
    await Deno.writeTextFile(machine.config, await machine.#configuration());
    return machine;
  }

  get config(): string {
    return `${this.folder}/redis.conf`;
  }

  get log(): string {
    return `${this.folder}/redis.log`;
  }

  /** The stock file with the paths and ports of this machine, and what the operator has added. */
  async #configuration(): Promise<string> {
    const { folder, port, tlsPort } = this;
    const stock = await Deno.readTextFile(STOCK).catch(() => ESSENCE);
    return stock.replace(/^dir .*/m, `dir ${folder}/data`).replace(/^port .*/m, `port ${port}`)
      .replace(/^logfile .*/m, `logfile ${this.log}`).replace(/^pidfile .*/m, `pidfile ${folder}/redis.pid`) +
      [
        `aclfile ${folder}/users.acl`,
        `tls-port ${tlsPort}`,
        `tls-cert-file ${folder}/server.crt`,
        `tls-key-file ${folder}/server.key`,
        `tls-ca-cert-file ${folder}/ca.crt`,
        "",
      ].join("\n");
  }

  async connectTls(shown?: Pem): Promise<RawConnection> {
    const caCerts = [this.server.cert];
    return RawConnection.over(
      await Deno.connectTls({ hostname: "localhost", port: this.tlsPort, caCerts, ...shown }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

type Pem = { cert: string; key: string };

/** Users and certificates mean here what they meant to redis-server. */
async function checkAccess(machine: Machine, service: Service): Promise<void> {
  using app = await service.connect();
  assertEquals(await app.send("AUTH", "app", "secret"), "+OK\r\n");
  assertEquals(await app.send("SET", "app:1", "mine"), "+OK\r\n");
  assertMatch(await app.send("SET", "other", "x"), /^-NOPERM /);
  assertMatch(await app.send("CONFIG", "GET", "dir"), /^-NOPERM /);
  assertEquals(await app.send("DEL", "app:1"), ":1\r\n");
  using known = await machine.connectTls(machine.client);
  assertEquals(await known.send("PING"), PONG);
  await assertRejects(async () => {
    using unknown = await machine.connectTls();
    await unknown.write("PING\r\n");
    await unknown.read();
  });
}

/** logrotate moves the file away; the next line begins a new one, without a signal. */
async function rotateLog(machine: Machine, service: Service): Promise<void> {
  await Deno.rename(machine.log, `${machine.log}.1`);
  const old = await Deno.readTextFile(`${machine.log}.1`);
  assertEquals(old.match(/Accepted without effect: .*/g), ["Accepted without effect: daemonize"]);
  assertMatch(await service.send("BGSAVE"), /^\+Background saving started/);
  await service.says("persistence", /rdb_bgsave_in_progress:0/);
  assertStringIncludes(await Deno.readTextFile(machine.log), "Background saving");
  assertEquals(await Deno.readTextFile(`${machine.log}.1`), old);
}

/** A copy of the file that BGSAVE has written is sound, and a server starts from it. */
async function backUp(machine: Machine, expected: Map<string, string>): Promise<void> {
  const copy = `${machine.folder}/backup/dump.rdb`, port = freePort();
  await Deno.copyFile(`${machine.folder}/data/dump.rdb`, copy);
  const [program, ...words] = redenoCommand();
  const check = await runTool(program, [...words, "check-rdb", copy]);
  assertEquals(check.code, 0, check.stdout);
  await Deno.writeTextFile(
    `${machine.folder}/backup.conf`,
    `port ${port}\ndir ${machine.folder}/backup\nsave ""\n`,
  );
  await using tried = await Service.start(redenoCommand(), `${machine.folder}/backup.conf`, port);
  assertSame(await content(tried), expected);
}

/** A redis-server follows, takes over, and the old primary follows it. */
async function switchRoles(machine: Machine, primary: Service): Promise<Map<string, string>> {
  const port = freePort(), config = `${machine.folder}/replica.conf`;
  await Deno.writeTextFile(
    config,
    `port ${port}\ndir ${machine.folder}/replica\nsave ""\nlogfile ${machine.folder}/replica.log\nreplicaof 127.0.0.1 ${primary.port}\n`,
  );
  await using replica = await Service.start(REDIS, config, port);
  await replica.says("replication", /master_link_status:up/);
  assertEquals(await primary.send("SET", "before", "1"), "+OK\r\n");
  assertEquals(await primary.send("WAIT", "1", "0"), ":1\r\n");
  assertEquals(await primary.send("FAILOVER", "TO", "127.0.0.1", String(port)), "+OK\r\n");
  await primary.says("replication", /role:slave\r\n[^]*master_link_status:up/);
  assertEquals(await replica.send("SET", "after", "1"), "+OK\r\n");
  await until(async () => await primary.send("GET", "after") === "$1\r\n1\r\n");
  const expected = await content(replica);
  assert(expected.has("0 before"));
  assertEquals(await primary.send("REPLICAOF", "NO", "ONE"), "+OK\r\n");
  return expected;
}

Deno.test({
  name: "an afternoon of an operator: from redis-server to Redeno, and back",
  ignore: redisServer === undefined,
  fn: async () => {
    await using machine = await Machine.make();
    const { config, port } = machine, foreground = ["--daemonize", "no"];
    let expected: Map<string, string>;
    {
      await using redis = await Service.start(REDIS, config, port, foreground);
      expected = await fill(redis, 7);
      await redis.stop();
    }
    {
      await using redeno = await Service.start(redenoCommand(), config, port);
      assertSame(await content(redeno), expected);
      await checkAccess(machine, redeno);
      await rotateLog(machine, redeno);
      await backUp(machine, expected);
      expected = await switchRoles(machine, redeno);
      assertEquals(await redeno.send("ACL", "SETUSER", "late", "on", ">word", "~*", "+get"), "+OK\r\n");
      assertEquals(await redeno.send("ACL", "SAVE"), "+OK\r\n");
      assertEquals(await redeno.send("CONFIG", "SET", "maxmemory", "100mb"), "+OK\r\n");
      assertEquals(await redeno.send("CONFIG", "REWRITE"), "+OK\r\n");
      await redeno.stop();
    }
    await using redis = await Service.start(REDIS, config, port, foreground);
    assertSame(await content(redis), expected);
    assertEquals(
      await redis.send("CONFIG", "GET", "maxmemory"),
      "*2\r\n$9\r\nmaxmemory\r\n$9\r\n104857600\r\n",
    );
    using late = await redis.connect();
    assertEquals(await late.send("AUTH", "late", "word"), "+OK\r\n");
    assertEquals(await late.send("GET", "after"), "$1\r\n1\r\n");
    await checkAccess(machine, redis);
    await redis.stop();
  },
});
