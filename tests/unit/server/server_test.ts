import { assertEquals, assertMatch } from "@std/assert";
import type { Socket } from "../../../src/server/connection.ts";
import { Server } from "../../../src/server/server.ts";
import { bytesOf, latin1 } from "../../../src/util/bytes.ts";
import { startInProcess } from "../../support/in_process.ts";

/** A socket whose peer sends what `requests` holds, a line a read, from the moment it is told to, and reads everything. */
class FakeSocket implements Socket {
  received = "";
  readonly closed = Promise.withResolvers<void>();

  constructor(readonly requests: string[], readonly mayAsk: Promise<void>) {}

  async read(into: Uint8Array): Promise<number | null> {
    await this.mayAsk;
    const request = this.requests.shift();
    if (request === undefined) {
      await this.closed.promise;
      return null;
    }
    into.set(bytesOf(request));
    return request.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    this.received += latin1(bytes);
    return Promise.resolve(bytes.length);
  }

  close(): void {
    this.closed.resolve();
  }
}

function accept(server: Server, address: string, isUnixSocket = false): FakeSocket {
  const socket = new FakeSocket([], Promise.resolve());
  server.accept(socket, address, "127.0.0.1:6379", isUnixSocket);
  return socket;
}

Deno.test("Server turns clients from elsewhere away while protected-mode is on and there is no password", async () => {
  const { engine } = startInProcess(), server = new Server(engine);
  const refused = accept(server, "10.0.0.1:5000");
  await refused.closed.promise;
  assertMatch(refused.received, /^-DENIED .*protected mode.*\r\n$/);
  assertEquals(engine.stats.connectionsRejected, 1);
  const local = [
    accept(server, "127.0.0.1:5000"),
    accept(server, "[::1]:5000"),
    accept(server, "/tmp/s:0", true),
  ];
  assertEquals(server.connectionCount, 3);
  const set = (name: string, value: string) =>
    engine.config.set([[name, value]], { mayChangeProtected: true, isLoading: false });
  set("requirepass", "secret");
  const withPassword = accept(server, "10.0.0.1:5001");
  set("requirepass", "");
  set("protected-mode", "no");
  const unprotected = accept(server, "10.0.0.1:5002");
  assertEquals(server.connectionCount, 5);
  server.stop();
  for (const socket of [...local, withPassword, unprotected]) await socket.closed.promise;
});

Deno.test("Server turns clients away beyond maxclients", async () => {
  const { engine } = startInProcess({ config: { maxclients: "1" } }), server = new Server(engine);
  const first = accept(server, "127.0.0.1:5000"), second = accept(server, "127.0.0.1:5001");
  await second.closed.promise;
  assertEquals(second.received, "-ERR max number of clients reached\r\n");
  server.stop();
  await first.closed.promise;
});

Deno.test("what clients write who ask at the same time is made safe together, before any of them is answered", async () => {
  const { engine } = startInProcess(), server = new Server(engine);
  const start = Promise.withResolvers<void>(), answered: string[] = [];
  let fed = 0;
  const sockets = ["a", "b", "c"].map((name) =>
    new FakeSocket([`SET ${name} 1\r\n`, "GET a\r\n"], start.promise)
  );
  engine.propagation.sinks.push({
    feed: () => fed++,
    endOfBatch: () => {
      answered.push(`${fed} fed, ${sockets.map((socket) => socket.received).join("")}`);
      return true;
    },
  });
  for (const [i, socket] of sockets.entries()) {
    server.accept(socket, `127.0.0.1:${5000 + i}`, "127.0.0.1:6379", false);
  }
  start.resolve();
  for (let i = 0; i < 60; i++) await Promise.resolve();
  assertEquals(answered.slice(0, 2), ["3 fed, ", "3 fed, +OK\r\n+OK\r\n+OK\r\n"]);
  assertEquals(sockets.map((socket) => socket.received), sockets.map(() => "+OK\r\n$1\r\n1\r\n"));
  server.stop();
});
