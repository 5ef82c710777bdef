/**
 * The keys that COMMAND GETKEYS, access control and client-side caching find in a call are those that its handler looks
 * up, however its options are ordered and repeated. The calls are random ones of all commands that have keys.
 */
import { assert, assertEquals } from "@std/assert";
import { Args } from "../../../src/engine/args.ts";
import { type ArgSpec, type Command, findKeys } from "../../../src/engine/command.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { Random } from "../../../src/util/random.ts";
import { type InProcessClient, type InProcessServer, startInProcess } from "../../support/in_process.ts";
import { randomCall } from "../../support/random_calls.ts";
import { PushMessage, ReplyFailure } from "../../../src/protocol/reply_values.ts";
import { callableCommands } from "../../support/sample_calls.ts";

const SEED = 15478;
const CALLS_EACH = 30;
/** Calls of these: their options name keys, so that order and repetition count. */
const MANY_CALLS_EACH = 300;
const optionsNameKeys =
  /^(georadius|sort|xread|migrate|eval|fcall|zrangestore|geosearchstore|z?(union|inter|diff)|b?[lz]mpop|copy|bitop|set$)/;
/** These look up all the keys they have, and none that an option repeated later has taken the place of. */
const optionsNameStores = /^(georadius|sort|xread|zrangestore|geosearchstore)/;
/** Words of options, which may be names of keys, groups and values as well. */
const trickyWords = [
  "STORE",
  "STOREDIST",
  "STREAMS",
  "KEYS",
  "COUNT",
  "GROUP",
  "BLOCK",
  "AUTH",
  "GET",
  "BY",
  "LIMIT",
];

/** Names of keys that are used once in a call, so that each is found again. */
class Names {
  #made = 0;
  next(): string {
    return `key:${++this.#made}`;
  }
}

function valueOf(arg: ArgSpec, random: Random): string {
  if (random.below(8) === 0) return trickyWords[random.below(trickyWords.length)]!;
  if (arg.name === "script") return "return 1";
  if (arg.name === "function") return "f";
  if (arg.name === "group") return "g";
  if (arg.type === "pattern") return "pattern:*";
  if (arg.name === "id" || arg.name === "start" || arg.name === "end") return "0";
  return String(random.below(4));
}

/** The keys a call looks up: those of its own names, not what SORT makes of patterns. */
function lookedUp({ keys }: Engine, run: () => void): Set<string> {
  const names = new Set<string>(), lookUp = keys.lookUp;
  keys.lookUp = (database, id, key, by, writes) => {
    names.add(key.text);
    return lookUp.call(keys, database, id, key, by, writes);
  };
  try {
    run();
  } finally {
    keys.lookUp = lookUp;
  }
  return names;
}

const keyTypes: readonly string[][] = [
  ["SET", "1"],
  ["RPUSH", "1", "2"],
  ["SADD", "1", "2"],
  ["ZADD", "1", "1"],
  ["GEOADD", "1", "1", "1"],
  ["HSET", "1", "1"],
  ["XADD", "1-1", "f", "v"],
];

/** Gives the first names of a call values of a type that the command may like. */
function fill(c: InProcessClient, names: readonly string[], random: Random): void {
  const [name = "", ...values] = keyTypes[random.below(keyTypes.length)]!;
  for (const key of names) {
    c.send(name, key, ...values);
    if (name === "XADD") c.send("XGROUP", "CREATE", key, "g", "0");
  }
}

/** The words that stand for themselves in calls of all commands. */
function tokensOf(args: readonly ArgSpec[]): string[] {
  return args.flatMap((arg) => [...arg.token ? [arg.token] : [], ...tokensOf(arg.args ?? [])]);
}

function hasKeys(cmd: Command): boolean {
  return cmd.keys.length > 0 && cmd.name !== "restore-asking";
}

/** Runs a call; gives those of its words that were looked up as keys, and whether it failed. */
function touchedBy(s: InProcessServer, words: readonly string[], random: Random): [string[], boolean] {
  const c = s.client(), names = words.filter((word) => word.startsWith("key:"));
  c.send(
    "FUNCTION",
    "LOAD",
    "REPLACE",
    "#!lua name=l\nredis.register_function('f', function() return 1 end)",
  );
  fill(c, names, random);
  let reply: unknown;
  const found = lookedUp(s.engine, () => reply = c.send(...words));
  c.close(false);
  return [words.filter((word) => word !== "" && found.has(word)), reply instanceof ReplyFailure];
}

Deno.test("the keys found in a call are those that its handler looks up, in any order of its options", () => {
  using s = startInProcess();
  const random = new Random(SEED), admin = s.client();
  const words = [...trickyWords, ...callableCommands().flatMap(({ args }) => tokensOf(args))];
  const patterns = [...new Set(words)].filter((word) => /^\w+$/.test(word)).map((word) => `~${word}`);
  admin.send("ACL", "SETUSER", "someone", "on", "nopass", "+@all", "~key:*", ...patterns);
  let touchedInAll = 0;
  for (const cmd of callableCommands().filter(hasKeys)) {
    const rounds = optionsNameKeys.test(cmd.name) ? MANY_CALLS_EACH : CALLS_EACH;
    for (let i = 0; i < rounds; i++) {
      const names = new Names();
      const words = randomCall(cmd, random, {
        key: () => random.below(12) === 0 ? trickyWords[random.below(trickyWords.length)]! : names.next(),
        value: (arg) => valueOf(arg, random),
        optional: 0.5,
        disorder: 0.3,
      });
      const line = `seed ${SEED}: ${words.join(" ")}`, [touched, failed] = touchedBy(s, words, random);
      const found = new Set((findKeys(cmd, Args.of(words)) ?? []).map(({ index }) => words[index]));
      for (const name of touched) assert(found.has(name), `${name} is looked up, but not found in ${line}`);
      if (!failed && optionsNameStores.test(cmd.name)) {
        for (const name of found) {
          assert(touched.includes(name!), `${name} is found, but not looked up in ${line}`);
        }
      }
      for (const name of new Set(touched.filter((name) => name.startsWith("key:")))) {
        const secret = words.map((word) => word === name ? "secret" : word);
        assertEquals(
          admin.send("ACL", "DRYRUN", "someone", ...secret),
          "This user has no permissions to access the 'secret' key",
          line,
        );
      }
      touchedInAll += touched.length;
      if (i % 20 === 0) admin.send("FLUSHALL");
    }
  }
  assert(touchedInAll > 5000, `${touchedInAll} look-ups`);
});

Deno.test("GEORADIUS is refused for its last STORE or STOREDIST, whichever it is", () => {
  using s = startInProcess();
  const c = s.client(), user = s.client();
  c.send("ACL", "SETUSER", "gu", "on", "nopass", "+@all", "~ok*");
  c.send("GEOADD", "okg", "13.361389", "38.115556", "a");
  c.send("SET", "secret", "precious");
  user.send("AUTH", "gu", "x");
  const denied = new ReplyFailure(
    "NOPERM this user has no permissions to access one of the keys used as arguments",
  );
  for (const [first, second] of [["STORE", "STORE"], ["STOREDIST", "STORE"], ["STORE", "STOREDIST"]]) {
    const stores = [first!, "okd", second!, "secret"];
    assertEquals(user.send("GEORADIUS", "okg", "13", "38", "100", "km", ...stores), denied);
    assertEquals(user.send("GEORADIUSBYMEMBER", "okg", "a", "100", "km", ...stores), denied);
  }
  assertEquals(c.send("GET", "secret"), "precious");
  assertEquals(
    c.send("COMMAND", "GETKEYS", "GEORADIUS", "okg", "13", "38", "100", "km", "STORE", "a", "STORE", "b"),
    ["okg", "b"],
  );
});

Deno.test("a group, a consumer or a password that is called as an option hides no key", () => {
  using s = startInProcess();
  const c = s.client(), keysOf = (line: string) => c.send("COMMAND", "GETKEYS", ...line.split(" "));
  assertEquals(keysOf("XREADGROUP COUNT 1 GROUP streams STREAMS STREAMS a 0"), ["a"]);
  assertEquals(keysOf("XREADGROUP GROUP count block STREAMS a b 0 0"), ["a", "b"]);
  assertEquals(keysOf("SORT a GET STORE STORE b BY STORE STORE c"), ["a", "c"]);
  assertEquals(keysOf("GEORADIUS a 1 2 3 m COUNT 1 STORE COUNT STOREDIST b"), ["a", "b"]);
  assertEquals(keysOf("PFMERGE a"), ["a"]);
});

Deno.test("client-side caching remembers what a script reads, whichever keys it declares", () => {
  using s = startInProcess();
  const [t, other] = [s.client(), s.client()], script = "return redis.call('GET', 'k1')";
  const told = (key: string) => new PushMessage(["invalidate", [key]]);
  t.send("HELLO", "3");
  t.send("CLIENT", "TRACKING", "ON");
  t.send("EVAL", script, "0");
  other.send("SET", "k1", "2");
  assertEquals(t.received(), [told("k1")]);
  t.send("EVAL", script, "2", "a", "b");
  other.send("MSET", "a", "1", "k1", "3");
  assertEquals(t.received(), [told("k1")]);
  t.send(
    "FUNCTION",
    "LOAD",
    "#!lua name=l\nredis.register_function('f', function() return redis.call('MGET', 'k1', 'k2') end)",
  );
  t.send("FCALL", "f", "1", "a");
  other.send("MSET", "a", "1", "k2", "3");
  assertEquals(t.received(), [told("k2")]);
});

Deno.test("client-side caching takes a call whose keys cannot be told for one without keys", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HELLO", "3");
  c.send("CLIENT", "TRACKING", "ON");
  assertEquals(c.send("ZUNION", "x", "a"), new ReplyFailure("ERR value is not an integer or out of range"));
  assertEquals(c.send("PING"), "PONG");
});
