import { assertEquals, assertStrictEquals } from "@std/assert";
import { socketsAreAsked } from "../../../src/util/event_loop.ts";

Deno.test("socketsAreAsked lets a read proceed whose bytes have arrived, and all callers share one wait", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using near = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using far = await listener.accept();
  let received = 0;
  const reading = far.read(new Uint8Array(1)).then((count) => received = count ?? 0);
  await near.write(new Uint8Array(1));
  for (let turns = 0; received === 0 && turns < 1000; turns++) {
    const first = socketsAreAsked();
    assertStrictEquals(socketsAreAsked(), first);
    await first;
  }
  assertEquals(received, 1);
  await reading;
});
