/**
 * Replies of commands as Lua values, as `redis.call` returns them: integers are numbers, bulk
 * strings are strings, arrays are tables, a simple string is `{ok = …}`, an error `{err = …}`, a
 * missing value `false` (`nil` in RESP3). RESP3 adds `{double = …}`, `{big_number = …}`,
 * `{verbatim_string = {format = …, string = …}}`, `{map = …}`, `{set = {member = true}}` and true
 * booleans.
 */
import { latin1 } from "../../util/bytes.ts";
import { parseDouble } from "../../util/numbers.ts";
import { type Lua, LuaError } from "./lua.ts";
import type { State } from "./lua_library.ts";
import { upToNul } from "./lua_to_reply.ts";

const LF = 0x0a, MINUS = 0x2d;

/**
 * The `err` field for an error reply without its leading `-`: it starts with a code, `ERR` if there
 * is none.
 */
export function errorText(reply: string): string {
  const text = upToNul(reply), space = text.indexOf(" ");
  const code = space < 0 ? "ERR" : text.slice(0, space);
  return `${code} ${text.slice(space + 1).replace(/^[\r\n]+|[\r\n]+$/g, "")}`;
}

/** Pushes `{err = text}`. @param isCounted true if the statistics have already counted it */
export function pushErrorTable(lua: Lua, L: State, text: string, isCounted: boolean): void {
  lua.api.lua_createtable(L, 0, isCounted ? 2 : 1);
  lua.setText(L, "err", text);
  if (isCounted) lua.setBoolean(L, "ignore_error_stats_update", true);
}

/** See the head of this file. */
export class ReplyToLua {
  #buf: Uint8Array = new Uint8Array(0);
  #at = 0;
  #L: State = 0;

  constructor(readonly lua: Lua) {}

  /** Pushes the reply that begins at `start`. */
  push(L: State, buf: Uint8Array, start: number): void {
    this.#L = L;
    this.#buf = buf;
    this.#at = start;
    this.#value();
  }

  #value(): void {
    const { api } = this.lua, L = this.#L;
    if (api.lua_checkstack(L, 5) === 0) throw new LuaError("reached lua stack limit", false);
    switch (this.#buf[this.#at++]!) {
      case 0x3a: // :
        return api.lua_pushnumber(L, this.#integer());
      case 0x24: // $
        return this.#bulk();
      case 0x2b: // +
        api.lua_createtable(L, 0, 1);
        return this.lua.setText(L, "ok", this.#line());
      case MINUS:
        return pushErrorTable(this.lua, L, errorText(this.#line()), true);
      case 0x2a: // *
        return this.#array();
      case 0x3e: // >
        return this.#array();
      default:
        this.#at--;
        return this.#resp3();
    }
  }

  #resp3(): void {
    const { lua } = this, { api } = lua, L = this.#L;
    switch (this.#buf[this.#at++]!) {
      case 0x5f: // _
        this.#line();
        return api.lua_pushnil(L);
      case 0x23: // #
        return api.lua_pushboolean(L, this.#line() === "t" ? 1 : 0);
      case 0x2c: // ,
        api.lua_createtable(L, 0, 1);
        return lua.setNumber(L, "double", parseDouble(this.#line()) ?? NaN);
      case 0x28: // (
        api.lua_createtable(L, 0, 1);
        return lua.setText(L, "big_number", this.#line());
      case 0x3d: // =
        return this.#verbatim();
      case 0x25: // %
        return this.#map();
      case 0x7e: // ~
        return this.#set();
      default: // |: attributes precede the reply itself, and scripts see only the reply
        for (let left = this.#integer() * 2; left > 0; left--) {
          this.#value();
          api.lua_settop(L, -2);
        }
        return this.#value();
    }
  }

  #integer(): number {
    const buf = this.#buf;
    let at = this.#at, value = 0;
    const isNegative = buf[at] === MINUS;
    if (isNegative) at++;
    for (let byte = buf[at]!; byte >= 0x30; byte = buf[++at]!) value = value * 10 + byte - 0x30;
    // Beyond 2^53 each step has rounded; the nearest double is required.
    if (value > Number.MAX_SAFE_INTEGER) return Number(this.#line());
    this.#at = at + 2;
    return isNegative ? -value : value;
  }

  #line(): string {
    const start = this.#at, end = this.#buf.indexOf(LF, start) - 1;
    this.#at = end + 2;
    return latin1(this.#buf, start, end);
  }

  #bulk(): void {
    const size = this.#integer(), start = this.#at;
    if (size < 0) return this.lua.api.lua_pushboolean(this.#L, 0);
    this.#at = start + size + 2;
    this.lua.pushBytes(this.#L, this.#buf, start, start + size);
  }

  #array(): void {
    const { api } = this.lua, L = this.#L, count = this.#integer();
    if (count < 0) return api.lua_pushboolean(L, 0);
    api.lua_createtable(L, count, 0);
    for (let i = 1; i <= count; i++) {
      this.#value();
      api.lua_rawseti(L, -2, i);
    }
  }

  #verbatim(): void {
    const { lua } = this, L = this.#L, size = this.#integer(), start = this.#at;
    this.#at = start + size + 2;
    lua.api.lua_createtable(L, 0, 1);
    lua.api.lua_createtable(L, 0, 2);
    lua.setText(L, "format", latin1(this.#buf, start, start + 3));
    lua.setText(L, "string", latin1(this.#buf, start + 4, start + size));
    lua.api.lua_setfield(L, -2, lua.name("verbatim_string"));
  }

  #map(): void {
    const { lua } = this, { api } = lua, L = this.#L, pairs = this.#integer();
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, pairs);
    for (let i = 0; i < pairs; i++) {
      this.#value();
      this.#value();
      api.lua_rawset(L, -3);
    }
    api.lua_setfield(L, -2, lua.name("map"));
  }

  #set(): void {
    const { lua } = this, { api } = lua, L = this.#L, count = this.#integer();
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, count);
    for (let i = 0; i < count; i++) {
      this.#value();
      api.lua_pushboolean(L, 1);
      api.lua_rawset(L, -3);
    }
    api.lua_setfield(L, -2, lua.name("set"));
  }
}
