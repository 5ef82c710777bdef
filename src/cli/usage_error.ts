/** A command line that cannot be followed: a flag that is unknown, lacks its value or contradicts another. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The refusal of two flags that do not go together. */
export function exclusive(one: string, other: string): UsageError {
  return new UsageError(`Options ${one} and ${other} are mutually exclusive.`);
}
