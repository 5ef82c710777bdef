/** Mike Pall's library `bit`: operations on 32-bit integers, with signed results. */
import type { Lua, LuaFunction } from "./lua.ts";
import type { State } from "./lua_library.ts";

function rotate(value: number, by: number): number {
  return (value << (by & 31)) | (value >>> ((32 - by) & 31));
}

function swapBytes(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

/** `bit.tohex`: the given number of lower hexadecimal digits, in capitals if negative. */
function hex(value: number, digits: number): string {
  const count = Math.min(8, Math.abs(digits));
  if (count === 0) return "";
  const text = (value >>> 0).toString(16).padStart(8, "0").slice(-count);
  return digits < 0 ? text.toUpperCase() : text;
}

const double = new Float64Array(1), words = new Int32Array(double.buffer);
/**
 * 2^52 + 2^51: added to a double, it leaves the whole number in its lower word, rounded to even.
 */
const BIAS = 2 ** 52 + 2 ** 51;

/** A number as a 32-bit integer: modulo 2^32, as precise as its sum with the bias. */
function toBits(value: number): number {
  double[0] = value + BIAS;
  return words[0]!;
}

/** The functions of the library. */
export function bitFunctions(lua: Lua): Record<string, LuaFunction> {
  const { api } = lua;
  const argument = (L: State, index: number) => toBits(api.luaL_checknumber(L, index));
  const result = (L: State, value: number) => {
    api.lua_pushnumber(L, value | 0);
    return 1;
  };
  const unary = (operation: (value: number) => number): LuaFunction => (L) =>
    result(L, operation(argument(L, 1)));
  const shift = (operation: (value: number, by: number) => number): LuaFunction => (L) =>
    result(L, operation(argument(L, 1), argument(L, 2) & 31));
  const folded = (operation: (a: number, b: number) => number): LuaFunction => (L) => {
    let value = argument(L, 1);
    for (let i = api.lua_gettop(L); i > 1; i--) value = operation(value, argument(L, i));
    return result(L, value);
  };
  return {
    tobit: unary((value) => value),
    bnot: unary((value) => ~value),
    bswap: unary(swapBytes),
    band: folded((a, b) => a & b),
    bor: folded((a, b) => a | b),
    bxor: folded((a, b) => a ^ b),
    lshift: shift((value, by) => value << by),
    rshift: shift((value, by) => value >>> by),
    arshift: shift((value, by) => value >> by),
    rol: shift(rotate),
    ror: shift((value, by) => rotate(value, -by)),
    tohex: (L) => {
      const value = argument(L, 1);
      const digits = api.lua_gettop(L) > 1 ? argument(L, 2) : 8;
      lua.pushString(L, hex(value, digits));
      return 1;
    },
  };
}
