import { assertEquals, assertThrows } from "@std/assert";
import { defaultLimits } from "../../../../src/data/limits.ts";
import { SetValue } from "../../../../src/data/set.ts";
import type { CollectionValue } from "../../../../src/data/value.ts";
import { Database, NO_EXPIRY } from "../../../../src/keyspace/database.ts";
import { Key } from "../../../../src/keyspace/key.ts";
import { Slice } from "../../../../src/keyspace/slice.ts";
import { readJsonSnapshot } from "../../../../src/persistence/json/json_input.ts";
import { JsonWriter } from "../../../../src/persistence/json/json_output.ts";
import { JsonSnapshotError } from "../../../../src/persistence/json/json_source.ts";
import { jsonText } from "../../../../src/persistence/json/json_text.ts";
import { Snapshot } from "../../../../src/persistence/snapshot/snapshot.ts";
import { Random } from "../../../../src/util/random.ts";
import { plainForm, randomValue, sliceOf, VALUE_KINDS } from "../../../support/values.ts";

const limits = defaultLimits();
const encode = (text: string) => new TextEncoder().encode(text);

/** All keys as a snapshot. */
function snapshotOf(databases: Database[], libraries: string[] = []): string {
  let text = "";
  const sink = { write: (bytes: Uint8Array) => void (text += new TextDecoder().decode(bytes)) };
  new Snapshot(databases, new JsonWriter(libraries, 1.7e12), sink).step(() => false);
  return text;
}

/** The keys of a snapshot in plain form. */
function read(text: string): { keys: Map<string, unknown>; libraries: string[]; count: number } {
  const keys = new Map<string, unknown>(), libraries: string[] = [];
  const count = readJsonSnapshot(encode(text), limits, {
    library: (code) => void libraries.push(code),
    key: (id, key, value: string | CollectionValue, expiresAtMs) =>
      void keys.set(`${id} ${key}`, [
        plainForm(typeof value === "string" ? sliceOf(value) : value),
        expiresAtMs,
      ]),
  });
  return { keys, libraries, count };
}

Deno.test("JsonWriter and readJsonSnapshot give back every type, as written and laid out anew", () => {
  for (let seed = 1; seed <= 26; seed++) {
    const random = new Random(seed), databases = [new Database(limits), new Database(limits)];
    const expected = new Map<string, unknown>();
    for (let i = 0; i < 5; i++) {
      const value = randomValue(random, (seed + i) % VALUE_KINDS, limits), id = i % 2;
      const key = Key.of(String.fromCharCode(...Array.from({ length: i + 1 }, () => random.below(256))) + i);
      const options = { expiresAtMs: i === 3 ? 4e12 : NO_EXPIRY, clock: 0 };
      if (value instanceof Slice) {
        databases[id]!.setString(key, 0, value.buf, value.start, value.end, options);
      } else databases[id]!.setCollection(key, 0, value, options);
      expected.set(`${id} ${key.text}`, [plainForm(value), i === 3 ? 4e12 : -1]);
    }
    const text = snapshotOf(databases, ["#!lua name=x\n"]);
    for (const form of [text, JSON.stringify(JSON.parse(text), null, 2), JSON.stringify(JSON.parse(text))]) {
      const { keys, libraries, count } = read(form);
      assertEquals([libraries, count], [["#!lua name=x\n"], 5]);
      for (const [name, value] of expected) assertEquals(keys.get(name), value, `seed ${seed}, ${name}`);
    }
  }
});

Deno.test("JsonWriter writes one key a line that a person can read", () => {
  const database = new Database(limits);
  assertEquals(JSON.parse(snapshotOf([database])).keys, []);
  const set = new SetValue(limits);
  set.add("b\xc3\xa9"); // é in UTF-8
  database.setCollection(Key.of("s"), 0, set, { expiresAtMs: 5, clock: 0 });
  assertEquals(snapshotOf([database]).split("\n"), [
    '{"format":"redeno-snapshot","version":1,"createdAt":"2023-11-14T22:13:20.000Z","libraries":[],"keys":[',
    '{"database":0,"key":"s","expiresAtMs":5,"type":"set","value":["bé"]}',
    "]}",
    "",
  ]);
});

Deno.test("jsonText is base64 for what is no UTF-8, a byte order mark kept", () => {
  assertEquals(jsonText("plain"), "plain");
  assertEquals(jsonText("\xff\x00"), { base64: "/wA=" });
  assertEquals(jsonText("\xef\xbb\xbfx"), "\ufeffx");
});

Deno.test("readJsonSnapshot says what is wrong and where", () => {
  const head = '{"format":"redeno-snapshot","version":1,"createdAt":"","libraries":[],"keys":[\n';
  const cases: [string, string][] = [
    ["", "no JSON in the file"],
    ["[]", "no object in its head"],
    ['{"format":"other"}', '"format"'],
    ['{"format":"redeno-snapshot","version":2}', "version"],
    [head, "ends too early, in line 2"],
    [head + "{}\n]}\n", "in line 2"],
    [head + "{\n]}\n", "no JSON in line 2"],
    [head + '{"database":0,"key":"k","type":"string","value":5}\n]}\n', "line 2"],
    [head + '{"database":0,"key":{"base64":"*"},"type":"string","value":""}\n]}\n', "base64"],
    [head + '{"database":0,"key":"k","type":"set","value":["a","a"]}\n]}\n', "a member twice"],
    [head + '{"database":0,"key":"k","type":"list","value":[]}\n]}\n', "an empty value"],
    [head + '{"database":-1,"key":"k","type":"list","value":["a"]}\n]}\n', "no count"],
    [head + '{"database":0,"key":"k","type":"zset","value":[["a","x"]]}\n]}\n', "score"],
    [head + '{"database":0,"key":"k","type":"tree","value":[]}\n]}\n', "type"],
    [head + '{"database":0,"key":"k","type":"stream","value":{"entries":[["1-1",["f"]]]}}\n]}\n', "pairs"],
  ];
  for (const [text, message] of cases) {
    assertThrows(() => read(text), JsonSnapshotError, message, text);
  }
});
