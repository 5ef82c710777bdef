/**
 * Restarts of a server that keeps an append only file: whole, torn and damaged ones. Kills under load are in
 * `tests/crash/kill_test.ts`.
 */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { redenoCommand } from "../support/launch.ts";
import { ServerProcess } from "../support/oracle.ts";

const INCREMENT = "appendonlydir/appendonly.aof.1.incr.aof";

/** A folder in which servers are started one after the other. */
class Folder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<Folder> {
    return new Folder(await Deno.makeTempDir({ prefix: "redeno-restart-" }));
  }

  start(...directives: string[]): Promise<ServerProcess> {
    const own = ["--appendonly", "yes", "--enable-debug-command", "yes"];
    return ServerProcess.start(redenoCommand(), [...own, ...directives], this.path);
  }

  /** Starts a server that must not come up; its log. */
  async startFails(...directives: string[]): Promise<string> {
    return (await assertRejects(() => this.start(...directives), Error, "the server ended")).message;
  }

  /** Runs commands on a server that is killed then; one reply for each. */
  async run(commands: string[][], ...directives: string[]): Promise<string[]> {
    const server = await this.start(...directives);
    using c = await server.connect();
    const replies = await c.pipeline(commands);
    await server.stop("SIGKILL");
    return replies;
  }

  get increment(): string {
    return `${this.path}/${INCREMENT}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

const sets = (count: number) => Array.from({ length: count }, (_, i) => ["SET", `key:${i}`, `value ${i}`]);

for (const fsync of ["always", "everysec", "no"]) {
  Deno.test(`what was acknowledged with appendfsync ${fsync} is there after kill -9, of every type`, async () => {
    await using folder = await Folder.make();
    const mode = ["--appendfsync", fsync];
    const before = await folder.run([
      ["SET", "string", "bytes \x00\xff\r\n"],
      ["SET", "volatile", "v", "PX", "1000000"],
      ["SET", "gone", "v"],
      ["PEXPIREAT", "gone", "1"],
      ["APPEND", "string", "more"],
      ["RPUSH", "list", "a", "b", "c"],
      ["LPOP", "list"],
      ["SADD", "set", ...Array.from({ length: 600 }, (_, i) => `member ${i}`)],
      ["SPOP", "set", "10"],
      ["HSET", "hash", "f", "v", "g", "w"],
      ["HEXPIRE", "hash", "1000", "FIELDS", "1", "f"],
      ["ZADD", "zset", "1.5", "a", "-inf", "b"],
      ["XADD", "stream", "*", "f", "v"],
      ["XGROUP", "CREATE", "stream", "group", "0"],
      ["XREADGROUP", "GROUP", "group", "me", "STREAMS", "stream", ">"],
      ["PFADD", "hll", "a", "b"],
      ["SELECT", "3"],
      ["MULTI"],
      ["INCRBYFLOAT", "n", "0.1"],
      ["INCRBYFLOAT", "n", "0.2"],
      ["EXEC"],
      ["EVAL", "redis.call('SET', 'script', ARGV[1]) return redis.call('TIME')", "0", "x"],
      ["DEBUG", "DIGEST"],
      ["PEXPIRETIME", "volatile"],
    ], ...mode);
    const [digest] = await folder.run([["DEBUG", "DIGEST"]], ...mode);
    assertEquals(digest, before.at(-2));
    const after = await folder.run(
      [["SCARD", "set"], ["EXISTS", "gone"], ["SELECT", "3"], ["GET", "n"]],
      ...mode,
    );
    assertEquals(after, [":590\r\n", ":0\r\n", "+OK\r\n", "$3\r\n0.3\r\n"]);
  });
}

Deno.test("a torn tail is cut off with a warning, and refused with aof-load-truncated no", async () => {
  await using folder = await Folder.make();
  await folder.run(sets(100));
  const { size } = await Deno.stat(folder.increment);
  await Deno.writeTextFile(folder.increment, "*3\r\n$3\r\nSET\r\n$4\r\ntorn\r\n$100\r\nhalf of", {
    append: true,
  });
  assertMatch(
    await folder.startFails("--aof-load-truncated", "no"),
    /Unexpected end of file[^]*redeno check-aof --fix/,
  );
  const server = await folder.start();
  using c = await server.connect();
  assertEquals(await c.pipeline([["DBSIZE"], ["EXISTS", "torn"], ["SET", "new", "v"]]), [
    ":100\r\n",
    ":0\r\n",
    "+OK\r\n",
  ]);
  assertMatch(server.log, new RegExp(`truncat[^]*${size}`, "i"));
  await server.stop("SIGKILL");
  assertEquals(await folder.run([["DBSIZE"], ["GET", "new"]]), [":101\r\n", "$1\r\nv\r\n"]);
});

Deno.test("damage in the middle ends the start with its offset and a hint, and leaves the file alone", async () => {
  await using folder = await Folder.make();
  await folder.run(sets(100));
  const bytes = await Deno.readFile(folder.increment);
  const text = new TextDecoder().decode(bytes), at = text.indexOf("*3\r\n$3\r\nSET\r\n$6\r\nkey:50\r\n");
  bytes[at] = "?".charCodeAt(0);
  await Deno.writeFile(folder.increment, bytes);
  const log = await folder.startFails();
  assertStringIncludes(log, "Bad file format reading the append only file");
  assertMatch(log, new RegExp(`\\b${at}\\b`));
  assertStringIncludes(log, "redeno check-aof --fix");
  assertEquals(await Deno.readFile(folder.increment), bytes);
});

Deno.test("two servers do not share a folder, and the second says whose it is", async () => {
  await using folder = await Folder.make();
  const server = await folder.start();
  assertStringIncludes(await folder.startFails(), `Another server (pid ${server.pid}) keeps its data in`);
  await server.stop("SIGKILL");
  assertEquals(await folder.run([["PING"]]), ["+PONG\r\n"]);
});
