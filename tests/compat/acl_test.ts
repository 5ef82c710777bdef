/**
 * The same random rules, from a seed, create users of Redeno and of a real redis-server; both must
 * accept and refuse the same rules, with the same texts, and give the same answers about
 * permissions.
 */
import { assertEquals } from "@std/assert";
import { Random } from "../../src/util/random.ts";
import { redisServer, startRedeno, startRedis } from "../support/oracle.ts";
import { callableCommands, sampleCall } from "../support/sample_calls.ts";
import { expand, groups } from "./commands.ts";

const seed = Number(Deno.env.get("DIFFERENTIAL_SEED") ?? 20240717);
const rounds = 400;
const callsEach = 12;

const ordinaryRules =
  `+get -get +set +@read -@read +@write -@dangerous +@all -@all +@string -@hash +@fast -@slow +config|get
  -config|set +config -config +select|0 +select -select +object|encoding -xinfo +xinfo|stream allcommands nocommands
  ~k* ~text %R~k1 %W~k2 %RW~n* %r~k3 %w~k3 ~? allkeys ~* resetkeys &k* &text allchannels resetchannels
  on off nopass resetpass >secret <secret #${
    "0123456789abcdef".repeat(4)
  } sanitize-payload skip-sanitize-payload
  (+get ~k1) (%R~k*|+@read) (+@all|~k1|&k1) (allkeys|+set) clearselectors reset`
    .split(/\s+/);
const oddRules =
  `+nosuch +@nosuch -config|nosuch +config|nosuch +config|get|x +get|a|b +get| + - ~a|b %~a %X~a %R
  #123 !123 !${"0".repeat(64)} ( ) () (+nosuch) (~a|~*|~b) &a|b x`.split(/\s+/);

/** Spaces in a rule are written as bars here, except those behind a command's name. */
function randomRule(random: Random): string {
  const rules = random.below(12) === 0 ? oddRules : ordinaryRules;
  const rule = rules[random.below(rules.length)]!;
  return rule.startsWith("+") || rule.startsWith("-") ? rule : rule.replaceAll("|", " ");
}

const templates = [
  ...Object.values(groups).flatMap((group) => group.templates),
  "SELECT 0",
  "SELECT 1",
  "CONFIG GET maxmemory",
  "CONFIG SET maxmemory 0",
  "SUBSCRIBE {key}",
  "SUBSCRIBE {keys}",
  "PSUBSCRIBE k*",
  "SSUBSCRIBE {key}",
  "UNSUBSCRIBE {key}",
  "PUBLISH {key} message",
  "SPUBLISH {key} message",
  "AUTH name password",
  "MIGRATE host 1 {key} 0 1",
  'MIGRATE host 1 "" 0 1 KEYS {keys}',
];

Deno.test({
  name: "ACL SETUSER and ACL DRYRUN answer as redis-server does, over random rules and commands",
  ignore: redisServer === undefined,
  async fn() {
    await using redis = await startRedis();
    await using redeno = await startRedeno();
    using there = await redis.connect();
    using here = await redeno.connect();
    const random = new Random(seed);
    for (let round = 0; round < rounds; round++) {
      const user = `u${random.below(5)}`;
      const rules = Array.from({ length: 1 + random.below(5) }, () => randomRule(random));
      const commands: string[][] = [["ACL", "SETUSER", user, ...rules]];
      for (let i = 0; i < callsEach; i++) {
        const call = expand(templates[random.below(templates.length)]!, random)
          .map((word) => word === '""' ? "" : word);
        commands.push(["ACL", "DRYRUN", user, ...call]);
      }
      const [expected, actual] = await Promise.all([there.pipeline(commands), here.pipeline(commands)]);
      for (const [i, words] of commands.entries()) {
        const rest = `seed ${seed}, round ${round}: ${JSON.stringify(words)}, after ${
          JSON.stringify(commands[0])
        }`;
        assertEquals(actual[i], expected[i], rest);
      }
    }
  },
});

/** Commands added in Redis 7.2 or 7.4, and Redeno's own. */
const later =
  /^(?:CLIENT (?:SETINFO|NO-TOUCH)|CLUSTER MYSHARDID|SNAPSHOT|WAITAOF|H(?:P?EXPIRE(?:AT|TIME)?|P?TTL|PERSIST))\b/;

Deno.test({
  name: "ACL DRYRUN answers as redis-server does for every command, by what a user may do with its keys",
  ignore: redisServer === undefined,
  async fn() {
    await using redis = await startRedis();
    await using redeno = await startRedeno();
    using there = await redis.connect();
    using here = await redeno.connect();
    const calls = callableCommands().map(sampleCall).filter((call) => !later.test(call.join(" ")));
    for (const rules of [[], ["%R~*"], ["%W~*"], ["~key1"], ["~key2"], ["allkeys", "allchannels"]]) {
      const commands = [["ACL", "SETUSER", "u", "reset", "+@all", ...rules]];
      for (const call of calls) commands.push(["ACL", "DRYRUN", "u", ...call]);
      const [expected, actual] = await Promise.all([there.pipeline(commands), here.pipeline(commands)]);
      for (const [i, words] of commands.entries()) {
        assertEquals(actual[i], expected[i], `${words.join(" ")} with ${rules.join(" ")}`);
      }
    }
  },
});
