import { assertEquals } from "@std/assert";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const NOT_ALLOWED = new ReplyFailure(
  'ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from a local ' +
    "connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);

Deno.test("MODULE LIST is empty", () => {
  using s = startInProcess();
  assertEquals(s.client().send("MODULE", "LIST"), []);
});

Deno.test("MODULE LOAD, LOADEX and UNLOAD are refused: by the setting first, then for want of modules", () => {
  for (const setting of ["no", "local"] as const) {
    using s = startInProcess();
    s.engine.config.values.enableModuleCommand = setting;
    const c = s.client();
    const refusal = (text: string) => setting === "no" ? NOT_ALLOWED : new ReplyFailure(text);
    const notLoaded = refusal("ERR Error loading the extension. Please check the server logs.");
    assertEquals(c.send("MODULE", "LOAD", "/tmp/some.so"), notLoaded);
    assertEquals(c.send("MODULE", "LOADEX", "/tmp/some.so", "CONFIG", "a", "b"), notLoaded);
    const notUnloaded = refusal("ERR Error unloading module: no such module with that name");
    assertEquals(c.send("MODULE", "UNLOAD", "some"), notUnloaded);
    assertEquals(s.log.some((line) => line.includes("/tmp/some.so")), setting === "local");
  }
});
