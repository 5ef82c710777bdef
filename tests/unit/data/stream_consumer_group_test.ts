import { assertEquals } from "@std/assert";
import { type Consumer, ConsumerGroup } from "../../../src/data/consumer_group.ts";
import { formatId, minStreamId } from "../../../src/data/stream_id.ts";
import { Random } from "../../../src/util/random.ts";

const idsOf = (pending: Consumer["pending"]) => [...pending].map((entry) => formatId(entry.id));

Deno.test("a pending entry is always in the group's index and in exactly its consumer's", () => {
  for (const seed of [1, 2, 3]) {
    const random = new Random(seed), heap = { bytes: 0 };
    const group = new ConsumerGroup("g", minStreamId, -1, heap);
    const base = heap.bytes;
    let model = new Map<string, { owner: string; count: number }>();
    for (let step = 0; step < 3000; step++) {
      const id = { ms: random.below(400), seq: 0 }, name = `c${random.below(5)}`;
      const action = random.below(100);
      if (action < 60) {
        const consumer = group.consumer(name) ?? group.createConsumer(name, step);
        group.assign(id, consumer, step, action);
        model.set(formatId(id), { owner: name, count: action });
      } else if (action < 98) {
        assertEquals(group.acknowledge(id), model.delete(formatId(id)), `seed ${seed} step ${step}`);
      } else {
        const rest = new Map([...model].filter(([, entry]) => entry.owner !== name));
        const expected = group.consumer(name) === undefined ? undefined : model.size - rest.size;
        assertEquals(group.deleteConsumer(name), expected, `seed ${seed} step ${step}`);
        model = rest;
      }
      if (step % 100 !== 0) continue;
      const seen = new Map(
        [...group.pending].map((entry) =>
          [formatId(entry.id), { owner: entry.consumer.name, count: entry.deliveryCount }] as const
        ),
      );
      assertEquals(seen, model, `seed ${seed} step ${step}`);
      for (const consumer of group.consumers()) {
        const owned = [...seen].filter(([, entry]) => entry.owner === consumer.name).map(([text]) => text);
        assertEquals(idsOf(consumer.pending), owned, `seed ${seed} step ${step}`);
      }
    }
    for (const consumer of group.consumers()) group.deleteConsumer(consumer.name);
    assertEquals([heap.bytes, group.pending.size, group.consumerCount], [base, 0, 0]);
  }
});

Deno.test("consumers are listed by the bytes of their names", () => {
  const group = new ConsumerGroup("g", minStreamId, 0, { bytes: 0 });
  for (const name of ["b", "a\xff", "a", "B", ""]) group.createConsumer(name, 1);
  assertEquals(group.consumers().map((consumer) => consumer.name), ["", "B", "a", "a\xff", "b"]);
});

Deno.test("a copied group shares nothing with its original", () => {
  const heap = { bytes: 0 }, copyHeap = { bytes: 0 };
  const group = new ConsumerGroup("g", { ms: 5, seq: 0 }, 3, heap);
  const alice = group.createConsumer("alice", 10, 11);
  group.assign({ ms: 1, seq: 0 }, alice, 7, 2);
  const copy = group.copy(copyHeap);
  group.acknowledge({ ms: 1, seq: 0 });
  const [entry] = copy.pending;
  assertEquals([entry?.deliveryTimeMs, entry?.deliveryCount, entry?.consumer.name], [7, 2, "alice"]);
  assertEquals(copy.consumer("alice")?.activeTimeMs, 11);
  assertEquals([copy.lastId, copy.entriesRead], [{ ms: 5, seq: 0 }, 3]);
  assertEquals(copyHeap.bytes > heap.bytes, true);
});
