/**
 * `table.sort`. Numbers, or strings, in a table of more than a few are sorted here, in steps, by
 * the exact exchanges of the library's quicksort, whose time grows with the square of the elements
 * in the worst order. With a comparison function, the library sorts, and that function's
 * instructions are counted.
 */
import { type LongCall, type LongFunction, type Lua, LuaError, LuaType } from "./lua.ts";
import type { State } from "./lua_library.ts";
import { LongRequest } from "./wasm_glue.ts";

/** Comparisons between two checks of the clock. */
const STEPS = 50_000;
/** A table with fewer elements is sorted in no noticeable time. */
const FEW = 100;
/** Up to this many bytes of text are copied for sorting; beyond, the library sorts in place. */
const MOST_TEXT = 64 << 20;
/** A comparison of texts longer than this counts as several. */
const TEXT_PER_STEP = 64;

type Elements = number[] | string[];

/** Makes `table.sort`. */
export function sort(lua: Lua): LongFunction {
  return (L) => {
    if (lua.type(L, 1) !== LuaType.Table || lua.type(L, 2) > LuaType.Nil) return LongRequest.Original;
    const count = lua.api.lua_objlen(L, 1);
    const elements = count <= FEW ? undefined : elementsOf(lua, L, count);
    return elements === undefined ? LongRequest.Original : new Sorting(lua, elements);
  };
}

/** The elements of a table, if all are numbers or all are strings. */
function elementsOf(lua: Lua, L: State, count: number): Elements | undefined {
  const { api } = lua, numbers: number[] = [], strings: string[] = [];
  let text = 0;
  for (let i = 1; i <= count; i++) {
    api.lua_rawgeti(L, 1, i);
    const type = lua.type(L, -1);
    if (type === LuaType.Number) numbers.push(api.lua_tonumber(L, -1));
    else if (type === LuaType.String && (text += api.lua_objlen(L, -1)) <= MOST_TEXT) {
      strings.push(lua.text(L, -1)!);
    }
    api.lua_settop(L, -2);
    if (numbers.length !== i && strings.length !== i) return undefined;
  }
  return numbers.length === count ? numbers : strings;
}

class Sorting implements LongCall {
  readonly #steps: Iterator<void, void>;

  constructor(readonly lua: Lua, readonly elements: Elements) {
    this.#steps = quicksort(elements);
  }

  run(L: State): number {
    const { lua, elements } = this, { api } = lua;
    if (!this.#steps.next().done) return LongRequest.Pause;
    for (const [i, element] of elements.entries()) {
      if (typeof element === "number") api.lua_pushnumber(L, element);
      else lua.pushString(L, element);
      api.lua_rawseti(L, 1, i + 1);
    }
    return 0;
  }
}

/** Sorts as Lua 5.1 does: recursion for the smaller part, iteration for the larger. */
function* quicksort(a: Elements): Generator<void, void, void> {
  const exchange = (i: number, j: number) => {
    const kept = a[i]!;
    a[i] = a[j]!;
    a[j] = kept;
  };
  const text = a.reduce((sum: number, one) => sum + (typeof one === "string" ? one.length : 0), 0);
  const weight = 1 + text / a.length / TEXT_PER_STEP;
  const parts: [number, number][] = [[0, a.length - 1]];
  let steps = STEPS;
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    let [low, high] = part;
    while (low < high) {
      if (a[high]! < a[low]!) exchange(low, high);
      if (high - low === 1) break;
      const middle = (low + high) >>> 1;
      if (a[middle]! < a[low]!) exchange(middle, low);
      else if (a[high]! < a[middle]!) exchange(middle, high);
      if (high - low === 2) break;
      const pivot = a[middle]!;
      exchange(middle, high - 1);
      let i = low, j = high - 1;
      for (;;) {
        while (a[++i]! < pivot) if (i > high) throw new LuaError("invalid order function for sorting");
        while (pivot < a[--j]!) if (j < low) throw new LuaError("invalid order function for sorting");
        if (j < i) break;
        exchange(i, j);
      }
      exchange(high - 1, i);
      steps -= (high - low) * weight;
      if (i - low < high - i) {
        parts.push([i + 1, high]);
        high = i - 1;
      } else {
        parts.push([low, i - 1]);
        low = i + 1;
      }
      if (steps > 0) continue;
      yield;
      steps = STEPS;
    }
  }
}
