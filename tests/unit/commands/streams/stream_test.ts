import { assertEquals } from "@std/assert";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const LAST = "18446744073709551615";

Deno.test("XADD gives ids by the clock and never goes back", () => {
  using s = startInProcess();
  const c = s.client(), now = s.clock.nowMs();
  assertEquals(c.send("XADD", "s", "*", "a", "1"), `${now}-0`);
  assertEquals(c.send("XADD", "s", "*", "a", "2"), `${now}-1`);
  assertEquals(c.send("XADD", "s", `${now + 5}-*`, "a", "3"), `${now + 5}-0`);
  assertEquals(c.send("XADD", "s", "*", "a", "4"), `${now + 5}-1`);
  assertEquals(c.send("XADD", "s", `${now + 5}-*`, "a", "5"), `${now + 5}-2`);
  s.advance(10);
  assertEquals(c.send("XADD", "s", "*", "a", "6"), `${now + 10}-0`);
  assertEquals(c.send("XADD", "new", "0-*", "a", "1"), "0-1");
});

Deno.test("XADD propagates the id it chose and exact trims", () => {
  using s = startInProcess({ config: { "stream-node-max-entries": "2" } });
  const c = s.client(), now = s.clock.nowMs();
  c.send("XADD", "s", "*", "a", "1");
  c.send("XADD", "s", "9999999999999-*", "a", "2");
  c.send("XADD", "s", "9999999999999-7", "a", "3");
  c.send("XADD", "s", "MAXLEN", "~", "1", "LIMIT", "10", "*", "a", "4");
  c.send("XADD", "s", "MINID", "~", "9999999999999-8", "*", "a", "5");
  c.send("XADD", "s", "MAXLEN", "1", "9999999999999-99", "a", "6");
  assertEquals(s.propagated(), [
    `XADD s ${now}-0 a 1`,
    "XADD s 9999999999999-0 a 2",
    "XADD s 9999999999999-7 a 3",
    "XADD s MAXLEN = 2 LIMIT 10 9999999999999-8 a 4",
    "XADD s MINID = 9999999999999-7 9999999999999-9 a 5",
    "XADD s MAXLEN 1 9999999999999-99 a 6",
  ]);
});

Deno.test("XADD refuses ids that are not larger, and leaves no key behind", () => {
  using s = startInProcess();
  const c = s.client();
  const small = new ReplyFailure(
    "ERR The ID specified in XADD is equal or smaller than the target stream top item",
  );
  assertEquals(
    c.send("XADD", "s", "0-0", "a", "b"),
    new ReplyFailure("ERR The ID specified in XADD must be greater than 0-0"),
  );
  assertEquals(c.send("XADD", "s", "NOMKSTREAM", "*", "a", "b"), null);
  assertEquals(c.send("XLEN", "s"), 0);
  assertEquals(s.engine.databases[0]!.size, 0);
  c.send("XADD", "s", `5-${LAST}`, "a", "b");
  for (const id of ["5-*", "4-*", "5-3", "4"]) assertEquals(c.send("XADD", "s", id, "a", "b"), small);
  assertEquals(c.send("XADD", "s", `${LAST}-${LAST}`, "a", "b"), `${LAST}-${LAST}`);
  assertEquals(
    c.send("XADD", "s", "*", "a", "b"),
    new ReplyFailure("ERR The stream has exhausted the last possible ID, unable to add more items"),
  );
  assertEquals(
    c.send("XADD", "s", "*", "a"),
    new ReplyFailure("ERR wrong number of arguments for 'xadd' command"),
  );
});

Deno.test("XRANGE and XREVRANGE take closed and open ends of 64 bits", () => {
  using s = startInProcess();
  const c = s.client();
  const ids = ["0-1", `0-${LAST}`, "1-0", "42-0", "42-42", `${LAST}-18446744073709551614`, `${LAST}-${LAST}`];
  for (const id of ids) c.send("XADD", "s", id, "f", "v");
  const found = (...words: string[]) => (c.send(...words) as [string, string[]][]).map(([id]) => id);
  assertEquals(found("XRANGE", "s", "-", "+"), ids);
  assertEquals(found("XREVRANGE", "s", "+", "-"), ids.toReversed());
  assertEquals(found("XRANGE", "s", "(0-1", "(1-0"), [`0-${LAST}`]);
  assertEquals(found("XRANGE", "s", "42", "42"), ["42-0", "42-42"]);
  assertEquals(found("XREVRANGE", "s", "+", "(42-42", "COUNT", "1"), [`${LAST}-${LAST}`]);
  assertEquals(c.send("XRANGE", "s", "-", "+", "COUNT", "0"), null);
  assertEquals(
    c.send("XRANGE", "s", `(${LAST}-${LAST}`, "+"),
    new ReplyFailure("ERR invalid start ID for the interval"),
  );
  assertEquals(c.send("XRANGE", "s", "-", "(0-0"), new ReplyFailure("ERR invalid end ID for the interval"));
});

Deno.test("XTRIM replies how many went, sends its event and counts them as changes", () => {
  using s = startInProcess({ config: { "stream-node-max-entries": "10", "notify-keyspace-events": "KEA" } });
  const c = s.client(), listener = s.client();
  for (let i = 1; i <= 100; i++) c.send("XADD", "s", String(i), "f", "v");
  s.propagated();
  listener.send("SUBSCRIBE", "__keyspace@0__:s");
  const dirty = s.engine.dirty;
  assertEquals(c.send("XTRIM", "s", "MAXLEN", "~", "55", "LIMIT", "30"), 30);
  assertEquals(c.send("XTRIM", "s", "MINID", "95-1"), 65);
  assertEquals(c.send("XTRIM", "s", "MAXLEN", "1000"), 0);
  assertEquals(s.engine.dirty - dirty, 95);
  const trimmed = ["message", "__keyspace@0__:s", "xtrim"];
  assertEquals(listener.received(), [trimmed, trimmed]);
  assertEquals(s.propagated(), ["XTRIM s MAXLEN = 70 LIMIT 30", "XTRIM s MINID 95-1"]);
  assertEquals(
    c.send("XTRIM", "s", "MAXLEN", "1", "LIMIT", "3"),
    new ReplyFailure("ERR syntax error, LIMIT cannot be used without the special ~ option"),
  );
});

Deno.test("XDEL deletes all or, with a bad id among them, nothing", () => {
  using s = startInProcess();
  const c = s.client();
  for (const id of ["1", "2", "3"]) c.send("XADD", "s", id, "f", "v");
  assertEquals(
    c.send("XDEL", "s", "1", "x"),
    new ReplyFailure("ERR Invalid stream ID specified as stream command argument"),
  );
  assertEquals(c.send("XLEN", "s"), 3);
  assertEquals(c.send("XDEL", "s", "1", "1", "3", "9"), 2);
  assertEquals(c.send("XRANGE", "s", "-", "+"), [["2-0", ["f", "v"]]]);
});

Deno.test("XSETID moves the last id forward only, and does not touch watchers", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("XADD", "s", "5-1", "f", "v");
  assertEquals(
    c.send("XSETID", "s", "5-0"),
    new ReplyFailure("ERR The ID specified in XSETID is smaller than the target stream top item"),
  );
  assertEquals(c.send("XSETID", "s", "9", "ENTRIESADDED", "7", "MAXDELETEDID", "3"), "OK");
  assertEquals(c.send("XADD", "s", "9-*", "f", "v"), "9-1");
  assertEquals((c.send("XINFO", "STREAM", "s") as string[]).slice(8, 12), [
    "max-deleted-entry-id",
    "3-0",
    "entries-added",
    8 as unknown as string,
  ]);
  assertEquals(c.send("XSETID", "none", "9"), new ReplyFailure("ERR no such key"));
});

Deno.test("stream commands refuse keys of other types", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  const wrong = new ReplyFailure("WRONGTYPE Operation against a key holding the wrong kind of value");
  const calls = [
    "XADD k * a b",
    "XLEN k",
    "XRANGE k - +",
    "XDEL k 1",
    "XTRIM k MAXLEN 1",
    "XSETID k 1",
    "XREAD STREAMS k 0",
    "XREADGROUP GROUP g c STREAMS k >",
    "XGROUP CREATE k g 0 MKSTREAM",
    "XACK k g 1",
    "XPENDING k g",
    "XCLAIM k g c 0 1",
    "XAUTOCLAIM k g c 0 0",
    "XINFO STREAM k",
  ];
  for (const call of calls) assertEquals(c.send(...call.split(" ")), wrong, call);
});
