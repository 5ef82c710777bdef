/**
 * Reads a command's options one after the other, so that a handler's parsing lists the options it
 * accepts and nothing else:
 *
 *     const options = new ArgReader(args, 3);
 *     while (options.more) {
 *       if (options.take("NX")) nx = true;
 *       else if (options.take("LIMIT", 2)) { offset = options.int(); count = options.int(); }
 *       else throw SYNTAX;
 *     }
 */
import { NOT_FLOAT, NOT_INTEGER, type ReplyError, SYNTAX } from "../protocol/errors.ts";
import type { Args } from "./args.ts";
import type { Key } from "../keyspace/key.ts";

/** Reads options. See the head of this file. */
export class ArgReader {
  constructor(readonly args: Args, public at: number) {}

  /** True if an argument is left. */
  get more(): boolean {
    return this.at < this.args.count;
  }

  /** Arguments left. */
  get left(): number {
    return this.args.count - this.at;
  }

  /**
   * Steps over the next argument if it is the word `upper` and at least `values` arguments follow
   * it.
   */
  take(upper: string, values = 0): boolean {
    if (!this.args.is(this.at, upper) || this.left <= values) return false;
    this.at++;
    return true;
  }

  #next(): number {
    if (this.at >= this.args.count) throw SYNTAX;
    return this.at++;
  }

  string(): string {
    return this.args.string(this.#next());
  }

  key(): Key {
    return this.args.key(this.#next());
  }

  integer(error: ReplyError = NOT_INTEGER): number | bigint {
    return this.args.integer(this.#next(), error);
  }

  int(error: ReplyError = NOT_INTEGER, min?: number, max?: number): number {
    return this.args.int(this.#next(), error, min, max);
  }

  double(error: ReplyError = NOT_FLOAT): number {
    return this.args.double(this.#next(), error);
  }
}
