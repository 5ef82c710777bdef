/** READONLY, READWRITE, ASKING: about the nodes of a cluster, which a server alone is not. */
import { type Command, command, Flag } from "../engine/command.ts";
import { ReplyError } from "../protocol/errors.ts";

const NO_CLUSTER = new ReplyError("ERR This instance has cluster support disabled");

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

export const clusterCommands: readonly Command[] = [
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
