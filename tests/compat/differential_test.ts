/**
 * The same random commands, from a seed, go to Redeno and to a real redis-server, and their replies
 * must be the same bytes. Replies without a defined order are sorted first, and times are compared
 * to the second.
 *
 * DIFFERENTIAL_SEED and DIFFERENTIAL_COUNT in the environment set the seed and the number of
 * commands per family, DIFFERENTIAL_GROUPS selects families.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { Random } from "../../src/util/random.ts";
import {
  RawConnection,
  redisServer,
  type ServerProcess,
  startRedeno,
  startRedis,
} from "../support/oracle.ts";
import {
  type CommandGroup,
  epochMs,
  expand,
  groups,
  keys,
  type Normalization,
  normalizationOf,
} from "./commands.ts";
import { partsOf, sorted, streamInfo } from "./random_replies.ts";

const seed = Number(Deno.env.get("DIFFERENTIAL_SEED") ?? 20240717);
const total = Number(Deno.env.get("DIFFERENTIAL_COUNT") ?? 6000);
const chosen = Deno.env.get("DIFFERENTIAL_GROUPS")?.split(",") ?? Object.keys(groups);
const batchSize = 100;

/** An expiry in steps of 1000 s, counted from now or from 1970, in seconds or milliseconds. */
function coarseTime(reply: string, name: string): string {
  const value = Number(/^:(\d+)\r\n$/.exec(reply)?.[1] ?? NaN);
  if (!(value > 0)) return reply;
  const ms = value * (name.startsWith("P") ? 1 : 1000) - (name.endsWith("TIME") ? epochMs : 0);
  return `about ${Math.floor((ms - 250_000) / 1_000_000)}`;
}

function normalize(reply: string, how: Normalization, name: string): string {
  if (reply.startsWith("-")) return reply;
  if (how === "sorted") return sorted(reply, false);
  if (how === "sortedPairs") return sorted(reply, true);
  if (how === "time") return coarseTime(reply, name);
  return how === "streamInfo" ? streamInfo(reply) : reply;
}

/** Both servers, and the commands sent so far. */
class Pair {
  readonly #history: string[][] = [];
  constructor(readonly redeno: RawConnection, readonly redis: RawConnection) {}

  /** Sends commands to both and fails at the first differing reply. */
  async compare(commands: string[][]): Promise<void> {
    const [ours, theirs] = await Promise.all([this.redeno.pipeline(commands), this.redis.pipeline(commands)]);
    for (const [i, words] of commands.entries()) {
      const how = normalizationOf(words);
      const name = words[0] ?? "";
      const [ourReply, theirReply] = [ours[i] ?? "", theirs[i] ?? ""].map((reply) =>
        normalize(reply, how, name)
      );
      if (ourReply !== theirReply) assertEquals(ourReply, theirReply, this.#explain(words));
      this.#history.push(words);
    }
  }

  #explain(words: string[]): string {
    const related = this.#history.filter((earlier) =>
      earlier.some((word) => keys.includes(word) && words.includes(word))
    );
    const lines = [...related.slice(-15), words].map((earlier) =>
      earlier.map((word) => JSON.stringify(word)).join(" ")
    );
    return `seed ${seed}, command ${this.#history.length}:\n  ${lines.join("\n  ")}\n`;
  }
}

async function run(pair: Pair, group: CommandGroup, random: Random, count: number): Promise<void> {
  await pair.compare([["FLUSHALL"], ...group.setup.map((line) => line.split(" "))]);
  for (let done = 0; done < count; done += batchSize) {
    const batch = Array.from({ length: batchSize }, () => expand(pickTemplate(group, random), random));
    await pair.compare(batch);
  }
  // a transaction may still be open
  await pair.compare([
    ["DISCARD"],
    ["UNWATCH"],
    ...keys.flatMap((key) => group.audit.map((line) => auditOf(line, key))),
  ]);
}

function pickTemplate(group: CommandGroup, random: Random): string {
  return group.templates[random.below(group.templates.length)] ?? "PING";
}

/** `ZRANGE 0 -1` of key k1 is `ZRANGE k1 0 -1`; the key of `OBJECT ENCODING` comes last. */
function auditOf(line: string, key: string): string[] {
  const [name = "", ...rest] = line.split(" ");
  return name === "OBJECT" ? [name, ...rest, key] : [name, key, ...rest];
}

/** A redis-server that checks its clients often releases timed out ones at once. */
async function bothServers(
  use: (redeno: ServerProcess, redis: ServerProcess) => Promise<void>,
): Promise<void> {
  const [redeno, redis] = await Promise.all([startRedeno(), startRedis(["--hz", "500"])]);
  try {
    await use(redeno, redis);
  } finally {
    await Promise.all([redeno[Symbol.asyncDispose](), redis[Symbol.asyncDispose]()]);
  }
}

Deno.test({
  name: "random commands get the same replies from Redeno and redis-server",
  ignore: !redisServer,
  fn: (t) =>
    bothServers(async (redeno, redis) => {
      for (const protocol of ["2", "3"]) {
        for (const [name, group] of Object.entries(groups).filter(([name]) => chosen.includes(name))) {
          await t.step(`${name} in RESP${protocol}`, async () => {
            using ours = await redeno.connect();
            using theirs = await redis.connect();
            for (const connection of [ours, theirs]) await connection.send("HELLO", protocol);
            await run(new Pair(ours, theirs), group, new Random(seed + Number(protocol)), total / 2);
          });
        }
      }
    }),
});

/** A server under random commands, and the keyspace events of each of them. */
class Observed implements Disposable {
  private constructor(readonly actor: RawConnection, readonly listener: RawConnection) {}

  static async open(server: ServerProcess): Promise<Observed> {
    const observed = new Observed(await server.connect(), await server.connect());
    await observed.actor.send("CONFIG", "SET", "notify-keyspace-events", "KEAmn");
    await observed.listener.send("PSUBSCRIBE", "__key*");
    await observed.listener.send("PSUBSCRIBE", "mark");
    return observed;
  }

  /** The events of each command; a transaction's events come with its EXEC. */
  async eventsOf(commands: string[][]): Promise<string[][]> {
    const marked = commands.flatMap((words) => [words, ["PUBLISH", "mark", "next"]]);
    await this.actor.pipeline([...marked, ["DISCARD"], ["PUBLISH", "mark", "end"]]);
    const events: string[][] = [[]];
    for (;;) {
      const [channel = "", text = ""] = partsOf(await this.listener.read())?.slice(2) ?? [];
      if (channel === "$4\r\nmark\r\n") {
        if (text === "$3\r\nend\r\n") return events;
        events.push([]);
      } else events.at(-1)?.push(`${channel} ${text}`.replace(/\$\d+\r\n|\r\n/g, ""));
    }
  }

  [Symbol.dispose](): void {
    this.actor[Symbol.dispose]();
    this.listener[Symbol.dispose]();
  }
}

/**
 * Events that can be compared. Commands on streams and SORT look up keys more than once and in an
 * order of their own, and since 7.2 consumers are created even if there is nothing for them;
 * BITFIELD with FAIL may lengthen a value without writing a field, for which redis-server sends no
 * event.
 */
function comparable(events: readonly string[], [name = "", ...words]: readonly string[]): string[] {
  if (name === "BITFIELD" && words.includes("FAIL")) return [];
  const others = /^(X|SORT)/.test(name) ? /keymiss|xgroup-(create|del)consumer/ : /^$/;
  return events.filter((event) => !others.test(event));
}

async function compareEvents(
  ours: Observed,
  theirs: Observed,
  group: CommandGroup,
  random: Random,
): Promise<void> {
  await Promise.all(
    [ours, theirs].map(({ actor }) =>
      actor.pipeline([["FLUSHALL"], ...group.setup.map((line) => line.split(" "))])
    ),
  );
  let seen = 0;
  for (let done = 0; done < total / 4; done += batchSize) {
    const batch = Array.from({ length: batchSize }, () => expand(pickTemplate(group, random), random));
    const [ourEvents, theirEvents] = await Promise.all([ours.eventsOf(batch), theirs.eventsOf(batch)]);
    assertEquals(ourEvents.length, theirEvents.length);
    for (const [i, events] of ourEvents.entries()) {
      seen += events.length;
      const told = batch.slice(Math.max(0, i - 5), i + 1).map((words) => JSON.stringify(words)).join("\n  ");
      const [found, expected] = [events, theirEvents[i] ?? []].map((list) =>
        comparable(list, batch[i] ?? [])
      );
      assertEquals(found, expected, `seed ${seed}, command ${done + i}:\n  ${told}\n`);
    }
  }
  assertGreater(seen, total / 20, "events were seen");
}

Deno.test({
  name: "random commands send the same keyspace events in Redeno and redis-server",
  ignore: !redisServer,
  fn: (t) =>
    bothServers(async (redeno, redis) => {
      for (const [name, group] of Object.entries(groups).filter(([name]) => chosen.includes(name))) {
        await t.step(name, async () => {
          using ours = await Observed.open(redeno);
          using theirs = await Observed.open(redis);
          await compareEvents(ours, theirs, group, new Random(seed));
        });
      }
    }),
});
