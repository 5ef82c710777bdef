/**
 * Random commands of all kinds get the same replies from Redeno and redis-server; see random.ts.
 * RANDOM_SEED sets the seed; `deno task compat --random 1000000` compares many more commands.
 */
import { assert, assertEquals } from "@std/assert";
import { redisServer } from "../support/oracle.ts";
import { compareRandom, describe } from "./random.ts";

const COMMANDS = 20_000;

Deno.test({
  name: "random commands of all kinds get the same replies, digests and expiry times as from redis-server",
  ignore: !redisServer,
  async fn() {
    const seed = Number(Deno.env.get("RANDOM_SEED") ?? 20261129);
    const { compared, differences } = await compareRandom(COMMANDS, seed);
    assertEquals(differences.map(describe), [], `seed ${seed}`);
    assert(compared >= COMMANDS);
  },
});
