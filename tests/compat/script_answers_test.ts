/**
 * Checks that the recorded answers to scripts in `tests/unit/scripting/lua/answers.txt` are those
 * of the installed redis-server. SCRIPT_ANSWERS=write records them again, including those of
 * scripts added to the file.
 */
import { assertEquals } from "@std/assert";
import { redisServer, startRedis } from "../support/oracle.ts";
import {
  evalCommand,
  readScriptAnswers,
  type ScriptAnswer,
  scriptsOfFile,
  writeScriptAnswers,
} from "../support/script_answers.ts";

const isWriting = Deno.env.get("SCRIPT_ANSWERS") === "write";

if (redisServer === undefined) {
  console.warn("script_answers_test: redis-server is not installed, its test is ignored");
}

/** redis-server's replies to each of the scripts. */
async function ask(scripts: readonly string[]): Promise<Map<string, ScriptAnswer["replies"]>> {
  await using redis = await startRedis(["--enable-debug-command", "yes"]);
  const replies: string[][] = [];
  for (const protocol of ["2", "3"]) {
    using c = await redis.connect();
    await c.send("HELLO", protocol);
    const all = await c.pipeline(scripts.flatMap((script) => [["FLUSHALL"], evalCommand(script)]));
    replies.push(all.filter((_, i) => i % 2 === 1));
  }
  return new Map(scripts.map((script, i) => [script, [replies[0]![i]!, replies[1]![i]!]]));
}

Deno.test({
  name: "the recorded answers to scripts are those of redis-server",
  ignore: redisServer === undefined,
  fn: async () => {
    const answers = await ask(scriptsOfFile());
    if (isWriting) writeScriptAnswers(answers);
    const recorded = readScriptAnswers();
    assertEquals(recorded.map(({ script }) => script), [...answers.keys()]);
    const wrong = recorded.filter(({ script, replies }) =>
      JSON.stringify(replies) !== JSON.stringify(answers.get(script))
    );
    assertEquals(wrong, []);
  },
});
