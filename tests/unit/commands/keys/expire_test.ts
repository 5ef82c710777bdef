import { assert, assertEquals } from "@std/assert";
import { type InProcessClient, type InProcessServer, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** A command that sets expiry times, with the argument that means `atMs` (a full second) to it. */
interface Setter {
  name: string;
  time: (atMs: number, nowMs: number) => number;
}

const setters: readonly Setter[] = [
  { name: "EXPIRE", time: (atMs, nowMs) => (atMs - nowMs) / 1000 },
  { name: "PEXPIRE", time: (atMs, nowMs) => atMs - nowMs },
  { name: "EXPIREAT", time: (atMs) => atMs / 1000 },
  { name: "PEXPIREAT", time: (atMs) => atMs },
];

/** The text of an error reply. */
function failure(c: InProcessClient, ...words: string[]): string {
  const reply = c.send(...words);
  assert(reply instanceof ReplyFailure, `${words.join(" ")}: not an error`);
  return reply.message;
}

/** A server whose clock stands at a full second. */
function atFullSecond(): InProcessServer {
  const s = startInProcess();
  s.advance(1000 - s.engine.nowMs % 1000);
  return s;
}

Deno.test("EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT with NX, XX, GT and LT set a time only where that holds", () => {
  // Of a key without a time, and of one that expires after 100 s: whether it gets 50 s, 100 s, 200 s.
  const cases = {
    NX: [[1, 1, 1], [0, 0, 0]],
    XX: [[0, 0, 0], [1, 1, 1]],
    GT: [[0, 0, 0], [0, 0, 1]],
    LT: [[1, 1, 1], [1, 0, 0]],
  } as const;
  for (const { name, time } of setters) {
    for (const [condition, [lasting, expiring]] of Object.entries(cases)) {
      using s = atFullSecond();
      const c = s.client(), now = s.engine.nowMs, at = (seconds: number) => now + seconds * 1000;
      for (const [i, seconds] of [50, 100, 200].entries()) {
        const words = (key: string) => [name, key, String(time(at(seconds), now)), condition];
        c.send("SET", "lasting", "v");
        c.send("SET", "expiring", "v", "EX", "100");
        s.propagated();
        const replies = [c.send(...words("lasting")), c.send(...words("expiring"))];
        assertEquals(replies, [lasting[i]!, expiring[i]!], `${name} ${condition} ${seconds}`);
        assertEquals(c.send("PEXPIRETIME", "lasting"), lasting[i] === 1 ? at(seconds) : -1);
        assertEquals(c.send("PEXPIRETIME", "expiring"), expiring[i] === 1 ? at(seconds) : at(100));
        const changed = [lasting[i] === 1 ? "lasting" : "", expiring[i] === 1 ? "expiring" : ""];
        const lines = changed.filter((key) => key !== "").map((key) => `PEXPIREAT ${key} ${at(seconds)}`);
        assertEquals(s.propagated(), lines);
      }
    }
  }
});

Deno.test("EXPIRE and its kin take XX with GT or LT, and refuse what excludes one another", () => {
  using s = atFullSecond();
  const c = s.client();
  c.send("SET", "k", "v", "EX", "100");
  assertEquals([c.send("EXPIRE", "k", "200", "XX", "GT"), c.send("EXPIRE", "k", "50", "lt", "xx")], [1, 1]);
  const mixed = "ERR NX and XX, GT or LT options at the same time are not compatible";
  for (const { name } of setters) {
    assertEquals(failure(c, name, "k", "1", "NX", "XX"), mixed);
    assertEquals(failure(c, name, "k", "1", "GT", "NX"), mixed);
    assertEquals(
      failure(c, name, "k", "1", "GT", "LT"),
      "ERR GT and LT options at the same time are not compatible",
    );
    assertEquals(failure(c, name, "k", "1", "ZZ"), "ERR Unsupported option ZZ");
  }
  assertEquals(c.send("TTL", "k"), 50);
});

Deno.test("EXPIRE and its kin refuse times that are no integers or out of range, and change nothing", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  for (const { name } of setters) {
    assertEquals(failure(c, name, "k", "soon"), "ERR value is not an integer or out of range");
    assertEquals(failure(c, name, "k", "9223372036854775808"), "ERR value is not an integer or out of range");
  }
  for (const name of ["EXPIRE", "EXPIREAT", "PEXPIRE"]) {
    const invalid = `ERR invalid expire time in '${name.toLowerCase()}' command`;
    assertEquals(failure(c, name, "k", "9223372036854775807"), invalid);
  }
  assertEquals(
    failure(c, "EXPIRE", "k", "-9223372036854775808"),
    "ERR invalid expire time in 'expire' command",
  );
  assertEquals(c.send("TTL", "k"), -1);
});

Deno.test("EXPIRE and its kin remove a key whose time has come at once, with the event del", () => {
  for (const { name, time } of setters) {
    using s = atFullSecond();
    s.engine.config.set([["notify-keyspace-events", "KEA"]], { mayChangeProtected: true, isLoading: false });
    const c = s.client(), listener = s.client();
    listener.send("PSUBSCRIBE", "__keyevent@0__:*");
    c.send("SET", "k", "v");
    listener.received();
    s.propagated();
    assertEquals(c.send(name, "k", String(time(s.engine.nowMs - 1000, s.engine.nowMs))), 1);
    assertEquals([c.send("EXISTS", "k"), s.propagated()], [0, ["DEL k"]]);
    assertEquals(listener.received(), [["pmessage", "__keyevent@0__:*", "__keyevent@0__:del", "k"]]);
    assertEquals(c.send(name, "k", "1"), 0);
  }
});

Deno.test("EXPIRE and PERSIST send their events, and WATCH notices them", () => {
  using s = startInProcess({ config: { "notify-keyspace-events": "Eg" } });
  const c = s.client(), listener = s.client(), watcher = s.client();
  listener.send("PSUBSCRIBE", "__keyevent@0__:*");
  listener.received();
  c.send("RPUSH", "k", "a");
  for (const words of [["EXPIRE", "k", "10"], ["PERSIST", "k"]]) {
    watcher.send("WATCH", "k");
    c.send(...words);
    watcher.send("MULTI");
    watcher.send("PING");
    assertEquals(watcher.send("EXEC"), null, words.join(" "));
  }
  assertEquals(listener.received().map((message) => (message as string[]).slice(2)), [
    ["__keyevent@0__:expire", "k"],
    ["__keyevent@0__:persist", "k"],
  ]);
  assertEquals([c.send("PERSIST", "k"), c.send("PERSIST", "none")], [0, 0]);
});

Deno.test("TTL, PTTL, EXPIRETIME and PEXPIRETIME tell missing keys from lasting ones, and round to the nearest second", () => {
  using s = atFullSecond();
  const c = s.client(), now = s.engine.nowMs;
  c.send("SET", "lasting", "v");
  for (const name of ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"]) {
    assertEquals([c.send(name, "none"), c.send(name, "lasting")], [-2, -1], name);
  }
  c.send("SET", "k", "v", "PX", "1499");
  assertEquals([c.send("TTL", "k"), c.send("PTTL", "k")], [1, 1499]);
  assertEquals([c.send("EXPIRETIME", "k"), c.send("PEXPIRETIME", "k")], [now / 1000 + 1, now + 1499]);
  s.advance(999);
  assertEquals([c.send("TTL", "k"), c.send("PTTL", "k")], [1, 500]);
  s.advance(501);
  assertEquals([c.send("TTL", "k"), c.send("PEXPIRETIME", "k")], [-2, -2]);
});
