import { assertEquals } from "@std/assert";
import { Stats } from "../../../src/metrics/stats.ts";
import { sourceFiles } from "../../support/repository.ts";

Deno.test("every field of Stats is written somewhere outside its declaration", () => {
  const files = [...sourceFiles(["src"])];
  const isWritten = (field: string) => {
    const write = new RegExp(`\\bstats\\.${field}(?:\\[\\w+\\])?\\s*(?:\\+\\+|\\+=|=[^=])`);
    // A removal of a key names its counter.
    const named = `counter: "${field}"`;
    const own = new RegExp(`\\bthis\\.${field}(?:\\+\\+|\\s*\\+=|\\.set\\(|\\s*=\\s*nowMs)`);
    return files.some(({ path, text }) =>
      write.test(text) || text.includes(named) || (path.endsWith("metrics/stats.ts") && own.test(text))
    );
  };
  assertEquals(Object.keys(new Stats()).filter((field) => !isWritten(field)), []);
});

Deno.test("CONFIG RESETSTAT's reset keeps the highest memory and the denials of access", () => {
  const stats = new Stats();
  stats.peakMemory = 7;
  stats.accessDenied.key = 3;
  stats.expiredKeys = 2;
  stats.countError("ERR");
  stats.reset();
  assertEquals(
    [stats.peakMemory, stats.accessDenied.key, stats.expiredKeys, stats.errorReplies, stats.errorCounts.size],
    [7, 3, 0, 0, 0],
  );
});
