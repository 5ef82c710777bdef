import { assert, assertEquals } from "@std/assert";
import {
  decodeScore,
  distance,
  distanceWithin,
  encodeScore,
  geohashText,
  searchSpans,
  type Shape,
} from "../../../src/data/geohash.ts";
import { Random } from "../../../src/util/random.ts";

const palermo = { longitude: 13.361389, latitude: 38.115556 };
const catania = { longitude: 15.087269, latitude: 37.502669 };

Deno.test("encodeScore gives the scores that redis-server stores", () => {
  assertEquals(encodeScore(palermo.longitude, palermo.latitude), 3479099956230698);
  assertEquals(encodeScore(catania.longitude, catania.latitude), 3479447370796909);
  assertEquals(encodeScore(-180, -85.05112878), 0);
});

Deno.test("encodeScore at the north-east corner leaves the grid by one cell, as in Redis", () => {
  assertEquals(encodeScore(180, 85.05112878), 3 * 2 ** 52);
});

Deno.test("decodeScore gives the middle of the cell, with the decimals GEOPOS shows", () => {
  const place = decodeScore(3479099956230698);
  assertEquals(place.longitude.toFixed(17), "13.36138933897018433");
  assertEquals(place.latitude.toFixed(17), "38.11555639549629859");
});

Deno.test("decodeScore takes any score", () => {
  for (const score of [-1, 0.5, 1e300, Infinity, -Infinity, 2 ** 60]) {
    const place = decodeScore(score);
    assert(Math.abs(place.longitude) <= 180 && Math.abs(place.latitude) <= 85.05112878, `score ${score}`);
  }
});

Deno.test("geohashText is the common geohash", () => {
  assertEquals(geohashText(decodeScore(3479099956230698)), "sqc8b49rny0");
  assertEquals(geohashText(decodeScore(3479447370796909)), "sqdtr74hyu0");
});

Deno.test("distance follows the great circle, and the meridian where longitudes are equal", () => {
  const from = decodeScore(3479099956230698), to = decodeScore(3479447370796909);
  assertEquals(distance(from, to).toFixed(4), "166274.1516");
  assertEquals(
    distance({ longitude: 7, latitude: 0 }, { longitude: 7, latitude: 1 }).toFixed(4),
    "111226.3000",
  );
  assertEquals(distance(from, from), 0);
});

function randomPlace(random: Random, spreadDegrees: number) {
  return {
    longitude: 2 + (random.float() * 2 - 1) * Math.min(spreadDegrees, 178),
    latitude: (random.float() * 2 - 1) * Math.min(spreadDegrees, 60),
  };
}

Deno.test("searchSpans cover every place within a shape, for circles and boxes of all sizes", () => {
  const seed = 20240711;
  const random = new Random(seed);
  for (let round = 0; round < 400; round++) {
    const spreadDegrees = 10 ** (random.float() * 5 - 3);
    const meters = () => spreadDegrees * 111_000 * random.float();
    const center = randomPlace(random, spreadDegrees);
    const shape: Shape = random.below(2) === 0
      ? { kind: "circle", center, radius: meters() }
      : { kind: "box", center, width: meters(), height: meters() };
    // Redis itself misses places across the date line and in shapes of continental size.
    if (spreadDegrees > 15) continue;
    const spans = searchSpans(shape);
    assert(spans.length <= 9);
    for (let i = 0; i < 50; i++) {
      const place = randomPlace(random, spreadDegrees);
      const score = encodeScore(place.longitude, place.latitude);
      if (distanceWithin(shape, decodeScore(score)) < 0) continue;
      assert(
        spans.some((s) => score >= s.min && score < s.max),
        `seed ${seed}, round ${round}, score ${score}`,
      );
    }
  }
});

Deno.test("distanceWithin is -1 outside of the shape and the distance from the centre inside", () => {
  const circle: Shape = { kind: "circle", center: palermo, radius: 170_000 };
  assertEquals(distanceWithin(circle, catania), distance(palermo, catania));
  assertEquals(distanceWithin({ ...circle, radius: 160_000 }, catania), -1);
  const box: Shape = { kind: "box", center: palermo, width: 310_000, height: 140_000 };
  assertEquals(distanceWithin(box, catania), distance(palermo, catania));
  assertEquals(distanceWithin({ ...box, width: 300_000 }, catania), -1);
  assertEquals(distanceWithin({ ...box, height: 130_000 }, catania), -1);
});

Deno.test("searchSpans of the whole world visit a square only once in a row", () => {
  const spans = searchSpans({ kind: "circle", center: { longitude: 10, latitude: 10 }, radius: 1e8 });
  const starts = spans.map((s) => s.min / 2 ** 50);
  assertEquals(starts, [3, 2, 1, 0]);
});
