/**
 * A language that src/ knows nothing of: a script is a list of commands, one a line, and answers with the last reply. In a
 * library, a line `name: command …` is a function. `KEY1` and `ARG1` stand for the first key and argument, `FAIL` for an error.
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Args } from "../../../src/engine/args.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";
import type { ReplyWriter } from "../../../src/protocol/reply_writer.ts";
import { engineNamed, enterEngine } from "../../../src/scripting/script_engines.ts";
import {
  CompileError,
  type Registration,
  RegistrationError,
  type ScriptError,
  type ScriptHost,
  type ScriptMachine,
} from "../../../src/scripting/script_host.ts";
import type { ScriptRun } from "../../../src/scripting/script_run.ts";
import { type InProcessClient, startInProcess } from "../../support/in_process.ts";

class ListMachine implements ScriptMachine {
  isBroken = false;
  readonly usedBytes = 1000;
  readonly #scripts = new Map<number, string[]>();
  #lastRef = 0;
  #result = new Uint8Array(0);
  #error: ScriptError | null = null;

  constructor(readonly host: ScriptHost) {}

  compile(source: string): number {
    const lines = source.split("\n").filter((line) => line !== "");
    if (lines.length === 0) throw new CompileError("there is nothing to do");
    this.#scripts.set(++this.#lastRef, lines);
    return this.#lastRef;
  }

  loadLibrary(source: string, register: (registration: Registration) => string | null): void {
    for (const line of source.split("\n").filter((line) => line !== "")) {
      const [name = "", command = ""] = line.split(": ");
      const problem = register({ name, description: null, flags: 0, ref: this.compile(command) });
      if (problem !== null) throw new RegistrationError(problem);
    }
  }

  forget(ref: number): void {
    this.#scripts.delete(ref);
  }

  run(ref: number, run: ScriptRun, keyCount: number): null {
    const words: Record<string, string> = { KEY1: run.args.string(3), ARG1: run.args.string(3 + keyCount) };
    this.#error = null;
    for (const line of this.#scripts.get(ref)!) {
      if (line === "BREAK") throw new Error("out of order");
      this.#command(line === "FAIL" ? null : line.split(" ").map((word) => words[word] ?? word));
      if (this.#error !== null) break;
    }
    this.host.finished(this.#error === null);
    return null;
  }

  #command(words: string[] | null): void {
    const { reply } = this.host.client;
    const refused = words === null ? null : this.host.callCommand(Args.of(words));
    if (words === null) this.#error = { text: "ERR it failed", isCounted: false };
    else if (refused !== null) this.#error = { text: refused.text, isCounted: true };
    this.#result = reply.view().slice();
    reply.empty();
  }

  writeResult(reply: ReplyWriter): void {
    reply.raw(this.#result);
  }

  readError(name: string): ScriptError {
    const { text, isCounted } = this.#error!;
    return { text: `${text} (${name})`, isCounted };
  }

  clear(): void {
    this.#result = new Uint8Array(0);
  }
}

let machinesMade = 0;

/** The text of the error that a command is answered with. */
function failure(c: InProcessClient, ...words: string[]): string {
  const reply = c.send(...words);
  assert(reply instanceof ReplyFailure, Deno.inspect(reply));
  return reply.message;
}

enterEngine({
  name: "STEPS",
  createMachine(host) {
    machinesMade++;
    return new ListMachine(host);
  },
  isBrief: () => true,
});

Deno.test("a second engine runs scripts of EVAL beside Lua's, and they are propagated", () => {
  using s = startInProcess();
  const c = s.client();
  const script = "#!steps\nSET KEY1 ARG1\nINCR KEY1";
  assertEquals(c.send("EVAL", script, "1", "n", "41"), 42);
  assertEquals(s.propagated(), ["MULTI", "SET n 41", "INCR n", "EXEC"]);
  const sha = String(c.send("SCRIPT", "LOAD", script));
  assertEquals(c.send("EVALSHA", sha, "1", "n", "1"), 2);
  assertEquals(c.send("EVAL", "return redis.call('GET', KEYS[1])", "1", "n"), "2");
  assertMatch(failure(c, "EVAL", "#!steps", "0"), /Invalid script shebang/);
  assertMatch(
    failure(c, "EVAL", "#!steps\n", "0"),
    /ERR Error compiling script \(new function\): there is/,
  );
  assertMatch(failure(c, "EVAL", "#!STEPS\nPING", "0"), /Unexpected engine in script shebang: #!STEPS/);
});

Deno.test("flags of a script hold whatever its language", () => {
  using s = startInProcess();
  const c = s.client();
  const reply = failure(c, "EVAL", "#!steps flags=no-writes\nSET KEY1 ARG1", "1", "n", "1");
  assertMatch(reply, /Write commands are not allowed from read-only scripts/);
  assertEquals(c.send("EXISTS", "n"), 0);
  assertMatch(failure(c, "EVAL", "#!steps speed=5\nPING", "0"), /Unknown steps shebang option: speed=5/);
});

Deno.test("an error of a second engine's script is replied and counted", () => {
  using s = startInProcess();
  const c = s.client();
  const sha = String(c.send("SCRIPT", "LOAD", "#!steps\nFAIL"));
  assertEquals(failure(c, "EVALSHA", sha, "0"), `ERR it failed (${sha})`);
  assertMatch(String(c.send("INFO", "errorstats")), /errorstat_ERR:count=1/);
});

Deno.test("FUNCTION LOAD picks the engine by name, and LIST, STATS and DUMP tell it", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("FUNCTION", "LOAD", "#!Steps name=mine\nput: SET KEY1 ARG1\nask: GET KEY1"), "mine");
  const lua = "#!lua name=other\nredis.register_function('f', function() return 'lua' end)";
  assertEquals(c.send("FUNCTION", "LOAD", lua), "other");
  assertEquals(c.send("FCALL", "put", "1", "k", "v"), "OK");
  assertEquals([c.send("FCALL", "ask", "1", "k", ""), c.send("FCALL", "f", "0")], ["v", "lua"]);
  const list = c.send("FUNCTION", "LIST") as unknown[][];
  assertEquals(list.map((library) => [library[1], library[3]]), [["mine", "STEPS"], ["other", "LUA"]]);
  const stats = c.send("FUNCTION", "STATS") as unknown[];
  assertEquals(stats[3], [
    ...["LUA", ["libraries_count", 1, "functions_count", 1]],
    ...["STEPS", ["libraries_count", 1, "functions_count", 2]],
  ]);
  const payload = String(c.send("FUNCTION", "DUMP"));
  c.send("FUNCTION", "FLUSH");
  assertMatch(failure(c, "FCALL", "ask", "1", "k", ""), /Function not found/);
  assertEquals(c.send("FUNCTION", "RESTORE", payload), "OK");
  assertEquals([c.send("FCALL", "ask", "1", "k", ""), c.send("FCALL", "f", "0")], ["v", "lua"]);
});

Deno.test("a library that fails leaves nothing behind, in the words of FUNCTION LOAD", () => {
  using s = startInProcess();
  const c = s.client();
  const load = (code: string) => failure(c, "FUNCTION", "LOAD", code);
  assertMatch(load("#!basic name=x\n"), /Engine 'basic' not found/);
  assertMatch(load("#!steps name=x\n"), /No functions registered/);
  assertMatch(load("#!steps name=x\nf: "), /Error compiling function: there is nothing to do/);
  assertMatch(
    load("#!steps name=x\nf: PING\nf: PING"),
    /Error registering functions: Function already exists/,
  );
  assertMatch(
    load("#!steps name=x\na-b: PING"),
    /Error registering functions: Library names can only contain/,
  );
  assertEquals(c.send("FUNCTION", "LIST"), []);
});

Deno.test("a machine that breaks is replaced, with its scripts and libraries; other engines' stay", () => {
  using s = startInProcess();
  const c = s.client();
  const good = String(c.send("SCRIPT", "LOAD", "#!steps\nPING"));
  const bad = String(c.send("SCRIPT", "LOAD", "#!steps\nBREAK"));
  c.send("FUNCTION", "LOAD", "#!steps name=mine\nping: PING\nbad: BREAK");
  c.send("FUNCTION", "LOAD", "#!lua name=other\nredis.register_function('f', function() return 'lua' end)");
  const made = machinesMade;
  assertMatch(failure(c, "EVALSHA", bad, "0"), /Error running script .*, stack overflow/);
  assertEquals([String(c.send("EVALSHA", good, "0")), machinesMade - made], ["PONG", 1]);
  assertMatch(failure(c, "FCALL", "bad", "0"), /Error running script bad, stack overflow/);
  assertEquals([String(c.send("FCALL", "ping", "0")), machinesMade - made], ["PONG", 2]);
  assertEquals(c.send("FCALL", "f", "0"), "lua");
  assertEquals((c.send("FUNCTION", "LIST") as unknown[]).length, 2);
});

Deno.test("memory of all machines counts, and an engine's name is taken once", () => {
  using s = startInProcess();
  const c = s.client();
  const memory = () => /used_memory_vm_eval:(\d+)/.exec(String(c.send("INFO", "memory")))?.[1];
  assertEquals(memory(), "0");
  c.send("EVAL", "#!steps\nPING", "0");
  assertEquals(memory(), "1000");
  assertThrows(() => enterEngine(engineNamed("steps")!), TypeError, "there already");
});
