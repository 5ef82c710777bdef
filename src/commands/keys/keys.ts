/** Keys of any type: deleting, renaming, copying, iterating, expiring, OBJECT. */
import { typeName, ValueType } from "../../data/value.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import {
  type Command,
  command,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  keyRange,
  patternArg,
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import { idleSeconds, lfuCounter, parsePolicy } from "../../keyspace/eviction.ts";
import { type Attributes, type Database, NO_EXPIRY } from "../../keyspace/database.ts";
import { StringMark } from "../../keyspace/record.ts";
import { Key } from "../../keyspace/key.ts";
import { Slice } from "../../keyspace/slice.ts";
import {
  FREQUENCY_NOT_TRACKED,
  IDLE_NOT_TRACKED,
  NO_SUCH_KEY,
  SAME_OBJECT,
  SYNTAX,
} from "../../protocol/errors.ts";
import { parseCursor } from "../collection_scan.ts";
import { globMatch } from "../../util/glob.ts";
import { parseIntegerBytes } from "../../util/numbers.ts";
import { databaseArgument } from "./database.ts";
import { helpCommand } from "../help.ts";

// ---- Deleting and counting ----------------------------------------------------------------------

function del(ctx: CommandContext, args: Args): void {
  let deleted = 0;
  for (let i = 1; i < args.count; i++) {
    const key = args.key(i);
    if (!ctx.delete(key)) continue;
    ctx.changed(key, Notify.Generic, "del");
    deleted++;
  }
  ctx.reply.integer(deleted);
}

/**
 * Collections with more elements than this count as freed in the background when UNLINK removes
 * them, as in redis-server.
 */
const LAZILY_FREED_ABOVE = 64;

function unlink(ctx: CommandContext, args: Args): void {
  for (let i = 1; i < args.count; i++) {
    const ref = ctx.peek(args.key(i));
    if (ref === 0 || ctx.db.typeOf(ref) === ValueType.String) continue;
    if (ctx.db.collectionOf(ref).size > LAZILY_FREED_ABOVE) ctx.engine.stats.lazilyFreed++;
  }
  del(ctx, args);
}

/** EXISTS and TOUCH: the number of existing keys, with repeated ones counted each time. */
function countExisting(ctx: CommandContext, args: Args, touches: boolean): void {
  let found = 0;
  for (let i = 1; i < args.count; i++) if (ctx.find(args.key(i), touches) !== 0) found++;
  ctx.reply.integer(found);
}

function type(ctx: CommandContext, args: Args): void {
  const ref = ctx.find(args.key(1), false);
  ctx.reply.simple(ref === 0 ? "none" : typeName(ctx.db.typeOf(ref)));
}

function randomkey(ctx: CommandContext): void {
  const { db, reply } = ctx;
  // If every key has expired and none may be deleted here, an expired one is better than an endless
  // loop.
  for (let tries = 0; db.size > 0; tries++) {
    const key = db.keyOf(db.sample(ctx.engine.random));
    if (ctx.peek(key) !== 0 || tries === 100) return reply.bulk(key.text);
  }
  reply.null();
}

// ---- Iterating ----------------------------------------------------------------------------------

/** True if the key at `ref` is visible: it has not expired. */
function isAlive(ctx: CommandContext, ref: number): boolean {
  const expiresAtMs = ctx.db.expiryOf(ref);
  return expiresAtMs === NO_EXPIRY || expiresAtMs > ctx.nowMs || ctx.engine.keys.keepExpired;
}

function keys(ctx: CommandContext, args: Args): void {
  const pattern = args.string(1), { reply, db } = ctx;
  const from = reply.length;
  let count = 0;
  db.forEach((ref) => {
    const text = db.keyTextOf(ref);
    if ((pattern !== "*" && !globMatch(pattern, text)) || !isAlive(ctx, ref)) return;
    reply.bulk(text);
    count++;
  });
  reply.arrayBefore(from, count);
}

function scan(ctx: CommandContext, args: Args): void {
  const cursor = parseCursor(args.string(1));
  let count = 10, pattern = "*", wantedType = "";
  const options = new ArgReader(args, 2);
  while (options.more) {
    if (options.take("COUNT", 1)) {
      count = options.int();
      if (count < 1) throw SYNTAX;
    } else if (options.take("MATCH", 1)) pattern = options.string();
    else if (options.take("TYPE", 1)) wantedType = options.string().toLowerCase();
    else throw SYNTAX;
  }
  const { db } = ctx;
  const found: string[] = [];
  const next = db.scan(cursor, count, (ref) => {
    const text = db.keyTextOf(ref);
    if (pattern !== "*" && !globMatch(pattern, text)) return;
    if (wantedType !== "" && typeName(db.typeOf(ref)) !== wantedType) return;
    found.push(text);
  });
  // Expired keys can be deleted only after the walk.
  const alive = found.filter((text) => ctx.peek(Key.of(text)) !== 0);
  ctx.reply.array(2);
  ctx.reply.bulk(String(next));
  ctx.reply.bulkArray(alive);
}

// ---- Renaming, copying, moving ------------------------------------------------------------------

/**
 * The attributes that accompany a value to another name or database: its expiry time and its usage.
 */
function attributesOf(database: Database, ref: number): Attributes {
  return { expiresAtMs: database.expiryOf(ref), clock: database.clockOf(ref) };
}

/** RENAME and RENAMENX: false if the new name is taken and must be free. */
function renameKey(ctx: CommandContext, args: Args, onlyFree: boolean): boolean {
  const from = args.key(1), to = args.key(2);
  const ref = ctx.findForWrite(from);
  if (ref === 0) throw NO_SUCH_KEY;
  if (from.text === to.text) return !onlyFree;
  const target = ctx.findForWrite(to);
  if (target !== 0) {
    if (onlyFree) return false;
    ctx.deleteRecord(target);
  }
  const source = ctx.db.find(from), options = attributesOf(ctx.db, source);
  ctx.attach(ctx.databaseId, to, 0, ctx.detach(source), options);
  ctx.changed(from, Notify.Generic, "rename_from");
  ctx.changed(to, Notify.Generic, "rename_to", 0);
  return true;
}

function move(ctx: CommandContext, args: Args): void {
  const target = databaseArgument(ctx, args, 2);
  if (target === ctx.databaseId) throw SAME_OBJECT;
  const key = args.key(1), ref = ctx.findForWrite(key);
  if (ref === 0 || ctx.peekIn(target, key) !== 0) return ctx.reply.integer(0);
  const options = attributesOf(ctx.db, ref);
  ctx.attach(target, key, 0, ctx.detach(ref), options);
  ctx.changed(key, Notify.Generic, "move_from");
  ctx.changed(key, Notify.Generic, "move_to", 0, target);
  ctx.reply.integer(1);
}

function copy(ctx: CommandContext, args: Args): void {
  let target = ctx.databaseId, replace = false;
  const options = new ArgReader(args, 3);
  while (options.more) {
    if (options.take("REPLACE")) replace = true;
    else if (options.take("DB", 1)) target = databaseArgument(ctx, args, options.at++);
    else throw SYNTAX;
  }
  const from = args.key(1), to = args.key(2);
  if (target === ctx.databaseId && from.text === to.text) throw SAME_OBJECT;
  const ref = ctx.find(from);
  if (ref === 0) return ctx.reply.integer(0);
  const old = ctx.peekIn(target, to);
  if (old !== 0 && !replace) return ctx.reply.integer(0);
  const source = ctx.db.find(from), expiresAtMs = ctx.db.expiryOf(source);
  ctx.attach(target, to, old, ctx.copyOf(source), { expiresAtMs, clock: ctx.engine.keys.freshClock });
  ctx.changed(to, Notify.Generic, "copy_to", 1, target);
  ctx.reply.integer(1);
}

// ---- OBJECT -------------------------------------------------------------------------------------

/** Longest string Redis stores in one allocation with its header. */
const LONGEST_EMBEDDED = 44;

/** The name shown by OBJECT ENCODING. */
export function encodingOf(database: Database, ref: number): string {
  if (database.typeOf(ref) !== ValueType.String) return database.collectionOf(ref).encoding;
  const marks = database.stringMarks(ref), value = database.readString(ref, new Slice());
  if ((marks & StringMark.Raw) !== 0 || value.length > LONGEST_EMBEDDED) return "raw";
  if ((marks & StringMark.Text) !== 0 || value.length > 20) return "embstr";
  return parseIntegerBytes(value.buf, value.start, value.end) === undefined ? "embstr" : "int";
}

/** The record in question for OBJECT; replies null and returns 0 if there is none. */
function objectSubject(ctx: CommandContext, args: Args): number {
  const ref = ctx.peek(args.key(2));
  if (ref === 0) ctx.reply.null();
  return ref;
}

function objectEncoding(ctx: CommandContext, args: Args): void {
  const ref = objectSubject(ctx, args);
  if (ref !== 0) ctx.reply.bulk(encodingOf(ctx.db, ref));
}

/** The reference count Redis shows for the small integers it shares. */
const SHARED_REFCOUNT = 2147483647;

function objectRefcount(ctx: CommandContext, args: Args): void {
  const ref = objectSubject(ctx, args);
  if (ref === 0) return;
  const { maxmemory, maxmemoryPolicy } = ctx.engine.config.values;
  const { order } = parsePolicy(maxmemoryPolicy);
  // Redis shares nothing if each key needs an access time of its own.
  const mayShare = maxmemory === 0 || (order !== "lru" && order !== "lfu");
  const value = mayShare && encodingOf(ctx.db, ref) === "int"
    ? Number(ctx.db.readString(ref, new Slice()).text())
    : -1;
  ctx.reply.integer(value >= 0 && value < 10_000 ? SHARED_REFCOUNT : 1);
}

function objectIdletime(ctx: CommandContext, args: Args): void {
  const ref = objectSubject(ctx, args);
  if (ref === 0) return;
  if (parsePolicy(ctx.engine.config.values.maxmemoryPolicy).order === "lfu") {
    throw IDLE_NOT_TRACKED;
  }
  ctx.reply.integer(idleSeconds(ctx.db.clockOf(ref), ctx.nowMs));
}

function objectFreq(ctx: CommandContext, args: Args): void {
  const ref = objectSubject(ctx, args);
  if (ref === 0) return;
  const { maxmemoryPolicy, lfuDecayTime } = ctx.engine.config.values;
  if (parsePolicy(maxmemoryPolicy).order !== "lfu") {
    throw FREQUENCY_NOT_TRACKED;
  }
  ctx.reply.integer(lfuCounter(ctx.db.clockOf(ref), ctx.nowMs, lfuDecayTime));
}

const objectHelp = [
  "ENCODING <key>",
  "    Tell how the value of <key> is kept.",
  "FREQ <key>",
  "    Tell how often <key> has been used of late, on a scale of logarithms.",
  "IDLETIME <key>",
  "    Tell for how many seconds <key> has not been used.",
  "REFCOUNT <key>",
  "    Tell how many share the value of <key>: nobody else.",
];

// ---- Declarations -------------------------------------------------------------------------------

const READ = KeyFlag.ReadOnly;
const DELETE = KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete;

/** The common declaration of OBJECT's sub-commands. */
function objectCommand(name: string, since: string, summary: string, handler: Command["handler"]): Command {
  return command({
    name,
    group: "generic",
    since,
    arity: 3,
    flags: Flag.ReadOnly,
    keys: [keyAt(2, READ)],
    args: [keyArg()],
    summary,
    complexity: "O(1)",
    tips: ["nondeterministic_output"],
    handler,
  });
}

const generic = { group: "generic", since: "1.0.0" } as const;
const twoNames = [keyArg("key"), keyArg("newkey", { keySpecIndex: 1 })];
const twoKeys = [
  keyAt(1, DELETE),
  keyAt(2, KeyFlag.Overwrite | KeyFlag.Update),
];

/** The commands of this group; `table.ts` joins the groups. */
export const keyCommands: readonly Command[] = [
  command({
    ...generic,
    name: "del",
    arity: -2,
    flags: Flag.Write,
    keys: [keyRange(1, -1, 1, KeyFlag.Remove | KeyFlag.Delete)],
    args: [keyArg("key", { multiple: true })],
    summary: "Deletes keys.",
    complexity: "O(N) for N keys, and O(M) for each collection of M elements",
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    handler: del,
  }),
  command({
    ...generic,
    name: "unlink",
    since: "4.0.0",
    arity: -2,
    flags: Flag.Write | Flag.Fast,
    keys: [keyRange(1, -1, 1, KeyFlag.Remove | KeyFlag.Delete)],
    args: [keyArg("key", { multiple: true })],
    summary: "Deletes keys and leaves the freeing of their memory to the garbage collector.",
    complexity: "O(1) for each key",
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    handler: unlink,
  }),
  command({
    ...generic,
    name: "exists",
    arity: -2,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: [keyRange(1, -1, 1, READ)],
    args: [keyArg("key", { multiple: true })],
    summary: "Counts how many of the keys exist.",
    complexity: "O(N) for N keys",
    history: [["3.0.3", "Several keys."]],
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    handler: (ctx, args) => countExisting(ctx, args, false),
  }),
  command({
    ...generic,
    name: "touch",
    since: "3.2.1",
    arity: -2,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: [keyRange(1, -1, 1, READ)],
    args: [keyArg("key", { multiple: true })],
    summary: "Counts how many of the keys exist and marks them as used now.",
    complexity: "O(N) for N keys",
    tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
    handler: (ctx, args) => countExisting(ctx, args, true),
  }),
  command({
    ...generic,
    name: "type",
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: [keyAt(1, READ)],
    args: [keyArg()],
    summary: "Names the type of the value at a key.",
    complexity: "O(1)",
    handler: type,
  }),
  command({
    ...generic,
    name: "randomkey",
    arity: 1,
    flags: Flag.ReadOnly | Flag.ArbitraryKeys,
    summary: "Replies with a key chosen at random.",
    complexity: "O(1)",
    tips: ["request_policy:all_shards", "nondeterministic_output"],
    handler: randomkey,
  }),
  command({
    ...generic,
    name: "keys",
    arity: 2,
    flags: Flag.ReadOnly | Flag.Dangerous,
    args: [patternArg("pattern")],
    summary: "Lists all keys that a pattern matches.",
    complexity: "O(N) for N keys in the database",
    tips: ["request_policy:all_shards", "nondeterministic_output_order"],
    handler: keys,
  }),
  command({
    ...generic,
    name: "scan",
    since: "2.8.0",
    arity: -2,
    flags: Flag.ReadOnly | Flag.ArbitraryKeys,
    args: [
      integerArg("cursor"),
      patternArg("pattern", { token: "MATCH", optional: true }),
      integerArg("count", { token: "COUNT", optional: true }),
      stringArg("type", { token: "TYPE", optional: true, since: "6.0.0" }),
    ],
    summary: "Walks the keys of the database a few at a time.",
    complexity: "O(1) a call, O(N) for the whole walk",
    history: [["6.0.0", "Option `TYPE`."]],
    tips: ["nondeterministic_output", "request_policy:special"],
    handler: scan,
  }),
  command({
    ...generic,
    name: "rename",
    arity: 3,
    flags: Flag.Write,
    keys: twoKeys,
    args: twoNames,
    summary: "Gives a key another name, in the place of the key that had it.",
    complexity: "O(1)",
    handler: (ctx, args) => {
      renameKey(ctx, args, false);
      ctx.reply.ok();
    },
  }),
  command({
    ...generic,
    name: "renamenx",
    arity: 3,
    flags: Flag.Write | Flag.Fast,
    keys: [twoKeys[0]!, keyAt(2, KeyFlag.Overwrite | KeyFlag.Insert)],
    args: twoNames,
    summary: "Gives a key another name if no key has it.",
    complexity: "O(1)",
    history: [["3.2.0", "Both names may be the same."]],
    handler: (ctx, args) => ctx.reply.integer(renameKey(ctx, args, true) ? 1 : 0),
  }),
  command({
    ...generic,
    name: "move",
    arity: 3,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, DELETE)],
    args: [keyArg(), integerArg("db")],
    summary: "Moves a key to another database, unless one of its name is there.",
    complexity: "O(1)",
    handler: move,
  }),
  command({
    ...generic,
    name: "copy",
    since: "6.2.0",
    arity: -3,
    flags: Flag.Write | Flag.DenyOom,
    keys: [keyAt(1, READ | KeyFlag.Access), keyAt(2, KeyFlag.Overwrite | KeyFlag.Update)],
    args: [
      keyArg("source"),
      keyArg("destination", { keySpecIndex: 1 }),
      integerArg("destination-db", { token: "DB", optional: true }),
      tokenArg("REPLACE", { optional: true }),
    ],
    summary: "Copies the value of a key to another key.",
    complexity: "O(N) for N elements",
    handler: copy,
  }),
  command({
    ...generic,
    name: "object",
    since: "2.2.3",
    arity: -2,
    flags: 0,
    summary: "A container for commands about how values are kept.",
    complexity: "Depends on the sub-command",
    subcommands: [
      objectCommand("encoding", "2.2.3", "Names the encoding of a value.", objectEncoding),
      objectCommand("freq", "4.0.0", "Tells how often a key is used, on a logarithmic scale.", objectFreq),
      objectCommand("idletime", "2.2.3", "Tells how long a key has not been used.", objectIdletime),
      objectCommand(
        "refcount",
        "2.2.3",
        "Counts the references to a value: one, and as in Redis very many for integers below 10000.",
        objectRefcount,
      ),
      helpCommand("OBJECT", objectHelp, { ...generic, since: "6.2.0" }),
    ],
  }),
];
