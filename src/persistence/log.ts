/** Where the persistence reports what it does; main hands in the server's log. */
export interface Log {
  debug(text: string): void;
  verbose(text: string): void;
  notice(text: string): void;
  warning(text: string): void;
}

/** What `error` says about itself, for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
