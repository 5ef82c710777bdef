/**
 * Readable snapshots, coming in. As they were written they are read line by line, so that a file may be larger than the
 * longest string there can be; one that an editor or a program has laid out anew is parsed as a whole.
 */
import { HashValue } from "../../data/hash.ts";
import type { DataLimits } from "../../data/limits.ts";
import { ListEnd, ListValue } from "../../data/list.ts";
import { SetValue } from "../../data/set.ts";
import { StreamValue } from "../../data/stream.ts";
import { compareIds, maxSequence, parseId, type StreamId } from "../../data/stream_id.ts";
import type { CollectionValue } from "../../data/value.ts";
import { AddOutcome, ZsetValue } from "../../data/zset.ts";
import type { Moment } from "../../keyspace/database.ts";
import { latin1 } from "../../util/bytes.ts";
import { parseInteger } from "../../util/numbers.ts";
import { JSON_FORMAT, JSON_VERSION } from "./json_output.ts";
import { errorText } from "../../util/error_text.ts";

/** A file that is no readable snapshot, and where that showed. */
export class JsonSnapshotError extends Error {
  override name = "JsonSnapshotError";
}

/** Takes what a snapshot holds. Texts are latin1 strings. */
export interface JsonTarget {
  library(code: string): void;
  /** @param expiresAtMs Unix milliseconds, or -1 */
  key(databaseId: number, key: string, value: string | CollectionValue, expiresAtMs: Moment): void;
}

type Fields = Record<string, unknown>;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
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
  #where = "";

  constructor(readonly limits: DataLimits, readonly target: JsonTarget) {}

  #fail(what: string): never {
    throw new JsonSnapshotError(`The snapshot has ${what} in ${this.#where}`);
  }

  whole(snapshot: unknown): number {
    this.head(snapshot);
    const keys = this.#array(this.#object(snapshot)["keys"]);
    for (const [i, key] of keys.entries()) this.key(key, `key ${i + 1}`);
    return keys.length;
  }

  head(snapshot: unknown): void {
    this.#where = "its head";
    const head = this.#object(snapshot);
    if (head["format"] !== JSON_FORMAT) this.#fail(`no "format":"${JSON_FORMAT}"`);
    if (head["version"] !== JSON_VERSION) this.#fail("a version that is not known");
    for (const code of this.#array(head["libraries"] ?? [])) this.target.library(this.#text(code));
  }

  key(entry: unknown, where: string): void {
    this.#where = where;
    const fields = this.#object(entry), { type, value } = fields;
    const expiresAtMs = fields["expiresAtMs"] === undefined ? -1 : this.#moment(fields["expiresAtMs"]);
    const made = type === "string" ? this.#text(value) : this.#collection(type, value);
    if (typeof made !== "string" && made.size === 0 && !(made instanceof StreamValue)) {
      this.#fail("an empty value");
    }
    this.target.key(this.#count(fields["database"]), this.#text(fields["key"]), made, expiresAtMs);
  }

  #object(value: unknown): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.#fail("something that is no object");
    }
    return value as Fields;
  }

  #array(value: unknown): unknown[] {
    return Array.isArray(value) ? value : this.#fail("something that is no array");
  }

  #count(value: unknown): number {
    return Number.isSafeInteger(value) && Number(value) >= 0
      ? Number(value)
      : this.#fail("a number that is no count");
  }

  /** A time: a number, or digits where no number is exact. */
  #moment(value: unknown): Moment {
    const wide = typeof value === "string" ? parseInteger(value) : undefined;
    return wide !== undefined && wide >= 0 ? wide : this.#count(value);
  }

  #text(value: unknown): string {
    if (typeof value === "string") return latin1(encoder.encode(value));
    const { base64 } = this.#object(value);
    try {
      if (typeof base64 === "string") return atob(base64);
    } catch {
      // said below
    }
    return this.#fail("a text that is neither a string nor base64");
  }

  #id(value: unknown): StreamId {
    const id = typeof value === "string" ? parseId(value, maxSequence) : undefined;
    return id ?? this.#fail("something that is no stream id");
  }

  #collection(type: unknown, value: unknown): CollectionValue {
    switch (type) {
      case "list":
        return this.#list(value);
      case "set":
        return this.#set(value);
      case "zset":
        return this.#zset(value);
      case "hash":
        return this.#hash(value);
      case "stream":
        return this.#stream(this.#object(value));
      default:
        return this.#fail("a type that is not known");
    }
  }

  #list(value: unknown): ListValue {
    const list = new ListValue(this.limits);
    for (const item of this.#array(value)) list.push(ListEnd.Tail, this.#text(item));
    return list;
  }

  #set(value: unknown): SetValue {
    const set = new SetValue(this.limits);
    for (const item of this.#array(value)) if (!set.add(this.#text(item))) this.#fail("a member twice");
    return set;
  }

  #zset(value: unknown): ZsetValue {
    const zset = new ZsetValue(this.limits);
    for (const item of this.#array(value)) {
      const [member, score] = this.#array(item);
      if (zset.add(this.#text(member), this.#score(score)) !== AddOutcome.Added) this.#fail("a member twice");
    }
    return zset;
  }

  #score(value: unknown): number {
    if (typeof value === "number") return value;
    if (value === "-0") return -0;
    if (value === "inf") return Infinity;
    return value === "-inf" ? -Infinity : this.#fail("a score that is no number");
  }

  #hash(value: unknown): HashValue {
    const hash = new HashValue(this.limits);
    for (const item of this.#array(value)) {
      const [field, text, expiresAtMs] = this.#array(item);
      const name = this.#text(field);
      if (!hash.set(name, this.#text(text))) this.#fail("a field twice");
      if (expiresAtMs !== undefined) hash.setExpiry(name, this.#count(expiresAtMs));
    }
    return hash;
  }

  #stream(fields: Fields): StreamValue {
    const stream = new StreamValue(this.limits);
    for (const entry of this.#array(fields["entries"])) {
      const [id, pairs] = this.#array(entry);
      const texts = this.#array(pairs).map((text) => this.#text(text));
      const at = this.#id(id);
      if (compareIds(at, stream.lastId) <= 0) this.#fail("entries out of order");
      if (texts.length === 0 || texts.length % 2 === 1) {
        this.#fail("an entry without pairs of field and value");
      }
      stream.append(at, texts);
    }
    const lastId = this.#id(fields["lastId"]);
    if (compareIds(lastId, stream.lastId) < 0) this.#fail("a last id before the last entry");
    stream.lastId = lastId;
    stream.maxDeletedId = this.#id(fields["maxDeletedId"]);
    stream.entriesAdded = this.#count(fields["entriesAdded"]);
    for (const group of this.#array(fields["groups"])) this.#group(stream, this.#object(group));
    return stream;
  }

  #group(stream: StreamValue, fields: Fields): void {
    const read = fields["entriesRead"] === -1 ? -1 : this.#count(fields["entriesRead"]);
    const group = stream.createGroup(this.#text(fields["name"]), this.#id(fields["lastId"]), read);
    if (group === undefined) return this.#fail("a group twice");
    for (const item of this.#array(fields["consumers"])) {
      const consumer = this.#object(item), name = this.#text(consumer["name"]);
      if (group.consumer(name) !== undefined) this.#fail("a consumer twice");
      const activeMs = consumer["activeAtMs"] === -1 ? -1 : this.#count(consumer["activeAtMs"]);
      const made = group.createConsumer(name, this.#count(consumer["seenAtMs"]), activeMs);
      for (const pending of this.#array(consumer["pending"])) {
        const [id, timeMs, count] = this.#array(pending);
        group.assign(this.#id(id), made, this.#count(timeMs), this.#count(count));
      }
    }
  }
}
