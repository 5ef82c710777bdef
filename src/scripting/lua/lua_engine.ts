/** Lua as a script engine: implements script_host.ts with an {@linkcode Interpreter}. */
import type { ReplyWriter } from "../../protocol/reply_writer.ts";
import {
  CompileError,
  type Registration,
  type ScriptEngine,
  type ScriptError,
  type ScriptHost,
  type ScriptMachine,
} from "../script_host.ts";
import type { ScriptRun } from "../script_run.ts";
import { Interpreter } from "./interpreter.ts";
import { LibraryLoader } from "./library_loader.ts";
import { LuaType } from "./lua.ts";
import { returnedError, textField } from "./lua_to_reply.ts";

/**
 * A script without a match runs each of its instructions at most once, and none of them takes long:
 * it names no function that can loop, nor a table from which it could take one by a computed name.
 */
const CAN_LOOP = new RegExp(
  "\\b(?:for|while|repeat|function|load|loadstring|find|g?match|gfind|gsub|sort|insert|getmetatable|_G)\\b" +
    "|\\bstring\\b(?!\\s*\\.\\s*(?:byte|char|format|len|lower|rep|reverse|sub|upper)\\b)" +
    "|\\btable\\b(?!\\s*\\.\\s*(?:concat|getn|maxn|remove)\\b)" +
    "|\\[(?!\\s*\\d+\\s*\\])",
);
/** Scripts with fewer characters, and no loop, end in no noticeable time. */
const LONGEST_BRIEF = 16_384;

/** A machine for scripts in Lua. */
class LuaMachine implements ScriptMachine {
  readonly #interpreter: Interpreter;
  readonly #loader: LibraryLoader | null;

  constructor(host: ScriptHost, forFunctions: boolean) {
    this.#interpreter = new Interpreter(host, forFunctions);
    this.#loader = forFunctions ? new LibraryLoader(this.#interpreter) : null;
  }

  get isBroken(): boolean {
    return this.#interpreter.isBroken;
  }

  set isBroken(isBroken: boolean) {
    this.#interpreter.isBroken = isBroken;
  }

  get usedBytes(): number {
    return this.#interpreter.lua.usedBytes;
  }

  compile(source: string): number {
    this.#load(source, "@user_script");
    return this.#interpreter.keep();
  }

  #load(source: string, chunkName: string): void {
    const problem = this.#interpreter.load(source, chunkName);
    if (problem !== null) throw new CompileError(problem);
  }

  loadLibrary(source: string, register: (registration: Registration) => string | null): void {
    this.#load(source, "@user_function");
    this.#loader!.run(register);
  }

  forget(ref: number): void {
    this.#interpreter.forget(ref);
  }

  run(ref: number, run: ScriptRun, keyCount: number): Promise<unknown> | null {
    return this.#interpreter.run(ref, run, keyCount);
  }

  writeResult(reply: ReplyWriter, isResp3: boolean, onError: (error: ScriptError) => void): void {
    const { lua, toReply } = this.#interpreter;
    toReply.onError = onError;
    toReply.write(lua.main, reply, isResp3);
  }

  readError(name: string): ScriptError {
    const { lua } = this.#interpreter, L = lua.main;
    const raised = lua.type(L, -1) === LuaType.Table ? returnedError(lua, L) : undefined;
    if (raised === undefined) {
      const reason = lua.type(L, -1) === LuaType.String ? lua.text(L, -1)! : "execution failure";
      return { text: `ERR Error running script ${name}, ${reason.slice(0, 100)}`, isCounted: false };
    }
    const source = textField(lua, L, "source"), line = textField(lua, L, "line");
    const isPlaced = source !== undefined && line !== undefined;
    const place = isPlaced ? ` script: ${name}, on ${source}:${line}.` : "";
    return { text: raised.text + place, isCounted: raised.isCounted };
  }

  clear(): void {
    this.#interpreter.clear();
  }
}

/** See the head of this file. */
export const luaEngine: ScriptEngine = {
  name: "LUA",
  createMachine: (host, forFunctions) => new LuaMachine(host, forFunctions),
  isBrief: (source) => source.length <= LONGEST_BRIEF && !CAN_LOOP.test(source),
};
