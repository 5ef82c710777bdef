import { assertEquals } from "@std/assert";
import { Random } from "../../../../src/util/random.ts";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const syntaxError = "ERR syntax error";
const noNumbers = "ERR One or more scores can't be converted into double";

/** A server with one client, whose commands are written as one line (`""` is an empty word). */
function start() {
  const server = startInProcess();
  const client = server.client();
  const run = (line: string) => {
    const reply = client.send(...line.split(" ").map((word) => word === '""' ? "" : word));
    return reply instanceof ReplyFailure ? reply.message : reply;
  };
  return { server, client, run, [Symbol.dispose]: () => server[Symbol.dispose]() };
}

/** Elements 1, 2 and 3 in list `q`, set `s` and sorted set `z`, with weights w_1 = 30, w_2 = 20, w_3 = 10. */
function startWithWeights() {
  const s = start();
  for (const line of ["RPUSH q 2 3 1", "SADD s 2 3 1", "ZADD z 7 2 8 3 9 1"]) s.run(line);
  for (const i of [1, 2, 3]) {
    s.run(`SET w_${i} ${40 - 10 * i}`);
    s.run(`HSET h_${i} name n${i} weight ${40 - 10 * i}`);
  }
  s.server.propagated();
  return s;
}

Deno.test("SORT sorts lists, sets and sorted sets by number, then by bytes", () => {
  using s = startWithWeights();
  for (const key of ["q", "s", "z"]) {
    assertEquals([s.run(`SORT ${key}`), s.run(`SORT ${key} DESC`)], [["1", "2", "3"], ["3", "2", "1"]]);
  }
  s.run("RPUSH n 10 9 1e1 -inf 0x8 010 1.5");
  assertEquals(s.run("SORT n"), ["-inf", "1.5", "0x8", "9", "010", "10", "1e1"]);
});

Deno.test("SORT takes what strtod takes for a number", () => {
  using s = start();
  s.client.send("RPUSH", "q", " 2", "", "\t-1", "1\0x");
  assertEquals(s.run("SORT q"), ["\t-1", "", "1\0x", " 2"]);
  for (const text of ["x", "1 ", " ", "nan", "1e999"]) {
    s.client.send("RPUSH", "bad", "1", text);
    assertEquals(s.run("SORT bad"), noNumbers, text);
    s.run("LTRIM bad 1 0");
  }
});

Deno.test("SORT ALPHA sorts by bytes", () => {
  using s = start();
  s.client.send("RPUSH", "q", "b", "\xff", "B", "a", "", "aa", "10", "9");
  assertEquals(s.run("SORT q ALPHA"), ["", "10", "9", "B", "a", "aa", "b", "\xff"]);
});

Deno.test("SORT BY a pattern sorts by other keys or fields of hashes; what is missing counts as 0", () => {
  using s = startWithWeights();
  assertEquals([s.run("SORT q BY w_*"), s.run("SORT s BY h_*->weight DESC")], [["3", "2", "1"], [
    "1",
    "2",
    "3",
  ]]);
  s.run("RPUSH q 4 5");
  assertEquals(s.run("SORT q BY w_*"), ["4", "5", "3", "2", "1"]);
  assertEquals(s.run("SORT q BY h_*->weight"), ["4", "5", "3", "2", "1"]);
  assertEquals(s.run("SORT q BY h_*"), ["1", "2", "3", "4", "5"]);
  assertEquals(s.run("SORT q BY w_*->weight"), ["1", "2", "3", "4", "5"]);
  assertEquals(s.run("SORT q BY h_*->name"), noNumbers);
});

Deno.test("SORT ALPHA BY puts what has no weight first, in its own order", () => {
  using s = start();
  for (const line of ["RPUSH q c b a x", "SET w_a 2", "SET w_b 10"]) s.run(line);
  assertEquals(s.run("SORT q BY w_* ALPHA"), ["c", "x", "b", "a"]);
  assertEquals(s.run("SORT q BY w_* ALPHA DESC"), ["a", "b", "c", "x"]);
});

Deno.test("SORT BY a pattern without * keeps the order, or turns it round", () => {
  using s = startWithWeights();
  assertEquals([s.run("SORT q BY nosort"), s.run("SORT q BY nosort DESC")], [["2", "3", "1"], [
    "1",
    "3",
    "2",
  ]]);
  assertEquals([s.run("SORT z BY nosort"), s.run("SORT z BY nosort DESC")], [["2", "3", "1"], [
    "1",
    "3",
    "2",
  ]]);
  assertEquals(s.run("SORT q BY nosort LIMIT 1 1"), ["3"]);
  assertEquals(s.run("SORT z BY nosort DESC LIMIT 1 5"), ["3", "2"]);
  s.run("SADD letters c a b");
  assertEquals([s.run("SORT letters BY nosort STORE r"), s.run("LRANGE r 0 -1")], [3, ["a", "b", "c"]]);
});

Deno.test("SORT LIMIT cuts to what there is", () => {
  using s = startWithWeights();
  const limits = ["0 2", "1 1", "2 10", "3 1", "-5 2", "1 -1", "0 0", "1 -9"];
  assertEquals(
    limits.map((limit) => (s.run(`SORT q LIMIT ${limit}`) as string[]).join("")),
    ["12", "2", "3", "", "12", "23", "", "23"],
  );
});

Deno.test("SORT GET replies what patterns find, # being the element", () => {
  using s = startWithWeights();
  s.run("RPUSH q 4");
  assertEquals(
    s.run("SORT q LIMIT 2 2 GET # GET w_* GET h_*->name GET fixed"),
    ["3", "10", "n3", null, "4", null, null, null],
  );
  s.run("SET w_3->x arrow");
  assertEquals(s.run("SORT q LIMIT 2 1 GET w_*-> GET h_* GET q*"), [null, null, null]);
});

Deno.test("SORT STORE makes a list, or removes the key when nothing is left", () => {
  using s = startWithWeights();
  s.run("SET to text");
  s.server.propagated();
  s.server.engine.dirty = 0;
  assertEquals([s.run("SORT q GET # GET w_* STORE to"), s.server.engine.dirty], [6, 6]);
  assertEquals(s.run("LRANGE to 0 -1"), ["1", "30", "2", "20", "3", "10"]);
  assertEquals([s.run("SORT q GET x_* STORE to"), s.run("LRANGE to 0 -1")], [3, ["", "", ""]]);
  assertEquals([s.run("SORT none STORE to"), s.run("LLEN to"), s.run("SORT none STORE to")], [0, 0, 0]);
  assertEquals(s.server.propagated(), [
    "SORT q GET # GET w_* STORE to",
    "SORT q GET x_* STORE to",
    "SORT none STORE to",
  ]);
});

Deno.test("SORT refuses keys it cannot sort and options it does not know", () => {
  using s = startWithWeights();
  const wrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
  assertEquals([s.run("SORT w_1"), s.run("SORT h_1"), s.run("SORT none")], [wrongType, wrongType, []]);
  for (const tail of ["LIMIT 1", "BY", "GET", "STORE", "UP"]) {
    assertEquals(s.run(`SORT q ${tail}`), syntaxError);
  }
  assertEquals(s.run("SORT q LIMIT x 1"), "ERR value is not an integer or out of range");
});

Deno.test("SORT_RO does what SORT does, but STORE", () => {
  using s = startWithWeights();
  assertEquals([s.run("SORT_RO q BY w_* GET h_*->name"), s.run("SORT_RO q STORE to")], [
    ["n3", "n2", "n1"],
    syntaxError,
  ]);
});

Deno.test("SORT_RO sorts as SORT does, up or down, by number or bytes, a part of it, and stores nothing", () => {
  using s = startWithWeights();
  assertEquals(s.run("SORT q ASC"), ["1", "2", "3"]);
  assertEquals(s.run("SORT_RO q ASC LIMIT 1 5"), ["2", "3"]);
  assertEquals(s.run("SORT_RO q DESC LIMIT 0 2"), ["3", "2"]);
  s.run("RPUSH words b 10 9 a");
  assertEquals(s.run("SORT_RO words ALPHA"), ["10", "9", "a", "b"]);
  assertEquals(s.run("SORT_RO words ALPHA DESC LIMIT 0 1"), ["b"]);
  assertEquals(s.run("SORT_RO q BY w_* GET # GET h_*->name"), ["3", "n3", "2", "n2", "1", "n1"]);
  assertEquals(s.run("SORT_RO q STORE d"), syntaxError);
});

/** What SORT makes of elements and their weights: a plain model. */
function modelOfSort(
  elements: readonly string[],
  weights: ReadonlyMap<string, string>,
  options: { by: boolean; alpha: boolean; desc: boolean; limit: readonly [number, number] | null },
): string[] {
  const weight = (element: string) => options.by ? weights.get(element)! : element;
  const order = (a: string, b: string) => {
    const [x, y] = [weight(a), weight(b)];
    return options.alpha ? (x < y ? -1 : 1) : Number(x) - Number(y);
  };
  const sorted = elements.toSorted((a, b) => options.desc ? order(b, a) : order(a, b));
  return options.limit === null
    ? sorted
    : sorted.slice(options.limit[0], options.limit[0] + options.limit[1]);
}

Deno.test("SORT agrees with a plain model under random options, over lists, sets and sorted sets", () => {
  for (let seed = 1; seed <= 150; seed++) {
    using s = start();
    const random = new Random(seed), weights = new Map<string, string>();
    // All elements differ, and so do their weights.
    const elements = Array.from({ length: 1 + random.below(40) }, (_, i) => String(i * 7 % 41 - 10));
    const kind = random.below(3);
    s.run(
      kind === 0
        ? `RPUSH k ${elements.join(" ")}`
        : kind === 1
        ? `SADD k ${elements.join(" ")}`
        : `ZADD k ${elements.map((element, i) => `${i} ${element}`).join(" ")}`,
    );
    for (const [i, element] of elements.entries()) {
      weights.set(element, String((i * 13 % 43) / 4));
      s.run(`SET w_${element} ${weights.get(element)}`);
    }
    const limit = random.below(2) === 0 ? null : [random.below(50), random.below(20)] as const;
    const options = {
      by: random.below(2) === 0,
      alpha: random.below(2) === 0,
      desc: random.below(2) === 0,
      limit,
    };
    const words = ["k", options.by ? "BY w_*" : "", limit === null ? "" : `LIMIT ${limit.join(" ")}`];
    words.push(options.desc ? "DESC" : "", options.alpha ? "ALPHA" : "");
    const line = words.filter((word) => word !== "").join(" "), message = `seed ${seed}: SORT ${line}`;
    const expected = modelOfSort(elements, weights, options);
    assertEquals(s.run(`SORT ${line}`), expected, message);
    assertEquals(
      s.run(`SORT_RO ${line} GET w_* GET #`),
      expected.flatMap((e) => [weights.get(e)!, e]),
      message,
    );
    assertEquals(s.run(`SORT ${line} STORE d`), expected.length, message);
    assertEquals(s.run("LRANGE d 0 -1"), expected, message);
  }
});
