import { assert, assertEquals, assertMatch } from "@std/assert";
import { redenoCommand } from "../support/launch.ts";
import { freePort, RawConnection, ServerProcess } from "../support/oracle.ts";

/** A server that takes its time to load what is in `folder`. */
async function slowStart(folder: string, directives: string[], delayUs = 2000) {
  const port = freePort(), [program, ...words] = redenoCommand();
  const own = ["--port", String(port), "--dir", folder, "--key-load-delay", String(delayUs)];
  const args = [...words, ...own, ...directives];
  const child = new Deno.Command(program, { args, stdout: "null" }).spawn();
  for (;;) {
    const c = await RawConnection.open(port).catch(() =>
      new Promise<null>((r) => setTimeout(() => r(null), 20))
    );
    if (c !== null) return { child, c };
  }
}

for (const appendonly of ["no", "yes"]) {
  Deno.test(`a server that loads says so to every client and in INFO, appendonly ${appendonly}`, async () => {
    const directives = ["--save", "", "--appendonly", appendonly, "--aof-use-rdb-preamble", "no"];
    const folder = await Deno.makeTempDir({ prefix: "redeno-loading-" });
    const first = await ServerProcess.start(redenoCommand(), directives, folder);
    {
      using c = await first.connect();
      const values = Array.from({ length: 900 }, (_, i) => ["SET", `key:${i}`, "x".repeat(200)]);
      assert((await c.pipeline(values)).every((reply) => reply === "+OK\r\n"));
      if (appendonly === "no") assertEquals(await c.send("SAVE"), "+OK\r\n");
    }
    await first.stop("SIGKILL");
    const { child, c } = await slowStart(folder, directives);
    try {
      const loading = "-LOADING Redis is loading the dataset in memory\r\n";
      for (const command of [["GET", "key:1"], ["SET", "a", "b"], ["PING"]]) {
        assertEquals(await c.send(...command), loading);
      }
      const info = await c.send("INFO", "persistence");
      assertMatch(info, /\r\nloading:1\r\n/);
      for (const field of ["start_time", "total_bytes", "loaded_bytes", "loaded_perc", "eta_seconds"]) {
        assertMatch(info, new RegExp(`\\r\\nloading_${field}:\\d+`));
      }
      while (await c.send("PING") === loading) await new Promise((resume) => setTimeout(resume, 50));
      assertEquals(await c.send("DBSIZE"), ":900\r\n");
      const after = await c.send("INFO", "persistence");
      assertMatch(after, /\r\nloading:0\r\n/);
      assert(!after.includes("loading_eta_seconds"));
    } finally {
      c[Symbol.dispose]();
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("a server that is told to end while it loads ends at once and leaves its files alone", async () => {
  const folder = await Deno.makeTempDir({ prefix: "redeno-loading-" }), directives = ["--save", "900 1"];
  const first = await ServerProcess.start(redenoCommand(), directives, folder);
  {
    using c = await first.connect();
    await c.pipeline(Array.from({ length: 900 }, (_, i) => ["SET", `key:${i}`, "x"]));
  }
  await first.stop();
  const bytes = await Deno.readFile(`${folder}/dump.rdb`);
  // To its end the load would take a quarter of an hour.
  const { child, c } = await slowStart(folder, directives, 1_000_000);
  try {
    assertMatch(await c.send("INFO", "persistence"), /\r\nloading:1\r\n/);
    child.kill("SIGTERM");
    assertEquals((await child.status).code, 0);
    assertEquals(await Deno.readFile(`${folder}/dump.rdb`), bytes);
  } finally {
    c[Symbol.dispose]();
    await Deno.remove(folder, { recursive: true });
  }
});
