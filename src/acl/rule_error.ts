/** The error for a rule that cannot be applied; the message is Redis's wording. */
export class RuleError extends Error {
  override readonly name = "RuleError";

  /**
   * @param isUnknownName true if a command or category is unknown, which is no fault of the rule's
   * form
   */
  constructor(message: string, readonly isUnknownName = false) {
    super(message);
  }
}

export const ruleSyntax = (): RuleError => new RuleError("Syntax error");

export const unknownName = (): RuleError => new RuleError("Unknown command or category name in ACL", true);

export const firstArgOfSubcommand = (): RuleError =>
  new RuleError("Allowing first-arg of a subcommand is not supported");

export const noSuchPassword = (): RuleError =>
  new RuleError("The password you are trying to remove from the user does not exist");

export const badHash = (): RuleError =>
  new RuleError(
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters",
  );

export const duplicateUser = (): RuleError =>
  new RuleError("Duplicate user found. A user can only be defined once in config files");

/** A pattern that adds nothing to `*`. */
export function uselessPattern(kind: "keys" | "channels"): RuleError {
  const listed = kind === "keys" ? "patterns" : "channels";
  return new RuleError(
    `Adding a pattern after the * pattern (or the 'all${kind}' flag) is not valid and does not have any effect. ` +
      `Try 'reset${kind}' to start with an empty list of ${listed}`,
  );
}
