/**
 * An interpreter with the sandbox that scripts see: one for EVAL's scripts, one for function
 * libraries.
 *
 * A script runs in one go, inside the command that began it, unless it takes longer than
 * `busy-reply-threshold`: then the hook that is called every 100,000 instructions suspends it, and
 * it continues in slices between which the server answers other clients. Suspension (WebAssembly's
 * `Promise` integration) works anywhere in a script, except while a JavaScript function that it
 * called is calling back into Lua; so no such function does.
 *
 * A failure of the machine itself (for example, JavaScript's stack overflowing in a deep recursion
 * of C functions) affects only this interpreter: {@linkcode Interpreter.isBroken} is set and its
 * owner creates a new one.
 */
import type { Args } from "../../engine/args.ts";
import type { ScriptHost } from "../script_host.ts";
import { CallWords } from "./call_words.ts";
import { addLibraries } from "./libraries.ts";
import { type CallSite, GLOBALS, Lua, LuaStatus, LuaType, RAISE_TOP, REGISTRY, TYPE_NAMES } from "./lua.ts";
import { memoryLimit, type Pointer, type State } from "./lua_library.ts";
import { LuaToReply } from "./lua_to_reply.ts";
import { addRedisTable } from "./redis_table.ts";
import { pushErrorTable, ReplyToLua } from "./reply_to_lua.ts";
import { PRELUDE_NAME, Sandbox } from "./sandbox.ts";
import type { ScriptRun } from "../script_run.ts";

/** Instructions between two checks of the clock. */
const HOOK_INSTRUCTIONS = 100_000;

/** True for a function that is not the script's own. */
function isOurs({ what, source }: CallSite): boolean {
  return what === "C" || source === PRELUDE_NAME;
}

/** See the head of this file. */
export class Interpreter {
  readonly lua: Lua;
  readonly sandbox: Sandbox;
  readonly toReply: LuaToReply;
  readonly words: CallWords;
  readonly toLua: ReplyToLua;
  /** True if it can no longer run anything. */
  isBroken = false;
  readonly #handler: number;
  readonly #keysName: Pointer;
  readonly #argvName: Pointer;
  /** True if the hook is called at every line, because a script was killed. */
  #hooksLines = false;

  constructor(readonly host: ScriptHost, forFunctions: boolean) {
    this.lua = new Lua({
      onCount: (L) => this.#onCount(L),
      pause: () => {
        host.suspended();
        return new Promise((resolve) => setTimeout(resolve, 0));
      },
      resumed: () => host.resumed(),
      finished: (status) => host.finished(status === LuaStatus.Ok),
    });
    const { lua } = this, { api, main } = lua;
    this.words = new CallWords(lua);
    this.toLua = new ReplyToLua(lua);
    this.toReply = new LuaToReply(lua);
    this.sandbox = new Sandbox(lua, (L) => {
      addLibraries(lua, L, host);
      addRedisTable(this, L, forFunctions);
    });
    this.#keysName = lua.name("KEYS");
    this.#argvName = lua.name("ARGV");
    const [handler = 0] = lua.addFunctions([(L) => this.#handleError(L)]);
    api.lua_pushcclosure(main, handler, 0);
    this.#handler = api.luaL_ref(main, REGISTRY);
    lua.setHook(main, HOOK_INSTRUCTIONS);
  }

  // ---- Compiling --------------------------------------------------------------------------------

  /** Compiles a chunk and leaves it on the stack; returns the error's text if that fails. */
  load(source: string, chunkName: string): string | null {
    const { lua } = this, L = lua.main;
    if (lua.load(L, source, chunkName) === LuaStatus.Ok) return null;
    const problem = lua.text(L, -1) ?? "";
    lua.api.lua_settop(L, 0);
    return problem;
  }

  /** Pops the function on top of the stack and returns a reference to it. */
  keep(): number {
    return this.lua.api.luaL_ref(this.lua.main, REGISTRY);
  }

  forget(ref: number): void {
    this.lua.api.luaL_unref(this.lua.main, REGISTRY, ref);
  }

  // ---- Running ----------------------------------------------------------------------------------

  /**
   * Runs the function `ref` with the keys and arguments of EVAL or FCALL. Returns when it has ended
   * or has been suspended; for a script that may be suspended, the returned promise reports its
   * end.
   */
  run(ref: number, run: ScriptRun, keyCount: number): Promise<unknown> | null {
    const { lua } = this, { api, main: L } = lua;
    api.lua_settop(L, 0);
    api.lua_rawgeti(L, REGISTRY, this.#handler);
    if (run.isFunction) {
      api.lua_rawgeti(L, REGISTRY, ref);
      this.#pushWords(run.args, 3, keyCount);
      this.#pushWords(run.args, 3 + keyCount, run.args.count - 3 - keyCount);
    } else {
      this.sandbox.pushGlobals(L);
      this.#pushWords(run.args, 3, keyCount);
      api.lua_setfield(L, -2, this.#keysName);
      this.#pushWords(run.args, 3 + keyCount, run.args.count - 3 - keyCount);
      api.lua_setfield(L, -2, this.#argvName);
      api.lua_settop(L, -2);
      api.lua_rawgeti(L, REGISTRY, ref);
    }
    const count = run.isFunction ? 2 : 0;
    if (run.maySuspend) return lua.library.runSuspendably(L, count, 1, 1);
    lua.library.run(L, count, 1, 1);
    return null;
  }

  #pushWords(args: Args, from: number, count: number): void {
    const { lua } = this, { api, main: L } = lua;
    api.lua_createtable(L, count, 0);
    for (let i = 0; i < count; i++) {
      lua.pushBytes(L, args.buf, args.start(from + i), args.end(from + i));
      api.lua_rawseti(L, -2, i + 1);
    }
  }

  /** Clears the remains of a run. */
  clear(): void {
    const { lua } = this;
    if (this.#hooksLines) lua.setHook(lua.main, HOOK_INSTRUCTIONS);
    this.#hooksLines = false;
    lua.api.lua_settop(lua.main, 0);
    lua.trimScratch();
    // Memory freed by Lua stays with its machine; after a script that took much of it, the machine
    // is dropped.
    if (!this.sandbox.isIntact || lua.bytes.length > memoryLimit.bytes / 4) this.isBroken = true;
  }

  #onCount(L: State): number {
    const answer = this.host.interrupt();
    if (answer === "continue") return 0;
    if (answer === "suspend") return 1;
    // At every line from now on: a pcall cannot keep the script alive.
    this.lua.setHook(L, 0);
    this.#hooksLines = true;
    pushErrorTable(this.lua, L, `ERR ${answer.kill}`, false);
    return this.lua.api.lua_error(L);
  }

  /**
   * The error handler of lua_pcall: turns an error into a table with the place where it was raised.
   */
  #handleError(L: State): number {
    const { lua } = this, { api } = lua;
    let site = lua.callSite(L, 1);
    for (let level = 2; level < 4 && site !== undefined && isOurs(site); level++) {
      site = lua.callSite(L, level);
    }
    if (lua.type(L, 1) !== LuaType.Table) {
      const text = this.describe(L, 1);
      api.lua_createtable(L, 0, 3);
      lua.setText(L, "err", `ERR ${text}`);
      api.lua_replace(L, 1);
    }
    api.lua_settop(L, 1);
    if (site === undefined) return 1;
    lua.pushString(L, "source");
    lua.pushString(L, site.source);
    api.lua_rawset(L, 1);
    lua.pushString(L, "line");
    lua.pushString(L, String(site.line));
    api.lua_rawset(L, 1);
    return 1;
  }

  /** A value in the form of `tostring`, without metamethods. */
  describe(L: State, index: number): string {
    const { lua } = this;
    switch (lua.type(L, index)) {
      case LuaType.Nil:
        return "nil";
      case LuaType.Boolean:
        return lua.api.lua_toboolean(L, index) !== 0 ? "true" : "false";
      case LuaType.String:
      case LuaType.Number:
        return lua.text(L, index)!;
      default: {
        const address = lua.api.lua_topointer(L, index).toString(16).padStart(8, "0");
        return `${TYPE_NAMES[lua.type(L, index)]}: 0x${address}`;
      }
    }
  }

  // ---- Helpers of the redis.* functions ---------------------------------------------------------

  /** Leaves `{err = text}` on the stack, and raises it if `raises`. */
  failWith(L: State, text: string, raises: boolean, isCounted = false): number {
    pushErrorTable(this.lua, L, text, isCounted);
    if (raises) throw RAISE_TOP;
    return 1;
  }

  /** Sets a global function or table while the sandbox is being built. */
  setGlobal(L: State, name: string): void {
    this.lua.api.lua_setfield(L, GLOBALS, this.lua.name(name));
  }
}
