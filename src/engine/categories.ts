/**
 * Access categories: those of a command follow from its group and flags, beside those it lists
 * itself.
 */
import { type Command, Flag } from "./command.ts";

/** All categories in the order in which replies list them. */
export const categories: readonly string[] = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
];

/** The category of each group of COMMAND DOCS that has one. */
const categoryOfGroup: Readonly<Record<string, string>> = {
  "generic": "keyspace",
  "set": "set",
  "sorted-set": "sortedset",
  "list": "list",
  "hash": "hash",
  "string": "string",
  "bitmap": "bitmap",
  "hyperloglog": "hyperloglog",
  "geo": "geo",
  "stream": "stream",
  "connection": "connection",
  "transactions": "transaction",
  "scripting": "scripting",
};

/** Flags that put a command into categories. */
const categoriesOfFlag: readonly (readonly [flag: number, categories: readonly string[]])[] = [
  [Flag.Write, ["write"]],
  [Flag.ReadOnly, ["read"]],
  [Flag.Admin, ["admin", "dangerous"]],
  [Flag.Dangerous, ["dangerous"]],
  [Flag.PubSub, ["pubsub"]],
  [Flag.Blocking, ["blocking"]],
];

/** The categories of a command, without `@`, in the order of {@linkcode categories}. */
export function categoriesOf(cmd: Command): string[] {
  const found = new Set(cmd.categories);
  const ofGroup = categoryOfGroup[cmd.group];
  // A container does nothing itself: its sub-commands have categories of their own.
  const isOfGroup = cmd.subcommands === undefined && !cmd.replacesGroupCategory;
  if (ofGroup !== undefined && isOfGroup) found.add(ofGroup);
  for (const [flag, names] of categoriesOfFlag) {
    if ((cmd.flags & flag) !== 0) { for (const name of names) found.add(name); }
  }
  // Running a script is more than reading, even where the script may only read.
  if ((cmd.flags & Flag.ReadsByCalls) !== 0) found.delete("read");
  found.add((cmd.flags & Flag.Fast) !== 0 ? "fast" : "slow");
  return categories.filter((name) => found.has(name));
}
