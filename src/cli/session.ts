/**
 * A client's session with one server: connecting (with the introductory commands), sending
 * commands, printing replies, and tracking the connection's database and transaction.
 *
 * The behaviour is redis-cli's: a lost connection is reported and reopened by the next command, the
 * selected database outlives it, `AUTH` retries a `SELECT` that was refused, and Ctrl-C ends a
 * subscription by reconnecting.
 */
import { type Address, Connection, ConnectionError } from "./connection.ts";
import { formatInvalidation, formatRaw, formatReply } from "./format.ts";
import { HelpIndex } from "./help.ts";
import type { CliOptions } from "./options.ts";
import { type Redirection, redirectionOf } from "./redirection.ts";
import { hostAndPort } from "../util/address.ts";
import type { Reply } from "./reply.ts";
import { latin1FromText } from "./text.ts";

/** The session's output; texts are latin1 strings. */
export interface Output {
  print(text: string): void;
  complain(text: string): void;
}

/** Ctrl-C while a command was waiting for its reply: the whole session ends. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

const STREAMING: ReadonlySet<string> = new Set(["monitor", "subscribe", "psubscribe", "ssubscribe"]);

/** Commands whose reply is already text for people; with a second word, only that subcommand. */
const PRINTED_AS_THEY_ARE: ReadonlySet<string> = new Set([
  "info",
  "lolwut",
  "debug htstats",
  "debug htstats-key",
  "memory malloc-stats",
  "memory doctor",
  "cluster nodes",
  "cluster info",
  "client list",
  "client info",
  "latency graph",
  "latency doctor",
]);

/** A session with one server. */
export class Session {
  #address: Address;
  readonly #options: CliOptions;
  readonly #password: string | undefined;
  readonly #output: Output;
  #connection: Connection | undefined;
  #resp3: boolean;
  #database = 0;
  #wantedDatabase: number;
  #isInTransaction = false;
  #databaseBeforeMulti = 0;
  #isBusy = false;
  #isStreaming = false;
  #isInterrupted = false;
  #help = new HelpIndex();

  constructor(options: CliOptions, password: string | undefined, output: Output) {
    this.#options = options;
    this.#address = options.address;
    this.#password = password;
    this.#output = output;
    this.#resp3 = options.resp3;
    this.#wantedDatabase = options.database;
  }

  /** The text before the cursor: address, database, transaction. */
  get prompt(): string {
    if (this.#connection === undefined) return "not connected> ";
    const database = this.#database === 0 ? "" : `[${this.#database}]`;
    return `${describeAddress(this.#address)}${database}${this.#isInTransaction ? "(TX)" : ""}> `;
  }

  /** The help built from the server's COMMAND DOCS; empty until {@linkcode Session.loadHelp}. */
  get help(): HelpIndex {
    return this.#help;
  }

  /** Switches to another server. */
  async connectTo(address: Address): Promise<void> {
    this.#address = address;
    await this.connect();
  }

  /**
   * Reconnects. A refused AUTH, SELECT or HELLO is reported and leaves the connection usable.
   * @returns true if there is a connection and nothing was refused
   */
  async connect(options: { quiet?: boolean } = {}): Promise<boolean> {
    this.close();
    try {
      this.#connection = await Connection.open(this.#address, this.#options.tls);
      return await this.#authenticate() && await this.#select() && await this.#switchProtocol();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.close();
      if (options.quiet !== true) {
        this.#complain(`Could not connect to Redis at ${this.#target()}: ${error.message}\n`);
      }
      return false;
    }
  }

  /**
   * The open connection, for uses beyond commands and replies.
   * @throws {ConnectionError} if there is none
   */
  get connection(): Connection {
    if (this.#connection === undefined) throw new ConnectionError("not connected");
    return this.#connection;
  }

  /**
   * Sends a command and resolves with its reply, unprinted.
   * @throws {ConnectionError}
   */
  async ask(args: readonly string[]): Promise<Reply> {
    const { connection } = this;
    await connection.send(args);
    return await this.#receive(connection);
  }

  /** Asks the server about its commands, for hints and help. */
  async loadHelp(): Promise<void> {
    if (this.#connection === undefined) return;
    try {
      this.#help = new HelpIndex(await this.ask(["COMMAND", "DOCS"]));
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.close();
    }
  }

  /** Ends the connection. */
  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#database = 0;
    this.#isInTransaction = false;
  }

  /** Ctrl-C: ends the command that waits for its reply; true if there is one. */
  interrupt(): boolean {
    if (!this.#isBusy) return false;
    this.#isInterrupted = true;
    this.#connection?.close();
    return true;
  }

  /**
   * Sends a command `repeat` times (negative: forever) and prints the replies.
   * @returns false if the connection failed, or a reply was an error and the options make that a
   * failure
   * @throws {Interrupted}
   */
  async issue(args: readonly string[], repeat = 1): Promise<boolean> {
    const name = args[0]!.toLowerCase();
    if (name === "help" || name === "?") return await this.#showHelp(args.slice(1));
    if (this.#connection === undefined) await this.connect();
    if (this.#connection === undefined) return false;
    this.#isBusy = true;
    try {
      for (let left = repeat; left !== 0; left--) {
        if (!(await this.#run(name, args))) return false;
        if (this.#options.intervalMs > 0) await pause(this.#options.intervalMs);
      }
      return true;
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      return await this.#lose(error, name);
    } finally {
      this.#isBusy = false;
    }
  }

  async #run(name: string, args: readonly string[]): Promise<boolean> {
    const { connection } = this;
    await connection.send(args);
    if (STREAMING.has(name)) {
      await this.#stream(connection, name);
      return true;
    }
    const reply = await this.#receive(connection);
    const redirection = this.#options.followsCluster ? redirectionOf(reply) : undefined;
    if (redirection !== undefined) return await this.#redirect(redirection) && await this.#run(name, args);
    if (reply.type === "error" && this.#options.failOnErrorReply && this.#isSingleCommand()) {
      this.#output.complain(reply.text + "\n");
      return false;
    }
    this.#print(reply, printsAsItIs(name, args));
    await this.#follow(name, args, reply);
    return true;
  }

  /** Switches to another node of the cluster; true if it can be reached. */
  async #redirect({ slot, hostname, port, isOnce }: Redirection): Promise<boolean> {
    const own = "hostname" in this.#address ? this.#address.hostname : "";
    const address = { hostname: hostname || own, port };
    if (!this.#isSingleCommand()) {
      this.#output.print(`-> Redirected to slot [${slot}] located at ${address.hostname}:${port}\n`);
    }
    this.#address = address;
    if (!(await this.connect())) return false;
    if (isOnce) await this.ask(["ASKING"]);
    return true;
  }

  /**
   * Prints what arrives until an error or Ctrl-C ends it. While subscribed, pushes are the replies.
   */
  async #stream(connection: Connection, name: string): Promise<void> {
    const isMonitor = name === "monitor";
    if (!isMonitor && this.#options.format !== "raw") {
      this.#output.print("Reading messages... (press Ctrl-C to quit)\n");
    }
    this.#isStreaming = true;
    let reply: Reply;
    do {
      reply = isMonitor ? await this.#receive(connection) : await connection.receive();
      this.#print(reply, false);
    } while (reply.type !== "error");
    this.#isStreaming = false;
  }

  async #lose(error: ConnectionError, name: string): Promise<boolean> {
    const isStreaming = this.#isStreaming;
    const isInterrupted = this.#isInterrupted;
    this.#isStreaming = false;
    this.#isInterrupted = false;
    this.close();
    if (isInterrupted && !isStreaming) throw new Interrupted();
    if (isInterrupted) return await this.connect();
    if (name === "shutdown") return true;
    this.#complain(`Error: ${error.message}\n`);
    return false;
  }

  async #showHelp(topic: readonly string[]): Promise<boolean> {
    if (topic.length > 0 && this.#help.isEmpty) {
      if (this.#connection === undefined) await this.connect({ quiet: true });
      await this.loadHelp();
    }
    this.#output.print(latin1FromText(this.#help.page(topic)));
    return true;
  }

  /** The reply to a command; pushes that arrive before it are printed or dropped. */
  async #receive(connection: Connection): Promise<Reply> {
    for (;;) {
      const reply = await connection.receive();
      if (reply.type !== "push") return reply;
      if (!this.#options.showPushes) continue;
      const invalidation = this.#options.format === "people" ? formatInvalidation(reply) : undefined;
      if (invalidation === undefined) this.#print(reply, false);
      else this.#output.print(invalidation);
    }
  }

  #print(reply: Reply, asItIs: boolean): void {
    const { format, itemDelimiter } = this.#options;
    const text = asItIs ? formatRaw(reply, itemDelimiter) : formatReply(reply, format, this.#options);
    this.#output.print(text);
  }

  #isSingleCommand(): boolean {
    return this.#options.command.length > 0 || this.#options.mode === "eval";
  }

  #complain(text: string): void {
    this.#output.complain(latin1FromText(text));
  }

  async #authenticate(): Promise<boolean> {
    if (this.#password === undefined) return true;
    const { username } = this.#options;
    const credentials = username === undefined ? [this.#password] : [username, this.#password];
    return this.#accepted("AUTH", await this.ask(["AUTH", ...credentials.map(latin1FromText)]));
  }

  async #select(): Promise<boolean> {
    if (this.#wantedDatabase === this.#database) return true;
    const number = String(this.#wantedDatabase);
    const isSelected = this.#accepted(`SELECT ${number}`, await this.ask(["SELECT", number]));
    if (isSelected) this.#database = this.#wantedDatabase;
    return isSelected;
  }

  async #switchProtocol(): Promise<boolean> {
    if (!this.#resp3) return true;
    return this.#accepted("HELLO 3", await this.ask(["HELLO", "3"])) || this.#options.mayFallBack;
  }

  #accepted(what: string, reply: Reply): boolean {
    if (reply.type === "error") this.#output.complain(`${what} failed: ${reply.text}\n`);
    return reply.type !== "error";
  }

  /** Tracks a command's effect on the connection's state. */
  async #follow(name: string, args: readonly string[], reply: Reply): Promise<void> {
    const isDone = reply.type !== "error";
    if (name === "select" && args.length === 2 && isDone) {
      this.#enterDatabase(Number.parseInt(args[1]!, 10) || 0);
    } else if (name === "auth" && args.length <= 3) {
      await this.#select();
    } else if (args.length === 1) {
      this.#followTransaction(name, isDone, reply.type === "null");
    }
  }

  #followTransaction(name: string, isDone: boolean, isNull: boolean): void {
    if (name === "multi" && isDone) {
      this.#isInTransaction = true;
      this.#databaseBeforeMulti = this.#database;
    } else if (name === "exec" && this.#isInTransaction) {
      this.#isInTransaction = false;
      if (!isDone || isNull) this.#enterDatabase(this.#databaseBeforeMulti);
    } else if (name === "discard" && isDone) {
      this.#isInTransaction = false;
      this.#enterDatabase(this.#databaseBeforeMulti);
    } else if (name === "reset" && isDone) {
      this.#isInTransaction = false;
      this.#resp3 = false;
      this.#enterDatabase(0);
    }
  }

  #enterDatabase(number: number): void {
    this.#database = number;
    this.#wantedDatabase = number;
  }

  #target(): string {
    return "socketPath" in this.#address
      ? this.#address.socketPath
      : `${this.#address.hostname}:${this.#address.port}`;
  }
}

function describeAddress(address: Address): string {
  if ("socketPath" in address) return `redis ${address.socketPath}`;
  return hostAndPort(address.hostname, address.port);
}

function printsAsItIs(name: string, args: readonly string[]): boolean {
  return PRINTED_AS_THEY_ARE.has(name) || PRINTED_AS_THEY_ARE.has(`${name} ${args[1]?.toLowerCase()}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
