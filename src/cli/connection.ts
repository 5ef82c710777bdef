/** A connection to a server: commands out, replies in. */
import { bytesOf } from "../util/bytes.ts";
import type { TlsOptions } from "./options.ts";
import type { Reply } from "./reply.ts";
import { ReplyDecoder, ReplyFormatError } from "./reply_decoder.ts";

/** The address of a server. */
export type Address =
  | { readonly hostname: string; readonly port: number }
  | { readonly socketPath: string };

/**
 * The connection cannot be made or has ended; the message gives the reason in the system's words.
 */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

/** The operations used on a socket: a subset of `Deno.Conn`. */
export interface Socket {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

const READ_SIZE = 64 * 1024;

/** One socket. */
export class Connection {
  readonly #socket: Socket;
  readonly #decoder = new ReplyDecoder();
  readonly #chunk = new Uint8Array(READ_SIZE);

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /**
   * Connects, over TLS if its options are given.
   * @throws {ConnectionError}
   */
  static async open(address: Address, tls?: TlsOptions): Promise<Connection> {
    try {
      return new Connection(await openSocket(address, tls));
    } catch (error) {
      throw asConnectionError(error);
    }
  }

  /**
   * Sends a command, given as latin1 strings.
   * @throws {ConnectionError}
   */
  async send(args: readonly string[]): Promise<void> {
    await this.sendBytes(bytesOf(encodeCommand(args)));
  }

  /**
   * Sends several commands at once.
   * @throws {ConnectionError}
   */
  async sendAll(commands: readonly (readonly string[])[]): Promise<void> {
    await this.sendBytes(bytesOf(commands.map(encodeCommand).join("")));
  }

  /**
   * Sends protocol bytes as they are.
   * @throws {ConnectionError}
   */
  async sendBytes(bytes: Uint8Array): Promise<void> {
    let rest = bytes.subarray();
    try {
      while (rest.length > 0) rest = rest.subarray(await this.#socket.write(rest));
    } catch (error) {
      throw asConnectionError(error);
    }
  }

  /**
   * Waits for the next reply, pushes included.
   * @throws {ConnectionError}
   */
  async receive(): Promise<Reply> {
    for (;;) {
      const reply = this.#decode();
      if (reply !== undefined) return reply;
      this.#decoder.push(await this.read());
    }
  }

  #decode(): Reply | undefined {
    try {
      return this.#decoder.next();
    } catch (error) {
      // The bytes after it are meaningless: the connection is as good as lost.
      if (error instanceof ReplyFormatError) throw new ConnectionError(error.message, { cause: error });
      throw error;
    }
  }

  /** Closes the socket; a pending `receive` fails. */
  close(): void {
    try {
      this.#socket.close();
    } catch {
      // the other side has already closed it
    }
  }

  /**
   * Waits for bytes and returns them undecoded; the next read overwrites them. For data that are
   * not replies: no reply may be outstanding.
   * @throws {ConnectionError}
   */
  async read(): Promise<Uint8Array> {
    let length: number | null;
    try {
      length = await this.#socket.read(this.#chunk);
    } catch (error) {
      throw asConnectionError(error);
    }
    if (length === null) throw new ConnectionError("Server closed the connection");
    return this.#chunk.subarray(0, length);
  }
}

async function openSocket(address: Address, tls: TlsOptions | undefined): Promise<Socket> {
  if (tls !== undefined) return await (await import("./tls_socket.ts")).openTls(address, tls);
  return "socketPath" in address
    ? await Deno.connect({ transport: "unix", path: address.socketPath })
    : await connectTcp(address.hostname, address.port);
}

async function connectTcp(hostname: string, port: number): Promise<Deno.Conn> {
  const socket = await Deno.connect({ hostname, port });
  socket.setNoDelay();
  return socket;
}

function encodeCommand(args: readonly string[]): string {
  return `*${args.length}\r\n` + args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("");
}

/** Deno wraps the system's message in its own words; users know the system's. */
function asConnectionError(error: unknown): ConnectionError {
  const message = error instanceof Error ? error.message : String(error);
  return new ConnectionError(
    message.replace(/ \(os error \d+\)/, "").replace(/^failed to lookup address information: /, ""),
    { cause: error },
  );
}
