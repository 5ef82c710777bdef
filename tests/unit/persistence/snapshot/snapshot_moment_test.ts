import { assert, assertEquals } from "@std/assert";
import { ValueType } from "../../../../src/data/value.ts";
import type { Engine } from "../../../../src/engine/engine.ts";
import { Slice } from "../../../../src/keyspace/slice.ts";
import { LoadProgress } from "../../../../src/persistence/loading.ts";
import { Random } from "../../../../src/util/random.ts";
import { StoreServer } from "../../../support/data_store.ts";
import type { InProcessClient } from "../../../support/in_process.ts";
import { SimulatedFiles } from "../../../support/simulated_files.ts";
import { plainForm, randomText } from "../../../support/values.ts";

const KEYS = 30;

/** A command of a kind that applications send, to one of three databases; wrong types and missing keys happen. */
function randomCommand(random: Random): string[] {
  const type = ["string", "list", "set", "zset", "hash", "stream"][random.below(6)]!;
  const key = `${type}:${random.below(KEYS)}`, text = () => randomText(random, 40);
  const texts = () => Array.from({ length: 1 + random.below(random.below(20) === 0 ? 200 : 4) }, text);
  switch (random.below(40)) {
    case 0:
      return [["FLUSHDB"], ["SWAPDB", "0", String(random.below(3))]][random.below(20)] ??
        ["PING"];
    case 1:
    case 2:
      return ["DEL", key];
    case 3:
      return ["PEXPIRE", key, "900000000"];
    case 4:
      return ["PERSIST", key];
    case 5:
      return ["RENAME", key, `${type}:${random.below(KEYS)}`];
    case 6:
      return ["COPY", key, `${type}:${random.below(KEYS)}`, "DB", String(random.below(3)), "REPLACE"];
    case 7:
      return ["SELECT", String(random.below(3))];
    case 8:
      return ["MOVE", key, String(random.below(3))];
  }
  return [...changeOf(type, key, random, texts)];
}

function changeOf(type: string, key: string, random: Random, texts: () => string[]): string[] {
  const isRemoval = random.below(3) === 0, number = String(random.below(500));
  switch (type) {
    case "string":
      return isRemoval
        ? ["SETRANGE", key, String(random.below(50)), texts()[0]!]
        : ["APPEND", key, texts()[0]!];
    case "list":
      return isRemoval ? ["LTRIM", key, "1", "-2"] : ["RPUSH", key, ...texts()];
    case "set":
      return isRemoval ? ["SPOP", key] : ["SADD", key, ...texts()];
    case "zset":
      return isRemoval ? ["ZPOPMIN", key] : ["ZADD", key, ...texts().flatMap((text, i) => [`${i}.5`, text])];
    case "hash":
      if (random.below(9) === 0) return ["HPEXPIRE", key, "900000000", "FIELDS", "1", number];
      return isRemoval ? ["HDEL", key, number] : ["HSET", key, number, ...texts(), ...texts()].slice(0, 4);
    default:
      if (random.below(9) === 0) return ["XGROUP", "CREATE", key, `group ${number}`, "0"];
      return isRemoval ? ["XTRIM", key, "MAXLEN", "3"] : ["XADD", key, "*", "field", ...texts()].slice(0, 5);
  }
}

/** All there is, in plain text, however it is encoded. */
function contentOf(engine: Engine): Map<string, string> {
  const content = new Map<string, string>();
  for (const [id, database] of engine.databases.entries()) {
    database.forEach((ref) => {
      const isString = database.typeOf(ref) === ValueType.String;
      const plain = plainForm(isString ? database.readString(ref, new Slice()) : database.collectionOf(ref));
      const isEncoded = Array.isArray(plain) &&
        /^(listpack|hashtable|skiplist|intset)$/.test(String(plain[0]));
      const value = [isEncoded ? plain.slice(1) : plain, database.expiryOf(ref)];
      content.set(`${id} ${database.keyTextOf(ref)}`, JSON.stringify(value));
    });
  }
  return content;
}

/** A way of taking a snapshot, and of starting from one. */
interface Way {
  readonly name: string;
  readonly command: string[];
  readonly config: Record<string, string>;
  /** The disk a server can start from that has nothing but the snapshot. */
  diskOf(files: SimulatedFiles): [disk: SimulatedFiles, config: Record<string, string>];
}

function baseAlone(files: SimulatedFiles): [SimulatedFiles, Record<string, string>] {
  const path = files.paths().find((name) => name.includes(".base.")), disk = new SimulatedFiles();
  disk.put("d/appendonly.aof", files.get(path ?? "") ?? new Uint8Array());
  return [disk, { appendonly: "yes" }];
}

function fileAlone(name: string) {
  return (files: SimulatedFiles): [SimulatedFiles, Record<string, string>] => {
    const disk = new SimulatedFiles();
    disk.put(name, files.get(name) ?? new Uint8Array());
    return [disk, {}];
  };
}

const ways: readonly Way[] = [
  { name: "BGSAVE", command: ["BGSAVE"], config: {}, diskOf: fileAlone("d/dump.rdb") },
  {
    name: "BGREWRITEAOF as RDB",
    command: ["BGREWRITEAOF"],
    config: { appendonly: "yes" },
    diskOf: baseAlone,
  },
  {
    name: "BGREWRITEAOF as commands",
    command: ["BGREWRITEAOF"],
    config: { appendonly: "yes", "aof-use-rdb-preamble": "no" },
    diskOf: baseAlone,
  },
  { name: "SNAPSHOT", command: ["SNAPSHOT"], config: {}, diskOf: fileAlone("d/snapshot.json") },
];

/** What a server finds that starts from `disk`. */
async function loaded(disk: SimulatedFiles, config: Record<string, string>): Promise<Map<string, string>> {
  const server = new StoreServer(disk, { config: { save: "", ...config } });
  if (disk.paths().includes("d/snapshot.json")) server.engine.config.values.loadSnapshot = "snapshot.json";
  await server.store.load(new LoadProgress(server.clock));
  return contentOf(server.engine);
}

function churn(clients: readonly InProcessClient[], random: Random, count: number): void {
  for (let i = 0; i < count; i++) clients[random.below(clients.length)]!.send(...randomCommand(random));
}

/** How many snapshots are taken in each way. */
const SNAPSHOTS = 125;

for (const { name, command, config, diskOf } of ways) {
  Deno.test(`${name}: ${SNAPSHOTS} snapshots under writing clients are each the state of one instant`, async () => {
    const random = new Random(command.length + name.length);
    const server = await StoreServer.start(undefined, config);
    const clients = [server.client(), server.client(), server.client()];
    churn(clients, random, 2000);
    let slices = 0;
    for (let taken = 0; taken < SNAPSHOTS; taken++) {
      server.client().send(...command);
      for (let i = 0; i < 4; i++) await Promise.resolve(); // a rewrite first waits for a sync
      const expected = contentOf(server.engine);
      const perSlice = random.below(8);
      for (; server.slice(); slices++) churn(clients, random, perSlice);
      await server.finishJobs();
      const found = await loaded(...diskOf(server.disk));
      assertEquals([...found.keys()].sort(), [...expected.keys()].sort(), `${name} ${taken}`);
      for (const [key, value] of expected) assert(found.get(key) === value, `${name} ${taken}: ${key}`);
    }
    assert(slices > SNAPSHOTS * 5, `${slices} slices`);
  });
}
