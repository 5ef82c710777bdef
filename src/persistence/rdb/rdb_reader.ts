/**
 * Reads RDB files of versions 1 to 12 into an {@linkcode RdbTarget}, letting the event loop run
 * between keys.
 */
import type { DataLimits } from "../../data/limits.ts";
import type { CollectionValue } from "../../data/value.ts";
import type { Moment } from "../../keyspace/database.ts";
import { Slice } from "../../keyspace/slice.ts";
import type { LoadSteps } from "../loading.ts";
import { stringCodec } from "../values/string_codec.ts";
import { RDB_VERSION_NEWEST, RdbOpcode, RdbType } from "./rdb_format.ts";
import { RdbError, type RdbInput } from "./rdb_input.ts";
import { ValueReader } from "./value_reader.ts";
import { skipModuleParts, skippableType, skipValue } from "./value_skipper.ts";

/** Attributes in front of a key; the same object for every key. */
export interface KeyAttributes {
  /** Unix milliseconds, or -1. */
  expiresAtMs: Moment;
  /** Seconds since the key was used, or -1. */
  idleSeconds: number;
  /** LFU counter, 0 … 255, or -1. */
  frequency: number;
}

/** Receives the contents of a file. `key` and `value` slices are valid during the call only. */
export interface RdbTarget {
  /** Number of databases. */
  readonly databaseCount: number;
  /** Checksums are compared, `rdbchecksum`. */
  readonly checksChecksum: boolean;
  aux(name: string, value: string): void;
  /** The code of a function library. Returns why it cannot be loaded, or null. */
  functionLibrary(code: string): string | null;
  putString(databaseId: number, key: Slice, value: Slice, attributes: KeyAttributes): void;
  putCollection(databaseId: number, key: Slice, value: CollectionValue, attributes: KeyAttributes): void;
  /** A key without elements was left out. */
  skippedEmpty(key: string): void;
  warn(text: string): void;
  /** The keys that follow belong to this database. */
  databaseSelected?(id: number): void;
  /** The file's checksum is right. */
  checksumRight?(): void;
}

/** Stage of a reader, in the words of redis-check-rdb. */
export type RdbStage =
  | "start"
  | "read-type"
  | "read-expire"
  | "read-len"
  | "read-aux"
  | "read-module-aux"
  | "read-functions"
  | "read-key"
  | "read-object-value"
  | "check-sum";

/** The first version with a checksum. */
const CHECKSUM_SINCE = 5;

/** Reads an RDB file. See the head of this file. */
export class RdbReader {
  /** More bytes must arrive before anything can be read on. */
  isStarved = false;
  /** The present stage, for reports of a fault. */
  stage: RdbStage = "start";
  /** The type of the key that is being read, -1 between two keys. */
  keyType = 0;
  readonly #key = new Slice();
  readonly #value = new Slice();
  readonly #values: ValueReader;
  readonly #attributes: KeyAttributes = { expiresAtMs: -1, idleSeconds: -1, frequency: -1 };
  #databaseId = 0;
  #version = 0;
  #isAtEnd = false;
  /** Offset of the type of the key being read. */
  #keyOffset = 0;
  #skipsUnreadable = false;
  /** Keys that could not be read and were left out. */
  leftOut = 0;

  constructor(readonly input: RdbInput, readonly target: RdbTarget, limits: DataLimits) {
    this.#values = new ValueReader(input, limits, false);
  }

  /** The key whose value is being read, or nothing. */
  get key(): string | undefined {
    return this.stage === "read-object-value" ? this.#key.text() : undefined;
  }

  /** Place of a fault in a value: its key, its type and its start; undefined between two keys. */
  get place(): string | undefined {
    if (this.key === undefined) return undefined;
    const type = skippableType(this.keyType);
    const kind = type === undefined ? `of RDB type ${this.keyType}` : `a ${type} (RDB type ${this.keyType})`;
    return `the value of key '${this.key}' in database ${this.#databaseId}, ${kind} at offset ${this.#keyOffset}`;
  }

  /** True if a key like the one being read can be left out. */
  get canLeaveOut(): boolean {
    return this.key !== undefined && skippableType(this.keyType) !== undefined;
  }

  /**
   * Keys whose values cannot be read are left out, with a warning each, where their structure tells their end. The bytes of
   * a value stay in memory while it is read. To be called before anything is read, of an input that is not fed.
   */
  skipUnreadable(): void {
    this.#skipsUnreadable = true;
    this.input.hold();
  }

  /**
   * Reads a whole file, its checksum included. Throws RdbError.
   *
   * @param onStep called at each step with the bytes fetched so far, and the keys loaded since the
   * last
   */
  *read(onStep: (fetched: number, keys: number) => void = () => {}, keysPerStep = 64): LoadSteps<void> {
    let keys = 0;
    while (this.#part()) {
      if (!this.isStarved && ++keys < keysPerStep) continue;
      onStep(this.input.fetched, keys);
      keys = 0;
      yield;
    }
    onStep(this.input.fetched, keys);
  }

  /** Reads the next part, or as far as it has arrived; false when everything has been read. */
  #part(): boolean {
    this.isStarved = false;
    this.input.mark();
    try {
      return this.#wholePart();
    } catch (error) {
      if (!this.input.retries(error)) throw error;
      return this.isStarved = true;
    }
  }

  /**
   * Reads the header, a key with its attributes, or the checksum; false behind the last of them.
   */
  #wholePart(): boolean {
    if (this.#version === 0) this.#version = this.#header();
    else if (!this.#isAtEnd) this.#isAtEnd = !this.#next();
    else {
      if (this.#version >= CHECKSUM_SINCE) this.#checksum();
      return false;
    }
    return true;
  }

  #header(): number {
    const header = this.input.fixed(9), digits = header.slice(5);
    if (!header.startsWith("REDIS")) this.input.fail("Wrong signature trying to load DB from file");
    const version = /^\d{4}$/.test(digits) ? Number(digits) : 0;
    if (version < 1 || version > RDB_VERSION_NEWEST) {
      this.input.fail(`Can't handle RDB format version ${parseInt(digits) || 0}`);
    }
    return version;
  }

  #checksum(): void {
    this.stage = "check-sum";
    const result = this.input.checksum();
    if (!this.target.checksChecksum) return;
    if (result === "none") this.target.warn("RDB file was saved with checksum disabled: no check performed.");
    if (result === "wrong") this.input.fail("RDB CRC error");
    if (result === "right") this.target.checksumRight?.();
  }

  /** Reads up to and with the next key; false at the end of the file. */
  #next(): boolean {
    for (;; this.input.mark()) {
      this.stage = "read-type";
      const opcode = this.input.byte();
      if (opcode === RdbOpcode.Eof) return false;
      if (opcode < RdbOpcode.SlotInfo) {
        this.#readKey(opcode);
        return true;
      }
      this.#readOpcode(opcode);
    }
  }

  #readOpcode(opcode: number): void {
    const { input } = this, attributes = this.#attributes;
    this.stage = stageOf(opcode);
    switch (opcode) {
      case RdbOpcode.ExpireTimeMs:
        attributes.expiresAtMs = input.moment();
        break;
      case RdbOpcode.ExpireTime:
        attributes.expiresAtMs = input.seconds() * 1000;
        break;
      case RdbOpcode.Idle:
        attributes.idleSeconds = input.count();
        break;
      case RdbOpcode.Freq:
        attributes.frequency = input.byte();
        break;
      case RdbOpcode.SelectDb:
        this.#selectDatabase(input.count());
        break;
      case RdbOpcode.ResizeDb:
        input.count();
        input.count();
        break;
      case RdbOpcode.SlotInfo:
        for (let i = 0; i < 3; i++) input.count();
        break;
      case RdbOpcode.Aux: {
        const name = input.text(this.#value);
        this.target.aux(name, input.text(this.#value));
        break;
      }
      case RdbOpcode.ModuleAux:
        this.#moduleData();
        break;
      default:
        this.#readFunction(opcode);
    }
  }

  #moduleData(): void {
    const { input } = this, name = this.#values.moduleName();
    if (!this.#skipsUnreadable) {
      input.fail(`The RDB file contains AUX module data I can't load: no matching module '${name}'`);
    }
    skipModuleParts(input);
    this.target.warn(`Data of module '${name}' beside its keys are left out`);
  }

  #selectDatabase(id: number): void {
    if (id >= this.target.databaseCount) {
      this.input.fail(
        `Data file was created with a Redis server configured to handle more than ${this.target.databaseCount} databases`,
      );
    }
    this.#databaseId = id;
    this.target.databaseSelected?.(id);
  }

  #readFunction(opcode: number): void {
    const { input } = this;
    let code = input.text(this.#value);
    if (opcode === RdbOpcode.FunctionEarly) {
      const name = code, engine = input.text(this.#value);
      if (input.count() > 0) input.text(this.#value); // a description, which is not kept any more
      code = `#!${engine} name=${name}\n${input.text(this.#value)}`;
    }
    const problem = this.target.functionLibrary(code);
    if (problem !== null) input.fail(`Failed loading library, ${problem}`);
  }

  /** Reads a key and its value, or passes over them. */
  #readKey(type: number): void {
    const attributes = this.#attributes;
    this.keyType = type;
    this.#keyOffset = this.input.offset - 1;
    try {
      this.#readWholeKey(type);
    } catch (error) {
      if (!this.#skipsUnreadable || !this.canLeaveOut || !(error instanceof RdbError)) throw error;
      this.#leaveOut(type, error);
    }
    attributes.expiresAtMs =
      attributes.idleSeconds =
      attributes.frequency =
      this.keyType =
        -1;
  }

  #leaveOut(type: number, reason: RdbError): void {
    const { input } = this;
    input.goBack();
    try {
      input.byte();
      input.skipString();
      skipValue(input, type);
    } catch (error) {
      throw error instanceof RdbError ? reason : error;
    }
    input.hold();
    this.leftOut++;
    this.target.warn(`A key is left out, since ${this.place} cannot be read: ${reason.message}`);
  }

  #readWholeKey(type: number): void {
    const { input, target } = this, attributes = this.#attributes;
    this.stage = "read-key";
    const key = input.key(this.#key);
    this.stage = "read-object-value";
    if (type === RdbType.String) {
      const value = stringCodec.load(this.#values, this.#value);
      target.putString(this.#databaseId, key, value, attributes);
    } else {
      const value = this.#values.read(type), { oddities } = this.#values;
      if (oddities.length > 0) this.#warnOf(key, oddities);
      if (value === null) target.skippedEmpty(key.text());
      else target.putCollection(this.#databaseId, key, value, attributes);
    }
  }

  /** One warning for a key, however many faults it has. */
  #warnOf(key: Slice, [first = "", ...others]: readonly string[]): void {
    const more = others.length > 0 ? ` (and ${others.length} more)` : "";
    this.target.warn(
      `The value of key '${key.text()}' in database ${this.#databaseId} was damaged and has been mended: ${first}${more}`,
    );
  }
}

function stageOf(opcode: number): RdbStage {
  switch (opcode) {
    case RdbOpcode.ExpireTimeMs:
    case RdbOpcode.ExpireTime:
      return "read-expire";
    case RdbOpcode.SelectDb:
    case RdbOpcode.ResizeDb:
    case RdbOpcode.SlotInfo:
      return "read-len";
    case RdbOpcode.Aux:
      return "read-aux";
    case RdbOpcode.ModuleAux:
      return "read-module-aux";
    case RdbOpcode.Function2:
    case RdbOpcode.FunctionEarly:
      return "read-functions";
    default:
      return "read-type";
  }
}
