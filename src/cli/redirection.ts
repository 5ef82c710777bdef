/** The errors with which a cluster node sends a client to another node. */
import type { Reply } from "./reply.ts";

/** Another node for a command. */
export interface Redirection {
  readonly slot: number;
  /** Empty for the host that answered. */
  readonly hostname: string;
  readonly port: number;
  /** True if the other node accepts only this one command, after ASKING. */
  readonly isOnce: boolean;
}

/** The redirection in a reply, undefined for any other reply. */
export function redirectionOf(reply: Reply): Redirection | undefined {
  if (reply.type !== "error") return undefined;
  const match = /^(MOVED|ASK) (\d+) (.*):(\d+)$/.exec(reply.text);
  if (match === null) return undefined;
  const [, kind, slot, hostname = "", port] = match;
  return { slot: Number(slot), hostname, port: Number(port), isOnce: kind === "ASK" };
}
