/**
 * Permissions of clients. Rules and users are access control's (`src/acl`); here they meet clients
 * and commands.
 *
 * A client whose user may do everything is never asked: `ClientGuard.Restricted` is set for the
 * others alone, and set anew for all clients whenever a user changes.
 */
import { AccessLog } from "../acl/access_log.ts";
import { Catalog, type CatalogCommand } from "../acl/catalog.ts";
import { duplicateUser, RuleError, ruleSyntax } from "../acl/rule_error.ts";
import {
  type AccessRequest,
  type ChannelUse,
  type Denial,
  type KeyUse,
  Permission,
} from "../acl/selector.ts";
import { User } from "../acl/user.ts";
import { DEFAULT_USER, joinSelectors, Users, UsersError } from "../acl/users.ts";
import { fatalConfigError } from "../config/errors.ts";
import { denoHost, fromLatin1, reasonOf } from "../config/host.ts";
import type { KeptDirective } from "../config/load.ts";
import {
  CHANNEL_DENIED,
  deniedCommand,
  deniedInExec,
  deniedInScript,
  KEY_DENIED,
  ReplyError,
  WRONGPASS,
} from "../protocol/errors.ts";
import type { Args } from "./args.ts";
import { categories, categoriesOf } from "./categories.ts";
import { clientLine } from "./client_line.ts";
import { type Client, ClientFlag } from "./client.ts";
import { type Command, findKeys, Flag, KeyFlag } from "./command.ts";
import type { Engine } from "./engine.ts";
import { ClientGuard } from "./refusals.ts";

/** Context of a client at a denial. */
type Context = "toplevel" | "multi" | "lua";

/** See the head of this file. */
export class AccessControl {
  readonly users: Users;
  readonly log = new AccessLog();
  readonly catalog: Catalog;
  readonly #engine: Engine;
  /** Stands for unknown users, so that an answer about them takes as long as about known ones. */
  readonly #nobody: User;

  constructor(engine: Engine) {
    this.#engine = engine;
    const { config } = engine;
    const commands = Array.from(engine.commands.entries(), ([, cmd]) => catalogEntry(cmd));
    this.catalog = new Catalog(commands, categories);
    this.users = new Users({
      catalog: this.catalog,
      allChannelsByDefault: () => config.values.aclPubsubDefault === "allchannels",
    });
    this.#nobody = new User("", this.users.settings);
    this.#takeDefaultPassword();
    config.onApply("requirepass", () => {
      this.#takeDefaultPassword();
      this.#guardAll();
    });
    // With a file of users, the configuration holds none.
    config.describeUsers = () =>
      config.values.aclfile === "" ? this.users.lines().map((line) => line.slice("user ".length)) : [];
  }

  /** `requirepass` is a way to give the user `default` its one password. */
  #takeDefaultPassword(): void {
    const { requirepass } = this.#engine.config.values, { defaultUser } = this.users;
    defaultUser.apply("resetpass");
    defaultUser.apply(requirepass === "" ? "nopass" : ">" + requirepass);
  }

  // ---- Clients ----------------------------------------------------------------------------------

  /** True if a client may act as `default` without logging in. */
  get isOpen(): boolean {
    const { defaultUser } = this.users;
    return defaultUser.enabled && defaultUser.needsNoPassword;
  }

  /** True if a user of that name exists. */
  hasUser(name: string): boolean {
    return this.users.get(name) !== undefined;
  }

  /** A client has connected: it begins as the user `default`. */
  connected(client: Client): void {
    client.user = this.users.defaultUser;
    client.authenticated = this.isOpen;
    this.guard(client);
  }

  /** Sets a client's guards as far as they concern access. */
  guard(client: Client): void {
    const { user, authenticated } = client;
    client.guards &= ~(ClientGuard.NotAuthenticated | ClientGuard.Restricted);
    if (user === null) return;
    if (!authenticated && !this.isOpen) client.guards |= ClientGuard.NotAuthenticated;
    if (!user.isUnrestricted) client.guards |= ClientGuard.Restricted;
  }

  #guardAll(): void {
    for (const client of this.#engine.clients.values()) this.guard(client);
  }

  /**
   * Makes `client` the user `name` if it is enabled and the password right; returns the error
   * otherwise.
   * @param word the name of the command that asks, as it was written
   */
  authenticate(client: Client, name: string, password: string, word: string): ReplyError | null {
    const user = this.users.get(name) ?? this.#nobody;
    if (!user.accepts(password)) {
      this.#record(client, "auth", contextOf(client), word, name);
      return WRONGPASS;
    }
    client.user = user;
    client.authenticated = true;
    this.guard(client);
    return null;
  }

  // ---- Checks -----------------------------------------------------------------------------------

  /**
   * The error if a client's user may not run this command with these arguments, or null. A denial
   * is logged.
   */
  check(client: Client, cmd: Command, args: Args): ReplyError | null {
    const denial = this.#deny(client, cmd, args, contextOf(client));
    switch (denial?.reason) {
      case undefined:
        return null;
      case "command":
        return deniedCommand(cmd.fullName);
      case "key":
        return KEY_DENIED;
      case "channel":
        return CHANNEL_DENIED;
    }
  }

  /** As {@linkcode check}, for a command that EXEC is about to run. */
  checkQueued(client: Client, cmd: Command, args: Args): ReplyError | null {
    const denial = this.#deny(client, cmd, args, "multi");
    return denial === null ? null : deniedInExec(denial.reason);
  }

  /**
   * As {@linkcode check}, for a command that a script calls.
   * @param caller the client that runs the script
   */
  checkScript(caller: Client, cmd: Command, args: Args): ReplyError | null {
    const denial = this.#deny(caller, cmd, args, "lua");
    return denial === null ? null : deniedInScript(denial.reason);
  }

  /**
   * True if a client's user may run a command; leaves no trace in the log (`redis.acl_check_cmd`).
   */
  mayRun(client: Client, cmd: Command, args: Args): boolean {
    return client.user === null || client.user.check(new Call(cmd, args)) === null;
  }

  /** True if a client's user may run a command and read every key. */
  mayReadEveryKey(client: Client, cmd: Command, args: Args): boolean {
    if (client.user === null || (client.guards & ClientGuard.Restricted) === 0) return true;
    return client.user.mayUseEveryKey(new Call(cmd, args), Permission.Read);
  }

  /** The reason why a user may not run a command, or null. */
  denialFor(user: User, cmd: Command, args: Args): Denial | null {
    return user.check(new Call(cmd, args));
  }

  #deny(client: Client, cmd: Command, args: Args, context: Context): Denial | null {
    if (client.user === null) return null;
    const denial = client.user.check(new Call(cmd, args));
    if (denial === null) return null;
    const object = denial.reason === "command" ? cmd.fullName : args.string(denial.index);
    this.#record(client, denial.reason, context, object, client.user.name);
    return denial;
  }

  #record(
    client: Client,
    reason: Denial["reason"] | "auth",
    context: Context,
    object: string,
    userName: string,
  ): void {
    const { clock, config, stats } = this.#engine;
    stats.accessDenied[reason]++;
    const clientInfo = clientLine(this.#engine, client), atMs = clock.nowMs();
    this.log.add({ reason, context, object, userName, clientInfo, atMs }, config.values.acllogMaxLen);
  }

  // ---- Changes ----------------------------------------------------------------------------------

  /**
   * ACL SETUSER: applies rules, all or none, to a user that need not exist yet. Throws
   * {@linkcode ReplyError}.
   */
  setUser(name: string, words: readonly string[]): void {
    const rules = joinSelectors(words);
    if (!Array.isArray(rules)) {
      const opened = oneLine(words[rules.openedAt] ?? "");
      throw new ReplyError(`ERR Unmatched parenthesis in acl selector starting at '${opened}'.`);
    }
    const known = this.users.get(name);
    const changed = new User(name, this.users.settings);
    if (known !== undefined) changed.become(known);
    changed.applyAll(rules, (rule, error) => {
      throw new ReplyError(`ERR Error in ACL SETUSER modifier '${oneLine(rule)}': ${error.message}`);
    });
    if (known !== undefined && changed.hasLostChannels(known)) this.#closeSubscribers(known, changed);
    (known ?? this.users.add(name)).become(changed);
    this.#guardAll();
  }

  /** ACL DELUSER: removes a user and closes its connections; false if there is none. */
  deleteUser(name: string): boolean {
    const user = this.users.remove(name);
    if (user !== undefined) this.#closeClients([user]);
    return user !== undefined;
  }

  /**
   * Closes connections of `user` with subscriptions that `changed`, the same user from now on, is
   * denied.
   */
  #closeSubscribers(user: User, changed: User): void {
    const { clients, pubsub } = this.#engine;
    for (const client of [...clients.values()]) {
      if (client.user !== user || !client.has(ClientFlag.PubSub)) continue;
      const names = [...pubsub.channels.namesOf(client), ...pubsub.shardChannels.namesOf(client)];
      const patterns = [...pubsub.patterns.namesOf(client)];
      const hears = names.every((name) => changed.allowsChannel(name, false)) &&
        patterns.every((pattern) => changed.allowsChannel(pattern, true));
      if (!hears) this.#close(client);
    }
  }

  /** Closes the connections of deleted users. */
  #closeClients(users: readonly User[]): void {
    for (const client of [...this.#engine.clients.values()]) {
      if (client.user === null || !users.includes(client.user)) continue;
      client.user = this.users.defaultUser;
      client.authenticated = false;
      this.guard(client);
      this.#close(client);
    }
  }

  /** Closes a client; the one whose command this is only when it has its reply. */
  #close(client: Client): void {
    if (client === this.#engine.running) client.set(ClientFlag.CloseAfterReply);
    else client.transport.close(false);
  }

  // ---- Files ------------------------------------------------------------------------------------

  /**
   * Takes over the users of the configuration or of `aclfile`, at the start; false, after a warning
   * in the log, if they cannot be. Throws ConfigLoadError for a `user` line that makes no sense.
   */
  loadUsers(): boolean {
    const { config, log } = this.#engine;
    checkUserLines(config.users, this.users);
    if (config.values.aclfile !== "" && config.users.length > 0) {
      log.warning(
        "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. " +
          "This setup is very likely to lead to configuration errors and security holes, please define either an " +
          "ACL file or declare users directly in your redis.conf, but not both.",
      );
      return false;
    }
    if (!this.#loadUserLines(config.users)) {
      log.warning("Critical error while loading ACLs. Exiting.");
      return false;
    }
    try {
      if (config.values.aclfile !== "") this.loadFile();
    } catch (error) {
      if (!(error instanceof UsersError)) throw error;
      log.warning(`Aborting Redis startup because of ACL errors: ${error.message}`);
      return false;
    }
    this.#guardAll();
    return true;
  }

  #loadUserLines(lines: readonly KeptDirective[]): boolean {
    const { log } = this.#engine;
    for (const { words: [name = "", ...rules] } of lines) {
      const user = this.users.get(name) ?? this.users.add(name);
      if (name === DEFAULT_USER) user.apply("reset");
      let isFaulty = false;
      user.applyAll(rulesOf(rules), (rule, { message }) => {
        log.warning(`Error loading ACL rule '${rule}' for the user named '${name}': ${message}`);
        isFaulty = true;
      });
      if (isFaulty) return false;
      if (user.enabled) continue;
      log.notice(
        `The user '${name}' is disabled (there is no 'on' modifier in the user description). ` +
          "Make sure this is not a configuration error.",
      );
    }
    return true;
  }

  /**
   * Replaces all users by those of `aclfile` and closes connections of the old ones; throws
   * {@linkcode UsersError}.
   */
  loadFile(): void {
    const { aclfile } = this.#engine.config.values;
    let text: string;
    try {
      text = denoHost.readFile(fromLatin1(aclfile));
    } catch (error) {
      throw new UsersError(`Error loading ACLs, opening file '${aclfile}': ${reasonOf(error)}`);
    }
    this.#closeClients(this.users.load(text, aclfile));
    this.#guardAll();
  }

  /** Writes all users to `aclfile`; false, after a warning in the log, if it cannot be written. */
  saveFile(): boolean {
    const { config, log } = this.#engine;
    try {
      const text = this.users.lines().map((line) => line + "\n").join("");
      denoHost.replaceFile(fromLatin1(config.values.aclfile), text);
      return true;
    } catch (error) {
      log.warning(`Writing ACL file for ACL SAVE: ${reasonOf(error)}`);
      return false;
    }
  }
}

/** A call as access control sees it. */
class Call implements AccessRequest {
  readonly commandId: number;
  readonly isFree: boolean;
  #keys: KeyUse[] | undefined;

  constructor(readonly cmd: Command, readonly args: Args) {
    this.commandId = cmd.id;
    this.isFree = (cmd.flags & Flag.NoAuth) !== 0;
  }

  firstArg(): string | undefined {
    const index = this.cmd.parent === null ? 1 : 2;
    return index < this.args.count ? this.args.string(index) : undefined;
  }

  keys(): readonly KeyUse[] {
    return this.#keys ??= keysOf(this.cmd, this.args);
  }

  channels(): readonly ChannelUse[] {
    const use = this.cmd.channels;
    if (use === undefined) return [];
    const to = use.takesMore ? this.args.count : 2;
    const { isPattern } = use;
    return this.args.strings(1, to).map((name, i) => ({ index: i + 1, name, isPattern }));
  }
}

/** Keys of a call that cannot be run for its arguments are none. */
function keysOf(cmd: Command, args: Args): KeyUse[] {
  return (findKeys(cmd, args) ?? [])
    .filter(({ flags }) => (flags & KeyFlag.NotKey) === 0)
    .map(({ index, flags }) => ({ index, name: args.string(index), needs: permissionsFor(flags) }));
}

function permissionsFor(flags: number): number {
  const reads = (flags & KeyFlag.Access) !== 0;
  const writes = (flags & (KeyFlag.Insert | KeyFlag.Delete | KeyFlag.Update)) !== 0;
  return (reads ? Permission.Read : 0) | (writes ? Permission.Write : 0);
}

function contextOf(client: Client): Context {
  return client.has(ClientFlag.Multi) ? "multi" : "toplevel";
}

function catalogEntry(cmd: Command): CatalogCommand {
  return {
    id: cmd.id,
    fullName: cmd.fullName,
    categories: categoriesOf(cmd),
    isSubcommand: cmd.parent !== null,
    subcommands: (cmd.subcommands ?? []).map(catalogEntry),
  };
}

/**
 * Throws for the first `user` line whose form is wrong; an unknown command is not an error of form.
 */
function checkUserLines(lines: readonly KeptDirective[], users: Users): void {
  const seen = new Set<string>();
  for (const { words, origin } of lines) {
    const [name = "", ...rest] = words;
    const fail = (word: string, { message }: RuleError) =>
      fatalConfigError(origin, `Error in user declaration '${word}': ${message}`);
    if (seen.has(name)) throw fail(name, duplicateUser());
    seen.add(name);
    const rules = joinSelectors(rest);
    if (!Array.isArray(rules)) throw fail(rest[rules.openedAt] ?? "", ruleSyntax());
    new User(name, users.settings).applyAll(rules, (rule, error) => {
      if (!error.isUnknownName) throw fail(rule, error);
    });
  }
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]/g, " ");
}

/** The rules of a line whose parentheses have been found to match. */
function rulesOf(words: readonly string[]): string[] {
  const rules = joinSelectors(words);
  return Array.isArray(rules) ? rules : [];
}
