/**
 * The payload of FUNCTION DUMP and RESTORE: the libraries as in an RDB file, its version and a
 * checksum.
 */
import { hasValidFooter } from "../persistence/rdb/dump.ts";
import { CHECKSUM_BYTES, FOOTER_BYTES, RDB_VERSION_USUAL, RdbOpcode } from "../persistence/rdb/rdb_format.ts";
import { RdbError, RdbInput } from "../persistence/rdb/rdb_input.ts";
import { RdbOutput } from "../persistence/rdb/rdb_output.ts";
import { Slice } from "../keyspace/slice.ts";
import { BAD_FUNCTIONS_PAYLOAD, NOT_A_FUNCTION, WRONG_FOOTER } from "../protocol/errors.ts";
import { Crc64 } from "../util/crc64.ts";

/** The payload of libraries, given their code. */
export function dumpLibraries(codes: Iterable<string>): Uint8Array {
  const out = new RdbOutput();
  for (const code of codes) {
    out.byte(RdbOpcode.Function2);
    out.string(code);
  }
  out.byte(RDB_VERSION_USUAL & 255);
  out.byte(RDB_VERSION_USUAL >> 8);
  const crc = new Crc64();
  crc.update(out.view());
  for (let i = 0; i < CHECKSUM_BYTES; i++) out.byte(crc.byteAt(i));
  return out.view().slice();
}

/** The code of the libraries in a payload. Throws a ReplyError. */
export function readDump(payload: Uint8Array): string[] {
  if (!hasValidFooter(payload)) throw WRONG_FOOTER;
  const end = payload.length - FOOTER_BYTES;
  const input = RdbInput.of(payload.subarray(0, end));
  const codes: string[] = [], slice = new Slice();
  while (input.offset < end) {
    if (input.byte() !== RdbOpcode.Function2) throw NOT_A_FUNCTION;
    try {
      codes.push(input.text(slice));
    } catch (error) {
      if (!(error instanceof RdbError)) throw error;
      throw BAD_FUNCTIONS_PAYLOAD;
    }
  }
  return codes;
}
