/**
 * Random commands of all kinds, generated from their arguments in COMMAND DOCS and sent to Redeno
 * and a redis-server: replies must be the same bytes, in RESP2 and RESP3, and so must digests and
 * expiry times after each round.
 *
 * A round begins with the same values on both sides and ends at the first differing reply, since
 * later replies would differ only because of it. Differences listed in `known_differences.txt` are
 * ignored; all others are reported once for each command and kind of reply.
 */
import { createCommandTable } from "../../src/commands/table.ts";
import { type Command, Flag } from "../../src/engine/command.ts";
import { Random } from "../../src/util/random.ts";
import { type RawConnection, startRedeno, startRedis } from "../support/oracle.ts";
import { randomCall } from "../support/random_calls.ts";
import { ReplyValues } from "../../src/protocol/reply_values.ts";
import { keys, Words } from "./random_words.ts";
import { normalized } from "./random_replies.ts";

const ROUND = 400;
const BATCH = 40;

/**
 * Commands that end, block or reconfigure a server, depend on the machine or the moment, or are
 * Redeno's own.
 */
const leftOut = new RegExp(
  "^(acl\\|(genpass|getuser|list|load|log|save|setuser|users)|auth|bgrewriteaof|bgsave|client|cluster|command|config|" +
    "debug|failover|info|lastsave|latency|lolwut|memory\\|(doctor|malloc-stats|purge|stats)|migrate|module|monitor|pfdebug|" +
    "pfselftest|psubscribe|psync|punsubscribe|quit|replconf|replicaof|role|save|shutdown|slaveof|slowlog|snapshot|" +
    "ssubscribe|subscribe|sunsubscribe|sync|time|unsubscribe|restore-asking|script\\|(debug|kill)|" +
    "function\\|(dump|kill|stats|restore)|randomkey|spop|waitaof|.*\\|help)(\\||$)",
);

/** An intended difference. */
interface KnownDifference {
  call: RegExp;
  ours: RegExp;
  theirs: RegExp;
}

/** A difference found. */
export interface Difference {
  words: readonly string[];
  ours: string;
  theirs: string;
  /** The last commands of the round that name the same keys. */
  before: readonly (readonly string[])[];
  round: number;
}

/** The result of a comparison. */
export interface Outcome {
  compared: number;
  known: number;
  differences: Difference[];
}

const shown = (words: readonly string[]) => words.map((word) => JSON.stringify(word)).join(" ");

/** A difference in readable form. */
export function describe({ words, ours, theirs, before, round }: Difference): string {
  const lines = before.map((earlier) => `    ${shown(earlier)}`);
  return [
    `round ${round}`,
    ...lines,
    `  > ${shown(words)}`,
    `    ours   ${JSON.stringify(ours)}`,
    `    theirs ${JSON.stringify(theirs)}`,
  ]
    .join("\n");
}

/**
 * Rows `command TAB our reply TAB its reply TAB reason`, the first three being regular expressions.
 */
function readKnown(): KnownDifference[] {
  const text = Deno.readTextFileSync(new URL("known_differences.txt", import.meta.url));
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const [call = "", ours = "", theirs = "", reason = ""] = line.split("\t");
    if (reason === "") throw new Error(`a difference without a reason: ${line}`);
    return {
      call: new RegExp(`^(?:${call})`, "i"),
      ours: new RegExp(`^(?:${ours})`),
      theirs: new RegExp(`^(?:${theirs})`),
    };
  });
}

/** The commands common to both servers that a round may contain. */
async function commandsOf(redis: RawConnection): Promise<Command[]> {
  const listed = new ReplyValues(await redis.send("COMMAND", "LIST")).next() as string[];
  const there = new Set(listed.map((name) => name.toLowerCase()));
  return [...createCommandTable().entries()]
    .flatMap(([, cmd]) => cmd.subcommands ?? [cmd])
    .filter(({ fullName, parent }) => there.has(parent?.name ?? fullName) && !leftOut.test(fullName));
}

const fillings: readonly string[][] = [
  ["SET", "k1", "hello"],
  ["SET", "k2", "12"],
  ["RPUSH", "k3", "a", "b", "c", "1", "2"],
  ["SADD", "k4", "a", "b", "c", "d"],
  ["ZADD", "k5", "1", "a", "2", "b", "2", "c", "3.5", "d"],
  ["HSET", "k6", "a", "1", "b", "x", "c", "2.5"],
  ["XADD", "k7", "1-1", "f", "v"],
  ["XADD", "k7", "2-1", "f", "v", "g", "w"],
  ["XGROUP", "CREATE", "k7", "g1", "0"],
  ["GEOADD", "k\r\n\xff", "13.361389", "38.115556", "a", "15.087269", "37.502669", "b"],
  [
    "ACL",
    "SETUSER",
    "someone",
    "reset",
    "on",
    "+@all",
    "-@hash",
    "~k1",
    "~k2",
    "%R~k3",
    "%W~k4",
    "(+@hash ~k6)",
  ],
  ["SELECT", "0"],
];

/** The digest of all keys; expired keys are deleted when they are looked up. */
const digest: readonly string[][] = [["EXISTS", ...keys], ["DEBUG", "DIGEST"]];

/** Rounds on two servers. */
class Comparison {
  readonly outcome: Outcome = { compared: 0, known: 0, differences: [] };
  readonly #known = readKnown();
  readonly #seen = new Set<string>();
  /** Names of commands that only read. */
  readonly #readers = new Set(["xinfo", "object"]);
  readonly #random: Random;
  #round = 0;
  #done: string[][] = [];

  constructor(
    readonly ours: RawConnection,
    readonly theirs: RawConnection,
    readonly commands: readonly Command[],
    readonly payloads: readonly string[],
    seed: number,
  ) {
    this.#random = new Random(seed);
    for (const { name, flags } of commands) if ((flags & Flag.ReadOnly) !== 0) this.#readers.add(name);
  }

  async round(): Promise<void> {
    this.#round++;
    this.#done = [];
    const protocol = this.#round % 2 === 0 ? "3" : "2";
    for (const side of [this.ours, this.theirs]) {
      await side.pipeline([["DISCARD"], ["SELECT", "0"], ["HELLO", protocol], ["FLUSHALL"], [
        "FUNCTION",
        "FLUSH",
      ], [
        "SCRIPT",
        "FLUSH",
      ]]);
    }
    if (!await this.#same(fillings.map((words) => [...words]))) return;
    for (let done = 0; done < ROUND; done += BATCH) {
      if (!await this.#same([...Array.from({ length: BATCH }, () => this.#call()), ...digest])) {
        return;
      }
    }
    const inspected = keys.flatMap((
      key,
    ) => [["TYPE", key], ["PEXPIRETIME", key], ["OBJECT", "ENCODING", key]]);
    await this.#same([["DISCARD"], ["SELECT", "0"], ...inspected, ...digest]);
  }

  /** A call; some are wrapped in a query for their keys or for a user's permission. */
  #call(): string[] {
    const call = this.#plainCall();
    switch (this.#random.below(60)) {
      case 0:
        return ["COMMAND", this.#random.below(2) === 0 ? "GETKEYS" : "GETKEYSANDFLAGS", ...call];
      case 1:
        return ["ACL", "DRYRUN", "someone", ...call];
      default:
        return call;
    }
  }

  #plainCall(): string[] {
    const random = this.#random, words = new Words(random, this.payloads);
    const cmd = words.pick(this.commands);
    const call = randomCall(cmd, random, {
      key: () => words.key(),
      value: (arg) => words.value(cmd.name, arg),
      optional: 0.35,
      disorder: 0.04,
    });
    if (random.below(60) === 0) this.#spoil(call, words);
    // Elements of equal weight have no defined order, and a list would keep it.
    if (cmd.name === "sort" && call.includes("BY") && call.includes("STORE")) return ["PING"];
    // The id would contain the time of day.
    return cmd.name === "xadd" ? call.map((word) => word === "*" ? "6-*" : word) : call;
  }

  /** Drops, doubles or replaces a word. */
  #spoil(call: string[], words: Words): void {
    if (/^(B|XREAD|\w+RAND|SPOP)/.test(call[0]!)) return;
    const at = 1 + this.#random.below(call.length);
    if (at >= call.length) call.push(words.key());
    else if (this.#random.below(2) === 0) call.splice(at, 1);
    else call.splice(at, 0, call[at]!);
  }

  /** Sends commands to both; false at the first differing reply. */
  async #same(commands: string[][]): Promise<boolean> {
    const [ours, theirs] = await Promise.all([this.ours.pipeline(commands), this.theirs.pipeline(commands)]);
    for (const [i, words] of commands.entries()) {
      this.outcome.compared++;
      const [a, b] = [normalized(ours[i]!, words), normalized(theirs[i]!, words)];
      if (a !== b && !this.#isHarmless(words, a, b)) {
        this.#report(words, a, b);
        return false;
      }
      this.#done.push(words);
    }
    return true;
  }

  /** A known difference that leaves the data unchanged on both sides: the round can continue. */
  #isHarmless(words: string[], ours: string, theirs: string): boolean {
    if (!this.#isKnown(words, ours, theirs)) return false;
    const cmd = this.#readers.has(words[0]!.toLowerCase()),
      isRefused = ours.startsWith("-") && theirs.startsWith("-");
    if (cmd || isRefused) this.outcome.known++;
    return cmd || isRefused;
  }

  #isKnown(words: string[], ours: string, theirs: string): boolean {
    const line = words.join(" ");
    return this.#known.some((one) => one.call.test(line) && one.ours.test(ours) && one.theirs.test(theirs));
  }

  #report(words: string[], ours: string, theirs: string): void {
    if (this.#isKnown(words, ours, theirs)) {
      this.outcome.known++;
      return;
    }
    const kind = `${words[0]} ${ours.slice(0, 12)} ${theirs.slice(0, 12)}`;
    if (this.#seen.has(kind)) return;
    this.#seen.add(kind);
    const before = words[0] === "DEBUG"
      ? this.#done.slice(-BATCH)
      : this.#done.filter((earlier) => earlier.some((word) => keys.includes(word) && words.includes(word)))
        .slice(-12);
    this.outcome.differences.push({ words, ours, theirs, before, round: this.#round });
  }
}

/** Values as dumped by redis-server, and the same with one byte changed. */
async function payloadsOf(redis: RawConnection): Promise<string[]> {
  await redis.pipeline(fillings);
  const whole: string[] = [];
  for (const key of keys.slice(0, 7)) {
    const value = new ReplyValues(await redis.send("DUMP", key)).next();
    if (typeof value === "string") whole.push(value);
  }
  return [...whole, whole[0]!.slice(1), "", "x"];
}

/** Compares about `count` commands; `tell` receives the progress. */
export async function compareRandom(
  count: number,
  seed: number,
  tell: (outcome: Outcome) => void = () => {},
): Promise<Outcome> {
  await using redeno = await startRedeno(["--enable-debug-command", "yes"]);
  await using redis = await startRedis(["--enable-debug-command", "yes", "--hz", "500"]);
  using ours = await redeno.connect();
  using theirs = await redis.connect();
  const comparison = new Comparison(ours, theirs, await commandsOf(theirs), await payloadsOf(theirs), seed);
  while (comparison.outcome.compared < count) {
    await comparison.round();
    tell(comparison.outcome);
  }
  return comparison.outcome;
}
