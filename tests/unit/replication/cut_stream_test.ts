import { assert, assertEquals } from "@std/assert";
import { ReplyWriter } from "../../../src/protocol/reply_writer.ts";
import { Replication } from "../../../src/replication/replication.ts";
import { RecordedReplica, unitEnds } from "../../support/cut_stream.ts";
import { StoreServer } from "../../support/data_store.ts";
import { encodeCommand } from "../../support/in_process.ts";
import { units } from "../../support/units.ts";

function encoded(commands: string[][]): Uint8Array {
  const writer = new ReplyWriter();
  for (const words of commands) writer.raw(encodeCommand(...words));
  return writer.take();
}

/** What a Redeno sends its replicas when clients do what is in `units`. */
async function recorded(): Promise<Uint8Array> {
  const server = await StoreServer.start(), { primary } = Replication.of(server.engine);
  primary.openStream(0);
  const clients = [server.client(), server.client()] as const;
  for (const { by, words, afterMs } of units) {
    if (afterMs !== undefined) server.advance(afterMs);
    clients[by ?? 0].send(...words);
  }
  primary.askReplicas();
  server.advance(60_000);
  server.expireCycle();
  const writer = new ReplyWriter();
  primary.stream.copyTo(writer, 0, Infinity);
  return writer.take();
}

/** Cuts a stream behind each byte; pieces of different size, so that MULTI comes first, last and between. */
async function cutEverywhere(stream: Uint8Array): Promise<string[]> {
  const replica = await RecordedReplica.start(stream), places = await replica.places(), faults: string[] = [];
  for (let cut = 0; cut <= stream.length; cut++) {
    faults.push(await replica.cutAt(cut, [Infinity, 1, 97, 11][cut % 4]!, places));
  }
  return faults.filter((fault) => fault !== "");
}

Deno.test("a link that breaks inside a transaction: what came before its MULTI is not run again", async () => {
  const stream = encoded([
    ["SELECT", "3"],
    ["INCR", "n"],
    ["RPUSH", "l", "x"],
    ["MULTI"],
    ["SET", "a", "1"],
    ["SELECT", "4"],
    ["INCR", "n"],
    ["EXEC"],
    ["INCR", "n"],
    ["MULTI"],
    ["INCR", "n"],
    ["EXEC"],
    ["multi"],
    ["SELECT", "3"],
    ["RPUSH", "l", "y"],
    ["exec"],
  ]);
  for (const piece of [Infinity, 1, 61, 64]) {
    const replica = await RecordedReplica.start(stream), places = await replica.places();
    for (const cut of stream.keys()) {
      assertEquals(await replica.cutAt(cut, piece, places), "", `pieces of ${piece}`);
    }
  }
});

Deno.test("a link that breaks around a function library: it is loaded once", async () => {
  const code = "#!lua name=lib\nredis.register_function('f', function(k) redis.call('INCR', k[1]) end)";
  const stream = encoded([["MULTI"], ["FUNCTION", "LOAD", code], ["INCR", "n"], ["EXEC"], ["INCR", "n"]]);
  const replica = await RecordedReplica.start(stream), places = await replica.places();
  for (let cut = 0; cut <= stream.length; cut += 9) {
    assertEquals(await replica.cutAt(cut, Infinity, places), "");
  }
});

Deno.test("a stream of all kinds of units, cut behind each byte, makes the same replica", async () => {
  const stream = await recorded();
  assert(unitEnds(stream).length > 40);
  assertEquals(await cutEverywhere(stream), []);
});
