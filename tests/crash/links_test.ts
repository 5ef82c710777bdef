import { assert, assertEquals } from "@std/assert";
import { redenoCommand } from "../support/launch.ts";
import { redisServer } from "../support/oracle.ts";
import { linkRounds } from "./links.ts";

Deno.test("servers whose links, processes and roles change under load hold the same data in the end", async () => {
  const commands = redisServer === undefined ? [redenoCommand()] : [redenoCommand(), [redisServer]];
  const { problems, commands: answered, folder } = await linkRounds(commands, 2, 20260131);
  assertEquals(problems, [], `the data and logs are in ${folder}`);
  assert(answered > 100, `${answered} commands`);
});
