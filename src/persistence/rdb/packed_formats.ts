/**
 * The packed encodings of small values: listpacks and, from older versions, ziplists, zipmaps and intsets. All of
 * them are read whole into texts, and every length, back reference and count in them is checked on the way: the readers
 * return undefined for bytes that are not exactly what they claim to be.
 */
import {
  elementEnd,
  elementFits,
  elementInteger,
  elementText,
  elementTextEnd,
  elementTextStart,
  hasListpackFrame,
  isIntegerElement,
  LISTPACK_HEADER_BYTES,
} from "../../data/listpack.ts";
import { allocateBytes, latin1, writeInteger, writeLatin1 } from "../../util/bytes.ts";

/** A count that says "more than fit in 16 bits". */
const UNKNOWN_COUNT = 0xffff;
const END = 0xff;

/** Buffer for the digits of an integer for the visitor. */
const digits = allocateBytes(20);

/**
 * Calls `visit` for the elements of a listpack, each as bytes that are valid during the call; false if the bytes are not exactly
 * a listpack, when some elements may have been visited.
 */
export function eachElement(
  bytes: Uint8Array,
  visit: (buf: Uint8Array, start: number, end: number) => void,
): boolean {
  if (!hasListpackFrame(bytes)) return false;
  const limit = bytes.length - 1;
  let found = 0;
  for (let at = LISTPACK_HEADER_BYTES; at < limit; at = elementEnd(bytes, at), found++) {
    if (!elementFits(bytes, at, limit)) return false;
    if (!isIntegerElement(bytes, at)) visit(bytes, elementTextStart(bytes, at), elementTextEnd(bytes, at));
    else {
      const value = elementInteger(bytes, at);
      visit(
        digits,
        0,
        typeof value === "number" ? writeInteger(digits, 0, value) : writeLatin1(digits, 0, String(value)),
      );
    }
  }
  const count = bytes[4]! | (bytes[5]! << 8);
  return count === UNKNOWN_COUNT || count === found;
}

/** The elements of a listpack. */
export function readListpack(bytes: Uint8Array): string[] | undefined {
  if (!hasListpackFrame(bytes)) return undefined;
  const texts: string[] = [], limit = bytes.length - 1;
  let at = LISTPACK_HEADER_BYTES;
  while (at < limit) {
    if (!elementFits(bytes, at, limit)) return undefined;
    texts.push(elementText(bytes, at));
    at = elementEnd(bytes, at);
  }
  const count = bytes[4]! | (bytes[5]! << 8);
  return count === UNKNOWN_COUNT || count === texts.length ? texts : undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The entries of a ziplist:
 *
 *     | bytes: 32 | offset of the last entry: 32 | entries: 16 | entry … | 0xff |
 *     entry: | size of the entry before (1 byte, or 0xfe and 4) | encoding and length | content |
 */
export function readZiplist(bytes: Uint8Array): string[] | undefined {
  const header = 10, limit = bytes.length - 1;
  const view = viewOf(bytes);
  if (bytes.length <= header || view.getUint32(0, true) !== bytes.length || bytes[limit] !== END) {
    return undefined;
  }
  const texts: string[] = [];
  let at = header, previous = 0, last = header;
  while (at < limit) {
    const start = at;
    const isLong = bytes[at] === 0xfe;
    if (at + (isLong ? 5 : 1) >= limit) return undefined;
    if ((isLong ? view.getUint32(at + 1, true) : bytes[at]) !== previous) return undefined;
    const entry = readZiplistContent(bytes, view, at + (isLong ? 5 : 1), limit);
    if (entry === undefined) return undefined;
    texts.push(entry.text);
    last = start;
    at = entry.end;
    previous = at - start;
  }
  const count = view.getUint16(8, true);
  if (count !== UNKNOWN_COUNT && count !== texts.length) return undefined;
  return view.getUint32(4, true) === last ? texts : undefined;
}

interface ReadEntry {
  text: string;
  end: number;
}

function readZiplistContent(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  limit: number,
): ReadEntry | undefined {
  const encoding = bytes[at]!;
  if (encoding >= 0xc0) return readZiplistInteger(view, at, encoding, limit);
  const header = encoding < 0x40 ? 1 : encoding < 0x80 ? 2 : 5;
  if (at + header > limit) return undefined;
  let length = encoding & 0x3f;
  if (header === 2) length = (length << 8) | bytes[at + 1]!;
  else if (header === 5) length = view.getUint32(at + 1);
  const start = at + header, end = start + length;
  return end > limit ? undefined : { text: latin1(bytes, start, end), end };
}

function readZiplistInteger(
  view: DataView,
  at: number,
  encoding: number,
  limit: number,
): ReadEntry | undefined {
  const width = ziplistIntegerWidth(encoding);
  const end = at + 1 + width;
  if (width < 0 || end > limit) return undefined;
  switch (width) {
    case 0:
      return { text: String((encoding & 0x0f) - 1), end };
    case 1:
      return { text: String(view.getInt8(at + 1)), end };
    case 2:
      return { text: String(view.getInt16(at + 1, true)), end };
    case 3:
      return { text: String((view.getUint16(at + 1, true) << 8 | view.getUint8(at + 3) << 24) >> 8), end };
    case 4:
      return { text: String(view.getInt32(at + 1, true)), end };
    default:
      return { text: String(view.getBigInt64(at + 1, true)), end };
  }
}

/** Bytes behind the encoding; -1 for one that does not exist. */
function ziplistIntegerWidth(encoding: number): number {
  switch (encoding) {
    case 0xc0:
      return 2;
    case 0xd0:
      return 4;
    case 0xe0:
      return 8;
    case 0xf0:
      return 3;
    case 0xfe:
      return 1;
    default:
      return encoding > 0xf0 && encoding < 0xfe ? 0 : -1;
  }
}

/**
 * Fields and values of a zipmap in turn:
 *
 *     | entries, 254 for "count them" | length | field | length | free | value | free bytes | … | 0xff |
 *
 * A length is one byte, or 0xfe and four.
 */
export function readZipmap(bytes: Uint8Array): string[] | undefined {
  const limit = bytes.length - 1, view = viewOf(bytes);
  if (bytes.length < 2 || bytes[limit] !== END) return undefined;
  const texts: string[] = [];
  let at = 1;
  while (at < limit) {
    const isValue = texts.length % 2 === 1;
    const isLong = bytes[at] === 0xfe;
    if (at + (isLong ? 5 : 1) > limit) return undefined;
    const length = isLong ? view.getUint32(at + 1, true) : bytes[at]!;
    at += isLong ? 5 : 1;
    const free = isValue ? bytes[at++]! : 0;
    if (at + length + free > limit) return undefined;
    texts.push(latin1(bytes, at, at + length));
    at += length + free;
  }
  const count = bytes[0]!;
  // There is no zipmap without entries: Redis never wrote one.
  if (texts.length === 0 || texts.length % 2 !== 0) return undefined;
  return count >= 0xfe || count === texts.length / 2 ? texts : undefined;
}

/** The members of an intset: width, count, and integers in ascending order. */
export function readIntset(bytes: Uint8Array): string[] | undefined {
  if (bytes.length < 8) return undefined;
  const view = viewOf(bytes), width = view.getUint32(0, true), count = view.getUint32(4, true);
  if ((width !== 2 && width !== 4 && width !== 8) || bytes.length !== 8 + count * width) return undefined;
  const texts: string[] = [];
  let previous: bigint | undefined;
  for (let at = 8; at < bytes.length; at += width) {
    const value = width === 8
      ? view.getBigInt64(at, true)
      : BigInt(width === 4 ? view.getInt32(at, true) : view.getInt16(at, true));
    if (previous !== undefined && value <= previous) return undefined;
    texts.push(String(value));
    previous = value;
  }
  return texts;
}
