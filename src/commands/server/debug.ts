/**
 * DEBUG: for tests of the server and of clients; refused unless `enable-debug-command` permits it.
 */
import { ValueType } from "../../data/value.ts";
import type { Args } from "../../engine/args.ts";
import { type Command, command, Flag } from "../../engine/command.ts";
import { ClientFlag } from "../../engine/client.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import { idleSeconds } from "../../keyspace/eviction.ts";
import { mayAct } from "../../engine/protected_action.ts";
import type { Database } from "../../keyspace/database.ts";
import { Key } from "../../keyspace/key.ts";
import { Slice } from "../../keyspace/slice.ts";
import { writeValue } from "../../persistence/rdb/dump.ts";
import { RdbOutput } from "../../persistence/rdb/rdb_output.ts";
import {
  BAD_THRESHOLD,
  DB_OUT_OF_RANGE,
  MUST_BE_POSITIVE,
  NO_SUCH_KEY,
  NOT_A_HASH_TABLE,
  RELOAD_OPTIONS,
  ReplyError,
} from "../../protocol/errors.ts";
import { allocateBytes, writeLatin1 } from "../../util/bytes.ts";
import { globMatch } from "../../util/glob.ts";
import { parseMemory } from "../../util/numbers.ts";
import { sleepSync } from "../../util/sleep.ts";
import { debugProtocol } from "./debug_protocol.ts";
import { datasetDigest, valueDigest } from "./digest.ts";
import { replyHelp, subcommandSyntax } from "../help.ts";
import { encodingOf } from "../keys/keys.ts";
import { persistenceOf } from "./persistence.ts";

const NOT_ALLOWED = new ReplyError(
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a ' +
    "local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);

/** A number as C's atoi parses it: 0 if the text does not begin with one. */
function looseInteger(args: Args, at: number): number {
  return parseInt(args.string(at), 10) || 0;
}

// ---- Data ---------------------------------------------------------------------------------------

function digest(ctx: CommandContext): void {
  ctx.reply.simple(datasetDigest(ctx.engine.databases));
}

function digestValue(ctx: CommandContext, args: Args): void {
  ctx.reply.array(args.count - 2);
  // Keys that have expired but still exist count too.
  for (let i = 2; i < args.count; i++) ctx.reply.simple(valueDigest(ctx.db, ctx.db.find(args.key(i))));
}

/** The record of the key in argument 2, expired or not. */
function subject(ctx: CommandContext, args: Args): number {
  const ref = ctx.db.find(args.key(2));
  if (ref === 0) throw NO_SUCH_KEY;
  return ref;
}

/** Size of the value in an RDB file, without its type. */
function serializedLength(database: Database, ref: number): number {
  const out = new RdbOutput(true);
  writeValue(out, database.valueOf(ref, new Slice()));
  return out.view().length;
}

function object(ctx: CommandContext, args: Args): void {
  const ref = subject(ctx, args), { db } = ctx;
  const clock = db.clockOf(ref), length = serializedLength(db, ref);
  let text = `Value at:0x${ref.toString(16).padStart(12, "0")} refcount:1 encoding:${encodingOf(db, ref)} ` +
    `serializedlength:${length} lru:${clock} lru_seconds_idle:${idleSeconds(clock, ctx.nowMs)}`;
  if (db.typeOf(ref) === ValueType.List) text += quicklistText(ctx, ref, length);
  ctx.reply.simple(text);
}

/**
 * A list as nodes of the size that `list-max-listpack-size` asks for; ours have a size of their
 * own.
 */
function quicklistText(ctx: CommandContext, ref: number, bytes: number): string {
  const { listMaxListpackSize: fill, listCompressDepth } = ctx.engine.limits;
  const { size } = ctx.db.collectionOf(ref);
  const nodes = Math.max(
    1,
    fill > 0 ? Math.ceil(size / fill) : Math.ceil(bytes / (2048 << Math.min(-fill, 5))),
  );
  return ` ql_nodes:${nodes} ql_avg_node:${(size / nodes).toFixed(2)} ql_listpack_max:${fill} ` +
    `ql_compressed:${listCompressDepth > 0 ? 1 : 0} ql_uncompressed_size:${bytes}`;
}

/**
 * DEBUG LISTPACK and QUICKLIST: the value must have the encoding, or (a hash with expiring fields)
 * be a listpack with times; its structure is logged.
 */
function structure(ctx: CommandContext, args: Args, encoding: string, name: string): void {
  const ref = subject(ctx, args), found = encodingOf(ctx.db, ref);
  if (found !== encoding && found !== `${encoding}ex`) {
    throw new ReplyError(`ERR Not a ${encoding} encoded object.`);
  }
  const { size, memoryBytes } = ctx.db.collectionOf(ref);
  ctx.engine.log.debug(`${name} with ${size} elements in ${memoryBytes} bytes`);
  ctx.reply.simple(`${name} structure printed on stdout`);
}

function populate(ctx: CommandContext, args: Args): void {
  const count = args.int(2, MUST_BE_POSITIVE, 0);
  const prefix = args.count > 3 ? args.string(3) : "key";
  const size = args.count > 4 ? args.int(4, MUST_BE_POSITIVE, 0) : 0;
  for (let i = 0; i < count; i++) {
    const key = Key.of(`${prefix}:${i}`), text = `value:${i}`;
    if (ctx.findForWrite(key) !== 0) continue;
    const value = allocateBytes(Math.max(size, text.length)).fill(0);
    writeLatin1(value, 0, text);
    ctx.setBytes(key, value, 0, size === 0 ? text.length : size);
    ctx.changed(key, Notify.String, "set", 0);
  }
  ctx.reply.ok();
}

function tableText(size: number, slots: number): string {
  if (size === 0) return "No stats available for empty dictionaries\n";
  return "Hash table 0 stats (main hash table):\n" +
    ` table size: ${slots}\n number of elements: ${size}\n`;
}

function htstats(ctx: CommandContext, args: Args): void {
  const database = ctx.engine.databases[args.int(2)];
  if (database === undefined) throw DB_OUT_OF_RANGE;
  const keys = tableText(database.size, database.slotCount);
  const volatile = tableText(database.volatileSize, database.volatileSlotCount);
  ctx.reply.verbatim("txt", `[Dictionary HT]\n${keys}[Expires HT]\n${volatile}`);
}

function htstatsKey(ctx: CommandContext, args: Args): void {
  const ref = subject(ctx, args), encoding = encodingOf(ctx.db, ref);
  if (encoding !== "hashtable" && encoding !== "skiplist") throw NOT_A_HASH_TABLE;
  const { size } = ctx.db.collectionOf(ref);
  const slots = Math.max(4, 2 ** Math.ceil(Math.log2(size)));
  ctx.reply.verbatim("txt", tableText(size, slots));
}

// ---- Files --------------------------------------------------------------------------------------

function reload(ctx: CommandContext, args: Args): void {
  const options = { save: true, flush: true, merge: false };
  for (let i = 2; i < args.count; i++) {
    if (args.is(i, "MERGE")) options.merge = true;
    else if (args.is(i, "NOFLUSH")) options.flush = false;
    else if (args.is(i, "NOSAVE")) options.save = false;
    else throw RELOAD_OPTIONS;
  }
  persistenceOf(ctx).reload(options);
  ctx.engine.log.warning("DB reloaded by DEBUG RELOAD");
  ctx.reply.ok();
}

function loadAof(ctx: CommandContext): void {
  persistenceOf(ctx).reloadAppendOnlyFile();
  ctx.engine.log.warning("Append Only File loaded by DEBUG LOADAOF");
  ctx.reply.ok();
}

// ---- The server ---------------------------------------------------------------------------------

function sleep(ctx: CommandContext, args: Args): void {
  sleepSync((parseFloat(args.string(2)) || 0) * 1000);
  // A script sees one time from start to end.
  if (!ctx.client.has(ClientFlag.Script)) ctx.engine.refreshTime();
  ctx.reply.ok();
}

function packedThreshold(ctx: CommandContext, args: Args): void {
  // An element too long for a node always has a node of its own here; the argument is only checked.
  const bytes = parseMemory(args.string(2));
  if (bytes === undefined || bytes > 2 ** 32) throw BAD_THRESHOLD;
  ctx.reply.ok();
}

function replyBuffer(ctx: CommandContext, args: Args): void {
  // Empty reply buffers belong to no client, so there is no size to keep or shrink.
  if (args.is(2, "PEAK-RESET-TIME")) {
    if (!args.is(3, "NEVER") && !args.is(3, "RESET")) args.integer(3);
  } else if (!args.is(2, "RESIZING")) throw subcommandSyntax(args);
  ctx.reply.ok();
}

function replicate(ctx: CommandContext, args: Args): void {
  ctx.rewrite(...args.strings(2));
  ctx.forcePropagation();
  ctx.reply.ok();
}

const help = [
  "AOF-FLUSH-SLEEP <microsec>",
  "    Let the server stand still before it writes the append only file.",
  "ASSERT",
  "    End the process as a failed assertion does.",
  "CHANGE-REPL-ID",
  "    Give the server another replication id.",
  "CONFIG-REWRITE-FORCE-ALL",
  "    CONFIG REWRITE with every parameter, defaults too.",
  "DIGEST",
  "    Return a hash of all data.",
  "DIGEST-VALUE <key> [<key> ...]",
  "    Return a hash of each value.",
  "ERROR <string>",
  "    Return an error of this text.",
  "LOG <message>",
  "    Write a message to the log.",
  "HTSTATS <dbid>",
  "    Return the sizes of a database's indexes.",
  "HTSTATS-KEY <key>",
  "    Return the size of a value's table.",
  "LOADAOF",
  "    Forget the data and load the append only file.",
  "REPLICATE <string> [<string> ...]",
  "    Propagate a command that is not run here.",
  "OBJECT <key>",
  "    Describe how a value is kept.",
  "PANIC",
  "    End the process as a fault of the server does.",
  "POPULATE <count> [<prefix>] [<size>]",
  "    Make string keys `<prefix>:<number>` that are not propagated.",
  "PROTOCOL <type>",
  "    Return a sample of a type: string, integer, double, bignum, null, array,",
  "    set, map, attrib, push, verbatim, true, false.",
  "RELOAD [option ...]",
  "    Save the RDB file, forget the data and load the file. Options:",
  "    * MERGE: keys of the file win over those that are there.",
  "    * NOFLUSH: the data are not forgotten.",
  "    * NOSAVE: the file that is there is loaded.",
  "SEGFAULT",
  "    End the process as a fault of memory does.",
  "SET-ACTIVE-EXPIRE <0|1>",
  "    Switch the deletion of expired keys that nobody asks for.",
  "SET-DISABLE-DENY-SCRIPTS <0|1>",
  "    Let scripts call commands that are not for them.",
  "QUICKLIST-PACKED-THRESHOLD <size>",
  "    Accepted; nodes of lists do not depend on it.",
  "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
  "    Forgive wrong checksums in RDB files and in RESTORE.",
  "SLEEP <seconds>",
  "    Let the server stand still.",
  "STRINGMATCH-LEN <pattern> <string>",
  "    Tell whether a glob pattern matches.",
  "LISTPACK <key>",
  "    Describe a value in a listpack in the log.",
  "QUICKLIST <key> [<0|1>]",
  "    Describe a list in the log.",
  "PAUSE-CRON <0|1>",
  "    Stop the work that is done beside commands.",
  "REPLYBUFFER PEAK-RESET-TIME <NEVER|RESET|time>",
  "    Accepted; reply buffers are not kept.",
  "REPLYBUFFER RESIZING <0|1>",
  "    Accepted; reply buffers are not kept.",
];

/** A sub-command and its permitted number of arguments, including DEBUG and its own name. */
interface DebugCommand {
  min: number;
  max?: number;
  run: (ctx: CommandContext, args: Args) => void;
}

/** A sub-command that only sets something from its argument. */
function switching(set: (ctx: CommandContext, value: number) => void): DebugCommand {
  return {
    min: 3,
    run(ctx, args) {
      set(ctx, looseInteger(args, 2));
      ctx.reply.ok();
    },
  };
}

function crashing(reason: (ctx: CommandContext) => string): DebugCommand {
  return { min: 2, max: Infinity, run: (ctx) => ctx.engine.server.crash(reason(ctx)) };
}

const subcommands = new Map<string, DebugCommand>(Object.entries({
  "help": { min: 2, run: (ctx) => replyHelp(ctx, "DEBUG", help) },
  "digest": { min: 2, run: digest },
  "digest-value": { min: 2, max: Infinity, run: digestValue },
  "object": { min: 3, run: object },
  "listpack": { min: 3, run: (ctx, args) => structure(ctx, args, "listpack", "Listpack") },
  "quicklist": { min: 3, max: 4, run: (ctx, args) => structure(ctx, args, "quicklist", "Quicklist") },
  "populate": { min: 3, max: 5, run: populate },
  "htstats": { min: 3, run: htstats },
  "htstats-key": { min: 3, run: htstatsKey },
  "reload": { min: 2, max: Infinity, run: reload },
  "loadaof": { min: 2, run: loadAof },
  "protocol": { min: 3, run: debugProtocol },
  "sleep": { min: 3, run: sleep },
  "quicklist-packed-threshold": { min: 3, run: packedThreshold },
  "replybuffer": { min: 4, run: replyBuffer },
  "replicate": { min: 3, max: Infinity, run: replicate },
  "set-active-expire": switching(({ engine }, value) => engine.activeExpire = value !== 0),
  "set-skip-checksum-validation": switching(({ engine }, value) => engine.debug.skipChecksums = value !== 0),
  "set-disable-deny-scripts": switching(({ engine }, value) => engine.debug.allowAllInScripts = value !== 0),
  "pause-cron": switching(({ engine }, value) => engine.debug.pauseCron = value !== 0),
  "aof-flush-sleep": switching(({ engine }, value) => engine.debug.aofFlushSleepUs = value),
  "change-repl-id": {
    min: 2,
    run(ctx) {
      ctx.engine.log.warning("Changing replication IDs after receiving DEBUG change-repl-id");
      ctx.engine.identity.changeReplicationId();
      ctx.reply.ok();
    },
  },
  "config-rewrite-force-all": {
    min: 2,
    run(ctx) {
      ctx.engine.config.rewrite(true);
      ctx.reply.ok();
    },
  },
  "stringmatch-len": {
    min: 4,
    run: (ctx, args) => ctx.reply.integer(globMatch(args.string(2), args.string(3)) ? 1 : 0),
  },
  "log": {
    min: 3,
    run(ctx, args) {
      ctx.engine.log.warning(`DEBUG LOG: ${args.string(2)}`);
      ctx.reply.ok();
    },
  },
  "error": {
    min: 3,
    run(_ctx, args) {
      throw new ReplyError(args.string(2));
    },
  },
  "segfault": crashing(() => "crashed by signal: 11"),
  "panic": crashing((ctx) =>
    `Guru Meditation: DEBUG PANIC called at Unix time ${Math.floor(ctx.nowMs / 1000)}`
  ),
  "assert": crashing(() => "ASSERTION FAILED: DEBUG ASSERT"),
}));

function debug(ctx: CommandContext, args: Args): void {
  if (!mayAct(ctx.engine.config.values.enableDebugCommand, ctx.client)) throw NOT_ALLOWED;
  const found = subcommands.get(args.string(1).toLowerCase());
  if (found === undefined || args.count < found.min || args.count > (found.max ?? found.min)) {
    throw subcommandSyntax(args);
  }
  found.run(ctx, args);
}

/** The commands of this group; `table.ts` joins the groups. */
export const debugCommands: readonly Command[] = [
  command({
    name: "debug",
    group: "server",
    since: "1.0.0",
    arity: -2,
    flags: Flag.Admin | Flag.NoScript | Flag.Loading | Flag.Stale | Flag.Protected,
    summary: "A container for what only tests need.",
    complexity: "Depends on the sub-command",
    isInternal: true,
    handler: debug,
  }),
];
