/** `redeno cli` alone, for tests that start it as a process. */
import { runCli } from "../../src/cli/main.ts";

Deno.exit(await runCli(Deno.args));
