import { assertEquals } from "@std/assert";
import { History } from "../../../src/cli/history.ts";
import { KeyDecoder } from "../../../src/cli/keys.ts";
import { LineEditor } from "../../../src/cli/line_editor.ts";

/** Types `input` and gives the editor and the state after the last key. */
function type(input: string, options: { history?: string[]; complete?: string[]; hint?: string } = {}) {
  const history = new History();
  for (const line of options.history ?? []) history.add(line);
  const editor = new LineEditor({
    prompt: "> ",
    columns: 20,
    history,
    hint: () => options.hint ?? "",
    complete: (line) => (options.complete ?? []).filter((name) => name.startsWith(line)),
  });
  let state = "editing";
  for (const key of new KeyDecoder().decode(new TextEncoder().encode(input))) state = editor.press(key);
  return { editor, state, line: editor.line, cursor: editor.cursor };
}

const UP = "\x1b[A", DOWN = "\x1b[B", RIGHT = "\x1b[C", LEFT = "\x1b[D";

Deno.test("LineEditor inserts and moves: arrows, home, end and their control keys", () => {
  assertEquals(type(`bd${LEFT}c\x1b[Ha\x1b[Fe`).line, "abcde");
  assertEquals(type(`bd\x02c\x01a\x05e`).line, "abcde");
  assertEquals(type(`ab${LEFT}${LEFT}${LEFT}${RIGHT}x`).line, "axb");
  assertEquals(type("ab\x1bOHx\x1bOFy").line, "xaby");
  assertEquals(type(`one two three\x1b[1;5D\x1bbX`).line, "one Xtwo three");
  assertEquals(type(`one two\x01\x1b[1;5CX\x1bfY`).line, "oneX twoY");
});

Deno.test("LineEditor deletes: backspace, delete, ctrl-d, ctrl-k, ctrl-u, ctrl-w", () => {
  assertEquals(type("abc\x7f\x08").line, "a");
  assertEquals(type("\x7fabc\x01\x1b[3~\x04").line, "c");
  assertEquals(type(`abcd${LEFT}${LEFT}\x0b`).line, "ab");
  const killed = type(`abcd${LEFT}\x15`);
  assertEquals([killed.line, killed.cursor], ["", 0]);
  assertEquals(type("get  key \x17").line, "get  ");
});

Deno.test("LineEditor takes characters of several bytes as one", () => {
  assertEquals(type(`é日😀${LEFT}\x7f`).line, "é😀");
});

Deno.test("LineEditor ends on enter, ctrl-c, and ctrl-d in an empty line", () => {
  assertEquals(type("ping\r").state, "line");
  assertEquals(type("ping\x03").state, "closed");
  assertEquals(type("\x04").state, "closed");
  assertEquals(type("a\x04").state, "editing");
});

Deno.test("LineEditor walks the history and comes back to the line being written", () => {
  const history = ["first", "second"];
  assertEquals(type(`dra${UP}`, { history }).line, "second");
  assertEquals(type(`dra${UP}${UP}${UP}`, { history }).line, "first");
  assertEquals(type(`dra${UP}${UP}${DOWN}${DOWN}${DOWN}ft`, { history }).line, "draft");
  assertEquals(type("\x10\x10\x0e", { history }).line, "second");
});

Deno.test("LineEditor completes on tab, goes round, and back on escape", () => {
  const complete = ["GET", "GETDEL"];
  assertEquals(type("G\t", { complete }).line, "GET");
  assertEquals(type("G\t\t k", { complete }).line, "GETDEL k");
  assertEquals(type("G\t\t\t", { complete }).line, "G");
  assertEquals(type("G\t\t\t\t", { complete }).line, "GET");
  assertEquals(type("G\t\x1b", { complete }).line, "G");
  const none = type("X\t", { complete });
  assertEquals([none.line, none.editor.draw().startsWith("\x07")], ["X", true]);
});

Deno.test("LineEditor draws prompt, line, grey hint, and puts the cursor where it belongs", () => {
  const { editor } = type(`get${LEFT}`, { hint: " key" });
  assertEquals(editor.draw(), "\r\x1b[J> get\x1b[0;90;49m key\x1b[0m\r\x1b[4C");
  assertEquals(editor.leave(), "\r\x1b[J> get\r\x1b[5C\r\n");
});

Deno.test("LineEditor cuts the hint at the end of the row", () => {
  assertEquals(
    type("get", { hint: " key and very much more" }).editor.draw().includes(" key and very \x1b"),
    true,
  );
});

Deno.test("LineEditor redraws a line of several rows from its first row", () => {
  const { editor } = type("x".repeat(30));
  assertEquals(editor.draw(), "\r\x1b[J> " + "x".repeat(30) + "\r\x1b[12C");
  editor.press({ name: "home" });
  assertEquals(editor.draw(), "\x1b[1A\r\x1b[J> " + "x".repeat(30) + "\x1b[1A\r\x1b[2C");
});

Deno.test("LineEditor steps to the next row when the last column is filled", () => {
  const { editor } = type("x".repeat(18));
  assertEquals(editor.draw(), "\r\x1b[J> " + "x".repeat(18) + "\r\n\r");
});

Deno.test("LineEditor clears the screen on ctrl-l", () => {
  assertEquals(type("a\x0c").editor.draw(), "\x1b[H\x1b[2J\r\x1b[J> a\r\x1b[3C");
});

Deno.test("KeyDecoder waits for the rest of a sequence or character", () => {
  const decoder = new KeyDecoder();
  const decode = (...bytes: number[]) => decoder.decode(Uint8Array.from(bytes));
  assertEquals(decode(0x1b, 0x5b), []);
  assertEquals(decode(0x41), [{ name: "up" }]);
  assertEquals(decode(0xc3), []);
  assertEquals(decode(0xa9), [{ name: "char", char: "é" }]);
  assertEquals(decode(0x1b), [{ name: "escape" }]);
  assertEquals(decode(0x1b, 0x5b, 0x35, 0x7e), [{ name: "unknown" }]);
});

const SEARCH = "\x12";

Deno.test("LineEditor searches backwards while the text is typed, further with ctrl-r, and back with backspace", () => {
  const history = ["get first", "set second 1", "get third"];
  assertEquals(type(`${SEARCH}get`, { history }).line, "get third");
  assertEquals(type(`${SEARCH}get${SEARCH}`, { history }).line, "get first");
  assertEquals(type(`${SEARCH}gets${SEARCH}`, { history }).line, "get third");
  assertEquals(type(`${SEARCH}sec`, { history }).cursor, 4);
  assertEquals(type(`${SEARCH}get f\x7f`, { history }).line, "get third");
  assertEquals(type(`${SEARCH}x`, { history }).line, "");
});

Deno.test("LineEditor takes the line found with enter or a key that edits, and leaves it with ctrl-g and ctrl-c", () => {
  const history = ["get first", "set second 1", "get third"];
  assertEquals(type(`dra${SEARCH}sec\r`, { history }).state, "line");
  assertEquals(type(`dra${SEARCH}sec\r`, { history }).line, "set second 1");
  assertEquals(type(`dra${SEARCH}sec\x1b`, { history }).line, "set second 1");
  assertEquals(type(`dra${SEARCH}sec\x05!`, { history }).line, "set second 1!");
  assertEquals(type(`dra${SEARCH}sec${UP}`, { history }).line, "get first");
  for (const leave of ["\x07", "\x03"]) {
    const left = type(`dra${SEARCH}sec${leave}ft`, { history });
    assertEquals([left.line, left.state], ["draft", "editing"]);
  }
});

Deno.test("LineEditor shows the text searched for, and a bell where no line holds it", () => {
  const history = ["get first"];
  assertEquals(
    type(`${SEARCH}fi`, { history }).editor.draw().includes("(reverse-i-search)'fi': get first"),
    true,
  );
  const failed = type(`${SEARCH}fix`, { history }).editor.draw();
  assertEquals(failed.startsWith("\x07"), true);
  assertEquals(failed.includes("(failed reverse-i-search)'fix': get first"), true);
});
