/** The shapes in which members and scores are replied, common to all sorted set commands. */
import { ownText } from "../../data/packed.ts";
import { ZsetValue } from "../../data/zset.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import type { Key } from "../../keyspace/key.ts";
import type { ReplyWriter } from "../../protocol/reply_writer.ts";
import { formatDouble } from "../../util/numbers.ts";

/** A score: its text in RESP2, a double in RESP3. */
export function replyScore(reply: ReplyWriter, score: number): void {
  reply.double(formatDouble(score));
}

/** Announces `count` members: with scores they are one flat array in RESP2, and pairs in RESP3. */
export function replyMemberCount(reply: ReplyWriter, count: number, withScores: boolean): void {
  reply.array(withScores && reply.resp === 2 ? count * 2 : count);
}

/** A member that {@linkcode replyMemberCount} has announced. */
export function replyMember(reply: ReplyWriter, member: string, score: number, withScores: boolean): void {
  if (withScores && reply.resp === 3) reply.array(2);
  reply.bulk(member);
  if (withScores) replyScore(reply, score);
}

/** `count` members from the rank `start` on. */
export function replyRange(
  reply: ReplyWriter,
  zset: ZsetValue,
  start: number,
  count: number,
  downwards: boolean,
  withScores: boolean,
): void {
  replyMemberCount(reply, count, withScores);
  zset.each(start, count, downwards, (member, score) => replyMember(reply, member, score, withScores));
}

/** A new sorted set of `count` members of another. */
export function rangeOf(
  ctx: CommandContext,
  zset: ZsetValue,
  start: number,
  count: number,
  downwards: boolean,
): ZsetValue {
  const range = new ZsetValue(ctx.engine.limits);
  zset.each(start, count, downwards, (member, score) => range.add(ownText(member), score));
  return range;
}

/**
 * What all …STORE commands end with: makes `result` the value of `key`, or removes the key if there is no
 * result, and replies the result's size.
 */
export function storeResult(
  ctx: CommandContext,
  key: Key,
  result: ZsetValue,
  event: string,
  changes = 1,
): void {
  if (result.size > 0) {
    ctx.setCollection(key, result);
    ctx.changed(key, Notify.Zset, event, changes);
  } else if (ctx.delete(key)) {
    ctx.changed(key, Notify.Generic, "del");
  }
  ctx.reply.integer(result.size);
}
