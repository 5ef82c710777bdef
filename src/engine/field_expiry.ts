/**
 * The fields of hashes that expire, as Redis 7.4 has them. An expired field is invisible at once
 * and removed when a command asks for it by name, or soon after by the active cycle; until then
 * HLEN counts it. Its removal is propagated as HDEL, because a replica and a replayed file must not
 * decide by their own clocks: they show every field they received until its HDEL arrives (a replica
 * hides expired fields from its own clients).
 */
import { HashValue } from "../data/hash.ts";
import type { Database } from "../keyspace/database.ts";
import { Key } from "../keyspace/key.ts";
import { ClientFlag } from "./client.ts";
import type { CommandContext } from "./context.ts";
import type { Engine } from "./engine.ts";
import { Notify } from "./events.ts";
import { EMPTIED } from "./keys.ts";

const FIELDS_PER_UNIT = 64;

/** A hash and the key it lies at. */
export interface HashAt {
  database: Database;
  databaseId: number;
  key: Key;
  hash: HashValue;
}

/**
 * The time that hides the fields expired by then from the running command; -Infinity if it sees
 * all.
 */
export function fieldClock(ctx: CommandContext): number {
  return ctx.engine.keys.keepExpired || ctx.client.has(ClientFlag.Primary) ? -Infinity : ctx.nowMs;
}

/**
 * The value of a field that a command asks for by name, or undefined; removes the field if it has
 * expired.
 */
export function findField(ctx: CommandContext, key: Key, hash: HashValue, field: string): string | undefined {
  const value = hash.get(field, fieldClock(ctx));
  if (value === undefined && hash.hasExpiringParts) expireField(ctx, key, hash, field);
  return value;
}

/**
 * Removes `field`, which a command has asked for, if it has expired and this server may remove it.
 */
export function expireField(ctx: CommandContext, key: Key, hash: HashValue, field: string): void {
  if (hash.expiryOf(field) > fieldClock(ctx) || !ctx.deletesExpired) return;
  removeExpired(ctx.engine, hashAt(ctx, key, hash), () => {
    hash.delete(field);
    return [field];
  });
}

/** Removes all expired fields, if this server may. */
export function expireAllFields(ctx: CommandContext, key: Key, hash: HashValue): void {
  const nowMs = fieldClock(ctx);
  if (hash.nextExpiryMs > nowMs || !ctx.deletesExpired) return;
  removeExpired(ctx.engine, hashAt(ctx, key, hash), () => hash.expireDue(nowMs));
}

/**
 * The part of the active cycle that removes fields: runs until all are gone or the monotonic clock
 * reaches `untilUs`.
 */
export function expireFieldsUntil(engine: Engine, untilUs: number): void {
  for (const [databaseId, database] of engine.databases.entries()) {
    while (database.partExpiry.nextMs <= engine.nowMs && engine.clock.monotonicUs() <= untilUs) {
      for (const text of database.partExpiry.takeDue(engine.nowMs, 1)) {
        const key = Key.of(text), ref = database.find(key);
        const hash = ref === 0 ? undefined : database.collectionOf(ref);
        if (hash instanceof HashValue) expireSome(engine, { database, databaseId, key, hash });
      }
    }
  }
}

function expireSome(engine: Engine, at: HashAt): void {
  if (at.hash.nextExpiryMs > engine.nowMs) return at.database.trackParts(at.key, at.hash);
  const remove = () => at.hash.expireDue(engine.nowMs, FIELDS_PER_UNIT);
  // Not as a transaction: each HDEL stands for itself, as in Redis.
  engine.asUnit(() => removeExpired(engine, at, remove), false);
}

function hashAt(ctx: CommandContext, key: Key, hash: HashValue): HashAt {
  return { database: ctx.db, databaseId: ctx.databaseId, key, hash };
}

/** Removes expired fields from a hash by `remove` and reports it to all observers. */
function removeExpired(engine: Engine, at: HashAt, remove: () => string[]): void {
  const { database, databaseId, key, hash } = at;
  database.willChange(key.hash);
  database.openCollection(database.find(key), hash);
  engine.noteOpened(database, key, hash);
  const fields = remove();
  engine.stats.expiredFields += fields.length;
  for (const field of fields) engine.propagation.add(databaseId, ["HDEL", key.text, field]);
  engine.keys.changed(key, databaseId, engine.running);
  engine.keys.notify(Notify.Hash, "hexpired", key, databaseId);
  if (hash.size > 0) return;
  engine.keys.remove(database, databaseId, key, database.find(key), EMPTIED, engine.running);
}
