/**
 * A value type that src/ knows nothing of: a tally, words with how often each was counted. It takes a class and a codec, and
 * goes everywhere a value goes.
 */
import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { datasetDigest } from "../../../../src/commands/server/digest.ts";
import type { DataLimits } from "../../../../src/data/limits.ts";
import { COUNT_BYTES, packEntries, packText, unpackEntries } from "../../../../src/data/packed.ts";
import { CollectionValue, defineValueType, LARGEST_TYPE } from "../../../../src/data/value.ts";
import { NO_EXPIRY } from "../../../../src/keyspace/database.ts";
import { Key } from "../../../../src/keyspace/key.ts";
import { CommandWriter } from "../../../../src/persistence/aof/command_writer.ts";
import { writeArray } from "../../../../src/persistence/json/json_text.ts";
import { Snapshot } from "../../../../src/persistence/snapshot/snapshot.ts";
import type { ValueCodec } from "../../../../src/persistence/values/codec.ts";
import { listCodec } from "../../../../src/persistence/values/list_codec.ts";
import { enterCodec, rdbTypeName } from "../../../../src/persistence/values/table.ts";
import { ReplyFailure, ReplyValues } from "../../../../src/protocol/reply_values.ts";
import { latin1 } from "../../../../src/util/bytes.ts";
import { StoreServer } from "../../../support/data_store.ts";
import { InProcessServer, PENDING } from "../../../support/in_process.ts";

/** The last number that a record has room for. */
const TALLY = LARGEST_TYPE, RDB_TALLY = 200;
/** Larger tallies are objects beside their key's record. */
const FEW_WORDS = 4;

class TallyValue extends CollectionValue {
  static {
    defineValueType(TALLY, {
      name: "tally",
      unpack: (_limits: DataLimits, bytes, start, end) => {
        const texts = unpackEntries(latin1(bytes, start + COUNT_BYTES, end)), tally = new TallyValue();
        for (let i = 0; i < texts.length; i += 2) tally.count(texts[i]!, Number(texts[i + 1]));
        return tally;
      },
    });
  }

  readonly type = TALLY;
  readonly words = new Map<string, number>();

  static of(counts: Record<string, number>): TallyValue {
    const tally = new TallyValue();
    for (const [word, times] of Object.entries(counts)) tally.count(word, times);
    return tally;
  }

  count(word: string, times: number): void {
    this.words.set(word, (this.words.get(word) ?? 0) + times);
  }

  get size(): number {
    return this.words.size;
  }

  get encoding(): string {
    return this.size > FEW_WORDS ? "map" : "packed";
  }

  get memoryBytes(): number {
    return 100 * this.size;
  }

  #packed(): string {
    return packEntries([...this.words].flatMap(([word, times]) => [word, String(times)]));
  }

  override get packedBytes(): number {
    return this.size > FEW_WORDS ? -1 : COUNT_BYTES + this.#packed().length;
  }

  override packInto(bytes: Uint8Array, at: number): void {
    packText(bytes, at, this.size, this.#packed());
  }

  copy(): TallyValue {
    return TallyValue.of(Object.fromEntries(this.words));
  }
}

const tallyCodec: ValueCodec<TallyValue> = {
  type: TALLY,
  digestNumber: 9,
  rdbTypes: { [RDB_TALLY]: "tally" },
  mayBeEmpty: false,
  rdbTypeOf: () => RDB_TALLY,
  *save(out, { words }) {
    out.count(words.size);
    for (const [word, times] of words) {
      out.string(word);
      out.count(times);
      yield;
    }
  },
  load(source) {
    const tally = new TallyValue();
    for (let left = source.input.count(); left > 0; left--) tally.count(source.text(), source.input.count());
    return tally;
  },
  *rewrite(out, key, { words }) {
    for (const [word, times] of words) {
      out.command("TALLY.COUNT", key, word, String(times));
      yield;
    }
  },
  show: (out, { words }) => writeArray(out, words),
  parse(source, shown) {
    const tally = new TallyValue();
    for (const item of source.array(shown)) {
      const [word, times] = source.array(item);
      tally.count(source.text(word), source.count(times));
    }
    return tally;
  },
  digest(digest, { words }) {
    for (const [word, times] of words) digest.addPair(word, String(times));
  },
};

enterCodec(tallyCodec);

/** A tally that fits into its key's record, and one that does not. */
const tallies: Readonly<Record<string, TallyValue>> = {
  few: TallyValue.of({ one: 1, two: 2 }),
  many: TallyValue.of(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`word ${i}`, i + 1]))),
};

/** Puts the tallies at the keys `few` and `many`. */
function fill({ engine }: InProcessServer): void {
  for (const [name, tally] of Object.entries(tallies)) {
    engine.databases[0]!.setCollection(Key.of(name), 0, tally.copy(), { expiresAtMs: NO_EXPIRY, clock: 0 });
  }
}

/** The words of the tally at a key. */
function wordsAt({ engine }: InProcessServer, name: string, databaseId = 0): unknown {
  const database = engine.databases[databaseId]!, ref = database.find(Key.of(name));
  if (ref === 0) return undefined;
  const value = database.collectionOf(ref);
  return value instanceof TallyValue ? value.words : value;
}

/** Fails unless both tallies are there as they were. */
function assertTallies(server: InProcessServer, databaseId = 0): void {
  for (const [name, { words }] of Object.entries(tallies)) {
    assertEquals(wordsAt(server, name, databaseId), words, name);
  }
}

Deno.test("a new type goes through commands on keys of any type", () => {
  using server = new InProcessServer({});
  fill(server);
  const c = server.client();
  assertEquals(["few", "many", "none"].map((key) => c.send("TYPE", key)), ["tally", "tally", "none"]);
  assertEquals(c.send("OBJECT", "ENCODING", "few"), "packed");
  assertEquals(c.send("OBJECT", "ENCODING", "many"), "map");
  c.send("SET", "text", "value");
  const [, found] = c.send("SCAN", "0", "TYPE", "tally") as [string, string[]];
  assertEquals(found.sort(), ["few", "many"]);
  assertEquals(c.send("COPY", "few", "few", "DB", "1"), 1);
  assertEquals(c.send("COPY", "many", "many", "DB", "1"), 1);
  assertTallies(server, 1);
  assertEquals(c.send("RENAME", "few", "renamed"), "OK");
  assertEquals(wordsAt(server, "renamed"), tallies["few"]!.words);
  assertEquals(c.send("MOVE", "many", "2"), 1);
  assertEquals(wordsAt(server, "many", 2), tallies["many"]!.words);
  assertEquals(c.send("PEXPIREAT", "renamed", "4000000000000"), 1);
  assertEquals(wordsAt(server, "renamed"), tallies["few"]!.words);
  for (const command of ["GET", "SORT", "LLEN", "SMEMBERS", "XLEN"]) {
    const reply = c.send(command, "renamed");
    assert(reply instanceof ReplyFailure && reply.message.startsWith("WRONGTYPE"), command);
  }
  assertEquals(c.send("DEL", "renamed"), 1);
});

Deno.test("a new type is measured by its class", () => {
  using server = new InProcessServer({});
  fill(server);
  const c = server.client(), few = Number(c.send("MEMORY", "USAGE", "few"));
  const many = Number(c.send("MEMORY", "USAGE", "many"));
  assert(few > 20 && few < 200, `${few}`);
  assertEquals(many - many % 100, 100 * 500);
});

Deno.test("records of the largest type number are moved as any when the arena is compacted", () => {
  using server = new InProcessServer({});
  const database = server.engine.databases[0]!, options = { expiresAtMs: NO_EXPIRY, clock: 0 };
  const nameOf = (i: number) => Key.of(`key ${i} `.padEnd(100, "."));
  for (let i = 0; i < 20_000; i++) {
    database.setCollection(nameOf(i), 0, TallyValue.of({ [`word ${i}`]: i }), options);
  }
  const full = database.memoryBytes;
  for (let i = 0; i < 20_000; i++) if (i % 10 > 0) database.delete(database.find(nameOf(i)));
  while (database.compact(1000));
  assert(database.fragmentedBytes < full / 4, `${database.fragmentedBytes} of ${full}`);
  for (let i = 0; i < 20_000; i += 10) {
    assertEquals(wordsAt(server, nameOf(i).text), new Map([[`word ${i}`, i]]));
  }
});

Deno.test("a new type goes through DUMP, RESTORE and DEBUG", () => {
  using server = new InProcessServer({ lines: ["enable-debug-command yes"] });
  fill(server);
  const c = server.client();
  for (const [name, { words }] of Object.entries(tallies)) {
    const payload = String(c.send("DUMP", name));
    assertEquals(payload.charCodeAt(0), RDB_TALLY);
    assertEquals(c.send("RESTORE", `${name} again`, "0", payload), "OK");
    assertEquals(wordsAt(server, `${name} again`), words);
    const [digest, again] = c.send("DEBUG", "DIGEST-VALUE", name, `${name} again`) as string[];
    assertEquals(digest, again);
    assertNotEquals(digest, "0".repeat(40));
    assertMatch(String(c.send("DEBUG", "OBJECT", name)), /serializedlength:\d+/);
  }
  const [few, many] = c.send("DEBUG", "DIGEST-VALUE", "few", "many") as string[];
  assertNotEquals(few, many);
  assertEquals(rdbTypeName(RDB_TALLY), "tally");
});

Deno.test("a new type is saved and loaded", async () => {
  const server = await StoreServer.start();
  fill(server);
  const c = server.client();
  assertEquals(c.send("SAVE"), "OK");
  const digest = datasetDigest(server.engine.databases);
  c.send("FLUSHALL");
  const next = await StoreServer.start(server.disk);
  assertTallies(next);
  assertEquals(datasetDigest(next.engine.databases), digest);
});

Deno.test("a new type is shown in a readable snapshot, and read from it", async () => {
  const server = await StoreServer.start();
  fill(server);
  const c = server.client();
  assertEquals(c.send("SNAPSHOT"), PENDING);
  await server.finishJobs();
  assertEquals(c.received(), ["OK"]);
  c.send("FLUSHALL");
  assertEquals(wordsAt(server, "few"), undefined);
  assertEquals(c.send("SNAPSHOT", "LOAD", "snapshot.json"), 2);
  assertTallies(server);
});

Deno.test("a new type is rewritten as its commands", () => {
  using server = new InProcessServer({});
  fill(server);
  let text = "";
  const sink = { write: (bytes: Uint8Array) => void (text += latin1(bytes, 0, bytes.length)) };
  new Snapshot(server.engine.databases, new CommandWriter([], null), sink).step(() => false);
  const words = { few: new Map<string, number>(), many: new Map<string, number>() };
  for (const values = new ReplyValues(text); values.more;) {
    const [command, key, word, times] = values.next() as string[];
    if (command === "SELECT") continue;
    assertEquals(command, "TALLY.COUNT");
    words[key as "few" | "many"].set(word!, Number(times));
  }
  assertEquals(words, { few: tallies["few"]!.words, many: tallies["many"]!.words });
});

Deno.test("a number that is taken cannot be entered again", () => {
  assertThrows(() => enterCodec(tallyCodec), TypeError, "two codecs");
  assertThrows(() => enterCodec({ ...listCodec, type: 7 }), TypeError, "two codecs");
  assertThrows(() => defineValueType(TALLY, { name: "other" }), TypeError, "defined twice");
  for (const number of [LARGEST_TYPE + 1, -1]) {
    assertThrows(() => defineValueType(number, { name: "other" }), TypeError, "no room");
  }
});
