/** The server's log at its start: its destination, and the lines that announce the start. */
import type { Config } from "../config/config.ts";
import { fatalConfigError } from "../config/errors.ts";
import { Log } from "../util/log.ts";
import { REDENO_VERSION, REDIS_VERSION } from "../util/version.ts";
import { errorText } from "../util/error_text.ts";

const LOGO = (port: number) => `
     redeno ${REDENO_VERSION}, compatible with Redis ${REDIS_VERSION}
     Port: ${port}
     PID: ${Deno.pid}
`;

/** Opens the configured log; throws ConfigLoadError if it cannot be written. */
export function openLog(config: Config): Log {
  const { logfile, loglevel } = config.values;
  try {
    if (logfile !== "") Deno.openSync(logfile, { append: true, create: true }).close();
  } catch (error) {
    const reason = `Can't open the log file: ${errorText(error)}`;
    throw fatalConfigError({ place: "Reading the configuration", text: `logfile "${logfile}"` }, reason);
  }
  const log = Log.toFile(logfile, loglevel);
  config.onApply("loglevel", (level) => log.level = level);
  return log;
}

/** Logs the version, the process and the configuration that started. */
export function logStart(log: Log, config: Config): void {
  log.notice("oO0OoO0OoO0Oo Redeno is starting oO0OoO0OoO0Oo");
  log.notice(
    `Redeno version=${REDENO_VERSION}, redis=${REDIS_VERSION}, bits=64, pid=${Deno.pid}, just started`,
  );
  if (config.filePath === "" && Deno.args.length === 0) {
    log.warning("Warning: no config file specified, using the default config.");
  } else log.notice("Configuration loaded");
  if (config.ignored.length > 0) {
    log.notice(`Accepted without effect: ${config.ignored.join(", ")}`);
  }
  log.role = "M";
  if (config.values.alwaysShowLogo) log.raw(LOGO(config.values.port));
  else log.notice(`Running mode=standalone, port=${config.values.port}, PID: ${Deno.pid}.`);
  log.notice("Server initialized");
}
