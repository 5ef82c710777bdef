import { assertEquals, assertRejects } from "@std/assert";
import { LinkError, PrimaryLink } from "../../../src/replication/link.ts";
import { latin1 } from "../../../src/util/bytes.ts";
import { encodeCommand } from "../../support/in_process.ts";
import { RecordedLog } from "../../support/recorded_log.ts";
import { ScriptedConnection, scriptedLink } from "../../support/scripted_link.ts";

const nobody = { user: "", password: "", port: 6380, ip: "" };
const encoded = (...words: string[]) => latin1(encodeCommand(...words));
const ID = "0123456789abcdef0123456789abcdef01234567";

/** A link that has been opened; what was said for that is forgotten. */
async function opened() {
  const script = scriptedLink();
  script.connection.arrive("+PONG\r\n", "+OK\r\n", "+OK\r\n");
  await script.link.open(nobody);
  script.connection.written = "";
  script.log.lines.length = 0;
  return script;
}

Deno.test("PrimaryLink introduces itself with its port and what it is able to", async () => {
  const { connection, log, link } = scriptedLink();
  connection.arrive("+PONG\r\n", "+OK\r\n", "+OK\r\n");
  await link.open(nobody);
  assertEquals(
    connection.written,
    encoded("PING") + encoded("REPLCONF", "listening-port", "6380") +
      encoded("REPLCONF", "capa", "eof", "capa", "psync2"),
  );
  assertEquals(log.lines, [
    "Non blocking connect for SYNC fired the event.",
    "Master replied to PING, replication can continue...",
  ]);
});

Deno.test("PrimaryLink tells password, user and address where it has some", async () => {
  for (const [user, words] of [["", ["AUTH", "secret"]], ["me", ["AUTH", "me", "secret"]]] as const) {
    const { connection, link } = scriptedLink();
    connection.arrive("-NOAUTH Authentication required.\r\n", "+OK\r\n", "+OK\r\n", "+OK\r\n", "+OK\r\n");
    await link.open({ user, password: "secret", port: 1, ip: "10.0.0.7" });
    assertEquals(
      connection.written,
      encoded("PING") + encoded(...words) + encoded("REPLCONF", "listening-port", "1") +
        encoded("REPLCONF", "ip-address", "10.0.0.7") + encoded("REPLCONF", "capa", "eof", "capa", "psync2"),
    );
  }
});

Deno.test("PrimaryLink goes on where the primary does not know REPLCONF, and says so", async () => {
  const { connection, log, link } = scriptedLink();
  connection.arrive("-NOPERM no PING for you\r\n", "-ERR unknown\r\n", "+OK\r\n");
  await link.open(nobody);
  assertEquals(
    log.lines.at(-1),
    "(Non critical) Master does not understand REPLCONF listening-port: -ERR unknown",
  );
});

const refusals: [replies: string[], error: string][] = [
  [["-LOADING data\r\n"], "Error reply to PING from master: '-LOADING data'"],
  [["+PONG\r\n", "-WRONGPASS no\r\n"], "Unable to AUTH to MASTER: -WRONGPASS no"],
];
for (const [replies, error] of refusals) {
  Deno.test(`PrimaryLink gives up: ${error}`, async () => {
    const { connection, link } = scriptedLink();
    connection.arrive(...replies);
    await assertRejects(() => link.open({ ...nobody, password: "p" }), LinkError, error);
  });
}

Deno.test("PrimaryLink says why it cannot connect, without the number of the error", async () => {
  const link = new PrimaryLink(
    () => Promise.reject(new Error("Connection refused (os error 111)")),
    new RecordedLog(),
    () => 0,
  );
  const error = await assertRejects(() => link.open(nobody), LinkError);
  assertEquals(error.message, "Error condition on socket for SYNC: Connection refused");
});

Deno.test("PrimaryLink closed while it connects closes the connection that comes", async () => {
  const { connection, link } = scriptedLink();
  const opening = link.open(nobody);
  link.close();
  await assertRejects(() => opening, LinkError, "The link to the master has been closed");
  assertEquals([connection.isClosed, connection.written], [true, ""]);
});

const answers: [reply: string, answer: unknown, log: string][] = [
  ["+CONTINUE", { kind: "continue", id: "" }, "Successful partial resynchronization with master."],
  [`+CONTINUE ${ID}`, { kind: "continue", id: ID }, "Successful partial resynchronization with master."],
  ["+CONTINUE short", { kind: "continue", id: "" }, "Successful partial resynchronization with master."],
  [`+FULLRESYNC ${ID} 0`, { kind: "full", id: ID, offset: 0 }, `Full resync from master: ${ID}:0`],
  [`+FULLRESYNC ${ID} 1234`, { kind: "full", id: ID, offset: 1234 }, `Full resync from master: ${ID}:1234`],
  [
    "-LOADING data",
    { kind: "later" },
    "Master is currently unable to PSYNC but should be in the future: -LOADING data",
  ],
  [
    "-NOMASTERLINK no",
    { kind: "later" },
    "Master is currently unable to PSYNC but should be in the future: -NOMASTERLINK no",
  ],
  [
    "-ERR unknown command",
    { kind: "unknown" },
    "Master does not support PSYNC or is in error state (reply: -ERR unknown command)",
  ],
  ["+WELL", { kind: "unknown" }, "Unexpected reply to PSYNC from master: +WELL"],
];
for (const [reply, answer, line] of answers) {
  Deno.test(`PrimaryLink understands ${reply.slice(0, 20)} as an answer to PSYNC`, async () => {
    const { connection, link, log } = await opened();
    connection.arrive(`${reply}\r\n`);
    assertEquals(await link.synchronize(ID, 77, false), answer as never);
    assertEquals([connection.written, log.lines], [encoded("PSYNC", ID, "77"), [line]]);
  });
}

Deno.test("PrimaryLink waits through line feeds for the answer, and says FAILOVER where it takes over", async () => {
  const { connection, link } = await opened();
  connection.arrive("\n", "\n\n", "+CONTINUE\r\nrest");
  assertEquals((await link.synchronize("?", -1, true)).kind, "continue");
  assertEquals(connection.written, encoded("PSYNC", "?", "-1", "FAILOVER"));
  assertEquals(latin1(await link.read()), "rest");
});

for (const reply of [`+FULLRESYNC ${ID.slice(1)} 5`, `+FULLRESYNC ${ID} x`, `+FULLRESYNC ${ID}`]) {
  Deno.test(`PrimaryLink refuses "${reply.slice(0, 18)}…" of wrong syntax, ${reply.length} characters`, async () => {
    const { connection, link } = await opened();
    connection.arrive(`${reply}\r\n`);
    const message = "Master replied with wrong +FULLRESYNC syntax.";
    await assertRejects(() => link.synchronize("?", -1, false), LinkError, message);
  });
}

Deno.test("PrimaryLink reads lines over the borders of reads and keeps what is behind them", async () => {
  const { connection, link } = await opened();
  connection.arrive("one\r", "\ntwo\nth", "", "ree\r\n", "tail");
  assertEquals([await link.line(), await link.line(), await link.line()], ["one", "two", "three"]);
  assertEquals(latin1(await link.read()), "tail");
  link.putBack(new Uint8Array([65]));
  assertEquals([latin1(await link.read()), link.receivedBytes], ["A", 17 + 20]);
});

Deno.test("PrimaryLink takes a line of 1024 bytes without end, and no longer one", async () => {
  const { connection, link } = await opened();
  connection.arrive("x".repeat(1024), "\r\n", "x".repeat(1025));
  assertEquals((await link.line()).length, 1024);
  await assertRejects(() => link.line(), LinkError, "Master sends a line without end");
});

Deno.test("PrimaryLink reads up to 256 KB at once and counts what it reads", async () => {
  const { connection, link, clock } = await opened();
  const before = link.receivedBytes;
  connection.arrive("x".repeat(262_144));
  clock.ms = 5000;
  assertEquals([(await link.read()).length, link.movedAtMs], [262_144, 5000]);
  assertEquals(link.receivedBytes - before, 262_144);
});

Deno.test("PrimaryLink remembers when it was made and when it connected", async () => {
  const { connection, link, clock } = scriptedLink();
  assertEquals(link.movedAtMs, 1000);
  clock.ms = 2000;
  connection.arrive(new Error("Broken pipe (os error 32)"));
  await assertRejects(
    () => link.open(nobody),
    LinkError,
    "I/O error trying to sync with MASTER: Broken pipe",
  );
  assertEquals(link.movedAtMs, 2000);
});

Deno.test("PrimaryLink sends all of what is sent, in order, however little a write takes", async () => {
  const { connection, link } = await opened();
  connection.largestWrite = 3;
  link.send("REPLCONF", "ACK", "12345");
  link.sendBytes(new Uint8Array([0x0a]));
  connection.arrive("+OK\r\n");
  while (!connection.written.endsWith("\r\n\n")) await Promise.resolve();
  assertEquals(connection.written, `${encoded("REPLCONF", "ACK", "12345")}\n`);
  assertEquals(await link.line(), "+OK");
});

Deno.test("PrimaryLink that cannot write is closed, and writes nothing more", async () => {
  const { connection, link } = await opened();
  connection.writeError = new Error("gone");
  link.send("PING");
  while (!link.isClosed) await Promise.resolve();
  connection.writeError = undefined;
  link.send("PING");
  await assertRejects(() => link.read(), LinkError, "The link to the master has been closed");
  assertEquals([connection.isClosed, connection.written], [true, ""]);
});

Deno.test("PrimaryLink tells the end of the connection from its own end", async () => {
  const { connection, link } = await opened();
  connection.arrive(null);
  await assertRejects(() => link.read(), LinkError, "connection lost");
  const other = await opened(), reading = other.link.read();
  other.link.close();
  other.link.close();
  await assertRejects(() => reading, LinkError, "The link to the master has been closed");
  const third = await opened(), failing = third.link.read();
  third.link.isClosed = true;
  third.connection.arrive(new Error("late"));
  await assertRejects(() => failing, LinkError, "The link to the master has been closed");
});

Deno.test("a connection that has ended already may be closed", async () => {
  const connection = new ScriptedConnection();
  connection.close = () => {
    throw new Error("closed already");
  };
  const link = new PrimaryLink(() => Promise.resolve(connection), new RecordedLog(), () => 0);
  connection.arrive("-no\r\n");
  await assertRejects(() => link.open(nobody), LinkError);
  link.close();
  assertEquals(link.isClosed, true);
});
