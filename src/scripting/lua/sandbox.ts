/**
 * The environment of a script: the harmless globals of Lua 5.1, Redis's libraries, and no way to
 * change either.
 *
 * Redis's Lua has tables that are read-only by a flag of their own. This one does not, so each
 * shared table is hidden behind an empty one, its *view*, whose metatable reads through and refuses
 * writes. Functions that bypass metatables (`rawset`, `rawget`, `next`, `pairs`, `setmetatable`,
 * `getmetatable`) are replaced by ones that know the views. `table.insert` and similar functions
 * can still write into a view itself: {@linkcode Sandbox.isIntact} notices, and the interpreter is
 * then discarded after the script.
 *
 *     globals of a script = view G --__index--> real globals R --__index--> "nonexistent global"
 *                             \--__newindex--> "readonly table"
 *
 * KEYS and ARGV are put into R for each script. While a function library is loaded, G reads through
 * to a table with little more than `redis.register_function` instead.
 */
import { GLOBALS, type Lua, LuaError, LuaType, REGISTRY } from "./lua.ts";
import type { Pointer, State } from "./lua_library.ts";

const READ_ONLY = "Attempt to modify a readonly table";

/** Offsets of fields of a table in memory (`Table` in lobject.h). */
const TableField = { Nodes: 16, ArraySize: 28 } as const;

/** Globals of the base library that scripts do not get. */
const REMOVED = ["dofile", "loadfile", "require", "module", "print", "newproxy", "getfenv", "setfenv"];

/**
 * Replacements that must be written in Lua: a script can be suspended inside the functions they
 * call. An error that is a table with a field `err` reaches the caller of pcall as that text, as in
 * the time when errors of `redis.call` were strings.
 */
const PRELUDE = `
local protected, loadstring, type, tostring, error, concat = ...
local function settle(ok, ...)
  if not ok and type((...)) == "table" then
    local text = (...).err
    if type(text) == "string" or type(text) == "number" then return false, text end
  end
  return ok, ...
end
local function pcall(...)
  return settle(protected(...))
end
local function load(reader, name)
  if type(reader) ~= "function" then
    error("bad argument #1 to 'load' (function expected, got " .. type(reader) .. ")", 2)
  end
  local parts = {}
  while true do
    local part = reader()
    if part == nil or part == "" then break end
    if type(part) ~= "string" and type(part) ~= "number" then return nil, "reader function must return a string" end
    parts[#parts + 1] = part
  end
  return loadstring(concat(parts), name or "=(load)")
end
return pcall, load
`;

/** The prelude's name in error texts. */
export const PRELUDE_NAME = "=prelude";

/** A table behind a view. */
interface Hidden {
  /** The table's reference in the registry. */
  ref: number;
  /** Reference of the result of getmetatable, or 0 for nil. */
  metatable: number;
}

/** See the head of this file. */
export class Sandbox {
  /** By address of the view. */
  readonly #hidden = new Map<Pointer, Hidden>();
  readonly #views: Pointer[] = [];
  readonly #emptyNodes: Pointer;
  readonly #refuseWrite: Pointer;
  readonly #refuseRead: Pointer;
  #globals = 0;
  #globalsMeta = 0;
  #stringMeta = 0;

  /**
   * Takes over an interpreter without libraries.
   * @param libraries functions of the libraries to add, by the library's name
   */
  constructor(readonly lua: Lua, addLibraries: (L: State) => void) {
    const L = lua.main, { api } = lua;
    const [refuseWrite = 0, refuseRead = 0] = lua.addFunctions([
      () => this.#readOnly(),
      (L) => this.#unknown(L),
    ]);
    this.#refuseWrite = refuseWrite;
    this.#refuseRead = refuseRead;
    api.lua_createtable(L, 0, 0);
    this.#emptyNodes = lua.word(api.lua_topointer(L, -1) + TableField.Nodes);
    api.lua_settop(L, 0);
    this.#openLibraries(L);
    this.#replaceFunctions(L);
    addLibraries(L);
    this.#hideLibraries(L);
    this.#hideGlobals(L);
    api.lua_settop(L, 0);
  }

  #openLibraries(L: State): void {
    const { api, lua } = this.#parts();
    const open: readonly (readonly [string, Pointer])[] = lua.addFunctions([
      (L) => api.luaopen_base(L),
      (L) => api.luaopen_table(L),
      (L) => api.luaopen_string(L),
      (L) => api.luaopen_math(L),
    ]).map((pointer, i) => [["", "table", "string", "math"][i]!, pointer]);
    for (const [name, pointer] of open) {
      api.lua_pushcclosure(L, pointer, 0);
      lua.pushString(L, name);
      api.lua_call(L, 1, 0);
    }
    for (const name of REMOVED) this.#setGlobalNil(L, name);
  }

  #parts() {
    return { lua: this.lua, api: this.lua.api };
  }

  #setGlobalNil(L: State, name: string): void {
    this.lua.api.lua_pushnil(L);
    this.lua.api.lua_setfield(L, GLOBALS, this.lua.name(name));
  }

  #replaceFunctions(L: State): void {
    const { api, lua } = this.#parts();
    api.lua_getfield(L, GLOBALS, lua.name("next"));
    const rawNext = api.luaL_ref(L, REGISTRY);
    api.lua_pushvalue(L, GLOBALS);
    lua.setFunctions(L, {
      rawset: (L) => this.#rawSet(L),
      rawget: (L) => this.#rawGet(L),
      next: (L) => this.#next(L),
      pairs: (L) => this.#pairs(L, rawNext),
      getmetatable: (L) => this.#getMetatable(L),
      setmetatable: (L) => this.#setMetatable(L),
      loadstring: (L) => this.#loadString(L),
    });
    api.lua_settop(L, 0);
    if (lua.load(L, PRELUDE, PRELUDE_NAME) !== 0) throw new Error(`prelude: ${lua.text(L, -1)}`);
    for (const name of ["pcall", "loadstring", "type", "tostring", "error"]) {
      api.lua_getfield(L, GLOBALS, lua.name(name));
    }
    api.lua_getfield(L, GLOBALS, lua.name("table"));
    api.lua_getfield(L, -1, lua.name("concat"));
    api.lua_remove(L, -2);
    api.lua_call(L, 6, 2);
    api.lua_setfield(L, GLOBALS, lua.name("load"));
    api.lua_setfield(L, GLOBALS, lua.name("pcall"));
  }

  // ---- Views ------------------------------------------------------------------------------------

  /**
   * Replaces the table on top of the stack by a view of it.
   * @param metatable reference of the result of getmetatable, or 0
   */
  hide(L: State, metatable = 0): void {
    const { api, lua } = this.#parts();
    api.lua_createtable(L, 0, 0);
    const view = api.lua_topointer(L, -1);
    api.lua_createtable(L, 0, 2);
    api.lua_pushvalue(L, -3);
    api.lua_setfield(L, -2, lua.name("__index"));
    api.lua_pushcclosure(L, this.#refuseWrite, 0);
    api.lua_setfield(L, -2, lua.name("__newindex"));
    api.lua_setmetatable(L, -2);
    api.lua_insert(L, -2);
    this.#views.push(view);
    this.#hidden.set(view, { ref: api.luaL_ref(L, REGISTRY), metatable });
  }

  /** Gives the table on top of the stack a metatable that refuses reads of missing fields. */
  refuseUnknown(L: State): void {
    const { api, lua } = this.#parts();
    api.lua_createtable(L, 0, 1);
    api.lua_pushcclosure(L, this.#refuseRead, 0);
    api.lua_setfield(L, -2, lua.name("__index"));
    api.lua_setmetatable(L, -2);
  }

  #hideLibraries(L: State): void {
    const { api, lua } = this.#parts();
    api.lua_pushvalue(L, GLOBALS);
    const names: string[] = [];
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      const name = lua.text(L, -2)!;
      if (lua.type(L, -1) === LuaType.Table && name !== "_G") names.push(name);
      api.lua_settop(L, -2);
    }
    for (const name of names) {
      api.lua_getfield(L, -1, lua.name(name));
      this.hide(L);
      api.lua_setfield(L, -2, lua.name(name));
    }
    api.lua_settop(L, 0);
  }

  /** Replaces the globals by the view G. */
  #hideGlobals(L: State): void {
    const { api, lua } = this.#parts();
    this.#stringMeta = this.#metatableView(L, (L) => api.lua_getfield(L, GLOBALS, lua.name("string")));
    const shown = this.#metatableView(L, (L) => api.lua_pushcclosure(L, this.#refuseRead, 0));
    api.lua_pushvalue(L, GLOBALS);
    this.refuseUnknown(L);
    api.lua_pushvalue(L, -1);
    this.hide(L, shown);
    this.#globals = this.#hidden.get(api.lua_topointer(L, -1))!.ref;
    api.lua_getmetatable(L, -1);
    this.#globalsMeta = api.luaL_ref(L, REGISTRY);
    api.lua_pushvalue(L, -1);
    api.lua_setfield(L, -3, lua.name("_G"));
    api.lua_replace(L, GLOBALS);
  }

  /**
   * A view of a table with `__index` alone, as the result of getmetatable; returns its reference.
   */
  #metatableView(L: State, pushIndex: (L: State) => void): number {
    const { api, lua } = this.#parts();
    api.lua_createtable(L, 0, 1);
    pushIndex(L);
    api.lua_setfield(L, -2, lua.name("__index"));
    this.hide(L);
    return api.luaL_ref(L, REGISTRY);
  }

  /** Pushes the table that holds the real globals. */
  pushGlobals(L: State): void {
    this.lua.api.lua_rawgeti(L, REGISTRY, this.#globals);
  }

  /** Redirects reads of globals to the table on top of the stack, which is popped. */
  redirectGlobals(L: State): void {
    const { api, lua } = this.#parts();
    api.lua_rawgeti(L, REGISTRY, this.#globalsMeta);
    api.lua_insert(L, -2);
    api.lua_setfield(L, -2, lua.name("__index"));
    api.lua_settop(L, -2);
  }

  /** True if nothing has been written into a view past its metatable. */
  get isIntact(): boolean {
    const { lua } = this;
    for (const view of this.#views) {
      if (lua.word(view + TableField.Nodes) !== this.#emptyNodes) return false;
      if (lua.word(view + TableField.ArraySize) !== 0) return false;
    }
    return true;
  }

  // ---- Functions that bypass metatables ---------------------------------------------------------

  #readOnly(): never {
    throw new LuaError(READ_ONLY);
  }

  #unknown(L: State): never {
    const name = this.lua.text(L, 2);
    if (name === undefined) {
      throw new LuaError("Second argument to luaProtectedTableError must be a string or number");
    }
    throw new LuaError(`Script attempted to access nonexistent global variable '${name}'`);
  }

  #hiddenAt(L: State, index: number): Hidden | undefined {
    return this.#hidden.get(this.lua.api.lua_topointer(L, index));
  }

  /** Replaces a view at argument 1 by the real table. */
  #lookBehind(L: State): void {
    const hidden = this.#hiddenAt(L, 1);
    if (hidden === undefined) return;
    this.lua.api.lua_rawgeti(L, REGISTRY, hidden.ref);
    this.lua.api.lua_replace(L, 1);
  }

  #rawSet(L: State): number {
    const { api } = this.lua;
    api.luaL_checktype(L, 1, LuaType.Table);
    api.luaL_checkany(L, 2);
    api.luaL_checkany(L, 3);
    api.lua_settop(L, 3);
    if (this.#hiddenAt(L, 1) !== undefined) throw new LuaError(READ_ONLY, false);
    this.#checkIndex(L, 2);
    api.lua_rawset(L, 1);
    return 1;
  }

  /**
   * NaN and nil are not valid keys; lua_rawset would report that too, but without the script's
   * line.
   */
  #checkIndex(L: State, index: number): void {
    const { lua } = this;
    if (lua.type(L, index) === LuaType.Nil) throw new LuaError("table index is nil", false);
    if (lua.type(L, index) === LuaType.Number && Number.isNaN(lua.api.lua_tonumber(L, index))) {
      throw new LuaError("table index is NaN", false);
    }
  }

  #rawGet(L: State): number {
    const { api } = this.lua;
    api.luaL_checktype(L, 1, LuaType.Table);
    api.luaL_checkany(L, 2);
    api.lua_settop(L, 2);
    this.#lookBehind(L);
    api.lua_rawget(L, 1);
    return 1;
  }

  #next(L: State): number {
    const { api } = this.lua;
    api.luaL_checktype(L, 1, LuaType.Table);
    api.lua_settop(L, 2);
    this.#lookBehind(L);
    if (api.lua_next(L, 1) !== 0) return 2;
    api.lua_pushnil(L);
    return 1;
  }

  /** Behind a view, the loop walks a copy: its state is in the script's hands. */
  #pairs(L: State, rawNext: number): number {
    const { api } = this.lua;
    api.luaL_checktype(L, 1, LuaType.Table);
    api.lua_settop(L, 1);
    if (this.#hiddenAt(L, 1) !== undefined) this.#copyBehind(L);
    api.lua_rawgeti(L, REGISTRY, rawNext);
    api.lua_pushvalue(L, 1);
    api.lua_pushnil(L);
    return 3;
  }

  #copyBehind(L: State): void {
    const { api } = this.lua;
    this.#lookBehind(L);
    api.lua_createtable(L, 0, 0);
    api.lua_pushnil(L);
    while (api.lua_next(L, 1) !== 0) {
      api.lua_pushvalue(L, -2);
      api.lua_insert(L, -2);
      api.lua_rawset(L, 2);
    }
    api.lua_replace(L, 1);
  }

  #getMetatable(L: State): number {
    const { api, lua } = this.#parts();
    api.luaL_checkany(L, 1);
    const hidden = this.#hiddenAt(L, 1);
    const shown = hidden?.metatable ?? (lua.type(L, 1) === LuaType.String ? this.#stringMeta : -1);
    if (shown > 0) api.lua_rawgeti(L, REGISTRY, shown);
    else if (shown === 0 || api.lua_getmetatable(L, 1) === 0) api.lua_pushnil(L);
    else this.#takeProtectedField(L);
    return 1;
  }

  /** Replaces the metatable on top of the stack by its field `__metatable`, if it has one. */
  #takeProtectedField(L: State): void {
    const { api, lua } = this.#parts();
    lua.pushString(L, "__metatable");
    api.lua_rawget(L, -2);
    if (lua.type(L, -1) === LuaType.Nil) api.lua_settop(L, -2);
  }

  #setMetatable(L: State): number {
    const { api, lua } = this.#parts();
    api.luaL_checktype(L, 1, LuaType.Table);
    const type = lua.type(L, 2);
    if (type !== LuaType.Nil && type !== LuaType.Table) lua.argumentError(L, 2, "nil or table expected");
    if (this.#hiddenAt(L, 1) !== undefined) throw new LuaError(READ_ONLY, false);
    if (api.lua_getmetatable(L, 1) !== 0) {
      lua.pushString(L, "__metatable");
      api.lua_rawget(L, -2);
      if (lua.type(L, -1) !== LuaType.Nil) throw new LuaError("cannot change a protected metatable");
    }
    api.lua_settop(L, 2);
    api.lua_setmetatable(L, 1);
    return 1;
  }

  #loadString(L: State): number {
    const { api, lua } = this.#parts();
    const source = lua.checkText(L, 1);
    const name = lua.type(L, 2) <= LuaType.Nil ? source : lua.checkText(L, 2);
    if (lua.load(L, source, name) === 0) return 1;
    api.lua_pushnil(L);
    api.lua_insert(L, -2);
    return 2;
  }
}
