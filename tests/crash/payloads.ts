/**
 * Mutated DUMP payloads of every type and encoding: each restores to a value that can be dumped
 * again, or gives an error.
 */
import { type DataLimits, defaultLimits } from "../../src/data/limits.ts";
import { dumpValue, restoreValue } from "../../src/persistence/rdb/dump.ts";
import { RdbError } from "../../src/persistence/rdb/rdb_input.ts";
import { Random } from "../../src/util/random.ts";
import { type AnyValue, plainForm, randomValue, VALUE_KINDS } from "../support/values.ts";

const FOOTER_BYTES = 10;
/** Payloads derived from one value. */
const MUTANTS = 20;

/** The findings of {@linkcode mutatedPayloads}. */
export interface PayloadReport {
  payloads: number;
  /** Number of payloads that were still valid. */
  restored: number;
  /**
   * The longest time one of them took, in milliseconds; for information only, as the machine may be
   * busy.
   */
  longestMs: number;
  problems: string[];
}

/**
 * Changes some bytes, mostly near the front where lengths and counts are, and truncates some
 * payloads.
 */
function mutate(payload: Uint8Array, random: Random): Uint8Array {
  const bytes = payload.slice(), body = bytes.length - FOOTER_BYTES;
  for (let n = 1 + random.below(4); n > 0; n--) {
    const at = random.below(3) === 0 ? random.below(body) : random.below(Math.min(body, 24));
    bytes[at] = random.below(2) === 0 ? random.below(256) : bytes[at]! ^ (1 << random.below(8));
  }
  if (random.below(4) > 0) return bytes;
  const cut = random.below(body);
  const shorter = bytes.slice(0, cut + FOOTER_BYTES);
  shorter.set(bytes.subarray(body), cut);
  return shorter;
}

function attempt<T>(action: () => T): T | Error {
  try {
    return action();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** A payload may only be refused in the way RESTORE expects. */
function faultOf(error: Error): string | null {
  return error instanceof RdbError ? null : String(error);
}

/** A restored value must be a value like any other. */
function differenceOf(value: AnyValue, limits: DataLimits): string | null {
  const again = attempt(() => restoreValue(dumpValue(value), limits));
  if (again instanceof Error) return String(again);
  return JSON.stringify(plainForm(again)) === JSON.stringify(plainForm(value)) ? null : "it changed";
}

/** Restores `count` payloads generated from `seed` on; their checksums are not verified. */
export function mutatedPayloads(count: number, seed: number): PayloadReport {
  const limits = defaultLimits(),
    report: PayloadReport = { payloads: 0, restored: 0, longestMs: 0, problems: [] };
  for (; report.payloads < count && report.problems.length < 10; seed++) {
    const random = new Random(seed);
    const payload = dumpValue(randomValue(random, seed % VALUE_KINDS), seed % 2 === 0);
    for (let i = 0; i < MUTANTS; i++, report.payloads++) {
      const mutant = mutate(payload, random);
      const startedAtMs = performance.now();
      const restored = attempt(() => restoreValue(mutant, limits));
      report.longestMs = Math.max(report.longestMs, performance.now() - startedAtMs);
      const problem = restored instanceof Error ? faultOf(restored) : differenceOf(restored, limits);
      if (problem !== null) report.problems.push(`seed ${seed}, mutant ${i}: ${problem}`);
      if (!(restored instanceof Error)) report.restored++;
    }
  }
  return report;
}
