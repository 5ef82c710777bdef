/** Directives in the environment: `REDENO_<DIRECTIVE>`, with dashes written as underscores. */
import { PARAMETERS_BY_NAME } from "./registry.ts";

/** The prefix of every variable that holds a directive. */
export const ENVIRONMENT_PREFIX = "REDENO_";

/**
 * The process's variables that hold directives: all with the prefix, so that a typo is noticed. A
 * process with permission for certain variables only can ask for those by name, and gets the ones
 * that are directives.
 */
export function directiveEnvironment(): Record<string, string> {
  if (Deno.permissions.querySync({ name: "env" }).state === "granted") {
    return Object.fromEntries(
      Object.entries(Deno.env.toObject()).filter(([variable]) => variable.startsWith(ENVIRONMENT_PREFIX)),
    );
  }
  return Object.fromEntries(
    [...PARAMETERS_BY_NAME.keys()].map(variableOf).flatMap((variable) => {
      const value = Deno.env.get(variable);
      return value === undefined ? [] : [[variable, value]];
    }),
  );
}

/** The variable for a directive. */
export function variableOf(directive: string): string {
  return ENVIRONMENT_PREFIX + directive.replaceAll("-", "_").toUpperCase();
}

/**
 * True for a variable that Kubernetes (and Docker's links) sets for every service called `redeno`:
 * REDENO_SERVICE_HOST, REDENO_PORT=tcp://10.0.0.1:6379, REDENO_PORT_6379_TCP_ADDR. These are
 * addresses for clients, not directives.
 */
export function isServiceLink(variable: string, value: string): boolean {
  const isAddress = /^(?:tcp|udp|sctp):\/\//.test(value);
  return variable === "REDENO_PORT"
    ? isAddress
    : /^REDENO_(?:SERVICE_(?:HOST|PORT)(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)$/.test(variable);
}
