/**
 * A script's result as a reply: a number becomes an integer (its fraction cut off), a string a bulk
 * string, a table an array up to its first nil, `true` 1 and `false` or nil a missing value; tables
 * with a field `ok`, `err`, `double`, `big_number`, `verbatim_string`, `map` or `set` become that
 * kind of reply.
 */
import { LUA_STACK_LIMIT, ReplyError } from "../../protocol/errors.ts";
import type { ReplyWriter } from "../../protocol/reply_writer.ts";
import { formatDouble } from "../../util/numbers.ts";
import type { ScriptError } from "../script_host.ts";
import { toInt64 } from "./c_casts.ts";
import { type Lua, LuaType } from "./lua.ts";
import type { State } from "./lua_library.ts";

/** A double cast to a signed 64-bit integer as in C. */
function toInteger(value: number): number | bigint {
  const whole = Math.trunc(value);
  if (Number.isSafeInteger(whole)) return whole === 0 ? 0 : whole;
  return toInt64(whole);
}

function oneLine(text: string): string {
  return upToNul(text).replace(/[\r\n]/g, " ");
}

/** Errors and statuses end at a NUL, like C strings. */
export function upToNul(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/** The `err` table on top of the stack; undefined if it has none. */
export function returnedError(lua: Lua, L: State): ScriptError | undefined {
  const text = textField(lua, L, "err");
  if (text === undefined) return undefined;
  field(lua, L, "ignore_error_stats_update");
  const isCounted = lua.api.lua_toboolean(L, -1) !== 0;
  lua.api.lua_settop(L, -2);
  return { text: upToNul(text), isCounted };
}

/** Pushes a field of the table on top of the stack, without metamethods. */
function field(lua: Lua, L: State, name: string): number {
  lua.pushString(L, name);
  lua.api.lua_rawget(L, -2);
  return lua.type(L, -1);
}

/** A text field of the table on top of the stack. */
export function textField(lua: Lua, L: State, name: string): string | undefined {
  const text = field(lua, L, name) === LuaType.String ? lua.text(L, -1) : undefined;
  lua.api.lua_settop(L, -2);
  return text;
}

/** Tables nested deeper, such as those that contain themselves, are answered with an error. */
const MAX_DEPTH = 1000;

/** See the head of this file. */
export class LuaToReply {
  #depth = 0;
  /** Called with each error in a script's result, to count it. */
  onError: (error: ScriptError) => void = () => {};

  constructor(readonly lua: Lua) {}

  /**
   * Pops the value on top of the stack and writes it. @param booleans true if the script speaks
   * RESP3
   */
  write(L: State, reply: ReplyWriter, booleans: boolean): void {
    const { lua } = this, { api } = lua;
    if (this.#depth > MAX_DEPTH || api.lua_checkstack(L, 6) === 0) {
      reply.error(LUA_STACK_LIMIT);
    } else {
      switch (lua.type(L, -1)) {
        case LuaType.String:
          this.#string(L, reply);
          break;
        case LuaType.Number:
          reply.integer(toInteger(api.lua_tonumber(L, -1)));
          break;
        case LuaType.Boolean:
          this.#boolean(api.lua_toboolean(L, -1) !== 0, reply, booleans);
          break;
        case LuaType.Table:
          this.#depth++;
          this.#table(L, reply, booleans);
          this.#depth--;
          break;
        default:
          reply.null();
      }
    }
    api.lua_settop(L, -2);
  }

  #string(L: State, reply: ReplyWriter): void {
    const pointer = this.lua.pointerTo(L, -1);
    reply.bulkBytes(this.lua.bytes, pointer, pointer + this.lua.locatedSize);
  }

  #boolean(value: boolean, reply: ReplyWriter, booleans: boolean): void {
    if (booleans) reply.bool(value);
    else if (value) reply.integer(1);
    else reply.null();
  }

  #table(L: State, reply: ReplyWriter, booleans: boolean): void {
    const { lua } = this;
    const error = returnedError(lua, L);
    if (error !== undefined) {
      this.onError(error);
      return reply.error(new ReplyError(error.text.replace(/[\r\n]+$/, "")));
    }
    const ok = textField(lua, L, "ok");
    if (ok !== undefined) return reply.simple(oneLine(ok));
    if (this.#scalar(L, reply) || this.#aggregate(L, reply, booleans)) return;
    this.#array(L, reply, booleans);
  }

  #scalar(L: State, reply: ReplyWriter): boolean {
    const { lua } = this, { api } = lua;
    if (field(lua, L, "double") === LuaType.Number) {
      reply.double(formatDouble(api.lua_tonumber(L, -1)));
      api.lua_settop(L, -2);
      return true;
    }
    api.lua_settop(L, -2);
    const big = textField(lua, L, "big_number");
    if (big !== undefined) {
      reply.bigNumberText(oneLine(big));
      return true;
    }
    return this.#verbatim(L, reply);
  }

  #verbatim(L: State, reply: ReplyWriter): boolean {
    const { lua } = this;
    let format: string | undefined, text: string | undefined;
    if (field(lua, L, "verbatim_string") === LuaType.Table) {
      format = textField(lua, L, "format");
      text = textField(lua, L, "string");
    }
    lua.api.lua_settop(L, -2);
    if (format === undefined || text === undefined) return false;
    reply.verbatim(format.slice(0, 3).padEnd(3), text);
    return true;
  }

  #aggregate(L: State, reply: ReplyWriter, booleans: boolean): boolean {
    const { lua } = this, { api } = lua;
    for (const kind of ["map", "set"] as const) {
      if (field(lua, L, kind) === LuaType.Table) {
        this.#entries(L, reply, booleans, kind);
        api.lua_settop(L, -2);
        return true;
      }
      api.lua_settop(L, -2);
    }
    return false;
  }

  /** The keys of the table on top of the stack and, for a map, its values. */
  #entries(L: State, reply: ReplyWriter, booleans: boolean, kind: "map" | "set"): void {
    const { api } = this.lua;
    const from = reply.length;
    let count = 0;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      if (kind === "set") api.lua_settop(L, -2);
      api.lua_pushvalue(L, kind === "set" ? -1 : -2);
      this.write(L, reply, booleans);
      if (kind === "map") this.write(L, reply, booleans);
      count++;
    }
    if (kind === "map") reply.mapBefore(from, count);
    else reply.setBefore(from, count);
  }

  #array(L: State, reply: ReplyWriter, booleans: boolean): void {
    const { api } = this.lua;
    const from = reply.length;
    let count = 0;
    for (;;) {
      api.lua_rawgeti(L, -1, count + 1);
      if (this.lua.type(L, -1) === LuaType.Nil) break;
      this.write(L, reply, booleans);
      count++;
    }
    api.lua_settop(L, -2);
    reply.arrayBefore(from, count);
  }
}
