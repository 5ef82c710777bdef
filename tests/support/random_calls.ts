/**
 * Random calls of a command, generated from its arguments as COMMAND DOCS describes them: options
 * in any order, occasionally twice, blocks as a whole, a number of keys followed by that many keys
 * (mostly), as many ids as streams.
 */
import type { ArgSpec, Command } from "../../src/engine/command.ts";
import type { Random } from "../../src/util/random.ts";

/** The source of the words of a call. */
export interface Vocabulary {
  /** The name of a key. */
  key: () => string;
  /** A value for an argument that is neither key nor token. */
  value: (arg: ArgSpec) => string;
  /** Probability of an optional argument, 0 to 1. */
  optional: number;
  /** Probability of a deviation from COMMAND DOCS: a wrong count, an option twice. */
  disorder: number;
}

/** The words of one call, beginning with the command's name. */
export function randomCall(cmd: Command, random: Random, vocabulary: Vocabulary): string[] {
  return [...cmd.fullName.toUpperCase().split("|"), ...new CallMaker(random, vocabulary).list(cmd.args)];
}

class CallMaker {
  constructor(readonly random: Random, readonly vocabulary: Vocabulary) {}

  #happens(probability: number): boolean {
    return this.random.float() < probability;
  }

  /** The words of consecutive arguments. */
  list(args: readonly ArgSpec[]): string[] {
    const words: string[] = [];
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!, next = args[i + 1];
      if (isOption(arg)) {
        let end = i;
        while (end < args.length && isOption(args[end]!)) end++;
        words.push(...this.#options(args.slice(i, end)));
        i = end - 1;
      } else if (next !== undefined && isCountOf(arg, next)) {
        words.push(...this.#counted(next));
        i++;
      } else if (next !== undefined && arg.type === "key" && arg.multiple && next.multiple) {
        const count = 1 + this.random.below(3), ids = this.#happens(this.vocabulary.disorder) ? 1 : count;
        for (let k = 0; k < count; k++) words.push(...this.#once(arg));
        for (let k = 0; k < ids; k++) words.push(...this.#once(next));
        i++;
      } else words.push(...this.#one(arg));
    }
    return words;
  }

  /** Options in random order, some of them twice. */
  #options(args: readonly ArgSpec[]): string[] {
    const chosen = args.flatMap((arg) => {
      const parts = [];
      if (!arg.optional || this.#happens(this.vocabulary.optional)) parts.push(this.#given(arg));
      if (parts.length > 0 && this.#happens(this.vocabulary.disorder)) parts.push(this.#given(arg));
      return parts;
    });
    // An unbounded list comes last: words behind it would become part of it.
    const isEndless = (words: string[]) =>
      args.some((arg) => arg.multiple && !arg.multipleToken && arg.token === words[0]);
    for (let i = chosen.length - 1; i > 0; i--) {
      const k = this.random.below(i + 1);
      [chosen[i], chosen[k]] = [chosen[k]!, chosen[i]!];
    }
    return chosen.sort((a, b) => Number(isEndless(a)) - Number(isEndless(b))).flat();
  }

  /** A number followed by that many of the counted arguments. */
  #counted(arg: ArgSpec): string[] {
    const count = 1 + this.random.below(3);
    const told = this.#happens(this.vocabulary.disorder) ? this.random.below(5) : count;
    return [String(told), ...Array.from({ length: count }, () => this.#once(arg)).flat()];
  }

  #one(arg: ArgSpec): string[] {
    return arg.optional && !this.#happens(this.vocabulary.optional) ? [] : this.#given(arg);
  }

  #given(arg: ArgSpec): string[] {
    const times = arg.multiple ? 1 + this.random.below(3) : 1, words: string[] = [];
    for (let i = 0; i < times; i++) {
      if (arg.token !== undefined && arg.type !== "pure-token" && (i === 0 || arg.multipleToken)) {
        words.push(arg.token);
      }
      words.push(...this.#once(arg));
    }
    return words;
  }

  /** The argument itself, without its token. */
  #once(arg: ArgSpec): string[] {
    switch (arg.type) {
      case "pure-token":
        return [arg.token ?? ""];
      case "key":
        return [this.vocabulary.key()];
      case "block":
        return this.list(arg.args ?? []);
      case "oneof":
        return this.#one({ ...arg.args![this.random.below(arg.args!.length)]!, optional: false });
      default:
        return [this.vocabulary.value(arg)];
    }
  }
}

/** Arguments that begin with a keyword of their own, and so may change places. */
function isOption(arg: ArgSpec): boolean {
  if (arg.type === "oneof") return arg.args!.every(isWorded);
  return isWorded(arg) || (arg.type === "block" && isWorded(arg.args![0]!));
}

function isWorded(arg: ArgSpec): boolean {
  return arg.token !== undefined && arg.token !== "";
}

function isCountOf(arg: ArgSpec, next: ArgSpec): boolean {
  return /^num(keys|fields)$/.test(arg.name) && next.multiple === true;
}
