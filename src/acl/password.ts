/** Passwords as users store them: SHA-256 in hexadecimal. */
import { createHash, timingSafeEqual } from "node:crypto";
import { bytesOf } from "../util/bytes.ts";

/** The hash of a password, a latin1 string, as 64 hexadecimal digits. */
export function hashPassword(password: string): string {
  return createHash("sha256").update(bytesOf(password)).digest("hex");
}

/** True if `text` has the form of a hash. */
export function isPasswordHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/**
 * True if a password has one of the given hashes; takes as long for a wrong password as for a right
 * one.
 */
export function isOneOf(password: string, hashes: readonly string[]): boolean {
  const given = bytesOf(hashPassword(password));
  let found = false;
  for (const hash of hashes) {
    if (timingSafeEqual(given, bytesOf(hash))) found = true;
  }
  return found;
}
