import { assertEquals } from "@std/assert";
import { redenoCommand } from "../support/launch.ts";
import { killRounds } from "./kill.ts";

Deno.test("kill -9 under load loses nothing acknowledged and shows no half transaction", async () => {
  const { problems, rounds, folder } = await killRounds(redenoCommand(), 4, 20260131);
  assertEquals(problems, [], `the data is in ${folder}`);
  assertEquals(rounds, 4);
});
