import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

Deno.test("LATENCY HISTOGRAM shows the commands asked for, a container with its sub-commands", () => {
  using s = startInProcess();
  const c = s.client();
  c.client.reply.resp = 3;
  c.send("CONFIG", "RESETSTAT");
  const histogram = (...names: string[]) =>
    c.send("LATENCY", "HISTOGRAM", ...names) as Map<string, Map<string, unknown>>;
  for (let i = 0; i < 3; i++) c.send("SET", "k", "v");
  c.send("CLIENT", "ID");
  const set = histogram("set", "nosuch", "hset");
  assertEquals([...set.keys()], ["set"]);
  assertEquals(set.get("set")!.get("calls"), 3);
  assertEquals([...(set.get("set")!.get("histogram_usec") as Map<number, number>).values()].at(-1), 3);
  assertEquals([...histogram("CLIENT").keys()], ["client|id"]);
  assertEquals([...histogram("client|id").keys()], ["client|id"]);
  const all = [...histogram().keys()].sort();
  assertEquals(all, ["client|id", "config|resetstat", "latency|histogram", "set"]);
});

Deno.test("LATENCY takes down what reaches the threshold, the longest of a second, and the longest ever", () => {
  using s = startInProcess({ config: { "latency-monitor-threshold": "100" } });
  const c = s.client(), { latency } = s.engine;
  latency.observe("command", 99_999);
  assertEquals(c.send("LATENCY", "LATEST"), []);
  latency.observe("command", 300_000);
  latency.observe("command", 200_000);
  s.advance(2000);
  latency.observe("command", 150_000);
  latency.observe("fork", 120_000);
  assertEquals(c.send("LATENCY", "HISTORY", "command"), [[1_700_000_000, 300], [1_700_000_002, 150]]);
  assertEquals(c.send("LATENCY", "LATEST"), [
    ["command", 1_700_000_002, 150, 300],
    ["fork", 1_700_000_002, 120, 120],
  ]);
  assertEquals(c.send("LATENCY", "HISTORY", "nosuch"), []);
  assertEquals(c.send("LATENCY", "RESET", "nosuch"), 0);
  assertEquals(c.send("LATENCY", "RESET", "Command"), 1);
  assertEquals(c.send("LATENCY", "RESET"), 1);
  assertEquals(c.send("LATENCY", "LATEST"), []);
});

Deno.test("LATENCY watches nothing while the threshold is 0", () => {
  using s = startInProcess();
  s.engine.latency.observe("command", 1e9);
  assertEquals(s.client().send("LATENCY", "LATEST"), []);
  assertEquals(s.engine.timer.timesEachCommand, false);
  s.client().send("CONFIG", "SET", "latency-monitor-threshold", "1");
  assertEquals(s.engine.timer.timesEachCommand, true);
});

Deno.test("LATENCY keeps the last 160 samples of a kind", () => {
  using s = startInProcess({ config: { "latency-monitor-threshold": "1" } });
  for (let i = 1; i <= 170; i++) {
    s.advance(1000);
    s.engine.latency.observe("x", i * 1000);
  }
  const samples = s.client().send("LATENCY", "HISTORY", "x") as [number, number][];
  assertEquals(samples.length, 160);
  assertEquals(samples[0]![1], 11);
});

Deno.test("LATENCY GRAPH draws the events with how long ago they were", () => {
  using s = startInProcess({ config: { "latency-monitor-threshold": "1" } });
  const c = s.client();
  assertEquals(
    c.send("LATENCY", "GRAPH", "command"),
    new ReplyFailure("ERR No samples available for event 'command'"),
  );
  for (const ms of [10, 40, 20]) {
    s.engine.latency.observe("command", ms * 1000);
    s.advance(60_000);
  }
  const lines = (c.send("LATENCY", "GRAPH", "command") as string).split("\n");
  assertEquals(lines[0], "command - high 40 ms, low 10 ms (all time high 40 ms)");
  assertEquals(lines.slice(2), [" #", " #", " #o", "_##", "", "321", "mmm", ""]);
});

Deno.test("LATENCY DOCTOR says what was seen and what may help", () => {
  using s = startInProcess();
  const c = s.client();
  assertStringIncludes(c.send("LATENCY", "DOCTOR") as string, "not monitored");
  c.send("CONFIG", "SET", "latency-monitor-threshold", "5");
  assertStringIncludes(c.send("LATENCY", "DOCTOR") as string, "No latency spike");
  s.engine.latency.observe("command", 20_000);
  const report = c.send("LATENCY", "DOCTOR") as string;
  assertStringIncludes(report, "1. command: 1 latency spikes (average 20ms, mean deviation 0ms");
  assertStringIncludes(report, "slowlog-log-slower-than 5000");
  assert(report.endsWith("\n"));
});
