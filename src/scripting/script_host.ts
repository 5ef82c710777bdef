/**
 * The interface between the server and the languages of scripts. A language is a {@linkcode ScriptEngine}: it makes
 * {@linkcode ScriptMachine}s, one for the scripts of EVAL and one for function libraries, and gives each the
 * {@linkcode ScriptHost} through which scripts reach the server. script_engines.ts lists the languages.
 *
 * Everything else about scripts is the same for all languages and none of an engine's business: whether a script may run,
 * how it is counted, how its writes are propagated, how long it may take, and what is kept of it.
 */
import type { Args } from "../engine/args.ts";
import type { Client } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import type { ReplyError } from "../protocol/errors.ts";
import type { ReplyWriter } from "../protocol/reply_writer.ts";
import type { ScriptRun } from "./script_run.ts";

/** The server, as the machines see it. */
export interface ScriptHost {
  readonly engine: Engine;
  /** The script that runs, or null. */
  readonly current: ScriptRun | null;
  /** The client through which scripts call commands. */
  readonly client: Client;
  /** Calls a command for the running script; its reply is in `client.reply`. Or says why it may not be called. */
  callCommand(args: Args): ReplyError | null;
  /**
   * Tells the running code whether to go on; to be asked every millisecond or so. `suspend`: to stop now and be continued
   * later. `kill`: to end with this error, which the script cannot catch.
   */
  interrupt(): "continue" | "suspend" | { readonly kill: string };
  /** A script that is to be suspended stops. */
  suspended(): void;
  /** A suspended script goes on. */
  resumed(): void;
  /** The script has ended: with a result, or with an error. */
  finished(succeeded: boolean): void;
}

/** An error that a script has raised or returned. */
export interface ScriptError {
  readonly text: string;
  /** The statistics know of it already: a command that the script called has failed with it. */
  readonly isCounted: boolean;
}

/** A function as a library registers it. */
export interface Registration {
  readonly name: string;
  readonly description: string | null;
  /** Bits of `ScriptFlag`. */
  readonly flags: number;
  /** The machine's reference to the function. */
  readonly ref: number;
}

/** Code that cannot be compiled; the message is the language's. */
export class CompileError extends Error {
  override name = "CompileError";
}

/** A library's code that fails while it registers functions; the message is the language's. */
export class RegistrationError extends Error {
  override name = "RegistrationError";
}

/** A place where scripts of one language live and run, one at a time. */
export interface ScriptMachine {
  /** It can run nothing any more, and its references mean nothing: its owner makes a new one. */
  isBroken: boolean;
  /** Memory in use, bytes. */
  readonly usedBytes: number;
  /** Compiles a script of EVAL and returns a reference to it. Throws {@linkcode CompileError} */
  compile(source: string): number;
  /**
   * Runs a library's code, which may do nothing but register functions.
   *
   * @param register takes a function, or says why not; the machine raises that as an error and lets go of the function
   * Throws {@linkcode CompileError} and {@linkcode RegistrationError}
   */
  loadLibrary(source: string, register: (registration: Registration) => string | null): void;
  /** Lets go of a script or function. */
  forget(ref: number): void;
  /**
   * Runs a script or function with the keys and arguments of EVAL or FCALL, and tells the host when it has ended. Returns when
   * that is so or the script has been suspended; the promise, for a script that may be, tells how a suspended one ends.
   * Throws if the machine breaks.
   */
  run(ref: number, run: ScriptRun, keyCount: number): Promise<unknown> | null;
  /**
   * Writes the result of the script that has ended as a reply. Throws if the machine breaks.
   *
   * @param isResp3 the script speaks RESP3
   * @param onError told of each error in the result
   */
  writeResult(reply: ReplyWriter, isResp3: boolean, onError: (error: ScriptError) => void): void;
  /** The error that the script of that name has ended with. Throws if the machine breaks. */
  readError(name: string): ScriptError;
  /** Clears away what a run has left. */
  clear(): void;
}

/** A language. */
export interface ScriptEngine {
  /** The name that FUNCTION LIST shows; a library's first line gives it in any case, a script's in lower case. */
  readonly name: string;
  /** @param forFunctions for function libraries, otherwise for scripts of EVAL */
  createMachine(host: ScriptHost, forFunctions: boolean): ScriptMachine;
  /** True for a script that ends in no time, so that it need not be suspended. */
  isBrief(source: string): boolean;
}
