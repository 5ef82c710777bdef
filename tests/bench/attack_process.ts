/**
 * Ill-behaved clients, in a process of their own so that the measuring process does not wait for
 * them. Prints `ready` when the attack is under way, and continues until it is killed.
 *
 *     deno run attack_process.ts NAME PORT
 */
import { type Attack, idle } from "../support/attacks.ts";
import { encodeCommand } from "../support/oracle.ts";

/** Size of the server's value under the key `big`. */
export const BIG_BYTES = 100_000;

const SLOW_COMMAND = encodeCommand(["SET", "slow", "value"]);
/** Number of bytes every slow client has sent. */
let bytes = 0;

/** The next ten slow clients send their next byte: each at a time of its own. */
async function trickle({ conns }: Attack): Promise<void> {
  for (let i = 0; i < 10; i++, bytes++) {
    const text = SLOW_COMMAND[Math.floor(bytes / conns.length) % SLOW_COMMAND.length] ?? "";
    await conns[bytes % conns.length]?.write(new TextEncoder().encode(text));
  }
}

/** One kind of attack: its start, and its continuation. */
interface Sort {
  clients: number;
  begin?: (attack: Attack) => Promise<void> | void;
  goOn?: (attack: Attack) => Promise<void>;
  /** Interval of the continuation, milliseconds. */
  paceMs?: number;
}

/** All kinds of attack by name. */
export const attacks: Readonly<Record<string, Sort>> = {
  "10,000 idle connections": { clients: 10_000 },
  "500 clients sending byte by byte": {
    clients: 500,
    goOn: trickle,
    paceMs: 1,
  },
  "100 clients that never read": {
    clients: 100,
    // Output that does not fit the socket waits in it; the attack continues meanwhile.
    begin: (attack) => void attack.sendAll(encodeCommand(["GET", "big"]).repeat(500)),
  },
  "1,000 bulks announced, not sent": {
    clients: 1000,
    begin: (attack) => attack.sendAll("*1048576\r\n$536870912\r\n" + "x".repeat(1000)),
  },
  "deeply nested scripts": {
    clients: 1,
    goOn: async (attack) => {
      await attack.sendAll(encodeCommand(["EVAL", "return cjson.decode(ARGV[1])", "0", "[".repeat(1000)]));
      await attack.readAll();
    },
    paceMs: 50,
  },
};

if (import.meta.main) {
  const [name = "", port = ""] = Deno.args;
  const sort = attacks[name];
  if (sort === undefined) throw new Error(`there is no attack '${name}'`);
  const attack = await idle(Number(port), sort.clients);
  await sort.begin?.(attack);
  console.log("ready");
  for (;;) {
    await sort.goOn?.(attack);
    await new Promise((resolve) => setTimeout(resolve, sort.paceMs ?? 1000));
  }
}
