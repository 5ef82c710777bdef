/**
 * CLUSTER, READONLY, READWRITE, ASKING: commands for the nodes of a cluster, which a single server
 * is not.
 */
import {
  type ArgSpec,
  blockArg,
  type Command,
  command,
  Flag,
  integerArg,
  oneOf,
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import { NO_CLUSTER } from "../../protocol/errors.ts";

function refuse(): never {
  throw NO_CLUSTER;
}

const shared = {
  group: "cluster",
  since: "3.0.0",
  arity: 1,
  categories: ["connection"],
  complexity: "O(1)",
  handler: refuse,
} as const;

/** Name, arity, first version, purpose in a cluster, and arguments. */
type Row = readonly [name: string, arity: number, since: string, summary: string, ...args: ArgSpec[]];

const slot = integerArg("slot"), nodeId = stringArg("node-id");
const slots = integerArg("slot", { multiple: true });
const slotRanges = blockArg("slots", [integerArg("start-slot"), integerArg("end-slot")], { multiple: true });
const port = integerArg("port"), busPort = integerArg("cluster-bus-port", { optional: true, since: "4.0.0" });
const failoverKind = oneOf("options", [tokenArg("FORCE"), tokenArg("TAKEOVER")], { optional: true });
const resetKind = oneOf("reset-type", [tokenArg("HARD"), tokenArg("SOFT")], { optional: true });
const slotState = oneOf("subcommand", [
  stringArg("importing", { token: "IMPORTING" }),
  stringArg("migrating", { token: "MIGRATING" }),
  stringArg("node", { token: "NODE" }),
  tokenArg("STABLE"),
]);

/** Queries. */
const queries: readonly Row[] = [
  ["countkeysinslot", 3, "3.0.0", "Counts the keys in a slot.", slot],
  ["getkeysinslot", 4, "3.0.0", "Names keys in a slot.", slot, integerArg("count")],
  ["info", 2, "3.0.0", "Tells the state of the cluster as its node sees it."],
  ["keyslot", 3, "3.0.0", "Tells the slot of a key.", stringArg("key")],
  ["links", 2, "7.0.0", "Lists the connections to and from other nodes."],
  ["myid", 2, "3.0.0", "Tells the node's name."],
  ["myshardid", 2, "7.2.0", "Tells the name of the node's shard."],
  ["nodes", 2, "3.0.0", "Lists the nodes as a line of text each."],
  ["shards", 2, "7.0.0", "Lists the shards with their slots and nodes."],
  ["slots", 2, "3.0.0", "Lists ranges of slots with the nodes that serve them."],
];

/** Queries for administrators. */
const inspections: readonly Row[] = [
  ["count-failure-reports", 3, "3.0.0", "Counts the nodes that think a node has failed.", nodeId],
  ["replicas", 3, "5.0.0", "Lists the replicas of a node.", nodeId],
  ["slaves", 3, "3.0.0", "Lists the replicas of a node; REPLICAS is its name now.", nodeId],
];

/** Commands that change something. */
const changes: readonly Row[] = [
  ["addslots", -3, "3.0.0", "Gives slots to the node.", slots],
  ["addslotsrange", -4, "7.0.0", "Gives ranges of slots to the node.", slotRanges],
  ["bumpepoch", 2, "3.0.0", "Raises the epoch of the cluster's configuration."],
  ["delslots", -3, "3.0.0", "Takes slots from the node.", slots],
  ["delslotsrange", -4, "7.0.0", "Takes ranges of slots from the node.", slotRanges],
  ["failover", -2, "3.0.0", "Makes a replica the primary of its shard.", failoverKind],
  ["flushslots", 2, "3.0.0", "Takes all slots from the node."],
  ["forget", 3, "3.0.0", "Removes another node from those that are known.", nodeId],
  ["meet", -4, "3.0.0", "Makes another node known.", stringArg("ip"), port, busPort],
  ["replicate", 3, "3.0.0", "Makes the node a replica of another.", nodeId],
  ["saveconfig", 2, "3.0.0", "Writes the cluster's configuration to its file."],
  ["set-config-epoch", 3, "3.0.0", "Gives a new node its epoch.", integerArg("config-epoch")],
  ["setslot", -4, "3.0.0", "Says which node a slot belongs to, or moves to.", slot, slotState],
];

function subcommands(rows: readonly Row[], flags: number): Command[] {
  return rows.map(([name, arity, since, does, ...args]) => {
    const summary = `${does.slice(0, -1)}; an error outside of a cluster.`;
    return command({
      name,
      group: "cluster",
      since,
      arity,
      flags,
      args,
      summary,
      complexity: "O(1)",
      handler: refuse,
    });
  });
}

/** The commands of this group; `table.ts` joins the groups. */
export const clusterCommands: readonly Command[] = [
  command({
    name: "cluster",
    group: "cluster",
    since: "3.0.0",
    arity: -2,
    flags: 0,
    summary: "Container of the commands for a cluster, all of which are refused outside of one.",
    complexity: "Depends on the sub-command",
    subcommands: [
      ...subcommands(queries, Flag.Stale),
      ...subcommands(inspections, Flag.Admin | Flag.Stale),
      ...subcommands(changes, Flag.Admin | Flag.Stale | Flag.NoAsyncLoading),
      ...subcommands(
        [["reset", -2, "3.0.0", "Makes the node forget the cluster.", resetKind]],
        Flag.Admin | Flag.Stale | Flag.NoScript,
      ),
      ...subcommands(
        [["help", 2, "5.0.0", "Replies with what the sub-commands do."]],
        Flag.Loading | Flag.Stale,
      ),
    ],
  }),
  command({
    ...shared,
    name: "readonly",
    flags: Flag.Loading | Flag.Stale | Flag.Fast,
    summary: "Lets a replica of a cluster answer what it can read; an error outside of one.",
  }),
  command({
    ...shared,
    name: "readwrite",
    flags: Flag.Loading | Flag.Stale | Flag.Fast,
    summary: "Ends what READONLY began; an error outside of a cluster.",
  }),
  command({
    ...shared,
    name: "asking",
    flags: Flag.Fast,
    summary: "Lets the next command reach a key on its way to another node; an error outside of a cluster.",
  }),
];
