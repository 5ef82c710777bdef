/** LCS: the longest common subsequence of two strings. */
import { longestCommonSubsequence, tableBytes } from "../../data/lcs.ts";
import { ValueType } from "../../data/value.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import {
  type Command,
  command,
  Flag,
  integerArg,
  keyArg,
  KeyFlag,
  keyRange,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Slice } from "../../keyspace/slice.ts";
import { LCS_LEN_AND_IDX, LCS_NOT_STRINGS, LCS_TOO_LARGE, SYNTAX } from "../../protocol/errors.ts";

const scratch = new Slice();

interface LcsOptions {
  idx: boolean;
  len: boolean;
  minMatchLength: number;
  withMatchLength: boolean;
}

function lcsOptions(args: Args): LcsOptions {
  const found: LcsOptions = { idx: false, len: false, minMatchLength: 0, withMatchLength: false };
  const options = new ArgReader(args, 3);
  while (options.more) {
    if (options.take("IDX")) found.idx = true;
    else if (options.take("LEN")) found.len = true;
    else if (options.take("WITHMATCHLEN")) found.withMatchLength = true;
    else if (options.take("MINMATCHLEN", 1)) found.minMatchLength = Math.max(0, options.int());
    else throw SYNTAX;
  }
  if (found.idx && found.len) {
    throw LCS_LEN_AND_IDX;
  }
  return found;
}

/**
 * The two strings; both are looked up before either type is checked, and that happens before the
 * options are parsed.
 */
function lcsTexts(ctx: CommandContext, args: Args): [string, string] {
  const refs = [ctx.find(args.key(1)), ctx.find(args.key(2))];
  if (refs.some((ref) => ref !== 0 && ctx.db.typeOf(ref) !== ValueType.String)) {
    throw LCS_NOT_STRINGS;
  }
  const [a = "", b = ""] = refs.map((ref) => ref === 0 ? "" : ctx.db.readString(ref, scratch).text());
  return [a, b];
}

function lcs(ctx: CommandContext, args: Args): void {
  const [a, b] = lcsTexts(ctx, args), options = lcsOptions(args);
  if (tableBytes(a, b) > ctx.engine.config.values.protoMaxBulkLen) {
    throw LCS_TOO_LARGE;
  }
  const found = longestCommonSubsequence(a, b);
  if (options.len) return ctx.reply.integer(found.text.length);
  if (!options.idx) return ctx.reply.bulk(found.text);
  ctx.reply.map(2);
  ctx.reply.bulk("matches");
  const matches = found.matches.filter((match) => match.length >= options.minMatchLength);
  ctx.reply.array(matches.length);
  for (const { a, b, length } of matches) {
    ctx.reply.array(options.withMatchLength ? 3 : 2);
    for (const start of [a, b]) {
      ctx.reply.array(2);
      ctx.reply.integer(start);
      ctx.reply.integer(start + length - 1);
    }
    if (options.withMatchLength) ctx.reply.integer(length);
  }
  ctx.reply.bulk("len");
  ctx.reply.integer(found.text.length);
}

/** The commands of this group; `table.ts` joins the groups. */
export const lcsCommands: readonly Command[] = [
  command({
    name: "lcs",
    group: "string",
    since: "7.0.0",
    arity: -3,
    flags: Flag.ReadOnly,
    keys: [keyRange(1, 2, 1, KeyFlag.ReadOnly | KeyFlag.Access)],
    args: [
      keyArg("key1"),
      keyArg("key2"),
      tokenArg("LEN", { optional: true }),
      tokenArg("IDX", { optional: true }),
      integerArg("min-match-len", { token: "MINMATCHLEN", optional: true }),
      tokenArg("WITHMATCHLEN", { optional: true }),
    ],
    summary: "Finds the longest common subsequence of two strings.",
    complexity: "O(N*M) for strings of N and M bytes",
    handler: lcs,
  }),
];
