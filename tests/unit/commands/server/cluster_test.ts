import { assertEquals } from "@std/assert";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

Deno.test("READONLY, READWRITE and ASKING say that there is no cluster", () => {
  using s = startInProcess();
  const c = s.client(), error = new ReplyFailure("ERR This instance has cluster support disabled");
  assertEquals([c.send("READONLY"), c.send("READWRITE"), c.send("ASKING")], [error, error, error]);
});

Deno.test("CLUSTER is declared with all its sub-commands and refuses each of them", () => {
  using s = startInProcess();
  const c = s.client(), error = new ReplyFailure("ERR This instance has cluster support disabled");
  const lines = [
    "CLUSTER COUNTKEYSINSLOT 1",
    "CLUSTER GETKEYSINSLOT 1 2",
    "CLUSTER INFO",
    "CLUSTER KEYSLOT key",
    "CLUSTER LINKS",
    "CLUSTER MYID",
    "CLUSTER MYSHARDID",
    "CLUSTER NODES",
    "CLUSTER SHARDS",
    "CLUSTER SLOTS",
    "CLUSTER COUNT-FAILURE-REPORTS node",
    "CLUSTER REPLICAS node",
    "CLUSTER SLAVES node",
    "CLUSTER ADDSLOTS 1",
    "CLUSTER ADDSLOTSRANGE 1 2",
    "CLUSTER BUMPEPOCH",
    "CLUSTER DELSLOTS 1",
    "CLUSTER DELSLOTSRANGE 1 2",
    "CLUSTER FAILOVER",
    "CLUSTER FLUSHSLOTS",
    "CLUSTER FORGET node",
    "CLUSTER MEET 127.0.0.1 7000",
    "CLUSTER REPLICATE node",
    "CLUSTER SAVECONFIG",
    "CLUSTER SET-CONFIG-EPOCH 1",
    "CLUSTER SETSLOT 1 STABLE",
    "CLUSTER RESET",
    "CLUSTER HELP",
  ];
  for (const line of lines) assertEquals(c.send(...line.split(" ")), error, line);
  const listed = c.send("COMMAND", "LIST", "FILTERBY", "PATTERN", "cluster|*");
  assertEquals(
    Array.isArray(listed) && listed.map(String).sort(),
    lines.map((line) => `cluster|${line.split(" ")[1]?.toLowerCase()}`).sort(),
  );
  assertEquals(
    c.send("CLUSTER", "NOSUCH"),
    new ReplyFailure("ERR unknown subcommand 'NOSUCH'. Try CLUSTER HELP."),
  );
});
