import { assertEquals } from "@std/assert";
import { importedPaths, nearness } from "../../tools/concerned_tests.ts";

Deno.test("importedPaths sees plain, type, re-exported, bare and dynamic imports of the repository's files", () => {
  const text =
    `import { a } from "./a.ts";\nimport type {\n  B,\n} from "../data/b.ts";\nimport "./c.ts";\n` +
    `export { d } from "../util/d.ts";\nlet e: import("../engine/e.ts").E;\nimport { f } from "@std/fs";\n`;
  assertEquals(importedPaths({ path: "src/keyspace/x.ts", text }), [
    "src/keyspace/a.ts",
    "src/data/b.ts",
    "src/keyspace/c.ts",
    "src/util/d.ts",
    "src/engine/e.ts",
  ]);
});

Deno.test("nearness goes from the mirrored test over folder and room to those that import the file", () => {
  const tests = [
    "tests/unit/persistence/aof/aof_test.ts",
    "tests/unit/persistence/aof/manifest_test.ts",
    "tests/unit/persistence/files_test.ts",
    "tests/unit/server/info_test.ts",
    "tests/unit/server/cron_test.ts",
    "tests/unit/util/bytes_test.ts",
  ];
  const importers = new Set(["src/server/info.ts", "tests/unit/server/cron_test.ts"]);
  assertEquals([...nearness("src/persistence/aof/manifest.ts", tests, importers)], [
    ["tests/unit/persistence/aof/aof_test.ts", 1],
    ["tests/unit/persistence/aof/manifest_test.ts", 0],
    ["tests/unit/persistence/files_test.ts", 2],
    ["tests/unit/server/info_test.ts", 3],
    ["tests/unit/server/cron_test.ts", 3],
  ]);
});
