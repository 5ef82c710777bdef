/**
 * The commands that access rules refer to, by name and by category. The owner of the command table
 * supplies them.
 */

/** The facts about a command that rules need. */
export interface CatalogCommand {
  /** A small unique number; the command's place in bit sets. */
  readonly id: number;
  /** In lower case; the full name of a sub-command is `container|name`. */
  readonly fullName: string;
  /** Without `@`. */
  readonly categories: readonly string[];
  readonly isSubcommand: boolean;
  readonly subcommands: readonly CatalogCommand[];
}

/** All commands of a server under the names they were declared with, regardless of renaming. */
export class Catalog {
  /** Commands in order of declaration, each container followed by its sub-commands. */
  readonly commands: readonly CatalogCommand[];
  /** Ids are smaller than this. */
  readonly idLimit: number;
  readonly #byName: ReadonlyMap<string, CatalogCommand>;

  /** @param categories the names of all categories, in listing order */
  constructor(commands: Iterable<CatalogCommand>, readonly categories: readonly string[]) {
    this.commands = [...commands].flatMap((cmd) => [cmd, ...cmd.subcommands]);
    this.idLimit = 1 + this.commands.reduce((highest, cmd) => Math.max(highest, cmd.id), -1);
    this.#byName = new Map(this.commands.map((cmd) => [cmd.fullName, cmd]));
  }

  /** A command by its full name, in any case. */
  find(name: string): CatalogCommand | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  /** The commands of a category, its name in any case; undefined if there is no such category. */
  inCategory(name: string): CatalogCommand[] | undefined {
    const category = name.toLowerCase();
    if (!this.categories.includes(category)) return undefined;
    return this.commands.filter((cmd) => cmd.categories.includes(category));
  }
}
