/** MONITOR: clients that see every command as it runs, scripts' calls included. */
import { quoteArg } from "../util/sds_split.ts";
import type { Args } from "./args.ts";
import { type Client, ClientFlag } from "./client.ts";
import { type Command, Flag } from "./command.ts";
import type { Engine } from "./engine.ts";
import { shownWords } from "./redaction.ts";

/** The clients that have called MONITOR. */
export class Monitors {
  readonly #engine: Engine;
  readonly #clients = new Set<Client>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Number of clients that watch. */
  get count(): number {
    return this.#clients.size;
  }

  add(client: Client): void {
    client.set(ClientFlag.Monitor);
    this.#clients.add(client);
  }

  remove(client: Client): void {
    client.unset(ClientFlag.Monitor);
    this.#clients.delete(client);
  }

  /** A command begins: a command that runs others is shown before them. */
  commandBegins(client: Client, cmd: Command, args: Args): void {
    if ((cmd.flags & Flag.SkipMonitor) !== 0) this.#show(client, cmd, args);
  }

  /** A command has run. Administrative ones are not shown. */
  commandRan(client: Client, cmd: Command, args: Args): void {
    if ((cmd.flags & (Flag.SkipMonitor | Flag.Admin)) === 0) this.#show(client, cmd, args);
  }

  #show(client: Client, cmd: Command, args: Args): void {
    if (client.has(ClientFlag.Silent)) return;
    const nowUs = this.#engine.clock.nowUs();
    const time = `${Math.floor(nowUs / 1e6)}.${String(nowUs % 1e6).padStart(6, "0")}`;
    const words = shownWords(cmd, args).map(quoteArg).join(" ");
    const line = `${time} [${client.databaseId} ${sourceOf(client)}] ${words}`;
    for (const monitor of this.#clients) this.#engine.pushes.to(monitor).simple(line);
  }
}

function sourceOf(client: Client): string {
  if (client.has(ClientFlag.Script)) return "lua";
  const { address } = client.transport;
  return client.has(ClientFlag.UnixSocket) ? `unix:${address.replace(/:0$/, "")}` : address;
}
