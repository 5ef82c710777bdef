import { assertEquals } from "@std/assert";
import { PubSub } from "../../../src/pubsub/pubsub.ts";
import { Subscriptions } from "../../../src/pubsub/subscriptions.ts";
import { Random } from "../../../src/util/random.ts";

Deno.test("Subscriptions keep both sides in the order of subscription", () => {
  const subscriptions = new Subscriptions<string>();
  assertEquals(
    [subscriptions.add("ann", "x"), subscriptions.add("bob", "x"), subscriptions.add("ann", "x")],
    [
      true,
      true,
      false,
    ],
  );
  subscriptions.add("ann", "a");
  assertEquals([...subscriptions.namesOf("ann")], ["x", "a"]);
  assertEquals([...subscriptions.subscribersOf("x") ?? []], ["ann", "bob"]);
  assertEquals([subscriptions.remove("bob", "x"), subscriptions.remove("bob", "x")], [true, false]);
  assertEquals(subscriptions.removeAll("ann"), ["x", "a"]);
  assertEquals([subscriptions.size, subscriptions.countOf("ann"), subscriptions.subscribersOf("x")], [
    0,
    0,
    undefined,
  ]);
});

Deno.test("Subscriptions agree with a plain list of pairs under random operations", () => {
  const seed = 41;
  const random = new Random(seed);
  const subscriptions = new Subscriptions<number>();
  let pairs: [number, string][] = [];
  const has = (who: number, name: string) => pairs.some((pair) => pair[0] === who && pair[1] === name);
  for (let step = 0; step < 3000; step++) {
    const who = random.below(6), name = `n${random.below(8)}`, at = `seed ${seed} step ${step}`;
    const action = random.below(20);
    if (action === 0) {
      const names = pairs.filter((pair) => pair[0] === who).map((pair) => pair[1]);
      assertEquals(subscriptions.removeAll(who), names, at);
      pairs = pairs.filter((pair) => pair[0] !== who);
    } else if (action < 11) {
      assertEquals(subscriptions.add(who, name), !has(who, name), at);
      if (!has(who, name)) pairs.push([who, name]);
    } else {
      assertEquals(subscriptions.remove(who, name), has(who, name), at);
      pairs = pairs.filter((pair) => pair[0] !== who || pair[1] !== name);
    }
    assertEquals(subscriptions.size, new Set(pairs.map((pair) => pair[1])).size, at);
    assertEquals(subscriptions.countOf(who), pairs.filter((pair) => pair[0] === who).length, at);
    const listeners = pairs.filter((pair) => pair[1] === name).map((pair) => pair[0]);
    assertEquals([...subscriptions.subscribersOf(name) ?? []], listeners, at);
  }
});

function published(pubsub: PubSub<string>, channel: string): [number, string[]] {
  const delivered: string[] = [];
  const receivers = pubsub.publish(channel, (who, pattern) => delivered.push(`${who}:${pattern ?? "-"}`));
  return [receivers, delivered];
}

Deno.test("PubSub publishes to a channel's subscribers first, then once per matching pattern", () => {
  const pubsub = new PubSub<string>();
  pubsub.patterns.add("ann", "news.*");
  pubsub.channels.add("bob", "news.art");
  pubsub.channels.add("ann", "news.art");
  pubsub.patterns.add("ann", "*.art");
  pubsub.patterns.add("ann", "sport*");
  assertEquals(published(pubsub, "news.art"), [4, ["bob:-", "ann:-", "ann:news.*", "ann:*.art"]]);
  assertEquals(published(pubsub, "other"), [0, []]);
});

Deno.test("PubSub keeps shard channels apart from channels and patterns", () => {
  const pubsub = new PubSub<string>();
  pubsub.shardChannels.add("ann", "c");
  pubsub.patterns.add("bob", "*");
  assertEquals(published(pubsub, "c"), [1, ["bob:*"]]);
  const delivered: string[] = [];
  assertEquals(pubsub.publishToShard("c", (who) => delivered.push(who)), 1);
  assertEquals(delivered, ["ann"]);
  assertEquals([pubsub.countOf("ann"), pubsub.totalOf("ann"), pubsub.countOf("bob")], [0, 1, 1]);
});

Deno.test("PubSub forgets a subscriber that has gone, even while it publishes", () => {
  const pubsub = new PubSub<string>();
  for (const who of ["ann", "bob", "cid"]) pubsub.channels.add(who, "c");
  pubsub.patterns.add("bob", "*");
  const delivered: string[] = [];
  const receivers = pubsub.publish("c", (who) => {
    delivered.push(who);
    pubsub.removeAll("bob");
    pubsub.removeAll(who);
  });
  assertEquals(receivers, 2);
  assertEquals(delivered, ["ann", "cid"]);
  assertEquals([pubsub.totalOf("bob"), pubsub.patterns.size], [0, 0]);
});
