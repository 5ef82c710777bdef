/** Lists outside the keyspace. */
import { type ListCursor, ListEnd, ListValue } from "../../data/list.ts";
import { ELEMENT_OVERHEAD_BYTES } from "../../data/listpack.ts";
import { ValueType } from "../../data/value.ts";
import { type CommandOutput, ELEMENTS_PER_COMMAND } from "../aof/command_output.ts";
import { jsonText, writeArray } from "../json/json_text.ts";
import { eachElement, readZiplist } from "../rdb/packed_formats.ts";
import { QuicklistContainer, RdbType } from "../rdb/rdb_format.ts";
import type { RdbOutput } from "../rdb/rdb_output.ts";
import type { ValueReader } from "../rdb/value_reader.ts";
import type { Steps, ValueCodec } from "./codec.ts";

/** Elements between two yields. */
const STEP = 512;
/** A list's listpacks are about as long as Redis's own by default. */
const LIST_NODE_BYTES = 8192;

/** See {@linkcode ValueCodec}. */
export const listCodec: ValueCodec<ListValue> = {
  type: ValueType.List,
  digestNumber: 1,
  rdbTypes: {
    [RdbType.List]: "list-linked",
    [RdbType.ListZiplist]: "list-ziplist",
    [RdbType.ListQuicklist]: "quicklist",
    [RdbType.ListQuicklist2]: "quicklist-v2",
  },
  mayBeEmpty: false,
  rdbTypeOf: () => RdbType.ListQuicklist2,
  save,
  load,
  rewrite,
  show: (out, list) => writeArray(out, list, jsonText),

  parse(source, shown) {
    const list = new ListValue(source.limits);
    for (const item of source.array(shown)) list.pushText(ListEnd.Tail, source.text(item));
    return list;
  },

  digest(digest, list): void {
    for (const cursor = list.cursor(0); cursor.advance();) {
      digest.chainBytes(cursor.buf, cursor.start, cursor.end);
    }
  },
};

/** Bytes of the cursor's element in a listpack, at most. */
function elementBytes(cursor: ListCursor): number {
  return cursor.end - cursor.start + ELEMENT_OVERHEAD_BYTES;
}

/**
 * Listpacks of about 8 KiB, longer elements plain; the number of nodes stands in front, so they are
 * counted first.
 */
function* save(out: RdbOutput, list: ListValue): Steps {
  out.count(yield* countNodes(list));
  let room = 0, isOpen = false;
  for (const cursor = list.cursor(0); cursor.advance();) {
    const bytes = elementBytes(cursor);
    if (bytes > room) {
      if (isOpen) out.endListpack();
      yield;
      isOpen = bytes <= LIST_NODE_BYTES;
      room = isOpen ? LIST_NODE_BYTES : 0;
      out.count(isOpen ? QuicklistContainer.Packed : QuicklistContainer.Plain);
      if (isOpen) out.beginListpack();
    }
    if (!isOpen) out.bytes(cursor.buf, cursor.start, cursor.end);
    else out.elementBytes(cursor.buf, cursor.start, cursor.end), room -= bytes;
  }
  if (isOpen) out.endListpack();
}

/** Number of nodes that {@linkcode save} makes. */
function* countNodes(list: ListValue): Generator<void, number, void> {
  let nodes = 0, room = 0, seen = 0;
  for (const cursor = list.cursor(0); cursor.advance();) {
    const bytes = elementBytes(cursor);
    if (bytes > room) nodes++, room = Math.max(bytes, LIST_NODE_BYTES);
    room = bytes > LIST_NODE_BYTES ? 0 : room - bytes;
    if (++seen % STEP === 0) yield;
  }
  return nodes;
}

function* rewrite(out: CommandOutput, key: string, list: ListValue): Steps {
  const cursor = list.cursor(0);
  for (let left = list.size; left > 0; left -= ELEMENTS_PER_COMMAND) {
    const count = Math.min(left, ELEMENTS_PER_COMMAND);
    out.array(2 + count);
    out.bulk("RPUSH");
    out.bulk(key);
    for (let i = 0; i < count && cursor.advance(); i++) out.bulkBytes(cursor.buf, cursor.start, cursor.end);
    if (left > count) yield;
  }
}

function load(source: ValueReader, rdbType: number): ListValue {
  const list = new ListValue(source.limits);
  if (rdbType === RdbType.ListZiplist) {
    for (const text of source.packed(readZiplist, "List ziplist integrity check failed.")) {
      list.pushText(ListEnd.Tail, text);
    }
    return list;
  }
  for (let left = source.input.count(); left > 0; left--) {
    if (rdbType === RdbType.List) pushElement(source, list);
    else if (rdbType === RdbType.ListQuicklist2) loadNode(source, list);
    else {
      const texts = source.packed(readZiplist, "Ziplist integrity check failed.");
      for (const text of texts) list.pushText(ListEnd.Tail, text);
    }
  }
  return list;
}

/** Reads an element and returns how long it is. */
function pushElement(source: ValueReader, list: ListValue): number {
  const { buf, start, end } = source.string();
  list.push(ListEnd.Tail, buf, start, end);
  return end - start;
}

function loadNode(source: ValueReader, list: ListValue): void {
  const { input } = source, container = input.count();
  if (container === QuicklistContainer.Plain) {
    if (pushElement(source, list) === 0) input.fail("Empty quicklist node");
    return;
  }
  if (container !== QuicklistContainer.Packed) input.fail("Quicklist integrity check failed.");
  const isWhole = eachElement(source.bytes(), (buf, start, end) => list.push(ListEnd.Tail, buf, start, end));
  if (!isWhole) input.fail("Listpack integrity check failed.");
}
