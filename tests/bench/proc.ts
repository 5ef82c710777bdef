/** Reads Linux's figures about a process in /proc. */

/** Microseconds per tick, the unit of processor time in /proc. */
const TICK_US = 10_000;
const PAGE_BYTES = 4096;

/** Processor time in microseconds, user and kernel, from the text of `/proc/PID/stat`. */
export function parseCpuUs(stat: string): number {
  // The program's name, in parentheses, may contain spaces; the state follows as field 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const userTicks = Number(fields[11]), systemTicks = Number(fields[12]);
  return (userTicks + systemTicks) * TICK_US;
}

/** Bytes of memory a process occupies, from the text of `/proc/PID/statm`. */
export function parseRssBytes(statm: string): number {
  return Number(statm.split(" ")[1]) * PAGE_BYTES;
}

/** Processor time used by process `pid` so far, microseconds. */
export async function cpuUs(pid: number): Promise<number> {
  return parseCpuUs(await Deno.readTextFile(`/proc/${pid}/stat`));
}

/** Bytes of memory process `pid` occupies. */
export async function rssBytes(pid: number): Promise<number> {
  return parseRssBytes(await Deno.readTextFile(`/proc/${pid}/statm`));
}
