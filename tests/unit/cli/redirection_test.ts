import { assertEquals } from "@std/assert";
import { redirectionOf } from "../../../src/cli/redirection.ts";

Deno.test("redirectionOf reads MOVED and ASK, with and without a host, and nothing else", () => {
  const error = (text: string) => redirectionOf({ type: "error", text });
  assertEquals(error("MOVED 3999 127.0.0.1:6381"), {
    slot: 3999,
    hostname: "127.0.0.1",
    port: 6381,
    isOnce: false,
  });
  assertEquals(error("ASK 1 ::1:7000"), { slot: 1, hostname: "::1", port: 7000, isOnce: true });
  assertEquals(error("MOVED 3999 :6381")?.hostname, "");
  assertEquals(error("ERR MOVED 3999 127.0.0.1:6381"), undefined);
  assertEquals(redirectionOf({ type: "status", text: "MOVED 3999 127.0.0.1:6381" }), undefined);
});
