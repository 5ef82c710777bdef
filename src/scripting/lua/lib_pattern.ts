/**
 * `string.find`, `match`, `gmatch` and `gsub` of Lua 5.1, on a matcher that can be interrupted in
 * the middle: a script in an endless match can be suspended, and killed, like one in an endless
 * loop.
 */
import { allocateBytes, copyBytes } from "../../util/bytes.ts";
import { GLOBALS, type LongCall, type LongFunction, type Lua, LuaError, type LuaFunction } from "./lua.ts";
import { LuaType, NOT_ENOUGH_MEMORY, TYPE_NAMES } from "./lua.ts";
import { memoryLimit, type Pointer, type State } from "./lua_library.ts";
import { CaptureLength, MatchResult, PatternMatcher } from "./pattern_matcher.ts";
import { LongRequest } from "./wasm_glue.ts";

/** Steps between two checks of the clock: about a millisecond. */
const STEPS = 100_000;
const CARET = 0x5e, PERCENT = 0x25, NUL = 0, ZERO = 0x30, NINE = 0x39;
/** Characters that make a text a pattern. */
const isSpecial = Uint8Array.from(
  { length: 256 },
  (_, code) => "^$*+?.([%-".includes(String.fromCharCode(code)) ? 1 : 0,
);

/**
 * So many steps the library's own functions may take, which cannot be left in the middle: about a
 * millisecond. Tests lower it.
 */
export const ownFunctions = { mostSteps: 1 << 17 };
/** The library's functions call themselves for items of a pattern. */
const LONGEST_OWN_PATTERN = 100;
const marks = (characters: string) =>
  Uint8Array.from({ length: 256 }, (_, code) => characters.includes(String.fromCharCode(code)) ? 1 : 0);
/** Characters that repeat an item, wherever they stand, and those that do behind a percent sign. */
const isRepetition = marks("*+-?"), isLongEscape = marks("b0123456789");

/** A number cast to a 64-bit integer as in C, as exact as a double is. */
function whole(value: number): number {
  return value >= -(2 ** 63) && value < 2 ** 63 ? Math.trunc(value) : -(2 ** 63);
}

/** The location of a text. */
interface Place {
  readonly at: Pointer;
  readonly size: number;
}

/** Argument `arg`, a string or number, as bytes. */
function textAt(lua: Lua, L: State, arg: number): Place {
  const at = lua.checkPointer(L, arg);
  return { at, size: lua.locatedSize };
}

/** The pattern functions, which share the idle matchers. */
export class PatternLibrary {
  readonly #spare: PatternMatcher[] = [];
  readonly #nextMatch: Pointer;

  constructor(readonly lua: Lua) {
    [this.#nextMatch = 0] = lua.addLongFunctions([[(L) => new NextMatch(this, L), 0]]);
  }

  /** The functions that may take long. */
  readonly longFunctions: Readonly<Record<"find" | "match" | "gsub", LongFunction>> = {
    find: (L) => this.#find(L, true),
    match: (L) => this.#find(L, false),
    gsub: (L) => this.#gsub(L),
  };

  readonly gmatch: LuaFunction = (L) => {
    const { lua } = this;
    lua.checkPointer(L, 1);
    lua.checkPointer(L, 2);
    lua.api.lua_settop(L, 2);
    lua.api.lua_pushnumber(L, 0);
    lua.api.lua_pushcclosure(L, this.#nextMatch, 3);
    return 1;
  };

  #gsub(L: State): LongCall | number {
    const { lua } = this, text = textAt(lua, L, 1), pattern = textAt(lua, L, 2);
    const type = lua.type(L, 3), isText = type === LuaType.String || type === LuaType.Number;
    const isShort = isText && lua.type(L, 4) <= LuaType.Nil && !mayTakeLong(lua.bytes, text, pattern);
    if (isShort && textAt(lua, L, 3).size * (text.size + 1) <= ownFunctions.mostSteps) {
      return LongRequest.Original;
    }
    return new Substitution(this, L);
  }

  #find(L: State, isFind: boolean): LongCall | number {
    const { lua } = this, text = textAt(lua, L, 1), pattern = textAt(lua, L, 2);
    if (!mayTakeLong(lua.bytes, text, pattern) && isUsual(lua, L, 3)) return LongRequest.Original;
    const from = startOf(lua, L, text.size);
    const isPlain = isFind && (lua.api.lua_toboolean(L, 4) !== 0 || !hasSpecials(lua.bytes, pattern));
    return isPlain
      ? new PlainSearch(lua, text, pattern, from)
      : new Search(this, text, pattern.at, from, isFind);
  }

  take(): PatternMatcher {
    return this.#spare.pop() ?? new PatternMatcher();
  }

  giveBack(matcher: PatternMatcher): void {
    this.#spare.push(matcher);
  }

  /** Pushes capture `i`, or the whole match if there are no captures at all. */
  pushCapture(L: State, matcher: PatternMatcher, first: Pointer, i: number, s: Pointer, e: Pointer): void {
    const { api } = this.lua;
    if (i >= matcher.level) {
      if (i !== 0) throw new LuaError("invalid capture index");
      return api.lua_pushlstring(L, s, e - s);
    }
    const length = matcher.lengths[i]!, start = matcher.starts[i]!;
    if (length === CaptureLength.Unfinished) throw new LuaError("unfinished capture");
    if (length === CaptureLength.Position) api.lua_pushnumber(L, start - first + 1);
    else api.lua_pushlstring(L, start, length);
  }

  /**
   * Pushes all captures, or, if `withWhole`, the whole match in their place; returns their number.
   */
  pushCaptures(
    L: State,
    matcher: PatternMatcher,
    first: Pointer,
    s: Pointer,
    e: Pointer,
    withWhole: boolean,
  ): number {
    const count = matcher.level === 0 && withWhole ? 1 : matcher.level;
    if (this.lua.api.lua_checkstack(L, count) === 0) throw new LuaError("stack overflow (too many captures)");
    for (let i = 0; i < count; i++) this.pushCapture(L, matcher, first, i, s, e);
    return count;
  }
}

/**
 * Whether a match may take so long that it has to be one that can be left; the library's own
 * functions do all others, for they are several times faster. With n characters of text an item
 * takes n steps at most, and so does each item in front of it for every one of those; every place
 * of the text is a beginning.
 */
function mayTakeLong(m: Uint8Array, text: Place, pattern: Place): boolean {
  const places = text.size + 1, end = pattern.at + pattern.size;
  let steps = places * pattern.size;
  if (pattern.size > LONGEST_OWN_PATTERN) return true;
  for (let at = pattern.at; at < end; at++) {
    const isEscape = m[at] === PERCENT;
    if (isEscape) at++;
    if ((isEscape ? isLongEscape : isRepetition)[m[at]!] === 1) steps *= places;
  }
  return steps > ownFunctions.mostSteps;
}

/** Whether argument `arg`, a position, is left out or means the same to the library as here. */
function isUsual(lua: Lua, L: State, arg: number): boolean {
  if (lua.type(L, arg) <= LuaType.Nil) return true;
  return Math.abs(lua.api.luaL_checknumber(L, arg)) < 2 ** 31;
}

/** The start of a search, counted from 0: argument 3. */
function startOf(lua: Lua, L: State, size: number): number {
  if (lua.type(L, 3) <= LuaType.Nil) return 0;
  let position = whole(lua.api.luaL_checknumber(L, 3));
  if (position < 0) position += size + 1;
  return Math.min(Math.max(position, 1) - 1, size);
}

function hasSpecials(m: Uint8Array, { at }: Place): boolean {
  while (m[at] !== NUL) if (isSpecial[m[at++]!]) return true;
  return false;
}

/** `find` for a text. */
class PlainSearch implements LongCall {
  #at: Pointer;

  constructor(readonly lua: Lua, readonly text: Place, readonly wanted: Place, from: number) {
    this.#at = text.at + from;
  }

  run(L: State): number {
    const { text, wanted, lua: { api, bytes } } = this;
    const last = text.at + text.size - wanted.size, first = bytes[wanted.at]!;
    const places = bytes.subarray(0, last + 1);
    let steps = STEPS;
    for (let at = this.#at; at <= last; at++) {
      if (wanted.size > 0) at = places.indexOf(first, at);
      if (at < 0) break;
      let same = 1;
      while (same < wanted.size && bytes[at + same] === bytes[wanted.at + same]) same++;
      if (same >= wanted.size) {
        api.lua_pushnumber(L, at - text.at + 1);
        api.lua_pushnumber(L, at - text.at + wanted.size);
        return 2;
      }
      steps -= same;
      if (steps > 0) continue;
      this.#at = at + 1;
      return LongRequest.Pause;
    }
    api.lua_pushnil(L);
    return 1;
  }
}

/** `find` and `match` for a pattern. */
class Search implements LongCall {
  readonly #matcher: PatternMatcher;
  readonly #pattern: Pointer;
  readonly #isAnchored: boolean;
  #from: Pointer;

  constructor(
    readonly library: PatternLibrary,
    readonly text: Place,
    pattern: Pointer,
    from: number,
    readonly isFind: boolean,
  ) {
    this.#isAnchored = library.lua.bytes[pattern] === CARET;
    this.#pattern = pattern + (this.#isAnchored ? 1 : 0);
    this.#from = text.at + from;
    this.#matcher = library.take();
    this.#matcher.setText(text.at, text.at + text.size);
    this.#matcher.begin(this.#from, this.#pattern);
  }

  run(L: State): number {
    const { library, text, isFind } = this, { api, bytes } = library.lua, matcher = this.#matcher;
    matcher.steps = STEPS;
    let end = matcher.run(bytes);
    while (end === MatchResult.None && !this.#isAnchored && this.#from < text.at + text.size) {
      matcher.begin(++this.#from, this.#pattern);
      end = matcher.run(bytes);
    }
    if (end === MatchResult.Paused) return LongRequest.Pause;
    library.giveBack(matcher);
    if (end === MatchResult.None) {
      api.lua_pushnil(L);
      return 1;
    }
    if (!isFind) return library.pushCaptures(L, matcher, text.at, this.#from, end, true);
    api.lua_pushnumber(L, this.#from - text.at + 1);
    api.lua_pushnumber(L, end - text.at);
    return 2 + library.pushCaptures(L, matcher, text.at, this.#from, end, false);
  }
}

/** Stack index of a closure's value `i`. */
function upvalue(i: number): number {
  return GLOBALS - i;
}

/**
 * One step of a loop over `gmatch`: the text, the pattern and the progress are values of the
 * closure.
 */
class NextMatch implements LongCall {
  readonly #matcher: PatternMatcher;
  readonly #first: Pointer;
  readonly #end: Pointer;
  readonly #pattern: Pointer;
  #from: Pointer;

  constructor(readonly library: PatternLibrary, L: State) {
    const { lua } = library;
    this.#first = lua.pointerTo(L, upvalue(1));
    this.#end = this.#first + lua.locatedSize;
    this.#pattern = lua.pointerTo(L, upvalue(2));
    this.#from = this.#first + lua.api.lua_tonumber(L, upvalue(3));
    this.#matcher = library.take();
    this.#matcher.setText(this.#first, this.#end);
    this.#matcher.begin(this.#from, this.#pattern);
  }

  run(L: State): number {
    const { library } = this, { api, bytes } = library.lua, matcher = this.#matcher;
    let end: number = MatchResult.None;
    matcher.steps = STEPS;
    while (this.#from <= this.#end) {
      end = matcher.run(bytes);
      if (end !== MatchResult.None) break;
      matcher.begin(++this.#from, this.#pattern);
    }
    if (end === MatchResult.Paused) return LongRequest.Pause;
    library.giveBack(matcher);
    if (end === MatchResult.None) return 0;
    api.lua_pushnumber(L, end - this.#first + (end === this.#from ? 1 : 0));
    api.lua_replace(L, upvalue(3));
    return library.pushCaptures(L, matcher, this.#first, this.#from, end, true);
  }
}

/** A buffer for the result of `gsub`. */
class Output {
  #bytes = allocateBytes(256);
  #size = 0;

  #reserve(more: number): void {
    const need = this.#size + more;
    if (need <= this.#bytes.length) return;
    // Lua needs the same amount again for its own copy.
    if (need > memoryLimit.bytes / 2) throw NOT_ENOUGH_MEMORY;
    const larger = allocateBytes(Math.max(need, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
  }

  add(m: Uint8Array, start: Pointer, end: Pointer): void {
    this.#reserve(end - start);
    this.#size = copyBytes(this.#bytes, this.#size, m, start, end);
  }

  push(lua: Lua, L: State): void {
    lua.pushBytes(L, this.#bytes, 0, this.#size);
  }
}

/** `gsub` */
class Substitution implements LongCall {
  readonly #matcher: PatternMatcher;
  readonly #first: Pointer;
  readonly #end: Pointer;
  readonly #pattern: Pointer;
  readonly #isAnchored: boolean;
  readonly #type: number;
  readonly #most: number;
  readonly #output = new Output();
  #from: Pointer;
  #count = 0;
  /** The end of the match whose replacement Lua is computing. */
  #matchEnd = -1;

  constructor(readonly library: PatternLibrary, L: State) {
    const { lua } = library, text = textAt(lua, L, 1), pattern = textAt(lua, L, 2);
    this.#type = lua.type(L, 3);
    // As with C's int.
    const most = lua.type(L, 4) <= LuaType.Nil ? text.size + 1 : whole(lua.api.luaL_checknumber(L, 4)) | 0;
    this.#most = most;
    const isKnown = this.#type === LuaType.Number || this.#type === LuaType.String ||
      this.#type === LuaType.Table || this.#type === LuaType.Function;
    if (!isKnown) lua.argumentError(L, 3, "string/function/table expected");
    // A number is converted to text in place.
    if (this.#type === LuaType.Number) lua.pointerTo(L, 3);
    this.#first = this.#from = text.at;
    this.#end = text.at + text.size;
    this.#isAnchored = lua.bytes[pattern.at] === CARET;
    this.#pattern = pattern.at + (this.#isAnchored ? 1 : 0);
    this.#matcher = library.take();
    this.#matcher.setText(this.#first, this.#end);
    this.#matcher.begin(this.#from, this.#pattern);
  }

  run(L: State): number {
    const matcher = this.#matcher;
    matcher.steps = STEPS;
    if (this.#matchEnd >= 0) {
      this.#takeValue(L, this.#matchEnd);
      if (!this.#advance(this.#matchEnd)) return this.#finish(L);
      this.#matchEnd = -1;
    }
    while (this.#count < this.#most) {
      const end = matcher.run(this.library.lua.bytes);
      if (end === MatchResult.Paused) return LongRequest.Pause;
      if (end !== MatchResult.None) {
        this.#count++;
        const request = this.#replace(L, end);
        if (request !== 0) {
          this.#matchEnd = end;
          return request;
        }
      }
      if (!this.#advance(end)) break;
    }
    return this.#finish(L);
  }

  /** Moves on behind a match, or by one character if there was none; false at the end. */
  #advance(end: Pointer): boolean {
    const { bytes } = this.library.lua;
    if (end > this.#from) this.#from = end;
    else if (this.#from < this.#end) this.#output.add(bytes, this.#from, ++this.#from);
    else return false;
    this.#matcher.begin(this.#from, this.#pattern);
    return !this.#isAnchored;
  }

  /** Adds the replacement of a match; returns 0, or a request that has to be granted first. */
  #replace(L: State, end: Pointer): number {
    const { library } = this, { api } = library.lua;
    if (this.#type === LuaType.Table) {
      library.pushCapture(L, this.#matcher, this.#first, 0, this.#from, end);
      return LongRequest.GetTable;
    }
    if (this.#type !== LuaType.Function) {
      this.#addText(L, end);
      return 0;
    }
    api.lua_pushvalue(L, 3);
    return LongRequest.Call - library.pushCaptures(L, this.#matcher, this.#first, this.#from, end, true);
  }

  /** Adds the replacement's text, with captures in place of `%1`. */
  #addText(L: State, end: Pointer): void {
    const { library } = this, { lua } = library;
    let at = lua.pointerTo(L, 3);
    const last = at + lua.locatedSize;
    for (let m = lua.bytes; at < last;) {
      // Not behind the end: that is all of the interpreter's memory, for every match.
      const next = m.subarray(at, last).indexOf(PERCENT), stop = next < 0 ? last : at + next;
      this.#output.add(m, at, stop);
      this.#matcher.steps -= stop - at;
      at = stop + 2;
      if (stop === last) break;
      const directive = m[stop + 1]!;
      if (directive < ZERO || directive > NINE) this.#output.add(m, stop + 1, stop + 2);
      else if (directive === ZERO) this.#output.add(m, this.#from, end);
      else {
        library.pushCapture(L, this.#matcher, this.#first, directive - ZERO - 1, this.#from, end);
        m = this.#takeTop(L);
      }
    }
  }

  /** Adds the value on top of the stack, a text or a number. */
  #takeTop(L: State): Uint8Array<ArrayBuffer> {
    const { lua } = this.library, at = lua.pointerTo(L, -1);
    this.#output.add(lua.bytes, at, at + lua.locatedSize);
    lua.api.lua_settop(L, -2);
    return lua.bytes;
  }

  /** Adds the result of a function or table; nil and false keep the match. */
  #takeValue(L: State, end: Pointer): void {
    const { lua } = this.library, { api } = lua, type = lua.type(L, -1);
    if (api.lua_toboolean(L, -1) === 0) {
      this.#output.add(lua.bytes, this.#from, end);
      api.lua_settop(L, -2);
    } else if (type === LuaType.String || type === LuaType.Number) this.#takeTop(L);
    else throw new LuaError(`invalid replacement value (a ${TYPE_NAMES[type]})`);
  }

  #finish(L: State): number {
    const { lua } = this.library;
    this.library.giveBack(this.#matcher);
    this.#output.add(lua.bytes, this.#from, this.#end);
    this.#output.push(lua, L);
    lua.api.lua_pushnumber(L, this.#count);
    return 2;
  }
}
