/** Functions of the table `redis` beyond calls: the log, permissions. */
import { assert, assertEquals } from "@std/assert";
import type { EngineLog } from "../../../../src/engine/ports.ts";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

Deno.test("redis.log writes at its level, all its words in one line, of EVAL and of functions", () => {
  using s = startInProcess();
  const c = s.client(), lines: string[] = [];
  for (const level of ["debug", "verbose", "notice", "warning"] satisfies (keyof EngineLog)[]) {
    s.engine.log[level] = (text: string) => void lines.push(`${level}: ${text}`);
  }
  const logAll = "for _, level in ipairs({'DEBUG', 'VERBOSE', 'NOTICE', 'WARNING'}) do " +
    "redis.log(redis['LOG_' .. level], 'at', level, 1.5, nil, 'end') end";
  c.send("EVAL", logAll, "0");
  const expected = ["DEBUG", "VERBOSE", "NOTICE", "WARNING"].map((level) =>
    `${level.toLowerCase()}: at ${level} 1.5 end`
  );
  assertEquals(lines.splice(0), expected);
  const library = `#!lua name=lib\nredis.log(redis.LOG_NOTICE, 'loading')\n` +
    `redis.register_function('log', function() ${logAll} end)`;
  c.send("FUNCTION", "LOAD", library);
  c.send("FCALL", "log", "0");
  assertEquals(lines, ["notice: loading", ...expected]);
});

Deno.test("redis.acl_check_cmd knows commands, sub-commands, keys, channels and selectors of the script's user", () => {
  using s = startInProcess();
  const rules = [
    "on",
    "nopass",
    "+eval",
    "+get",
    "+config|get",
    "~own:*",
    "&news",
    "+publish",
    "(+set ~shared)",
  ];
  s.client().send("ACL", "SETUSER", "ann", ...rules);
  const c = s.client();
  c.send("AUTH", "ann", "x");
  const may = (...words: string[]) =>
    c.send("EVAL", `return redis.acl_check_cmd(${words.map((word) => `'${word}'`).join(",")})`, "0");
  assertEquals([may("GET", "own:1"), may("get", "other")], [1, null]);
  assertEquals([may("CONFIG", "GET", "x"), may("CONFIG", "SET", "x", "y")], [1, null]);
  assertEquals([may("PUBLISH", "news", "m"), may("PUBLISH", "olds", "m")], [1, null]);
  assertEquals([may("SET", "shared", "v"), may("SET", "own:1", "v")], [1, null]);
  const unknown = may("nosuch");
  assert(unknown instanceof ReplyFailure);
  assertEquals(unknown.message.split(" script: ")[0], "ERR Invalid command passed to redis.acl_check_cmd()");
});

Deno.test("a script may call what its user may, with the keys its user may use", () => {
  using s = startInProcess();
  s.client().send("ACL", "SETUSER", "ann", "on", "nopass", "+@all", "-set", "%R~read", "%W~write");
  const c = s.client();
  c.send("AUTH", "ann", "x");
  const errorOf = (call: string) => String(c.send("EVAL", `return tostring(redis.pcall(${call}).err)`, "0"));
  const command = "ERR The user executing the script can't run this command or subcommand";
  const key =
    "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments";
  assertEquals(errorOf("'SET', 'write', 'v'"), command);
  assertEquals(errorOf("'APPEND', 'read', 'v'"), key);
  assertEquals(errorOf("'GETDEL', 'write'"), key);
  assertEquals(c.send("EVAL", "return redis.call('GET', 'read')", "0"), null);
  const denied = c.send("EVAL", "return 1", "1", "foreign");
  assert(denied instanceof ReplyFailure && denied.message.startsWith("NOPERM "));
});
