/**
 * LOLWUT: a picture that differs each time. Redeno's is the path of a dinosaur's thoughts: a maze
 * of two characters (the one-line program `10 PRINT CHR$(205.5+RND(1)); : GOTO 10` of the Commodore
 * 64) with a hatchling in it.
 */
import type { Args } from "../../engine/args.ts";
import type { CommandContext } from "../../engine/context.ts";
import { NOT_INTEGER } from "../../protocol/errors.ts";
import type { Random } from "../../util/random.ts";
import { REDENO_VERSION, REDIS_VERSION } from "../../util/version.ts";

const USUAL_COLUMNS = 48;
const MOST_COLUMNS = 160;
const ROWS = 12;

const HATCHLING = [
  "   __ ",
  "  / _)",
  " /  / ",
  "/__/| ",
];

function maze(random: Random, columns: number): string[] {
  const rows: string[] = [];
  for (let row = 0; row < ROWS; row++) {
    let line = "";
    for (let column = 0; column < columns; column++) line += random.below(2) === 0 ? "/" : "\\";
    rows.push(line);
  }
  return rows;
}

/** Places the hatchling in the picture. */
function withHatchling(rows: string[], random: Random, columns: number): string[] {
  const width = HATCHLING[0]!.length;
  if (columns < width) return rows;
  const top = random.below(ROWS - HATCHLING.length + 1), left = random.below(columns - width + 1);
  return rows.map((row, i) => {
    const part = HATCHLING[i - top];
    return part === undefined ? row : row.slice(0, left) + part + row.slice(left + width);
  });
}

/**
 * LOLWUT [VERSION number] [columns]; the version only selects among redis-server's pictures and is
 * ignored.
 */
export function lolwut(ctx: CommandContext, args: Args): void {
  let at = 1;
  if (args.count > 1 && args.is(1, "VERSION")) {
    if (args.count > 2) args.integer(2, NOT_INTEGER);
    at = 3;
  }
  const asked = args.count > at ? args.int(at) : USUAL_COLUMNS;
  const columns = Math.max(1, Math.min(asked, MOST_COLUMNS));
  const { random } = ctx.engine;
  const rows = withHatchling(maze(random, columns), random, columns);
  ctx.reply.verbatim(
    "txt",
    `${rows.join("\n")}\n\nRedis ver. ${REDIS_VERSION}, Redeno ver. ${REDENO_VERSION}\n`,
  );
}
