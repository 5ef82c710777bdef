/** The message of something thrown, or its text if it is no error. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
