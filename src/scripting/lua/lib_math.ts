/**
 * `math.random` and `math.randomseed` as in Redis: the generator of the C function `lrand48`, so
 * that a seed gives the same numbers everywhere. In addition, the functions for which the library's
 * C functions differ in the last place from those redis-server runs with; JavaScript's agree with
 * them.
 */
import type { ScriptHost } from "../script_host.ts";
import { type Lua, LuaError, type LuaFunction } from "./lua.ts";

const MULTIPLIER = 0x5deece66dn;
const INCREMENT = 0xbn;
const MASK_48 = (1n << 48n) - 1n;
/** The low 16 bits of a state set by a seed. */
const SEED_LOW = 0x330en;
const MAX = 2 ** 31 - 1;

/** The 48-bit linear congruential generator of POSIX's drand48 family. */
export class Rand48 {
  #state = 0x1234abcd330en;

  seed(seed: number): void {
    this.#state = (BigInt.asUintN(32, BigInt(seed)) << 16n) | SEED_LOW;
  }

  /** A whole number from 0 to 2^31 - 1. */
  next(): number {
    this.#state = (this.#state * MULTIPLIER + INCREMENT) & MASK_48;
    return Number(this.#state >> 17n);
  }
}

/** Functions of one number. */
const accurate = ["acos", "asin", "atan", "cos", "sin", "tan", "tanh"] as const;

function accurateFunctions({ api }: Lua, own: (name: string) => LuaFunction): Record<string, LuaFunction> {
  return Object.fromEntries(accurate.map((name): [string, LuaFunction] => {
    const ofLibrary = own(name);
    return [name, (L) => {
      const value = api.luaL_checknumber(L, 1);
      // NaN keeps its sign there, which shows; that of a sine of infinity depends on the machine.
      if (Number.isNaN(value) || (!Number.isFinite(value) && !name.startsWith("a"))) return ofLibrary(L);
      api.lua_pushnumber(L, Math[name](value));
      return 1;
    }];
  }));
}

/** The functions added to `math`. @param own the library's own function with a given name */
export function mathFunctions(
  lua: Lua,
  host: ScriptHost,
  own: (name: string) => LuaFunction,
): Record<string, LuaFunction> {
  const generator = new Rand48();
  const { api } = lua;
  const needRun = (name: string) => {
    if (host.current !== null) return;
    throw new LuaError(`${name} can only be called inside a script invocation`);
  };
  const ownLog10 = own("log10");
  return {
    ...accurateFunctions(lua, own),
    log10: (L) => {
      if (!(api.luaL_checknumber(L, 1) < 0)) return ownLog10(L);
      api.lua_pushnumber(L, NaN);
      return 1;
    },
    random: (L) => {
      needRun("math.random");
      const fraction = (generator.next() % MAX) / MAX;
      const count = api.lua_gettop(L);
      if (count > 2) throw new LuaError("wrong number of arguments");
      if (count === 0) {
        api.lua_pushnumber(L, fraction);
        return 1;
      }
      const low = count === 1 ? 1 : lua.checkInt(L, 1), high = lua.checkInt(L, count);
      if (low > high) lua.argumentError(L, count, "interval is empty");
      api.lua_pushnumber(L, Math.floor(fraction * (high - low + 1)) + low);
      return 1;
    },
    randomseed: (L) => {
      needRun("math.randomseed");
      generator.seed(lua.checkInt(L, 1));
      return 0;
    },
  };
}
