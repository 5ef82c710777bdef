/** Small collections as bytes and back; what the bytes are is each class's own affair. */
import { HashValue } from "./hash.ts";
import type { DataLimits } from "./limits.ts";
import { ListValue } from "./list.ts";
import { SetValue } from "./set.ts";
import { type CollectionValue, ValueType } from "./value.ts";
import { ZsetValue } from "./zset.ts";

/** The collection of that type that was packed into the bytes [start, end): one of its own, which shares nothing with them. */
export function unpackValue(
  type: ValueType,
  limits: DataLimits,
  bytes: Uint8Array,
  start: number,
  end: number,
): CollectionValue {
  switch (type) {
    case ValueType.Hash:
      return HashValue.unpack(limits, bytes, start, end);
    case ValueType.Set:
      return SetValue.unpack(limits, bytes, start, end);
    case ValueType.Zset:
      return ZsetValue.unpack(limits, bytes, start, end);
    case ValueType.List:
      return ListValue.unpack(limits, bytes, start, end);
    default:
      throw new TypeError(`values of type ${type} are never packed`);
  }
}
