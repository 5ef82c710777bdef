/**
 * Roberto Ierusalimschy's library `struct`: values as C lays them out in memory, by a format
 * string: `b B h H i I l L T` integers, `f d` floats, `s` a zero-terminated string, `cn` a string
 * of n bytes, `x` a filler, `> <` byte order, `!n` alignment.
 */
import { toInt64, toUint64 } from "./c_casts.ts";
import { type Lua, LuaError, type LuaFunction, LuaType } from "./lua.ts";
import type { State } from "./lua_library.ts";

const MAX_INTEGER_BYTES = 32;
const INT_MAX = 2 ** 31 - 1;
const DEFAULT_ALIGNMENT = 8;

/** Sizes of the types of fixed size, in bytes, as on 64-bit Linux. */
const SIZES: Readonly<Record<string, number>> = {
  b: 1,
  B: 1,
  h: 2,
  H: 2,
  l: 8,
  L: 8,
  T: 8,
  f: 4,
  d: 8,
  x: 1,
};

/** The options of a format one after another, with the settings made by earlier ones. */
class Format {
  isLittle = true;
  #align = 1;
  #at = 0;
  option = "";
  size = 0;

  /** The end of the format: the first zero byte, as in C. */
  readonly #end: number;

  constructor(readonly lua: Lua, readonly L: State, readonly text: string) {
    const zero = text.indexOf("\0");
    this.#end = zero < 0 ? text.length : zero;
  }

  /** Moves to the next option; false at the end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    this.option = this.text[this.#at++]!;
    this.size = this.#sizeOf(this.option);
    return true;
  }

  #number(otherwise: number): number {
    const digits = /^\d+/.exec(this.text.slice(this.#at, this.#at + 20))?.[0];
    if (digits === undefined) return otherwise;
    this.#at += digits.length;
    if (Number(digits) > INT_MAX) throw new LuaError("integral size overflow");
    return Number(digits);
  }

  #sizeOf(option: string): number {
    switch (option) {
      case "c":
        return this.#number(1);
      case "i":
      case "I": {
        const size = this.#number(4);
        if (size <= MAX_INTEGER_BYTES) return size;
        throw new LuaError(`integral size ${size} is larger than limit of ${MAX_INTEGER_BYTES}`);
      }
      default:
        return SIZES[option] ?? 0;
    }
  }

  /** Bytes skipped before the option to align it. */
  padding(position: number): number {
    if (this.size === 0 || this.option === "c") return 0;
    const size = Math.min(this.size, this.#align);
    return (size - (position & (size - 1))) & (size - 1);
  }

  /** Applies an option that is not a value. */
  control(): void {
    switch (this.option) {
      case " ":
        return;
      case ">":
        this.isLittle = false;
        return;
      case "<":
        this.isLittle = true;
        return;
      case "!": {
        const align = this.#number(DEFAULT_ALIGNMENT);
        if (align < 1 || (align & (align - 1)) !== 0) {
          throw new LuaError(`alignment ${align} is not a power of 2`);
        }
        this.#align = align;
        return;
      }
      default:
        this.lua.argumentError(this.L, 1, `invalid format option '${this.option}'`);
    }
  }
}

/** The lower bytes of a double cast to a 64-bit integer as in C, as latin1 text. */
function integerText(value: number, size: number, isLittle: boolean): string {
  let rest = BigInt.asUintN(64, value < 0 ? toInt64(value) : toUint64(value));
  const codes: number[] = [];
  for (let i = 0; i < size; i++) {
    codes.push(Number(rest & 0xffn));
    rest >>= 8n;
  }
  if (!isLittle) codes.reverse();
  return String.fromCharCode(...codes);
}

const floats = new DataView(new ArrayBuffer(8));

function floatText(value: number, size: number, isLittle: boolean): string {
  if (size === 4) floats.setFloat32(0, value, isLittle);
  else floats.setFloat64(0, value, isLittle);
  return String.fromCharCode(...new Uint8Array(floats.buffer, 0, size));
}

function readFloat(data: string, at: number, size: number, isLittle: boolean): number {
  for (let i = 0; i < size; i++) floats.setUint8(i, data.charCodeAt(at + i));
  return size === 4 ? floats.getFloat32(0, isLittle) : floats.getFloat64(0, isLittle);
}

function readInteger(data: string, at: number, { size, isLittle, option }: Format): number {
  let value = 0n;
  for (let i = 0; i < size; i++) {
    const index = isLittle ? size - 1 - i : i;
    value = BigInt.asUintN(64, value << 8n) | BigInt(data.charCodeAt(at + index));
  }
  const isSigned = option === option.toLowerCase();
  return Number(isSigned ? BigInt.asIntN(Math.min(64, size * 8), value) : value);
}

function pack(lua: Lua, L: State): string {
  const { api } = lua, format = new Format(lua, L, lua.checkText(L, 1));
  let packed = "", arg = 2;
  // The first missing value is a nil, as in the error texts.
  api.lua_pushnil(L);
  while (format.next()) {
    packed += "\0".repeat(format.padding(packed.length));
    switch (format.option) {
      case "x":
        packed += "\0";
        break;
      case "f":
      case "d":
        packed += floatText(api.luaL_checknumber(L, arg++), format.size, format.isLittle);
        break;
      case "c":
      case "s": {
        const text = lua.checkText(L, arg++), size = format.size || text.length;
        if (text.length < size) lua.argumentError(L, arg, "string too short");
        packed += text.slice(0, size) + (format.option === "s" ? "\0" : "");
        break;
      }
      default:
        if (!/[bBhHlLTiI]/.test(format.option)) format.control();
        else packed += integerText(api.luaL_checknumber(L, arg++), format.size, format.isLittle);
    }
  }
  return packed;
}

/** Reads values from a string one after another and pushes them. */
class Unpacker {
  #count = 0;
  readonly #data: string;
  readonly #format: Format;
  #at: number;

  constructor(readonly lua: Lua, readonly L: State) {
    this.#format = new Format(lua, L, lua.checkText(L, 1));
    this.#data = lua.checkText(L, 2);
    this.#at = (lua.type(L, 3) <= LuaType.Nil ? 1 : Math.trunc(lua.api.luaL_checknumber(L, 3))) - 1;
    if (this.#at === -1) lua.argumentError(L, 3, "offset must be 1 or greater");
  }

  /** Pushes the values and the position behind them; returns their number. */
  run(): number {
    const { lua, L } = this;
    while (this.#format.next()) {
      this.#at += this.#format.padding(this.#at);
      this.#need(this.#format.size);
      if (lua.api.lua_checkstack(L, 2) === 0) throw new LuaError("stack overflow (too many results)");
      this.#at += this.#value();
    }
    lua.api.lua_pushnumber(L, this.#at + 1);
    return this.#count + 1;
  }

  #need(size: number): void {
    const isInside = this.#at >= 0 && size <= this.#data.length - this.#at;
    if (!isInside) this.lua.argumentError(this.L, 2, "data string too short");
  }

  #push(value: number | string): void {
    if (typeof value === "string") this.lua.pushString(this.L, value);
    else this.lua.api.lua_pushnumber(this.L, value);
    this.#count++;
  }

  /** Reads a value and returns its size in bytes. */
  #value(): number {
    const format = this.#format, data = this.#data, at = this.#at, { size } = format;
    switch (format.option) {
      case "x":
        return 1;
      case "f":
      case "d":
        this.#push(readFloat(data, at, size, format.isLittle));
        return size;
      case "c": {
        const length = size === 0 ? this.#takeSize() : size;
        this.#need(length);
        this.#push(data.slice(at, at + length));
        return length;
      }
      case "s": {
        const end = data.indexOf("\0", at);
        if (end < 0) throw new LuaError("unfinished string in data");
        this.#push(data.slice(at, end));
        return end + 1 - at;
      }
      default:
        if (!/[bBhHlLTiI]/.test(format.option)) format.control();
        else this.#push(readInteger(data, at, format));
        return size;
    }
  }

  /** `c0`: the previous value is the length. */
  #takeSize(): number {
    const { lua, L } = this;
    if (this.#count === 0 || lua.api.lua_isnumber(L, -1) === 0) {
      throw new LuaError("format 'c0' needs a previous size");
    }
    const size = Math.trunc(lua.api.lua_tonumber(L, -1));
    lua.api.lua_settop(L, -2);
    this.#count--;
    return size < 0 ? Infinity : size;
  }
}

function sizeOf(lua: Lua, L: State): number {
  const format = new Format(lua, L, lua.checkText(L, 1));
  let position = 0;
  while (format.next()) {
    position += format.padding(position);
    if (format.option === "s") lua.argumentError(L, 1, "option 's' has no fixed size");
    if (format.option === "c" && format.size === 0) {
      lua.argumentError(L, 1, "option 'c0' has no fixed size");
    }
    if (!/[A-Za-z\d]/.test(format.option)) format.control();
    position += format.size;
  }
  return position;
}

/** The functions of the library. */
export function structFunctions(lua: Lua): Record<string, LuaFunction> {
  return {
    pack: (L) => {
      lua.pushString(L, pack(lua, L));
      return 1;
    },
    unpack: (L) => new Unpacker(lua, L).run(),
    size: (L) => {
      lua.api.lua_pushnumber(L, sizeOf(lua, L));
      return 1;
    },
  };
}
