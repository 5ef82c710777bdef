import type { EngineLog } from "../../src/engine/ports.ts";

/** A log that keeps its lines, for tests. */
export class RecordedLog implements EngineLog {
  readonly lines: string[] = [];

  debug(_text: string): void {}

  verbose(text: string): void {
    this.lines.push(text);
  }

  notice(text: string): void {
    this.lines.push(text);
  }

  warning(text: string): void {
    this.lines.push(text);
  }
}
