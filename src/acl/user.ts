/** A user: a name, passwords, and selectors with its permissions. */
import { hashPassword, isOneOf, isPasswordHash } from "./password.ts";
import { badHash, noSuchPassword, RuleError } from "./rule_error.ts";
import { type AccessRequest, type Denial, Selector, type SelectorSettings } from "./selector.ts";

/** See the head of this file. */
export class User {
  #enabled = false;
  #noPassword = false;
  /** The setting for checking payloads of RESTORE, if one was given; it is only displayed. */
  #sanitize: "skip-sanitize-payload" | "sanitize-payload" | "" = "";
  #passwords: string[] = [];
  /** The selector that rules outside parentheses apply to. */
  #root: Selector;
  #others: Selector[] = [];
  #description: string | undefined;

  /** A user with no permissions that cannot log in. */
  constructor(readonly name: string, readonly settings: SelectorSettings) {
    this.#root = new Selector(settings);
  }

  /** The user `default` before any configuration. */
  static allPowerful(name: string, settings: SelectorSettings): User {
    const user = new User(name, settings);
    for (const rule of ["+@all", "~*", "&*", "on", "nopass"]) user.apply(rule);
    return user;
  }

  /** True if it may log in. */
  get enabled(): boolean {
    return this.#enabled;
  }

  /** True if it may log in with any password. */
  get needsNoPassword(): boolean {
    return this.#noPassword;
  }

  /** SHA-256 hashes. */
  get passwords(): readonly string[] {
    return this.#passwords;
  }

  get root(): Selector {
    return this.#root;
  }

  /** The selectors in parentheses. */
  get otherSelectors(): readonly Selector[] {
    return this.#others;
  }

  get selectors(): readonly Selector[] {
    return [this.#root, ...this.#others];
  }

  /** True if it has every permission, so that no check is needed. */
  get isUnrestricted(): boolean {
    return this.selectors.some((selector) => selector.isUnrestricted);
  }

  /** `on`, `off`, `nopass` and similar flags. */
  get flags(): string[] {
    const flags = [this.#enabled ? "on" : "off", this.#noPassword ? "nopass" : "", this.#sanitize];
    return flags.filter((flag) => flag !== "");
  }

  /** Copies the rules of another user. */
  become(other: User): void {
    this.#enabled = other.#enabled;
    this.#noPassword = other.#noPassword;
    this.#sanitize = other.#sanitize;
    this.#passwords = [...other.#passwords];
    this.#root = other.#root.copy();
    this.#others = other.#others.map((selector) => selector.copy());
    this.#description = undefined;
  }

  /** True if it may log in with `password`; takes the same time for each answer. */
  accepts(password: string): boolean {
    const isRight = isOneOf(password, this.#passwords);
    return this.#enabled && (this.#noPassword || isRight);
  }

  // ---- Rules ------------------------------------------------------------------------------------

  /**
   * Applies rules, all or none; throws RuleError.
   * @param onFault called for a refused rule; if it returns, the next rule follows
   */
  applyAll(rules: readonly string[], onFault: (rule: string, error: RuleError) => void): void {
    const staged = new User(this.name, this.settings);
    staged.become(this);
    for (const rule of rules) {
      try {
        staged.apply(rule);
      } catch (error) {
        if (!(error instanceof RuleError)) throw error;
        onFault(rule, error);
      }
    }
    this.become(staged);
  }

  /** Applies one rule; throws RuleError and changes nothing if it is invalid. */
  apply(rule: string): void {
    if (rule === "") return;
    this.#description = undefined;
    switch (rule.toLowerCase()) {
      case "on":
      case "off":
        this.#enabled = rule.toLowerCase() === "on";
        return;
      case "skip-sanitize-payload":
        this.#sanitize = "skip-sanitize-payload";
        return;
      case "sanitize-payload":
        this.#sanitize = "sanitize-payload";
        return;
      case "nopass":
      case "resetpass":
        return this.#resetPasswords(rule.toLowerCase() === "nopass");
      case "clearselectors":
        this.#others = [];
        return;
      case "reset":
        return this.#reset();
      default:
        this.#applyOther(rule);
    }
  }

  #applyOther(rule: string): void {
    const value = rule.slice(1);
    switch (rule.charAt(0)) {
      case ">":
        return this.#addPassword(hashPassword(value));
      case "#":
        return this.#addPassword(checkedHash(value));
      case "<":
        return this.#removePassword(hashPassword(value));
      case "!":
        return this.#removePassword(checkedHash(value));
      default:
        if (rule.startsWith("(") && rule.endsWith(")")) {
          this.#others.push(Selector.parse(this.settings, rule));
        } else this.#root.apply(rule);
    }
  }

  #resetPasswords(noPassword: boolean): void {
    this.#noPassword = noPassword;
    this.#passwords = [];
  }

  #addPassword(hash: string): void {
    if (!this.#passwords.includes(hash)) this.#passwords.push(hash);
    this.#noPassword = false;
  }

  #removePassword(hash: string): void {
    const at = this.#passwords.indexOf(hash);
    if (at < 0) throw noSuchPassword();
    this.#passwords.splice(at, 1);
  }

  /** Resets it to the state of a new user. */
  #reset(): void {
    this.#resetPasswords(false);
    this.#enabled = false;
    this.#sanitize = "sanitize-payload";
    this.#root = new Selector(this.settings);
    this.#others = [];
  }

  // ---- Checks -----------------------------------------------------------------------------------

  /**
   * The reason for denying a call, or null. If several selectors deny it, the reason is that of the
   * selector which got furthest: a channel before a key before the command, and the last argument
   * among these.
   */
  check(request: AccessRequest): Denial | null {
    let told = this.#root.check(request);
    for (const selector of this.#others) {
      if (told === null) return null;
      const denial = selector.check(request);
      if (denial === null || isFurther(denial, told)) told = denial;
    }
    return told;
  }

  /** True if one selector allows the call and, besides, every key with the permissions `needs`. */
  mayUseEveryKey(request: AccessRequest, needs: number): boolean {
    return this.selectors.some((selector) =>
      selector.check(request) === null && selector.allowsEveryKey(needs)
    );
  }

  /** True if it may subscribe to a channel or, for a pattern, has exactly that pattern. */
  allowsChannel(name: string, isPattern: boolean): boolean {
    return this.selectors.some((selector) => selector.allowsChannel(name, isPattern));
  }

  /** True if `before` had channel patterns that this user no longer has. */
  hasLostChannels(before: User): boolean {
    if (this.selectors.some((selector) => selector.allowsAllChannels)) return false;
    const left = new Set(this.selectors.flatMap((selector) => selector.channels));
    return before.selectors.some((selector) =>
      selector.allowsAllChannels || selector.channels.some((glob) => !left.has(glob))
    );
  }

  // ---- Descriptions -----------------------------------------------------------------------------

  /** Rules that produce this user, as ACL LIST, ACL SAVE and CONFIG REWRITE write them. */
  describe(): string {
    this.#description ??= [
      ...this.flags,
      ...this.#passwords.map((hash) => "#" + hash),
      this.#root.describe(),
      ...this.#others.map((selector) => `(${selector.describe()})`),
    ].join(" ");
    return this.#description;
  }
}

const ranks = { command: 1, key: 2, channel: 3 } as const;

function isFurther(denial: Denial, than: Denial): boolean {
  const difference = ranks[denial.reason] - ranks[than.reason];
  return difference > 0 || (difference === 0 && denial.index > than.index);
}

function checkedHash(text: string): string {
  if (!isPasswordHash(text)) throw badHash();
  return text;
}
