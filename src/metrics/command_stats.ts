/** Counters of each command, for INFO's commandstats and latencystats, and for the timing of calls. */
import type { Histogram } from "../util/histogram.ts";

/** Counters of one command. */
export interface CommandStats {
  calls: number;
  microseconds: number;
  rejectedCalls: number;
  failedCalls: number;
  /** Duration of a call when last measured, microseconds. */
  typicalUs: number;
  /** Calls still to be taken to last as long. */
  callsToEstimate: number;
  /** Durations of all calls since the first one under `latency-tracking`. */
  latency: Histogram | null;
}

function freshStats(): CommandStats {
  return {
    calls: 0,
    microseconds: 0,
    rejectedCalls: 0,
    failedCalls: 0,
    typicalUs: 0,
    callsToEstimate: 0,
    latency: null,
  };
}

/**
 * The counters of all commands of one server. Commands themselves are shared by every server of the process, so their
 * counters stand here, by the number of the command.
 */
export class CommandStatistics {
  readonly #byId: CommandStats[] = [];

  /** The counters of a command: the same object every time, also after {@linkcode reset}. */
  of(cmd: { readonly id: number }): CommandStats {
    return this.#byId[cmd.id] ?? this.#extend(cmd.id);
  }

  /** Counts a call that has come to its end. */
  countCall(cmd: { readonly id: number }, succeeded: boolean): void {
    const stats = this.of(cmd);
    stats.calls++;
    if (!succeeded) stats.failedCalls++;
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    for (const stats of this.#byId) Object.assign(stats, freshStats());
  }

  /** Adds counters up to those of `id`, without a hole. */
  #extend(id: number): CommandStats {
    while (this.#byId.length <= id) this.#byId.push(freshStats());
    return this.#byId[id]!;
  }
}
