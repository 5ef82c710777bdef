/** `--scan`: the names of all keys, one per line. */
import { quoteArg } from "../../util/sds_split.ts";
import { Interruption, type ModeContext, pause, scanKeys } from "./mode.ts";

/** Prints the keys, quoted in the form for people. */
export async function scanMode(context: ModeContext): Promise<number> {
  const { options, output } = context;
  using interruption = new Interruption();
  const line = options.format === "people" ? quoteArg : (key: string) => key;
  for await (const keys of scanKeys(context)) {
    output.print(keys.map((key) => line(key) + "\n").join(""));
    if (options.intervalMs > 0) await pause(options.intervalMs);
    if (interruption.isAsked) break;
  }
  return 0;
}
