import { assert, assertEquals } from "@std/assert";
import { type InProcessClient, startInProcess } from "../../../support/in_process.ts";
import { PushMessage, ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const WRONGPASS = "WRONGPASS invalid username-password pair or user is disabled.";

/** The text of an error reply. */
function failure(c: InProcessClient, ...words: string[]): string {
  const reply = c.send(...words);
  assert(reply instanceof ReplyFailure, `${words.join(" ")}: not an error`);
  return reply.message;
}

/** HELLO's reply as pairs, in either protocol. */
function greeting(reply: unknown): Record<string, unknown> {
  if (reply instanceof Map) return Object.fromEntries(reply);
  assert(Array.isArray(reply));
  return Object.fromEntries(
    Array.from({ length: reply.length / 2 }, (_, i) => [reply[2 * i], reply[2 * i + 1]]),
  );
}

Deno.test("PING answers PONG or its message, ECHO its message, both with every byte", () => {
  using s = startInProcess();
  const c = s.client(), bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join("");
  assertEquals([c.send("PING"), c.send("PING", bytes), c.send("ECHO", bytes)], ["PONG", bytes, bytes]);
  assertEquals([c.send("PING", ""), c.send("ECHO", "")], ["", ""]);
  assertEquals(failure(c, "PING", "a", "b"), "ERR wrong number of arguments for 'ping' command");
  assertEquals(failure(c, "ECHO"), "ERR wrong number of arguments for 'echo' command");
});

Deno.test("PING answers a subscriber in RESP2 as a message, in RESP3 as ever", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SUBSCRIBE", "news");
  assertEquals([c.send("PING"), c.send("PING", "x")], [["pong", ""], ["pong", "x"]]);
  c.send("UNSUBSCRIBE");
  c.send("HELLO", "3");
  assert(c.send("SUBSCRIBE", "news") instanceof PushMessage);
  assertEquals([c.send("PING"), c.send("PING", "x")], ["PONG", "x"]);
});

Deno.test("HELLO describes the server and changes the protocol, from the very reply on", () => {
  using s = startInProcess();
  const c = s.client(), id = c.client.id;
  const expected = { server: "redis", version: "7.4.0", id, mode: "standalone", role: "master", modules: [] };
  const plain = c.send("HELLO");
  assert(Array.isArray(plain));
  assertEquals(greeting(plain), { ...expected, proto: 2 });
  for (const proto of [3, 3, 2]) {
    const reply = c.send("HELLO", String(proto));
    assertEquals(reply instanceof Map, proto === 3);
    assertEquals(greeting(reply), { ...expected, proto });
  }
  c.send("HELLO", "3");
  assertEquals(greeting(c.send("HELLO")), { ...expected, proto: 3 });
});

Deno.test("HELLO takes AUTH and SETNAME, and changes nothing where one of them fails", () => {
  using s = startInProcess({ config: { requirepass: "secret" } });
  const c = s.client();
  assertEquals(
    failure(c, "HELLO", "3").slice(0, 63),
    "NOAUTH HELLO must be called with the client already authenticat",
  );
  assertEquals(failure(c, "HELLO", "3", "SETNAME", "ann", "AUTH", "default", "wrong"), WRONGPASS);
  const ok = c.send("HELLO", "3", "setname", "ann", "auth", "default", "secret");
  assertEquals([greeting(ok).proto, c.send("CLIENT", "GETNAME")], [3, "ann"]);
  assertEquals(failure(c, "HELLO", "4"), "NOPROTO unsupported protocol version");
  assertEquals(failure(c, "HELLO", "three"), "ERR Protocol version is not an integer or out of range");
  assertEquals(failure(c, "HELLO", "2", "bad"), "ERR Syntax error in HELLO option 'bad'");
  assertEquals(failure(c, "HELLO", "2", "AUTH", "ann"), "ERR Syntax error in HELLO option 'AUTH'");
  assertEquals(
    failure(c, "HELLO", "2", "SETNAME", "a b"),
    "ERR Client names cannot contain spaces, newlines or special characters.",
  );
  assertEquals([c.client.reply.resp, c.send("CLIENT", "GETNAME")], [3, "ann"]);
});

Deno.test("AUTH takes a password, or a user and a password", () => {
  using s = startInProcess();
  const c = s.client(), other = s.client();
  assertEquals(
    failure(c, "AUTH", "secret"),
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
  );
  assertEquals(c.send("AUTH", "default", "anything"), "OK");
  c.send("CONFIG", "SET", "requirepass", "secret");
  c.send("ACL", "SETUSER", "ann", "on", ">hers", "+@all", "~*");
  assertEquals([c.send("PING"), s.client().send("PING")], [
    "PONG",
    new ReplyFailure("NOAUTH Authentication required."),
  ]);
  for (const words of [["wrong"], ["default", "hers"], ["nobody", "secret"], ["ann", "secret"]]) {
    assertEquals(failure(other, "AUTH", ...words), WRONGPASS, words.join(" "));
  }
  assertEquals([other.send("AUTH", "secret"), other.send("ACL", "WHOAMI")], ["OK", "default"]);
  assertEquals([other.send("AUTH", "ann", "hers"), other.send("ACL", "WHOAMI")], ["OK", "ann"]);
  assertEquals(failure(other, "AUTH", "ann", "wrong"), WRONGPASS);
  assertEquals(other.send("ACL", "WHOAMI"), "ann");
  assertEquals(failure(other, "AUTH", "a", "b", "c"), "ERR syntax error");
});

Deno.test("RESET brings a connection back to its beginning", () => {
  using s = startInProcess();
  const c = s.client(), other = s.client();
  c.send("HELLO", "3", "SETNAME", "ann");
  c.send("SELECT", "3");
  c.send("CLIENT", "TRACKING", "ON");
  c.send("CLIENT", "NO-EVICT", "ON");
  c.send("CLIENT", "NO-TOUCH", "ON");
  c.send("SUBSCRIBE", "news");
  c.send("WATCH", "k");
  c.send("MULTI");
  c.send("SET", "k", "v");
  assertEquals(c.send("RESET"), "RESET");
  assertEquals([c.client.reply.resp, c.client.name, c.client.databaseId], [2, "", 0]);
  const line = String(c.send("CLIENT", "INFO"));
  for (const part of [" name= ", " flags=N ", " db=0 ", " sub=0 ", " multi=-1 ", " resp=2"]) {
    assert(line.includes(part), `${part} in ${line}`);
  }
  assertEquals([other.send("PUBLISH", "news", "x"), other.send("EXISTS", "k")], [0, 0]);
  assertEquals(failure(c, "EXEC"), "ERR EXEC without MULTI");
  other.send("SET", "k", "w");
  c.send("MULTI");
  c.send("GET", "k");
  assertEquals(c.send("EXEC"), ["w"]);
});

Deno.test("RESET logs the client out, where the default user needs a password", () => {
  using s = startInProcess({ config: { requirepass: "secret" } });
  const c = s.client();
  c.send("AUTH", "secret");
  assertEquals([c.send("PING"), c.send("RESET")], ["PONG", "RESET"]);
  assertEquals(failure(c, "PING"), "NOAUTH Authentication required.");
});

Deno.test("RESET ends MONITOR, QUIT answers and closes", () => {
  using s = startInProcess();
  const c = s.client(), other = s.client();
  c.send("MONITOR");
  assertEquals(c.send("RESET"), "RESET");
  other.send("PING");
  assertEquals(c.received(), []);
  assertEquals([c.send("QUIT"), c.closed], ["OK", true]);
  assertEquals([other.send("QUIT", "now"), other.closed], ["OK", true]);
});

Deno.test("HELLO looks at every name before it authenticates, also one that a later option replaces", () => {
  using s = startInProcess();
  const c = s.client();
  const bad = new ReplyFailure("ERR Client names cannot contain spaces, newlines or special characters.");
  c.send("ACL", "SETUSER", "someone", "on", ">secret");
  assertEquals(c.send("HELLO", "2", "SETNAME", "a b", "AUTH", "someone", "wrong"), bad);
  assertEquals(c.send("HELLO", "2", "AUTH", "someone", "secret", "SETNAME", "a b"), bad);
  assertEquals(c.send("HELLO", "2", "SETNAME", "a b", "SETNAME", "ab"), bad);
  assertEquals(c.send("ACL", "WHOAMI"), "default");
});
