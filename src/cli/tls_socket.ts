/**
 * Connections by TLS. A server's certificate must lead to a trusted authority but need not name the host,
 * as with redis-cli: servers are reached by address, and few certificates name that.
 *
 * Deno's own sockets do this, save for what they have no option for: another server name, any certificate
 * at all, and TLS over a Unix socket. Node's do those.
 */
import type { Address, Socket } from "./connection.ts";
import type { TlsOptions } from "./options.ts";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

/** Certificates and a key as PEM texts. */
interface Credentials {
  readonly authority: string | undefined;
  readonly own: { readonly cert: string; readonly key: string } | undefined;
}

/**
 * Connects and shakes hands.
 * @throws what the system, the handshake or the reading of a certificate throws
 */
export async function openTls(address: Address, options: TlsOptions): Promise<Socket> {
  const credentials = readCredentials(options);
  if (options.isInsecure || options.serverName !== undefined || "socketPath" in address) {
    return await NodeSocket.open(nodeOptions(address, options, credentials));
  }
  const connection = await Deno.connectTls({
    ...address,
    ...credentials.own,
    ...(credentials.authority === undefined ? {} : { caCerts: [credentials.authority] }),
    unsafelyDisableHostnameVerification: true,
  });
  try {
    await connection.handshake();
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

function readCredentials({ caCertFile, certFile, keyFile }: TlsOptions): Credentials {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new Error("--cert and --key must be given together");
  }
  return {
    authority: caCertFile === undefined ? undefined : readPem(caCertFile),
    own: certFile === undefined || keyFile === undefined
      ? undefined
      : { cert: readPem(certFile), key: readPem(keyFile) },
  };
}

function readPem(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot read '${path}': ${reason.replace(/ \(os error \d+\).*/, "")}`);
  }
}

function nodeOptions(
  address: Address,
  { serverName, isInsecure }: TlsOptions,
  { authority, own }: Credentials,
): ConnectionOptions {
  return {
    ...("socketPath" in address
      ? { path: address.socketPath }
      : { host: address.hostname, port: address.port }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(authority === undefined ? {} : { ca: authority }),
    ...own,
    rejectUnauthorized: !isInsecure,
    checkServerIdentity: () => undefined,
  };
}

/** A socket of Node as one of Deno. */
class NodeSocket implements Socket {
  readonly #socket: TLSSocket;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]();
    socket.on("error", () => {}); // reads and writes tell it
  }

  static open(options: ConnectionOptions): Promise<NodeSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect(options, () => {
        socket.off("error", reject);
        resolve(new NodeSocket(socket));
      });
      socket.once("error", reject);
    });
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#chunks.next();
      if (done) return null;
      this.#rest = value;
    }
    const taken = this.#rest.subarray(0, buffer.length);
    buffer.set(taken);
    this.#rest = this.#rest.subarray(taken.length);
    return taken.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
