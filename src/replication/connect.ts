/** Connections to a primary: plain, or over TLS with `tls-replication`. */
import type { ConfigValues } from "../config/parameters.ts";
import { readTls } from "../config/tls.ts";
import { hostAndPort } from "../util/address.ts";
import { connectTls } from "../util/node_tls.ts";
import type { LinkConnection } from "./link.ts";

/** True if the process has permission to connect there; a malformed address fails at connect. */
export function mayConnect(hostname: string, port: number): boolean {
  try {
    return Deno.permissions.querySync({ name: "net", host: hostAndPort(hostname, port) }).state === "granted";
  } catch {
    return true;
  }
}

/** Connects to a primary. Rejects if it cannot be reached or its certificate is not trusted. */
export async function connectToPrimary(
  values: ConfigValues,
  hostname: string,
  port: number,
): Promise<LinkConnection> {
  if (!values.tlsReplication) return await Deno.connect({ hostname, port });
  const { client, trusted, minVersion, maxVersion } = readTls(values);
  return await connectTls(hostname, port, { own: client, trusted, minVersion, maxVersion });
}
