/**
 * `redeno check-rdb`: reads an RDB file to its end and reports its contents, in the words of
 * redis-check-rdb.
 */
import { defaultLimits } from "../../data/limits.ts";
import { rdbTypeName } from "../values/table.ts";
import { RdbType } from "./rdb_format.ts";
import type { ByteSource } from "./rdb_input.ts";
import { RdbError, RdbInput } from "./rdb_input.ts";
import { type KeyAttributes, RdbReader, type RdbTarget } from "./rdb_reader.ts";

/** Names of the RDB types that are recognised and not read. */
const UNREAD_TYPES: Readonly<Record<number, string>> = {
  [RdbType.Module]: "module-pre-release",
  [RdbType.Module2]: "module-value",
};

/** Counts the contents of a file, and keeps none of them. */
class CountingTarget implements RdbTarget {
  readonly databaseCount = Infinity;
  readonly checksChecksum = true;
  keys = 0;
  expires = 0;
  expired = 0;

  /** @param say prints a message with the offset */
  constructor(readonly say: (text: string) => void, readonly nowMs: number) {}

  aux(name: string, value: string): void {
    this.say(`AUX FIELD ${name} = '${value}'`);
  }

  functionLibrary(): null {
    return null;
  }

  putString(_databaseId: number, _key: unknown, _value: unknown, attributes: KeyAttributes): void {
    this.#count(attributes);
  }

  putCollection(_databaseId: number, _key: unknown, _value: unknown, attributes: KeyAttributes): void {
    this.#count(attributes);
  }

  #count({ expiresAtMs }: KeyAttributes): void {
    this.keys++;
    if (expiresAtMs === -1) return;
    this.expires++;
    if (expiresAtMs < this.nowMs) this.expired++;
  }

  skippedEmpty(): void {
    this.keys++;
  }

  warn(text: string): void {
    this.say(text);
  }

  databaseSelected(id: number): void {
    this.say(`Selecting DB ID ${id}`);
  }

  checksumRight(): void {
    this.say("Checksum OK");
  }
}

/** Findings of a check. */
export interface RdbCheck {
  readonly isSound: boolean;
  /**
   * Hint on how a server can still start from the file; not a part of the report, which is
   * redis-check-rdb's.
   */
  readonly advice?: string;
  /** Bytes behind the RDB file that were read along, such as the commands of an append only file. */
  readonly rest: Uint8Array;
  /** The length of the RDB file, bytes. */
  readonly length: number;
}

/**
 * Checks the RDB file that `source` begins with.
 * @param print takes the report, a line a call, as latin1
 */
export function checkRdb(
  source: ByteSource,
  size: number,
  name: string,
  nowMs: number,
  print: (line: string) => void,
): RdbCheck {
  const input = new RdbInput(source, size);
  const say = (text: string, offset = input.offset) => print(`[offset ${offset}] ${text}`);
  const target = new CountingTarget(say, nowMs);
  const reader = new RdbReader(input, target, defaultLimits());
  say(`Checking RDB file ${name}`);
  let isSound = true;
  try {
    for (const _ of reader.read(undefined, 1_000_000));
    say("\\o/ RDB looks OK! \\o/");
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    isSound = false;
    printFault(error, reader, print);
  }
  // A key counts from its name on, whatever becomes of its value.
  print(`[info] ${target.keys + (reader.key === undefined ? 0 : 1)} keys read`);
  print(`[info] ${target.expires} expires`);
  print(`[info] ${target.expired} already expired`);
  const advice = !isSound && reader.canLeaveOut ? { advice: SKIP_ADVICE } : {};
  return { ...advice, isSound, rest: isSound ? input.rest() : new Uint8Array(0), length: input.offset };
}

const SKIP_ADVICE =
  "With `rdb-skip-unreadable-keys yes` redeno starts without such keys, with a warning for each.";

function printFault({ message, offset }: RdbError, reader: RdbReader, print: (line: string) => void): void {
  const { stage, key, keyType } = reader;
  print("--- RDB ERROR DETECTED ---");
  print(`[offset ${offset || reader.input.offset}] ${message}`);
  print(`[additional info] While doing: ${stage}`);
  if (key !== undefined) print(`[additional info] Reading key '${key}'`);
  const typeName = rdbTypeName(keyType) ?? UNREAD_TYPES[keyType] ?? "unknown";
  if (keyType >= 0) print(`[additional info] Reading type ${keyType} (${typeName})`);
}
