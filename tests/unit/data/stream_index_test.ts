import { assertEquals } from "@std/assert";
import { type Identified, IdIndex } from "../../../src/data/stream_index.ts";
import { compareIds, type StreamId } from "../../../src/data/stream_id.ts";
import { Random } from "../../../src/util/random.ts";

/** The neighbours of `id` as the index has them and as a sorted array does. */
function neighbours(index: IdIndex<Identified>, id: StreamId): (StreamId | undefined)[] {
  return [index.get(id), index.floor(id), index.before(id), index.ceiling(id), index.after(id)].map((item) =>
    item?.id
  );
}

function modelNeighbours(ids: StreamId[], id: StreamId): (StreamId | undefined)[] {
  const order = (other: StreamId) => compareIds(other, id);
  return [
    ids.find((other) => order(other) === 0),
    ids.findLast((other) => order(other) <= 0),
    ids.findLast((other) => order(other) < 0),
    ids.find((other) => order(other) >= 0),
    ids.find((other) => order(other) > 0),
  ];
}

Deno.test("IdIndex agrees with a sorted array through growth in order, insertion anywhere and removal", () => {
  for (const seed of [1, 2, 3]) {
    const random = new Random(seed), index = new IdIndex<Identified>();
    let ids: StreamId[] = [];
    for (let step = 0; step < 3000; step++) {
      const id = { ms: random.below(900), seq: random.below(2) };
      const known = index.get(id) !== undefined;
      const growing = step % 1000 < 600;
      if (!known && growing) {
        index.insert({ id });
        ids = [...ids, id].sort(compareIds);
      } else if (!growing) {
        const victim = random.below(2) === 0 && ids.length > 0 ? ids[0]! : id;
        const expected = ids.some((other) => compareIds(other, victim) === 0);
        assertEquals(index.delete(victim) !== undefined, expected, `seed ${seed} step ${step}`);
        ids = ids.filter((other) => compareIds(other, victim) !== 0);
      }
      if (step % 50 !== 0) continue;
      assertEquals([...index].map((item) => item.id), ids, `seed ${seed} step ${step}`);
      assertEquals([index.size, index.first?.id, index.last?.id], [ids.length, ids[0], ids.at(-1)]);
      for (let i = 0; i < 10; i++) {
        const probe = { ms: random.below(950), seq: random.below(3) };
        assertEquals(neighbours(index, probe), modelNeighbours(ids, probe), `seed ${seed} step ${step}`);
      }
    }
  }
});

Deno.test("IdIndex empties from the front and fills again", () => {
  const index = new IdIndex<Identified>();
  for (let round = 0; round < 2; round++) {
    for (let ms = 0; ms < 1000; ms++) index.insert({ id: { ms, seq: round } });
    for (let ms = 0; ms < 1000; ms++) assertEquals(index.delete(index.first!.id)?.id, { ms, seq: round });
    assertEquals([index.size, index.first, index.delete({ ms: 1, seq: 0 })], [0, undefined, undefined]);
  }
});
