/** Parameters that parse all of Redis's values, of which only some are supported here. */
import { ConfigError } from "./errors.ts";
import type { Parameter } from "./kinds.ts";

/**
 * Refuses, at the start and in CONFIG SET, values that Redis supports and Redeno does not: an
 * unsupported setting must not appear to work. A word that is not a value of `parameter` at all is
 * refused with the parameter's own reason.
 * @param reasonAgainst the reason for refusing a value, without the name of the directive, or
 * undefined
 */
export function refusing<T>(
  parameter: Parameter<T>,
  reasonAgainst: (value: T, isStart: boolean) => string | undefined,
): Parameter<T> {
  return {
    ...parameter,
    parse(words, context) {
      const value = parameter.parse(words, context);
      const reason = reasonAgainst(value, context.loading);
      if (reason !== undefined) throw new ConfigError(reason);
      return value;
    },
  };
}

/** Refuses every value but `supported`. */
export function only<T>(supported: T, parameter: Parameter<T>, reason: string): Parameter<T> {
  const shown = parameter.print(supported);
  return refusing(
    parameter,
    (value) => parameter.print(value) === shown ? undefined : `${reason}: only '${shown}' is supported`,
  );
}
