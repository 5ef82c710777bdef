/** `--eval`: a script from a file, with the keys and arguments of the command line. */
import { latin1 } from "../../util/bytes.ts";
import { latin1FromText } from "../text.ts";
import { type ModeContext, ModeError } from "./mode.ts";

/** Sends EVAL and prints the reply. */
export async function evalMode({ session, options }: ModeContext): Promise<number> {
  const script = readScript(options.file);
  const comma = options.command.indexOf(",");
  const keys = comma < 0 ? options.command : options.command.slice(0, comma);
  const args = comma < 0 ? [] : options.command.slice(comma + 1);
  return await session.issue(["EVAL", script, String(keys.length), ...keys, ...args], options.repeat) ? 0 : 1;
}

function readScript(path: string): string {
  try {
    const bytes = Deno.readFileSync(path);
    return latin1(bytes, 0, bytes.length);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/ \(os error \d+\).*/, "") : String(error);
    throw new ModeError(latin1FromText(`Can't open file '${path}': ${reason}`));
  }
}
