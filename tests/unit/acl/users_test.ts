import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { joinSelectors, Users, UsersError } from "../../../src/acl/users.ts";
import { settings } from "../../support/access.ts";

Deno.test("Users begin with default, which may do everything and cannot be removed", () => {
  const users = new Users(settings);
  assertEquals(users.lines(), ["user default on nopass ~* &* +@all"]);
  assertEquals(users.defaultUser.isUnrestricted, true);
  assertEquals(users.remove("default"), undefined);
  assertStrictEquals(users.get("default"), users.defaultUser);
});

Deno.test("Users are listed by the bytes of their names", () => {
  const users = new Users(settings);
  for (const name of ["zoe", "Adam", "ada", "\xe9"]) users.add(name);
  assertEquals(users.sorted.map(({ name }) => name), ["Adam", "ada", "default", "zoe", "\xe9"]);
  assertEquals(users.remove("ada")?.name, "ada");
  assertEquals(users.get("ada"), undefined);
});

Deno.test("Users.load replaces all users, default in place, and tells who is gone", () => {
  const users = new Users(settings), before = users.defaultUser;
  const old = users.add("old");
  const gone = users.load("user default on >pw\n\n  user new on +get ( ~a  +set )\t\r\n", "users.acl");
  assertEquals(gone, [old]);
  assertStrictEquals(users.get("default"), before);
  assertEquals(before.enabled && !before.needsNoPassword, true);
  assertEquals(
    users.get("new")?.describe(),
    "on resetchannels -@all +get (~a resetchannels -@all +set)",
  );
});

Deno.test("Users.load resets default if the text does not mention it", () => {
  const users = new Users(settings);
  users.defaultUser.apply("off");
  users.load("user other on", "users.acl");
  assertEquals(users.lines(), ["user default on nopass ~* &* +@all", "user other on resetchannels -@all"]);
});

Deno.test("Users.load of lines() gives the same users", () => {
  const users = new Users(settings), again = new Users(settings);
  for (const rule of ["on", ">pw", "+@read", "%R~a*", "&c", "(+set ~x ~y)", "(-@all)"]) {
    (users.get("u") ?? users.add("u")).apply(rule);
  }
  again.load(users.lines().join("\n"), "users.acl");
  assertEquals(again.lines(), users.lines());
});

Deno.test("Users.load tells everything that is wrong and changes nothing", () => {
  const users = new Users(settings);
  users.add("kept");
  const text = [
    "nonsense",
    "user a on",
    "user a off",
    "user b\0 on",
    "user c +nosuch ~k %bad >secret %worse",
    "user d (+get",
  ];
  const error = assertThrows(() => users.load(text.join("\n"), "f"), UsersError);
  assertEquals(
    error.message,
    "f:1 should start with user keyword followed by the username. " +
      "WARNING: Duplicate user 'a' found on line 3. " +
      "'f:4: username 'b\0' contains invalid characters. " +
      "f:5: Error in applying operation '+nosuch': Unknown command or category name in ACL. " +
      "f:5: Syntax error. " +
      "f:6: Unmatched parenthesis in selector definition." +
      "WARNING: ACL errors detected, no change to the previously active ACL rules was performed",
  );
  assertEquals(users.sorted.map(({ name }) => name), ["default", "kept"]);
});

Deno.test("joinSelectors joins the words between parentheses", () => {
  assertEquals(joinSelectors(["on", "(a", "b", "c)", "(d)", "e"]), ["on", "(a b c)", "(d)", "e"]);
  assertEquals(joinSelectors(["(", "a", ")"]), ["( a )"]);
  assertEquals(joinSelectors(["(a", "(b", "c)"]), ["(b c)"]);
  assertEquals(joinSelectors(["on", "(a", "b"]), { openedAt: 1 });
});
