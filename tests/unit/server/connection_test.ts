import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { type Client, ClientFlag } from "../../../src/engine/client.ts";
import { command } from "../../../src/engine/command.ts";
import { Connection, type ConnectionHost, type Socket } from "../../../src/server/connection.ts";
import { bytesOf, latin1 } from "../../../src/util/bytes.ts";
import { socketsAreAsked } from "../../../src/util/event_loop.ts";
import { encodeCommand, type InProcessServer, startInProcess } from "../../support/in_process.ts";

/** A socket in memory: a test feeds it, and decides when what it was given has been taken. */
class FakeSocket implements Socket {
  #input = "";
  #ended = false;
  #wakeReader = () => {};
  #takeWrite: ((count: number) => void) | null = null;
  #written: Uint8Array = new Uint8Array(0);
  /** Whether writes are taken at once. */
  takesAll = true;
  received = "";
  receivedBytes = 0;
  /** The arrays it was given. */
  readonly writes: Uint8Array[] = [];
  reads = 0;
  closed = false;

  feed(text: string): void {
    this.#input += text;
    this.#wakeReader();
  }

  end(): void {
    this.#ended = true;
    this.#wakeReader();
  }

  async read(into: Uint8Array): Promise<number | null> {
    this.reads++;
    while (this.#input === "" && !this.#ended && !this.closed) {
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    if (this.closed) throw new Deno.errors.Interrupted();
    if (this.#input === "") return null;
    const part = bytesOf(this.#input.slice(0, into.length));
    into.set(part);
    this.#input = this.#input.slice(part.length);
    return part.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    this.writes.push(bytes);
    if (this.takesAll) return Promise.resolve(this.#take(bytes, bytes.length));
    this.#written = bytes;
    return new Promise((resolve) => this.#takeWrite = resolve);
  }

  /** Takes `count` bytes of what is being written. */
  take(count = this.#written.length): void {
    const resolve = this.#takeWrite;
    this.#takeWrite = null;
    resolve?.(this.#take(this.#written, count));
  }

  get isWriting(): boolean {
    return this.#takeWrite !== null;
  }

  #take(bytes: Uint8Array, count: number): number {
    this.receivedBytes += count;
    if (this.receivedBytes < 1 << 20) this.received += latin1(bytes, 0, count);
    return count;
  }

  close(): void {
    if (this.closed) throw new Deno.errors.BadResource();
    this.closed = true;
    this.#wakeReader();
  }
}

/** Lets everything happen that is ready to. */
async function settle(): Promise<void> {
  for (let i = 0; i < 60; i++) await Promise.resolve();
}

interface Limits {
  reason: (client: Client, outputBytes: number) => string | null;
  applies: boolean;
}

/** Connections of an engine without a server around them. */
class Host implements ConnectionHost {
  readonly server: InProcessServer;
  readonly requestLimits = { maxBulkBytes: 1 << 20, maxQueryBytes: 1 << 20 };
  limits: Limits = { reason: () => null, applies: false };
  readonly unreadLimit = { bytes: 1 << 25, add: (bytes: number) => void (this.unreadBytes += bytes) };
  /** What all connections have said of replies unread. */
  unreadBytes = 0;
  gone: Connection[] = [];

  constructor(config: Record<string, string> = {}) {
    this.server = startInProcess({ config });
  }

  get engine() {
    return this.server.engine;
  }

  outputLimitExceeded(client: Client, outputBytes: number): string | null {
    return this.limits.reason(client, outputBytes);
  }

  hasOutputLimit(): boolean {
    return this.limits.applies;
  }

  endBatch(): void {
    this.engine.endBatch();
  }

  endBatchSoon(): void {
    this.engine.endBatch();
  }

  async letOthersIn(): Promise<void> {
    await socketsAreAsked();
    this.engine.timer.beginTurn();
  }

  disconnected(connection: Connection): void {
    this.gone.push(connection);
  }

  connect() {
    const socket = new FakeSocket();
    const connection = new Connection(this, socket, "10.0.0.1:1234", "10.0.0.2:6379");
    this.engine.addClient(connection.client);
    return { socket, connection, served: connection.serve() };
  }
}

const words = (line: string) => latin1(encodeCommand(...line.split(" ")));

Deno.test("Connection answers a batch in one write", async () => {
  const { socket } = new Host().connect();
  socket.takesAll = false;
  socket.feed("PING\r\nSET k v\r\nGET k\r\n");
  await settle();
  assertEquals([socket.received, socket.isWriting], ["", true]);
  socket.take();
  await settle();
  assertEquals([socket.received, socket.isWriting], ["+PONG\r\n+OK\r\n$1\r\nv\r\n", false]);
});

Deno.test("Connection has one write under way and sends what comes meanwhile together", async () => {
  const { socket } = new Host().connect();
  socket.takesAll = false;
  for (const name of ["a", "b", "c"]) {
    socket.feed(`ECHO ${name}\r\n`);
    await settle();
  }
  socket.take();
  await settle();
  assertEquals(socket.received, "$1\r\na\r\n");
  socket.take();
  await settle();
  assertEquals(socket.received, "$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
});

Deno.test("Connection writes on where the socket took only a part", async () => {
  const { socket } = new Host().connect();
  socket.takesAll = false;
  socket.feed("ECHO 0123456789\r\n");
  await settle();
  for (let i = 0; i < 17; i++) {
    socket.take(1);
    await settle();
  }
  assertEquals([socket.received, socket.isWriting], ["$10\r\n0123456789\r\n", false]);
});

Deno.test("Connection runs what came behind a blocking command when that has been served", async () => {
  const host = new Host(), other = host.server.client();
  const { socket, connection } = host.connect();
  socket.feed("BLPOP q 0\r\nPING\r\nBLPOP q 0\r\nECHO x\r\n");
  await settle();
  assertEquals([socket.received, connection.client.blocked !== null], ["", true]);
  other.send("RPUSH", "q", "a");
  await settle();
  assertEquals(socket.received, "*2\r\n$1\r\nq\r\n$1\r\na\r\n+PONG\r\n");
  socket.feed("ECHO y\r\n");
  await settle();
  other.send("RPUSH", "q", "b");
  await settle();
  assertEquals(socket.received.slice(25), "*2\r\n$1\r\nq\r\n$1\r\nb\r\n$1\r\nx\r\n$1\r\ny\r\n");
});

Deno.test("a client that disappears while blocked leaves no trace and loses nobody's element", async () => {
  const host = new Host(), other = host.server.client();
  const { socket, connection, served } = host.connect();
  socket.feed("HELLO 3\r\nSUBSCRIBE c\r\nWATCH w\r\nBLPOP q 0\r\nPING\r\n");
  await settle();
  assertEquals(connection.client.blocked !== null, true);
  socket.end();
  await served;
  assertEquals([socket.closed, host.gone.length, host.engine.clients.size], [true, 1, 1]);
  assertEquals([host.engine.waiting.all.size, host.engine.waiting.keyCount], [0, 0]);
  assertEquals([host.engine.watchers.active, host.engine.pubsub.channels.countOf(connection.client)], [
    false,
    0,
  ]);
  assertEquals([other.send("RPUSH", "q", "a"), other.send("LLEN", "q")], [1, 1]);
});

Deno.test("a client that disappears ends its connection", async () => {
  const host = new Host(), { socket, served } = host.connect();
  socket.feed("PING\r\nincomplete");
  await settle();
  socket.end();
  await served;
  assertEquals([socket.received, socket.closed, host.engine.clients.size], ["+PONG\r\n", true, 0]);
});

Deno.test("Connection answers a protocol error behind the replies before it and closes", async () => {
  const host = new Host(), { socket, served } = host.connect();
  socket.feed(`${words("SET k v")}*1\r\n:5\r\n${words("SET k w")}`);
  await served;
  await settle();
  assertEquals(socket.received, "+OK\r\n-ERR Protocol error: expected '$', got ':'\r\n");
  assertEquals([socket.closed, host.engine.clients.size], [true, 0]);
  assertEquals(host.server.client().send("GET", "k"), "v");
});

Deno.test("Connection answers a protocol error behind a blocking command only when that has ended", async () => {
  const host = new Host(), { socket, served } = host.connect();
  socket.feed("BLPOP q 0\r\n*x\r\n");
  await settle();
  assertEquals(socket.received, "");
  host.server.client().send("RPUSH", "q", "a");
  await served;
  await settle();
  assertStringIncludes(socket.received, "$1\r\na\r\n-ERR Protocol error: invalid multibulk length\r\n");
  assertEquals(socket.closed, true);
});

Deno.test("Connection closes a client whose query exceeds client-query-buffer-limit, without a reply", async () => {
  const host = new Host(), { socket, served } = host.connect();
  socket.feed(`*2\r\n$3\r\nGET\r\n$1000000\r\n${"x".repeat(900_000)}`);
  await settle();
  host.requestLimits.maxQueryBytes = 1000;
  socket.feed("x");
  await served;
  assertEquals([socket.received, socket.closed], ["", true]);
  assertEquals(host.engine.stats.queryBufferLimitDisconnections, 1);
});

Deno.test("QUIT closes when its reply has left; what follows it is not run", async () => {
  const host = new Host(), { socket, served } = host.connect();
  socket.takesAll = false;
  socket.feed("QUIT\r\nSET k v\r\n");
  await settle();
  assertEquals(socket.closed, false);
  socket.take();
  await served;
  await settle();
  assertEquals([socket.received, socket.closed], ["+OK\r\n", true]);
  assertEquals(host.server.client().send("EXISTS", "k"), 0);
});

Deno.test("POST and Host: close the connection with a warning, and nothing behind them is run", async () => {
  for (const line of ["POST / HTTP/1.1", "host: localhost:6379", words("pOsT x")]) {
    const host = new Host(), { socket, served } = host.connect();
    socket.feed(`SET before 1\r\n${line}\r\nSET after 1\r\n`);
    await served;
    assertEquals([socket.received, socket.closed, host.engine.clients.size], ["", true, 0], line);
    const client = host.server.client();
    assertEquals([client.send("EXISTS", "before"), client.send("EXISTS", "after")], [1, 0]);
    const warnings = host.server.log.filter((text) => text.includes("Possible SECURITY ATTACK detected"));
    assertEquals(warnings.length, 1);
    host.connect().socket.feed("POST\r\n");
    await settle();
    assertEquals(host.server.log.filter((text) => text.includes("SECURITY")).length, 1, "once a minute");
  }
});

Deno.test("Connection closes a client whose transaction exceeds client-query-buffer-limit", async () => {
  const host = new Host(), { socket, served } = host.connect();
  host.requestLimits.maxQueryBytes = 10_000;
  socket.feed("MULTI\r\n" + `SET key ${"x".repeat(400)}\r\n`.repeat(20));
  await served;
  assertEquals(socket.closed, true);
  assertEquals(host.engine.stats.queryBufferLimitDisconnections, 1);
});

Deno.test("Connection reads no more from a client that leaves its replies unread", async () => {
  const host = new Host(), { socket, connection } = host.connect();
  host.server.client().send("SET", "k", "x".repeat(100_000));
  socket.takesAll = false;
  const line = "GET k\r\n", total = 2000;
  for (let i = 0; i < total; i++) socket.feed(line);
  while (connection.outputBytes <= host.unreadLimit.bytes) {
    await settle();
    await new Promise((resolve) => setTimeout(resolve));
  }
  for (let i = 0; i < 100; i++) {
    socket.feed(line);
    await settle();
  }
  const reads = socket.reads;
  assertLess(connection.outputBytes, 60 << 20);
  assertEquals(host.unreadBytes, connection.outputBytes);
  socket.feed(line);
  await settle();
  assertEquals(socket.reads, reads);
  socket.takesAll = true;
  const all = (total + 101) * 100_011;
  for (let turns = 0; turns < 5000 && socket.receivedBytes < all; turns++) {
    if (socket.isWriting) socket.take();
    await settle();
    await new Promise((resolve) => setTimeout(resolve));
    assertLess(connection.outputBytes, 60 << 20);
  }
  assertEquals(socket.receivedBytes, all, "and everything is answered in the end");
  await settle();
  assertEquals(host.unreadBytes, 0);
});

Deno.test("Connection cuts off a client over its output limit", async () => {
  const host = new Host(), { socket, served } = host.connect();
  host.limits = { reason: (_, bytes) => bytes > 100 ? "hard limit" : null, applies: true };
  socket.feed(`ECHO ${"x".repeat(50)}\r\n`);
  await settle();
  assertEquals(socket.closed, false);
  socket.feed(`ECHO ${"x".repeat(200)}\r\n`);
  await served;
  assertEquals([socket.closed, host.engine.stats.outputBufferLimitDisconnections], [true, 1]);
});

/** Subscribers of `channel` that have read the confirmation and read nothing more until they are told to. */
async function slowSubscribers(host: Host, count: number) {
  const subscribers = Array.from({ length: count }, () => host.connect());
  for (const { socket } of subscribers) socket.feed("SUBSCRIBE channel\r\n");
  await settle();
  for (const { socket } of subscribers) {
    socket.takesAll = false;
    socket.received = "";
    socket.writes.length = 0;
  }
  return subscribers;
}

/** Lets a socket take everything. */
async function readAll(socket: FakeSocket): Promise<void> {
  socket.takesAll = true;
  while (socket.isWriting) {
    socket.take();
    await settle();
  }
}

const published = (message: string) => words(`message channel ${message}`);

Deno.test("a long message lies in memory once for all its subscribers, and each gets it in its place", async () => {
  const host = new Host(), subscribers = await slowSubscribers(host, 3), publisher = host.server.client();
  const messages = ["a", "\xff".repeat(20_000), "b", "c".repeat(16_384), "d".repeat(16_383), "e"];
  for (const message of messages) assertEquals(publisher.send("PUBLISH", "channel", message), 3);
  const expected = messages.map(published).join("");
  for (const { socket, connection } of subscribers) {
    assertEquals(connection.outputBytes, expected.length);
    await readAll(socket);
    assertEquals([socket.received, connection.outputBytes], [expected, 0]);
    socket.feed("PING\r\n");
    await settle();
    assertEquals(socket.received.slice(expected.length), "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  }
  const [first, second, third] = subscribers.map(({ socket }) => socket.writes);
  for (const [i, length] of [[1, 20_000], [3, 16_384]] as const) {
    assert(first![i]!.length > length);
    assert(first![i]!.buffer === second![i]!.buffer && first![i]!.buffer === third![i]!.buffer);
  }
});

Deno.test("what waits for a slow subscriber is not copied again and again as it grows", async () => {
  const host = new Host(), [slow] = await slowSubscribers(host, 1), publisher = host.server.client();
  const { socket, connection } = slow!;
  let expected = "";
  for (let i = 0; i < 900; i++) {
    const message = String(i).repeat(200);
    publisher.send("PUBLISH", "channel", message);
    expected += published(message);
    assertLess(connection.client.reply.capacity, 1 << 18);
  }
  assertEquals([connection.outputBytes, host.unreadBytes], [expected.length, expected.length]);
  await readAll(socket);
  assertEquals([socket.received === expected, connection.outputBytes, host.unreadBytes], [true, 0, 0]);
  for (const { length } of socket.writes) assertLess(length, 1 << 18);
  assertLess(socket.writes.length, 20);
});

Deno.test("a subscriber over its limit is kept nothing more within the command, and is closed at its end", async () => {
  for (const length of [20_000, 1000]) {
    const host = new Host(), [slow] = await slowSubscribers(host, 1), publisher = host.server.client();
    let most = 0;
    host.limits = {
      reason: (_, bytes) => {
        most = Math.max(most, bytes);
        return bytes > 200_000 ? "hard limit" : null;
      },
      applies: true,
    };
    publisher.send("MULTI");
    for (let i = 0; i < 400; i++) publisher.send("PUBLISH", "channel", "x".repeat(length));
    assertEquals(publisher.send("EXEC"), Array(400).fill(1));
    assertLess(most, 400_000);
    assertEquals([slow!.socket.closed, slow!.connection.outputBytes < 400_000], [true, true]);
    assertEquals(host.engine.stats.outputBufferLimitDisconnections, 1);
    assertEquals(publisher.send("PUBLISH", "channel", "x"), 0);
  }
});

Deno.test("what a client that leaves has not read counts no more", async () => {
  const host = new Host(), { socket, served } = host.connect();
  socket.takesAll = false;
  socket.feed("SET k " + "x".repeat(30_000) + "\r\nGET k\r\nGET k\r\n");
  await settle();
  assertEquals(host.unreadBytes, 5 + 2 * 30_010);
  socket.take(20_000);
  await settle();
  assertEquals(host.unreadBytes, 5 + 2 * 30_010 - 20_000);
  socket.end();
  await served;
  assertEquals([socket.closed, host.unreadBytes], [true, 0]);
});

Deno.test("Connection.close(true) waits for the replies, close(false) for nothing", async () => {
  for (const afterReplies of [true, false]) {
    const host = new Host(), { socket, connection } = host.connect();
    socket.takesAll = false;
    socket.feed("PING\r\n");
    await settle();
    connection.close(afterReplies);
    assertEquals(socket.closed, !afterReplies);
    socket.take();
    await settle();
    assertEquals([socket.closed, host.gone.length], [true, 1]);
    connection.close(false);
    assertEquals(host.gone.length, 1, "once");
  }
});

Deno.test("an exception in a handler is answered as an internal error, logged, and the connection goes on", async () => {
  const host = new Host();
  const broken = host.engine.commands.get("echo")!;
  const renamed = command({ ...broken, handler: () => void [][0]!["x"] });
  const get = host.engine.commands.find.bind(host.engine.commands);
  host.engine.commands.find = (args) => args.is(0, "ECHO") ? renamed : get(args);
  const { socket } = host.connect();
  socket.feed("MULTI\r\nSET k 1\r\nECHO x\r\nINCR k\r\nEXEC\r\nECHO x\r\nPING\r\n");
  await settle();
  const failure = "-ERR internal error in 'echo'\r\n";
  assertEquals(
    socket.received,
    `+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n${failure}:2\r\n${failure}+PONG\r\n`,
  );
  assert(
    host.server.log.some((text) => text.includes("Internal error in 'echo'") && text.includes("TypeError")),
  );
  assertEquals(host.engine.stats.unexpectedErrors, 2);
});

Deno.test("requests before authentication are small, and larger ones behind AUTH in the same write are served", async () => {
  const host = new Host({ requirepass: "pw" });
  const eleven = `MSET ${Array.from({ length: 10 }, (_, i) => `k${i}`).join(" ")}`;
  const early = host.connect();
  early.socket.feed(words(eleven));
  await early.served;
  assertEquals(early.socket.received, "-ERR Protocol error: unauthenticated multibulk length\r\n");
  const { socket } = host.connect();
  socket.feed(words("PING") + words("AUTH pw") + words(eleven) + words("PING"));
  await settle();
  assertEquals(socket.received, "-NOAUTH Authentication required.\r\n+OK\r\n+OK\r\n+PONG\r\n");
});

Deno.test("CLIENT REPLY OFF and SKIP leave the socket alone", async () => {
  const { socket } = new Host().connect();
  socket.feed(
    "CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nPING\r\nCLIENT REPLY SKIP\r\nPING\r\nECHO x\r\n",
  );
  await settle();
  assertEquals(socket.received, "+OK\r\n+PONG\r\n$1\r\nx\r\n");
});

Deno.test("a protocol error behind CLIENT REPLY OFF closes without a word", async () => {
  const { socket, served } = new Host().connect();
  socket.feed("CLIENT REPLY OFF\r\n*x\r\n");
  await served;
  assertEquals([socket.received, socket.closed], ["", true]);
});

Deno.test("a pipeline of 10,000 commands is answered in order", async () => {
  const { socket } = new Host().connect();
  let expected = "";
  for (let i = 0; i < 10_000; i++) {
    socket.feed(words(`ECHO ${i}`));
    expected += `$${String(i).length}\r\n${i}\r\n`;
  }
  await settle();
  assertEquals(socket.received === expected, true);
});

Deno.test("a closed connection's client has no place anywhere", async () => {
  const host = new Host(), { socket, connection, served } = host.connect();
  socket.feed("CLIENT TRACKING on\r\nMONITOR\r\nMULTI\r\n");
  await settle();
  connection.client.set(ClientFlag.NoEvict);
  socket.end();
  await served;
  assertEquals([host.engine.monitors.count, host.engine.tracking.clientCount, host.engine.clients.size], [
    0,
    0,
    0,
  ]);
});

Deno.test("Connection asks a source for more when what it had has left, unless the batch's end is going to ask", async () => {
  const host = new Host(), { socket, connection } = host.connect(), { client } = connection;
  let refills = 0;
  client.source = {
    pendingBytes: 0,
    refill() {
      if (refills++ < 3) client.reply.raw(bytesOf(`piece ${refills};`));
    },
  };
  socket.takesAll = false;
  host.engine.queueReplies(client);
  host.engine.endBatch();
  assertEquals([refills, socket.isWriting], [1, true]);
  socket.take();
  await settle();
  assertEquals([refills, socket.received], [2, "piece 1;"]);
  host.engine.queueReplies(client);
  socket.take();
  await settle();
  assertEquals([refills, client.reply.length], [2, 0], "its reply holds replies only");
  host.engine.endBatch();
  socket.take();
  await settle();
  assertEquals(socket.received, "piece 1;piece 2;piece 3;");
});
