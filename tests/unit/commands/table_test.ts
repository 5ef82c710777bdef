/**
 * Every declared command has a test of its own: a unit test or an integration test sends it. Every command is refused to
 * users who may not run it, or not use its keys. And every command belongs to the access categories it has in
 * redis-server 7.0.15 (`categories.txt`, recorded with COMMAND INFO), which settles whom rules like `+@read` let run it.
 */
import { assertEquals } from "@std/assert";
import { createCommandTable } from "../../../src/commands/table.ts";
import { categoriesOf } from "../../../src/engine/categories.ts";
import { type Command, Flag, KeyFlag } from "../../../src/engine/command.ts";
import { type InProcessServer, startInProcess } from "../../support/in_process.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";
import { sourceFiles } from "../../support/repository.ts";
import { callableCommands, sampleCall } from "../../support/sample_calls.ts";

const folder = new URL(".", import.meta.url);

/** Commands and their sub-commands. */
function declared(): Command[] {
  return [...createCommandTable().entries()].flatMap(([, cmd]) => [cmd, ...cmd.subcommands ?? []]);
}

/** The texts of all tests, without comments and without the names of tests. */
function testTexts(folder: URL): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return testTexts(new URL(name + "/", folder));
    if (!name.endsWith("_test.ts") || name === "table_test.ts") return [];
    const text = Deno.readTextFileSync(new URL(name, folder));
    return [text.replace(/^ *(?:\/\/|\*|\/\*\*).*$/gm, "").replace(/Deno\.test\(\s*"[^"]*"/g, "")];
  });
}

/** Whether a command is sent in a text: its words in capital letters, as strings of their own or in a line. */
function isSent(cmd: Command, text: string): boolean {
  const [name = "", sub] = cmd.fullName.toUpperCase().split("|");
  const words = sub === undefined ? name : `${name}(?:",\\s*"| )${sub}`;
  return new RegExp(`["'\` ]${words}["'\` :]`).test(text);
}

Deno.test("every declared command is sent by a test of its own", () => {
  const text = [new URL("../", folder), new URL("../../integration/", folder)].flatMap(testTexts).join("\n");
  const untested = declared()
    .filter((cmd) => cmd.subcommands === undefined && !isSent(cmd, text))
    .map(({ fullName }) => fullName);
  assertEquals(untested, []);
});

/** A client of a user who may do what `rules` say. */
function clientOf(s: InProcessServer, ...rules: string[]) {
  s.client().send("ACL", "SETUSER", "someone", "reset", "on", "nopass", ...rules);
  const c = s.client();
  assertEquals(c.send("AUTH", "someone", "any"), "OK");
  return c;
}

function denied(what: string, why = ""): ReplyFailure {
  return new ReplyFailure(`${why}NOPERM this user has no permissions to ${what}`);
}

Deno.test("every declared command is refused to users without it, and allowed to those with it", () => {
  using s = startInProcess();
  for (const cmd of callableCommands()) {
    const call = sampleCall(cmd), what = `run the '${cmd.fullName}' command`;
    for (const rules of [[], ["+@all", `-${cmd.fullName}`], [`+${cmd.fullName}`]]) {
      const c = clientOf(s, "allkeys", "allchannels", ...rules);
      const isAllowed = (cmd.flags & Flag.NoAuth) !== 0 || rules.length === 1;
      const verdict = isAllowed ? "OK" : `This user has no permissions to ${what}`;
      assertEquals(
        s.client().send("ACL", "DRYRUN", "someone", ...call),
        verdict,
        `${cmd.fullName}, ${rules}`,
      );
      const why = cmd.name === "exec" ? "EXECABORT Transaction discarded because of: " : "";
      if (!isAllowed) assertEquals(c.send(...call), denied(what, why), `${cmd.fullName}, ${rules}`);
    }
  }
});

Deno.test("every declared command is refused to users without its keys", () => {
  using s = startInProcess();
  const c = clientOf(s, "+@all", "allchannels", "~other");
  for (const cmd of callableCommands()) {
    if (!cmd.keys.some(({ flags }) => (flags & KeyFlag.NotKey) === 0)) continue;
    assertEquals(
      c.send(...sampleCall(cmd)),
      denied("access one of the keys used as arguments"),
      cmd.fullName,
    );
  }
});

/** Commands that redis-server 7.0.15 has not: those of 7.4 as its documentation has them, and Redeno's own. */
const later: Readonly<Record<string, string>> = {
  "client|no-touch": "slow connection",
  "client|setinfo": "slow connection",
  "cluster|myshardid": "slow",
  "hexpire": "write hash fast",
  "hexpireat": "write hash fast",
  "hexpiretime": "read hash fast",
  "hpersist": "write hash fast",
  "hpexpire": "write hash fast",
  "hpexpireat": "write hash fast",
  "hpexpiretime": "read hash fast",
  "hpttl": "read hash fast",
  "httl": "read hash fast",
  "snapshot": "admin slow dangerous",
  "waitaof": "slow blocking connection",
};

Deno.test("every declared command belongs to the categories it has in redis-server", () => {
  const recorded = new Map(Object.entries(later));
  for (const line of Deno.readTextFileSync(new URL("categories.txt", folder)).trim().split("\n")) {
    const [name = "", ...categories] = line.split(" ");
    recorded.set(name, categories.join(" "));
  }
  const commands = declared();
  const actual = Object.fromEntries(commands.map((cmd) => [cmd.fullName, categoriesOf(cmd).join(" ")]));
  const expected = commands.map(({ fullName }) => [fullName, recorded.get(fullName) ?? "not recorded"]);
  assertEquals(actual, Object.fromEntries(expected));
});

Deno.test("the engine knows no command by name: what is special about one stands in its declaration", () => {
  const names = declared().map(({ name }) => name).join("|");
  const pattern = new RegExp(`[nN]ame [!=]== "(?:${names})"|switch \\(\\w*\\.?(?:name|fullName)\\)`);
  const naming = [...sourceFiles(["src/engine", "src/scripting/scripting.ts"])]
    .filter(({ text }) => pattern.test(text))
    .map(({ path }) => path);
  assertEquals(naming, []);
});

Deno.test("every command that takes a password says how to hide it", () => {
  const holdsPassword = (args: Command["args"]): boolean =>
    args.some((arg) => arg.name === "password" || arg.token === "AUTH" || holdsPassword(arg.args ?? []));
  const open = declared().filter((cmd) => holdsPassword(cmd.args) && cmd.redact === undefined);
  assertEquals(open.map(({ fullName }) => fullName), []);
});
