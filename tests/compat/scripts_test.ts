/**
 * Random scripts from a seed, and a dialogue about function libraries, sent to Redeno and to a real
 * redis-server: the replies must be the same bytes. SCRIPTS_SEED and SCRIPTS_COUNT in the
 * environment set the seed and the number.
 */
import { assertEquals } from "@std/assert";
import { latin1 } from "../../src/util/bytes.ts";
import { Random } from "../../src/util/random.ts";
import { splitArgs } from "../../src/util/sds_split.ts";
import { type RawConnection, redisServer, startRedeno, startRedis } from "../support/oracle.ts";
import { randomScript, randomWords } from "./random_scripts.ts";

const seed = Number(Deno.env.get("SCRIPTS_SEED") ?? 20261121);
const count = Number(Deno.env.get("SCRIPTS_COUNT") ?? 600);

if (redisServer === undefined) {
  console.warn("scripts_test: redis-server is not installed, its tests are ignored");
}

/** Sends commands to both servers; returns those whose replies differ, with both replies. */
async function differences(protocol: string, commands: readonly string[][]): Promise<unknown[]> {
  await using redeno = await startRedeno();
  await using redis = await startRedis();
  using ours = await redeno.connect();
  using theirs = await redis.connect();
  const ask = async (c: RawConnection) => {
    await c.send("HELLO", protocol);
    return await c.pipeline([...commands]);
  };
  const [ourReplies, theirReplies] = await Promise.all([ask(ours), ask(theirs)]);
  return commands.flatMap((command, i) =>
    ourReplies[i] === theirReplies[i] ? [] : [{ command, ours: ourReplies[i], theirs: theirReplies[i] }]
  );
}

for (const protocol of ["2", "3"]) {
  Deno.test({
    name: `random scripts get the same replies from Redeno and redis-server, in RESP${protocol}`,
    ignore: redisServer === undefined,
    fn: async () => {
      const random = new Random(seed + Number(protocol));
      const commands = Array.from({ length: count }, (_, i) => {
        if (i % 50 === 0) return ["FLUSHALL"];
        const keys = randomWords(random), echo = random.below(8) === 0;
        const script = echo ? "return {KEYS,ARGV,#KEYS,#ARGV}" : randomScript(random);
        return ["EVAL", script, String(keys.length), ...keys, ...randomWords(random)];
      });
      assertEquals(await differences(protocol, commands), [], `seed ${seed}`);
    },
  });

  Deno.test({
    name: `libraries and functions are answered as by redis-server, in RESP${protocol}`,
    ignore: redisServer === undefined,
    fn: async () => {
      const text = latin1(Deno.readFileSync(new URL("function_edges.txt", import.meta.url)));
      const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("# "));
      assertEquals(await differences(protocol, lines.map((line) => splitArgs(line)!)), []);
    },
  });
}
