import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type Command, parseCommandLine } from "../../../src/config/command_line.ts";
import { Config } from "../../../src/config/config.ts";
import { ConfigLoadError } from "../../../src/config/errors.ts";
import { FakeHost } from "./fake_host.ts";

function commandLineOf(command: Command) {
  if (command.kind !== "server") throw new Error(`not a server: ${command.kind}`);
  return command.commandLine;
}

interface Start {
  args?: string[];
  files?: Record<string, string>;
  environment?: Record<string, string>;
  standardInput?: string;
}

function start({ args = [], files = {}, environment = {}, standardInput = "" }: Start): Config {
  const host = new FakeHost();
  host.standardInput = standardInput;
  for (const [path, content] of Object.entries(files)) host.files.set(path, content);
  const config = new Config(host);
  config.load(commandLineOf(parseCommandLine(args)), environment);
  return config;
}

function fault(options: Start): string {
  return assertThrows(() => start(options), ConfigLoadError).message;
}

/** Arguments and what `redis-server ARGUMENTS` 7.0.15 prints behind the title. */
const FAULTS: [args: string[], line: string, reason: string][] = [
  [["--port"], "port", "wrong number of arguments"],
  [["--port", "abc"], 'port "abc"', "argument couldn't be parsed into an integer"],
  [["--port", "6379", "6380"], 'port "6379" "6380"', "wrong number of arguments"],
  [["--port", "--loglevel", "verbose"], 'port "--loglevel" "verbose"', "wrong number of arguments"],
  [
    ["--port", "--bla", "--loglevel", "verbose"],
    'port "--bla"',
    "argument couldn't be parsed into an integer",
  ],
  [["--bogus", "1"], 'bogus "1"', "Bad directive or wrong number of arguments"],
  [["bogus.conf", "--bogus.param", "1"], 'bogus.param "1"', "Bad directive or wrong number of arguments"],
  [["--save", "1"], 'save "1"', "Invalid save parameters"],
  [["--replicaof", "127.0.0.1", "abc"], 'replicaof "127.0.0.1" "abc"', "Invalid master port"],
  [["--replicaof", "--127.0.0.1", "--abc"], 'replicaof "--127.0.0.1"', "wrong number of arguments"],
  [["--unixsocketperm", "7777"], 'unixsocketperm "7777"', "argument must be between 0 and 777 inclusive"],
  [["--unixsocketperm", "9"], 'unixsocketperm "9"', "argument couldn't be parsed as an octal number"],
  [["--dir", "/nowhere"], 'dir "/nowhere"', "No such file or directory"],
  [["--sentinel", "x"], 'sentinel "x"', "sentinel directive while not in sentinel mode"],
  [["--loadmodule", "/x.so"], 'loadmodule "/x.so"', "Modules are not supported"],
  [["--rename-command", "x"], 'rename-command "x"', "Bad directive or wrong number of arguments"],
  [
    ["--shutdown-on-sigint", "now force", "--shutdown-on-sigterm"],
    "shutdown-on-sigterm",
    "argument(s) must be one of the following: default, save, nosave, now, force",
  ],
];

for (const [args, line, reason] of FAULTS) {
  Deno.test(`a start with ${args.join(" ")} is refused with the text of redis-server`, () => {
    assertEquals(
      fault({ args, files: { "/start/bogus.conf": "" } }),
      `\n*** FATAL CONFIG FILE ERROR (Redis 7.4.0) ***\n` +
        `Reading the command line\n>>> '${line}'\n${reason}`,
    );
  });
}

Deno.test("a faulty line of a file is refused with the file's name and the line's number", () => {
  assertEquals(
    fault({ args: ["a.conf"], files: { "/start/a.conf": "# fine\nport 1\n  foo 'bar\r\n" } }),
    "\n*** FATAL CONFIG FILE ERROR (Redis 7.4.0) ***\n" +
      "Reading the configuration file /start/a.conf, at line 3\n>>> 'foo 'bar'\n" +
      "Unbalanced quotes in configuration line",
  );
  assertEquals(
    fault({ args: ["/none.conf"] }),
    "Fatal error, can't open config file '/none.conf': No such file or directory",
  );
});

Deno.test("a configuration file may hold comments, blank lines, quotes, upper case and Windows line ends", () => {
  const text = '# c\r\n\r\n\tPORT 7000\r\nrequirepass "a b\\x41"\r\nlogfile \'\'\nsave 60 1\nsave "30 2"\n';
  const config = start({ args: ["a.conf"], files: { "/start/a.conf": text } });
  assertEquals(config.filePath, "/start/a.conf");
  assertEquals(config.values.port, 7000);
  assertEquals(config.values.requirepass, "a bA");
  assertEquals(config.get("save"), "60 1 30 2");
});

Deno.test("the command line goes over the environment, the environment over standard input and the file", () => {
  const config = start({
    args: ["a.conf", "--port", "4", "-"],
    files: { "/start/a.conf": "port 1\ntimeout 1\nhz 1\nmaxclients 1" },
    standardInput: "port 2\ntimeout 2\nhz 2\n",
    environment: { REDENO_PORT: "3", REDENO_TIMEOUT: "3", PORT: "9", redeno_hz: "9" },
  });
  const { port, timeout, hz, maxclients } = config.values;
  assertEquals([port, timeout, hz, maxclients], [4, 3, 2, 1]);
});

Deno.test("environment variables name any directive, with several words in one value", () => {
  const config = start({
    environment: {
      REDENO_MAXMEMORY_POLICY: "allkeys-lfu",
      REDENO_SAVE: "60 1 30 2",
      REDENO_SLAVE_READ_ONLY: "no",
      REDENO_BIO_CPULIST: "0",
      REDENO_REQUIREPASS: "grün geheim",
    },
  });
  assertEquals(config.values.maxmemoryPolicy, "allkeys-lfu");
  assertEquals(config.get("save"), "60 1 30 2");
  assertEquals(config.values.replicaReadOnly, false);
  assertEquals(config.values.requirepass, "gr\xc3\xbcn geheim");
  assertEquals(config.ignored, ["bio_cpulist"]);
  assertEquals(
    fault({ environment: { REDENO_PORT: "x" } }),
    "\n*** FATAL CONFIG FILE ERROR (Redis 7.4.0) ***\nReading the environment variable REDENO_PORT\n" +
      ">>> 'port \"x\"'\nargument couldn't be parsed into an integer",
  );
});

/** Misspelled names, where they stand, and what is said behind the reason. */
const TYPOS: [start: Start, place: string, line: string, question: string][] = [
  [
    { args: ["a.conf"], files: { "/start/a.conf": "maxmemroy 1gb" } },
    "configuration file /start/a.conf, at line 1",
    "maxmemroy 1gb",
    "'maxmemory'",
  ],
  [{ args: ["--prot", "1"] }, "command line", 'prot "1"', "'port'"],
  [{ args: ["--rename-comand", "a", "b"] }, "command line", 'rename-comand "a" "b"', "'rename-command'"],
  [
    { environment: { REDENO_MAX_MEMORY: "1gb" } },
    "environment variable REDENO_MAX_MEMORY",
    'max-memory "1gb"',
    "REDENO_MAXMEMORY",
  ],
];

for (const [given, place, line, question] of TYPOS) {
  Deno.test(`a typo in the ${place} is refused with the name that was meant`, () => {
    assertEquals(
      fault(given),
      `\n*** FATAL CONFIG FILE ERROR (Redis 7.4.0) ***\nReading the ${place}\n>>> '${line}'\n` +
        `Bad directive or wrong number of arguments\nDid you mean ${question}?`,
    );
  });
}

Deno.test("a variable that resembles no directive is refused, too; addresses of a service of the name are none", () => {
  assertMatch(
    fault({ environment: { REDENO_NOPE: "1" } }),
    /variable REDENO_NOPE\n>>> 'nope "1"'\nBad directive.*$/,
  );
  const config = start({
    environment: {
      REDENO_SERVICE_HOST: "10.0.0.1",
      REDENO_SERVICE_PORT: "6379",
      REDENO_SERVICE_PORT_RESP: "6379",
      REDENO_PORT: "tcp://10.0.0.1:6379",
      REDENO_PORT_6379_TCP: "tcp://10.0.0.1:6379",
      REDENO_PORT_6379_TCP_ADDR: "10.0.0.1",
    },
  });
  assertEquals([config.values.port, config.ignored], [6379, []]);
});

/** First words that are no file, and what is said of them. */
const FIRST_WORDS: [word: string, question: string][] = [
  ["hlep", " Did you mean 'redeno help'?"],
  ["check-rbd", " Did you mean 'redeno check-rdb'?"],
  ["permisions", " Did you mean 'redeno permissions'?"],
  ["port", " Did you mean 'redeno --port'?"],
  ["maxmemroy", " Did you mean 'redeno --maxmemory'?"],
  ["elephant", ""],
];

for (const [word, question] of FIRST_WORDS) {
  Deno.test(`a start with the first word ${word} is told what there is`, () => {
    assertEquals(
      fault({ args: [word] }),
      `Fatal error, can't open config file '/start/${word}': No such file or directory\n` +
        `'${word}' is neither a configuration file nor a command.${question} 'redeno help' lists what there is.`,
    );
  });
}

/** Arguments behind a file with `save 900 1`, and what they make of parameters, from Redis's own tests. */
const ARGUMENTS: [args: string[], expected: Record<string, string>][] = [
  [["--save", "100", "100"], { save: "900 1 100 100" }],
  [["--save", ""], { save: "" }],
  [["--save", "--loglevel", "verbose"], { save: "", loglevel: "verbose" }],
  [["--loglevel", "verbose", "--save"], { save: "", loglevel: "verbose" }],
  [["--loglevel", "verbose", "--save", ""], { save: "", loglevel: "verbose" }],
  [["--proc-title-template", "--save", "--save", "", "--loglevel", "verbose"], {
    "proc-title-template": "--save",
    save: "",
    loglevel: "verbose",
  }],
  [["--maxmemory 700mb", "--maxmemory-policy volatile-lru"], {
    maxmemory: "734003200",
    "maxmemory-policy": "volatile-lru",
  }],
  [["loglevel", "verbose", "--maxmemory '700mb'"], { loglevel: "notice", maxmemory: "734003200" }],
  [["--proc-title-template", "--my--title", "--loglevel", "debug"], {
    "proc-title-template": "--my--title",
    loglevel: "debug",
  }],
  [["--shutdown-on-sigint", "nosave", "force", "now", "--shutdown-on-sigterm", "nosave force"], {
    "shutdown-on-sigint": "nosave now force",
    "shutdown-on-sigterm": "nosave force",
  }],
  [["--slaveof", "127.0.0.1", "7000"], { replicaof: "127.0.0.1 7000" }],
  [["--slaveof", "127.0.0.1", "7000", "--replicaof", "No", "One"], { slaveof: "" }],
  [["--hash-max-listpack-entries", "20", "--hash-max-ziplist-entries", "21"], {
    "hash-max-listpack-entries": "21",
  }],
  [["--client-output-buffer-limit", "pubsub", "1mb", "2mb", "3"], {
    "client-output-buffer-limit": "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 2097152 3",
  }],
  [["--activedefrag", "yes"], { activedefrag: "yes" }],
];

for (const [args, expected] of ARGUMENTS) {
  Deno.test(`arguments ${args.map((arg) => arg || "''").join(" ")}`, () => {
    // A word without dashes behind the file is a value; on a line of its own it would be a directive.
    const bare = args[0]?.startsWith("--") === false;
    const given = bare ? ["--logfile", "x", ...args.slice(2)] : args;
    const config = start({ args: ["a.conf", ...given], files: { "/start/a.conf": "save 900 1\n" } });
    for (const [name, value] of Object.entries(expected)) assertEquals(config.get(name), value, name);
  });
}

Deno.test("words without dashes right behind the file are a directive", () => {
  const config = start({
    args: ["a.conf", "loglevel", "verbose", "--port", "1"],
    files: { "/start/a.conf": "" },
  });
  assertEquals([config.values.loglevel, config.values.port], ["verbose", 1]);
});

Deno.test("include reads files and globs, where a glob may find nothing", () => {
  const config = start({
    args: ["a.conf"],
    files: {
      "/start/a.conf": "include /etc/r/*.conf\ninclude /none/*.conf\ninclude /etc/last",
      "/etc/r/1.conf": "port 1\ntimeout 1",
      "/etc/r/2.conf": "port 2",
      "/etc/last": "hz 3",
    },
  });
  assertEquals([config.values.port, config.values.timeout, config.values.hz], [2, 1, 3]);
  assertEquals(
    fault({ args: ["a.conf"], files: { "/start/a.conf": "include /none.conf" } }),
    "Fatal error, can't open config file '/none.conf': No such file or directory",
  );
  const endless = fault({ args: ["a.conf"], files: { "/start/a.conf": "include /start/a.conf" } });
  assertEquals(endless.split("\n").at(-1), "Too many nested includes");
});

Deno.test("users and renamed commands are kept for their consumers, with their origin", () => {
  const config = start({
    args: ["a.conf"],
    files: { "/start/a.conf": 'user bob on >x ~*\nrename-command FLUSHALL ""\nlua-replicate-commands yes\n' },
  });
  assertEquals(config.users.map(({ words }) => words), [["bob", "on", ">x", "~*"]]);
  assertEquals(config.renamedCommands, [{
    words: ["FLUSHALL", ""],
    origin: {
      place: "Reading the configuration file /start/a.conf, at line 2",
      text: 'rename-command FLUSHALL ""',
    },
  }]);
});

Deno.test("directives without meaning here are accepted, and told once where they ask for something", () => {
  const config = start({
    args: [
      "--io-threads",
      "4",
      "--io-threads",
      "8",
      "--disable-thp",
      "yes",
      "--daemonize",
      "yes",
      "--port",
      "1",
    ],
  });
  assertEquals(config.ignored, ["io-threads", "daemonize"]);
  assertEquals(config.get("io-threads"), "8");
});

Deno.test("dir goes to the directory at once", () => {
  assertEquals(start({ args: ["--dir", "/data"] }).values.dir, "/data");
});
