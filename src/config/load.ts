/**
 * The configuration's sources at the start: files, standard input, environment variables and the
 * command line, in this order; the last one wins. The first fault ends the start with a
 * {@linkcode ConfigLoadError}.
 */
import { resolve } from "node:path";
import { nearest } from "../util/nearest.ts";
import { quoteArg, splitArgs } from "../util/sds_split.ts";
import { adviceFor, type CommandLine } from "./command_line.ts";
import { ENVIRONMENT_PREFIX, isServiceLink, variableOf } from "./environment.ts";
import { ConfigError, ConfigLoadError, fatalConfigError, type Origin } from "./errors.ts";
import { type ConfigHost, fromLatin1, reasonOf, toLatin1 } from "./host.ts";
import { Flag } from "./kinds.ts";
import { findParameter, type NamedParameter, PARAMETERS_BY_NAME } from "./registry.ts";

/** A directive kept for its consumer: the words after its name. */
export interface KeptDirective {
  readonly words: readonly string[];
  readonly origin: Origin;
}

/** Applies the words of a parameter's value; throws {@linkcode ConfigError}. */
export type TakeValue = (parameter: NamedParameter, words: readonly string[]) => void;

/** Directives that are not parameters. */
const OTHER_DIRECTIVES = ["include", "rename-command", "user"];

/** The reason for refusing an unknown directive, with the nearest known name. */
function unknownDirective(name: string, spell: (directive: string) => string): ConfigError {
  const meant = OTHER_DIRECTIVES.includes(name)
    ? undefined
    : nearest(name, [...PARAMETERS_BY_NAME.keys(), ...OTHER_DIRECTIVES]);
  const question = meant === undefined ? "" : `\nDid you mean ${spell(meant)}?`;
  return new ConfigError(`Bad directive or wrong number of arguments${question}`);
}

/** Deeper nesting is taken for files that include each other. */
const MAX_INCLUDE_DEPTH = 16;

/** Directives of earlier Redis versions, which are ignored. */
const FORGOTTEN = new Set(["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"]);

/** Reads one configuration; results other than parameters are in its fields. */
export class ConfigLoader {
  /** Names of the given directives that have no effect here. */
  readonly ignored = new Set<string>();
  /** `user` lines. */
  readonly users: KeptDirective[] = [];
  /** `rename-command` lines: a command and its new name, empty to remove it. */
  readonly renamedCommands: KeptDirective[] = [];
  /** Absolute paths of the files that were read, and of folders searched for a glob. */
  readonly filesRead: string[] = [];

  readonly #take: TakeValue;
  readonly #host: ConfigHost;
  #includeDepth = 0;

  constructor(take: TakeValue, host: ConfigHost) {
    this.#take = take;
    this.#host = host;
  }

  /** Reads all sources that a command line names, and the environment. */
  load(commandLine: CommandLine, environment: Readonly<Record<string, string>>): void {
    const { configFile } = commandLine;
    if (configFile !== "") {
      this.#loadFile(resolve(this.#host.workingDirectory(), configFile), adviceFor(configFile));
    }
    if (commandLine.readsStandardInput) {
      this.#loadText(this.#host.readStandardInput(), (line) => `Reading standard input, at line ${line}`);
    }
    this.#loadEnvironment(environment);
    this.#loadOptions(commandLine.options);
  }

  /**
   * Reads a configuration file, or all files that match a glob; a glob may match none.
   * @param advice added to the error if the file does not exist
   */
  #loadFile(path: string, advice = ""): void {
    const globAt = path.search(/[*?[]/);
    if (globAt >= 0) this.#noteRead(path.slice(0, path.lastIndexOf("/", globAt) + 1));
    for (const file of globAt < 0 ? [path] : this.#host.expandGlob(path)) {
      this.#loadText(
        this.#readFile(file, advice),
        (line) => `Reading the configuration file ${file}, at line ${line}`,
      );
    }
  }

  /** Reads the directives of the command line, one per line. */
  #loadOptions(options: string): void {
    this.#loadText(options, () => "Reading the command line");
  }

  /** Reads the variables `REDENO_<DIRECTIVE>`, with dashes written as underscores. */
  #loadEnvironment(environment: Readonly<Record<string, string>>): void {
    for (const variable of Object.keys(environment).sort()) {
      if (!variable.startsWith(ENVIRONMENT_PREFIX)) continue;
      const name = variable.slice(ENVIRONMENT_PREFIX.length).toLowerCase();
      const parameter = findParameter(name.replaceAll("_", "-")) ?? findParameter(name);
      const value = toLatin1(environment[variable] ?? "");
      if (isServiceLink(variable, value)) continue;
      const directive = parameter?.name ?? name.replaceAll("_", "-");
      const place = `Reading the environment variable ${variable}`;
      const origin = { place, text: `${directive} ${quoteArg(value)}` };
      if (parameter === undefined) {
        throw fatalConfigError(origin, unknownDirective(directive, variableOf).message);
      }
      this.#directive([directive, value], origin);
    }
  }

  #noteRead(path: string): void {
    this.filesRead.push(toLatin1(resolve(this.#host.workingDirectory(), path)));
  }

  #readFile(path: string, advice: string): string {
    this.#noteRead(path);
    try {
      return this.#host.readFile(path);
    } catch (error) {
      const way = error instanceof Deno.errors.NotFound ? advice : "";
      throw new ConfigLoadError(`Fatal error, can't open config file '${path}': ${reasonOf(error)}${way}`);
    }
  }

  #loadText(text: string, placeOfLine: (line: number) => string): void {
    for (const [i, line] of text.split("\n").entries()) {
      const directive = line.replace(/^[ \t\r]+|[ \t\r]+$/g, "");
      if (directive === "" || directive.startsWith("#")) continue;
      const origin = { place: placeOfLine(i + 1), text: directive };
      const words = splitArgs(directive);
      if (words === undefined) throw fatalConfigError(origin, "Unbalanced quotes in configuration line");
      this.#directive(words, origin);
    }
  }

  #directive([given = "", ...words]: readonly string[], origin: Origin): void {
    const name = given.toLowerCase();
    const parameter = findParameter(name);
    try {
      if (parameter !== undefined) this.#takeWords(parameter, words);
      else this.#otherDirective(name, words, origin);
    } catch (error) {
      throw error instanceof ConfigError ? fatalConfigError(origin, error.message) : error;
    }
  }

  #takeWords(parameter: NamedParameter, words: readonly string[]): void {
    if ((parameter.flags & Flag.Meaningless) !== 0) this.ignored.add(parameter.name);
    const [first] = words;
    if ((parameter.flags & Flag.Multi) === 0 || words.length !== 1 || !first) {
      return this.#take(parameter, words);
    }
    const split = splitArgs(first); // `--save "60 1"`
    if (split === undefined) throw new ConfigError("Unbalanced quotes in configuration line");
    this.#take(parameter, split);
  }

  #otherDirective(name: string, words: readonly string[], origin: Origin): void {
    const [first = ""] = words;
    if (name === "include" && words.length === 1) this.#include(fromLatin1(first));
    else if (name === "rename-command" && words.length === 2) this.renamedCommands.push({ words, origin });
    else if (name === "user" && words.length >= 1) this.users.push({ words, origin });
    else if (name === "loadmodule" && words.length >= 1) throw new ConfigError("Modules are not supported");
    else if (name === "sentinel") throw new ConfigError("sentinel directive while not in sentinel mode");
    else if (!FORGOTTEN.has(name) || words.length !== 1) {
      throw unknownDirective(name, (directive) => `'${directive}'`);
    }
  }

  #include(path: string): void {
    if (this.#includeDepth === MAX_INCLUDE_DEPTH) throw new ConfigError("Too many nested includes");
    this.#includeDepth++;
    this.#loadFile(path);
    this.#includeDepth--;
  }
}
