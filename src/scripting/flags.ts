/** Flags of scripts and functions, and the check of their names. */
import { Flag } from "../engine/command.ts";

/** Flags of a script, as bits. */
export const ScriptFlag = {
  NoWrites: 1 << 0,
  AllowOom: 1 << 1,
  AllowStale: 1 << 2,
  NoCluster: 1 << 3,
  /** It has no such first line: the permissions of its calls are determined one by one. */
  Compatible: 1 << 4,
  AllowCrossSlotKeys: 1 << 5,
} as const;

const named: readonly (readonly [name: string, flag: number])[] = [
  ["no-writes", ScriptFlag.NoWrites],
  ["allow-oom", ScriptFlag.AllowOom],
  ["allow-stale", ScriptFlag.AllowStale],
  ["no-cluster", ScriptFlag.NoCluster],
  ["allow-cross-slot-keys", ScriptFlag.AllowCrossSlotKeys],
];

/** The flags of a command that runs a script with the given flags. */
export function flagsOfRun(commandFlags: number, flags: number): number {
  if ((flags & ScriptFlag.Compatible) !== 0) return commandFlags;
  const mayWrite = (flags & ScriptFlag.NoWrites) === 0;
  let result = commandFlags & ~(Flag.Stale | Flag.DenyOom | Flag.Write | Flag.MayReplicate);
  if (mayWrite) result |= Flag.Write;
  if (mayWrite && (flags & ScriptFlag.AllowOom) === 0) result |= Flag.DenyOom;
  if ((flags & ScriptFlag.AllowStale) !== 0) result |= Flag.Stale;
  return result;
}

/** The flag of that name, or undefined. */
export function scriptFlag(name: string): number | undefined {
  return named.find(([own]) => own === name)?.[1];
}

/** The names of the flags that are set. */
export function scriptFlagNames(flags: number): string[] {
  return named.filter(([, flag]) => (flags & flag) !== 0).map(([name]) => name);
}

/** True if the name is valid for a library or a function. */
export function isValidName(name: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(name);
}

/** The error for an invalid name. */
export const INVALID_NAME =
  "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";
