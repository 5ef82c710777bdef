/**
 * The comparable part of replies to random commands whose bytes may differ: in order, in time, in a
 * random choice.
 */
import { replyEnd } from "../support/oracle.ts";

/** The parts of an aggregate reply as raw replies; undefined for any other reply. */
export function partsOf(reply: string): string[] | undefined {
  if (!/^[*~>%]/.test(reply)) return undefined;
  const parts: string[] = [];
  for (let at = reply.indexOf("\r\n") + 2; at < reply.length;) {
    const end = replyEnd(reply, at);
    parts.push(reply.slice(at, end));
    at = end;
  }
  return parts;
}

/** An aggregate with its elements, or pairs of them, sorted by bytes. */
export function sorted(reply: string, byPairs: boolean): string {
  const parts = partsOf(reply);
  if (!parts) return reply;
  // a cursor before the elements
  if (parts.length === 2 && parts[0]?.startsWith("$") && /^[*~]/.test(parts[1]!)) {
    return parts[0] + sorted(parts[1]!, byPairs);
  }
  const units = byPairs && !parts[0]?.startsWith("*")
    ? parts.flatMap((part, i) => i % 2 ? [] : [part + (parts[i + 1] ?? "")])
    : parts;
  return reply.slice(0, reply.indexOf("\r\n")) + units.sort().join("");
}

const unordered = /^(SMEMBERS|SINTER|SUNION|SDIFF|HKEYS|HVALS|KEYS|SORT|SORT_RO)$/;
const unorderedPairs = /^HGETALL$/;
const chosen = /^(SPOP|SRANDMEMBER|HRANDFIELD|ZRANDMEMBER)$/;

/** The replies about a server's internals that are the same everywhere. */
const isExact = /^OBJECT (ENCODING|REFCOUNT)/;

/** A reply to `words` in comparable form. */
export function normalized(reply: string, words: readonly string[]): string {
  const name = words[0]!;
  if (reply.startsWith("-")) return reply;
  if (unordered.test(name)) return sorted(reply, false);
  if (unorderedPairs.test(name)) return sorted(reply, true);
  // Each server has its own cursors.
  if (name === "DUMP" && reply.startsWith("$") && reply !== "$-1\r\n") return "dumped";
  if (/^(MEMORY|OBJECT|HELLO)$/.test(name) && !isExact.test(words.join(" "))) return reply.slice(0, 1);
  if (name === "EXEC") return reply.slice(0, reply.indexOf("\r\n"));
  if (name === "FUNCTION" || name === "PUBSUB" || name === "ACL") return sorted(reply, false);
  if (/SCAN$/.test(name)) return "scanned";
  if (chosen.test(name)) return reply.slice(0, reply.startsWith("$") ? 1 : reply.indexOf("\r\n"));
  if (/^P?TTL$/.test(name)) return coarse(reply, name === "TTL" ? 100 : 100_000);
  if (/^P?EXPIRETIME$/.test(name)) return coarse(reply, name === "EXPIRETIME" ? 100 : 100_000);
  if (name === "XINFO") return streamInfo(reply);
  if (name === "XPENDING") {
    return reply.replace(/(\*4\r\n\$\d+\r\n\d+-\d+\r\n\$\d+\r\n\w*\r\n):\d+/g, "$1:idle");
  }
  return reply;
}

/** A time in such coarse steps that the two servers hardly ever differ. */
function coarse(reply: string, step: number): string {
  const value = /^:(-?\d+)\r\n$/.exec(reply)?.[1];
  if (value === undefined || Number(value) < step) return reply;
  return `about ${Math.round(Number(value) / step / 10)}`;
}

const idleConsumer =
  /named\r\n\$4\r\nname\r\n\$\d+\r\n[^\r]*\r\n(\$7\r\npending\r\n:0\r\n\$4\r\nidle\r\n\r\n|\$9\r\nseen-time\r\n:now\r\n\$9\r\npel-count\r\n:0\r\n\$7\r\npending\r\n\*0\r\n)/g;

/**
 * Without times, the figures of redis-server's radix tree, and figures that later versions count
 * differently: consumers without entries, lag and entries read.
 */
export function streamInfo(reply: string): string {
  return reply.replace(/(\$16\r\nradix-tree-nodes\r\n|\$15\r\nradix-tree-keys\r\n):\d+/g, "$1")
    .replace(/(\*4\r\n\$\d+\r\n\d+-\d+\r\n\$\d+\r\n\w*\r\n):\d+/g, "$1")
    .replace(/(\$3\r\nlag|\$12\r\nentries-read)\r\n(?::-?\d+|\$-1|_)\r\n/g, "")
    .replace(/(\$9\r\nconsumers\r\n):\d+/g, "$1")
    .replace(/:1[678]\d{11}\r\n/g, ":now\r\n")
    .replace(/[*%]\d+(\r\n\$4\r\nname\r\n)/g, "named$1")
    .replace(/(\$4\r\nidle\r\n):\d+/g, "$1")
    .replace(/(?:\$8\r\ninactive|\$11\r\nactive-time)\r\n:(?:-?\d+|now)\r\n/g, "")
    .replace(/^\*\d+\r\n(?=named|$)/, "*\r\n")
    .replace(/(\$9\r\nconsumers\r\n)\*\d+/g, "$1*")
    .replace(idleConsumer, "");
}
