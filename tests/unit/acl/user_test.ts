import { assertEquals, assertThrows } from "@std/assert";
import { hashPassword, isOneOf } from "../../../src/acl/password.ts";
import { RuleError } from "../../../src/acl/rule_error.ts";
import { Permission } from "../../../src/acl/selector.ts";
import { User } from "../../../src/acl/user.ts";
import { callOf, settings } from "../../support/access.ts";

/** The SHA-256 of "foo". */
const FOO_HASH = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

function userOf(...rules: string[]): User {
  const user = new User("u", settings);
  for (const rule of rules) user.apply(rule);
  return user;
}

Deno.test("hashPassword is SHA-256 of the bytes, zeros and all", () => {
  assertEquals(hashPassword("foo"), FOO_HASH);
  assertEquals(hashPassword("a\0b") === hashPassword("a"), false);
});

Deno.test("isOneOf finds a password among any number of hashes", () => {
  assertEquals(isOneOf("foo", [hashPassword("bar"), FOO_HASH, hashPassword("x")]), true);
  assertEquals(isOneOf("foo", [hashPassword("bar")]), false);
  assertEquals(isOneOf("foo", []), false);
});

Deno.test("User accepts its passwords, as long as it is on", () => {
  const user = userOf(">foo", ">bar");
  assertEquals(user.accepts("foo"), false);
  user.apply("on");
  assertEquals(["foo", "bar", "baz"].map((password) => user.accepts(password)), [true, true, false]);
  user.apply("<bar");
  assertEquals(user.accepts("bar"), false);
  user.apply(`!${FOO_HASH}`);
  assertEquals(user.accepts("foo"), false);
  user.apply(`#${FOO_HASH}`);
  assertEquals(user.accepts("foo"), true);
});

Deno.test("User with nopass accepts anything, until it gets a password or resetpass", () => {
  const user = userOf("on", ">foo", "nopass");
  assertEquals([user.accepts("anything"), user.passwords], [true, []]);
  user.apply(">foo");
  assertEquals([user.accepts("anything"), user.accepts("foo")], [false, true]);
  user.apply("nopass");
  user.apply("resetpass");
  assertEquals([user.accepts("foo"), user.flags], [false, ["on"]]);
});

Deno.test("User.apply refuses malformed hashes and unknown passwords", () => {
  const badHash =
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
  const reasons: [rule: string, reason: string][] = [
    ["#abc", badHash],
    ["#" + FOO_HASH.toUpperCase(), badHash],
    ["!abc", badHash],
    ["<foo", "The password you are trying to remove from the user does not exist"],
    ["!" + FOO_HASH, "The password you are trying to remove from the user does not exist"],
    ["(+nosuch)", "Unknown command or category name in ACL"],
  ];
  const user = userOf();
  for (const [rule, reason] of reasons) {
    assertEquals(assertThrows(() => user.apply(rule), RuleError).message, reason, rule);
  }
  assertEquals(user.describe(), "off resetchannels -@all");
});

Deno.test("User.describe says all there is to say, and follows every change", () => {
  const user = userOf("on", ">foo", "+get", "~a", "(+set ~b)");
  assertEquals(user.describe(), `on #${FOO_HASH} ~a resetchannels -@all +get (~b resetchannels -@all +set)`);
  user.apply("skip-sanitize-payload");
  assertEquals(user.flags, ["on", "skip-sanitize-payload"]);
  user.apply("clearselectors");
  assertEquals(user.describe(), `on skip-sanitize-payload #${FOO_HASH} ~a resetchannels -@all +get`);
  user.apply("reset");
  assertEquals(user.describe(), "off sanitize-payload resetchannels -@all");
});

Deno.test("User.applyAll applies all rules or none", () => {
  const user = userOf("on");
  const fail = (_rule: string, error: RuleError) => {
    throw error;
  };
  assertThrows(() => user.applyAll(["+get", "~a", "nonsense"], fail), RuleError);
  assertEquals(user.describe(), "on resetchannels -@all");
  user.applyAll(["+get", "~a"], fail);
  assertEquals(user.describe(), "on ~a resetchannels -@all +get");
});

Deno.test("User.check needs one selector that allows the whole call", () => {
  const { Read, Write } = Permission;
  const user = userOf("(+@all %R~in)", "(+@all %W~out)");
  assertEquals(user.check(callOf("get", { keys: { in: Read } })), null);
  assertEquals(user.check(callOf("set", { keys: { out: Write } })), null);
  assertEquals(user.check(callOf("set", { keys: { in: Read, out: Write } })), { reason: "key", index: 2 });
});

Deno.test("User.check tells the reason of the selector that got furthest", () => {
  const user = userOf("+mget", "~key", "(+mget ~key ~other)", "(+publish)");
  assertEquals(user.check(callOf("get")), { reason: "command", index: 0 });
  assertEquals(user.check(callOf("mget", { keys: { other: 1, third: 1 } })), { reason: "key", index: 2 });
  assertEquals(user.check(callOf("publish", { channel: "c" })), { reason: "channel", index: 1 });
});

Deno.test("User.mayUseEveryKey asks for the call and the keys in the same selector", () => {
  const call = callOf("get", { keys: { k: Permission.Read } });
  assertEquals(userOf("+get", "~k", "(%R~*)").mayUseEveryKey(call, Permission.Read), false);
  assertEquals(userOf("(+get %R~*)").mayUseEveryKey(call, Permission.Read), true);
});

Deno.test("User.hasLostChannels compares patterns, not what they match", () => {
  const some = userOf("&a", "&b"), all = userOf("allchannels");
  assertEquals(userOf("&a", "(&b)", "&c").hasLostChannels(some), false);
  assertEquals(userOf("&a").hasLostChannels(some), true);
  assertEquals(userOf("&?").hasLostChannels(some), true);
  assertEquals(all.hasLostChannels(some), false);
  assertEquals(some.hasLostChannels(all), true);
});
