import { assertEquals } from "@std/assert";
import { type RdbPieces, Replica } from "../../../src/replication/replica.ts";
import { ReplicationStream } from "../../../src/replication/stream.ts";
import { bytesOf, latin1 } from "../../../src/util/bytes.ts";
import { startInProcess } from "../../support/in_process.ts";

/** A replica of a stream that has come to position 100, and what it would be sent next. */
function start() {
  const client = startInProcess().client().client, stream = new ReplicationStream(), received: string[] = [];
  stream.begin(100);
  const replica = new Replica(client, stream, () => received.push("file"));
  const sent = () => {
    replica.refill();
    return latin1(client.reply.take());
  };
  const append = (text: string) => stream.append(bytesOf(text), 0, text.length, 1 << 20);
  return { client, stream, replica, sent, append, received };
}

/** A file of the pieces given, "" for one that is not there yet. */
function fileOf(...pieces: string[]): RdbPieces & { isClosed: boolean } {
  return {
    isClosed: false,
    next: () => {
      const piece = pieces.shift();
      return piece === undefined ? null : bytesOf(piece);
    },
    close() {
      this.isClosed = true;
    },
  };
}

Deno.test("a new Replica has said nothing and follows nothing", () => {
  const { replica, sent, append } = start();
  append("stream");
  const { state, port, ackedOffset, syncedOffset, ackedAtMs, position, syncedFrom, sentBytes } = replica;
  assertEquals(
    { state, port, ackedOffset, syncedOffset, ackedAtMs, position, syncedFrom, sentBytes },
    {
      state: "waiting",
      port: 0,
      ackedOffset: 0,
      syncedOffset: -1,
      ackedAtMs: 0,
      position: -1,
      syncedFrom: 0,
      sentBytes: 0,
    },
  );
  assertEquals([replica.askedAtMs, replica.movedAtMs, replica.pendingBytes, sent()], [0, 0, 0, ""]);
  const { takesEof, takesNewIds, isRdbOnly, isSilent, withoutKeys, withoutLibraries, waitsForAck } = replica;
  assertEquals(
    [takesEof, takesNewIds, isRdbOnly, isSilent, withoutKeys, withoutLibraries, waitsForAck],
    Array(7).fill(false),
  );
});

Deno.test("Replica is called by the address it announces, or the one it comes from", () => {
  const { replica } = start();
  assertEquals([replica.ip, replica.name], ["127.0.0.1", "127.0.0.1:<unknown-replica-port>"]);
  replica.port = 1;
  assertEquals(replica.name, "127.0.0.1:1");
  replica.announcedIp = "replica.example";
  assertEquals(replica.name, "replica.example:1");
});

Deno.test("Replica tells its state as INFO shows it", () => {
  const { replica } = start();
  const texts = (["waiting", "saving", "receiving", "online", "done"] as const).map((state) => {
    replica.state = state;
    return replica.stateText;
  });
  assertEquals(texts, ["wait_bgsave", "wait_bgsave", "send_bulk", "online", "rdb_transmitted"]);
});

Deno.test("Replica is sent lines, then the file, then the stream from its position on", () => {
  const { replica, sent, append, received } = start(), file = fileOf("one", "", "two");
  append("abc");
  replica.position = 101;
  replica.sendLine("+LINE\r\n");
  replica.sendFile(file);
  replica.state = "receiving";
  assertEquals([replica.pendingBytes, sent()], [2, "+LINE\r\none"]);
  assertEquals([sent(), sent(), file.isClosed, received], ["", "two", false, []]);
  assertEquals([sent(), file.isClosed, received], ["", true, ["file"]]);
  replica.state = "online";
  assertEquals([sent(), replica.position, replica.pendingBytes, sent()], ["bc", 103, 0, ""]);
  append("d");
  assertEquals([sent(), replica.sentBytes], ["d", 16]);
});

Deno.test("Replica that must acknowledge its file first is sent nothing of the stream before", () => {
  const { replica, sent, append } = start();
  append("abc");
  replica.position = 100;
  replica.state = "online";
  replica.waitsForAck = true;
  assertEquals(sent(), "");
  replica.waitsForAck = false;
  assertEquals(sent(), "abc");
});

Deno.test("Replica is handed 256 KB of the stream at once", () => {
  const { replica, sent, append } = start();
  append("x".repeat(300_000));
  replica.position = 100;
  replica.state = "online";
  assertEquals([sent().length, replica.pendingBytes, sent().length], [262_144, 37_856, 37_856]);
});

Deno.test("Replica is told that its primary is alive, unless it is sent a line anyway", () => {
  const { replica, sent } = start();
  replica.keepAlive();
  replica.keepAlive();
  assertEquals(sent(), "\n");
  replica.sendLine("+LINE\r\n");
  replica.keepAlive();
  assertEquals(sent(), "+LINE\r\n");
});

Deno.test("Replica lets go of a file that it is not sent to its end", () => {
  const { replica, sent } = start(), file = fileOf("one", "two");
  replica.dropFile();
  replica.sendFile(file);
  assertEquals(sent(), "one");
  replica.dropFile();
  assertEquals([file.isClosed, sent()], [true, ""]);
});
