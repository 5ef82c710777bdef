/** Opens what the configuration says to listen on. */
import type { ConfigValues } from "../config/parameters.ts";

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

const noCleanUp = () => {};

/** Opens all listeners. Throws {@linkcode ListenError} if one that must be there cannot be opened. */
export function openListeners(values: ConfigValues): OpenListener[] {
  const opened: OpenListener[] = [];
  if (values.port > 0) opened.push(...openOn(values.bind, values.port, (options) => Deno.listen(options)));
  if (values.tlsPort > 0) {
    const cert = Deno.readTextFileSync(values.tlsCertFile), key = Deno.readTextFileSync(values.tlsKeyFile);
    opened.push(
      ...openOn(values.bind, values.tlsPort, (options) => Deno.listenTls({ ...options, cert, key })),
    );
  }
  if (values.unixsocket !== "") opened.push(openUnixSocket(values.unixsocket, values.unixsocketperm));
  return opened;
}

/** Listens on every address of `bind`; one that begins with `-` need not be there. */
function openOn(
  addresses: readonly string[],
  port: number,
  listen: (options: { hostname: string; port: number; reusePort?: boolean }) => Deno.Listener,
): OpenListener[] {
  const opened: OpenListener[] = [];
  for (const address of addresses) {
    const isOptional = address.startsWith("-");
    const bare = isOptional ? address.slice(1) : address;
    const hostname = bare === "*" ? "0.0.0.0" : bare === "::*" ? "::" : bare;
    try {
      opened.push({ listener: listen({ hostname, port }), isUnixSocket: false, cleanUp: noCleanUp });
    } catch (error) {
      // Where both stacks share a port, the IPv6 wildcard finds it taken by the IPv4 one.
      if (isOptional && !(error instanceof Deno.errors.AddrInUse && opened.length === 0)) continue;
      for (const { listener } of opened) listener.close();
      const reason = error instanceof Error ? error.message : String(error);
      throw new ListenError(`Could not create server TCP listening socket ${bare}:${port}: bind: ${reason}`);
    }
  }
  return opened;
}

function openUnixSocket(path: string, permissions: number): OpenListener {
  removeSocketFile(path);
  try {
    const listener = Deno.listen({ transport: "unix", path });
    if (permissions !== 0) Deno.chmodSync(path, permissions);
    return { listener: listener as Deno.Listener, isUnixSocket: true, cleanUp: () => removeSocketFile(path) };
  } catch (error) {
    throw new ListenError(
      `Failed opening Unix socket: bind: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function removeSocketFile(path: string): void {
  try {
    if (Deno.lstatSync(path).isSocket) Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** An address as CLIENT LIST shows it. */
export function addressText(address: Deno.Addr, unixPath: string): string {
  if (address.transport !== "tcp") return `${unixPath}:0`;
  const host = address.hostname.replace(/^::ffff:(?=\d+\.)/, "");
  return host.includes(":") ? `[${host}]:${address.port}` : `${host}:${address.port}`;
}
