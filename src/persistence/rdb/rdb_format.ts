/** The constants of RDB files and DUMP payloads. */

/** The version written as a rule, for redis-server 7.0. */
export const RDB_VERSION_USUAL = 10;
/** The version written when a hash field expires, for Redis 7.4. */
export const RDB_VERSION_FIELD_EXPIRY = 12;
/** The newest version that is read. */
export const RDB_VERSION_NEWEST = 12;

/** Encodings of values. */
export const RdbType = {
  String: 0,
  List: 1,
  Set: 2,
  Zset: 3,
  Hash: 4,
  /** Scores in binary. */
  Zset2: 5,
  Module: 6,
  Module2: 7,
  HashZipmap: 9,
  ListZiplist: 10,
  SetIntset: 11,
  ZsetZiplist: 12,
  HashZiplist: 13,
  ListQuicklist: 14,
  StreamListpacks: 15,
  HashListpack: 16,
  ZsetListpack: 17,
  /** Nodes are listpacks, or one plain element. */
  ListQuicklist2: 18,
  /** First id, greatest deleted id, entries added; groups with the entries they have read. */
  StreamListpacks2: 19,
  SetListpack: 20,
  /** Consumers with the time they were last active. */
  StreamListpacks3: 21,
  /** Fields with expiry, in two forms; the first two are those of Redis 7.4's release candidates. */
  HashMetadataEarly: 22,
  HashListpackExEarly: 23,
  HashMetadata: 24,
  HashListpackEx: 25,
} as const;

/** Opcodes, in the place of a value's type. */
export const RdbOpcode = {
  SlotInfo: 244,
  Function2: 245,
  FunctionEarly: 246,
  ModuleAux: 247,
  Idle: 248,
  Freq: 249,
  Aux: 250,
  ResizeDb: 251,
  ExpireTimeMs: 252,
  ExpireTime: 253,
  SelectDb: 254,
  Eof: 255,
} as const;

/** Special encodings of a string, in the lower six bits behind two set ones. */
export const StringEncoding = { Int8: 0, Int16: 1, Int32: 2, Lzf: 3 } as const;

/** Kinds of quicklist nodes. */
export const QuicklistContainer = { Plain: 1, Packed: 2 } as const;

/** Bytes of the checksum behind a file, and of the version and checksum behind a payload. */
export const CHECKSUM_BYTES = 8, FOOTER_BYTES = 10;
