import { assert, assertEquals, assertMatch } from "@std/assert";
import { helpPage, helpTopics } from "../../../src/server/help.ts";

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
