/**
 * The answers of redis-server 7.0.15 to some thousand scripts, recorded in
 * `tests/unit/scripting/lua/answers.txt`: a line with the script; below it, indented, the bytes of
 * its reply, as a JSON string of latin1 characters. If RESP3 gets other bytes, a second such line
 * holds them. Lines that begin with `#` are headings.
 */
import { Buffer } from "node:buffer";
import { latin1 } from "../../src/util/bytes.ts";

const file = new URL("../unit/scripting/lua/answers.txt", import.meta.url);
const INDENT = "    ";

/** A script and its replies in RESP2 and RESP3. */
export interface ScriptAnswer {
  script: string;
  replies: readonly [resp2: string, resp3: string];
}

/** The key and argument passed to each script, on an empty database. */
const SCRIPT_KEY = "key", SCRIPT_ARGUMENT = "a\0b\xff";

/** The command that runs a script. */
export function evalCommand(script: string): string[] {
  return ["EVAL", script, "1", SCRIPT_KEY, SCRIPT_ARGUMENT];
}

/** Reads the recorded answers. */
export function readScriptAnswers(): ScriptAnswer[] {
  const answers: ScriptAnswer[] = [];
  const lines = latin1(Deno.readFileSync(file)).split("\n");
  for (const [i, script] of lines.entries()) {
    if (script === "" || script.startsWith("#") || script.startsWith(INDENT)) continue;
    const [resp2 = "", resp3 = ""] = [lines[i + 1], lines[i + 2]].map((line) =>
      line?.startsWith(INDENT) ? line : undefined
    );
    const first: string = JSON.parse(resp2);
    answers.push({ script, replies: [first, resp3 === "" ? first : JSON.parse(resp3)] });
  }
  return answers;
}

/** A reply as a line of the file: printable characters only. */
function replyLine(reply: string): string {
  const text = JSON.stringify(reply).replace(
    /[\x7f-\xff]/g,
    (char) => `\\u00${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return INDENT + text;
}

/** Rewrites the answers, in the existing order of the file, with its headings. */
export function writeScriptAnswers(repliesTo: ReadonlyMap<string, ScriptAnswer["replies"]>): void {
  const lines: string[] = [];
  for (const line of latin1(Deno.readFileSync(file)).split("\n")) {
    if (line.startsWith(INDENT)) continue;
    lines.push(line);
    const replies = repliesTo.get(line);
    if (replies === undefined) continue;
    lines.push(replyLine(replies[0]));
    if (replies[1] !== replies[0]) lines.push(replyLine(replies[1]));
  }
  Deno.writeFileSync(file, Buffer.from(lines.join("\n"), "latin1"));
}

/** The scripts of the file, recorded or not. */
export function scriptsOfFile(): string[] {
  const lines = latin1(Deno.readFileSync(file)).split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#") && !line.startsWith(INDENT));
}
