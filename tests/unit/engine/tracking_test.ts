import { assert, assertEquals } from "@std/assert";
import type { TrackingOptions } from "../../../src/engine/tracking.ts";
import { ReplyError } from "../../../src/protocol/errors.ts";
import { type InProcessClient, type InProcessServer, startInProcess } from "../../support/in_process.ts";
import { PushMessage } from "../../../src/protocol/reply_values.ts";

const DEFAULTS: TrackingOptions = {
  broadcast: false,
  optIn: false,
  optOut: false,
  noLoop: false,
  redirect: 0,
};

/** A client that speaks RESP3 and tracks. */
function tracker(
  s: InProcessServer,
  options: Partial<TrackingOptions> = {},
  prefixes: string[] = [],
): InProcessClient {
  const client = s.client();
  client.client.reply.resp = 3;
  s.engine.tracking.enable(client.client, { ...DEFAULTS, ...options }, prefixes);
  return client;
}

const invalidate = (...keys: string[]) => new PushMessage(["invalidate", keys]);

Deno.test("tracking tells once that a key read has changed, whoever changed it", () => {
  using s = startInProcess();
  const [t, other] = [tracker(s), s.client()];
  t.send("MGET", "a", "b");
  assertEquals([s.engine.tracking.keyCount, s.engine.tracking.itemCount], [2, 2]);
  other.send("MSET", "a", "1", "c", "1");
  assertEquals(t.received(), [invalidate("a")]);
  other.send("SET", "a", "2");
  assertEquals(t.received(), []);
  assertEquals(
    t.raw(new TextEncoder().encode("SET b 1\r\n")),
    "+OK\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nb\r\n",
  );
  assertEquals([s.engine.tracking.keyCount, s.engine.tracking.itemCount], [0, 0]);
});

Deno.test("tracking with NOLOOP does not tell of own changes", () => {
  using s = startInProcess();
  const [t, other] = [tracker(s, { noLoop: true }), s.client()];
  t.send("MGET", "a", "b");
  assertEquals(t.raw(new TextEncoder().encode("SET a 1\r\n")), "+OK\r\n");
  other.send("SET", "b", "1");
  assertEquals(t.received(), [invalidate("b")]);
});

Deno.test("tracking tells of expiry, by look-up and by the active cycle", () => {
  using s = startInProcess();
  const [t, other] = [tracker(s, { noLoop: true }), s.client()];
  other.send("SET", "a", "1", "PX", "10");
  other.send("SET", "b", "1", "PX", "20");
  t.send("MGET", "a", "b");
  s.advance(11);
  other.send("GET", "a");
  assertEquals(t.received(), [invalidate("a")]);
  s.advance(10);
  s.expireCycle();
  assertEquals(t.received(), [invalidate("b")]);
});

Deno.test("tracking with OPTIN puts down only what CLIENT CACHING announced, with OPTOUT all but that", () => {
  using s = startInProcess();
  const [optIn, optOut, other] = [tracker(s, { optIn: true }), tracker(s, { optOut: true }), s.client()];
  const caching = (t: InProcessClient) => {
    const state = s.engine.tracking.stateOf(t.client);
    assert(state);
    state.caching = true;
  };
  for (const t of [optIn, optOut]) {
    t.send("GET", "plain");
    caching(t);
    t.send("GET", "announced");
    t.send("GET", "after");
  }
  other.send("MSET", "plain", "1", "announced", "1", "after", "1");
  assertEquals(optIn.received(), [invalidate("announced")]);
  assertEquals(optOut.received(), [invalidate("plain"), invalidate("after")]);
});

Deno.test("tracking broadcasts changes under prefixes once a batch, without own ones under NOLOOP", () => {
  using s = startInProcess();
  const all = tracker(s, { broadcast: true });
  const some = tracker(s, { broadcast: true, noLoop: true }, ["a:", "b:"]);
  const other = s.client();
  other.raw(new TextEncoder().encode("SET a:1 x\r\nSET b:1 x\r\nSET a:1 y\r\nSET c x\r\n"));
  assertEquals(all.received(), [invalidate("a:1", "b:1", "c")]);
  assertEquals(some.received(), [invalidate("a:1"), invalidate("b:1")]);
  assertEquals(some.raw(new TextEncoder().encode("SET a:2 x\r\n")), "+OK\r\n");
  assertEquals(all.received(), [invalidate("a:2")]);
  some.close(false);
  assertEquals([s.engine.tracking.prefixCount, s.engine.tracking.clientCount], [1, 1]);
});

Deno.test("tracking redirects to a subscribed RESP2 client, and says in RESP3 when that has gone", () => {
  using s = startInProcess();
  const [target, other] = [s.client(), s.client()];
  const t = tracker(s, { redirect: target.client.id });
  t.send("MGET", "a", "b", "c");
  other.send("SET", "a", "1");
  assertEquals(target.received(), []);
  target.send("SUBSCRIBE", "__redis__:invalidate");
  other.send("SET", "b", "1");
  assertEquals(target.received(), [["message", "__redis__:invalidate", ["b"]]]);
  const { id } = target.client;
  target.close(false);
  other.send("SET", "c", "1");
  assertEquals(t.received(), [new PushMessage(["tracking-redir-broken", id])]);
  assertEquals(s.engine.tracking.stateOf(t.client)?.isBroken, true);
});

Deno.test("tracking says nothing to a RESP2 client that does not redirect", () => {
  using s = startInProcess();
  const [t, other] = [tracker(s), s.client()];
  t.client.reply.resp = 2;
  t.send("GET", "a");
  other.send("SET", "a", "1");
  assertEquals(t.takeBytes(), "");
});

Deno.test("tracking voids everything on a flush", () => {
  using s = startInProcess();
  const [t, wide] = [tracker(s), tracker(s, { broadcast: true })];
  t.send("GET", "a");
  s.engine.keys.flush(-1);
  s.engine.endBatch();
  assertEquals(t.received(), [new PushMessage(["invalidate", null])]);
  assertEquals(wide.received(), [new PushMessage(["invalidate", null])]);
  assertEquals(s.engine.tracking.keyCount, 0);
});

Deno.test("tracking keeps its table within tracking-table-max-keys by invalidating the oldest", () => {
  using s = startInProcess({ config: { "tracking-table-max-keys": "2" } });
  const t = tracker(s, { noLoop: true });
  t.send("GET", "a");
  t.send("GET", "b");
  assertEquals(
    t.raw(new TextEncoder().encode("GET c\r\n")),
    "_\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n",
  );
  const keys = Array.from({ length: 350 }, (_, i) => `k${i}`);
  t.send("MGET", ...keys);
  assertEquals(s.engine.tracking.keyCount, 252); // 100 at first, then 200, then as many as it takes
  t.send("GET", "k349");
  assertEquals(s.engine.tracking.keyCount, 52);
  s.engine.tracking.limitTable();
  assertEquals(s.engine.tracking.keyCount, 2);
});

Deno.test("tracking refuses options that contradict each other or what was said before", () => {
  using s = startInProcess();
  const refused = (options: Partial<TrackingOptions>, prefixes: string[], client = s.client()) => {
    const error = assertThrowsReply(() =>
      s.engine.tracking.enable(client.client, { ...DEFAULTS, ...options }, prefixes)
    );
    return error.text;
  };
  assertEquals(refused({}, ["a"]), "ERR PREFIX option requires BCAST mode to be enabled");
  assertEquals(
    refused({ broadcast: true, optIn: true }, []),
    "ERR OPTIN and OPTOUT are not compatible with BCAST",
  );
  assertEquals(
    refused({ optIn: true, optOut: true }, []),
    "ERR You can't specify both OPTIN mode and OPTOUT mode",
  );
  const wide = tracker(s, { broadcast: true }, ["ab"]);
  assertEquals(refused({}, [], wide).startsWith("ERR You can't switch BCAST mode on/off before"), true);
  assertEquals(
    refused({ optIn: true }, [], tracker(s, { optOut: true })).startsWith("ERR You can't switch OPTIN"),
    true,
  );
  assertEquals(
    refused({ broadcast: true }, ["abc"], wide),
    "ERR Prefix 'abc' overlaps with an existing prefix 'ab'. Prefixes for a single client must not overlap.",
  );
  assertEquals(
    refused({ broadcast: true }, ["x", "xy"]),
    "ERR Prefix 'x' overlaps with another provided prefix 'xy'. Prefixes for a single client must not overlap.",
  );
});

Deno.test("tracking forgets keys that change, or are flushed, while nobody tracks", () => {
  using s = startInProcess();
  const [t, other] = [tracker(s), s.client()];
  t.send("MGET", "a", "b", "c");
  s.engine.tracking.disable(t.client);
  other.send("SET", "a", "1");
  assertEquals(s.engine.tracking.keyCount, 2);
  s.engine.tracking.enable(t.client, DEFAULTS, []);
  other.send("SET", "a", "2");
  assertEquals(t.received(), [], "a has not been read since");
  s.engine.tracking.disable(t.client);
  other.send("FLUSHALL");
  assertEquals([s.engine.tracking.keyCount, s.engine.tracking.itemCount], [0, 0]);
});

function assertThrowsReply(work: () => void): ReplyError {
  let caught: unknown;
  try {
    work();
  } catch (error) {
    caught = error;
  }
  assert(caught instanceof ReplyError);
  return caught;
}
