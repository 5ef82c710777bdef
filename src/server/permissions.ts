/**
 * The permissions the process needs, named exactly. `redeno permissions` prints them as flags for
 * `deno run` and `deno compile`, so that a server reaches its own folder, files and ports and
 * nothing else. A running process cannot narrow its permissions to certain folders or ports, so
 * they are given at the start; the server itself gives back those that only the start needs.
 */
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "../config/config.ts";
import { ConfigLoadError } from "../config/errors.ts";
import { fromLatin1, temporaryName } from "../config/host.ts";
import type { ConfigValues } from "../config/parameters.ts";
import { luaLibraryUrl } from "../scripting/lua/lua_library.ts";
import { hostAndPort } from "../util/address.ts";
import { senderPath, USUAL_NOTIFY_SOCKET } from "./supervisor.ts";

/** Variables that stand for directives. */
const ENVIRONMENT = "REDENO_*";
/** The variable with the address of the socket on which systemd receives status messages. */
const NOTIFY_VARIABLE = "NOTIFY_SOCKET";
/** Permissions for the machine facts in INFO. */
const MACHINE = ["osRelease", "systemMemoryInfo"];

/**
 * The flags that let a server run with this configuration, and nothing more: first those that name
 * something, then `--no-prompt` and, if the stand-ins of `src/std/` are in use, the flags that
 * select them. Throws {@linkcode ConfigLoadError} for a path that flags cannot express.
 */
export function permissionFlags(config: Config): string[] {
  const { read, written } = paths(config);
  const lists = { net: addresses(config.values), read: [...read, ...written], write: written };
  const flags = Object.entries(lists).flatMap(([kind, names]) => names.length > 0 ? [flag(kind, names)] : []);
  const variables = notifySockets(config.values).length > 0 ? [ENVIRONMENT, NOTIFY_VARIABLE] : [ENVIRONMENT];
  return [...flags, flag("env", variables), flag("sys", MACHINE), "--no-prompt", ...packageFlags()];
}

/** If JSR is out of reach, Deno finds the standard packages only with these flags. */
function packageFlags(): string[] {
  const url = import.meta.resolve("@std/cli");
  if (Deno.build.standalone || !url.startsWith("file:")) return [];
  return ["--no-lock", `--import-map=${fileURLToPath(new URL("import_map.json", url))}`];
}

function flag(kind: string, names: readonly string[]): string {
  const wrong = names.find((name) => name.includes(","));
  if (wrong !== undefined) {
    throw new ConfigLoadError(`A permission cannot name '${wrong}', which holds a comma`);
  }
  return `--allow-${kind}=${[...new Set(names)].join(",")}`;
}

/** The server's listening addresses, and that of its primary. */
function addresses(values: ConfigValues): string[] {
  const { bind, port, tlsPort, unixsocket, replicaof } = values;
  const ports = [port, tlsPort].filter((number) => number > 0);
  const own = bind.flatMap((address) => ports.map((number) => hostAndPort(hostOf(address), number)));
  const others = replicaof === undefined ? [] : [hostAndPort(replicaof.host, replicaof.port)];
  const paths = [...(unixsocket === "" ? [] : [unixsocket]), ...notifySockets(values)];
  const sockets = namesSockets() ? paths.map((path) => `unix:${absolute(path)}`) : [];
  return [...own, ...others, ...sockets];
}

/** An address of `bind` as Deno calls it. */
function hostOf(address: string): string {
  const bare = address.replace(/^-/, "");
  return bare === "*" ? "0.0.0.0" : bare === "::*" ? "::" : bare;
}

/**
 * True if this version of Deno wants Unix sockets listed among the network addresses, besides their
 * paths.
 */
function namesSockets(): boolean {
  try {
    Deno.permissions.querySync({ name: "net", host: "unix:/" });
    return true;
  } catch {
    return false;
  }
}

/** The sockets for messages to systemd: systemd's own, and the sending one. */
function notifySockets({ supervised, dir, port }: ConfigValues): string[] {
  return supervised === "no" ? [] : [USUAL_NOTIFY_SOCKET, senderPath(dir, port)];
}

/**
 * Folders and files to read, and those to write as well. Both lists are read, as writers check for
 * existing files.
 */
function paths(config: Config): { read: string[]; written: string[] } {
  const { values } = config;
  const certificates = [
    values.tlsCertFile,
    values.tlsKeyFile,
    values.tlsCaCertFile,
    values.tlsCaCertDir,
    values.tlsClientCertFile,
    values.tlsClientKeyFile,
  ];
  const rewritten = [config.filePath, values.aclfile].filter(Boolean).flatMap((
    path,
  ) => [path, temporaryName(path)]);
  const sockets = [values.unixsocket, ...notifySockets(values)];
  const written = [values.dir, values.logfile, values.pidfile, ...sockets, ...rewritten];
  const read = [...config.filesRead, ...certificates];
  return { read: [...read.flatMap(namesOf), ...scriptLibrary()], written: written.flatMap(namesOf) };
}

/** A path as written and, if it leads over a symbolic link, the path it resolves to. */
function namesOf(path: string): string[] {
  return path === "" ? [] : [absolute(path), realPath(absolute(path))];
}

function absolute(path: string): string {
  return resolve(fromLatin1(path));
}

/** The path resolved; for a file that does not exist yet, its folder resolved. */
function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return dirname(path) === path ? path : resolve(realPath(dirname(path)), basename(path));
  }
}

/** The library that runs scripts is a file beside the program, but part of a compiled one. */
function scriptLibrary(): string[] {
  const url = luaLibraryUrl();
  return Deno.build.standalone || !url.startsWith("file:") ? [] : [fileURLToPath(url)];
}

/** Gives back the permissions that only the start needs. */
export async function dropPermissions(): Promise<void> {
  for (const name of ["env", "sys", "run", "ffi", "import"] as const) await Deno.permissions.revoke({ name });
}
