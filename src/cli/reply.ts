/**
 * A server's reply in the client. Texts are latin1 strings (one char per byte), numbers keep the
 * digits received, so nothing is lost on the way to the terminal.
 */
export type Reply =
  | { readonly type: "status" | "error" | "bulk" | "integer" | "double" | "bignumber"; readonly text: string }
  | { readonly type: "verbatim"; readonly format: string; readonly text: string }
  | { readonly type: "boolean"; readonly value: boolean }
  | { readonly type: "null" }
  | AggregateReply;

/** A reply that holds others; in a map, keys and values alternate in `items`. */
export interface AggregateReply {
  readonly type: "array" | "map" | "set" | "push";
  readonly items: readonly Reply[];
}

/** True for arrays, maps, sets and pushes. */
export function isAggregate(reply: Reply): reply is AggregateReply {
  return reply.type === "array" || reply.type === "map" || reply.type === "set" || reply.type === "push";
}

/** The text of a string-like reply, `undefined` for any other. */
export function replyText(reply: Reply): string | undefined {
  return "text" in reply ? reply.text : undefined;
}

/** The items of an array, set or push, or an empty list for any other reply. */
export function replyItems(reply: Reply): readonly Reply[] {
  return isAggregate(reply) ? reply.items : [];
}

/**
 * Reads a map in either protocol: RESP3 sends a map, RESP2 a flat array of keys and values. Keys
 * that are not strings are skipped.
 */
export function replyMap(reply: Reply): Map<string, Reply> {
  const items = replyItems(reply);
  const map = new Map<string, Reply>();
  for (let i = 0; i + 1 < items.length; i += 2) {
    const key = replyText(items[i]!);
    if (key !== undefined) map.set(key, items[i + 1]!);
  }
  return map;
}
