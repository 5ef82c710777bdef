/** The reply formats of members and scores, common to all sorted set commands. */
import type { TestBytes, ZsetValue } from "../../data/zset.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import type { Key } from "../../keyspace/key.ts";
import type { ReplyWriter } from "../../protocol/reply_writer.ts";

/** Announces `count` members: with scores they are one flat array in RESP2, and pairs in RESP3. */
export function replyMemberCount(reply: ReplyWriter, count: number, withScores: boolean): void {
  reply.array(withScores && reply.resp === 2 ? count * 2 : count);
}

/** Replies members that {@linkcode replyMemberCount} has announced. */
export function memberReplier(reply: ReplyWriter, withScores: boolean): TestBytes {
  const inPairs = withScores && reply.resp === 3;
  return (buf, start, end, score) => {
    if (inPairs) reply.array(2);
    reply.bulkBytes(buf, start, end);
    if (withScores) reply.score(score);
    return true;
  };
}

/** `count` members from rank `start` on. */
export function replyRange(
  reply: ReplyWriter,
  zset: ZsetValue,
  start: number,
  count: number,
  downwards: boolean,
  withScores: boolean,
): void {
  replyMemberCount(reply, count, withScores);
  zset.eachBytes(start, count, downwards, memberReplier(reply, withScores));
}

/**
 * The last step of all …STORE commands: stores `result` under `key`, or removes the key if the
 * result is empty, and replies with the result's size.
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
