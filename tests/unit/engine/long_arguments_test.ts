/** Elements that are longer than a text can be, and errors in the middle of handlers: neither leaves anything behind. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { defaultLimits } from "../../../src/data/limits.ts";
import { datasetDigest } from "../../../src/commands/server/digest.ts";
import { ListValue } from "../../../src/data/list.ts";
import { StreamValue } from "../../../src/data/stream.ts";
import { dumpValue, restoreValue } from "../../../src/persistence/rdb/dump.ts";
import { Key } from "../../../src/keyspace/key.ts";
import { RdbError } from "../../../src/persistence/rdb/rdb_input.ts";
import { bytesOf, longestText } from "../../../src/util/bytes.ts";
import { startInProcess } from "../../support/in_process.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";

const LIMIT = 1000;
const long = "x".repeat(LIMIT + 1);
const TOO_LONG = new ReplyFailure(
  "ERR a key, or an element of a collection, cannot be longer than 536870888 bytes",
);

/** Texts may be no longer than this until the end of the test. */
function shorterTexts(): Disposable {
  const usual = longestText.characters;
  longestText.characters = LIMIT;
  return { [Symbol.dispose]: () => longestText.characters = usual };
}

/** A command that writes a long element, behind short ones; the first argument is the key. */
const commands: string[][] = [
  ["SADD", "set", "a", long],
  ["SMOVE", "set", "other", long],
  ["ZADD", "zset", "1", "a", "2", long],
  ["ZINCRBY", "zset", "1", long],
  ["GEOADD", "zset", "1", "1", "a", "2", "2", long],
  ["HSET", "hash", "a", "1", "b", long],
  ["HSET", "hash", "a", "1", long, "2"],
  ["HSETNX", "hash", "a", long],
  ["HINCRBY", "hash", long, "1"],
  ["HINCRBYFLOAT", "hash", long, "1"],
  ["XADD", "stream", "*", "a", "1", "b", long],
  ["XGROUP", "CREATE", "stream", long, "$", "MKSTREAM"],
  ["PFADD", "sketch", "a", long],
  ["RPUSH", long, "a"],
  ["SET", long, "a"],
  ["MSET", "a", "1", long, "2"],
];

Deno.test("an element that is too long is refused and makes no key", () => {
  using s = startInProcess();
  using _ = shorterTexts();
  for (const command of commands) {
    const c = s.client();
    assertEquals(c.send(...command), TOO_LONG, command[0]);
    assertEquals(c.send("DBSIZE"), 0, command[0]);
  }
  assertEquals(s.propagated(), []);
});

Deno.test("an element that is too long leaves what there is as it was, in transactions and scripts too", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("RPUSH", "list", "old");
  c.send("SADD", "set", "old");
  c.send("ZADD", "zset", "1", "old");
  c.send("HSET", "hash", "old", "1");
  c.send("XADD", "stream", "1-1", "old", "1");
  const digest = datasetDigest(s.engine.databases);
  s.propagated();
  using _ = shorterTexts();
  for (const command of commands) {
    assertEquals(c.send(...command), TOO_LONG, command[0]);
    c.send("MULTI");
    c.send(...command);
    assertEquals(c.send("EXEC"), [TOO_LONG], command[0]);
    const words = command.map((_, i) => `ARGV[${i + 1}]`).join(",");
    const inScript = c.send("EVAL", `return redis.pcall(${words})`, "0", ...command);
    assertStringIncludes((inScript as ReplyFailure).message, "cannot be longer");
  }
  assertEquals(datasetDigest(s.engine.databases), digest);
  assertEquals(s.propagated(), []);
});

Deno.test("values of strings may be longer than any text", () => {
  using s = startInProcess();
  const c = s.client();
  // The sink of the tests makes texts of what is propagated.
  s.engine.propagation.sinks.splice(0);
  using _ = shorterTexts();
  assertEquals(c.send("SET", "a", long), "OK");
  assertEquals(c.send("MSET", "b", long, "c", long), "OK");
  assertEquals(c.send("APPEND", "a", long), 2 * long.length);
  assertEquals(c.send("SETRANGE", "b", "10", long), long.length + 10);
  assertEquals([c.send("STRLEN", "a"), c.send("GETRANGE", "c", "0", "2")], [2 * long.length, "xxx"]);
});

Deno.test("elements of lists may be longer than any text", () => {
  using s = startInProcess();
  const c = s.client(), [database] = s.engine.databases;
  s.engine.propagation.sinks.splice(0);
  c.send("RPUSH", "list", "old", "a");
  {
    using _ = shorterTexts();
    const pushed = [["LPUSH", "list", long], ["LINSERT", "list", "AFTER", "old", long], [
      "RPUSHX",
      "list",
      long,
    ]];
    assertEquals(pushed.map((command) => c.send(...command)), [3, 4, 5]);
    assertEquals([c.send("LSET", "list", "-2", long), c.send("LPOS", "list", long, "COUNT", "0")], [
      "OK",
      [0, 2, 3, 4],
    ]);
    c.send("CLIENT", "REPLY", "OFF");
    c.send("LMOVE", "list", "other", "LEFT", "RIGHT");
    c.send("RPOP", "list");
    c.send("LRANGE", "list", "0", "-1");
    c.send("CLIENT", "REPLY", "ON");
    assertEquals([c.send("COPY", "list", "twin"), c.send("LREM", "list", "1", long)], [1, 1]);
    const twin = restoreValue(
      dumpValue(database!.collectionOf(database!.find(Key.of("twin")))),
      defaultLimits(),
    );
    assertEquals(twin instanceof ListValue && twin.size, 3);
  }
  assertEquals(c.send("LRANGE", "twin", "0", "-1"), ["old", long, long]);
  assertEquals(c.send("LRANGE", "list", "0", "-1"), ["old", long]);
  assertEquals(c.send("LPOP", "other"), long);
});

Deno.test("RESTORE refuses a value with an element that is too long", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SADD", "set", "a", long);
  const payload = c.send("DUMP", "set") as string;
  using _ = shorterTexts();
  assertEquals(c.send("RESTORE", "copy", "0", payload), new ReplyFailure("ERR Bad data format"));
  assertEquals(c.send("EXISTS", "copy"), 0);
  const error = assertThrows(() => restoreValue(bytesOf(payload), defaultLimits()), RdbError);
  assertStringIncludes(error.message, "more than the 1000 of the longest element");
});

/** Lets a method fail, as a fault in this program would, until the end of the test. */
function failing<T, K extends keyof T>(prototype: T, method: K): Disposable {
  const usual = prototype[method];
  prototype[method] = (() => {
    throw new Error("a fault");
  }) as T[K];
  return { [Symbol.dispose]: () => prototype[method] = usual };
}

Deno.test("a fault in the middle of a handler leaves no empty collection", () => {
  using s = startInProcess();
  const c = s.client();
  const isInternal = (reply: unknown) =>
    assertStringIncludes((reply as ReplyFailure).message, "ERR internal error in");
  using _ = failing(ListValue.prototype, "push");
  using __ = failing(StreamValue.prototype, "createGroup");
  isInternal(c.send("RPUSH", "list", "a"));
  isInternal(c.send("XGROUP", "CREATE", "stream", "g", "$", "MKSTREAM"));
  c.send("MULTI");
  c.send("RPUSH", "list", "a");
  isInternal((c.send("EXEC") as unknown[])[0]);
  isInternal(c.send("EVAL", "return redis.pcall('RPUSH', 'list', 'a')", "0"));
  assertEquals([c.send("EXISTS", "list", "stream"), c.send("DBSIZE")], [0, 0]);
});

Deno.test("a stream that is empty is kept where that is meant", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("XGROUP", "CREATE", "stream", "g", "$", "MKSTREAM"), "OK");
  assertStringIncludes(
    (c.send("XGROUP", "CREATE", "stream", "g", "$", "MKSTREAM") as ReplyFailure).message,
    "BUSYGROUP",
  );
  assertEquals(c.send("EXISTS", "stream"), 1);
});
