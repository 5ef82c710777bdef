import { assertEquals } from "@std/assert";
import { PENDING, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** Waits for the end of what `client` waits for. */
async function ended(client: { client: { blocked: unknown } }): Promise<void> {
  while (client.client.blocked !== null) await new Promise((resume) => setTimeout(resume, 1));
}

for (const [given, effectiveMs] of [["0", 1000], ["-1", 1000], ["1", 1], ["250", 250]] as const) {
  Deno.test(`MIGRATE with a time-out of ${given} holds writes up for twice ${effectiveMs} ms at most`, async () => {
    using s = startInProcess();
    const mover = s.client(), writer = s.client();
    mover.send("SET", "k", "v");
    // Nothing listens on the port; until that is known both clients wait.
    assertEquals(mover.send("MIGRATE", "127.0.0.1", "1", "k", "0", given), PENDING);
    assertEquals(writer.send("SET", "k", "w"), PENDING);
    s.advance(2 * effectiveMs - 1);
    assertEquals(writer.received(), []);
    s.advance(1);
    assertEquals(writer.received(), ["OK"]);
    await ended(mover);
    assertEquals(mover.received(), [
      new ReplyFailure("IOERR error or timeout connecting to the client"),
    ]);
  });
}
