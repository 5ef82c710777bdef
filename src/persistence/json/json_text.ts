/** Texts and values of a readable snapshot on their way out; json_output.ts describes the file. */
import { allocateBytes, bytesOf } from "../../util/bytes.ts";
import type { SnapshotOutput } from "./snapshot_format.ts";

/** A text in JSON: itself, or its bytes. */
export type JsonText = string | { readonly base64: string };

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A latin1 string as a snapshot shows it. */
export function jsonText(text: string): JsonText {
  // deno-lint-ignore no-control-regex -- all of ASCII is meant
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  try {
    return strictDecoder.decode(bytesOf(text));
  } catch {
    return { base64: btoa(text) };
  }
}

const USUAL_BYTES = 65_536;
const encoder = new TextEncoder();

/** Text on its way to a file, in UTF-8. */
export class JsonOutput implements SnapshotOutput {
  length = 0;
  #bytes = allocateBytes(USUAL_BYTES);

  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    if (this.#bytes.length > USUAL_BYTES * 16) this.#bytes = allocateBytes(USUAL_BYTES);
  }

  raw(bytes: Uint8Array): void {
    this.#ensure(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  text(text: string): void {
    this.#ensure(text.length * 3);
    this.length += encoder.encodeInto(text, this.#bytes.subarray(this.length)).written;
  }

  #ensure(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const larger = allocateBytes(Math.max(this.length + more, this.#bytes.length * 2));
    larger.set(this.view());
    this.#bytes = larger;
  }
}

/** Elements between two yields. */
const STEP = 128;

/** Writes an array of items, or of a form of each, in steps of 128. */
export function* writeArray<T>(
  out: JsonOutput,
  items: Iterable<T>,
  form: (item: T) => unknown = (item) => item,
): Generator<void, void, void> {
  let seen = 0;
  out.text("[");
  for (const item of items) {
    out.text((seen === 0 ? "" : ",") + JSON.stringify(form(item)));
    if (++seen % STEP === 0) yield;
  }
  out.text("]");
}
