/**
 * Function libraries: named code that registers functions when it is loaded. They are data: saved in snapshots, written
 * to the append only file, copied to replicas.
 *
 * Only their code is kept. If the interpreter breaks, a new one loads it again.
 */
import type { SnapshotExtras } from "../persistence/snapshot/save_context.ts";
import { ReplyError } from "../protocol/errors.ts";
import { INVALID_NAME, isValidName, parseLibraryHead, scriptFlag } from "./flags.ts";
import { Interpreter, type InterpreterHost } from "./lua/interpreter.ts";
import { LuaStatus, LuaType, REGISTRY } from "./lua/lua.ts";
import type { State } from "./lua/lua_library.ts";
import { returnedError } from "./lua/lua_to_reply.ts";
import { addLogAndVersion } from "./lua/redis_table.ts";
import type { Runnable } from "./scripting.ts";

/** The one engine there is, as FUNCTION LIST shows it. */
export const ENGINE_NAME = "LUA";

/** Longest time a library's code may take to register its functions. */
const LOAD_TIMEOUT_MS = 500;

/** Bytes a library and a function take beside their texts. */
const LIBRARY_OVERHEAD_BYTES = 160, FUNCTION_OVERHEAD_BYTES = 120;

/** A function that a library has registered. */
export interface LibraryFunction extends Runnable {
  description: string | null;
}

/** A library that has been loaded. */
export interface Library {
  name: string;
  /** With its first line. */
  code: string;
  functions: Map<string, LibraryFunction>;
}

/** A library being loaded. */
interface Loading {
  library: Library;
  interpreter: Interpreter;
  /** Monotonic microseconds after which it is stopped. */
  endsAtUs: number;
}

/** What a call of `redis.register_function` says. */
interface Registration {
  name: string;
  description: string | null;
  flags: number;
  ref: number;
}

function failure(text: string): ReplyError {
  return new ReplyError(`ERR ${text}`);
}

/** How libraries that are there already are treated by those that are restored. */
export type RestorePolicy = "append" | "replace" | "flush";

/** See the head of this file. */
export class Libraries {
  readonly #libraries = new Map<string, Library>();
  /** Functions of all libraries, by their name in lower case. */
  readonly #functions = new Map<string, LibraryFunction>();
  #interpreter: Interpreter | null = null;
  #loading: Loading | null = null;
  /** Reference of the globals a library sees while it is loaded. */
  #loadGlobals = 0;

  constructor(readonly host: InterpreterHost) {}

  /** All libraries, in the order in which they were loaded. */
  all(): IterableIterator<Library> {
    return this.#libraries.values();
  }

  get count(): number {
    return this.#libraries.size;
  }

  get functionCount(): number {
    return this.#functions.size;
  }

  /** Bytes the interpreter takes. */
  get interpreterBytes(): number {
    return this.#interpreter === null || this.#interpreter.isBroken ? 0 : this.#interpreter.lua.usedBytes;
  }

  /** Bytes the libraries take, an estimate. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const { code, functions } of this.all()) {
      bytes += code.length + LIBRARY_OVERHEAD_BYTES + functions.size * FUNCTION_OVERHEAD_BYTES;
    }
    return bytes;
  }

  /** The function of that name, in any case. */
  find(name: string): LibraryFunction | undefined {
    const found = this.#functions.get(name.toLowerCase());
    if (found?.interpreter.isBroken) {
      this.#renew();
      return this.#functions.get(name.toLowerCase());
    }
    return found;
  }

  /** Makes the libraries part of snapshots. */
  connect(extras: SnapshotExtras): void {
    extras.libraries = () => Array.from(this.all(), ({ code }) => code);
    extras.dropLibraries = () => this.clear();
    extras.loadLibrary = (code, mayReplace = false) => {
      try {
        this.load(code, mayReplace);
        return null;
      } catch (error) {
        if (error instanceof ReplyError) return error.text;
        throw error;
      }
    };
  }

  /** Loads a library and returns its name. Throws a ReplyError and changes nothing if it cannot. */
  load(code: string, mayReplace: boolean): string {
    const library = this.#make(code, mayReplace);
    const old = this.#libraries.get(library.name);
    this.#install([library], old === undefined ? [] : [old]);
    return library.name;
  }

  /** Loads several libraries, all or none. */
  restore(codes: readonly string[], policy: RestorePolicy): void {
    const added: Library[] = [];
    try {
      for (const code of codes) this.#addDistinct(added, this.#make(code, true));
      const old = this.#oldFor(added, policy);
      this.#install(added, old);
    } catch (error) {
      for (const library of added) this.#release(library);
      throw error;
    }
  }

  #addDistinct(added: Library[], library: Library): void {
    const twin = added.find(({ name }) => name === library.name);
    added.push(library);
    if (twin !== undefined) throw failure(`Library '${library.name}' already exists`);
  }

  /** The libraries that go when `added` are restored. */
  #oldFor(added: readonly Library[], policy: RestorePolicy): Library[] {
    if (policy === "flush") return [...this.all()];
    const old: Library[] = [];
    for (const { name } of added) {
      const library = this.#libraries.get(name);
      if (library === undefined) continue;
      if (policy === "append") throw failure(`Library ${name} already exists`);
      old.push(library);
    }
    return old;
  }

  /** Puts `added` in the place of `old`, unless functions would have the same name. */
  #install(added: readonly Library[], old: readonly Library[]): void {
    const going = new Set(old.flatMap(({ functions }) => [...functions.values()]));
    const names = new Set<string>();
    for (const name of added.flatMap(({ functions }) => [...functions.keys()])) {
      const key = name.toLowerCase(), found = this.#functions.get(key);
      if (names.has(key) || (found !== undefined && !going.has(found))) {
        throw failure(`Function ${name} already exists`);
      }
      names.add(key);
    }
    for (const library of old) this.#remove(library);
    for (const library of added) this.#link(library);
  }

  #link(library: Library): void {
    this.#libraries.set(library.name, library);
    for (const [name, fn] of library.functions) this.#functions.set(name.toLowerCase(), fn);
  }

  #remove(library: Library): void {
    this.#libraries.delete(library.name);
    for (const name of library.functions.keys()) this.#functions.delete(name.toLowerCase());
    this.#release(library);
  }

  #release(library: Library): void {
    for (const { interpreter, ref } of library.functions.values()) {
      if (!interpreter.isBroken) interpreter.forget(ref);
    }
  }

  /** Removes a library; false if there is none of that name. */
  delete(name: string): boolean {
    const library = this.#libraries.get(name);
    if (library !== undefined) this.#remove(library);
    return library !== undefined;
  }

  /** Removes all libraries, and the interpreter with them. */
  clear(): void {
    this.#libraries.clear();
    this.#functions.clear();
    this.#interpreter = null;
  }

  // ---- Loading ------------------------------------------------------------------------------------------------

  /** The interpreter has broken: another takes its place and loads all libraries again. */
  #renew(): void {
    const codes = Array.from(this.all(), ({ code }) => code);
    this.clear();
    for (const code of codes) {
      try {
        this.#link(this.#make(code, false, Infinity));
      } catch (error) {
        this.host.engine.log.warning(`A function library could not be loaded again: ${error}`);
      }
    }
  }

  #usable(): Interpreter {
    if (this.#interpreter?.isBroken) this.#renew();
    if (this.#interpreter === null) {
      this.#interpreter = new Interpreter(this.host, true);
      this.#makeLoadGlobals(this.#interpreter);
    }
    return this.#interpreter;
  }

  /** What a library sees while it is loaded: a table `redis` of its own and nothing else. */
  #makeLoadGlobals(interpreter: Interpreter): void {
    const { lua, sandbox } = interpreter, { api, main: L } = lua;
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, 8);
    lua.setFunctions(L, { register_function: (L) => this.#register(interpreter, L) });
    addLogAndVersion(interpreter, L);
    sandbox.refuseUnknown(L);
    sandbox.hide(L);
    api.lua_setfield(L, -2, lua.name("redis"));
    sandbox.refuseUnknown(L);
    this.#loadGlobals = api.luaL_ref(L, REGISTRY);
  }

  /** Runs a library's code and returns what it has registered. */
  #make(code: string, mayExist: boolean, timeoutMs = LOAD_TIMEOUT_MS): Library {
    const { engine, name, source } = parseLibraryHead(code);
    if (!isValidName(name)) throw failure(INVALID_NAME);
    if (engine.toUpperCase() !== ENGINE_NAME) throw failure(`Engine '${engine}' not found`);
    if (!mayExist && this.#libraries.has(name)) throw failure(`Library '${name}' already exists`);
    const interpreter = this.#usable();
    const library: Library = { name, code, functions: new Map() };
    const problem = interpreter.load(source, "@user_function");
    if (problem !== null) throw failure(`Error compiling function: ${problem}`);
    const { clock } = this.host.engine;
    this.#loading = { library, interpreter, endsAtUs: clock.monotonicUs() + timeoutMs * 1000 };
    try {
      this.#runCode(interpreter);
      if (library.functions.size === 0) throw failure("No functions registered");
    } catch (error) {
      this.#release(library);
      throw error;
    } finally {
      this.#loading = null;
    }
    return library;
  }

  /** Runs the chunk on top of the stack. */
  #runCode(interpreter: Interpreter): void {
    const { lua, sandbox } = interpreter, { api, main: L } = lua;
    api.lua_rawgeti(L, REGISTRY, this.#loadGlobals);
    sandbox.redirectGlobals(L);
    let status: number;
    try {
      status = api.lua_pcall(L, 0, 0, 0);
    } catch {
      interpreter.isBroken = true;
      throw failure("Error registering functions: stack overflow");
    }
    const problem = status === LuaStatus.Ok ? null : this.#problem(interpreter, L);
    api.lua_settop(L, 0);
    sandbox.pushGlobals(L);
    sandbox.redirectGlobals(L);
    interpreter.clear();
    if (problem !== null) throw failure(`Error registering functions: ${problem}`);
  }

  #problem({ lua }: Interpreter, L: State): string {
    if (lua.type(L, -1) === LuaType.Table) return returnedError(lua, L)?.text ?? "ERR unknown error";
    return `ERR ${lua.text(L, -1) ?? "unknown error"}`;
  }

  /** Whether the library being loaded is to be stopped. */
  interrupt(): "continue" | { readonly kill: string } {
    const loading = this.#loading;
    if (loading === null || this.host.engine.clock.monotonicUs() < loading.endsAtUs) return "continue";
    return { kill: "FUNCTION LOAD timeout" };
  }

  // ---- redis.register_function ----------------------------------------------------------------------------------

  #register(interpreter: Interpreter, L: State): number {
    const loading = this.#loading;
    const fail = (text: string) => interpreter.failWith(L, `ERR ${text}`, true);
    if (loading === null) return fail("redis.register_function can only be called on FUNCTION LOAD command");
    const count = interpreter.lua.api.lua_gettop(L);
    if (count < 1 || count > 2) return fail("wrong number of arguments to redis.register_function");
    const registration = count === 1 ? this.#named(interpreter, L) : this.#positional(interpreter, L);
    if (typeof registration === "string") return fail(registration);
    const { name, ref, flags, description } = registration, { functions } = loading.library;
    if (isValidName(name) && !functions.has(name)) {
      functions.set(name, { name, ref, flags, description, isFunction: true, isBrief: false, interpreter });
      return 0;
    }
    interpreter.forget(ref);
    return fail(isValidName(name) ? "Function already exists in the library" : INVALID_NAME);
  }

  #positional(interpreter: Interpreter, L: State): Registration | string {
    const { lua } = interpreter;
    const name = lua.text(L, 1);
    if (name === undefined) return "first argument to redis.register_function must be a string";
    if (lua.type(L, 2) !== LuaType.Function) {
      return "second argument to redis.register_function must be a function";
    }
    return { name, description: null, flags: 0, ref: interpreter.keep() };
  }

  /** Reads a table of named arguments. Its function is kept last, once nothing can be wrong any more. */
  #named(interpreter: Interpreter, L: State): Registration | string {
    const { lua } = interpreter, { api } = lua;
    if (lua.type(L, 1) !== LuaType.Table) {
      return "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).";
    }
    const made: Partial<Registration> = {};
    let hasCallback = false;
    api.lua_pushnil(L);
    while (api.lua_next(L, 1) !== 0) {
      if (lua.type(L, -2) !== LuaType.String && lua.type(L, -2) !== LuaType.Number) {
        return "named argument key given to redis.register_function is not a string";
      }
      const key = lua.text(L, -2)!.toLowerCase();
      const problem = this.#namedArgument(interpreter, L, key, made);
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

  /** Reads one named argument, whose value is on top of the stack; why it is wrong, or null. */
  #namedArgument(
    interpreter: Interpreter,
    L: State,
    key: string,
    made: Partial<Registration>,
  ): string | null {
    const { lua } = interpreter;
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
        const flags = this.#flags(interpreter, L);
        if (flags === null) return "unknown flag given";
        made.flags = flags;
        return null;
      }
      default:
        return "unknown argument given to redis.register_function";
    }
  }

  /** The flags in the list on top of the stack, or null. */
  #flags({ lua }: Interpreter, L: State): number | null {
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
