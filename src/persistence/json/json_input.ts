/**
 * Readable snapshots, coming in. As they were written they are read line by line, so that a file may be larger than the
 * longest string there can be; one that an editor or a program has laid out anew is parsed as a whole.
 */
import type { DataLimits } from "../../data/limits.ts";
import type { CollectionValue } from "../../data/value.ts";
import type { Moment } from "../../keyspace/database.ts";
import { stringCodec } from "../values/string_codec.ts";
import { codecNamed } from "../values/table.ts";
import { JSON_FORMAT, JSON_VERSION } from "./json_output.ts";
import { errorText } from "../../util/error_text.ts";
import { JsonSnapshotError, JsonSource } from "./json_source.ts";

/** Receives the contents of a snapshot. Texts are latin1 strings. */
export interface JsonTarget {
  library(code: string): void;
  /** @param expiresAtMs Unix milliseconds, or -1 */
  key(databaseId: number, key: string, value: string | CollectionValue, expiresAtMs: Moment): void;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LF = 0x0a;

/** Reads a snapshot into `target`; how many keys it held. Throws {@linkcode JsonSnapshotError}. */
export function readJsonSnapshot(bytes: Uint8Array, limits: DataLimits, target: JsonTarget): number {
  const reader = new JsonReader(limits, target);
  const firstEnd = bytes.indexOf(LF);
  const first = firstEnd < 0 ? "" : textOf(bytes, 0, firstEnd);
  if (!first.endsWith('"keys":[')) return reader.whole(parse(textOf(bytes, 0, bytes.length), "the file"));
  reader.head(parse(first + "]}", "line 1"));
  let keys = 0;
  for (let start = firstEnd + 1, line = 2;; line++) {
    const newline = bytes.indexOf(LF, start);
    const end = newline < 0 ? bytes.length : newline;
    const text = textOf(bytes, start, end).trimEnd();
    if (text === "]}") return keys;
    if (newline < 0) throw new JsonSnapshotError(`The snapshot ends too early, in line ${line}`);
    reader.key(parse(text.endsWith(",") ? text.slice(0, -1) : text, `line ${line}`), `line ${line}`);
    keys++;
    start = end + 1;
  }
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    throw new JsonSnapshotError(`The snapshot is not UTF-8 between bytes ${start} and ${end}`);
  }
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new JsonSnapshotError(
      `The snapshot is no JSON in ${where}: ${errorText(error)}`,
    );
  }
}

class JsonReader {
  readonly #source: JsonSource;

  constructor(limits: DataLimits, readonly target: JsonTarget) {
    this.#source = new JsonSource(limits);
  }

  whole(snapshot: unknown): number {
    this.head(snapshot);
    const keys = this.#source.array(this.#source.object(snapshot)["keys"]);
    for (const [i, key] of keys.entries()) this.key(key, `key ${i + 1}`);
    return keys.length;
  }

  head(snapshot: unknown): void {
    const source = this.#source;
    source.where = "its head";
    const head = source.object(snapshot);
    if (head["format"] !== JSON_FORMAT) source.fail(`no "format":"${JSON_FORMAT}"`);
    if (head["version"] !== JSON_VERSION) source.fail("a version that is not known");
    for (const code of source.array(head["libraries"] ?? [])) this.target.library(source.text(code));
  }

  key(entry: unknown, where: string): void {
    const source = this.#source;
    source.where = where;
    const fields = source.object(entry), { type, value } = fields;
    const expiresAtMs = fields["expiresAtMs"] === undefined ? -1 : source.moment(fields["expiresAtMs"]);
    const made = type === "string" ? stringCodec.parse(source, value) : this.#collection(type, value);
    this.target.key(source.count(fields["database"]), source.text(fields["key"]), made, expiresAtMs);
  }

  #collection(type: unknown, value: unknown): CollectionValue {
    const source = this.#source;
    const codec = typeof type === "string" ? codecNamed(type) : undefined;
    if (codec === undefined) return source.fail("a type that is not known");
    const made = codec.parse(source, value);
    return made.size > 0 || codec.mayBeEmpty ? made : source.fail("an empty value");
  }
}
