/** What scripts write: how it is propagated, to whom, and when it is refused. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { SinkKind } from "../../../src/engine/propagation.ts";
import { latin1 } from "../../../src/util/bytes.ts";
import { type InProcessClient, startInProcess } from "../../support/in_process.ts";
import { ReplyFailure, ReplyValues } from "../../../src/protocol/reply_values.ts";

/** A server, a client, and what is propagated to the file and to replicas. */
function startWithReplicas() {
  const s = startInProcess(), replicated: string[] = [];
  s.engine.propagation.sinks.push({
    kind: SinkKind.Replicas,
    feed: (_databaseId, buf, start, end) => {
      const words = new ReplyValues(latin1(buf, start, end)).next();
      replicated.push(Array.isArray(words) ? words.join(" ") : String(words));
    },
    endOfBatch: () => true,
  });
  return {
    c: s.client(),
    /** What the file and the replicas have got since this was last asked. */
    propagated: () => ({ file: s.propagated(), replicas: replicated.splice(0) }),
    [Symbol.dispose]: () => s[Symbol.dispose](),
  };
}

function failureOf(c: InProcessClient, ...words: string[]): string {
  const reply = c.send(...words);
  assert(reply instanceof ReplyFailure, `${words.join(" ")}: ${Deno.inspect(reply)}`);
  return reply.message;
}

Deno.test("a script's writes go out as one transaction, a single one alone, reading not at all", () => {
  using s = startInProcess();
  const c = s.client();
  const run = (script: string) => {
    c.send("EVAL", script, "0");
    return s.propagated();
  };
  assertEquals(run("redis.call('SET', 'a', 1) redis.call('INCR', 'a') redis.call('GET', 'a')"), [
    "MULTI",
    "SET a 1",
    "INCR a",
    "EXEC",
  ]);
  assertEquals(run("return redis.call('APPEND', 'a', 'x')"), ["APPEND a x"]);
  assertEquals(run("return redis.call('GET', 'a')"), []);
  assertEquals(run("redis.call('DEL', 'none')"), []);
  assertEquals(run("redis.call('SET', 'b', 1) error('later')"), ["SET b 1"]);
  assertEquals(run("redis.call('SELECT', 2) redis.call('SET', 'in2', 1) redis.call('SET', 'too', 1)"), [
    "SELECT 2",
    "MULTI",
    "SET in2 1",
    "SET too 1",
    "EXEC",
  ]);
  assertEquals(c.client.databaseId, 0);
});

Deno.test("what depends on chance or time is propagated as what it did", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SADD", "set", "m");
  c.send("SET", "old", "x", "PX", "10");
  s.clock.advance(20);
  s.propagated();
  c.send(
    "EVAL",
    "redis.call('SPOP', 'set') redis.call('PEXPIRE', 'none', 5) redis.call('SET', 'k', 1, 'EX', 10)",
    "0",
  );
  assertEquals(s.propagated(), ["MULTI", "SREM set m", `SET k 1 PXAT ${s.clock.nowMs() + 10_000}`, "EXEC"]);
  assertEquals(c.send("EVAL", "return redis.call('GET', 'old')", "0"), null);
  assertEquals(s.propagated(), ["DEL old"]);
  c.send("EVAL", "redis.call('XADD', 'x', '*', 'f', 'v')", "0");
  assertMatch(s.propagated().join(), /^XADD x \d+-0 f v$/);
});

Deno.test("a script inside MULTI is part of the transaction; EVALSHA and FCALL leave their effects only", () => {
  using s = startInProcess();
  const c = s.client();
  c.send(
    "FUNCTION",
    "LOAD",
    "#!lua name=lib\nredis.register_function('put', function(k) redis.call('SET', k[1], 1) end)",
  );
  assertMatch(s.propagated().join(), /^FUNCTION LOAD #!lua name=lib\n/);
  const hash = String(c.send("SCRIPT", "LOAD", "return redis.call('SET', KEYS[1], 2)"));
  assertEquals(s.propagated(), []);
  c.send("MULTI");
  c.send("EVALSHA", hash, "1", "a");
  c.send("FCALL", "put", "1", "b");
  c.send("INCR", "a");
  c.send("EXEC");
  assertEquals(s.propagated(), ["MULTI", "SET a 2", "SET b 1", "INCR a", "EXEC"]);
  c.send("FUNCTION", "FLUSH");
  c.send("SCRIPT", "FLUSH");
  assertEquals(s.propagated(), ["FUNCTION FLUSH"]);
});

Deno.test("redis.set_repl chooses who is told: the file, the replicas, both or nobody", () => {
  using s = startWithReplicas();
  const script = ["ALL", "AOF", "REPLICA", "SLAVE", "NONE", "ALL"].map((who, i) =>
    `redis.set_repl(redis.REPL_${who}) redis.call('SET', '${i}', '${who}')`
  ).join("\n");
  assertEquals(s.c.send("EVAL", script, "0"), null);
  const all = ["SET 0 ALL", "SET 5 ALL"];
  const { file, replicas } = s.propagated();
  assertEquals(file, ["MULTI", all[0], "SET 1 AOF", all[1], "EXEC"]);
  assertEquals(replicas, ["MULTI", all[0], "SET 2 REPLICA", "SET 3 SLAVE", all[1], "EXEC"]);
  assertEquals(s.c.send("DBSIZE"), 6);
  s.c.send("EVAL", "redis.set_repl(redis.REPL_NONE) redis.call('SET', 'unseen', 1)", "0");
  assertEquals(s.propagated(), { file: [], replicas: [] });
  s.c.send("EVAL", "redis.call('SET', 'seen', 1)", "0");
  assertEquals(s.propagated(), { file: ["SET seen 1"], replicas: ["SET seen 1"] });
});

Deno.test("scripts that may only read write nothing: EVAL_RO, FCALL_RO and the flag no-writes", () => {
  using s = startInProcess();
  const c = s.client(), write = "return redis.call('SET', 'k', 'v')";
  const notAllowed = /^ERR Write commands are not allowed from read-only scripts\. script: /;
  assertMatch(failureOf(c, "EVAL_RO", write, "0"), notAllowed);
  assertMatch(failureOf(c, "EVAL", `#!lua flags=no-writes\n${write}`, "0"), notAllowed);
  assertMatch(failureOf(c, "EVAL_RO", "return redis.call('PUBLISH', 'c', 'm')", "0"), notAllowed);
  const hash = String(c.send("SCRIPT", "LOAD", write));
  assertMatch(failureOf(c, "EVALSHA_RO", hash, "0"), notAllowed);
  assertEquals(
    failureOf(c, "EVAL_RO", `#!lua\n${write}`, "0"),
    "ERR Can not execute a script with write flag using *_ro command.",
  );
  c.send("FUNCTION", "LOAD", `#!lua name=lib\nredis.register_function('put', function() ${write} end)`);
  assertMatch(
    failureOf(c, "FCALL_RO", "put", "0"),
    /Can not execute a script with write flag using \*_ro command/,
  );
  assertEquals(s.propagated().filter((line) => !line.startsWith("FUNCTION")), []);
  assertEquals(c.send("EXISTS", "k"), 0);
});

Deno.test("short of memory: allow-oom and no-writes run, others are refused before they have begun", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  c.send("CONFIG", "SET", "maxmemory", "1");
  const flagged = (flags: string, body: string) => ["EVAL", `#!lua ${flags}\n${body}`, "0"];
  assertEquals(
    failureOf(c, ...flagged("", "return redis.call('GET', 'k')")),
    "OOM command not allowed when used memory > 'maxmemory'.",
  );
  assertEquals(c.send(...flagged("flags=no-writes", "return redis.call('GET', 'k')")), "v");
  assertEquals(c.send(...flagged("flags=allow-oom", "return redis.call('SET', 'k', 'w')")), "OK");
  assertEquals(c.send("EVAL", "return redis.call('GET', 'k')", "0"), "w");
  assertMatch(
    failureOf(c, "EVAL", "return redis.call('SET', 'k', 'x')", "0"),
    /^OOM command not allowed when used memory > 'maxmemory'\. script: /,
  );
  assertEquals(c.send("EVAL", "redis.call('DEL', 'k') return redis.call('SET', 'k', 'y')", "0"), "OK");
});

Deno.test("a script sees one time, its clock goes on, and keys do not expire under it", () => {
  using s = startInProcess();
  const c = s.client();
  s.engine.log.debug = () => s.clock.advance(5000);
  const script = "local t = redis.call('TIME') local c = os.clock() redis.call('SET', 'k', 'v', 'PX', 100) " +
    "redis.log(redis.LOG_DEBUG, 'tick') local u = redis.call('TIME') " +
    "return {t[1] == u[1] and t[2] == u[2], redis.call('GET', 'k'), os.clock() - c}";
  assertEquals(c.send("EVAL", script, "0"), [1, "v", 5]);
  assertEquals(c.send("GET", "k"), null);
});
