/** The table of script engines: the one place to register a new language. See script_host.ts. */
import { luaEngine } from "./lua/lua_engine.ts";
import type { ScriptEngine, ScriptHost, ScriptMachine } from "./script_host.ts";

const engines: ScriptEngine[] = [luaEngine];

/** The engine of scripts that name none. */
export const DEFAULT_ENGINE: ScriptEngine = luaEngine;

/** All engines, in the order of the table. */
export function scriptEngines(): readonly ScriptEngine[] {
  return engines;
}

/**
 * Adds an engine to those of the table, for the lifetime of the process. Throws TypeError if the
 * name is taken.
 */
export function enterEngine(engine: ScriptEngine): void {
  if (engineNamed(engine.name) !== undefined) throw new TypeError(`engine ${engine.name} is there already`);
  engines.push(engine);
}

/** The engine of that name, in any case. */
export function engineNamed(name: string): ScriptEngine | undefined {
  const wanted = name.toUpperCase();
  return engines.find((engine) => engine.name.toUpperCase() === wanted);
}

/** The machines of one kind, scripts' or libraries': one for each engine, created on first use. */
export class Machines {
  readonly #machines = new Map<ScriptEngine, ScriptMachine>();

  constructor(readonly host: ScriptHost, readonly forFunctions: boolean) {}

  /** Memory in use, bytes. */
  get usedBytes(): number {
    let bytes = 0;
    for (const machine of this.#machines.values()) if (!machine.isBroken) bytes += machine.usedBytes;
    return bytes;
  }

  /** The machine of an engine, broken or not, if it exists. */
  present(engine: ScriptEngine): ScriptMachine | undefined {
    return this.#machines.get(engine);
  }

  /** Creates a machine for an engine, replacing the present one. */
  renew(engine: ScriptEngine): ScriptMachine {
    const machine = engine.createMachine(this.host, this.forFunctions);
    this.#machines.set(engine, machine);
    return machine;
  }

  /** Lets go of all machines. */
  clear(): void {
    this.#machines.clear();
  }
}
