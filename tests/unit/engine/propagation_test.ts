import { assertEquals } from "@std/assert";
import { PropagationQueue, type PropagationSink, SinkKind } from "../../../src/engine/propagation.ts";
import { latin1 } from "../../../src/util/bytes.ts";
import { startInProcess } from "../../support/in_process.ts";

class Recorder implements PropagationSink {
  readonly fed: [databaseId: number, text: string][] = [];

  feed(databaseId: number, buf: Uint8Array, start: number, end: number): void {
    this.fed.push([databaseId, latin1(buf, start, end)]);
  }

  endOfBatch(): boolean {
    return true;
  }
}

Deno.test("PropagationQueue hands each sink all commands, inside MULTI and EXEC if there are several", () => {
  const queue = new PropagationQueue(), sinks = [new Recorder(), new Recorder()];
  queue.add(0, ["LOST"]);
  assertEquals([queue.active, queue.count], [false, 0]);
  queue.sinks.push(...sinks);
  queue.add(3, ["SET", "k", "v"]);
  queue.flush(true);
  queue.add(3, ["DEL", "a"]);
  const raw = new Uint8Array([0x2a, 0x31, 0x0d, 0x0a]);
  queue.addRaw(4, raw, 0, 4);
  queue.flush(true);
  queue.add(5, ["DEL", "b"]);
  queue.add(5, ["DEL", "c"]);
  queue.flush(false);
  queue.flush(true);
  const del = (key: string) => `*2\r\n$3\r\nDEL\r\n$1\r\n${key}\r\n`;
  for (const { fed } of sinks) {
    assertEquals(fed, [
      [3, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"],
      [3, "*1\r\n$5\r\nMULTI\r\n"],
      [3, del("a")],
      [4, "*1\r\n\r\n".slice(0, 4)],
      [4, "*1\r\n$4\r\nEXEC\r\n"],
      [5, del("b")],
      [5, del("c")],
    ]);
  }
});

Deno.test("PropagationQueue looks at a unit's first command where it lies, until it is told to keep it", () => {
  const queue = new PropagationQueue(), sink = new Recorder(), request = new Uint8Array([0x61, 0x62]);
  queue.sinks.push(sink);
  queue.addRaw(0, request, 0, 1);
  assertEquals(queue.count, 1);
  queue.flush(true);
  queue.addRaw(1, request, 0, 2);
  queue.keep();
  request.fill(0x7a);
  queue.addRaw(2, request, 1, 2);
  queue.flush(false);
  queue.addRaw(3, request, 0, 2, SinkKind.Replicas);
  queue.flush(true);
  assertEquals(sink.fed, [[0, "a"], [1, "ab"], [2, "z"], [3, "zz"]]);
  assertEquals(queue.count, 0);
});

/** What some lines, sent by one client, propagate. */
function propagated(...lines: string[]): string[] {
  using s = startInProcess();
  const client = s.client();
  for (const line of lines) client.send(...line.split(" "));
  return s.propagated();
}

Deno.test("a command is propagated as it came, in the database it came for", () => {
  assertEquals(propagated("set k v", "SELECT 3", "Append k w", "GET k"), [
    "set k v",
    "SELECT 3",
    "Append k w",
  ]);
});

Deno.test("a command that changed nothing is not propagated", () => {
  assertEquals(propagated("DEL k", "SETNX k v", "SETNX k w", "EXPIRE nokey 5", "INCR k", "PERSIST k"), [
    "SETNX k v",
  ]);
});

Deno.test("EXEC propagates what changed inside MULTI and EXEC, a single change bare, none not at all", () => {
  assertEquals(propagated("MULTI", "SET a 1", "GET a", "INCR a", "EXEC"), [
    "MULTI",
    "SET a 1",
    "INCR a",
    "EXEC",
  ]);
  assertEquals(propagated("MULTI", "GET a", "INCR a", "EXEC"), ["INCR a"]);
  assertEquals(propagated("MULTI", "GET a", "EXEC"), []);
  assertEquals(propagated("MULTI", "SET a 1", "DISCARD"), []);
  assertEquals(propagated("MULTI", "SET a 1", "SELECT 2", "SET b 2", "EXEC"), [
    "MULTI",
    "SET a 1",
    "SELECT 2",
    "SET b 2",
    "EXEC",
  ]);
});

Deno.test("EXEC propagates an expired key's deletion inside its transaction", () => {
  using s = startInProcess();
  const client = s.client();
  client.send("SET", "k", "v", "PX", "10");
  s.propagated();
  s.advance(20);
  for (const line of ["MULTI", "GET k", "INCR n", "EXEC"]) client.send(...line.split(" "));
  assertEquals(s.propagated(), ["MULTI", "DEL k", "INCR n", "EXEC"]);
});

Deno.test("an inline command is propagated as RESP", () => {
  using s = startInProcess();
  assertEquals(s.client().raw(new TextEncoder().encode('SET k "a b"\r\n')), "+OK\r\n");
  assertEquals(s.propagated(), ["SET k a b"]);
});

Deno.test("what a command expires is propagated before the command", () => {
  using s = startInProcess();
  const client = s.client();
  client.send("SET", "k", "5", "PX", "10");
  s.propagated();
  s.advance(20);
  client.send("INCR", "k");
  assertEquals(s.propagated(), ["MULTI", "DEL k", "INCR k", "EXEC"]);
});

Deno.test("blocked clients are served as units of their own behind the one that served them", () => {
  using s = startInProcess();
  const [waiter, other] = [s.client(), s.client()];
  waiter.send("BLPOP", "q", "0");
  for (const line of ["MULTI", "RPUSH q a", "SET k v", "EXEC"]) other.send(...line.split(" "));
  assertEquals(s.propagated(), ["MULTI", "RPUSH q a", "SET k v", "EXEC", "LPOP q"]);
});
