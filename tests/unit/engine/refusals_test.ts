import { assertEquals } from "@std/assert";
import { ClientFlag } from "../../../src/engine/client.ts";
import { EngineGuard } from "../../../src/engine/refusals.ts";
import { ReplyError } from "../../../src/protocol/errors.ts";
import { type InProcessServer, startInProcess } from "../../support/in_process.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";

/** The code of the error each line is answered with, or "" where it is none. */
function codes(s: InProcessServer, lines: string[], client = s.client()): string[] {
  return lines.map((line) => {
    const reply = client.send(...line.split(" "));
    return reply instanceof ReplyFailure ? reply.message.split(" ")[0]! : "";
  });
}

const lines = ["GET k", "SET k v", "PING", "INFO", "CONFIG GET port", "AUTH pw", "MULTI"];

Deno.test("before authentication only AUTH, HELLO, QUIT and RESET are answered", () => {
  using s = startInProcess({ config: { requirepass: "pw" } });
  const client = s.client();
  assertEquals(codes(s, lines, client), ["NOAUTH", "NOAUTH", "NOAUTH", "NOAUTH", "NOAUTH", "", ""]);
  assertEquals(codes(s, ["SET k v", "EXEC"], client), ["", ""]);
  const other = s.client();
  assertEquals(codes(s, ["HELLO 3 AUTH default pw", "GET k", "RESET", "GET k", "NOSUCH", "QUIT"], other), [
    "",
    "",
    "",
    "NOAUTH",
    "ERR",
    "",
  ]);
});

Deno.test("while loading, only commands that need no data are answered", () => {
  using s = startInProcess();
  s.engine.setGuard(EngineGuard.Loading, true);
  assertEquals(codes(s, ["GET k", "SET k v", "PING", "INFO", "CONFIG GET port", "MULTI"]), [
    "LOADING",
    "LOADING",
    "LOADING",
    "",
    "",
    "",
  ]);
});

Deno.test("where the disk fails, writes and PING are refused with its reason", () => {
  using s = startInProcess();
  const client = s.client();
  client.send("MULTI");
  client.send("SET", "k", "v");
  s.engine.setGuard(EngineGuard.Disk, true);
  s.engine.disk = { diskError: new ReplyError("MISCONF disk full") };
  assertEquals(codes(s, ["GET k", "SET k v", "PING", "PUBLISH c m"]), ["", "MISCONF", "MISCONF", ""]);
  assertEquals(codes(s, ["EXEC", "EXISTS k"], client), ["EXECABORT", ""]);
  s.engine.disk = { diskError: null };
  assertEquals(codes(s, ["SET k v"]), [""]);
});

Deno.test("a read-only replica takes writes from its primary alone", () => {
  using s = startInProcess();
  s.engine.setGuard(EngineGuard.ReadOnly, true);
  assertEquals(codes(s, ["GET k", "SET k v"]), ["", "READONLY"]);
  const primary = s.client();
  primary.client.set(ClientFlag.Primary);
  assertEquals(codes(s, ["SET k v"], primary), [""]);
});

Deno.test("without its primary a replica that must not be stale answers little", () => {
  using s = startInProcess();
  s.engine.setGuard(EngineGuard.Stale, true);
  assertEquals(codes(s, ["GET k", "SET k v", "INFO", "CONFIG GET port"]), [
    "MASTERDOWN",
    "MASTERDOWN",
    "",
    "",
  ]);
});

Deno.test("while a script runs too long, little but its end is allowed", () => {
  using s = startInProcess();
  s.engine.setGuard(EngineGuard.Busy, true);
  assertEquals(codes(s, ["GET k", "PING", "HELLO 3"]), ["BUSY", "BUSY", ""]);
});

Deno.test("with RESP2, a subscriber may send only what concerns subscriptions", () => {
  using s = startInProcess();
  const client = s.client();
  assertEquals(codes(s, ["SUBSCRIBE c", "GET k", "PING", "PSUBSCRIBE p*"], client), ["", "ERR", "", ""]);
  const reply = client.send("GET", "k");
  assertEquals(
    reply instanceof ReplyFailure && reply.message,
    "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
  );
  assertEquals(codes(s, ["RESET", "GET k"], client), ["", ""]);
  const newer = s.client();
  assertEquals(codes(s, ["HELLO 3", "SUBSCRIBE c", "GET k"], newer), ["", "", ""]);
});

Deno.test("a refused command inside MULTI dooms its EXEC", () => {
  using s = startInProcess();
  const client = s.client();
  client.send("MULTI");
  s.engine.setGuard(EngineGuard.ReadOnly, true);
  assertEquals(codes(s, ["SET k v", "GET k", "EXEC", "GET k"], client), ["READONLY", "", "EXECABORT", ""]);
});

Deno.test("refusals are counted as rejected calls and by their code", () => {
  using s = startInProcess();
  s.engine.setGuard(EngineGuard.ReadOnly, true);
  const { commands } = s.engine, stats = commands.stats.of(commands.get("incrby")!);
  codes(s, ["INCRBY k 1", "INCRBY k", "INCRBY k 1"]);
  assertEquals([stats.rejectedCalls, stats.calls], [3, 0]);
  assertEquals([s.engine.stats.errorCounts.get("READONLY"), s.engine.stats.errorCounts.get("ERR")], [2, 1]);
});
