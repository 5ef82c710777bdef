import { assert, assertEquals } from "@std/assert";
import { ReplyWriter } from "../../../src/protocol/reply_writer.ts";
import { ReplicationStream } from "../../../src/replication/stream.ts";
import { Random } from "../../../src/util/random.ts";

const BACKLOG = 50_000;

function bytesAt(position: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => ((position + i) * 7 + ((position + i) >> 8)) & 0xff);
}

Deno.test("ReplicationStream gives back what was appended, from every position that it holds", () => {
  const seed = 11, random = new Random(seed), stream = new ReplicationStream();
  stream.begin(1000);
  let slowest = 1000;
  for (let round = 0; round < 400; round++) {
    const count = random.below(random.below(4) === 0 ? 30_000 : 200);
    const bytes = bytesAt(stream.end, count + 5);
    stream.append(bytes.subarray(0, count + 5), 0, count, BACKLOG);
    if (random.below(10) === 0) slowest = Math.max(slowest, stream.end - random.below(100_000));
    stream.trim(BACKLOG, slowest);
    assert(stream.first <= Math.max(1000, Math.min(slowest, stream.end - BACKLOG)), `seed ${seed}`);
    const position = stream.first + random.below(stream.length + 1), limit = random.below(40_000);
    const writer = new ReplyWriter(), copied = stream.copyTo(writer, position, limit);
    assertEquals(copied, Math.min(limit, stream.end - position), `seed ${seed}`);
    assertEquals(writer.view(), bytesAt(position, copied), `seed ${seed}`);
  }
});

Deno.test("ReplicationStream keeps the backlog, and more only for those who have not been sent it", () => {
  const stream = new ReplicationStream();
  stream.begin(0);
  for (let i = 0; i < 100; i++) stream.append(new Uint8Array(10_000), 0, 10_000, BACKLOG);
  stream.trim(BACKLOG, 300_000);
  assert(stream.first <= 300_000 && stream.first > 300_000 - 2 * 16_384, `${stream.first}`);
  stream.trim(BACKLOG, stream.end);
  assert(stream.length >= BACKLOG && stream.length < BACKLOG + 2 * 16_384, `${stream.length}`);
  assert(stream.holds(stream.first) && stream.holds(stream.end));
  assert(!stream.holds(stream.first - 1) && !stream.holds(stream.end + 1));
});

Deno.test("ReplicationStream.close forgets the bytes and keeps the position", () => {
  const stream = new ReplicationStream();
  stream.begin(5);
  stream.append(new Uint8Array(10), 0, 10, BACKLOG);
  stream.close();
  assertEquals([stream.end, stream.length, stream.memoryBytes, stream.holds(15)], [15, 0, 0, false]);
});
