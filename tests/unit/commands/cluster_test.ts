import { assertEquals } from "@std/assert";
import { startInProcess } from "../../support/in_process.ts";
import { ReplyFailure } from "../../support/reply_values.ts";

Deno.test("READONLY, READWRITE and ASKING say that there is no cluster", () => {
  using s = startInProcess();
  const c = s.client(), error = new ReplyFailure("ERR This instance has cluster support disabled");
  assertEquals([c.send("READONLY"), c.send("READWRITE"), c.send("ASKING")], [error, error, error]);
});
