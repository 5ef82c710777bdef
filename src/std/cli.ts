/** The functions of `@std/cli` that Redeno uses, for networks that do not reach JSR. */
// @ts-types="npm:@types/minimist@1.2.5"
import minimist from "npm:minimist@1.2.8";

export { promptSecret, type PromptSecretOptions } from "./prompt_secret.ts";

/** The options of {@linkcode parseArgs}: those of the real function that Redeno uses. */
export interface ParseOptions<B extends string, S extends string, C extends string, D> {
  /** Flags without a value. */
  boolean?: readonly B[];
  /** Flags with a value that stays a string. */
  string?: readonly S[];
  /** Flags that may be repeated; all their values are kept. */
  collect?: readonly C[];
  /** Values of absent flags. */
  default?: D;
  /** Other names of a flag. */
  alias?: Record<string, string | readonly string[]>;
  /** Flags that `--no-NAME` sets to false. */
  negatable?: readonly string[];
  /** Leaves everything after the first argument that is not a flag in `_`. */
  stopEarly?: boolean;
  /** Called for every argument that no option names; false drops it. */
  unknown?: (arg: string) => boolean;
}

/** The result of {@linkcode parseArgs}: flags by name, and the other arguments in `_`. */
export type Args<B extends string, S extends string, C extends string, D> =
  & { _: (string | number)[] }
  & { [K in B]: boolean }
  & { [K in Exclude<S, C | keyof D>]?: string | undefined }
  & { [K in Extract<Exclude<S, C>, keyof D>]: string }
  & { [K in Extract<S, C>]: string[] };

/** Splits a command line into flags and other arguments. */
export function parseArgs<
  B extends string = never,
  S extends string = never,
  C extends string = never,
  D extends Record<string, unknown> = Record<never, never>,
>(args: readonly string[], options: ParseOptions<B, S, C, D> = {}): Args<B, S, C, D> {
  const { boolean = [], string = [], collect = [], alias = {}, negatable = [], ...others } = options;
  const names = new Set([
    ...boolean,
    ...string,
    ...collect,
    ...Object.keys(alias),
    ...Object.values(alias).flat(),
  ]);
  const parsed = minimist(args.map((arg) => keepNegated(arg, names, negatable)), {
    ...others,
    alias: Object.fromEntries(Object.entries(alias).map(([name, more]) => [name, [more].flat()])),
    boolean: [...boolean],
    string: [...string],
  });
  const several = new Set<string>(collect.flatMap((name) => [name, ...[alias[name] ?? []].flat()]));
  for (const name of names) {
    const value: unknown = parsed[name];
    if (several.has(name)) parsed[name] = value === undefined ? [] : [value].flat();
    else if (Array.isArray(value)) parsed[name] = value.at(-1);
  }
  return Object.assign({}, parsed) as minimist.ParsedArgs & Args<B, S, C, D>;
}

/**
 * minimist treats every `--no-x` as a false x; the real function does so for negatable flags only.
 */
function keepNegated(arg: string, names: ReadonlySet<string>, negatable: readonly string[]): string {
  const negated = /^--no-([^=]+)$/.exec(arg)?.[1];
  return negated !== undefined && names.has(`no-${negated}`) && !negatable.includes(negated)
    ? `${arg}=true`
    : arg;
}
