/**
 * The Lua 5.1 library: the WebAssembly file of `npm:wasmoon-lua5.1`, which is the reference
 * implementation with its C API. Its imports are defined here. None of them reaches anything
 * outside: no files, no clock but the time of day, no environment; the library could not touch the
 * process if a script took it over.
 *
 * It was chosen over `npm:fengari`, Lua 5.3 in JavaScript: scripts written for Redis need 5.1
 * (integers that are doubles, `unpack`, `table.getn`, `string.gfind`, `%` and `tostring` of large
 * numbers).
 *
 * The file is read when the first script arrives.
 */
// This import, of a few bytes, makes the package part of the program, so that it is in the cache or
// the executable.
import "npm:wasmoon-lua5.1@1.18.10/package.json" with { type: "json" };
import {
  type Bridge,
  type LongParts,
  type LongStart,
  makeBridge,
  makeCallables,
  makeLongCallables,
  makeTrampoline,
  type WasmFunction,
} from "./wasm_glue.ts";

/**
 * Memory limit of one interpreter, bytes; beyond it, scripts get Lua's "not enough memory". Tests
 * lower it.
 */
export const memoryLimit = { bytes: 1 << 30 };
const PAGE_BYTES = 65_536;
/** The result of C library functions that are not available: the number of ENOSYS, negated. */
const NOT_SUPPORTED = -52;

/** A `lua_State *`. */
export type State = number;
/** An address in the interpreter's memory. */
export type Pointer = number;

/** The part of Lua's C API that is used; see the reference manual, section 3.7 and 4.1. */
export interface LuaApi {
  readonly memory: WebAssembly.Memory;
  readonly __indirect_function_table: WebAssembly.Table;
  __wasm_call_ctors(): void;
  stackSave: WasmFunction;
  stackRestore: WasmFunction;
  setThrew: WasmFunction;
  malloc(size: number): Pointer;
  free(pointer: Pointer): void;
  luaL_newstate(): State;
  luaL_loadbuffer(L: State, text: Pointer, size: number, name: Pointer): number;
  luaL_ref(L: State, table: number): number;
  luaL_unref(L: State, table: number, ref: number): void;
  luaL_where(L: State, level: number): void;
  luaL_argerror(L: State, arg: number, message: Pointer): number;
  luaL_checktype(L: State, arg: number, type: number): void;
  luaL_checkany(L: State, arg: number): void;
  luaL_checknumber(L: State, arg: number): number;
  luaL_checklstring(L: State, arg: number, size: Pointer): Pointer;
  luaopen_base(L: State): number;
  luaopen_table(L: State): number;
  luaopen_string(L: State): number;
  luaopen_math(L: State): number;
  lua_call: ((L: State, args: number, results: number) => void) & WasmFunction;
  lua_checkstack(L: State, more: number): number;
  lua_concat(L: State, count: number): void;
  lua_createtable(L: State, array: number, hash: number): void;
  lua_error(L: State): number;
  lua_gc(L: State, what: number, data: number): number;
  lua_getfield(L: State, index: number, name: Pointer): void;
  lua_getinfo(L: State, what: Pointer, info: Pointer): number;
  lua_gettable: WasmFunction;
  lua_getmetatable(L: State, index: number): number;
  lua_getstack(L: State, level: number, info: Pointer): number;
  lua_gettop(L: State): number;
  lua_insert(L: State, index: number): void;
  lua_isnumber(L: State, index: number): number;
  lua_next(L: State, index: number): number;
  lua_objlen(L: State, index: number): number;
  lua_pcall: ((L: State, args: number, results: number, handler: number) => number) & WasmFunction;
  lua_pushboolean(L: State, value: number): void;
  lua_pushcclosure(L: State, fn: Pointer, upvalues: number): void;
  lua_pushlightuserdata(L: State, pointer: Pointer): void;
  lua_pushlstring(L: State, text: Pointer, size: number): void;
  lua_pushnil(L: State): void;
  lua_pushnumber(L: State, value: number): void;
  lua_pushvalue(L: State, index: number): void;
  lua_rawget(L: State, index: number): void;
  lua_rawgeti(L: State, index: number, i: number): void;
  lua_rawset(L: State, index: number): void;
  lua_rawseti(L: State, index: number, i: number): void;
  lua_remove(L: State, index: number): void;
  lua_replace(L: State, index: number): void;
  lua_setfield(L: State, index: number, name: Pointer): void;
  lua_sethook(L: State, hook: Pointer, mask: number, count: number): void;
  lua_lessthan(L: State, a: number, b: number): number;
  lua_setupvalue(L: State, fn: number, i: number): Pointer;
  lua_setmetatable(L: State, index: number): number;
  lua_settop(L: State, index: number): void;
  lua_toboolean(L: State, index: number): number;
  lua_tocfunction(L: State, index: number): Pointer;
  lua_tolstring(L: State, index: number, size: Pointer): Pointer;
  lua_tonumber(L: State, index: number): number;
  lua_topointer(L: State, index: number): Pointer;
  lua_touserdata(L: State, index: number): Pointer;
  lua_type(L: State, index: number): number;
}

/** The callbacks for the script that an interpreter runs. */
export interface Interruptions {
  /**
   * Called after a number of instructions: returns 1 to suspend the script, 0 to continue; may
   * raise an error in it.
   */
  onCount(state: State): number;
  /** The promise for which a suspended script waits. */
  pause(): Promise<void>;
  /** A suspended script is about to continue. */
  resumed(): void;
  /** A script has ended, with lua_pcall's status; its result or its error is on the stack. */
  finished(status: number): void;
}

/** A separate instance of the library for one interpreter. */
export interface LuaLibrary {
  readonly api: LuaApi;
  /** The count hook, as a pointer. */
  readonly hook: Pointer;
  /** `lua_pcall`, then `finished`. Cannot be suspended. */
  readonly run: Bridge["run"];
  /**
   * The same, but suspendable: then it returns before `finished` is called. The promise rejects if
   * the machine breaks.
   */
  readonly runSuspendably: (L: State, args: number, results: number, handler: number) => Promise<unknown>;
  /**
   * A C function of the library by its pointer, to be called in place of one that Lua has called.
   */
  functionAt(pointer: Pointer): (L: State) => number;
  /** Creates functions that Lua can call. */
  addFunctions(functions: readonly ((L: State) => number)[]): Pointer[];
  /** Creates functions that may take long; see {@linkcode makeLongCallables}. */
  addLongFunctions(starts: readonly LongStart[], calls: Pick<LongParts, "goOn" | "drop">): Pointer[];
}

/** The parts of WebAssembly that TypeScript's types lack. */
interface StackSwitching {
  Suspending: new (fn: () => Promise<void>) => () => Promise<void>;
  promising(fn: Bridge["run"]): LuaLibrary["runSuspendably"];
}

let compiled: WebAssembly.Module | null = null;

/** Location of the library's file. */
export function luaLibraryUrl(): string {
  return import.meta.resolve("npm:wasmoon-lua5.1@1.18.10/dist/liblua5.1.wasm");
}

function luaModule(): WebAssembly.Module {
  return compiled ??= new WebAssembly.Module(Deno.readFileSync(new URL(luaLibraryUrl())));
}

/** The imports of the library, all of them harmless. */
function closedWorld(memory: () => WebAssembly.Memory): Record<string, (...args: number[]) => number | void> {
  const refuse = () => NOT_SUPPORTED;
  const imports: Record<string, (...args: number[]) => number | void> = {};
  for (const { name } of WebAssembly.Module.imports(luaModule())) imports[name] = refuse;
  imports.exit = () => {
    throw new Error("Lua has panicked");
  };
  imports.emscripten_date_now = () => Date.now();
  imports.emscripten_memcpy_js = (to = 0, from = 0, size = 0) => {
    new Uint8Array(memory().buffer).copyWithin(to, from, from + size);
  };
  imports.emscripten_resize_heap = (wanted = 0) => {
    const bytes = memory().buffer.byteLength, size = wanted >>> 0;
    if (size > memoryLimit.bytes) return 0;
    const goal = Math.min(memoryLimit.bytes, Math.max(size, Math.floor(bytes * 1.25)));
    memory().grow(Math.ceil((goal - bytes) / PAGE_BYTES));
    return 1;
  };
  return imports;
}

/** Creates a library with memory of its own. */
export function openLuaLibrary(interruptions: Interruptions): LuaLibrary {
  const { Suspending, promising } = WebAssembly as unknown as StackSwitching;
  const trampoline = makeTrampoline();
  const env: WebAssembly.ModuleImports = {
    ...closedWorld(() => api.memory),
    invoke_vii: trampoline.invoke,
    _emscripten_throw_longjmp: trampoline.throwJump,
  };
  const instance = new WebAssembly.Instance(luaModule(), { env, wasi_snapshot_preview1: env });
  // The exports are those of the pinned version of the package.
  const api = instance.exports as unknown as LuaApi;
  const table = api.__indirect_function_table;
  const bridge = makeBridge({
    table,
    stackSave: api.stackSave,
    stackRestore: api.stackRestore,
    setThrew: api.setThrew,
    pcall: api.lua_pcall,
    tag: trampoline.tag,
    onCount: (state) => interruptions.onCount(state),
    pause: new Suspending(() => interruptions.pause()),
    resumed: () => interruptions.resumed(),
    finished: (status) => interruptions.finished(status),
  });
  trampoline.table.set(0, bridge.invoke);
  const add = (fn: WasmFunction): Pointer => {
    const index = table.grow(1);
    table.set(index, fn);
    return index;
  };
  api.__wasm_call_ctors();
  return {
    api,
    hook: add(bridge.hook),
    run: bridge.run,
    runSuspendably: promising(bridge.run),
    functionAt: (pointer) => {
      const fn = table.get(pointer);
      if (fn === null) throw new Error(`there is no function at ${pointer}`);
      return (L) => fn(L);
    },
    addFunctions: (functions) => makeCallables(functions).map(add),
    addLongFunctions: (starts, calls) => {
      const { lua_call: call, lua_gettable: getTable } = api;
      const parts = { table, call, getTable, tag: trampoline.tag, hook: bridge.hook, ...calls };
      return makeLongCallables(starts, parts).map(add);
    },
  };
}
