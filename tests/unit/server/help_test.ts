import { assert, assertEquals, assertMatch } from "@std/assert";
import { findParameter } from "../../../src/config/registry.ts";
import { directiveHelp, helpPage, helpTopics } from "../../../src/server/help.ts";

Deno.test("every topic of help has a page with a heading, and no page is left out", () => {
  const topics = helpTopics();
  assertEquals(topics.map(([topic]) => topic), topics.map(([topic]) => topic).toSorted());
  const pages = [...Deno.readDirSync(new URL("../../../src/docs", import.meta.url))].map(({ name }) => name);
  for (const page of pages) assert(topics.some(([topic]) => `${topic}.md` === page), page);
  for (const [topic, title] of topics) {
    assertMatch(title, /^[A-Z].{9,80}$/, topic);
    assert((helpPage(topic) ?? "").length > 500, topic);
  }
});

Deno.test("helpPage knows no other files than pages", () => {
  for (const topic of ["nope", "../docs/operations", "constructor", ""]) {
    assertEquals(helpPage(topic), undefined);
  }
});

Deno.test("directiveHelp says where a directive can be set and whether it does anything", () => {
  assertEquals(directiveHelp(findParameter("slave-read-only")!).split("\n"), [
    'replica-read-only, by default "yes"',
    "  in a file:            replica-read-only VALUE",
    "  on the command line:  --replica-read-only VALUE",
    "  in the environment:   REDENO_REPLICA_READ_ONLY=VALUE",
    "  while it runs:        CONFIG SET replica-read-only VALUE",
    "  older names:          slave-read-only",
  ]);
  assertMatch(directiveHelp(findParameter("io-threads")!), /cannot be changed\n.* no effect here\.$/);
});
