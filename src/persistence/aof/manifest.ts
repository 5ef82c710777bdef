/**
 * The manifest of a multi-part append-only file: the text file `<appendfilename>.manifest` that says which
 * files in `appenddirname` make up the data, in the order they are to be loaded.
 *
 *     file appendonly.aof.2.base.rdb seq 2 type b
 *     file appendonly.aof.1.incr.aof seq 1 type h
 *     file appendonly.aof.4.incr.aof seq 4 type i
 *
 * At most one base file (`b`) holds the state at the last rewrite; the increments (`i`), in ascending
 * sequence, hold the commands since. History files (`h`) are left over and wait for their removal.
 * A manifest is never changed in place: a {@linkcode Manifest} is immutable, its successor is written to
 * a temporary file, synced and renamed over it, and only then is the successor the one in use.
 */
import { needsQuotes, quoteArg, splitArgs } from "../../util/sds_split.ts";

/** Base, history or increment. */
export type AofFileType = "b" | "h" | "i";

/** One line of the manifest. */
export interface AofFileInfo {
  readonly name: string;
  readonly seq: number;
  readonly type: AofFileType;
}

/** Files that a manifest names. */
export interface Manifest {
  readonly base: AofFileInfo | null;
  readonly history: readonly AofFileInfo[];
  readonly increments: readonly AofFileInfo[];
}

/** Manifest of an append-only file with nothing on the disk. */
export const emptyManifest: Manifest = { base: null, history: [], increments: [] };

/** A manifest that Redis would not start with either. */
export class ManifestError extends Error {
  override name = "ManifestError";

  constructor(message: string, readonly lineNumber = 0, readonly line?: string) {
    super(message);
  }

  /** The report for the log, line by line. */
  report(): string[] {
    const lines = ["*** FATAL AOF MANIFEST FILE ERROR ***"];
    if (this.line !== undefined) {
      lines.push(`Reading the manifest file, at line ${this.lineNumber}`, `>>> '${this.line}'`);
    }
    lines.push(this.message);
    return lines;
  }
}

const MAX_LINE = 1024;
const FORMAT = "Invalid AOF manifest file format";

/** Reads a manifest from latin1 text. Throws {@linkcode ManifestError}. */
export function parseManifest(text: string): Manifest {
  if (text === "") throw new ManifestError("Found an empty AOF manifest");
  const lines = text.split("\n");
  const cut = lines.pop();
  let base: AofFileInfo | null = null;
  const history: AofFileInfo[] = [], increments: AofFileInfo[] = [];
  for (const [index, raw] of lines.entries()) {
    if (raw.startsWith("#")) continue;
    const line = raw.replace(/^[ \t\r]+|[ \t\r]+$/g, "");
    const fail = (message: string) => new ManifestError(message, index + 1, line);
    if (raw.length >= MAX_LINE) throw tooLong();
    const info = parseLine(line, fail);
    if (info.type === "b") {
      if (base !== null) throw fail("Found duplicate base file information");
      base = info;
    } else if (info.type === "h") history.push(info);
    else {
      if (info.seq <= (increments.at(-1)?.seq ?? 0)) throw fail("Found a non-monotonic sequence number");
      increments.push(info);
    }
  }
  if (cut !== "" && !cut?.startsWith("#")) throw tooLong();
  return { base, history, increments };
}

/** Also for a last line without its line break, as Redis has it. */
function tooLong(): ManifestError {
  return new ManifestError("The AOF manifest file contains too long line");
}

function parseLine(line: string, fail: (message: string) => ManifestError): AofFileInfo {
  const words = line === "" ? undefined : splitArgs(line);
  // More pairs than the three known ones are left to newer versions.
  if (words === undefined || words.length < 6 || words.length % 2 === 1) throw fail(FORMAT);
  let name = "", seq = 0, type = "";
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1] ?? "";
    switch (words[i]?.toLowerCase()) {
      case "file":
        if (/[/\\]/.test(value)) throw fail("File can't be a path, just a filename");
        name = value;
        break;
      case "seq":
        seq = Number(/^[+-]?\d+/.exec(value)?.[0] ?? 0);
        break;
      case "type":
        type = value.charAt(0);
    }
  }
  if (name === "" || seq === 0 || type === "") throw fail(FORMAT);
  if (type !== "b" && type !== "h" && type !== "i") throw fail("Unknown AOF file type");
  return { name, seq, type };
}

/** The text of a manifest: base, history, increments. */
export function formatManifest(manifest: Manifest): string {
  return manifestFiles(manifest).map(({ name, seq, type }) =>
    `file ${needsQuotes(name) ? quoteArg(name) : name} seq ${seq} type ${type}\n`
  ).join("");
}

function manifestFiles(manifest: Manifest): readonly AofFileInfo[] {
  const base = manifest.base === null ? [] : [manifest.base];
  return [...base, ...manifest.history, ...manifest.increments];
}

/** `<appendfilename>.manifest`, and the temporary name it is written under. */
export function manifestName(prefix: string): string {
  return `${prefix}.manifest`;
}

/** Path of a new manifest before it replaces the last one. */
export function temporaryManifestName(prefix: string): string {
  return `temp-${prefix}.manifest`;
}

/** The base file that follows the present one: `<appendfilename>.N.base.rdb`, or `.aof`. */
export function nextBase(manifest: Manifest, prefix: string, asRdb: boolean): AofFileInfo {
  const seq = (manifest.base?.seq ?? 0) + 1;
  return { name: `${prefix}.${seq}.base.${asRdb ? "rdb" : "aof"}`, seq, type: "b" };
}

/** The increment that follows the last one: `<appendfilename>.N.incr.aof`. */
export function nextIncrement(manifest: Manifest, prefix: string): AofFileInfo {
  // History counts too: a name must not come back while its old file waits for removal.
  const old = manifest.history.filter(({ name }) => name.endsWith(".incr.aof"));
  const seq = Math.max(0, ...[...manifest.increments, ...old].map((info) => info.seq)) + 1;
  return { name: `${prefix}.${seq}.incr.aof`, seq, type: "i" };
}

/** The manifest with one more increment at its end. */
export function withIncrement(manifest: Manifest, increment: AofFileInfo): Manifest {
  return { ...manifest, increments: [...manifest.increments, increment] };
}

/**
 * The manifest after a rewrite: `base` replaces the old base and all increments before `firstKept`, which become
 * history, the newest first.
 */
export function withBase(
  manifest: Manifest,
  base: AofFileInfo,
  firstKept: AofFileInfo | undefined,
): Manifest {
  const kept = firstKept === undefined
    ? []
    : manifest.increments.filter((increment) => increment.seq >= firstKept.seq);
  const replaced = manifest.increments.slice(0, manifest.increments.length - kept.length).reverse();
  if (manifest.base !== null) replaced.push(manifest.base);
  const history = replaced.map((info): AofFileInfo => ({ ...info, type: "h" }));
  return { base, history: [...history, ...manifest.history], increments: kept };
}

/** The manifest without its history. */
export function withoutHistory(manifest: Manifest): Manifest {
  return { ...manifest, history: [] };
}
