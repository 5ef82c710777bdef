/** Use of memory as INFO memory and MEMORY show it, all in bytes. */
import { ClientFlag } from "./client.ts";
import { clientMemory } from "./client_memory.ts";
import type { Engine } from "./engine.ts";

/** Use of memory, in bytes unless a name says otherwise. */
export interface MemoryReport {
  /** Memory of the process, as far as it is known. */
  used: number;
  peak: number;
  /** Before there was any data. */
  startup: number;
  /** Everything but data. */
  overhead: number;
  dataset: number;
  clientsNormal: number;
  clientsReplicas: number;
  aofBuffer: number;
  /** Part of the rest that does not count against `maxmemory`. */
  notCounted: number;
  keys: number;
  /** The process, as the operating system sees it. */
  resident: number;
  /** V8's heap and the buffers outside it: in use, and taken from the operating system. */
  allocated: number;
  active: number;
}

/** Measures the present use of memory. */
export function memoryReport(engine: Engine): MemoryReport {
  const { rss, heapTotal, heapUsed, external } = Deno.memoryUsage();
  engine.clientMemory.measureAll();
  let clientsReplicas = 0;
  for (const client of engine.clients.values()) {
    if (client.has(ClientFlag.Replica)) clientsReplicas += clientMemory(engine, client);
  }
  let indexes = 0, keys = 0;
  for (const database of engine.databases) {
    indexes += database.overheadBytes;
    keys += database.size;
  }
  const others = engine.memory.otherBytes, aofBuffer = engine.persistence?.pendingBytes ?? 0;
  const used = engine.memory.usedBytes, startup = engine.memory.baselineBytes;
  const clientsNormal = engine.clientMemory.total;
  const overhead = Math.min(used, startup + indexes + others + clientsNormal);
  return {
    used,
    peak: engine.stats.peakMemory,
    startup,
    overhead,
    dataset: used - overhead,
    clientsNormal,
    clientsReplicas,
    aofBuffer,
    notCounted: engine.memory.uncountedBytes,
    keys,
    resident: rss,
    allocated: heapUsed + external,
    active: heapTotal + external,
  };
}

/** A share in percent; 0 if the whole is 0. */
export function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : part * 100 / whole;
}

/** A quotient; 0 if the divisor is 0. */
export function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}
