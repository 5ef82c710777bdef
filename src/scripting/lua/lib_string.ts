/**
 * Integers beyond 32 bits for `string.format` and `tonumber`. In the Lua library, compiled for a
 * 32-bit machine, a C `long` has 32 bits, so that `string.format("%d", milliseconds)` or
 * `tonumber("ffffffffff", 16)` would be wrong. Its own functions still do the work, on arguments
 * within their range.
 */
import { toInt64, toUint64 } from "./c_casts.ts";
import { type Lua, type LuaFunction, LuaType } from "./lua.ts";
import type { State } from "./lua_library.ts";

/** A directive of a format: flags, width, precision and conversion; `%%` has none. */
const DIRECTIVE = /%(?:%|([-+ #0]*)(\d{0,2})(?:\.(\d{0,2}))?(.?))/gs;
/** Number of digits that `strtoul` fits into 32 bits in any base. */
const SHORT_DIGITS = 6;

interface Directive {
  flags: string;
  width: string;
  /** Undefined if absent. */
  precision: string | undefined;
  conversion: string;
}

function digitsOf(value: bigint, conversion: string): string {
  if (conversion === "o") return value.toString(8);
  if (conversion === "x") return value.toString(16);
  return conversion === "X" ? value.toString(16).toUpperCase() : value.toString();
}

/** The prefix added by `#`. */
function prefixOf(conversion: string, digits: string): string {
  if (conversion === "x" || conversion === "X") return `0${conversion}`;
  return conversion === "o" && !digits.startsWith("0") ? "0" : "";
}

/** A whole number as printf prints it with `%lld` and its relatives. */
function formatInteger(value: number, { flags, width, precision, conversion }: Directive): string {
  const isSigned = conversion === "d" || conversion === "i";
  const whole = isSigned ? toInt64(value) : toUint64(value);
  let digits = digitsOf(whole < 0n ? -whole : whole, conversion);
  if (precision !== undefined) digits = digits.padStart(Number(precision), "0");
  let sign = "";
  if (isSigned) sign = whole < 0n ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  else if (flags.includes("#") && whole !== 0n) sign = prefixOf(conversion, digits);
  const room = Number(width);
  if (flags.includes("-")) return (sign + digits).padEnd(room);
  if (flags.includes("0") && precision === undefined) digits = digits.padStart(room - sign.length, "0");
  return (sign + digits).padStart(room);
}

/**
 * Replaces whole numbers on the stack by their text, and their directives in the format by `%s`.
 */
function writeIntegers(lua: Lua, L: State): void {
  const { api } = lua, count = api.lua_gettop(L);
  let arg = 1;
  const format = lua.checkText(L, 1).replace(DIRECTIVE, (found, flags, width, precision, conversion) => {
    if (found === "%%") return found;
    arg++;
    if (arg > count || !/[dioux]/i.test(conversion) || api.lua_isnumber(L, arg) === 0) return found;
    lua.pushString(L, formatInteger(api.lua_tonumber(L, arg), { flags, width, precision, conversion }));
    api.lua_replace(L, arg);
    return "%s";
  });
  lua.pushString(L, format);
  api.lua_replace(L, 1);
}

/** True if a number among the arguments does not fit into 32 bits. */
function hasWideNumber({ api }: Lua, L: State): boolean {
  for (let i = api.lua_gettop(L); i > 1; i--) {
    if (api.lua_type(L, i) === LuaType.Nil || api.lua_isnumber(L, i) === 0) continue;
    const value = api.lua_tonumber(L, i);
    if (!(value > -1 && value < 2 ** 31)) return true;
  }
  return false;
}

/** `string.format` around the library's own. */
export function stringFormat(lua: Lua, format: LuaFunction): LuaFunction {
  return (L) => {
    if (hasWideNumber(lua, L)) writeIntegers(lua, L);
    return format(L);
  };
}

/** The result of `strtoul` for a text in a base; undefined if it is not a number. */
function parseInBase(text: string, base: number): number | undefined {
  const prefix = base === 16 ? "(?:0[xX])?" : "";
  const parts = new RegExp(`^\\s*([-+]?)${prefix}([0-9a-zA-Z]+)\\s*$`).exec(text);
  if (parts === null) return undefined;
  const [, sign, digits = ""] = parts;
  let value = 0n;
  for (const char of digits) {
    const digit = parseInt(char, 36);
    if (digit >= base) return undefined;
    value = value * BigInt(base) + BigInt(digit);
  }
  if (value >= 2n ** 64n) return 2 ** 64;
  return Number(sign === "-" ? BigInt.asUintN(64, -value) : value);
}

/** A prefix that the library's `strtoul` takes for 0, though no digit follows. */
const BARE_PREFIX = /^\s*[-+]?0x\s*$/i;

/** True if `tonumber` is called without a base, or with 10. */
function isDecimal({ api }: Lua, L: State): boolean {
  return api.lua_gettop(L) < 2 || api.lua_type(L, 2) === LuaType.Nil || api.lua_tonumber(L, 2) === 10;
}

/** `tonumber` around the library's own. */
export function toNumber(lua: Lua, convert: LuaFunction): LuaFunction {
  const { api } = lua;
  return (L) => {
    if (lua.type(L, 1) === LuaType.String && BARE_PREFIX.test(lua.text(L, 1)!) && isDecimal(lua, L)) {
      api.lua_pushnil(L);
      return 1;
    }
    if (api.lua_gettop(L) < 2 || lua.type(L, 1) !== LuaType.String) return convert(L);
    const text = lua.text(L, 1)!, base = api.lua_tonumber(L, 2) | 0;
    const isWide = text.length > SHORT_DIGITS || /[-x]/i.test(text);
    if (!isWide || base === 10 || base < 2 || base > 36) return convert(L);
    const value = parseInBase(text, base);
    if (value === undefined) api.lua_pushnil(L);
    else api.lua_pushnumber(L, value);
    return 1;
  };
}
