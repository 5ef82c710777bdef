import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { Config } from "../../../src/config/config.ts";
import { ConfigError } from "../../../src/config/errors.ts";
import { ReplyError } from "../../../src/protocol/errors.ts";
import { FakeHost } from "./fake_host.ts";

const ANYTHING = { mayChangeProtected: true, isLoading: false };

function refusal(config: Config, pairs: [string, string][], options = ANYTHING): string {
  try {
    config.set(pairs, options);
  } catch (error) {
    assertInstanceOf(error, ReplyError);
    return error.text;
  }
  return "accepted";
}

function failed(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}

Deno.test("Config starts with Redis's defaults but for the checks of payloads, typed and printed", () => {
  const config = new Config(new FakeHost());
  assertEquals(config.get("sanitize-dump-payload"), "yes");
  assertEquals(config.values.port, 6379);
  assertEquals(config.values.appendonly, false);
  assertEquals(config.values.maxmemoryPolicy, "noeviction");
  assertEquals(config.values.bind, ["*", "-::*"]);
  assertEquals(config.values.clientOutputBufferLimit.pubsub.softBytes, 8 * 1024 * 1024);
  assertEquals(config.get("save"), "3600 1 300 100 60 10000");
  assertEquals(
    config.get("client-output-buffer-limit"),
    "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
  );
  assertEquals(config.get("latency-tracking-info-percentiles"), "50 99 99.9");
  assertEquals(config.get("dir"), "/start");
  assertEquals(config.get("no-such-thing"), undefined);
});

Deno.test("Config.match gives names as they were asked for, aliases and globs", () => {
  const config = new Config(new FakeHost());
  assertEquals(config.match(["PORT", "slaveof"]), [["PORT", "6379"], ["slaveof", ""]]);
  assertEquals(config.match(["*-max-?i?list-entries"]).map(([name]) => name), [
    "hash-max-ziplist-entries",
    "zset-max-ziplist-entries",
  ]);
  assertEquals(config.match(["maxmemory", "maxmemor*", "MAXMEMORY-s*"]).map(([name]) => name), [
    "maxmemory",
    "maxmemory-clients",
    "maxmemory-policy",
    "maxmemory-samples",
    "maxmemory-eviction-tenacity",
  ]);
  assertEquals(config.match(["nothing", "nothing*"]), []);
});

Deno.test("Config.match shows hidden parameters only by their exact name", () => {
  const config = new Config(new FakeHost());
  assertEquals(config.match(["key-load-*"]), []);
  assertEquals(config.match(["key-load-delay"]), [["key-load-delay", "0"]]);
});

Deno.test("Config.set takes every value that CONFIG GET prints, and keeps it", () => {
  const config = new Config(new FakeHost());
  const before = config.match(["*"]);
  for (const [name, value] of before) {
    const result = refusal(config, [[name, value]]);
    if (result !== failed(name, "can't set immutable config")) assertEquals(result, "accepted", name);
  }
  assertEquals(config.match(["*"]), before);
});

const ACCEPTED: [name: string, given: string, printed: string][] = [
  ["maxmemory", "100mb", "104857600"],
  ["maxmemory", "1k", "1000"],
  ["maxmemory-clients", "10%", "10%"],
  ["maxmemory-clients", "1gb", "1073741824"],
  ["appendonly", "YES", "yes"],
  ["maxmemory-policy", "AllKeys-LRU", "allkeys-lru"],
  ["oom-score-adj", "relative", "yes"],
  ["hz", "0", "1"],
  ["hz", "100000", "500"],
  ["save", "", ""],
  ["save", "900 1 300 10", "900 1 300 10"],
  ["shutdown-on-sigterm", "force nosave", "nosave force"],
  ["shutdown-on-sigterm", "default", "default"],
  ["notify-keyspace-events", "KEA", "AKE"],
  ["notify-keyspace-events", "nxKm", "xKmn"],
  ["notify-keyspace-events", "g$lshzxetd", "A"],
  [
    "client-output-buffer-limit",
    "replica 1mb 2k 3",
    "normal 0 0 0 slave 1048576 2000 3 pubsub 33554432 8388608 60",
  ],
  ["client-output-buffer-limit", "", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"],
  ["bind", "127.0.0.1 -::1", "127.0.0.1 -::1"],
  ["bind", "", ""],
  ["latency-tracking-info-percentiles", "0 50.5 100", "0 50.5 100"],
  ["latency-tracking-info-percentiles", "", ""],
  ["oom-score-adj-values", "1 2 3", "1 2 3"],
  ["slave-priority", "7", "7"],
  ["lua-time-limit", "9", "9"],
  ["slowlog-log-slower-than", "-1", "-1"],
  ["slowlog-max-len", "9223372036854775807", "9007199254740991"],
  ["list-max-ziplist-size", "-5", "-5"],
  ["requirepass", "a b", "a b"],
  ["proc-title-template", "{title} {port}", "{title} {port}"],
  ["dir", "/data", "/data"],
];

for (const [name, given, printed] of ACCEPTED) {
  Deno.test(`Config.set ${name} '${given}' makes it '${printed}'`, () => {
    const config = new Config(new FakeHost());
    assertEquals(refusal(config, [[name, given]]), "accepted");
    assertEquals(config.get(name), printed);
  });
}

/** Texts of redis-server 7.0.15. */
const REFUSED: [name: string, value: string, reason: string][] = [
  ["port", "abc", "argument couldn't be parsed into an integer"],
  ["port", "1 2", "argument couldn't be parsed into an integer"],
  ["port", "65536", "argument must be between 0 and 65535 inclusive"],
  ["slowlog-log-slower-than", "-2", "argument must be between -1 and 9223372036854775807 inclusive"],
  ["appendonly", "maybe", "argument must be 'yes' or 'no'"],
  ["appendfsync", "never", "argument(s) must be one of the following: everysec, always, no"],
  ["oom-score-adj", "x", "argument(s) must be one of the following: no, yes, relative, absolute"],
  ["shutdown-on-sigint", "", "argument(s) must be one of the following: default, save, nosave, now, force"],
  ["shutdown-on-sigint", "save nosave", "shutdown options SAVE and NOSAVE can't be used simultaneously"],
  ["maxmemory", "-1", "argument must be a memory value"],
  ["maxmemory-clients", "x%", "argument must be a memory or percent value"],
  ["maxmemory-clients", "101%", "percentage argument must be less or equal to 100"],
  ["proto-max-bulk-len", "1kb", "argument must be between 1048576 and 9223372036854775807 inclusive"],
  ["save", "1", "Invalid save parameters"],
  ["save", "0 1", "Invalid save parameters"],
  ["save", "1 -1", "Invalid save parameters"],
  ["notify-keyspace-events", "Kq", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."],
  ["client-output-buffer-limit", "normal 1 2", "Wrong number of arguments in buffer limit configuration."],
  [
    "client-output-buffer-limit",
    "master 1 2 3",
    "Invalid client class specified in buffer limit configuration.",
  ],
  [
    "client-output-buffer-limit",
    "normal 1 2 -3",
    "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
  ],
  ["oom-score-adj-values", "1 2", "wrong number of arguments"],
  [
    "oom-score-adj-values",
    "1 2 2001",
    "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
  ],
  ["latency-tracking-info-percentiles", "x", "Invalid latency-tracking-info-percentiles parameters"],
  [
    "latency-tracking-info-percentiles",
    "100.1",
    "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
  ],
  ["bind", Array(17).fill("::1").join(" "), "Too many bind addresses specified."],
  ["dbfilename", "a/b", "dbfilename can't be a path, just a filename"],
  ["cluster-announce-hostname", "a_b", "Hostnames may only contain alphanumeric characters, hyphens or dots"],
  ["proc-title-template", "{nobody}", "template format is invalid or contains unknown variables"],
  ["daemonize", "yes", "can't set immutable config"],
  ["databases", "1", "can't set immutable config"],
  ["dir", "/nowhere", "No such file or directory"],
  ["dir", "/locked", "Permission denied"],
];

for (const [name, value, reason] of REFUSED) {
  Deno.test(`Config.set ${name} '${value}' is refused`, () => {
    const config = new Config(new FakeHost());
    const before = config.get(name);
    assertEquals(refusal(config, [[name, value]]), failed(name, reason));
    assertEquals(config.get(name), before);
  });
}

Deno.test("Config.set names the first unknown parameter", () => {
  const config = new Config(new FakeHost());
  assertEquals(
    refusal(config, [["port", "1"], ["bogus", "1"], ["daemonize", "yes"]]),
    "ERR Unknown option or number of arguments for CONFIG SET - 'bogus'",
  );
  assertEquals(config.values.port, 6379);
});

Deno.test("Config.set refuses protected parameters, loading ones and duplicates", () => {
  const config = new Config(new FakeHost());
  const stranger = { mayChangeProtected: false, isLoading: false };
  assertEquals(
    refusal(config, [["dbfilename", "x"]], stranger),
    failed("dbfilename", "can't set protected config"),
  );
  assertEquals(
    refusal(config, [["appendonly", "yes"]], { mayChangeProtected: true, isLoading: true }),
    "LOADING Redis is loading the dataset in memory",
  );
  assertEquals(
    refusal(config, [["maxmemory", "1"], ["MAXMEMORY", "2"]]),
    failed("MAXMEMORY", "duplicate parameter"),
  );
});

Deno.test("Config.set keeps all old values when one is refused", () => {
  const host = new FakeHost();
  const config = new Config(host);
  const pairs: [string, string][] = [["maxmemory", "1"], ["dir", "/data"], ["save", "1 1"], [
    "maxmemory-clients",
    "200%",
  ]];
  assertEquals(
    refusal(config, pairs),
    failed("maxmemory-clients", "percentage argument must be less or equal to 100"),
  );
  assertEquals([config.get("maxmemory"), config.get("dir"), config.get("save")], [
    "0",
    "/start",
    "3600 1 300 100 60 10000",
  ]);
  assertEquals(host.directory, "/start");
});

Deno.test("Config.onApply runs after a change with the new value, and not without one", () => {
  const config = new Config(new FakeHost());
  const seen: number[] = [];
  config.onApply("maxmemory", (bytes) => seen.push(bytes));
  config.set([["maxmemory", "1kb"]], ANYTHING);
  config.set([["maxmemory", "1024"]], ANYTHING);
  config.set([["port", "1"]], ANYTHING);
  assertEquals(seen, [1024]);
});

Deno.test("Config.set takes everything back when a hook refuses, and tells the hooks that had run", () => {
  const config = new Config(new FakeHost());
  const seen: string[] = [];
  config.onApply("maxmemory", (bytes) => seen.push(`maxmemory ${bytes} ${config.values.port}`));
  config.onApply("port", () => {
    throw new ConfigError("Unable to listen on this port. Check server logs.");
  });
  config.onApply("hz", () => seen.push("hz"));
  assertEquals(
    refusal(config, [["maxmemory", "5"], ["port", "1"], ["hz", "20"]]),
    failed("port", "Unable to listen on this port. Check server logs."),
  );
  assertEquals(seen, ["maxmemory 5 1", "maxmemory 0 6379"]);
  assertEquals([config.values.maxmemory, config.values.port, config.values.hz], [0, 6379, 10]);
});

Deno.test("Config.set lets an unexpected error of a hook through, with everything taken back", () => {
  const config = new Config(new FakeHost());
  config.onApply("hz", () => {
    throw new TypeError("a bug");
  });
  assertThrows(() => config.set([["hz", "20"]], ANYTHING), TypeError, "a bug");
  assertEquals(config.values.hz, 10);
});

Deno.test("Config.rewrite needs a file, and says why it cannot write it", () => {
  const host = new FakeHost();
  const config = new Config(host);
  const text = (error: unknown) => error instanceof ReplyError ? error.text : String(error);
  const attempt = () => {
    try {
      config.rewrite();
      return "written";
    } catch (error) {
      return text(error);
    }
  };
  assertEquals(attempt(), "ERR The server is running without a config file");
  config.filePath = "/locked/redis.conf";
  assertEquals(attempt(), "ERR Rewriting config file: Permission denied");
  config.filePath = "/data/redis.conf";
  assertEquals(attempt(), "written");
  assertEquals(host.files.get("/data/redis.conf")?.startsWith("# Generated by CONFIG REWRITE\n"), true);
});
