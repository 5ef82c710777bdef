/**
 * Values out of the encodings of RDB files, those of Redis 2.4 to 7.4. Everything is checked as it is read: a value
 * either is exactly what its bytes claim, or reading it fails with the offset and Redis's words for it.
 *
 * A file is read with some tolerance, which the payload of RESTORE is not: old servers have written streams that count
 * entries they no longer had, and a server that holds all of somebody's data must not stay down for one of them. An oddity
 * that can be mended without a guess at the data is mended and told ({@linkcode ValueReader.oddities}).
 */
import { type Consumer, type ConsumerGroup, UNKNOWN_ENTRIES_READ } from "../../data/consumer_group.ts";
import { HashValue, LATEST_FIELD_EXPIRY_MS } from "../../data/hash.ts";
import type { DataLimits } from "../../data/limits.ts";
import { ListEnd, ListValue } from "../../data/list.ts";
import { ownText, unpackEntries } from "../../data/packed.ts";
import { SetValue } from "../../data/set.ts";
import { StreamValue } from "../../data/stream.ts";
import { formatId, type StreamId } from "../../data/stream_id.ts";
import type { CollectionValue } from "../../data/value.ts";
import { AddOutcome, ZsetValue } from "../../data/zset.ts";
import { Slice } from "../../keyspace/slice.ts";
import { TextTooLongError } from "../../util/bytes.ts";
import { parseDouble, parseIntegerBytes } from "../../util/numbers.ts";
import { Packer } from "./packer.ts";
import { readIntset, readListpack, readZiplist, readZipmap } from "./packed_formats.ts";
import { QuicklistContainer, RdbType } from "./rdb_format.ts";
import type { RdbInput } from "./rdb_input.ts";

type PackedReader = (bytes: Uint8Array) => string[] | undefined;

/** Sets up to this size are packed as they are read. */
const FEW_MEMBERS = 32;

/** The packed encodings of hashes, and what is said of damaged ones. */
const hashFormats: Readonly<Record<number, { reader: PackedReader; message: string }>> = {
  [RdbType.HashZipmap]: { reader: readZipmap, message: "Zipmap integrity check failed." },
  [RdbType.HashZiplist]: { reader: readZiplist, message: "Hash ziplist integrity check failed." },
  [RdbType.HashListpack]: { reader: readListpack, message: "Hash listpack integrity check failed." },
};

/** Reads the values of an RDB file. See the head of this file. */
export class ValueReader {
  readonly #slice = new Slice();
  readonly #entries = new Packer(false);
  readonly #nodeEntries = new Packer(true);
  /** What was wrong with the last value and has been mended; always empty for a reader that is strict. */
  oddities: string[] = [];

  /** @param isStrict every oddity makes reading fail */
  constructor(readonly input: RdbInput, readonly limits: DataLimits, readonly isStrict = true) {}

  /**
   * Reads a value of any type but a string.
   *
   * @returns null for one without elements, which no key can have. Throws RdbError
   */
  read(type: number): CollectionValue | null {
    if (this.oddities.length > 0) this.oddities = [];
    const value = this.#readWhole(type);
    const isEmpty = value.size === 0 && !(value instanceof StreamValue);
    return isEmpty ? null : value;
  }

  #readWhole(type: number): CollectionValue {
    try {
      return this.#read(type);
    } catch (error) {
      if (error instanceof TextTooLongError) this.input.fail(error.message);
      throw error;
    }
  }

  #read(type: number): CollectionValue {
    switch (type) {
      case RdbType.List:
      case RdbType.ListZiplist:
      case RdbType.ListQuicklist:
      case RdbType.ListQuicklist2:
        return this.#list(type);
      case RdbType.Set:
      case RdbType.SetIntset:
      case RdbType.SetListpack:
        return this.#set(type);
      case RdbType.Zset:
      case RdbType.Zset2:
      case RdbType.ZsetZiplist:
      case RdbType.ZsetListpack:
        return this.#zset(type);
      case RdbType.Hash:
      case RdbType.HashZipmap:
      case RdbType.HashZiplist:
      case RdbType.HashListpack:
        return this.#hash(type);
      case RdbType.HashMetadata:
      case RdbType.HashMetadataEarly:
        return this.#expiringHash(type === RdbType.HashMetadata);
      case RdbType.HashListpackEx:
      case RdbType.HashListpackExEarly:
        return this.#smallExpiringHash(type === RdbType.HashListpackEx);
      case RdbType.StreamListpacks:
      case RdbType.StreamListpacks2:
      case RdbType.StreamListpacks3:
        return this.#stream(type);
      case RdbType.Module:
      case RdbType.Module2:
        return this.input.fail(
          `The RDB file contains module data I can't load: no matching module type '${this.moduleName()}'`,
        );
      default:
        return this.input.fail(`Unknown RDB encoding type ${type}`);
    }
  }

  /** The name in a module's id: nine characters of six bits, above a version of ten. */
  moduleName(): string {
    const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let id = BigInt(this.input.count64()) >> 10n, name = "";
    for (let i = 0; i < 9; i++, id >>= 6n) name = characters.charAt(Number(id & 63n)) + name;
    return name;
  }

  #text(): string {
    return this.input.text(this.#slice);
  }

  /** Notes something wrong that does no harm; fails if the reader is strict. @param detail added to the note */
  #odd(message: string, detail = ""): void {
    if (this.isStrict) this.input.fail(message);
    this.oddities.push(message + detail);
  }

  /** A string that holds a packed encoding, as texts. */
  #packed(reader: PackedReader, message: string): string[] {
    return reader(this.input.string(this.#slice).view()) ?? this.input.fail(message);
  }

  #list(type: number): ListValue {
    const list = new ListValue(this.limits);
    if (type === RdbType.ListZiplist) {
      for (const text of this.#packed(readZiplist, "List ziplist integrity check failed.")) {
        list.push(ListEnd.Tail, text);
      }
      return list;
    }
    for (let left = this.input.count(); left > 0; left--) {
      if (type === RdbType.List) list.push(ListEnd.Tail, this.#text());
      else if (type === RdbType.ListQuicklist2) this.#listNode(list);
      else {
        const texts = this.#packed(readZiplist, "Ziplist integrity check failed.");
        for (const text of texts) list.push(ListEnd.Tail, text);
      }
    }
    return list;
  }

  #listNode(list: ListValue): void {
    const { input } = this, container = input.count();
    if (container === QuicklistContainer.Plain) {
      return list.push(ListEnd.Tail, this.#text() || input.fail("Empty quicklist node"));
    }
    if (container !== QuicklistContainer.Packed) input.fail("Quicklist integrity check failed.");
    const bytes = input.string(this.#slice).view(), entries = this.#nodeEntries;
    if (!entries.listpack(bytes)) input.fail("Listpack integrity check failed.");
    if (list.appendNode(entries.text(), entries.count)) return;
    for (const text of readListpack(bytes) ?? []) list.push(ListEnd.Tail, text);
  }

  #set(type: number): SetValue {
    const set = new SetValue(this.limits);
    if (type === RdbType.Set) {
      const count = this.input.count();
      if (count <= FEW_MEMBERS) return this.#smallSet(count);
      for (let left = count; left > 0; left--) this.#addMember(set, this.#text());
      return set;
    }
    const members = type === RdbType.SetIntset
      ? this.#packed(readIntset, "Intset integrity check failed.")
      : this.#packed(readListpack, "Set listpack integrity check failed.");
    for (const member of members) {
      if (!set.add(member)) this.#odd("Duplicate set members detected");
    }
    return set;
  }

  #smallSet(count: number): SetValue {
    const entries = this.#entries;
    let hasIntegers = false;
    entries.clear();
    for (let left = count; left > 0; left--) {
      const { buf, start, end } = this.input.string(this.#slice);
      hasIntegers ||= parseIntegerBytes(buf, start, end) !== undefined;
      entries.add(buf, start, end);
    }
    const packed = entries.text();
    const small = hasIntegers ? undefined : SetValue.ofPacked(this.limits, packed, count, entries.longest);
    if (small !== undefined) return small;
    const set = new SetValue(this.limits);
    for (const member of unpackEntries(packed)) this.#addMember(set, ownText(member));
    return set;
  }

  #addMember(set: SetValue, member: string): void {
    if (!set.add(member)) this.input.fail("Duplicate set members detected");
  }

  #zset(type: number): ZsetValue {
    const zset = new ZsetValue(this.limits);
    if (type === RdbType.Zset || type === RdbType.Zset2) {
      for (let left = this.input.count(); left > 0; left--) {
        const member = this.#text();
        this.#addScore(zset, member, type === RdbType.Zset2 ? this.input.double() : this.#doubleText());
      }
      return zset;
    }
    const isZiplist = type === RdbType.ZsetZiplist;
    const message = `Zset ${isZiplist ? "ziplist" : "listpack"} integrity check failed.`;
    const bytes = this.input.string(this.#slice).view();
    const small = isZiplist ? undefined : this.#packedZset(bytes);
    if (small !== undefined) return small;
    const texts = (isZiplist ? readZiplist : readListpack)(bytes) ?? this.input.fail(message);
    this.#checkGroups(texts, 2, message);
    for (let i = 0; i < texts.length; i += 2) {
      const score = parseDouble(texts[i + 1]!) ?? NaN;
      // Of two members of one name a server finds the first.
      if (zset.score(texts[i]!) !== undefined) this.#odd(message);
      else this.#addScore(zset, texts[i]!, score);
    }
    return zset;
  }

  /** The sorted set of a listpack, if it can be kept as it is; what is wrong with another shows in reading its texts. */
  #packedZset(bytes: Uint8Array): ZsetValue | undefined {
    const { limits } = this, entries = this.#entries;
    const { zsetMaxListpackEntries: most, zsetMaxListpackValue: longest } = limits;
    if (!this.#arePairs(bytes, most, longest)) return undefined;
    return ZsetValue.ofPacked(limits, entries.text(), entries.count / 2);
  }

  /** Takes a listpack's elements; whether they are pairs of so many and as short as the limits say. */
  #arePairs(bytes: Uint8Array, most: number, longest: number): boolean {
    const entries = this.#entries;
    return entries.listpack(bytes) && entries.count % 2 === 0 && entries.count <= 2 * most &&
      entries.longest <= longest;
  }

  #addScore(zset: ZsetValue, member: string, score: number): void {
    if (Number.isNaN(score)) this.input.fail("Zset with NAN score detected");
    if (zset.add(member, score) !== AddOutcome.Added) this.input.fail("Duplicate zset fields detected");
  }

  /** A double as text behind its length; three lengths are special values. */
  #doubleText(): number {
    const length = this.input.byte();
    if (length === 255) return -Infinity;
    if (length === 254) return Infinity;
    return length === 253 ? NaN : parseDouble(this.input.fixed(length)) ?? NaN;
  }

  #checkGroups(texts: string[], size: number, message: string): void {
    if (texts.length % size !== 0) this.input.fail(message);
  }

  #hash(type: number): HashValue {
    const hash = new HashValue(this.limits);
    if (type === RdbType.Hash) {
      for (let left = this.input.count(); left > 0; left--) {
        const field = this.#text();
        this.#setField(hash, field, this.#text());
      }
      return hash;
    }
    const { reader, message } = hashFormats[type] ?? this.input.fail(`Unknown RDB encoding type ${type}`);
    const bytes = this.input.string(this.#slice).view();
    const small = type === RdbType.HashListpack ? this.#packedHash(bytes) : undefined;
    if (small !== undefined) return small;
    const texts = reader(bytes) ?? this.input.fail(message);
    this.#checkGroups(texts, 2, message);
    for (let i = 0; i < texts.length; i += 2) {
      if (hash.has(texts[i]!)) this.#odd(message);
      else hash.set(texts[i]!, texts[i + 1]!);
    }
    return hash;
  }

  /** As {@linkcode ValueReader.#packedZset}. */
  #packedHash(bytes: Uint8Array): HashValue | undefined {
    const { limits } = this, entries = this.#entries;
    const { hashMaxListpackEntries: most, hashMaxListpackValue: longest } = limits;
    if (!this.#arePairs(bytes, most, longest)) return undefined;
    return HashValue.ofPacked(limits, entries.text(), entries.count / 2);
  }

  #setField(hash: HashValue, field: string, value: string): void {
    if (!hash.set(field, value)) this.input.fail("Duplicate hash fields detected");
  }

  /** Fields with the time from the first expiry to theirs, plus one; the early form has the time itself. */
  #expiringHash(isRelative: boolean): HashValue {
    const hash = new HashValue(this.limits);
    const firstMs = isRelative ? this.input.milliseconds() : 1;
    for (let left = this.input.count(); left > 0; left--) {
      const after = this.input.count();
      const field = this.#text();
      this.#setField(hash, field, this.#text());
      if (after > 0) this.#setExpiry(hash, field, firstMs + after - 1);
    }
    return hash;
  }

  #smallExpiringHash(hasFirst: boolean): HashValue {
    const hash = new HashValue(this.limits);
    if (hasFirst) this.input.milliseconds();
    const message = "Hash listpack with TTL integrity check failed.";
    const texts = this.#packed(readListpack, message);
    this.#checkGroups(texts, 3, message);
    for (let i = 0; i < texts.length; i += 3) {
      const field = texts[i]!, time = texts[i + 2]!;
      this.#setField(hash, field, texts[i + 1]!);
      if (!/^\d{1,15}$/.test(time)) this.input.fail(message);
      if (time !== "0") this.#setExpiry(hash, field, Number(time));
    }
    return hash;
  }

  #setExpiry(hash: HashValue, field: string, atMs: number): void {
    if (!(atMs >= 0 && atMs <= LATEST_FIELD_EXPIRY_MS)) this.input.fail("Hash field expiry out of range");
    hash.setExpiry(ownText(field), atMs);
  }

  #stream(type: number): StreamValue {
    const { input } = this;
    const stream = new StreamValue(this.limits);
    for (let left = input.count(); left > 0; left--) this.#streamNode(stream);
    const length = input.count();
    stream.lastId = this.#id();
    if (type === RdbType.StreamListpacks) {
      stream.entriesAdded = stream.size;
    } else {
      this.#id(); // the first entry's, which the nodes tell too
      stream.maxDeletedId = this.#id();
      stream.entriesAdded = this.#counter();
    }
    if (length !== stream.size) {
      this.#odd(
        "Stream length inconsistent with rax entries",
        ` (${length} announced, ${stream.size} found)`,
      );
    }
    for (let left = input.count(); left > 0; left--) this.#group(stream, type);
    return stream;
  }

  #streamNode(stream: StreamValue): void {
    const { input } = this;
    if (this.input.count() !== 16) input.fail("Stream node key entry is not the size of a stream ID");
    const id = input.rawId();
    if (!stream.loadNode(id, input.string(this.#slice).view())) {
      input.fail("Stream listpack integrity check failed.");
    }
  }

  /** A number that only counts up and may have been set to anything: beyond 2^53 it stands still. */
  #counter(): number {
    const count = this.input.count64();
    return typeof count === "number" ? count : Number.MAX_SAFE_INTEGER;
  }

  #id(): StreamId {
    return { ms: this.input.count64(), seq: this.input.count64() };
  }

  #group(stream: StreamValue, type: number): void {
    const { input } = this;
    const name = this.#text(), lastId = this.#id();
    const entriesRead = type === RdbType.StreamListpacks ? stream.entriesUpTo(lastId) : this.#entriesRead();
    const group = stream.createGroup(name, lastId, entriesRead);
    if (group === undefined) return input.fail(`Duplicated consumer group name ${name}`);
    const pending = this.#groupPending();
    for (let left = input.count(); left > 0; left--) this.#consumer(group, pending, type);
    if (pending.size > 0) this.#odd("Stream CG PEL entry without consumer");
  }

  #entriesRead(): number {
    const count = this.input.count64();
    return typeof count === "number" ? count : UNKNOWN_ENTRIES_READ;
  }

  /** When and how often each pending entry was delivered; its consumer claims it later. */
  #groupPending(): Map<string, Delivery> {
    const pending = new Map<string, Delivery>();
    for (let left = this.input.count(); left > 0; left--) {
      const key = formatId(this.input.rawId());
      if (pending.has(key)) this.input.fail("Duplicated global PEL entry loading stream consumer group");
      pending.set(key, { timeMs: this.input.milliseconds(), count: this.#counter() });
    }
    return pending;
  }

  #consumer(group: ConsumerGroup, pending: Map<string, Delivery>, type: number): void {
    const { input } = this;
    const name = this.#text(), seenMs = input.milliseconds();
    if (group.consumer(name) !== undefined) input.fail("Duplicate stream consumer detected.");
    const activeMs = type === RdbType.StreamListpacks3 ? input.milliseconds() : seenMs;
    const consumer: Consumer = group.createConsumer(name, seenMs, activeMs);
    for (let left = input.count(); left > 0; left--) {
      const id = input.rawId(), key = formatId(id);
      const delivery = pending.get(key);
      if (delivery === undefined) {
        this.#odd("Consumer entry not found in group global PEL");
        continue;
      }
      pending.delete(key);
      group.assign(id, consumer, delivery.timeMs, delivery.count);
    }
  }
}

interface Delivery {
  readonly timeMs: number;
  readonly count: number;
}
