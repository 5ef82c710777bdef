/** Connections to a primary: plain, or with `tls-replication` under TLS. */
import type { ConfigValues } from "../config/parameters.ts";
import { hostAndPort } from "../util/address.ts";
import type { LinkConnection } from "./link.ts";

function textOf(path: string): string {
  return Deno.readTextFileSync(path);
}

/** What this server shows who asks for a certificate: `tls-client-cert-file`, or that of its own port. */
function ownCertificate(values: ConfigValues): { cert: string; key: string } | Record<never, never> {
  const { tlsClientCertFile, tlsClientKeyFile, tlsCertFile, tlsKeyFile } = values;
  const [cert, key] = tlsClientCertFile === ""
    ? [tlsCertFile, tlsKeyFile]
    : [tlsClientCertFile, tlsClientKeyFile];
  return cert === "" || key === "" ? {} : { cert: textOf(cert), key: textOf(key) };
}

/** Whether the process may connect there at all; what is no address is left to those who try. */
export function mayConnect(hostname: string, port: number): boolean {
  try {
    return Deno.permissions.querySync({ name: "net", host: hostAndPort(hostname, port) }).state === "granted";
  } catch {
    return true;
  }
}

/** Connects to a primary. Rejects where it cannot be reached, or its certificate is not trusted. */
export async function connectToPrimary(
  values: ConfigValues,
  hostname: string,
  port: number,
): Promise<LinkConnection> {
  if (!values.tlsReplication) return await Deno.connect({ hostname, port });
  const { tlsCaCertFile } = values;
  const options = {
    hostname,
    port,
    ...(tlsCaCertFile === "" ? {} : { caCerts: [textOf(tlsCaCertFile)] }),
    ...ownCertificate(values),
    // As in Redis: replicas know their primary by its address, and certificates do not name that.
    unsafelyDisableHostnameVerification: true,
  };
  const connection = await Deno.connectTls(options);
  try {
    await connection.handshake();
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}
