/**
 * The two maintained Lua interpreters for JavaScript, compared: `npm:wasmoon-lua5.1`, which Redeno
 * uses, and `npm:fengari`, which is used only here. Both run the same scripts, and both call the
 * same commands: JavaScript functions on a Map, so that only the interpreter and its calls to
 * JavaScript and back are measured.
 */
import fengari from "npm:fengari@0.1.5";
import { GLOBALS, Lua, LuaStatus, REGISTRY } from "../../src/scripting/lua/lua.ts";
import { type Column, number, ratio } from "./report.ts";

/** A compiled script: called with a key and an argument, it returns text. */
type Script = (key: string, argument: string) => string;

interface Machine {
  name: string;
  compile(source: string): Script;
}

const COUNTER = "local n = 0 for i = 1, 1000000 do n = n + 1 end return n";
const THREE_CALLS = "call('SET', KEYS[1], ARGV[1]) call('INCR', 'calls') return call('GET', KEYS[1])";
const CALLS = 100_000;

/** The commands of the scripts. */
function commands(): (words: readonly string[]) => string {
  const data = new Map<string, string>();
  return ([command, key = "", value = ""]) => {
    if (command === "GET") return data.get(key) ?? "";
    const result = command === "INCR" ? String(Number(data.get(key) ?? 0) + 1) : value;
    data.set(key, result);
    return result;
  };
}

// ---- wasmoon-lua5.1 -----------------------------------------------------------------------------

/** Lua as Redeno runs it. */
export function wasmMachine(): Machine {
  let status = 0;
  const lua = new Lua({
    onCount: () => 0,
    pause: () => Promise.resolve(),
    resumed: () => {},
    finished: (result) => void (status = result),
  });
  const { api, main: L } = lua, execute = commands();
  api.lua_pushvalue(L, GLOBALS);
  lua.setFunctions(L, {
    call: (L) => {
      const words: string[] = [];
      for (let i = 1; i <= api.lua_gettop(L); i++) words.push(lua.text(L, i) ?? "");
      lua.pushString(L, execute(words));
      return 1;
    },
  });
  const setList = (name: string, text: string) => {
    api.lua_createtable(L, 1, 0);
    lua.pushString(L, text);
    api.lua_rawseti(L, -2, 1);
    api.lua_setfield(L, GLOBALS, lua.name(name));
  };
  const compile = (source: string): Script => {
    if (lua.load(L, source, "=script") !== LuaStatus.Ok) throw new Error(lua.text(L, -1));
    const ref = api.luaL_ref(L, REGISTRY);
    return (key, argument) => {
      setList("KEYS", key);
      setList("ARGV", argument);
      api.lua_rawgeti(L, REGISTRY, ref);
      lua.library.run(L, 0, 1, 0);
      const result = lua.text(L, -1) ?? "";
      api.lua_settop(L, 0);
      if (status !== LuaStatus.Ok) throw new Error(result);
      return result;
    };
  };
  return { name: "wasmoon-lua5.1", compile };
}

// ---- fengari ------------------------------------------------------------------------------------

/** The part of fengari that is used; it has no types of its own. */
interface Fengari {
  lua: {
    LUA_OK: number;
    LUA_REGISTRYINDEX: number;
    lua_createtable(L: object, array: number, hash: number): void;
    lua_gettop(L: object): number;
    lua_pcall(L: object, args: number, results: number, handler: number): number;
    lua_pushjsfunction(L: object, fn: (L: object) => number): void;
    lua_pushstring(L: object, text: Uint8Array): void;
    lua_rawgeti(L: object, index: number, i: number): void;
    lua_rawseti(L: object, index: number, i: number): void;
    lua_setglobal(L: object, name: Uint8Array): void;
    lua_settop(L: object, index: number): void;
    lua_tojsstring(L: object, index: number): string;
  };
  lauxlib: {
    luaL_newstate(): object;
    luaL_loadstring(L: object, source: Uint8Array): number;
    luaL_ref(L: object, table: number): number;
  };
  to_luastring(text: string): Uint8Array;
}

/** Lua in JavaScript. */
export function fengariMachine(): Machine {
  const { lua, lauxlib, to_luastring }: Fengari = fengari;
  const L = lauxlib.luaL_newstate(), execute = commands();
  lua.lua_pushjsfunction(L, (L) => {
    const words: string[] = [];
    for (let i = 1; i <= lua.lua_gettop(L); i++) words.push(lua.lua_tojsstring(L, i));
    lua.lua_pushstring(L, to_luastring(execute(words)));
    return 1;
  });
  lua.lua_setglobal(L, to_luastring("call"));
  const names = { KEYS: to_luastring("KEYS"), ARGV: to_luastring("ARGV") };
  const setList = (name: Uint8Array, text: string) => {
    lua.lua_createtable(L, 1, 0);
    lua.lua_pushstring(L, to_luastring(text));
    lua.lua_rawseti(L, -2, 1);
    lua.lua_setglobal(L, name);
  };
  const compile = (source: string): Script => {
    if (lauxlib.luaL_loadstring(L, to_luastring(source)) !== lua.LUA_OK) {
      throw new Error(lua.lua_tojsstring(L, -1));
    }
    const ref = lauxlib.luaL_ref(L, lua.LUA_REGISTRYINDEX);
    return (key, argument) => {
      setList(names.KEYS, key);
      setList(names.ARGV, argument);
      lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, ref);
      const status = lua.lua_pcall(L, 0, 1, 0);
      const result = lua.lua_tojsstring(L, -1);
      lua.lua_settop(L, 0);
      if (status !== lua.LUA_OK) throw new Error(result);
      return result;
    };
  };
  return { name: "fengari", compile };
}

// ---- The comparison -----------------------------------------------------------------------------

/** The times of both machines for one task. */
export interface MachineRow {
  what: string;
  wasmMs: number;
  fengariMs: number;
}

/** The shortest of several runs, milliseconds. */
function shortest(rounds: number, run: () => void): number {
  let best = Infinity;
  for (let i = 0; i < rounds; i++) {
    const startedAt = performance.now();
    run();
    best = Math.min(best, performance.now() - startedAt);
  }
  return best;
}

/** Runs the scripts on both. @param quick runs a tenth of the calls */
export function compareMachines(quick: boolean, rounds: number): MachineRow[] {
  const calls = CALLS / (quick ? 10 : 1), machines = [wasmMachine(), fengariMachine()];
  const measure = (source: string, times: number, expected: string) =>
    machines.map(({ name, compile }) => {
      const script = compile(source);
      if (script("key", "value") !== expected) throw new Error(`${name} gives a wrong result`);
      return shortest(rounds, () => {
        for (let i = 0; i < times; i++) script("key", "value");
      });
    });
  const row = (what: string, [wasmMs = NaN, fengariMs = NaN]: number[]): MachineRow => ({
    what,
    wasmMs,
    fengariMs,
  });
  return [
    row("a counter to 1 million", measure(COUNTER, 1, "1000000")),
    row(`${number(calls)} calls of a script with three commands`, measure(THREE_CALLS, calls, "value")),
  ];
}

/** The table of {@linkcode compareMachines}. */
export const machineColumns: readonly Column<MachineRow>[] = [
  { title: "what", text: ({ what }) => what },
  { title: "wasmoon-lua5.1 ms", text: ({ wasmMs }) => wasmMs.toFixed(1) },
  { title: "fengari ms", text: ({ fengariMs }) => fengariMs.toFixed(1) },
  { title: "ratio", text: ({ wasmMs, fengariMs }) => ratio(wasmMs / fengariMs) },
];
