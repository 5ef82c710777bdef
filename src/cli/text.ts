/**
 * Between JavaScript strings (what Deno hands over and people type) and latin1 strings with one char per
 * byte (what commands and replies are).
 */
import { Buffer } from "node:buffer";

/** The UTF-8 bytes of `text` as a latin1 string. */
export function latin1FromText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** A latin1 string of UTF-8 bytes as the text they spell; bytes that are no UTF-8 become U+FFFD. */
export function textFromLatin1(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}
