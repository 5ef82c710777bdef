/** TLS as configured by the directives: certificates, trusted authorities, protocols. */
import { createPrivateKey } from "node:crypto";
import type { Credentials, TlsVersions } from "../util/node_tls.ts";
import { ConfigError } from "./errors.ts";
import { fromLatin1, reasonOf } from "./host.ts";
import type { ConfigValues } from "./parameters.ts";

/** TLS settings, with the files read. */
export interface TlsSettings extends TlsVersions {
  /** The server's own certificate and key. */
  readonly own: Credentials;
  /** Shown to a primary on request: `tls-client-cert-file`, or the server's own. */
  readonly client: Credentials;
  /** PEM of the trusted authorities. */
  readonly trusted: readonly string[];
}

/**
 * OpenSSL finds an authority in `tls-ca-cert-dir` under a name of this form, a hash of its subject.
 */
const HASHED_NAME = /^[0-9a-f]{8}\.\d+$/;

/**
 * The first version of Deno whose `node:tls` is known to demand certificates and to trust only the
 * named authorities.
 */
const VERIFYING_DENO = [2, 9, 6] as const;

/**
 * True if a version of Deno, such as 2.9.6, can verify certificates of clients, and those of
 * primaries as Redis does.
 */
export function verifiesCertificates(version: string): boolean {
  const parts = version.split(".").map((part) => parseInt(part));
  for (const [i, least] of VERIFYING_DENO.entries()) {
    const part = parts[i] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

/** The fields that {@linkcode readTls} reads. */
export const TLS_FIELDS = [
  "tlsCertFile",
  "tlsKeyFile",
  "tlsKeyFilePass",
  "tlsClientCertFile",
  "tlsClientKeyFile",
  "tlsClientKeyFilePass",
  "tlsCaCertFile",
  "tlsCaCertDir",
  "tlsAuthClients",
  "tlsProtocols",
  "tlsReplication",
] as const satisfies readonly (keyof ConfigValues)[];

/**
 * Reads all files that TLS needs. Throws {@linkcode ConfigError} if one is missing or unreadable,
 * or if this version of Deno cannot do what is asked: a server that only seems to verify is worse
 * than none.
 */
export function readTls(values: ConfigValues, denoVersion: string = Deno.version.deno): TlsSettings {
  const { tlsCertFile, tlsKeyFile, tlsKeyFilePass, tlsAuthClients, tlsReplication } = values;
  if (tlsCertFile === "") throw new ConfigError("No tls-cert-file configured!");
  if (tlsKeyFile === "") throw new ConfigError("No tls-key-file configured!");
  if (
    (tlsAuthClients !== "no" || tlsReplication) && values.tlsCaCertFile === "" && values.tlsCaCertDir === ""
  ) {
    throw new ConfigError(
      "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or " +
        "tls-auth-clients are enabled!",
    );
  }
  if (!verifiesCertificates(denoVersion)) refuseWhatNeedsVerifying(values, denoVersion);
  const own = credentials(tlsCertFile, tlsKeyFile, tlsKeyFilePass);
  const { tlsClientCertFile, tlsClientKeyFile, tlsClientKeyFilePass } = values;
  const client = tlsClientCertFile === ""
    ? own
    : credentials(tlsClientCertFile, tlsClientKeyFile, tlsClientKeyFilePass);
  return { own, client, trusted: authorities(values), ...versions(values.tlsProtocols) };
}

function refuseWhatNeedsVerifying(values: ConfigValues, denoVersion: string): void {
  const { tlsAuthClients, tlsReplication, tlsProtocols } = values;
  const needs = `needs Deno ${VERIFYING_DENO.join(".")} or newer, and this is ${denoVersion}`;
  if (tlsAuthClients !== "no") {
    throw new ConfigError(
      `tls-auth-clients ${tlsAuthClients} ${needs}: 'tls-auth-clients no' serves clients without a certificate`,
    );
  }
  if (tlsReplication) throw new ConfigError(`tls-replication yes ${needs}`);
  if (!areDefault(versions(tlsProtocols))) throw new ConfigError(`tls-protocols "${tlsProtocols}" ${needs}`);
}

function credentials(certFile: string, keyFile: string, pass: string): Credentials {
  const cert = readPem("certificate", certFile), key = readPem("private key", keyFile);
  return { cert, key: pass === "" ? key : decrypted(key, keyFile, pass) };
}

function readPem(noun: string, path: string): string {
  try {
    return Deno.readTextFileSync(fromLatin1(path));
  } catch (error) {
    throw new ConfigError(`Failed to load ${noun}: ${path}: ${reasonOf(error)}`);
  }
}

function decrypted(key: string, path: string, passphrase: string): string {
  if (!key.includes("ENCRYPTED")) return key;
  try {
    return String(createPrivateKey({ key, passphrase }).export({ type: "pkcs8", format: "pem" }));
  } catch (error) {
    throw new ConfigError(`Failed to load private key: ${path}: ${reasonOf(error)}`);
  }
}

function authorities({ tlsCaCertFile, tlsCaCertDir }: ConfigValues): string[] {
  try {
    const files = tlsCaCertFile === "" ? [] : [fromLatin1(tlsCaCertFile)];
    if (tlsCaCertDir !== "") {
      const dir = fromLatin1(tlsCaCertDir);
      for (const { name } of Deno.readDirSync(dir)) if (HASHED_NAME.test(name)) files.push(`${dir}/${name}`);
    }
    return files.map((file) => Deno.readTextFileSync(file));
  } catch (error) {
    throw new ConfigError(`Failed to configure CA certificate(s) file/directory: ${reasonOf(error)}`);
  }
}

/**
 * The versions that `tls-protocols` names; "" means TLSv1.2 and TLSv1.3. The words have been
 * checked before.
 */
function versions(protocols: string): TlsVersions {
  const words = protocols.toLowerCase();
  const has = (version: string) => words === "" || words.includes(version);
  return {
    minVersion: has("tlsv1.2") ? "TLSv1.2" : "TLSv1.3",
    maxVersion: has("tlsv1.3") ? "TLSv1.3" : "TLSv1.2",
  };
}

/** True for the versions that Deno's own listener supports. */
export function areDefault({ minVersion, maxVersion }: TlsVersions): boolean {
  return minVersion !== maxVersion;
}
