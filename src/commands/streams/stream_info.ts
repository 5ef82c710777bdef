/** XINFO: the internals of a stream, its groups and their consumers. */
import {
  type Consumer,
  type ConsumerGroup,
  type PendingIndex,
  UNKNOWN_ENTRIES_READ,
} from "../../data/consumer_group.ts";
import { StreamValue } from "../../data/stream.ts";
import { maxStreamId, minStreamId } from "../../data/stream_id.ts";
import type { Args } from "../../engine/args.ts";
import {
  blockArg,
  type Command,
  command,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  stringArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { NO_SUCH_KEY, noGroupOfKey } from "../../protocol/errors.ts";
import { helpCommand, subcommandSyntax } from "../help.ts";
import { type EntryView, replyEntries, replyEntry, replyId } from "./stream_common.ts";

function streamOf(ctx: CommandContext, args: Args): StreamValue {
  const stream = ctx.read(args.key(2), StreamValue);
  if (stream === undefined) throw NO_SUCH_KEY;
  return stream;
}

/** Default COUNT of XINFO STREAM FULL: entries shown of each list; 0: all. */
const DEFAULT_COUNT = 10;

function infoStream(ctx: CommandContext, args: Args): void {
  const isFull = args.count > 3;
  let count = DEFAULT_COUNT;
  const stream = streamOf(ctx, args);
  if (isFull) {
    if ((args.count !== 4 && args.count !== 6) || !args.is(3, "FULL")) throw subcommandSyntax(args);
    if (args.count === 6) {
      if (!args.is(4, "COUNT")) throw subcommandSyntax(args);
      count = args.int(5);
      if (count < 0) count = DEFAULT_COUNT;
    }
  }
  ctx.reply.map(isFull ? 9 : 10);
  replyCounters(ctx, stream);
  if (isFull) replyContents(ctx, stream, count);
  else replyEnds(ctx, stream);
}

function replyCounters({ reply }: CommandContext, stream: StreamValue): void {
  reply.bulk("length");
  reply.integer(stream.size);
  reply.bulk("radix-tree-keys");
  reply.integer(stream.nodeCount);
  reply.bulk("radix-tree-nodes");
  reply.integer(stream.radixTreeNodes());
  reply.bulk("last-generated-id");
  replyId(reply, stream.lastId);
  reply.bulk("max-deleted-entry-id");
  replyId(reply, stream.maxDeletedId);
  reply.bulk("entries-added");
  reply.integer(stream.entriesAdded);
  reply.bulk("recorded-first-entry-id");
  replyId(reply, stream.firstId);
}

function replyEnds(ctx: CommandContext, stream: StreamValue): void {
  ctx.reply.bulk("groups");
  ctx.reply.integer(stream.groupCount);
  ctx.reply.bulk("first-entry");
  replyFirst(ctx, stream.range(minStreamId, maxStreamId));
  ctx.reply.bulk("last-entry");
  replyFirst(ctx, stream.reverseRange(minStreamId, maxStreamId));
}

function replyFirst({ reply }: CommandContext, cursor: EntryView & { next(): boolean }): void {
  if (cursor.next()) replyEntry(reply, cursor.id, cursor);
  else reply.null();
}

function replyContents(ctx: CommandContext, stream: StreamValue, count: number): void {
  const { reply } = ctx;
  reply.bulk("entries");
  replyEntries(reply, stream.range(minStreamId, maxStreamId), count);
  reply.bulk("groups");
  reply.array(stream.groupCount);
  for (const group of stream.groups()) {
    reply.map(7);
    reply.bulk("name");
    reply.bulk(group.name);
    replyProgress(ctx, stream, group);
    reply.bulk("pel-count");
    reply.integer(group.pending.size);
    reply.bulk("pending");
    replyPending(ctx, group.pending, count, true);
    reply.bulk("consumers");
    reply.array(group.consumerCount);
    for (const consumer of group.consumers()) replyConsumer(ctx, consumer, count);
  }
}

/** Number of entries a group has read, and number left. */
function replyProgress({ reply }: CommandContext, stream: StreamValue, group: ConsumerGroup): void {
  reply.bulk("last-delivered-id");
  replyId(reply, group.lastId);
  reply.bulk("entries-read");
  if (group.entriesRead === UNKNOWN_ENTRIES_READ) reply.null();
  else reply.integer(group.entriesRead);
  reply.bulk("lag");
  const lag = stream.lag(group);
  if (lag === undefined) reply.null();
  else reply.integer(lag);
}

function replyConsumer(ctx: CommandContext, consumer: Consumer, count: number): void {
  const { reply } = ctx;
  reply.map(5);
  reply.bulk("name");
  reply.bulk(consumer.name);
  reply.bulk("seen-time");
  reply.integer(consumer.seenTimeMs);
  reply.bulk("active-time");
  reply.integer(consumer.activeTimeMs);
  reply.bulk("pel-count");
  reply.integer(consumer.pending.size);
  reply.bulk("pending");
  replyPending(ctx, consumer.pending, count, false);
}

/**
 * The first `count` pending entries: their ids, optionally consumers, last deliveries and delivery
 * counts.
 */
function replyPending(
  { reply }: CommandContext,
  pending: PendingIndex,
  count: number,
  withConsumer: boolean,
): void {
  const shown = count === 0 ? pending.size : Math.min(count, pending.size);
  reply.array(shown);
  let entry = pending.first;
  for (let i = 0; i < shown && entry !== undefined; i++) {
    reply.array(withConsumer ? 4 : 3);
    replyId(reply, entry.id);
    if (withConsumer) reply.bulk(entry.consumer.name);
    reply.integer(entry.deliveryTimeMs);
    reply.integer(entry.deliveryCount);
    entry = pending.after(entry.id);
  }
}

function infoGroups(ctx: CommandContext, args: Args): void {
  const stream = streamOf(ctx, args), { reply } = ctx;
  reply.array(stream.groupCount);
  for (const group of stream.groups()) {
    reply.map(6);
    reply.bulk("name");
    reply.bulk(group.name);
    reply.bulk("consumers");
    reply.integer(group.consumerCount);
    reply.bulk("pending");
    reply.integer(group.pending.size);
    replyProgress(ctx, stream, group);
  }
}

function infoConsumers(ctx: CommandContext, args: Args): void {
  const group = streamOf(ctx, args).group(args.string(3)), { reply } = ctx;
  if (group === undefined) throw noGroupOfKey(args.string(2), args.string(3));
  reply.array(group.consumerCount);
  for (const consumer of group.consumers()) {
    const { activeTimeMs } = consumer;
    reply.map(4);
    reply.bulk("name");
    reply.bulk(consumer.name);
    reply.bulk("pending");
    reply.integer(consumer.pending.size);
    reply.bulk("idle");
    reply.integer(Math.max(0, ctx.nowMs - consumer.seenTimeMs));
    reply.bulk("inactive");
    reply.integer(activeTimeMs < 0 ? -1 : Math.max(0, ctx.nowMs - activeTimeMs));
  }
}

const xinfoHelp = [
  "CONSUMERS <key> <groupname>",
  "    List the consumers of a group.",
  "GROUPS <key>",
  "    List the groups of a stream.",
  "STREAM <key> [FULL [COUNT <count>]",
  "    Describe a stream.",
];

const streamKey = [keyAt(2, KeyFlag.ReadOnly | KeyFlag.Access)];

/** The commands of this group; `table.ts` joins the groups. */
export const streamInfoCommands: readonly Command[] = [
  command({
    name: "xinfo",
    group: "stream",
    since: "5.0.0",
    arity: -2,
    flags: 0,
    summary: "Container of the commands that look into streams.",
    complexity: "Depends on the sub-command",
    subcommands: [
      command({
        name: "consumers",
        group: "stream",
        since: "5.0.0",
        arity: 4,
        flags: Flag.ReadOnly,
        keys: streamKey,
        args: [keyArg(), stringArg("group")],
        summary: "Lists the consumers of a group.",
        complexity: "O(N log N) for N consumers",
        history: [["7.2.0", "The field `inactive`."]],
        tips: ["nondeterministic_output"],
        handler: infoConsumers,
      }),
      command({
        name: "groups",
        group: "stream",
        since: "5.0.0",
        arity: 3,
        flags: Flag.ReadOnly,
        keys: streamKey,
        args: [keyArg()],
        summary: "Lists the consumer groups of a stream.",
        complexity: "O(N log N) for N groups",
        history: [["7.0.0", "The fields `entries-read` and `lag`."]],
        handler: infoGroups,
      }),
      command({
        name: "stream",
        group: "stream",
        since: "5.0.0",
        arity: -3,
        flags: Flag.ReadOnly,
        keys: streamKey,
        args: [
          keyArg(),
          blockArg("full-block", [integerArg("count", { token: "COUNT", optional: true })], {
            token: "FULL",
            optional: true,
          }),
        ],
        summary: "Describes a stream.",
        complexity: "O(N) for N nodes, and what is shown with FULL",
        history: [
          ["6.0.0", "The option `FULL`."],
          [
            "7.0.0",
            "The fields `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read`, `lag`.",
          ],
          ["7.2.0", "The field `active-time`."],
        ],
        handler: infoStream,
      }),
      helpCommand("XINFO", xinfoHelp, {
        group: "stream",
        since: "5.0.0",
        summary: "Replies with what the sub-commands do.",
      }),
    ],
  }),
];
