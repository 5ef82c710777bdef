import { assertEquals } from "@std/assert";
import { CommandRules } from "../../../src/acl/command_rules.ts";
import { Selector } from "../../../src/acl/selector.ts";
import { Random } from "../../../src/util/random.ts";
import { catalog, settings } from "../../support/access.ts";

/** The rules that follow from `text`. */
function rules(text: string): Selector {
  const selector = new Selector(settings);
  for (const rule of text.split(" ").filter(Boolean)) selector.apply(rule);
  return selector;
}

function described(text: string): string {
  return rules(text).describeCommands();
}

Deno.test("CommandRules describe a category as itself, from nothing and from everything", () => {
  for (const category of catalog.categories) {
    assertEquals(described(`+@${category}`), `-@all +@${category}`);
    assertEquals(described(`+@all -@${category}`), `+@all -@${category}`);
  }
});

Deno.test("CommandRules describe the rules in their order, as far as they count (7.2)", () => {
  assertEquals(described(""), "-@all");
  assertEquals(described("+hset +get"), "-@all +hset +get");
  assertEquals(described("+@read -mget +SET"), "-@all +@read -mget +set");
  assertEquals(described("-mget +@read"), "-@all -mget +@read");
  assertEquals(described("+config -config|set"), "-@all +config -config|set");
  assertEquals(described("+config|set"), "-@all +config|set");
  assertEquals(described("+config|get +config"), "-@all +config");
  assertEquals(described("+@all -get +get"), "+@all +get");
  assertEquals(described("+get +@all -@string +@all"), "+@all");
});

Deno.test("CommandRules keep first arguments until the command is allowed or denied as a whole", () => {
  assertEquals(described("+select|0 +SELECT|1 +select|0"), "-@all +select|1 +select|0");
  assertEquals(described("+select|0 -select"), "-@all -select");
  assertEquals(described("+select|0 +select"), "-@all +select");
  assertEquals(described("+select|0 -@all"), "-@all");
  assertEquals(described("+select|0 -@fast"), "-@all +select|0 -@fast");
});

Deno.test("CommandRules.allows asks for the first argument only where that decides", () => {
  const select = catalog.find("select")!, get = catalog.find("GET")!;
  const some = new CommandRules(catalog);
  some.set(get, true);
  some.allowFirstArg(select, "Zero");
  const never = () => {
    throw new Error("asked for the argument");
  };
  assertEquals(some.allows(get.id, never), true);
  assertEquals(some.allows(catalog.find("set")!.id, never), false);
  assertEquals(some.allows(select.id, () => "ZERO"), true);
  assertEquals(some.allows(select.id, () => "one"), false);
  assertEquals(some.allows(select.id, () => undefined), false);
});

Deno.test("CommandRules described and applied again allow the same", () => {
  const seed = 7, random = new Random(seed);
  const choices = [
    ...catalog.commands.map(({ fullName }) => fullName),
    ...catalog.categories.map((category) => "@" + category),
    "@all",
  ];
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: 1 + random.below(8) }, () => {
      return (random.below(2) === 0 ? "+" : "-") + choices[random.below(choices.length)];
    }).join(" ");
    const description = described(text);
    const allowedBy = (selector: Selector) =>
      catalog.commands.filter(({ id }) =>
        selector.check({
          commandId: id,
          isFree: false,
          firstArg: () => undefined,
          keys: () => [],
          channels: () => [],
        }) === null
      ).map(({ fullName }) => fullName);
    assertEquals(allowedBy(rules(description)), allowedBy(rules(text)), `seed ${seed}: ${text}`);
    assertEquals(described(description), description, `seed ${seed}: ${text}`);
  }
});
