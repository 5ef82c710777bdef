/** INFO: the state of the server, for people and for monitoring. */
import type { Args } from "../../engine/args.ts";
import { type Command, command, Flag, stringArg } from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import type { Engine } from "../../engine/engine.ts";
import {
  clientFields,
  commandFields,
  cpuFields,
  errorFields,
  type InfoField,
  keyspaceFields,
  latencyFields,
  memoryFields,
  serverFields,
  statsFields,
} from "./info_fields.ts";
import { replicationFields } from "../../replication/info.ts";

interface Section {
  /** The name INFO accepts. */
  name: string;
  title: string;
  /** The collective name that includes it, besides `everything`. */
  in: "default" | "all";
  fields: (engine: Engine) => readonly InfoField[];
}

function section(title: string, fields: Section["fields"], group: Section["in"] = "default"): Section {
  return { name: title.toLowerCase(), title, in: group, fields };
}

/** In printing order. */
const sections: readonly Section[] = [
  section("Server", serverFields),
  section("Clients", clientFields),
  section("Memory", memoryFields),
  section("Persistence", (engine) => engine.persistence?.infoFields() ?? []),
  section("Stats", statsFields),
  section("Replication", replicationFields),
  section("CPU", cpuFields),
  section("Modules", () => []),
  section("Commandstats", commandFields, "all"),
  section("Errorstats", errorFields),
  section("Latencystats", latencyFields, "all"),
  section("Cluster", () => [["cluster_enabled", 0]]),
  section("Keyspace", keyspaceFields),
];

const collective: Readonly<Record<string, (section: Section) => boolean>> = {
  default: (section) => section.in === "default",
  // Modules are left out, as everywhere: there are none.
  all: (section) => section.name !== "modules",
  everything: () => true,
};

/** The sections selected by names, each once. */
function chosenSections(names: readonly string[]): Section[] {
  return sections.filter((section) =>
    names.some((name) => Object.hasOwn(collective, name) ? collective[name]!(section) : name === section.name)
  );
}

/** INFO's text for these sections, a latin1 string. */
function infoText(engine: Engine, names: readonly string[]): string {
  const texts = chosenSections(names).map((section) => {
    const lines = section.fields(engine).map(([name, value]) => `${name}:${value}\r\n`);
    return `# ${section.title}\r\n${lines.join("")}`;
  });
  return texts.join("\r\n");
}

function info(ctx: CommandContext, args: Args): void {
  const names = args.count === 1 ? ["default"] : args.strings(1).map((name) => name.toLowerCase());
  ctx.reply.verbatim("txt", infoText(ctx.engine, names));
}

/** The commands of this group; `table.ts` joins the groups. */
export const infoCommands: readonly Command[] = [
  command({
    name: "info",
    group: "server",
    since: "1.0.0",
    arity: -1,
    flags: Flag.Loading | Flag.Stale,
    args: [stringArg("section", { optional: true, multiple: true })],
    summary: "Describes the server in sections of `name:value` lines.",
    complexity: "O(1)",
    history: [["7.0.0", "Several sections in one call."]],
    categories: ["dangerous"],
    tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    handler: info,
  }),
];
