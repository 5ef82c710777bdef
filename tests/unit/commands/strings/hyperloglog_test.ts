import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { type InProcessClient, PENDING, startInProcess } from "../../../support/in_process.ts";
import { type Reply, ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** Sends a command written as one line. */
function send(c: InProcessClient, line: string): Reply | typeof PENDING {
  return c.send(...line.split(" "));
}

/** The text of an error reply. */
function failure(c: InProcessClient, line: string): string {
  const reply = send(c, line);
  assert(reply instanceof ReplyFailure, `${line}: not an error`);
  return reply.message;
}

/** Adds the numbers from `from` up to `to`. */
function addNumbers(c: InProcessClient, key: string, from: number, to: number): void {
  c.send("PFADD", key, ...Array.from({ length: to - from }, (_, i) => String(from + i)));
}

Deno.test("PFADD says whether anything changed, a new key included", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals([send(c, "PFADD h"), send(c, "PFADD h"), send(c, "PFADD h a b"), send(c, "PFADD h b a")], [
    1,
    0,
    1,
    0,
  ]);
  assertEquals(s.propagated(), ["PFADD h", "PFADD h a b"]);
  assertEquals(s.engine.dirty, 3);
});

Deno.test("PFADD stores the bytes that redis-server stores", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("PFADD", "h", "a", "b", "c", "hello world", "", "12345678", "1234567");
  const runs =
    "Z:5938 v:2,1 Z:2497 v:1,1 Z:962 v:4,1 Z:927 v:3,1 Z:251 v:3,1 Z:2131 v:2,1 Z:3068 v:1,1 Z:603";
  assertEquals(send(c, "PFDEBUG DECODE h"), runs);
  assertStringIncludes(String(send(c, "GET h")), "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80W1\x84I\xc0");
});

Deno.test("PFADD keeps the expiry of the key", () => {
  using s = startInProcess();
  const c = s.client();
  send(c, "PFADD h a");
  const database = s.engine.databases[0]!;
  send(c, "SETEX h2 100 x");
  c.send("SETEX", "h2", "100", String(send(c, "GET h")));
  send(c, "PFADD h2 b");
  s.advance(99_000);
  assertEquals(send(c, "PFCOUNT h2"), 2);
  s.advance(2_000);
  assertEquals(send(c, "PFCOUNT h2"), 0);
  assertEquals(database.size, 1);
});

Deno.test("PFCOUNT counts one sketch or the union of several", () => {
  using s = startInProcess();
  const c = s.client();
  addNumbers(c, "h", 0, 1000);
  addNumbers(c, "i", 500, 2000);
  assertEquals(send(c, "PFCOUNT h"), 1001);
  assertAlmostEquals(Number(send(c, "PFCOUNT h i missing")), 2000, 60);
  assertEquals(send(c, "PFCOUNT missing"), 0);
});

Deno.test("PFCOUNT keeps the count in the sketch, which is propagated once", () => {
  using s = startInProcess();
  const c = s.client();
  send(c, "PFADD h a b c");
  s.propagated();
  assertEquals([send(c, "PFCOUNT h"), send(c, "PFCOUNT h")], [3, 3]);
  assertEquals(s.propagated(), ["PFCOUNT h"]);
  assertStringIncludes(String(send(c, "GET h")), "HYLL\x01\0\0\0\x03\0\0\0\0\0\0\0");
});

Deno.test("PFMERGE makes a union, sparse as long as all sources are", () => {
  using s = startInProcess();
  const c = s.client();
  addNumbers(c, "h", 0, 100);
  addNumbers(c, "i", 50, 200);
  assertEquals(send(c, "PFMERGE d h i missing"), "OK");
  assertEquals([send(c, "PFCOUNT d"), send(c, "PFDEBUG ENCODING d")], [send(c, "PFCOUNT h i"), "sparse"]);
  send(c, "PFDEBUG TODENSE i");
  send(c, "PFMERGE d i");
  assertEquals([send(c, "PFCOUNT d"), send(c, "PFDEBUG ENCODING d")], [send(c, "PFCOUNT h i"), "dense"]);
  send(c, "PFMERGE new");
  assertEquals(send(c, "PFCOUNT new"), 0);
});

Deno.test("PFADD, PFCOUNT and PFMERGE refuse what is not a sketch", () => {
  using s = startInProcess();
  const c = s.client();
  send(c, "SET text 0123456789012345678");
  send(c, "SADD set a");
  const notSketch = "WRONGTYPE Key is not a valid HyperLogLog string value.";
  assertEquals(failure(c, "PFADD text a"), notSketch);
  assertEquals(failure(c, "PFCOUNT text"), notSketch);
  assertEquals(failure(c, "PFMERGE d text"), notSketch);
  assertEquals(
    failure(c, "PFCOUNT set"),
    "WRONGTYPE Operation against a key holding the wrong kind of value",
  );
});

Deno.test("a corrupt sketch is refused and left as it is", () => {
  using s = startInProcess();
  const c = s.client();
  send(c, "PFADD h a b c");
  const broken = String(send(c, "GET h")).slice(0, -1);
  c.send("SET", "h", broken);
  const corrupt = "INVALIDOBJ Corrupted HLL object detected";
  assertEquals(failure(c, "PFCOUNT h"), corrupt);
  assertEquals(failure(c, "PFMERGE d h"), corrupt);
  assertEquals(failure(c, "PFDEBUG GETREG h"), corrupt);
  assertEquals(send(c, "GET h"), broken);
});

Deno.test("PFADD turns to the dense encoding beyond hll-sparse-max-bytes", () => {
  using s = startInProcess();
  const c = s.client();
  s.engine.limits.hllSparseMaxBytes = 100;
  addNumbers(c, "h", 0, 20);
  assertEquals(send(c, "PFDEBUG ENCODING h"), "sparse");
  addNumbers(c, "h", 20, 40);
  assertEquals([send(c, "PFDEBUG ENCODING h"), send(c, "STRLEN h"), send(c, "PFCOUNT h")], [
    "dense",
    12304,
    40,
  ]);
});

Deno.test("PFDEBUG shows registers and encodings", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(failure(c, "PFDEBUG GETREG h"), "ERR The specified key does not exist");
  send(c, "PFADD h a b c");
  assertEquals([send(c, "PFDEBUG TODENSE h"), send(c, "PFDEBUG TODENSE h")], [1, 0]);
  assertEquals(failure(c, "PFDEBUG DECODE h"), "ERR HLL encoding is not sparse");
  assertEquals((send(c, "PFDEBUG GETREG h") as number[]).filter((rank) => rank > 0).length, 3);
  assertEquals(failure(c, "PFDEBUG X h"), "ERR Unknown PFDEBUG subcommand 'X'");
});

Deno.test("PFSELFTEST passes", () => {
  using s = startInProcess();
  assertEquals(send(s.client(), "PFSELFTEST"), "OK");
});
