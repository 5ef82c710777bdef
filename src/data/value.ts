/**
 * The common base of collection values. The keyspace holds strings itself, as bytes; all other
 * types are objects of a class derived from {@linkcode CollectionValue}. A small one can be packed
 * into a few bytes, which is how the keyspace keeps it between commands ({@linkcode unpackValue}
 * makes it an object again); a large one hangs on its key's record as it is.
 *
 * Collections are pure: no clock, no socket, no reply. Strings inside them are latin1 strings, one
 * character per byte.
 */

import type { DataLimits } from "./limits.ts";

/**
 * Numbers of the types that commands know by name; the module of a type defines its own
 * (`defineValueType`).
 */
export const ValueType = { String: 0, List: 1, Set: 2, Zset: 3, Hash: 4, Stream: 5 } as const;
/** A number under which a type is defined, such as those of {@linkcode ValueType}. */
export type ValueType = number;

/** Properties of a type that the keyspace needs beside its number. */
export interface TypeDefinition {
  /** The reply to TYPE. */
  readonly name: string;
  /**
   * Makes a collection of the bytes [start, end) written by `packInto`; it shares nothing with
   * them. Omitted for types whose values are never packed.
   */
  unpack?(limits: DataLimits, bytes: Uint8Array, start: number, end: number): CollectionValue;
  /** True if parts of the value that is packed from `at` on expire by themselves, or once did. */
  hasTimes?(bytes: Uint8Array, at: number): boolean;
}

/**
 * The largest number of a type: a record has four bits for it, and all four set mark a free record.
 */
export const LARGEST_TYPE = 14;

const definitions: (TypeDefinition | undefined)[] = [];

/**
 * Defines a type, once; the module of its class calls it, so that no value exists earlier. Throws
 * TypeError if the number is taken or over {@linkcode LARGEST_TYPE}.
 */
export function defineValueType(type: ValueType, definition: TypeDefinition): void {
  if (!(type >= 0 && type <= LARGEST_TYPE)) throw new TypeError(`there is no room for type ${type}`);
  if (definitions[type] !== undefined) throw new TypeError(`type ${type} is defined twice`);
  definitions[type] = definition;
}

/** The reply to TYPE. */
export function typeName(type: ValueType): string {
  return definitions[type]!.name;
}

/**
 * The collection that is packed into the bytes [start, end). Throws TypeError for a type that is
 * never packed.
 */
export function unpackValue(
  type: ValueType,
  limits: DataLimits,
  bytes: Uint8Array,
  start: number,
  end: number,
): CollectionValue {
  const definition = definitions[type];
  if (definition?.unpack === undefined) throw new TypeError(`values of type ${type} are never packed`);
  return definition.unpack(limits, bytes, start, end);
}

/** True if parts of the value that is packed from `at` on expire by themselves, or once did. */
export function packedHasTimes(type: ValueType, bytes: Uint8Array, at: number): boolean {
  return definitions[type]?.hasTimes?.(bytes, at) ?? false;
}

defineValueType(ValueType.String, { name: "string" });

/**
 * Receives elements as they lie in memory, as a reply does: bytes, or the characters of a latin1
 * string.
 */
export interface ElementSink {
  /** The bytes [start, end) of `buf`. */
  bulkBytes(buf: Uint8Array, start: number, end: number): void;
  /** The characters [start, end) of `text`. */
  bulkPart(text: string, start: number, end: number): void;
}

/** A list, set, sorted set, hash or stream. */
export abstract class CollectionValue {
  abstract readonly type: ValueType;

  /**
   * Bytes that the keyspace has counted for this value so far. Only the keyspace touches it.
   */
  accountedBytes = 0;

  /**
   * The record into which the keyspace packs this value after a change, or 0. Only the keyspace
   * touches it.
   */
  record = 0;

  /** Elements, members, fields or entries. O(1). */
  abstract get size(): number;

  /** The reply to OBJECT ENCODING. */
  abstract get encoding(): string;

  /**
   * Bytes this value holds in the JavaScript heap and in buffers, an estimate maintained in O(1).
   */
  abstract get memoryBytes(): number;

  /**
   * Bytes that the value's runs in the store take; 0 if it has none. If it has any, the code that
   * drops the value must call {@linkcode CollectionValue.free}. O(1).
   */
  get runBytes(): number {
    return 0;
  }

  /** Frees the runs; the value must not be used afterwards. O(n). */
  free(): void {}

  /**
   * Moves runs out of chunks of the store that are being emptied, one step from `cursor` on;
   * returns the next cursor, 0 at the end.
   *
   * @param budget approximate number of elements to look at
   */
  compact(_cursor: number, _budget: number): number {
    return 0;
  }

  /** Calls `visit` for every run, for the proof that each run has one owner. O(n). */
  forEachRun(_visit: (ref: number) => void): void {}

  /** Bytes that {@linkcode packInto} writes; -1 if the value is not of a small kind. O(1). */
  get packedBytes(): number {
    return -1;
  }

  /** Writes a small value as bytes from which `unpackValue` makes an equal one. */
  packInto(_bytes: Uint8Array, _at: number): void {}

  /**
   * Touches what the look-ups of `count` parts (fields of a hash) will need, if the value is so
   * large that they are likely to wait for memory; the waits then overlap.
   *
   * @param names where each name starts in `buf` and where it ends, in turn
   */
  touch(_buf: Uint8Array, _names: Int32Array, _count: number): void {}

  /** True if parts of the value expire by themselves, or once did (the fields of a hash). */
  get hasExpiringParts(): boolean {
    return false;
  }

  /** When the next part expires, in milliseconds since the epoch; Infinity if none does. */
  get nextExpiryMs(): number {
    return Infinity;
  }

  /** An independent copy, for COPY. O(n). */
  abstract copy(): CollectionValue;
}

/** A collection's class, as the typed look-ups of the command context take it. */
export interface ValueClass<T extends CollectionValue> {
  new (limits: DataLimits): T;
  readonly type: ValueType;
}
