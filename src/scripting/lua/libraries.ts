/** The libraries that Redis gives to scripts besides Lua's own. */
import type { ScriptHost } from "../script_host.ts";
import { bitFunctions } from "./lib_bit.ts";
import { pushJsonLibrary } from "./lib_cjson.ts";
import { pushMessagePackLibrary } from "./lib_cmsgpack.ts";
import { mathFunctions } from "./lib_math.ts";
import { insert, original, repeat, unpack } from "./lib_base.ts";
import { PatternLibrary } from "./lib_pattern.ts";
import { stringFormat, toNumber } from "./lib_string.ts";
import { sort } from "./lib_sort.ts";
import { structFunctions } from "./lib_struct.ts";
import { GLOBALS, type LongFunction, type Lua, type LuaFunction } from "./lua.ts";
import type { State } from "./lua_library.ts";

/** Adds functions to the global table `name`, which is created if it does not exist. */
function add(lua: Lua, L: State, name: string, functions: Readonly<Record<string, LuaFunction>>): void {
  const { api } = lua;
  api.lua_getfield(L, GLOBALS, lua.name(name));
  if (lua.type(L, -1) <= 0) {
    api.lua_settop(L, -2);
    api.lua_createtable(L, 0, 8);
  }
  lua.setFunctions(L, functions);
  api.lua_setfield(L, GLOBALS, lua.name(name));
}

/** Adds functions that may take long to the global table `name`. */
function addLong(lua: Lua, L: State, name: string, functions: Readonly<Record<string, LongFunction>>): void {
  const { api } = lua, names = Object.keys(functions);
  api.lua_getfield(L, GLOBALS, lua.name(name));
  const originals = names.map((field) => {
    api.lua_getfield(L, -1, lua.name(field));
    const pointer = api.lua_tocfunction(L, -1);
    api.lua_settop(L, -2);
    return pointer;
  });
  const pointers = lua.addLongFunctions(names.map((field, i) => [functions[field]!, originals[i]!]));
  for (const [i, field] of names.entries()) {
    api.lua_pushcclosure(L, pointers[i]!, 0);
    api.lua_setfield(L, -2, lua.name(field));
  }
  api.lua_settop(L, -2);
}

/** Adds the libraries to the globals of an interpreter. */
export function addLibraries(lua: Lua, L: State, host: ScriptHost): void {
  add(lua, L, "string", { format: stringFormat(lua, original(lua, L, "format", "string")) });
  const patterns = new PatternLibrary(lua);
  addLong(lua, L, "string", patterns.longFunctions);
  add(lua, L, "string", { gmatch: patterns.gmatch, gfind: patterns.gmatch, rep: repeat(lua) });
  addLong(lua, L, "table", { insert: insert(lua), sort: sort(lua) });
  add(lua, L, "_G", {
    tonumber: toNumber(lua, original(lua, L, "tonumber")),
    unpack: unpack(lua, original(lua, L, "unpack")),
  });
  add(lua, L, "bit", bitFunctions(lua));
  add(lua, L, "struct", structFunctions(lua));
  pushJsonLibrary(lua, L);
  lua.api.lua_setfield(L, GLOBALS, lua.name("cjson"));
  pushMessagePackLibrary(lua, L);
  lua.api.lua_setfield(L, GLOBALS, lua.name("cmsgpack"));
  add(lua, L, "math", mathFunctions(lua, host, (name) => original(lua, L, name, "math")));
  add(lua, L, "os", {
    clock: (L) => {
      lua.api.lua_pushnumber(L, host.engine.clock.monotonicUs() / 1e6);
      return 1;
    },
  });
}
