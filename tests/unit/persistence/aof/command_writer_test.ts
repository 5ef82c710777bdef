import { assertEquals } from "@std/assert";
import { defaultLimits } from "../../../../src/data/limits.ts";
import { CommandWriter } from "../../../../src/persistence/aof/command_writer.ts";
import { Snapshot } from "../../../../src/persistence/snapshot/snapshot.ts";
import { ReplyValues } from "../../../../src/protocol/reply_values.ts";
import { latin1 } from "../../../../src/util/bytes.ts";
import { startInProcess } from "../../../support/in_process.ts";

/** The bytes of a server's data as commands. */
function bytesFor(commands: string[][], libraries: string[] = [], second: number | null = null): string {
  const server = startInProcess(), client = server.client();
  for (const words of commands) client.send(...words);
  let text = "";
  const sink = { write: (bytes: Uint8Array) => void (text += latin1(bytes)) };
  new Snapshot(server.engine.databases, new CommandWriter(libraries, second), sink).step(() => false);
  return text;
}

/** The commands, each as a line. */
function linesFor(commands: string[][], libraries: string[] = []): string[] {
  const values = new ReplyValues(bytesFor(commands, libraries)), lines: string[] = [];
  while (values.more) lines.push((values.next() as string[]).join(" "));
  return lines;
}

const words = (text: string) => text.split(" ");
const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

Deno.test("CommandWriter selects each database once, and none that is empty", () => {
  assertEquals(linesFor(["SET a 1", "SELECT 2", "SET b 2", "SELECT 9", "SET c 3"].map(words)), [
    "SELECT 0",
    "SET a 1",
    "SELECT 2",
    "SET b 2",
    "SELECT 9",
    "SET c 3",
  ]);
});

Deno.test("CommandWriter writes libraries and, if asked for, the time in front", () => {
  assertEquals(linesFor([], ["#!lua name=a\n", "#!lua name=b\n"]), [
    "FUNCTION LOAD #!lua name=a\n",
    "FUNCTION LOAD #!lua name=b\n",
  ]);
  assertEquals([bytesFor([], [], 12), bytesFor([], [], 0), bytesFor([])], ["#TS:12\r\n", "#TS:0\r\n", ""]);
});

Deno.test("CommandWriter writes times to live of strings and collections as moments", () => {
  const at = "9000000000000";
  assertEquals(linesFor([words("SET s v"), words(`PEXPIREAT s ${at}`)]), ["SELECT 0", `SET s v PXAT ${at}`]);
  assertEquals(linesFor([words("RPUSH l v"), words(`PEXPIREAT l ${at}`)]), [
    "SELECT 0",
    "RPUSH l v",
    `PEXPIREAT l ${at}`,
  ]);
});

for (
  const [command, perElement] of [["RPUSH", 1], ["SADD", 1], ["ZADD", 2], ["HMSET", 2]] as const
) {
  for (
    const [count, batches] of [[1, [1]], [64, [64]], [65, [64, 1]], [128, [64, 64]], [130, [
      64,
      64,
      2,
    ]]] as const
  ) {
    Deno.test(`CommandWriter writes ${count} elements in commands of 64 (${command})`, () => {
      const elements = numbers(count).flatMap((n) =>
        perElement === 1 ? [`e${n}`] : command === "ZADD" ? [n, `e${n}`] : [`e${n}`, n]
      );
      const lines = linesFor([[command, "key", ...elements]]).slice(1).map(words);
      assertEquals(lines.map((line) => [line[0], line[1]]), batches.map(() => [command, "key"]));
      const written = lines.flatMap((line) => line.slice(2));
      assertEquals([...written].sort(), [...elements].sort());
      if (command === "RPUSH") assertEquals(written, elements);
      // A hash or a set is walked in parts that need not be of 64.
      const sizes = lines.map((line) => (line.length - 2) / perElement);
      if (command === "RPUSH" || command === "ZADD") assertEquals(sizes, [...batches]);
      else assertEquals(sizes.every((size) => size <= 64), true, String(sizes));
    });
  }
}

Deno.test("CommandWriter writes scores as Redis spells them, lowest first", () => {
  assertEquals(linesFor([words("ZADD z 1.5 b inf d -inf a 3 c")]), [
    "SELECT 0",
    "ZADD z -inf a 1.5 b 3 c inf d",
  ]);
});

Deno.test("CommandWriter writes the times of hash fields, each on its own", () => {
  const lines = linesFor([words("HSET h a 1 b 2 c 3"), words("HPEXPIREAT h 9000000000000 FIELDS 2 a c")]);
  assertEquals(lines.slice(1).sort(), [
    "HMSET h a 1 b 2 c 3",
    "HPEXPIREAT h 9000000000000 FIELDS 1 a",
    "HPEXPIREAT h 9000000000000 FIELDS 1 c",
  ]);
});

Deno.test("CommandWriter writes a stream with its groups, consumers and what they have not acknowledged", () => {
  const lines = linesFor([
    words("XADD s 5-1 f v"),
    words("XADD s 6-1 g w h x"),
    words("XDEL s 5-1"),
    words("XGROUP CREATE s group 0 ENTRIESREAD 1"),
    words("XGROUP CREATE s unknown 5-5"),
    words("XGROUP CREATECONSUMER s group idle"),
    words("XREADGROUP GROUP group me STREAMS s >"),
    words("XCLAIM s group me 0 6-1 TIME 777 RETRYCOUNT 9 JUSTID"),
  ]);
  assertEquals(lines, [
    "SELECT 0",
    "XADD s 6-1 g w h x",
    "XSETID s 6-1 ENTRIESADDED 2 MAXDELETEDID 5-1",
    "XGROUP CREATE s group 6-1 ENTRIESREAD 2",
    "XGROUP CREATECONSUMER s group idle",
    "XGROUP CREATECONSUMER s group me",
    "XCLAIM s group me 0 6-1 TIME 777 RETRYCOUNT 9 JUSTID FORCE",
    "XGROUP CREATE s unknown 5-5 ENTRIESREAD -1",
  ]);
});

Deno.test("CommandWriter makes an empty stream by an entry that goes at once", () => {
  assertEquals(linesFor([words("XADD s 7-7 f v"), words("XDEL s 7-7")]), [
    "SELECT 0",
    "XADD s MAXLEN 0 0-1 x y",
    "XSETID s 7-7 ENTRIESADDED 1 MAXDELETEDID 7-7",
  ]);
});

Deno.test("CommandWriter writes large values in steps, with nothing lost between them", () => {
  const limits = defaultLimits(), count = limits.hashMaxListpackEntries * 10;
  const fields = numbers(count).flatMap((n) => [`f${n}`, n]), entries = numbers(200);
  const commands = [
    ["HSET", "h", ...fields],
    ...entries.map((n) => ["XADD", "s", `${Number(n) + 1}-0`, "f", n]),
  ];
  const lines = linesFor(commands).slice(1);
  const written = lines.filter((line) => line.startsWith("HMSET ")).flatMap((line) => words(line).slice(2));
  assertEquals(written.sort(), [...fields].sort());
  assertEquals(
    lines.filter((line) => line.startsWith("XADD ")),
    entries.map((n) => `XADD s ${Number(n) + 1}-0 f ${n}`),
  );
});
