/** The measured servers, and the load on them. */
import { findTool, type RawConnection, redisServer, ServerProcess } from "../support/oracle.ts";
import { redenoCommand } from "../support/launch.ts";
import { cpuUs, rssBytes } from "./proc.ts";
import { warnings } from "./redis_benchmark.ts";

/** The measured program. */
export type Program = "redis-server" | "Redeno";

/** The message for a machine without redis-server. */
export const NO_REDIS =
  "redis-server was not found on this machine: only Redeno is measured, and nothing is compared.";

/** The message for a machine without redis-benchmark. */
export const NO_BENCHMARK = "redis-benchmark was not found on this machine: this section needs it.";

/** The programs that can be measured here, the reference first. */
export const programs: readonly Program[] = redisServer === undefined
  ? ["Redeno"]
  : ["redis-server", "Redeno"];

/** The path of redis-benchmark, undefined if it is not installed. */
export const redisBenchmark: string | undefined = findTool("redis-benchmark");

/** A server being measured. */
export class MeasuredServer implements AsyncDisposable {
  private constructor(readonly program: Program, readonly process: ServerProcess) {}

  /**
   * Starts it without persistence, unless `directives` ask for it; `folder` is its data directory,
   * a new one by default.
   */
  static async start(
    program: Program,
    directives: readonly string[] = [],
    folder?: string,
  ): Promise<MeasuredServer> {
    const command = program === "Redeno" ? redenoCommand() : [redisServer ?? "redis-server"];
    const process = await ServerProcess.start(command, ["--save", "", ...directives], folder);
    return new MeasuredServer(program, process);
  }

  /** Processor time used so far, microseconds. */
  cpuUs(): Promise<number> {
    return cpuUs(this.process.pid);
  }

  /**
   * Memory occupied after MEMORY PURGE, once it has settled: freed memory takes a moment to be
   * returned.
   */
  async settledRssBytes(): Promise<number> {
    await this.ask("MEMORY", "PURGE");
    let before = Infinity, now = await rssBytes(this.process.pid);
    for (let i = 0; i < 20 && Math.abs(before - now) > now / 1000; i++) {
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 300));
      now = await rssBytes(this.process.pid);
    }
    return now;
  }

  /**
   * Sends one command and resolves with its reply as text, without protocol marks; an error reply
   * throws.
   */
  async ask(...words: string[]): Promise<string> {
    using connection = await this.process.connect();
    return await ask(connection, ...words);
  }

  /** A field of INFO as a number; NaN if it does not exist. */
  async info(field: string): Promise<number> {
    const line = (await this.ask("INFO", "everything")).split("\r\n").find((text) =>
      text.startsWith(`${field}:`)
    );
    return Number(line?.slice(field.length + 1) ?? NaN);
  }

  /** Runs redis-benchmark against it and resolves with its output. */
  async benchmark(args: readonly string[]): Promise<string> {
    const command = new Deno.Command(redisBenchmark ?? "redis-benchmark", {
      args: ["-p", String(this.process.port), ...args],
      stdin: "null",
    });
    const { success, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    const text = decoder.decode(stdout), complaints = warnings(decoder.decode(stderr) + text);
    if (!success || complaints.length > 0) {
      throw new Error(`redis-benchmark ${args.join(" ")} against ${this.program}: ${complaints.join("; ")}`);
    }
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/**
 * Sends one command and resolves with its reply as text, without protocol marks; an error reply
 * throws.
 */
export async function ask(connection: RawConnection, ...words: string[]): Promise<string> {
  const reply = await connection.send(...words);
  if (reply.startsWith("-")) throw new Error(`${words.join(" ").slice(0, 80)}: ${reply.slice(1).trim()}`);
  const content = reply.startsWith("$") ? reply.slice(reply.indexOf("\r\n") + 2) : reply.slice(1);
  return content.slice(0, -2);
}
