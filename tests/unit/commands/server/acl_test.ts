import { assertEquals, assertMatch } from "@std/assert";
import { ConfigLoadError } from "../../../../src/config/errors.ts";
import { Args } from "../../../../src/engine/args.ts";
import {
  type InProcessClient,
  type InProcessServer,
  PENDING,
  startInProcess,
} from "../../../support/in_process.ts";
import { type Reply, ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** The error of a refused command. */
function denied(what: string): ReplyFailure {
  return new ReplyFailure(`NOPERM this user has no permissions to ${what}`);
}

const DENIED_KEY = denied("access one of the keys used as arguments");
const DENIED_CHANNEL = denied("access one of the channels used as arguments");

/** A client that acts for a user made of `rules`. */
function clientOf(s: InProcessServer, name: string, ...rules: string[]): InProcessClient {
  assertEquals(s.client().send("ACL", "SETUSER", name, "on", "nopass", ...rules), "OK");
  const client = s.client();
  assertEquals(client.send("AUTH", name, "any"), "OK");
  return client;
}

/** The fields of a map that comes as a list in RESP2. */
function fields(reply: Reply | typeof PENDING): Record<string, Reply> {
  if (!Array.isArray(reply)) throw new Error(`no list: ${String(reply)}`);
  const found: Record<string, Reply> = {};
  for (let i = 0; i < reply.length; i += 2) found[String(reply[i])] = reply[i + 1] ?? null;
  return found;
}

/** ACL LOG's entries without what changes from run to run. */
function logged(s: InProcessServer): string[] {
  const entries = s.client().send("ACL", "LOG");
  if (!Array.isArray(entries)) throw new Error("no list");
  return entries.map((entry) => {
    const { reason, context, object, username, count } = fields(entry);
    return `${username} ${context} ${reason} ${object} ${count}`;
  });
}

Deno.test("ACL WHOAMI names the user; clients begin as default, and AUTH and RESET change that", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("ACL", "WHOAMI"), "default");
  c.send("ACL", "SETUSER", "ann", "on", ">pw", "allcommands");
  assertEquals(c.send("AUTH", "ann", "pw"), "OK");
  assertEquals(c.send("ACL", "WHOAMI"), "ann");
  assertEquals(c.send("RESET"), "RESET");
  assertEquals(c.send("ACL", "WHOAMI"), "default");
});

Deno.test("AUTH refuses unknown users, users that are off and wrong passwords alike", () => {
  using s = startInProcess();
  const c = s.client(),
    wrong = new ReplyFailure("WRONGPASS invalid username-password pair or user is disabled.");
  c.send("ACL", "SETUSER", "ann", ">pw");
  assertEquals(c.send("AUTH", "ann", "pw"), wrong);
  assertEquals(c.send("AUTH", "nobody", "pw"), wrong);
  c.send("ACL", "SETUSER", "ann", "on");
  assertEquals(c.send("AUTH", "ann", "other"), wrong);
  assertEquals(c.send("HELLO", "2", "AUTH", "ann", "other"), wrong);
  assertEquals(c.send("ACL", "WHOAMI"), "default");
  assertEquals(logged(s), [
    "ann toplevel auth HELLO 1",
    "ann toplevel auth AUTH 2",
    "nobody toplevel auth AUTH 1",
  ]);
});

Deno.test("AUTH with a password alone is for default, and an error where default needs none", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(
    c.send("AUTH", "pw"),
    new ReplyFailure(
      "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
    ),
  );
  assertEquals(c.send("AUTH", "a", "b", "c"), new ReplyFailure("ERR syntax error"));
  c.send("CONFIG", "SET", "requirepass", "pw");
  assertEquals(s.client().send("AUTH", "pw"), "OK");
  assertEquals(s.client().send("AUTH", "default", "pw"), "OK");
});

Deno.test("requirepass is the password of default, and new clients must give it", () => {
  using s = startInProcess();
  const before = s.client();
  before.send("CONFIG", "SET", "requirepass", "pw");
  assertEquals(before.send("PING"), "PONG");
  const after = s.client();
  assertEquals(after.send("PING"), new ReplyFailure("NOAUTH Authentication required."));
  before.send("CONFIG", "SET", "requirepass", "");
  assertEquals(after.send("PING"), "PONG");
  before.send("ACL", "SETUSER", "default", "off");
  assertEquals(s.client().send("PING"), new ReplyFailure("NOAUTH Authentication required."));
});

Deno.test("ACL SETUSER makes users that may do what their rules allow and nothing else", () => {
  using s = startInProcess();
  const c = clientOf(s, "ann", "+get", "+set", "+config|get", "+select|0", "~k*", "%R~r*");
  assertEquals(c.send("SET", "k1", "v"), "OK");
  assertEquals(c.send("GET", "r1"), null);
  assertEquals(c.send("SET", "r1", "v"), DENIED_KEY);
  assertEquals(c.send("SET", "k1", "v", "GET"), "v");
  assertEquals(c.send("GET", "x"), DENIED_KEY);
  assertEquals(c.send("DEL", "k1"), denied("run the 'del' command"));
  assertEquals(c.send("CONFIG", "GET", "maxmemory"), ["maxmemory", "0"]);
  assertEquals(c.send("CONFIG", "SET", "maxmemory", "0"), denied("run the 'config|set' command"));
  assertEquals(c.send("SELECT", "0"), "OK");
  assertEquals(c.send("SELECT", "1"), denied("run the 'select' command"));
});

Deno.test("ACL SETUSER takes effect at once, for the better and for the worse", () => {
  using s = startInProcess();
  const admin = s.client(), c = clientOf(s, "ann", "+@all", "~*", "&*");
  assertEquals(c.client.guards, 0);
  admin.send("ACL", "SETUSER", "ann", "-incr");
  assertEquals(c.send("INCR", "n"), denied("run the 'incr' command"));
  admin.send("ACL", "SETUSER", "ann", "+incr");
  assertEquals(c.send("INCR", "n"), 1);
  admin.send("ACL", "SETUSER", "ann", "+@all");
  assertEquals(c.client.guards, 0);
});

Deno.test("ACL SETUSER says what is wrong and then changes nothing", () => {
  using s = startInProcess();
  const c = s.client();
  const refused = (...rules: string[]) => c.send("ACL", "SETUSER", "ann", ...rules);
  const unknown = "Unknown command or category name in ACL";
  assertEquals(
    refused("on", "+nosuch"),
    new ReplyFailure(`ERR Error in ACL SETUSER modifier '+nosuch': ${unknown}`),
  );
  assertEquals(
    refused("(+get", "x\ny)"),
    new ReplyFailure("ERR Error in ACL SETUSER modifier '(+get x y)': Syntax error"),
  );
  assertEquals(
    refused("(+get", "~k"),
    new ReplyFailure("ERR Unmatched parenthesis in acl selector starting at '(+get'."),
  );
  assertEquals(c.send("ACL", "GETUSER", "ann"), null);
  assertEquals(
    c.send("ACL", "SETUSER", "a b"),
    new ReplyFailure("ERR Usernames can't contain spaces or null characters"),
  );
});

Deno.test("ACL GETUSER shows flags, hashes and selectors, as a map in RESP3", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("ACL", "SETUSER", "ann", "on", ">foo", "+get", "%R~a", "~b", "&c", "(+set ~d)");
  const hash = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
  assertEquals(fields(c.send("ACL", "GETUSER", "ann")), {
    flags: ["on"],
    passwords: [hash],
    commands: "-@all +get",
    keys: "%R~a ~b",
    channels: "&c",
    selectors: [["commands", "-@all +set", "keys", "~d", "channels", ""]],
  });
  c.send("HELLO", "3");
  const reply = c.send("ACL", "GETUSER", "default");
  assertEquals(reply instanceof Map && reply.get("flags"), new Set(["on", "nopass"]));
});

Deno.test("ACL LIST and ACL USERS show all users, by name", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("ACL", "SETUSER", "zoe");
  c.send("ACL", "SETUSER", "ann", "on", "nopass", "(+get)");
  assertEquals(c.send("ACL", "USERS"), ["ann", "default", "zoe"]);
  assertEquals(c.send("ACL", "LIST"), [
    "user ann on nopass resetchannels -@all (resetchannels -@all +get)",
    "user default on nopass ~* &* +@all",
    "user zoe off resetchannels -@all",
  ]);
});

Deno.test("ACL DELUSER removes users and closes their connections, its own after the reply", () => {
  using s = startInProcess();
  const ann = clientOf(s, "ann", "+acl"), other = clientOf(s, "ann"), bob = clientOf(s, "bob");
  assertEquals(
    ann.send("ACL", "DELUSER", "bob", "default"),
    new ReplyFailure("ERR The 'default' user cannot be removed"),
  );
  assertEquals(bob.closed, false);
  assertEquals(ann.send("ACL", "DELUSER", "ann", "bob", "nobody"), 2);
  assertEquals([ann.closed, other.closed, bob.closed], [true, true, true]);
  assertEquals(s.client().send("ACL", "USERS"), ["default"]);
});

Deno.test("acl-pubsub-default says which channels new users have", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("ACL", "SETUSER", "before");
  c.send("CONFIG", "SET", "acl-pubsub-default", "allchannels");
  c.send("ACL", "SETUSER", "after");
  assertEquals(fields(c.send("ACL", "GETUSER", "before"))["channels"], "");
  assertEquals(fields(c.send("ACL", "GETUSER", "after"))["channels"], "&*");
});

Deno.test("PUBLISH, SUBSCRIBE, PSUBSCRIBE and SSUBSCRIBE need their channels, ends of subscriptions none", () => {
  using s = startInProcess();
  const c = clientOf(s, "ann", "+@pubsub", "&news", "&w*");
  assertEquals(c.send("PUBLISH", "news", "x"), 0);
  assertEquals(c.send("PUBLISH", "old", "x"), DENIED_CHANNEL);
  assertEquals(c.send("SPUBLISH", "old", "x"), DENIED_CHANNEL);
  assertEquals(c.send("SUBSCRIBE", "news", "old"), DENIED_CHANNEL);
  assertEquals(c.send("SSUBSCRIBE", "old"), DENIED_CHANNEL);
  assertEquals(c.send("PSUBSCRIBE", "ww*"), DENIED_CHANNEL);
  assertEquals(c.send("PSUBSCRIBE", "w*"), ["psubscribe", "w*", 1]);
  assertEquals(c.send("SUBSCRIBE", "weather"), ["subscribe", "weather", 2]);
  assertEquals(c.send("PUNSUBSCRIBE", "old*"), ["punsubscribe", "old*", 2]);
});

Deno.test("subscribers are disconnected when their user loses the channel, and only then", () => {
  using s = startInProcess();
  const admin = s.client();
  const kinds: [subscribe: string, name: string][] = [
    ["SUBSCRIBE", "news"],
    ["SSUBSCRIBE", "news"],
    ["PSUBSCRIBE", "w*"],
  ];
  for (const [subscribe, name] of kinds) {
    const c = clientOf(s, "ann", "+@pubsub", "resetchannels", "&news", "&w*");
    c.send(subscribe, name);
    admin.send("ACL", "SETUSER", "ann", "&more");
    admin.send("ACL", "SETUSER", "ann", "allchannels");
    admin.send("ACL", "SETUSER", "ann", "resetchannels", "&news", "&w*", "+get");
    assertEquals(c.closed, false, subscribe);
    admin.send("ACL", "SETUSER", "ann", "resetchannels", "&other");
    assertEquals(c.closed, true, subscribe);
  }
});

Deno.test("MULTI queues only what is allowed, and EXEC asks again", () => {
  using s = startInProcess();
  const admin = s.client(),
    c = clientOf(s, "ann", "+multi", "+exec", "+incr", "+set", "~k", "+publish", "&c");
  c.send("MULTI");
  assertEquals(c.send("GET", "k"), denied("run the 'get' command"));
  assertEquals(
    c.send("EXEC"),
    new ReplyFailure("EXECABORT Transaction discarded because of previous errors."),
  );
  c.send("MULTI");
  for (const words of [["INCR", "k"], ["SET", "k", "v"], ["PUBLISH", "c", "x"]]) c.send(...words);
  admin.send("ACL", "SETUSER", "ann", "-incr", "resetkeys", "resetchannels");
  const changed = (reason: string) =>
    new ReplyFailure(
      "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. " +
        `This command is no longer allowed for the following reason: ${reason}`,
    );
  assertEquals(c.send("EXEC"), [
    changed("no permission to execute the command or subcommand"),
    changed("no permission to touch the specified keys"),
    changed("no permission to access one of the channels used as arguments"),
  ]);
  assertEquals(logged(s), [
    "ann multi channel c 1",
    "ann multi key k 1",
    "ann multi command incr 1",
    "ann multi command get 1",
  ]);
});

Deno.test("a client whose user loses a right while it waits gets nothing but the error", () => {
  using s = startInProcess();
  const admin = s.client(), c = clientOf(s, "ann", "+blpop", "~q");
  assertEquals(c.send("BLPOP", "q", "0"), PENDING);
  admin.send("ACL", "SETUSER", "ann", "-blpop");
  assertEquals(admin.send("LPUSH", "q", "x"), 1);
  assertEquals(c.received(), [denied("run the 'blpop' command")]);
  assertEquals(admin.send("LLEN", "q"), 1);
});

Deno.test("SORT's BY and GET need access to every key, for reading", () => {
  using s = startInProcess();
  const admin = s.client(), c = clientOf(s, "ann", "+sort", "~list");
  admin.send("RPUSH", "list", "2", "1");
  const refused = (option: string) =>
    new ReplyFailure(`ERR ${option} option of SORT denied due to insufficient ACL permissions.`);
  assertEquals(c.send("SORT", "list"), ["1", "2"]);
  assertEquals(c.send("SORT", "list", "BY", "nosort"), ["2", "1"]);
  assertEquals(c.send("SORT", "list", "BY", "w*"), refused("BY"));
  assertEquals(c.send("SORT", "list", "GET", "#"), refused("GET"));
  admin.send("ACL", "SETUSER", "ann", "(+sort %W~* ~list)");
  assertEquals(c.send("SORT", "list", "BY", "w*"), refused("BY"));
  admin.send("ACL", "SETUSER", "ann", "(+sort %R~*)");
  assertEquals(c.send("SORT", "list", "BY", "w*", "GET", "#"), ["1", "2"]);
});

Deno.test("AccessControl.checkScript and mayRun answer for the client that runs a script", () => {
  using s = startInProcess();
  const { client } = clientOf(s, "ann", "+get", "+publish", "~k"), { access } = s.engine;
  const call = (...words: string[]) => {
    const args = Args.of(words);
    return [client, s.engine.commands.resolve(args)!, args] as const;
  };
  assertEquals(access.checkScript(...call("GET", "k")), null);
  assertEquals(
    access.checkScript(...call("SET", "k", "v"))?.text,
    "ERR The user executing the script can't run this command or subcommand",
  );
  assertEquals(
    access.checkScript(...call("GET", "x"))?.text,
    "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
  );
  assertEquals(
    access.checkScript(...call("PUBLISH", "c", "m"))?.text,
    "ERR The user executing the script can't publish to the channel mentioned in the command",
  );
  assertEquals([access.mayRun(...call("GET", "k")), access.mayRun(...call("GET", "y"))], [true, false]);
  assertEquals(logged(s), ["ann lua channel c 1", "ann lua key x 1", "ann lua command set 1"]);
});

Deno.test("ACL CAT lists categories, and the commands of one, sub-commands too", () => {
  using s = startInProcess();
  const c = s.client();
  const all = c.send("ACL", "CAT");
  assertEquals(Array.isArray(all) && all.length, 21);
  assertEquals(c.send("ACL", "CAT", "Transaction"), ["multi", "exec", "discard", "watch", "unwatch"]);
  const admin = c.send("ACL", "CAT", "admin");
  assertEquals(Array.isArray(admin) && admin.includes("config|set") && !admin.includes("config"), true);
  assertEquals(c.send("ACL", "CAT", "none"), new ReplyFailure("ERR Unknown category 'none'"));
  assertEquals(
    c.send("ACL", "CAT", "read", "write"),
    new ReplyFailure("ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP."),
  );
});

Deno.test("ACL GENPASS gives as many bits as wanted, in hexadecimal", () => {
  using s = startInProcess();
  const c = s.client();
  const first = c.send("ACL", "GENPASS"), second = c.send("ACL", "GENPASS");
  assertMatch(String(first), /^[0-9a-f]{64}$/);
  assertEquals(first === second, false);
  assertMatch(String(c.send("ACL", "GENPASS", "5")), /^[0-9a-f]{2}$/);
  assertMatch(String(c.send("ACL", "GENPASS", "4096")), /^[0-9a-f]{1024}$/);
  const error = new ReplyFailure(
    "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
  );
  for (const bits of ["0", "-1", "4097"]) assertEquals(c.send("ACL", "GENPASS", bits), error);
});

Deno.test("ACL DRYRUN tells what a user may run, without running it", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("ACL", "SETUSER", "ann", "+set", "+publish", "~k");
  const run = (...words: string[]) => c.send("ACL", "DRYRUN", "ann", ...words);
  assertEquals(run("SET", "k", "v"), "OK");
  assertEquals(c.send("EXISTS", "k"), 0);
  assertEquals(run("GET", "k"), "This user has no permissions to run the 'get' command");
  assertEquals(run("CONFIG", "GET", "x"), "This user has no permissions to run the 'config|get' command");
  assertEquals(run("SET", "x", "v"), "This user has no permissions to access the 'x' key");
  assertEquals(run("PUBLISH", "c", "m"), "This user has no permissions to access the 'c' channel");
  assertEquals(run("SET", "k"), new ReplyFailure("ERR wrong number of arguments for 'set' command"));
  assertEquals(run("NOSUCH", "k"), new ReplyFailure("ERR Command 'NOSUCH' not found"));
  assertEquals(
    c.send("ACL", "DRYRUN", "nobody", "GET", "k"),
    new ReplyFailure("ERR User 'nobody' not found"),
  );
});

Deno.test("ACL DRYRUN finds MIGRATE's keys behind passwords that read like options", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("ACL", "SETUSER", "ann", "+migrate", "~k");
  const run = (...options: string[]) =>
    c.send("ACL", "DRYRUN", "ann", "MIGRATE", "host", "1", "", "0", "1", ...options);
  for (const options of [["AUTH", "KEYS"], ["AUTH2", "KEYS", "x"], ["AUTH2", "x", "KEYS"], ["COPY"]]) {
    assertEquals(run(...options, "KEYS", "k"), "OK");
    assertEquals(run(...options, "KEYS", "k", "x"), "This user has no permissions to access the 'x' key");
  }
});

Deno.test("ACL LOG shows who was denied what and when, the newest first", () => {
  using s = startInProcess();
  const admin = s.client(), c = clientOf(s, "ann", "+get", "+publish");
  c.send("GET", "k");
  s.advance(1500);
  c.send("SET", "k", "v");
  c.send("SET", "k", "v");
  c.send("PUBLISH", "ch", "x");
  assertEquals(logged(s), [
    "ann toplevel channel ch 1",
    "ann toplevel command set 2",
    "ann toplevel key k 1",
  ]);
  const newest = admin.send("ACL", "LOG", "3");
  const oldest = fields(Array.isArray(newest) ? newest[2] ?? null : null);
  const repeated = fields(Array.isArray(newest) ? newest[1] ?? null : null);
  assertEquals([oldest["entry-id"], repeated["entry-id"]], [0, 1]);
  assertEquals(oldest["timestamp-created"], s.engine.nowMs - 1500);
  assertEquals(repeated["timestamp-last-updated"], s.engine.nowMs);
  assertEquals(oldest["age-seconds"], "1.5");
  assertMatch(String(oldest["client-info"]), /^id=\d+ addr=127\.0\.0\.1:50000 .* user=ann /);
  assertEquals(admin.send("ACL", "LOG", "0"), []);
  assertEquals(admin.send("ACL", "LOG", "RESET"), "OK");
  assertEquals(logged(s), []);
  admin.send("CONFIG", "SET", "acllog-max-len", "2");
  for (const key of ["a", "b", "c"]) c.send("GET", key);
  assertEquals(logged(s), ["ann toplevel key c 1", "ann toplevel key b 1"]);
});

Deno.test("INFO counts denials by reason, also those of scripts and EXEC; RESETSTAT and DRYRUN leave the counts", () => {
  using s = startInProcess();
  const admin = s.client(), c = clientOf(s, "ann", "~k", "+get", "+eval", "+publish", "+multi", "+exec");
  const counts = () =>
    [...String(admin.send("INFO", "stats")).matchAll(/acl_access_denied_(\w+):(\d+)/g)]
      .map(([, reason, count]) => `${reason} ${count}`);
  assertEquals(counts(), ["auth 0", "cmd 0", "key 0", "channel 0"]);
  for (const line of ["SET k v", "SET k v", "GET x", "PUBLISH ch m", "AUTH nobody x"]) {
    c.send(...line.split(" "));
  }
  c.send("EVAL", "return redis.pcall('GET', 'x')", "0");
  c.send("EVAL", "return redis.acl_check_cmd('GET', 'x')", "0");
  admin.send("ACL", "DRYRUN", "ann", "SET", "k", "v");
  assertEquals(counts(), ["auth 1", "cmd 2", "key 2", "channel 1"]);
  admin.send("AUTH", "nobody", "x");
  admin.send("CONFIG", "RESETSTAT");
  assertEquals(counts(), ["auth 2", "cmd 2", "key 2", "channel 1"]);
  c.send("MULTI");
  c.send("GET", "k");
  admin.send("ACL", "SETUSER", "ann", "resetkeys");
  c.send("EXEC");
  assertEquals(counts(), ["auth 2", "cmd 2", "key 3", "channel 1"]);
});

Deno.test("ACL SAVE writes what ACL LOAD reads, and LOAD closes connections of the users before", async () => {
  const folder = await Deno.makeTempDir({ prefix: "redeno-acl-" });
  try {
    await Deno.writeTextFile(`${folder}/users.acl`, "user ann on nopass ~* +@all\n");
    using s = startInProcess({ lines: [`aclfile ${folder}/users.acl`] });
    assertEquals(s.engine.access.loadUsers(), true);
    const ann = s.client(), bystander = s.client();
    ann.send("AUTH", "ann", "x");
    ann.send("ACL", "SETUSER", "bob", "on", "+get");
    assertEquals(ann.send("ACL", "SAVE"), "OK");
    assertEquals(
      await Deno.readTextFile(`${folder}/users.acl`),
      "user ann on nopass ~* resetchannels +@all\nuser bob on resetchannels -@all +get\n" +
        "user default on nopass ~* &* +@all\n",
    );
    ann.send("ACL", "DELUSER", "bob");
    assertEquals(ann.send("ACL", "LOAD"), "OK");
    assertEquals([ann.closed, bystander.closed], [true, false]);
    assertEquals(bystander.send("ACL", "USERS"), ["ann", "bob", "default"]);
    await Deno.writeTextFile(`${folder}/users.acl`, "user ann +nosuch\n");
    assertEquals(
      bystander.send("ACL", "LOAD"),
      new ReplyFailure(
        `ERR ${folder}/users.acl:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. ` +
          "WARNING: ACL errors detected, no change to the previously active ACL rules was performed",
      ),
    );
    await Deno.remove(`${folder}/users.acl`);
    assertEquals(
      bystander.send("ACL", "LOAD"),
      new ReplyFailure(
        `ERR Error loading ACLs, opening file '${folder}/users.acl': No such file or directory`,
      ),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("ACL LOAD and ACL SAVE say that there is no file", () => {
  using s = startInProcess();
  for (const name of ["LOAD", "SAVE"]) {
    const reply = s.client().send("ACL", name);
    assertMatch(
      reply instanceof ReplyFailure ? reply.message : "",
      /^ERR This Redis instance is not configured to use an ACL file\./,
    );
  }
});

Deno.test("user lines of the configuration make users, and CONFIG REWRITE would write the present ones", () => {
  using s = startInProcess({
    lines: ["user default on nopass ~* +@all -flushall", "user ann on >pw (+get ~k)", "user bob off"],
  });
  assertEquals(s.engine.access.loadUsers(), true);
  assertEquals(s.client().send("FLUSHALL"), denied("run the 'flushall' command"));
  assertEquals(s.client().send("PUBLISH", "c", "x"), DENIED_CHANNEL);
  s.client().send("ACL", "DELUSER", "ann", "bob");
  assertEquals(s.engine.config.describeUsers?.(), [
    "default on nopass sanitize-payload ~* resetchannels +@all -flushall",
  ]);
});

Deno.test("user lines with faults end the start", () => {
  const faults: [lines: string[], reason: string][] = [
    [["user ann on", "user ann off"], "Error in user declaration 'ann': Duplicate user found."],
    [["user ann on word"], "Error in user declaration 'word': Syntax error"],
    [["user ann (+get"], "Error in user declaration '(+get': Syntax error"],
  ];
  for (const [lines, reason] of faults) {
    using s = startInProcess({ lines });
    let message = "";
    try {
      s.engine.access.loadUsers();
    } catch (error) {
      if (error instanceof ConfigLoadError) message = error.message;
    }
    assertEquals(message.includes(reason), true, message);
  }
  using unknown = startInProcess({ lines: ["user ann on +nosuch"] });
  assertEquals(unknown.engine.access.loadUsers(), false);
  using both = startInProcess({ lines: ["user ann on", "aclfile users.acl"] });
  assertEquals(both.engine.access.loadUsers(), false);
});

Deno.test("ACL HELP lists the sub-commands", () => {
  using s = startInProcess();
  const lines = s.client().send("ACL", "HELP");
  assertEquals(Array.isArray(lines) && lines.includes("WHOAMI"), true);
});
