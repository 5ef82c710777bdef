/** A client as a line of text, as CLIENT LIST, CLIENT INFO and the log show it. */
import { type Client, ClientFlag } from "./client.ts";
import type { Engine } from "./engine.ts";
import { clientMemory } from "./client_memory.ts";

/** The kinds of clients that CLIENT LIST and KILL distinguish. */
export const clientTypes: readonly string[] = ["normal", "master", "replica", "pubsub"];

/** The one of {@linkcode clientTypes} that a client belongs to. */
export function typeOfClient(client: Client): string {
  if (client.has(ClientFlag.Primary)) return "master";
  if (client.has(ClientFlag.Replica)) return "replica";
  return client.has(ClientFlag.PubSub) ? "pubsub" : "normal";
}

const flagLetters: readonly (readonly [number, string])[] = [
  [ClientFlag.Replica, "S"],
  [ClientFlag.Primary, "M"],
  [ClientFlag.Monitor, "O"],
  [ClientFlag.PubSub, "P"],
  [ClientFlag.Multi, "x"],
  [ClientFlag.DirtyCas, "d"],
  [ClientFlag.CloseAfterReply, "c"],
  [ClientFlag.UnixSocket, "U"],
  [ClientFlag.NoEvict, "e"],
  [ClientFlag.NoTouch, "T"],
];

function flagsOf(engine: Engine, client: Client): string {
  let letters = "";
  for (const [flag, letter] of flagLetters) if (client.has(flag)) letters += letter;
  if (client.blocked !== null) letters += "b";
  const tracking = engine.tracking.stateOf(client);
  if (tracking !== undefined) {
    letters += "t";
    if (tracking.isBroken) letters += "R";
    if (tracking.broadcast) letters += "B";
  }
  return letters === "" ? "N" : letters;
}

/**
 * Size of the reply buffer that redis-server fills before it starts a list, and so does not count
 * as output memory.
 */
const FIXED_BUFFER = 16_384;

/** Bytes of the client's running command, which are still in its query buffer. */
function runningBytes(engine: Engine, client: Client): number {
  const { args } = engine.context;
  return client === engine.running && args.rawStart >= 0 ? args.rawEnd - args.rawStart : 0;
}

/** The line without its line end. */
export function clientLine(engine: Engine, client: Client): string {
  const { transport, lastCommand } = client;
  const now = engine.clock.nowMs(), unsent = transport.outputBytes;
  const queryBytes = transport.queryBytes + runningBytes(engine, client);
  const seconds = (sinceMs: number) => Math.max(0, Math.floor((now - sinceMs) / 1000));
  const fields: [string, string | number][] = [
    ["id", client.id],
    ["addr", transport.address],
    ["laddr", transport.localAddress],
    // Deno does not expose it.
    ["fd", -1],
    ["name", client.name],
    ["age", seconds(client.createdAtMs)],
    ["idle", seconds(client.lastInteractionMs)],
    ["flags", flagsOf(engine, client)],
    ["db", client.databaseId],
    ["sub", engine.pubsub.channels.countOf(client)],
    ["psub", engine.pubsub.patterns.countOf(client)],
    ["ssub", engine.pubsub.shardChannels.countOf(client)],
    ["multi", client.has(ClientFlag.Multi) ? client.queue.length : -1],
    ["watch", client.watched?.size ?? 0],
    ["qbuf", queryBytes],
    ["qbuf-free", Math.max(0, transport.queryCapacity - queryBytes)],
    ["argv-mem", 0],
    ["multi-mem", client.queueBytes],
    ["rbs", client.reply.capacity],
    ["rbp", client.reply.capacity],
    ["obl", Math.min(unsent, FIXED_BUFFER)],
    ["oll", Math.ceil((unsent - Math.min(unsent, FIXED_BUFFER)) / FIXED_BUFFER)],
    ["omem", unsent - Math.min(unsent, FIXED_BUFFER)],
    ["tot-mem", clientMemory(engine, client)],
    ["events", "r"],
    ["cmd", lastCommand?.fullName ?? "NULL"],
    ["user", client.userName],
    ["redir", engine.tracking.stateOf(client)?.redirect ?? -1],
    ["resp", client.reply.resp],
    ["lib-name", client.libName],
    ["lib-ver", client.libVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(" ");
}
