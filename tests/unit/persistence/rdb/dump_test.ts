import { assert, assertEquals, assertThrows } from "@std/assert";
import { HashValue } from "../../../../src/data/hash.ts";
import { defaultLimits } from "../../../../src/data/limits.ts";
import { dumpValue, hasValidFooter, restoreValue } from "../../../../src/persistence/rdb/dump.ts";
import { RdbError } from "../../../../src/persistence/rdb/rdb_input.ts";
import { Crc64 } from "../../../../src/util/crc64.ts";
import { Random } from "../../../../src/util/random.ts";
import { mutatedPayloads } from "../../../crash/payloads.ts";
import { plainForm, randomValue, sliceOf, VALUE_KINDS } from "../../../support/values.ts";

const limits = defaultLimits();

/** A payload with the footer it needs. */
function withFooter(body: Uint8Array, version = 10): Uint8Array {
  const payload = new Uint8Array(body.length + 10);
  payload.set(body);
  payload[body.length] = version;
  const crc = new Crc64();
  crc.update(payload, 0, body.length + 2);
  for (let i = 0; i < 8; i++) payload[body.length + 2 + i] = crc.byteAt(i);
  return payload;
}

Deno.test("dumpValue and restoreValue give back values of every type and encoding", () => {
  for (let seed = 1; seed <= 130; seed++) {
    const random = new Random(seed);
    const value = randomValue(random, seed % VALUE_KINDS);
    const restored = restoreValue(dumpValue(value, seed % 2 === 0), limits);
    assertEquals(plainForm(restored), plainForm(value), `seed ${seed}`);
  }
});

Deno.test("dumpValue writes what Redis writes for strings", () => {
  // From `DUMP` of redis-server 7.0.15.
  const hex = (text: string) =>
    Array.from(dumpValue(sliceOf(text)), (b) => b.toString(16).padStart(2, "0")).join("");
  assertEquals(hex("hello"), "000568656c6c6f0a00" + hex("hello").slice(-16));
  assertEquals(hex("10").slice(0, 10), "00c00a0a00");
  assertEquals(hex("-129").slice(0, 12), "00c17fff0a00");
  assertEquals(hex("2147483647").slice(0, 16), "00c2ffffff7f0a00");
  assertEquals(hex("2147483648").slice(0, 4), "000a");
  assertEquals(hex("007").slice(0, 10), "0003303037");
  assertEquals(hex("a".repeat(100)).slice(0, 4), "00c3");
});

Deno.test("dumpValue marks hashes with field expiry as version 12, and only those", () => {
  const versionOf = (payload: Uint8Array) => payload[payload.length - 10];
  const hash = new HashValue(limits);
  hash.set("f", "v");
  assertEquals(versionOf(dumpValue(hash)), 10);
  hash.setExpiry("f", 4e12);
  assertEquals(versionOf(dumpValue(hash)), 12);
  hash.persist("f");
  assertEquals(versionOf(dumpValue(hash)), 10);
});

Deno.test("restoreValue refuses a wrong checksum, a newer version and bytes behind the value", () => {
  const payload = dumpValue(sliceOf("hello"));
  for (let i = 0; i < payload.length; i++) {
    const damaged = payload.slice();
    damaged[i]! ^= 1;
    assertEquals(hasValidFooter(damaged), false, `byte ${i}`);
  }
  assertEquals(hasValidFooter(withFooter(Uint8Array.of(0, 1, 0x61), 13)), false);
  assertThrows(() => restoreValue(withFooter(Uint8Array.of(0, 1, 0x61, 0)), limits), RdbError, "behind");
  assertEquals(hasValidFooter(new Uint8Array(9)), false);
  assertEquals(hasValidFooter(new Uint8Array(10), true), true);
  assertEquals(plainForm(restoreValue(withFooter(Uint8Array.of(0, 1, 0x61), 1), limits)), "a");
});

Deno.test("restoreValue refuses values without elements and module values, by name", () => {
  for (const type of [1, 2, 3, 4, 5, 14, 18]) {
    assertThrows(() => restoreValue(withFooter(Uint8Array.of(type, 0)), limits), RdbError, "no elements");
  }
  // The id of ReJSON's values: nine characters of six bits and a version of ten.
  const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let id = 0n;
  for (const char of "ReJSON-RL") id = (id << 6n) | BigInt(characters.indexOf(char));
  id = (id << 10n) | 3n;
  const body = Uint8Array.of(7, 0x81, 0, 0, 0, 0, 0, 0, 0, 0);
  new DataView(body.buffer).setBigUint64(2, id);
  assertThrows(() => restoreValue(withFooter(body), limits), RdbError, "ReJSON-RL");
});

Deno.test("restoreValue refuses lengths that the payload cannot hold without taking memory for them", () => {
  const huge = [0x81, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff];
  for (const type of [0, 1, 2, 4, 5, 14, 15, 16, 17, 18, 19, 20, 24, 25]) {
    assertThrows(() => restoreValue(withFooter(Uint8Array.from([type, ...huge])), limits), RdbError);
  }
  const bomb = Uint8Array.from([0, 0xc3, 2, 0x80, 0x7f, 0xff, 0xff, 0xff, 0, 0]);
  assertThrows(() => restoreValue(withFooter(bomb), limits), RdbError, "LZF");
});

Deno.test("restoreValue survives mutated payloads of every kind: a value that can be dumped again, or an error", () => {
  const { problems, restored } = mutatedPayloads(3000, 1);
  assertEquals(problems, []);
  assert(restored > 30, `${restored} mutated payloads were still values`);
});
