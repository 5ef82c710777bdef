import { assertEquals } from "@std/assert";
import { type HeapFigures, HeapWatch } from "../../../src/engine/heap_watch.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";
import { startInProcess } from "../../support/in_process.ts";

/** A heap of which a test says how full it is, in percent; a collection leaves `afterCollection`. */
function fakeHeap() {
  const heap = { percent: 0, afterCollection: 100, collections: 0 };
  const measure = (): HeapFigures => ({ used: heap.percent * 10, limit: 1000 });
  const watch = new HeapWatch(measure, () => {
    heap.collections++;
    heap.percent = Math.min(heap.percent, heap.afterCollection);
  });
  return { heap, watch };
}

Deno.test("HeapWatch finds a heap full only when a collection has not helped, and eased well below that", () => {
  const { heap, watch } = fakeHeap();
  heap.percent = 84;
  assertEquals([watch.check(0), watch.isFull, heap.collections], [false, false, 0]);
  heap.percent = 90;
  heap.afterCollection = 50;
  assertEquals([watch.check(0), watch.isFull, heap.collections], [false, false, 1]);
  heap.percent = 90;
  assertEquals([watch.check(100), watch.isFull, heap.collections], [true, true, 1]);
  heap.percent = 80;
  assertEquals([watch.check(200), watch.isFull, heap.collections], [false, true, 1]);
  heap.percent = 74;
  assertEquals([watch.check(300), watch.isFull], [true, false]);
});

Deno.test("commands that need memory are refused while the heap is nearly full, others are not", () => {
  using s = startInProcess();
  const c = s.client(), { heap, watch } = fakeHeap(), { engine } = s;
  engine.memory.heapWatch = watch;
  c.send("SET", "k", "v");
  heap.percent = 95;
  engine.memory.watchHeap();
  const refused = c.send("SADD", "s", "m") as ReplyFailure;
  assertEquals(refused.message, "OOM command not allowed when the server's heap is nearly full.");
  assertEquals([c.send("GET", "k"), c.send("DEL", "k"), c.send("DBSIZE")], ["v", 1, 0]);
  c.send("MULTI");
  assertEquals((c.send("LPUSH", "l", "a") as ReplyFailure).message.slice(0, 4), "OOM ");
  assertEquals((c.send("EXEC") as ReplyFailure).message.slice(0, 10), "EXECABORT ");
  heap.percent = 10;
  engine.memory.watchHeap();
  assertEquals(c.send("SADD", "s", "m"), 1);
});
