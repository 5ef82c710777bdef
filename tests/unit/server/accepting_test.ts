import { assertEquals } from "@std/assert";
import { keepAccepting } from "../../../src/server/accepting.ts";

/** What is logged, and how long was paused, while accepting fails in these ways and then ends. */
async function acceptWith(...codes: string[]) {
  const seen = { verbose: 0, warning: 0, pauses: [] as number[] };
  const log = { verbose: () => seen.verbose++, warning: () => seen.warning++ };
  const accept = () => {
    const code = codes.shift();
    return code === undefined ? Promise.resolve() : Promise.reject(Object.assign(new Error(code), { code }));
  };
  await keepAccepting(accept, log, (ms) => Promise.resolve(seen.pauses.push(ms)));
  return seen;
}

Deno.test("keepAccepting goes on at once behind clients that have gone", async () => {
  const seen = await acceptWith("ENOTCONN", "ECONNABORTED", "ECONNRESET", "EINVAL");
  assertEquals(seen, { verbose: 4, warning: 0, pauses: [] });
});

Deno.test("keepAccepting lets the event loop run among very many of them", async () => {
  const { pauses } = await acceptWith(...Array<string>(200).fill("ENOTCONN"));
  assertEquals(pauses, [0, 0, 0]);
});

Deno.test("keepAccepting pauses where files or memory are exhausted", async () => {
  for (const code of ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]) {
    assertEquals(await acceptWith(code), { verbose: 0, warning: 1, pauses: [100] });
  }
});
