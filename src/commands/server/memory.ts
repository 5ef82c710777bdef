/** MEMORY: the memory of keys and of the server. */
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import { type Command, command, Flag, integerArg, keyArg, keyAt, KeyFlag } from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { type MemoryReport, memoryReport, percentOf, ratio } from "../../engine/memory_report.ts";
import { SYNTAX } from "../../protocol/errors.ts";
import { streamMemory } from "../../replication/info.ts";
import { Scripting } from "../../scripting/scripting.ts";
import { collectGarbage } from "../../util/garbage.ts";
import { formatDouble } from "../../util/numbers.ts";
import { helpCommand } from "../help.ts";
import { humanBytes } from "./info_fields.ts";

const MB = 1024 * 1024;

function usage(ctx: CommandContext, args: Args): void {
  const options = new ArgReader(args, 3);
  while (options.more) {
    // The size of a collection is known without sampling its elements.
    if (!options.take("SAMPLES", 1)) throw SYNTAX;
    if (options.int() < 0) throw SYNTAX;
  }
  const ref = ctx.peek(args.key(2));
  if (ref === 0) return ctx.reply.null();
  ctx.reply.integer(ctx.db.memoryOf(ref));
}

function stats(ctx: CommandContext): void {
  const { reply, engine } = ctx, report = memoryReport(engine);
  const stream = streamMemory(engine), { memory } = Scripting.of(engine);
  const from = reply.length;
  let pairs = 0;
  const put = (name: string, bytes: number) => {
    reply.bulk(name);
    reply.integer(bytes);
    pairs++;
  };
  const putDouble = (name: string, value: number) => {
    reply.bulk(name);
    reply.double(formatDouble(value));
    pairs++;
  };
  put("peak.allocated", report.peak);
  put("total.allocated", report.used);
  put("startup.allocated", report.startup);
  put("replication.backlog", stream.backlog);
  put("clients.slaves", stream.replicas + report.clientsReplicas);
  put("clients.normal", report.clientsNormal);
  put("cluster.links", 0);
  put("aof.buffer", report.aofBuffer);
  put("lua.caches", memory.evalMachine + memory.scripts);
  put("functions.caches", memory.functionMachine + memory.libraries);
  let tables = 0;
  for (const [id, database] of engine.databases.entries()) {
    if (database.size === 0) continue;
    tables += database.slotCount + database.volatileSlotCount;
    reply.bulk(`db.${id}`);
    reply.map(3);
    reply.bulk("overhead.hashtable.main");
    reply.integer(database.slotCount * 8);
    reply.bulk("overhead.hashtable.expires");
    reply.integer(database.volatileSlotCount * 8);
    reply.bulk("overhead.hashtable.slot-to-keys");
    reply.integer(0);
    pairs++;
  }
  put("overhead.db.hashtable.lut", tables * 8);
  put("overhead.db.hashtable.rehashing", 0);
  put("db.dict.rehashing.count", 0);
  put("overhead.total", report.overhead);
  put("keys.count", report.keys);
  put("keys.bytes-per-key", Math.floor(ratio(report.used - report.startup, report.keys)));
  put("dataset.bytes", report.dataset);
  putDouble("dataset.percentage", percentOf(report.dataset, report.used - report.startup));
  putDouble("peak.percentage", percentOf(report.used, report.peak));
  put("allocator.allocated", report.allocated);
  put("allocator.active", report.active);
  put("allocator.resident", report.resident);
  put("allocator.muzzy", 0);
  putDouble("allocator-fragmentation.ratio", ratio(report.active, report.allocated));
  put("allocator-fragmentation.bytes", report.active - report.allocated);
  putDouble("allocator-rss.ratio", ratio(report.resident, report.active));
  put("allocator-rss.bytes", report.resident - report.active);
  putDouble("rss-overhead.ratio", 1);
  put("rss-overhead.bytes", 0);
  putDouble("fragmentation", ratio(report.resident, report.used));
  put("fragmentation.bytes", report.resident - report.used);
  reply.mapBefore(from, pairs);
}

/** The conditions MEMORY DOCTOR checks, with its advice. */
const ailments: readonly { isThere: (report: MemoryReport, clients: number) => boolean; advice: string }[] = [
  {
    isThere: ({ peak, used }) => used > 0 && peak / used > 1.5,
    advice:
      "Peak memory: the data once took more than 150% of what it takes now. The process may hold on to the difference; " +
      "that is harmless, unless the peak never comes again: then a restart gives the memory back.",
  },
  {
    isThere: ({ resident, active }) => ratio(resident, active) > 4 && resident - active > 256 * MB,
    advice:
      "High RSS: the process holds far more than its heap and buffers. MEMORY PURGE may give some of it back.",
  },
  {
    isThere: ({ active, allocated }) => ratio(active, allocated) > 2 && active - allocated > 64 * MB,
    advice:
      "Sparse heap: more than half of the JavaScript heap is free. It shrinks with the next full collection.",
  },
  {
    isThere: ({ clientsNormal }, clients) => ratio(clientsNormal, clients) > 200 * 1024,
    advice:
      "Big client buffers: clients hold more than 200 KB each on average. Look with CLIENT LIST for those with a large " +
      "omem, which do not read their replies, or limit them by client-output-buffer-limit.",
  },
];

function doctor(ctx: CommandContext): void {
  const report = memoryReport(ctx.engine);
  if (report.used - report.startup < 5 * MB) {
    return ctx.reply.verbatim(
      "txt",
      "There is too little data in this instance to tell anything about its memory. Come back when it is in use.\n",
    );
  }
  const found = ailments.filter(({ isThere }) => isThere(report, ctx.engine.clients.size));
  const text = found.length === 0
    ? "I can find no trouble with the memory of this instance. It takes " +
      `${humanBytes(report.used)}, of which ${humanBytes(report.dataset)} are data.\n`
    : "I have found this:\n\n" + found.map(({ advice }) => ` * ${advice}\n\n`).join("");
  ctx.reply.verbatim("txt", text);
}

function purge(ctx: CommandContext): void {
  // Memory of removed keys is compacted piece by piece; this does the rest at once.
  for (const database of ctx.engine.databases) while (database.compact(Infinity));
  while (ctx.engine.limits.store.freeSome(Infinity));
  while (ctx.engine.compaction.step(Infinity));
  collectGarbage();
  ctx.reply.ok();
}

function mallocStats(ctx: CommandContext): void {
  const lines = Object.entries(Deno.memoryUsage()).map(([name, bytes]) => `${name}: ${bytes}\n`);
  ctx.reply.verbatim("txt", lines.join(""));
}

const help = [
  "DOCTOR",
  "    Report what is wrong with the memory.",
  "MALLOC-STATS",
  "    Return what the JavaScript engine says of its memory.",
  "PURGE",
  "    Compact the memory of keys that have been removed.",
  "STATS",
  "    Return what the memory is used for.",
  "USAGE <key> [SAMPLES <count>]",
  "    Return the bytes that a key and its value take. SAMPLES is accepted and",
  "    changes nothing: the size is known without sampling.",
];

function memoryCommand(
  name: string,
  summary: string,
  tips: readonly string[],
  handler: Command["handler"],
): Command {
  return command({
    name,
    group: "server",
    since: "4.0.0",
    arity: 2,
    flags: 0,
    summary,
    complexity: "O(N) for N clients",
    tips,
    handler,
  });
}

const reporting = ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];

/** The commands of this group; `table.ts` joins the groups. */
export const memoryCommands: readonly Command[] = [
  command({
    name: "memory",
    group: "server",
    since: "4.0.0",
    arity: -2,
    flags: 0,
    summary: "A container for commands about memory.",
    complexity: "Depends on the sub-command",
    subcommands: [
      command({
        name: "usage",
        group: "server",
        since: "4.0.0",
        arity: -3,
        flags: Flag.ReadOnly,
        keys: [keyAt(2, KeyFlag.ReadOnly)],
        args: [keyArg(), integerArg("count", { token: "SAMPLES", optional: true })],
        summary: "Estimates the bytes that a key and its value take.",
        complexity: "O(1)",
        handler: usage,
      }),
      memoryCommand("stats", "Tells what the memory is used for.", reporting, stats),
      memoryCommand("doctor", "Reports what is wrong with the memory.", reporting, doctor),
      memoryCommand(
        "malloc-stats",
        "Replies with the JavaScript engine's own figures.",
        reporting,
        mallocStats,
      ),
      memoryCommand(
        "purge",
        "Compacts the memory of removed keys.",
        ["request_policy:all_shards", "response_policy:all_succeeded"],
        purge,
      ),
      helpCommand("MEMORY", help, { group: "server", since: "4.0.0" }),
    ],
  }),
];
