/** The lines typed before, oldest first, and the file that keeps them between sessions. */

/** A bounded list of lines without consecutive duplicates. */
export class History {
  readonly #lines: string[] = [];
  readonly #limit: number;

  constructor(limit = 1000) {
    this.#limit = limit;
  }

  /** Number of lines kept. */
  get length(): number {
    return this.#lines.length;
  }

  /** The line at `index`, oldest first. */
  at(index: number): string | undefined {
    return this.#lines[index];
  }

  /** Adds a line unless it repeats the newest; true if it was added. */
  add(line: string): boolean {
    if (line === this.#lines.at(-1)) return false;
    this.#lines.push(line);
    if (this.#lines.length > this.#limit) this.#lines.shift();
    return true;
  }

  /** All lines, each with a line feed. */
  toString(): string {
    return this.#lines.map((line) => line + "\n").join("");
  }
}

/** Reads `path` into `history`; a missing or unreadable file leaves it empty. */
export function loadHistory(history: History, path: string): void {
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return;
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch {
    return; // a convenience: its loss is not worth a message
  }
  for (const line of text.split("\n")) {
    if (line !== "") history.add(line);
  }
}

/**
 * Writes `history` to `path`, readable by its owner only; gives up silently if that is not
 * permitted.
 */
export function saveHistory(history: History, path: string): void {
  if (Deno.permissions.querySync({ name: "write", path }).state !== "granted") return;
  try {
    Deno.writeTextFileSync(path, history.toString(), { mode: 0o600 });
  } catch {
    return; // see loadHistory
  }
}

const SECRET_PARAMETERS =
  /^(masterauth|masteruser|primaryauth|primaryuser|requirepass|tls-key-file-pass|tls-client-key-file-pass)$/;

/**
 * True for a command that contains a password and therefore stays out of the history: AUTH, ACL
 * SETUSER, HELLO and MIGRATE with credentials, CONFIG SET of secret parameters, and Sentinel's
 * corresponding settings.
 */
export function holdsSecret(args: readonly string[]): boolean {
  const words = args.map((arg) => arg.toLowerCase());
  switch (words[0]) {
    case "auth":
      return true;
    case "acl":
      return words[1] === "setuser";
    case "config":
      return words[1] === "set" && words.some((word) => SECRET_PARAMETERS.test(word));
    case "sentinel":
      return words.some((word) => /^(auth|sentinel)-(pass|user)$/.test(word));
    case "hello":
      return words.includes("auth", 2);
    case "migrate":
      return words.includes("auth", 6) || words.includes("auth2", 6);
    default:
      return false;
  }
}
