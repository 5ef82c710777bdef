/**
 * Scripts of EVAL and SCRIPT LOAD, by their SHA1 compiled. Of those that only EVAL has brought {@linkcode MOST_EVALUATED} are
 * kept, as since Redis 7.4: clients that write arguments into their scripts would fill the memory. Who is called
 * again gets a second chance, which comes near enough to the least recently used and costs a call one store.
 */
import type { Args } from "../engine/args.ts";
import { ReplyError } from "../protocol/errors.ts";
import { parseEvalHead } from "./flags.ts";
import { Interpreter, type InterpreterHost } from "./lua/interpreter.ts";
import { sha1HexOf } from "./lua/redis_table.ts";
import type { Runnable } from "./scripting.ts";

/** Bytes a script takes beside its text. */
const OVERHEAD_BYTES = 200;

/**
 * Without a match a script runs each of its instructions once at most, and none of them takes long: it names no function
 * that can, nor a table from which it could take one by a name that it computes.
 */
const CAN_LOOP = new RegExp(
  "\\b(?:for|while|repeat|function|load|loadstring|find|g?match|gfind|gsub|sort|insert|getmetatable|_G)\\b" +
    "|\\bstring\\b(?!\\s*\\.\\s*(?:byte|char|format|len|lower|rep|reverse|sub|upper)\\b)" +
    "|\\btable\\b(?!\\s*\\.\\s*(?:concat|getn|maxn|remove)\\b)" +
    "|\\[(?!\\s*\\d+\\s*\\])",
);
/** Scripts with fewer characters, and no loop, end before anybody could wait for them. */
const LONGEST_BRIEF = 16_384;

/** Scripts that are kept though nobody has loaded them. */
const MOST_EVALUATED = 500;

/** A script, and what is needed to let it go. */
interface Script extends Runnable {
  text: string;
  /** Called since it was last looked at for eviction. */
  wasCalled: boolean;
}

const SHA1_DIGITS = 40;
/** A power of two. */
const RECENT_SLOTS = 256;

/** Whether a text of one byte a char lies at `start`. */
function isAt(text: string, buf: Uint8Array, start: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (buf[start + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** See the head of this file. */
export class ScriptCache {
  readonly #bySha = new Map<string, Script>();
  /** Scripts by their text, which saves EVAL the SHA1. */
  readonly #byText = new Map<string, Script>();
  /** Those that nobody has loaded, who came or got a second chance first in front. */
  readonly #evaluated = new Set<Script>();
  /** Scripts called lately, by their first digits: comparing bytes is cheaper than making a string of them. */
  readonly #recent: (Script | undefined)[] = new Array(RECENT_SLOTS).fill(undefined);
  #texts = 0;
  #interpreter: Interpreter | null = null;

  /** @param onEvicted called for each script that is let go */
  constructor(readonly host: InterpreterHost, readonly onEvicted: () => void = () => {}) {}

  get size(): number {
    return this.#bySha.size;
  }

  /** Bytes the scripts take, an estimate. */
  get memoryBytes(): number {
    return this.#texts + this.size * OVERHEAD_BYTES;
  }

  /** Bytes the interpreter takes. */
  get interpreterBytes(): number {
    return this.#interpreter === null || this.#interpreter.isBroken ? 0 : this.#interpreter.lua.usedBytes;
  }

  /** The script whose SHA1, in any case, is the word `index` of a command. */
  bySha(args: Args, index: number): Runnable | undefined {
    const { buf } = args, start = args.start(index);
    if (args.length(index) !== SHA1_DIGITS) return undefined;
    const slot = (buf[start]! ^ (buf[start + 1]! << 4)) & (RECENT_SLOTS - 1);
    const recent = this.#recent[slot];
    if (recent !== undefined && isAt(recent.name, buf, start)) return this.#ready(recent);
    const found = this.#bySha.get(args.string(index).toLowerCase());
    if (found === undefined) return undefined;
    this.#recent[slot] = found;
    return this.#ready(found);
  }

  has(sha: string): boolean {
    return this.#bySha.has(sha.toLowerCase());
  }

  /** The script with this text, made if there is none. Throws a ReplyError if it cannot be compiled. */
  byText(text: string): Runnable {
    const found = this.#byText.get(text);
    if (found !== undefined) return this.#ready(found);
    const name = sha1HexOf(text);
    const { flags, source } = parseEvalHead(text);
    const interpreter = this.#usable();
    const isBrief = text.length <= LONGEST_BRIEF && !CAN_LOOP.test(text);
    const ref = compile(interpreter, source);
    const script: Script = {
      name,
      flags,
      isFunction: false,
      isBrief,
      interpreter,
      ref,
      text,
      wasCalled: true,
    };
    this.#bySha.set(name, script);
    this.#byText.set(text, script);
    this.#texts += text.length;
    this.#evaluated.add(script);
    if (this.#evaluated.size > MOST_EVALUATED) this.#evict();
    return script;
  }

  /** SCRIPT LOAD: the script with this text, to be kept until SCRIPT FLUSH. */
  load(text: string): Runnable {
    const script = this.byText(text), found = this.#byText.get(text);
    if (found !== undefined) this.#evaluated.delete(found);
    return script;
  }

  /** Lets go of the first script that nobody has called since it was last looked at. */
  #evict(): void {
    for (const script of this.#evaluated) {
      this.#evaluated.delete(script);
      if (!script.wasCalled) return this.#forget(script);
      script.wasCalled = false;
      this.#evaluated.add(script);
    }
  }

  #forget(script: Script): void {
    this.#bySha.delete(script.name);
    this.#byText.delete(script.text);
    this.#recent.fill(undefined);
    this.#texts -= script.text.length;
    if (!script.interpreter.isBroken) script.interpreter.forget(script.ref);
    this.onEvicted();
  }

  #usable(): Interpreter {
    if (this.#interpreter === null) this.#interpreter = new Interpreter(this.host, false);
    else if (this.#interpreter.isBroken) this.#renew();
    return this.#interpreter;
  }

  /** The interpreter has broken: another takes its place, with all scripts. */
  #renew(): void {
    const interpreter = new Interpreter(this.host, false);
    this.#interpreter = interpreter;
    for (const [text, script] of this.#byText) {
      script.interpreter = interpreter;
      script.ref = compile(interpreter, parseEvalHead(text).source);
    }
  }

  #ready(script: Script): Runnable {
    script.wasCalled = true;
    if (script.interpreter.isBroken) this.#renew();
    return script;
  }

  /** SCRIPT FLUSH: forgets all scripts and the interpreter with them. */
  clear(): void {
    this.#bySha.clear();
    this.#byText.clear();
    this.#evaluated.clear();
    this.#recent.fill(undefined);
    this.#texts = 0;
    this.#interpreter = null;
  }
}

function compile(interpreter: Interpreter, source: string): number {
  const problem = interpreter.load(source, "@user_script");
  if (problem === null) return interpreter.keep();
  throw new ReplyError(`ERR Error compiling script (new function): ${problem}`);
}
