/**
 * A Lua interpreter for JavaScript: access to values, strings as latin1 text or bytes, errors,
 * functions.
 *
 * Methods take the state they work on, since a function may be called from a coroutine, whose stack
 * is its own.
 */
import { copyBytes, latin1, writeLatin1 } from "../../util/bytes.ts";
import { type Interruptions, type LuaApi, type LuaLibrary, openLuaLibrary } from "./lua_library.ts";
import type { Pointer, State } from "./lua_library.ts";
import { LongRequest } from "./wasm_glue.ts";

/** The results of lua_type. */
export const LuaType = {
  None: -1,
  Nil: 0,
  Boolean: 1,
  LightUserdata: 2,
  Number: 3,
  String: 4,
  Table: 5,
  Function: 6,
  Userdata: 7,
  Thread: 8,
} as const;

/** Names of types, by `LuaType`, as error texts show them. */
export const TYPE_NAMES = [
  "nil",
  "boolean",
  "userdata",
  "number",
  "string",
  "table",
  "function",
  "userdata",
  "thread",
] as const;

/** The results of lua_pcall and lua_load. */
export const LuaStatus = { Ok: 0, Yield: 1, Run: 2, Syntax: 3, Memory: 4, Handler: 5 } as const;

/** The pseudo-index of the registry. */
export const REGISTRY = -10000;
/** The pseudo-index of the table of global variables. */
export const GLOBALS = -10002;

const MASK_LINE = 1 << 2;
const MASK_COUNT = 1 << 3;
const GC_COUNT = 3;
/** Size of the memory through which strings are passed, bytes. */
const SCRATCH_BYTES = 4096;
const INFO_BYTES = 128;
/** First byte of compiled code. */
const BYTECODE_MARK = "\x1b";

/** Offsets of fields in lua_Debug. */
const Info = { What: 12, Source: 16, CurrentLine: 20 } as const;

/** Thrown in a function called by Lua: raises an error there, as luaL_error does. */
export class LuaError {
  /** @param hasPosition true if the script's name and line are prepended */
  constructor(readonly message: string, readonly hasPosition = true) {}
}

/** The error for a script that exceeds its interpreter's memory. */
export const NOT_ENOUGH_MEMORY: LuaError = new LuaError("not enough memory", false);

/**
 * True if a string has grown too long for JavaScript. A stack overflow is a RangeError too, but
 * does not count.
 */
function isTooLong(error: unknown): boolean {
  return error instanceof RangeError && error.message.startsWith("Invalid");
}

/** Thrown in a function called by Lua: raises the value on top of the stack as an error. */
export const RAISE_TOP = Symbol("raise");

/**
 * A function called by Lua: finds its arguments on the stack, leaves its results there and returns
 * their number.
 */
export type LuaFunction = (L: State) => number;

/** The continuation of a function that takes long. */
export interface LongCall {
  /**
   * Continues: returns the number of results, or a {@linkcode LongRequest}, after which it is
   * called again.
   */
  run(L: State): number;
}

/**
 * A function called by Lua that may take long: returns the result of {@linkcode LongCall.run}, or
 * its continuation.
 */
export type LongFunction = (L: State) => number | LongCall;

/** The origin of a function on the call stack. */
export interface CallSite {
  /** `C` for functions of the interpreter and of JavaScript. */
  what: string;
  source: string;
  line: number;
}

/** See the head of this file. */
export class Lua {
  readonly library: LuaLibrary;
  readonly api: LuaApi;
  /** The main state. */
  readonly main: State;
  readonly #sizePointer: Pointer;
  readonly #info: Pointer;
  readonly #names = new Map<string, Pointer>();
  /** Long functions that have not ended; those further down wait for the ones they have called. */
  readonly #longCalls: LongCall[] = [];
  #scratch: Pointer;
  #scratchBytes = SCRATCH_BYTES;
  #bytes: Uint8Array<ArrayBuffer>;
  #words: Int32Array<ArrayBuffer>;

  constructor(interruptions: Interruptions) {
    this.library = openLuaLibrary(interruptions);
    this.api = this.library.api;
    this.#bytes = this.#newBytes();
    this.#words = this.#newWords();
    this.main = this.api.luaL_newstate();
    this.#sizePointer = this.api.malloc(4);
    this.#info = this.api.malloc(INFO_BYTES);
    this.#scratch = this.api.malloc(SCRATCH_BYTES);
  }

  #newBytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.api.memory.buffer as ArrayBuffer);
  }

  #newWords(): Int32Array<ArrayBuffer> {
    return new Int32Array(this.api.memory.buffer as ArrayBuffer);
  }

  /**
   * The interpreter's memory; renewed after every call that may have grown it, which detaches the
   * old view.
   */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length === 0) this.#bytes = this.#newBytes();
    return this.#bytes;
  }

  /** The 32-bit word at `pointer`. */
  word(pointer: Pointer): number {
    if (this.#words.length === 0) this.#words = this.#newWords();
    return this.#words[pointer >>> 2]!;
  }

  /**
   * A zero-terminated text in memory that is never freed: names of fields, of which there are few.
   */
  name(text: string): Pointer {
    let pointer = this.#names.get(text);
    if (pointer === undefined) {
      pointer = this.api.malloc(text.length + 1);
      this.bytes[writeLatin1(this.bytes, pointer, text)] = 0;
      this.#names.set(text, pointer);
    }
    return pointer;
  }

  /** Room for `size` bytes, until the next call. */
  #room(size: number): Pointer {
    if (size > this.#scratchBytes) {
      const larger = this.api.malloc(size);
      if (larger === 0) throw NOT_ENOUGH_MEMORY;
      this.api.free(this.#scratch);
      this.#scratch = larger;
      this.#scratchBytes = size;
    }
    return this.#scratch;
  }

  /** Returns the memory taken by one large string. */
  trimScratch(): void {
    if (this.#scratchBytes <= 1 << 20) return;
    this.api.free(this.#scratch);
    this.#scratch = this.api.malloc(SCRATCH_BYTES);
    this.#scratchBytes = SCRATCH_BYTES;
  }

  // ---- Values on their way in -------------------------------------------------------------------

  pushString(L: State, text: string): void {
    const room = this.#room(text.length);
    writeLatin1(this.bytes, room, text);
    this.api.lua_pushlstring(L, room, text.length);
  }

  pushBytes(L: State, buf: Uint8Array, start: number, end: number): void {
    const room = this.#room(end - start);
    copyBytes(this.bytes, room, buf, start, end);
    this.api.lua_pushlstring(L, room, end - start);
  }

  /** Pushes `times` times `text`. */
  pushRepeated(L: State, text: string, times: number): void {
    const size = text.length * times, room = this.#room(size), { bytes } = this;
    if (size > 0) writeLatin1(bytes, room, text);
    // The part already written is doubled until it suffices.
    for (let done = text.length; done < size; done *= 2) {
      bytes.copyWithin(room + done, room, room + Math.min(done, size - done));
    }
    this.api.lua_pushlstring(L, room, size);
  }

  /** Sets a field of the table on top of the stack to a text. */
  setText(L: State, field: string, text: string): void {
    this.pushString(L, text);
    this.api.lua_setfield(L, -2, this.name(field));
  }

  setNumber(L: State, field: string, value: number): void {
    this.api.lua_pushnumber(L, value);
    this.api.lua_setfield(L, -2, this.name(field));
  }

  setBoolean(L: State, field: string, value: boolean): void {
    this.api.lua_pushboolean(L, value ? 1 : 0);
    this.api.lua_setfield(L, -2, this.name(field));
  }

  /** Sets fields of the table on top of the stack to functions. */
  setFunctions(L: State, functions: Readonly<Record<string, LuaFunction>>): void {
    const pointers = this.addFunctions(Object.values(functions));
    for (const [i, field] of Object.keys(functions).entries()) {
      this.api.lua_pushcclosure(L, pointers[i]!, 0);
      this.api.lua_setfield(L, -2, this.name(field));
    }
  }

  /** Creates functions that Lua can call. */
  addFunctions(functions: readonly LuaFunction[]): Pointer[] {
    return this.library.addFunctions(functions.map((fn) => (L: State) => this.#guarded(L, fn)));
  }

  /**
   * Creates functions that Lua can call and that may take long.
   *
   * @param functions each with the library's own function (a pointer) that it may request, or 0
   */
  addLongFunctions(functions: readonly (readonly [LongFunction, Pointer])[]): Pointer[] {
    const begin = (L: State, fn: LongFunction) => {
      const call = fn(L);
      return typeof call === "number" ? call : this.#advance(L, call, true);
    };
    const goOn = (L: State) => this.#advance(L, this.#longCalls.at(-1)!, false);
    return this.library.addLongFunctions(
      functions.map(([fn, original]) => ({
        begin: (L: State) => this.#guarded(L, (L) => begin(L, fn)),
        original,
      })),
      { goOn: (L) => this.#guarded(L, goOn), drop: () => this.#longCalls.pop() },
    );
  }

  #advance(L: State, call: LongCall, isNew: boolean): number {
    const results = call.run(L), isOver = results >= 0 || results === LongRequest.Original;
    if (isNew && !isOver) this.#longCalls.push(call);
    else if (!isNew && isOver) this.#longCalls.pop();
    return results;
  }

  /**
   * Errors thrown in JavaScript become Lua's; Lua's own, which are WebAssembly exceptions, pass
   * through.
   */
  #guarded(L: State, fn: LuaFunction): number {
    try {
      return fn(L);
    } catch (error) {
      if (error instanceof LuaError) this.#pushError(L, error);
      else if (isTooLong(error)) this.#pushError(L, NOT_ENOUGH_MEMORY);
      else if (error !== RAISE_TOP) throw error;
    }
    return this.api.lua_error(L);
  }

  #pushError(L: State, error: LuaError): void {
    if (error.hasPosition) this.api.luaL_where(L, 1);
    this.pushString(L, error.message);
    if (error.hasPosition) this.api.lua_concat(L, 2);
  }

  // ---- Values on their way out ------------------------------------------------------------------

  type(L: State, index: number): number {
    return this.api.lua_type(L, index);
  }

  /**
   * A string or number as text, undefined for anything else. A number on the stack becomes a
   * string.
   */
  text(L: State, index: number): string | undefined {
    const pointer = this.api.lua_tolstring(L, index, this.#sizePointer);
    if (pointer === 0) return undefined;
    return latin1(this.bytes, pointer, pointer + this.word(this.#sizePointer));
  }

  /**
   * Address of the bytes of a string or number, or 0; {@linkcode locatedSize} is their size. They
   * stay there while the value is on the stack.
   */
  pointerTo(L: State, index: number): Pointer {
    return this.api.lua_tolstring(L, index, this.#sizePointer);
  }

  get locatedSize(): number {
    return this.word(this.#sizePointer);
  }

  /** Argument `arg` as text; raises Lua's usual error if it is neither a string nor a number. */
  checkText(L: State, arg: number): string {
    const pointer = this.api.luaL_checklstring(L, arg, this.#sizePointer);
    return latin1(this.bytes, pointer, pointer + this.word(this.#sizePointer));
  }

  /**
   * Address of the bytes of argument `arg`, as {@linkcode pointerTo}; raises Lua's error as
   * {@linkcode checkText} does.
   */
  checkPointer(L: State, arg: number): Pointer {
    return this.api.luaL_checklstring(L, arg, this.#sizePointer);
  }

  /** Raises "bad argument #arg to 'function' (message)". */
  argumentError(L: State, arg: number, message: string): never {
    this.pushString(L, message + "\0");
    this.api.luaL_argerror(L, arg, this.pointerTo(L, -1));
    throw new Error("luaL_argerror has returned");
  }

  /** The number at `index` truncated to 32 bits as luaL_checkint does. */
  checkInt(L: State, arg: number): number {
    return this.api.luaL_checknumber(L, arg) | 0;
  }

  // ---- Calls ------------------------------------------------------------------------------------

  /**
   * Compiles `source` and leaves the function, or an error message, on the stack. Compiled code is
   * not loaded: if handcrafted, it could break out of the machine. With a space in front it is
   * taken for source, and fails to parse.
   */
  load(L: State, text: string, chunkName: string): number {
    const source = text.startsWith(BYTECODE_MARK) ? ` ${text}` : text;
    const room = this.#room(source.length + chunkName.length + 1), { bytes } = this;
    const name = writeLatin1(bytes, room, source);
    bytes[writeLatin1(bytes, name, chunkName)] = 0;
    return this.api.luaL_loadbuffer(L, room, source.length, name);
  }

  /** The function `level` calls away: 0 is the running one. */
  callSite(L: State, level: number): CallSite | undefined {
    const { api } = this, info = this.#info;
    if (api.lua_getstack(L, level, info) === 0) return undefined;
    api.lua_getinfo(L, this.name("nSl"), info);
    return {
      what: this.#cString(this.word(info + Info.What)),
      source: this.#cString(this.word(info + Info.Source)),
      line: this.word(info + Info.CurrentLine),
    };
  }

  #cString(pointer: Pointer): string {
    return latin1(this.bytes, pointer, this.bytes.indexOf(0, pointer));
  }

  /** Calls the hook every `instructions` instructions; 0: at every line. */
  setHook(L: State, instructions: number): void {
    const mask = instructions > 0 ? MASK_COUNT : MASK_LINE;
    this.api.lua_sethook(L, this.library.hook, mask, instructions);
  }

  // ---- Memory -----------------------------------------------------------------------------------

  /** Bytes in use by Lua. */
  get usedBytes(): number {
    return this.api.lua_gc(this.main, GC_COUNT, 0) * 1024;
  }
}
