/**
 * Runs the code of function libraries: only a `redis` table of its own is visible to it, in which
 * `redis.register_function` registers functions.
 */
import { scriptFlag } from "../flags.ts";
import { type Registration, RegistrationError } from "../script_host.ts";
import type { Interpreter } from "./interpreter.ts";
import { LuaStatus, LuaType, REGISTRY } from "./lua.ts";
import type { State } from "./lua_library.ts";
import { returnedError } from "./lua_to_reply.ts";
import { addLogAndVersion } from "./redis_table.ts";

/** A registration whose parts are being read. */
type Draft = { -readonly [K in keyof Registration]?: Registration[K] };

/** Accepts a function of the library being loaded, or returns the error. */
type Register = (registration: Registration) => string | null;

/** See the head of this file. */
export class LibraryLoader {
  /** Reference of the globals visible to a library while it is loaded. */
  readonly #globals: number;
  /** Set while a library is being loaded. */
  #register: Register | null = null;

  constructor(readonly interpreter: Interpreter) {
    const { lua, sandbox } = interpreter, { api, main: L } = lua;
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, 8);
    lua.setFunctions(L, { register_function: (L) => this.#registerFunction(L) });
    addLogAndVersion(interpreter, L);
    sandbox.refuseUnknown(L);
    sandbox.hide(L);
    api.lua_setfield(L, -2, lua.name("redis"));
    sandbox.refuseUnknown(L);
    this.#globals = api.luaL_ref(L, REGISTRY);
  }

  /** Runs the chunk on top of the stack. Throws {@linkcode RegistrationError} */
  run(register: Register): void {
    const { interpreter } = this, { lua, sandbox } = interpreter, { api, main: L } = lua;
    api.lua_rawgeti(L, REGISTRY, this.#globals);
    sandbox.redirectGlobals(L);
    this.#register = register;
    let status: number;
    try {
      status = api.lua_pcall(L, 0, 0, 0);
    } catch {
      interpreter.isBroken = true;
      throw new RegistrationError("stack overflow");
    } finally {
      this.#register = null;
    }
    const problem = status === LuaStatus.Ok ? null : this.#problem(L);
    api.lua_settop(L, 0);
    sandbox.pushGlobals(L);
    sandbox.redirectGlobals(L);
    interpreter.clear();
    if (problem !== null) throw new RegistrationError(problem);
  }

  #problem(L: State): string {
    const { lua } = this.interpreter;
    if (lua.type(L, -1) === LuaType.Table) return returnedError(lua, L)?.text ?? "ERR unknown error";
    return `ERR ${lua.text(L, -1) ?? "unknown error"}`;
  }

  // ---- redis.register_function ------------------------------------------------------------------

  #registerFunction(L: State): number {
    const { interpreter } = this, register = this.#register;
    const fail = (text: string) => interpreter.failWith(L, `ERR ${text}`, true);
    if (register === null) {
      return fail("redis.register_function can only be called on FUNCTION LOAD command");
    }
    const count = interpreter.lua.api.lua_gettop(L);
    if (count < 1 || count > 2) return fail("wrong number of arguments to redis.register_function");
    const registration = count === 1 ? this.#named(L) : this.#positional(L);
    if (typeof registration === "string") return fail(registration);
    const problem = register(registration);
    if (problem === null) return 0;
    interpreter.forget(registration.ref);
    return fail(problem);
  }

  #positional(L: State): Registration | string {
    const { interpreter } = this, { lua } = interpreter;
    const name = lua.text(L, 1);
    if (name === undefined) return "first argument to redis.register_function must be a string";
    if (lua.type(L, 2) !== LuaType.Function) {
      return "second argument to redis.register_function must be a function";
    }
    return { name, description: null, flags: 0, ref: interpreter.keep() };
  }

  /**
   * Reads a table of named arguments. The function is kept last, once nothing can fail any more.
   */
  #named(L: State): Registration | string {
    const { interpreter } = this, { lua } = interpreter, { api } = lua;
    if (lua.type(L, 1) !== LuaType.Table) {
      return "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).";
    }
    const made: Draft = {};
    let hasCallback = false;
    api.lua_pushnil(L);
    while (api.lua_next(L, 1) !== 0) {
      if (lua.type(L, -2) !== LuaType.String && lua.type(L, -2) !== LuaType.Number) {
        return "named argument key given to redis.register_function is not a string";
      }
      const key = lua.text(L, -2)!.toLowerCase();
      const problem = this.#namedArgument(L, key, made);
      if (problem !== null) return problem;
      if (key === "callback") {
        api.lua_pushvalue(L, -1);
        api.lua_insert(L, 2);
        hasCallback = true;
      }
      api.lua_settop(L, -2);
    }
    if (made.name === undefined) return "redis.register_function must get a function name argument";
    if (!hasCallback) return "redis.register_function must get a callback argument";
    api.lua_settop(L, 2);
    return {
      name: made.name,
      description: made.description ?? null,
      flags: made.flags ?? 0,
      ref: interpreter.keep(),
    };
  }

  /** Reads one named argument, whose value is on top of the stack; returns the error, or null. */
  #namedArgument(
    L: State,
    key: string,
    made: Draft,
  ): string | null {
    const { lua } = this.interpreter;
    switch (key) {
      case "function_name":
      case "description": {
        const text = lua.text(L, -1);
        if (text === undefined) return `${key} argument given to redis.register_function must be a string`;
        made[key === "description" ? "description" : "name"] = text;
        return null;
      }
      case "callback":
        return lua.type(L, -1) === LuaType.Function
          ? null
          : "callback argument given to redis.register_function must be a function";
      case "flags": {
        if (lua.type(L, -1) !== LuaType.Table) {
          return "flags argument to redis.register_function must be a table representing function flags";
        }
        const flags = this.#flags(L);
        if (flags === null) return "unknown flag given";
        made.flags = flags;
        return null;
      }
      default:
        return "unknown argument given to redis.register_function";
    }
  }

  /** The flags in the list on top of the stack, or null. */
  #flags(L: State): number | null {
    const { lua } = this.interpreter;
    let flags = 0;
    for (let i = 1;; i++) {
      lua.api.lua_rawgeti(L, -1, i);
      const isEnd = lua.type(L, -1) === LuaType.Nil;
      const flag = scriptFlag(lua.text(L, -1)?.toLowerCase() ?? "");
      lua.api.lua_settop(L, -2);
      if (isEnd) return flags;
      if (flag === undefined) return null;
      flags |= flag;
    }
  }
}
