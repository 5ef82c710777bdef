import { assert, assertEquals, assertThrows } from "@std/assert";
import { defaultLimits } from "../../../../src/data/limits.ts";
import { ListEnd, ListValue } from "../../../../src/data/list.ts";
import { SetValue } from "../../../../src/data/set.ts";
import type { CollectionValue } from "../../../../src/data/value.ts";
import { dumpValue, restoreValue } from "../../../../src/persistence/rdb/dump.ts";
import { QuicklistContainer, RdbType } from "../../../../src/persistence/rdb/rdb_format.ts";
import { RdbError, RdbInput } from "../../../../src/persistence/rdb/rdb_input.ts";
import { RdbOutput } from "../../../../src/persistence/rdb/rdb_output.ts";
import { ValueReader } from "../../../../src/persistence/rdb/value_reader.ts";
import { Random } from "../../../../src/util/random.ts";
import { plainForm, randomText, randomValue, VALUE_KINDS } from "../../../support/values.ts";

/** Reads what `write` has written as a value of that type. */
function read(type: number, write: (out: RdbOutput) => void, limits = defaultLimits()): CollectionValue {
  const out = new RdbOutput();
  write(out);
  return new ValueReader(RdbInput.of(out.view().slice()), limits).read(type)!;
}

function listpack(texts: readonly string[]): (out: RdbOutput) => void {
  return (out) => {
    out.beginListpack();
    for (const text of texts) out.element(text);
    out.endListpack();
  };
}

const strings = (texts: readonly string[]) => (out: RdbOutput) => {
  out.count(texts.length);
  for (const text of texts) out.string(text);
};

Deno.test("values packed as they are read have the content and encoding that commands give", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed);
    const limits = defaultLimits();
    if (seed % 3 === 0) limits.hashMaxListpackValue = limits.zsetMaxListpackValue = 20;
    if (seed % 5 === 0) limits.hashMaxListpackEntries = limits.zsetMaxListpackEntries = 8;
    if (seed % 7 === 0) limits.setMaxListpackEntries = 20;
    const value = randomValue(random, seed % VALUE_KINDS, limits);
    const again = restoreValue(dumpValue(value), limits);
    assertEquals(JSON.stringify(plainForm(again)), JSON.stringify(plainForm(value)), `seed ${seed}`);
  }
});

Deno.test("list nodes are taken over with elements of every length, integers and bytes, and go on as lists", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed);
    const texts = Array.from({ length: 1 + random.below(40) }, () => randomText(random, 600));
    const list = read(RdbType.ListQuicklist2, (out) => {
      out.count(2);
      for (const part of [texts, ["-1", "12345678901234567890"]]) {
        out.count(QuicklistContainer.Packed);
        listpack(part)(out);
      }
    });
    const model = [...texts, "-1", "12345678901234567890"];
    assert(list instanceof ListValue);
    assertEquals([list.size, plainForm(list)], [model.length, model], `seed ${seed}`);
    for (let i = 0; i < 100; i++) {
      const end = random.below(2) === 0 ? ListEnd.Head : ListEnd.Tail, text = randomText(random);
      if (random.below(3) > 0) {
        const taken = list.size === 0 ? undefined : list.peek(end).text();
        assertEquals(taken, end === ListEnd.Head ? model.shift() : model.pop());
        list.drop(end, Math.min(1, list.size));
      } else list.pushText(end, text), end === ListEnd.Head ? model.unshift(text) : model.push(text);
    }
    assertEquals(plainForm(list), model, `seed ${seed}`);
  }
});

Deno.test("a small sorted set is in order whatever its bytes say, and a score is what it means", () => {
  const plain = (texts: string[]) => plainForm(read(RdbType.ZsetListpack, listpack(texts)));
  assertEquals(plain(["a", "1", "b", "1", "c", "1.5"]), plain(["c", "1.5", "b", "1", "a", "1"]));
  assertEquals(plain(["a", "-inf", "b", "inf"]), plain(["b", "inf", "a", "-inf"]));
  assertEquals(plain(["d", "1.50"]), plain(["d", "1.5"]));
  for (const score of ["NaN", "nan", "", "one", " 1"]) {
    assertThrows(() => plain(["a", score]), RdbError, "NAN", score);
  }
});

Deno.test("twins are refused in small and large packed values", () => {
  for (const count of [2, 20, 60, 120]) {
    const names = Array.from({ length: count }, (_, i) => `name:${i % (count - 1)}`);
    const pairs = names.flatMap((name) => [name, "1"]);
    assertThrows(() => read(RdbType.HashListpack, listpack(pairs)), RdbError, "integrity check failed");
    assertThrows(() => read(RdbType.ZsetListpack, listpack(pairs)), RdbError, "integrity check failed");
    assertThrows(() => read(RdbType.Set, strings(names)), RdbError, "Duplicate set members");
    assertThrows(() => read(RdbType.SetListpack, listpack(names)), RdbError, "Duplicate set members");
    assertThrows(() => read(RdbType.HashListpack, listpack(pairs.slice(1))), RdbError, "integrity");
  }
});

Deno.test("a set of integers and others is read as members are added one by one", () => {
  for (const members of [["1", "2", "3"], ["1", "b", "3"], ["a", "2"], ["x".repeat(65), "y"]]) {
    const added = new SetValue(defaultLimits());
    for (const member of members) added.add(member);
    assertEquals(plainForm(read(RdbType.Set, strings(members))), plainForm(added));
  }
});
