/**
 * Clients that write to a server which may be killed at any moment, each in a database of its own,
 * and know what must be there afterwards: everything acknowledged, followed by any number of the
 * commands under way, in order.
 */
import { encodeCommand, type RawConnection, replyEnd } from "../support/oracle.ts";
import type { Random } from "../../src/util/random.ts";

/** A database's content: `type key` and the value. */
type State = Map<string, string>;

/** One step of a writer: commands that belong together, and their effect on a state. */
interface Step {
  readonly commands: string[][];
  apply(state: State): void;
}

const KEYS = 20;

function list(state: State, key: string): string[] {
  return state.get(`list ${key}`)?.split(",") ?? [];
}

function randomStep(random: Random, serial: number): Step {
  const key = String(random.below(KEYS)),
    value = `${serial}-${"x".repeat(random.below(random.below(20) === 0 ? 20_000 : 60))}`;
  switch (random.below(12)) {
    case 0:
      return { commands: [["DEL", `s${key}`]], apply: (state) => void state.delete(`string s${key}`) };
    case 1:
      return {
        commands: [["RPUSH", `l${key}`, value]],
        apply: (state) => void state.set(`list l${key}`, [...list(state, `l${key}`), value].join()),
      };
    case 2:
      return {
        commands: [["LTRIM", `l${key}`, "-5", "-1"]],
        apply(state) {
          const rest = list(state, `l${key}`).slice(-5);
          if (rest.length > 0) state.set(`list l${key}`, rest.join());
        },
      };
    case 3:
    case 4:
    case 5:
      return transaction(random, value);
    case 6:
      if (random.below(10) > 0) return randomStep(random, serial);
      return { commands: [["FLUSHDB"]], apply: (state) => state.clear() };
    case 7:
      return {
        commands: [["INCR", "counter"]],
        apply: (state) =>
          void state.set("string counter", String(Number(state.get("string counter") ?? 0) + 1)),
      };
    case 8:
      return {
        commands: [["SET", `s${key}`, value, "PX", "100000000"]],
        apply: (state) => void state.set(`string s${key}`, value),
      };
    default:
      return {
        commands: [["SET", `s${key}`, value]],
        apply: (state) => void state.set(`string s${key}`, value),
      };
  }
}

/** Sets all its keys and counts. */
const SCRIPT =
  "for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[1]) end return redis.call('INCR', 'counter')";

/** Several keys at once, in a transaction or a script: half of it must never be visible. */
function transaction(random: Random, value: string): Step {
  const keys = Array.from({ length: 1 + random.below(6) }, () => `s${random.below(KEYS)}`);
  const commands = random.below(3) === 0
    ? [["EVAL", SCRIPT, String(keys.length), ...keys, value]]
    : [["MULTI"], ...keys.map((key) => ["SET", key, value]), ["INCR", "counter"], ["EXEC"]];
  return {
    commands,
    apply(state) {
      for (const key of keys) state.set(`string ${key}`, value);
      state.set("string counter", String(Number(state.get("string counter") ?? 0) + 1));
    },
  };
}

export class Writer {
  /** Steps acknowledged so far. */
  acknowledged = 0;
  #state: State = new Map();
  #underWay: Step[] = [];
  #serial = 0;

  /** @param database the writer's own database */
  constructor(readonly database: number, readonly random: Random) {}

  /** Writes until the connection breaks; `onStep` is called for each step acknowledged. */
  async run(connection: RawConnection, onStep: () => void): Promise<void> {
    try {
      await connection.send("SELECT", String(this.database));
      for (;;) {
        const steps = Array.from(
          { length: 1 + this.random.below(this.random.below(4) === 0 ? 30 : 3) },
          () => randomStep(this.random, ++this.#serial),
        );
        this.#underWay = [...steps];
        await connection.write(steps.map((step) => step.commands.map(encodeCommand).join("")).join(""));
        for (const step of steps) {
          let refused = "";
          for (const _ of step.commands) {
            const reply = await connection.read();
            if (reply.startsWith("-")) refused = reply;
          }
          if (refused !== "") throw new RefusedError(refused);
          this.#underWay.shift()?.apply(this.#state);
          this.acknowledged++;
          onStep();
        }
      }
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      // The server has been killed, as intended.
    }
  }

  /** The fault in the database after a restart, or null. Further steps build on its content. */
  async check(connection: RawConnection): Promise<string | null> {
    const found = await contentOf(connection, this.database);
    const expected = new Map(this.#state);
    const steps = this.#underWay;
    this.#underWay = [];
    this.#state = found;
    for (let done = 0; done <= steps.length; done++) {
      if (sameState(found, expected)) return null;
      steps[done]?.apply(expected);
    }
    return `database ${this.database} is neither what was acknowledged nor that and some of the ${steps.length} steps ` +
      `under way:\n${describe(found, expected)}`;
  }
}

/** A write was refused although the disk worked. */
class RefusedError extends Error {
  override name = "RefusedError";
}

function sameState(a: State, b: State): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}

function describe(found: State, expected: State): string {
  const names = new Set([...found.keys(), ...expected.keys()]);
  return [...names].filter((name) => found.get(name) !== expected.get(name))
    .map((name) =>
      `  ${name}: ${found.get(name)?.slice(0, 40)} instead of ${expected.get(name)?.slice(0, 40)}`
    )
    .slice(0, 10).join("\n");
}

/** The strings in the array reply of a command. */
async function strings(connection: RawConnection, ...command: string[]): Promise<string[]> {
  const reply = await connection.send(...command), found: string[] = [];
  for (let at = reply.indexOf("\r\n") + 2; at < reply.length; at = replyEnd(reply, at)) {
    found.push(reply.slice(reply.indexOf("\r\n", at) + 2, replyEnd(reply, at) - 2));
  }
  return found;
}

async function contentOf(connection: RawConnection, database: number): Promise<State> {
  const state: State = new Map();
  await connection.send("SELECT", String(database));
  for (const key of await strings(connection, "KEYS", "*")) {
    if (key.startsWith("l")) {
      state.set(`list ${key}`, (await strings(connection, "LRANGE", key, "0", "-1")).join());
    } else state.set(`string ${key}`, (await strings(connection, "MGET", key))[0] ?? "");
  }
  return state;
}
