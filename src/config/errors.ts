/** Why a configuration is refused: one value, or a line of what was loaded at the start. */
import { REDIS_VERSION } from "../util/version.ts";

/** A value that a parameter refuses; the message is the reason as Redis words it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Where a directive was read: what was being read, and the line itself. */
export interface Origin {
  readonly place: string;
  readonly text: string;
}

/** The start cannot go on: the message is all that goes to stderr, several lines as redis-server prints them. */
export class ConfigLoadError extends Error {
  override readonly name = "ConfigLoadError";
}

/** The error for a directive that cannot be taken; also for those whose consumer finds the fault later. */
export function fatalConfigError(origin: Origin, reason: string): ConfigLoadError {
  return new ConfigLoadError(
    `\n*** FATAL CONFIG FILE ERROR (Redis ${REDIS_VERSION}) ***\n${origin.place}\n>>> '${origin.text}'\n${reason}`,
  );
}
