/** `redeno help [TOPIC]`: the pages of `src/docs/`, which the executable carries. */
import { COMMANDS, HELP_TEXT } from "../config/command_line.ts";
import { variableOf } from "../config/environment.ts";
import { fromLatin1 } from "../config/host.ts";
import { Flag } from "../config/kinds.ts";
import { findParameter, type NamedParameter, PARAMETERS_BY_NAME } from "../config/registry.ts";
import { nearest } from "../util/nearest.ts";

const PAGES = new URL("../docs/", import.meta.url);

/** Topics that are plain files; they are separate because they can be piped into place. */
const FILES: Readonly<Record<string, { url: URL; title: string }>> = {
  systemd: {
    url: new URL("../dist/redeno.service", import.meta.url),
    title: "A unit file for systemd, to be written to /etc/systemd/system/redeno.service",
  },
};

/** Topics and a line on each, sorted. */
export function helpTopics(): [topic: string, title: string][] {
  const pages = [...Deno.readDirSync(PAGES)].filter(({ name }) => name.endsWith(".md"))
    .map(({ name }): [string, string] => [name.slice(0, -".md".length), titleOf(new URL(name, PAGES))]);
  const files = Object.entries(FILES).map(([topic, { title }]): [string, string] => [topic, title]);
  return [...pages, ...files].sort(([a], [b]) => a < b ? -1 : 1);
}

/** The heading of a page. */
function titleOf(page: URL): string {
  return (Deno.readTextFileSync(page).split("\n", 1)[0] ?? "").replace(/^# /, "");
}

/** The text of a topic, or undefined if there is no such page. */
export function helpPage(topic: string): string | undefined {
  const file = Object.hasOwn(FILES, topic) ? FILES[topic] : undefined;
  if (file !== undefined) return Deno.readTextFileSync(file.url);
  if (!helpTopics().some(([name]) => name === topic)) return undefined;
  return Deno.readTextFileSync(new URL(`${topic}.md`, PAGES));
}

/** A directive in a few lines: its default, where it can be set, and whether it has an effect. */
export function directiveHelp(parameter: NamedParameter): string {
  const { name, aliases, flags, initial } = parameter, has = (flag: number) => (flags & flag) !== 0;
  const lines = [
    `${name}, by default ${JSON.stringify(fromLatin1(parameter.print(initial)))}`,
    `  in a file:            ${name} VALUE`,
    `  on the command line:  --${name} VALUE`,
    `  in the environment:   ${variableOf(name)}=VALUE`,
    `  while it runs:        ${has(Flag.Immutable) ? "cannot be changed" : `CONFIG SET ${name} VALUE`}`,
  ];
  if (aliases.length > 0) lines.push(`  older names:          ${aliases.join(", ")}`);
  if (has(Flag.Meaningless)) lines.push("  It is accepted for redis.conf's sake and has no effect here.");
  return lines.join("\n");
}

/** Prints the usage and the list of topics, or one page; returns the exit status. */
export function printHelp(topic: string | undefined): number {
  if (topic === undefined) {
    const lines = helpTopics().map(([name, title]) => `       redeno help ${name.padEnd(14)} ${title}`);
    console.log(`${HELP_TEXT}\nPages:\n${lines.join("\n")}`);
    return 0;
  }
  const page = helpPage(topic.toLowerCase());
  if (page !== undefined) {
    console.log(page.trimEnd());
    return 0;
  }
  const parameter = findParameter(topic);
  if (parameter !== undefined) {
    console.log(directiveHelp(parameter));
    return 0;
  }
  if (COMMANDS.some((command) => command === topic)) {
    console.log(HELP_TEXT);
    return 0;
  }
  const known = [...helpTopics().map(([name]) => name), ...COMMANDS, ...PARAMETERS_BY_NAME.keys()];
  const meant = nearest(topic.toLowerCase(), known);
  const question = meant === undefined ? "" : ` Did you mean 'redeno help ${meant}'?`;
  console.error(`There is no page '${topic}'.${question} 'redeno help' lists what there is.`);
  return 1;
}
