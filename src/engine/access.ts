/** Who may do what. The engine asks; access control answers. */
import { timingSafeEqual } from "node:crypto";
import type { Config } from "../config/config.ts";
import { type ReplyError, WRONGPASS } from "../protocol/errors.ts";
import { bytesOf } from "../util/bytes.ts";
import type { Args } from "./args.ts";
import type { Client } from "./client.ts";
import type { Command } from "./command.ts";
import { ClientGuard } from "./refusals.ts";

export interface AccessControl {
  /** Whether the default user needs no password. */
  readonly isOpen: boolean;
  /** Whether there is a user of that name. */
  hasUser(name: string): boolean;
  /** A client has connected: sets its user, and its guards as far as they concern access. */
  connected(client: Client): void;
  /** Why its user may not run this command with these arguments, or null. */
  check(client: Client, cmd: Command, args: Args): ReplyError | null;
  /** Makes `client` the user `name` if the password is right; returns the error otherwise. */
  authenticate(client: Client, name: string, password: string): ReplyError | null;
}

/** One user, `default`, who may do everything, with the password `requirepass` or none. */
export class PasswordAccess implements AccessControl {
  constructor(readonly config: Config) {}

  get isOpen(): boolean {
    return this.config.values.requirepass === "";
  }

  hasUser(name: string): boolean {
    return name === "default";
  }

  connected(client: Client): void {
    this.#setAuthenticated(client, this.isOpen);
  }

  check(): null {
    return null;
  }

  authenticate(client: Client, name: string, password: string): ReplyError | null {
    const isRight = name === "default" &&
      (this.isOpen || isSameSecret(password, this.config.values.requirepass));
    if (!isRight) return WRONGPASS;
    this.#setAuthenticated(client, true);
    return null;
  }

  #setAuthenticated(client: Client, authenticated: boolean): void {
    client.authenticated = authenticated;
    if (authenticated) client.guards &= ~ClientGuard.NotAuthenticated;
    else client.guards |= ClientGuard.NotAuthenticated;
  }
}

/** Compares two latin1 strings in a time that does not tell how far they agree. */
function isSameSecret(a: string, b: string): boolean {
  const length = Math.max(a.length, b.length);
  const same = timingSafeEqual(bytesOf(a.padEnd(length, "\0")), bytesOf(b.padEnd(length, "\0")));
  return same && a.length === b.length;
}
