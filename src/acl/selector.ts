/**
 * A selector: commands, key patterns and channel patterns that apply together. A user may make a
 * call that one of its selectors allows as a whole; the parts allowed by several do not add up.
 */
import { globMatch } from "../util/glob.ts";
import { splitArgs } from "../util/sds_split.ts";
import type { Catalog, CatalogCommand } from "./catalog.ts";
import { CommandRules } from "./command_rules.ts";
import { firstArgOfSubcommand, ruleSyntax, unknownName, uselessPattern } from "./rule_error.ts";

/** Permissions on a key, as bits. */
export const Permission = { Read: 1, Write: 2 } as const;

const READ_WRITE = Permission.Read | Permission.Write;

/** A key named in a call. */
export interface KeyUse {
  /** Its index among the arguments. */
  readonly index: number;
  readonly name: string;
  /** Bits of {@linkcode Permission} that the call needs; 0 if any one suffices. */
  readonly needs: number;
}

/** A channel named in a call. */
export interface ChannelUse {
  readonly index: number;
  readonly name: string;
  /** True if it is itself a pattern, as PSUBSCRIBE takes it. */
  readonly isPattern: boolean;
}

/**
 * A call of a command, as far as access depends on it. Facts that only some selectors need are
 * computed on demand.
 */
export interface AccessRequest {
  readonly commandId: number;
  /** True if every user may call it: AUTH, HELLO, RESET, QUIT. */
  readonly isFree: boolean;
  /** The argument that rules like `+select|0` refer to. */
  firstArg(): string | undefined;
  keys(): readonly KeyUse[];
  channels(): readonly ChannelUse[];
}

/** The denied part: the command as a whole, or the key or channel at an argument. */
export interface Denial {
  readonly reason: "command" | "key" | "channel";
  readonly index: number;
}

const COMMAND_DENIED: Denial = { reason: "command", index: 0 };

interface KeyPattern {
  readonly glob: string;
  permissions: number;
}

/** The settings of a selector. */
export interface SelectorSettings {
  readonly catalog: Catalog;
  /** True if new selectors may use all channels: `acl-pubsub-default`. */
  allChannelsByDefault(): boolean;
}

/** See the head of this file. */
export class Selector {
  readonly #settings: SelectorSettings;
  #commands: CommandRules;
  #keys: KeyPattern[] = [];
  #channels: string[] = [];
  #allKeys = false;
  #allChannels: boolean;

  /** A selector that allows nothing, except perhaps all channels. */
  constructor(settings: SelectorSettings) {
    this.#settings = settings;
    this.#commands = new CommandRules(settings.catalog);
    this.#allChannels = settings.allChannelsByDefault();
  }

  /** Parses a selector from rules in parentheses. */
  static parse(settings: SelectorSettings, text: string): Selector {
    const selector = new Selector(settings);
    for (const rule of splitArgs(text.slice(1, -1)) ?? []) selector.apply(rule);
    return selector;
  }

  copy(): Selector {
    const copy = new Selector(this.#settings);
    copy.#commands = this.#commands.copy();
    copy.#keys = this.#keys.map((pattern) => ({ ...pattern }));
    copy.#channels = [...this.#channels];
    copy.#allKeys = this.#allKeys;
    copy.#allChannels = this.#allChannels;
    return copy;
  }

  /** True if it allows everything. */
  get isUnrestricted(): boolean {
    return this.#commands.allowsEverything && this.#allKeys && this.#allChannels;
  }

  get allowsAllChannels(): boolean {
    return this.#allChannels;
  }

  /** Channel patterns, empty if all channels are allowed. */
  get channels(): readonly string[] {
    return this.#channels;
  }

  // ---- Rules ------------------------------------------------------------------------------------

  /** Applies one rule; throws RuleError and changes nothing if it is invalid. */
  apply(rule: string): void {
    switch (rule.toLowerCase()) {
      case "allkeys":
      case "~*":
        return this.#setAllKeys(true);
      case "resetkeys":
        return this.#setAllKeys(false);
      case "allchannels":
      case "&*":
        return this.#setAllChannels(true);
      case "resetchannels":
        return this.#setAllChannels(false);
      case "allcommands":
      case "+@all":
        return this.#commands.setAll(true);
      case "nocommands":
      case "-@all":
        return this.#commands.setAll(false);
      default:
        this.#applyOther(rule);
    }
  }

  #applyOther(rule: string): void {
    switch (rule.charAt(0)) {
      case "~":
      case "%":
        return this.#addKeys(rule);
      case "&":
        return this.#addChannels(rule.slice(1));
      case "+":
      case "-":
        if (rule.charAt(1) === "@") return this.#setCategory(rule.slice(2), rule.startsWith("+"));
        if (rule.startsWith("+") && rule.includes("|")) return this.#allowPart(rule.slice(1));
        return this.#commands.set(this.#command(rule.slice(1)), rule.startsWith("+"));
      default:
        throw ruleSyntax();
    }
  }

  #setAllKeys(allowed: boolean): void {
    this.#allKeys = allowed;
    this.#keys = [];
  }

  #setAllChannels(allowed: boolean): void {
    this.#allChannels = allowed;
    this.#channels = [];
  }

  /** `~glob`, `%R~glob`, `%W~glob`, `%RW~glob`. */
  #addKeys(rule: string): void {
    if (this.#allKeys) throw uselessPattern("keys");
    const match = /^(?:~|%(r|w|rw|wr)(?:~|$))/i.exec(rule);
    if (match === null) throw ruleSyntax();
    const [head, letters = "rw"] = match;
    const permissions = permissionsOf(letters);
    const glob = rule.slice(head.length);
    if (hasSpace(glob)) throw ruleSyntax();
    const known = this.#keys.find((pattern) => pattern.glob === glob);
    if (known === undefined) this.#keys.push({ glob, permissions });
    else known.permissions |= permissions;
  }

  #addChannels(glob: string): void {
    if (this.#allChannels) throw uselessPattern("channels");
    if (hasSpace(glob)) throw ruleSyntax();
    if (!this.#channels.includes(glob)) this.#channels.push(glob);
  }

  #setCategory(name: string, allowed: boolean): void {
    if (!this.#commands.setCategory(name, allowed)) throw unknownName();
  }

  #command(name: string): CatalogCommand {
    const found = this.#settings.catalog.find(name);
    if (found === undefined) throw unknownName();
    return found;
  }

  /** `+container|sub` or `+command|first-arg`. */
  #allowPart(name: string): void {
    const bar = name.lastIndexOf("|");
    const cmd = this.#command(name.slice(0, bar)), part = name.slice(bar + 1);
    if (cmd.isSubcommand) throw firstArgOfSubcommand();
    if (part === "") throw ruleSyntax();
    if (cmd.subcommands.length > 0) this.#commands.set(this.#command(name), true);
    else this.#commands.allowFirstArg(cmd, part);
  }

  // ---- Checks -----------------------------------------------------------------------------------

  /** The reason for denying a call, or null. */
  check(request: AccessRequest): Denial | null {
    if (!request.isFree && !this.#commands.allows(request.commandId, () => request.firstArg())) {
      return COMMAND_DENIED;
    }
    if (!this.#allKeys) {
      for (const { index, name, needs } of request.keys()) {
        if (!this.allowsKey(name, needs)) return { reason: "key", index };
      }
    }
    if (this.#allChannels) return null;
    for (const { index, name, isPattern } of request.channels()) {
      if (!this.allowsChannel(name, isPattern)) return { reason: "channel", index };
    }
    return null;
  }

  /** True if a key may be used with all of the permissions `needs`. */
  allowsKey(name: string, needs: number): boolean {
    if (this.#allKeys) return true;
    return this.#keys.some(({ glob, permissions }) =>
      (permissions & needs) === needs && globMatch(glob, name)
    );
  }

  /** True if every key may be used with the permissions `needs`. */
  allowsEveryKey(needs: number): boolean {
    if (this.#allKeys) return true;
    return this.#keys.some(({ glob, permissions }) => (permissions & needs) === needs && glob === "*");
  }

  /** A name must match an allowed pattern; a pattern must equal one of them exactly. */
  allowsChannel(name: string, isPattern: boolean): boolean {
    if (this.#allChannels) return true;
    return this.#channels.some((glob) => isPattern ? glob === name : globMatch(glob, name));
  }

  // ---- Descriptions -----------------------------------------------------------------------------

  /** Its key patterns as rules. */
  describeKeys(): string {
    if (this.#allKeys) return "~*";
    return this.#keys.map(({ glob, permissions }) => prefixOf(permissions) + glob).join(" ");
  }

  /** Its channel patterns as rules. */
  describeChannels(): string {
    return this.#allChannels ? "&*" : this.#channels.map((glob) => "&" + glob).join(" ");
  }

  /** Its commands as rules. */
  describeCommands(): string {
    return this.#commands.describe();
  }

  /** Rules that produce this selector. */
  describe(): string {
    const channels = this.describeChannels();
    const reset = this.#allChannels ? "" : "resetchannels";
    return [this.describeKeys(), reset, channels, this.describeCommands()].filter(Boolean).join(" ");
  }
}

function permissionsOf(letters: string): number {
  const lower = letters.toLowerCase();
  return (lower.includes("r") ? Permission.Read : 0) | (lower.includes("w") ? Permission.Write : 0);
}

function prefixOf(permissions: number): string {
  if (permissions === READ_WRITE) return "~";
  return permissions === Permission.Read ? "%R~" : "%W~";
}

/** True if a name or pattern contains white space or NUL, which the file format cannot express. */
export function hasSpace(text: string): boolean {
  return /[\t-\r \0]/.test(text);
}
