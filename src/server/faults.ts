/** The last resort against bugs: what nobody has caught. */
import type { EngineLog } from "../engine/ports.ts";

/** Logs exceptions that nobody has caught, and lets the server live on: one task has failed, not the data. */
export function surviveFaults(log: EngineLog): void {
  const report = (event: Event, fault: unknown) => {
    event.preventDefault();
    log.warning(`Uncaught exception: ${fault instanceof Error ? fault.stack : String(fault)}`);
  };
  addEventListener("error", (event) => report(event, event.error));
  addEventListener("unhandledrejection", (event) => report(event, event.reason));
}
