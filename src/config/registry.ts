/** Parameters by name, older names included. */
import type { Parameter } from "./kinds.ts";
import { camelCase, PARAMETERS } from "./parameters.ts";

/** A parameter with its names. */
export interface NamedParameter extends Parameter<unknown> {
  readonly name: string;
  /** Its field in `Config.values`. */
  readonly field: string;
}

/** All parameters, in order of declaration. */
export const ALL_PARAMETERS: readonly NamedParameter[] = Object.entries(PARAMETERS).map(
  ([name, parameter]: [string, Parameter<unknown>]) => ({ ...parameter, name, field: camelCase(name) }),
);

/** All parameters under each of their names, in order of declaration. */
export const PARAMETERS_BY_NAME: ReadonlyMap<string, NamedParameter> = new Map(
  ALL_PARAMETERS.flatMap((parameter) =>
    [parameter.name, ...parameter.aliases].map((name) => [name, parameter] as const)
  ),
);

/** The parameter of a name, older names included; case does not matter. */
export function findParameter(name: string): NamedParameter | undefined {
  return PARAMETERS_BY_NAME.get(name.toLowerCase());
}
