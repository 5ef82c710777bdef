/**
 * Several connections at once, to Redeno and to a real redis-server: blocked clients, the order in
 * which they are served, and transactions that notice other clients' changes. Each step is the same
 * on both sides, and so must be every byte on every connection. DIFFERENTIAL_SEED and
 * DIFFERENTIAL_COUNT are as in differential_test.ts.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { Random } from "../../src/util/random.ts";
import {
  type RawConnection,
  redisServer,
  type ServerProcess,
  startRedeno,
  startRedis,
} from "../support/oracle.ts";
import { expand } from "./commands.ts";

const seed = Number(Deno.env.get("DIFFERENTIAL_SEED") ?? 20240717);
const rounds = Number(Deno.env.get("DIFFERENTIAL_COUNT") ?? 6000) / 20;
const WAITERS = 3;

/**
 * Commands that wait without limit; `{stream}` is a key of its own, since XREADGROUP reports its
 * deletion.
 */
const waits = [
  "BLPOP {keys} 0",
  "BRPOP {keys} 0",
  "BLMOVE {key} {key} {LEFT|RIGHT} {LEFT|RIGHT} 0",
  "BRPOPLPUSH {key} {key} 0",
  "BLMPOP 0 {numkeys} {LEFT|RIGHT} [ COUNT {count} ]",
  "BZPOPMIN {keys} 0",
  "BZPOPMAX {keys} 0",
  "BZMPOP 0 {numkeys} {MIN|MAX} [ COUNT {count} ]",
  "XREAD BLOCK 0 STREAMS {s1|s2} $",
  "XREAD COUNT 2 BLOCK 0 STREAMS s1 s2 {id} {id}",
  "XREADGROUP GROUP g {alice|bob} BLOCK 0 STREAMS {s1|s2} >",
  "XREADGROUP GROUP g {alice|bob} COUNT 1 NOACK BLOCK 0 STREAMS s1 s2 > >",
];

/**
 * The actions of other clients meanwhile. SORT and ZUNIONSTORE are left out: if they replace a
 * value of another type, redis-server serves the waiting clients only at the next write, Redeno at
 * once. So is SWAPDB, which makes many keys ready in no defined order.
 */
const deeds = [
  "{LPUSH|RPUSH} {key} {value*}",
  "{LPUSH|RPUSH} {key} {value*}",
  "LPOP {key}",
  "LINSERT {key} BEFORE {member} {value}",
  "RPOPLPUSH {key} {key}",
  "LMPOP {numkeys} LEFT",
  "ZADD {key} {scoreMember*}",
  "ZADD {key} {scoreMember*}",
  "ZPOPMIN {key}",
  "DEL {key}",
  "SET {key} {value}",
  "RENAME {key} {key}",
  "COPY {key} {key} REPLACE",
  "XADD {s1|s2} {newId} {fieldValue}",
  "XADD {s1|s2} {newId} {fieldValue}",
  "XGROUP CREATE {s1|s2} g $ MKSTREAM",
  "XGROUP DESTROY {s1|s2} g",
  "DEL {s1|s2}",
  "FLUSHDB",
];

/** Changes to keys that a transaction watches. */
const touches = [
  ...deeds,
  "GET {key}",
  "EXPIREAT {key} {at}",
  "EXPIRE {key} -1",
  "PERSIST {key}",
  "DEL nokey",
  "EXISTS {key}",
  "SADD {key} {member}",
  "SREM {key} {member}",
  "HSET {key} {fieldValue}",
  "LSET {key} 0 {value}",
  "SET {key} {value} XX",
  "TOUCH {key}",
  "FLUSHALL",
  "SWAPDB 0 1",
];

/** The connections to one server: those that wait or watch, and the acting one. */
class Side implements Disposable {
  private constructor(
    readonly actor: RawConnection,
    readonly others: readonly RawConnection[],
    readonly ids: readonly string[],
  ) {}

  static async open(server: ServerProcess, protocol: string): Promise<Side> {
    const actor = await server.connect(), others: RawConnection[] = [], ids: string[] = [];
    await actor.send("HELLO", protocol);
    for (let i = 0; i < WAITERS; i++) {
      const other = await server.connect();
      await other.send("HELLO", protocol);
      ids.push((await other.send("CLIENT", "ID")).slice(1, -2));
      others.push(other);
    }
    return new Side(actor, others, ids);
  }

  /** Sends a command that may wait; resolves when it waits or has its reply. */
  async begin(i: number, words: readonly string[]): Promise<{ reply: Promise<string> }> {
    let isOver = false;
    const reply = this.others[i]!.send(...words).finally(() => isOver = true);
    while (!isOver && !/ flags=\w*b/.test(await this.actor.send("CLIENT", "LIST", "ID", this.ids[i]!)));
    return { reply };
  }

  [Symbol.dispose](): void {
    for (const connection of [this.actor, ...this.others]) connection[Symbol.dispose]();
  }
}

/** The commands of one round. */
interface Round {
  /** Run first. */
  setup: string[][];
  /** The command of each of the other connections. */
  others: string[][];
  /** Run after that. */
  acts: string[][];
}

/**
 * All connections wait for something, then come the actions, then the release of those still
 * waiting; returns all replies.
 */
async function wait(side: Side, { setup, others, acts }: Round): Promise<string[]> {
  const replies = await side.actor.pipeline([["FLUSHALL"], ...setup]),
    begun: { reply: Promise<string> }[] = [];
  for (const [i, words] of others.entries()) begun.push(await side.begin(i, words));
  replies.push(...await side.actor.pipeline(acts));
  for (const id of side.ids) replies.push(await side.actor.send("CLIENT", "UNBLOCK", id));
  for (const { reply } of begun) replies.push(await reply);
  return replies;
}

/** All connections watch keys, then come the actions, then a transaction on each. */
async function watch(side: Side, { setup, others, acts }: Round): Promise<string[]> {
  const replies = await side.actor.pipeline([["FLUSHALL"], ...setup]);
  for (const [i, words] of others.entries()) replies.push(await side.others[i]!.send(...words));
  replies.push(...await side.actor.pipeline(acts));
  for (const other of side.others) {
    replies.push(...await other.pipeline([["MULTI"], ["INCR", "count"], ["EXEC"]]));
  }
  return replies;
}

function randomRound(
  random: Random,
  templates: { others: readonly string[]; acts: readonly string[] },
): Round {
  const some = (from: readonly string[], count: number) =>
    Array.from({ length: count }, () => {
      const template = from[random.below(from.length)] ?? "PING";
      return expand(template, random);
    });
  return {
    setup: some(deeds, 1 + random.below(5)),
    others: some(templates.others, WAITERS),
    acts: some(templates.acts, 1 + random.below(7)),
  };
}

/**
 * True if a client got an error because a waiting command is run again as a whole and finds a key
 * that has changed its type meanwhile. Redis does so since 7.2; 7.0 examines only the key that
 * serves the client.
 */
function isFoundAgain(ours: string, theirs: string): boolean {
  return ours.startsWith("-WRONGTYPE") && !theirs.startsWith("-");
}

/**
 * True if both report that the key XREADGROUP waited for is gone. Since 7.2 the text is the one a
 * new client would get; 7.0 has a text of its own.
 */
function bothSayGone(ours: string, theirs: string): boolean {
  return /^-(NOGROUP No such key|WRONGTYPE)/.test(ours) &&
    /^-(UNBLOCKED the stream key|NOGROUP the consumer group this)/.test(theirs);
}

const lines = (commands: readonly string[][]) =>
  commands.map((words) => "    " + words.map((word) => JSON.stringify(word)).join(" ")).join("\n");

/** Runs random rounds on both servers, in both protocols. */
async function compare(
  t: Deno.TestContext,
  play: (side: Side, round: Round) => Promise<string[]>,
  templates: { others: readonly string[]; acts: readonly string[] },
): Promise<void> {
  await using redeno = await startRedeno();
  await using redis = await startRedis();
  for (const protocol of ["2", "3"]) {
    await t.step(`in RESP${protocol}`, async () => {
      using ours = await Side.open(redeno, protocol);
      using theirs = await Side.open(redis, protocol);
      const random = new Random(seed + Number(protocol));
      let compared = 0;
      for (let i = 0; i < rounds; i++) {
        const round = randomRound(random, templates);
        const [ourReplies, theirReplies] = await Promise.all([play(ours, round), play(theirs, round)]);
        if (ourReplies.some((reply, at) => isFoundAgain(reply, theirReplies[at] ?? ""))) continue;
        const { setup, others, acts } = round;
        const told = `seed ${seed}, round ${i}:\n${lines(setup)}\n  then\n${lines(others)}\n  then\n${
          lines(acts)
        }\n`;
        const expected = theirReplies.map((reply, at) =>
          bothSayGone(ourReplies[at] ?? "", reply) ? ourReplies[at] : reply
        );
        assertEquals(ourReplies, expected, told);
        compared++;
      }
      assertGreater(compared, rounds * 0.8);
    });
  }
}

Deno.test({
  name: "waiting clients are served by Redeno as by redis-server, whatever other clients do",
  ignore: !redisServer,
  fn: (t) => compare(t, wait, { others: waits, acts: deeds }),
});

Deno.test({
  name: "transactions notice changes of watched keys in Redeno as in redis-server",
  ignore: !redisServer,
  fn: (t) => compare(t, watch, { others: ["WATCH {keys}", "WATCH {keys} {s1|s2}"], acts: touches }),
});
