/**
 * Replies as data for other programs: CSV and JSON, byte for byte as redis-cli writes them. Latin1
 * strings.
 */
import { quoteArg } from "../util/sds_split.ts";
import type { Reply } from "./reply.ts";

/** A reply as one line of CSV, without its line end; nested replies are flattened. */
export function formatCsv(reply: Reply): string {
  switch (reply.type) {
    case "error":
      return `ERROR,${quoteArg(reply.text)}`;
    case "integer":
    case "double":
    case "bignumber":
      return reply.text;
    case "null":
      return "NULL";
    case "boolean":
      return String(reply.value);
    case "status":
    case "bulk":
    case "verbatim":
      return quoteArg(reply.text);
    default:
      return reply.items.map(formatCsv).join(",");
  }
}

/** Writes a text as a JSON string. */
export type JsonQuote = (text: string) => string;

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
};

/** A JSON string whose bytes beyond ASCII stay as they are: valid JSON if the text is UTF-8. */
export function jsonText(text: string): string {
  // deno-lint-ignore no-control-regex
  const escaped = text.replace(/[\x00-\x1f"\\]/g, (char) =>
    SHORT[char] ??
      "\\u" + char.charCodeAt(0).toString(16).padStart(4, "0"));
  return `"${escaped}"`;
}

/** A JSON string in Redis's quoted form, with backslashes doubled: ASCII, whatever the bytes. */
export function jsonQuoted(text: string): string {
  return quoteArg(text).replaceAll("\\", "\\\\");
}

/** A reply as JSON, without a line end. Keys of maps become strings. */
export function formatJson(reply: Reply, quote: JsonQuote): string {
  switch (reply.type) {
    case "error":
      return "error:" + quote(reply.text);
    case "integer":
    case "double":
    case "bignumber":
      return reply.text;
    case "null":
      return "null";
    case "boolean":
      return String(reply.value);
    case "status":
    case "bulk":
    case "verbatim":
      return quote(reply.text);
    case "map":
      return `{${jsonPairs(reply.items, quote).join(",")}}`;
    default:
      return `[${reply.items.map((item) => formatJson(item, quote)).join(",")}]`;
  }
}

function jsonPairs(items: readonly Reply[], quote: JsonQuote): string[] {
  const pairs: string[] = [];
  for (let i = 0; i < items.length; i += 2) {
    pairs.push(`${jsonKey(items[i]!, quote)}:${formatJson(items[i + 1]!, quote)}`);
  }
  return pairs;
}

function jsonKey(key: Reply, quote: JsonQuote): string {
  const json = formatJson(key, quote);
  const isText = key.type === "error" || json.startsWith('"');
  return isText ? json : `"${json}"`;
}
