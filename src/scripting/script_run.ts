/** One run of a script: who has called it, what it may do, what it has done. */
import type { Args } from "../engine/args.ts";
import type { BlockedState, Client } from "../engine/client.ts";
import type { ScriptState } from "../engine/refusals.ts";
import { SinkKind } from "../engine/propagation.ts";

/** A script that is running, and what is known of it so far. */
export class ScriptRun implements ScriptState {
  /** It must not write. */
  isReadOnly = false;
  /** It may write although memory is short. */
  mayExceedMemory = false;
  /** Memory was short when it began. */
  wasOutOfMemory = false;
  /** It can be continued later: it is not part of a file being replayed. */
  maySuspend = false;
  /** Its beginning, on the monotonic clock. */
  startedAtUs = 0;
  /** Its beginning, Unix milliseconds. */
  startedAtMs = 0;
  /** It has called a command that writes: from here on it cannot be undone, refused or killed. */
  hasWritten = false;
  /** It runs longer than `busy-reply-threshold`. */
  isBusy = false;
  isKilled = false;
  /** How its client waits since it was suspended, when the command that began it returned. */
  held: BlockedState | null = null;
  /** When it last went on, on the monotonic clock. */
  resumedAtUs = 0;
  /** Length of the client's replies before this script's, once it has finished. */
  replyMark = 0;
  /** Its machine holds its result or its error. */
  isFinished = false;
  /** It has ended, or answered, with an error. */
  hasFailed = false;
  /** What TIME answers it, from its first call on. */
  timeUs: number | null = null;
  /** Who is told of what is written, as `redis.set_repl` says: bits of `SinkKind`. */
  sinkKinds: number = SinkKind.All;

  /** @param name the SHA1 of a script, the name of a function */
  constructor(
    readonly name: string,
    readonly isFunction: boolean,
    readonly caller: Client,
    public args: Args,
  ) {}
}
