/** Redeno: reads the command line, builds the server, accepts connections, handles signals. */
import { createCommandTable } from "./src/commands/table.ts";
import { runCli } from "./src/cli/main.ts";
import { type CommandLine, HELP_TEXT, parseCommandLine, VERSION_TEXT } from "./src/config/command_line.ts";
import { Config } from "./src/config/config.ts";
import { directiveEnvironment } from "./src/config/environment.ts";
import { ConfigLoadError, fatalConfigError } from "./src/config/errors.ts";
import { Engine } from "./src/engine/engine.ts";
import { keepAccepting } from "./src/server/accepting.ts";
import { addressText, ListenError, Listeners, type OpenListener } from "./src/server/listeners.ts";
import { surviveFaults } from "./src/server/faults.ts";
import { Persistence } from "./src/server/data_folder.ts";
import { dropPermissions, permissionFlags } from "./src/server/permissions.ts";
import { PidFile } from "./src/server/pid_file.ts";
import { connectReplication } from "./src/server/replication.ts";
import { Server } from "./src/server/server.ts";
import { connectSettings } from "./src/server/settings.ts";
import { Shutdown } from "./src/server/shutdown.ts";
import { logStart, openLog } from "./src/server/start_log.ts";
import { systemClock } from "./src/util/clock.ts";
import { Random } from "./src/util/random.ts";

/** Serves every connection a listener accepts, until it is closed. */
async function serveConnections({ listener, isUnixSocket }: OpenListener, server: Server): Promise<void> {
  const { tcpKeepalive, unixsocket } = server.engine.config.values;
  for await (const conn of listener) {
    try {
      conn.setNoDelay?.(true);
      conn.setKeepAlive?.(tcpKeepalive > 0);
    } catch {
      // Its client is gone already; what is wrong with the socket, the first read will tell.
    }
    const remote = addressText(conn.remoteAddr, unixsocket), local = addressText(conn.localAddr, unixsocket);
    server.accept(conn, remote, local, isUnixSocket);
  }
}

/** Calls commands by the names that `rename-command` lines give them. */
function renameCommands({ commands, config }: Engine): void {
  for (const { words: [from = "", to = ""], origin } of config.renamedCommands) {
    const refusal = commands.rename(from, to);
    if (refusal !== null) throw fatalConfigError(origin, refusal);
  }
}

function loadConfig(commandLine: CommandLine): Config {
  const config = new Config();
  config.load(commandLine, directiveEnvironment());
  return config;
}

/** Runs the server; returns the exit status if it cannot. */
async function serve(commandLine: CommandLine): Promise<number> {
  const config = loadConfig(commandLine);
  const log = openLog(config);
  const engine = new Engine({
    clock: systemClock,
    random: Random.unpredictable(),
    config,
    commands: createCommandTable(),
    log,
  });
  renameCommands(engine);
  connectSettings(engine);
  surviveFaults(log);
  const server = new Server(engine);
  const persistence = new Persistence(server, log);
  const replication = connectReplication(server, persistence, log);
  logStart(log, config);
  replication.startAsConfigured();
  if (!engine.access.loadUsers()) return 1;
  const listeners = new Listeners(
    config,
    log,
    (open) => keepAccepting(() => serveConnections(open, server), log),
  );
  try {
    await listeners.open();
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    for (const line of error.report) log.warning(line);
    return 1;
  }
  if (listeners.isEmpty) {
    log.warning("Configured to not listen anywhere, exiting.");
    return 1;
  }
  const shutdown = new Shutdown(server, persistence, listeners, log);
  shutdown.handleSignals();
  // Who ends the server does not wait for its data.
  const isLoaded = await Promise.race([persistence.start(), shutdown.finished.then(() => null)]);
  if (isLoaded === null) return await shutdown.finished;
  if (!isLoaded) return 1;
  replication.dataLoaded();
  const pidFile = new PidFile(config.values.pidfile, log);
  pidFile.write();
  server.start();
  await dropPermissions();
  log.notice("Ready to accept connections");
  const status = await shutdown.finished;
  pidFile.remove();
  return status;
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
        console.log(HELP_TEXT);
        return 0;
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
