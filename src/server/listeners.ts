/** The server's listeners: opened as configured, and reopened when CONFIG SET changes that. */
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/errors.ts";
import type { ConfigValues } from "../config/parameters.ts";
import { areDefault, readTls, TLS_FIELDS, type TlsSettings } from "../config/tls.ts";
import type { EngineLog } from "../engine/ports.ts";
import { hostAndPort } from "../util/address.ts";
import { TlsListener } from "../util/node_tls.ts";
import type { Socket } from "./connection.ts";
import { errorText } from "../util/error_text.ts";

/** An accepted connection. */
export interface AcceptedSocket extends Socket {
  readonly remoteAddr: Deno.Addr;
  readonly localAddr: Deno.Addr;
  setNoDelay?(on: boolean): void;
  setKeepAlive?(on: boolean): void;
}

/** A source of connections: a listener of Deno's, or one of `node:tls`. */
export interface AcceptingListener extends AsyncIterable<AcceptedSocket> {
  readonly addr: Deno.Addr;
  close(): void;
}

/** A socket that accepts connections, with the address to report for its side. */
export interface OpenListener {
  listener: AcceptingListener;
  isUnixSocket: boolean;
  /** Removes the files the listener leaves behind. */
  cleanUp: () => void;
  /** Starts listening, if opening has only reserved the address. */
  start?: () => Promise<void>;
}

/** Thrown if an address cannot be listened on. */
export class ListenError extends Error {
  override name = "ListenError";

  /** @param place the failed endpoint, as `port 6379 (tcp)` */
  constructor(readonly place: string, message: string) {
    super(message);
  }

  /** The log lines for a start that fails for this reason. */
  get report(): string[] {
    return [`Warning: ${this.message}`, `Failed listening on ${this.place}, aborting.`];
  }
}

/** A place to listen on. */
interface Endpoint {
  /** Identifies the endpoint: two with the same name are the same. */
  name: string;
  /** Its name for an operator: `port 6379 (tcp)`. */
  place: string;
  /** The address to bind to, as text. */
  address: string;
  port: number;
  /** True if it may be missing. */
  isOptional: boolean;
  /** The endpoint that makes this one optional: it serves the same clients. */
  coveredBy?: string;
  open: () => OpenListener;
}

/** Number of attempts, and the pause between them, for a port that has just been given up. */
const RETRIES = 50;
const RETRY_MS = 10;

const noCleanUp = () => {};

// ---- Endpoints ----------------------------------------------------------------------------------

interface NetAddress {
  hostname: string;
  port: number;
  tcpBacklog: number;
}

type NetListen = (address: NetAddress) => Pick<OpenListener, "listener" | "start"> & { cleanUp?: () => void };

/**
 * One endpoint for each address in `bind`; one that begins with `-` may be missing. The IPv6
 * wildcard comes first: on most systems it accepts IPv4 connections as well, and the IPv4 wildcard
 * then finds the port taken.
 */
function netEndpoints(
  { bind, tcpBacklog }: Pick<ConfigValues, "bind" | "tcpBacklog">,
  port: number,
  kind: string,
  listen: NetListen,
): Endpoint[] {
  if (port === 0) return [];
  const place = `port ${port} (${kind.startsWith("tls") ? "tls" : "tcp"})`;
  const nameOf = (bare: string) => `${kind} ${bare}:${port}`;
  const isIpv6Wildcard = (address: string) => address.endsWith("::*");
  const ordered = [...bind.filter(isIpv6Wildcard), ...bind.filter((address) => !isIpv6Wildcard(address))];
  return ordered.map((address) => {
    const isOptional = address.startsWith("-");
    const bare = isOptional ? address.slice(1) : address;
    const hostname = bare === "*" ? "0.0.0.0" : bare === "::*" ? "::" : bare;
    const open = () => ({
      isUnixSocket: false,
      cleanUp: noCleanUp,
      ...listen({ hostname, port, tcpBacklog }),
    });
    const endpoint = { name: nameOf(bare), place, address: `${bare}:${port}`, port, isOptional, open };
    return bare === "*" ? { ...endpoint, coveredBy: nameOf("::*") } : endpoint;
  });
}

/**
 * Endpoints under TLS. Throws {@linkcode ListenError} if the files or this version of Deno do not
 * allow it.
 */
function tlsEndpoints(values: ConfigValues, onRefused: (reason: string) => void): Endpoint[] {
  const { tlsPort, tlsReplication, tlsAuthClients } = values;
  if (tlsPort === 0 && !tlsReplication) return [];
  let tls: TlsSettings;
  try {
    tls = readTls(values);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ListenError(`port ${tlsPort} (tls)`, `Failed to configure TLS: ${error.message}`);
  }
  const kind = `tls ${JSON.stringify(TLS_FIELDS.map((field) => values[field]))}`;
  const isPlain = tlsAuthClients === "no" && areDefault(tls);
  return netEndpoints(values, tlsPort, kind, (address) => {
    if (isPlain) return { listener: Deno.listenTls({ ...address, ...tls.own }) };
    return listenVerifying(address, tls, tlsAuthClients, onRefused);
  });
}

/**
 * Listens through `node:tls`, which reports a failure only later: until all other addresses have
 * been tried, the address is tested and held by a listener of Deno's.
 */
function listenVerifying(
  address: NetAddress,
  { own, trusted, minVersion, maxVersion }: TlsSettings,
  clients: ConfigValues["tlsAuthClients"],
  onRefused: (reason: string) => void,
): ReturnType<NetListen> {
  const { hostname, port, tcpBacklog } = address;
  const held = Deno.listen(address);
  const addr = { transport: "tcp", hostname, port } as const;
  const listener = new TlsListener(addr, { ...own, trusted, minVersion, maxVersion, clients }, onRefused);
  let isHeld = true;
  const release = () => {
    if (isHeld) held.close();
    isHeld = false;
  };
  const start = async () => {
    release();
    for (let retries = RETRIES;; retries--) {
      try {
        return await listener.listen(tcpBacklog);
      } catch (error) {
        if (retries === 0) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  return { listener, start, cleanUp: release };
}

function unixEndpoints({ unixsocket, unixsocketperm }: ConfigValues, listen: typeof Deno.listen): Endpoint[] {
  if (unixsocket === "") return [];
  const open = () => openUnixSocket(unixsocket, unixsocketperm, listen);
  const place = `the Unix socket ${unixsocket}`;
  return [{ name: `unix ${unixsocket}`, place, address: unixsocket, port: 0, isOptional: false, open }];
}

function openUnixSocket(path: string, permissions: number, listen: typeof Deno.listen): OpenListener {
  removeSocketFile(path);
  const listener = listen({ transport: "unix", path });
  if (permissions !== 0) Deno.chmodSync(path, permissions);
  return { listener, isUnixSocket: true, cleanUp: () => removeSocketFile(path) };
}

/** Removes a socket's file if there is one; a file that is not a socket stays. */
export function removeSocketFile(path: string): void {
  try {
    if (Deno.lstatSync(path).isSocket) Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

// ---- Listeners ----------------------------------------------------------------------------------

/** All listeners of a server. */
export class Listeners {
  readonly #open = new Map<string, OpenListener>();

  /**
   * @param listen opens a port or a Unix socket: `Deno.listen`
   * @param serve is given each opened listener and accepts its connections until it is closed
   */
  constructor(
    readonly config: Config,
    readonly log: EngineLog,
    readonly listen: typeof Deno.listen,
    readonly serve: (listener: OpenListener) => void,
  ) {
    const unusable = "Unable to listen on this port. Check server logs.";
    this.#follow(["port", "tlsPort"], unusable);
    this.#follow(["bind"], "Failed to bind to specified addresses. Check server logs.");
    this.#follow(TLS_FIELDS, "Unable to update TLS configuration. Check server logs.");
  }

  #follow(fields: readonly (keyof ConfigValues)[], failure: string): void {
    for (const field of fields) {
      this.config.onApply(field, () => {
        try {
          this.#change();
        } catch (error) {
          if (!(error instanceof ListenError)) throw error;
          this.log.warning(error.message);
          throw new ConfigError(failure);
        }
      });
    }
  }

  /**
   * Opens all listeners. Rejects with a {@linkcode ListenError} if a required one cannot be opened.
   */
  async open(): Promise<void> {
    await this.#openAll(this.#endpoints());
  }

  #endpoints(): Endpoint[] {
    const { values } = this.config;
    const plain = netEndpoints(values, values.port, "tcp", (address) => ({ listener: this.listen(address) }));
    const refused = (reason: string) => this.log.verbose(`Error accepting a client connection: ${reason}`);
    return [...plain, ...tlsEndpoints(values, refused), ...unixEndpoints(values, this.listen)];
  }

  /** True if nothing is listened on. */
  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** Closes all listeners. */
  close(): void {
    for (const name of [...this.#open.keys()]) this.#close(name);
  }

  #close(name: string): void {
    const found = this.#open.get(name);
    if (found === undefined) return;
    this.#open.delete(name);
    try {
      found.listener.close();
    } catch {
      // It is already closed.
    }
    found.cleanUp();
  }

  /** Opens all or none. The promise is for listeners that start listening later. */
  #openAll(wanted: readonly Endpoint[]): Promise<unknown> {
    const opened: Endpoint[] = [];
    try {
      for (const endpoint of wanted) {
        if (this.#openOne(endpoint, opened.length > 0)) opened.push(endpoint);
      }
    } catch (error) {
      for (const { name } of opened) this.#close(name);
      throw error;
    }
    return Promise.all(opened.map((endpoint) => this.#start(endpoint)));
  }

  async #start(endpoint: Endpoint): Promise<void> {
    const open = this.#open.get(endpoint.name)!;
    this.serve(open);
    try {
      await open.start?.();
    } catch (error) {
      this.#close(endpoint.name);
      throw bindError(endpoint, error);
    }
  }

  #openOne(endpoint: Endpoint, othersAreOpen: boolean): boolean {
    const { name, isOptional, coveredBy = "", open } = endpoint;
    try {
      this.#open.set(name, open());
      return true;
    } catch (error) {
      const isTaken = error instanceof Deno.errors.AddrInUse;
      if (isTaken && this.#open.has(coveredBy)) return false;
      if (isOptional && (othersAreOpen || !isTaken)) return false;
      throw bindError(endpoint, error);
    }
  }

  /** Opens the newly configured listeners, and closes those no longer configured. */
  #change(): void {
    const wanted = this.#endpoints();
    const missing = wanted.filter(({ name }) => !this.#open.has(name));
    const obsolete = [...this.#open.keys()].filter((name) => !wanted.some((one) => one.name === name));
    const isSamePort = missing.some(({ port }) => obsolete.some((name) => name.endsWith(`:${port}`)));
    if (!isSamePort) this.#openAll(missing).catch((error) => this.log.warning(errorText(error)));
    else this.#checkAddresses();
    for (const name of obsolete) this.#close(name);
    if (isSamePort) this.#openLater(missing, RETRIES);
  }

  /** Opens and closes each address on any port, which shows if the address exists. */
  #checkAddresses(): void {
    for (
      const { name, place, isOptional, open } of netEndpoints(this.config.values, 1, "tcp", listenAnywhere)
    ) {
      try {
        open().listener.close();
      } catch (error) {
        if (!isOptional) throw new ListenError(place, `Could not bind to ${name}: ${errorText(error)}`);
      }
    }
  }

  /** A port that has just been closed is free after one turn of the event loop. */
  #openLater(missing: readonly Endpoint[], retries: number): void {
    setTimeout(async () => {
      try {
        await this.#openAll(missing.filter(({ name }) => !this.#open.has(name)));
      } catch (error) {
        if (!(error instanceof ListenError)) throw error;
        if (retries > 0) this.#openLater(missing, retries - 1);
        else this.log.warning(error.message);
      }
    }, RETRY_MS);
  }
}

function listenAnywhere({ hostname }: NetAddress): ReturnType<NetListen> {
  return { listener: Deno.listen({ hostname, port: 0 }) };
}

function bindError({ place, address }: Endpoint, error: unknown): ListenError {
  return new ListenError(
    place,
    `Could not create server listening socket ${address}: bind: ${errorText(error)}`,
  );
}

/** An address as CLIENT LIST shows it. */
export function addressText(address: Deno.Addr, unixPath: string): string {
  if (address.transport !== "tcp") return `${unixPath}:0`;
  const host = address.hostname.replace(/^::ffff:(?=\d+\.)/, "");
  return hostAndPort(host, address.port);
}
