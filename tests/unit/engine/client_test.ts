import { assertEquals } from "@std/assert";
import { Client, ClientFlag, silentTransport } from "../../../src/engine/client.ts";
import { startInProcess } from "../../support/in_process.ts";

function newClient(): Client {
  return new Client(startInProcess().engine.databases[0]!, 0, silentTransport, 1234);
}

Deno.test("a new Client may do everything, holds nothing and has done nothing", () => {
  const client = newClient();
  const { flags, guards, queueBytes, memoryBytes, writeOffset, createdAtMs, lastInteractionMs } = client;
  assertEquals({ flags, guards, queueBytes, memoryBytes, writeOffset, createdAtMs, lastInteractionMs }, {
    flags: 0,
    guards: 0,
    queueBytes: 0,
    memoryBytes: 0,
    writeOffset: 0,
    createdAtMs: 1234,
    lastInteractionMs: 1234,
  });
  assertEquals([client.authenticated, client.inOutbox, client.closed, client.userName], [
    false,
    false,
    false,
    "(superuser)",
  ]);
  assertEquals(newClient().id, client.id + 1);
});

Deno.test("Client sets and clears its flags one by one", () => {
  const client = newClient();
  client.set(ClientFlag.Multi);
  client.set(ClientFlag.NoTouch);
  assertEquals(
    [client.has(ClientFlag.Multi), client.has(ClientFlag.NoTouch), client.has(ClientFlag.Monitor)],
    [
      true,
      true,
      false,
    ],
  );
  client.unset(ClientFlag.Multi);
  assertEquals([client.has(ClientFlag.Multi), client.has(ClientFlag.NoTouch)], [false, true]);
});

Deno.test("Client is silenced by CLIENT REPLY OFF and for the command behind SKIP, not by SKIP itself", () => {
  const silenced = (flag: number) => {
    const client = newClient();
    client.set(flag);
    return client.isSilenced;
  };
  const { ReplyOff, ReplySkip, ReplySkipNext } = ClientFlag;
  assertEquals([silenced(ReplyOff), silenced(ReplySkip), silenced(ReplySkipNext), silenced(0)], [
    true,
    true,
    false,
    false,
  ]);
});

Deno.test("the silent transport takes everything and holds nothing", () => {
  const { outputBytes, queryBytes, queryCapacity, address, localAddress } = silentTransport;
  assertEquals([outputBytes, queryBytes, queryCapacity, address, localAddress], [0, 0, 0, "", ""]);
});
