/**
 * Connections by TLS. A server's certificate must lead to a trusted authority but need not name the
 * host, as with redis-cli: servers are reached by address, and few certificates name that.
 *
 * Deno's own sockets do this, save for what they have no option for: trust in named authorities
 * alone, beside which they trust the public ones, another server name, any certificate at all, and
 * TLS over a Unix socket. Node's do those; but an older Deno's do not verify certificates, and its
 * own sockets are the stricter ones.
 */
import { verifiesCertificates } from "../config/tls.ts";
import type { Address, Socket } from "./connection.ts";
import type { TlsOptions } from "./options.ts";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

/** Certificates and a key as PEM texts. */
interface Credentials {
  /** Empty for the system's own. */
  readonly authorities: string[];
  readonly own: { readonly cert: string; readonly key: string } | undefined;
}

/**
 * Connects and completes the handshake.
 * @throws the errors of the system, the handshake or the reading of a certificate
 */
export async function openTls(address: Address, options: TlsOptions): Promise<Socket> {
  const credentials = readCredentials(options);
  const isSelective = credentials.authorities.length > 0 && verifiesCertificates(Deno.version.deno);
  if (isSelective || options.isInsecure || options.serverName !== undefined || "socketPath" in address) {
    return await NodeSocket.open(nodeOptions(address, options, credentials));
  }
  const connection = await Deno.connectTls({
    ...address,
    ...credentials.own,
    ...(credentials.authorities.length === 0 ? {} : { caCerts: credentials.authorities }),
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

function readCredentials({ caCertFile, caCertFolder, certFile, keyFile }: TlsOptions): Credentials {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new Error("--cert and --key must be given together");
  }
  return {
    authorities: [
      ...(caCertFile === undefined ? [] : [readPem(caCertFile)]),
      ...(caCertFolder === undefined ? [] : filesIn(caCertFolder).map(readPem)),
    ],
    own: certFile === undefined || keyFile === undefined
      ? undefined
      : { cert: readPem(certFile), key: readPem(keyFile) },
  };
}

function readPem(path: string): string {
  return reading(path, () => Deno.readTextFileSync(path));
}

function filesIn(folder: string): string[] {
  const entries = reading(folder, () => [...Deno.readDirSync(folder)]);
  return entries.filter(({ isDirectory }) => !isDirectory).map(({ name }) => `${folder}/${name}`);
}

/** The result of `read`; its error names the path in the system's words. */
function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot read '${path}': ${reason.replace(/ \(os error \d+\).*/, "")}`);
  }
}

function nodeOptions(
  address: Address,
  { serverName, isInsecure }: TlsOptions,
  { authorities, own }: Credentials,
): ConnectionOptions {
  return {
    ...("socketPath" in address
      ? { path: address.socketPath }
      : { host: address.hostname, port: address.port }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(authorities.length === 0 ? {} : { ca: authorities }),
    ...own,
    rejectUnauthorized: !isInsecure,
    checkServerIdentity: () => undefined,
  };
}

/** A Node socket behind Deno's interface. */
class NodeSocket implements Socket {
  readonly #socket: TLSSocket;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();
  /** The first failure; later calls only see its consequences. */
  #failure: Error | undefined;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]();
    socket.on("error", (error) => this.#failure ??= error);
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
      this.#socket.write(bytes, (error) => error ? reject(this.#failure ?? error) : resolve(bytes.length));
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
