/**
 * Lua 5.1's pattern matching, on bytes of the interpreter's memory, in steps: a match that takes
 * long can be interrupted and continued later. A short pattern and a short text can take longer
 * than the age of the universe, and the library's own matcher, a recursive C function, could
 * neither be suspended nor stopped.
 *
 * Where the C function calls itself, this one pushes a *frame*, which says how to continue if the
 * rest fails: the next shorter or longer repetition, the path without an optional item, a capture
 * to be undone. Depth is limited only by {@linkcode MAX_FRAMES}; the C function would overflow its
 * stack.
 *
 * Lua's patterns and texts are followed by a zero byte outside their length, which this code reads,
 * as the library does: it ends the pattern, as does any other zero in it.
 */
import { LuaError } from "./lua.ts";
import type { Pointer } from "./lua_library.ts";

/** The results of {@linkcode PatternMatcher.run} other than a match's end. */
export const MatchResult = { None: -1, Paused: -2 } as const;

/** Special lengths of captures. */
export const CaptureLength = { Unfinished: -1, Position: -2 } as const;

const MAX_CAPTURES = 32;
const MAX_FRAMES = 1 << 20;
const FRAME_FIELDS = 4;

/** The kinds of frames; each is followed by three numbers. */
const Frame = {
  /** Continue behind the item: its end in the pattern, the position in the text. */
  Optional: 0,
  /** Try one repetition less: the item's end, the start of the repetitions, their number. */
  Greedy: 1,
  /** Try one repetition more: the item, its end, the position in the text. */
  Lazy: 2,
  /** Undo the last capture. */
  Open: 3,
  /** Reopen a capture: its number. */
  Close: 4,
} as const;

const NUL = 0, DOLLAR = 0x24, PERCENT = 0x25, OPEN = 0x28, CLOSE = 0x29, STAR = 0x2a, PLUS = 0x2b;
const MINUS = 0x2d, DOT = 0x2e, QUESTION = 0x3f, BRACKET = 0x5b, CARET = 0x5e, BRACKET_END = 0x5d;
const LETTER_B = 0x62, LETTER_F = 0x66;

/** Bits of character classes, those of C's locale. */
const Class = {
  Alpha: 1,
  Control: 2,
  Digit: 4,
  Lower: 8,
  Punctuation: 16,
  Space: 32,
  Upper: 64,
  Hex: 128,
} as const;

/** The classes of every byte. */
const classesOf = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  return (/[a-zA-Z]/.test(char) ? Class.Alpha : 0) | (code < 32 || code === 127 ? Class.Control : 0) |
    (/[0-9]/.test(char) ? Class.Digit : 0) | (/[a-z]/.test(char) ? Class.Lower : 0) |
    (/[!-/:-@[-`{-~]/.test(char) ? Class.Punctuation : 0) | (/[ \t-\r]/.test(char) ? Class.Space : 0) |
    (/[A-Z]/.test(char) ? Class.Upper : 0) | (/[0-9a-fA-F]/.test(char) ? Class.Hex : 0);
});

/** The class bits for a letter behind `%`, in either case; 0 for other characters. */
const bitsOfLetter = new Uint8Array(128);
for (
  const [letter, bits] of [
    ["a", Class.Alpha],
    ["c", Class.Control],
    ["d", Class.Digit],
    ["l", Class.Lower],
    ["p", Class.Punctuation],
    ["s", Class.Space],
    ["u", Class.Upper],
    ["w", Class.Alpha | Class.Digit],
    ["x", Class.Hex],
  ] as const
) {
  bitsOfLetter[letter.charCodeAt(0)] = bitsOfLetter[letter.toUpperCase().charCodeAt(0)] = bits;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/**
 * True if `byte` is in the class that `letter` names behind `%`; other characters stand for
 * themselves.
 */
function isOfClass(byte: number, letter: number): boolean {
  const isComplement = letter < 0x61;
  const bits = letter < 128 ? bitsOfLetter[letter]! : 0;
  if (bits !== 0) return (byte < 128 && (classesOf[byte]! & bits) !== 0) !== isComplement;
  if (letter === 0x7a) return byte === 0; // %z
  return letter === 0x5a ? byte !== 0 : byte === letter;
}

/** True if `byte` is in the set that begins at `p` and whose `]` is at `last`. */
function isInSet(m: Uint8Array, byte: number, p: Pointer, last: Pointer): boolean {
  const isComplement = m[p + 1] === CARET;
  if (isComplement) p++;
  while (++p < last) {
    if (m[p] === PERCENT) {
      if (isOfClass(byte, m[++p]!)) return !isComplement;
    } else if (m[p + 1] === MINUS && p + 2 < last) {
      if (m[p]! <= byte && byte <= m[p + 2]!) return !isComplement;
      p += 2;
    } else if (m[p] === byte) return !isComplement;
  }
  return isComplement;
}

/** True if `byte` matches the single item [p, ep). */
function isSingle(m: Uint8Array, byte: number, p: Pointer, ep: Pointer): boolean {
  switch (m[p]) {
    case DOT:
      return true;
    case PERCENT:
      return isOfClass(byte, m[p + 1]!);
    case BRACKET:
      return isInSet(m, byte, p, ep - 1);
    default:
      return m[p] === byte;
  }
}

/** The end of the single item at `p`. */
function itemEnd(m: Uint8Array, p: Pointer): Pointer {
  const first = m[p++];
  if (first === PERCENT) {
    if (m[p] === NUL) throw new LuaError("malformed pattern (ends with '%')");
    return p + 1;
  }
  if (first !== BRACKET) return p;
  if (m[p] === CARET) p++;
  do {
    if (m[p] === NUL) throw new LuaError("malformed pattern (missing ']')");
    if (m[p++] === PERCENT && m[p] !== NUL) p++;
  } while (m[p] !== BRACKET_END);
  return p + 1;
}

/** Matches patterns, one at a time. See the head of this file. */
export class PatternMatcher {
  /** Number of steps before the match is interrupted; set it anew before continuing. */
  steps = 0;
  /** Captures of the match, closed or not. */
  level = 0;
  /** Starts of captures, and their lengths or {@linkcode CaptureLength}. */
  readonly starts = new Int32Array(MAX_CAPTURES);
  readonly lengths = new Int32Array(MAX_CAPTURES);
  /** The text, [first, end). */
  #first = 0;
  #end = 0;
  /** The present position in the text and in the pattern. */
  #s = 0;
  #p = 0;
  #frames = new Int32Array(64 * FRAME_FIELDS);
  /** Fields used. */
  #top = 0;

  /** Sets the text to search. */
  setText(first: Pointer, end: Pointer): void {
    this.#first = first;
    this.#end = end;
  }

  /** Starts matching the pattern at `p` against the text from `s` on. */
  begin(s: Pointer, p: Pointer): void {
    this.#s = s;
    this.#p = p;
    this.level = 0;
    this.#top = 0;
  }

  /**
   * Continues the match: returns its end in the text, or a {@linkcode MatchResult}. Throws
   * LuaError.
   */
  run(m: Uint8Array): Pointer | typeof MatchResult[keyof typeof MatchResult] {
    for (;;) {
      if (--this.steps < 0) return MatchResult.Paused;
      const p = this.#p, first = m[p];
      if (first === NUL) return this.#s;
      let matches: boolean;
      if (first === OPEN) matches = this.#openCapture(m);
      else if (first === CLOSE) matches = this.#closeCapture();
      else if (first === DOLLAR && m[p + 1] === NUL) {
        matches = this.#s === this.#end;
        this.#p++;
      } else if (first !== PERCENT) matches = this.#single(m);
      else if (m[p + 1] === LETTER_B) matches = this.#balance(m);
      else if (m[p + 1] === LETTER_F) matches = this.#frontier(m);
      else if (isDigit(m[p + 1]!)) matches = this.#backReference(m);
      else matches = this.#single(m);
      if (!matches && !this.#backtrack(m)) return MatchResult.None;
    }
  }

  #push(kind: number, a: number, b: number, c: number): void {
    let top = this.#top;
    if (top === this.#frames.length) {
      if (top >= MAX_FRAMES * FRAME_FIELDS) throw new LuaError("pattern too complex");
      const larger = new Int32Array(top * 2);
      larger.set(this.#frames);
      this.#frames = larger;
    }
    this.#frames[top++] = kind;
    this.#frames[top++] = a;
    this.#frames[top++] = b;
    this.#frames[top++] = c;
    this.#top = top;
  }

  /** Returns to the last alternative; false if there is none. */
  #backtrack(m: Uint8Array): boolean {
    const frames = this.#frames;
    while (this.#top > 0) {
      const at = this.#top - FRAME_FIELDS, a = frames[at + 1]!, b = frames[at + 2]!, c = frames[at + 3]!;
      switch (frames[at]) {
        case Frame.Optional:
          this.#top = at;
          this.#p = a;
          this.#s = b;
          return true;
        case Frame.Greedy:
          if (c === 1) this.#top = at;
          else frames[at + 3] = c - 1;
          this.#p = a + 1;
          this.#s = b + c - 1;
          return true;
        case Frame.Lazy:
          if (c < this.#end && isSingle(m, m[c]!, a, b)) {
            frames[at + 3] = this.#s = c + 1;
            this.#p = b + 1;
            return true;
          }
          break;
        case Frame.Open:
          this.level--;
          break;
        case Frame.Close:
          this.lengths[a] = CaptureLength.Unfinished;
          break;
      }
      this.#top = at;
    }
    return false;
  }

  /** An item that matches one byte, with the repetition behind it. */
  #single(m: Uint8Array): boolean {
    const p = this.#p, s = this.#s, ep = itemEnd(m, p);
    switch (m[ep]) {
      case QUESTION:
        if (s < this.#end && isSingle(m, m[s]!, p, ep)) {
          this.#push(Frame.Optional, ep + 1, s, 0);
          this.#s++;
        }
        this.#p = ep + 1;
        return true;
      case STAR:
        return this.#expand(m, p, ep, s);
      case PLUS:
        return s < this.#end && isSingle(m, m[s]!, p, ep) && this.#expand(m, p, ep, s + 1);
      case MINUS:
        this.#push(Frame.Lazy, p, ep, s);
        this.#p = ep + 1;
        return true;
      default:
        this.#s++;
        this.#p = ep;
        return s < this.#end && isSingle(m, m[s]!, p, ep);
    }
  }

  /** As many repetitions as possible, from `s` on. */
  #expand(m: Uint8Array, p: Pointer, ep: Pointer, s: Pointer): true {
    const end = this.#end;
    let at = s;
    while (at < end && isSingle(m, m[at]!, p, ep)) at++;
    this.steps -= at - s;
    if (at > s) this.#push(Frame.Greedy, ep, s, at - s);
    this.#s = at;
    this.#p = ep + 1;
    return true;
  }

  #openCapture(m: Uint8Array): true {
    const isPosition = m[this.#p + 1] === CLOSE;
    if (this.level >= MAX_CAPTURES) throw new LuaError("too many captures");
    this.starts[this.level] = this.#s;
    this.lengths[this.level] = isPosition ? CaptureLength.Position : CaptureLength.Unfinished;
    this.level++;
    this.#push(Frame.Open, 0, 0, 0);
    this.#p += isPosition ? 2 : 1;
    return true;
  }

  #closeCapture(): true {
    let i = this.level - 1;
    while (i >= 0 && this.lengths[i] !== CaptureLength.Unfinished) i--;
    if (i < 0) throw new LuaError("invalid pattern capture");
    this.lengths[i] = this.#s - this.starts[i]!;
    this.#push(Frame.Close, i, 0, 0);
    this.#p++;
    return true;
  }

  /** `%bxy` */
  #balance(m: Uint8Array): boolean {
    const open = m[this.#p + 2], close = open === NUL ? NUL : m[this.#p + 3];
    if (open === NUL || close === NUL) throw new LuaError("unbalanced pattern");
    if (m[this.#s] !== open) return false;
    let depth = 1;
    for (let at = this.#s + 1; at < this.#end; at++) {
      this.steps--;
      if (m[at] === close) {
        if (--depth > 0) continue;
        this.#s = at + 1;
        this.#p += 4;
        return true;
      }
      if (m[at] === open) depth++;
    }
    return false;
  }

  /** `%f[set]` */
  #frontier(m: Uint8Array): boolean {
    const p = this.#p + 2, s = this.#s;
    if (m[p] !== BRACKET) throw new LuaError("missing '[' after '%f' in pattern");
    const ep = itemEnd(m, p), before = s === this.#first ? NUL : m[s - 1]!;
    this.#p = ep;
    return !isInSet(m, before, p, ep - 1) && isInSet(m, m[s]!, p, ep - 1);
  }

  /** `%1` */
  #backReference(m: Uint8Array): boolean {
    const i = m[this.#p + 1]! - 0x31;
    if (i < 0 || i >= this.level || this.lengths[i] === CaptureLength.Unfinished) {
      throw new LuaError("invalid capture index");
    }
    const length = this.lengths[i]!, from = this.starts[i]!, s = this.#s;
    if (length < 0 || this.#end - s < length) return false;
    for (let k = 0; k < length; k++) {
      this.steps--;
      if (m[from + k] !== m[s + k]) return false;
    }
    this.#s += length;
    this.#p += 2;
    return true;
  }
}
