import { assert, assertEquals } from "@std/assert";
import { defaultLimits } from "../../../src/data/limits.ts";
import { SetValue } from "../../../src/data/set.ts";
import { Store, StoreFullError } from "../../../src/store/store.ts";
import { Random } from "../../../src/util/random.ts";

/** An intset up to 12 members, a listpack up to 10 of 8 bytes. */
function smallLimits() {
  return { ...defaultLimits(), setMaxIntsetEntries: 12, setMaxListpackEntries: 10, setMaxListpackValue: 8 };
}

/** Limits under which sets behave as in Redis 7.0: intset or hashtable. */
function withoutListpacks() {
  return { ...smallLimits(), setMaxListpackEntries: 0 };
}

function setOf(members: readonly string[], limits = smallLimits()): SetValue {
  const set = new SetValue(limits);
  for (const member of members) set.add(member);
  return set;
}

const numbered = (count: number, prefix = "") => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** Members of one kind: small integers, wide ones, short texts, long ones. */
const makers: readonly ((random: Random) => string)[] = [
  (random) => String(random.below(40) - 20),
  (random) => String(BigInt(random.below(40)) * 461168601842738790n - 9223372036854775808n),
  (random) => `m${random.below(15)}`,
  (random) => "x".repeat(random.below(100)),
  (random) => `member:${random.below(400)}`,
];

Deno.test("SetValue agrees with a Set under random commands, in all encodings", () => {
  const encodings = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const random = new Random(seed), message = `seed ${seed}`;
    const set = new SetValue(seed % 2 === 0 ? smallLimits() : withoutListpacks()), model = new Set<string>();
    const firstKind = seed % 3;
    for (let step = 0; step < 500; step++) {
      const kind = step < 250 ? firstKind : random.below(makers.length);
      const member = makers[kind]!(random);
      if (random.float() < 0.6) {
        assertEquals(set.add(member), !model.has(member) && !!model.add(member), message);
      } else assertEquals(set.delete(member), model.delete(member), message);
      assertEquals([set.size, set.has(member)], [model.size, model.has(member)], message);
      encodings.add(set.encoding);
    }
    assertEquals(set.members().sort(), [...model].sort(), message);
    const visited: string[] = [];
    set.forEach((member) => visited.push(member));
    assertEquals(visited, set.members(), message);
    assertEquals(set.randomMembers(model.size, random).sort(), [...model].sort(), message);
    if (model.size > 0) {
      assert(model.has(set.randomMember(random)), message);
      const popped = set.popRandom(random);
      assertEquals([model.has(popped), set.has(popped), set.size], [true, false, model.size - 1], message);
    }
  }
  assertEquals([...encodings].sort(), ["hashtable", "intset", "listpack"]);
});

Deno.test("SetValue is an intset exactly up to set-max-intset-entries", () => {
  const set = setOf(numbered(12));
  assertEquals(set.encoding, "intset");
  assertEquals(set.add("11"), false);
  assertEquals(set.encoding, "intset");
  set.add("12");
  assertEquals([set.encoding, set.size], ["hashtable", 13]);
  assertEquals(set.members().sort(), numbered(13).sort());
});

Deno.test("SetValue is a listpack exactly up to its entries and bytes", () => {
  const set = setOf(numbered(10, "m"));
  assertEquals(set.encoding, "listpack");
  set.add("m3");
  assertEquals(set.encoding, "listpack");
  set.add("m10");
  assertEquals(set.encoding, "hashtable");
  assertEquals([setOf(["12345678"]).encoding, setOf(["x2345678"]).encoding], ["intset", "listpack"]);
  assertEquals(setOf(["x23456789"]).encoding, "hashtable");
  for (const member of set.members()) set.delete(member);
  set.add("1");
  assertEquals(set.encoding, "hashtable");
});

Deno.test("SetValue turns from intset to listpack or hashtable at the first other member", () => {
  assertEquals(setOf(["1", "2", "a"]).encoding, "listpack");
  assertEquals(setOf(["1", "2", "a too long one"]).encoding, "hashtable");
  assertEquals(setOf(["1", "123456789", "a"]).encoding, "hashtable");
  assertEquals(setOf([...numbered(9), "a"]).encoding, "listpack");
  assertEquals(setOf([...numbered(10), "a"]).encoding, "hashtable");
});

Deno.test("SetValue knows only intset and hashtable when listpacks are not allowed", () => {
  assertEquals(setOf(["a"], withoutListpacks()).encoding, "hashtable");
  assertEquals(setOf(["1", "2", "a"], withoutListpacks()).encoding, "hashtable");
  assertEquals(setOf(["213244124402402314402033402"], withoutListpacks()).encoding, "hashtable");
});

Deno.test("SetValue keeps integers that a number cannot hold, and in order", () => {
  const members = [
    "9223372036854775807",
    "-9223372036854775808",
    "9007199254740993",
    "9007199254740992",
    "5",
    "-1",
  ];
  const set = setOf(members);
  assertEquals(set.encoding, "intset");
  assertEquals(set.members(), [members[1]!, "-1", "5", members[3]!, members[2]!, members[0]!]);
  assertEquals([set.has("9007199254740994"), set.has("05"), set.has("9007199254740993")], [
    false,
    false,
    true,
  ]);
});

Deno.test("SetValue.scan visits every lasting member while others come and go", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed), set = new SetValue(smallLimits()), seen = new Set<string>();
    for (let i = 0; i < 300; i++) set.add(`keep${i}`), set.add(`drop${i}`);
    let cursor = 0;
    do {
      cursor = set.scan(cursor, 10, (member) => seen.add(member));
      for (let i = 0; i < 9; i++) set.delete(`drop${random.below(300)}`);
      set.add(`new${cursor}`);
    } while (cursor !== 0);
    for (let i = 0; i < 300; i++) assert(seen.has(`keep${i}`), `seed ${seed}: keep${i}`);
  }
});

Deno.test("SetValue.scan visits intsets and packed sets whole", () => {
  for (const members of [numbered(12), numbered(10, "m")]) {
    const seen: string[] = [];
    assertEquals(setOf(members).scan(0, 2, (member) => seen.push(member)), 0);
    assertEquals(seen.sort(), [...members].sort());
  }
});

Deno.test("SetValue.addAll gives the encoding that adding one by one gives", () => {
  const sources = [
    numbered(12),
    numbered(13),
    numbered(10, "m"),
    numbered(11, "m"),
    numbered(200, "m"),
    numbered(200),
  ];
  for (const first of sources) {
    for (const second of sources) {
      const joined = new SetValue(smallLimits());
      joined.addAll(setOf(first));
      joined.addAll(setOf(second));
      const oneByOne = setOf([...setOf(first).members(), ...setOf(second).members()]);
      assertEquals([joined.encoding, joined.size], [oneByOne.encoding, oneByOne.size]);
      assertEquals(joined.members().sort(), oneByOne.members().sort());
    }
  }
});

Deno.test("SetValue.addAll leaves the set it takes from alone", () => {
  const source = setOf(numbered(200, "m")), joined = new SetValue(smallLimits());
  joined.addAll(source);
  joined.delete("m0");
  assertEquals([source.size, source.has("m0"), joined.size], [200, true, 199]);
});

Deno.test("SetValue.copy is independent of its original", () => {
  for (const members of [numbered(5), numbered(5, "m"), numbered(200, "m")]) {
    const set = setOf(members), twin = set.copy();
    set.delete(members[0]!);
    twin.add("twin");
    assertEquals([set.size, set.has("twin")], [members.length - 1, false]);
    assertEquals([twin.size, twin.has(members[0]!)], [members.length + 1, true]);
  }
});

Deno.test("SetValue.memoryBytes follows the content", () => {
  const set = new SetValue(smallLimits()), empty = set.memoryBytes;
  for (let i = 0; i < 1000; i++) set.add(`member:${i}`);
  assert(set.memoryBytes > 20_000 && set.memoryBytes < 32_000, String(set.memoryBytes));
  for (let i = 0; i < 1000; i++) set.delete(`member:${i}`);
  assert(set.memoryBytes < empty + 500, String(set.memoryBytes));
});

Deno.test("SetValue.renew gives the encoding and the memory of a new set of the same members", () => {
  const limits = { ...defaultLimits(), setMaxListpackEntries: 0 };
  for (const [count, left] of [[3, 2], [900, 5]] as const) {
    const set = new SetValue(limits), fresh = new SetValue(limits);
    set.add("x");
    for (let i = 0; i < count; i++) set.add(String(i));
    set.delete("x");
    for (let i = left; i < count; i++) set.delete(String(i));
    assertEquals(set.encoding, "hashtable");
    for (let i = 0; i < left; i++) fresh.add(String(i));
    set.renew();
    assertEquals([set.encoding, set.members().sort(), set.memoryBytes], [
      "intset",
      fresh.members().sort(),
      fresh.memoryBytes,
    ]);
    set.add("y");
    assertEquals([set.encoding, set.size], ["hashtable", left + 1]);
  }
});

/** A store whose allocations fail once `left` of them have been made. */
class FailingStore extends Store {
  left = Infinity;

  override allocate(bytes: number): number {
    if (this.left-- <= 0) throw new StoreFullError("full");
    return super.allocate(bytes);
  }
}

Deno.test("a conversion that finds the store full leaves the set as it was", () => {
  for (const prefix of ["", "member:"]) {
    let refused = 0;
    for (let allowed = 0; allowed < 8; allowed++) {
      const store = new FailingStore(), limits = { ...defaultLimits(), setMaxIntsetEntries: 300, store };
      const set = new SetValue(limits);
      store.left = allowed;
      const added = new Set<string>();
      for (const member of numbered(400, prefix)) {
        try {
          set.add(member);
          added.add(member);
        } catch (error) {
          assert(error instanceof StoreFullError);
          refused++;
          break;
        }
      }
      store.left = Infinity;
      assertEquals(new Set(set.members()), added, `${allowed} allocations allowed, ${prefix}`);
      set.add("later");
      assertEquals(set.size, added.size + 1);
    }
    assert(refused > 3, `${refused} refused`);
  }
});
