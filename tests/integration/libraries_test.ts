/** Libraries that keep their state in Redis, as their users set them up, on Redeno. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import KeyvRedis from "npm:@keyv/redis@5.1.6";
import Keyv from "npm:keyv@5.6.0";
import { RedisStore } from "npm:connect-redis@10.0.0";
import expressSession from "npm:express-session@1.19.0";
import { createClient } from "npm:redis@5.12.1";
import { createAdapter, createShardedAdapter } from "npm:@socket.io/redis-adapter@8.3.0";
import { Server as SocketServer } from "npm:socket.io@4.8.4";
import { io as connectSocket, type Socket } from "npm:socket.io-client@4.8.4";
import { encodeCommand, type ServerProcess, startRedeno } from "../support/oracle.ts";

const urlOf = (server: ServerProcess) => `redis://127.0.0.1:${server.port}`;

/** Listens on a free port; gives its number. */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const closed = (server: Server) => new Promise<void>((resolve) => server.close(() => resolve()));

// ---- keyv -------------------------------------------------------------------------------------------------------

Deno.test("keyv: values, times to live, many at once, namespaces and iteration", async () => {
  await using server = await startRedeno();
  const names = new Keyv({ store: new KeyvRedis(urlOf(server)), namespace: "names" });
  const other = new Keyv({ store: new KeyvRedis(urlOf(server)), namespace: "other" });
  try {
    assertEquals(await names.set("one", { text: "größe", list: [1, 2] }), true);
    assertEquals(await names.get("one"), { text: "größe", list: [1, 2] });
    assertEquals(await names.get("none"), undefined);
    assertEquals(await other.get("one"), undefined);
    await names.set("brief", "value", 60_000);
    using c = await server.connect();
    const left = Number((await c.send("PTTL", "names::names:brief")).slice(1));
    assertGreater(left, 0);
    assertLessOrEqual(left, 60_000);
    await names.setMany([{ key: "two", value: 2 }, { key: "three", value: 3 }]);
    assertEquals(await names.getMany(["two", "none", "three"]), [2, undefined, 3]);
    assertEquals(await names.hasMany(["two", "none"]), [true, false]);
    await other.set("kept", 1);
    const seen = new Map<string, unknown>();
    assert(names.iterator !== undefined);
    for await (const [key, value] of names.iterator({})) seen.set(key, value);
    assertEquals([...seen.keys()].sort(), ["brief", "one", "three", "two"]);
    assertEquals(await names.delete("two"), true);
    assertEquals(await names.deleteMany(["three", "none"]), true);
    await names.clear();
    assertEquals(await names.has("one"), false);
    assertEquals(await other.get("kept"), 1);
  } finally {
    await names.disconnect();
    await other.disconnect();
  }
});

// ---- connect-redis with express-session -------------------------------------------------------------------------

/** The part of a session that the test's pages use. */
interface PageSession {
  visits?: number;
  destroy(done: (error?: unknown) => void): void;
  regenerate(done: (error?: unknown) => void): void;
}
type Middleware = (
  request: IncomingMessage & { session?: PageSession },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** A site that counts a visitor's pages, with `/leave` and `/renew`. */
function countingSite(store: RedisStore): Server {
  const withSession: Middleware = expressSession({
    store,
    secret: "secret of the test",
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: 100_000 },
  });
  return createServer((request: IncomingMessage & { session?: PageSession }, response) => {
    const answer = (error?: unknown) =>
      response.end(error ? `error: ${error}` : `${request.session?.visits}`);
    withSession(request, response, (error) => {
      const { session } = request;
      if (error || session === undefined) return answer(error ?? "no session");
      if (request.url === "/leave") return session.destroy(answer);
      if (request.url === "/renew") return session.regenerate(answer);
      session.visits = (session.visits ?? 0) + 1;
      answer();
    });
  });
}

/** A visitor who keeps the cookie. */
class Visitor {
  #cookie = "";

  constructor(readonly port: number) {}

  async visit(path: string): Promise<string> {
    const headers = { cookie: this.#cookie, connection: "close" };
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, { headers });
    this.#cookie = response.headers.get("set-cookie")?.replace(/;.*/, "") ?? this.#cookie;
    return await response.text();
  }
}

Deno.test("connect-redis: sessions of express-session are kept, renewed, shared and end", async () => {
  await using server = await startRedeno();
  const client = createClient({ url: urlOf(server) });
  await client.connect();
  const store = new RedisStore({ client, prefix: "session:" });
  const sites = [countingSite(store), countingSite(store)];
  try {
    const ports = [await listen(sites[0]!), await listen(sites[1]!)];
    const first = new Visitor(ports[0]!), second = new Visitor(ports[1]!);
    assertEquals([await first.visit("/"), await first.visit("/"), await second.visit("/")], ["1", "2", "1"]);
    const keys = await client.keys("session:*");
    assertEquals(keys.length, 2);
    for (const key of keys) {
      const ttl = await client.ttl(key);
      assert(ttl > 0 && ttl <= 100, `${ttl}`);
    }
    assertEquals(await first.visit("/renew"), "undefined");
    assertEquals(await first.visit("/"), "1");
    await second.visit("/leave");
    assertEquals((await client.keys("session:*")).length, 1);
    assertEquals(await store.length(), 1);
    const all = await store.all();
    assertEquals(all.map((session: { visits?: number }) => session.visits), [1]);
    await store.clear();
    assertEquals(await client.dbSize(), 0);
    assertEquals(await first.visit("/"), "1");
  } finally {
    await Promise.all(sites.map(closed));
    await client.close();
  }
});

// ---- Socket.IO --------------------------------------------------------------------------------------------------

type RedisClient = ReturnType<typeof createClient>;
type AdapterMaker = typeof createAdapter | typeof createShardedAdapter;

interface News {
  text: string;
  bytes: ArrayBuffer;
}

/** One of the servers of a Socket.IO cluster, with a client of its own connected to it. */
class Node {
  private constructor(
    readonly io: SocketServer,
    readonly socket: Socket,
    readonly redis: readonly RedisClient[],
  ) {}

  static async start(url: string, adapterOf: AdapterMaker): Promise<Node> {
    const redis = [createClient({ url }), createClient({ url })] as const;
    await Promise.all(redis.map((client) => client.connect()));
    const http = createServer();
    const io = new SocketServer(http, {
      adapter: adapterOf(...redis),
      transports: ["websocket"],
    });
    io.on("connection", (socket) => {
      socket.on("join", async (room: string, done: () => void) => {
        await socket.join(room);
        done();
      });
      socket.on("say", (room: string, text: string) => socket.to(room).emit("said", text));
    });
    const port = await listen(http);
    const socket = connectSocket(`http://127.0.0.1:${port}`, {
      transports: ["websocket"],
      reconnection: false,
    });
    await new Promise<void>((resolve) => socket.on("connect", () => resolve()));
    return new Node(io, socket, redis);
  }

  /** The next message of this name to the client. */
  next<T>(event: string): Promise<T> {
    return new Promise<T>((resolve) => this.socket.once(event, resolve));
  }

  async close(): Promise<void> {
    this.socket.disconnect();
    await this.io.close();
    await Promise.all(this.redis.map((client) => client.close()));
  }
}

const adapters = { createAdapter, createShardedAdapter };

for (const [name, adapterOf] of Object.entries(adapters)) {
  Deno.test(`Socket.IO: two servers share broadcasts, rooms, requests and acknowledgements: ${name}`, async () => {
    await using server = await startRedeno();
    const [a, b] = [await Node.start(urlOf(server), adapterOf), await Node.start(urlOf(server), adapterOf)];
    try {
      const everybody = Promise.all([a.next<News>("news"), b.next<News>("news")]);
      a.io.emit("news", { text: "to all", bytes: new Uint8Array([0, 255, 13, 10]) });
      for (const { text, bytes } of await everybody) {
        assertEquals([text, [...new Uint8Array(bytes)]], ["to all", [0, 255, 13, 10]]);
      }
      await Promise.all([a, b].map((node) => node.socket.emitWithAck("join", "room")));
      const heard = b.next("said");
      a.socket.emit("say", "room", "from a");
      assertEquals(await heard, "from a");
      assertEquals((await a.io.in("room").fetchSockets()).length, 2);
      b.io.on("question", (word: string, answer: (reply: string) => void) => answer(`${word} answered`));
      assertEquals(await a.io.serverSideEmitWithAck("question", "x"), ["x answered"]);
      b.socket.on("ask", (n: number, answer: (reply: number) => void) => answer(n + 1));
      a.socket.on("ask", (n: number, answer: (reply: number) => void) => answer(n + 2));
      assertEquals((await a.io.timeout(5000).emitWithAck("ask", 1)).sort(), [2, 3]);
      const gone = b.next("disconnect");
      a.io.in(b.socket.id ?? "").disconnectSockets(true);
      assertEquals(await gone, "io server disconnect");
    } finally {
      await Promise.all([a.close(), b.close()]);
    }
    using c = await server.connect();
    assertEquals(await c.send("PUBSUB", "NUMPAT"), ":0\r\n");
    assertEquals(await c.send("PUBSUB", "CHANNELS"), encodeCommand([]));
    assertEquals(await c.send("PUBSUB", "SHARDCHANNELS"), encodeCommand([]));
  });
}
