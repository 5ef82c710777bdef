/** The libraries beside Lua's own that Redis gives to scripts. */
import type { InterpreterHost } from "./interpreter.ts";
import { bitFunctions } from "./lib_bit.ts";
import { pushJsonLibrary } from "./lib_cjson.ts";
import { pushMessagePackLibrary } from "./lib_cmsgpack.ts";
import { mathFunctions } from "./lib_math.ts";
import { stringFormat, toNumber } from "./lib_string.ts";
import { structFunctions } from "./lib_struct.ts";
import { GLOBALS, type Lua, type LuaFunction } from "./lua.ts";
import type { State } from "./lua_library.ts";

/** Adds functions to the global table `name`, which is made if there is none. */
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

/** The library's own function in the global table `name` (or among the globals) to be called by another. */
function original(lua: Lua, L: State, name: string, table?: string): LuaFunction {
  const { api, library } = lua;
  if (table === undefined) api.lua_pushvalue(L, GLOBALS);
  else api.lua_getfield(L, GLOBALS, lua.name(table));
  api.lua_getfield(L, -1, lua.name(name));
  const fn = library.functionAt(api.lua_tocfunction(L, -1));
  api.lua_settop(L, -3);
  return fn;
}

/** Adds the libraries to the globals of an interpreter. */
export function addLibraries(lua: Lua, L: State, host: InterpreterHost): void {
  add(lua, L, "string", { format: stringFormat(lua, original(lua, L, "format", "string")) });
  add(lua, L, "_G", { tonumber: toNumber(lua, original(lua, L, "tonumber")) });
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
