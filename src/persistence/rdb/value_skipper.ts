/**
 * Passes over the value of a key in an RDB file without understanding it: only counts and lengths are followed, so a
 * value whose contents are damaged, or of a type that is unknown here, still has an end.
 */
import { RdbType } from "./rdb_format.ts";
import type { RdbInput } from "./rdb_input.ts";

/** Bytes of a stream id as entries in front of consumers have it, and of a moment. */
const RAW_ID_BYTES = 16, MOMENT_BYTES = 8;

/** The parts of a module's value, each behind its number. */
const ModulePart = { End: 0, Signed: 1, Unsigned: 2, Float: 3, Double: 4, Text: 5 } as const;

type Skip = (input: RdbInput) => void;

interface Structure {
  /** The type as users know it. */
  readonly name: string;
  readonly skip: Skip;
}

const text: Skip = (input) => input.skipString();
const count: Skip = (input) => void input.count64();
const moment: Skip = (input) => input.skip(MOMENT_BYTES);

/** The parts one behind the other. */
function all(...parts: readonly Skip[]): Skip {
  return (input) => {
    for (const part of parts) part(input);
  };
}

/** A count, and the parts as many times. */
function repeated(...parts: readonly Skip[]): Skip {
  const part = all(...parts);
  return (input) => {
    for (let left = input.count(); left > 0; left--) part(input);
  };
}

/** A score as text behind its length; the greatest lengths are values without text. */
const textScore: Skip = (input) => {
  const length = input.byte();
  if (length < 253) input.skip(length);
};

/** @param version 1 to 3, by which streams have grown */
function stream(version: number): Skip {
  const id = all(count, count), rawId: Skip = (input) => input.skip(RAW_ID_BYTES);
  const since = (first: number, ...parts: readonly Skip[]) => version >= first ? parts : [];
  return all(
    repeated(text, text),
    count,
    id,
    ...since(2, id, id, count),
    repeated(
      text,
      id,
      ...since(2, count),
      repeated(rawId, moment, count),
      repeated(text, moment, ...since(3, moment), repeated(rawId)),
    ),
  );
}

/** Skips the data behind the id of a module, up to its end mark. */
export function skipModuleParts(input: RdbInput): void {
  for (;;) {
    switch (input.count()) {
      case ModulePart.End:
        return;
      case ModulePart.Signed:
      case ModulePart.Unsigned:
        input.count64();
        break;
      case ModulePart.Float:
        input.skip(4);
        break;
      case ModulePart.Double:
        input.skip(8);
        break;
      case ModulePart.Text:
        input.skipString();
        break;
      default:
        input.fail("Unknown part of a module's value");
    }
  }
}

const structures: Readonly<Record<number, Structure>> = {
  [RdbType.String]: { name: "string", skip: text },
  [RdbType.List]: { name: "list", skip: repeated(text) },
  [RdbType.ListZiplist]: { name: "list", skip: text },
  [RdbType.ListQuicklist]: { name: "list", skip: repeated(text) },
  [RdbType.ListQuicklist2]: { name: "list", skip: repeated(count, text) },
  [RdbType.Set]: { name: "set", skip: repeated(text) },
  [RdbType.SetIntset]: { name: "set", skip: text },
  [RdbType.SetListpack]: { name: "set", skip: text },
  [RdbType.Zset]: { name: "sorted set", skip: repeated(text, textScore) },
  [RdbType.Zset2]: { name: "sorted set", skip: repeated(text, moment) },
  [RdbType.ZsetZiplist]: { name: "sorted set", skip: text },
  [RdbType.ZsetListpack]: { name: "sorted set", skip: text },
  [RdbType.Hash]: { name: "hash", skip: repeated(text, text) },
  [RdbType.HashZipmap]: { name: "hash", skip: text },
  [RdbType.HashZiplist]: { name: "hash", skip: text },
  [RdbType.HashListpack]: { name: "hash", skip: text },
  [RdbType.HashMetadataEarly]: { name: "hash", skip: repeated(count, text, text) },
  [RdbType.HashListpackExEarly]: { name: "hash", skip: text },
  [RdbType.HashMetadata]: { name: "hash", skip: all(moment, repeated(count, text, text)) },
  [RdbType.HashListpackEx]: { name: "hash", skip: all(moment, text) },
  [RdbType.StreamListpacks]: { name: "stream", skip: stream(1) },
  [RdbType.StreamListpacks2]: { name: "stream", skip: stream(2) },
  [RdbType.StreamListpacks3]: { name: "stream", skip: stream(3) },
  [RdbType.Module2]: { name: "module", skip: all(count, skipModuleParts) },
};

/** The name of an RDB type as users know it; undefined for one whose values cannot be passed over. */
export function skippableType(type: number): string | undefined {
  return structures[type]?.name;
}

/** Passes over a value. Throws RdbError where its structure cannot be followed. O(its bytes) */
export function skipValue(input: RdbInput, type: number): void {
  const structure = structures[type];
  if (structure === undefined) return input.fail(`Unknown RDB encoding type ${type}`);
  structure.skip(input);
}
