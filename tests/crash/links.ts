/**
 * Three servers that replicate (each Redeno or redis-server), joined by proxies that cut, delay,
 * fragment and stall, under load, with kills, restarts and role changes. When all is quiet again,
 * data, offset and times to live are equal on all of them, and no log contains an error sent by the
 * other side.
 */
import { Random } from "../../src/util/random.ts";
import { type RawConnection, ServerProcess } from "../support/oracle.ts";
import { DATABASES, fieldNames, keyNames, LinkWriter } from "./link_writers.ts";
import { Proxy } from "./proxy.ts";

const WRITERS = 4;
const SERVERS = 3;
/** Number of rounds before other servers take over. */
const ROUNDS_PER_CLUSTER = 10;
const LOAD_MS = 700;
/** Time limit for the servers to become equal: number of checks, and the interval between them. */
const LOOKS = 300, LOOK_MS = 100;
const FAULT =
  /== CRITICAL ==|[Ii]nternal error in '|Protocol error from master|Unexpected reply to PSYNC|generated a reply to command/;

/** The findings of {@linkcode linkRounds}. */
export interface LinksReport {
  rounds: number;
  /** Number of commands answered. */
  commands: number;
  problems: string[];
  /** The folder with data and logs, if there were problems. */
  folder: string;
}

function pause(ms: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, ms));
}

/** A server, and the proxy through which the others reach it. */
class Node {
  server: ServerProcess | null = null;
  readonly proxy: Proxy = new Proxy(() => this.server?.port ?? 1);
  /** The logs of servers that have ended. */
  #oldLog = "";
  #seen = 0;

  constructor(readonly name: string, readonly command: string[], readonly folder: string) {}

  async start(directives: readonly string[]): Promise<void> {
    this.server = await ServerProcess.start(this.command, [
      ...["--save", "3600 1000000", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"],
      ...["--repl-ping-replica-period", "1", "--shutdown-timeout", "0", "--repl-backlog-size", "16kb"],
      ...["--replica-announce-ip", "127.0.0.1", "--replica-announce-port", String(this.proxy.port)],
      ...directives,
    ], this.folder);
  }

  async stop(signal: Deno.Signal): Promise<void> {
    const { server } = this;
    this.server = null;
    if (server === null) return;
    await server.stop(signal);
    this.#oldLog += server.log;
  }

  get log(): string {
    return this.#oldLog + (this.server?.log ?? "");
  }

  /** Log lines since the last call that report a fault. */
  newFaults(): string[] {
    const { log } = this, lines = log.slice(this.#seen).split("\n");
    this.#seen = log.length;
    return lines.filter((line) => FAULT.test(line)).map((line) => `${this.name}: ${line}`);
  }

  /** Sends one command; returns "" if that fails. */
  async say(...words: string[]): Promise<string> {
    try {
      using connection = await this.server!.connect();
      return await connection.send(...words);
    } catch {
      return "";
    }
  }

  async info(): Promise<Map<string, string>> {
    const lines = (await this.say("INFO", "replication")).split("\r\n");
    return new Map(lines.map((line) => [line.split(":", 1)[0]!, line.slice(line.indexOf(":") + 1)]));
  }

  follow(other: Node): Promise<string> {
    return this.say("REPLICAOF", "127.0.0.1", String(other.proxy.port));
  }
}

/** The servers, and the clients that write to them. */
class Cluster {
  readonly nodes: readonly Node[];
  /** The server that clients write to. */
  primary: Node;
  readonly #writers: readonly LinkWriter[];
  #isLoaded = false;
  commands = 0;

  constructor(readonly random: Random, commands: readonly string[][], folder: string) {
    const kinds = Array.from({ length: SERVERS }, () => commands[random.below(commands.length)]!);
    kinds[random.below(SERVERS)] = commands[0]!;
    this.nodes = kinds.map((command, i) => {
      const path = `${folder}/${i}`;
      Deno.mkdirSync(path, { recursive: true });
      return new Node(`server ${i} (${command === commands[0] ? "Redeno" : "redis-server"})`, command, path);
    });
    this.primary = this.nodes[0]!;
    const isRedenoOnly = kinds.every((command) => command === commands[0]);
    this.#writers = Array.from(
      { length: WRITERS },
      () => new LinkWriter(new Random(random.next()), isRedenoOnly),
    );
  }

  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start(this.#settings())));
    // With more data a full synchronisation lasts long enough to be disturbed.
    if (this.random.below(2) === 0) await this.primary.say("DEBUG", "POPULATE", "20000", "bulk", "60");
    await this.nodes[1]!.follow(this.nodes[0]!);
    await this.nodes[2]!.follow(this.nodes[this.random.below(2)]!);
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) {
      await node.stop("SIGKILL");
      node.proxy[Symbol.dispose]();
    }
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)]!;
  }

  #settings(): string[] {
    const { random } = this, yes = () => random.below(2) === 0 ? "yes" : "no";
    return [
      ...[
        "--repl-diskless-sync",
        yes(),
        "--repl-diskless-load",
        this.#pick(["disabled", "swapdb", "on-empty-db"]),
      ],
      ...["--appendonly", random.below(4) === 0 ? "yes" : "no"],
    ];
  }

  // ---- A round ----------------------------------------------------------------------------------

  async round(): Promise<string[]> {
    this.#isLoaded = true;
    const writing = this.#writers.map((writer) => this.#write(writer));
    const untilMs = Date.now() + LOAD_MS;
    const done: string[] = [];
    while (Date.now() < untilMs) {
      done.push(await this.#disturb());
      await pause(this.random.below(200));
    }
    this.#isLoaded = false;
    await Promise.all(writing);
    const problems = await this.#settle();
    if (problems.length === 0) problems.push(...await this.#compare());
    problems.push(...this.nodes.flatMap((node) => node.newFaults()));
    if (problems.length > 0) problems.push(`after: ${done.join("; ")}`);
    return problems;
  }

  /** Writes to the current primary, as long as this round's load lasts. */
  async #write(writer: LinkWriter): Promise<void> {
    while (this.#isLoaded) {
      try {
        using connection = await this.primary.server!.connect();
        const watch = setInterval(() => {
          if (!this.#isLoaded) connection.close();
        }, LOAD_MS / 4);
        await this.#writeTo(connection, writer).finally(() => clearInterval(watch));
      } catch {
        await pause(30);
      }
    }
  }

  async #writeTo(connection: RawConnection, writer: LinkWriter): Promise<void> {
    while (this.#isLoaded) {
      const steps = Array.from({ length: 1 + this.random.below(12) }, () => writer.step()).flat();
      const replies = await connection.pipeline(steps);
      this.commands += replies.length;
      if (replies.some((reply) => /^-(READONLY|UNBLOCKED|LOADING|MASTERDOWN)/.test(reply))) return;
      await pause(this.random.below(10));
    }
  }

  /** Acts as a bad network, a bad machine or an operator; returns a description. */
  async #disturb(): Promise<string> {
    const { random } = this, node = this.#pick(this.nodes), { proxy, name } = node;
    const kind = random.below(24);
    if (kind < 6) proxy.cutAfter = 1 + random.below(random.below(3) === 0 ? 60 : 6000);
    else if (kind < 8) proxy.cut();
    else if (kind < 10) proxy.stall(100 + random.below(400));
    else if (kind < 12) proxy.fragment = 1 + random.below(700);
    else if (kind < 14) proxy.delayMs = random.below(6);
    else if (kind < 17) return await this.#restart(node);
    else if (kind < 21) return await this.#changeRoles();
    else return await this.#operate(node);
    return `${
      ["cut after", "cut", "stall", "fragments", "delay"][[6, 8, 10, 12, 14].findIndex((n) => kind < n)]
    } ${name}`;
  }

  async #restart(node: Node): Promise<string> {
    const signal = this.#pick(["SIGKILL", "SIGTERM"] as const), info = await node.info();
    const primaryPort = info.get("master_port");
    await node.stop(signal);
    const follows = primaryPort === undefined ? [] : ["--replicaof", `127.0.0.1 ${primaryPort}`];
    await node.start([...this.#settings(), ...follows]);
    return `${signal} ${node.name}`;
  }

  async #changeRoles(): Promise<string> {
    const old = this.primary, other = this.#pick(this.nodes.filter((node) => node !== old));
    switch (this.random.below(4)) {
      case 0: {
        const target = ["TO", "127.0.0.1", String(other.proxy.port)];
        const force = this.random.below(3) === 0 ? ["FORCE"] : [];
        const reply = await old.say(
          "FAILOVER",
          ...target,
          ...force,
          "TIMEOUT",
          String(50 + this.random.below(400)),
        );
        if (reply.startsWith("+")) await this.#failedOver(old, other);
        return `FAILOVER ${old.name} to ${other.name}: ${reply.trim()}`;
      }
      case 1:
        await other.say("REPLICAOF", "NO", "ONE");
        this.primary = other;
        await old.follow(other);
        return `swap ${old.name} and ${other.name}`;
      case 2:
        await other.say("REPLICAOF", "NO", "ONE");
        await pause(this.random.below(50));
        await other.follow(old);
        return `${other.name} was a primary for a moment`;
      default: {
        const third = this.nodes.find((node) => node !== old && node !== other)!;
        if ((await third.info()).get("master_port") === String(other.proxy.port)) await third.follow(old);
        await other.follow(this.#pick([old, third]));
        return `${other.name} follows another one`;
      }
    }
  }

  async #failedOver(old: Node, other: Node): Promise<void> {
    for (let looks = 0; looks < 100; looks++) {
      const info = await old.info();
      if (info.get("master_failover_state") === "no-failover") {
        if (info.get("role") === "slave") this.primary = other;
        return;
      }
      await pause(20);
    }
    await old.say("FAILOVER", "ABORT");
  }

  async #operate(node: Node): Promise<string> {
    const command = this.#pick([
      ["CLIENT", "PAUSE", String(20 + this.random.below(200)), "WRITE"],
      ["CLIENT", "PAUSE", String(20 + this.random.below(100)), "ALL"],
      ["CLIENT", "KILL", "TYPE", "master"],
      ["CLIENT", "KILL", "TYPE", "replica"],
      ["BGSAVE"],
      ["BGREWRITEAOF"],
      ["DEBUG", "SLEEP", "0.1"],
      ["CONFIG", "SET", "repl-diskless-load", this.#pick(["disabled", "swapdb"])],
      ["CONFIG", "SET", "appendonly", this.#pick(["yes", "no"])],
    ]);
    await node.say(...command);
    return `${command.join(" ")} on ${node.name}`;
  }

  // ---- Afterwards -------------------------------------------------------------------------------

  /**
   * Waits until all servers follow one primary, have all its data, and nothing changes any more.
   */
  async #settle(): Promise<string[]> {
    for (const { proxy } of this.nodes) proxy.heal();
    for (const node of this.nodes) await node.say("CLIENT", "UNPAUSE");
    await this.#oneRoot();
    await this.primary.say("CONFIG", "SET", "repl-ping-replica-period", "3600");
    await this.primary.say("DEBUG", "SET-ACTIVE-EXPIRE", "0");
    return await this.#caughtUp();
  }

  async #caughtUp(): Promise<string[]> {
    let state = "";
    for (let looks = 0; looks < LOOKS; looks++) {
      const infos = await Promise.all(this.nodes.map((node) => node.info()));
      const offset = infos[this.nodes.indexOf(this.primary)]!.get("master_repl_offset");
      const isEqual = infos.every((info, i) => {
        if (this.nodes[i] === this.primary) return info.get("role") === "master";
        return info.get("master_link_status") === "up" && info.get("slave_repl_offset") === offset &&
          info.get("master_repl_offset") === offset;
      });
      if (isEqual) return [];
      state = infos.map((info, i) =>
        `${this.nodes[i]!.name} ${info.get("role")} of ${info.get("master_port")} ${
          info.get("master_link_status")
        } at ` +
        `${info.get("slave_repl_offset")}, ${info.get("master_repl_offset")}`
      ).join("\n");
      await pause(LOOK_MS);
    }
    return [`the servers do not become equal, the primary is ${this.primary.name}:\n${state}`];
  }

  /** Makes one of the servers the root of all others: a role change may be half complete. */
  async #oneRoot(): Promise<void> {
    await this.primary.say("FAILOVER", "ABORT");
    await this.primary.say("REPLICAOF", "NO", "ONE");
    const ports = await Promise.all(this.nodes.map(async (node) => (await node.info()).get("master_port")));
    const rootOf = (i: number, steps = 0): number => {
      const next = this.nodes.findIndex((node) => String(node.proxy.port) === ports[i]);
      return next < 0 || steps > SERVERS ? i : rootOf(next, steps + 1);
    };
    const root = this.nodes.indexOf(this.primary);
    for (const [i, node] of this.nodes.entries()) if (rootOf(i) !== root) await node.follow(this.primary);
  }

  async #compare(): Promise<string[]> {
    const problems = await this.#digests("with keys that are over");
    if (problems.length > 0) return problems;
    problems.push(...await this.#details());
    await this.primary.say("DEBUG", "SET-ACTIVE-EXPIRE", "1");
    problems.push(...await this.#caughtUp());
    await this.primary.say("CONFIG", "SET", "repl-ping-replica-period", "1");
    for (const node of this.nodes) {
      const errors = /unexpected_error_replies:(\d+)/.exec(await node.say("INFO", "stats"))?.[1];
      if (errors !== "0") problems.push(`${node.name} counts ${errors} unexpected error replies`);
    }
    return problems;
  }

  async #digests(when: string): Promise<string[]> {
    const digests = await Promise.all(this.nodes.map((node) => node.say("DEBUG", "DIGEST")));
    if (digests.every((digest) => digest === digests[0])) return [];
    const details = await this.#perKey((key) => ["DEBUG", "DIGEST-VALUE", key]);
    return [`other digests ${when}: ${digests.map((digest) => digest.trim()).join()}`, ...details];
  }

  /**
   * Compares facts that digests leave out: expiry times of keys, those of fields if all servers
   * support them, and pending entries of streams.
   */
  async #details(): Promise<string[]> {
    const questions = [
      (key: string) => ["PEXPIRETIME", key],
      (key: string) => key.startsWith("stream") ? ["XPENDING", key, "g"] : ["PING"],
    ];
    if (this.nodes.every(({ command }) => command === this.nodes[0]!.command)) {
      const fields = ["FIELDS", String(fieldNames.length), ...fieldNames];
      questions.push((key) => key.startsWith("hash") ? ["HPEXPIRETIME", key, ...fields] : ["PING"]);
    }
    const problems: string[] = [];
    for (const question of questions) {
      // A key that expires between two queries causes one difference; a real difference persists.
      for (let left = 3, found = ["unknown"]; left > 0 && found.length > 0; left--) {
        found = await this.#perKey(question);
        if (left === 1) problems.push(...found);
      }
    }
    return problems;
  }

  /** The keys for which the servers' answers differ. */
  async #perKey(question: (key: string) => string[]): Promise<string[]> {
    const found: string[][] = [];
    for (const node of this.nodes) {
      using connection = await node.server!.connect();
      const replies: string[] = [];
      for (let database = 0; database < DATABASES; database++) {
        await connection.send("SELECT", String(database));
        replies.push(...await connection.pipeline(keyNames.map(question)));
      }
      found.push(replies);
    }
    const problems: string[] = [];
    for (const i of found[0]!.keys()) {
      const replies = found.map((replies) => replies[i]!.trim());
      if (replies.every((reply) => isSame(reply, replies[0]!))) continue;
      const name = `${Math.floor(i / keyNames.length)} ${keyNames[i % keyNames.length]}`;
      problems.push(`${name}: ${replies.join()}`);
    }
    return problems;
  }
}

/**
 * True if two replies are equal; a Unix time in the past and -2, for a missing key, count as equal.
 */
function isSame(a: string, b: string): boolean {
  const nowMs = Date.now();
  const isOver = (number: string) => number === "-2" || (number.length >= 13 && Number(number) <= nowMs);
  const times = (reply: string) =>
    reply.replace(/:(-2|\d+)/g, (all, number) => isOver(number) ? ":over" : all);
  return times(a) === times(b);
}

/**
 * Runs rounds of load and disturbance, each followed by a comparison.
 *
 * @param commands the words that start Redeno and, if it is installed, redis-server
 */
export async function linkRounds(
  commands: readonly string[][],
  rounds: number,
  seed: number,
): Promise<LinksReport> {
  const random = new Random(seed), folder = await Deno.makeTempDir({ prefix: "redeno-links-" });
  const report: LinksReport = { rounds: 0, commands: 0, problems: [], folder };
  while (report.rounds < rounds && report.problems.length === 0) {
    const cluster = new Cluster(random, commands, `${folder}/${report.rounds}`);
    try {
      await cluster.start();
      for (let i = 0; i < ROUNDS_PER_CLUSTER && report.rounds < rounds && report.problems.length === 0; i++) {
        report.problems.push(...await cluster.round());
        report.rounds++;
      }
    } finally {
      report.commands += cluster.commands;
      await cluster.stop();
    }
    if (report.problems.length > 0) {
      for (const [i, node] of cluster.nodes.entries()) {
        await Deno.writeTextFile(`${folder}/log-${i}`, node.log);
      }
    }
  }
  if (report.problems.length === 0) await Deno.remove(folder, { recursive: true });
  return report;
}
