/**
 * The rooms of src/ and the one direction of their imports: a file imports from its own room and from
 * rooms below it. What a low room needs from above it declares as an interface and is handed.
 */
import { assertEquals } from "@std/assert";
import { sourceFiles } from "../support/repository.ts";

/** From top to bottom. */
const rooms = [
  "main",
  "server",
  "commands",
  "scripting",
  "replication",
  "persistence",
  "engine",
  "metrics",
  "acl",
  "pubsub",
  "keyspace",
  "data",
  "store",
  "config",
  "protocol",
  "util",
];

/** Rooms beside the tower: what they may import, and who may import them. */
const annexes: Record<string, { below: string[]; above: string[] }> = {
  cli: { below: ["protocol", "util", "config"], above: ["main"] },
  std: { below: [], above: [] }, // reached through the import map alone
};

function roomOf(path: string): string {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? "main";
}

function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  const [source, target] = [annexes[from], annexes[to]];
  if (source) return source.below.includes(to);
  if (target) return target.above.includes(from);
  return rooms.includes(from) && rooms.indexOf(from) < rooms.indexOf(to);
}

/** The files of the repository that a source file imports, relative to its top folder. */
function importsOf(path: string, text: string): string[] {
  const specifiers = text.matchAll(/^(?:import|export)[^;]*?from "(\.[^"]+)"|import\("(\.[^"]+)"\)/gm);
  const base = `file:///${path}`;
  return [...specifiers].map(([, plain, dynamic]) => new URL(plain ?? dynamic ?? "", base).pathname.slice(1));
}

Deno.test("importsOf sees plain, type, re-exported and dynamic imports", () => {
  const text = `import { a } from "./a.ts";\nimport type {\n  B,\n} from "../data/b.ts";\n` +
    `export { c } from "../util/c.ts";\nlet d: import("../engine/d.ts").D;\nimport "@std/fs";\n`;
  assertEquals(importsOf("src/data/x.ts", text), [
    "src/data/a.ts",
    "src/data/b.ts",
    "src/util/c.ts",
    "src/engine/d.ts",
  ]);
});

Deno.test("mayImport allows the rooms below and nothing else", () => {
  assertEquals(mayImport("engine", "data"), true);
  assertEquals(mayImport("data", "engine"), false);
  assertEquals(mayImport("cli", "protocol"), true);
  assertEquals(mayImport("cli", "engine"), false);
  assertEquals(mayImport("server", "cli"), false);
  assertEquals(mayImport("util", "std"), false);
});

Deno.test("every file of src/ lies in a room, and imports its own room or rooms below it", () => {
  const wrong: string[] = [];
  for (const { path, text } of sourceFiles(["main.ts", "src"])) {
    const room = roomOf(path);
    if (!rooms.includes(room) && !annexes[room]) wrong.push(`${path} lies in no known room`);
    for (const target of importsOf(path, text)) {
      if (!target.startsWith("src/")) wrong.push(`${path} imports ${target}`);
      else if (!mayImport(room, roomOf(target))) {
        wrong.push(`${path} imports ${target} against the direction`);
      }
    }
  }
  assertEquals(wrong, []);
});
