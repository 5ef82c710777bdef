/** An invalid command line: a flag that is unknown, lacks its value or contradicts another. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The error for two flags that exclude each other. */
export function exclusive(one: string, other: string): UsageError {
  return new UsageError(`Options ${one} and ${other} are mutually exclusive.`);
}
