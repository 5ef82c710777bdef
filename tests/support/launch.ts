/** How the tests start Redeno: as `deno task start` does. */

const top = new URL("../../", import.meta.url);

/** The flags that `deno task start` gives to `deno run`: one place, deno.json, says what the server may do. */
function startFlags(): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", top)));
  const words = /^deno run (.*) main\.ts$/.exec(tasks.start.command)?.[1]?.replace(
    "$(deno task -q packages) ",
    "",
  );
  if (words === undefined || words.includes("$")) {
    throw new Error("deno.json: the task start is not understood");
  }
  return words.split(" ").map((flag) => flag.replaceAll("'", ""));
}

/** The flags that send the four standard names where this very test got them from. */
export function importFlags(): string[] {
  const map = new URL("src/std/import_map.json", top);
  const standsIn = import.meta.resolve("@std/assert") === new URL("assert.ts", map).href;
  return standsIn ? ["--no-lock", `--import-map=${map.pathname}`] : [];
}

/**
 * The words of a command line that starts Redeno; the configuration file and directives go behind them.
 *
 * @param permissions those of `deno task start`, unless others are given
 */
export function redenoCommand(permissions: readonly string[] = startFlags()): [string, ...string[]] {
  return [Deno.execPath(), "run", ...importFlags(), ...permissions, new URL("main.ts", top).pathname];
}
