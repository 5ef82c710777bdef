/** Network addresses as text. */

/**
 * A host and a port as one text; an IPv6 address is put in brackets.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hostAndPort } from "./address.ts";
 *
 * assertEquals(hostAndPort("127.0.0.1", 6379), "127.0.0.1:6379");
 * assertEquals(hostAndPort("::1", 6379), "[::1]:6379");
 * ```
 */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
