/**
 * The interface between the server and the languages of scripts. A language is a
 * {@linkcode ScriptEngine}: it creates {@linkcode ScriptMachine}s, one for the scripts of EVAL and
 * one for function libraries, and gives each the {@linkcode ScriptHost} through which scripts reach
 * the server. script_engines.ts lists the languages.
 *
 * Everything else is the same for all languages and outside an engine's concern: the permission of
 * a script to run, its statistics, the propagation of its writes, its time limit, and its storage.
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
  /** The running script, or null. */
  readonly current: ScriptRun | null;
  /** The client through which scripts call commands. */
  readonly client: Client;
  /**
   * Calls a command for the running script; its reply is in `client.reply`. Returns the error if it
   * may not be called.
   */
  callCommand(args: Args): ReplyError | null;
  /**
   * Decides if the running code may continue; call it about every millisecond. `suspend`: stop now,
   * to be continued later. `kill`: end with this error, which the script cannot catch.
   */
  interrupt(): "continue" | "suspend" | { readonly kill: string };
  /** A script has been suspended. */
  suspended(): void;
  /** A suspended script goes on. */
  resumed(): void;
  /** The script has ended: with a result, or with an error. */
  finished(succeeded: boolean): void;
}

/** An error that a script has raised or returned. */
export interface ScriptError {
  readonly text: string;
  /**
   * True if the statistics have already counted it: a command that the script called failed with
   * it.
   */
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

/** An environment that holds scripts of one language and runs them one at a time. */
export interface ScriptMachine {
  /**
   * True if it can no longer run anything and its references are void: its owner creates a new one.
   */
  isBroken: boolean;
  /** Memory in use, bytes. */
  readonly usedBytes: number;
  /** Compiles a script of EVAL and returns a reference to it. Throws {@linkcode CompileError} */
  compile(source: string): number;
  /**
   * Runs a library's code, which may do nothing but register functions. Throws
   * {@linkcode CompileError} and {@linkcode RegistrationError}.
   *
   * @param register accepts a function, or returns the error; the machine then raises that and
   * drops the function
   */
  loadLibrary(source: string, register: (registration: Registration) => string | null): void;
  /** Lets go of a script or function. */
  forget(ref: number): void;
  /**
   * Runs a script or function with the keys and arguments of EVAL or FCALL, and notifies the host
   * when it has ended. Returns at that point or when the script has been suspended; for a script
   * that may be suspended, the promise reports its end. Throws if the machine breaks.
   */
  run(ref: number, run: ScriptRun, keyCount: number): Promise<unknown> | null;
  /**
   * Writes the result of the ended script as a reply. Throws if the machine breaks.
   *
   * @param isResp3 true if the script speaks RESP3
   * @param onError called with each error in the result
   */
  writeResult(reply: ReplyWriter, isResp3: boolean, onError: (error: ScriptError) => void): void;
  /** The error of the ended script with that name. Throws if the machine breaks. */
  readError(name: string): ScriptError;
  /** Clears the remains of a run. */
  clear(): void;
}

/** A language. */
export interface ScriptEngine {
  /**
   * The name that FUNCTION LIST shows; a library's first line gives it in any case, a script's in
   * lower case.
   */
  readonly name: string;
  /** @param forFunctions for function libraries, otherwise for scripts of EVAL */
  createMachine(host: ScriptHost, forFunctions: boolean): ScriptMachine;
  /** True for a script that ends in no noticeable time, so that it need not be suspendable. */
  isBrief(source: string): boolean;
}
