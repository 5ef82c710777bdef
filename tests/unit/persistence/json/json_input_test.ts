import { assertEquals, assertThrows } from "@std/assert";
import { defaultLimits } from "../../../../src/data/limits.ts";
import type { CollectionValue } from "../../../../src/data/value.ts";
import { readJsonSnapshot } from "../../../../src/persistence/json/json_input.ts";
import { JsonSnapshotError } from "../../../../src/persistence/json/json_source.ts";
import type { Moment } from "../../../../src/keyspace/database.ts";
import { plainForm, sliceOf } from "../../../support/values.ts";

const HEAD = '{"format":"redeno-snapshot","version":1,"libraries":[],"keys":[\n';

type Found = [databaseId: number, key: string, value: unknown, expiresAtMs: Moment];

/** What a file holds. */
function read(text: string | Uint8Array): Found[] {
  const found: Found[] = [], bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const count = readJsonSnapshot(bytes, defaultLimits(), {
    library: () => {},
    key: (id, key, value: string | CollectionValue, expiresAtMs) => {
      found.push([id, key, plainForm(typeof value === "string" ? sliceOf(value) : value), expiresAtMs]);
    },
  });
  assertEquals(count, found.length);
  return found;
}

/** A key with these fields beside its database and name. */
const keyOf = (fields: object) => HEAD + JSON.stringify({ database: 0, key: "k", ...fields }) + "\n]}\n";
const valueOf = (type: string, value: unknown) => read(keyOf({ type, value }))[0]![2];
const refused = (text: string, message: string) => assertThrows(() => read(text), JsonSnapshotError, message);

Deno.test("readJsonSnapshot reads line by line, with and without the last line feed", () => {
  const key = (name: string) => `{"database":0,"key":"${name}","type":"string","value":"v"}`;
  for (const end of ["]}", "]}\n", "]}\r\n", "  ]}  \n\n"]) {
    const ended = end.trimStart();
    assertEquals(read(`${HEAD}${key("a")},\n${key("b")}\n${ended}`).map(([, name]) => name), ["a", "b"], end);
  }
  assertEquals(read(`${HEAD}]}\n`), []);
  refused(`${HEAD}${key("a")}`, "ends too early, in line 2");
  refused(`${HEAD}${key("a")},\n${key("b")}`, "ends too early, in line 3");
  refused(`${HEAD}${key("a")}\n${key("b").replace('"v"', "5")}\n]}`, "in line 3");
});

Deno.test("readJsonSnapshot reads a file laid out anew, and numbers its keys", () => {
  const keys = [{ database: 3, key: "a", type: "string", value: "v" }, { database: 0, key: "b" }];
  const text = (count: number) =>
    JSON.stringify({ format: "redeno-snapshot", version: 1, keys: keys.slice(0, count) }, null, 1);
  assertEquals(read(text(1)).map(([id, key]) => [id, key]), [[3, "a"]]);
  refused(text(2), "in key 2");
  assertEquals(read(JSON.stringify({ format: "redeno-snapshot", version: 1, keys: [] })), []);
});

Deno.test("readJsonSnapshot says between which bytes a file is not UTF-8", () => {
  const bytes = new TextEncoder().encode(`${HEAD}"xx"\n]}\n`), at = HEAD.length;
  bytes[at + 1] = 0xff;
  const message = `The snapshot is not UTF-8 between bytes ${at} and ${at + 4}`;
  assertThrows(() => read(bytes), JsonSnapshotError, message);
});

Deno.test("readJsonSnapshot reads a key's time to live as a number or as digits", () => {
  const time = (expiresAtMs: unknown) => read(keyOf({ type: "string", value: "", expiresAtMs }))[0]![3];
  assertEquals([time(undefined), time(0), time(1.7e12), time("5")], [-1, 0, 1.7e12, 5]);
  assertEquals(time("9223372036854775807"), 9223372036854775807n);
  for (const wrong of [-1, 1.5, "x", "-5", null, true, 2 ** 53]) {
    refused(keyOf({ type: "string", value: "", expiresAtMs: wrong }), "a number that is no count in line 2");
  }
});

Deno.test("readJsonSnapshot wants whole numbers from 0 on for databases", () => {
  assertEquals(read(keyOf({ type: "string", value: "", database: 7 }))[0]![0], 7);
  for (const database of [-1, 0.5, "0", null]) {
    refused(keyOf({ type: "string", value: "", database }), "a number that is no count");
  }
});

Deno.test("readJsonSnapshot refuses values that are empty, but for streams and strings", () => {
  for (const type of ["list", "set", "zset", "hash"]) refused(keyOf({ type, value: [] }), "an empty value");
  assertEquals(read(keyOf({ type: "string", value: "" })).length, 1);
});

Deno.test("readJsonSnapshot refuses what is of another kind than it should be", () => {
  for (const value of [null, 5, "text", [1]]) {
    refused(`${HEAD}${JSON.stringify(value)}\n]}`, "that is no object");
  }
  for (const value of [null, 5, "text", {}]) refused(keyOf({ type: "list", value }), "that is no array");
  for (const value of [null, 5, true]) refused(keyOf({ type: "string", value }), "no object");
  refused(keyOf({ type: "string", value: { base64: 5 } }), "neither a string nor base64");
  for (const list of [[[1, 2]], [["f"]]]) refused(keyOf({ type: "hash", value: list }), "in line 2");
});

Deno.test("readJsonSnapshot reads scores that JSON has no numbers for", () => {
  const scores = [["a", -1.5], ["b", "-0"], ["c", "inf"], ["d", "-inf"], ["e", 0]];
  assertEquals(
    valueOf("zset", scores),
    plainOf("zset", [["d", -Infinity], ["a", -1.5], ["b", -0], ["e", 0], ["c", Infinity]]),
  );
  for (const score of ["nan", "1", null]) {
    refused(keyOf({ type: "zset", value: [["a", score]] }), "a score that is no number");
  }
  refused(keyOf({ type: "zset", value: [["a", 1], ["a", 2]] }), "a member twice");
});

/** The plain form that an equal value read from members in another order has. */
function plainOf(type: string, value: unknown[]): unknown {
  const spelled = value.map((item) => {
    const [member, score] = item as [string, number];
    return [
      member,
      Object.is(score, -0) ? "-0" : score === Infinity ? "inf" : score === -Infinity ? "-inf" : score,
    ];
  });
  return valueOf(type, spelled);
}

Deno.test("readJsonSnapshot reads the times of hash fields and refuses a field twice", () => {
  const hash = read(keyOf({ type: "hash", value: [["f", "1", 4e12], ["g", "2"]] }))[0]![2];
  assertEquals(JSON.stringify(hash).includes("4000000000000"), true);
  refused(keyOf({ type: "hash", value: [["f", "1"], ["f", "2"]] }), "a field twice");
  refused(keyOf({ type: "hash", value: [["f", "1", -1]] }), "a number that is no count");
});

const GROUP = { name: "g", lastId: "1-1", entriesRead: 1, consumers: [] as object[] };
const CONSUMER = { name: "c", seenAtMs: 5, activeAtMs: 6, pending: [["1-1", 7, 2]] };
const STREAM = {
  entries: [["1-1", ["f", "v"]], ["1-2", ["f", "v", "g", "w"]]],
  lastId: "1-2",
  maxDeletedId: "0-0",
  entriesAdded: 2,
  groups: [{ ...GROUP, consumers: [CONSUMER] }],
};
const streamWith = (fields: object) => keyOf({ type: "stream", value: { ...STREAM, ...fields } });

Deno.test("readJsonSnapshot reads a stream with its groups", () => {
  assertEquals(read(streamWith({})).length, 1);
  assertEquals(read(streamWith({ entries: [], lastId: "0-0", groups: [] })).length, 1);
  assertEquals(read(streamWith({ lastId: "9-0" })).length, 1);
  const unknown = { ...GROUP, entriesRead: -1, consumers: [{ ...CONSUMER, activeAtMs: -1 }] };
  const plain = JSON.stringify(read(streamWith({ groups: [unknown] }))[0]![2]);
  assertEquals(plain === JSON.stringify(read(streamWith({}))[0]![2]), false);
});

const wrongStreams: [fields: object, message: string][] = [
  [{ entries: [["1-1", ["f", "v"]], ["1-1", ["f", "v"]]] }, "entries out of order"],
  [{ entries: [["1-2", ["f", "v"]], ["1-1", ["f", "v"]]] }, "entries out of order"],
  [{ entries: [["0-0", ["f", "v"]]] }, "entries out of order"],
  [{ entries: [["1-1", []]] }, "an entry without pairs of field and value"],
  [{ entries: [["1-1", ["f", "v", "g"]]] }, "an entry without pairs of field and value"],
  [{ entries: [["x", ["f", "v"]]] }, "something that is no stream id"],
  [{ entries: [[5, ["f", "v"]]] }, "something that is no stream id"],
  [{ lastId: "1-1" }, "a last id before the last entry"],
  [{ entriesAdded: -1 }, "a number that is no count"],
  [{ groups: [GROUP, GROUP] }, "a group twice"],
  [{ groups: [{ ...GROUP, entriesRead: -2 }] }, "a number that is no count"],
  [{ groups: [{ ...GROUP, consumers: [CONSUMER, { ...CONSUMER, pending: [] }] }] }, "a consumer twice"],
  [{ groups: [{ ...GROUP, consumers: [{ ...CONSUMER, activeAtMs: -2 }] }] }, "a number that is no count"],
];
for (const [fields, message] of wrongStreams) {
  Deno.test(`readJsonSnapshot refuses a stream with ${message}: ${JSON.stringify(fields).slice(0, 70)}`, () => {
    refused(streamWith(fields), message);
  });
}
