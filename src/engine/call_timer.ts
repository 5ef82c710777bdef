/**
 * Run times of commands, for INFO commandstats, the slow log, the latency monitor and the turns of
 * the event loop.
 *
 * Reading the clock costs as much as a small command. So a run of calls of the same fast command is
 * timed as one and its time divided, and of short runs one is measured and stands for the calls of
 * those that follow: their number is exact, their time an estimate without bias. Slower commands
 * are timed one by one, and so is every command while `slowlog-log-slower-than` is below a
 * millisecond or the latency monitor watches.
 */
import type { CommandStats } from "../metrics/command_stats.ts";
import type { Args } from "./args.ts";
import type { Client } from "./client.ts";
import { type Command, Flag } from "./command.ts";
import type { Engine } from "./engine.ts";

/** Thresholds of the slow log below this make every command be timed by itself, microseconds. */
const TIME_EACH_BELOW_US = 1000;
/** Commands whose time is measured over a run of calls. */
const TIMED_IN_RUNS = Flag.Fast | Flag.Brief;
/** Calls that a measured run stands for beside its own. */
const ESTIMATED_CALLS = 24;
/** A run with slower calls stands for itself alone, microseconds a call. */
const LONGEST_TYPICAL_US = 20;
/** Longest time that busy clients may keep the others waiting, microseconds. */
const TURN_US = 2000;
/**
 * The same for commands that are timed one by one: a batch of few should not be cut because the
 * machine is slow.
 */
const SLOW_TURN_US = 10_000;
/** Overhead of a batch (system calls, promises), microseconds. */
const BATCH_US = 10;
/** Marks a call that is not measured. */
const UNMEASURED = -1;

/** See the head of this file. */
export class CallTimer {
  readonly #engine: Engine;
  #run: Command | null = null;
  #calls = 0;
  #startedAtUs = 0;
  #timesEach = false;
  /** Known work since the event loop last polled the sockets, microseconds. */
  #turnUs = 0;
  /** The part of that which was done when the batch began. */
  #batchBeganAtUs = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** True if every command is to be timed by itself. */
  get timesEachCommand(): boolean {
    const threshold = this.#engine.config.values.slowlogLogSlowerThan;
    return (threshold >= 0 && threshold < TIME_EACH_BELOW_US) || this.#engine.latency.active;
  }

  /** True if the event loop should poll the sockets before a client with more to do continues. */
  get turnIsOver(): boolean {
    return this.#turnUs >= TURN_US;
  }

  /**
   * True if even the running batch should stop. Time used by others before it began does not cut it
   * short.
   */
  get turnIsLongOver(): boolean {
    return this.#turnUs >= SLOW_TURN_US && this.#turnUs - this.#batchBeganAtUs >= TURN_US;
  }

  /** The sockets have been asked. */
  beginTurn(): void {
    this.#turnUs = 0;
  }

  /** A batch begins. */
  beginBatch(): void {
    this.#batchBeganAtUs = this.#turnUs;
    this.#turnUs += BATCH_US;
    this.#engine.stats.batches++;
    this.#timesEach = this.timesEachCommand;
  }

  /**
   * Run time of batches and their commands since CONFIG RESETSTAT, as far as is known,
   * microseconds.
   */
  get busyUs(): number {
    const { batches, commandUs } = this.#engine.stats;
    return batches * BATCH_US + commandUs;
  }

  #spent(us: number): void {
    this.#turnUs += us;
    this.#engine.stats.commandUs += us;
  }

  /** A client's command begins. */
  begin(cmd: Command): void {
    if (cmd === this.#run && (cmd.flags & TIMED_IN_RUNS) !== 0) return;
    this.finish();
    this.#run = cmd;
    this.#startedAtUs = this.#startOf(cmd);
  }

  /** It has ended, or (`waits`) is to be run again. */
  end(client: Client, cmd: Command, args: Args, waits: boolean): void {
    if (waits) {
      if (this.#calls === 0) this.#run = null;
      return;
    }
    this.#calls++;
    if ((cmd.flags & TIMED_IN_RUNS) !== 0 && !this.#timesEach) return;
    this.#run = null;
    this.#calls = 0;
    const tookUs = this.#engine.clock.monotonicUs() - this.#startedAtUs;
    this.#spent(tookUs);
    this.#engine.commandTook(client, cmd, args, tookUs);
  }

  /** A command begins inside another; pass the result to {@linkcode endNested}. */
  beginNested(cmd: Command): number {
    return this.#startOf(cmd);
  }

  endNested(startedAtUs: number, client: Client, cmd: Command, args: Args): void {
    if (startedAtUs === UNMEASURED) return this.#estimate(cmd, 1);
    const tookUs = this.#engine.clock.monotonicUs() - startedAtUs;
    if ((cmd.flags & TIMED_IN_RUNS) !== 0) this.#learn(cmd, tookUs);
    this.#engine.commandTook(client, cmd, args, tookUs);
  }

  /** Divides the time since the run began among its calls. */
  finish(): void {
    const cmd = this.#run, calls = this.#calls;
    if (cmd === null) return;
    this.#run = null;
    this.#calls = 0;
    if (calls === 0) return;
    if (this.#startedAtUs === UNMEASURED) {
      this.#spent(this.#statsOf(cmd).typicalUs * calls);
      return this.#estimate(cmd, calls);
    }
    const tookUs = this.#engine.clock.monotonicUs() - this.#startedAtUs;
    this.#spent(tookUs);
    this.#learn(cmd, tookUs / calls);
    this.#engine.timeSpent(cmd, tookUs, calls);
  }

  #statsOf(cmd: Command): CommandStats {
    return this.#engine.commands.stats.of(cmd);
  }

  #startOf(cmd: Command): number {
    const isEstimated = this.#statsOf(cmd).callsToEstimate > 0 && !this.#timesEach;
    return isEstimated ? UNMEASURED : this.#engine.clock.monotonicUs();
  }

  #estimate(cmd: Command, calls: number): void {
    const stats = this.#statsOf(cmd);
    stats.callsToEstimate -= calls;
    this.#engine.timeSpent(cmd, stats.typicalUs * calls, calls);
  }

  #learn(cmd: Command, eachUs: number): void {
    const stats = this.#statsOf(cmd);
    stats.typicalUs = eachUs;
    stats.callsToEstimate = eachUs > LONGEST_TYPICAL_US ? 0 : ESTIMATED_CALLS;
  }
}
