/** Redeno: reads the command line, builds the server, accepts connections, handles signals. */
import { runCli } from "./src/cli/main.ts";
import { type CommandLine, parseCommandLine, VERSION_TEXT } from "./src/config/command_line.ts";
import { Config } from "./src/config/config.ts";
import { directiveEnvironment } from "./src/config/environment.ts";
import { ConfigLoadError } from "./src/config/errors.ts";
import { keepAccepting } from "./src/server/accepting.ts";
import { addressText, type OpenListener } from "./src/server/listeners.ts";
import { surviveFaults } from "./src/server/faults.ts";
import { runCheckAof, runCheckRdb } from "./src/server/check.ts";
import { printHelp } from "./src/server/help.ts";
import { dropPermissions, permissionFlags } from "./src/server/permissions.ts";
import { Redeno } from "./src/server/redeno.ts";
import type { Server } from "./src/server/server.ts";
import { logStart, openLog } from "./src/server/start_log.ts";
import { findSupervisor } from "./src/server/supervisor.ts";

/** Serves every connection a listener accepts, until it is closed. */
async function serveConnections({ listener, isUnixSocket }: OpenListener, server: Server): Promise<void> {
  const { tcpKeepalive, unixsocket } = server.engine.config.values;
  for await (const conn of listener) {
    try {
      conn.setNoDelay?.(true);
      conn.setKeepAlive?.(tcpKeepalive > 0);
    } catch {
      // The client is already gone; if the socket is broken, the first read reports it.
    }
    const remote = addressText(conn.remoteAddr, unixsocket), local = addressText(conn.localAddr, unixsocket);
    server.accept(conn, remote, local, isUnixSocket);
  }
}

function loadConfig(commandLine: CommandLine): Config {
  const config = new Config();
  config.load(commandLine, directiveEnvironment());
  return config;
}

/** Runs a server until it ends; returns the exit status. */
async function serve(commandLine: CommandLine): Promise<number> {
  const config = loadConfig(commandLine), log = openLog(config);
  surviveFaults(log);
  const redeno = new Redeno({ config, log });
  logStart(log, config);
  const supervisor = findSupervisor(redeno.engine);
  const isOpen = await redeno.open(
    Deno.listen,
    (listener, server) => keepAccepting(() => serveConnections(listener, server), log),
  );
  if (!isOpen) return 1;
  redeno.shutdown.onStopping = () => supervisor?.stopping();
  redeno.shutdown.handleSignals();
  supervisor?.loading();
  if (await redeno.load()) {
    await dropPermissions();
    log.notice("Ready to accept connections");
    supervisor?.ready();
  }
  return await redeno.finished;
}

/** Does what the command line asks for and returns the exit status. */
async function main(): Promise<number> {
  try {
    const command = parseCommandLine(Deno.args);
    switch (command.kind) {
      case "version":
        console.log(VERSION_TEXT);
        return 0;
      case "help":
        return printHelp(command.topic);
      case "check-rdb":
        return runCheckRdb(command.args);
      case "check-aof":
        return runCheckAof(command.args);
      case "cli":
        return await runCli([...command.args]);
      case "permissions":
        console.log(permissionFlags(loadConfig(command.commandLine)).join("\n"));
        return 0;
      case "server":
        return await serve(command.commandLine);
    }
  } catch (error) {
    if (error instanceof ConfigLoadError) console.error(error.message);
    else if (error instanceof Deno.errors.NotCapable) {
      console.error(`Fatal error: ${error.message} (or start Redeno by 'deno task start', which gives it)`);
    } else throw error;
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
