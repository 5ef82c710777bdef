/** Scripts that do not end, in a server of its own: what others are told, and how it is brought to an end. */
import { assertEquals, assertMatch } from "@std/assert";
import { type RawConnection, type ServerProcess, startRedeno } from "../support/oracle.ts";

const BUSY = "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n";
const FOREVER = "while true do end";

/** Sends a command until its answer is no longer `until`. */
async function whileAnswered(until: string, c: RawConnection, ...words: string[]): Promise<string> {
  for (;;) {
    const answer = await c.send(...words);
    if (answer !== until) return answer;
  }
}

/** A server in which a script runs that will not end, after `first`, and a second connection to it. */
async function withEndlessScript(
  first: string,
  use: (server: ServerProcess, other: RawConnection, ran: Promise<string>) => Promise<void>,
): Promise<void> {
  await using server = await startRedeno(["--busy-reply-threshold", "20"]);
  using caller = await server.connect();
  using other = await server.connect();
  const ran = caller.send("EVAL", `${first} ${FOREVER}`, "0").catch(() => "closed");
  assertEquals(await whileAnswered("+PONG\r\n", other, "PING"), BUSY);
  await use(server, other, ran);
}

Deno.test("an endless script that has written nothing: others get BUSY, SCRIPT KILL ends it", () =>
  withEndlessScript("", async (server, other, ran) => {
    for (
      const words of [["GET", "k"], ["EVAL", "return 1", "0"], ["SHUTDOWN"], ["SHUTDOWN", "SAVE"], [
        "DEBUG",
        "SLEEP",
        "0",
      ]]
    ) {
      assertEquals(await other.send(...words), BUSY, words.join(" "));
    }
    assertMatch(await other.send("FUNCTION", "KILL"), /^-BUSY .*SCRIPT KILL/);
    assertEquals(await other.send("SCRIPT", "KILL"), "+OK\r\n");
    assertMatch(await ran, /^-ERR Error running script|^-ERR Script killed by user with SCRIPT KILL/);
    assertEquals(await whileAnswered(BUSY, other, "PING"), "+PONG\r\n");
    assertMatch(server.log, /Slow script detected: still in execution after \d+ milliseconds/);
  }));

Deno.test("an endless script that has written is not killed; SHUTDOWN NOSAVE ends the server", () =>
  withEndlessScript("redis.call('SET', 'k', 'v')", async (server, other, ran) => {
    assertMatch(await other.send("SCRIPT", "KILL"), /^-UNKILLABLE /);
    assertEquals(await other.send("GET", "k"), BUSY);
    await other.write("SHUTDOWN NOSAVE\r\n");
    assertEquals(await other.readToEnd().catch(() => ""), "");
    assertEquals((await server.stop("SIGCONT")).code, 0);
    assertEquals(await ran, "closed");
  }));
