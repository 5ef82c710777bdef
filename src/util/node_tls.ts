/**
 * TLS through `node:tls`, for features Deno's own lacks: client certificates, a choice of
 * protocols, and trust in named authorities alone (`Deno.connectTls` trusts the public ones as
 * well). Connections read and write as Deno's do.
 */
import { connect, createServer, type SecureVersion, type Server, type TLSSocket } from "node:tls";

/** A range of protocol versions. */
export interface TlsVersions {
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
}

/** A certificate chain and its key, as PEM. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** A listener's own credentials, and its demands on clients. */
export interface TlsServerOptions extends Credentials, TlsVersions {
  /** Client certificates: not requested, checked if presented, or required. */
  readonly clients: "no" | "optional" | "yes";
  /** PEM of the authorities that may have signed clients' certificates. */
  readonly trusted: readonly string[];
}

/** The authorities a connection trusts, and the credentials it shows on request. */
export interface TlsClientOptions extends TlsVersions {
  readonly trusted: readonly string[];
  readonly own: Credentials | null;
}

/** A TLS connection after its handshake. One read and one write may be under way at a time. */
export class TlsConnection {
  readonly localAddr: Deno.NetAddr;
  readonly remoteAddr: Deno.NetAddr;
  readonly #socket: TLSSocket;
  /** Bytes received that did not fit into the last read. */
  #rest: Uint8Array = new Uint8Array(0);
  #fault: Error | null = null;
  #hasEnded = false;
  #isWriting = false;
  #wake: () => void = () => {};

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.localAddr = address(socket.localAddress, socket.localPort);
    this.remoteAddr = address(socket.remoteAddress, socket.remotePort);
    socket.on("readable", () => this.#wake());
    socket.on("error", (error: Error) => this.#end(error));
    socket.on("end", () => this.#end(null));
    socket.on("close", () => this.#end(null));
  }

  #end(fault: Error | null): void {
    this.#fault ??= fault;
    this.#hasEnded = true;
    this.#wake();
  }

  /**
   * Fills `into` with received bytes, waiting for the first; null at the end. Rejects if the
   * connection breaks.
   */
  async read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const bytes: Uint8Array | null = this.#socket.read();
      if (bytes !== null) this.#rest = bytes;
      else if (this.#fault !== null) throw this.#fault;
      else if (this.#hasEnded) return null;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const count = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  /** Writes all of `bytes`, which must not change until then. */
  write(bytes: Uint8Array): Promise<number> {
    this.#isWriting = true;
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        this.#isWriting = false;
        if (error) reject(error);
        else resolve(bytes.length);
      });
    });
  }

  /** Tells the peer that nothing more follows. */
  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(() => resolve()));
  }

  /** Closes the connection; output not yet handed over is lost. */
  close(): void {
    if (this.#isWriting) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }

  setKeepAlive(on: boolean): void {
    this.#socket.setKeepAlive(on);
  }
}

function address(hostname = "", port = 0): Deno.NetAddr {
  return { transport: "tcp", hostname, port };
}

/** Accepts TLS connections; a failed handshake ends only its own connection. */
export class TlsListener implements AsyncIterable<TlsConnection> {
  readonly #server: Server;
  readonly #accepted: TlsConnection[] = [];
  #isClosed = false;
  #wake: () => void = () => {};

  /**
   * Wraps a listening server.
   * @param onRefused called with the reason when a handshake fails
   */
  constructor(
    readonly addr: Deno.NetAddr,
    options: TlsServerOptions,
    onRefused: (reason: string) => void,
  ) {
    const { cert, key, minVersion, maxVersion, clients } = options;
    this.#server = createServer({
      cert,
      key,
      minVersion,
      maxVersion,
      requestCert: clients !== "no",
      rejectUnauthorized: clients === "yes",
      ...(clients === "no" ? {} : { ca: [...options.trusted] }),
    });
    this.#server.on("secureConnection", (socket: TLSSocket) => this.#accept(socket, clients, onRefused));
    this.#server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      onRefused(error.message);
      socket.destroy();
    });
  }

  #accept(
    socket: TLSSocket,
    clients: TlsServerOptions["clients"],
    onRefused: (reason: string) => void,
  ): void {
    socket.on("error", () => {});
    const showsOne = clients !== "no" && Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
    // The last check, regardless of what the runtime has let through.
    if (clients === "no" || (socket.authorized && showsOne) || (clients === "optional" && !showsOne)) {
      this.#accepted.push(new TlsConnection(socket));
      this.#wake();
      return;
    }
    onRefused("the client's certificate is not trusted");
    socket.destroy();
  }

  /** Starts accepting; rejects if the address cannot be listened on. */
  listen(backlog: number): Promise<void> {
    const { hostname: host, port } = this.addr;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port, backlog }, () => resolve());
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#server.close();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TlsConnection> {
    while (!this.#isClosed) {
      const next = this.#accepted.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

/**
 * Connects, and waits for the handshake. Rejects if no trusted authority signed the peer's
 * certificate.
 */
export function connectTls(
  hostname: string,
  port: number,
  options: TlsClientOptions,
): Promise<TlsConnection> {
  const { trusted, own, minVersion, maxVersion } = options;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname,
      port,
      minVersion,
      maxVersion,
      ca: [...trusted],
      ...(own ?? {}),
      // As in Redis: replicas know their primary by its address, which certificates do not name.
      checkServerIdentity: () => undefined,
    }, () => {
      socket.off("error", reject);
      resolve(new TlsConnection(socket));
    });
    socket.once("error", reject);
  });
}
