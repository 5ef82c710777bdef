import { Store } from "../store/store.ts";

/**
 * The thresholds at which collections change their encoding. One object per server, shared by all
 * values and changed in place by CONFIG SET, so that a value sees the new limit at its next write.
 * The names are the directives' names in camel case; sizes are in bytes unless they count entries.
 */
export interface EncodingLimits {
  hashMaxListpackEntries: number;
  hashMaxListpackValue: number;
  /**
   * Positive: entries per quicklist node; -1 … -5: 4, 8, 16, 32, 64 KiB per node. It determines the
   * output of DEBUG OBJECT; lists themselves lie in blocks of another size.
   */
  listMaxListpackSize: number;
  /** Quicklist nodes at each end that stay uncompressed; 0 = no compression. */
  listCompressDepth: number;
  setMaxIntsetEntries: number;
  setMaxListpackEntries: number;
  setMaxListpackValue: number;
  zsetMaxListpackEntries: number;
  zsetMaxListpackValue: number;
  streamNodeMaxBytes: number;
  streamNodeMaxEntries: number;
  hllSparseMaxBytes: number;
}

/** Server state that values need: the thresholds, and the memory for large parts. */
export interface DataLimits extends EncodingLimits {
  readonly store: Store;
}

/**
 * Redis's defaults with a store of their own, in a fresh object that the caller may change. Sets
 * are as in 7.0, which has no listpack sets, so that 7.0 can load our files; small sets are packed
 * all the same (set.ts).
 */
export function defaultLimits(): DataLimits {
  return {
    hashMaxListpackEntries: 512,
    hashMaxListpackValue: 64,
    listMaxListpackSize: -2,
    listCompressDepth: 0,
    setMaxIntsetEntries: 512,
    setMaxListpackEntries: 0,
    setMaxListpackValue: 64,
    zsetMaxListpackEntries: 128,
    zsetMaxListpackValue: 64,
    streamNodeMaxBytes: 4096,
    streamNodeMaxEntries: 100,
    hllSparseMaxBytes: 3000,
    store: new Store(),
  };
}
