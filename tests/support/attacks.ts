/**
 * Attacks by ill-behaved clients: load for tests of the server's limits, and for measuring its
 * effect on other clients.
 */
import { encodeCommand } from "./oracle.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** Connections opened at a time. */
const AT_ONCE = 200;

/** The connections of an attack, open until it is disposed of. */
export class Attack implements Disposable {
  readonly conns: Deno.Conn[] = [];

  constructor(readonly port: number) {}

  /** Opens `count` connections. */
  async open(count: number): Promise<void> {
    while (count > 0) {
      const some = Math.min(count, AT_ONCE);
      const connect = () => Deno.connect({ hostname: "127.0.0.1", port: this.port });
      this.conns.push(...await Promise.all(Array.from({ length: some }, connect)));
      count -= some;
    }
  }

  /** Sends bytes on every connection; connections closed by the server are skipped. */
  async sendAll(text: string): Promise<void> {
    const bytes = encoder.encode(text);
    await Promise.all(this.conns.map((conn) => writeAll(conn, bytes)));
  }

  /** Sends a command on every connection byte by byte, all connections in turn. */
  async trickle(words: readonly string[]): Promise<void> {
    for (const char of encodeCommand(words)) await this.sendAll(char);
  }

  /** One reply line from every connection. */
  readAll(): Promise<string[]> {
    return Promise.all(this.conns.map(async (conn) => {
      const buffer = new Uint8Array(64);
      let text = "";
      while (!text.endsWith("\r\n")) text += decoder.decode(buffer.subarray(0, await conn.read(buffer) ?? 0));
      return text;
    }));
  }

  /** Ends it. */
  close(): void {
    for (const conn of this.conns.splice(0)) conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  try {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
  } catch {
    // The server has already closed it.
  }
}

/** The number of files this process, and each process it starts, may have open. */
export async function openFiles(): Promise<number> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "ulimit -n"] }).output();
  const text = decoder.decode(stdout).trim();
  return text === "unlimited" ? Infinity : Number(text);
}

/** Opens `count` idle connections. */
export async function idle(port: number, count: number): Promise<Attack> {
  const attack = new Attack(port);
  await attack.open(count);
  return attack;
}
