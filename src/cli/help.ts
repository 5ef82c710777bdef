/**
 * The client's knowledge of the server's commands, all of it from the server's own COMMAND DOCS:
 * the syntax shown as a hint behind the cursor, the names that Tab completes, and the pages of
 * `help`.
 */
import { splitArgs } from "../util/sds_split.ts";
import { type Reply, replyItems, replyMap, replyText } from "./reply.ts";

/** A command or subcommand. */
export interface CommandHelp {
  /** `["CONFIG", "SET"]`, in capitals. */
  readonly words: readonly string[];
  /** The syntax of its arguments: `key value [NX|XX]`. */
  readonly syntax: string;
  readonly summary: string;
  readonly since: string;
  readonly group: string;
}

const GENERAL_HELP = `redeno cli
To get help about commands type:
      "help @<group>" to get a list of commands in <group>
      "help <command>" for help on <command>
      "help <tab>" to get a list of possible help topics
      "quit" to exit

To set preferences for this session:
      ":set hints" enable online hints
      ":set nohints" disable online hints
`;

/** All commands of a server. */
export class HelpIndex {
  readonly #commands: readonly CommandHelp[];
  readonly #topics: readonly string[];

  /** @param docs the reply to COMMAND DOCS; anything else gives an empty index */
  constructor(docs?: Reply) {
    const commands = docs === undefined ? [] : readDocs(docs, []);
    this.#commands = commands.sort((a, b) => compare(fullName(a), fullName(b)));
    const groups = new Set(commands.map((command) => `@${command.group}`));
    this.#topics = [...groups].sort().concat(this.#commands.map(fullName));
  }

  /** True while the server's commands are unknown. */
  get isEmpty(): boolean {
    return this.#commands.length === 0;
  }

  /** The part of the command's syntax that is not yet in `line`, preceded by a space if needed. */
  hint(line: string): string {
    const words = splitArgs(line);
    if (words === undefined || words.length === 0) return "";
    const command = this.#find(words);
    if (command === undefined) return "";
    const rest = withoutArguments(command.syntax, words.length - command.words.length);
    return rest === "" || /\s$/.test(line) ? rest : " " + rest;
  }

  /** The possible completions of `line`: names of commands, after `help ` also names of groups. */
  complete(line: string): string[] {
    const help = /^help\s+/i.exec(line)?.[0] ?? "";
    const topics = help === "" ? this.#commands.map(fullName) : this.#topics;
    const start = line.slice(help.length).toUpperCase();
    return topics.filter((topic) => topic.toUpperCase().startsWith(start)).map((topic) => help + topic);
  }

  /** The page that `help words…` prints. */
  page(words: readonly string[]): string {
    const [first] = words;
    if (first === undefined) return GENERAL_HELP;
    const isGroup = first.startsWith("@");
    const matches = this.#commands.filter((command) =>
      isGroup ? command.group === first.slice(1).toLowerCase() : startsWithWords(command.words, words)
    );
    return matches.map((command) => describe(command, !isGroup)).join("") + "\r\n";
  }

  /** The command with the longest name at the start of `words`. */
  #find(words: readonly string[]): CommandHelp | undefined {
    let best: CommandHelp | undefined;
    for (const command of this.#commands) {
      const isLonger = best === undefined || command.words.length > best.words.length;
      if (isLonger && startsWithWords(words, command.words)) best = command;
    }
    return best;
  }
}

function fullName(command: CommandHelp): string {
  return command.words.join(" ");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function startsWithWords(words: readonly string[], start: readonly string[]): boolean {
  return start.length <= words.length &&
    start.every((word, i) => word.toUpperCase() === words[i]!.toUpperCase());
}

/**
 * Drops one word of the syntax for each argument typed, but nothing from the first optional one on.
 */
function withoutArguments(syntax: string, count: number): string {
  let rest = syntax;
  for (let dropped = 0; dropped < count && rest !== "" && !rest.startsWith("["); dropped++) {
    const space = rest.indexOf(" ");
    rest = space < 0 ? "" : rest.slice(space + 1);
  }
  return rest;
}

function describe(command: CommandHelp, withGroup: boolean): string {
  return `\r\n  \x1b[1m${fullName(command)}\x1b[0m \x1b[90m${command.syntax}\x1b[0m\r\n` +
    `  \x1b[33msummary:\x1b[0m ${command.summary}\r\n` +
    `  \x1b[33msince:\x1b[0m ${command.since}\r\n` +
    (withGroup ? `  \x1b[33mgroup:\x1b[0m ${command.group}\r\n` : "");
}

/** Parses a map of names to docs; a subcommand's name is `container|sub`. */
function readDocs(docs: Reply, container: readonly string[]): CommandHelp[] {
  const commands: CommandHelp[] = [];
  for (const [name, reply] of replyMap(docs)) {
    const fields = replyMap(reply);
    const words = [...container, (name.split("|").at(-1) ?? name).toUpperCase()];
    commands.push({
      words,
      syntax: syntaxOf(fields.get("arguments"), " "),
      summary: textField(fields, "summary"),
      since: textField(fields, "since"),
      group: textField(fields, "group"),
    });
    const subcommands = fields.get("subcommands");
    if (subcommands !== undefined) commands.push(...readDocs(subcommands, words));
  }
  return commands;
}

function textField(fields: ReadonlyMap<string, Reply>, name: string): string {
  const field = fields.get(name);
  return (field === undefined ? undefined : replyText(field)) ?? "";
}

function syntaxOf(args: Reply | undefined, separator: string): string {
  return args === undefined ? "" : replyItems(args).map(argumentSyntax).join(separator);
}

function argumentSyntax(argument: Reply): string {
  const fields = replyMap(argument);
  const flags = new Set(replyItems(fields.get("flags") ?? argument).map(replyText));
  const type = textField(fields, "type");
  const token = fields.has("token") ? textField(fields, "token") || '""' : "";
  const value = valueSyntax(type, fields);
  const prefix = token !== "" && value !== "" ? token + " " : token;
  const again = flags.has("multiple_token") ? prefix + value : value;
  const syntax = prefix + value + (flags.has("multiple") ? ` [${again} ...]` : "");
  return flags.has("optional") ? `[${syntax}]` : syntax;
}

function valueSyntax(type: string, fields: ReadonlyMap<string, Reply>): string {
  switch (type) {
    case "pure-token":
      return "";
    case "oneof":
      return syntaxOf(fields.get("arguments"), "|");
    case "block":
      return syntaxOf(fields.get("arguments"), " ");
    default:
      return textField(fields, "name") || '""';
  }
}
