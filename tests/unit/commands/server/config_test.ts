import { assertEquals, assertStringIncludes } from "@std/assert";
import { ConfigError } from "../../../../src/config/errors.ts";
import { EngineGuard } from "../../../../src/engine/refusals.ts";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

Deno.test("CONFIG GET replies names and values, by name and by pattern, each once", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("CONFIG", "GET", "maxmemory"), ["maxmemory", "0"]);
  assertEquals(c.send("CONFIG", "GET", "MaxMemory", "tcp-keep*", "tcp-keepalive"), [
    "MaxMemory",
    "0",
    "tcp-keepalive",
    "300",
  ]);
  assertEquals(c.send("CONFIG", "GET", "nosuch"), []);
  assertEquals(
    c.send("CONFIG", "GET"),
    new ReplyFailure("ERR wrong number of arguments for 'config|get' command"),
  );
});

Deno.test("CONFIG GET replies a map in RESP3", () => {
  using s = startInProcess();
  const c = s.client();
  c.client.reply.resp = 3;
  assertEquals(c.send("CONFIG", "GET", "port"), new Map([["port", "6379"]]));
});

Deno.test("CONFIG SET changes several parameters, which take effect at once", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(
    c.send("CONFIG", "SET", "hash-max-ziplist-entries", "7", "notify-keyspace-events", "KEA"),
    "OK",
  );
  assertEquals(c.send("CONFIG", "GET", "hash-max-listpack-entries"), ["hash-max-listpack-entries", "7"]);
  assertEquals(s.engine.limits.hashMaxListpackEntries, 7);
  assertEquals(s.engine.keys.notifyFlags, s.engine.config.values.notifyKeyspaceEvents);
  assertEquals(s.propagated(), []);
});

Deno.test("CONFIG SET refuses with Redis's texts and changes nothing", () => {
  using s = startInProcess();
  const c = s.client();
  const refused = (text: string, ...words: string[]) => {
    assertEquals(c.send("CONFIG", "SET", ...words), new ReplyFailure(text));
    assertEquals(c.send("CONFIG", "GET", "maxmemory"), ["maxmemory", "0"]);
  };
  refused("ERR syntax error", "maxmemory", "1", "hz");
  refused("ERR wrong number of arguments for 'config|set' command", "maxmemory");
  refused("ERR Unknown option or number of arguments for CONFIG SET - 'foo'", "maxmemory", "1", "foo", "bar");
  const failed = (name: string, reason: string) =>
    `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
  refused(failed("daemonize", "can't set immutable config"), "maxmemory", "1", "daemonize", "yes");
  refused(failed("maxmemory", "duplicate parameter"), "maxmemory", "1", "maxmemory", "2");
  refused(failed("hz", "argument couldn't be parsed into an integer"), "maxmemory", "1", "hz", "x");
  s.engine.config.onApply("port", () => {
    throw new ConfigError("Unable to listen on this port. Check server logs.");
  });
  refused(failed("port", "Unable to listen on this port. Check server logs."), "maxmemory", "1", "port", "1");
});

Deno.test("CONFIG SET of protected parameters needs enable-protected-configs, local means this machine", () => {
  using s = startInProcess();
  const c = s.client();
  const refusal = new ReplyFailure(
    "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config",
  );
  assertEquals(c.send("CONFIG", "SET", "dbfilename", "a.rdb"), refusal);
  s.engine.config.values.enableProtectedConfigs = "local";
  assertEquals(c.send("CONFIG", "SET", "dbfilename", "a.rdb"), "OK");
  const stranger = s.client();
  Object.assign(stranger, { address: "10.0.0.9:50000" });
  assertEquals(stranger.send("CONFIG", "SET", "dbfilename", "b.rdb"), refusal);
  s.engine.config.values.enableProtectedConfigs = "yes";
  assertEquals(stranger.send("CONFIG", "SET", "dbfilename", "b.rdb"), "OK");
});

Deno.test("CONFIG SET leaves some parameters alone while the data are being loaded", () => {
  using s = startInProcess();
  const c = s.client();
  s.engine.setGuard(EngineGuard.Loading, true);
  assertEquals(c.send("CONFIG", "SET", "loglevel", "debug"), "OK");
  assertEquals(
    c.send("CONFIG", "SET", "appendonly", "yes"),
    new ReplyFailure("LOADING Redis is loading the dataset in memory"),
  );
});

Deno.test("CONFIG RESETSTAT sets counters back, its own call included", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("GET", "k");
  c.send("CONFIG", "SET", "bogus", "1");
  assertEquals(s.engine.stats.keyspaceMisses, 1);
  assertEquals(s.engine.stats.errorCounts.get("ERR"), 1);
  assertEquals(c.send("CONFIG", "RESETSTAT"), "OK");
  assertEquals(s.engine.stats.keyspaceMisses, 0);
  assertEquals(s.engine.stats.errorCounts.size, 0);
  const { commands } = s.engine;
  assertEquals(commands.stats.of(commands.get("get")!).calls, 0);
  assertEquals(commands.stats.of(commands.getFull("config|set")!).failedCalls, 0);
});

Deno.test("CONFIG REWRITE writes the file the server started with, and says so in the log", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(
    c.send("CONFIG", "REWRITE"),
    new ReplyFailure("ERR The server is running without a config file"),
  );
  s.engine.config.filePath = "/nowhere/redis.conf";
  assertEquals(
    c.send("CONFIG", "REWRITE"),
    new ReplyFailure("ERR Rewriting config file: No such file or directory"),
  );
  assertEquals(s.log, ["CONFIG REWRITE failed: ERR Rewriting config file: No such file or directory"]);
  const folder = Deno.makeTempDirSync();
  try {
    const path = s.engine.config.filePath = `${folder}/redis.conf`;
    Deno.writeTextFileSync(path, "# grün\nport 6379\n");
    c.send("CONFIG", "SET", "hz", "33");
    assertEquals(c.send("CONFIG", "REWRITE"), "OK");
    const text = Deno.readTextFileSync(path);
    assertEquals(text.startsWith("# grün\nport 6379\n"), true, text);
    assertStringIncludes(text, "# Generated by CONFIG REWRITE\nhz 33\n");
    assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["redis.conf"]);
    assertEquals(s.log.at(-1), "CONFIG REWRITE executed with success.");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("CONFIG HELP lists the sub-commands, and another word is refused", () => {
  using s = startInProcess();
  const c = s.client();
  const lines = c.send("CONFIG", "HELP");
  assertEquals(Array.isArray(lines) && lines.slice(0, 2), [
    "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "GET <pattern>",
  ]);
  assertEquals(c.send("CONFIG", "NOPE"), new ReplyFailure("ERR unknown subcommand 'NOPE'. Try CONFIG HELP."));
});
