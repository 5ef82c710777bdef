/**
 * Function libraries: named code that registers functions when it is loaded. They are data: saved
 * in snapshots, written to the append only file, copied to replicas.
 *
 * Only their code is kept. If their machine breaks, a new one loads it again.
 */
import type { SnapshotExtras } from "../persistence/snapshot/save_context.ts";
import { ReplyError } from "../protocol/errors.ts";
import { INVALID_NAME, isValidName } from "./flags.ts";
import { engineNamed, Machines } from "./script_engines.ts";
import { parseLibraryHead } from "./script_head.ts";
import {
  CompileError,
  type Registration,
  RegistrationError,
  type ScriptEngine,
  type ScriptHost,
  type ScriptMachine,
} from "./script_host.ts";
import type { Runnable } from "./scripting.ts";

/** Longest time a library's code may take to register its functions. */
const LOAD_TIMEOUT_MS = 500;

/** Memory a library and a function take beyond their texts, bytes. */
const LIBRARY_OVERHEAD_BYTES = 160, FUNCTION_OVERHEAD_BYTES = 120;

/** A function registered by a library. */
export interface LibraryFunction extends Runnable {
  readonly engine: ScriptEngine;
  description: string | null;
}

/** A loaded library. */
export interface Library {
  readonly engine: ScriptEngine;
  name: string;
  /** Including its first line. */
  code: string;
  functions: Map<string, LibraryFunction>;
}

function failure(text: string): ReplyError {
  return new ReplyError(`ERR ${text}`);
}

/** The treatment of existing libraries when others are restored. */
export type RestorePolicy = "append" | "replace" | "flush";

/** See the head of this file. */
export class Libraries {
  readonly #libraries = new Map<string, Library>();
  /** Functions of all libraries, by name in lower case. */
  readonly #functions = new Map<string, LibraryFunction>();
  readonly #machines: Machines;
  /**
   * Monotonic microseconds at which the library being loaded is stopped; null if none is being
   * loaded.
   */
  #loadEndsAtUs: number | null = null;

  constructor(readonly host: ScriptHost) {
    this.#machines = new Machines(host, true);
  }

  /** All libraries, in loading order. */
  all(): IterableIterator<Library> {
    return this.#libraries.values();
  }

  get count(): number {
    return this.#libraries.size;
  }

  get functionCount(): number {
    return this.#functions.size;
  }

  /** Bytes the machines take. */
  get machineBytes(): number {
    return this.#machines.usedBytes;
  }

  /** Bytes the libraries take, an estimate. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const { code, functions } of this.all()) {
      bytes += code.length + LIBRARY_OVERHEAD_BYTES + functions.size * FUNCTION_OVERHEAD_BYTES;
    }
    return bytes;
  }

  /** The function with that name, in any case. */
  find(name: string): LibraryFunction | undefined {
    const found = this.#functions.get(name.toLowerCase());
    if (found?.machine.isBroken) {
      this.#renew(found.engine);
      return this.#functions.get(name.toLowerCase());
    }
    return found;
  }

  /** Makes the libraries part of snapshots. */
  connect(extras: SnapshotExtras): void {
    extras.libraries = () => Array.from(this.all(), ({ code }) => code);
    extras.dropLibraries = () => this.clear();
    extras.loadLibrary = (code, mayReplace = false) => {
      try {
        this.load(code, mayReplace);
        return null;
      } catch (error) {
        if (error instanceof ReplyError) return error.text;
        throw error;
      }
    };
  }

  /**
   * Loads a library and returns its name. Throws a ReplyError and changes nothing if that fails.
   */
  load(code: string, mayReplace: boolean): string {
    const library = this.#make(code, mayReplace);
    const old = this.#libraries.get(library.name);
    this.#install([library], old === undefined ? [] : [old]);
    return library.name;
  }

  /** Loads several libraries, all or none. */
  restore(codes: readonly string[], policy: RestorePolicy): void {
    const added: Library[] = [];
    try {
      for (const code of codes) this.#addDistinct(added, this.#make(code, true));
      const old = this.#oldFor(added, policy);
      this.#install(added, old);
    } catch (error) {
      for (const library of added) this.#release(library);
      throw error;
    }
  }

  #addDistinct(added: Library[], library: Library): void {
    const twin = added.find(({ name }) => name === library.name);
    added.push(library);
    if (twin !== undefined) throw failure(`Library '${library.name}' already exists`);
  }

  /** The libraries that are removed when `added` are restored. */
  #oldFor(added: readonly Library[], policy: RestorePolicy): Library[] {
    if (policy === "flush") return [...this.all()];
    const old: Library[] = [];
    for (const { name } of added) {
      const library = this.#libraries.get(name);
      if (library === undefined) continue;
      if (policy === "append") throw failure(`Library ${name} already exists`);
      old.push(library);
    }
    return old;
  }

  /** Replaces `old` by `added`, unless two functions would have the same name. */
  #install(added: readonly Library[], old: readonly Library[]): void {
    const going = new Set(old.flatMap(({ functions }) => [...functions.values()]));
    const names = new Set<string>();
    for (const name of added.flatMap(({ functions }) => [...functions.keys()])) {
      const key = name.toLowerCase(), found = this.#functions.get(key);
      if (names.has(key) || (found !== undefined && !going.has(found))) {
        throw failure(`Function ${name} already exists`);
      }
      names.add(key);
    }
    for (const library of old) this.#remove(library);
    for (const library of added) this.#link(library);
  }

  #link(library: Library): void {
    this.#libraries.set(library.name, library);
    for (const [name, fn] of library.functions) this.#functions.set(name.toLowerCase(), fn);
  }

  #remove(library: Library): void {
    this.#libraries.delete(library.name);
    for (const name of library.functions.keys()) this.#functions.delete(name.toLowerCase());
    this.#release(library);
  }

  #release(library: Library): void {
    for (const { machine, ref } of library.functions.values()) {
      if (!machine.isBroken) machine.forget(ref);
    }
  }

  /** Removes a library; false if there is none with that name. */
  delete(name: string): boolean {
    const library = this.#libraries.get(name);
    if (library !== undefined) this.#remove(library);
    return library !== undefined;
  }

  /** Removes all libraries, and the machines with them. */
  clear(): void {
    this.#libraries.clear();
    this.#functions.clear();
    this.#machines.clear();
  }

  // ---- Loading ----------------------------------------------------------------------------------

  /** Replaces a broken machine; the new one loads all libraries of the engine again. */
  #renew(engine: ScriptEngine): ScriptMachine {
    const machine = this.#machines.renew(engine);
    for (const { name, code } of [...this.all()].filter((library) => library.engine === engine)) {
      this.delete(name);
      try {
        this.#link(this.#make(code, false, Infinity));
      } catch (error) {
        this.host.engine.log.warning(`A function library could not be loaded again: ${error}`);
      }
    }
    return machine;
  }

  #usable(engine: ScriptEngine): ScriptMachine {
    const present = this.#machines.present(engine);
    return present === undefined || present.isBroken ? this.#renew(engine) : present;
  }

  /** Runs a library's code and returns the functions it has registered. */
  #make(code: string, mayExist: boolean, timeoutMs = LOAD_TIMEOUT_MS): Library {
    const head = parseLibraryHead(code), { name } = head;
    if (!isValidName(name)) throw failure(INVALID_NAME);
    const engine = engineNamed(head.engine);
    if (engine === undefined) throw failure(`Engine '${head.engine}' not found`);
    if (!mayExist && this.#libraries.has(name)) throw failure(`Library '${name}' already exists`);
    const machine = this.#usable(engine);
    const library: Library = { engine, name, code, functions: new Map() };
    this.#loadEndsAtUs = this.host.engine.clock.monotonicUs() + timeoutMs * 1000;
    try {
      machine.loadLibrary(head.source, (registration) => addFunction(library, machine, registration));
      if (library.functions.size === 0) throw failure("No functions registered");
    } catch (error) {
      this.#release(library);
      throw loadFailure(error);
    } finally {
      this.#loadEndsAtUs = null;
    }
    return library;
  }

  /** Decides if the library being loaded may continue. */
  interrupt(): "continue" | { readonly kill: string } {
    const endsAtUs = this.#loadEndsAtUs;
    if (endsAtUs === null || this.host.engine.clock.monotonicUs() < endsAtUs) return "continue";
    return { kill: "FUNCTION LOAD timeout" };
  }
}

/** Adds a function to the library being loaded, or returns the error. */
function addFunction(
  { engine, functions }: Library,
  machine: ScriptMachine,
  { name, description, flags, ref }: Registration,
): string | null {
  if (!isValidName(name)) return INVALID_NAME;
  if (functions.has(name)) return "Function already exists in the library";
  functions.set(name, { name, ref, flags, description, isFunction: true, isBrief: false, engine, machine });
  return null;
}

function loadFailure(error: unknown): unknown {
  if (error instanceof CompileError) return failure(`Error compiling function: ${error.message}`);
  if (error instanceof RegistrationError) return failure(`Error registering functions: ${error.message}`);
  return error;
}
