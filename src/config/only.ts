/** Parameters that know the values of Redis, of which only some can be honoured here. */
import { ConfigError } from "./errors.ts";
import type { Parameter } from "./kinds.ts";

/**
 * Refuses values at the start and by CONFIG SET that would hold in Redis and cannot hold here: who sets one must not believe
 * that it does. What is no value of `parameter` at all is refused with its own reason.
 * @param reasonAgainst why a value is refused, without the name of the directive, or nothing
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
