/** Who may do what. The engine asks; access control lists answer. */
import type { ReplyError } from "../protocol/errors.ts";
import type { Args } from "./args.ts";
import type { Client } from "./client.ts";
import type { Command } from "./command.ts";

export interface AccessControl {
  /** A client has connected: sets its user, and its guards as far as they concern access. */
  connected(client: Client): void;
  /** Why its user may not run this command with these arguments, or null. */
  check(client: Client, cmd: Command, args: Args): ReplyError | null;
  /** Makes `client` the user `name` if the password is right; returns the error otherwise. */
  authenticate(client: Client, name: string, password: string): ReplyError | null;
}

/** Everybody may do everything. */
export const openAccess: AccessControl = {
  connected(client) {
    client.authenticated = true;
  },
  check: () => null,
  authenticate: () => null,
};
