/** All commands: the groups joined. */
import { CommandTable } from "../engine/command_table.ts";
import type { Command } from "../engine/command.ts";
import { stringCommands } from "./string.ts";

const groups: readonly (readonly Command[])[] = [
  stringCommands,
];

/** A fresh table of every command; `rename-command` changes only this one. */
export function createCommandTable(): CommandTable {
  return new CommandTable(groups.flat());
}
