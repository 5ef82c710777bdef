import { assertEquals } from "@std/assert";
import { startInProcess } from "../../support/in_process.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";

Deno.test("HRANDFIELD, SRANDMEMBER and ZRANDMEMBER refuse counts whose reply no memory holds", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "h", "f", "v");
  c.send("SADD", "s", "m");
  c.send("ZADD", "z", "1", "m");
  const tooLarge = new ReplyFailure("ERR the reply would be larger than 1 GiB");
  assertEquals(c.send("HRANDFIELD", "h", "-999999999"), tooLarge);
  assertEquals(c.send("SRANDMEMBER", "s", "-999999999"), tooLarge);
  assertEquals(c.send("ZRANDMEMBER", "z", "-999999999"), tooLarge);
});

Deno.test("a random pick that client-output-buffer-limit forbids closes the client, before it is made", () => {
  using s = startInProcess({ config: { "client-output-buffer-limit": "normal 100000 0 0" } });
  const c = s.client();
  c.send("SADD", "s", "m");
  assertEquals((c.send("SRANDMEMBER", "s", "-1000") as string[]).length, 1000);
  c.raw(new TextEncoder().encode("SRANDMEMBER s -999999999\r\n"));
  assertEquals(c.closed, true);
  assertEquals(s.engine.stats.outputBufferLimitDisconnections, 1);
});

Deno.test("random picks from a missing key are none, however many are asked for", () => {
  using s = startInProcess();
  const c = s.client(), least = "-9223372036854775807";
  for (const name of ["HRANDFIELD", "SRANDMEMBER", "ZRANDMEMBER"]) {
    assertEquals(c.send(name, "missing", least), []);
    assertEquals(c.send(name, "missing", "-4611686018427387905"), []);
  }
  const outOfRange = new ReplyFailure("ERR value is out of range");
  assertEquals(c.send("HRANDFIELD", "missing", least, "WITHVALUES"), outOfRange);
  assertEquals(c.send("ZRANDMEMBER", "missing", least, "WITHSCORES"), outOfRange);
  assertEquals(c.send("HRANDFIELD", "missing", "-4611686018427387903", "WITHVALUES"), []);
  assertEquals(c.send("ZRANDMEMBER", "missing", "-4611686018427387903", "WITHSCORES"), []);
});

Deno.test("random picks look at the key's type before the size of the reply", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "text", "x");
  const wrongType = new ReplyFailure("WRONGTYPE Operation against a key holding the wrong kind of value");
  for (const name of ["HRANDFIELD", "SRANDMEMBER", "ZRANDMEMBER"]) {
    assertEquals(c.send(name, "text", "-9223372036854775807"), wrongType);
  }
});
