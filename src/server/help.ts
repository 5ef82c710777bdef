/** `redeno help [TOPIC]`: the pages of `src/docs/`, which the executable carries. */
import { COMMANDS, HELP_TEXT } from "../config/command_line.ts";
import { nearest } from "../util/nearest.ts";

const PAGES = new URL("../docs/", import.meta.url);

/** Topics that are other files, told apart by what they are for: they can be piped into their place. */
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

/** The text of a topic, or nothing where there is no such page. */
export function helpPage(topic: string): string | undefined {
  const file = Object.hasOwn(FILES, topic) ? FILES[topic] : undefined;
  if (file !== undefined) return Deno.readTextFileSync(file.url);
  if (!helpTopics().some(([name]) => name === topic)) return undefined;
  return Deno.readTextFileSync(new URL(`${topic}.md`, PAGES));
}

/** Prints the usage and the list of topics, or one page; returns the exit status. */
export function printHelp(topic: string | undefined): number {
  if (topic === undefined) {
    const lines = helpTopics().map(([name, title]) => `       redeno help ${name.padEnd(12)} ${title}`);
    console.log(`${HELP_TEXT}\nPages:\n${lines.join("\n")}`);
    return 0;
  }
  const page = helpPage(topic.toLowerCase());
  if (page !== undefined) {
    console.log(page.trimEnd());
    return 0;
  }
  if (COMMANDS.some((command) => command === topic)) {
    console.log(HELP_TEXT);
    return 0;
  }
  const meant = nearest(topic.toLowerCase(), helpTopics().map(([name]) => name));
  const question = meant === undefined ? "" : ` Did you mean 'redeno help ${meant}'?`;
  console.error(`There is no page '${topic}'.${question} 'redeno help' lists what there is.`);
  return 1;
}
