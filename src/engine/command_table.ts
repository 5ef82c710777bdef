/** Commands by name: from the bytes of a request, in any case, without making a string of them. */
import { CommandStatistics } from "../metrics/command_stats.ts";
import type { Args } from "./args.ts";
import type { Command } from "./command.ts";

const SLOTS = 4096;

function hashName(buf: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = Math.imul(hash, 31) + (buf[i]! | 0x20);
  return (hash ^ (hash >>> 12)) & (SLOTS - 1);
}

/** The commands of a server by name. See the head of this file. */
export class CommandTable {
  /** Counters of the commands, of this table alone. */
  readonly stats = new CommandStatistics();
  readonly #byName = new Map<string, Command>();
  /** Open addressing by a hash of the lower-case name. */
  readonly #slots: (Command | undefined)[] = new Array(SLOTS).fill(undefined);
  /** The name each slot's command is called by, which `rename-command` may have changed. */
  readonly #names: string[] = new Array(SLOTS).fill("");

  constructor(commands: Iterable<Command>) {
    for (const cmd of commands) this.#add(cmd.name, cmd);
  }

  /** Commands, containers counted once. */
  get size(): number {
    return this.#byName.size;
  }

  /** All commands by the name they are called by. */
  entries(): IterableIterator<[string, Command]> {
    return this.#byName.entries();
  }

  /** A command by its name in lower case. */
  get(name: string): Command | undefined {
    return this.#byName.get(name);
  }

  /** The command, or sub-command's full name `container|name`, in lower case. */
  getFull(name: string): Command | undefined {
    const bar = name.indexOf("|");
    if (bar < 0) return this.get(name);
    return this.get(name.slice(0, bar))?.subcommandByName?.get(name.slice(bar + 1));
  }

  /** The command that argument 0 of `args` names. */
  find(args: Args): Command | undefined {
    const start = args.start(0), end = args.end(0), buf = args.buf;
    let slot = hashName(buf, start, end);
    for (let cmd = this.#slots[slot]; cmd !== undefined; cmd = this.#slots[slot]) {
      if (this.#isName(this.#names[slot]!, buf, start, end)) return cmd;
      slot = (slot + 1) & (SLOTS - 1);
    }
    return undefined;
  }

  /** The command or sub-command that `args` call, or undefined if either name is unknown. */
  resolve(args: Args): Command | undefined {
    const cmd = this.find(args);
    if (cmd === undefined || cmd.subcommandByName === null || args.count === 1) return cmd;
    return cmd.subcommandByName.get(args.string(1).toLowerCase());
  }

  /**
   * Calls a command by another name, or by none; returns why it cannot, or null. Only before the
   * first request.
   */
  rename(from: string, to: string): string | null {
    const cmd = this.#byName.get(from.toLowerCase());
    if (cmd === undefined) return "No such command in rename-command";
    const rest = [...this.#byName].filter(([, other]) => other !== cmd);
    if (this.#byName.has(to.toLowerCase())) return "Target command name already exists";
    this.#byName.clear();
    this.#slots.fill(undefined);
    for (const [name, other] of rest) this.#add(name, other);
    if (to !== "") this.#add(to.toLowerCase(), cmd);
    return null;
  }

  #add(name: string, cmd: Command): void {
    const bytes = new Uint8Array([...name].map((letter) => letter.charCodeAt(0)));
    let slot = hashName(bytes, 0, bytes.length);
    while (this.#slots[slot] !== undefined) slot = (slot + 1) & (SLOTS - 1);
    this.#slots[slot] = cmd;
    this.#names[slot] = name;
    this.#byName.set(name, cmd);
  }

  #isName(name: string, buf: Uint8Array, start: number, end: number): boolean {
    if (end - start !== name.length) return false;
    for (let i = 0; i < name.length; i++) {
      const byte = buf[start + i]!;
      if ((byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte) !== name.charCodeAt(i)) return false;
    }
    return true;
  }
}
