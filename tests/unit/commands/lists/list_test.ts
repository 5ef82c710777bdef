import { assert, assertEquals } from "@std/assert";
import { Key } from "../../../../src/keyspace/key.ts";
import { type InProcessServer, PENDING, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const wrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
const notInteger = "ERR value is not an integer or out of range";
const syntaxError = "ERR syntax error";

/** A server with one client, whose commands are written as one line; an error comes back as its text. */
function start() {
  const server = startInProcess();
  const client = server.client();
  const run = (line: string) => {
    const reply = client.send(...line.split(" "));
    return reply instanceof ReplyFailure ? reply.message : reply;
  };
  return { server, client, run, [Symbol.dispose]: () => server[Symbol.dispose]() };
}

function exists(server: InProcessServer, key: string): boolean {
  return server.engine.databases[0]!.find(Key.of(key)) !== 0;
}

/** The keyspace events that `action` sends, as `event key`. */
function eventsOf(server: InProcessServer, action: () => void): string[] {
  const subscriber = server.client();
  server.engine.keys.notifyFlags = ~0;
  subscriber.send("PSUBSCRIBE", "__keyevent@0__:*");
  subscriber.received();
  action();
  return subscriber.received().map((message) => {
    assert(Array.isArray(message));
    return `${String(message[2]).slice("__keyevent@0__:".length)} ${message[3]}`;
  });
}

/** Makes the list `q` of a number of elements `e0`, `e1`, … */
function fill(run: (line: string) => unknown, count: number, key = "q"): string[] {
  const texts = Array.from({ length: count }, (_, i) => `e${i}`);
  run(`RPUSH ${key} ${texts.join(" ")}`);
  return texts;
}

Deno.test("LPUSH and RPUSH add in the order given and reply the length", () => {
  using s = start();
  assertEquals(s.run("RPUSH q a b"), 2);
  assertEquals(s.run("LPUSH q c d"), 4);
  assertEquals(s.run("LRANGE q 0 -1"), ["d", "c", "a", "b"]);
  assertEquals(s.server.propagated(), ["RPUSH q a b", "LPUSH q c d"]);
  assertEquals(s.server.engine.dirty, 4);
});

Deno.test("LPUSHX and RPUSHX leave a missing key missing", () => {
  using s = start();
  assertEquals([s.run("LPUSHX q a"), s.run("RPUSHX q a"), exists(s.server, "q")], [0, 0, false]);
  s.run("RPUSH q m");
  assertEquals([s.run("LPUSHX q b a"), s.run("RPUSHX q y z")], [3, 5]);
  assertEquals(s.run("LRANGE q 0 -1"), ["a", "b", "m", "y", "z"]);
});

Deno.test("every list command refuses a key of another type", () => {
  using s = start();
  s.run("SET k x");
  s.run("RPUSH q a");
  const lines = [
    ..."LPUSH RPUSH LPUSHX RPUSHX".split(" ").map((name) => `${name} k a`),
    ...["LPOP k", "RPOP k 2", "LLEN k", "LINDEX k 0", "LSET k 0 a", "LRANGE k 0 1", "LTRIM k 0 1"],
    ...["LINSERT k BEFORE a b", "LREM k 0 a", "LPOS k a", "LMOVE k q LEFT LEFT", "LMOVE q k LEFT LEFT"],
    ...["RPOPLPUSH k q", "RPOPLPUSH q k", "LMPOP 1 k LEFT", "BLPOP k 0", "BRPOP k 0", "BLMPOP 0 1 k LEFT"],
    ...["BLMOVE k q LEFT LEFT 0", "BLMOVE q k LEFT LEFT 0", "BRPOPLPUSH k q 0"],
  ];
  for (const line of lines) assertEquals(s.run(line), wrongType, line);
  assertEquals(s.run("LRANGE q 0 -1"), ["a"]);
});

Deno.test("LPOP and RPOP take one element, or as many as told in the order they leave", () => {
  using s = start();
  fill(s.run, 6);
  assertEquals([s.run("LPOP q"), s.run("RPOP q")], ["e0", "e5"]);
  assertEquals([s.run("LPOP q 2"), s.run("RPOP q 9")], [["e1", "e2"], ["e4", "e3"]]);
  assertEquals(exists(s.server, "q"), false);
  assertEquals(s.server.engine.dirty, 12);
});

Deno.test("LPOP of a missing key is a null or a null array; a count of 0 an empty one", () => {
  using s = start();
  assertEquals(
    s.client.raw(new TextEncoder().encode("LPOP q\r\nLPOP q 2\r\nLPOP q 0\r\n")),
    "$-1\r\n*-1\r\n*-1\r\n",
  );
  fill(s.run, 2);
  assertEquals([s.run("LPOP q 0"), s.run("LLEN q")], [[], 2]);
  for (const line of ["LPOP q -1", "RPOP q x"]) {
    assertEquals(s.run(line), "ERR value is out of range, must be positive");
  }
  assertEquals(s.run("LPOP q 1 2"), "ERR wrong number of arguments for 'lpop' command");
});

Deno.test("LINDEX and LLEN see a missing key as an empty list", () => {
  using s = start();
  assertEquals([s.run("LINDEX q 0"), s.run("LLEN q")], [null, 0]);
  fill(s.run, 3);
  assertEquals(["0", "-1", "3", "-4"].map((i) => s.run(`LINDEX q ${i}`)), ["e0", "e2", null, null]);
  assertEquals(s.run("LINDEX q x"), notInteger);
});

Deno.test("LSET replaces in place and tells a missing key from a missing index", () => {
  using s = start();
  assertEquals(s.run("LSET q 0 x"), "ERR no such key");
  fill(s.run, 3);
  assertEquals([s.run("LSET q -1 z"), s.run("LSET q 0 a")], ["OK", "OK"]);
  assertEquals(s.run("LRANGE q 0 -1"), ["a", "e1", "z"]);
  assertEquals([s.run("LSET q 3 x"), s.run("LSET q -4 x")], Array(2).fill("ERR index out of range"));
  assertEquals(s.run("LSET q x x"), notInteger);
});

Deno.test("LRANGE cuts its range to the list", () => {
  using s = start();
  const texts = fill(s.run, 400);
  assertEquals(s.run("LRANGE q 0 -1"), texts);
  assertEquals(s.run("LRANGE q -3 1000"), texts.slice(-3));
  assertEquals(s.run("LRANGE q -1000 2"), texts.slice(0, 3));
  assertEquals(s.run("LRANGE q 200 203"), texts.slice(200, 204));
  for (const range of ["5 4", "400 500", "-1 -2", "0 -401"]) assertEquals(s.run(`LRANGE q ${range}`), []);
  assertEquals([s.run("LRANGE nothing 0 -1"), s.run("LRANGE q 0 x")], [[], notInteger]);
});

Deno.test("LTRIM counts what it cut off, and removes a list of which nothing is left", () => {
  using s = start();
  const texts = fill(s.run, 10);
  s.server.engine.dirty = 0;
  assertEquals(s.run("LTRIM q 2 -3"), "OK");
  assertEquals([s.run("LRANGE q 0 -1"), s.server.engine.dirty], [texts.slice(2, 8), 4]);
  assertEquals(eventsOf(s.server, () => s.run("LTRIM q 0 -1")), ["ltrim q"]);
  assertEquals(eventsOf(s.server, () => s.run("LTRIM q 4 1")), ["ltrim q", "del q"]);
  assertEquals([exists(s.server, "q"), s.run("LTRIM q 0 0")], [false, "OK"]);
});

Deno.test("LINSERT finds the first pivot; replies -1 without pivot, 0 without list", () => {
  using s = start();
  assertEquals(s.run("LINSERT q BEFORE a b"), 0);
  s.run("RPUSH q a b a");
  assertEquals([s.run("LINSERT q before a x"), s.run("LINSERT q AFTER a y")], [4, 5]);
  assertEquals(s.run("LRANGE q 0 -1"), ["x", "a", "y", "b", "a"]);
  assertEquals([s.run("LINSERT q AFTER no y"), s.run("LINSERT q BESIDE a y")], [-1, syntaxError]);
});

Deno.test("LREM removes from the end its count's sign says, and the empty list", () => {
  using s = start();
  s.run("RPUSH q a b a c a d a");
  assertEquals([s.run("LREM q 1 a"), s.run("LREM q -2 a")], [1, 2]);
  assertEquals(s.run("LRANGE q 0 -1"), ["b", "a", "c", "d"]);
  assertEquals([s.run("LREM q 0 no"), s.run("LREM nothing 0 a"), s.run("LREM q x a")], [0, 0, notInteger]);
  s.run("RPUSH one a a");
  assertEquals(eventsOf(s.server, () => s.run("LREM one 0 a")), ["lrem one", "del one"]);
});

Deno.test("LPOS ranks, counts and limits", () => {
  using s = start();
  s.run("RPUSH q a b c 1 2 3 c c");
  assertEquals([s.run("LPOS q c"), s.run("LPOS q c RANK 2"), s.run("LPOS q c RANK -1")], [2, 6, 7]);
  assertEquals([s.run("LPOS q c COUNT 0"), s.run("LPOS q c COUNT 2 RANK -1")], [[2, 6, 7], [7, 6]]);
  assertEquals([s.run("LPOS q c MAXLEN 2"), s.run("LPOS q c COUNT 0 MAXLEN 7")], [null, [2, 6]]);
  assertEquals([s.run("LPOS nothing c"), s.run("LPOS nothing c COUNT 1"), s.run("LPOS q x COUNT 0")], [
    null,
    [],
    [],
  ]);
});

Deno.test("LPOS refuses options that make no sense", () => {
  using s = start();
  assert(
    String(s.run("LPOS q c RANK 0")).startsWith(
      "ERR RANK can't be zero: use 1 to start from the first match",
    ),
  );
  assertEquals(s.run("LPOS q c COUNT -1"), "ERR COUNT can't be negative");
  assertEquals(s.run("LPOS q c MAXLEN x"), "ERR MAXLEN can't be negative");
  assertEquals([s.run("LPOS q c RANK"), s.run("LPOS q c AND 1")], [syntaxError, syntaxError]);
});

Deno.test("LMOVE takes from and puts to the ends it is told, also within one list", () => {
  using s = start();
  fill(s.run, 4);
  assertEquals([s.run("LMOVE q to LEFT RIGHT"), s.run("LMOVE q to right left")], ["e0", "e3"]);
  assertEquals([s.run("LRANGE q 0 -1"), s.run("LRANGE to 0 -1")], [["e1", "e2"], ["e3", "e0"]]);
  assertEquals([s.run("LMOVE q q LEFT RIGHT"), s.run("LRANGE q 0 -1")], ["e1", ["e2", "e1"]]);
  assertEquals([s.run("LMOVE no to LEFT LEFT"), s.run("LMOVE q to UP LEFT")], [null, syntaxError]);
  s.server.propagated();
  const events = eventsOf(s.server, () => ["LMOVE q to LEFT LEFT", "RPOPLPUSH q to"].forEach(s.run));
  assertEquals(events, ["lpush to", "lpop q", "lpush to", "rpop q", "del q"]);
  assertEquals(s.server.propagated(), ["LMOVE q to LEFT LEFT", "RPOPLPUSH q to"]);
});

Deno.test("RPOPLPUSH turns a list of one element onto itself", () => {
  using s = start();
  s.run("RPUSH q a");
  assertEquals([s.run("RPOPLPUSH q q"), s.run("LRANGE q 0 -1")], ["a", ["a"]]);
});

Deno.test("LMPOP takes from the first list there is and is propagated as a pop with the count taken", () => {
  using s = start();
  fill(s.run, 3);
  s.server.propagated();
  assertEquals(s.run("LMPOP 2 no q LEFT"), ["q", ["e0"]]);
  assertEquals(s.run("LMPOP 2 no q RIGHT COUNT 10"), ["q", ["e2", "e1"]]);
  assertEquals(s.server.propagated(), ["LPOP q 1", "RPOP q 2"]);
  assertEquals(s.run("LMPOP 2 no q LEFT"), null);
});

Deno.test("LMPOP and BLMPOP refuse what does not fit", () => {
  using s = start();
  for (const head of ["LMPOP", "BLMPOP 1"]) {
    assertEquals(s.run(`${head} 0 k LEFT`), "ERR numkeys should be greater than 0");
    assertEquals(s.run(`${head} x k LEFT`), "ERR numkeys should be greater than 0");
    assertEquals(s.run(`${head} 1 k LEFT COUNT 0`), "ERR count should be greater than 0");
    for (
      const tail of ["2 k LEFT", "1 k UP", "1 k LEFT COUNT", "1 k LEFT COUNT 1 COUNT 2", "1 k LEFT MORE"]
    ) {
      assertEquals(s.run(`${head} ${tail}`), syntaxError, tail);
    }
  }
});

Deno.test("BLPOP hands its element to the client that has waited longest", () => {
  using s = start();
  const first = s.server.client(), second = s.server.client();
  assertEquals([first.send("BLPOP", "q", "0"), second.send("BLPOP", "q", "0")], [PENDING, PENDING]);
  assertEquals(s.run("LPUSH q x"), 1);
  assertEquals([first.received(), second.received()], [[["q", "x"]], []]);
  assertEquals(s.server.propagated(), ["LPUSH q x", "LPOP q"]);
  s.run("RPUSH q y z");
  assertEquals([second.received(), s.run("LRANGE q 0 -1")], [[["q", "y"]], ["z"]]);
});

Deno.test("BLPOP and BRPOP take at once what is there, from the first key that has it", () => {
  using s = start();
  fill(s.run, 3);
  s.run("RPUSH r x");
  s.server.propagated();
  assertEquals([s.run("BLPOP no q r 0"), s.run("BRPOP no q r 1.5")], [["q", "e0"], ["q", "e2"]]);
  assertEquals(s.server.propagated(), ["LPOP q", "RPOP q"]);
});

Deno.test("BLPOP gives up when its time is over, to the millisecond", () => {
  using s = start();
  assertEquals(s.run("BLPOP q 0.25"), PENDING);
  s.server.advance(249);
  assertEquals(s.client.received(), []);
  s.server.advance(1);
  assertEquals(s.client.received(), [null]);
  s.run("RPUSH q x");
  assertEquals(s.run("LLEN q"), 1);
});

Deno.test("blocking commands refuse invalid time-outs", () => {
  using s = start();
  for (
    const line of [
      "BLPOP q %",
      "BRPOP q %",
      "BLMOVE a b LEFT LEFT %",
      "BRPOPLPUSH a b %",
      "BLMPOP % 1 q LEFT",
    ]
  ) {
    assertEquals(s.run(line.replace("%", "-1")), "ERR timeout is negative");
    assertEquals(s.run(line.replace("%", "x")), "ERR timeout is not a float or out of range");
    assertEquals(s.run(line.replace("%", "1e20")), "ERR timeout is out of range");
  }
});

Deno.test("BLMOVE and BRPOPLPUSH are served when the source is filled, and propagated without waiting", () => {
  using s = start();
  const mover = s.server.client(), pusher = s.server.client();
  assertEquals(mover.send("BLMOVE", "a", "b", "right", "left", "0"), PENDING);
  assertEquals(pusher.send("BRPOPLPUSH", "b", "c", "0"), PENDING);
  s.run("RPUSH a x y");
  assertEquals([mover.received(), pusher.received()], [["y"], ["y"]]);
  assertEquals([s.run("LRANGE a 0 -1"), s.run("LLEN b"), s.run("LRANGE c 0 -1")], [["x"], 0, ["y"]]);
  assertEquals(s.server.propagated(), ["RPUSH a x y", "LMOVE a b right left", "RPOPLPUSH b c"]);
});

Deno.test("BLMOVE keeps the element when the destination turns out not to be a list", () => {
  using s = start();
  const mover = s.server.client();
  mover.send("BLMOVE", "a", "b", "LEFT", "LEFT", "0");
  s.run("SET b text");
  s.run("RPUSH a x");
  const [reply] = mover.received();
  assert(reply instanceof ReplyFailure);
  assertEquals([reply.message, s.run("LRANGE a 0 -1")], [wrongType, ["x"]]);
});

Deno.test("BLMOVE's time-out is a null array, as BLPOP's", () => {
  using s = start();
  for (const line of ["BLMOVE a b LEFT LEFT 1", "BRPOPLPUSH a b 1", "BLMPOP 1 1 a LEFT", "BRPOP a 1"]) {
    assertEquals(s.run(line), PENDING);
    s.server.advance(1000);
    assertEquals(s.client.takeBytes(), "*-1\r\n", line);
  }
});

Deno.test("BLMPOP takes up to its count from what was pushed", () => {
  using s = start();
  const waiting = s.server.client();
  assertEquals(waiting.send("BLMPOP", "0", "2", "q", "r", "RIGHT", "COUNT", "2"), PENDING);
  s.run("RPUSH r a b c");
  assertEquals([waiting.received(), s.run("LRANGE r 0 -1")], [[["r", ["c", "b"]]], ["a"]]);
  assertEquals(s.server.propagated(), ["RPUSH r a b c", "RPOP r 2"]);
});

Deno.test("blocking commands answer at once inside EXEC", () => {
  using s = start();
  const lines = ["BLPOP q 0", "BLMPOP 0 1 q LEFT", "BLMOVE q r LEFT LEFT 0", "BRPOPLPUSH q r 0"];
  for (const line of ["MULTI", ...lines]) s.run(line);
  assertEquals(s.client.raw(new TextEncoder().encode("EXEC\r\n")), "*4\r\n*-1\r\n*-1\r\n$-1\r\n$-1\r\n");
});

Deno.test("a list pushed and deleted in one transaction wakes no client", () => {
  using s = start();
  const waiting = s.server.client();
  waiting.send("BLPOP", "q", "0");
  for (const line of ["MULTI", "RPUSH q a", "DEL q", "EXEC"]) s.run(line);
  assertEquals(waiting.received(), []);
  for (const line of ["MULTI", "RPUSH q a", "DEL q", "RPUSH q b", "EXEC"]) s.run(line);
  assertEquals(waiting.received(), [["q", "b"]]);
});
