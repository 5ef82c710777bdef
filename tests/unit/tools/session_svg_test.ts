import { assertEquals } from "@std/assert";
import { sessionLines, sessionSvg } from "../../tools/session_svg.ts";

Deno.test("the session of README answers what the server answers", () => {
  const answers = sessionLines().filter(({ isTyped }) => !isTyped).map(({ text }) => text);
  assertEquals(answers.slice(0, 4), ["OK", '"hello"', "(integer) 3", '1) "ada"']);
});

Deno.test(".github/session.svg is what tests/tools/session_svg.ts draws", () => {
  const file = new URL("../../../.github/session.svg", import.meta.url);
  assertEquals(Deno.readTextFileSync(file), sessionSvg());
});
