/** Addresses as one word: `redis://user:password@host:port/database`, and `rediss://…` for TLS. */
import { UsageError } from "./usage_error.ts";

/** The parts of a URI; a part left out is `undefined`. */
export interface RedisUri {
  readonly isTls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly hostname: string | undefined;
  readonly port: number | undefined;
  readonly database: number | undefined;
}

const FORM =
  /^(rediss?):\/\/(?:(?:([^:@/]*):)?([^@]*)@)?(?:(\[[^\]]*\]|[^:/?]*)(?::(\d*))?)?(?:\/(\d*))?(?:\?.*)?$/i;

/**
 * Parses a URI. Names and passwords are percent-decoded; a lone word before the `@` is the
 * password, as in redis-cli, and an IPv6 address is in brackets.
 * @throws {UsageError}
 */
export function parseRedisUri(uri: string): RedisUri {
  if (!/^rediss?:\/\//i.test(uri)) throw new UsageError("Invalid URI scheme");
  const match = FORM.exec(uri);
  if (match === null) throw new UsageError(`Invalid URI '${uri}'`);
  const [, scheme = "", username, password, host = "", port = "", database = ""] = match;
  return {
    isTls: scheme.toLowerCase() === "rediss",
    username: username === undefined || username === "" ? undefined : decode(username),
    password: password === undefined ? undefined : decode(password),
    hostname: host === "" ? undefined : host.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? undefined : Number(port),
    database: database === "" ? undefined : Number(database),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError(`Incomplete URI encoding in '${text}'`);
  }
}
