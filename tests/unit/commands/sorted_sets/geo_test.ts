import { assert, assertEquals } from "@std/assert";
import {
  type InProcessClient,
  type InProcessServer,
  PENDING,
  startInProcess,
} from "../../../support/in_process.ts";
import { Random } from "../../../../src/util/random.ts";
import { type Reply, ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** Sends a command written as one line. */
function send(c: InProcessClient, line: string): Reply | typeof PENDING {
  return c.send(...line.split(" "));
}

/** The text of an error reply. */
function failure(c: InProcessClient, line: string): string {
  const reply = send(c, line);
  assert(reply instanceof ReplyFailure, `${line}: not an error`);
  return reply.message;
}

/** A client whose server has two towns of Sicily at `k`. */
function sicily(s: InProcessServer): InProcessClient {
  const c = s.client();
  send(c, "GEOADD k 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
  s.propagated();
  return c;
}

Deno.test("GEOADD is a ZADD of encoded positions, and propagated as such", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(send(c, "GEOADD k CH 13.361389 38.115556 Palermo"), 1);
  assertEquals(send(c, "ZSCORE k Palermo"), "3479099956230698");
  assertEquals(send(c, "GEOADD k NX 0 0 Palermo 15.087269 37.502669 Catania"), 1);
  assertEquals(send(c, "GEOADD k XX CH 13.361389 38.115556 Palermo 1 1 x"), 0);
  assertEquals(s.propagated(), [
    "ZADD k CH 3479099956230698 Palermo",
    "ZADD k NX 3377699720527872 Palermo 3479447370796909 Catania",
  ]);
});

Deno.test("GEOADD refuses positions outside of the map and words without a partner", () => {
  using s = startInProcess();
  const c = s.client();
  const invalid = "ERR invalid longitude,latitude pair";
  assertEquals(failure(c, "GEOADD k 200 10 x"), `${invalid} 200.000000,10.000000`);
  assertEquals(failure(c, "GEOADD k -0 86 x"), `${invalid} -0.000000,86.000000`);
  assertEquals(failure(c, "GEOADD k east 10 x"), "ERR value is not a valid float");
  assertEquals(failure(c, "GEOADD k 1 1 x 2 2"), "ERR syntax error");
  assertEquals(failure(c, "GEOADD k NX XX 1 1 x"), "ERR syntax error");
});

Deno.test("GEOPOS, GEOHASH and GEODIST read positions back", () => {
  using s = startInProcess();
  const c = sicily(s);
  assertEquals(send(c, "GEOPOS k Palermo x"), [["13.36138933897018433", "38.11555639549629859"], null]);
  assertEquals(send(c, "GEOHASH k Palermo Catania x"), ["sqc8b49rny0", "sqdtr74hyu0", null]);
  assertEquals(send(c, "GEODIST k Palermo Catania"), "166274.1516");
  assertEquals(send(c, "GEODIST k Palermo Catania KM"), "166.2742");
  assertEquals(send(c, "GEODIST k Palermo Palermo mi"), "0.0000");
  assertEquals([send(c, "GEODIST k Palermo x"), send(c, "GEODIST missing a b")], [null, null]);
  const unit = "ERR unsupported unit provided. please use M, KM, FT, MI";
  assertEquals(failure(c, "GEODIST k Palermo Catania yards"), unit);
});

Deno.test("GEOSEARCH finds places in circles and boxes, sorted and counted", () => {
  using s = startInProcess();
  const c = sicily(s);
  assertEquals(send(c, "GEOSEARCH k FROMLONLAT 15 37 BYRADIUS 200 km ASC"), ["Catania", "Palermo"]);
  assertEquals(send(c, "GEOSEARCH k FROMLONLAT 15 37 BYRADIUS 200 km DESC COUNT 1"), ["Palermo"]);
  assertEquals(send(c, "GEOSEARCH k FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1"), ["Catania"]);
  assertEquals(send(c, "GEOSEARCH k FROMMEMBER Palermo BYBOX 320 400 km ASC"), ["Palermo", "Catania"]);
  assertEquals(send(c, "GEOSEARCH k FROMMEMBER Palermo BYBOX 300 400 km"), ["Palermo"]);
  assertEquals((send(c, "GEOSEARCH k FROMLONLAT 15 37 BYRADIUS 900 km COUNT 1 ANY") as Reply[]).length, 1);
  assertEquals(send(c, "GEOSEARCH missing FROMMEMBER x BYRADIUS 1 m"), []);
});

Deno.test("GEOSEARCH replies distance, hash and position in this order", () => {
  using s = startInProcess();
  const c = sicily(s);
  assertEquals(send(c, "GEOSEARCH k FROMLONLAT 15 37 BYRADIUS 100 km WITHCOORD WITHHASH WITHDIST"), [
    ["Catania", "56.4413", 3479447370796909, ["15.08726745843887329", "37.50266842333162032"]],
  ]);
});

Deno.test("GEOSEARCH refuses missing and doubled centres and shapes", () => {
  using s = startInProcess();
  const c = sicily(s);
  const one = "ERR exactly one of";
  assertEquals(
    failure(c, "geosearch k BYRADIUS 1 m ASC DESC ASC"),
    `${one} FROMMEMBER or FROMLONLAT can be specified for geosearch`,
  );
  assertEquals(
    failure(c, "GEOSEARCH k FROMLONLAT 1 1 ASC ASC"),
    `${one} BYRADIUS and BYBOX can be specified for GEOSEARCH`,
  );
  assertEquals(failure(c, "GEOSEARCH k FROMLONLAT 1 1 FROMMEMBER x BYRADIUS 1 m"), "ERR syntax error");
  assertEquals(
    failure(c, "GEOSEARCH k FROMMEMBER x BYRADIUS 1 m"),
    "ERR could not decode requested zset member",
  );
  assertEquals(failure(c, "GEOSEARCH k FROMLONLAT 1 1 BYRADIUS -1 m"), "ERR radius cannot be negative");
  assertEquals(failure(c, "GEOSEARCH k FROMLONLAT 1 1 BYRADIUS x m"), "ERR need numeric radius");
  assertEquals(failure(c, "GEOSEARCH k FROMLONLAT 1 1 BYBOX x 1 m"), "ERR need numeric width");
  assertEquals(failure(c, "GEOSEARCH k FROMLONLAT 1 1 BYBOX 1 x m"), "ERR need numeric height");
  assertEquals(
    failure(c, "GEOSEARCH k FROMLONLAT 1 1 BYBOX 1 -1 m"),
    "ERR height or width cannot be negative",
  );
  assertEquals(failure(c, "GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 1 m COUNT 0"), "ERR COUNT must be > 0");
  assertEquals(
    failure(c, "GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 1 m ANY"),
    "ERR the ANY argument requires COUNT argument",
  );
});

Deno.test("GEOSEARCHSTORE stores scores or distances, and removes the key if nothing is found", () => {
  using s = startInProcess();
  const c = sicily(s);
  assertEquals(send(c, "GEOSEARCHSTORE d k FROMLONLAT 15 37 BYRADIUS 100 km"), 1);
  assertEquals(send(c, "ZRANGE d 0 -1 WITHSCORES"), ["Catania", "3479447370796909"]);
  assertEquals(send(c, "GEOSEARCHSTORE d k FROMMEMBER Palermo BYRADIUS 200 km STOREDIST STOREDIST"), 2);
  assertEquals(Number(send(c, "ZSCORE d Catania")).toFixed(4), "166.2742");
  assertEquals(send(c, "GEOSEARCHSTORE d k FROMLONLAT 0 0 BYRADIUS 1 m"), 0);
  assertEquals(send(c, "ZCARD d"), 0);
  assertEquals(
    failure(c, "GEOSEARCHSTORE d k FROMLONLAT 0 0 BYRADIUS 1 m WITHDIST"),
    "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
  );
});

Deno.test("GEORADIUS and GEORADIUSBYMEMBER search and store; their _RO forms cannot store", () => {
  using s = startInProcess();
  const c = sicily(s);
  assertEquals(send(c, "GEORADIUS k 15 37 200 km ASC"), ["Catania", "Palermo"]);
  assertEquals(send(c, "GEORADIUS_RO k 15 37 200 km WITHDIST DESC"), [["Palermo", "190.4424"], [
    "Catania",
    "56.4413",
  ]]);
  assertEquals(send(c, "GEORADIUSBYMEMBER k Palermo 100 km"), ["Palermo"]);
  assertEquals(send(c, "GEORADIUSBYMEMBER_RO k Palermo 200 km ASC"), ["Palermo", "Catania"]);
  assertEquals(s.propagated(), []);
  assertEquals(send(c, "GEORADIUS k 15 37 200 km STORE d"), 2);
  assertEquals(send(c, "GEORADIUSBYMEMBER k Palermo 100 km STOREDIST d"), 1);
  assertEquals(send(c, "ZRANGE d 0 -1 WITHSCORES"), ["Palermo", "0"]);
  assertEquals(s.propagated(), [
    "GEORADIUS k 15 37 200 km STORE d",
    "GEORADIUSBYMEMBER k Palermo 100 km STOREDIST d",
  ]);
  assertEquals(failure(c, "GEORADIUS_RO k 15 37 200 km STORE d"), "ERR syntax error");
  assertEquals(
    failure(c, "GEORADIUS k 15 37 200 km WITHDIST STORE d"),
    "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
  );
  assertEquals(send(c, "GEORADIUSBYMEMBER missing x 1 km STORE d"), 0);
  assertEquals(send(c, "ZCARD d"), 0);
});

/** Two towns and two corners of Sicily at `k`. */
function island(s: InProcessServer): InProcessClient {
  const c = sicily(s);
  send(c, "GEOADD k 12.758489 38.788135 edge1 17.241510 38.788135 edge2");
  return c;
}

Deno.test("GEODIST, GEORADIUS, GEORADIUSBYMEMBER and GEOSEARCH measure in metres, kilometres, miles and feet", () => {
  using s = startInProcess();
  const c = island(s), towns = ["Catania", "Palermo"], palermo = ["Palermo", "Catania"];
  assertEquals(send(c, "GEODIST k Palermo Catania m"), "166274.1516");
  assertEquals(send(c, "GEODIST k Palermo Catania km"), "166.2742");
  assertEquals(send(c, "GEODIST k Palermo Catania mi"), "103.3182");
  assertEquals(send(c, "GEODIST k Palermo Catania ft"), "545518.8700");
  assertEquals(send(c, "GEORADIUS k 15 37 200000 m DESC"), palermo);
  assertEquals(send(c, "GEORADIUS k 15 37 200 km ASC"), towns);
  assertEquals(send(c, "GEORADIUS k 15 37 125 mi ASC"), towns);
  assertEquals(send(c, "GEORADIUS k 15 37 656168 ft ASC"), towns);
  assertEquals(send(c, "GEORADIUS_RO k 15 37 200000 m ASC"), towns);
  assertEquals(send(c, "GEORADIUS_RO k 15 37 125 mi ASC"), towns);
  assertEquals(send(c, "GEORADIUS_RO k 15 37 656168 ft DESC"), palermo);
  assertEquals(send(c, "GEORADIUSBYMEMBER k Palermo 200000 m ASC"), ["Palermo", "edge1", "Catania"]);
  assertEquals(send(c, "GEORADIUSBYMEMBER k Palermo 125 mi DESC"), ["Catania", "edge1", "Palermo"]);
  assertEquals(send(c, "GEORADIUSBYMEMBER k Palermo 656168 ft ASC"), ["Palermo", "edge1", "Catania"]);
  assertEquals(send(c, "GEORADIUSBYMEMBER_RO k Palermo 200000 m ASC"), ["Palermo", "edge1", "Catania"]);
  assertEquals(send(c, "GEORADIUSBYMEMBER_RO k Palermo 125 mi DESC"), ["Catania", "edge1", "Palermo"]);
  assertEquals(send(c, "GEORADIUSBYMEMBER_RO k Palermo 656168 ft ASC"), ["Palermo", "edge1", "Catania"]);
  assertEquals(send(c, "GEOSEARCH k FROMLONLAT 15 37 BYRADIUS 125 mi ASC WITHDIST"), [
    ["Catania", "35.0711"],
    ["Palermo", "118.3357"],
  ]);
  assertEquals(send(c, "GEOSEARCH k FROMLONLAT 15 37 BYRADIUS 656168 ft DESC WITHDIST"), [
    ["Palermo", "624811.1215"],
    ["Catania", "185174.7305"],
  ]);
});

Deno.test("GEORADIUS, GEORADIUSBYMEMBER and their _RO forms show distance, position and hash, and the first of them", () => {
  using s = startInProcess();
  const c = island(s);
  const catania = ["15.08726745843887329", "37.50266842333162032"];
  const palermo = ["13.36138933897018433", "38.11555639549629859"];
  assertEquals(send(c, "GEORADIUS k 15 37 200 km WITHCOORD WITHHASH WITHDIST COUNT 1 ASC"), [
    ["Catania", "56.4413", 3479447370796909, catania],
  ]);
  assertEquals(send(c, "GEORADIUS_RO k 15 37 125 mi WITHCOORD WITHHASH WITHDIST COUNT 1 ASC"), [
    ["Catania", "35.0711", 3479447370796909, catania],
  ]);
  assertEquals(send(c, "GEORADIUSBYMEMBER k Palermo 656168 ft WITHCOORD WITHDIST WITHHASH COUNT 1 ASC"), [
    ["Palermo", "0.0000", 3479099956230698, palermo],
  ]);
  assertEquals(send(c, "GEORADIUSBYMEMBER_RO k Palermo 125 mi WITHCOORD WITHDIST WITHHASH COUNT 1 DESC"), [
    ["Catania", "103.3182", 3479447370796909, catania],
  ]);
  for (
    const line of [
      "GEORADIUS k 15 37 200 km COUNT 1 ANY",
      "GEORADIUS_RO k 15 37 200 km COUNT 1 ANY",
      "GEORADIUSBYMEMBER k edge2 10 km COUNT 1 ANY",
      "GEORADIUSBYMEMBER_RO k edge2 10 km COUNT 1 ANY",
    ]
  ) assertEquals(send(c, line), [line.includes("edge2") ? "edge2" : "Palermo"], line);
});

Deno.test("GEOSEARCHSTORE keeps what lies in a circle or box, as positions or distances, sorted, the first or any", () => {
  using s = startInProcess();
  const c = island(s), stored = () => send(c, "ZRANGE d 0 -1 WITHSCORES");
  assertEquals(send(c, "GEOSEARCHSTORE d k FROMLONLAT 15 37 BYBOX 250 250 mi ASC COUNT 3"), 3);
  assertEquals(send(c, "ZRANGE d 0 -1"), ["Palermo", "Catania", "edge2"]);
  assertEquals(
    send(c, "GEOSEARCHSTORE d k FROMLONLAT 15 37 BYBOX 1312336 1312336 ft DESC COUNT 1 STOREDIST"),
    1,
  );
  assertEquals(stored(), ["edge1", "917783.63561559806"]);
  assertEquals(send(c, "GEOSEARCHSTORE d k FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2 ANY"), 2);
  assertEquals(send(c, "GEOSEARCHSTORE d k FROMLONLAT 15 37 BYBOX 150000 150000 m ASC"), 1);
  assertEquals(stored(), ["Catania", "3479447370796909"]);
});

Deno.test("GEOSEARCH finds exactly those within the radius that GEODIST measures", () => {
  for (let seed = 1; seed <= 25; seed++) {
    using s = startInProcess();
    const c = s.client(), random = new Random(seed);
    const centre = [[100, 70], [-70, -33], [13.4, 52.5], [0, 0], [-45, 0.1]][seed % 5]!;
    // Not over the date line, nor half the world: there Redeno overlooks what redis-server overlooks.
    const spread = [0.001, 0.5, 8, 20][seed % 4]!;
    const near = (around: number) => (around + (random.float() - 0.5) * spread).toFixed(6);
    send(c, `GEOADD k ${centre.join(" ")} centre`);
    const names = Array.from({ length: 80 }, (_, i) => `m${i}`);
    for (const name of names) send(c, `GEOADD k ${near(centre[0]!)} ${near(centre[1]!)} ${name}`);
    const distances = new Map(names.map((name) => [name, Number(send(c, `GEODIST k centre ${name}`))]));
    for (const radius of [...distances.values()].slice(0, 6)) {
      const found = send(c, `GEOSEARCH k FROMMEMBER centre BYRADIUS ${radius + 0.001} m ASC`) as string[];
      const expected = names.filter((name) => distances.get(name)! <= radius + 0.001);
      assertEquals(
        found.filter((name) => name !== "centre").sort(),
        expected.sort(),
        `seed ${seed}, ${radius} m`,
      );
      assert(found.includes("centre"), `seed ${seed}`);
      const ordered = found.map((name) => distances.get(name) ?? 0);
      assertEquals(ordered, ordered.toSorted((a, b) => a - b), `seed ${seed}, ${radius} m`);
    }
  }
});
