/** One run of a script: its caller, its permissions, its effects so far. */
import type { Args } from "../engine/args.ts";
import type { BlockedState, Client } from "../engine/client.ts";
import type { ScriptState } from "../engine/refusals.ts";
import { SinkKind } from "../engine/propagation.ts";

/** A running script and its state. */
export class ScriptRun implements ScriptState {
  /** It must not write. */
  isReadOnly = false;
  /** It may write although memory is short. */
  mayExceedMemory = false;
  /** Memory was short at its start. */
  wasOutOfMemory = false;
  /** It can be suspended: it is not part of a file being replayed. */
  maySuspend = false;
  /** Its start, on the monotonic clock. */
  startedAtUs = 0;
  /** Its start, Unix milliseconds. */
  startedAtMs = 0;
  /** It has called a command that writes: from here on it cannot be undone, refused or killed. */
  hasWritten = false;
  /** It has been running longer than `busy-reply-threshold`. */
  isBusy = false;
  isKilled = false;
  /**
   * The wait of its client, once it has been suspended and the command that began it has returned.
   */
  held: BlockedState | null = null;
  /** Its last continuation, on the monotonic clock. */
  resumedAtUs = 0;
  /** Length of the client's replies before this script's, once it has finished. */
  replyMark = 0;
  /** Its machine holds its result or its error. */
  isFinished = false;
  /** It has ended, or answered, with an error. */
  hasFailed = false;
  /** TIME's reply to it, fixed at the first call. */
  timeUs: number | null = null;
  /** Destinations of its writes, as set by `redis.set_repl`: bits of `SinkKind`. */
  sinkKinds: number = SinkKind.All;

  /** @param name the SHA1 of a script, the name of a function */
  constructor(
    readonly name: string,
    readonly isFunction: boolean,
    readonly caller: Client,
    public args: Args,
  ) {}
}
