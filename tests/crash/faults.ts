/**
 * Every file operation of the persistence made to fail, once and permanently: the n-th call, for
 * all n. Each time nothing may break, reads continue, the log names the system's reason, the folder
 * can be loaded at any moment and holds at least everything acknowledged, and once the disk works
 * again the server does too.
 */
import { isLoadFault } from "../../src/persistence/data_store.ts";
import { Random } from "../../src/util/random.ts";
import { StoreServer } from "../support/data_store.ts";
import { encodeCommand } from "../support/in_process.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";

/** The way an operation fails: its error text, and the number of operations affected. */
export interface Fault {
  readonly reason: string;
  readonly lasts: number;
}

export const faults: readonly Fault[] = [
  { reason: "Input/output error", lasts: 1 },
  { reason: "No space left on device", lasts: Infinity },
];

/** Seconds after which a server whose disk works again must accept writes. */
const PATIENCE_S = 30;

/** A server, and its clients' knowledge of the data. */
export class Session {
  /** The states of the data after each write that may have happened. */
  readonly states: string[] = [];
  /** Index of the last acknowledged state. */
  acknowledged = 0;
  /**
   * True once the append-only file has its base: from then on the server guarantees what it
   * acknowledges.
   */
  isPromised: boolean;
  /** The server's replies to commands that do not write. */
  readonly replies: string[] = [];
  #serial = 0;

  private constructor(readonly server: StoreServer, readonly config: Record<string, string>) {
    this.isPromised = config.appendonly === "yes";
    this.#note();
  }

  static async start(disk: SimulatedFiles, config: Record<string, string>): Promise<Session> {
    return new Session(await StoreServer.start(disk, config), config);
  }

  get disk(): SimulatedFiles {
    return this.server.disk;
  }

  #note(): void {
    this.states.push(stateOf(this.server));
  }

  /** Writes a key, then two in a transaction; false unless both were acknowledged. */
  write(): boolean {
    const serial = String(++this.#serial);
    const isSet = this.#unit([["SET", "a", serial]]);
    const isPushed = this.#unit([["MULTI"], ["SET", "b", serial], ["RPUSH", "list", serial], ["EXEC"]]);
    return isSet && isPushed;
  }

  /** Sends a command that does not write; false if it was refused. */
  order(...words: string[]): boolean {
    const reply = this.server.client().raw(encodeCommand(...words));
    this.replies.push(reply);
    return !reply.startsWith("-");
  }

  /** Sends commands that belong together, and records their outcome. */
  #unit(commands: string[][]): boolean {
    const client = this.server.client();
    const isDone = commands.every((words) => {
      const reply = client.raw(encodeCommand(...words));
      return !client.closed && !reply.startsWith("-");
    });
    this.#note();
    if (isDone) this.acknowledged = this.states.length - 1;
    return isDone;
  }

  /** The fault in what a server loads from `disk`, or null. */
  async #faultOf(disk: SimulatedFiles, moment: string): Promise<string | null> {
    const oldest = this.isPromised ? this.acknowledged : 0;
    try {
      const found = stateOf(await StoreServer.start(disk, this.config));
      const at = this.states.lastIndexOf(found);
      return at >= oldest ? null : `${moment}: state ${at} of ${this.states.length}, not ${oldest} or later`;
    } catch (error) {
      return `${moment}: ${error instanceof Error ? error.message : error}`;
    }
  }

  /**
   * The fault in what a kill and, unless writes are synced later, a power cut would leave now; null
   * if there is none.
   */
  async faultNow(moment: string, random: Random): Promise<string | null> {
    if (this.server.store.aof.state === "on") this.isPromised = true;
    const killed = await this.#faultOf(this.disk.afterKill(), `killed ${moment}`);
    if (killed !== null || this.config.appendfsync === "everysec") return killed;
    return await this.#faultOf(this.disk.afterPowerCut(random), `power cut ${moment}`);
  }
}

/** All data that {@linkcode Session.write} writes. */
function stateOf(server: StoreServer): string {
  const client = server.client();
  return JSON.stringify([client.send("MGET", "a", "b"), client.send("LRANGE", "list", "0", "-1")]);
}

/** An activity of the persistence, with a client that writes meanwhile. */
export interface Scenario {
  readonly name: string;
  readonly config: Record<string, string>;
  run(session: Session): Promise<void>;
  /** An operator's action once the disk works again. */
  repair?(session: Session): void;
}

/** A background job with writes between its slices. */
async function whileWorking(session: Session, command: string[]): Promise<void> {
  session.order(...command);
  for (let i = 0; i < 3; i++) {
    session.write();
    session.server.slice();
  }
  await session.server.finishJobs();
  session.write();
}

const ALWAYS = { appendonly: "yes", appendfsync: "always" };

export const scenarios: readonly Scenario[] = [
  {
    name: "writes, synced each",
    config: ALWAYS,
    async run(session) {
      for (let i = 0; i < 3; i++) session.write();
      await session.server.second();
      session.write();
    },
  },
  {
    name: "writes, synced each second",
    config: { appendonly: "yes", appendfsync: "everysec" },
    async run(session) {
      for (let i = 0; i < 4; i++) {
        session.write();
        await session.server.second();
      }
    },
  },
  {
    name: "BGREWRITEAOF",
    config: ALWAYS,
    run: (session) => whileWorking(session, ["BGREWRITEAOF"]),
  },
  {
    name: "BGREWRITEAOF to commands",
    config: { ...ALWAYS, "aof-use-rdb-preamble": "no" },
    run: (session) => whileWorking(session, ["BGREWRITEAOF"]),
  },
  {
    name: "BGREWRITEAOF, writes synced each second",
    config: { appendonly: "yes", appendfsync: "everysec" },
    run: (session) => whileWorking(session, ["BGREWRITEAOF"]),
  },
  {
    name: "the append-only file turned off and on",
    config: ALWAYS,
    async run(session) {
      session.order("CONFIG", "SET", "appendonly", "no");
      session.isPromised = false;
      session.order("CONFIG", "SET", "appendonly", "yes");
      await session.server.finishJobs();
      session.write();
      await session.server.second();
      session.write();
    },
    repair: (session) => void session.order("CONFIG", "SET", "appendonly", "yes"),
  },
  {
    name: "BGSAVE beside the append-only file",
    config: ALWAYS,
    run: (session) => whileWorking(session, ["BGSAVE"]),
  },
  {
    name: "SAVE, then BGSAVE at a save point",
    config: { save: "1 1" },
    async run(session) {
      session.order("SAVE");
      session.write();
      for (let i = 0; i < 3; i++) await session.server.second();
    },
  },
  {
    name: "SNAPSHOT LOAD",
    config: ALWAYS,
    async run(session) {
      session.order("SNAPSHOT");
      await session.server.finishJobs();
      session.order("SNAPSHOT", "LOAD", "snapshot.json");
      session.write();
      await session.server.second();
      session.write();
    },
  },
];

/** The findings. */
export interface FaultReport {
  /** Number of operations made to fail. */
  faults: number;
  problems: string[];
}

/** Runs `scenario` once for each of its file operations, with that operation failing. */
export async function failEach(scenario: Scenario, fault: Fault, report: FaultReport): Promise<void> {
  for (let n = 0; report.problems.length < 5; n++) {
    const random = new Random(n + 1);
    const session = await Session.start(new SimulatedFiles(), scenario.config);
    session.write();
    const { disk, server } = session, first = disk.journal.length + n;
    let failed = "";
    disk.failure = (operation, path, number) => {
      if (number < first || number >= first + fault.lasts) return undefined;
      failed ||= `${operation} ${path}`;
      return fault.reason;
    };
    const problems: (string | null)[] = [];
    try {
      await scenario.run(session);
      if (failed === "") return;
      report.faults++;
      problems.push(await session.faultNow("meanwhile", random));
      if (![...server.log, ...session.replies].some((line) => line.includes(fault.reason))) {
        problems.push("nobody is told");
      }
      const isOff = server.store.aof.state === "off" && server.info("rdb_last_bgsave_status") === "ok";
      if (fault.lasts === Infinity && !isOff && session.write()) problems.push("a write was acknowledged");
      disk.failure = undefined;
      scenario.repair?.(session);
      problems.push(await recovery(session, random));
    } catch (error) {
      problems.push(error instanceof Error ? error.stack ?? error.message : String(error));
    }
    for (const problem of problems) {
      if (problem === null) continue;
      report.problems.push(`${scenario.name}, ${fault.reason} at ${n} (${failed}): ${problem}`);
    }
  }
}

/** The disk works again: the fault that remains after a while, or null. */
async function recovery(session: Session, random: Random): Promise<string | null> {
  for (let seconds = 0; !session.write(); seconds++) {
    if (seconds === PATIENCE_S) return "writes are still refused";
    await session.server.second();
    const problem = await session.faultNow(`${seconds} s into recovery`, random);
    if (problem !== null) return problem;
  }
  await session.server.second();
  return await session.faultNow("after recovery", random);
}

/** Folders that a start must change, not only read. */
export async function startFolders(): Promise<
  [name: string, disk: SimulatedFiles, config: Record<string, string>][]
> {
  const filled = async (config: Record<string, string>) => {
    const session = await Session.start(new SimulatedFiles(), config);
    for (let i = 0; i < 3; i++) session.write();
    session.order("SAVE");
    return session.disk.afterKill();
  };
  const increment = "d/appendonlydir/appendonly.aof.1.incr.aof";
  const torn = await filled(ALWAYS), old = new SimulatedFiles();
  const commands = torn.get(increment) ?? new Uint8Array();
  torn.put(increment, commands.slice(0, -4));
  old.put("d/appendonly.aof", commands);
  return [
    ["an RDB file", await filled({}), {}],
    ["a torn append-only file", torn, ALWAYS],
    ["an append-only file of old", old, ALWAYS],
    ["nothing", new SimulatedFiles(), ALWAYS],
  ];
}

/**
 * Starts on a folder with each operation of the start failing, then again on the folder as that
 * left it.
 */
export async function failEachOfStart(
  disk: SimulatedFiles,
  config: Record<string, string>,
  fault: Fault,
  report: FaultReport,
): Promise<void> {
  const expected = stateOf(await StoreServer.start(disk.afterKill(), config));
  for (let n = 0; report.problems.length < 5; n++) {
    const left = disk.afterKill();
    let hasFailed = false;
    left.failure = (_operation, _path, number) => {
      const isDue = number >= n && number < n + fault.lasts;
      hasFailed ||= isDue;
      return isDue ? fault.reason : undefined;
    };
    const outcome = await StoreServer.start(left, config).catch((error: unknown) => error);
    if (!hasFailed) return;
    report.faults++;
    const said = outcome instanceof StoreServer ? outcome.log.join("\n") : String(outcome);
    const isClear = said.includes(fault.reason) && (outcome instanceof StoreServer || isLoadFault(outcome));
    const problems = isClear ? [] : [`all it says is: ${said}`];
    for (const after of [left.afterKill(), left.afterPowerCut(new Random(n + 1))]) {
      const found = await StoreServer.start(after, config).then(stateOf, String);
      if (found !== expected) problems.push(`${found} afterwards instead of ${expected}`);
    }
    report.problems.push(...problems.map((problem) => `start, ${fault.reason} at ${n}: ${problem}`));
  }
}
