/** Promises about the repository itself: closed networks, short functions, a README that tells the truth. */
import { assertEquals } from "@std/assert";
import { existsSync } from "@std/fs";
import { repositoryFiles, sourceFiles } from "../support/repository.ts";

/** Deno's own names for packages need no host; a host would tie the repository to one network. */
const registryHost =
  /\b(?:jsr\.io|esm\.sh|unpkg\.com|deno\.land\/(?:x|std)|(?:registry|npm)\.[\w.-]+\.(?:org|com|dev|io)|[\w.-]*artifactory[\w.-]*\.\w+)/i;

Deno.test("no file names a package registry's host", () => {
  const endings = [".ts", ".json", ".lock", ".md", ".sh", ".txt", "run", ".gitignore"];
  const naming = [...repositoryFiles(["."], endings)]
    .filter(({ text }) => registryHost.test(text)).map(({ path }) => path);
  assertEquals(naming, []);
});

/** Lines from the head of a function (as deno fmt writes it) to the brace that closes it. */
function* functionLengths(text: string): Generator<{ line: number; length: number }> {
  const lines = text.split("\n");
  const head =
    /^(\s*)(?!.*\b(?:if|for|while|switch|catch|class|interface|describe)\b.*\{$)(?:.*(?:\bfunction\b|=>).*|.*\).*|\).*)\{$/;
  for (const [index, line] of lines.entries()) {
    const indent = head.exec(line)?.[1];
    if (indent === undefined) continue;
    const end = lines.findIndex((other, at) => at > index && other.startsWith(`${indent}}`));
    if (end > 0) yield { line: index + 1, length: end - index + 1 };
  }
}

Deno.test("functionLengths counts functions, methods and callbacks", () => {
  const text = `export function a(x: number): void {\n  if (x) {\n    return;\n  }\n}\n\nclass B {\n` +
    `  c(\n    y: string,\n  ): void {\n    y;\n  }\n}\nDeno.test("t", () => {\n  a(1);\n});\n`;
  assertEquals([...functionLengths(text)], [{ line: 1, length: 5 }, { line: 10, length: 3 }, {
    line: 14,
    length: 3,
  }]);
});

Deno.test("no function is longer than 80 lines", () => {
  const long: string[] = [];
  for (const { path, text } of sourceFiles(["main.ts", "src", "tests"])) {
    for (const { line, length } of functionLengths(text)) {
      if (length > 80) long.push(`${path}:${line} has ${length} lines`);
    }
  }
  assertEquals(long, []);
});

Deno.test("a file of src/ above 600 lines says at its head why it is one", () => {
  const long = [...sourceFiles(["src"])]
    .filter(({ text }) => text.split("\n").length > 601)
    .filter(({ text }) => !text.slice(0, text.indexOf("*/")).includes(" One file: "));
  assertEquals(long.map(({ path }) => path), []);
});

const top = new URL("../../", import.meta.url);
const readme = new URL("README.md", top);

Deno.test({
  name: "every task that README names is one of deno.json",
  ignore: !existsSync(readme),
  fn: () => {
    const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", top)));
    const named = Deno.readTextFileSync(readme).matchAll(/\bdeno(?:@[\d.]+)? task ([a-z]+)/g);
    assertEquals([...named].map(([, task]) => task ?? "").filter((task) => !(task in tasks)), []);
  },
});

Deno.test("every task of deno.json has a description, and every script that one runs is there", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", top)));
  const all = Object.entries<{ description?: string; command: string }>(tasks);
  assertEquals(all.filter(([, { description }]) => !description).map(([name]) => name), []);
  const scripts = all.flatMap(([, { command }]) => command.match(/[\w/]+\.ts\b/g) ?? []);
  assertEquals(scripts.filter((script) => !existsSync(new URL(script, top))), []);
});

/** The packages that TypeScript files below `paths` name, as a lock file spells them. */
function importedPackages(paths: string[]): Set<string> {
  const { imports } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", top)));
  const names = new Set<string>();
  for (const { path, text } of sourceFiles(paths)) {
    if (path.startsWith("src/std/")) continue; // the stand-ins are locked by nothing
    for (
      const [, specifier = ""] of text.matchAll(
        /^(?:import|\} from|import .* from) "((?:npm:|@std\/)[^"]+)"/gm,
      )
    ) {
      const [, scope = "", name = ""] = /^(npm:)?((?:@[^/]+\/)?[^/]+)/.exec(specifier) ?? [];
      names.add(scope === "" ? imports[name] : scope + name);
    }
  }
  return names;
}

/** The packages that a lock file starts from. */
function lockedPackages(path: string): string[] {
  const { specifiers } = JSON.parse(Deno.readTextFileSync(new URL(path, top)));
  return Object.keys(specifiers).filter((name) => !/\^|~/.test(name)).sort();
}

Deno.test("deno.lock holds the packages of the server and no others, tests/deno.lock those of the tests too", () => {
  const server = importedPackages(["main.ts", "src"]);
  assertEquals(lockedPackages("deno.lock"), [...server].sort());
  const unlocked = importedPackages(["main.ts", "src", "tests"]).difference(
    new Set(lockedPackages("tests/deno.lock")),
  );
  assertEquals([...unlocked], []);
});
