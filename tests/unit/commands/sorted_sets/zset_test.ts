import { assert, assertEquals } from "@std/assert";
import { Key } from "../../../../src/keyspace/key.ts";
import {
  type InProcessClient,
  type InProcessServer,
  PENDING,
  startInProcess,
} from "../../../support/in_process.ts";
import { type Reply, ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** Sends a command written as one line. */
function send(c: InProcessClient, line: string): Reply | typeof PENDING {
  return c.send(...line.split(" "));
}

/** The text of an error reply. */
function failure(c: InProcessClient, line: string): string {
  const reply = send(c, line);
  assert(reply instanceof ReplyFailure, `${line}: not an error`);
  return reply.message;
}

/** Records keyspace events but misses as `event key`. */
function recordEvents(s: InProcessServer): string[] {
  const events: string[] = [];
  s.engine.keys.notify = (_class, event, key) => {
    if (event !== "keymiss") events.push(`${event} ${key.text}`);
  };
  return events;
}

function exists(s: InProcessServer, key: string): boolean {
  return s.engine.databases[0]!.find(Key.of(key)) !== 0;
}

/** A client whose server has the letters a to e with the scores 1 to 5 at `k`. */
function letters(s: InProcessServer, resp: 2 | 3 = 2): InProcessClient {
  const c = s.client();
  c.client.reply.resp = resp;
  send(c, "ZADD k 1 a 2 b 3 c 4 d 5 e");
  s.propagated();
  s.engine.dirty = 0;
  return c;
}

const wrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";

Deno.test("ZADD adds, changes and counts as its options say", () => {
  using s = startInProcess();
  const c = s.client(), events = recordEvents(s);
  assertEquals(send(c, "ZADD k 1 a 2 b"), 2);
  assertEquals(send(c, "ZADD k CH 1 a 3 b 9 c"), 2);
  assertEquals(send(c, "ZADD k NX CH 7 a 7 d"), 1);
  assertEquals(send(c, "ZADD k XX CH 2 a 7 x"), 1);
  assertEquals(send(c, "ZADD k GT CH 1 a 4 b"), 1);
  assertEquals(send(c, "ZADD k LT CH 1 a 5 b"), 1);
  assertEquals(send(c, "ZRANGE k 0 -1 WITHSCORES"), ["a", "1", "b", "4", "d", "7", "c", "9"]);
  assertEquals(send(c, "ZADD missing XX 1 a"), 0);
  assertEquals(exists(s, "missing"), false);
  assertEquals(events, ["new k", "zadd k", "zadd k", "zadd k", "zadd k", "zadd k", "zadd k"]);
  assertEquals(s.propagated().length, 6);
  assertEquals(s.engine.dirty, 8);
});

Deno.test("ZADD INCR replies the score, or nothing where an option forbids it", () => {
  using s = startInProcess();
  const c = letters(s);
  assertEquals(send(c, "ZADD k INCR 2.5 a"), "3.5");
  assertEquals(send(c, "ZADD k NX INCR 1 a"), null);
  assertEquals(send(c, "ZADD k XX INCR 1 x"), null);
  assertEquals(send(c, "ZADD k GT INCR -1 a"), null);
  assertEquals(send(c, "ZADD k INCR inf a"), "inf");
  assertEquals(failure(c, "ZADD k INCR -inf a"), "ERR resulting score is not a number (NaN)");
});

Deno.test("ZADD refuses what is wrong before it changes anything", () => {
  using s = startInProcess();
  const c = letters(s);
  assertEquals(failure(c, "ZADD k 1 x nan y"), "ERR value is not a valid float");
  assertEquals(failure(c, "ZADD k 1 x 2"), "ERR syntax error");
  assertEquals(failure(c, "ZADD k NX CH"), "ERR syntax error");
  assertEquals(failure(c, "ZADD k NX XX 1 x"), "ERR XX and NX options at the same time are not compatible");
  for (const options of ["GT LT", "NX GT", "LT NX"]) {
    const expected = "ERR GT, LT, and/or NX options at the same time are not compatible";
    assertEquals(failure(c, `ZADD k ${options} 1 x`), expected);
  }
  assertEquals(failure(c, "ZADD k INCR 1 x 2 y"), "ERR INCR option supports a single increment-element pair");
  assertEquals(send(c, "ZCARD k"), 5);
  send(c, "SET text v");
  assertEquals(failure(c, "ZADD text 1 a"), wrongType);
  assertEquals(s.propagated(), ["SET text v"]);
});

Deno.test("ZINCRBY begins at 0 and sends the event zincr", () => {
  using s = startInProcess();
  const c = s.client(), events = recordEvents(s);
  assertEquals([send(c, "ZINCRBY k 1.5 a"), send(c, "ZINCRBY k 1 a")], ["1.5", "2.5"]);
  assertEquals(events, ["new k", "zincr k", "zincr k"]);
});

Deno.test("ZREM removes the set with its last member", () => {
  using s = startInProcess();
  const c = letters(s), events = recordEvents(s);
  assertEquals([send(c, "ZREM k a x b"), send(c, "ZCARD k"), s.engine.dirty], [2, 3, 2]);
  assertEquals([send(c, "ZREM k c d e a"), exists(s, "k"), send(c, "ZREM k a")], [3, false, 0]);
  assertEquals(events, ["zrem k", "zrem k", "del k"]);
  assertEquals(s.propagated(), ["ZREM k a x b", "ZREM k c d e a"]);
});

Deno.test("ZSCORE and ZMSCORE reply doubles in RESP3 and nothing for what is missing", () => {
  using s = startInProcess();
  const c = letters(s);
  assertEquals([send(c, "ZSCORE k b"), send(c, "ZSCORE k x"), send(c, "ZSCORE missing b")], [
    "2",
    null,
    null,
  ]);
  assertEquals(send(c, "ZMSCORE k e x a"), ["5", null, "1"]);
  assertEquals(send(c, "ZMSCORE missing a"), [null]);
  assertEquals(send(letters(s, 3), "ZMSCORE k e x"), [5, null]);
});

Deno.test("ZRANK and ZREVRANK count from either end, with the score if asked", () => {
  using s = startInProcess();
  const c = letters(s);
  assertEquals([send(c, "ZRANK k b"), send(c, "ZREVRANK k b"), send(c, "ZRANK k x")], [1, 3, null]);
  assertEquals(send(c, "ZRANK k b WITHSCORE"), [1, "2"]);
  assertEquals(send(c, "ZREVRANK k b WITHSCORE"), [3, "2"]);
  assertEquals(send(c, "ZRANK k x WITHSCORE"), null);
  assertEquals(failure(c, "ZRANK k b WITHSCORES"), "ERR syntax error");
  assertEquals(failure(c, "ZRANK k b WITHSCORE x"), "ERR wrong number of arguments for 'zrank' command");
  assertEquals(send(letters(s, 3), "ZRANK k e WITHSCORE"), [4, 5]);
});

Deno.test("ZRANGE by rank takes negative indexes and REV", () => {
  using s = startInProcess();
  const c = letters(s);
  assertEquals(send(c, "ZRANGE k 1 2"), ["b", "c"]);
  assertEquals(send(c, "ZRANGE k -2 -1"), ["d", "e"]);
  assertEquals(send(c, "ZRANGE k 0 1 REV"), ["e", "d"]);
  assertEquals(send(c, "ZREVRANGE k 3 100"), ["b", "a"]);
  assertEquals([send(c, "ZRANGE k 3 1"), send(c, "ZRANGE k 5 9"), send(c, "ZRANGE k -9 -6")], [[], [], []]);
  assertEquals(send(c, "ZRANGE missing 0 -1"), []);
});

Deno.test("ZRANGE WITHSCORES is flat in RESP2 and in pairs in RESP3", () => {
  using s = startInProcess();
  assertEquals(send(letters(s), "ZRANGE k 0 1 WITHSCORES"), ["a", "1", "b", "2"]);
  assertEquals(send(letters(s, 3), "ZRANGE k 0 1 WITHSCORES"), [["a", 1], ["b", 2]]);
});

Deno.test("ZRANGE BYSCORE takes excluded and infinite ends, LIMIT and REV", () => {
  using s = startInProcess();
  const c = letters(s);
  assertEquals(send(c, "ZRANGE k (1 3 BYSCORE"), ["b", "c"]);
  assertEquals(send(c, "ZRANGE k -inf (3 BYSCORE"), ["a", "b"]);
  assertEquals(send(c, "ZRANGE k +inf (3 BYSCORE REV"), ["e", "d"]);
  assertEquals(send(c, "ZRANGE k 1 5 BYSCORE LIMIT 1 2"), ["b", "c"]);
  assertEquals(send(c, "ZREVRANGEBYSCORE k 5 1 LIMIT 1 2"), ["d", "c"]);
  assertEquals(send(c, "ZRANGEBYSCORE k 2 inf LIMIT 2 -1"), ["d", "e"]);
  assertEquals(send(c, "ZRANGEBYSCORE k 1 5 LIMIT -1 2"), []);
  assertEquals(send(c, "ZRANGEBYSCORE k 1 5 WITHSCORES LIMIT 4 10"), ["e", "5"]);
  assertEquals(failure(c, "ZRANGEBYSCORE k x 5"), "ERR min or max is not a float");
});

Deno.test("ZRANGE BYLEX takes all forms of ends", () => {
  using s = startInProcess();
  const c = s.client();
  send(c, "ZADD k 0 a 0 b 0 c 0 d 0 e");
  assertEquals(send(c, "ZRANGE k [b (d BYLEX"), ["b", "c"]);
  assertEquals(send(c, "ZRANGEBYLEX k - [b"), ["a", "b"]);
  assertEquals(send(c, "ZREVRANGEBYLEX k + (c LIMIT 1 1"), ["d"]);
  assertEquals([send(c, "ZLEXCOUNT k - +"), send(c, "ZLEXCOUNT k + -"), send(c, "ZLEXCOUNT k (a [b")], [
    5,
    0,
    1,
  ]);
  assertEquals(failure(c, "ZRANGEBYLEX k a [b"), "ERR min or max not valid string range item");
});

Deno.test("ZRANGE refuses options that do not go together", () => {
  using s = startInProcess();
  const c = letters(s);
  assertEquals(
    failure(c, "ZRANGE k 0 1 LIMIT 0 1"),
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
  );
  assertEquals(
    failure(c, "ZRANGE k - + BYLEX WITHSCORES"),
    "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
  );
  assertEquals(failure(c, "ZREVRANGE k 0 1 REV"), "ERR syntax error");
  assertEquals(failure(c, "ZRANGE k a b"), "ERR value is not an integer or out of range");
});

Deno.test("ZRANGESTORE stores a range, and removes the key if there is none", () => {
  using s = startInProcess();
  const c = letters(s), events = recordEvents(s);
  assertEquals(send(c, "ZRANGESTORE d k 3 1 BYSCORE REV LIMIT 0 2"), 2);
  assertEquals(send(c, "ZRANGE d 0 -1 WITHSCORES"), ["b", "2", "c", "3"]);
  assertEquals(send(c, "ZRANGESTORE d k 7 8"), 0);
  assertEquals([exists(s, "d"), send(c, "ZRANGESTORE d missing 0 1")], [false, 0]);
  assertEquals(events, ["new d", "zrangestore d", "del d"]);
  assertEquals(s.propagated(), ["ZRANGESTORE d k 3 1 BYSCORE REV LIMIT 0 2", "ZRANGESTORE d k 7 8"]);
});

Deno.test("ZCOUNT counts between scores", () => {
  using s = startInProcess();
  const c = letters(s);
  assertEquals([send(c, "ZCOUNT k 2 4"), send(c, "ZCOUNT k (2 (4"), send(c, "ZCOUNT k 4 2")], [3, 1, 0]);
  assertEquals(send(c, "ZCOUNT missing -inf +inf"), 0);
});

Deno.test("ZREMRANGEBYRANK, -BYSCORE and -BYLEX remove ranges, and the set with its last member", () => {
  using s = startInProcess();
  const c = letters(s), events = recordEvents(s);
  assertEquals([send(c, "ZREMRANGEBYRANK k 0 0"), send(c, "ZREMRANGEBYSCORE k (2 3")], [1, 1]);
  assertEquals(send(c, "ZRANGE k 0 -1"), ["b", "d", "e"]);
  assertEquals([send(c, "ZREMRANGEBYLEX k [x +"), send(c, "ZREMRANGEBYRANK k 5 9")], [0, 0]);
  assertEquals([send(c, "ZREMRANGEBYRANK k 0 -1"), exists(s, "k"), s.engine.dirty], [3, false, 5]);
  assertEquals(events, ["zremrangebyrank k", "zremrangebyscore k", "zremrangebyrank k", "del k"]);
  assertEquals(s.propagated(), [
    "ZREMRANGEBYRANK k 0 0",
    "ZREMRANGEBYSCORE k (2 3",
    "ZREMRANGEBYRANK k 0 -1",
  ]);
});

Deno.test("ZUNION, ZINTER and ZDIFF combine scores, weights and plain sets", () => {
  using s = startInProcess();
  const c = s.client();
  send(c, "ZADD x 1 a 2 b");
  send(c, "ZADD y 10 b 20 c");
  send(c, "SADD z b d");
  assertEquals(send(c, "ZUNION 3 x y z WITHSCORES"), ["a", "1", "d", "1", "b", "13", "c", "20"]);
  assertEquals(send(c, "ZUNION 2 x y WEIGHTS 2 -1 WITHSCORES"), ["c", "-20", "b", "-6", "a", "2"]);
  assertEquals(send(c, "ZUNION 2 x y AGGREGATE max WITHSCORES"), ["a", "1", "b", "10", "c", "20"]);
  assertEquals(send(c, "ZINTER 3 x y z AGGREGATE MIN WITHSCORES"), ["b", "1"]);
  assertEquals(send(c, "ZINTER 2 x missing"), []);
  assertEquals(send(c, "ZDIFF 2 x z WITHSCORES"), ["a", "1"]);
  assertEquals(send(c, "ZDIFF 2 x x"), []);
});

Deno.test("ZUNION takes infinity times 0 and infinity minus infinity for 0", () => {
  using s = startInProcess();
  const c = s.client();
  send(c, "ZADD x inf a inf b");
  send(c, "ZADD y -inf a");
  assertEquals(send(c, "ZUNION 2 x y WITHSCORES"), ["a", "0", "b", "inf"]);
  assertEquals(send(c, "ZUNION 1 x WEIGHTS 0 WITHSCORES"), ["a", "0", "b", "0"]);
});

Deno.test("ZUNIONSTORE, ZINTERSTORE and ZDIFFSTORE replace what was there, or remove it", () => {
  using s = startInProcess();
  const c = s.client();
  send(c, "ZADD x 1 a 2 b");
  send(c, "ZADD y 10 b");
  send(c, "SET d text");
  const events = recordEvents(s);
  assertEquals(send(c, "ZUNIONSTORE d 2 x y"), 2);
  assertEquals(send(c, "ZINTERSTORE x 2 x y"), 1);
  assertEquals(send(c, "ZRANGE x 0 -1 WITHSCORES"), ["b", "12"]);
  assertEquals(send(c, "ZDIFFSTORE d 2 d d"), 0);
  assertEquals(exists(s, "d"), false);
  assertEquals(events, ["zunionstore d", "zinterstore x", "del d"]);
});

Deno.test("ZUNION and its kin refuse bad numbers of keys, options and types", () => {
  using s = startInProcess();
  const c = letters(s);
  assertEquals(failure(c, "ZUNION 0 k"), "ERR at least 1 input key is needed for 'zunion' command");
  assertEquals(failure(c, "ZUNION 3 k k"), "ERR syntax error");
  assertEquals(failure(c, "ZUNION 1 k WEIGHTS x"), "ERR weight value is not a float");
  assertEquals(failure(c, "ZUNION 1 k AGGREGATE AVG"), "ERR syntax error");
  assertEquals(failure(c, "ZDIFF 1 k WEIGHTS 1"), "ERR syntax error");
  assertEquals(failure(c, "ZUNIONSTORE d 1 k WITHSCORES"), "ERR syntax error");
  send(c, "SET text v");
  assertEquals(failure(c, "ZINTER 2 k text"), wrongType);
});

Deno.test("ZINTERCARD stops counting at LIMIT", () => {
  using s = startInProcess();
  const c = letters(s);
  assertEquals([send(c, "ZINTERCARD 2 k k"), send(c, "ZINTERCARD 2 k k LIMIT 2")], [5, 2]);
  assertEquals([send(c, "ZINTERCARD 2 k k LIMIT 0"), send(c, "ZINTERCARD 2 k missing")], [5, 0]);
  assertEquals(failure(c, "ZINTERCARD 1 k LIMIT -1"), "ERR LIMIT can't be negative");
});

Deno.test("ZPOPMIN and ZPOPMAX take from either end", () => {
  using s = startInProcess();
  const c = letters(s), events = recordEvents(s);
  assertEquals(send(c, "ZPOPMIN k"), ["a", "1"]);
  assertEquals(send(c, "ZPOPMAX k 2"), ["e", "5", "d", "4"]);
  assertEquals([send(c, "ZPOPMIN k 0"), send(c, "ZPOPMIN missing")], [[], []]);
  assertEquals(send(c, "ZPOPMIN k 10"), ["b", "2", "c", "3"]);
  assertEquals(events, ["zpopmin k", "zpopmax k", "zpopmin k", "del k"]);
  assertEquals(failure(c, "ZPOPMIN k -1"), "ERR value is out of range, must be positive");
  assertEquals(s.propagated(), ["ZPOPMIN k", "ZPOPMAX k 2", "ZPOPMIN k 10"]);
});

Deno.test("ZPOPMIN with a count replies pairs in RESP3", () => {
  using s = startInProcess();
  const c = letters(s, 3);
  assertEquals([send(c, "ZPOPMIN k"), send(c, "ZPOPMIN k 2")], [["a", 1], [["b", 2], ["c", 3]]]);
});

Deno.test("ZMPOP pops from the first key that exists and is propagated as ZPOPMIN or ZPOPMAX", () => {
  using s = startInProcess();
  const c = letters(s);
  assertEquals(send(c, "ZMPOP 2 missing k MIN"), ["k", [["a", "1"]]]);
  assertEquals(send(c, "ZMPOP 1 k MAX COUNT 9"), ["k", [["e", "5"], ["d", "4"], ["c", "3"], ["b", "2"]]]);
  assertEquals(send(c, "ZMPOP 1 k MAX"), null);
  assertEquals(s.propagated(), ["ZPOPMIN k 1", "ZPOPMAX k 4"]);
  assertEquals(failure(c, "ZMPOP 0 k MIN"), "ERR numkeys should be greater than 0");
  assertEquals(failure(c, "ZMPOP 1 k MIN COUNT 0"), "ERR count should be greater than 0");
  assertEquals(failure(c, "ZMPOP 1 k LOW"), "ERR syntax error");
  assertEquals(failure(c, "ZMPOP 1 k MIN COUNT 1 COUNT 1"), "ERR syntax error");
});

Deno.test("BZPOPMIN hands members to those who have waited longest", () => {
  using s = startInProcess();
  const first = s.client(), second = s.client(), c = s.client();
  assertEquals(send(first, "BZPOPMIN q r 0"), PENDING);
  assertEquals(send(second, "BZPOPMAX q 0"), PENDING);
  assertEquals(send(c, "ZADD q 1 a 2 b 3 c"), 3);
  assertEquals([first.received(), second.received()], [[["q", "a", "1"]], [["q", "c", "3"]]]);
  assertEquals(send(c, "ZRANGE q 0 -1"), ["b"]);
  assertEquals(s.propagated(), ["ZADD q 1 a 2 b 3 c", "ZPOPMIN q", "ZPOPMAX q"]);
});

Deno.test("BZPOPMIN pops at once, times out, and leaves keys of other types alone", () => {
  using s = startInProcess();
  const c = letters(s), waiting = s.client();
  assertEquals(send(c, "BZPOPMIN missing k 0"), ["k", "a", "1"]);
  assertEquals(send(waiting, "BZPOPMIN q 0.2"), PENDING);
  send(c, "RPUSH q x");
  s.advance(199);
  assertEquals(waiting.received(), []);
  s.advance(1);
  assertEquals(waiting.received(), [null]);
  assertEquals(failure(c, "BZPOPMIN k -1"), "ERR timeout is negative");
  assertEquals(failure(c, "BZPOPMIN k soon"), "ERR timeout is not a float or out of range");
  assertEquals(failure(c, "BZPOPMIN q 0"), wrongType);
});

Deno.test("BZMPOP waits for several members of several keys", () => {
  using s = startInProcess();
  const waiting = s.client(), c = s.client();
  assertEquals(send(waiting, "BZMPOP 0 2 q r MAX COUNT 2"), PENDING);
  send(c, "ZADD r 1 a 2 b 3 c");
  assertEquals(waiting.received(), [["r", [["c", "3"], ["b", "2"]]]]);
  assertEquals(s.propagated(), ["ZADD r 1 a 2 b 3 c", "ZPOPMAX r 2"]);
});

Deno.test("ZRANDMEMBER picks one, several different or repeated members", () => {
  using s = startInProcess();
  const c = letters(s);
  assert("abcde".includes(String(send(c, "ZRANDMEMBER k"))));
  assertEquals([send(c, "ZRANDMEMBER missing"), send(c, "ZRANDMEMBER missing 3")], [null, []]);
  for (const count of [1, 3, 4, 5]) {
    const picked = send(c, `ZRANDMEMBER k ${count}`);
    assert(Array.isArray(picked) && picked.length === count && new Set(picked).size === count);
  }
  assertEquals((send(c, "ZRANDMEMBER k -20") as Reply[]).length, 20);
  assertEquals((send(c, "ZRANDMEMBER k 100 WITHSCORES") as Reply[]).length, 10);
  assertEquals(send(c, "ZRANDMEMBER k 0"), []);
  assertEquals(failure(c, "ZRANDMEMBER k 1 x"), "ERR syntax error");
  assertEquals(failure(c, "ZRANDMEMBER k -4611686018427387905 WITHSCORES"), "ERR value is out of range");
});

Deno.test("ZRANDMEMBER chooses all members equally often", () => {
  using s = startInProcess({ seed: 3 });
  const c = letters(s), hits = new Map<Reply, number>();
  for (let i = 0; i < 1000; i++) {
    for (const member of send(c, "ZRANDMEMBER k 2") as Reply[]) hits.set(member, (hits.get(member) ?? 0) + 1);
  }
  for (const count of hits.values()) assert(Math.abs(count - 400) < 80, `seed 3, ${[...hits]}`);
});

Deno.test("ZSCAN goes through a large set by cursor, with MATCH", () => {
  using s = startInProcess();
  const c = s.client();
  for (let i = 0; i < 300; i++) send(c, `ZADD k ${i} m${i}`);
  const seen = new Set<Reply>();
  let cursor = "0";
  do {
    const [next, found] = send(c, `ZSCAN k ${cursor} COUNT 20`) as [string, Reply[]];
    assert(found.length < 300, `${found.length / 2} at once`);
    for (let i = 0; i < found.length; i += 2) {
      assertEquals(found[i], `m${String(found[i + 1])}`);
      seen.add(found[i]!);
    }
    cursor = next;
  } while (cursor !== "0");
  assertEquals(seen.size, 300);
  const [, matching] = send(c, "ZSCAN k 0 COUNT 1000 MATCH m29?") as [string, Reply[]];
  assertEquals(matching.length, 20);
  assertEquals(send(c, "ZSCAN missing 0"), ["0", []]);
});

Deno.test("ZUNION, ZINTER and their STORE forms weigh scores, and take their sum, minimum or maximum", () => {
  using s = startInProcess();
  const c = s.client();
  send(c, "ZADD a 1 x 2 y 3 z");
  send(c, "ZADD b 10 y 20 z 30 w");
  const results: [string, string, string][] = [
    ["ZUNION", "2 a b AGGREGATE SUM", "x 1 y 12 z 23 w 30"],
    ["ZUNION", "2 a b AGGREGATE MIN", "x 1 y 2 z 3 w 30"],
    ["ZUNION", "2 a b AGGREGATE MAX", "x 1 y 10 z 20 w 30"],
    ["ZUNION", "2 a b WEIGHTS 2 -1", "w -30 z -14 y -6 x 2"],
    ["ZINTER", "2 a b WEIGHTS 2 3 AGGREGATE SUM", "y 34 z 66"],
    ["ZINTER", "2 a b AGGREGATE MAX", "y 10 z 20"],
    ["ZINTER", "2 a b AGGREGATE MIN WEIGHTS 20 1", "y 10 z 20"],
  ];
  for (const [name, rest, expected] of results) {
    assertEquals(send(c, `${name} ${rest} WITHSCORES`), expected.split(" "), `${name} ${rest}`);
    assertEquals(send(c, `${name}STORE d ${rest}`), expected.split(" ").length / 2);
    assertEquals(send(c, "ZRANGE d 0 -1 WITHSCORES"), expected.split(" "), `${name}STORE d ${rest}`);
  }
});

Deno.test("the older names of ZRANGE take WITHSCORES and LIMIT, and ZRANGESTORE every kind of range", () => {
  using s = startInProcess();
  const c = s.client();
  send(c, "ZADD k 1 x 2 y 3 z");
  send(c, "ZADD same 0 a 0 b 0 c 0 d");
  assertEquals(send(c, "ZREVRANGE k 0 1 WITHSCORES"), ["z", "3", "y", "2"]);
  assertEquals(send(c, "ZRANGEBYSCORE k 2 3 WITHSCORES LIMIT 1 5"), ["z", "3"]);
  assertEquals(send(c, "ZREVRANGEBYSCORE k 3 2 WITHSCORES LIMIT 0 1"), ["z", "3"]);
  assertEquals(send(c, "ZRANGEBYLEX same - + LIMIT 1 2"), ["b", "c"]);
  assertEquals(send(c, "ZREVRANGEBYLEX same (d [a LIMIT 0 -1"), ["c", "b", "a"]);
  const stored: [string, string[]][] = [
    ["ZRANGESTORE d same 1 2", ["b", "c"]],
    ["ZRANGESTORE d k (1 +inf BYSCORE LIMIT 0 1", ["y"]],
    ["ZRANGESTORE d same [b (d BYLEX", ["b", "c"]],
    ["ZRANGESTORE d same + (b BYLEX REV LIMIT 1 5", ["c"]],
    ["ZRANGESTORE d k 9 10", []],
  ];
  for (const [line, members] of stored) {
    assertEquals([send(c, line), send(c, "ZRANGE d 0 -1")], [members.length, members], line);
  }
});

Deno.test("BZMPOP takes the lowest or highest of the first key that has any, and waits for one", () => {
  using s = startInProcess();
  const c = s.client(), waiting = s.client();
  send(c, "ZADD b 1 x 2 y 3 z");
  assertEquals(send(c, "BZMPOP 1 2 a b MIN COUNT 2"), ["b", [["x", "1"], ["y", "2"]]]);
  assertEquals(send(c, "BZMPOP 1 1 b MAX"), ["b", [["z", "3"]]]);
  assertEquals(send(waiting, "BZMPOP 0 2 a b MIN"), PENDING);
  s.propagated();
  send(c, "ZADD a 5 v 4 u");
  assertEquals(waiting.received(), [["a", [["u", "4"]]]]);
  assertEquals(s.propagated(), ["ZADD a 5 v 4 u", "ZPOPMIN a 1"]);
});
