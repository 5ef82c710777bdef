/** The library `cmsgpack` 0.4: MessagePack (https://msgpack.org) to Lua values and back. */
import { type Lua, LuaError, type LuaFunction, LuaType } from "./lua.ts";
import type { State } from "./lua_library.ts";

/** Tables nested deeper are written as nil, so that circular ones terminate. */
const MAX_NESTING = 16;

const floats = new DataView(new ArrayBuffer(8));

/** The bytes of a big-endian number, as latin1 text. */
function bigEndian(value: number | bigint, size: number): string {
  let rest = BigInt.asUintN(64, BigInt(value)), text = "";
  for (let i = 0; i < size; i++) {
    text = String.fromCharCode(Number(rest & 0xffn)) + text;
    rest >>= 8n;
  }
  return text;
}

/** A marker followed by a number. */
function marked(marker: number, value: number | bigint, size: number): string {
  return String.fromCharCode(marker) + bigEndian(value, size);
}

function integer(value: number): string {
  if (value >= 0) {
    if (value <= 0x7f) return String.fromCharCode(value);
    if (value <= 0xff) return marked(0xcc, value, 1);
    if (value <= 0xffff) return marked(0xcd, value, 2);
    return value <= 0xffffffff ? marked(0xce, value, 4) : marked(0xcf, BigInt(value), 8);
  }
  if (value >= -32) return String.fromCharCode(value & 0xff);
  if (value >= -128) return marked(0xd0, value, 1);
  if (value >= -32768) return marked(0xd1, value, 2);
  return value >= -2147483648 ? marked(0xd2, value, 4) : marked(0xd3, BigInt(value), 8);
}

function float(value: number): string {
  const isSingle = Math.fround(value) === value;
  if (isSingle) floats.setFloat32(0, value);
  else floats.setFloat64(0, value);
  const bytes = new Uint8Array(floats.buffer, 0, isSingle ? 4 : 8);
  return String.fromCharCode(isSingle ? 0xca : 0xcb, ...bytes);
}

/** A header with a count: `fixed` up to `fixedMax`, then a marker with 16 or 32 bits. */
function counted(count: number, fixed: number, fixedMax: number, marker16: number): string {
  if (count <= fixedMax) return String.fromCharCode(fixed | count);
  return count <= 0xffff ? marked(marker16, count, 2) : marked(marker16 + 1, count, 4);
}

function string(text: string): string {
  const isMiddling = text.length > 31 && text.length <= 0xff;
  return (isMiddling ? marked(0xd9, text.length, 1) : counted(text.length, 0xa0, 31, 0xda)) + text;
}

class Packer {
  constructor(readonly lua: Lua) {}

  /** The value on top of the stack. */
  value(L: State, level: number): string {
    const { lua } = this, { api } = lua;
    switch (lua.type(L, -1)) {
      case LuaType.String:
        return string(lua.text(L, -1)!);
      case LuaType.Boolean:
        return api.lua_toboolean(L, -1) !== 0 ? "\xc3" : "\xc2";
      case LuaType.Number: {
        const value = api.lua_tonumber(L, -1);
        const isInteger = Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
        return isInteger ? integer(value) : float(value);
      }
      case LuaType.Table:
        if (level === MAX_NESTING) return "\xc0";
        return this.#table(L, level);
      default:
        return "\xc0";
    }
  }

  #table(L: State, level: number): string {
    const { lua } = this;
    if (lua.api.lua_checkstack(L, 4) === 0) throw new LuaError("stack overflow (in cmsgpack.pack)");
    const { count, isArray } = this.#shape(L);
    return isArray ? this.#array(L, count, level) : this.#map(L, count, level);
  }

  /** The number of elements, and whether their keys are 1 to that number. */
  #shape(L: State): { count: number; isArray: boolean } {
    const { lua } = this, { api } = lua;
    let count = 0, largest = 0, areIndexes = true;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      api.lua_settop(L, -2);
      const key = lua.type(L, -1) === LuaType.Number ? api.lua_tonumber(L, -1) : 0;
      if (key <= 0 || !Number.isInteger(key)) areIndexes = false;
      largest = Math.max(largest, key);
      count++;
    }
    return { count, isArray: areIndexes && largest === count };
  }

  #array(L: State, count: number, level: number): string {
    const { api } = this.lua;
    let text = counted(count, 0x90, 15, 0xdc);
    for (let i = 1; i <= count; i++) {
      api.lua_rawgeti(L, -1, i);
      text += this.value(L, level + 1);
      api.lua_settop(L, -2);
    }
    return text;
  }

  #map(L: State, count: number, level: number): string {
    const { api } = this.lua;
    let text = counted(count, 0x80, 15, 0xde);
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      api.lua_pushvalue(L, -2);
      text += this.value(L, level + 1);
      api.lua_settop(L, -2);
      text += this.value(L, level + 1);
      api.lua_settop(L, -2);
    }
    return text;
  }
}

class Unpacker {
  constructor(readonly lua: Lua, readonly data: string, public at: number) {}

  get left(): number {
    return this.data.length - this.at;
  }

  /** Skips `size` bytes and returns their start. */
  #take(size: number): number {
    if (this.left < size) throw new LuaError("Missing bytes in input.");
    const at = this.at;
    this.at += size;
    return at;
  }

  #unsigned(size: number): number {
    const at = this.#take(size);
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + this.data.charCodeAt(at + i);
    return value;
  }

  #view(size: number): DataView {
    const at = this.#take(size);
    for (let i = 0; i < size; i++) floats.setUint8(i, this.data.charCodeAt(at + i));
    return floats;
  }

  /** Pushes the next value. */
  value(L: State): void {
    const { lua } = this, { api } = lua;
    if (api.lua_checkstack(L, 3) === 0) {
      throw new LuaError(
        "stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)",
      );
    }
    const marker = this.#unsigned(1);
    if (marker < 0x80) return api.lua_pushnumber(L, marker);
    if (marker >= 0xe0) return api.lua_pushnumber(L, marker - 256);
    if (marker < 0x90) return this.#map(L, marker & 15);
    if (marker < 0xa0) return this.#array(L, marker & 15);
    if (marker < 0xc0) return this.#string(L, marker & 31);
    this.#marked(L, marker);
  }

  #marked(L: State, marker: number): void {
    const { api } = this.lua;
    switch (marker) {
      case 0xc0:
        return api.lua_pushnil(L);
      case 0xc2:
      case 0xc3:
        return api.lua_pushboolean(L, marker & 1);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#string(L, this.#unsigned(1 << (marker - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(L, this.#unsigned(2 << (marker - 0xdc)));
      case 0xde:
      case 0xdf:
        return this.#map(L, this.#unsigned(2 << (marker - 0xde)));
      default:
        return api.lua_pushnumber(L, this.#number(marker));
    }
  }

  #number(marker: number): number {
    switch (marker) {
      case 0xca:
        return this.#view(4).getFloat32(0);
      case 0xcb:
        return this.#view(8).getFloat64(0);
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#unsigned(1 << (marker - 0xcc));
      case 0xd0:
        return this.#view(1).getInt8(0);
      case 0xd1:
        return this.#view(2).getInt16(0);
      case 0xd2:
        return this.#view(4).getInt32(0);
      // Redis treats an unsigned number as a signed one, too.
      case 0xcf:
      case 0xd3:
        return Number(this.#view(8).getBigInt64(0));
      default:
        throw new LuaError("Bad data format in input.");
    }
  }

  #string(L: State, size: number): void {
    const at = this.#take(size);
    this.lua.pushString(L, this.data.slice(at, at + size));
  }

  #array(L: State, count: number): void {
    const { api } = this.lua;
    api.lua_createtable(L, 0, 0);
    for (let i = 1; i <= count; i++) {
      this.value(L);
      api.lua_rawseti(L, -2, i);
    }
  }

  #map(L: State, count: number): void {
    const { lua } = this, { api } = lua;
    api.lua_createtable(L, 0, 0);
    for (let i = 0; i < count; i++) {
      this.value(L);
      if (lua.type(L, -1) === LuaType.Nil) throw new LuaError("table index is nil", false);
      this.value(L);
      api.lua_rawset(L, -3);
    }
  }
}

function unpack(lua: Lua, L: State, limit: number, offset: number): number {
  const { api } = lua, data = lua.checkText(L, 1);
  if (offset < 0 || limit < 0) {
    throw new LuaError(
      `Invalid request to unpack with offset of ${offset} and limit of ${data.length}.`,
    );
  }
  if (offset > data.length) {
    throw new LuaError(`Start offset ${offset} greater than input length ${data.length}.`);
  }
  const isWhole = limit === 0 && offset === 0, most = isWhole ? Infinity : limit;
  api.lua_settop(L, 1);
  const unpacker = new Unpacker(lua, data, offset);
  let count = 0;
  for (; unpacker.left > 0 && count < most; count++) unpacker.value(L);
  if (isWhole) return count;
  // Below the values: the position to continue from, or -1 at the end.
  api.lua_pushnumber(L, unpacker.left === 0 ? -1 : unpacker.at);
  api.lua_insert(L, 2);
  return count + 1;
}

function pushPacked(lua: Lua, L: State, packer: Packer): number {
  const { api } = lua, count = api.lua_gettop(L);
  if (count === 0) lua.argumentError(L, 0, "MessagePack pack needs input.");
  if (api.lua_checkstack(L, 4) === 0) throw new LuaError("stack overflow (in cmsgpack.pack)");
  let text = "";
  for (let i = 1; i <= count; i++) {
    api.lua_pushvalue(L, i);
    text += packer.value(L, 0);
    api.lua_settop(L, -2);
  }
  lua.pushString(L, text);
  return 1;
}

/** Pushes the table `cmsgpack`. */
export function pushMessagePackLibrary(lua: Lua, L: State): void {
  const { api } = lua, packer = new Packer(lua);
  const optional = (L: State, index: number) =>
    lua.type(L, index) <= LuaType.Nil ? 0 : Math.trunc(api.luaL_checknumber(L, index));
  const functions: Record<string, LuaFunction> = {
    pack: (L) => pushPacked(lua, L, packer),
    unpack: (L) => unpack(lua, L, 0, 0),
    unpack_one: (L) => unpack(lua, L, 1, optional(L, 2)),
    unpack_limit: (L) => unpack(lua, L, Math.trunc(api.luaL_checknumber(L, 2)), optional(L, 3)),
  };
  api.lua_createtable(L, 0, 8);
  lua.setFunctions(L, functions);
  lua.setText(L, "_NAME", "cmsgpack");
  lua.setText(L, "_VERSION", "lua-cmsgpack 0.4.0");
  lua.setText(L, "_COPYRIGHT", "");
  lua.setText(L, "_DESCRIPTION", "MessagePack for Lua");
}
