/** The common parts of the commands that work on the ends of lists. */
import { ListEnd, type ListValue } from "../../data/list.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import type { Key } from "../../keyspace/key.ts";

/** The keyspace event of a push at `end`. */
export function pushEvent(end: ListEnd): string {
  return end === ListEnd.Head ? "lpush" : "rpush";
}

/** The keyspace event of a pop at `end`. */
export function popEvent(end: ListEnd): string {
  return end === ListEnd.Head ? "lpop" : "rpop";
}

/**
 * Pops `count` elements, or all if there are fewer, from one end and replies with each as a bulk
 * string.
 */
export function popElements(
  ctx: CommandContext,
  key: Key,
  list: ListValue,
  end: ListEnd,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const element = list.peek(end);
    ctx.reply.bulkBytes(element.buf, element.start, element.end);
    list.drop(end, 1);
  }
  ctx.changed(key, Notify.List, popEvent(end), count);
  ctx.deleteIfEmpty(key, list);
}
