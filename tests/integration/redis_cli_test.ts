/** Sessions of redis-cli: what it shows of Redeno is, character by character, what it shows of redis-server. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { findTool, redisServer, type ServerProcess, startRedeno, startRedis } from "../support/oracle.ts";
import { runTool } from "../support/tool.ts";

const redisCli = findTool("redis-cli");
const options = { ignore: redisCli === undefined };
const beside = { ignore: redisCli === undefined || redisServer === undefined };
if (beside.ignore) console.warn("redis-cli or redis-server is not installed, sessions are not compared");

/** What redis-cli prints of a session that is typed into it. */
async function session(server: ServerProcess, input: string, ...flags: string[]): Promise<string> {
  const words = ["-p", String(server.port), ...flags];
  const { code, stdout, stderr } = await runTool(redisCli ?? "", words, input);
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

/** One line each; what a line answers must not depend on the time, on memory or on chance. */
const LINES = String.raw`
SET "two words" 'single quotes'
GET "two words"
SET "\x00\xff\r\n\"" "tab\tbell\a"
GET "\x00\xff\r\n\""
STRLEN "\x00\xff\r\n\""
SET quote 'it\'s'
GET quote
SET empty ""
GET empty
GET missing
SET unbalanced "quotes
GET "closed"wrongly
NOSUCH command with arguments
SET too few many arguments
GET
INCR quote
LPUSH quote x
RPUSH list a b c
LRANGE list 0 -1
LRANGE none 0 -1
HSET hash field value other 2
HGETALL hash
ZADD zset 1.5 a -inf b 3 c
ZRANGE zset 0 -1 WITHSCORES
ZSCORE zset b
ZRANDMEMBER none
SADD set one
SMEMBERS set
SISMEMBER set one
XADD stream 1-1 field value
XADD stream 1-2 field value second "with space"
XRANGE stream - +
XREAD STREAMS stream 0
XADD stream 1-1 too small
EVAL "return {1, 'two', {3, {4, {}}}, false, redis.status_reply('fine')}" 0
EVAL "return redis.error_reply('MINE own error')" 0
EVAL "return redis.call('NOSUCH')" 0
MULTI
SET inside 1
INCR quote
EXEC
MULTI
NOSUCH
EXEC
MULTI
GET inside
DISCARD
EXEC
WATCH key
UNWATCH
SELECT 3
DBSIZE
SELECT 99
SELECT 0
TYPE stream
OBJECT ENCODING list
OBJECT FREQ list
EXPIRE list 100 NX
PERSIST list
COMMAND COUNT extra
COMMAND GETKEYS MSET a 1 b 2
CLIENT SETNAME "no spaces"
CONFIG SET maxmemory lots
CONFIG GET maxmemory-policy
ACL WHOAMI
ACL SETUSER someone ~ab% +@nothing
PING
PING "with an argument"
ECHO "\xe2\x82\xac"
SETRANGE list 0 x
GEOADD geo 13.361389 38.115556 Palermo
GEOPOS geo Palermo nobody
BITFIELD bits SET u8 0 255 GET u8 0 OVERFLOW FAIL INCRBY u8 0 1
PFADD hll a b c
PFCOUNT hll
`.trimStart();

for (
  const flags of [[], ["--no-raw"], ["-3", "--no-raw"], ["-3", "--json"], ["--csv"], ["-n", "5", "--raw"]]
) {
  const name = `a session of redis-cli ${flags.join(" ")} reads as with redis-server`.replace("  ", " ");
  Deno.test(name, beside, async () => {
    await using redeno = await startRedeno();
    await using redis = await startRedis();
    const [ours, theirs] = [await session(redeno, LINES, ...flags), await session(redis, LINES, ...flags)];
    assertStringIncludes(ours, "WRONGTYPE Operation against a key");
    assertEquals(ours.split("\n"), theirs.split("\n"));
  });
}

Deno.test(
  "redis-cli: 10,000 commands on standard input are answered one by one, in order",
  options,
  async () => {
    await using redeno = await startRedeno();
    const lines = Array.from({ length: 10_000 }, (_, i) => `INCRBY counter ${i}\n`).join("");
    const answers = (await session(redeno, lines)).trim().split("\n").map(Number);
    assertEquals(answers.length, 10_000);
    let sum = 0;
    assertEquals(answers, answers.map((_, i) => sum += i));
  },
);

Deno.test("redis-cli: a value of 100 MB goes in and comes out whole", options, async () => {
  await using redeno = await startRedeno();
  const port = ["-p", String(redeno.port)], file = `${redeno.folder}/value`;
  const value = new Uint8Array(100 << 20).map((_, i) => (i * 31 + (i >> 12)) & 255);
  await Deno.writeFile(file, value);
  const shell = (line: string) => runTool("sh", ["-c", line, redisCli ?? "", ...port, "--raw"]);
  assertEquals((await shell(`"$0" "$@" -x SET big < ${file}`)).stdout, "OK\n");
  assertEquals((await shell(`"$0" "$@" STRLEN big`)).stdout, `${value.length}\n`);
  // redis-cli ends what it prints with a line end.
  const compared = await shell(`"$0" "$@" GET big | head -c ${value.length} | cmp - ${file} && echo same`);
  assertEquals(compared.stdout, "same\n", compared.stderr);
});
