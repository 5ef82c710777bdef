import { assertEquals } from "@std/assert";
import { PENDING, startInProcess } from "../../support/in_process.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";

Deno.test("blocking commands read their time-outs as long doubles, rounded up to milliseconds", () => {
  using s = startInProcess();
  for (const [seconds, ms] of [["1e-400", 1], ["0.0011", 2], ["1e-4000", 1], ["0x1p-3", 125]] as const) {
    for (const call of [`BLPOP l ${seconds}`, `BLMOVE l m LEFT LEFT ${seconds}`, `BZPOPMIN l ${seconds}`]) {
      const c = s.client();
      assertEquals(c.send(...call.split(" ")), PENDING, call);
      s.advance(ms - 1);
      assertEquals(c.received(), [], call);
      s.advance(1);
      assertEquals(c.received(), [null], call);
    }
  }
});

/** What redis-server 7.0.15 answers, but that it takes what is too large for negative; 7.4 does not. */
const refused: readonly [string, string][] = [
  ["1e400", "timeout is out of range"],
  ["inf", "timeout is out of range"],
  ["9223372036854776", "timeout is out of range"],
  ["-1e400", "timeout is negative"],
  ["-inf", "timeout is negative"],
  ["-0.0011", "timeout is negative"],
  ["1e-5000", "timeout is not a float or out of range"],
  ["nan", "timeout is not a float or out of range"],
];

Deno.test("blocking commands refuse time-outs as redis-server does", () => {
  using s = startInProcess();
  const c = s.client();
  const inTransaction = (seconds: string) => {
    c.send("MULTI");
    c.send("BLPOP", "l", seconds);
    return (c.send("EXEC") as unknown[])[0];
  };
  for (const [seconds, error] of refused) {
    assertEquals(inTransaction(seconds), new ReplyFailure(`ERR ${error}`), seconds);
  }
  for (const seconds of ["-0.0001", "-1e-400", "9e15", "0"]) {
    assertEquals(inTransaction(seconds), null, seconds);
  }
});

Deno.test("the longest time-out is the last millisecond that 64 bits hold, and 0 has none", () => {
  using s = startInProcess();
  const patient = s.client(), endless = s.client();
  assertEquals(patient.send("BLPOP", "l", "9223372036854775.807"), PENDING);
  assertEquals(endless.send("BLPOP", "l", "0"), PENDING);
  const tooLong = s.client().send("BLPOP", "l", "9223372036854775.808");
  assertEquals(tooLong, new ReplyFailure("ERR timeout is out of range"));
  s.advance(1e12);
  assertEquals([patient.received(), endless.received()], [[], []]);
});
