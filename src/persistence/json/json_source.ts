/** Reads the parts of a readable snapshot's values; each method fails where the part is not of its kind. */
import type { DataLimits } from "../../data/limits.ts";
import type { Moment } from "../../keyspace/database.ts";
import { latin1 } from "../../util/bytes.ts";
import { parseInteger } from "../../util/numbers.ts";

/** A file that is not a readable snapshot, with the place of the fault. */
export class JsonSnapshotError extends Error {
  override name = "JsonSnapshotError";
}

/** The properties of a JSON object. */
export type JsonFields = Record<string, unknown>;

const encoder = new TextEncoder();

/** See the head of this file. All methods throw {@linkcode JsonSnapshotError}. */
export class JsonSource {
  /** The place in the file, for messages. */
  where = "";

  /** @param limits those of the values that are made */
  constructor(readonly limits: DataLimits) {}

  /** @param problem a noun: "a member twice" */
  fail(problem: string): never {
    throw new JsonSnapshotError(`The snapshot has ${problem} in ${this.where}`);
  }

  /** An object's properties. */
  object(value: unknown): JsonFields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.fail("something that is no object");
    }
    return value as JsonFields;
  }

  /** An array's items. */
  array(value: unknown): unknown[] {
    return Array.isArray(value) ? value : this.fail("something that is no array");
  }

  /** A whole number from 0 on. */
  count(value: unknown): number {
    return Number.isSafeInteger(value) && Number(value) >= 0
      ? Number(value)
      : this.fail("a number that is no count");
  }

  /** A time: a number, or digits where no number is exact. */
  moment(value: unknown): Moment {
    const wide = typeof value === "string" ? parseInteger(value) : undefined;
    return wide !== undefined && wide >= 0 ? wide : this.count(value);
  }

  /** A text, as a latin1 string. */
  text(value: unknown): string {
    if (typeof value === "string") return latin1(encoder.encode(value));
    const { base64 } = this.object(value);
    try {
      if (typeof base64 === "string") return atob(base64);
    } catch {
      // said below
    }
    return this.fail("a text that is neither a string nor base64");
  }
}
