import { assert, assertEquals } from "@std/assert";
import { Args } from "../../../src/engine/args.ts";
import { type Command, command, Flag } from "../../../src/engine/command.ts";
import type { CommandContext } from "../../../src/engine/context.ts";
import { Notify } from "../../../src/engine/events.ts";
import { ReplyError } from "../../../src/protocol/errors.ts";
import { type InProcessServer, startInProcess } from "../../support/in_process.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";

/** Lets `server` know a command of the test's own. */
function declare(
  server: InProcessServer,
  name: string,
  handler: Command["handler"],
  flags: number = Flag.Write,
): Command {
  const made = command({
    name,
    group: "generic",
    since: "1.0.0",
    arity: -1,
    flags,
    summary: "",
    complexity: "",
    handler,
  });
  const find = server.engine.commands.find.bind(server.engine.commands);
  server.engine.commands.find = (args) => args.is(0, name.toUpperCase()) ? made : find(args);
  return made;
}

function set(ctx: CommandContext, key: string, value: string): void {
  const { key: parsed } = { key: Args.of([key]).key(0) };
  ctx.setString(parsed, value);
  ctx.changed(parsed, Notify.String, "set");
}

const textOf = (reply: unknown) => reply instanceof ReplyFailure ? reply.message : reply;

Deno.test("what a failing handler had written of its reply is dropped", () => {
  using s = startInProcess();
  declare(s, "half", (ctx) => {
    ctx.reply.array(5);
    ctx.reply.bulk("x".repeat(100_000));
    throw new ReplyError("ERR too late");
  });
  const client = s.client();
  assertEquals(textOf(client.send("HALF")), "ERR too late");
  assertEquals(client.send("PING"), "PONG");
});

Deno.test("a nested call has its own client, database and propagation, and gives the outer one back its own", () => {
  using s = startInProcess();
  const inner = s.client();
  inner.send("SELECT", "3");
  const own = declare(s, "own", (ctx) => {
    set(ctx, "in", "v");
    ctx.rewrite("SET", "in", "rewritten");
    ctx.reply.ok();
  });
  declare(s, "outer", (ctx) => {
    set(ctx, "before", "v");
    s.engine.call(inner.client, own, Args.of(["own"]));
    assertEquals([ctx.databaseId, ctx.cmd.name, ctx.args.string(0)], [0, "outer", "OUTER"]);
    set(ctx, "after", "v");
    ctx.reply.simple("done");
  });
  const client = s.client();
  assertEquals(client.send("OUTER"), "done");
  assertEquals(s.propagated(), ["SELECT 3", "MULTI", "SET in rewritten", "SELECT 0", "OUTER", "EXEC"]);
  assertEquals(inner.raw(new TextEncoder().encode("GET in\r\n")), "+OK\r\n$1\r\nv\r\n");
  assertEquals(client.send("MGET", "before", "after", "in"), ["v", "v", null]);
});

Deno.test("a handler that fails inside a unit leaves the unit whole", () => {
  using s = startInProcess();
  declare(s, "broken", () => {
    throw new TypeError("a bug");
  });
  const client = s.client();
  for (const line of ["MULTI", "SET a 1", "BROKEN", "SET b 2"]) client.send(...line.split(" "));
  const replies = client.send("EXEC");
  assert(Array.isArray(replies));
  assertEquals(replies.map(textOf), ["OK", "ERR internal error in 'broken'", "OK"]);
  assertEquals(s.propagated(), ["MULTI", "SET a 1", "SET b 2", "EXEC"]);
  assertEquals(s.engine.isInsideUnit, false);
  assert(s.log.some((line) => line.includes("a bug")), "the stack is in the log");
});

Deno.test("ctx.propagateNothing, rewrite and forcePropagation hold for one command", () => {
  using s = startInProcess();
  declare(s, "quiet", (ctx) => {
    set(ctx, "q", "v");
    ctx.propagateNothing();
    ctx.reply.ok();
  });
  declare(s, "twice", (ctx) => {
    set(ctx, "t", "v");
    ctx.rewrite("SET", "t", "1");
    ctx.rewrite("SET", "t", "2");
    ctx.reply.ok();
  });
  declare(s, "forced", (ctx) => {
    ctx.forcePropagation();
    ctx.reply.ok();
  });
  declare(s, "idle", (ctx) => ctx.reply.ok());
  const client = s.client();
  for (const name of ["QUIET", "TWICE", "FORCED", "IDLE", "SET k v"]) client.send(...name.split(" "));
  assertEquals(s.propagated(), ["MULTI", "SET t 1", "SET t 2", "EXEC", "FORCED", "SET k v"]);
});

Deno.test("a handler that throws propagates nothing it asked for, nor does the next", () => {
  using s = startInProcess();
  declare(s, "fails", (ctx) => {
    ctx.rewrite("SET", "x", "y");
    ctx.forcePropagation();
    throw new ReplyError("ERR no");
  });
  const client = s.client();
  client.send("FAILS");
  client.send("GET", "x");
  client.send("SET", "k", "v");
  assertEquals(s.propagated().at(-1), "SET k v");
});

Deno.test("dirty counts what commands changed", () => {
  using s = startInProcess();
  const client = s.client(),
    dirtyAfter = (line: string) => {
      const before = s.engine.dirty;
      client.send(...line.split(" "));
      return s.engine.dirty - before;
    };
  assertEquals(
    ["SET k v", "MSET a 1 b 2", "DEL a b nokey", "GET k", "APPEND k x", "RPUSH q 1 2 3"].map(dirtyAfter),
    [1, 2, 2, 0, 1, 3],
  );
});

Deno.test("calls are counted: successes, failures, rejections, also those inside EXEC", () => {
  using s = startInProcess();
  const client = s.client(), { commands } = s.engine, stats = commands.stats.of(commands.get("getset")!);
  client.send("RPUSH", "q", "a");
  for (const line of ["GETSET k v", "GETSET q v", "GETSET k", "MULTI", "GETSET k w", "GETSET q v", "EXEC"]) {
    client.send(...line.split(" "));
  }
  assertEquals([stats.calls, stats.failedCalls, stats.rejectedCalls], [
    4,
    2,
    1,
  ]);
});

Deno.test("the clock is read once for all commands of a batch", () => {
  using s = startInProcess();
  declare(s, "slow", (ctx) => {
    s.clock.advance(1);
    ctx.reply.ok();
  });
  const client = s.client();
  client.send("SET", "k", "v", "PX", "1");
  const bytes = new TextEncoder().encode("SLOW\r\nGET k\r\nPTTL k\r\n");
  assertEquals(client.raw(bytes), "+OK\r\n$1\r\nv\r\n:1\r\n");
  assertEquals(client.send("GET", "k"), null);
});

Deno.test("a batch is interrupted for the others when its commands have taken a turn's time, and then goes on", () => {
  using s = startInProcess();
  const ranAfterTurn: boolean[] = [];
  declare(s, "work", (ctx) => {
    ranAfterTurn.push(s.engine.timer.turnIsOver);
    if (ranAfterTurn.length === 40) s.clock.advance(2);
    ctx.reply.ok();
  }, Flag.Fast);
  const client = s.client();
  assertEquals(
    client.raw(new TextEncoder().encode("*1\r\n$4\r\nWORK\r\n".repeat(200))),
    "+OK\r\n".repeat(200),
  );
  assertEquals(ranAfterTurn.filter(Boolean).length, 72, "who is told does not have to heed it");
  const batches: number[] = [];
  const { runBatch } = s.engine;
  s.engine.runBatch = (...args) => {
    const done = runBatch.apply(s.engine, args);
    batches.push(done);
    s.engine.timer.beginTurn();
    return done;
  };
  ranAfterTurn.length = 0;
  client.raw(new TextEncoder().encode("*1\r\n$4\r\nWORK\r\n".repeat(200)));
  assertEquals(batches, [128, 200]);
});

Deno.test("a batch is cut for what its own commands take, not for another client's slow one before it", () => {
  using s = startInProcess();
  let takesMs = 1000;
  declare(s, "slow", (ctx) => {
    s.clock.advance(takesMs);
    ctx.reply.ok();
  });
  const batches: number[] = [];
  const { runBatch } = s.engine;
  s.engine.runBatch = (...args) => {
    const done = runBatch.apply(s.engine, args);
    batches.push(done);
    return done;
  };
  s.client().send("SLOW");
  const pipeline = new TextEncoder().encode("SLOW\r\n".repeat(5)), other = s.client();
  takesMs = 0;
  other.raw(pipeline);
  assertEquals(batches, [1, 5]);
  takesMs = 1;
  other.raw(pipeline);
  assertEquals(batches, [1, 5, 2, 4, 5]);
});

Deno.test("of short runs of a fast command one is measured and stands for those that follow", () => {
  using s = startInProcess();
  const client = s.client();
  let tookMs = 3;
  const quick = declare(s, "quick", (ctx) => {
    s.clock.advance(tookMs);
    ctx.reply.ok();
  }, Flag.Fast);
  const stats = s.engine.commands.stats.of(quick);
  client.send("QUICK");
  tookMs = 0.004;
  client.send("QUICK");
  assertEquals(stats.microseconds, 3004, "what took long stands for itself alone");
  tookMs = 0.006;
  for (let i = 0; i < 24; i++) client.send("QUICK");
  assertEquals([stats.calls, stats.microseconds], [26, 3004 + 24 * 4]);
  client.send("QUICK");
  assertEquals([stats.calls, stats.microseconds], [27, 3004 + 24 * 4 + 6]);
});

Deno.test("commands queued since MULTI count with more than their bytes", () => {
  using s = startInProcess();
  const client = s.client();
  client.send("MULTI");
  for (let i = 0; i < 10; i++) client.send("PING");
  assert(client.client.queueBytes > 2000, `${client.client.queueBytes}`);
  client.send("DISCARD");
  assertEquals(client.client.queueBytes, 0);
});

Deno.test("replies wait for the sinks; where these fail, the client is closed without them", () => {
  using s = startInProcess();
  let safe = true;
  const order: string[] = [];
  s.engine.propagation.sinks.push({
    feed: () => void order.push("fed"),
    endOfBatch: () => {
      order.push("made safe");
      return safe;
    },
  });
  const client = s.client();
  const flush = client.flush.bind(client);
  client.flush = () => {
    order.push("sent");
    flush();
  };
  assertEquals([client.send("SET", "k", "v"), order], ["OK", ["fed", "made safe", "sent"]]);
  safe = false;
  client.raw(new TextEncoder().encode("SET k w\r\n"));
  assertEquals(client.closed, true);
});

Deno.test("commands are found in any case, and errors name what was asked for", () => {
  using s = startInProcess();
  const client = s.client(), failure = (...words: string[]) => textOf(client.send(...words));
  assertEquals(client.send("pInG"), "PONG");
  assertEquals(
    failure("no\r\nsuch", "a", "b".repeat(200)),
    `ERR unknown command 'no  such', with args beginning with: 'a' '${"b".repeat(124)}' `,
  );
  assertEquals(failure("GET"), "ERR wrong number of arguments for 'get' command");
  assertEquals(failure("CONFIG"), "ERR wrong number of arguments for 'config' command");
  assertEquals(failure("CONFIG", "GET"), "ERR wrong number of arguments for 'config|get' command");
  assertEquals(failure("config", "nosuch"), "ERR unknown subcommand 'nosuch'. Try CONFIG HELP.");
  assertEquals(failure(""), "ERR unknown command '', with args beginning with: ");
});

Deno.test("two servers of a process count calls, and learn what they take, each for itself", () => {
  using one = startInProcess(), other = startInProcess();
  const client = one.client();
  for (let i = 0; i < 3; i++) client.send("TTL", "k");
  client.send("TTL");
  const counters = ({ engine: { commands } }: InProcessServer) => commands.stats.of(commands.get("ttl")!);
  assertEquals([counters(one).calls, counters(one).rejectedCalls], [3, 1]);
  assertEquals([counters(other).calls, counters(other).rejectedCalls, counters(other).callsToEstimate], [
    0,
    0,
    0,
  ]);
  assertEquals(textOf(other.client().send("INFO", "commandstats")), "# Commandstats\r\n");
  other.client().send("CONFIG", "RESETSTAT");
  assertEquals([counters(one).calls, counters(other).calls], [3, 0]);
});
