import type { ConfigHost } from "../../../src/config/host.ts";
import { globMatch } from "../../../src/util/glob.ts";

/** A machine for tests: files in a Map, directories that are merely names. */
export class FakeHost implements ConfigHost {
  readonly files = new Map<string, string>();
  readonly directories = new Set(["/start", "/data", "/locked"]);
  standardInput = "";
  directory = "/start";

  readFile(path: string): string {
    const content = this.files.get(path);
    if (content === undefined) throw new Deno.errors.NotFound(path);
    return content;
  }

  readStandardInput(): string {
    return this.standardInput;
  }

  expandGlob(pattern: string): string[] {
    return [...this.files.keys()].filter((path) => globMatch(pattern, path)).sort();
  }

  replaceFile(path: string, content: string): void {
    if (path.startsWith("/locked/")) throw new Deno.errors.PermissionDenied(path);
    this.files.set(path, content);
  }

  workingDirectory(): string {
    return this.directory;
  }

  changeDirectory(path: string): void {
    if (!this.directories.has(path)) throw new Deno.errors.NotFound(path);
    this.directory = path;
  }

  mayWrite(path: string): boolean {
    return path !== "/locked";
  }
}
