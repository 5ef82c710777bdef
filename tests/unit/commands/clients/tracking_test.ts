import { assertEquals } from "@std/assert";
import { startInProcess } from "../../../support/in_process.ts";
import { PushMessage, type Reply, ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const failure = (text: string) => new ReplyFailure(`ERR ${text}`);

Deno.test("CLIENT TRACKING takes its options in any order, case and number", () => {
  using s = startInProcess();
  const [c, other] = [s.client(), s.client()];
  const id = String(other.client.id);
  assertEquals(
    c.send("CLIENT", "TRACKING", "on", "prefix", "b", "NOLOOP", "Redirect", id, "BCAST", "PREFIX", "a"),
    "OK",
  );
  assertEquals(c.send("CLIENT", "GETREDIR"), other.client.id);
  assertEquals(c.send("CLIENT", "TRACKINGINFO"), [
    "flags",
    ["on", "bcast", "noloop"],
    "redirect",
    other.client.id,
    "prefixes",
    ["a", "b"],
  ]);
  assertEquals(c.send("CLIENT", "TRACKING", "OFF"), "OK");
  assertEquals(c.send("CLIENT", "GETREDIR"), -1);
  assertEquals(c.send("CLIENT", "TRACKINGINFO"), ["flags", ["off"], "redirect", -1, "prefixes", []]);
});

Deno.test("CLIENT TRACKING refuses what makes no sense", () => {
  using s = startInProcess();
  const c = s.client();
  const send = (...words: string[]) => c.send("CLIENT", "TRACKING", ...words);
  assertEquals(send("maybe"), failure("syntax error"));
  assertEquals(send("on", "nosuch"), failure("syntax error"));
  assertEquals(send("on", "PREFIX"), failure("syntax error"));
  assertEquals(send("on", "REDIRECT", "x"), failure("value is not an integer or out of range"));
  assertEquals(
    send("on", "REDIRECT", "999999"),
    failure("The client ID you want redirect to does not exist"),
  );
  const id = String(c.client.id);
  assertEquals(
    send("on", "REDIRECT", id, "REDIRECT", id),
    failure("A client can only redirect to a single other client"),
  );
  assertEquals(send("on", "PREFIX", "a"), failure("PREFIX option requires BCAST mode to be enabled"));
  assertEquals(c.send("CLIENT", "GETREDIR"), -1);
});

Deno.test("CLIENT CACHING holds for one command, or for the whole transaction", () => {
  using s = startInProcess();
  const [c, other] = [s.client(), s.client()];
  c.client.reply.resp = 3;
  assertEquals(
    c.send("CLIENT", "CACHING", "YES"),
    failure(
      "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
    ),
  );
  c.send("CLIENT", "TRACKING", "on", "OPTIN");
  assertEquals(c.send("CLIENT", "CACHING", "maybe"), failure("syntax error"));
  assertEquals(
    c.send("CLIENT", "CACHING", "NO"),
    failure("CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."),
  );
  assertEquals(c.send("CLIENT", "CACHING", "YES"), "OK");
  assertEquals(
    c.send("CLIENT", "TRACKINGINFO"),
    new Map<Reply, Reply>([["flags", new Set(["on", "optin", "caching-yes"])], ["redirect", 0], [
      "prefixes",
      [],
    ]]),
  );
  c.send("MULTI");
  c.send("GET", "a");
  c.send("GET", "b");
  c.send("EXEC");
  c.send("GET", "c");
  other.send("MSET", "a", "1", "b", "1", "c", "1");
  assertEquals(c.received(), [
    new PushMessage(["invalidate", ["a"]]),
    new PushMessage(["invalidate", ["b"]]),
  ]);
});

Deno.test("RESET ends tracking, subscriptions and watching", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("CLIENT", "TRACKING", "on", "BCAST");
  c.send("MONITOR");
  c.send("SUBSCRIBE", "a");
  c.received();
  assertEquals(c.send("RESET"), "RESET");
  assertEquals([s.engine.tracking.clientCount, s.engine.monitors.count, s.engine.pubsub.totalOf(c.client)], [
    0,
    0,
    0,
  ]);
  assertEquals(c.send("GET", "k"), null);
});
