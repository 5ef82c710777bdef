/** `pidfile`: a file with the process id of the server, for as long as it runs. */
import type { EngineLog } from "../engine/ports.ts";
import { errorText } from "../util/error_text.ts";

/** The file that `pidfile` names. */
export class PidFile {
  #isWritten = false;

  /** @param path "" for none */
  constructor(readonly path: string, readonly log: EngineLog) {}

  /** Writes the process id. A failure is only logged: the server works without the file. */
  write(): void {
    if (this.path === "") return;
    try {
      Deno.writeTextFileSync(this.path, `${Deno.pid}\n`);
      this.#isWritten = true;
    } catch (error) {
      const reason = errorText(error);
      this.log.verbose(`Failed to write PID file ${this.path}: ${reason}`);
    }
  }

  /** Removes the file, if it exists and is this process's own. */
  remove(): void {
    if (!this.#isWritten) return;
    this.#isWritten = false;
    try {
      if (Deno.readTextFileSync(this.path).trim() === String(Deno.pid)) Deno.removeSync(this.path);
    } catch {
      // It is already gone.
    }
  }
}
