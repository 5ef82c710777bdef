/**
 * MIGRATE: moves keys to another server. The payloads are created at once; while they are on their
 * way, writing commands wait as under CLIENT PAUSE, so that the keys deleted here afterwards are
 * exactly those that arrived.
 */
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import type { Client } from "../../engine/client.ts";
import {
  blockArg,
  type Command,
  command,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  type KeyPosition,
  oneOf,
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import type { Engine } from "../../engine/engine.ts";
import { MIGRATED } from "../../engine/keys.ts";
import { redactOptions } from "../../engine/redaction.ts";
import { type Database, type Moment, NO_EXPIRY, timeLeft } from "../../keyspace/database.ts";
import { Key } from "../../keyspace/key.ts";
import { Slice } from "../../keyspace/slice.ts";
import { dumpValue } from "../../persistence/rdb/dump.ts";
import { CANNOT_WAIT, KEYS_AND_KEY, ReplyError, SYNTAX } from "../../protocol/errors.ts";
import { ReplyWriter } from "../../protocol/reply_writer.ts";
import { Deadline, LinkError, type MigrateLink, migrateLinksOf } from "../../replication/migrate_links.ts";
import { latin1 } from "../../util/bytes.ts";

const DEFAULT_TIMEOUT_MS = 1000;

interface MigrateRequest {
  host: string;
  port: number;
  databaseId: number;
  timeoutMs: number;
  copy: boolean;
  replace: boolean;
  /** The words of AUTH, if it has to be sent. */
  auth: string[] | undefined;
  keys: string[];
}

function parse(args: Args): MigrateRequest {
  const port = args.int(2);
  const request: MigrateRequest = {
    host: args.string(1),
    port,
    databaseId: args.int(4),
    timeoutMs: args.int(5),
    copy: false,
    replace: false,
    auth: undefined,
    keys: [args.string(3)],
  };
  if (request.timeoutMs <= 0) request.timeoutMs = DEFAULT_TIMEOUT_MS;
  const options = new ArgReader(args, 6);
  while (options.more) {
    if (options.take("COPY")) request.copy = true;
    else if (options.take("REPLACE")) request.replace = true;
    else if (options.take("AUTH", 1)) request.auth = [options.string()];
    else if (options.take("AUTH2", 2)) request.auth = [options.string(), options.string()];
    else if (options.take("KEYS")) {
      if (args.length(3) !== 0) throw KEYS_AND_KEY;
      request.keys = args.strings(options.at);
      break;
    } else throw SYNTAX;
  }
  return request;
}

/** A key in the form sent to the other server. */
interface Parcel {
  key: string;
  ttlMs: Moment;
  payload: string;
}

function parcelOf(ctx: CommandContext, text: string): Parcel | undefined {
  const { db } = ctx;
  const ref = ctx.find(Key.of(text));
  if (ref === 0) return undefined;
  const value = db.valueOf(ref, new Slice());
  const expiresAtMs = db.expiryOf(ref);
  const ttlMs = expiresAtMs === NO_EXPIRY ? 0 : timeLeft(expiresAtMs, ctx.nowMs) || 1;
  return { key: text, ttlMs, payload: latin1(dumpValue(value, ctx.engine.config.values.rdbcompression)) };
}

function migrate(ctx: CommandContext, args: Args): void {
  const request = parse(args);
  const parcels = request.keys.flatMap((key) => parcelOf(ctx, key) ?? []);
  if (parcels.length === 0) return ctx.reply.simple("NOKEY");
  if (!ctx.canBlock) throw CANNOT_WAIT;
  const { client, engine, databaseId } = ctx;
  engine.waiting.hold(client, ctx.cmd, args.copy());
  engine.pause.start(engine.steadyMs + request.timeoutMs * 2, false, "migrate");
  send(engine, request, parcels).then((outcome) => {
    engine.pause.end("migrate");
    engine.refreshTime();
    if (!request.copy) deleteMigrated(engine, databaseId, outcome.migrated);
    if (!client.closed) answer(engine, client, outcome.error);
    engine.endBatch();
  });
}

function answer(engine: Engine, client: Client, error: ReplyError | undefined): void {
  if (error === undefined) client.reply.ok();
  else engine.replyError(client, error);
  engine.waiting.unblock(client);
}

/** Deletes the keys that have arrived at the other server, as one unit. */
function deleteMigrated(engine: Engine, databaseId: number, keys: readonly string[]): void {
  const database: Database = engine.databases[databaseId]!;
  engine.asUnit(() => {
    const deleted: string[] = [];
    for (const text of keys) {
      const key = Key.of(text), ref = database.find(key);
      if (ref === 0) continue;
      engine.keys.remove(database, databaseId, key, ref, MIGRATED);
      engine.dirty++;
      deleted.push(text);
    }
    if (deleted.length > 0) engine.propagation.add(databaseId, ["DEL", ...deleted]);
  });
}

interface Outcome {
  migrated: string[];
  error: ReplyError | undefined;
}

/**
 * Sends the parcels, a second time from the start if a kept connection turns out to be dead. Never
 * rejects.
 */
async function send(engine: Engine, request: MigrateRequest, parcels: readonly Parcel[]): Promise<Outcome> {
  const links = migrateLinksOf(engine);
  const deadline = new Deadline(engine, request.timeoutMs);
  for (;;) {
    let link: MigrateLink | undefined, isFresh = true;
    const outcome: Outcome = { migrated: [], error: undefined };
    try {
      ({ link, isFresh } = await links.open(request.host, request.port, deadline));
      await transfer(link, request, parcels, outcome, deadline);
      links.keep(request.host, request.port, link);
      return outcome;
    } catch (error) {
      link?.close();
      if (!(error instanceof LinkError)) throw error;
      if (!isFresh && outcome.migrated.length === 0 && deadline.leftMs > 0) continue;
      return { ...outcome, error: ioError(error, request) };
    }
  }
}

function ioError(error: LinkError, { host, port }: MigrateRequest): ReplyError {
  if (error.isForbidden) {
    return new ReplyError(
      `IOERR the server was started without the permission to connect to ${host}:${port}`,
    );
  }
  const to = error.step === "connecting" ? "to the client" : "to target instance";
  return new ReplyError(`IOERR error or timeout ${error.step} ${to}`);
}

async function transfer(
  link: MigrateLink,
  request: MigrateRequest,
  parcels: readonly Parcel[],
  outcome: Outcome,
  deadline: Deadline,
): Promise<void> {
  const selects = link.databaseId !== request.databaseId;
  await link.write(encode(request, parcels, selects), deadline);
  const refused = (line: string) => {
    if (line.startsWith("-")) {
      outcome.error ??= new ReplyError(`ERR Target instance replied with error: ${line.slice(1)}`);
    }
    return line.startsWith("-");
  };
  const isAuthRefused = request.auth !== undefined && refused(await link.readLine(deadline));
  const isSelectRefused = selects && refused(await link.readLine(deadline));
  for (const { key } of parcels) {
    const isRefused = refused(await link.readLine(deadline));
    if (!isAuthRefused && !isSelectRefused && !isRefused) outcome.migrated.push(key);
  }
  // After a failed SELECT the selected database is unknown: the next call selects again.
  link.databaseId = isAuthRefused || isSelectRefused ? -1 : request.databaseId;
}

function encode(request: MigrateRequest, parcels: readonly Parcel[], selects: boolean): Uint8Array {
  const out = new ReplyWriter();
  if (request.auth !== undefined) out.bulkArray(["AUTH", ...request.auth]);
  if (selects) out.bulkArray(["SELECT", String(request.databaseId)]);
  for (const { key, ttlMs, payload } of parcels) {
    const words = ["RESTORE", key, String(ttlMs), payload];
    out.bulkArray(request.replace ? [...words, "REPLACE"] : words);
  }
  return out.take();
}

/** The commands of this group; `table.ts` joins the groups. */
export const migrateCommands: readonly Command[] = [
  command({
    name: "migrate",
    group: "generic",
    since: "2.6.0",
    arity: -6,
    flags: Flag.Write | Flag.MovableKeys | Flag.Dangerous,
    keys: [
      keyAt(3, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete),
      {
        flags: KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete | KeyFlag.Incomplete,
        begin: { keyword: "KEYS", from: -2 },
        find: { last: -1, step: 1, limit: 0 },
      },
    ],
    keysOf: keysOfMigrate,
    args: [
      stringArg("host"),
      integerArg("port"),
      oneOf("key-selector", [keyArg(), { name: "empty-string", type: "pure-token", token: "" }]),
      integerArg("destination-db"),
      integerArg("timeout"),
      tokenArg("COPY", { optional: true, since: "3.0.0" }),
      tokenArg("REPLACE", { optional: true, since: "3.0.0" }),
      oneOf("authentication", [
        stringArg("auth", { token: "AUTH", since: "4.0.7" }),
        blockArg("auth2", [stringArg("username"), stringArg("password")], { token: "AUTH2", since: "6.0.0" }),
      ], { optional: true }),
      keyArg("keys", { token: "KEYS", optional: true, multiple: true, keySpecIndex: 1, since: "3.0.6" }),
    ],
    summary: "Hands keys over to another server.",
    complexity: "O(N) for the bytes of the values",
    history: [["3.0.0", "`COPY` and `REPLACE`."], ["3.0.6", "`KEYS`."], ["4.0.7", "`AUTH`."], [
      "6.0.0",
      "`AUTH2`.",
    ]],
    tips: ["nondeterministic_output"],
    redact: redactOptions(6, { auth: 1, auth2: 2 }),
    handler: migrate,
  }),
];

/**
 * Finds KEYS among the options; the values of AUTH and AUTH2 do not count, even if they read KEYS.
 */
function keysOfMigrate(args: Args): KeyPosition[] | undefined {
  const flags = KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete;
  for (let i = 6; i < args.count; i++) {
    if (args.is(i, "AUTH")) i++;
    else if (args.is(i, "AUTH2")) i += 2;
    else if (args.is(i, "KEYS")) {
      if (args.length(3) > 0) return undefined;
      return Array.from({ length: args.count - i - 1 }, (_, k) => ({ index: i + 1 + k, flags }));
    }
  }
  return [{ index: 3, flags }];
}
