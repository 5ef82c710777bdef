/** Strings outside the keyspace. */
import { ValueType } from "../../data/value.ts";
import { jsonText } from "../json/json_text.ts";
import { RdbType } from "../rdb/rdb_format.ts";
import type { StringCodec } from "./codec.ts";

/** See {@linkcode StringCodec}. */
export const stringCodec: StringCodec = {
  type: ValueType.String,
  digestNumber: 0,
  rdbTypes: { [RdbType.String]: "string" },

  save(out, { buf, start, end }): void {
    out.bytes(buf, start, end);
  },

  load(source, value) {
    return source.input.string(value);
  },

  rewrite(out, key, value, expiresAtMs): void {
    const expires = expiresAtMs >= 0;
    out.array(expires ? 5 : 3);
    out.bulk("SET");
    out.bulkBytes(key.buf, key.start, key.end);
    out.bulkBytes(value.buf, value.start, value.end);
    if (!expires) return;
    out.bulk("PXAT");
    out.bulkInteger(expiresAtMs);
  },

  show(out, value): void {
    out.text(JSON.stringify(jsonText(value.text())));
  },

  parse(source, shown) {
    return source.text(shown);
  },

  digest(digest, { buf, start, end }): void {
    digest.chainBytes(buf, start, end);
  },
};
