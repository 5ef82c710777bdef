/**
 * Replication over sockets: Redeno follows redis-server, redis-server follows Redeno, and Redeno follows itself. Whatever
 * is done, primary and replica hold the same in the end, key by key.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Random } from "../../src/util/random.ts";
import { makeCertificate } from "../support/certificate.ts";
import { assertSame, content, everything } from "../support/dataset.ts";
import { redenoCommand } from "../support/launch.ts";
import {
  encodeCommand,
  freePort,
  redisServer,
  ServerProcess,
  startRedeno,
  startRedis,
} from "../support/oracle.ts";
import { randomText } from "../support/values.ts";

if (redisServer === undefined) {
  console.warn("redis-server is not installed, replication to and from it is not tested");
}

type Start = (directives: string[]) => Promise<ServerProcess>;

/** A sign of life would move the stream between two questions. */
const QUIET = ["--repl-ping-replica-period", "3600", "--repl-diskless-sync-delay", "0"];
const redeno: Start = (directives) => startRedeno([...QUIET, ...directives]);
const redis: Start = (directives) => startRedis([...QUIET, ...directives]);

/** Who follows whom. */
const pairs: [name: string, primary: Start, replica: Start][] = [
  ["Redeno follows Redeno", redeno, redeno],
  ["redis-server follows Redeno", redeno, redis],
  ["Redeno follows redis-server", redis, redeno],
];

const GETACK_BYTES = encodeCommand(["REPLCONF", "GETACK", "*"]).length;

/** A test of all pairs, or of those whose servers are there. */
function pairTest(what: string, test: (primary: Start, replica: Start) => Promise<void>): void {
  for (const [name, primary, replica] of pairs) {
    const needsRedis = primary === redis || replica === redis;
    Deno.test({
      name: `${name}: ${what}`,
      ignore: needsRedis && redisServer === undefined,
      fn: () => test(primary, replica),
    });
  }
}

async function say(server: ServerProcess, ...words: string[]): Promise<string> {
  using c = await server.connect();
  return await c.send(...words);
}

/** Lets a server follow another one, and waits until it has its data. */
async function follow(replica: ServerProcess, primary: ServerProcess): Promise<void> {
  replica.log = "";
  assertEquals(await say(replica, "REPLICAOF", "127.0.0.1", String(primary.port)), "+OK\r\n");
  await replica.logged(/sync: Finished with success|Successful partial resynchronization/);
}

/** Runs commands, none of which may fail, and waits until `replicas` have what they did. */
async function run(primary: ServerProcess, commands: string[][], replicas = 1): Promise<void> {
  using c = await primary.connect();
  const replies = await c.pipeline(commands);
  for (const [i, reply] of replies.entries()) {
    assert(!reply.startsWith("-"), `${commands[i]?.join(" ")}: ${reply}`);
  }
  assertEquals(await c.send("SET", "the last of all", String(commands.length)), "+OK\r\n");
  assertEquals(await c.send("WAIT", String(replicas), "0"), `:${replicas}\r\n`);
}

async function info(server: ServerProcess): Promise<Map<string, string>> {
  const lines = (await say(server, "INFO", "everything")).split("\r\n");
  return new Map(lines.map((line) => [line.split(":", 1)[0] ?? "", line.slice(line.indexOf(":") + 1)]));
}

/** Commands that are not propagated as they came, or that go beyond one key; to be run on {@linkcode everything}. */
const changes: string[][] = [
  ["SELECT", "0"],
  ["SPOP", "set"],
  ["RPUSH", "queue", "a", "b", "c", "d", "e"],
  ["LMPOP", "2", "none", "queue", "LEFT", "COUNT", "2"],
  ["BLPOP", "queue", "1"],
  ["RPOPLPUSH", "queue", "moved"],
  ["SET", "n", "10", "EX", "5000"],
  ["INCRBYFLOAT", "n", "0.1"],
  ["GETEX", "n", "PX", "7000000"],
  ["GETDEL", "string:0:3"],
  ["HSET", "counts", "f", "1.5"],
  ["HINCRBYFLOAT", "counts", "f", "2.25"],
  ["PERSIST", "volatile:0"],
  ["PEXPIRE", "string:0:4", "3000000"],
  ["SET", "over", "1", "PX", "1"],
  ["EXPIREAT", "string:0:5", "1"],
  ["ZADD", "zset", "INCR", "2.5", "top of all"],
  ["ZPOPMIN", "zset", "2"],
  ["GEOADD", "geo", "13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "Catania"],
  ["GEOSEARCHSTORE", "near", "geo", "FROMLONLAT", "15", "37", "BYRADIUS", "200", "km", "STOREDIST"],
  ["SORT", "moved", "ALPHA", "STORE", "sorted"],
  ["XADD", "stream", "MAXLEN", "~", "1000", "*", "field", "value"],
  ["XGROUP", "SETID", "stream", "group", "0"],
  ["XREADGROUP", "GROUP", "group", "other", "COUNT", "2", "STREAMS", "stream", ">"],
  ["XAUTOCLAIM", "stream", "group", "third", "0", "0", "COUNT", "1"],
  ["PFADD", "other hll", "a", "b"],
  ["PFMERGE", "merged", "hyperloglog", "other hll"],
  ["BITFIELD", "bits", "SET", "u8", "#3", "200"],
  ["MULTI"],
  ["INCR", "in a transaction"],
  ["RENAME", "string:0:6", "renamed"],
  ["EXEC"],
  [
    "EVAL",
    "for i = 1, 5 do redis.call('rpush', KEYS[1], i) end; redis.call('set', KEYS[2], ARGV[1])",
    "2",
    "l",
    "s",
    "x",
  ],
  ["COPY", "zset", "zset", "DB", "7", "REPLACE"],
  ["MOVE", "counts", "8"],
  ["SWAPDB", "1", "2"],
  ["SELECT", "5"],
  ["FLUSHDB"],
  ["SET", "string:5:0", "\x00\xff\r\n"],
  ["FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('answer', function() return 42 end)"],
];

for (const diskless of ["yes", "no"]) {
  pairTest(
    `all data and what changes then (repl-diskless-sync ${diskless})`,
    async (startPrimary, startReplica) => {
      await using primary = await startPrimary(["--repl-diskless-sync", diskless]);
      await using replica = await startReplica([
        "--repl-diskless-load",
        diskless === "yes" ? "swapdb" : "disabled",
      ]);
      await run(primary, everything(21), 0);
      await follow(replica, primary);
      assertSame(await content(replica), await content(primary));
      await run(primary, [["FLUSHALL"], ...everything(22), ...changes]);
      assertSame(await content(replica), await content(primary));
      assertEquals(await say(replica, "FUNCTION", "LIST"), await say(primary, "FUNCTION", "LIST"));
    },
  );
}

pairTest(
  "a connection that breaks is made again, and only what is lacking is sent",
  async (startPrimary, startReplica) => {
    await using primary = await startPrimary([]);
    await using replica = await startReplica([]);
    await run(primary, everything(23), 0);
    await follow(replica, primary);
    for (let round = 1; round <= 3; round++) {
      await run(primary, [["CLIENT", "KILL", "TYPE", "replica"], ["SET", `round ${round}`, "1"]]);
    }
    const fields = await info(primary);
    assertEquals([fields.get("sync_full"), fields.get("sync_partial_ok")], ["1", "3"]);
    assertSame(await content(replica), await content(primary));
  },
);

/** A change of some key, as many clients make them. */
function someChange(random: Random): string[] {
  const key = (type: string) => `${type}:${random.below(500)}`, text = () => randomText(random, 100);
  const changes: (() => string[])[] = [
    () => ["SET", key("string"), text()],
    () => ["INCR", key("counter")],
    () => ["RPUSH", key("list"), text(), text()],
    () => ["LPOP", key("list")],
    () => ["SADD", key("set"), text()],
    () => ["SPOP", key("set")],
    () => ["HSET", key("hash"), text(), text()],
    () => ["ZADD", key("zset"), String(random.below(1000)), text()],
    () => ["ZPOPMAX", key("zset")],
    () => ["PEXPIRE", key("string"), String(1_000_000 + random.below(1_000_000))],
    () => ["DEL", key("hash")],
    () => ["RENAME", key("counter"), key("counter")],
  ];
  return changes[random.below(changes.length)]!();
}

pairTest(
  "data on their way, writers at work and connections that break",
  async (startPrimary, startReplica) => {
    await using primary = await startPrimary(["--repl-backlog-size", "65536"]);
    await using replica = await startReplica([]);
    await run(primary, everything(28), 0);
    const random = new Random(28);
    using c = await primary.connect();
    const changes = () => Array.from({ length: 200 }, () => someChange(random));
    const following = follow(replica, primary);
    for (let i = 0; i < 60; i++) {
      await c.pipeline(changes());
      if (i % 9 === 5) await c.send("CLIENT", "KILL", "TYPE", "replica");
    }
    await following;
    await run(primary, []);
    assertSame(await content(replica), await content(primary));
  },
);

pairTest(
  "INFO and ROLE tell the same of both sides, and a replica takes no writes",
  async (startPrimary, startReplica) => {
    await using primary = await startPrimary([]);
    await using replica = await startReplica([]);
    await follow(replica, primary);
    await run(primary, [["SET", "k", "v"]]);
    const ofPrimary = await info(primary),
      ofReplica = await info(replica),
      offset = ofPrimary.get("master_repl_offset");
    const same = ["master_replid", "master_repl_offset"];
    for (const name of same) assertEquals(ofReplica.get(name), ofPrimary.get(name), name);
    assertEquals([ofPrimary.get("role"), ofPrimary.get("connected_slaves")], ["master", "1"]);
    const slave0 = ofPrimary.get("slave0") ?? "", acked = Number(/offset=(\d+)/.exec(slave0)?.[1]);
    assertMatch(
      slave0,
      new RegExp(`^ip=127\\.0\\.0\\.1,port=${replica.port},state=online,offset=\\d+,lag=\\d+$`),
    );
    // redis-server tells how far it was before it read the question.
    assert([0, GETACK_BYTES].includes(Number(offset) - acked), slave0);
    const expected = {
      role: "slave",
      master_host: "127.0.0.1",
      master_port: String(primary.port),
      master_link_status: "up",
      master_sync_in_progress: "0",
      slave_repl_offset: offset,
      slave_read_repl_offset: offset,
      slave_read_only: "1",
    };
    for (const [name, value] of Object.entries(expected)) assertEquals(ofReplica.get(name), value, name);
    const port = String(replica.port), text = String(acked);
    assertEquals(
      await say(primary, "ROLE"),
      `*3\r\n$6\r\nmaster\r\n:${offset}\r\n*1\r\n*3\r\n$9\r\n127.0.0.1\r\n$${port.length}\r\n${port}\r\n` +
        `$${text.length}\r\n${text}\r\n`,
    );
    assertEquals(
      await say(replica, "ROLE"),
      `*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:${primary.port}\r\n$9\r\nconnected\r\n:${offset}\r\n`,
    );
    assertEquals(
      await say(replica, "SET", "k", "w"),
      "-READONLY You can't write against a read only replica.\r\n",
    );
    await say(replica, "CONFIG", "SET", "replica-read-only", "no");
    assertEquals(await say(replica, "SET", "k", "w"), "+OK\r\n");
    assertEquals(await say(primary, "GET", "k"), "$1\r\nv\r\n");
  },
);

pairTest("WAIT counts the replicas that have what was written", async (startPrimary, startReplica) => {
  await using primary = await startPrimary([]);
  await using replica = await startReplica([]);
  await follow(replica, primary);
  using c = await primary.connect();
  const replies = await c.pipeline([["SET", "k", "v"], ["WAIT", "1", "0"], ["WAIT", "2", "50"]]);
  assertEquals(replies, ["+OK\r\n", ":1\r\n", ":1\r\n"]);
  assertEquals(await say(replica, "GET", "k"), "$1\r\nv\r\n");
});

pairTest(
  "REPLICAOF NO ONE makes a primary that the old one can follow without all data",
  async (startPrimary, startReplica) => {
    await using first = await startPrimary([]);
    await using second = await startReplica([]);
    await run(first, everything(24), 0);
    await follow(second, first);
    await run(first, [["SET", "before", "1"]]);
    const oldId = (await info(first)).get("master_replid");
    assertEquals(await say(second, "REPLICAOF", "NO", "ONE"), "+OK\r\n");
    const promoted = await info(second);
    assertEquals([promoted.get("role"), promoted.get("master_replid2")], ["master", oldId]);
    await follow(first, second);
    await run(second, [["SET", "after", "1"]]);
    const fields = await info(second);
    assertEquals([fields.get("sync_full"), fields.get("sync_partial_ok")], ["0", "1"]);
    assertSame(await content(first), await content(second));
  },
);

pairTest("FAILOVER lets both change places, and loses no write", async (startPrimary, startReplica) => {
  await using first = await startPrimary([]);
  await using second = await startReplica([]);
  await run(first, everything(25), 0);
  await follow(second, first);
  using c = await first.connect();
  first.log = "";
  const replies = await c.pipeline([["INCR", "n"], ["FAILOVER"], ["INCR", "n"]]);
  assertEquals(replies.slice(0, 2), [":1\r\n", "+OK\r\n"]);
  assertMatch(replies[2] ?? "", /^-READONLY/, "who has waited is answered by a replica");
  await first.logged(/Successful partial resynchronization/);
  await run(second, [["INCR", "n"]]);
  assertEquals((await info(first)).get("role"), "slave");
  assertEquals(await say(first, "GET", "n"), "$1\r\n2\r\n");
  assertSame(await content(first), await content(second));
});

pairTest("a replica of a replica gets the same stream", async (startPrimary, startReplica) => {
  await using first = await startPrimary([]);
  await using second = await startReplica([]);
  await using third = await startPrimary([]);
  await run(first, everything(26), 0);
  await follow(second, first);
  await follow(third, second);
  await run(first, changes);
  const offset = async (server: ServerProcess) => (await info(server)).get("master_repl_offset");
  // The question how far the third one is goes through the second one, which does not pass on the answer. A PING may come
  // at any time, so that the end is asked for again.
  while (await offset(third) !== await offset(first)) await new Promise((resume) => setTimeout(resume, 10));
  assertSame(await content(third), await content(first));
  const ids = [await info(second), await info(third)].map((fields) => fields.get("master_replid"));
  assertEquals(ids, [(await info(first)).get("master_replid"), ids[0]]);
});

const appendOnly = ["--save", "", "--appendonly", "yes", ...QUIET];

pairTest(
  "a killed replica with an append only file starts from it, and comes into step again",
  async (startPrimary, startReplica) => {
    await using primary = await startPrimary([]);
    const command = startReplica === redis ? [redisServer ?? "redis-server"] : redenoCommand();
    const folder = await Deno.makeTempDir({ prefix: "redeno-replica-" });
    await run(primary, everything(27), 0);
    const follows = ["--replicaof", `127.0.0.1 ${primary.port}`];
    let expected: Map<string, string>;
    {
      await using replica = await ServerProcess.start(command, [...appendOnly, ...follows], folder);
      await replica.logged(/sync: Finished with success/);
      await run(primary, changes);
      await replica.logged(/Background AOF rewrite finished successfully/);
      expected = await content(primary);
      await replica.stop("SIGKILL");
      await Deno.rename(folder, `${folder}.kept`);
      await Deno.mkdir(folder);
    }
    await Deno.rename(`${folder}.kept`, folder);
    const alone = await ServerProcess.start(command, appendOnly, folder);
    assertSame(await content(alone), expected);
    await alone.stop("SIGKILL");
    await run(primary, [["SET", "meanwhile", "1"]], 0);
    await using again = await ServerProcess.start(command, [...appendOnly, ...follows], folder);
    await again.logged(/sync: Finished with success/);
    await run(primary, [["SET", "afterwards", "1"]]);
    assertSame(await content(again), await content(primary));
  },
);

for (const [name, start] of [["Redeno", redeno], ["redis-server", redis]] as const) {
  Deno.test({
    name: `Redeno follows ${name} under TLS, where it trusts the certificate and only there`,
    ignore: start === redis && redisServer === undefined,
    async fn() {
      const folder = await Deno.makeTempDir({ prefix: "redeno-tls-" }), tlsPort = String(freePort());
      const { cert, key } = await makeCertificate(),
        [certFile, keyFile] = [`${folder}/cert`, `${folder}/key`];
      await Deno.writeTextFile(certFile, cert);
      await Deno.writeTextFile(keyFile, key);
      const own = ["--tls-cert-file", certFile, "--tls-key-file", keyFile],
        trust = ["--tls-ca-cert-file", certFile];
      const { cert: otherCert } = await makeCertificate(), otherFile = `${folder}/other`;
      await Deno.writeTextFile(otherFile, otherCert);
      // The primary asks for a certificate in its turn.
      await using primary = await start(["--tls-port", tlsPort, ...own, ...trust]);
      await run(primary, [["SET", "k", "v"]], 0);
      const follows = ["--replicaof", `127.0.0.1 ${tlsPort}`, "--tls-replication", "yes", ...own];
      await using trusting = await redeno([...follows, ...trust]);
      await trusting.logged(/sync: Finished with success/);
      await run(primary, [["SET", "l", "v"]]);
      assertEquals(await say(trusting, "MGET", "k", "l"), "*2\r\n$1\r\nv\r\n$1\r\nv\r\n");
      // What the machine trusts besides (Deno's store, which DENO_CERT extends) is no authority for replicas.
      const command = ["env", `DENO_CERT=${certFile}`, ...redenoCommand()];
      const elsewhere = ["--save", "", ...follows, "--tls-ca-cert-file", otherFile];
      await using stranger = await ServerProcess.start(command, elsewhere);
      await stranger.logged(/Error condition on socket for SYNC: .*certificate/);
      assertEquals(await say(stranger, "DBSIZE"), ":0\r\n");
      await Deno.remove(folder, { recursive: true });
    },
  });
}

/** A sentinel, and what it says. */
class Sentinel implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #said = "";

  private constructor(readonly folder: string) {
    const args = [`${folder}/sentinel.conf`, "--sentinel"];
    this.#child = new Deno.Command(redisServer ?? "", { args, stdin: "null", stdout: "piped" }).spawn();
    this.#reader = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Begins to watch a primary. */
  static async start(primary: ServerProcess): Promise<Sentinel> {
    const folder = await Deno.makeTempDir({ prefix: "redeno-sentinel-" });
    const directives = [
      `port ${freePort()}`,
      `dir ${folder}`,
      `sentinel monitor watched 127.0.0.1 ${primary.port} 1`,
      "sentinel down-after-milliseconds watched 500",
    ];
    await Deno.writeTextFile(`${folder}/sentinel.conf`, directives.join("\n"));
    return new Sentinel(folder);
  }

  /** Waits until it has said something. */
  async says(expected: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = expected.exec(this.#said);
      if (found !== null) return found;
      const { value, done } = await this.#reader.read();
      assert(!done, this.#said);
      this.#said += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#reader.cancel();
    await this.#child.status;
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test({
  name: "Sentinel makes a replica the primary when that is gone, and the other replica follows it",
  ignore: redisServer === undefined,
  async fn() {
    await using first = await redeno([]);
    const follows = ["--replicaof", `127.0.0.1 ${first.port}`];
    await using second = await redeno(follows);
    await using third = await redeno(follows);
    for (const replica of [second, third]) await replica.logged(/sync: Finished with success/);
    await run(first, [["SET", "before", "1"]], 2);
    await using sentinel = await Sentinel.start(first);
    await sentinel.says(/\+slave [^]*\+slave /);
    await first.stop("SIGKILL");
    const [, port] = await sentinel.says(/\+switch-master watched 127\.0\.0\.1 \d+ 127\.0\.0\.1 (\d+)/);
    const [primary, replica] = port === String(second.port) ? [second, third] : [third, second];
    await run(primary, [["SET", "after", "1"]]);
    assertEquals(await say(replica, "MGET", "before", "after"), "*2\r\n$1\r\n1\r\n$1\r\n1\r\n");
    assertEquals((await info(replica)).get("master_port"), port);
  },
});
