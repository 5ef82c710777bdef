/**
 * Scripts of EVAL and SCRIPT LOAD, by their SHA1 compiled. Of those that only EVAL has brought {@linkcode MOST_EVALUATED} are
 * kept, as since Redis 7.4: clients that write arguments into their scripts would fill the memory. Who is called
 * again gets a second chance, which comes near enough to the least recently used and costs a call one store.
 */
import type { Args } from "../engine/args.ts";
import { ReplyError } from "../protocol/errors.ts";
import { sha1HexOf } from "../util/sha1.ts";
import { Machines } from "./script_engines.ts";
import { parseEvalHead } from "./script_head.ts";
import { CompileError, type ScriptEngine, type ScriptHost, type ScriptMachine } from "./script_host.ts";
import type { Runnable } from "./scripting.ts";

/** Bytes a script takes beside its text. */
const OVERHEAD_BYTES = 200;

/** Scripts that are kept though nobody has loaded them. */
const MOST_EVALUATED = 500;

/** A script, and what is needed to let it go. */
interface Script extends Runnable {
  readonly engine: ScriptEngine;
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
  readonly #machines: Machines;

  /** @param onEvicted called for each script that is let go */
  constructor(host: ScriptHost, readonly onEvicted: () => void = () => {}) {
    this.#machines = new Machines(host, false);
  }

  get size(): number {
    return this.#bySha.size;
  }

  /** Bytes the scripts take, an estimate. */
  get memoryBytes(): number {
    return this.#texts + this.size * OVERHEAD_BYTES;
  }

  /** Bytes the machines take. */
  get machineBytes(): number {
    return this.#machines.usedBytes;
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
    const { engine, flags, source } = parseEvalHead(text);
    const machine = this.#usable(engine);
    const ref = compile(machine, source);
    const script: Script = {
      name,
      flags,
      isFunction: false,
      isBrief: engine.isBrief(text),
      engine,
      machine,
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
    if (!script.machine.isBroken) script.machine.forget(script.ref);
    this.onEvicted();
  }

  #usable(engine: ScriptEngine): ScriptMachine {
    const present = this.#machines.present(engine);
    return present === undefined || present.isBroken ? this.#renew(engine) : present;
  }

  /** Makes a machine, the first or in the place of a broken one, with all scripts of the engine. */
  #renew(engine: ScriptEngine): ScriptMachine {
    const machine = this.#machines.renew(engine);
    for (const [text, script] of this.#byText) {
      if (script.engine !== engine) continue;
      script.machine = machine;
      script.ref = compile(machine, parseEvalHead(text).source);
    }
    return machine;
  }

  #ready(script: Script): Runnable {
    script.wasCalled = true;
    if (script.machine.isBroken) this.#renew(script.engine);
    return script;
  }

  /** SCRIPT FLUSH: forgets all scripts and the machines with them. */
  clear(): void {
    this.#bySha.clear();
    this.#byText.clear();
    this.#evaluated.clear();
    this.#recent.fill(undefined);
    this.#texts = 0;
    this.#machines.clear();
  }
}

function compile(machine: ScriptMachine, source: string): number {
  try {
    return machine.compile(source);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    throw new ReplyError(`ERR Error compiling script (new function): ${error.message}`);
  }
}
