import { assertEquals, assertThrows } from "@std/assert";
import { parseRedisUri } from "../../../src/cli/uri.ts";
import { UsageError } from "../../../src/cli/usage_error.ts";

const NOTHING = {
  isTls: false,
  username: undefined,
  password: undefined,
  hostname: undefined,
  port: undefined,
  database: undefined,
};

Deno.test("parseRedisUri takes every part, and leaves out what is not there", () => {
  assertEquals(parseRedisUri("rediss://me:p%40ss@example:7000/3"), {
    isTls: true,
    username: "me",
    password: "p@ss",
    hostname: "example",
    port: 7000,
    database: 3,
  });
  assertEquals(parseRedisUri("redis://"), NOTHING);
  assertEquals(parseRedisUri("REDIS://host"), { ...NOTHING, hostname: "host" });
  assertEquals(parseRedisUri("redis:///5"), { ...NOTHING, database: 5 });
  assertEquals(parseRedisUri("redis://host:1/"), { ...NOTHING, hostname: "host", port: 1 });
  assertEquals(parseRedisUri("redis://[::1]:7000"), { ...NOTHING, hostname: "::1", port: 7000 });
});

Deno.test("parseRedisUri takes a lone word before the @ for the password", () => {
  assertEquals(parseRedisUri("redis://secret@host"), { ...NOTHING, password: "secret", hostname: "host" });
  assertEquals(parseRedisUri("redis://:secret@host"), { ...NOTHING, password: "secret", hostname: "host" });
});

Deno.test("parseRedisUri refuses other schemes and what it cannot read", () => {
  for (const uri of ["http://host", "host:6379", "redis://host:x", "redis://a%zz@host", "redis://host/x"]) {
    assertThrows(() => parseRedisUri(uri), UsageError);
  }
});
