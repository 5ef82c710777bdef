/** Joins the persistence to a running server: loading at the start, the append only file, what happens at shutdown. */
import { Client, ClientFlag, silentTransport } from "../engine/client.ts";
import type { EngineLog } from "../engine/engine.ts";
import { EngineGuard } from "../engine/refusals.ts";
import { Args } from "../engine/args.ts";
import { type AofSettings, AppendOnlyFile } from "../persistence/aof.ts";
import { type AofTarget, loadAppendOnlyFile } from "../persistence/aof_loader.ts";
import { denoFiles, type FileHandle } from "../persistence/files.ts";
import { LoadError, LoadProgress } from "../persistence/loading.ts";
import { misconfAof } from "../protocol/errors.ts";
import type { CommandBatch } from "../protocol/request_decoder.ts";
import type { Server } from "./server.ts";

export class Persistence {
  readonly aof: AppendOnlyFile;
  readonly #replayer: Client;
  readonly #args = new Args();

  constructor(readonly server: Server, readonly log: EngineLog) {
    const { engine } = server;
    this.aof = new AppendOnlyFile(denoFiles, engine.clock, log, this.#settings());
    this.#replayer = new Client(engine.databases[0]!, 0, silentTransport, engine.nowMs);
    this.#replayer.set(ClientFlag.Silent);
    engine.diskError = () => this.aof.refusal === null ? null : misconfAof(this.aof.refusal);
    engine.otherMemory.push(() => this.aof.pendingBytes);
  }

  #settings(): AofSettings {
    const { values } = this.server.engine.config;
    return {
      dir: values.dir,
      dirName: values.appenddirname,
      fileName: values.appendfilename,
      fsync: values.appendfsync,
      noFsyncOnRewrite: values.noAppendfsyncOnRewrite,
      timestamps: values.aofTimestampEnabled,
      rdbBase: values.aofUseRdbPreamble,
      loadTruncated: values.aofLoadTruncated,
      keepHistory: values.aofDisableAutoGc,
    };
  }

  /** Loads what is on the disk and begins to write. Throws if it cannot be loaded. */
  async start(): Promise<void> {
    const { engine } = this.server;
    if (!engine.config.values.appendonly) return;
    engine.setGuard(EngineGuard.Loading, true);
    engine.keepExpired = true;
    this.aof.readManifest();
    await loadAppendOnlyFile(this.aof, this.#target(), new LoadProgress(engine.clock));
    engine.keepExpired = false;
    engine.setGuard(EngineGuard.Loading, false);
    this.aof.settings.rdbBase = false;
    this.aof.openOnStart((path) => Deno.writeFileSync(path, new Uint8Array(0)));
    engine.propagation.sinks.push(this.aof);
    this.server.tasks.push(() => {
      this.aof.tick();
      engine.setGuard(EngineGuard.Disk, this.aof.refusal !== null);
    });
  }

  #target(): AofTarget {
    return {
      run: (batch, index) => this.#replay(batch, index),
      discardTransaction: () => this.server.engine.discard(this.#replayer),
      loadRdb: (_file: FileHandle, name: string) => {
        throw new LoadError("RDB base files cannot be read", name, 0);
      },
    };
  }

  #replay(batch: CommandBatch, index: number): string | null {
    const { engine } = this.server;
    this.#args.point(batch, index);
    const cmd = engine.commandFor(this.#replayer, this.#args);
    if (cmd === undefined) return `unknown command '${this.#args.string(0)}'`;
    engine.execute(this.#replayer, this.#args);
    this.#replayer.reply.rewind(0);
    return null;
  }

  /** At shutdown: everything acknowledged is on the disk afterwards. Throws if it cannot be. */
  finish(_options: { save?: boolean }): void {
    if (this.server.engine.config.values.appendonly) this.aof.finish();
  }
}
