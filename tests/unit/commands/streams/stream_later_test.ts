/**
 * Answers about streams in which redis-server 7.0 is wrong and later ones are right: each test names the version that
 * mended it.
 */
import { assertEquals } from "@std/assert";
import {
  type InProcessClient,
  type InProcessServer,
  PENDING,
  startInProcess,
} from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const send = (c: InProcessClient, line: string) => c.send(...line.split(" "));

/** Runs lines of commands and gives the last reply. */
function run(c: InProcessClient, ...lines: string[]) {
  return lines.map((line) => send(c, line)).at(-1)!;
}

function withClient(): [InProcessServer, InProcessClient] {
  const s = startInProcess();
  return [s, s.client()];
}

/** What XINFO GROUPS says of the first group of `x`: entries read and lag. */
function progress(c: InProcessClient): unknown[] {
  const [group] = send(c, "XINFO GROUPS x") as unknown[][];
  return [group![9], group![11]];
}

const fiveEntries = [1, 2, 3, 4, 5].map((id) => `XADD x ${id}-0 d a`);
const readOne = "XREADGROUP GROUP g c COUNT 1 STREAMS x >";

// ---- Consumers ----------------------------------------------------------------------------------------------------

const consumers = (c: InProcessClient) =>
  (send(c, "XINFO CONSUMERS x g") as unknown[][]).map(([, name, , pending, , idle, , inactive]) => [
    name,
    pending,
    idle,
    inactive,
  ]);

Deno.test("XREADGROUP that finds nothing makes its consumer (7.2)", () => {
  const [s, c] = withClient();
  send(c, "XGROUP CREATE x g $ MKSTREAM");
  s.propagated();
  assertEquals(send(c, "XREADGROUP GROUP g Alice COUNT 1 STREAMS x >"), null);
  s.advance(10);
  assertEquals(consumers(c), [["Alice", 0, 10, -1]]);
  assertEquals(s.propagated(), ["XGROUP CREATECONSUMER x g Alice"]);
});

Deno.test("XREADGROUP that waits has made its consumer (7.2)", () => {
  const [s, c] = withClient();
  send(c, "XGROUP CREATE x g $ MKSTREAM");
  const bob = s.client();
  assertEquals(send(bob, "XREADGROUP GROUP g Bob BLOCK 400 STREAMS x >"), PENDING);
  assertEquals(consumers(c), [["Bob", 0, 0, -1]]);
  s.advance(400);
  assertEquals(bob.received(), [null]);
  assertEquals(consumers(c), [["Bob", 0, 400, -1]]);
  assertEquals(s.propagated().slice(1), ["XGROUP CREATECONSUMER x g Bob"]);
});

Deno.test("XREADGROUP makes its consumer in each stream, and propagates it once", () => {
  const [s, c] = withClient();
  run(c, "XADD x 1-0 f v", "XGROUP CREATE x g 0", "XGROUP CREATE y g 0 MKSTREAM");
  s.propagated();
  run(c, "XREADGROUP GROUP g a STREAMS x y > >");
  assertEquals(s.propagated(), [
    "MULTI",
    `XCLAIM x g a 0 1-0 TIME ${s.clock.nowMs()} RETRYCOUNT 1 FORCE JUSTID LASTID 1-0`,
    "XGROUP SETID x g 1-0 ENTRIESREAD 1",
    "XGROUP CREATECONSUMER y g a",
    "EXEC",
  ]);
  run(c, "XREADGROUP GROUP g b STREAMS x 0");
  assertEquals(s.propagated(), ["XGROUP CREATECONSUMER x g b"]);
});

Deno.test("XCLAIM and XAUTOCLAIM that find nothing make their consumer (7.2)", () => {
  const [s, c] = withClient();
  send(c, "XGROUP CREATE x g $ MKSTREAM");
  s.propagated();
  assertEquals(send(c, "XAUTOCLAIM x g auto 0 0"), ["0-0", [], []]);
  assertEquals(send(c, "XCLAIM x g claim 0 1-1"), []);
  s.advance(5);
  assertEquals(consumers(c), [["auto", 0, 5, -1], ["claim", 0, 5, -1]]);
  assertEquals(s.propagated(), ["XGROUP CREATECONSUMER x g auto", "XGROUP CREATECONSUMER x g claim"]);
});

// ---- Lag ----------------------------------------------------------------------------------------------------------

Deno.test("XINFO GROUPS counts what is left after XTRIM (7.4)", () => {
  const [, c] = withClient();
  run(c, ...fiveEntries, "XGROUP CREATE x g 0", readOne, "XTRIM x MAXLEN 1");
  assertEquals(progress(c), [1, 1]);
  send(c, readOne);
  assertEquals(progress(c), [5, 0]);
});

Deno.test("XINFO GROUPS says that nothing is left of a stream that XTRIM has emptied (7.4)", () => {
  const [, c] = withClient();
  run(c, ...fiveEntries, "XGROUP CREATE x g 0", readOne, "XTRIM x MAXLEN 0");
  assertEquals(progress(c), [1, 0]);
});

Deno.test("XINFO GROUPS counts what is left after XDEL before the first entry (7.4)", () => {
  const [, c] = withClient();
  run(
    c,
    "XGROUP CREATE x g $ MKSTREAM",
    "XADD x 0-1 n M",
    "XADD x 0-2 n V",
    "XREADGROUP GROUP g a STREAMS x >",
  );
  run(c, "XADD x 0-3 n E", "XADD x 0-4 n J", "XDEL x 0-1", "XDEL x 0-2", "XDEL x 0-3");
  assertEquals(progress(c), [2, 1]);
});

Deno.test("XREADGROUP finds its counter anew behind a deleted entry (8.0)", () => {
  const [, c] = withClient();
  run(
    c,
    ...fiveEntries.slice(0, 4),
    "XGROUP CREATE x g 0",
    "XREADGROUP GROUP g c COUNT 2 STREAMS x >",
    "XDEL x 3-0",
  );
  assertEquals(progress(c), [2, null]);
  send(c, "XREADGROUP GROUP g c STREAMS x >");
  assertEquals(progress(c), [4, 0]);
});

Deno.test("ENTRIESREAD says no more than there ever was (8.0)", () => {
  const [, c] = withClient();
  run(c, "XADD x 1-1 a b", "XGROUP CREATE x g 0 ENTRIESREAD 7");
  assertEquals(progress(c), [1, 1]);
  run(c, "XGROUP SETID x g 1-1 ENTRIESREAD 7");
  assertEquals(progress(c), [1, 0]);
});

Deno.test("XREADGROUP propagates how many entries the group has read, also with acknowledgement (7.2)", () => {
  const [s, c] = withClient();
  run(c, "XADD x 1-0 f v", "XADD x 2-0 f v", "XGROUP CREATE x g 0");
  const replica = startInProcess(), copy = replica.client();
  for (const noAck of ["", "NOACK "]) {
    run(c, `XREADGROUP GROUP g c COUNT 1 ${noAck}STREAMS x >`);
    for (const line of s.propagated()) send(copy, line);
    assertEquals(progress(copy), progress(c));
  }
  assertEquals(progress(copy), [2, 0]);
});

// ---- Other answers --------------------------------------------------------------------------------------------------

Deno.test("XREADGROUP that waits says why it cannot go on as if it came now (7.2)", () => {
  const gone = new ReplyFailure(
    "NOGROUP No such key 'x' or consumer group 'g' in XREADGROUP with GROUP option",
  );
  const wrong = new ReplyFailure("WRONGTYPE Operation against a key holding the wrong kind of value");
  const ends: [string, ReplyFailure][] = [
    ["DEL x", gone],
    ["SET x 1", wrong],
    ["RENAME x z", gone],
    ["FLUSHALL", gone],
    ["XGROUP DESTROY x g", gone],
    ["SWAPDB 0 1", gone],
  ];
  for (const [end, error] of ends) {
    const [s, c] = withClient(), waiting = s.client();
    run(c, "XGROUP CREATE x g $ MKSTREAM", "XGROUP CREATE y g $ MKSTREAM");
    assertEquals(send(waiting, "XREADGROUP GROUP g c BLOCK 0 STREAMS y x > >"), PENDING);
    send(c, end);
    const [reply] = waiting.received();
    const expected = ["FLUSHALL", "SWAPDB 0 1"].includes(end)
      ? new ReplyFailure(error.message.replace("'x'", "'y'"))
      : error;
    assertEquals(reply, expected, end);
  }
});

Deno.test("XSETID refuses an id below the largest deleted one (7.2)", () => {
  const [, c] = withClient();
  run(c, "XADD x 1-1 a 1", "XADD x 1-2 b 2", "XADD x 1-3 c 3", "XDEL x 1-2", "XDEL x 1-3");
  assertEquals(
    send(c, "XSETID x 1-2"),
    new ReplyFailure("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"),
  );
  assertEquals(send(c, "XSETID x 1-3"), "OK");
});

Deno.test("XREAD and XREADGROUP name themselves where ids are missing (7.2, and + from 8.0)", () => {
  const [, c] = withClient();
  assertEquals(
    send(c, "XREADGROUP GROUP g a STREAMS x y >"),
    new ReplyFailure(
      "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
    ),
  );
  assertEquals(
    send(c, "XREAD STREAMS x y 0"),
    new ReplyFailure(
      "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified.",
    ),
  );
});
