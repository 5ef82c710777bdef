import { assertEquals, assertThrows } from "@std/assert";
import { RuleError } from "../../../src/acl/rule_error.ts";
import { Permission, Selector } from "../../../src/acl/selector.ts";
import { callOf, catalog, settings } from "../../support/access.ts";

function selectorOf(...rules: string[]): Selector {
  const selector = new Selector(settings);
  for (const rule of rules) selector.apply(rule);
  return selector;
}

const { Read, Write } = Permission;

Deno.test("Selector allows nothing before it is told to, and everything after the three rules for all", () => {
  const selector = selectorOf();
  assertEquals(selector.check(callOf("get", { keys: { k: Read } })), { reason: "command", index: 0 });
  for (const rule of ["+@all", "~*", "&*"]) {
    assertEquals(selector.isUnrestricted, false);
    selector.apply(rule);
  }
  assertEquals(selector.isUnrestricted, true);
  assertEquals(selector.check(callOf("get", { keys: { k: Read | Write }, channel: "c" })), null);
});

Deno.test("Selector.check lets every user call free commands", () => {
  assertEquals(selectorOf().check({ ...callOf("get"), isFree: true }), null);
});

Deno.test("Selector.check names the first key that its patterns do not allow for the use it is put to", () => {
  const selector = selectorOf("+@all", "%R~in:*", "%W~out:*", "~both:*");
  assertEquals(selector.check(callOf("mget", { keys: { "in:1": Read, "both:1": Read } })), null);
  assertEquals(selector.check(callOf("set", { keys: { "in:1": Read, "in:2": Write, x: Read } })), {
    reason: "key",
    index: 2,
  });
  assertEquals(selector.check(callOf("set", { keys: { "both:1": Read | Write } })), null);
  assertEquals(selector.check(callOf("set", { keys: { "out:1": Read | Write } })), {
    reason: "key",
    index: 1,
  });
  assertEquals(selector.check(callOf("set", { keys: { "in:1": 0, "out:1": 0 } })), null);
  assertEquals(selector.check(callOf("set", { keys: { other: 0 } })), { reason: "key", index: 1 });
});

Deno.test("Selector.allowsEveryKey needs all keys, for the use it is asked about", () => {
  assertEquals(selectorOf("~a*").allowsEveryKey(Read), false);
  assertEquals(selectorOf("%W~*").allowsEveryKey(Read), false);
  assertEquals(selectorOf("%R~*").allowsEveryKey(Read), true);
  assertEquals(selectorOf("allkeys").allowsEveryKey(Read), true);
});

Deno.test("Selector.allowsChannel matches names, and takes patterns letter by letter", () => {
  const selector = selectorOf("+publish", "&news:*");
  assertEquals(selector.check(callOf("publish", { channel: "news:1" })), null);
  assertEquals(selector.check(callOf("publish", { channel: "old" })), { reason: "channel", index: 1 });
  assertEquals(selector.check(callOf("publish", { pattern: "news:*" })), null);
  assertEquals(selector.check(callOf("publish", { pattern: "news:1*" })), { reason: "channel", index: 1 });
});

Deno.test("Selector.describe gives rules that make the same selector", () => {
  const selector = selectorOf("+get", "%R~a", "%w~b", "%RW~c", "~d", "&x", "&y");
  assertEquals(selector.describe(), "%R~a %W~b ~c ~d resetchannels &x &y -@all +get");
  assertEquals(selectorOf(...selector.describe().split(" ")).describe(), selector.describe());
  assertEquals(selectorOf("+@all", "~*", "&*").describe(), "~* &* +@all");
});

Deno.test("Selector joins permissions of one pattern and forgets patterns on resetkeys and resetchannels", () => {
  const selector = selectorOf("%R~a", "%W~a", "&x");
  assertEquals([selector.describeKeys(), selector.describeChannels()], ["~a", "&x"]);
  selector.apply("resetkeys");
  selector.apply("RESETCHANNELS");
  assertEquals([selector.describeKeys(), selector.describeChannels()], ["", ""]);
});

Deno.test("Selector begins with all channels where that is the default", () => {
  const open = new Selector({ catalog, allChannelsByDefault: () => true });
  assertEquals(open.describeChannels(), "&*");
});

Deno.test("Selector.copy has rules of its own", () => {
  const selector = selectorOf("%R~a", "&x", "+get"), copy = selector.copy();
  copy.apply("%W~a");
  copy.apply("&y");
  copy.apply("+set");
  assertEquals(selector.describe(), "%R~a resetchannels &x -@all +get");
  assertEquals(copy.describe(), "~a resetchannels &x &y -@all +get +set");
});

Deno.test("Selector.parse reads rules in parentheses, quoted ones too", () => {
  assertEquals(Selector.parse(settings, '( ~a  +get "~b" )').describe(), "~a ~b resetchannels -@all +get");
  assertEquals(Selector.parse(settings, "()").describe(), "resetchannels -@all");
});

Deno.test("Selector.apply gives the reason for refusing a rule, and changes nothing", () => {
  const reasons: [rule: string, reason: string][] = [
    ["word", "Syntax error"],
    ["%~a", "Syntax error"],
    ["%RR~a", "Syntax error"],
    ["%X~a", "Syntax error"],
    ["~a b", "Syntax error"],
    ["&a\0b", "Syntax error"],
    ["+select|", "Syntax error"],
    ["+nosuch", "Unknown command or category name in ACL"],
    ["-nosuch", "Unknown command or category name in ACL"],
    ["+@nosuch", "Unknown command or category name in ACL"],
    ["+config|nosuch", "Unknown command or category name in ACL"],
    ["-select|0", "Unknown command or category name in ACL"],
    ["+get|a|b", "Unknown command or category name in ACL"],
    ["+config|get|x", "Allowing first-arg of a subcommand is not supported"],
  ];
  const selector = selectorOf("~k", "+get");
  for (const [rule, reason] of reasons) {
    assertEquals(assertThrows(() => selector.apply(rule), RuleError).message, reason, rule);
  }
  assertEquals(selector.describe(), "~k resetchannels -@all +get");
});

Deno.test("Selector.apply refuses patterns behind those for all", () => {
  const keys = assertThrows(() => selectorOf("allkeys").apply("~a"), RuleError);
  const channels = assertThrows(() => selectorOf("&*").apply("&a"), RuleError);
  assertEquals(
    keys.message,
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. " +
      "Try 'resetkeys' to start with an empty list of patterns",
  );
  assertEquals(
    channels.message,
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. " +
      "Try 'resetchannels' to start with an empty list of channels",
  );
});
