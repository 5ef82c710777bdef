/**
 * Data of every kind for tests of two servers that must hold the same data, and a key-by-key
 * comparison.
 */
import { assert, assertEquals } from "@std/assert";
import { Random } from "../../src/util/random.ts";
import type { ServerProcess } from "./oracle.ts";
import { randomText } from "./values.ts";

/**
 * Commands that create values of every type and encoding, small and large, with and without expiry,
 * in 16 databases.
 */
export function everything(seed: number): string[][] {
  const random = new Random(seed), commands: string[][] = [];
  const text = (longest = 60) => randomText(random, longest);
  const many = (count: number, make: (i: number) => string[]) =>
    Array.from({ length: count }, (_, i) => make(i)).flat();
  for (let db = 0; db < 16; db++) {
    commands.push(["SELECT", String(db)]);
    for (let i = 0; i < 12; i++) commands.push(["SET", `string:${db}:${i}`, text(i === 0 ? 30_000 : 80)]);
    commands.push(["SET", `volatile:${db}`, text(), "PX", "4000000"]);
    const size = [1, 5, 60, 200, 700][db % 5]!;
    commands.push(["RPUSH", "list", ...many(size, () => [text()])]);
    commands.push(["SADD", "set", ...many(size, () => [text()])]);
    commands.push(["SADD", "intset", ...many(size, () => [String(random.below(2 ** (7 + db * 3)) - 60)])]);
    commands.push(["ZADD", "zset", ...many(size, () => [String(random.below(1000) / 8 - 60), text()])]);
    commands.push(["ZADD", "zset", "inf", "top", "-inf", "bottom", "1e300", "big"]);
    commands.push(["HSET", "hash", ...many(size, (i) => [`${text()}.${i}`, text()])]);
    commands.push(["PEXPIRE", "hash", "5000000"]);
    for (let i = 1; i <= size; i++) {
      commands.push(["XADD", "stream", `${i}-${db + 1}`, "field", text(), "other", String(i)]);
    }
    commands.push(["XDEL", "stream", `${size}-${db + 1}`]);
    commands.push(["XGROUP", "CREATE", "stream", "group", "0"]);
    commands.push(["XREADGROUP", "GROUP", "group", "me", "COUNT", "3", "STREAMS", "stream", ">"]);
    commands.push(["XGROUP", "CREATECONSUMER", "stream", "group", "idle"]);
  }
  commands.push(["SELECT", "0"], ["RPUSH", "huge element", "x".repeat(100_000), text()]);
  commands.push(["PFADD", "hyperloglog", ...many(500, (i) => [`e${i}`])], ["SETBIT", "bits", "1000", "1"]);
  return commands;
}

/**
 * Queries whose replies describe a key completely, in an order that does not depend on the server.
 */
const questions: Record<string, (key: string) => string[][]> = {
  string: (key) => [["GET", key]],
  list: (key) => [["LRANGE", key, "0", "-1"]],
  set: (key) => [["SMEMBERS", key]],
  zset: (key) => [["ZRANGE", key, "0", "-1", "WITHSCORES"]],
  hash: (key) => [["HGETALL", key]],
  stream: (
    key,
  ) => [["XRANGE", key, "-", "+"], ["XINFO", "STREAM", key], ["XPENDING", key, "group", "-", "+", "99"]],
};

/** All keys of all databases with their complete description. */
export async function content(server: Pick<ServerProcess, "connect">): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  using c = await server.connect();
  for (let db = 0; db < 16; db++) {
    await c.send("SELECT", String(db));
    for (const key of words(await c.send("KEYS", "*"))) {
      const type = (await c.send("TYPE", key)).slice(1, -2);
      const replies = await c.pipeline([["PEXPIRETIME", key], ...questions[type]!(key)]);
      if (type === "set") replies[1] = words(replies[1] ?? "").sort().join();
      if (type === "hash") replies[1] = pairs(words(replies[1] ?? "")).sort().join();
      // The layout of the radix tree, and the time since a message was delivered, are not data.
      const plain = replies.map((reply) => reply.replace(/radix-tree-(keys|nodes)\r\n:\d+/g, ""));
      found.set(`${db} ${key}`, type === "stream" ? withoutAges(plain) : plain.join());
    }
  }
  return found;
}

/** XPENDING's third element is an age in milliseconds. */
function withoutAges(replies: string[]): string {
  return replies.map((reply, i) => i < 3 ? reply : reply.replace(/:\d+\r\n:(\d+)\r\n/g, ":$1")).join();
}

/** The bulk strings of a flat array reply. */
export function words(reply: string): string[] {
  const found: string[] = [];
  for (let at = reply.indexOf("\r\n") + 2; at < reply.length;) {
    const end = reply.indexOf("\r\n", at), length = Number(reply.slice(at + 1, end));
    found.push(reply.slice(end + 2, end + 2 + length));
    at = end + 4 + length;
  }
  return found;
}

function pairs(flat: string[]): string[] {
  return flat.flatMap((word, i) => i % 2 === 0 ? [`${word}=${flat[i + 1]}`] : []);
}

/** Fails if two servers differ in a key. */
export function assertSame(actual: Map<string, string>, expected: Map<string, string>): void {
  assertEquals([...actual.keys()].sort(), [...expected.keys()].sort());
  for (const [name, value] of expected) assertEquals(actual.get(name), value, name);
}

/** Fills a server with {@linkcode everything}, and returns its content. */
export async function fill(
  server: Pick<ServerProcess, "connect">,
  seed: number,
): Promise<Map<string, string>> {
  using c = await server.connect();
  for (const reply of await c.pipeline(everything(seed))) assert(!reply.startsWith("-"), reply);
  return await content(server);
}
