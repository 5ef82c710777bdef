/** Scripts on conversions, errors, the sandbox and all libraries, answered as redis-server 7.0.15 has answered them. */
import { assertEquals, assertGreater } from "@std/assert";
import { encodeCommand, startInProcess } from "../../../support/in_process.ts";
import { evalCommand, readScriptAnswers } from "../../../support/script_answers.ts";

for (const [i, protocol] of ["2", "3"].entries()) {
  Deno.test(`scripts get the replies that redis-server has given, in RESP${protocol}`, () => {
    using s = startInProcess({ lines: ["enable-debug-command yes"] });
    const c = s.client();
    c.send("HELLO", protocol);
    const answers = readScriptAnswers();
    assertGreater(answers.length, 900);
    const differing = answers.flatMap(({ script, replies }) => {
      c.send("FLUSHALL");
      const reply = c.raw(encodeCommand(...evalCommand(script)));
      return reply === replies[i] ? [] : [{ script, reply, expected: replies[i] }];
    });
    assertEquals(differing, []);
  });
}
