/** Parameters that know the values of Redis, of which only one can be honoured here. */
import { ConfigError } from "./errors.ts";
import type { Parameter } from "./kinds.ts";

/**
 * Refuses every value but `supported`, at the start and by CONFIG SET: who sets another one must not believe that it
 * holds. What is no value of `parameter` is refused with its own reason.
 * @param reason why, without the name of the directive
 */
export function only<T>(supported: T, parameter: Parameter<T>, reason: string): Parameter<T> {
  return {
    ...parameter,
    parse(words, context) {
      const value = parameter.parse(words, context);
      if (parameter.print(value) === parameter.print(supported)) return value;
      throw new ConfigError(`${reason}: only '${parameter.print(supported)}' is supported`);
    },
  };
}
