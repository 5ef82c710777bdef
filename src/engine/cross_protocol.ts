/**
 * Web pages can make a browser send HTTP requests to any port. Most of their lines are unknown
 * commands here, but their body could hold known ones. So a client that sends `POST` or `Host:` is
 * cut off before the body is read, as by redis-server.
 */
import type { Args } from "./args.ts";
import type { Client } from "./client.ts";
import type { Engine } from "./engine.ts";

/** Least interval between two log lines, milliseconds: the log must not be filled from outside. */
const LOG_EVERY_MS = 60_000;

/** See the head of this file. */
export class CrossProtocolGuard {
  readonly #engine: Engine;
  #loggedAtMs = -Infinity;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Closes the connection if `args`, which name no command, begin an HTTP request; false if they do
   * not.
   */
  cutOffHttp(client: Client, args: Args): boolean {
    if (!args.is(0, "POST") && !args.is(0, "HOST:")) return false;
    const { log, nowMs } = this.#engine;
    if (nowMs - this.#loggedAtMs > LOG_EVERY_MS) {
      this.#loggedAtMs = nowMs;
      log.warning(
        `Possible SECURITY ATTACK detected: ${client.transport.address} sends HTTP (POST or Host:), as a web page does ` +
          "that tries to have commands run here. Its connection is closed.",
      );
    }
    client.transport.close(false);
    return true;
  }
}
