/** `--lru-test`: a simulated cache that shows the hit rate of a server with limited memory. */
import { Random } from "../../util/random.ts";
import { askAll, type ModeContext, ModeError } from "./mode.ts";

const CYCLE_MS = 1000;
const PIPELINE = 250;
const VALUE_BYTES = 5;
/** The exponent that gives a fifth of the keys four fifths of the calls. */
const SKEW = 6.2;

/** Writes and reads forever, and reports the hits every second. */
export async function lruTestMode({ session, options, output }: ModeContext): Promise<number> {
  const random = Random.unpredictable();
  const key = () => `lru:${skewedNumber(options.sampleSize, random.float())}`;
  for (;;) {
    const startMs = performance.now();
    let hits = 0, reads = 0;
    while (performance.now() - startMs < CYCLE_MS) {
      await askAll(session, times(() => ["SET", key(), randomValue(random)]));
      for (const reply of await askAll(session, times(() => ["GET", key()]))) {
        if (reply.type === "error") throw new ModeError(reply.text);
        if (reply.type !== "null") hits++;
        reads++;
      }
    }
    const misses = reads - hits;
    const share = (count: number) => (count / reads * 100).toFixed(2);
    output.print(
      `${reads} Gets/sec | Hits: ${hits} (${share(hits)}%) | Misses: ${misses} (${share(misses)}%)\n`,
    );
  }
}

function times(command: () => string[]): string[][] {
  return Array.from({ length: PIPELINE }, command);
}

function randomValue(random: Random): string {
  return Array.from({ length: VALUE_BYTES }, () => String.fromCharCode(65 + random.below(57))).join("");
}

/**
 * A number from 1 to `count`, small ones far more often than large ones: a fifth gets four fifths.
 * @param fraction uniform from 0 to below 1
 */
export function skewedNumber(count: number, fraction: number): number {
  const least = 1, most = (count + 1) ** (SKEW + 1);
  const drawn = ((most - least) * fraction + least) ** (1 / (SKEW + 1));
  // a power may be rounded up to the end of its range
  return Math.max(1, count - Math.floor(drawn) + 1);
}
