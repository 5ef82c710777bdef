/**
 * Draws a session of the client with the server as a picture of a terminal, for README:
 *
 *     deno run -A tests/tools/session_svg.ts > .github/session.svg
 *
 * The commands really run, on a clock that stands still, so the picture is the same every time.
 */
import { formatForPeople } from "../../src/cli/format.ts";
import { ReplyDecoder } from "../../src/cli/reply_decoder.ts";
import { splitArgs } from "../../src/util/sds_split.ts";
import { bytesOf } from "../../src/util/bytes.ts";
import { escapeXml } from "../bench/svg.ts";
import { encodeCommand, startInProcess } from "../support/in_process.ts";

const START = ["$ redeno --port 6380 --appendonly yes &", "$ redeno cli -p 6380"];
const PROMPT = "127.0.0.1:6380> ";
const COMMANDS = [
  "SET greeting hello EX 60",
  "GET greeting",
  "ZADD scores 3 ada 1 linus 2 grace",
  "ZRANGE scores 0 -1 REV WITHSCORES",
  `EVAL "return redis.call('INCRBY', KEYS[1], ARGV[1])" 1 visits 42`,
  "XADD events * user ada action login",
  "XLEN events",
];

const WIDTH = 760, LINE_HEIGHT = 20, LEFT = 20, TOP = 56;

/** The lines of the session: what is typed, and what is answered. */
export function sessionLines(): { text: string; isTyped: boolean }[] {
  using server = startInProcess();
  const client = server.client(), decoder = new ReplyDecoder();
  const lines = START.map((text) => ({ text, isTyped: true }));
  for (const text of COMMANDS) {
    lines.push({ text: PROMPT + text, isTyped: true });
    decoder.push(bytesOf(client.raw(encodeCommand(...splitArgs(text)!))));
    const answer = formatForPeople(decoder.next()!).trimEnd();
    for (const line of answer.split("\n")) lines.push({ text: line, isTyped: false });
  }
  return lines;
}

/** The picture as an SVG document. */
export function sessionSvg(): string {
  const lines = sessionLines(), height = TOP + lines.length * LINE_HEIGHT + 8;
  const rows = lines.map(({ text, isTyped }, i) =>
    `<text x="${LEFT}" y="${TOP + i * LINE_HEIGHT}" fill="${
      isTyped ? "#e6edf3" : "#7ee787"
    }" xml:space="preserve">` +
    `${escapeXml(text)}</text>`
  );
  const lights = ["#ff5f57", "#febc2e", "#28c840"].map((colour, i) =>
    `<circle cx="${24 + i * 20}" cy="20" r="6" fill="${colour}"/>`
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ` +
    `role="img" aria-label="A session of redeno cli" font-family="ui-monospace, Menlo, Consolas, monospace" ` +
    `font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" rx="10" fill="#0d1117"/>`,
    ...lights,
    ...rows,
    "</svg>",
    "",
  ].join("\n");
}

if (import.meta.main) await Deno.stdout.write(new TextEncoder().encode(sessionSvg()));
