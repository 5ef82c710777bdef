/**
 * Conversion between JavaScript strings (from Deno and from people) and latin1 strings with one
 * char per byte (commands and replies).
 */
import { Buffer } from "node:buffer";

/** The UTF-8 bytes of `text` as a latin1 string. */
export function latin1FromText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** A latin1 string decoded as UTF-8; invalid bytes become U+FFFD. */
export function textFromLatin1(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}
