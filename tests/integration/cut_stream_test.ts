/** The stream of a redis-server, cut behind each byte: Redeno goes on from there without a loss and without a repetition. */
import { assert, assertEquals } from "@std/assert";
import { bytesOf } from "../../src/util/bytes.ts";
import { RecordedReplica, unitEnds } from "../support/cut_stream.ts";
import {
  encodeCommand,
  type RawConnection,
  redisServer,
  type ServerProcess,
  startRedis,
} from "../support/oracle.ts";
import { units } from "../support/units.ts";

/** Marks the end of a recording. */
const LAST = ["SET", "the last", "of all"];

/** Runs the steps, each when the one before it has been answered, unless it waits for another client. */
async function runSteps(server: ServerProcess): Promise<void> {
  using first = await server.connect();
  using second = await server.connect();
  const clients: RawConnection[] = [first, second], unanswered = [0, 0];
  for (const { words, by = 0, afterMs = 0 } of units) {
    if (afterMs > 0) await new Promise((resume) => setTimeout(resume, afterMs));
    while (unanswered[by]! > 0) await clients[by]!.read().then(() => unanswered[by]!--);
    await clients[by]!.write(encodeCommand(words));
    if (words[0] === "BLMOVE") unanswered[by]!++;
    else await clients[by]!.read();
  }
  await first.send(...LAST);
}

/** What a redis-server sends a replica meanwhile, from the first byte behind the data. */
async function recorded(server: ServerProcess): Promise<Uint8Array> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await conn.write(bytesOf(encodeCommand(["PSYNC", "?", "-1"])));
  const buffer = new Uint8Array(65_536), end = encodeCommand(LAST);
  let text = "", steps: Promise<void> | null = null;
  while (!text.endsWith(end)) {
    const count = await conn.read(buffer);
    assert(count !== null, "the link has ended");
    text += Buffer.from(buffer.subarray(0, count)).toString("latin1");
    const file = /^\+FULLRESYNC \S+ \d+\r\n\n*\$(\d+)\r\n/.exec(text);
    if (file !== null && text.length >= file[0].length + Number(file[1])) steps ??= runSteps(server);
  }
  await steps;
  conn.close();
  const [head = "", size] = /^\+FULLRESYNC \S+ \d+\r\n\n*\$(\d+)\r\n/.exec(text) ?? [];
  return bytesOf(text.slice(head.length + Number(size)));
}

Deno.test({
  name: "redis-server's stream of all kinds of units, cut behind each byte, makes the same replica",
  ignore: redisServer === undefined,
  fn: async () => {
    await using server = await startRedis([
      "--repl-diskless-sync-delay",
      "0",
      "--repl-ping-replica-period",
      "3600",
    ]);
    const stream = await recorded(server);
    assert(unitEnds(stream).length > 30);
    const replica = await RecordedReplica.start(stream),
      places = await replica.places(),
      faults: string[] = [];
    for (let cut = 0; cut <= stream.length; cut++) {
      faults.push(await replica.cutAt(cut, [Infinity, 1, 97, 11][cut % 4]!, places));
    }
    assertEquals(faults.filter((fault) => fault !== ""), []);
  },
});
