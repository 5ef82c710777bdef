/**
 * Counters of each command, for INFO's commandstats and latencystats, and for the timing of calls.
 */
import type { Histogram } from "../util/histogram.ts";

/** Counters of one command. */
export interface CommandStats {
  calls: number;
  microseconds: number;
  rejectedCalls: number;
  failedCalls: number;
  /** Duration of a call when last measured, microseconds. */
  typicalUs: number;
  /** Number of further calls to which that duration is attributed unmeasured. */
  callsToEstimate: number;
  /** Durations of all calls since `latency-tracking` was first on. */
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
 * The counters of all commands of one server. The commands themselves are shared by all servers of
 * the process, so the counters are kept here, by command number.
 */
export class CommandStatistics {
  readonly #byId: CommandStats[] = [];

  /** The counters of a command: always the same object, also after {@linkcode reset}. */
  of(cmd: { readonly id: number }): CommandStats {
    return this.#byId[cmd.id] ?? this.#extend(cmd.id);
  }

  /** Counts a finished call. */
  countCall(cmd: { readonly id: number }, succeeded: boolean): void {
    const stats = this.of(cmd);
    stats.calls++;
    if (!succeeded) stats.failedCalls++;
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    for (const stats of this.#byId) Object.assign(stats, freshStats());
  }

  /** Adds counters up to `id`, without gaps. */
  #extend(id: number): CommandStats {
    while (this.#byId.length <= id) this.#byId.push(freshStats());
    return this.#byId[id]!;
  }
}
