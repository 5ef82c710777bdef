/** The command lines that start Redeno in tests, as `deno task start` does. */

const top = new URL("../../", import.meta.url);

/**
 * The flags that `deno task start` passes to `deno run`: one place, deno.json, states the server's
 * permissions.
 */
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

/** The flags that resolve the four standard names as for this very test. */
export function importFlags(): string[] {
  const map = new URL("src/std/import_map.json", top);
  const standsIn = import.meta.resolve("@std/assert") === new URL("assert.ts", map).href;
  return standsIn ? ["--no-lock", `--import-map=${map.pathname}`] : [];
}

/**
 * The words of a command line that starts Redeno; append the configuration file and directives.
 *
 * @param permissions those of `deno task start` by default
 */
export function redenoCommand(permissions: readonly string[] = startFlags()): [string, ...string[]] {
  return [Deno.execPath(), "run", ...importFlags(), ...permissions, new URL("main.ts", top).pathname];
}
