import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type InProcessClient, type InProcessServer, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** The fields of INFO by name. */
function fields(c: InProcessClient, ...sections: string[]): Map<string, string> {
  const lines = (c.send("INFO", ...sections) as string).split("\r\n").filter((line) => line.includes(":"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

function titles(c: InProcessClient, ...sections: string[]): string[] {
  return [...(c.send("INFO", ...sections) as string).matchAll(/^# (\w+)/gm)].map(([, title]) => title!);
}

const usual = [
  "Server",
  "Clients",
  "Memory",
  "Persistence",
  "Stats",
  "Replication",
  "CPU",
  "Modules",
  "Errorstats",
  "Cluster",
  "Keyspace",
];

Deno.test("INFO prints the default sections, those that are named, each once, or all", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(titles(c), usual);
  assertEquals(titles(c, "default", "server"), usual);
  assertEquals(titles(c, "CPU", "keyspace"), ["CPU", "Keyspace"]);
  assertEquals(titles(c, "nosuch"), []);
  const everything = titles(c, "everything");
  assertEquals(everything.length, 13);
  assertEquals(titles(c, "all"), everything.filter((title) => title !== "Modules"));
});

Deno.test("INFO tells of the server, its clients and its keys as they are", () => {
  using s = startInProcess();
  const c = s.client(), other = s.client();
  c.send("SET", "a", "1");
  c.send("SET", "b", "1", "PX", "5000");
  c.send("GET", "none");
  other.send("BLPOP", "q", "5");
  s.advance(3000);
  const found = fields(c, "everything");
  assertEquals(found.get("uptime_in_seconds"), "3");
  assertEquals(found.get("connected_clients"), "2");
  assertEquals(found.get("blocked_clients"), "1");
  assertEquals(found.get("clients_in_timeout_table"), "1");
  assertEquals(found.get("keyspace_misses"), "1");
  assertEquals(found.get("db0"), "keys=2,expires=1,avg_ttl=2000,subexpiry=0");
  assertEquals(found.get("role"), "master");
  assertMatch(found.get("run_id")!, /^[0-9a-f]{40}$/);
  assert(Number(found.get("used_memory")) > 0);
  assert(Number(found.get("used_memory_rss")) > 1e6);
});

Deno.test("INFO commandstats counts calls, refusals and failures of commands and sub-commands", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("CONFIG", "RESETSTAT");
  c.send("SET", "k", "v");
  c.send("INCR", "k");
  c.send("SET", "k");
  c.send("CLIENT", "ID");
  const found = fields(c, "commandstats");
  assertMatch(
    found.get("cmdstat_set")!,
    /^calls=1,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=1,failed_calls=0$/,
  );
  assertMatch(found.get("cmdstat_incr")!, /^calls=1,.*,failed_calls=1$/);
  assertMatch(found.get("cmdstat_client|id")!, /^calls=1,/);
  assertEquals(fields(c, "errorstats"), new Map([["errorstat_ERR", "count=2"]]));
  c.send("CONFIG", "RESETSTAT");
  assertEquals([...fields(c, "commandstats").keys()], ["cmdstat_config|resetstat"]);
});

Deno.test("INFO commandstats counts a command that waited when it has its reply", () => {
  using s = startInProcess();
  const c = s.client(), waiting = s.client(), late = s.client();
  c.send("CONFIG", "RESETSTAT");
  waiting.send("BLPOP", "q", "0");
  late.send("BLPOP", "never", "1");
  assertEquals(fields(c, "commandstats").get("cmdstat_blpop"), undefined);
  c.send("RPUSH", "q", "x");
  assertMatch(fields(c, "commandstats").get("cmdstat_blpop")!, /^calls=1,/);
  s.advance(1000);
  assertMatch(fields(c, "commandstats").get("cmdstat_blpop")!, /^calls=2,.*failed_calls=0$/);
  waiting.received();
  waiting.send("BLPOP", "q", "0");
  c.send("CLIENT", "UNBLOCK", String(waiting.client.id), "ERROR");
  assertMatch(fields(c, "commandstats").get("cmdstat_blpop")!, /^calls=3,.*failed_calls=1$/);
});

Deno.test("INFO latencystats prints the percentiles that are configured, while latency-tracking is on", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  assertMatch(
    fields(c, "latencystats").get("latency_percentiles_usec_set")!,
    /^p50=[\d.]+,p99=[\d.]+,p99\.9=[\d.]+$/,
  );
  c.send("CONFIG", "SET", "latency-tracking-info-percentiles", "0 50 100");
  assertMatch(
    fields(c, "latencystats").get("latency_percentiles_usec_set")!,
    /^p0=[\d.]+,p50=[\d.]+,p100=[\d.]+$/,
  );
  c.send("CONFIG", "SET", "latency-tracking", "no");
  c.send("CONFIG", "RESETSTAT");
  c.send("SET", "k", "v");
  assertEquals(fields(c, "latencystats").size, 0);
});

Deno.test("MEMORY USAGE grows with the value and is null for a missing key", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  const small = c.send("MEMORY", "USAGE", "k") as number;
  c.send("SET", "k", "v".repeat(1000));
  const large = c.send("MEMORY", "USAGE", "k", "SAMPLES", "0") as number;
  assert(small > 16 && small < 100 && large >= small + 990, `${small} ${large}`);
  assertEquals(c.send("MEMORY", "USAGE", "none"), null);
  assertEquals(c.send("MEMORY", "USAGE", "k", "SAMPLES", "-1"), new ReplyFailure("ERR syntax error"));
});

Deno.test("MEMORY STATS, DOCTOR, PURGE and MALLOC-STATS answer", () => {
  using s: InProcessServer = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  c.client.reply.resp = 3;
  const stats = c.send("MEMORY", "STATS") as Map<string, unknown>;
  assertEquals(stats.get("keys.count"), 1);
  assert((stats.get("db.0") as Map<string, unknown>).has("overhead.hashtable.main"));
  c.client.reply.resp = 2;
  assertStringIncludes(c.send("MEMORY", "DOCTOR") as string, "too little data");
  assertEquals(c.send("MEMORY", "PURGE"), "OK");
  assertStringIncludes(c.send("MEMORY", "MALLOC-STATS") as string, "heapUsed");
});

Deno.test("INFO stats tells how long maxmemory has been exceeded, now and before", () => {
  using s = startInProcess();
  const c = s.client();
  const times = () => {
    const found = fields(c, "stats");
    return ["current_eviction_exceeded_time", "total_eviction_exceeded_time"].map((name) =>
      Number(found.get(name))
    );
  };
  c.send("SET", "k", "v");
  assertEquals(times(), [0, 0]);
  c.send("CONFIG", "SET", "maxmemory", "1");
  assert(c.send("SET", "k", "w") instanceof ReplyFailure);
  s.advance(1000);
  assertEquals(times(), [1000, 1000]);
  c.send("CONFIG", "SET", "maxmemory", "1gb");
  c.send("SET", "k", "w");
  s.advance(5000);
  assertEquals(times(), [0, 1000]);
});

Deno.test("INFO shows the keys whose end wakes XREADGROUP, and counts payloads of RESTORE", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("XGROUP", "CREATE", "stream", "g", "$", "MKSTREAM");
  s.client().send("XREADGROUP", "GROUP", "g", "a", "BLOCK", "0", "STREAMS", "stream", ">");
  s.client().send("BLPOP", "list", "0");
  const clients = fields(c, "clients");
  assertEquals(
    ["total_blocking_keys", "total_blocking_keys_on_nokey"].map((name) => clients.get(name)),
    ["2", "1"],
  );
  c.send("SET", "k", "v");
  c.send("RESTORE", "copy", "0", String(c.send("DUMP", "k")));
  c.send("RESTORE", "bad", "0", "bad");
  assertEquals(fields(c, "stats").get("dump_payload_sanitizations"), "1");
});

Deno.test("INFO has what 7.2 and 7.4 tell of the event loop and of watched keys", () => {
  using s = startInProcess();
  const c = s.client(), other = s.client();
  other.send("WATCH", "a", "b");
  c.send("WATCH", "a");
  c.send("PING");
  const clients = fields(c, "clients"), stats = fields(c, "stats");
  assertEquals(clients.get("total_watched_keys"), "2");
  assertEquals(clients.get("watching_clients"), "2");
  // A batch each: two of WATCH, PING, and INFO twice.
  assertEquals(stats.get("eventloop_cycles"), "5");
  assertEquals(stats.get("instantaneous_eventloop_cycles_per_sec"), "0");
  assertEquals(stats.get("instantaneous_eventloop_duration_usec"), "0");
  const [all, ofCommands] = [stats.get("eventloop_duration_sum"), stats.get("eventloop_duration_cmd_sum")]
    .map(Number);
  assert(all! >= ofCommands! + 5, `${all} and ${ofCommands} microseconds`);
  c.send("CONFIG", "RESETSTAT");
  assertEquals(fields(c, "stats").get("eventloop_cycles"), "1");
});

Deno.test("MEMORY STATS has what 7.4 tells of hash tables", () => {
  using s = startInProcess();
  const c = s.client(), stats = () => c.send("MEMORY", "STATS") as unknown[];
  const value = (name: string) => stats()[stats().indexOf(name) + 1];
  assertEquals(value("overhead.db.hashtable.lut"), 0);
  c.send("SET", "k", "v", "EX", "100");
  const database = value("db.0") as unknown[];
  assertEquals(value("overhead.db.hashtable.lut"), Number(database[1]) + Number(database[3]));
  assertEquals(value("overhead.db.hashtable.rehashing"), 0);
  assertEquals(value("db.dict.rehashing.count"), 0);
});
