/**
 * The scripts of one server: runs them, lets the server answer while one takes long, and keeps the
 * loaded ones.
 *
 * A script is part of the unit of the command that called it: its writes are propagated as one
 * transaction. While one runs longer than `busy-reply-threshold`, the unit stays open between its
 * slices: `EngineGuard.Busy` refuses all but a few commands, and keeps the writes from being
 * propagated in parts.
 */
import type { Args } from "../engine/args.ts";
import { Client, ClientFlag, silentTransport } from "../engine/client.ts";
import { acceptsCount, type Command, Flag } from "../engine/command.ts";
import type { CommandContext } from "../engine/context.ts";
import type { Engine } from "../engine/engine.ts";
import { SinkKind } from "../engine/propagation.ts";
import { EngineGuard, OBEYED, refusalInScript } from "../engine/refusals.ts";
import {
  BUSY_FUNCTION,
  BUSY_SCRIPT,
  HAS_WRITTEN,
  KEYS_NEGATIVE,
  KEYS_TOO_MANY,
  MASTERDOWN,
  NOREPLICAS,
  NOT_BUSY,
  NOT_IN_SCRIPTS,
  OOM_SCRIPT,
  READONLY_SCRIPT,
  ReplyError,
  SENT_BY_PRIMARY,
  STALE_SCRIPT,
  UNKNOWN_IN_SCRIPT,
  WRITING_SCRIPT_IN_RO,
  WRONG_ARITY_IN_SCRIPT,
} from "../protocol/errors.ts";
import { ScriptFlag } from "./flags.ts";
import { Libraries } from "./function_libraries.ts";
import { ScriptCache } from "./script_cache.ts";
import type { ScriptError, ScriptHost, ScriptMachine } from "./script_host.ts";
import { ScriptRun } from "./script_run.ts";

const KILL_TEXT = "Script killed by user with SCRIPT KILL...";

/** The number of keys in a call of EVAL or FCALL. */
export function keyCount(args: Args, notInteger?: ReplyError): number {
  const count = args.int(2, notInteger);
  if (count > args.count - 3) throw KEYS_TOO_MANY;
  if (count < 0) throw KEYS_NEGATIVE;
  return count;
}

/** Time slice of a suspended script before other clients have their turn again, microseconds. */
const SLICE_US = 4000;

/** A script or function that can be run. */
export interface Runnable {
  /** The SHA1 of a script, the name of a function. */
  name: string;
  flags: number;
  isFunction: boolean;
  /**
   * It has no loop, so it need not be suspendable; being suspendable costs 2 µs even if it is never
   * suspended.
   */
  isBrief: boolean;
  machine: ScriptMachine;
  /** The machine's reference to the compiled script or function. */
  ref: number;
}

/** See {@linkcode Scripting.memory}. */
export interface ScriptMemory {
  scripts: number;
  libraries: number;
  evalMachine: number;
  functionMachine: number;
}

const scriptings = new WeakMap<Engine, Scripting>();

/** See the head of this file. */
export class Scripting implements ScriptHost {
  current: ScriptRun | null = null;
  readonly scripts: ScriptCache = new ScriptCache(this, () => this.engine.stats.evictedScripts++);
  readonly libraries: Libraries = new Libraries(this);
  #client: Client | null = null;
  #machine: ScriptMachine | null = null;

  private constructor(readonly engine: Engine) {
    engine.memory.others.push(() => {
      const { scripts, libraries, evalMachine, functionMachine } = this.memory;
      return scripts + libraries + evalMachine + functionMachine;
    });
  }

  /** Bytes in use by scripts, function libraries and the machines of both. */
  get memory(): ScriptMemory {
    const { scripts, libraries } = this;
    return {
      scripts: scripts.memoryBytes,
      libraries: libraries.memoryBytes,
      evalMachine: scripts.machineBytes,
      functionMachine: libraries.machineBytes,
    };
  }

  /** The scripts of `engine`. */
  static of(engine: Engine): Scripting {
    let scripting = scriptings.get(engine);
    if (scripting === undefined) {
      scripting = new Scripting(engine);
      scriptings.set(engine, scripting);
    }
    return scripting;
  }

  get client(): Client {
    this.#client ??= new Client(this.engine.databases[0]!, 0, silentTransport, this.engine.nowMs);
    return this.#client;
  }

  /** The time of day in microseconds, which is frozen while a script runs. */
  get timeUs(): number {
    const { current, engine } = this;
    if (current === null) return engine.clock.nowUs();
    return current.timeUs ??= engine.clock.nowUs();
  }

  // ---- Running ----------------------------------------------------------------------------------

  /**
   * Runs a script or function for the command `ctx` runs, and replies; or blocks its client until
   * the end.
   */
  run(ctx: CommandContext, args: Args, what: Runnable, keys: number, isReadOnly: boolean): void {
    if (this.current !== null) throw NOT_IN_SCRIPTS;
    const run = this.#prepare(ctx, args, what, isReadOnly);
    const { machine } = what;
    this.current = run;
    this.#machine = machine;
    try {
      machine.run(what.ref, run, keys)?.then(
        () => this.#continued(run),
        (error) => this.#broken(run, error),
      );
    } catch (error) {
      this.#broken(run, error);
    }
    ctx.sinkKinds = SinkKind.All;
    if (run.isFinished) this.#answer(run, machine);
    else if (run.isBusy) this.#detach(ctx, run);
    else this.#fail(run, "stack overflow");
    ctx.propagateNothing();
  }

  /** Checks that the script may run at all, and sets up the client that makes its calls. */
  #prepare(ctx: CommandContext, args: Args, what: Runnable, isReadOnly: boolean): ScriptRun {
    const { engine } = this, caller = ctx.client;
    const isOutOfMemory = (engine.guards & EngineGuard.Memory) !== 0 && !engine.memory.makeRoom();
    const isStrict = (what.flags & ScriptFlag.Compatible) === 0;
    if (isStrict) this.#checkFlags(caller, what.flags, isReadOnly, isOutOfMemory);
    else if ((engine.guards & EngineGuard.Stale) !== 0) throw MASTERDOWN;
    const { client } = this;
    client.flags = ClientFlag.Script | ClientFlag.DenyBlocking | (caller.flags & OBEYED);
    client.user = caller.user;
    engine.access.guard(client);
    client.reply.resp = 2;
    engine.selectDatabase(client, caller.databaseId);
    const run = new ScriptRun(what.name, what.isFunction, caller, args);
    run.isReadOnly = isReadOnly || (isStrict && (what.flags & ScriptFlag.NoWrites) !== 0);
    run.mayExceedMemory = isStrict && (what.flags & ScriptFlag.AllowOom) !== 0;
    run.wasOutOfMemory = isOutOfMemory;
    run.maySuspend = !what.isBrief && !caller.has(ClientFlag.Script | OBEYED);
    run.startedAtUs = engine.clock.monotonicUs();
    run.startedAtMs = engine.nowMs;
    return run;
  }

  /** Checks the declared flags of a script against the server's state. */
  #checkFlags(caller: Client, flags: number, isReadOnly: boolean, isOutOfMemory: boolean): void {
    const { engine } = this, { guards } = engine;
    if ((guards & EngineGuard.Stale) !== 0 && (flags & ScriptFlag.AllowStale) === 0) {
      throw STALE_SCRIPT;
    }
    const mayWrite = (flags & ScriptFlag.NoWrites) === 0;
    if (mayWrite) this.#checkMayWrite(caller, isReadOnly);
    if (isOutOfMemory && mayWrite && (flags & ScriptFlag.AllowOom) === 0) {
      throw OOM_SCRIPT;
    }
  }

  #checkMayWrite(caller: Client, isReadOnly: boolean): void {
    const { engine } = this, { guards } = engine, isObeyed = caller.has(OBEYED);
    if ((guards & EngineGuard.ReadOnly) !== 0 && !isObeyed) {
      throw READONLY_SCRIPT;
    }
    const failed = (guards & EngineGuard.Disk) !== 0 && !isObeyed ? engine.disk.diskError : null;
    if (failed !== null) throw deniedByDisk(failed);
    if (isReadOnly) throw WRITING_SCRIPT_IN_RO;
    if ((guards & EngineGuard.TooFewReplicas) !== 0) throw NOREPLICAS;
  }

  // ---- Calls of commands ------------------------------------------------------------------------

  callCommand(args: Args): ReplyError | null {
    const { engine, client } = this, run = this.current!;
    const cmd = this.#commandFor(args);
    if (cmd instanceof ReplyError) {
      engine.stats.countError(cmd.code);
      return cmd;
    }
    const refused = refusalInScript(engine, client, run, cmd, args);
    if (refused !== null) {
      engine.stats.countError(refused.code);
      engine.commands.stats.of(cmd).rejectedCalls++;
      return refused;
    }
    if ((cmd.flags & Flag.Write) !== 0) run.hasWritten = true;
    engine.context.sinkKinds = run.sinkKinds;
    engine.call(client, cmd, args);
    engine.context.sinkKinds = SinkKind.All;
    return null;
  }

  #commandFor(args: Args): Command | ReplyError {
    const { commands } = this.engine, cmd = commands.resolve(args);
    if (cmd === undefined) return UNKNOWN_IN_SCRIPT;
    if (acceptsCount(cmd, args.count)) return cmd;
    commands.stats.of(cmd).rejectedCalls++;
    return WRONG_ARITY_IN_SCRIPT;
  }

  // ---- Long scripts -----------------------------------------------------------------------------

  interrupt(): "continue" | "suspend" | { readonly kill: string } {
    const run = this.current;
    if (run === null) return this.libraries.interrupt();
    if (run.isKilled) {
      this.engine.log.warning("Lua script killed by user with SCRIPT KILL.");
      return { kill: KILL_TEXT };
    }
    const { busyReplyThreshold } = this.engine.config.values;
    if (!run.maySuspend || busyReplyThreshold === 0) return "continue";
    const nowUs = this.engine.clock.monotonicUs();
    if (run.isBusy) return nowUs - run.resumedAtUs < SLICE_US ? "continue" : "suspend";
    const elapsedMs = (nowUs - run.startedAtUs) / 1000;
    if (elapsedMs < busyReplyThreshold) return "continue";
    this.#becomeBusy(run, Math.floor(elapsedMs));
    return "suspend";
  }

  #becomeBusy(run: ScriptRun, elapsedMs: number): void {
    const { engine } = this;
    run.isBusy = true;
    engine.log.warning(
      `Slow script detected: still in execution after ${elapsedMs} milliseconds. You can try killing the script using the ${
        run.isFunction ? "FUNCTION" : "SCRIPT"
      } KILL command. Script name is: ${run.name}.`,
    );
    engine.busyWithFunction = run.isFunction;
    engine.setGuard(EngineGuard.Busy, true);
  }

  /** Blocks the client that called a script until it ends. */
  #detach(ctx: CommandContext, run: ScriptRun): void {
    run.args = run.args.copy();
    run.held = this.engine.waiting.hold(run.caller, ctx.cmd, run.args);
  }

  suspended(): void {
    if (this.current !== null && this.current.held !== null) this.engine.leaveUnit();
  }

  resumed(): void {
    const run = this.current;
    if (run === null) return;
    // A script sees one time from start to end.
    this.engine.nowMs = run.startedAtMs;
    run.resumedAtUs = this.engine.clock.monotonicUs();
    this.engine.resumeUnit(run.caller);
  }

  finished(succeeded: boolean): void {
    const run = this.current;
    if (run === null) return;
    run.hasFailed = !succeeded;
    run.isFinished = true;
    if (run.held === null) return;
    run.replyMark = run.caller.reply.length;
    run.hasFailed = !this.#answer(run, this.#machine!);
    this.engine.leaveUnit();
  }

  /**
   * A script's promise has resolved: if it was suspended in between, its client still waits and its
   * unit is still open. An EXEC around it continues; another script in it may be suspended in turn.
   */
  #continued(run: ScriptRun): void {
    const { held, caller } = run, { engine } = this;
    if (held === null) return;
    engine.detachedRan(
      caller,
      held.cmd,
      held.args,
      !run.hasFailed,
      engine.clock.monotonicUs() - run.startedAtUs,
    );
    engine.waiting.remove(caller);
    if (held.afterwards !== undefined) {
      engine.resumeUnit(caller);
      held.afterwards();
      engine.leaveUnit();
    }
    if (this.current !== null) {
      if (caller.isSilenced) caller.reply.rewind(run.replyMark);
      return;
    }
    engine.setGuard(EngineGuard.Busy, false);
    engine.endUnit();
    engine.releaseDetached(caller, run.replyMark);
    engine.endBatch();
  }

  /** The machine has broken while running a script, at once or in a later slice. */
  #broken(run: ScriptRun, error: unknown): void {
    if (run.isFinished) return;
    run.isFinished = true;
    run.hasFailed = true;
    this.engine.log.warning(`A script has broken its machine: ${error}`);
    this.#fail(run, "stack overflow");
    if (run.held === null) return;
    this.engine.leaveUnit();
    this.#continued(run);
  }

  // ---- The end of a script ----------------------------------------------------------------------

  /** Replies with a script's result or error; false for an error. */
  #answer(run: ScriptRun, machine: ScriptMachine): boolean {
    if (this.current !== run) return false;
    const { reply } = run.caller;
    let succeeded = !run.hasFailed;
    try {
      if (succeeded) {
        machine.writeResult(reply, this.client.reply.resp === 3, (error) => {
          succeeded = false;
          this.#count(error);
        });
      } else {
        const error = machine.readError(run.name);
        this.#count(error);
        reply.error(new ReplyError(error.text));
      }
    } catch (error) {
      this.engine.log.warning(`A script's result could not be read: ${error}`);
      machine.isBroken = true;
      reply.error(new ReplyError(`ERR Error running script ${run.name}, not enough memory`));
    }
    this.#end(machine);
    if (!succeeded) this.engine.countFailure();
    return succeeded;
  }

  #count({ text, isCounted }: ScriptError): void {
    if (!isCounted) this.engine.stats.countError(new ReplyError(text).code);
  }

  /** A script has ended without a readable result. */
  #fail(run: ScriptRun, reason: string): void {
    const machine = this.#machine;
    if (this.current !== run || machine === null) return;
    machine.isBroken = true;
    this.engine.replyError(run.caller, new ReplyError(`ERR Error running script ${run.name}, ${reason}`));
    this.engine.countFailure();
    this.#end(machine);
  }

  #end(machine: ScriptMachine): void {
    this.current = null;
    this.#machine = null;
    if (!machine.isBroken) machine.clear();
  }

  /** SCRIPT KILL and FUNCTION KILL. */
  kill(isFunction: boolean): void {
    const run = this.current;
    if (run === null) throw NOT_BUSY;
    if (run.caller.has(OBEYED)) throw SENT_BY_PRIMARY;
    if (run.hasWritten) throw HAS_WRITTEN;
    if (run.isFunction !== isFunction) throw run.isFunction ? BUSY_FUNCTION : BUSY_SCRIPT;
    run.isKilled = true;
  }

  /** Throws while a script of EVAL keeps the server busy. */
  refuseWhileEvalRuns(): void {
    if (this.current !== null && !this.current.isFunction) throw BUSY_SCRIPT;
  }
}

/** The reason why a flagged script may not run while the disk refuses writes. */
function deniedByDisk({ text }: ReplyError): ReplyError {
  const aof = /^MISCONF Errors writing to the AOF file: (.*)$/.exec(text);
  return new ReplyError(
    aof === null
      ? "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only scripts."
      : `MISCONF Redis is configured to persist data to AOF, but it's currently unable to persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only scripts. AOF error: ${
        aof[1]
      }`,
  );
}
