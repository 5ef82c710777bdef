/**
 * The library `cjson` 2.1: JSON to Lua values and back. Null is `cjson.null`, a light userdata; a
 * table whose keys are all positive whole numbers is an array, any other (including the empty one)
 * an object.
 */
import { type Lua, LuaError, type LuaFunction, LuaType, TYPE_NAMES } from "./lua.ts";
import type { State } from "./lua_library.ts";

/** The settings made by `cjson.encode_…` and `decode_…`. */
interface Settings {
  sparseConvert: boolean;
  sparseRatio: number;
  sparseSafe: number;
  encodeMaxDepth: number;
  decodeMaxDepth: number;
  /** NaN and infinities: refused, written, or written as null. */
  encodeInvalidNumbers: "off" | "on" | "null";
  decodeInvalidNumbers: boolean;
  keepBuffer: boolean;
  precision: number;
}

function usualSettings(): Settings {
  return {
    sparseConvert: false,
    sparseRatio: 2,
    sparseSafe: 10,
    encodeMaxDepth: 1000,
    decodeMaxDepth: 1000,
    encodeInvalidNumbers: "off",
    decodeInvalidNumbers: true,
    keepBuffer: true,
    precision: 14,
  };
}

/** Decimal places within which doubles of medium size are exact. */
const MAX_DIGITS = 100;

/** A double in the format `printf("%.<precision>g")`. */
function formatGeneral(value: number, precision: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  if (Number.isInteger(value) && Math.abs(value) < 10 ** precision) return value.toString();
  const [mantissa = "", exponentText = ""] = roundedExponential(value, precision).split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= precision) {
    const digits = Math.abs(exponent).toString().padStart(2, "0");
    return `${trimFraction(mantissa)}e${exponent < 0 ? "-" : "+"}${digits}`;
  }
  return trimFraction(Number(`${mantissa}e${exponentText}`).toFixed(precision - 1 - exponent));
}

/**
 * `toExponential` with the given number of digits; a value midway between two is rounded to even,
 * as in C.
 */
function roundedExponential(value: number, precision: number): string {
  const exact = value.toExponential(MAX_DIGITS), up = value.toExponential(precision - 1);
  const point = exact.indexOf("."), behind = exact.slice(point + precision, exact.indexOf("e"));
  if (!/^50*$/.test(behind)) return up;
  const down = exact.slice(0, point + precision) + exact.slice(exact.indexOf("e"));
  const last = precision === 1 ? exact[point - 1]! : exact[point + precision - 1]!;
  return Number(last) % 2 === 0 ? down.replace(/\.(?=e)/, "") : up;
}

function trimFraction(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

// deno-lint-ignore no-control-regex -- JSON escapes control characters
const NEEDS_ESCAPE = /["\\/\x00-\x1f\x7f]/;
// deno-lint-ignore no-control-regex -- as above
const ESCAPED = /["\\/\x00-\x1f\x7f]/g;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "/": "\\/",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
};

function quoted(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return `"${text}"`;
  const escaped = text.replace(
    ESCAPED,
    (char) => SHORT_ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}

class Encoder {
  constructor(readonly lua: Lua, readonly settings: Settings) {}

  /** The value on top of the stack. */
  value(L: State, depth: number): string {
    const { lua } = this, { api } = lua, type = lua.type(L, -1);
    switch (type) {
      case LuaType.String:
        return quoted(lua.text(L, -1)!);
      case LuaType.Number:
        return this.#number(api.lua_tonumber(L, -1));
      case LuaType.Boolean:
        return api.lua_toboolean(L, -1) !== 0 ? "true" : "false";
      case LuaType.Table:
        return this.#table(L, depth + 1);
      case LuaType.Nil:
        return "null";
      case LuaType.LightUserdata:
        if (api.lua_touserdata(L, -1) === 0) return "null";
    }
    throw this.#cannot(type, "type not supported");
  }

  #cannot(type: number, reason: string): LuaError {
    return new LuaError(`Cannot serialise ${TYPE_NAMES[type]}: ${reason}`);
  }

  #number(value: number): string {
    if (Number.isFinite(value)) return formatGeneral(value, this.settings.precision);
    switch (this.settings.encodeInvalidNumbers) {
      case "off":
        throw this.#cannot(LuaType.Number, "must not be NaN or Inf");
      case "on":
        return formatGeneral(value, this.settings.precision);
      case "null":
        return "null";
    }
  }

  #table(L: State, depth: number): string {
    const { lua, settings } = this;
    if (depth > settings.encodeMaxDepth || lua.api.lua_checkstack(L, 3) === 0) {
      throw new LuaError(`Cannot serialise, excessive nesting (${depth})`);
    }
    const length = this.#arrayLength(L);
    return length > 0 ? this.#array(L, length, depth) : this.#object(L, depth);
  }

  /** The length of the array on top of the stack, or -1 if it is not an array. */
  #arrayLength(L: State): number {
    const { lua, settings } = this, { api } = lua;
    let largest = 0, count = 0;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      const key = lua.type(L, -2) === LuaType.Number ? api.lua_tonumber(L, -2) : 0;
      if (key < 1 || !Number.isInteger(key)) {
        api.lua_settop(L, -3);
        return -1;
      }
      largest = Math.max(largest, key);
      count++;
      api.lua_settop(L, -2);
    }
    const isSparse = settings.sparseRatio > 0 && largest > count * settings.sparseRatio &&
      largest > settings.sparseSafe;
    if (!isSparse) return largest;
    if (settings.sparseConvert) return -1;
    throw this.#cannot(LuaType.Table, "excessively sparse array");
  }

  #array(L: State, length: number, depth: number): string {
    const { api } = this.lua;
    let text = "[";
    for (let i = 1; i <= length; i++) {
      api.lua_rawgeti(L, -1, i);
      text += (i > 1 ? "," : "") + this.value(L, depth);
      api.lua_settop(L, -2);
    }
    return text + "]";
  }

  #object(L: State, depth: number): string {
    const { api } = this.lua;
    let text = "{", separator = "";
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      text += `${separator}${this.#key(L)}:${this.value(L, depth)}`;
      separator = ",";
      api.lua_settop(L, -2);
    }
    return text + "}";
  }

  /** The key of the pair on top of the stack; the key itself must not be converted. */
  #key(L: State): string {
    const { lua } = this, type = lua.type(L, -2);
    if (type === LuaType.Number) return `"${this.#number(lua.api.lua_tonumber(L, -2))}"`;
    if (type === LuaType.String) return quoted(lua.text(L, -2)!);
    throw this.#cannot(type, "table key must be a number or string");
  }
}

/** A token of JSON text; its name is used in error texts. */
type Token =
  | "T_OBJ_BEGIN"
  | "T_OBJ_END"
  | "T_ARR_BEGIN"
  | "T_ARR_END"
  | "T_STRING"
  | "T_NUMBER"
  | "T_BOOLEAN"
  | "T_NULL"
  | "T_COLON"
  | "T_COMMA"
  | "T_END"
  | "T_ERROR";

const PUNCTUATION: Readonly<Record<string, Token>> = {
  "{": "T_OBJ_BEGIN",
  "}": "T_OBJ_END",
  "[": "T_ARR_BEGIN",
  "]": "T_ARR_END",
  ":": "T_COLON",
  ",": "T_COMMA",
};

const SPACE = /[ \t\n\r]*/y;
/** The numbers strtod accepts: more than JSON allows, unless `decode_invalid_numbers` is off. */
const NUMBER = /[-+]?(?:0x[\da-f]+|inf(?:inity)?|nan|\d+(?:\.\d*)?(?:e[-+]?\d+)?)/iy;
const STRICT_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[-+]?\d+)?$/i;
/** A string's characters up to its end or an escape. */
const PLAIN = /[^"\\\0]*/y;

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  "b": "\b",
  "t": "\t",
  "n": "\n",
  "f": "\f",
  "r": "\r",
};

/** A code point in UTF-8, as latin1 text. */
function utf8(code: number): string {
  if (code < 0x80) return String.fromCharCode(code);
  const last = 0x80 | (code & 0x3f);
  if (code < 0x800) return String.fromCharCode(0xc0 | (code >> 6), last);
  const third = 0x80 | ((code >> 6) & 0x3f);
  if (code < 0x10000) return String.fromCharCode(0xe0 | (code >> 12), third, last);
  return String.fromCharCode(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), third, last);
}

function strtod(text: string): number {
  const lower = text.toLowerCase();
  const sign = lower.startsWith("-") ? -1 : 1, digits = lower.replace(/^[-+]/, "");
  if (digits.startsWith("inf")) return sign * Infinity;
  return digits === "nan" ? NaN : sign * Number(digits);
}

class Decoder {
  #at = 0;
  /** Start of the last token; for errors, their position. */
  #start = 0;
  #string = "";
  #number = 0;
  #depth = 0;

  constructor(readonly lua: Lua, readonly settings: Settings, readonly text: string) {}

  /** Pushes the value in the text. */
  run(L: State): void {
    if (this.text.length >= 2 && (this.text[0] === "\0" || this.text[1] === "\0")) {
      throw new LuaError("JSON parser does not support UTF-16 or UTF-32");
    }
    this.#value(L, this.#next());
    const token = this.#next();
    if (token !== "T_END") throw this.#unexpected("the end", token);
  }

  #unexpected(expected: string, found: Token): LuaError {
    const shown = found === "T_ERROR" ? this.#string : found;
    return new LuaError(`Expected ${expected} but found ${shown} at character ${this.#start + 1}`);
  }

  #error(reason: string, at: number): Token {
    this.#string = reason;
    this.#start = at;
    return "T_ERROR";
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #next(): Token {
    const { text } = this;
    if (text.charCodeAt(this.#at) <= 0x20) this.#match(SPACE);
    const at = this.#at;
    this.#start = at;
    const char = text[at] ?? "\0";
    if (char === "\0") return "T_END";
    const mark = PUNCTUATION[char];
    if (mark !== undefined) {
      this.#at++;
      return mark;
    }
    if (char === '"') return this.#readString();
    for (
      const [word, token] of [["true", "T_BOOLEAN"], ["false", "T_BOOLEAN"], ["null", "T_NULL"]] as const
    ) {
      if (!text.startsWith(word, at)) continue;
      this.#at += word.length;
      this.#number = word === "true" ? 1 : 0;
      return token;
    }
    return this.#readNumber(char);
  }

  #readNumber(first: string): Token {
    const at = this.#at;
    const found = this.#match(NUMBER);
    if (found === "") return this.#error(/[-+]/.test(first) ? "invalid number" : "invalid token", at);
    if (!this.settings.decodeInvalidNumbers && !STRICT_NUMBER.test(found)) {
      return this.#error("invalid number", at);
    }
    this.#number = strtod(found);
    return "T_NUMBER";
  }

  #readString(): Token {
    const { text } = this, start = this.#at;
    this.#at++;
    let value = this.#match(PLAIN);
    while (text[this.#at] === "\\") {
      const part = this.#escape();
      if (part === null) {
        const isUnicode = text[this.#at + 1] === "u";
        return this.#error(isUnicode ? "invalid unicode escape code" : "invalid escape code", this.#at);
      }
      value += part + this.#match(PLAIN);
    }
    if (text[this.#at] !== '"') return this.#error("unexpected end of string", this.#at);
    this.#at++;
    this.#string = value;
    this.#start = start;
    return "T_STRING";
  }

  /** Reads an escape sequence; null, with nothing read, if it is invalid. */
  #escape(): string | null {
    const kind = this.text[this.#at + 1] ?? "";
    if (kind !== "u") {
      const char = ESCAPES[kind];
      if (char === undefined) return null;
      this.#at += 2;
      return char;
    }
    const unit = this.#hex4(this.#at + 2);
    if (unit < 0 || (unit & 0xfc00) === 0xdc00) return null;
    if ((unit & 0xfc00) !== 0xd800) {
      this.#at += 6;
      return utf8(unit);
    }
    const low = this.text.startsWith("\\u", this.#at + 6) ? this.#hex4(this.#at + 8) : -1;
    if (low < 0 || (low & 0xfc00) !== 0xdc00) return null;
    this.#at += 12;
    return utf8(0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff));
  }

  #hex4(at: number): number {
    const digits = this.text.slice(at, at + 4);
    return /^[\da-f]{4}$/i.test(digits) ? parseInt(digits, 16) : -1;
  }

  #value(L: State, token: Token): void {
    const { api } = this.lua;
    switch (token) {
      case "T_STRING":
        return this.lua.pushString(L, this.#string);
      case "T_NUMBER":
        return api.lua_pushnumber(L, this.#number);
      case "T_BOOLEAN":
        return api.lua_pushboolean(L, this.#number);
      case "T_OBJ_BEGIN":
        return this.#object(L);
      case "T_ARR_BEGIN":
        return this.#array(L);
      case "T_NULL":
        return api.lua_pushlightuserdata(L, 0);
      default:
        throw this.#unexpected("value", token);
    }
  }

  #descend(L: State): void {
    if (++this.#depth <= this.settings.decodeMaxDepth && this.lua.api.lua_checkstack(L, 3) !== 0) return;
    throw new LuaError(`Found too many nested data structures (${this.#depth}) at character ${this.#at}`);
  }

  #object(L: State): void {
    const { api } = this.lua;
    this.#descend(L);
    api.lua_createtable(L, 0, 0);
    let token = this.#next();
    if (token === "T_OBJ_END") {
      this.#depth--;
      return;
    }
    for (;;) {
      if (token !== "T_STRING") throw this.#unexpected("object key string", token);
      this.lua.pushString(L, this.#string);
      token = this.#next();
      if (token !== "T_COLON") throw this.#unexpected("colon", token);
      this.#value(L, this.#next());
      api.lua_rawset(L, -3);
      token = this.#next();
      if (token === "T_OBJ_END") break;
      if (token !== "T_COMMA") throw this.#unexpected("comma or object end", token);
      token = this.#next();
    }
    this.#depth--;
  }

  #array(L: State): void {
    const { api } = this.lua;
    this.#descend(L);
    api.lua_createtable(L, 0, 0);
    let token = this.#next();
    if (token === "T_ARR_END") {
      this.#depth--;
      return;
    }
    for (let i = 1;; i++) {
      this.#value(L, token);
      api.lua_rawseti(L, -2, i);
      token = this.#next();
      if (token === "T_ARR_END") break;
      if (token !== "T_COMMA") throw this.#unexpected("comma or array end", token);
      token = this.#next();
    }
    this.#depth--;
  }
}

/** Reads the arguments of the functions that change a setting, and pushes its present value. */
class SettingArguments {
  constructor(readonly lua: Lua) {}

  isGiven(L: State, index: number): boolean {
    return this.lua.type(L, index) > LuaType.Nil;
  }

  /** One of `names`; false and true are the first two. */
  choice(L: State, index: number, names: readonly string[]): string {
    const { lua } = this;
    if (lua.type(L, index) === LuaType.Boolean) return names[lua.api.lua_toboolean(L, index)]!;
    const name = lua.checkText(L, index);
    if (!names.includes(name)) lua.argumentError(L, index, `invalid option '${name}'`);
    return name;
  }

  /** On or off; `value` if absent. */
  flag(L: State, index: number, value: boolean): boolean {
    return this.isGiven(L, index) ? this.choice(L, index, ["off", "on"]) === "on" : value;
  }

  /** A whole number from `min` to `max`; `value` if absent. */
  whole(L: State, index: number, value: number, min: number, max: number): number {
    if (!this.isGiven(L, index)) return value;
    const given = this.lua.checkInt(L, index);
    if (given < min || given > max) {
      this.lua.argumentError(L, index, `expected integer between ${min} and ${max}`);
    }
    return given;
  }

  atMost(L: State, count: number): void {
    if (this.lua.api.lua_gettop(L) > count) {
      this.lua.argumentError(L, count + 1, "found too many arguments");
    }
  }

  /** Pushes a number; returns the number of values pushed. */
  number(L: State, value: number): number {
    this.lua.api.lua_pushnumber(L, value);
    return 1;
  }

  /** As {@linkcode SettingArguments.number}. */
  boolean(L: State, value: boolean): number {
    this.lua.api.lua_pushboolean(L, value ? 1 : 0);
    return 1;
  }
}

/** The largest value of a setting. */
const INT_MAX = 2 ** 31 - 1;

/** Functions that read and change settings. */
function settingFunctions(lua: Lua, settings: Settings): Record<string, LuaFunction> {
  const args = new SettingArguments(lua);
  return {
    encode_sparse_array: (L) => {
      args.atMost(L, 3);
      settings.sparseConvert = args.flag(L, 1, settings.sparseConvert);
      settings.sparseRatio = args.whole(L, 2, settings.sparseRatio, 0, INT_MAX);
      settings.sparseSafe = args.whole(L, 3, settings.sparseSafe, 0, INT_MAX);
      args.boolean(L, settings.sparseConvert);
      args.number(L, settings.sparseRatio);
      args.number(L, settings.sparseSafe);
      return 3;
    },
    encode_max_depth: (L) => {
      args.atMost(L, 1);
      return args.number(L, settings.encodeMaxDepth = args.whole(L, 1, settings.encodeMaxDepth, 1, INT_MAX));
    },
    decode_max_depth: (L) => {
      args.atMost(L, 1);
      return args.number(L, settings.decodeMaxDepth = args.whole(L, 1, settings.decodeMaxDepth, 1, INT_MAX));
    },
    encode_number_precision: (L) => {
      args.atMost(L, 1);
      return args.number(L, settings.precision = args.whole(L, 1, settings.precision, 1, 14));
    },
    encode_keep_buffer: (L) => {
      args.atMost(L, 1);
      return args.boolean(L, settings.keepBuffer = args.flag(L, 1, settings.keepBuffer));
    },
    encode_invalid_numbers: (L) => {
      args.atMost(L, 1);
      if (args.isGiven(L, 1)) {
        const chosen = args.choice(L, 1, ["off", "on", "null"]);
        settings.encodeInvalidNumbers = chosen === "on" || chosen === "null" ? chosen : "off";
      }
      const { encodeInvalidNumbers } = settings;
      if (encodeInvalidNumbers !== "null") return args.boolean(L, encodeInvalidNumbers === "on");
      lua.pushString(L, "null");
      return 1;
    },
    decode_invalid_numbers: (L) => {
      args.atMost(L, 1);
      return args.boolean(L, settings.decodeInvalidNumbers = args.flag(L, 1, settings.decodeInvalidNumbers));
    },
  };
}

/** Pushes the table `cjson`, with settings of its own. */
export function pushJsonLibrary(lua: Lua, L: State): void {
  const { api } = lua, settings = usualSettings();
  const encoder = new Encoder(lua, settings);
  api.lua_createtable(L, 0, 16);
  lua.setFunctions(L, {
    encode: (L) => {
      if (api.lua_gettop(L) !== 1) lua.argumentError(L, 1, "expected 1 argument");
      lua.pushString(L, encoder.value(L, 0));
      return 1;
    },
    decode: (L) => {
      if (api.lua_gettop(L) !== 1) lua.argumentError(L, 1, "expected 1 argument");
      new Decoder(lua, settings, lua.checkText(L, 1)).run(L);
      return 1;
    },
    new: (L) => {
      pushJsonLibrary(lua, L);
      return 1;
    },
    ...settingFunctions(lua, settings),
  });
  api.lua_pushlightuserdata(L, 0);
  api.lua_setfield(L, -2, lua.name("null"));
  lua.setText(L, "_NAME", "cjson");
  lua.setText(L, "_VERSION", "2.1.0");
}
