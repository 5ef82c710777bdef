/** Parameters by name: their own, and the older ones. */
import type { Parameter } from "./kinds.ts";
import { camelCase, PARAMETERS } from "./parameters.ts";

/** A parameter with its names. */
export interface NamedParameter extends Parameter<unknown> {
  readonly name: string;
  /** Its field in `Config.values`. */
  readonly field: string;
}

/** All parameters, in the order of their declaration. */
export const ALL_PARAMETERS: readonly NamedParameter[] = Object.entries(PARAMETERS).map(
  ([name, parameter]: [string, Parameter<unknown>]) => ({ ...parameter, name, field: camelCase(name) }),
);

/** All parameters under every name they have, in the order of their declaration. */
export const PARAMETERS_BY_NAME: ReadonlyMap<string, NamedParameter> = new Map(
  ALL_PARAMETERS.flatMap((parameter) =>
    [parameter.name, ...parameter.aliases].map((name) => [name, parameter] as const)
  ),
);

/** The parameter of a name in any case, an older one too. */
export function findParameter(name: string): NamedParameter | undefined {
  return PARAMETERS_BY_NAME.get(name.toLowerCase());
}
