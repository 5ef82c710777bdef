/** Strings as arrays of bits: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP, BITFIELD, BITFIELD_RO. */
import {
  bitAt,
  BitOperation,
  combine,
  countBits,
  EMPTY_REGION,
  type FieldType,
  findBit,
  fitField,
  Overflow,
  readField,
  type Region,
  setBit,
  writeField,
} from "../../data/bitops.ts";
import { ValueType } from "../../data/value.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import { ClientFlag } from "../../engine/client.ts";
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
  keyRange,
  oneOf,
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import { StringMark } from "../../keyspace/record.ts";
import type { Key } from "../../keyspace/key.ts";
import { Slice } from "../../keyspace/slice.ts";
import {
  BAD_BIT,
  BAD_OFFSET,
  BAD_OVERFLOW,
  BAD_SEARCHED_BIT,
  BAD_TYPE,
  ONE_SOURCE,
  ONLY_GET,
  SYNTAX,
  WRONGTYPE,
} from "../../protocol/errors.ts";
import { parseIntegerBytes } from "../../util/numbers.ts";

const scratch = new Slice();

/** Argument `i` as a bit position; `#n` is the n-th field of `fieldBits` bits, if that is given. */
function offsetArgument(ctx: CommandContext, args: Args, i: number, fieldBits = 0): number {
  const start = args.start(i), isCounted = fieldBits > 0 && args.buf[start] === 0x23 && args.length(i) > 0;
  const value = parseIntegerBytes(args.buf, isCounted ? start + 1 : start, args.end(i));
  const offset = isCounted ? Number(value) * fieldBits : value;
  // Positions from a file or a primary were checked there.
  const isObeying = ctx.client.has(ClientFlag.Silent | ClientFlag.Primary);
  const limit = isObeying ? Number.MAX_SAFE_INTEGER : ctx.engine.config.values.protoMaxBulkLen * 8;
  if (typeof offset !== "number" || !(offset >= 0 && offset < limit)) throw BAD_OFFSET;
  return offset;
}

/** The result of {@linkcode editBits}. */
interface EditedBits {
  region: Region;
  /** The value was created or lengthened for it. */
  grown: boolean;
}

/** The string at `key` for in-place changes, created or zero-extended to include bit `lastBit`. */
function editBits(ctx: CommandContext, key: Key, lastBit: number): EditedBits {
  let ref = ctx.findForWrite(key);
  if (ref !== 0 && ctx.db.typeOf(ref) !== ValueType.String) throw WRONGTYPE;
  const length = ref === 0 ? 0 : ctx.db.readString(ref, scratch).length;
  const needed = Math.floor(lastBit / 8) + 1;
  if (ref === 0) {
    ctx.setString(key, "");
    ref = ctx.db.find(key);
  }
  ctx.editString(key, ref, Math.max(length, needed), scratch);
  return { region: scratch, grown: needed > length };
}

function setbit(ctx: CommandContext, args: Args): void {
  const offset = offsetArgument(ctx, args, 2), bit = args.int(3, BAD_BIT, 0, 1);
  const key = args.key(1), { region, grown } = editBits(ctx, key, offset);
  const before = bitAt(region, offset);
  if (grown || before !== bit) {
    setBit(region, offset, bit);
    ctx.changed(key, Notify.String, "setbit");
  }
  ctx.reply.integer(before);
}

function getbit(ctx: CommandContext, args: Args): void {
  const offset = offsetArgument(ctx, args, 2);
  const value = ctx.readString(args.key(1));
  ctx.reply.integer(value === undefined ? 0 : bitAt(value, offset));
}

/**
 * The bits from `start` to `end`, which may count from the end, of `length` bytes; undefined if
 * there are none.
 */
function bitRange(start: number, end: number, length: number, inBits: boolean) {
  const total = inBits ? length * 8 : length;
  const first = Math.max(0, start < 0 ? total + start : start);
  const last = Math.min(total - 1, Math.max(0, end < 0 ? total + end : end));
  if (first > last) return undefined;
  return inBits ? { first, last } : { first: first * 8, last: last * 8 + 7 };
}

/** True if argument `i`, if present, selects a range in bits. */
function unitIsBit(args: Args, i: number): boolean {
  if (i >= args.count || args.is(i, "BYTE")) return false;
  if (!args.is(i, "BIT")) throw SYNTAX;
  return true;
}

function bitcount(ctx: CommandContext, args: Args): void {
  let start = 0, end = -1, inBits = false, isReversed = false;
  if (args.count === 4 || args.count === 5) {
    start = args.int(2);
    end = args.int(3);
    // Compared before they are clamped: far before the string's start they would become equal.
    isReversed = start < 0 && end < 0 && args.integer(2) > args.integer(3);
    inBits = unitIsBit(args, 4);
  } else if (args.count !== 2) throw SYNTAX;
  const value = ctx.readString(args.key(1));
  if (value === undefined || isReversed) return ctx.reply.integer(0);
  const range = bitRange(start, end, value.length, inBits);
  ctx.reply.integer(range === undefined ? 0 : countBits(value, range.first, range.last));
}

function bitpos(ctx: CommandContext, args: Args): void {
  const bit = args.int(2);
  if (bit !== 0 && bit !== 1) throw BAD_SEARCHED_BIT;
  if (args.count > 6) throw SYNTAX;
  const start = args.count > 3 ? args.int(3) : 0;
  const inBits = unitIsBit(args, 5);
  const end = args.count > 4 ? args.int(4) : -1;
  const value = ctx.readString(args.key(1));
  if (value === undefined) return ctx.reply.integer(bit === 1 ? -1 : 0);
  const range = bitRange(start, end, value.length, inBits);
  if (range === undefined) return ctx.reply.integer(-1);
  const found = findBit(value, bit, range.first, range.last);
  // Without an end the value counts as followed by zeros.
  ctx.reply.integer(found < 0 && bit === 0 && args.count <= 4 ? value.length * 8 : found);
}

const operations = [
  ["AND", BitOperation.And],
  ["OR", BitOperation.Or],
  ["XOR", BitOperation.Xor],
  ["NOT", BitOperation.Not],
] as const;

function bitop(ctx: CommandContext, args: Args): void {
  const operation = operations.find(([name]) => args.is(1, name))?.[1];
  if (operation === undefined) throw SYNTAX;
  if (operation === BitOperation.Not && args.count !== 4) throw ONE_SOURCE;
  const sources: Region[] = [];
  for (let i = 3; i < args.count; i++) {
    sources.push(ctx.readString(args.key(i), new Slice()) ?? EMPTY_REGION);
  }
  const result = combine(operation, sources), target = args.key(2);
  if (result.length > 0) {
    ctx.setBytes(target, result, 0, result.length);
    ctx.markString(target, StringMark.Raw);
    ctx.changed(target, Notify.String, "set");
  } else if (ctx.delete(target)) ctx.changed(target, Notify.Generic, "del");
  ctx.reply.integer(result.length);
}

// ---- BITFIELD -----------------------------------------------------------------------------------

/** One operation on one field. */
interface FieldOperation {
  kind: "get" | "set" | "incrby";
  type: FieldType;
  offset: number;
  /** The operand of SET or INCRBY. */
  operand: bigint;
  overflow: Overflow;
}

const overflows = [
  ["WRAP", Overflow.Wrap],
  ["SAT", Overflow.Saturate],
  ["FAIL", Overflow.Fail],
] as const;

function parseOperations(ctx: CommandContext, args: Args): FieldOperation[] {
  const found: FieldOperation[] = [];
  const options = new ArgReader(args, 2);
  let overflow: Overflow = Overflow.Wrap;
  while (options.more) {
    if (options.take("OVERFLOW", 1)) {
      const named = overflows.find(([name]) => args.is(options.at, name));
      if (named === undefined) throw BAD_OVERFLOW;
      overflow = named[1];
      options.at++;
      continue;
    }
    const kind = options.take("GET", 2)
      ? "get"
      : options.take("SET", 3)
      ? "set"
      : options.take("INCRBY", 3)
      ? "incrby"
      : undefined;
    if (kind === undefined) throw SYNTAX;
    const type = fieldType(options.string());
    const offset = offsetArgument(ctx, args, options.at++, type.bits);
    const operand = kind === "get" ? 0n : BigInt(options.integer());
    found.push({ kind, type, offset, operand, overflow });
  }
  return found;
}

function fieldType(text: string): FieldType {
  const [, sign, digits] = /^([iu])([1-9][0-9]?)$/.exec(text) ?? [];
  const bits = Number(digits), signed = sign === "i";
  if (sign === undefined || bits > (signed ? 64 : 63)) throw BAD_TYPE;
  return { bits, signed };
}

function bitfield(ctx: CommandContext, args: Args, isReadOnly: boolean): void {
  const operations = parseOperations(ctx, args);
  let lastBit = -1;
  for (const { kind, offset, type } of operations) {
    if (kind !== "get") lastBit = Math.max(lastBit, offset + type.bits - 1);
  }
  if (lastBit < 0) {
    const region = ctx.readString(args.key(1)) ?? EMPTY_REGION;
    ctx.reply.array(operations.length);
    for (const { offset, type } of operations) ctx.reply.integer(readField(region, offset, type));
    return;
  }
  if (isReadOnly) throw ONLY_GET;
  const key = args.key(1), { region, grown } = editBits(ctx, key, lastBit);
  let changes = 0;
  ctx.reply.array(operations.length);
  for (const operation of operations) if (operate(ctx, region, operation, grown)) changes++;
  // A lengthened value has changed even if no field could be written.
  if (grown || changes > 0) ctx.changed(key, Notify.String, "setbit", Math.max(1, changes));
}

/**
 * Executes one operation and replies to it; true if it counts as a change, as every write to a new
 * part does.
 */
function operate(ctx: CommandContext, region: Region, operation: FieldOperation, grown: boolean): boolean {
  const { kind, type, offset, operand } = operation;
  const before = readField(region, offset, type);
  if (kind === "get") {
    ctx.reply.integer(before);
    return false;
  }
  const wanted = kind === "incrby" ? before + operand : type.signed ? operand : BigInt.asUintN(64, operand);
  const after = fitField(wanted, type, operation.overflow);
  if (after === undefined) {
    ctx.reply.null();
    return false;
  }
  writeField(region, offset, type, after);
  ctx.reply.integer(kind === "set" ? before : after);
  return grown || after !== before;
}

const readKey = [keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access)];
const unitArg = oneOf("unit", [tokenArg("BYTE"), tokenArg("BIT")], { optional: true, since: "7.0.0" });
const fieldArgs = [stringArg("encoding"), integerArg("offset")];
const getFieldArg = blockArg("get-block", fieldArgs, { token: "GET" });

/** BITFIELD writes only with SET or INCRBY. */
function bitfieldKeys(args: Args): KeyPosition[] {
  let writes = false;
  for (let i = 2; i < args.count; i++) writes ||= args.is(i, "SET") || args.is(i, "INCRBY");
  const flags = writes
    ? KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update
    : KeyFlag.ReadOnly | KeyFlag.Access;
  return [{ index: 1, flags }];
}

/** The commands of this group; `table.ts` joins the groups. */
export const bitCommands: readonly Command[] = [
  command({
    name: "setbit",
    group: "bitmap",
    since: "2.2.0",
    arity: 4,
    flags: Flag.Write | Flag.DenyOom,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)],
    args: [keyArg(), integerArg("offset"), integerArg("value")],
    summary: "Sets or clears a bit of a string, lengthening it if needed, and replies with what the bit was.",
    complexity: "O(1)",
    handler: setbit,
  }),
  command({
    name: "getbit",
    group: "bitmap",
    since: "2.2.0",
    arity: 3,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: readKey,
    args: [keyArg(), integerArg("offset")],
    summary: "Replies with a bit of a string.",
    complexity: "O(1)",
    handler: getbit,
  }),
  command({
    name: "bitcount",
    group: "bitmap",
    since: "2.6.0",
    arity: -2,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: [
      keyArg(),
      blockArg("range", [integerArg("start"), integerArg("end"), unitArg], { optional: true }),
    ],
    summary: "Counts the bits that are set in a string or a part of it.",
    complexity: "O(N) for N bytes",
    history: [["7.0.0", "The units `BYTE` and `BIT`."]],
    handler: bitcount,
  }),
  command({
    name: "bitpos",
    group: "bitmap",
    since: "2.8.7",
    arity: -3,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: [
      keyArg(),
      integerArg("bit"),
      blockArg("range", [
        integerArg("start"),
        blockArg("end-unit-block", [integerArg("end"), unitArg], { optional: true }),
      ], { optional: true }),
    ],
    summary: "Finds the first bit that is set, or that is not, in a string or a part of it.",
    complexity: "O(N) for N bytes",
    history: [["7.0.0", "The units `BYTE` and `BIT`."]],
    handler: bitpos,
  }),
  command({
    name: "bitop",
    group: "bitmap",
    since: "2.6.0",
    arity: -4,
    flags: Flag.Write | Flag.DenyOom,
    keys: [
      keyAt(2, KeyFlag.Overwrite | KeyFlag.Update),
      keyRange(3, -1, 1, KeyFlag.ReadOnly | KeyFlag.Access),
    ],
    args: [
      oneOf("operation", operations.map(([name]) => tokenArg(name))),
      keyArg("destkey"),
      keyArg("key", { keySpecIndex: 1, multiple: true }),
    ],
    summary: "Combines strings bit by bit and stores the result.",
    complexity: "O(N) for N bytes",
    handler: bitop,
  }),
  command({
    name: "bitfield",
    group: "bitmap",
    since: "3.2.0",
    arity: -2,
    flags: Flag.Write | Flag.DenyOom,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update | KeyFlag.VariableFlags)],
    keysOf: bitfieldKeys,
    args: [
      keyArg(),
      oneOf("operation", [
        getFieldArg,
        blockArg("write", [
          oneOf("overflow-block", overflows.map(([name]) => tokenArg(name)), {
            token: "OVERFLOW",
            optional: true,
          }),
          oneOf("write-operation", [
            blockArg("set-block", [...fieldArgs, integerArg("value")], { token: "SET" }),
            blockArg("incrby-block", [...fieldArgs, integerArg("increment")], { token: "INCRBY" }),
          ]),
        ]),
      ], { multiple: true, optional: true }),
    ],
    summary: "Reads, sets and increments integers of any width inside a string.",
    complexity: "O(1) for each operation",
    handler: (ctx, args) => bitfield(ctx, args, false),
  }),
  command({
    name: "bitfield_ro",
    group: "bitmap",
    since: "6.0.0",
    arity: -2,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: readKey,
    args: [keyArg(), { ...getFieldArg, optional: true, multiple: true, multipleToken: true }],
    summary: "Reads integers of any width inside a string.",
    complexity: "O(1) for each operation",
    handler: (ctx, args) => bitfield(ctx, args, true),
  }),
];
