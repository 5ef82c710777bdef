import { assertEquals, assertThrows } from "@std/assert";
import { Config } from "../../../src/config/config.ts";
import { ConfigLoadError } from "../../../src/config/errors.ts";
import { Redeno } from "../../../src/server/redeno.ts";

function configOf(...lines: string[]): Config {
  const config = new Config();
  config.load({ configFile: "", readsStandardInput: false, options: lines.join("\n") }, {});
  return config;
}

/** A log that remembers its warnings. */
function warningLog() {
  const warnings: string[] = [];
  const log = {
    role: "M",
    debug() {},
    verbose() {},
    notice() {},
    warning: (text: string) => void warnings.push(text),
  };
  return { log, warnings };
}

Deno.test("Redeno serves a client inside the process before anything is opened", async () => {
  using c = new Redeno({ config: configOf(), log: warningLog().log }).client();
  assertEquals(await c.command("SET", "k", "v"), "OK");
  assertEquals(await c.command("GET", "k"), "v");
});

Deno.test("Redeno.open opens nothing and says so where the configuration names no place to listen", async () => {
  const { log, warnings } = warningLog();
  const redeno = new Redeno({ config: configOf("port 0", 'save ""'), log });
  assertEquals(await redeno.open(Deno.listen, () => {}), false);
  assertEquals(warnings, ["Configured to not listen anywhere, exiting."]);
});

Deno.test("Redeno names a port that is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr, { log, warnings } = warningLog();
  const redeno = new Redeno({ config: configOf(`port ${port}`, "bind 127.0.0.1", 'save ""'), log });
  assertEquals(await redeno.open(Deno.listen, () => {}), false);
  assertEquals(warnings.at(-1), `Failed listening on port ${port} (tcp), aborting.`);
});

Deno.test("Redeno refuses to rename a command that is not there", () => {
  const config = configOf("rename-command NOSUCH other");
  assertThrows(() => new Redeno({ config, log: warningLog().log }), ConfigLoadError);
});

Deno.test("Redeno.load ends with status 1 where the data cannot be loaded", async () => {
  const dir = Deno.makeTempDirSync(), before = Deno.cwd();
  Deno.writeTextFileSync(`${dir}/dump.rdb`, "no RDB file");
  const { log, warnings } = warningLog();
  const redeno = new Redeno({ config: configOf("port 0", `unixsocket ${dir}/s`, `dir ${dir}`), log });
  assertEquals(await redeno.open(Deno.listen, () => {}), true);
  assertEquals(await redeno.load(), false);
  assertEquals(await redeno.finished, 1);
  assertEquals(warnings.length > 0, true);
  Deno.chdir(before);
  Deno.removeSync(dir, { recursive: true });
});
