/** The last resort against bugs: uncaught exceptions. */
import type { EngineLog } from "../engine/ports.ts";

/** Logs uncaught exceptions and keeps the server alive: one task has failed, not the data. */
export function surviveFaults(log: EngineLog): void {
  const report = (event: Event, fault: unknown) => {
    event.preventDefault();
    log.warning(`Uncaught exception: ${fault instanceof Error ? fault.stack : String(fault)}`);
  };
  addEventListener("error", (event) => report(event, event.error));
  addEventListener("unhandledrejection", (event) => report(event, event.reason));
}
