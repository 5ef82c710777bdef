/**
 * The compiled scripts of EVAL and SCRIPT LOAD, by SHA1. At most {@linkcode MOST_EVALUATED} scripts
 * known from EVAL only are kept, as since Redis 7.4: clients that write arguments into their
 * scripts would otherwise fill the memory. A script called again gets a second chance, which is
 * close enough to least recently used and costs one store per call.
 */
import type { Args } from "../engine/args.ts";
import { ReplyError } from "../protocol/errors.ts";
import { sha1HexOf } from "../util/sha1.ts";
import { Machines } from "./script_engines.ts";
import { parseEvalHead } from "./script_head.ts";
import { CompileError, type ScriptEngine, type ScriptHost, type ScriptMachine } from "./script_host.ts";
import type { Runnable } from "./scripting.ts";

/** Memory a script takes beyond its text, bytes. */
const OVERHEAD_BYTES = 200;

/** Number of scripts kept that were never loaded by SCRIPT LOAD. */
const MOST_EVALUATED = 500;

/** A script, with its state for eviction. */
interface Script extends Runnable {
  readonly engine: ScriptEngine;
  text: string;
  /** Called since the last check for eviction. */
  wasCalled: boolean;
}

const SHA1_DIGITS = 40;
/** A power of two. */
const RECENT_SLOTS = 256;

/** True if a text of one byte per char is at `start`. */
function isAt(text: string, buf: Uint8Array, start: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (buf[start + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** See the head of this file. */
export class ScriptCache {
  readonly #bySha = new Map<string, Script>();
  /** Scripts by text, which saves EVAL the SHA1. */
  readonly #byText = new Map<string, Script>();
  /**
   * Eviction queue: scripts known from EVAL only, oldest (or given a second chance longest ago)
   * first.
   */
  readonly #evaluated = new Set<Script>();
  /**
   * Recently called scripts, by their first digits: comparing bytes is cheaper than creating a
   * string from them.
   */
  readonly #recent: (Script | undefined)[] = new Array(RECENT_SLOTS).fill(undefined);
  #texts = 0;
  readonly #machines: Machines;

  /** @param onEvicted called for each evicted script */
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

  /** The script whose SHA1, in any case, is word `index` of a command. */
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

  /**
   * The script with this text, created if there is none. Throws a ReplyError if it cannot be
   * compiled.
   */
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

  /** SCRIPT LOAD: the script with this text, kept until SCRIPT FLUSH. */
  load(text: string): Runnable {
    const script = this.byText(text), found = this.#byText.get(text);
    if (found !== undefined) this.#evaluated.delete(found);
    return script;
  }

  /** Evicts the first script that has not been called since the last check. */
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

  /**
   * Creates a machine, the first one or a replacement for a broken one, with all scripts of the
   * engine.
   */
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

  /** SCRIPT FLUSH: drops all scripts and the machines with them. */
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
