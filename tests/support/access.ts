/** A handful of commands as subjects of access rules, and calls of them. */
import { Catalog, type CatalogCommand } from "../../src/acl/catalog.ts";
import type { AccessRequest, SelectorSettings } from "../../src/acl/selector.ts";

let nextId = 0;

function entry(fullName: string, categories: string, subcommands: CatalogCommand[] = []): CatalogCommand {
  return {
    id: nextId++,
    fullName,
    categories: categories.split(" "),
    isSubcommand: fullName.includes("|"),
    subcommands,
  };
}

export const catalog = new Catalog([
  entry("get", "read string fast"),
  entry("mget", "read string fast"),
  entry("set", "write string slow"),
  entry("hset", "write hash fast"),
  entry("hget", "read hash fast"),
  entry("select", "fast"),
  entry("publish", "pubsub fast"),
  entry("config", "slow", [entry("config|get", "admin slow"), entry("config|set", "admin slow")]),
], ["read", "write", "string", "hash", "pubsub", "admin", "fast", "slow"]);

export const settings: SelectorSettings = { catalog, allChannelsByDefault: () => false };

/** The parts of a call besides its command. */
export interface CallOptions {
  firstArg?: string;
  /** Names of keys and the permissions they need. */
  keys?: Record<string, number>;
  channel?: string;
  pattern?: string;
}

/** A call of a command of {@linkcode catalog}. */
export function callOf(
  name: string,
  { firstArg, keys = {}, channel, pattern }: CallOptions = {},
): AccessRequest {
  const uses = Object.entries(keys).map(([name, needs], i) => ({ index: i + 1, name, needs }));
  const channels = [
    ...channel === undefined ? [] : [{ index: 1, name: channel, isPattern: false }],
    ...pattern === undefined ? [] : [{ index: 1, name: pattern, isPattern: true }],
  ];
  return {
    commandId: catalog.find(name)?.id ?? -1,
    isFree: false,
    firstArg: () => firstArg,
    keys: () => uses,
    channels: () => channels,
  };
}
