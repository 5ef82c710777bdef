/**
 * Messages to a supervising systemd: datagrams to the Unix socket that NOTIFY_SOCKET names, as
 * sd_notify(3) sends them and in redis-server's words.
 *
 * Deno sends datagrams only from a socket that has a path of its own. One is made for each message,
 * in the data folder or, failing that, in /tmp; the path is removed before the message is sent,
 * which does not need it.
 */
import { ConfigLoadError } from "../config/errors.ts";
import { fromLatin1 } from "../config/host.ts";
import type { Engine } from "../engine/engine.ts";
import { Replication } from "../replication/replication.ts";
import { removeSocketFile } from "./listeners.ts";
import { errorText } from "../util/error_text.ts";

/** Socket paths are short (108 bytes on Linux); folder paths may be long. */
const FALLBACK_FOLDER = "/tmp";

/** The usual address of systemd's socket. */
export const USUAL_NOTIFY_SOCKET = "/run/systemd/notify";

/**
 * The path of the sending socket: it is known before the start, so that a permission can name it.
 */
export function senderPath(folder: string, port: number): string {
  return `${folder}/redeno-notify-${port}.sock`;
}

/** Sends a message to a socket, from one of the paths `senders`. Rejects if none works. */
async function sendDatagram(message: string, path: string, senders: readonly string[]): Promise<void> {
  let fault: unknown;
  for (const own of senders) {
    try {
      const socket = Deno.listenDatagram({ transport: "unixpacket", path: own });
      removeSocketFile(own);
      try {
        await socket.send(new TextEncoder().encode(message), { transport: "unixpacket", path });
        return;
      } finally {
        socket.close();
      }
    } catch (error) {
      fault = error;
    }
  }
  throw fault;
}

/** Reports the server's status to systemd. All methods log failures and never reject. */
export class Supervisor {
  /** The previous message, which must arrive first; null if it has. */
  #last: Promise<void> | null = null;

  /** @param socketPath systemd's socket, or "" if it named none */
  constructor(readonly engine: Engine, readonly socketPath: string) {
    Replication.of(engine).follower.onConnected = () => this.inSync();
  }

  /** The data are being loaded. */
  loading(): Promise<void> {
    return this.#send("STATUS=Redis is loading...\n");
  }

  /** Clients are served. */
  async ready(): Promise<void> {
    const mode = this.engine.isReplica ? " in read-only mode. Waiting for MASTER <-> REPLICA sync" : "";
    await this.#send(`STATUS=Ready to accept connections${mode}\n`);
    await this.#send("READY=1\n");
  }

  /** A replica has caught up with its primary. */
  inSync(): Promise<void> {
    return this.#send(
      "STATUS=MASTER <-> REPLICA sync: Finished with success. Ready to accept connections in read-write mode.\n",
    );
  }

  /** The server ends. */
  stopping(): Promise<void> {
    return this.#send("STOPPING=1\n");
  }

  /** Sends at once if possible: the process may end with this turn. */
  #send(message: string): Promise<void> {
    const sent = this.#last === null ? this.#sendNow(message) : this.#last.then(() => this.#sendNow(message));
    this.#last = sent;
    return sent.then(() => {
      if (this.#last === sent) this.#last = null;
    });
  }

  async #sendNow(message: string): Promise<void> {
    if (this.socketPath === "") {
      this.engine.log.warning("systemd supervision error: NOTIFY_SOCKET not found!");
      return;
    }
    try {
      const { dir, port } = this.engine.config.values;
      const senders = [fromLatin1(dir), FALLBACK_FOLDER].map((folder) => senderPath(folder, port));
      await sendDatagram(message, this.socketPath, senders);
    } catch (error) {
      this.engine.log.warning(`systemd supervision error: ${errorText(error)}`);
    }
  }
}

/**
 * The supervisor that `supervised` asks for, or null. Throws {@linkcode ConfigLoadError} if this
 * version of Deno cannot send the messages that systemd would wait for.
 */
export function findSupervisor(engine: Engine): Supervisor | null {
  const { supervised } = engine.config.values;
  if (supervised !== "systemd" && supervised !== "auto") return null;
  const socketPath = notifySocket();
  if (supervised === "auto" && socketPath === "") return null;
  if (typeof Deno.listenDatagram !== "function") {
    throw new ConfigLoadError(
      `supervised ${supervised}: systemd cannot be notified, since this Deno was started without --unstable-net. ` +
        "Set 'supervised no', and Type=exec in the unit",
    );
  }
  if (socketPath.startsWith("@")) {
    throw new ConfigLoadError(
      `supervised ${supervised}: NOTIFY_SOCKET is an abstract socket (${socketPath}), which Deno cannot reach. ` +
        "Set 'supervised no', and Type=exec in the unit",
    );
  }
  engine.log.notice(
    "Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and TimeoutStopSec in " +
      "your service unit.",
  );
  return new Supervisor(engine, socketPath);
}

/** The variable, if the process may read it. */
function notifySocket(): string {
  const variable = "NOTIFY_SOCKET";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) ?? "" : "";
}
