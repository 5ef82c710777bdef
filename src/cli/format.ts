/**
 * Replies as text, in redis-cli's forms: one for people, with types, indices and quotes, the raw
 * bytes for pipes, and those for other programs. Latin1 strings in and out.
 */
import { quoteArg } from "../util/sds_split.ts";
import { formatCsv, formatJson, jsonQuoted, jsonText } from "./format_data.ts";
import type { OutputFormat } from "./options.ts";
import { type AggregateReply, isAggregate, type Reply } from "./reply.ts";

/** The separator between the items of a raw reply, and the end behind it. */
export interface Delimiters {
  readonly itemDelimiter: string;
  readonly replyDelimiter: string;
}

/** A reply in the requested form, including its end. */
export function formatReply(reply: Reply, format: OutputFormat, delimiters: Delimiters): string {
  switch (format) {
    case "people":
      return formatForPeople(reply);
    case "raw":
      return formatRaw(reply, delimiters.itemDelimiter) + delimiters.replyDelimiter;
    case "csv":
      return formatCsv(reply) + "\n";
    case "json":
      return formatJson(reply, jsonText) + "\n";
    case "quoted-json":
      return formatJson(reply, jsonQuoted) + "\n";
  }
}

/** A reply formatted for people; ends with a line feed. */
export function formatForPeople(reply: Reply): string {
  return format(reply, "");
}

function format(reply: Reply, indent: string): string {
  switch (reply.type) {
    case "error":
      return `(error) ${reply.text}\n`;
    case "integer":
      return `(integer) ${reply.text}\n`;
    case "double":
      return `(double) ${reply.text}\n`;
    case "bulk":
      return quoteArg(reply.text) + "\n";
    case "status":
    case "verbatim":
    case "bignumber":
      return reply.text + "\n";
    case "boolean":
      return reply.value ? "(true)\n" : "(false)\n";
    case "null":
      return "(nil)\n";
    default:
      return formatAggregate(reply, indent);
  }
}

const EMPTY = {
  array: "(empty array)\n",
  map: "(empty hash)\n",
  set: "(empty set)\n",
  push: "(empty push)\n",
};
const INDEX_MARK = { array: ")", map: "#", set: "~", push: ")" };

function formatAggregate({ type, items }: AggregateReply, indent: string): string {
  if (items.length === 0) return EMPTY[type];
  const step = type === "map" ? 2 : 1;
  const width = String(items.length / step).length;
  const inner = indent + " ".repeat(width + 2);
  let out = "";
  for (let i = 0; i < items.length; i += step) {
    // The caller has already indented the first line.
    if (i > 0) out += indent;
    out += String(i / step + 1).padStart(width) + INDEX_MARK[type] + " " + format(items[i]!, inner);
    if (type === "map") out = out.slice(0, -1) + " => " + formatMapValue(items[i + 1]!, inner);
  }
  return out;
}

function formatMapValue(value: Reply, indent: string): string {
  return (takesSeveralLines(value) ? "\n" + indent : "") + format(value, indent);
}

function takesSeveralLines(reply: Reply): boolean {
  if (!isAggregate(reply) || reply.items.length === 0) return false;
  const single = reply.type === "map" ? 2 : 1;
  return reply.items.length > single || takesSeveralLines(reply.items[single - 1]!);
}

/** A reply as bare bytes, items separated by `delimiter`; an error ends with its own line feed. */
export function formatRaw(reply: Reply, delimiter = "\n"): string {
  switch (reply.type) {
    case "null":
      return "";
    case "error":
      return reply.text + "\n";
    case "boolean":
      return reply.value ? "(true)" : "(false)";
    case "map":
      return rawPairs(reply.items, delimiter).join(delimiter);
    case "array":
    case "set":
    case "push":
      return reply.items.map((item) => formatRaw(item, delimiter)).join(delimiter);
    default:
      return reply.text;
  }
}

function rawPairs(items: readonly Reply[], delimiter: string): string[] {
  const pairs: string[] = [];
  for (let i = 0; i < items.length; i += 2) {
    pairs.push(formatRaw(items[i]!, delimiter) + " " + formatRaw(items[i + 1]!, delimiter));
  }
  return pairs;
}

/** The keys of an `invalidate` push, on one line, or `undefined` for any other push. */
export function formatInvalidation(reply: Reply): string | undefined {
  if (reply.type !== "push" || reply.items.length !== 2) return undefined;
  const [kind, keys] = reply.items;
  if (kind?.type !== "bulk" || kind.text !== "invalidate" || keys?.type !== "array") return undefined;
  const names = keys.items.map((key) => `'${formatRaw(key)}'`);
  return `-> invalidate: ${names.join(", ")}\n`;
}
