/**
 * What operators and disks do to the folder of a running server: a disk that is really full, a folder that is read-only,
 * removed, replaced. Reads go on, writes are refused with the system's reason, nothing acknowledged is lost, and when the
 * folder is well again so is the server.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { redenoCommand } from "../support/launch.ts";
import { freePort, type RawConnection, ServerProcess } from "../support/oracle.ts";

const AOF = ["--save", "", "--appendonly", "yes", "--appendfsync", "always", "--rdbcompression", "no"];
/** A file system of a megabyte. */
const SMALL_DISK = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"];

function run(program: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Whether this process may mount file systems. */
function mayMount(): boolean {
  const folder = Deno.makeTempDirSync();
  try {
    return run("mount", ...SMALL_DISK, folder) && run("umount", folder);
  } finally {
    Deno.removeSync(folder);
  }
}

/** A disk with room for half a megabyte. */
interface SmallDisk {
  /** The server that writes to it. */
  readonly command: string[];
  /** What the system says when it is full. */
  readonly reason: string;
  /** Begins before the server does. */
  prepare(folder: string): Promise<void>;
  /** Makes room. */
  extend(folder: string, pid: number): Promise<void>;
}

const smallFileSystem: SmallDisk = {
  command: redenoCommand(),
  reason: "No space left on device",
  prepare(folder) {
    assert(run("mount", ...SMALL_DISK, folder));
    return Deno.writeFile(`${folder}/filler`, new Uint8Array(500_000));
  },
  extend: (folder) => Deno.remove(`${folder}/filler`),
};

/** Where nothing can be mounted, a limit for each file is the next best. */
const smallFiles: SmallDisk = {
  command: ["bash", "-c", `trap '' XFSZ; ulimit -S -f 500; exec "$@"`, "server", ...redenoCommand()],
  reason: "File too large",
  prepare: () => Promise.resolve(),
  extend(_folder, pid) {
    assert(run("prlimit", `--pid=${pid}`, "--fsize=unlimited"));
    return Promise.resolve();
  },
};

const canMount = mayMount();
if (!canMount) console.warn("NOT TESTED: disks of their own, full or read-only: nothing can be mounted here");

/** What makes a program heed permissions: the superuser writes wherever it likes, unless it gives that up. */
const heeding: [string, ...string[]] = Deno.uid() === 0
  ? ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"]
  : ["env"];
const canHeed = run(...heeding, "true");
if (!canHeed) {
  console.warn("NOT TESTED: a folder without permission to write, for setpriv does not work here");
}

/** Asks again and again, for at most half a minute, until the reply is as expected. */
async function until(
  c: RawConnection,
  words: string[],
  isExpected: (reply: string) => boolean,
): Promise<void> {
  let reply = "";
  for (let i = 0; i < 600; i++) {
    reply = await c.send(...words);
    if (isExpected(reply)) return;
    await new Promise((resume) => setTimeout(resume, 50));
  }
  throw new Error(`${words.join(" ")} still answers ${reply}`);
}

const isRefused = (reply: string) => reply.startsWith("-MISCONF");
const isAccepted = (reply: string) => reply === "+OK\r\n";

/** Kills the server and starts another in its folder; the reply of a command there. */
async function afterRestart(server: ServerProcess, words: string[], directives = AOF): Promise<string> {
  await server.stop("SIGKILL");
  const next = await ServerProcess.start(redenoCommand(), directives, server.folder);
  try {
    using c = await next.connect();
    return await c.send(...words);
  } finally {
    await next.stop("SIGKILL");
  }
}

/** Runs a test with a server in a folder; `around` is taken away with all that is in it. */
async function withServer(
  folder: string,
  around: string,
  directives: string[],
  test: (server: ServerProcess, c: RawConnection) => Promise<void>,
  command: string[] = redenoCommand(),
): Promise<void> {
  const server = await ServerProcess.start(command, directives, folder);
  try {
    using c = await server.connect();
    await test(server, c);
  } finally {
    await server.stop("SIGKILL");
    while (run("umount", folder));
    await Deno.remove(around, { recursive: true });
  }
}

/** Writes until the server does not accept more; the number of keys it has acknowledged. */
async function fillDisk(server: ServerProcess): Promise<number> {
  using c = await server.connect();
  for (let i = 0;; i++) {
    const reply = await c.send("SET", `key:${i}`, "x".repeat(8000)).catch(() => "closed");
    if (!isAccepted(reply)) return i;
  }
}

for (const disk of canMount ? [smallFileSystem, smallFiles] : [smallFiles]) {
  const { reason } = disk;
  Deno.test(`a full disk: writes are refused (${reason}), reads go on, room brings writes back`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "redeno-full-" });
    await disk.prepare(folder);
    await withServer(folder, folder, AOF, async (server, c) => {
      const acknowledged = await fillDisk(server);
      assert(acknowledged > 20, `${acknowledged}`);
      const refusal = await c.send("SET", "more", "x".repeat(8000));
      assertEquals(refusal, `-MISCONF Errors writing to the AOF file: ${reason}\r\n`);
      assertEquals((await c.send("GET", "key:0")).length, 8009);
      assertStringIncludes(server.log, `Error writing to the AOF file: ${reason}`);
      assertEquals(await c.send("BGSAVE"), "+Background saving started\r\n");
      await until(c, ["INFO", "persistence"], (reply) => reply.includes("rdb_last_bgsave_status:err"));
      assertStringIncludes(server.log, `temp-${server.pid}.rdb: ${reason}`);
      assertEquals([...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".rdb")), []);
      await disk.extend(folder, server.pid);
      await until(c, ["SET", "more", "later"], isAccepted);
      const keys = await c.send("DBSIZE");
      assert(Number(keys.slice(1)) > acknowledged);
      assertEquals(await afterRestart(server, ["DBSIZE"]), keys);
    }, disk.command);
  });
}

if (canMount) {
  Deno.test("a folder under a read-only file system: writes are refused until it is back", async () => {
    const folder = await Deno.makeTempDir({ prefix: "redeno-readonly-" });
    await withServer(folder, folder, AOF, async (server, c) => {
      await c.send("SET", "a", "1");
      assert(run("mount", "-o", "ro", ...SMALL_DISK, folder));
      await until(c, ["SET", "b", "1"], isRefused);
      await until(c, ["SET", "b", "1"], (reply) => reply.includes("Read-only file system"));
      assertEquals(await c.send("GET", "a"), "$1\r\n1\r\n");
      assertStringIncludes(server.log, "The file was removed or replaced");
      assertEquals(await c.send("SAVE"), "-ERR\r\n");
      assertStringIncludes(server.log, "Error saving DB on disk");
      assert(run("umount", folder));
      await until(c, ["SET", "b", "2"], isAccepted);
      assertEquals(await afterRestart(server, ["MGET", "a", "b"]), "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    });
  });
}

if (canHeed) {
  Deno.test("a folder without permission to write: the open file goes on, what needs another one says why it fails", async () => {
    const folder = await Deno.makeTempDir({ prefix: "redeno-readonly-" });
    const folders = [folder, `${folder}/appendonlydir`];
    const allow = (mode: number) => Promise.all(folders.map((path) => Deno.chmod(path, mode)));
    await withServer(folder, folder, AOF, async (server, c) => {
      await allow(0o555);
      assertEquals(await c.send("SET", "a", "1"), "+OK\r\n");
      assertEquals(await c.send("SAVE"), "-ERR\r\n");
      assertStringIncludes(server.log, "Error saving DB on disk");
      await c.send("BGREWRITEAOF");
      await until(c, ["INFO", "persistence"], (reply) => reply.includes("aof_last_bgrewrite_status:err"));
      assertEquals(server.log.match(/Permission denied/g)?.length, 2);
      assertEquals(await c.send("SET", "b", "2"), "+OK\r\n");
      assertEquals(await c.send("CONFIG", "SET", "save", "1 1"), "+OK\r\n");
      await until(c, ["SET", "c", "1"], isRefused);
      assertEquals(await c.send("GET", "b"), "$1\r\n2\r\n");
      await allow(0o755);
      await until(c, ["SET", "c", "3"], isAccepted);
      const values = "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n";
      assertEquals(await afterRestart(server, ["MGET", "a", "b", "c"]), values);
    }, [...heeding, ...redenoCommand()]);
  });
}

Deno.test("a removed folder: writes are refused until it exists, then all data is in it again", async () => {
  const around = await Deno.makeTempDir({ prefix: "redeno-removed-" }), folder = `${around}/data`;
  await Deno.mkdir(folder);
  await withServer(folder, around, AOF, async (server, c) => {
    await c.send("SET", "a", "1");
    await Deno.remove(`${folder}/appendonlydir`, { recursive: true });
    await until(c, ["INFO", "persistence"], (reply) => /aof_rewrites:[1-9]/.test(reply));
    await until(c, ["SET", "b", "1"], isAccepted);
    await Deno.remove(folder, { recursive: true });
    await until(c, ["SET", "c", "1"], isRefused);
    await until(c, ["SET", "c", "1"], (reply) => reply.includes("No such file or directory"));
    assertEquals(await c.send("GET", "a"), "$1\r\n1\r\n");
    await Deno.mkdir(folder);
    await until(c, ["SET", "c", "2"], isAccepted);
    const values = "*3\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n2\r\n";
    assertEquals(await afterRestart(server, ["MGET", "a", "b", "c"]), values);
  });
});

Deno.test("a replaced folder: what somebody else has put there is not written over", async () => {
  const folder = await Deno.makeTempDir({ prefix: "redeno-replaced-" });
  await withServer(folder, folder, AOF, async (server, c) => {
    await c.send("SET", "a", "1");
    const dir = `${folder}/appendonlydir`, manifest = "file appendonly.aof.7.incr.aof seq 7 type i\n";
    await Deno.rename(dir, `${folder}/away`);
    await Deno.mkdir(dir);
    await Deno.writeTextFile(`${dir}/appendonly.aof.manifest`, manifest);
    await Deno.writeTextFile(`${dir}/appendonly.aof.7.incr.aof`, "");
    await until(c, ["SET", "b", "1"], (reply) => isRefused(reply) && reply.includes("not the manifest"));
    assertEquals(await Deno.readTextFile(`${dir}/appendonly.aof.manifest`), manifest);
    await Deno.remove(dir, { recursive: true });
    await Deno.rename(`${folder}/away`, dir);
    await until(c, ["SET", "b", "2"], isAccepted);
    assertEquals(await afterRestart(server, ["MGET", "a", "b"]), "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
  });
});

Deno.test("a second server on the same folder refuses to start and says who is there", async () => {
  for (const directives of [AOF, ["--save", "900 1"]]) {
    await using first = await ServerProcess.start(redenoCommand(), directives);
    const [program, ...words] = redenoCommand();
    const args = [...words, "--port", String(freePort()), "--dir", first.folder, ...directives];
    const { code, stdout } = await new Deno.Command(program, { args, stderr: "inherit" }).output();
    assertEquals(code, 1);
    const log = new TextDecoder().decode(stdout);
    assertStringIncludes(log, `Another server (pid ${first.pid}) keeps its data in ${first.folder}`);
  }
});
