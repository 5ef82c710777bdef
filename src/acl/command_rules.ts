/**
 * The commands a selector allows: one bit for each command, and, for commands denied as a whole,
 * the first arguments with which they are allowed all the same (`+select|0`).
 *
 * The rules behind the bits are kept beside them, in order and as far as they still count, for ACL
 * GETUSER, ACL LIST and the files: a category read again may mean other commands in a later
 * version.
 */
import type { Catalog, CatalogCommand } from "./catalog.ts";

/** See the head of this file. */
export class CommandRules {
  readonly #catalog: Catalog;
  readonly #bits: Uint32Array;
  /** First arguments in lower case by command id. */
  #firstArgs = new Map<number, readonly string[]>();
  /** Set by `+@all` and cleared by the first denial: no look-up is needed. */
  #everything = false;
  /** True if the rules began with `+@all`, so that commands yet unknown are allowed. */
  #future = false;
  /** The rules since then, each with its sign. */
  #rules: string[] = [];

  /** Rules that allow nothing. */
  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#bits = new Uint32Array((catalog.idLimit + 31) >>> 5);
  }

  copy(): CommandRules {
    const copy = new CommandRules(this.#catalog);
    copy.#bits.set(this.#bits);
    copy.#firstArgs = new Map(this.#firstArgs);
    copy.#everything = this.#everything;
    copy.#future = this.#future;
    copy.#rules = [...this.#rules];
    return copy;
  }

  /** True if every command is allowed, without a look-up. */
  get allowsEverything(): boolean {
    return this.#everything;
  }

  /** `+@all` and `-@all`. */
  setAll(allowed: boolean): void {
    this.#bits.fill(allowed ? 0xffffffff : 0);
    this.#firstArgs.clear();
    this.#everything = allowed;
    this.#future = allowed;
    this.#rules = [];
  }

  /** Allows or denies a command with all its sub-commands. */
  set(cmd: CatalogCommand, allowed: boolean): void {
    this.#setBits(cmd, allowed);
    this.#note(cmd.fullName, allowed);
  }

  /** Allows or denies the commands of a category; false if there is none of that name. */
  setCategory(name: string, allowed: boolean): boolean {
    const members = this.#catalog.inCategory(name);
    for (const cmd of members ?? []) this.#setBits(cmd, allowed);
    if (members !== undefined) this.#note(`@${name.toLowerCase()}`, allowed);
    return members !== undefined;
  }

  /** Appends a rule; earlier rules about the same command, or a part of it, no longer count. */
  #note(name: string, allowed: boolean): void {
    this.#rules = this.#rules.filter((rule) => rule.slice(1) !== name && !rule.startsWith(`${name}|`, 1));
    this.#rules.push((allowed ? "+" : "-") + name);
  }

  #setBits(cmd: CatalogCommand, allowed: boolean): void {
    this.#setBit(cmd.id, allowed);
    this.#firstArgs.delete(cmd.id);
    for (const sub of cmd.subcommands) this.#setBit(sub.id, allowed);
  }

  /** Allows a command with one first argument. */
  allowFirstArg(cmd: CatalogCommand, arg: string): void {
    const allowed = this.#firstArgs.get(cmd.id) ?? [];
    const lower = arg.toLowerCase();
    if (!allowed.includes(lower)) this.#firstArgs.set(cmd.id, [...allowed, lower]);
    this.#note(`${cmd.fullName}|${lower}`, true);
  }

  /** True if the command `id` is allowed, if only for its first argument. */
  allows(id: number, firstArg: () => string | undefined): boolean {
    if (this.#everything || this.#bit(id)) return true;
    const allowed = this.#firstArgs.get(id);
    if (allowed === undefined) return false;
    const given = firstArg();
    return given !== undefined && allowed.includes(given.toLowerCase());
  }

  #bit(id: number): boolean {
    return (this.#bits[id >>> 5]! & (1 << (id & 31))) !== 0;
  }

  #setBit(id: number, allowed: boolean): void {
    const mask = 1 << (id & 31);
    if (allowed) this.#bits[id >>> 5]! |= mask;
    else {
      this.#bits[id >>> 5]! &= ~mask;
      this.#everything = false;
    }
  }

  /** The rules that lead to the present state, starting from nothing or everything. */
  describe(): string {
    return [this.#future ? "+@all" : "-@all", ...this.#rules].join(" ");
  }
}
