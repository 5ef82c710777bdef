/** What the server listens on: opened as the configuration says, and again when CONFIG SET changes it. */
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/errors.ts";
import type { ConfigValues } from "../config/parameters.ts";
import type { EngineLog } from "../engine/engine.ts";
import { hostAndPort } from "../util/address.ts";

/** A socket that accepts connections, and what to call its side of them. */
export interface OpenListener {
  listener: Deno.Listener;
  isUnixSocket: boolean;
  /** Removes what the listener leaves behind. */
  cleanUp: () => void;
}

/** Thrown where an address cannot be listened on. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** Where to listen. */
interface Endpoint {
  /** Tells endpoints apart: two of one name are the same. */
  name: string;
  port: number;
  /** It need not be there. */
  isOptional: boolean;
  /** Nor need it if this one is there, which serves the same clients. */
  coveredBy?: string;
  open: () => OpenListener;
}

/** How often and how long after one another a port is asked for again that has just been given up. */
const RETRIES = 50;
const RETRY_MS = 10;

const noCleanUp = () => {};

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// ---- Endpoints --------------------------------------------------------------------------------------------------

type NetListen = (options: { hostname: string; port: number }) => Deno.Listener;

/**
 * One endpoint for each address of `bind`; one that begins with `-` need not be there. The IPv6 wildcard comes first:
 * on most systems it takes IPv4 connections as well, and the IPv4 one then finds the port taken.
 */
function netEndpoints(bind: readonly string[], port: number, kind: string, listen: NetListen): Endpoint[] {
  if (port === 0) return [];
  const nameOf = (bare: string) => `${kind} ${bare}:${port}`;
  const isIpv6Wildcard = (address: string) => address.endsWith("::*");
  const ordered = [...bind.filter(isIpv6Wildcard), ...bind.filter((address) => !isIpv6Wildcard(address))];
  return ordered.map((address) => {
    const isOptional = address.startsWith("-");
    const bare = isOptional ? address.slice(1) : address;
    const hostname = bare === "*" ? "0.0.0.0" : bare === "::*" ? "::" : bare;
    const open = () => ({ listener: listen({ hostname, port }), isUnixSocket: false, cleanUp: noCleanUp });
    const endpoint = { name: nameOf(bare), port, isOptional, open };
    return bare === "*" ? { ...endpoint, coveredBy: nameOf("::*") } : endpoint;
  });
}

function tlsEndpoints(values: ConfigValues): Endpoint[] {
  const { bind, tlsPort, tlsCertFile, tlsKeyFile } = values;
  return netEndpoints(bind, tlsPort, `tls ${tlsCertFile} ${tlsKeyFile}`, (options) => {
    const cert = readPem("tls-cert-file", tlsCertFile), key = readPem("tls-key-file", tlsKeyFile);
    return Deno.listenTls({ ...options, cert, key });
  });
}

function readPem(directive: string, path: string): string {
  if (path === "") throw new Error(`${directive} is not set`);
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new Error(`${directive} cannot be read: ${reasonOf(error)}`);
  }
}

function unixEndpoints({ unixsocket, unixsocketperm }: ConfigValues): Endpoint[] {
  if (unixsocket === "") return [];
  const open = () => openUnixSocket(unixsocket, unixsocketperm);
  return [{ name: `unix ${unixsocket}`, port: 0, isOptional: false, open }];
}

function endpoints(values: ConfigValues): Endpoint[] {
  const plain = netEndpoints(values.bind, values.port, "tcp", (options) => Deno.listen(options));
  return [...plain, ...tlsEndpoints(values), ...unixEndpoints(values)];
}

function openUnixSocket(path: string, permissions: number): OpenListener {
  removeSocketFile(path);
  const listener = Deno.listen({ transport: "unix", path });
  if (permissions !== 0) Deno.chmodSync(path, permissions);
  return { listener: listener as Deno.Listener, isUnixSocket: true, cleanUp: () => removeSocketFile(path) };
}

function removeSocketFile(path: string): void {
  try {
    if (Deno.lstatSync(path).isSocket) Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

// ---- Listeners --------------------------------------------------------------------------------------------------

/** All listeners of a server. */
export class Listeners {
  readonly #open = new Map<string, OpenListener>();

  /** @param serve is given each listener that has been opened and accepts its connections until it is closed */
  constructor(
    readonly config: Config,
    readonly log: EngineLog,
    readonly serve: (listener: OpenListener) => void,
  ) {
    const unusable = "Unable to listen on this port. Check server logs.";
    this.#follow(["port", "tlsPort"], unusable);
    this.#follow(["bind"], "Failed to bind to specified addresses. Check server logs.");
    this.#follow(["tlsCertFile", "tlsKeyFile"], "Unable to update TLS configuration. Check server logs.");
  }

  #follow(
    fields: readonly ("port" | "tlsPort" | "bind" | "tlsCertFile" | "tlsKeyFile")[],
    failure: string,
  ): void {
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

  /** Opens everything. Throws {@linkcode ListenError} if something that must be there cannot be opened. */
  open(): void {
    this.#openAll(endpoints(this.config.values));
  }

  /** Nothing is listened on. */
  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** Closes everything. */
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
      // It has been closed already.
    }
    found.cleanUp();
  }

  /** Opens all or none. */
  #openAll(wanted: readonly Endpoint[]): void {
    const opened: string[] = [];
    try {
      for (const endpoint of wanted) {
        if (this.#openOne(endpoint, opened.length > 0)) opened.push(endpoint.name);
      }
    } catch (error) {
      for (const name of opened) this.#close(name);
      throw error;
    }
    for (const name of opened) this.serve(this.#open.get(name)!);
  }

  #openOne({ name, isOptional, coveredBy = "", open }: Endpoint, othersAreOpen: boolean): boolean {
    try {
      this.#open.set(name, open());
      return true;
    } catch (error) {
      const isTaken = error instanceof Deno.errors.AddrInUse;
      if (isTaken && this.#open.has(coveredBy)) return false;
      if (isOptional && (othersAreOpen || !isTaken)) return false;
      throw new ListenError(`Could not create server listening socket ${name}: bind: ${reasonOf(error)}`);
    }
  }

  /** Opens what the configuration wants now and is not open, and closes what it does not want any more. */
  #change(): void {
    const wanted = endpoints(this.config.values);
    const missing = wanted.filter(({ name }) => !this.#open.has(name));
    const obsolete = [...this.#open.keys()].filter((name) => !wanted.some((one) => one.name === name));
    const isSamePort = missing.some(({ port }) => obsolete.some((name) => name.endsWith(`:${port}`)));
    if (!isSamePort) this.#openAll(missing);
    else this.#checkAddresses();
    for (const name of obsolete) this.#close(name);
    if (isSamePort) this.#openLater(missing, RETRIES);
  }

  /** Opens and closes each address on any port, which tells whether there is such an address. */
  #checkAddresses(): void {
    for (
      const { name, isOptional, open } of netEndpoints(this.config.values.bind, 1, "tcp", listenAnywhere)
    ) {
      try {
        open().listener.close();
      } catch (error) {
        if (!isOptional) throw new ListenError(`Could not bind to ${name}: ${reasonOf(error)}`);
      }
    }
  }

  /** A port that has just been closed is free when the event loop has turned. */
  #openLater(missing: readonly Endpoint[], retries: number): void {
    setTimeout(() => {
      try {
        this.#openAll(missing.filter(({ name }) => !this.#open.has(name)));
      } catch (error) {
        if (!(error instanceof ListenError)) throw error;
        if (retries > 0) this.#openLater(missing, retries - 1);
        else this.log.warning(error.message);
      }
    }, RETRY_MS);
  }
}

function listenAnywhere({ hostname }: { hostname: string }): Deno.Listener {
  return Deno.listen({ hostname, port: 0 });
}

/** An address as CLIENT LIST shows it. */
export function addressText(address: Deno.Addr, unixPath: string): string {
  if (address.transport !== "tcp") return `${unixPath}:0`;
  const host = address.hostname.replace(/^::ffff:(?=\d+\.)/, "");
  return hostAndPort(host, address.port);
}
