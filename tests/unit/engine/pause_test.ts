import { assertEquals } from "@std/assert";
import { encodeCommand, PENDING, startInProcess } from "../../support/in_process.ts";

Deno.test("CLIENT PAUSE lets every command wait until its time is over, then runs them in order", () => {
  using s = startInProcess();
  const [pauser, a, b] = [s.client(), s.client(), s.client()];
  assertEquals(pauser.send("CLIENT", "PAUSE", "100"), "OK");
  assertEquals([a.send("RPUSH", "q", "1"), b.send("RPUSH", "q", "2")], [PENDING, PENDING]);
  s.advance(99);
  assertEquals([a.received(), b.received()], [[], []]);
  s.advance(1);
  assertEquals([a.received(), b.received()], [[1], [2]]);
  assertEquals(pauser.send("LRANGE", "q", "0", "-1"), ["1", "2"]);
});

Deno.test("CLIENT PAUSE WRITE lets readers go on", () => {
  using s = startInProcess();
  const [pauser, reader, writer, multi] = [s.client(), s.client(), s.client(), s.client()];
  pauser.send("SET", "k", "v");
  const queuer = s.client();
  assertEquals([queuer.send("MULTI"), queuer.send("INCR", "n")], ["OK", "QUEUED"]);
  pauser.send("CLIENT", "PAUSE", "100", "WRITE");
  assertEquals(reader.send("GET", "k"), "v");
  assertEquals(writer.send("SET", "k", "w"), PENDING);
  assertEquals(writer.send("PING"), PENDING, "what follows waits as well");
  assertEquals([multi.send("MULTI"), multi.send("GET", "k"), multi.send("EXEC")], ["OK", "QUEUED", ["v"]]);
  assertEquals(queuer.send("EXEC"), PENDING);
  assertEquals(reader.send("PUBLISH", "c", "m"), PENDING);
  assertEquals(pauser.send("CLIENT", "UNPAUSE"), "OK");
  assertEquals([writer.received()[0], queuer.received(), reader.received()], ["OK", [[1]], [0]]);
});

Deno.test("CLIENT UNPAUSE lets each postponed command run as a unit of its own", () => {
  using s = startInProcess();
  const [pauser, a, b] = [s.client(), s.client(), s.client()];
  pauser.send("CLIENT", "PAUSE", "100000", "WRITE");
  a.send("INCR", "n");
  b.send("INCR", "n");
  pauser.send("CLIENT", "UNPAUSE");
  assertEquals([a.received(), b.received()], [[1], [2]]);
  assertEquals(s.propagated(), ["INCR n", "INCR n"]);
});

Deno.test("CLIENT UNPAUSE waits itself where everything waits", () => {
  using s = startInProcess();
  const [pauser, other] = [s.client(), s.client()];
  pauser.send("CLIENT", "PAUSE", "100", "ALL");
  assertEquals(other.send("CLIENT", "UNPAUSE"), PENDING);
  s.advance(100);
  assertEquals(other.received(), ["OK"]);
});

Deno.test("a second CLIENT PAUSE prolongs and widens the first, never the other way", () => {
  using s = startInProcess();
  const pauser = s.client();
  pauser.send("CLIENT", "PAUSE", "1000", "WRITE");
  pauser.send("CLIENT", "PAUSE", "10", "WRITE");
  s.advance(500);
  assertEquals(s.client().send("SET", "k", "v"), PENDING);
  assertEquals(s.engine.pause.endsAtMs - s.engine.nowMs, 500);
  pauser.send("CLIENT", "PAUSE", "100", "ALL");
  assertEquals(s.client().send("GET", "k"), PENDING);
  s.advance(499);
  assertEquals(s.engine.pause.active, true);
  s.advance(1);
  assertEquals(s.engine.pause.active, false);
});

Deno.test("a client that disappears while its command is postponed runs nothing", () => {
  using s = startInProcess();
  const [pauser, other] = [s.client(), s.client()];
  pauser.send("CLIENT", "PAUSE", "100", "WRITE");
  other.send("SET", "k", "v");
  other.close(false);
  assertEquals(s.engine.waiting.all.size, 0);
  s.advance(100);
  assertEquals(pauser.send("EXISTS", "k"), 0);
});

Deno.test("a postponed command cannot be unblocked, and its reply is skipped where that was asked for", () => {
  using s = startInProcess();
  const [pauser, other] = [s.client(), s.client()];
  other.raw(encodeCommand("CLIENT", "REPLY", "SKIP"));
  pauser.send("CLIENT", "PAUSE", "100", "WRITE");
  other.send("SET", "k", "v");
  assertEquals(pauser.send("CLIENT", "UNBLOCK", String(other.client.id)), 0);
  s.advance(100);
  assertEquals(other.received(), []);
  assertEquals(other.send("GET", "k"), "v");
});

Deno.test("nothing expires while clients are paused, though what is due is hidden", () => {
  using s = startInProcess();
  const client = s.client();
  client.send("SET", "k", "v", "PX", "10");
  s.propagated();
  client.send("CLIENT", "PAUSE", "100", "WRITE");
  s.advance(50);
  s.expireCycle();
  assertEquals([client.send("GET", "k"), client.send("DBSIZE"), s.propagated()], [null, 1, []]);
  s.advance(50);
  assertEquals([client.send("GET", "k"), client.send("DBSIZE"), s.propagated()], [null, 0, ["DEL k"]]);
});

Deno.test("a blocked client's time may end during a pause", () => {
  using s = startInProcess();
  const [pauser, waiter] = [s.client(), s.client()];
  waiter.send("BLPOP", "q", "0.05");
  pauser.send("CLIENT", "PAUSE", "1000", "WRITE");
  s.advance(50);
  assertEquals(waiter.received(), [null]);
});

Deno.test("a wait and a pause last as long as they were asked to, though the clock is set back or forward", () => {
  for (const hours of [-1, 1]) {
    using s = startInProcess();
    const [pauser, waiter, writer] = [s.client(), s.client(), s.client()];
    assertEquals(waiter.send("BLPOP", "q", "1"), PENDING);
    pauser.send("CLIENT", "PAUSE", "1000", "WRITE");
    assertEquals(writer.send("SET", "k", "v"), PENDING);
    s.clock.set(hours * 3_600_000);
    s.advance(999);
    assertEquals([waiter.received(), writer.received()], [[], []]);
    s.advance(1);
    assertEquals([waiter.received(), writer.received()], [[null], ["OK"]]);
  }
});
