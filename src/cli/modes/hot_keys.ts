/** `--hotkeys`: the most used keys, by the counters of an LFU policy. */
import { quoteArg } from "../../util/sds_split.ts";
import type { Output } from "../session.ts";
import {
  askAll,
  countKeys,
  Interruption,
  type ModeContext,
  ModeError,
  pause,
  percent,
  scanKeys,
} from "./mode.ts";

const KEPT = 16;
const PROGRESS_STEP = 1_000_000;
const SCANS_BETWEEN_PAUSES = 100;

const HEADING = `
# Scanning the entire keyspace to find hot keys as well as
# average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec
# per 100 SCAN commands (not usually needed).

`;

/** A key, quoted, and its counter. */
interface HotKey {
  readonly name: string;
  readonly counter: number;
}

/** Finds the hottest keys. */
export async function hotKeysMode(context: ModeContext): Promise<number> {
  const { session, output, options } = context;
  using interruption = new Interruption();
  const expected = await countKeys(session);
  output.print(HEADING);
  const hottest = new HottestKeys(output);
  let sampled = 0, scans = 0, progress = 0;
  for await (const keys of scanKeys(context)) {
    progress = 100 * sampled / expected;
    for (const [i, counter] of (await countersOf(context, keys)).entries()) {
      if (++sampled % PROGRESS_STEP === 0) {
        output.print(`[${percent(progress)}] Sampled ${sampled} keys so far\n`);
      }
      hottest.note(keys[i]!, counter, progress);
    }
    if (options.intervalMs > 0 && ++scans % SCANS_BETWEEN_PAUSES === 0) await pause(options.intervalMs);
    if (interruption.isAsked) break;
  }
  output.print(
    "\n-------- summary -------\n\n" + (interruption.isAsked ? `[${percent(progress)}] ` : "") +
      `Sampled ${sampled} keys in the keyspace!\n` + hottest.summary(),
  );
  return 0;
}

async function countersOf({ session, output }: ModeContext, keys: readonly string[]): Promise<number[]> {
  const replies = await askAll(session, keys.map((key) => ["OBJECT", "FREQ", key]));
  return replies.map((reply, i) => {
    if (reply.type === "integer") return Number(reply.text);
    if (reply.type === "error") throw new ModeError(`Error: ${reply.text}`);
    output.complain(`Warning: OBJECT freq on ${quoteArg(keys[i]!)} failed (may have been deleted)\n`);
    return 0;
  });
}

/** The hottest keys found so far, coldest first. */
class HottestKeys {
  readonly #keys: HotKey[] = [];
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Adds a key if it is hotter than one of those kept, and reports it. */
  note(key: string, counter: number, progress: number): void {
    const isFull = this.#keys.length === KEPT;
    if (counter <= (isFull ? this.#keys[0]!.counter : 0)) return;
    const name = quoteArg(key);
    if (isFull) this.#keys.shift();
    const place = this.#keys.findIndex((other) => other.counter >= counter);
    this.#keys.splice(place < 0 ? this.#keys.length : place, 0, { name, counter });
    this.#output.print(`[${percent(progress)}] Hot key '${name}' found so far with counter ${counter}\n`);
  }

  summary(): string {
    const lines = this.#keys.map(({ name, counter }) =>
      `hot key found with counter: ${counter}\tkeyname: ${name}\n`
    );
    return lines.reverse().join("");
  }
}
