/** All users by name, and their text form: lines `user <name> <rule> …`. */
import { hasSpace, type SelectorSettings } from "./selector.ts";
import { User } from "./user.ts";

/** The user of unauthenticated connections. */
export const DEFAULT_USER = "default";

/** The error for users that cannot be loaded; the message lists every fault. */
export class UsersError extends Error {
  override readonly name = "UsersError";
}

/** See the head of this file. The user `default` always exists and is always the same object. */
export class Users {
  readonly settings: SelectorSettings;
  readonly defaultUser: User;
  #byName: Map<string, User>;

  constructor(settings: SelectorSettings) {
    this.settings = settings;
    this.defaultUser = User.allPowerful(DEFAULT_USER, settings);
    this.#byName = new Map([[DEFAULT_USER, this.defaultUser]]);
  }

  get(name: string): User | undefined {
    return this.#byName.get(name);
  }

  /** All users, sorted by the bytes of their names. */
  get sorted(): User[] {
    return [...this.#byName.values()].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  }

  /** Adds a user without permissions. */
  add(name: string): User {
    const user = new User(name, this.settings);
    this.#byName.set(name, user);
    return user;
  }

  /** Removes a user; undefined if there is none, or it is `default`. */
  remove(name: string): User | undefined {
    if (name === DEFAULT_USER) return undefined;
    const user = this.#byName.get(name);
    this.#byName.delete(name);
    return user;
  }

  /** `user <name> <rules>` for each user. */
  lines(): string[] {
    return this.sorted.map((user) => `user ${user.name} ${user.describe()}`);
  }

  /**
   * Replaces all users by those of a text. Throws {@linkcode UsersError} with every fault in it,
   * and then leaves the users unchanged.
   * @param fileName the source of the text, for the message
   * @returns the users that no longer exist, without `default`
   */
  load(text: string, fileName: string): User[] {
    const loader = new TextLoader(this.settings, fileName);
    for (const [i, line] of text.split("\n").entries()) loader.readLine(line, i + 1);
    if (loader.faults !== "") {
      throw new UsersError(
        `${loader.faults}WARNING: ACL errors detected, no change to the previously active ACL rules was performed`,
      );
    }
    const loaded = loader.users;
    this.defaultUser.become(loaded.get(DEFAULT_USER) ?? User.allPowerful(DEFAULT_USER, this.settings));
    loaded.set(DEFAULT_USER, this.defaultUser);
    const gone = [...this.#byName.values()].filter((user) => user !== this.defaultUser);
    this.#byName = loaded;
    return gone;
  }
}

/** Reads lines into new users and collects the faults. */
class TextLoader {
  readonly users = new Map<string, User>();
  faults = "";

  constructor(readonly settings: SelectorSettings, readonly fileName: string) {}

  readLine(line: string, number: number): void {
    const trimmed = line.replace(/^[ \t\r]+|[ \t\r]+$/g, "");
    if (trimmed === "") return;
    const place = `${this.fileName}:${number}`;
    const [keyword, name, ...rest] = trimmed.split(" ");
    if (keyword !== "user" || name === undefined) {
      this.faults += `${place} should start with user keyword followed by the username. `;
    } else if (hasSpace(name)) {
      this.faults += `'${place}: username '${name}' contains invalid characters. `;
    } else if (this.users.has(name)) {
      this.faults += `WARNING: Duplicate user '${name}' found on line ${number}. `;
    } else this.#addUser(name, rest, place);
  }

  #addUser(name: string, words: readonly string[], place: string): void {
    const user = new User(name, this.settings);
    this.users.set(name, user);
    const rules = joinSelectors(words);
    if (!Array.isArray(rules)) {
      this.faults += `${place}: Unmatched parenthesis in selector definition.`;
      return;
    }
    let hasFault = false;
    const trimmed = rules.map((rule) => rule.replace(/^[\t\r]+|[\t\r]+$/g, ""));
    user.applyAll(trimmed, (rule, error) => {
      // For rules that may reveal a password, only the first fault is reported, without the rule.
      if (error.isUnknownName) {
        this.faults += `${place}: Error in applying operation '${rule}': ${error.message}. `;
      } else if (!hasFault) {
        this.faults += `${place}: ${error.message}. `;
        hasFault = true;
      }
    });
  }
}

/**
 * Rules with the words of each selector in parentheses joined into one, because people write them
 * with spaces.
 * @returns the index of a parenthesis that is never closed, if there is one
 */
export function joinSelectors(words: readonly string[]): string[] | { openedAt: number } {
  const rules: string[] = [];
  let openedAt = -1, selector = "";
  for (const [i, word] of words.entries()) {
    if (word.startsWith("(") && !word.endsWith(")")) {
      selector = word; // if one is already open, redis-server forgets it
      openedAt = i;
    } else if (openedAt >= 0) {
      selector += " " + word;
      if (!word.endsWith(")")) continue;
      rules.push(selector);
      openedAt = -1;
    } else rules.push(word);
  }
  return openedAt < 0 ? rules : { openedAt };
}
