/**
 * Which commands a selector allows: a bit for each command, and for commands that are denied as a whole the first
 * arguments with which they are allowed all the same (`+select|0`).
 *
 * Only the bits are kept, not the rules that led to them. {@linkcode CommandRules.describe} finds rules that lead there
 * again: it begins with everything or nothing, then goes on taking the category that explains most of what is still
 * open, and corrects the rest command by command.
 */
import type { Catalog, CatalogCommand } from "./catalog.ts";

/** See the head of this file. */
export class CommandRules {
  readonly #catalog: Catalog;
  readonly #bits: Uint32Array;
  /** First arguments in lower case by command id. */
  #firstArgs = new Map<number, readonly string[]>();
  /** Set by `+@all` and cleared by the first denial: nothing needs to be looked up. */
  #everything = false;
  /** Whether the rules began with `+@all`, so that commands yet unknown are allowed. */
  #future = false;

  /** Nothing is allowed. */
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
    return copy;
  }

  /** Whether every command is allowed, without a look at which. */
  get allowsEverything(): boolean {
    return this.#everything;
  }

  /** `+@all` and `-@all`. */
  setAll(allowed: boolean): void {
    this.#bits.fill(allowed ? 0xffffffff : 0);
    this.#firstArgs.clear();
    this.#everything = allowed;
    this.#future = allowed;
  }

  /** Allows or denies a command with all its sub-commands. */
  set(cmd: CatalogCommand, allowed: boolean): void {
    this.#setBit(cmd.id, allowed);
    this.#firstArgs.delete(cmd.id);
    for (const sub of cmd.subcommands) this.#setBit(sub.id, allowed);
  }

  /** Allows or denies the commands of a category; false if there is none of that name. */
  setCategory(name: string, allowed: boolean): boolean {
    const members = this.#catalog.inCategory(name);
    for (const cmd of members ?? []) this.set(cmd, allowed);
    return members !== undefined;
  }

  /** Allows a command with one first argument. */
  allowFirstArg(cmd: CatalogCommand, arg: string): void {
    const allowed = this.#firstArgs.get(cmd.id) ?? [];
    const lower = arg.toLowerCase();
    if (!allowed.includes(lower)) this.#firstArgs.set(cmd.id, [...allowed, lower]);
  }

  /** Whether the command `id` is allowed, be it for its first argument alone. */
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

  /** Rules that lead to what is allowed now, from nothing or everything on; see the head of this file. */
  describe(): string {
    const additive = !this.#future;
    const rules = [additive ? "-@all" : "+@all"];
    const reached = new CommandRules(this.#catalog);
    reached.setAll(!additive);
    for (const category of this.#bestCategories(additive)) {
      rules.push(`${additive ? "+" : "-"}@${category}`);
      reached.setCategory(category, additive);
    }
    this.#describeRest(reached, rules);
    return rules.join(" ");
  }

  /** The categories that explain most, the best first. */
  #bestCategories(additive: boolean): string[] {
    const left = new Set(this.#catalog.categories);
    const open = this.copy();
    const chosen: string[] = [];
    for (;;) {
      const best = open.#bestCategory(left, additive);
      if (best === undefined) return chosen;
      chosen.push(best);
      left.delete(best);
      open.setCategory(best, !additive);
    }
  }

  /** The category with the fewest exceptions, as long as it explains more than it excepts. */
  #bestCategory(candidates: Iterable<string>, additive: boolean): string | undefined {
    let best: string | undefined, fewest = Infinity, most = 0;
    for (const category of candidates) {
      const members = this.#catalog.inCategory(category) ?? [];
      const allowed = members.filter(({ id }) => this.#bit(id)).length;
      const same = additive ? allowed : members.length - allowed, different = members.length - same;
      if (same <= different || different > fewest || (different === fewest && same <= most)) continue;
      best = category;
      fewest = different;
      most = same;
    }
    return best;
  }

  /** Adds a rule for each command in which `reached` differs, and those for first arguments. */
  #describeRest(reached: CommandRules, rules: string[]): void {
    for (const cmd of this.#catalog.commands) {
      const allowed = this.#bit(cmd.id);
      if (allowed !== reached.#bit(cmd.id)) {
        rules.push(`${allowed ? "+" : "-"}${cmd.fullName}`);
        reached.set(cmd, allowed);
      }
      if (allowed) continue;
      for (const arg of this.#firstArgs.get(cmd.id) ?? []) rules.push(`+${cmd.fullName}|${arg}`);
    }
  }
}
