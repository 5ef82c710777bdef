/**
 * Measures the keyspace alone, in a process of its own so that its memory is not shared: fills a
 * database with keys and values of 16 bytes, then reads, overwrites and counts at random. Prints
 * the results as JSON.
 *
 *     deno run store_process.ts KEYS OPERATIONS FILLS
 */
import process from "node:process";
import { defaultLimits } from "../../src/data/limits.ts";
import { Database, NO_EXPIRY } from "../../src/keyspace/database.ts";
import { Key } from "../../src/keyspace/key.ts";
import { Slice } from "../../src/keyspace/slice.ts";
import { copyBytes, writeInteger } from "../../src/util/bytes.ts";
import { Random } from "../../src/util/random.ts";

/** The results of one run. */
export interface StoreResult {
  keys: number;
  fillNs: number;
  getNs: number;
  setNs: number;
  incrNs: number;
  rssBytesPerKey: number;
  accountedBytesPerKey: number;
  /** Longest time to set a few keys, milliseconds, in the quietest fill. */
  longestPauseMs: number;
  /** The same in processor time, which excludes the time slices of other processes. */
  longestPauseCpuMs: number;
}

/** Keys set between two readings of the clock. */
const BATCH = 64;
const TEXT_BYTES = 16;
const options = { expiresAtMs: NO_EXPIRY, clock: 1 };

/** Key and value, laid out as in a query buffer. */
const query = new Uint8Array(2 * TEXT_BYTES);
query.fill(0x30);
query.set(new TextEncoder().encode("key:"));

/** Writes number `i` in decimal so that it ends before `end`. */
function writeNumber(i: number, end: number): void {
  for (let at = end - 1; at >= end - 10; at--) {
    const quotient = Math.floor(i / 10);
    query[at] = 0x30 + (i - quotient * 10);
    i = quotient;
  }
}

function key(i: number): Key {
  writeNumber(i, TEXT_BYTES);
  return new Key(query, 0, TEXT_BYTES);
}

function set(database: Database, i: number, value: number): void {
  const name = key(i);
  writeNumber(value, 2 * TEXT_BYTES);
  database.setString(name, database.find(name), query, TEXT_BYTES, 2 * TEXT_BYTES, options);
}

/** The results of a fill. */
interface Fill {
  ns: number;
  pauseMs: number;
  pauseCpuMs: number;
}

/** Processor time of this process so far, milliseconds. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Sets keys 0 … keys - 1. */
function fill(database: Database, keys: number): Fill {
  const begin = performance.now();
  let pauseMs = 0, pauseCpuMs = 0, before = begin, cpuBefore = cpuMs();
  for (let i = 0; i < keys; i++) {
    set(database, i, i);
    if (i % BATCH !== 0) continue;
    const now = performance.now(), cpuNow = cpuMs();
    pauseMs = Math.max(pauseMs, now - before);
    pauseCpuMs = Math.max(pauseCpuMs, cpuNow - cpuBefore);
    before = now;
    cpuBefore = cpuNow;
  }
  return { ns: (performance.now() - begin) * 1e6 / keys, pauseMs, pauseCpuMs };
}

/** Nanoseconds per call of `work` with random numbers below `limit`. */
function timed(operations: number, limit: number, work: (i: number) => void): number {
  const random = new Random(1);
  for (let i = 0; i < operations / 10; i++) work(random.below(limit));
  const begin = performance.now();
  for (let i = 0; i < operations; i++) work(random.below(limit));
  return (performance.now() - begin) * 1e6 / operations;
}

const slice = new Slice();

function get(database: Database, i: number): void {
  const ref = database.find(key(i));
  if (ref === 0) throw new Error(`key ${i} is missing`);
  if (database.readString(ref, slice).length !== TEXT_BYTES) throw new Error(`key ${i} has changed`);
}

/** Adds one to the decimal number at key `i`, in place if its length stays the same. */
function increment(database: Database, i: number): void {
  const name = key(i);
  const ref = database.find(name);
  let value = 0;
  if (ref !== 0) {
    database.readString(ref, slice);
    for (let at = slice.start; at < slice.end; at++) value = value * 10 + slice.buf[at]! - 0x30;
  }
  const end = writeInteger(query, TEXT_BYTES, value + 1);
  if (ref !== 0 && slice.length === end - TEXT_BYTES) {
    copyBytes(slice.buf, slice.start, query, TEXT_BYTES, end);
  } else database.setString(name, ref, query, TEXT_BYTES, end, options);
}

function run(keys: number, operations: number, fills: number): StoreResult {
  fill(new Database(defaultLimits()), 100_000);
  const before = Deno.memoryUsage().rss;
  const database = new Database(defaultLimits());
  const found = [fill(database, keys)];
  const rssBytesPerKey = (Deno.memoryUsage().rss - before) / keys;
  const accountedBytesPerKey = database.memoryBytes / keys;
  const getNs = timed(operations, keys, (i) => get(database, i));
  const setNs = timed(operations, keys, (i) => set(database, i, i + 1));
  const counters = new Database(defaultLimits());
  const incrNs = timed(operations, Math.min(keys, operations), (i) => increment(counters, i));
  while (found.length < fills) found.push(fill(new Database(defaultLimits()), keys));
  return {
    keys,
    fillNs: Math.min(...found.map(({ ns }) => ns)),
    getNs,
    setNs,
    incrNs,
    rssBytesPerKey,
    accountedBytesPerKey,
    longestPauseMs: Math.min(...found.map(({ pauseMs }) => pauseMs)),
    longestPauseCpuMs: Math.min(...found.map(({ pauseCpuMs }) => pauseCpuMs)),
  };
}

if (import.meta.main) {
  const [keys = 1_000_000, operations = 1_000_000, fills = 1] = Deno.args.map(Number);
  console.log(JSON.stringify(run(keys, operations, fills)));
}
