/** Lists outside the keyspace. */
import { ListEnd, ListValue } from "../../data/list.ts";
import { ELEMENT_OVERHEAD_BYTES } from "../../data/listpack.ts";
import { ValueType } from "../../data/value.ts";
import { writeElements } from "../aof/command_output.ts";
import { jsonText, writeArray } from "../json/json_text.ts";
import { readListpack, readZiplist } from "../rdb/packed_formats.ts";
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
  rewrite: (out, key, list) => writeElements(out, "RPUSH", key, list),
  show: (out, list) => writeArray(out, list, jsonText),

  parse(source, shown) {
    const list = new ListValue(source.limits);
    for (const item of source.array(shown)) list.push(ListEnd.Tail, source.text(item));
    return list;
  },

  digest(digest, list): void {
    for (const text of list) digest.chain(text);
  },
};

/** Bytes of an element in a listpack, at most. */
function elementBytes(text: string): number {
  return text.length + ELEMENT_OVERHEAD_BYTES;
}

/** Listpacks of about 8 KiB; how many stands in front, so that they are counted first. */
function* save(out: RdbOutput, list: ListValue): Steps {
  let nodes = 0, bytes = LIST_NODE_BYTES, seen = 0;
  for (const text of list) {
    bytes += elementBytes(text);
    if (bytes > LIST_NODE_BYTES) nodes++, bytes = elementBytes(text);
    if (++seen % STEP === 0) yield;
  }
  out.count(nodes);
  bytes = LIST_NODE_BYTES;
  for (const text of list) {
    bytes += elementBytes(text);
    if (bytes > LIST_NODE_BYTES) {
      if (seen-- !== list.size) out.endListpack();
      yield;
      out.count(QuicklistContainer.Packed);
      out.beginListpack();
      bytes = elementBytes(text);
    }
    out.element(text);
  }
  out.endListpack();
}

function load(source: ValueReader, rdbType: number): ListValue {
  const list = new ListValue(source.limits);
  if (rdbType === RdbType.ListZiplist) {
    for (const text of source.packed(readZiplist, "List ziplist integrity check failed.")) {
      list.push(ListEnd.Tail, text);
    }
    return list;
  }
  for (let left = source.input.count(); left > 0; left--) {
    if (rdbType === RdbType.List) list.push(ListEnd.Tail, source.text());
    else if (rdbType === RdbType.ListQuicklist2) loadNode(source, list);
    else {
      const texts = source.packed(readZiplist, "Ziplist integrity check failed.");
      for (const text of texts) list.push(ListEnd.Tail, text);
    }
  }
  return list;
}

function loadNode(source: ValueReader, list: ListValue): void {
  const { input } = source, container = input.count();
  if (container === QuicklistContainer.Plain) {
    return list.push(ListEnd.Tail, source.text() || input.fail("Empty quicklist node"));
  }
  if (container !== QuicklistContainer.Packed) input.fail("Quicklist integrity check failed.");
  const bytes = source.bytes(), entries = source.nodeEntries;
  if (!entries.listpack(bytes)) input.fail("Listpack integrity check failed.");
  if (list.appendNode(entries.text(), entries.count)) return;
  for (const text of readListpack(bytes) ?? []) list.push(ListEnd.Tail, text);
}
