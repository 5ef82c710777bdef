/** Errors for a refused configuration: one value, or a line loaded at the start. */
import { REDIS_VERSION } from "../util/version.ts";

/** A value that a parameter refuses; the message is the reason as Redis words it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** The origin of a directive: the source, and the line itself. */
export interface Origin {
  readonly place: string;
  readonly text: string;
}

/**
 * A fault that ends the start: the message is all that goes to stderr, several lines as
 * redis-server prints them.
 */
export class ConfigLoadError extends Error {
  override readonly name = "ConfigLoadError";
}

/** The error for a directive that cannot be applied, also if its consumer finds the fault later. */
export function fatalConfigError(origin: Origin, reason: string): ConfigLoadError {
  return new ConfigLoadError(
    `\n*** FATAL CONFIG FILE ERROR (Redis ${REDIS_VERSION}) ***\n${origin.place}\n>>> '${origin.text}'\n${reason}`,
  );
}
