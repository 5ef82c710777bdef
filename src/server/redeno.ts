/**
 * One server, built from a configuration: for `main.ts`, for tests and for programs that embed it.
 *
 * The constructor makes everything that runs commands and touches neither disk nor network, so that
 * a test or an embedding program can use it as it is, through {@linkcode Redeno.client}.
 * {@linkcode Redeno.open} and {@linkcode Redeno.load} join it to its sockets and to the disk. The
 * order of the steps:
 *
 * 1. *Persistence and replication are connected* first: they raise the guard that answers
 *    `-LOADING`, so no command sees an empty keyspace that is about to be filled. A configured
 *    primary makes this server a replica before it loads, because a replica keeps expired keys that
 *    a primary would drop.
 * 2. *Users are loaded* before any listener opens: every connection is judged by the full set of
 *    rules.
 * 3. *Listeners open* before the data are loaded: clients get `-LOADING` with its progress instead
 *    of a refused connection, and a second server on the same port ends here, before it reads a
 *    file.
 * 4. *The shutdown is ready* before loading starts: SIGTERM ends a load that takes minutes, and the
 *    files on disk stay as they are.
 * 5. *Data are loaded.* Then the link to a primary opens (it needs the replication id and offset of
 *    the file), the pid file announces that the server is up, and background work begins; any
 *    earlier, it would expire keys of a half-loaded data set.
 */
import { createCommandTable } from "../commands/table.ts";
import type { Config } from "../config/config.ts";
import { fatalConfigError } from "../config/errors.ts";
import { Engine } from "../engine/engine.ts";
import type { EngineLog } from "../engine/ports.ts";
import { type Clock, systemClock } from "../util/clock.ts";
import { Random } from "../util/random.ts";
import type { Replication } from "../replication/replication.ts";
import { Persistence } from "./data_folder.ts";
import { ListenError, Listeners, type OpenListener } from "./listeners.ts";
import { LocalClient } from "./local_client.ts";
import { PidFile } from "./pid_file.ts";
import { connectReplication } from "./replication.ts";
import { Server } from "./server.ts";
import { connectSettings } from "./settings.ts";
import { Shutdown } from "./shutdown.ts";

/** A log whose lines carry the server's role: `M` for a primary, `S` for a replica. */
export interface ServerLog extends EngineLog {
  role: string;
}

/** The parts a server is built from. */
export interface RedenoParts {
  readonly config: Config;
  readonly log: ServerLog;
  /** The machine's clock by default. */
  readonly clock?: Clock;
  /** An unpredictable source by default. */
  readonly random?: Random;
}

/** Serves each connection of `listener` with `server` until the listener is closed. */
export type Accept = (listener: OpenListener, server: Server) => void;

/** The parts that {@linkcode Redeno.open} joins to the server. */
interface Joined {
  readonly persistence: Persistence;
  readonly replication: Replication;
  readonly listeners: Listeners;
  readonly shutdown: Shutdown;
}

/** See the head of this file. */
export class Redeno {
  readonly engine: Engine;
  readonly server: Server;
  readonly log: ServerLog;
  readonly #exit = Promise.withResolvers<number>();
  #joined: Joined | null = null;

  /** @throws {ConfigLoadError} if `rename-command` names a command that is unknown or taken */
  constructor({ config, log, clock = systemClock, random = Random.unpredictable() }: RedenoParts) {
    this.log = log;
    this.engine = new Engine({ clock, random, config, commands: createCommandTable(), log });
    renameCommands(this.engine);
    connectSettings(this.engine);
    this.server = new Server(this.engine);
  }

  /** Resolves with the exit status when the server has ended. */
  get finished(): Promise<number> {
    return this.#exit.promise;
  }

  /** The shutdown of an opened server: signals and SHUTDOWN lead there. */
  get shutdown(): Shutdown {
    return this.#opened.shutdown;
  }

  get #opened(): Joined {
    if (this.#joined === null) throw new Error("the server has not been opened");
    return this.#joined;
  }

  /**
   * A client inside the process; it needs neither {@linkcode Redeno.open} nor
   * {@linkcode Redeno.load}.
   */
  client(): LocalClient {
    return new LocalClient(this.server);
  }

  /**
   * Opens the configured listeners; `accept` is given each of them, with the server for its
   * connections. False if the server cannot start; the log gives the reason.
   */
  async open(listen: typeof Deno.listen, accept: Accept): Promise<boolean> {
    const { engine, server, log } = this;
    const persistence = new Persistence(server, log);
    const replication = connectReplication(server, persistence, log);
    replication.startAsConfigured();
    if (!engine.access.loadUsers()) return false;
    const listeners = new Listeners(engine.config, log, listen, (listener) => accept(listener, server));
    if (!await this.#listen(listeners)) return false;
    const shutdown = new Shutdown(server, persistence, listeners, log);
    shutdown.finished.then(this.#exit.resolve);
    this.#joined = { persistence, replication, listeners, shutdown };
    return true;
  }

  async #listen(listeners: Listeners): Promise<boolean> {
    try {
      await listeners.open();
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      for (const line of error.report) this.log.warning(line);
      return false;
    }
    if (listeners.isEmpty) this.log.warning("Configured to not listen anywhere, exiting.");
    return !listeners.isEmpty;
  }

  /**
   * Loads the data and begins the background work. False if the data cannot be loaded (the log
   * gives the reason) or if the server was ended meanwhile; {@linkcode Redeno.finished} then gives
   * the exit status.
   */
  async load(): Promise<boolean> {
    const { persistence, replication, listeners, shutdown } = this.#opened;
    const isLoaded = await Promise.race([persistence.start(), shutdown.finished.then(() => null)]);
    if (isLoaded === null) return false;
    if (!isLoaded) {
      listeners.close();
      this.#exit.resolve(1);
      return false;
    }
    replication.dataLoaded();
    const pidFile = new PidFile(this.engine.config.values.pidfile, this.log);
    pidFile.write();
    shutdown.finished.then(() => pidFile.remove());
    this.server.start();
    return true;
  }
}

/** Renames commands as the `rename-command` lines ask. */
function renameCommands({ commands, config }: Engine): void {
  for (const { words: [from = "", to = ""], origin } of config.renamedCommands) {
    const refusal = commands.rename(from, to);
    if (refusal !== null) throw fatalConfigError(origin, refusal);
  }
}
