/**
 * Replacements for functions of Lua's base, string and table libraries that trust the sizes scripts
 * give them, or take long without a way to stop them. Harmless cases are still left to the
 * library's own functions.
 */
import { GLOBALS, type LongCall, type LongFunction, type Lua, LuaError, type LuaFunction } from "./lua.ts";
import { LuaType, NOT_ENOUGH_MEMORY } from "./lua.ts";
import { memoryLimit, type State } from "./lua_library.ts";
import { LongRequest } from "./wasm_glue.ts";

/** Elements moved or compared between two checks of the clock. */
const STEPS = 10_000;
/** A table with fewer elements is sorted, or makes room, in no noticeable time. */
const FEW = 200;

/** A number cast to `int` as C does it, by way of a 64-bit integer. */
function toInt(value: number): number {
  return value >= -(2 ** 63) && value < 2 ** 63 ? value | 0 : 0;
}

/**
 * `unpack`. The library's own computes the number of results in 32 bits and trusts it, so that
 * `unpack(t, 0, 2^31 - 1)` overwrites its memory.
 */
export function unpack(lua: Lua, original: LuaFunction): LuaFunction {
  const { api } = lua;
  return (L) => {
    if (lua.type(L, 1) !== LuaType.Table || lua.type(L, 3) <= LuaType.Nil) return original(L);
    const first = lua.type(L, 2) <= LuaType.Nil ? 1 : toInt(api.luaL_checknumber(L, 2));
    const last = toInt(api.luaL_checknumber(L, 3));
    if (first > last) return 0;
    const count = last - first + 1;
    if (count >= 2 ** 31 || api.lua_checkstack(L, count) === 0) {
      throw new LuaError("too many results to unpack");
    }
    // One by one: an index behind the last would overflow.
    for (let i = 0; i < count; i++) api.lua_rawgeti(L, 1, first + i);
    return count;
  };
}

/** `string.rep`, at the cost of its result, however often nothing is repeated. */
export function repeat(lua: Lua): LuaFunction {
  const { api } = lua;
  return (L) => {
    const text = lua.checkText(L, 1), times = Math.max(0, toInt(api.luaL_checknumber(L, 2)));
    // Lua needs the same amount again for its own copy.
    if (text.length * times > memoryLimit.bytes / 2) throw NOT_ENOUGH_MEMORY;
    lua.pushRepeated(L, text, text === "" ? 0 : times);
    return 1;
  };
}

/** `table.insert` in the middle, if many elements have to move; the library does the rest. */
export function insert(lua: Lua): LongFunction {
  const { api } = lua;
  return (L) => {
    if (api.lua_gettop(L) !== 3 || lua.type(L, 1) !== LuaType.Table) return LongRequest.Original;
    if (api.lua_isnumber(L, 2) === 0) return LongRequest.Original;
    const end = api.lua_objlen(L, 1) + 1, position = toInt(api.lua_tonumber(L, 2));
    if (end - position > FEW) return new Shift(lua, end, position);
    // The library would turn a number beyond 32 bits, or NaN, into the smallest integer.
    api.lua_pushnumber(L, position);
    api.lua_replace(L, 2);
    return LongRequest.Original;
  };
}

/** Moves elements up by one, starting with the last, then stores argument 3 in the gap. */
class Shift implements LongCall {
  #at: number;

  constructor(readonly lua: Lua, end: number, readonly position: number) {
    this.#at = end;
  }

  run(L: State): number {
    const { lua: { api }, position } = this, stop = Math.max(position, this.#at - STEPS);
    for (; this.#at > stop; this.#at--) {
      api.lua_rawgeti(L, 1, this.#at - 1);
      api.lua_rawseti(L, 1, this.#at);
    }
    if (this.#at > position) return LongRequest.Pause;
    api.lua_pushvalue(L, 3);
    api.lua_rawseti(L, 1, position);
    return 0;
  }
}

/**
 * A function of the library in the global table `name`, or among the globals, for use by its
 * replacement.
 */
export function original(lua: Lua, L: State, name: string, table?: string): LuaFunction {
  const { api, library } = lua;
  if (table === undefined) api.lua_pushvalue(L, GLOBALS);
  else api.lua_getfield(L, GLOBALS, lua.name(table));
  api.lua_getfield(L, -1, lua.name(name));
  const fn = library.functionAt(api.lua_tocfunction(L, -1));
  api.lua_settop(L, -3);
  return fn;
}
