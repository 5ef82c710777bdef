import { assert, assertEquals, assertMatch } from "@std/assert";
import { noServer } from "../../../../src/engine/ports.ts";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

Deno.test("TIME tells seconds and microseconds of the server's clock", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("TIME"), ["1700000000", "0"]);
  s.advance(1500.25);
  assertEquals(c.send("TIME"), ["1700000001", "500250"]);
});

Deno.test("ROLE is that of a primary without replicas", () => {
  using s = startInProcess();
  assertEquals(s.client().send("ROLE"), ["master", 0, []]);
});

Deno.test("SHUTDOWN passes on what it is told, and says so when the data cannot be made safe", () => {
  using s = startInProcess();
  const c = s.client(), asked: unknown[] = [];
  const shutDown = (options: unknown) => {
    asked.push(options);
    return false;
  };
  s.engine.server = { ...noServer, shutDown };
  const failed = new ReplyFailure("ERR Errors trying to SHUTDOWN. Check logs.");
  assertEquals(c.send("SHUTDOWN"), failed);
  assertEquals(c.send("SHUTDOWN", "NOSAVE", "FORCE"), failed);
  assertEquals(c.send("SHUTDOWN", "SAVE", "NOW"), failed);
  assertEquals(asked, [
    { force: false, now: false },
    { force: true, now: false, save: false },
    { force: false, now: true, save: true },
  ]);
  assertEquals(c.send("SHUTDOWN", "ABORT"), new ReplyFailure("ERR No shutdown in progress."));
  s.engine.server = { ...noServer, abortShutdown: () => true };
  assertEquals(c.send("SHUTDOWN", "ABORT"), "OK");
  for (const words of [["SAVE", "NOSAVE"], ["ABORT", "NOW"], ["NOSUCH"]]) {
    assertEquals(c.send("SHUTDOWN", ...words), new ReplyFailure("ERR syntax error"));
  }
});

Deno.test("LOLWUT draws another picture each time, as wide as asked, and names both versions", () => {
  using s = startInProcess();
  const c = s.client();
  const first = c.send("LOLWUT") as string, second = c.send("LOLWUT") as string;
  assert(first !== second);
  assertMatch(first, /Redis ver\. 7\.\d+\.\d+, Redeno ver\. /);
  assertEquals((c.send("LOLWUT", "VERSION", "5", "20") as string).split("\n")[0]!.length, 20);
  assertEquals(
    c.send("LOLWUT", "VERSION", "x"),
    new ReplyFailure("ERR value is not an integer or out of range"),
  );
});

Deno.test("SLOWLOG keeps what took too long, newest first, until it is reset", () => {
  using s = startInProcess({ config: { "slowlog-log-slower-than": "0", "slowlog-max-len": "3" } });
  const c = s.client();
  c.send("CLIENT", "SETNAME", "me");
  for (let i = 0; i < 5; i++) c.send("SET", "k", String(i));
  assertEquals(c.send("SLOWLOG", "LEN"), 3);
  const entries = c.send("SLOWLOG", "GET", "2") as unknown[][];
  assertEquals(entries.length, 2);
  const [id, time, took, words, address, name] = entries[1]!;
  assertEquals([time, words, address, name], [1_700_000_000, ["SET", "k", "4"], c.address, "me"]);
  assert(typeof id === "number" && typeof took === "number");
  assertEquals((c.send("SLOWLOG", "GET", "-1") as unknown[]).length, 3);
  const refused = new ReplyFailure("ERR count should be greater than or equal to -1");
  assertEquals(c.send("SLOWLOG", "GET", "-2"), refused);
  assertEquals(c.send("SLOWLOG", "GET", "x"), refused);
  c.send("CONFIG", "SET", "slowlog-log-slower-than", "-1");
  assertEquals(c.send("SLOWLOG", "RESET"), "OK");
  assertEquals(c.send("SLOWLOG", "LEN"), 0);
});
