import { assertEquals, assertMatch } from "@std/assert";
import { PENDING, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

Deno.test("CLIENT SETNAME, GETNAME and SETINFO tell who is connected", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("CLIENT", "GETNAME"), null);
  assertEquals([c.send("CLIENT", "SETNAME", "worker:1"), c.send("CLIENT", "GETNAME")], ["OK", "worker:1"]);
  assertEquals(
    c.send("CLIENT", "SETNAME", "two words"),
    new ReplyFailure("ERR Client names cannot contain spaces, newlines or special characters."),
  );
  assertEquals(c.send("CLIENT", "SETINFO", "LIB-NAME", "lib"), "OK");
  assertEquals(c.send("CLIENT", "SETINFO", "lib-ver", "1.2"), "OK");
  assertEquals(
    c.send("CLIENT", "SETINFO", "lib-x", "1"),
    new ReplyFailure("ERR Unrecognized option 'lib-x'"),
  );
  const id = String(c.send("CLIENT", "ID"));
  assertMatch(
    String(c.send("CLIENT", "INFO")),
    new RegExp(
      `^id=${id} addr=127\\.0\\.0\\.1:50000 .* name=worker:1 .* user=default .* lib-name=lib lib-ver=1\\.2`,
    ),
  );
});

Deno.test("CLIENT LIST shows connections, all or those of a kind or number", () => {
  using s = startInProcess();
  const c = s.client(), subscriber = s.client();
  subscriber.send("SUBSCRIBE", "news");
  const ids = (...words: string[]) =>
    [...String(c.send("CLIENT", "LIST", ...words)).matchAll(/^id=(\d+)/gm)].map(([, id]) => Number(id));
  const [first, second] = [c.client.id, subscriber.client.id];
  assertEquals(ids(), [first, second]);
  assertEquals([ids("TYPE", "pubsub"), ids("TYPE", "NORMAL"), ids("TYPE", "replica")], [
    [second],
    [first],
    [],
  ]);
  assertEquals([ids("TYPE", "master"), ids("TYPE", "slave")], [[], []]);
  assertEquals(ids("ID", String(second), "999999"), [second]);
  assertEquals(c.send("CLIENT", "LIST", "TYPE", "x"), new ReplyFailure("ERR Unknown client type 'x'"));
  assertEquals(c.send("CLIENT", "LIST", "x"), new ReplyFailure("ERR syntax error"));
});

Deno.test("CLIENT KILL closes those that all its conditions fit, itself after the reply", () => {
  using s = startInProcess();
  const c = s.client(), other = s.client();
  c.send("ACL", "SETUSER", "ann", "on", "nopass");
  const ann = s.client();
  ann.send("AUTH", "ann", "x");
  assertEquals(c.send("CLIENT", "KILL", "ID", String(other.client.id), "USER", "ann"), 0);
  assertEquals(c.send("CLIENT", "KILL", "USER", "ann"), 1);
  assertEquals([ann.closed, other.closed], [true, false]);
  assertEquals(c.send("CLIENT", "KILL", "USER", "nobody"), new ReplyFailure("ERR No such user 'nobody'"));
  assertEquals(c.send("CLIENT", "KILL", "1.2.3.4:5"), new ReplyFailure("ERR No such client"));
  assertEquals(c.send("CLIENT", "KILL", "TYPE", "normal"), 1);
  assertEquals([other.closed, c.closed], [true, false]);
  assertEquals(c.send("CLIENT", "KILL", "ID", String(c.client.id), "SKIPME", "no"), 1);
  assertEquals(c.closed, true);
});

Deno.test("CLIENT NO-TOUCH lets keys grow old that are read", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  s.advance(9000);
  assertEquals([c.send("CLIENT", "NO-TOUCH", "ON"), c.send("GET", "k")], ["OK", "v"]);
  assertEquals(c.send("OBJECT", "IDLETIME", "k"), 9);
  assertEquals([c.send("CLIENT", "NO-TOUCH", "OFF"), c.send("GET", "k")], ["OK", "v"]);
  assertEquals(c.send("OBJECT", "IDLETIME", "k"), 0);
  assertEquals(c.send("CLIENT", "NO-TOUCH", "MAYBE"), new ReplyFailure("ERR syntax error"));
});

Deno.test("CLIENT UNBLOCK ends a wait, with an error if wanted", () => {
  using s = startInProcess();
  const c = s.client(), waiting = s.client(), id = String(waiting.client.id);
  assertEquals(c.send("CLIENT", "UNBLOCK", id), 0);
  assertEquals(waiting.send("BLPOP", "q", "0"), PENDING);
  assertEquals([c.send("CLIENT", "UNBLOCK", id), waiting.received()], [1, [null]]);
  waiting.send("BLPOP", "q", "0");
  assertEquals([c.send("CLIENT", "UNBLOCK", id, "TIMEOUT"), waiting.received()], [1, [null]]);
  waiting.send("BLPOP", "q", "0");
  assertEquals(c.send("CLIENT", "UNBLOCK", id, "ERROR"), 1);
  assertEquals(waiting.received(), [new ReplyFailure("UNBLOCKED client unblocked via CLIENT UNBLOCK")]);
});

Deno.test("CLIENT NO-EVICT and NO-TOUCH are switched on and off, and CLIENT INFO shows it", () => {
  using s = startInProcess();
  const c = s.client();
  const flags = () => /flags=(\w*)/.exec(String(c.send("CLIENT", "INFO")))?.[1];
  assertEquals([c.send("CLIENT", "NO-EVICT", "ON"), flags()], ["OK", "e"]);
  assertEquals([c.send("CLIENT", "NO-TOUCH", "on"), flags()], ["OK", "eT"]);
  assertEquals([c.send("CLIENT", "NO-EVICT", "OFF"), flags()], ["OK", "T"]);
  assertEquals([c.send("CLIENT", "NO-TOUCH", "off"), flags()], ["OK", "N"]);
  for (const name of ["NO-EVICT", "NO-TOUCH"]) {
    assertEquals(c.send("CLIENT", name, "maybe"), new ReplyFailure("ERR syntax error"));
  }
});

Deno.test("CLIENT LIST tells of watched keys between the queue and the query buffer (7.4)", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("WATCH", "a", "b");
  assertMatch(c.send("CLIENT", "LIST") as string, / multi=-1 watch=2 qbuf=\d+ /);
});
