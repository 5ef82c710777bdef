/**
 * Other programs in tests: run to their end, or on a terminal of their own until they have printed
 * enough.
 */
import { Buffer } from "node:buffer";
import { parseRssBytes } from "../bench/proc.ts";
import { findTool } from "./oracle.ts";

/** A program's exit status and output: latin1 strings. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

/** Runs a program to its end. `input` is a latin1 string. */
export async function runTool(program: string, args: readonly string[], input = ""): Promise<Outcome> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // It may exit before it has read its input.
  const written = writer.write(Buffer.from(input, "latin1")).then(() => writer.close()).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  await written;
  return { code, stdout: textOf(stdout), stderr: textOf(stderr) };
}

/**
 * Bytes of memory a process occupies. Another program is asked, since Deno opens nothing in /proc
 * for a process without full permissions.
 */
export async function residentBytes(pid: number): Promise<number> {
  if (Deno.build.os === "linux") return parseRssBytes((await runTool("cat", [`/proc/${pid}/statm`])).stdout);
  return Number((await runTool("ps", ["-o", "rss=", "-p", String(pid)])).stdout) * 1024;
}

/** True if {@linkcode untilShown} works here. */
export const hasTerminal: boolean = findTool("script") !== undefined;

/** Runs an endless program on a terminal until that shows `expected`; resolves with its output. */
export async function untilShown(words: readonly string[], expected: RegExp): Promise<string> {
  const child = new Deno.Command("script", {
    args: ["-qefc", words.map((word) => `'${word}'`).join(" "), "/dev/null"],
    env: { TERM: "xterm-256color" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let shown = "";
  for await (const chunk of child.stdout) {
    shown += textOf(chunk);
    if (expected.test(shown)) break;
  }
  try {
    child.kill("SIGKILL");
  } catch {
    // It has already ended.
  }
  await child.status;
  if (!expected.test(shown)) {
    throw new Error(`${words.join(" ")} ended having shown ${JSON.stringify(shown)}`);
  }
  return shown;
}
