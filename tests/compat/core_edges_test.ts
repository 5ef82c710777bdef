/** Corner cases, sent to Redeno and to a real redis-server: replies must be the same bytes. */
import { assertEquals } from "@std/assert";
import { latin1 } from "../../src/util/bytes.ts";
import { splitArgs } from "../../src/util/sds_split.ts";
import {
  RawConnection,
  redisServer,
  type ServerProcess,
  startRedeno,
  startRedis,
} from "../support/oracle.ts";

if (redisServer === undefined) {
  console.warn("core_edges_test: redis-server is not installed, its tests are ignored");
}

async function bothServers(
  use: (redeno: ServerProcess, redis: ServerProcess) => Promise<void>,
): Promise<void> {
  const [redeno, redis] = await Promise.all([startRedeno(), startRedis()]);
  try {
    await use(redeno, redis);
  } finally {
    await Promise.all([redeno[Symbol.asyncDispose](), redis[Symbol.asyncDispose]()]);
  }
}

/** The commands of a file, grouped by connection. */
function edgeCommands(file: string): string[][][] {
  const text = latin1(Deno.readFileSync(new URL(file, import.meta.url)));
  return text.split("\n@new\n").map((part) => {
    const lines = part.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return lines.flatMap((line) => line === "@reset" ? [["FLUSHALL"], ["SELECT", "0"]] : [splitArgs(line)!]);
  });
}

/** Sends the same commands to both, and fails if the replies differ. */
async function compare(redeno: ServerProcess, redis: ServerProcess, commands: string[][]): Promise<void> {
  using ours = await redeno.connect();
  using theirs = await redis.connect();
  const [ourReplies, theirReplies] = await Promise.all([ours.pipeline(commands), theirs.pipeline(commands)]);
  const pair = (replies: string[]) =>
    commands.map((words, i) => `${words.join(" ").slice(0, 60)} → ${replies[i]}`);
  const expected = pair(theirReplies);
  assertEquals(pair(ourReplies).filter((line, i) => line !== expected[i]), []);
}

Deno.test({
  name:
    "corner cases of strings, keys, expiry, databases, connections and transactions are answered as by redis-server",
  ignore: redisServer === undefined,
  fn: () =>
    bothServers(async (redeno, redis) => {
      for (const commands of edgeCommands("core_edges.txt")) await compare(redeno, redis, commands);
    }),
});

Deno.test({
  name:
    "corner cases of CONFIG, CLIENT, COMMAND, ACL and whatever operators use are answered as by redis-server",
  ignore: redisServer === undefined,
  fn: () =>
    bothServers(async (redeno, redis) => {
      for (const commands of edgeCommands("operator_edges.txt")) await compare(redeno, redis, commands);
    }),
});

const long = "x".repeat(300_000);

/** Input written to a new connection, well-formed or not. */
const conversations = [
  ...[
    "PING\r\n",
    "PING\n",
    "\r\n\r\nPING\r\n",
    "*0\r\nPING\r\n",
    "*-1\r\nPING\r\n",
    "*-10\r\nPING\r\n",
    "   \r\nPING\r\n",
  ],
  ...[
    "*a\r\n",
    "*\r\n",
    "*-0\r\nPING\r\n",
    "*00\r\n",
    "*+1\r\n",
    "*2147483648\r\n",
    "*1\r\n:1\r\n",
    "*1\r\n\r\n",
  ],
  ...[
    "*1\r\n$-1\r\n",
    "*1\r\n$a\r\n",
    "*1\r\n$536870913\r\n",
    "*1\r\n$+4\r\nPING\r\n",
    "*1\r\n$04\r\nPING\r\n",
  ],
  ...[
    "*1\r\n$0\r\n\r\nPING\r\n",
    "*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n",
    "*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\n",
  ],
  ...[
    'SET k "a\r\n',
    "SET k 'a b\r\n",
    'SET k "a"b\r\n',
    'SET k "a" b\r\n',
    '"PING"\r\n',
    'PI"NG"\r\n',
    "\tPING\t\r\n",
  ],
  ...[
    `SET k '\\x41\\''\r\nGET k\r\n`,
    "SET  k   v  \r\nGET k\r\n",
    'SET k ""\r\nGET k\r\n',
    'SET k a"b c"\r\nGET k\r\n',
  ],
  ...[
    "ECHO '\\n'\r\n",
    'ECHO "\\n\\r\\t\\a\\b\\q\\x41\\x4"\r\n',
    "PING\rPING\r\n",
    "\xff\xfe\r\n",
    "GET a b c d\r\nPING\r\n",
  ],
  ...[
    "$4\r\nPING\r\n",
    "+OK\r\n",
    "-ERR x\r\n",
    ":5\r\n",
    "!x\r\n",
    "QUIT\r\nPING\r\n",
    "MULTI\r\n*x\r\n",
    "SUBSCRIBE a\r\n*x\r\n",
  ],
  ...[
    "POST / HTTP/1.1\r\nPING\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nPING\r\n",
    "PING\r\nPOST x\r\n",
    "*1\r\n$5\r\nHOST:\r\nPING\r\n",
  ],
  ...[long, `*${long}`, `*1\r\n$${long}`, `PING\r\n${long}`],
];

/**
 * Writes `text` and a QUIT to a new connection; resolves with everything received until it is
 * closed.
 */
async function answerTo(server: ServerProcess, text: string): Promise<string> {
  using connection = await RawConnection.open(server.port);
  try {
    await connection.write(`${text}\r\nQUIT\r\n`);
    return await connection.readToEnd();
  } catch {
    // A server that closes with input unread resets the connection.
    return "reset";
  }
}

Deno.test({
  name: "requests, inline commands and malformed input are answered as by redis-server",
  ignore: redisServer === undefined,
  fn: () =>
    bothServers(async (redeno, redis) => {
      for (const text of conversations) {
        const [ours, theirs] = await Promise.all([answerTo(redeno, text), answerTo(redis, text)]);
        if (ours !== "reset" && theirs !== "reset") {
          assertEquals(ours, theirs, JSON.stringify(text.slice(0, 80)));
        }
      }
    }),
});
