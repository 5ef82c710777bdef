import { assertEquals } from "@std/assert";
import { type ByteSource, RequestReader } from "../../../src/protocol/request_reader.ts";
import { type CommandBatch, firstOffsetOf } from "../../../src/protocol/command_batch.ts";
import { RequestDecoder } from "../../../src/protocol/request_decoder.ts";
import { bytesOf, latin1 } from "../../../src/util/bytes.ts";

/** A source that gives what it is fed, at most as much at a time as it is asked for. */
class FedSource implements ByteSource {
  #pending = "";
  #ended = false;
  #fails = false;
  #wake = () => {};
  /** Reads begun so far. */
  reads = 0;

  feed(text: string): void {
    this.#pending += text;
    this.#wake();
  }

  end(fails = false): void {
    this.#ended = true;
    this.#fails = fails;
    this.#wake();
  }

  async read(into: Uint8Array): Promise<number | null> {
    this.reads++;
    while (this.#pending === "" && !this.#ended) await new Promise<void>((resolve) => this.#wake = resolve);
    if (this.#pending === "" && this.#fails) throw new Deno.errors.ConnectionReset();
    if (this.#pending === "") return null;
    const part = bytesOf(this.#pending.slice(0, into.length));
    into.set(part);
    this.#pending = this.#pending.slice(part.length);
    return part.length;
  }
}

function start() {
  const source = new FedSource();
  const decoder = new RequestDecoder({ maxBulkBytes: 1 << 20, maxQueryBytes: 1 << 20 });
  const reader = new RequestReader(source, decoder);
  const batches = reader.batches().getReader();
  return { source, decoder, reader, batches };
}

function namesOf(batch: CommandBatch | undefined): string[] {
  if (batch === undefined) return [];
  return Array.from({ length: batch.count }, (_, command) => {
    const at = firstOffsetOf(batch, command);
    return latin1(batch.buf, batch.offsets[at]!, batch.offsets[at + 1]!);
  });
}

/** Lets everything happen that is ready to. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("RequestReader yields all complete commands of a read as one batch", async () => {
  const { source, batches } = start();
  source.feed("A\r\nB\r\nC\r\nD");
  assertEquals(namesOf((await batches.read()).value), ["A", "B", "C"]);
  source.feed("D\r\n");
  assertEquals(namesOf((await batches.read()).value), ["DD"]);
  source.end();
  assertEquals((await batches.read()).done, true);
});

Deno.test("RequestReader reads nothing before a batch is asked for", async () => {
  const { source, batches } = start();
  source.feed("A\r\n");
  await settle();
  assertEquals(source.reads, 0);
  await batches.read();
  await settle();
  assertEquals(source.reads, 1);
});

Deno.test("RequestReader counts what it reads and ends with what was sent before the end", async () => {
  const { source, reader, batches } = start();
  let bytes = 0;
  reader.onBytes = (count) => bytes += count;
  source.feed("PING\r\nincomplete");
  source.end();
  assertEquals(namesOf((await batches.read()).value), ["PING"]);
  assertEquals((await batches.read()).done, true);
  assertEquals([bytes, reader.ended], [16, true]);
});

Deno.test("RequestReader takes a reset connection for an ended one", async () => {
  const { source, batches } = start();
  source.end(true);
  assertEquals((await batches.read()).done, true);
});

Deno.test("RequestReader yields a protocol error behind the commands before it", async () => {
  const { source, batches } = start();
  source.feed("PING\r\n*x\r\n");
  const { value } = await batches.read();
  assertEquals([namesOf(value), value?.error?.message], [["PING"], "invalid multibulk length"]);
});

Deno.test("RequestReader yields a protocol error without commands before it", async () => {
  const { source, batches } = start();
  source.feed("*x\r\n");
  const { value } = await batches.read();
  assertEquals([value?.count, value?.error?.message], [0, "invalid multibulk length"]);
});

Deno.test("RequestReader.watchForEnd notices the end behind a blocked command", async () => {
  const { source, reader, batches } = start();
  source.feed("BLPOP\r\n");
  const { value } = await batches.read();
  const watched = reader.watchForEnd(() => true);
  source.feed("A\r\n");
  await settle();
  assertEquals(reader.ended, false);
  assertEquals(namesOf(value), ["BLPOP"], "the batch stays valid");
  source.end();
  await watched;
  assertEquals(reader.ended, true);
});

Deno.test("RequestReader.watchForEnd leaves what it has read to the next batch", async () => {
  const { source, reader, batches } = start();
  source.feed("BLPOP\r\n");
  await batches.read();
  let waits = true;
  const watched = reader.watchForEnd(() => waits);
  source.feed("A\r\nB");
  await settle();
  source.feed("B\r\n");
  await settle();
  waits = false;
  assertEquals(namesOf((await batches.read()).value), ["A", "BB"]);
  source.feed("C\r\n");
  await watched;
  assertEquals(namesOf((await batches.read()).value), ["C"], "a read begun while it waited is not lost");
});

Deno.test("RequestReader.watchForEnd stops where the query buffer is full", async () => {
  const { source, decoder, reader, batches } = start();
  source.feed("BLPOP\r\n");
  await batches.read();
  source.feed(`${"x".repeat(100_000)}\n`);
  await reader.watchForEnd(() => true);
  assertEquals(decoder.tail().length, 0);
  assertEquals(reader.ended, false);
});
