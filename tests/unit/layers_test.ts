/**
 * The rooms of src/ and the one direction of their imports: a file imports from its own room and from
 * rooms below it. A low room declares what it needs from above as an interface and is handed an implementation. The groups of
 * commands have an order of their own. At run time no file imports itself by way of others.
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

/** The groups of commands from top to bottom: helpers of one are used by those above it. */
const groups = [
  "server",
  "scripts",
  "clients",
  "streams",
  "sorted_sets",
  "sets",
  "lists",
  "hashes",
  "strings",
  "keys",
];

function groupOf(path: string): string | undefined {
  return /^src\/commands\/([^/]+)\//.exec(path)?.[1];
}

/** The files of the repository that a source file imports, relative to its top folder. */
function importsOf(path: string, text: string): string[] {
  const specifiers = text.matchAll(/^(?:import|export)[^;]*?from "(\.[^"]+)"|import\("(\.[^"]+)"\)/gm);
  const base = `file:///${path}`;
  return [...specifiers].map(([, plain, dynamic]) => new URL(plain ?? dynamic ?? "", base).pathname.slice(1));
}

/** The files that a source file needs when it is loaded: types alone need none. */
function runtimeImportsOf(path: string, text: string): string[] {
  const statements = text.matchAll(/^(?:import|export)(\s+type\b)?([^;]*?)from "(\.[^"]+)"/gm);
  return [...statements].flatMap(([, type, names = "", specifier = ""]) => {
    const listed = names.replace(/[{}]/g, "").split(",").map((name) => name.trim()).filter((name) =>
      name !== ""
    );
    const isTypes = type !== undefined ||
      (names.includes("{") && listed.every((name) => name.startsWith("type ")));
    return isTypes ? [] : [new URL(specifier, `file:///${path}`).pathname.slice(1)];
  });
}

/** A circle among the files of a graph, its first file repeated at the end; undefined if there is none. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const search = (file: string, road: readonly string[]): string[] | undefined => {
    if (done.has(file)) return undefined;
    const before = road.indexOf(file);
    if (before >= 0) return [...road.slice(before), file];
    for (const next of graph.get(file) ?? []) {
      const found = search(next, [...road, file]);
      if (found !== undefined) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const found = search(file, []);
    if (found !== undefined) return found;
  }
  return undefined;
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

Deno.test("runtimeImportsOf leaves out what is imported for its types", () => {
  const text =
    `import { a } from "./a.ts";\nimport type { B } from "./b.ts";\nimport { type C, type D } from "./c.ts";\n` +
    `import {\n  type E,\n  e,\n} from "./e.ts";\nexport type { F } from "./f.ts";\n`;
  assertEquals(runtimeImportsOf("src/x.ts", text), ["src/a.ts", "src/e.ts"]);
});

Deno.test("circleIn finds a circle, and none where roads only meet again", () => {
  const meeting = new Map([["a", ["b", "c"]], ["b", ["d"]], ["c", ["d"]]]);
  assertEquals(circleIn(meeting), undefined);
  assertEquals(circleIn(new Map([...meeting, ["d", ["b"]]])), ["b", "d", "b"]);
});

Deno.test("no file imports itself at run time by way of others", () => {
  const graph = new Map(
    [...sourceFiles(["main.ts", "src"])].map(({ path, text }) => [path, runtimeImportsOf(path, text)]),
  );
  assertEquals(circleIn(graph), undefined);
});

Deno.test("groups of commands import helpers above all groups, their own files, and groups below them", () => {
  const wrong: string[] = [];
  for (const { path, text } of sourceFiles(["src/commands"])) {
    const from = groupOf(path);
    if (from === undefined) continue;
    if (!groups.includes(from)) wrong.push(`${path} lies in no known group`);
    for (const target of importsOf(path, text)) {
      const to = groupOf(target);
      if (target === "src/commands/table.ts") wrong.push(`${path} imports the table`);
      if (to !== undefined && groups.indexOf(from) > groups.indexOf(to)) {
        wrong.push(`${path} imports ${target}`);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("only src/scripting/ knows that scripts are written in Lua", () => {
  // The permissions of the process name the file of the machine.
  const permissions = "src/server/permissions.ts";
  const knowing = [...sourceFiles(["main.ts", "src"])]
    .filter(({ path, text }) =>
      !path.startsWith("src/scripting/") && path !== permissions &&
      importsOf(path, text).some((target) => target.startsWith("src/scripting/lua/"))
    ).map(({ path }) => path);
  assertEquals(knowing, []);
});

Deno.test("handlers change a database through the doors of their context alone", () => {
  const change = /\b(?:db|database)\.(?:set|add|delete|edit|open|mark|track|will|clear|settle|detach)\w*\(/;
  const changing = [...sourceFiles(["src/commands"])].filter(({ text }) => change.test(text)).map((
    { path },
  ) => path);
  assertEquals(changing, []);
});

Deno.test("fixed error texts stand in protocol/errors.ts", () => {
  const fixed = /new ReplyError\(\s*"(?:[^"\\]|\\.)*",?\s*\)/;
  const holding = [...sourceFiles(["src"])]
    .filter(({ path, text }) => path !== "src/protocol/errors.ts" && fixed.test(text))
    .map(({ path }) => path);
  assertEquals(holding, []);
});
