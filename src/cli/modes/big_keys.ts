/**
 * `--bigkeys` and `--memkeys`: the largest key of each type, by elements or by memory, and
 * averages.
 */
import { quoteArg } from "../../util/sds_split.ts";
import { replyText } from "../reply.ts";
import type { Output, Session } from "../session.ts";
import {
  askAll,
  countKeys,
  Interruption,
  type ModeContext,
  ModeError,
  pause,
  percent,
  scanKeys,
} from "./mode.ts";

/** The figures for one type of value. */
interface TypeCensus {
  readonly name: string;
  /** Command that counts its elements; undefined for a type of a module. */
  readonly sizeCommand: string | undefined;
  readonly unit: string;
  count: number;
  total: number;
  largest: number;
  /** Quoted; undefined until a key with elements is found. */
  largestKey: string | undefined;
}

function census(name: string, sizeCommand: string | undefined, unit: string): TypeCensus {
  return { name, sizeCommand, unit, count: 0, total: 0, largest: 0, largestKey: undefined };
}

/** The types built into Redis. */
function redisTypes(): TypeCensus[] {
  return [
    census("hash", "HLEN", "fields"),
    census("list", "LLEN", "items"),
    census("string", "STRLEN", "bytes"),
    census("stream", "XLEN", "entries"),
    census("set", "SCARD", "members"),
    census("zset", "ZCARD", "members"),
  ];
}

const PROGRESS_STEP = 1_000_000;
const SCANS_BETWEEN_PAUSES = 100;

const HEADING = `
# Scanning the entire keyspace to find biggest keys as well as
# average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec
# per 100 SCAN commands (not usually needed).

`;

/** Finds the keys with the most elements. */
export function bigKeysMode(context: ModeContext): Promise<number> {
  return new KeyCensus(context, false).run();
}

/** Finds the keys that take the most memory. */
export function memoryKeysMode(context: ModeContext): Promise<number> {
  return new KeyCensus(context, true).run();
}

/** One pass over the keyspace. */
class KeyCensus {
  readonly #context: ModeContext;
  readonly #session: Session;
  readonly #output: Output;
  readonly #byMemory: boolean;
  readonly #types = redisTypes();
  #sampled = 0;
  #keyBytes = 0;
  #progress = 0;

  constructor(context: ModeContext, byMemory: boolean) {
    this.#context = context;
    this.#session = context.session;
    this.#output = context.output;
    this.#byMemory = byMemory;
  }

  async run(): Promise<number> {
    using interruption = new Interruption();
    const { intervalMs } = this.#context.options;
    const expected = await countKeys(this.#session);
    this.#output.print(HEADING);
    let scans = 0;
    for await (const keys of scanKeys(this.#context)) {
      this.#progress = 100 * this.#sampled / expected;
      await this.#count(keys);
      if (intervalMs > 0 && ++scans % SCANS_BETWEEN_PAUSES === 0) await pause(intervalMs);
      if (interruption.isAsked) break;
    }
    this.#sumUp(interruption.isAsked);
    return 0;
  }

  async #count(keys: readonly string[]): Promise<void> {
    const types = await this.#typesOf(keys);
    const sizes = await this.#sizesOf(keys, types);
    for (const [i, type] of types.entries()) {
      if (type !== undefined) this.#note(keys[i]!, type, sizes[i]!);
    }
  }

  /** The types of keys, undefined for a key deleted meanwhile. */
  async #typesOf(keys: readonly string[]): Promise<(TypeCensus | undefined)[]> {
    const replies = await askAll(this.#session, keys.map((key) => ["TYPE", key]));
    return replies.map((reply) => {
      if (reply.type === "error") throw new ModeError(`TYPE returned an error: ${reply.text}`);
      const name = replyText(reply) ?? "none";
      if (name === "none") return undefined;
      const known = this.#types.find((type) => type.name === name);
      if (known !== undefined) return known;
      const added = census(name, undefined, "?");
      this.#types.push(added);
      return added;
    });
  }

  async #sizesOf(keys: readonly string[], types: readonly (TypeCensus | undefined)[]): Promise<number[]> {
    const commands = keys.map((key, i) => this.#sizeCommand(key, types[i]));
    const replies = await askAll(this.#session, commands.filter((command) => command !== undefined));
    return commands.map((command, i) => {
      if (command === undefined) return 0;
      const reply = replies.shift()!;
      if (reply.type === "integer") return Number(reply.text);
      const name = this.#byMemory ? "MEMORY USAGE" : command[0];
      this.#output.complain(`Warning:  ${name} on '${keys[i]}' failed (may have changed type)\n`);
      return 0;
    });
  }

  #sizeCommand(key: string, type: TypeCensus | undefined): string[] | undefined {
    const { memorySamples } = this.#context.options;
    if (type === undefined) return undefined;
    if (!this.#byMemory) return type.sizeCommand === undefined ? undefined : [type.sizeCommand, key];
    const samples = memorySamples === undefined ? [] : ["SAMPLES", String(memorySamples)];
    return ["MEMORY", "USAGE", key, ...samples];
  }

  #note(key: string, type: TypeCensus, size: number): void {
    type.total += size;
    type.count++;
    this.#keyBytes += key.length;
    this.#sampled++;
    if (type.largest < size) {
      type.largest = size;
      type.largestKey = quoteArg(key);
      this.#output.print(
        `[${percent(this.#progress)}] Biggest ${type.name.padEnd(6)} found so far '${type.largestKey}' ` +
          `with ${size} ${this.#unit(type)}\n`,
      );
    }
    if (this.#sampled % PROGRESS_STEP === 0) {
      this.#output.print(`[${percent(this.#progress)}] Sampled ${this.#sampled} keys so far\n`);
    }
  }

  #unit(type: TypeCensus): string {
    return this.#byMemory ? "bytes" : type.unit;
  }

  #sumUp(isPartial: boolean): void {
    const sampled = this.#sampled;
    const average = sampled === 0 ? 0 : this.#keyBytes / sampled;
    const largest = this.#types.filter((type) => type.largestKey !== undefined);
    this.#output.print(
      "\n-------- summary -------\n\n" + (isPartial ? `[${percent(this.#progress)}] ` : "") +
        `Sampled ${sampled} keys in the keyspace!\n` +
        `Total key length in bytes is ${this.#keyBytes} (avg len ${average.toFixed(2)})\n\n` +
        largest.map((type) => this.#largestLine(type)).join("") + "\n" +
        this.#types.map((type) => this.#totalLine(type)).join(""),
    );
  }

  #largestLine(type: TypeCensus): string {
    const { name, largestKey, largest } = type;
    return `Biggest ${name.padStart(6)} found '${largestKey}' has ${largest} ${this.#unit(type)}\n`;
  }

  #totalLine(type: TypeCensus): string {
    const { count, name, total } = type;
    const share = percent(this.#sampled === 0 ? 0 : 100 * count / this.#sampled);
    const average = (count === 0 ? 0 : total / count).toFixed(2);
    return `${count} ${name}s with ${total} ${this.#unit(type)} (${share} of keys, avg size ${average})\n`;
  }
}
