/**
 * A real redis-server beside Redeno, and a connection that returns replies as the exact bytes
 * received (as latin1 strings), so that both can be queried alike and compared.
 */
import { Buffer } from "node:buffer";
import { redenoCommand } from "./launch.ts";

/** The path of a program on this machine's PATH, undefined if it is not installed. */
export function findTool(name: string): string | undefined {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":").filter(Boolean)) {
    try {
      if (Deno.statSync(`${folder}/${name}`).isFile) return `${folder}/${name}`;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** The path of redis-server; tests that need it are ignored if it is missing. */
export const redisServer: string | undefined = findTool("redis-server");

/** A free TCP port of the loopback interface. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** A server process of a test, in a folder of its own. */
export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  readonly #log: Promise<void>;
  #ready = Promise.withResolvers<void>();
  #onLog = () => {};
  /** Its output so far. */
  log = "";

  private constructor(child: Deno.ChildProcess, port: number, folder: string) {
    this.#child = child;
    this.port = port;
    this.folder = folder;
    this.pid = child.pid;
    this.#log = this.#readLog();
  }

  /**
   * Starts a server and waits until it accepts connections.
   *
   * @param command the words that start it; directives follow them
   * @param directives including its port, or it gets a free one
   * @param folder its data directory: by default a new one; the caller removes a given one
   */
  static async start(command: string[], directives: string[], folder?: string): Promise<ServerProcess> {
    const dir = folder ?? await Deno.makeTempDir({ prefix: "redeno-test-" });
    const given = directives.indexOf("--port");
    const port = given < 0 ? freePort() : Number(directives[given + 1]);
    const [program = "", ...words] = command;
    const args = [...words, "--port", String(port), "--dir", dir, ...directives];
    const child = new Deno.Command(program, {
      args,
      cwd: dir,
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    })
      .spawn();
    const server = new ServerProcess(child, port, dir);
    await server.#ready.promise;
    return server;
  }

  async #readLog(): Promise<void> {
    for await (const chunk of this.#child.stdout) {
      this.log += Buffer.from(chunk).toString("latin1");
      if (this.log.includes("Ready to accept connections")) this.#ready.resolve();
      this.#onLog();
    }
    this.#ready.reject(new Error(`the server ended before it was ready:\n${this.log}`));
  }

  /** Resolves when its log contains `expected`; fails if the server ends without it. */
  async logged(expected: RegExp): Promise<void> {
    while (!expected.test(this.log)) await this.#grown();
  }

  #grown(): Promise<void> {
    return Promise.race([
      new Promise<void>((resolve) => this.#onLog = resolve),
      this.#log.then(() => Promise.reject(new Error(`the server ended, having logged:\n${this.log}`))),
    ]);
  }

  /** A new connection to it. */
  connect(): Promise<RawConnection> {
    return RawConnection.open(this.port);
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    try {
      this.#child.kill(signal);
    } catch {
      // it has already ended
    }
    const status = await this.#child.status;
    await this.#log;
    return status;
  }

  /** Stops it at once and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** A redis-server without persistence; check {@linkcode redisServer} first. */
export function startRedis(directives: string[] = []): Promise<ServerProcess> {
  return ServerProcess.start([redisServer ?? "redis-server"], ["--save", "", ...directives]);
}

/** Redeno without persistence, as a separate process. */
export function startRedeno(directives: string[] = []): Promise<ServerProcess> {
  return ServerProcess.start(redenoCommand(), ["--save", "", ...directives]);
}

/** The bytes of a command as a RESP array; words are latin1 strings. */
export function encodeCommand(words: readonly string[]): string {
  return `*${words.length}\r\n` + words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
}

/**
 * The end of the complete reply that begins at `start`, or -1 while it is incomplete; RESP2 and
 * RESP3.
 */
export function replyEnd(text: string, start: number): number {
  let at = start;
  for (let missing = 1; missing > 0; missing--) {
    const end = text.indexOf("\r\n", at);
    if (end < 0) return -1;
    const count = Number(text.slice(at + 1, end));
    const kind = text.charAt(at);
    at = end + 2;
    if ("$=!".includes(kind) && count >= 0) at += count + 2;
    else if ("*~>".includes(kind)) missing += Math.max(count, 0);
    else if (kind === "%") missing += 2 * count;
    else if (kind === "|") missing += 2 * count + 1;
    if (at > text.length) return -1;
  }
  return at;
}

/** A connection whose replies are the bytes received, as latin1 strings. */
export class RawConnection implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #buffer = new Uint8Array(65536);
  #pending = "";

  private constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  static async open(port: number, hostname = "127.0.0.1"): Promise<RawConnection> {
    const conn = await Deno.connect({ hostname, port });
    conn.setNoDelay(true);
    return new RawConnection(conn);
  }

  /** A connection over an open socket of any kind. */
  static over(conn: Deno.Conn): RawConnection {
    return new RawConnection(conn);
  }

  /** Sends bytes as they are. */
  async write(text: string): Promise<void> {
    let bytes: Uint8Array = Buffer.from(text, "latin1");
    while (bytes.length > 0) bytes = bytes.subarray(await this.#conn.write(bytes));
  }

  /** The next reply; fails if the connection is closed before it is complete. */
  async read(): Promise<string> {
    let end: number;
    while ((end = replyEnd(this.#pending, 0)) < 0) {
      const count = await this.#conn.read(this.#buffer);
      if (count === null) throw new Error(`the connection was closed after ${JSON.stringify(this.#pending)}`);
      this.#pending += Buffer.from(this.#buffer.subarray(0, count)).toString("latin1");
    }
    const reply = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end);
    return reply;
  }

  /** Everything received until the other side closes. */
  async readToEnd(): Promise<string> {
    for (
      let count = await this.#conn.read(this.#buffer);
      count !== null;
      count = await this.#conn.read(this.#buffer)
    ) {
      this.#pending += Buffer.from(this.#buffer.subarray(0, count)).toString("latin1");
    }
    return this.#pending;
  }

  /** Sends commands in one write; resolves with one reply for each. */
  async pipeline(commands: readonly (readonly string[])[]): Promise<string[]> {
    const written = this.write(commands.map(encodeCommand).join(""));
    const replies: string[] = [];
    for (let i = 0; i < commands.length; i++) replies.push(await this.read());
    await written;
    return replies;
  }

  /** Sends one command and resolves with its reply. */
  async send(...words: string[]): Promise<string> {
    return (await this.pipeline([words]))[0] ?? "";
  }

  /** Closes it; a pending read fails. */
  close(): void {
    try {
      this.#conn.close();
    } catch {
      // It is already closed.
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
