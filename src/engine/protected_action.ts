/**
 * `enable-protected-configs`, `enable-debug-command` and `enable-module-command`: clients permitted
 * dangerous actions.
 */
import { type Client, ClientFlag } from "./client.ts";

/** No client, every client, or clients on this machine. */
export type ProtectedAction = "no" | "yes" | "local";

/** True if the setting `allowed` permits the action to `client`. */
export function mayAct(allowed: ProtectedAction, client: Client): boolean {
  return allowed === "yes" || (allowed === "local" && isLocal(client));
}

/** True if a client is on this machine, as far as its address tells. */
export function isLocal(client: Client): boolean {
  return client.has(ClientFlag.UnixSocket) || /^(127\.0\.0\.1|\[::1\]):/.test(client.transport.address);
}
