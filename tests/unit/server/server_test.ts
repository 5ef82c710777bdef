import { assertEquals, assertMatch } from "@std/assert";
import type { Socket } from "../../../src/server/connection.ts";
import { Server } from "../../../src/server/server.ts";
import { latin1 } from "../../../src/util/bytes.ts";
import { startInProcess } from "../../support/in_process.ts";

/** A socket whose peer sends nothing and reads everything. */
class QuietSocket implements Socket {
  received = "";
  readonly closed = Promise.withResolvers<void>();

  async read(): Promise<null> {
    await this.closed.promise;
    return null;
  }

  write(bytes: Uint8Array): Promise<number> {
    this.received += latin1(bytes);
    return Promise.resolve(bytes.length);
  }

  close(): void {
    this.closed.resolve();
  }
}

function accept(server: Server, address: string, isUnixSocket = false): QuietSocket {
  const socket = new QuietSocket();
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
