/**
 * PFSELFTEST: checks that registers keep the values written to them and that estimates are accurate
 * enough.
 */
import { HyperLogLog, registerCount } from "../../data/hyperloglog.ts";
import type { DataLimits } from "../../data/limits.ts";
import type { Random } from "../../util/random.ts";

const maxRegister = 63;
const elements = 1_000_000;
/** Deviations of more standard errors than this do not occur by chance. */
const toleratedErrors = 6;
const standardError = 1.04 / Math.sqrt(registerCount);

/** Runs the test; returns the failure, or undefined. */
export function selfTest(random: Random, limits: DataLimits): string | undefined {
  return testRegisters(random, limits) ?? testEstimates(random, limits);
}

/** Gives every register of a dense sketch a random value and reads all of them back. */
function testRegisters(random: Random, limits: DataLimits): string | undefined {
  const sketch = HyperLogLog.empty(limits);
  sketch.makeDense();
  const expected = new Uint8Array(registerCount);
  for (let i = 0; i < registerCount; i++) {
    expected[i] = random.below(maxRegister + 1);
    sketch.raise(i, expected[i]!);
  }
  const found = sketch.registers();
  const wrong = found.findIndex((rank, i) => rank !== expected[i]);
  return wrong < 0 ? undefined : `Register ${wrong} should be ${expected[wrong]} but is ${found[wrong]}`;
}

/** Adds elements to a dense and to a sparse sketch and checks the counts at powers of ten. */
function testEstimates(random: Random, limits: DataLimits): string | undefined {
  const dense = HyperLogLog.empty(limits), sparse = HyperLogLog.empty(limits);
  dense.makeDense();
  const prefix = `${random.next()}:`;
  let checkpoint = 1;
  for (let count = 1; count <= elements; count++) {
    dense.add(prefix + count);
    sparse.add(prefix + count);
    if (count !== checkpoint) continue;
    if (count < limits.hllSparseMaxBytes / 2 && sparse.encoding !== "sparse") {
      return "sparse encoding not used";
    }
    if (dense.count() !== sparse.count()) return "dense/sparse disagree";
    const error = Math.abs(dense.count() - count);
    if (error > Math.max(1, Math.ceil(toleratedErrors * standardError * count))) {
      return `Too big error. card:${count} abserr:${error}`;
    }
    checkpoint *= 10;
  }
  return undefined;
}
