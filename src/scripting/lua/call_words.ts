/**
 * The words of a script's call, copied from Lua's stack into one buffer as a RESP command: a
 * command that changes data is propagated from there as it is.
 */
import { Args } from "../../engine/args.ts";
import { type CommandBatch, headsFor, writeHead } from "../../protocol/command_batch.ts";
import { allocateBytes, copyBytes, writeInteger, writeLatin1 } from "../../util/bytes.ts";
import { formatDouble } from "../../util/numbers.ts";
import { type Lua, LuaType } from "./lua.ts";
import type { State } from "./lua_library.ts";

const SMALL_BYTES = 4096;
/** Room for a header: a marker, a length, two line ends. */
const HEADER_BYTES = 24;
const CR = 0x0d, LF = 0x0a, ASTERISK = 0x2a, DOLLAR = 0x24;

/** See the head of this file. */
export class CallWords {
  /** The words read last. */
  readonly args: Args = new Args();
  readonly #batch: CommandBatch = {
    buf: allocateBytes(SMALL_BYTES),
    offsets: new Int32Array(64),
    heads: headsFor(1),
    count: 1,
    error: null,
  };
  #at = 0;

  constructor(readonly lua: Lua) {}

  /** Reads all values on the stack; false if one of them is neither a string nor a number. */
  read(L: State): boolean {
    const { lua } = this, batch = this.#batch;
    const count = lua.api.lua_gettop(L);
    if (batch.buf.length > 1 << 20) batch.buf = allocateBytes(SMALL_BYTES);
    if (batch.offsets.length < count * 2) batch.offsets = new Int32Array(count * 4);
    this.#at = 0;
    this.#header(ASTERISK, count, 0);
    for (let i = 1; i <= count; i++) {
      const type = lua.type(L, i);
      const number = type === LuaType.Number ? lua.api.lua_tonumber(L, i) : NaN;
      if (!Number.isNaN(number)) this.#number(i, number);
      // Lua itself prints NaN, since it knows its sign.
      else if (type === LuaType.String || type === LuaType.Number) this.#string(L, i);
      else return false;
    }
    writeHead(batch, 0, 0, count, 0, this.#at);
    this.args.point(batch, 0);
    return true;
  }

  #string(L: State, index: number): void {
    const pointer = this.lua.pointerTo(L, index), size = this.lua.locatedSize;
    const start = this.#header(DOLLAR, size, size);
    this.#end(index, start, copyBytes(this.#batch.buf, start, this.lua.bytes, pointer, pointer + size));
  }

  /** Numbers keep all their digits. */
  #number(index: number, value: number): void {
    const text = formatDouble(value);
    const start = this.#header(DOLLAR, text.length, text.length);
    this.#end(index, start, writeLatin1(this.#batch.buf, start, text));
  }

  #end(index: number, start: number, end: number): void {
    const { buf, offsets } = this.#batch;
    offsets[2 * index - 2] = start;
    offsets[2 * index - 1] = end;
    buf[end] = CR;
    buf[end + 1] = LF;
    this.#at = end + 2;
  }

  /** Writes a header, makes room for `more` bytes behind it and returns their start. */
  #header(marker: number, value: number, more: number): number {
    const batch = this.#batch, need = this.#at + more + HEADER_BYTES;
    if (need > batch.buf.length) {
      const larger = allocateBytes(need * 2);
      larger.set(batch.buf.subarray(0, this.#at));
      batch.buf = larger;
    }
    const { buf } = batch;
    buf[this.#at] = marker;
    const at = writeInteger(buf, this.#at + 1, value);
    buf[at] = CR;
    buf[at + 1] = LF;
    return this.#at = at + 2;
  }
}
